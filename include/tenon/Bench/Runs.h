//===- Runs.h - times that were measured and kept ---------------*- C++ -*-===//

#ifndef TENON_BENCH_RUNS_H
#define TENON_BENCH_RUNS_H

#include "tenon/Support/Error.h"

#include <cstdint>
#include <string>
#include <vector>

namespace tenon::bench {

/// Seconds of each repetition of a case, one at least.
struct Samples {
  std::string name;
  std::vector<double> seconds;
};

/// What tenon-bench or `PROGRAM bench` wrote with --json.
struct Run {
  std::string model; ///< of a program; empty for tenon-bench
  int64_t time = 0;  ///< when, in seconds since 1970: as the file says, or its
                     ///< last change
  std::vector<Samples> cases;
};

/// Errors: BadInput for a file that is something else or has no case in it.
Expected<Run> readRun(const std::string &path);

double medianOf(std::vector<double> values);

/// Numbers that look random and are the same in every run.
class Dice {
public:
  size_t below(size_t count) {
    state = state * 6364136223846793005ULL + 1442695040888963407ULL;
    return (state >> 33) % count;
  }

private:
  uint64_t state = 0x9e3779b97f4a7c15;
};

/// The median of as many values as there are, each drawn from all of them:
/// a step of the bootstrap.
double resampleMedian(const std::vector<double> &values, Dice &dice);

} // namespace tenon::bench

#endif // TENON_BENCH_RUNS_H
