//===- WeightsWriter.h - from checkpoint to payload -------------*- C++ -*-===//
//
// The bytes of all weights in the order and layout that the IR states,
// streamed: pages of the mapped checkpoint are read, packed, written and let
// go, so that memory stays near a few MiB (I6).
//
//===----------------------------------------------------------------------===//
#ifndef TENON_DRIVER_WEIGHTSWRITER_H
#define TENON_DRIVER_WEIGHTSWRITER_H

#include "mlir/IR/BuiltinOps.h"
#include "tenon/Checkpoint/Checkpoint.h"
#include "tenon/Dialect/Tenon/IR/TenonDialect.h"
#include "tenon/Driver/Packing.h"
#include "tenon/Runtime/Metadata.h"

#include <functional>
#include <string>
#include <vector>

namespace tenon {

/// What a tenon.weight says, kept when the lowering drops the operation.
struct PlannedWeight {
  std::string name;
  mlir::RankedTensorType layerType; ///< of one layer: element, shape, panel
  std::vector<mlir::Attribute> sources;
  int64_t layers = 1;
  bool stacked = false;
  /// In each layer of the model. The stack counts layers and experts: what is
  /// a layer here is an expert of one.
  int64_t experts = 1;
  /// The model's numbers of the layers; empty: all, in order.
  std::vector<int64_t> layerNumbers;
  uint64_t offset = 0; ///< of layer 0, bytes from the start of the weights
  uint64_t stride = 0; ///< bytes from one layer to the next
  uint64_t layerBytes = 0;
  bool frozen = false; ///< of a model that learns: it does not
  /// What a weight that no checkpoint has begins with (IR/Adapters.h).
  std::string initial;

  bool operator==(const PlannedWeight &) const = default;

  /// Whether it is stored in blocks that its tensors do not have.
  bool isQuantizedHere() const;

  /// From the first byte of layer 0 to the last of the last layer.
  uint64_t totalBytes() const { return (layers - 1) * stride + layerBytes; }
};

/// The checkpoint's name of a source for a place in the stack.
std::string getTensorName(const PlannedWeight &weight, SourceAttr source,
                          int64_t place);

/// What an operation says, but for its place in memory.
PlannedWeight describeWeight(WeightOp op);

/// Whether one tensor holds all experts of a layer.
bool isFused(const PlannedWeight &weight, SourceAttr source);

/// All weights of a module after tenon-bufferize, by offset. Errors: a weight
/// without a place, or two that overlap (a fault of a pass, or of IR by hand).
Expected<std::vector<PlannedWeight>> planWeights(mlir::ModuleOp module);

class AdapterDirectory;

struct WeightsOptions {
  /// Null: random weights from `seed`.
  const Checkpoint *checkpoint = nullptr;
  uint64_t seed = 0;
  /// What is added to the checkpoint's matrices; null: nothing.
  AdapterDirectory *adapter = nullptr;
  /// NaN or infinity is an error, not a warning.
  bool strict = false;
  /// How much an error in each column of a weight's layer matters; empty: all
  /// alike. Null: likewise.
  std::function<std::span<const float>(const std::string &weight,
                                       int64_t layer)>
      importance;
  /// Receives, for each weight that was quantized here, a line on the error:
  /// "block.wq: q4_0, 16.8 M weights, error 8.31 % (root mean square)", with
  /// importance then ", by importance 7.10 %, without it 8.25 %".
  std::function<void(const std::string &)> report;
  /// Receives the error alone: root mean square, relative to the weight's.
  std::function<void(const std::string &weight, double error)> measured;
  /// Receives warnings, one text each.
  std::function<void(const std::string &)> warn;
};

struct WeightsSummary {
  std::vector<runtime::WeightInfo> weights;
  int64_t parameters = 0; ///< elements of all sources
  std::map<std::string, uint64_t> bytesByType;
};

/// Writes all weights, and zeros between them, to the sink.
/// Errors: those of the sink; a tensor that is missing or of another shape or
/// type than the IR says; bad numbers with `strict`.
Expected<WeightsSummary> writeWeights(std::span<const PlannedWeight> plan,
                                      const WeightsOptions &options,
                                      const ByteSink &sink);

/// Writes one layer of a weight (or one expert of one), by its place in the
/// stack, and nothing beside it. Errors as above.
Status writeWeightLayer(const PlannedWeight &weight, int64_t place,
                        const WeightsOptions &options, const ByteSink &sink);

/// The plan's numbers without writing: what metadata says of a model.
WeightsSummary summarizeWeights(std::span<const PlannedWeight> plan);

} // namespace tenon

#endif // TENON_DRIVER_WEIGHTSWRITER_H
