//===- MachineLimits.cpp - the rates that this machine reaches ------------===//
#include "tenon/Runtime/MachineLimits.h"

#include "tenon/Support/AtomicFile.h"
#include "tenon/Support/Strings.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include <nlohmann/json.hpp>

using namespace tenon;
using namespace tenon::runtime;
using nlohmann::json;

static std::string readText(const std::string &path) {
  std::ifstream file(path);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

/// What is kept; an empty object if that can't be read.
static json readAll(const std::string &path) {
  json all = json::parse(readText(path), nullptr, /*allow_exceptions=*/false);
  return all.is_object() ? all : json::object();
}

std::string tenon::runtime::identifyCpu(const std::string &cpuInfo) {
  std::string found;
  for (const char *key :
       {"vendor_id", "cpu family", "model", "stepping", "model name"}) {
    std::istringstream lines(cpuInfo);
    for (std::string line; std::getline(lines, line);) {
      size_t colon = line.find(':');
      size_t end = line.find_last_not_of(" \t", colon - 1);
      if (colon == line.npos || line.substr(0, end + 1) != key)
        continue;
      size_t begin = line.find_first_not_of(" \t", colon + 1);
      if (begin == line.npos)
        continue;
      found += (found.empty() ? "" : " ") + line.substr(begin);
      break;
    }
  }
  return found;
}

std::string tenon::runtime::machineLimitsPath() {
  const char *cache = std::getenv("XDG_CACHE_HOME");
  if (cache && *cache == '/')
    return strCat(cache, "/tenon/limits.json");
  const char *home = std::getenv("HOME");
  return home && *home ? strCat(home, "/.cache/tenon/limits.json") : "";
}

std::optional<MachineLimits>
tenon::runtime::readMachineLimits(unsigned threads) {
  json all = readAll(machineLimitsPath());
  auto cpu = all.find(identifyCpu(readText("/proc/cpuinfo")));
  if (cpu == all.end() || !cpu->is_object())
    return std::nullopt;
  auto rates = cpu->find(std::to_string(threads));
  if (rates == cpu->end() || !rates->is_object())
    return std::nullopt;
  MachineLimits limits;
  for (auto &[name, rate] : rates->items())
    if (rate.is_number() && rate.get<double>() > 0)
      limits[name] = rate.get<double>();
  return limits;
}

Status tenon::runtime::writeMachineLimits(unsigned threads,
                                          const MachineLimits &limits) {
  std::string path = machineLimitsPath();
  if (path.empty())
    return plainError("neither XDG_CACHE_HOME nor HOME says where the limits "
                      "of this machine can be kept");
  std::error_code error;
  std::filesystem::create_directories(std::filesystem::path(path).parent_path(),
                                      error);
  json all = readAll(path);
  json &cpu = all[identifyCpu(readText("/proc/cpuinfo"))];
  if (!cpu.is_object())
    cpu = json::object();
  cpu[std::to_string(threads)] = limits;
  auto file = AtomicFile::create(path);
  if (!file)
    return file.takeError();
  if (Status status = file->write(all.dump(2) + "\n"); !status)
    return status;
  return file->commit();
}
