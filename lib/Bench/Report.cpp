//===- Report.cpp - results for people and for machines -------------------===//

#include "tenon/Bench/Measure.h"

#include "llvm/Support/FormatVariadic.h"

#include <ctime>
#include <nlohmann/json.hpp>
#include <thread>

using namespace tenon;
using namespace tenon::bench;
using llvm::formatv;

std::string bench::formatHeader() {
  return formatv("{0,-58} {1,12} {2,9} {3,9} {4,9}  {5}", "benchmark", "median",
                 "GOP/s", "GB/s", "of limit", "(best)");
}

std::string bench::formatResult(const Result &r) {
  std::string name = r.benchmark.name();
  if (r.benchmark.operation == Operation::Limits) {
    std::string text = formatv("{0,-58}", name);
    const char *separator = " ";
    for (auto [field, rate] : Limits::fields()) {
      std::string_view unit = std::string_view(field) == "read"    ? "GB/s"
                              : std::string_view(field) == "clock" ? "GHz"
                                                                   : "GOP/s";
      if (r.limits.*rate > 0)
        text += formatv("{0}{1} {2:f1} {3}", separator, field,
                        r.limits.*rate / 1e9, unit);
      separator = ", ";
    }
    return text;
  }
  return formatv(
      "{0,-58} {1,9:f2} us {2,9:f1} {3,9:f2} {4,7:f1} %  ({5:f1} % of {6})",
      name, r.time * 1e6, r.operationsPerSecond / 1e9, r.bytesPerSecond / 1e9,
      r.ofLimit * 100, r.bestOfLimit * 100, r.limit);
}

// See google/benchmark, docs/user_guide.md, "Output Formats".
std::string bench::formatJson(const std::vector<Result> &results,
                              const std::string &executable) {
  using nlohmann::ordered_json;
  char date[32];
  std::time_t now = std::time(nullptr);
  std::strftime(date, sizeof date, "%FT%T+00:00", std::gmtime(&now));
  ordered_json json;
  json["context"] = {
      {"date", date},
      {"executable", executable},
      {"num_cpus", std::thread::hardware_concurrency()},
      {"library_build_type", "release"},
  };
  json["benchmarks"] = ordered_json::array();
  for (const Result &r : results) {
    std::string name = r.benchmark.name();
    ordered_json entry = {
        {"name", name},
        {"run_name", name},
        {"run_type", "iteration"},
        {"repetitions", r.repetitions},
        {"repetition_index", 0},
        {"threads", r.benchmark.get("threads")},
        {"iterations", r.iterations},
        {"real_time", r.realTime * 1e9},
        {"cpu_time", r.cpuTime * 1e9},
        {"time_unit", "ns"},
    };
    if (r.benchmark.operation != Operation::Limits) {
      entry["best_time"] = r.bestTime * 1e9;
      entry["operations_per_second"] = r.operationsPerSecond;
      entry["bytes_per_second"] = r.bytesPerSecond;
      entry["of_limit"] = r.ofLimit;
      entry["best_of_limit"] = r.bestOfLimit;
      entry["limit"] = r.limit;
      entry["samples"] = r.samples;
    }
    for (auto [field, rate] : Limits::fields())
      entry[std::string("limit_") + field] = r.limits.*rate;
    json["benchmarks"].push_back(entry);
  }
  return json.dump(2);
}
