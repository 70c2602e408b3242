//===- TrainingPlan.h - what a trainer writes checkpoints of ----*- C++ -*-===//
#ifndef TENON_LIB_DRIVER_TRAININGPLAN_H
#define TENON_LIB_DRIVER_TRAININGPLAN_H

#include "Frontend.h"
#include "tenon/Driver/WeightsWriter.h"
#include "tenon/Runtime/TrainingInfo.h"

namespace tenon {

/// Errors: BadUsage for options and models that cannot be trained so far.
Status checkTraining(const CompileOptions &options);
/// `getsHead`: its labels are to be others; `isFrozen`: adapters alone learn.
Status checkTraining(const LoadedModel &model, bool getsHead, bool isFrozen);

/// The tensors that the weights of a plan are, by the names and shapes of the
/// checkpoint, and the files that stand beside them, whose `dtype` is f32 now;
/// with adapters, what PEFT has of such.
/// Errors: a weight that is no tensor as it is; a file that cannot be read.
Expected<runtime::TrainingInfo>
planTraining(std::span<const PlannedWeight> plan, const LoadedModel &model,
             const std::optional<AdapterOptions> &adapters);

} // namespace tenon

#endif // TENON_LIB_DRIVER_TRAININGPLAN_H
