//===- Calibration.h - what linears are multiplied by, over a text -*- C++
//-*-===//
#ifndef TENON_LIB_DRIVER_CALIBRATION_H
#define TENON_LIB_DRIVER_CALIBRATION_H

#include "Frontend.h"
#include "Importance.h"
#include "MetadataBuilder.h"

#include <string>

namespace tenon {

/// Runs a model as its checkpoint has it over a text file, and returns the mean
/// squares of its linears' inputs.
///
/// The model is compiled for this machine's CPU, whatever it is compiled for
/// afterwards, with tenon-insert-calibration, and loaded into this process; its
/// weights lie in a temporary file. A decoder reads the text in pieces of its
/// context, an encoder each line as a text of its own. A linear of several
/// entry points is observed in the first that runs it.
///
/// `module` is at Stage::Cached and stays as it is; `metadata` has the entries.
/// Errors: a text that cannot be read, or of less than kLeastTokens tokens; no
/// tokenizer; out of memory or disk.
Expected<Importance> calibrate(mlir::ModuleOp module, MetadataBuilder metadata,
                               const LoadedModel &model,
                               const CompileOptions &options);

/// Fewer tokens than this say nothing about the columns of a weight.
inline constexpr size_t kLeastTokens = 32;

} // namespace tenon

#endif // TENON_LIB_DRIVER_CALIBRATION_H
