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
#include "tenon/Support/MappedFile.h"
#include "tenon/Support/Strings.h"

#include <algorithm>
#include <cstdio>

#include <nlohmann/json.hpp>

using namespace tenon;
using namespace tenon::bench;
using nlohmann::json;

namespace {

/// Seconds of each repetition of a case.
struct Samples {
  std::string name;
  std::vector<double> seconds;
};

double medianOf(std::vector<double> values) {
  size_t middle = values.size() / 2;
  std::ranges::nth_element(values, values.begin() + middle);
  double upper = values[middle];
  if (values.size() % 2)
    return upper;
  return (upper + *std::max_element(values.begin(), values.begin() + middle)) /
         2;
}

Error wrong(const std::string &path, const std::string &what) {
  return withNote({strCat(path, ": error: ", what), ExitCode::BadInput},
                  "compare reads what tenon-bench and `PROGRAM bench` print "
                  "with --json");
}

/// Times of a list; nothing if it isn't one.
std::vector<double> times(const json &list) {
  std::vector<double> seconds;
  if (!list.is_array())
    return seconds;
  for (const json &value : list)
    if (value.is_number() && value.get<double>() > 0)
      seconds.push_back(value.get<double>());
  return seconds.size() == list.size() ? seconds : std::vector<double>();
}

Expected<std::vector<Samples>> readRun(const std::string &path) {
  Expected<MappedFile> file = MappedFile::open(path);
  if (!file)
    return file.takeError();
  json run = json::parse(file->text(), nullptr, /*allow_exceptions=*/false);
  if (!run.is_object())
    return wrong(path, "this is no JSON object");
  std::vector<Samples> all;
  auto add = [&](const std::string &name, const json &list) -> Status {
    Samples samples{name, times(list)};
    if (samples.seconds.empty())
      return wrong(path, strCat("case '", name, "' has no times"));
    all.push_back(std::move(samples));
    return {};
  };
  if (auto cases = run.find("benchmarks"); cases != run.end()) {
    if (!cases->is_array())
      return wrong(path, "'benchmarks' is no list");
    for (const json &one : *cases) {
      if (!one.is_object() || !one.contains("name") || !one["name"].is_string())
        return wrong(path, "a benchmark without a name");
      // Limits have rates, not times.
      auto name = one["name"].get<std::string>();
      if (name.starts_with("limits/"))
        continue;
      if (Status status = add(name, one.value("samples", json())); !status)
        return status.takeError();
    }
  } else {
    for (const char *phase : {"prompt", "generation"})
      if (auto found = run.find(phase);
          found != run.end() && found->is_object())
        if (Status status = add(phase, found->value("seconds", json()));
            !status)
          return status.takeError();
  }
  if (all.empty())
    return wrong(path, "no case in it");
  return all;
}

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

} // namespace

Ratio bench::compareTimes(const std::vector<double> &before,
                          const std::vector<double> &after) {
  constexpr int kResamples = 10000;
  Dice dice;
  auto resample = [&](const std::vector<double> &from) {
    std::vector<double> drawn(from.size());
    for (double &value : drawn)
      value = from[dice.below(from.size())];
    return medianOf(std::move(drawn));
  };
  std::vector<double> ratios;
  for (int i = 0; i < kResamples; ++i)
    ratios.push_back(resample(after) / resample(before));
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
  for (const Samples &old : *first) {
    auto found = std::ranges::find(*second, old.name, &Samples::name);
    if (found == second->end()) {
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
  for (const Samples &one : *second)
    if (std::ranges::find(*first, one.name, &Samples::name) == first->end())
      std::printf("%-58s only in %s\n", one.name.c_str(), after.c_str());
  if (numCommon == 0)
    return plainError(strCat(before, " and ", after, " have no case in common"),
                      ExitCode::BadInput);
  return isSlower;
}
