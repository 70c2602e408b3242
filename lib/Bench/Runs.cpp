//===- Runs.cpp - reading times that were measured and kept ---------------===//

#include "tenon/Bench/Runs.h"
#include "tenon/Support/MappedFile.h"
#include "tenon/Support/Strings.h"

#include <algorithm>
#include <ctime>
#include <sys/stat.h>

#include <nlohmann/json.hpp>

using namespace tenon;
using namespace tenon::bench;
using nlohmann::json;

double bench::medianOf(std::vector<double> values) {
  size_t middle = values.size() / 2;
  std::ranges::nth_element(values, values.begin() + middle);
  double upper = values[middle];
  if (values.size() % 2)
    return upper;
  return (upper + *std::max_element(values.begin(), values.begin() + middle)) /
         2;
}

double bench::resampleMedian(const std::vector<double> &values, Dice &dice) {
  std::vector<double> drawn(values.size());
  for (double &value : drawn)
    value = values[dice.below(values.size())];
  return medianOf(std::move(drawn));
}

namespace {

Error wrong(const std::string &path, const std::string &what) {
  return withNote({strCat(path, ": error: ", what), ExitCode::BadInput},
                  "compared and plotted is what tenon-bench and `PROGRAM "
                  "bench` print with --json");
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

/// Of the date that a file gives, or of its last change.
int64_t timeOf(const std::string &path, const json &run) {
  if (auto context = run.find("context");
      context != run.end() && context->is_object())
    if (auto date = context->find("date");
        date != context->end() && date->is_string()) {
      std::tm fields = {};
      if (strptime(date->get<std::string>().c_str(), "%Y-%m-%dT%H:%M:%S",
                   &fields))
        return timegm(&fields);
    }
  struct stat info = {};
  return ::stat(path.c_str(), &info) == 0 ? int64_t(info.st_mtime) : 0;
}

} // namespace

Expected<Run> bench::readRun(const std::string &path) {
  Expected<MappedFile> file = MappedFile::open(path);
  if (!file)
    return file.takeError();
  json parsed = json::parse(file->text(), nullptr, /*allow_exceptions=*/false);
  if (!parsed.is_object())
    return wrong(path, "this is no JSON object");
  Run run;
  run.time = timeOf(path, parsed);
  if (auto model = parsed.find("model");
      model != parsed.end() && model->is_string())
    run.model = model->get<std::string>();
  auto add = [&](const std::string &name, const json &list) -> Status {
    Samples samples{name, times(list)};
    if (samples.seconds.empty())
      return wrong(path, strCat("case '", name, "' has no times"));
    run.cases.push_back(std::move(samples));
    return {};
  };
  if (auto cases = parsed.find("benchmarks"); cases != parsed.end()) {
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
      if (auto found = parsed.find(phase);
          found != parsed.end() && found->is_object())
        if (Status status = add(phase, found->value("seconds", json()));
            !status)
          return status.takeError();
  }
  if (run.cases.empty())
    return wrong(path, "no case in it");
  return run;
}
