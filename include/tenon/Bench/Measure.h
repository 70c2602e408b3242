//===- Measure.h - timing of cases beside the machine's limits --*- C++ -*-===//

#ifndef TENON_BENCH_MEASURE_H
#define TENON_BENCH_MEASURE_H

#include "tenon/Bench/Case.h"
#include "tenon/Target/TargetDescription.h"
#include <span>
#include <string>
#include <vector>

namespace tenon::bench {

struct Settings {
  TargetOptions target;
  /// Alternations of a case and the limits; medians are over them.
  int64_t repetitions = 11;
  /// A sample calls until this much time has passed.
  double sampleSeconds = 0.004;
  /// Rates from CPU time instead of wall clock, for a machine that others use;
  /// means something with one thread only.
  bool cpuClock = false;
};

/// Rates of the machine, medians: operations (0: not measured on this target),
/// bytes and cycles per second.
struct Limits {
  double fma = 0, bf16 = 0, int8 = 0, int6 = 0, int5 = 0, int4 = 0, read = 0,
         clock = 0;

  /// A field by its name, in the order in which they are reported.
  struct Field {
    const char *name;
    double Limits::*rate;
  };
  static std::span<const Field> fields();
};

struct Result {
  Case benchmark;
  int64_t repetitions = 0, iterations = 0;
  /// Seconds of one call: medians of wall clock and CPU time; median and best
  /// by the clock of the settings, from which the rates are.
  double realTime = 0, cpuTime = 0, time = 0, bestTime = 0;
  double operationsPerSecond = 0, bytesPerSecond = 0;
  /// The least time that the limits allow divided by the time taken: median
  /// over the repetitions, and of the best times of each.
  double ofLimit = 0, bestOfLimit = 0;
  /// The name of the field of `limits` that is the limit.
  std::string limit;
  Limits limits;
  /// Seconds of a call in each repetition, by the clock of the settings.
  std::vector<double> samples;
};

/// Compiles a case and measures it, alternating with the machine's limits:
/// these are measured with as many threads, and reading as many bytes.
Expected<Result> measure(const Case &c, const Settings &settings);

/// The IR or assembly that a case runs, at a stage of the compiler.
Expected<std::string> emitText(const Case &c, const Settings &settings,
                               std::string_view stage);

/// One line for a person.
std::string formatResult(const Result &result);
std::string formatHeader();
/// The output format of Google Benchmark (--benchmark_format=json).
std::string formatJson(const std::vector<Result> &results,
                       const std::string &executable);

/// The program tenon-bench. Returns its exit code.
int main(int argc, char **argv);

} // namespace tenon::bench

#endif // TENON_BENCH_MEASURE_H
