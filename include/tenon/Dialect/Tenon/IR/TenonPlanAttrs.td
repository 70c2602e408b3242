//===- TenonPlanAttrs.td - how kernels go about it ---------*- tablegen -*-===//
//
// A tile says how large the pieces of an operation are, a plan how its kernel
// computes them. Both are written by tenon-select-tiles; emitters hold no
// threshold of their own and obey. No field changes a bit of a result, but for
// the keys of a block of attention (`tile.columns`), which all kernels of a
// model share (I5).
//
//===----------------------------------------------------------------------===//

#ifndef TENON_DIALECT_TENON_IR_TENONPLANATTRS_TD
#define TENON_DIALECT_TENON_IR_TENONPLANATTRS_TD

include "tenon/Dialect/Tenon/IR/TenonAttrs.td"

/// A number whose default is that of a field in tenon/Dialect/Tenon/IR/Plan.h.
class Tenon_PlanNumber<string name>
    : DefaultValuedParameter<"int64_t", "::tenon::LinearPlan()." # name>;
class Tenon_AttentionNumber<string name>
    : DefaultValuedParameter<"int64_t", "::tenon::AttentionPlan()." # name>;
/// One whose default is that of a field in tenon/Dialect/Tenon/IR/Tuning.h.
class Tenon_TuningNumber<string name>
    : DefaultValuedParameter<"int64_t", "::tenon::Tuning()." # name>;

def Tenon_PrefetchAttr : Tenon_Attr<"Prefetch", "prefetch"> {
  let summary = "what a streaming tile asks memory for before it is used";
  let description = [{
    Tiles of `rows` rows and more (up to the next entry of a plan's list) ask
    for what lies `distance` bytes behind what they read, rounded up to whole
    superblocks (steps of K for plain numbers), for the first- or the
    second-level `cache` (1 or 2). With a distance of 0 they ask for nothing and
    leave it to the CPU's own prefetchers. Why by rows: the more products a line
    of weights takes, the longer it has been since the last read, and the
    further prefetchers fall behind.

    Example: `#tenon.prefetch<rows = 2, distance = 3072, cache = 1>`
  }];
  let parameters = (ins DefaultValuedParameter<"int64_t", "1">:$rows,
                        DefaultValuedParameter<"int64_t", "0">:$distance,
                        DefaultValuedParameter<"int64_t", "1">:$cache);
  let assemblyFormat = "`<` struct(params) `>`";
  let genVerifyDecl = 1;
}

def Tenon_PlanAttr : Tenon_Attr<"Plan", "plan"> {
  let summary = "how the kernel of a linear computes its tiles";
  let description = [{
    A tile *streams* if it takes weights as they lie in memory, in that order,
    for one tile of rows. Fields, their units, and why there is a choice:

    | field | unit | meaning | why |
    |---|---|---|---|
    | `panels` | panels | all rows are one tile, which streams so many panels at once; 0: rows come in tiles of `tile.rows` | a few rows are bound by reading: several panels are several streams, and enough independent sums |
    | `stream_rows` | rows, a power of two | the largest tile of the rows that full tiles leave, and of all rows below `unpack_from`; streams | fewer sums than the largest tile leave registers for weights on their way |
    | `stream_columns` | columns | of a panel that a tile with `panels` takes at once; 0: all | with short vectors all would be much code for little |
    | `stream_vectors` | registers | columns of weights in superblocks that a streaming tile takes to the end of a superblock before the next | 16 columns lie in one line of memory |
    | `unpack_from` | rows | weights in superblocks: from so many rows on, panels are unpacked to bytes and f32 scales first; 0: never | unpacking is work, shared by all tiles of rows |
    | `split_rows` | rows | weights of 4 bits: streaming tiles of up to so many rows add products of the upper half-bytes in sums of their own, 16 times as large | no shift for each half-byte, and two short chains instead of a long one; not for more rows, whose sums fill the registers |
    | `unroll_groups` | groups | of a superblock, in one piece of code | less of a loop, more code; divides the groups of a superblock |
    | `register_sums` | registers | without VNNI: streaming tiles of more sums than these keep them in memory | the rest of the registers is for chains |
    | `chains` | registers | without VNNI: chains of 16 bits that are added up together | the rest is for weights, an activation and a product |
    | `depth_block` | elements of K | that several tiles of rows pass before the next ones; 0, or not below K: a tile passes all of K | weights and activations are in the first-level cache while they do; sums are in memory in between |
    | `depth_tiles` | tiles of rows | that pass a depth block together | the more, the longer weights stay; too many, and activations leave the second-level cache |
    | `next_panels` | | tiles of rows ask for the panels of the next task | they come from memory while this task computes |
    | `next_steps` | steps of K | plain numbers: in which a tile asks once for lines of the next task; a depth block is a multiple of it | few enough lines in flight for the core not to wait for them |
    | `prefetch` | | of streaming tiles, by rows (`#tenon.prefetch`), fewest rows first | see there |

    A field that a kernel has no use for changes nothing: `chains` with VNNI,
    `unroll_groups` of plain numbers, `depth_block` of superblocks with VNNI. What can't
    be obeyed, as `unpack_from` of plain numbers, does not verify.

    Example:
    `#tenon.plan<stream_rows = 4, unpack_from = 40, prefetch = [#tenon.prefetch<distance = 1024>]>`
  }];
  let parameters = (ins Tenon_PlanNumber<"panels">:$panels,
                        Tenon_PlanNumber<"streamRows">:$stream_rows,
                        Tenon_PlanNumber<"streamColumns">:$stream_columns,
                        Tenon_PlanNumber<"streamVectors">:$stream_vectors,
                        Tenon_PlanNumber<"unpackFrom">:$unpack_from,
                        Tenon_PlanNumber<"splitRows">:$split_rows,
                        Tenon_PlanNumber<"unrollGroups">:$unroll_groups,
                        Tenon_PlanNumber<"registerSums">:$register_sums,
                        Tenon_PlanNumber<"chains">:$chains,
                        Tenon_PlanNumber<"depthBlock">:$depth_block,
                        Tenon_PlanNumber<"depthTiles">:$depth_tiles,
                        DefaultValuedParameter<"bool", "false">:$next_panels,
                        Tenon_PlanNumber<"nextSteps">:$next_steps,
                        OptionalParameter<"::mlir::ArrayAttr">:$prefetch);
  let assemblyFormat = "`<` struct(params) `>`";
  let genVerifyDecl = 1;
}

def Tenon_AttentionPlanAttr : Tenon_Attr<"AttentionPlan", "attention_plan"> {
  let summary = "how the kernel of an attention computes its tiles";
  let description = [{
    `tile.rows` queries are in the lanes, or one query is and its keys are;
    `tile.columns` keys are a block (16, 32, 64 or 128), the same for all
    kernels of a model. Fields:

    | field | unit | meaning | why |
    |---|---|---|---|
    | `keys` | keys, up to 16 | of several queries: whose scores are summed up together | with two registers of queries each has two sums; enough to hide the latency of multiply-adds, few enough for the registers |
    | `components` | numbers of a value | of several queries: whose outputs are summed up together | the same |
    | `heads` | heads | that share keys and are computed together: of one query up to so many, of several the largest part of them that divides them | each key is read, and converted, once for all of them |
    | `score_sums` | registers | of one query: that sum up scores, over heads and keys | the rest holds keys |
    | `output_sums` | registers | of one query: that sum up outputs and probabilities | the rest holds values; at least 2 |
    | `prefetch` | 0, 1 or 2 | of one query: a block's values are asked for while its scores are computed, the keys of the next while its outputs are, for the first- or second-level cache; 0: they are not | memory works while the core does, where the CPU's own prefetchers stop at each change from keys to values |

    Example: `#tenon.attention_plan<keys = 8, components = 8, score_sums = 16, output_sums = 24>`
  }];
  let parameters = (ins Tenon_AttentionNumber<"keys">:$keys,
                        Tenon_AttentionNumber<"components">:$components,
                        Tenon_AttentionNumber<"heads">:$heads,
                        Tenon_AttentionNumber<"scoreSums">:$score_sums,
                        Tenon_AttentionNumber<"outputSums">:$output_sums,
                        Tenon_AttentionNumber<"prefetch">:$prefetch);
  let assemblyFormat = "`<` struct(params) `>`";
  let genVerifyDecl = 1;
}

def Tenon_TuningAttr : Tenon_Attr<"Tuning", "tuning"> {
  let summary = "numbers of a micro-architecture that plans are made of";
  let description = [{
    An entry of the table in lib/Target/Tuning.def, which says of each number
    where it was measured, or that it was not; carried by `#tenon.target`, read
    by `tenon-select-tiles` alone. The defaults are those of the entry
    "generic". Sizes that follow from the instruction set (rows that have
    registers, say) are no numbers of a tuning.

    | field | unit | meaning |
    |---|---|---|
    | `prefetch_distance` | bytes | between what kernels that stream superblocks read and what they ask for, whatever the rows; 0: by rows, see below |
    | `most_rows`, `most_block_rows` | rows | of a register tile of plain numbers, of superblocks, where registers would allow more |
    | `stream_panels` | panels | of plain numbers that a task of few rows streams |
    | `short_panels`, `long_panels` | panels | of superblocks of 2 groups, of 8, that a task of few rows streams |
    | `most_panels`, `least_tasks` | panels, tasks | of a task of many rows at most; fewer rather than less tasks than these |
    | `row_group` | rows | of a task of a row-wise operation at most |
    | `unpack_from` | rows | `plan.unpack_from` where streaming tiles have at least `unpack_tile` rows; with fewer, panels are always unpacked |
    | `unpack_tile` | rows | see `unpack_from` |
    | `split_rows` | rows | `plan.split_rows`, where the kernel has split sums |
    | `depth_block` | elements of K | `plan.depth_block` on vectors of 256 bits without VNNI |
    | `depth_tiles`, `next_steps` | tiles, steps | of the plan |
    | `near_distance`, `far_distance` | bytes | asked for ahead by streaming tiles of several rows where no `prefetch_distance` is given: near for the first-level cache, far for the second |
    | `far_products` | products | of a register with one line of weights, from which on it is far |
    | `attention_prefetch` | 0 or 1 | whether one query's attention asks for keys and values ahead (`attention_plan.prefetch`) |
    | `plain_distance`, `plain_products` | bytes, products | streaming tiles of plain numbers with more products than these in a line ask so far ahead, for the second-level cache |

    Example: `#tenon.tuning<name = "zen3", prefetch_distance = 1024, short_panels = 2>`
  }];
  let parameters = (ins StringRefParameter<"entry of the table", "\"generic\"">:$name,
                        Tenon_TuningNumber<"prefetchDistance">:$prefetch_distance,
                        Tenon_TuningNumber<"mostRows">:$most_rows,
                        Tenon_TuningNumber<"mostBlockRows">:$most_block_rows,
                        Tenon_TuningNumber<"streamPanels">:$stream_panels,
                        Tenon_TuningNumber<"shortPanels">:$short_panels,
                        Tenon_TuningNumber<"longPanels">:$long_panels,
                        Tenon_TuningNumber<"mostPanels">:$most_panels,
                        Tenon_TuningNumber<"leastTasks">:$least_tasks,
                        Tenon_TuningNumber<"rowGroup">:$row_group,
                        Tenon_TuningNumber<"unpackFrom">:$unpack_from,
                        Tenon_TuningNumber<"unpackTile">:$unpack_tile,
                        Tenon_TuningNumber<"splitRows">:$split_rows,
                        Tenon_TuningNumber<"depthBlock">:$depth_block,
                        Tenon_TuningNumber<"depthTiles">:$depth_tiles,
                        Tenon_TuningNumber<"nextSteps">:$next_steps,
                        Tenon_TuningNumber<"nearDistance">:$near_distance,
                        Tenon_TuningNumber<"farDistance">:$far_distance,
                        Tenon_TuningNumber<"farProducts">:$far_products,
                        Tenon_TuningNumber<"plainDistance">:$plain_distance,
                        Tenon_TuningNumber<"plainProducts">:$plain_products,
                        Tenon_TuningNumber<"attentionPrefetch">:$attention_prefetch);
  let assemblyFormat = "`<` struct(params) `>`";
  let genVerifyDecl = 1;
}

#endif // TENON_DIALECT_TENON_IR_TENONPLANATTRS_TD
