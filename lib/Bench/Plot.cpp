//===- Plot.cpp - times of the runs kept in a folder ----------------------===//

#include "tenon/Bench/Plot.h"
#include "PlotPage.inc"
#include "tenon/Bench/Compare.h"
#include "tenon/Bench/Runs.h"
#include "tenon/Support/AtomicFile.h"
#include "tenon/Support/Strings.h"

#include <algorithm>
#include <cstdio>
#include <ctime>
#include <filesystem>
#include <string_view>
#include <system_error>

#include <nlohmann/json.hpp>

using namespace tenon;
using namespace tenon::bench;
using nlohmann::ordered_json;

namespace {

struct KeptRun {
  std::string file;
  Run run;
};

/// `output`: what is written is no run, where it was kept beside them.
Expected<std::vector<KeptRun>> readFolder(const std::string &folder,
                                          const std::string &output) {
  std::error_code error;
  std::vector<std::string> files;
  std::filesystem::directory_iterator it(folder, error), end;
  for (; !error && it != end; it.increment(error))
    if (std::error_code absent;
        it->path().extension() == ".json" &&
        !std::filesystem::equivalent(it->path(), output, absent))
      files.push_back(it->path().string());
  if (error)
    return plainError(strCat(folder, ": error: ", error.message()),
                      ExitCode::BadInput);
  std::vector<KeptRun> runs;
  for (const std::string &file : files) {
    Expected<Run> run = readRun(file);
    if (!run)
      return run.takeError();
    runs.push_back({std::filesystem::path(file).filename().string(),
                    std::move(*run)});
  }
  if (runs.empty())
    return withNote({strCat(folder, ": error: no run in this folder"),
                     ExitCode::BadInput},
                    "runs are files *.json that tenon-bench and `PROGRAM "
                    "bench` print with --json");
  std::ranges::sort(runs, [](const KeptRun &a, const KeptRun &b) {
    return std::tie(a.run.time, a.file) < std::tie(b.run.time, b.file);
  });
  return runs;
}

/// A case as all runs measured it. Runs are numbers in the order of time.
struct Line {
  std::string name;
  std::vector<std::pair<size_t, std::vector<double>>> points;
};

std::vector<Line> gatherLines(const std::vector<KeptRun> &runs) {
  std::vector<Line> lines;
  for (size_t i = 0; i < runs.size(); ++i)
    for (const Samples &samples : runs[i].run.cases) {
      const std::string &model = runs[i].run.model;
      std::string name =
          model.empty() ? samples.name : strCat(model, ": ", samples.name);
      auto line = std::ranges::find(lines, name, &Line::name);
      if (line == lines.end())
        line = lines.insert(lines.end(), {name, {}});
      // A suite may name a case twice.
      if (line->points.empty() || line->points.back().first != i)
        line->points.push_back({i, {}});
      std::vector<double> &seconds = line->points.back().second;
      seconds.insert(seconds.end(), samples.seconds.begin(),
                     samples.seconds.end());
    }
  return lines;
}

/// The percentile bootstrap, as in Compare.cpp.
ordered_json describePoint(size_t run, const std::vector<double> &seconds) {
  constexpr int kResamples = 2000;
  Dice dice;
  std::vector<double> medians;
  for (int i = 0; i < kResamples; ++i)
    medians.push_back(resampleMedian(seconds, dice));
  std::ranges::sort(medians);
  return {{"run", run},
          {"median", medianOf(seconds)},
          {"low", medians[kResamples / 40]},
          {"high", medians[kResamples - 1 - kResamples / 40]},
          {"repetitions", seconds.size()}};
}

ordered_json describeLine(const Line &line, double tolerance) {
  ordered_json points = ordered_json::array();
  for (const auto &[run, seconds] : line.points)
    points.push_back(describePoint(run, seconds));
  ordered_json described = {{"name", line.name}, {"points", points}};
  if (line.points.size() > 1) {
    Ratio ratio = compareTimes(line.points[line.points.size() - 2].second,
                               line.points.back().second);
    described["change"] = {
        {"ratio", ratio.median},
        {"low", ratio.low},
        {"high", ratio.high},
        {"verdict", ratio.low > 1 + tolerance    ? "slower"
                    : ratio.high < 1 - tolerance ? "faster"
                                                 : "same"}};
  }
  return described;
}

std::string formatDate(int64_t time) {
  std::time_t seconds = static_cast<std::time_t>(time);
  std::tm fields = {};
  char text[32] = "";
  if (gmtime_r(&seconds, &fields))
    std::strftime(text, sizeof text, "%Y-%m-%d %H:%M", &fields);
  return text;
}

} // namespace

Status bench::plotRuns(const std::string &folder, const std::string &output,
                       double tolerance) {
  Expected<std::vector<KeptRun>> runs = readFolder(folder, output);
  if (!runs)
    return runs.takeError();
  ordered_json data = {{"version", 1},
                       {"title", folder},
                       {"runs", ordered_json::array()},
                       {"cases", ordered_json::array()}};
  for (const KeptRun &kept : *runs)
    data["runs"].push_back(
        {{"file", kept.file}, {"date", formatDate(kept.run.time)}});
  for (const Line &line : gatherLines(*runs))
    data["cases"].push_back(describeLine(line, tolerance));
  // Names come from files, which may hold anything.
  auto dump = [&](int indent) {
    return data.dump(indent, ' ', /*ensure_ascii=*/true,
                     ordered_json::error_handler_t::replace);
  };
  if (output.empty()) {
    std::printf("%s\n", dump(1).c_str());
    return {};
  }
  std::string text;
  if (output.ends_with(".json")) {
    text = dump(1) + "\n";
  } else {
    // "</script>" in a name must not end the data.
    std::string json = dump(-1);
    for (size_t at = 0; (at = json.find('<', at)) != std::string::npos;)
      json.replace(at, 1, "\\u003c");
    std::string_view page = kPlotPage, mark = "@DATA@";
    size_t place = page.find(mark);
    text = strCat(page.substr(0, place), json,
                  page.substr(place + mark.size()));
  }
  Expected<AtomicFile> file = AtomicFile::create(output);
  if (!file)
    return file.takeError();
  if (Status status = file->write(std::string_view(text)); !status)
    return status;
  return file->commit();
}
