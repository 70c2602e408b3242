//===- Compare.h - what became faster or slower between runs ----*- C++ -*-===//

#ifndef TENON_BENCH_COMPARE_H
#define TENON_BENCH_COMPARE_H

#include "tenon/Support/Error.h"

#include <string>
#include <vector>

namespace tenon::bench {

/// Time after over time before, of medians, and its 95 % interval.
struct Ratio {
  double median = 1, low = 1, high = 1;
};

/// `before` and `after` are times of repetitions, one at least of each. The
/// same times give the same interval.
Ratio compareTimes(const std::vector<double> &before,
                   const std::vector<double> &after);

/// Prints a line for each case of two files that tenon-bench or `PROGRAM bench`
/// wrote with --json. True if a case became slower: its whole interval lies
/// above 1 + `tolerance`. Errors: BadInput for files that are something else or
/// have no case in common.
Expected<bool> compareRuns(const std::string &before, const std::string &after,
                           double tolerance);

} // namespace tenon::bench

#endif // TENON_BENCH_COMPARE_H
