//===- SelectPlan.cpp - choose how kernels go about it --------------------===//
//
// Numbers that were measured come from the target's tuning
// (lib/Target/Tuning.def); what is decided here follows from the registers and
// instructions that the target has, and from the shape of the weights.
//
// * Few rows are one tile, which streams weights: half of the registers
//   accumulate, the rest holds weights on their way. Where weights are plain
//   numbers its sums must fit that half; of superblocks a vector at a time has
//   sums that do.
// * Many rows share the work of unpacking panels of superblocks, unless
//   integers are bytes already, and scales cheap to convert (SSE has no
//   instruction for f16). Tiles that stream are powers of two.
// * Streaming tiles of several rows compute for so long between their reads
//   that a CPU's prefetchers fall behind. The first-level cache waits for few
//   lines at a time: where products of a line take longer than reading it, it
//   is asked for early, and for the second-level cache. A row with one product
//   in a line runs into what its prefetchers have not got yet.
// * A small panel comes in while its first tile is computed: asking for the
//   next task's is not worth a loop of its own in the code.
//
//===----------------------------------------------------------------------===//

#include "TileModel.h"
#include "tenon/Dialect/Tenon/IR/ByteProducts.h"
#include "tenon/Dialect/Tenon/IR/Plan.h"
#include "tenon/Dialect/Tenon/IR/Tuning.h"

using namespace mlir;
using namespace tenon;

namespace {

/// Bytes of a line of the caches.
constexpr int64_t kLine = 64;

/// A linear's packed weight.
struct PackedWeight {
  /// Columns of a panel, and its bytes: those of whole lines.
  int64_t columns, bytes;
  /// Weights in superblocks, or...
  std::optional<Superblock> format;
  /// ... bits of a number, and numbers side by side along K.
  int64_t bits = 0, k = 0;

  /// Nothing if it is not packed.
  static std::optional<PackedWeight> get(ShapedType type);
};

std::optional<PackedWeight> PackedWeight::get(ShapedType type) {
  SmallVector<int64_t> shape(type.getShape());
  Type element = type.getElementType();
  PanelAttr panel = getPanel(type);
  if (panel) {
    shape = panel.getPackedShape(shape, element);
    element = panel.getPackedElement(element);
  }
  PackedWeight weight;
  if (auto superblock = dyn_cast<SuperblockType>(element)) {
    if (shape.size() != 2)
      return std::nullopt;
    weight.format = superblock.getSuperblock();
    weight.columns = superblock.getColumns();
    weight.bytes = shape[1] * getElementBytes(element);
    return weight;
  }
  if (shape.size() != 4)
    return std::nullopt;
  weight.columns = shape[2];
  weight.k = shape[3];
  weight.bits = 8 * getElementBytes(element);
  weight.bytes = llvm::alignTo(
      shape[1] * shape[2] * shape[3] * getElementBytes(element), kLine);
  return weight;
}

class PlanModel {
public:
  PlanModel(LinearOp op, PackedWeight weight, TileAttr tile, TargetAttr target)
      : target(target), tuning(Tuning::of(target)), weight(weight), tile(tile),
        lanes(target.getVectorBits() / 32),
        rows(cast<ComputeOpInterface>(op.getOperation())
                 .getOutputType()
                 .getDimSize(0)),
        chains(weight.format && addsInChains(target)) {
    Type input = cast<ShapedType>(op.getInput().getType()).getElementType();
    auto groups = dyn_cast<Int8GroupType>(input);
    terms = groups && groups.getResidual() ? 2 : 1;
    links = weight.k == 2 && !input.isBF16() ? 2 : 1;
  }

  LinearPlan get() const {
    LinearPlan plan;
    plan.panels = panels();
    if (plan.panels > 0) {
      if (weight.format && lanes < 8)
        plan.streamColumns = Superblock::kLanes;
    } else {
      setManyRows(plan);
    }
    if (chains) {
      plan.streamVectors = Superblock::kLanes / lanes;
      plan.registerSums = target.getRegisters() / 2;
      plan.chains =
          std::max<int64_t>(target.getRegisters() - kChainTemporaries, 1);
    }
    if (splitsSums())
      plan.splitRows = tuning.splitRows;
    setPrefetch(plan);
    return plan;
  }

private:
  /// Registers for weights, an activation and a product.
  static constexpr int64_t kChainTemporaries = 4;

  bool isDynamic() const { return ShapedType::isDynamic(rows); }

  /// What all rows as one tile take at once; 0 if they are too many.
  int64_t panels() const {
    int64_t most = target.getRegisters() / 2 /
                   std::max<int64_t>(weight.columns / lanes, 1);
    bool isFew = rows == 1 || (!isDynamic() && rows <= tile.getRows() &&
                               (weight.format || rows <= most));
    return isFew ? std::clamp<int64_t>(most / std::max<int64_t>(rows, 1), 1,
                                       tile.getGroup())
                 : 0;
  }

  bool unpacks() const {
    if (!weight.format || chains)
      return bool(weight.format);
    bool areBytes = weight.format->bits == 8 && !weight.format->isTable &&
                    weight.format->scale == Superblock::Scale::Half;
    return !areBytes || lanes <= 4;
  }

  /// Whether rows of activations of 16 bits, of which there are few, meet
  /// weights in words: an output has two sums of them.
  bool streamsWords() const {
    return chains && terms == 2 && !isDynamic() && prefersWords(*weight.format);
  }

  void setManyRows(LinearPlan &plan) const {
    int64_t most = tile.getRows() - !unpacks();
    if (streamsWords())
      most = (target.getRegisters() - kChainTemporaries) / 2;
    plan.streamRows = llvm::bit_floor(uint64_t(std::max<int64_t>(most, 1)));
    if (unpacks()) {
      // Rows that are known are two streaming tiles at most.
      int64_t from = isDynamic() ? tuning.unpackFrom : 2 * plan.streamRows + 1;
      plan.unpackFrom = plan.streamRows >= tuning.unpackTile ? from : 1;
    }
    // Not on 512 bits, where the weights of a tile that passes all of K are
    // read at the speed of the second-level cache.
    if ((isDynamic() || rows > kFewRows) && addsInChains(target) &&
        target.getVectorBits() == 256)
      plan.depthBlock = tuning.depthBlock;
    plan.depthTiles = tuning.depthTiles;
    plan.nextPanels = weight.bytes > target.getL1() / 2;
    plan.nextSteps = tuning.nextSteps;
  }

  /// Whether upper half-bytes can have sums of their own.
  bool splitsSums() const {
    return weight.format && target.hasByteDot() && weight.format->bits == 4 &&
           !weight.format->isTable && weight.format->scalesPerGroup == 1;
  }

  LinearPlan::Prefetch prefetchOf(int64_t rows) const {
    if (!weight.format) {
      int64_t products =
          rows * (8 * kLine / weight.bits) / (lanes * weight.k) * links;
      if (products > tuning.plainProducts)
        return {rows, tuning.plainDistance, 2};
      return {rows, 0, 1};
    }
    if (tuning.prefetchDistance > 0)
      return {rows, tuning.prefetchDistance, 1};
    int64_t bits = weight.format->bits, products = rows * terms * 8;
    if (rows == 1) // The next superblock.
      return products == bits ? LinearPlan::Prefetch{rows, 1, 2}
                              : LinearPlan::Prefetch{rows, 0, 1};
    if (products >= tuning.farProducts * bits)
      return {rows, tuning.farDistance, 2};
    return {rows, tuning.nearDistance, 1};
  }

  /// An entry for every number of rows that differs from fewer.
  void setPrefetch(LinearPlan &plan) const {
    if (plan.panels > 0) {
      LinearPlan::Prefetch only = prefetchOf(rows);
      only.rows = 1;
      if (only.distance > 0)
        plan.prefetch.push_back(only);
      return;
    }
    LinearPlan::Prefetch last;
    for (int64_t i = 1; i <= std::max(tile.getRows(), plan.streamRows); ++i) {
      LinearPlan::Prefetch next = prefetchOf(i);
      if (next.distance == last.distance && next.cache == last.cache)
        continue;
      plan.prefetch.push_back(next);
      last = next;
    }
  }

  TargetAttr target;
  Tuning tuning;
  PackedWeight weight;
  TileAttr tile;
  int64_t lanes, rows;
  bool chains;
  /// Of an activation; multiply-adds of a step of plain numbers.
  int64_t terms, links;
};

} // namespace

PlanAttr tenon::choosePlan(LinearOp op, TileAttr tile, TargetAttr target) {
  auto weight = PackedWeight::get(cast<ShapedType>(op.getWeight().getType()));
  if (!weight)
    return {};
  return PlanModel(op, *weight, tile, target).get().toAttr(op.getContext());
}

/// Two registers of queries make 16 sums of 32 registers, 12 of 16, and leave
/// the others to what is multiplied.
AttentionPlanAttr tenon::chooseAttentionPlan(TargetAttr target) {
  bool isMany = target.getRegisters() == 32;
  AttentionPlan plan;
  plan.keys = plan.components = isMany ? 8 : 6;
  plan.scoreSums = std::max<int64_t>(target.getRegisters() / 2, 1);
  plan.outputSums = isMany ? 24 : 12;
  plan.prefetch = Tuning::of(target).attentionPrefetch;
  return plan.toAttr(target.getContext());
}
