//===- Plot.h - times of the runs kept in a folder --------------*- C++ -*-===//

#ifndef TENON_BENCH_PLOT_H
#define TENON_BENCH_PLOT_H

#include "tenon/Support/Error.h"

#include <string>

namespace tenon::bench {

/// The runs in the *.json of a folder (`readRun`), in the order of their time:
/// the median of each case with its 95 % interval, and what the last run of a
/// case changed against the one before it. `output`: a page that opens without
/// a network; the data as JSON where it ends with .json, and on stdout where it
/// is empty. A case became slower or faster where the whole interval of the
/// ratio is outside of 1 +- `tolerance`. Errors: BadInput for a folder without
/// runs or with a file that is none.
Status plotRuns(const std::string &folder, const std::string &output,
                double tolerance);

} // namespace tenon::bench

#endif // TENON_BENCH_PLOT_H
