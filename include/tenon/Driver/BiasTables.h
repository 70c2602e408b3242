//===- BiasTables.h - computed biases of scores -----------------*- C++ -*-===//
//
// What `#tenon.relative_buckets` and `#tenon.alibi` stand for, row by row.
//
//===----------------------------------------------------------------------===//

#ifndef TENON_DRIVER_BIASTABLES_H
#define TENON_DRIVER_BIASTABLES_H

#include "tenon/Driver/Packing.h"

namespace tenon {

/// T5's bucket, below `buckets`, of a key `distance` after its query, negative
/// before it (arXiv:1910.10683). The logarithmic steps are computed in f32, in
/// the order of Transformers' `_relative_position_bucket`: at the borders the
/// roundings decide. With `past` keys after the query are in bucket 0.
int64_t relativeBucket(int64_t distance, int64_t buckets, int64_t maxDistance,
                       bool past);

/// The column, below 2 span, of a distance e: DeBERTa's logarithmic steps if
/// maxDistance is above 0 (arXiv:2006.03654, `make_log_bucket_position` of
/// Transformers, in f32), else e + span itself.
int64_t distanceColumn(int64_t e, int64_t span, int64_t maxDistance);

/// i32 at `reach` + d: the column of d if `ahead`, else of -d.
Status writeDistanceIndex(int64_t span, int64_t maxDistance, bool ahead,
                          int64_t reach, const ByteSink &sink);

/// Rows h of f32 at `reach` + d: table[bucket(d) * heads + h].
Status writeRelativeBuckets(std::span<const float> table, int64_t heads,
                            int64_t maxDistance, bool past, int64_t reach,
                            const ByteSink &sink);

/// i32 at `reach` + d: the bucket of d.
Status writeBuckets(int64_t buckets, int64_t maxDistance, bool past,
                    int64_t reach, const ByteSink &sink);

/// 2^(-maxBias i / heads), i = 1 .. heads, if that is a power of two; else
/// those of the next lower power and every other one of the next higher
/// (arXiv:2108.12409).
std::vector<double> alibiSlopes(int64_t heads, double maxBias);

/// Rows h of f32 at `reach` + d: minus the slope times |d|.
Status writeAlibi(int64_t heads, double maxBias, int64_t reach,
                  const ByteSink &sink);
/// Rows h of f32 at s, below `keys`: the slope times s, both and the product
/// rounded to bf16.
Status writeAlibiOfKeys(int64_t heads, double maxBias, int64_t keys,
                        const ByteSink &sink);

} // namespace tenon

#endif // TENON_DRIVER_BIASTABLES_H
