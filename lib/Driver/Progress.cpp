//===- Progress.cpp - how far long work has come --------------------------===//

#include "Progress.h"

#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/raw_ostream.h"

#include <algorithm>
#include <unistd.h>

using namespace tenon;

Progress::Progress(std::string task, uint64_t total, bool quiet)
    : task(std::move(task)), total(total), quiet(quiet || total == 0),
      isTerminal(isatty(STDERR_FILENO)) {}

Progress::~Progress() {
  // The line that the bar was on is free again.
  if (isShown && isTerminal)
    llvm::errs() << "\r\x1b[K";
}

void Progress::advance(uint64_t amount) {
  done += amount;
  if (quiet)
    return;
  double seconds = std::chrono::duration<double>(Clock::now() - start).count();
  if (seconds < next)
    return;
  show(seconds);
  next = seconds + (isTerminal ? 0.1 : 10);
}

void Progress::show(double seconds) {
  constexpr uint64_t kBar = 20;
  double part = std::min(1.0, static_cast<double>(done) / total);
  int percent = static_cast<int>(100 * part);
  auto left = static_cast<int64_t>(seconds / std::max(part, 1e-6) - seconds);
  std::string rest = llvm::formatv("{0,3} %, {1} s left", percent, left).str();
  if (!isTerminal) {
    llvm::errs() << "tenonc: " << task << ": " << rest << "\n";
    return;
  }
  auto filled = static_cast<uint64_t>(kBar * part);
  llvm::errs() << "\r\x1b[K" << task << " [" << std::string(filled, '#')
               << std::string(kBar - filled, '-') << "] " << rest;
  isShown = true;
}
