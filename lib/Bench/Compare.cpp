//===- Compare.cpp - what became faster or slower between two runs --------===//
//
// Reads what tenon-bench and compiled programs' `bench` print with --json. A
// case is judged by the ratio of the medians of its times and a 95 % interval
// of that, by the percentile bootstrap (Efron and Tibshirani, An Introduction
// to the Bootstrap, 1993, chapter 13): it asks nothing of how times are
// distributed, which are skewed wherever others use the machine.
//
//===----------------------------------------------------------------------===//

#include "tenon/Bench/Compare.h"
#include "tenon/Bench/Runs.h"
#include "tenon/Support/Strings.h"

#include <algorithm>
#include <cstdio>

using namespace tenon;
using namespace tenon::bench;

Ratio bench::compareTimes(const std::vector<double> &before,
                          const std::vector<double> &after) {
  constexpr int kResamples = 10000;
  Dice dice;
  std::vector<double> ratios;
  for (int i = 0; i < kResamples; ++i)
    ratios.push_back(resampleMedian(after, dice) /
                     resampleMedian(before, dice));
  std::ranges::sort(ratios);
  return {medianOf(after) / medianOf(before), ratios[kResamples / 40],
          ratios[kResamples - 1 - kResamples / 40]};
}

Expected<bool> bench::compareRuns(const std::string &before,
                                  const std::string &after, double tolerance) {
  auto first = readRun(before);
  if (!first)
    return first.takeError();
  auto second = readRun(after);
  if (!second)
    return second.takeError();
  std::printf("%-58s %12s %12s %7s  %s\n", "benchmark", "before", "after",
              "ratio", "95 % interval");
  bool isSlower = false;
  size_t numCommon = 0;
  for (const Samples &old : first->cases) {
    auto found = std::ranges::find(second->cases, old.name, &Samples::name);
    if (found == second->cases.end()) {
      std::printf("%-58s only in %s\n", old.name.c_str(), before.c_str());
      continue;
    }
    ++numCommon;
    Ratio ratio = compareTimes(old.seconds, found->seconds);
    const char *verdict = ratio.low > 1 + tolerance    ? "slower"
                          : ratio.high < 1 - tolerance ? "faster"
                                                       : "";
    isSlower |= ratio.low > 1 + tolerance;
    std::printf("%-58s %9.2f us %9.2f us %7.3f  %.3f to %.3f  %s\n",
                old.name.c_str(), medianOf(old.seconds) * 1e6,
                medianOf(found->seconds) * 1e6, ratio.median, ratio.low,
                ratio.high, verdict);
  }
  for (const Samples &one : second->cases)
    if (std::ranges::find(first->cases, one.name, &Samples::name) ==
        first->cases.end())
      std::printf("%-58s only in %s\n", one.name.c_str(), after.c_str());
  if (numCommon == 0)
    return plainError(strCat(before, " and ", after, " have no case in common"),
                      ExitCode::BadInput);
  return isSlower;
}
