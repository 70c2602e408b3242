//===- Rope.cpp - rope hyperparameters read from a configuration ----------===//

#include "tenon/Language/Rope.h"

#include "tenon/Support/Json.h"

#include <nlohmann/json.hpp>

#include <cmath>

using namespace tenon;
using namespace tenon::lang;
using nlohmann::json;

static constexpr std::pair<const char *, Rope::Type> kTypes[] = {
    {"default", Rope::Type::Default},
    {"linear", Rope::Type::Linear},
    {"dynamic", Rope::Type::Dynamic},
    {"llama3", Rope::Type::Llama3},
    {"yarn", Rope::Type::Yarn},
    {"longrope", Rope::Type::LongRope},
    {"su", Rope::Type::LongRope}, // its first name, in Phi-3
    {"proportional", Rope::Type::Proportional},
};

const char *tenon::lang::ropeTypeName(Rope::Type type) {
  for (auto [name, known] : kTypes)
    if (known == type)
      return name;
  return "?";
}

namespace {

/// Reads the members of one object; the first problem stays.
class RopeReader {
public:
  RopeReader(const json &config, std::string path, const json &object,
             std::optional<RopeProblem> &problem)
      : config(config), path(std::move(path)), object(object),
        problem(problem) {}

  bool read(Rope &rope);

private:
  bool fail(const std::string &key, std::string message) {
    if (!problem)
      problem = {key.empty() ? path : path + "." + key, std::move(message)};
    return false;
  }
  /// A finite number above `above`; false if it is there and is none.
  bool number(const char *key, std::optional<double> &out, double above = 0);
  bool number(const char *key, double &out, double above = 0) {
    std::optional<double> value;
    if (!number(key, value, above))
      return false;
    out = value.value_or(out);
    return true;
  }
  bool list(const char *key, std::vector<double> &out);
  bool readType(Rope &rope);
  bool checkKeys();
  bool checkNeeds(const Rope &rope);

  const json &config;
  std::string path;
  const json &object;
  std::optional<RopeProblem> &problem;
};

} // namespace

bool RopeReader::number(const char *key, std::optional<double> &out,
                        double above) {
  const json *found = findMember(object, key);
  if (!found)
    return true;
  double value = found->is_number() ? found->get<double>() : NAN;
  if (!(value > above) || !std::isfinite(value))
    return fail(key, "expected a number above " +
                         std::to_string(static_cast<int>(above)));
  out = value;
  return true;
}

bool RopeReader::list(const char *key, std::vector<double> &out) {
  const json *found = findMember(object, key);
  if (!found)
    return true;
  if (!found->is_array() || found->empty())
    return fail(key, "expected a list of numbers");
  for (const json &element : *found) {
    double value = element.is_number() ? element.get<double>() : NAN;
    if (!(value > 0) || !std::isfinite(value))
      return fail(key, "expected a list of numbers above 0");
    out.push_back(value);
  }
  return true;
}

bool RopeReader::readType(Rope &rope) {
  for (const char *key : {"rope_type", "type"}) {
    const json *found = findMember(object, key);
    if (!found)
      continue;
    std::string known;
    for (auto [name, type] : kTypes) {
      if (found->is_string() && found->get_ref<const std::string &>() == name) {
        rope.type = type;
        return true;
      }
      known += (known.empty() ? "" : ", ") + std::string(name);
    }
    return fail(key, "expected one of " + known);
  }
  return true;
}

bool RopeReader::checkKeys() {
  static constexpr std::string_view kKnown[] = {
      "rope_theta",
      "rope_type",
      "type",
      "factor",
      "low_freq_factor",
      "high_freq_factor",
      "beta_fast",
      "beta_slow",
      "mscale",
      "mscale_all_dim",
      "truncate",
      "short_factor",
      "long_factor",
      "attention_factor",
      "partial_rotary_factor",
      "original_max_position_embeddings"};
  for (auto &[key, value] : object.items()) {
    if (value.is_null() || std::find(std::begin(kKnown), std::end(kKnown),
                                     key) != std::end(kKnown))
      continue;
    if (value.is_object())
      return fail(key, "a rope has no such member; one for each type of layer "
                       "is read from \"" +
                           path + "." + key + "\"");
    return fail(key, "a rope has no such member");
  }
  return true;
}

/// What a type can't do without.
bool RopeReader::checkNeeds(const Rope &rope) {
  auto needs = [&](const char *key) {
    return findMember(object, key) ||
           fail("", std::string("\"") + ropeTypeName(rope.type) + "\" needs '" +
                        key + "'");
  };
  switch (rope.type) {
  case Rope::Type::Default:
  case Rope::Type::Proportional:
    return true;
  case Rope::Type::Linear:
  case Rope::Type::Dynamic:
    return needs("factor");
  case Rope::Type::Yarn:
    return rope.factor > 0 || needs("factor");
  case Rope::Type::Llama3:
    if (!needs("factor") || !needs("low_freq_factor") ||
        !needs("high_freq_factor"))
      return false;
    return rope.lowFreqFactor < rope.highFreqFactor ||
           fail("high_freq_factor", "expected more than low_freq_factor");
  case Rope::Type::LongRope:
    return needs("short_factor") && needs("long_factor");
  }
  return true;
}

bool RopeReader::read(Rope &rope) {
  std::optional<double> original, factor;
  if (!checkKeys() || !readType(rope) || !number("rope_theta", rope.theta) ||
      !number("factor", factor) ||
      !number("low_freq_factor", rope.lowFreqFactor) ||
      !number("high_freq_factor", rope.highFreqFactor) ||
      !number("beta_fast", rope.betaFast) ||
      !number("beta_slow", rope.betaSlow) ||
      !number("mscale", rope.mscale, -1) ||
      !number("mscale_all_dim", rope.mscaleAllDim, -1) ||
      !number("attention_factor", rope.attentionFactor) ||
      !number("partial_rotary_factor", rope.partialFactor) ||
      !number("original_max_position_embeddings", original) ||
      !list("short_factor", rope.shortFactors) ||
      !list("long_factor", rope.longFactors))
    return false;
  if (const json *truncate = findMember(object, "truncate")) {
    if (!truncate->is_boolean())
      return fail("truncate", "expected true or false");
    rope.truncate = truncate->get<bool>();
  }
  // As in Transformers: beside the object it counts more than inside.
  auto outside = [&](const char *key) -> std::optional<double> {
    const json *found = findMember(config, key);
    if (!found || !found->is_number() || !(found->get<double>() >= 1))
      return std::nullopt;
    return found->get<double>();
  };
  std::optional<double> declared = outside("max_position_embeddings");
  if (std::optional<double> more = outside("original_max_position_embeddings"))
    original = more;
  rope.declaredContext = static_cast<int64_t>(declared.value_or(0));
  rope.originalContext =
      static_cast<int64_t>(original.value_or(declared.value_or(0)));
  // The ratio of both contexts stands for a factor that isn't given.
  rope.factor = factor.value_or(original && declared &&
                                        (rope.type == Rope::Type::Yarn ||
                                         rope.type == Rope::Type::LongRope)
                                    ? *declared / *original
                                    : 1.0);
  bool stretches = rope.type == Rope::Type::Llama3 ||
                   rope.type == Rope::Type::Yarn ||
                   rope.type == Rope::Type::LongRope;
  if (stretches && rope.originalContext < 1)
    return fail("", std::string("\"") + ropeTypeName(rope.type) +
                        "\" needs 'original_max_position_embeddings'");
  if (rope.type == Rope::Type::Dynamic && rope.declaredContext < 1)
    return fail("", "\"dynamic\" needs 'max_position_embeddings' beside it");
  return checkNeeds(rope);
}

std::optional<Rope> tenon::lang::readRope(const json &config,
                                          const std::vector<std::string> &paths,
                                          std::optional<double> theta,
                                          std::optional<RopeProblem> &problem) {
  const json *object = nullptr;
  std::string objectPath;
  bool isNumber = false;
  for (const std::string &path : paths) {
    const json *found = findPath(config, path);
    if (!found)
      continue;
    if (found->is_object()) {
      if (!object) {
        object = found;
        objectPath = path;
      }
    } else if (found->is_number()) {
      double value = found->get<double>();
      if (!(value > 0) || !std::isfinite(value)) {
        problem = {path, "expected a number above 0"};
        return std::nullopt;
      }
      if (!isNumber)
        theta = value;
      isNumber = true;
    } else {
      problem = {path, "expected an object or a number: a rope"};
      return std::nullopt;
    }
  }
  if (!object && !theta)
    return std::nullopt;
  Rope rope;
  rope.theta = theta.value_or(0);
  if (object && !RopeReader(config, objectPath, *object, problem).read(rope))
    return std::nullopt;
  if (!(rope.theta > 0)) {
    problem = {objectPath, "'rope_theta' is missing"};
    return std::nullopt;
  }
  return rope;
}
