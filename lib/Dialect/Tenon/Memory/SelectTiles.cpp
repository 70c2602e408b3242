//===- SelectTiles.cpp - choose tile sizes from the target ----------------===//
//
// The model, measured in design notes on kernels:
//
// * linear. A register tile is `rows` x `columns` outputs, held in rows * 2
//   accumulators while the whole of K passes. The columns are two vectors
//   wide; each step of k loads two vectors of weights and broadcasts one
//   activation per row, so rows * 2 + 3 registers are busy. Two accumulators
//   per row and eight rows hide the latency of the multiply-add (4 to 6 cycles,
//   two per cycle) and use each weight eight times; more rows gain nothing.
//   Thus 8 rows with 32 registers, 6 with 16. Without fused multiply-add the
//   product and a copy for the two-operand instruction need two registers
//   more, and rows are rounded down to an even number: 4. TileCost.h predicts
//   what a tile costs, chooses the rows, and says it in remarks.
//   A few rows (decode) are bound by reading weights: four panels at once keep
//   enough independent accumulators and streams going.
//   Weights in superblocks have two accumulators for an output, the exact
//   integers of a group and the sum of all groups: 6 rows x 2 vectors of 32
//   registers, 3 of 16.
// * matmul. Four rows by two columns (or vectors of them): eight sums hide the
//   latency of the multiply-add.
// * weight_product. The register tile of a linear, over panels that a task
//   copies.
// * rows. One task reads and writes half of the first-level cache, so that it
//   is worth handing to a worker and its result is still near.
// * attention. Queries are in the lanes, two vectors of them; keys come in
//   blocks of 128, at which the running maximum is corrected.
//
//===----------------------------------------------------------------------===//

#include "TileCost.h"
#include "TileModel.h"
#include "mlir/IR/Verifier.h"
#include "tenon/Dialect/Tenon/IR/ByteProducts.h"
#include "tenon/Dialect/Tenon/IR/Plan.h"
#include "tenon/Dialect/Tenon/IR/Remarks.h"
#include "tenon/Dialect/Tenon/IR/TenonLearning.h"
#include "tenon/Dialect/Tenon/IR/TenonMixture.h"
#include "tenon/Dialect/Tenon/IR/Tuning.h"
#include "tenon/Dialect/Tenon/Transforms/KernelPlans.h"
#include "tenon/Dialect/Tenon/Transforms/MemoryPasses.h"

#include <numeric>

namespace tenon {
#define GEN_PASS_DEF_TENONSELECTTILES
#include "tenon/Dialect/Tenon/Transforms/MemoryPasses.h.inc"
} // namespace tenon

using namespace mlir;
using namespace tenon;

namespace {

/// Columns of a panel (tenon-pack-weights).
constexpr int64_t kPanelColumns = 32;
/// Vectors of columns of a register tile.
constexpr int64_t kTileVectors = 2;
/// Of superblocks: integers and f32 accumulate, the rest of the registers holds
/// weights and scales.
constexpr int64_t kBlockTemporaries = 4;

struct TileModel {
  TargetAttr target;
  Tuning tuning;
  int64_t lanes;

  explicit TileModel(TargetAttr target)
      : target(target), tuning(Tuning::of(target)),
        lanes(target.getVectorBits() / 32) {}

  TileAttr get(int64_t rows, int64_t columns, int64_t group) const {
    return TileAttr::get(target.getContext(), rows, columns, group);
  }

  static bool isFew(int64_t tokens) {
    return !ShapedType::isDynamic(tokens) && tokens <= kFewRows;
  }

  /// The rows of a linear's register tile, the cheapest that is predicted.
  /// Pairs that are widened stay in two more registers until their second
  /// numbers are multiplied.
  int64_t linearRows(bool widensPairs) const {
    int64_t rows = cheapestRows(StepWork::ofNumbers(target, widensPairs),
                                kTileVectors, tuning.mostRows, target);
    if (!target.hasFma() && rows > 1)
      rows -= rows % 2;
    return rows;
  }

  /// Registers of two vectors of columns for each row, and the planes that they
  /// are multiplied in.
  struct BlockSums {
    int64_t sums, planes;
  };
  BlockSums blockSums(const Superblock &superblock, bool hasResidual) const {
    // An f32 sum and one of integers for each, and what the first half of a
    // group comes to.
    if (!addsInChains(target))
      return {2 * (2 + hasResidual + (superblock.scalesPerGroup > 1)), 1};
    // Or chains alone: two vectors of columns together, or one after the other
    // where they have two chains each.
    int64_t planes = planesOfBytes(superblock);
    return {std::max<int64_t>(2, planes * (1 + hasResidual)), planes};
  }

  /// What a step of a linear's kernel does.
  StepWork workOf(LinearOp op) const {
    auto input = cast<ShapedType>(op.getInput().getType());
    auto weight = cast<ShapedType>(op.getWeight().getType());
    Type element = weight.getElementType();
    std::optional<Superblock> format;
    if (auto block = dyn_cast<BlockType>(element))
      format = block.getSuperblock();
    else if (auto packed = dyn_cast<SuperblockType>(element))
      format = packed.getSuperblock();
    if (!format) {
      PanelAttr panel = getPanel(weight);
      int64_t k = panel                   ? panel.getK()
                  : weight.getRank() == 4 ? weight.getDimSize(3)
                                          : 1;
      return StepWork::ofNumbers(target, k == 2 && !target.hasBf16Dot());
    }
    auto quantized = dyn_cast<Int8GroupType>(input.getElementType());
    BlockSums sums = blockSums(*format, quantized && quantized.getResidual());
    return StepWork::ofBlocks(target, sums.sums / double(kTileVectors),
                              sums.planes, kBlockTemporaries);
  }

  /// The panels of a linear's weight.
  static int64_t panelsOf(ShapedType weight) {
    Type element = weight.getElementType();
    if (PanelAttr panel = getPanel(weight))
      return panel.getPackedShape(weight.getShape(), element)[0];
    bool isPacked = weight.getRank() == 4 || isa<SuperblockType>(element);
    return isPacked ? weight.getDimSize(0) : 1;
  }

  TileAttr linear(ShapedType input, ShapedType weight,
                  ShapedType output) const {
    int64_t rows = output.getDimSize(0);
    int64_t panels = panelsOf(weight);
    Type element = weight.getElementType();
    PanelAttr panel = getPanel(weight);
    int64_t k = panel ? panel.getK() : 1;
    auto quantized = dyn_cast<Int8GroupType>(input.getElementType());
    bool hasResidual = quantized && quantized.getResidual();
    if (auto block = dyn_cast<BlockType>(element))
      return blockLinear(rows, panels,
                         getInt8Groups(cast<RankedTensorType>(weight)),
                         block.getSuperblock(), hasResidual);
    if (auto packed = dyn_cast<SuperblockType>(element))
      return blockLinear(rows, panels,
                         weight.getDimSize(1) * packed.getSuperblock().groups,
                         packed.getSuperblock(), hasResidual);
    int64_t vectors = kPanelColumns / lanes;
    if (rows == 1 ||
        (isFew(rows) && rows * vectors <= target.getRegisters() / 2))
      return get(rows, 2 * lanes, std::min(tuning.streamPanels, panels));
    int64_t most = ShapedType::isDynamic(rows) ? tuning.mostRows : rows;
    SmallVector<int64_t> packed(weight.getShape());
    if (panel)
      packed = panel.getPackedShape(packed, element);
    int64_t bytes = getElementBytes(element);
    for (int64_t size : ArrayRef(packed).drop_front())
      bytes *= size;
    return get(std::min(linearRows(k == 2 && !target.hasBf16Dot()), most),
               2 * lanes, panelsTogether(panels, bytes));
  }

  /// Panels of a task of many rows, out of so many of so many bytes: each tile
  /// of rows passes over all of them, which should leave room in the
  /// second-level cache for activations.
  int64_t panelsTogether(int64_t panels, int64_t bytes) const {
    int64_t most = std::min(tuning.mostPanels, panels / tuning.leastTasks);
    int64_t fitting = target.getL2() / 3 / std::max<int64_t>(bytes, 1);
    return std::max<int64_t>(1, std::min(most, fitting));
  }

  TileAttr blockLinear(int64_t rows, int64_t panels, int64_t groups,
                       const Superblock &superblock, bool hasResidual) const {
    bool isShort = superblock.groups == 2, chains = addsInChains(target);
    auto [sums, planes] = blockSums(superblock, hasResidual);
    int64_t most = (target.getRegisters() - kBlockTemporaries) / sums;
    most = std::clamp<int64_t>(most, 1, tuning.mostBlockRows);
    // No f32 sums beside the integers.
    if (superblock.isPerChannel && !chains)
      most = linearRows(/*widensPairs=*/false);
    if (isFew(rows))
      return get(
          chains ? std::min(rows, most) : rows, 2 * lanes,
          std::min(isShort ? tuning.shortPanels : tuning.longPanels, panels));
    if (!ShapedType::isDynamic(rows))
      most = std::min(most, rows);
    // Unpacked panels of 32 columns take a byte for a weight and an f32 scale
    // for a group.
    int64_t bytes = kPanelColumns * groups * (planes * Superblock::kGroup + 4);
    return get(most, 2 * lanes, panelsTogether(panels, bytes));
  }

  /// A product with a plain weight. Four panels of a flipped weight are 256
  /// bytes side by side; fewer where tasks would be too few.
  TileAttr weightProduct(ShapedType output) const {
    constexpr int64_t kPanels = 4, kEnoughTasks = 8;
    int64_t width = 2 * lanes;
    int64_t panels = output.getDimSize(1) / (width * kEnoughTasks);
    return get(linearRows(/*widensPairs=*/false), width,
               std::clamp<int64_t>(panels, 1, kPanels));
  }

  TileAttr attention(ShapedType query) const {
    int64_t tokens = query.getDimSize(1);
    int64_t rows = 2 * lanes;
    if (!ShapedType::isDynamic(tokens))
      rows = std::min(rows, tokens);
    return get(rows, kDefaultKeyBlock, 1);
  }

  TileAttr rows(ShapedType output) const {
    int64_t rank = output.getRank();
    int64_t tokenDim = rank == 3 ? 1 : 0;
    int64_t tokens = output.getDimSize(tokenDim);
    if (isFew(tokens))
      return get(1, 1, tokens);
    int64_t bytes = 1;
    for (int64_t dim = 0; dim < rank; ++dim)
      if (dim != tokenDim)
        bytes *= output.isDynamicDim(dim) ? kDefaultKeyBlock
                                          : output.getDimSize(dim);
    // Read once as f32, written once.
    if (auto quantized = dyn_cast<Int8GroupType>(output.getElementType()))
      bytes *= Superblock::kGroup * sizeof(float) + quantized.getBytes();
    else
      bytes *= sizeof(float) + getElementBytes(output.getElementType());
    int64_t group = target.getL1() / 2 / std::max<int64_t>(bytes, 1);
    group = std::clamp<int64_t>(group, 1, tuning.rowGroup);
    return get(1, 1, llvm::bit_floor(static_cast<uint64_t>(group)));
  }
};

} // namespace

TileAttr tenon::chooseTile(Operation *op, TargetAttr target) {
  TileModel model(target);
  auto shaped = [](Value value) { return cast<ShapedType>(value.getType()); };
  if (auto linear = dyn_cast<LinearOp>(op)) {
    ShapedType weight = shaped(linear.getWeight());
    TileAttr tile = model.linear(shaped(linear.getInput()), weight,
                                 cast<ComputeOpInterface>(op).getOutputType());
    int64_t groups = linear.getGroups();
    if (groups == 1)
      return tile;
    // Panels of a task are those of one group.
    return model.get(
        tile.getRows(), tile.getColumns(),
        std::gcd(tile.getGroup(), TileModel::panelsOf(weight) / groups));
  }
  if (auto attention = dyn_cast<AttentionOp>(op))
    return model.attention(shaped(attention.getQuery()));
  if (auto attention = dyn_cast<CachedAttentionOp>(op)) {
    // Tokens of different sequences share no keys: each is a query alone.
    if (isa<ShapedType>(attention.getPosition().getType()))
      return model.get(1, kDefaultKeyBlock, 1);
    return model.attention(shaped(attention.getQuery()));
  }
  if (auto attention = dyn_cast<PartialAttentionOp>(op))
    return model.attention(shaped(attention.getQuery()));
  if (auto attention = dyn_cast<BlockAttentionOp>(op))
    return model.attention(shaped(attention.getQuery()));
  if (isa<FfnOp>(op))
    return {};
  if (isa<WeightProductOp>(op))
    return model.weightProduct(cast<ComputeOpInterface>(op).getOutputType());
  if (isa<MatmulOp>(op)) {
    ShapedType output = cast<ComputeOpInterface>(op).getOutputType();
    return model.get(4, 2, model.rows(output).getGroup());
  }
  if (auto compute = dyn_cast<ComputeOpInterface>(op))
    return model.rows(compute.getOutputType());
  if (auto copy = dyn_cast<CopyOp>(op))
    return model.rows(shaped(copy.getOut()));
  if (auto clear = dyn_cast<ClearOp>(op))
    return model.rows(shaped(clear.getOut()));
  if (auto scatter = dyn_cast<ScatterAddOp>(op))
    return model.rows(shaped(scatter.getInput()));
  return {};
}

namespace {

struct SelectTiles : tenon::impl::TenonSelectTilesBase<SelectTiles> {
  using TenonSelectTilesBase::TenonSelectTilesBase;

  /// A linear's tile with what the pass's options say.
  TileAttr withOptions(TileAttr tile) const {
    bool isOneRow = tile.getRows() == 1;
    int64_t rows = !isOneRow && linearRows > 0 ? linearRows : tile.getRows();
    int64_t group =
        isOneRow && decodePanels > 0 ? decodePanels : tile.getGroup();
    return TileAttr::get(tile.getContext(), rows, tile.getColumns(), group);
  }

  /// The predicted costs of the tile of a linear or an attention beside others.
  static std::string describeCosts(Operation *op, TileAttr tile,
                                   TargetAttr target) {
    TileModel model(target);
    auto linear = dyn_cast<LinearOp>(op);
    if (linear && linear.getPlan() && linear.getPlan()->getPanels() > 0) {
      // All rows are one tile over panels.
      int64_t vectors = kPanelColumns / model.lanes;
      auto tileOf = [&](int64_t panels) {
        return NamedTile{std::to_string(panels) + " at once", tile.getRows(),
                         panels * vectors};
      };
      int64_t panels = linear.getPlan()->getPanels();
      return "; " + std::to_string(panels) +
             (panels == 1 ? " panel" : " panels") + " at once: " +
             tenon::describeCosts(model.workOf(linear), tileOf(panels),
                                  {tileOf(1), tileOf(2), tileOf(4)}, target) +
             ", without reading memory";
    }
    auto attention = op->getAttrOfType<AttentionPlanAttr>("plan");
    bool isMany = tile.getRows() > 1;
    if (!linear && !(attention && isMany))
      return "";
    // Of attention, keys by two vectors of queries.
    auto tileOf = [&](int64_t rows) {
      return NamedTile{
          std::to_string(rows) +
              (linear ? " x " + std::to_string(tile.getColumns()) : " keys"),
          rows, kTileVectors};
    };
    int64_t rows = linear ? tile.getRows() : attention.getKeys();
    SmallVector<NamedTile> others;
    for (int64_t other : {rows - 2, rows - 1, rows + 1, rows + 2})
      if (other > 0)
        others.push_back(tileOf(other));
    StepWork work =
        linear ? model.workOf(linear) : StepWork::ofNumbers(target, false);
    return (linear ? "; " : "; " + std::to_string(rows) + " keys at once: ") +
           tenon::describeCosts(work, tileOf(rows), others, target);
  }

  /// "tenon.linear of ? rows: a tile of 6 rows x 32 columns, 2 panels a task,
  /// of 16 registers of 256 bits", and costs.
  static std::string describe(Operation *op, TileAttr tile, TargetAttr target) {
    std::string text;
    llvm::raw_string_ostream stream(text);
    stream << op->getName();
    if (auto compute = dyn_cast<ComputeOpInterface>(op)) {
      ShapedType type = compute.getOutputType();
      int64_t dim = type.getRank() == 3 ? 1 : 0;
      stream << " of ";
      if (type.isDynamicDim(dim))
        stream << "any number of";
      else
        stream << type.getDimSize(dim);
      stream << " rows";
    }
    stream << ": a tile of " << tile.getRows() << " x " << tile.getColumns()
           << ", " << tile.getGroup() << " a task; " << target.getCpu()
           << " has " << target.getRegisters() << " registers of "
           << target.getVectorBits() << " bits"
           << describeCosts(op, tile, target);
    return text;
  }

  /// What was measured for the operation: a tile and a plan from
  /// `tenon.tuned`. Nothing if there is none.
  FailureOr<std::optional<KernelPlan>> findTuned(Operation *op,
                                                 DictionaryAttr tuned) {
    if (!tuned)
      return std::optional<KernelPlan>();
    Attribute value = tuned.get(getKernelKey(op));
    if (!value)
      return std::optional<KernelPlan>();
    std::optional<KernelPlan> plan = KernelPlan::of(value);
    if (!plan || bool(plan->attention) == isa<LinearOp>(op)) {
      op->emitError() << "'" << kTunedAttrName << "' should hold {group = ..., "
                      << "plan = #tenon.plan<...>, rows = ...} for a linear or "
                         "{plan = #tenon.attention_plan<...>} for attention, "
                         "found "
                      << value << " for \"" << getKernelKey(op) << "\"";
      return failure();
    }
    return plan;
  }

  /// Puts a measured plan on an operation that has its tile, if it fits.
  LogicalResult putTuned(Operation *op, const KernelPlan &plan) {
    plan.put(op);
    if (succeeded(verify(op, /*verifyRecursively=*/false)))
      return success();
    op->emitError() << "the plan measured for \"" << getKernelKey(op)
                    << "\" does not fit this operation: remove that line from "
                       "the tuning database, or measure again with --tune";
    return failure();
  }

  /// A plan that is there is kept.
  static void setPlan(Operation *op, TileAttr tile, TargetAttr target) {
    if (op->getAttr("plan"))
      return;
    if (auto linear = dyn_cast<LinearOp>(op)) {
      if (PlanAttr plan = choosePlan(linear, tile, target))
        linear.setPlanAttr(plan);
    } else if (isa<AttentionOp, CachedAttentionOp, BlockAttentionOp,
                   PartialAttentionOp>(op)) {
      op->setAttr("plan", chooseAttentionPlan(target));
    }
  }

  void runOnOperation() override {
    TargetAttr target = getTarget(getOperation());
    if (!target) {
      getOperation().emitError("needs the module attribute '")
          << kTargetAttrName << "' to choose tiles for";
      return signalPassFailure();
    }
    auto tuned = getOperation()->getAttrOfType<DictionaryAttr>(kTunedAttrName);
    WalkResult result = getOperation().walk([&](Operation *op) {
      TileAttr tile = chooseTile(op, target);
      if (!tile)
        return WalkResult::advance();
      if (isa<LinearOp>(op))
        tile = withOptions(tile);
      if (auto given = op->getAttrOfType<TileAttr>("tile")) {
        setPlan(op, given, target);
        ++numKept;
        return WalkResult::advance();
      }
      FailureOr<std::optional<KernelPlan>> measured = findTuned(op, tuned);
      if (failed(measured))
        return WalkResult::interrupt();
      op->setAttr("tile", tile);
      if (*measured && !op->getAttr("plan")) {
        if (failed(putTuned(op, **measured)))
          return WalkResult::interrupt();
        tile = op->getAttrOfType<TileAttr>("tile");
        ++numTuned;
      }
      setPlan(op, tile, target);
      remarkChosen(op, "tenon-select-tiles",
                   op->getName().getStringRef().drop_front(6))
          << says(describe(op, tile, target) +
                  (*measured ? "; as it was measured to be fastest" : ""));
      ++numChosen;
      return WalkResult::advance();
    });
    if (result.wasInterrupted())
      return signalPassFailure();
    getOperation()->removeAttr(kTunedAttrName);
  }
};

} // namespace
