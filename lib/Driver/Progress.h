//===- Progress.h - how far long work has come ------------------*- C++ -*-===//
#ifndef TENON_LIB_DRIVER_PROGRESS_H
#define TENON_LIB_DRIVER_PROGRESS_H

#include <chrono>
#include <cstdint>
#include <string>

namespace tenon {

/// Shows on standard error how much of a task is done, once it takes longer
/// than a second: on a terminal a bar, which is gone at the end; elsewhere a
/// line every ten seconds.
///
///   quantizing [##########----------]  52 %, 11 s left
class Progress {
public:
  /// `total`: bytes, texts, … `quiet`: nothing is shown.
  Progress(std::string task, uint64_t total, bool quiet);
  ~Progress();
  Progress(const Progress &) = delete;
  Progress &operator=(const Progress &) = delete;

  void advance(uint64_t amount);

private:
  using Clock = std::chrono::steady_clock;
  void show(double seconds);

  const std::string task;
  const uint64_t total;
  const bool quiet, isTerminal;
  uint64_t done = 0;
  Clock::time_point start = Clock::now();
  double next = 1; ///< seconds after the start: when to show it again
  bool isShown = false;
};

} // namespace tenon

#endif // TENON_LIB_DRIVER_PROGRESS_H
