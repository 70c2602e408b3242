//===- Timing.h - how long the parts of a compilation take ------*- C++ -*-===//
#ifndef TENON_LIB_DRIVER_TIMING_H
#define TENON_LIB_DRIVER_TIMING_H

#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/raw_ostream.h"

#include <chrono>
#include <string>
#include <utility>
#include <vector>

namespace tenon {

/// A stopwatch with named laps, for --time.
class Laps {
public:
  /// The time since the lap before belongs to `name`.
  void lap(llvm::StringRef name) {
    Clock::time_point now = Clock::now();
    entries.emplace_back(name.str(), now - last);
    last = now;
  }

  void print(llvm::raw_ostream &stream) const {
    Clock::duration total{};
    for (const auto &[name, duration] : entries) {
      stream << llvm::format("%9.1f ms  %s\n", milliseconds(duration),
                             name.c_str());
      total += duration;
    }
    stream << llvm::format("%9.1f ms  total\n", milliseconds(total));
  }

private:
  using Clock = std::chrono::steady_clock;
  static double milliseconds(Clock::duration duration) {
    return std::chrono::duration<double, std::milli>(duration).count();
  }
  Clock::time_point last = Clock::now();
  std::vector<std::pair<std::string, Clock::duration>> entries;
};

} // namespace tenon

#endif // TENON_LIB_DRIVER_TIMING_H
