//===- PlanAttrs.cpp - plans and tunings ----------------------------------===//

#include "tenon/Dialect/Tenon/IR/Plan.h"
#include "tenon/Dialect/Tenon/IR/Tuning.h"

using namespace mlir;
using namespace tenon;

namespace {

/// Registers, rows, tiles: no kernel has use for more, and code would not end.
constexpr int64_t kMost = 64;
/// Bytes: what is farther is out of any cache again.
constexpr int64_t kFarthest = 1 << 20;
/// Elements and rows of a size that may be large.
constexpr int64_t kLargest = int64_t(1) << 40;

struct Range {
  llvm::StringLiteral name;
  int64_t value, least, most;
};

/// Checks numbers; the message names the first one out of its range.
LogicalResult verifyRanges(function_ref<InFlightDiagnostic()> emitError,
                           ArrayRef<Range> ranges) {
  for (const Range &range : ranges)
    if (range.value < range.least || range.value > range.most)
      return emitError() << range.name << " must be between " << range.least
                         << " and " << range.most << ", found " << range.value;
  return success();
}

} // namespace

//===----------------------------------------------------------------------===//
// Of linears
//===----------------------------------------------------------------------===//

LogicalResult PrefetchAttr::verify(function_ref<InFlightDiagnostic()> emitError,
                                   int64_t rows, int64_t distance,
                                   int64_t cache) {
  return verifyRanges(emitError, {{"rows", rows, 1, kMost},
                                  {"distance", distance, 0, kFarthest},
                                  {"cache", cache, 1, 2}});
}

LogicalResult PlanAttr::verify(function_ref<InFlightDiagnostic()> emitError,
                               int64_t panels, int64_t streamRows,
                               int64_t streamColumns, int64_t streamVectors,
                               int64_t unpackFrom, int64_t splitRows,
                               int64_t unrollGroups, int64_t registerSums,
                               int64_t chains, int64_t depthBlock,
                               int64_t depthTiles, bool, int64_t nextSteps,
                               ArrayAttr prefetch) {
  if (failed(
          verifyRanges(emitError, {{"panels", panels, 0, kMost},
                                   {"stream_rows", streamRows, 1, kMost},
                                   {"stream_columns", streamColumns, 0, kMost},
                                   {"stream_vectors", streamVectors, 1, kMost},
                                   {"unpack_from", unpackFrom, 0, kLargest},
                                   {"split_rows", splitRows, 0, kMost},
                                   {"unroll_groups", unrollGroups, 1, kMost},
                                   {"register_sums", registerSums, 0, kMost},
                                   {"chains", chains, 1, kMost},
                                   {"depth_block", depthBlock, 0, kLargest},
                                   {"depth_tiles", depthTiles, 1, kMost},
                                   {"next_steps", nextSteps, 1, kMost}})))
    return failure();
  if (!llvm::isPowerOf2_64(streamRows))
    return emitError() << "stream_rows must be a power of two, found "
                       << streamRows;
  int64_t before = 0;
  for (Attribute entry :
       prefetch ? prefetch.getValue() : ArrayRef<Attribute>()) {
    auto ahead = dyn_cast<PrefetchAttr>(entry);
    if (!ahead)
      return emitError() << "prefetch is a list of #tenon.prefetch, found "
                         << entry;
    if (ahead.getRows() <= before)
      return emitError() << "prefetch must have the fewest rows first, found "
                         << ahead.getRows() << " after " << before;
    before = ahead.getRows();
  }
  return success();
}

LinearPlan LinearPlan::of(PlanAttr attr) {
  LinearPlan plan;
  if (!attr)
    return plan;
  plan.panels = attr.getPanels();
  plan.streamRows = attr.getStreamRows();
  plan.streamColumns = attr.getStreamColumns();
  plan.streamVectors = attr.getStreamVectors();
  plan.unpackFrom = attr.getUnpackFrom();
  plan.splitRows = attr.getSplitRows();
  plan.unrollGroups = attr.getUnrollGroups();
  plan.registerSums = attr.getRegisterSums();
  plan.chains = attr.getChains();
  plan.depthBlock = attr.getDepthBlock();
  plan.depthTiles = attr.getDepthTiles();
  plan.nextPanels = attr.getNextPanels();
  plan.nextSteps = attr.getNextSteps();
  if (attr.getPrefetch())
    for (auto ahead : attr.getPrefetch().getAsRange<PrefetchAttr>())
      plan.prefetch.push_back(
          {ahead.getRows(), ahead.getDistance(), ahead.getCache()});
  return plan;
}

PlanAttr LinearPlan::toAttr(MLIRContext *context) const {
  SmallVector<Attribute> entries;
  for (const Prefetch &ahead : prefetch)
    entries.push_back(
        PrefetchAttr::get(context, ahead.rows, ahead.distance, ahead.cache));
  return PlanAttr::get(
      context, panels, streamRows, streamColumns, streamVectors, unpackFrom,
      splitRows, unrollGroups, registerSums, chains, depthBlock, depthTiles,
      nextPanels, nextSteps,
      entries.empty() ? ArrayAttr() : ArrayAttr::get(context, entries));
}

LinearPlan::Prefetch LinearPlan::prefetchOf(int64_t rows) const {
  Prefetch found;
  for (const Prefetch &ahead : prefetch)
    if (ahead.rows <= rows)
      found = ahead;
  return found;
}

LogicalResult tenon::detail::verifyPlan(LinearOp op) {
  if (!op.getPlan())
    return success();
  LinearPlan plan = LinearPlan::of(*op.getPlan());
  auto output = cast<ComputeOpInterface>(op.getOperation()).getOutputType();
  if (plan.panels > 0 && output.isDynamicDim(0))
    return op.emitOpError() << "has any number of rows, its plan takes all as "
                               "one tile (panels = "
                            << plan.panels << ")";
  Type element = cast<ShapedType>(op.getWeight().getType()).getElementType();
  std::optional<Superblock> format;
  if (auto block = dyn_cast<BlockType>(element))
    format = block.getSuperblock();
  else if (auto superblock = dyn_cast<SuperblockType>(element))
    format = superblock.getSuperblock();
  if (plan.unpackFrom > 0 && !format)
    return op.emitOpError() << "has weights of " << element
                            << ", its plan unpacks superblocks (unpack_from = "
                            << plan.unpackFrom << ")";
  bool splits = format && format->bits == 4 && !format->isTable &&
                format->scalesPerGroup == 1;
  if (plan.splitRows > 0 && !splits)
    return op.emitOpError()
           << "has weights of " << element
           << ", its plan splits sums of 4 bits with one scale a group "
              "(split_rows = "
           << plan.splitRows << ")";
  if (format && format->groups % plan.unrollGroups)
    return op.emitOpError() << "has superblocks of " << format->groups
                            << " groups, its plan takes " << plan.unrollGroups
                            << " at once (unroll_groups)";
  return success();
}

//===----------------------------------------------------------------------===//
// Of attention
//===----------------------------------------------------------------------===//

LogicalResult
AttentionPlanAttr::verify(function_ref<InFlightDiagnostic()> emitError,
                          int64_t keys, int64_t components, int64_t heads,
                          int64_t scoreSums, int64_t outputSums,
                          int64_t prefetch) {
  return verifyRanges(emitError, {{"keys", keys, 1, KVCacheType::kBlock},
                                  {"components", components, 1, kMost},
                                  {"heads", heads, 1, kMost},
                                  {"score_sums", scoreSums, 1, kMost},
                                  {"output_sums", outputSums, 2, kMost},
                                  {"prefetch", prefetch, 0, 2}});
}

AttentionPlan AttentionPlan::of(std::optional<AttentionPlanAttr> attr) {
  if (!attr || !*attr)
    return {};
  return {attr->getKeys(),      attr->getComponents(), attr->getHeads(),
          attr->getScoreSums(), attr->getOutputSums(), attr->getPrefetch()};
}

int64_t AttentionPlan::headsTogether(int64_t shared) const {
  int64_t together = std::min(shared, heads);
  while (shared % together)
    --together;
  return together;
}

AttentionPlanAttr AttentionPlan::toAttr(MLIRContext *context) const {
  return AttentionPlanAttr::get(context, keys, components, heads, scoreSums,
                                outputSums, prefetch);
}

LogicalResult tenon::detail::verifyKeyBlock(Operation *op,
                                            std::optional<TileAttr> tile) {
  if (!tile)
    return success();
  int64_t keys = tile->getColumns();
  if (keys < KVCacheType::kBlock || keys > kDefaultKeyBlock ||
      !llvm::isPowerOf2_64(keys))
    return op->emitOpError() << "has blocks of 16, 32, 64 or 128 keys "
                                "(tile.columns), found "
                             << keys;
  return success();
}

//===----------------------------------------------------------------------===//
// Tunings
//===----------------------------------------------------------------------===//

LogicalResult TuningAttr::verify(
    function_ref<InFlightDiagnostic()> emitError, StringRef,
    int64_t prefetchDistance, int64_t mostRows, int64_t mostBlockRows,
    int64_t streamPanels, int64_t shortPanels, int64_t longPanels,
    int64_t mostPanels, int64_t leastTasks, int64_t rowGroup,
    int64_t unpackFrom, int64_t unpackTile, int64_t splitRows,
    int64_t depthBlock, int64_t depthTiles, int64_t nextSteps,
    int64_t nearDistance, int64_t farDistance, int64_t farProducts,
    int64_t plainDistance, int64_t plainProducts, int64_t attentionPrefetch) {
  return verifyRanges(emitError,
                      {{"prefetch_distance", prefetchDistance, 0, kFarthest},
                       {"most_rows", mostRows, 1, kMost},
                       {"most_block_rows", mostBlockRows, 1, kMost},
                       {"stream_panels", streamPanels, 1, kMost},
                       {"short_panels", shortPanels, 1, kMost},
                       {"long_panels", longPanels, 1, kMost},
                       {"most_panels", mostPanels, 1, kMost},
                       {"least_tasks", leastTasks, 1, kLargest},
                       {"row_group", rowGroup, 1, kLargest},
                       {"unpack_from", unpackFrom, 0, kLargest},
                       {"unpack_tile", unpackTile, 1, kMost},
                       {"split_rows", splitRows, 0, kMost},
                       {"depth_block", depthBlock, 0, kLargest},
                       {"depth_tiles", depthTiles, 1, kMost},
                       {"next_steps", nextSteps, 1, kMost},
                       {"near_distance", nearDistance, 0, kFarthest},
                       {"far_distance", farDistance, 0, kFarthest},
                       {"far_products", farProducts, 1, kLargest},
                       {"plain_distance", plainDistance, 0, kFarthest},
                       {"plain_products", plainProducts, 0, kLargest},
                       {"attention_prefetch", attentionPrefetch, 0, 1}});
}

Tuning Tuning::of(TargetAttr target) {
  Tuning tuning;
  TuningAttr attr = target ? target.getTuning() : TuningAttr();
  if (!attr)
    return tuning;
  tuning.prefetchDistance = attr.getPrefetchDistance();
  tuning.mostRows = attr.getMostRows();
  tuning.mostBlockRows = attr.getMostBlockRows();
  tuning.streamPanels = attr.getStreamPanels();
  tuning.shortPanels = attr.getShortPanels();
  tuning.longPanels = attr.getLongPanels();
  tuning.mostPanels = attr.getMostPanels();
  tuning.leastTasks = attr.getLeastTasks();
  tuning.rowGroup = attr.getRowGroup();
  tuning.unpackFrom = attr.getUnpackFrom();
  tuning.unpackTile = attr.getUnpackTile();
  tuning.splitRows = attr.getSplitRows();
  tuning.depthBlock = attr.getDepthBlock();
  tuning.depthTiles = attr.getDepthTiles();
  tuning.nextSteps = attr.getNextSteps();
  tuning.nearDistance = attr.getNearDistance();
  tuning.farDistance = attr.getFarDistance();
  tuning.farProducts = attr.getFarProducts();
  tuning.plainDistance = attr.getPlainDistance();
  tuning.plainProducts = attr.getPlainProducts();
  tuning.attentionPrefetch = attr.getAttentionPrefetch();
  return tuning;
}

TuningAttr Tuning::toChecked(function_ref<InFlightDiagnostic()> emitError,
                             MLIRContext *context, StringRef name) const {
  return TuningAttr::getChecked(
      emitError, context, name, prefetchDistance, mostRows, mostBlockRows,
      streamPanels, shortPanels, longPanels, mostPanels, leastTasks, rowGroup,
      unpackFrom, unpackTile, splitRows, depthBlock, depthTiles, nextSteps,
      nearDistance, farDistance, farProducts, plainDistance, plainProducts,
      attentionPrefetch);
}

TuningAttr Tuning::toAttr(MLIRContext *context, StringRef name) const {
  return toChecked(mlir::detail::getDefaultDiagnosticEmitFn(context), context,
                   name);
}
