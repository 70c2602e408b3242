//===- BindParams.cpp - values of hyperparameters -------------------------===//

#include "Binder.h"
#include "JsonPlace.h"

#include "tenon/Support/Json.h"

#include <algorithm>
#include <cmath>
#include <utility>

using namespace tenon::lang;
using nlohmann::json;

std::string tenon::lang::placeOf(const Configuration &config,
                                 std::string_view path) {
  std::string text = config.name;
  if (auto at = findJsonKey(config.text, path))
    text += ":" + std::to_string(at->line) + ":" + std::to_string(at->column);
  return text;
}

static std::string shorten(std::string text) {
  constexpr size_t kLongest = 60;
  if (text.size() <= kLongest)
    return text;
  size_t end = kLongest;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80)
    --end;
  return text.substr(0, end) + "…";
}

std::optional<Scalar> Binder::convertScalar(const ParamDecl &param,
                                            const json &value,
                                            std::string &problem) {
  switch (param.valueKind) {
  case Type::Kind::Int:
    if (value.is_number_unsigned() &&
        value.get<uint64_t>() > static_cast<uint64_t>(INT64_MAX)) {
      problem = "expected an int of 64 bits";
      return std::nullopt;
    }
    if (value.is_number_integer())
      return value.get<int64_t>();
    // Some configurations write 8192.0.
    if (value.is_number_float()) {
      double number = value.get<double>();
      if (number == std::floor(number) && std::fabs(number) < 1e15)
        return static_cast<int64_t>(number);
    }
    problem = "expected an int";
    return std::nullopt;
  case Type::Kind::Float:
    if (value.is_number()) {
      double number = value.get<double>();
      if (std::isfinite(number))
        return number;
      problem = "expected a finite number";
      return std::nullopt;
    }
    problem = "expected a float";
    return std::nullopt;
  case Type::Kind::Bool:
    if (value.is_boolean())
      return value.get<bool>();
    problem = "expected true or false";
    return std::nullopt;
  default: {
    if (!value.is_string()) {
      problem = "expected a string";
      return std::nullopt;
    }
    std::string text = value.get<std::string>();
    if (param.choices.empty())
      return text;
    std::string known;
    for (const StringExpr *choice : param.choices) {
      if (choice->value == text)
        return text;
      known += (known.empty() ? "\"" : ", \"") + choice->value + "\"";
    }
    problem = "expected one of " + known;
    return std::nullopt;
  }
  }
}

// Old files of some families have lists of strings in one, with "|" between.
static json splitString(const std::string &text) {
  json parts = json::array();
  for (size_t at = 0; at <= text.size();) {
    size_t end = std::min(text.find('|', at), text.size());
    if (end > at)
      parts.push_back(text.substr(at, end - at));
    at = end + 1;
  }
  return parts;
}

// A list, or an object whose keys are 0 to n - 1, as id2label is.
std::optional<List> Binder::convertList(const ParamDecl &param,
                                        const json &value,
                                        std::string &problem) {
  if (param.valueKind == Type::Kind::String && value.is_string())
    return convertList(param, splitString(value.get_ref<const std::string &>()),
                       problem);
  if (!value.is_array() && !value.is_object()) {
    problem = "expected a list";
    return std::nullopt;
  }
  std::vector<Scalar> elements;
  for (size_t i = 0; i < value.size(); ++i) {
    std::string place = std::to_string(i);
    auto member = value.is_object() ? value.find(place) : value.end();
    if (value.is_object() && member == value.end()) {
      problem = "expected a list, or an object with the keys 0 to " +
                std::to_string(value.size() - 1);
      return std::nullopt;
    }
    std::optional<Scalar> element =
        convertScalar(param, value.is_object() ? *member : value[i], problem);
    if (!element) {
      problem += " as element " + place;
      return std::nullopt;
    }
    elements.push_back(std::move(*element));
  }
  return List{std::make_shared<const std::vector<Scalar>>(std::move(elements))};
}

std::optional<Value> Binder::convert(const ParamDecl &param, const json &value,
                                     const std::string &path) {
  std::string problem;
  if (param.isList) {
    if (std::optional<List> list = convertList(param, value, problem))
      return *list;
  } else if (std::optional<Scalar> scalar =
                 convertScalar(param, value, problem)) {
    return toValue(*scalar);
  }
  reportParam(param, path, problem);
  return std::nullopt;
}

void Binder::reportParam(const ParamDecl &param, const std::string &path,
                         const std::string &problem) {
  const json *value = findPath(config.json, path);
  std::string shown =
      value
          ? shorten(value->dump(-1, ' ', false, json::error_handler_t::replace))
          : std::string("missing");
  diagnostics
      .error(placeOf(config, path),
             "'" + path + "' is " + shown + "; " + problem)
      .note(model.source, param.nameRange,
            "'" + std::string(param.name) +
                "' is declared here: " + param.type.str());
}

// A rope takes what it needs from several of its paths.
std::optional<Value> Binder::bindRope(const ParamDecl &param,
                                      const std::vector<std::string> &paths,
                                      bool &found) {
  found = std::any_of(paths.begin(), paths.end(), [&](const std::string &path) {
    return findPath(config.json, path);
  });
  if (!found)
    return std::nullopt;
  std::optional<double> theta;
  std::optional<Value> otherwise;
  if (param.defaultValue) {
    if (!(otherwise = evaluate(param.defaultValue)))
      return std::nullopt;
    theta = bound.evaluateRope(param.defaultValue).theta;
  }
  std::optional<RopeProblem> problem;
  std::optional<Rope> rope = readRope(config.json, paths, theta, problem);
  // Part of a head turns only if the description says which.
  auto readsPart = [&](const ParamDecl *other) {
    std::string_view key = "partial_rotary_factor";
    return other->name == key ||
           std::any_of(other->paths.begin(), other->paths.end(),
                       [&](const StringExpr *path) {
                         return path->value.ends_with(key);
                       });
  };
  if (rope && rope->partialFactor != 1 &&
      rope->type != Rope::Type::Proportional &&
      std::none_of(model.params.begin(), model.params.end(), readsPart)) {
    for (const std::string &path : paths)
      if (findPath(config.json, path + ".partial_rotary_factor"))
        problem = {path + ".partial_rotary_factor",
                   "the description turns all components of a head"};
  }
  if (problem) {
    reportParam(param, problem->path, problem->message);
    return std::nullopt;
  }
  return std::make_shared<const Rope>(std::move(*rope));
}

std::optional<Value> Binder::valueOf(const ParamDecl &param,
                                     const Expr *expr) {
  std::optional<Value> value = evaluate(expr);
  if (value && param.valueKind == Type::Kind::Rope)
    return std::make_shared<const Rope>(bound.evaluateRope(expr));
  if (!value || param.valueKind != Type::Kind::Float)
    return value;
  if (auto *integer = std::get_if<int64_t>(&*value))
    return static_cast<double>(*integer);
  auto *list = std::get_if<List>(&*value);
  if (!list)
    return value;
  std::vector<Scalar> floats;
  for (const Scalar &element : *list->elements) {
    auto *integer = std::get_if<int64_t>(&element);
    floats.push_back(integer ? static_cast<double>(*integer) : element);
  }
  return List{std::make_shared<const std::vector<Scalar>>(std::move(floats))};
}

std::vector<std::string>
tenon::lang::configurationPaths(const ParamDecl &param) {
  std::vector<std::string> paths;
  for (const StringExpr *path : param.paths)
    paths.push_back(path->value);
  if (paths.empty())
    paths.push_back(std::string(param.name));
  return paths;
}

bool Binder::bindParam(const ParamDecl &param) {
  std::vector<std::string> paths = configurationPaths(param);
  std::optional<Value> value;
  bool found = false;
  if (param.valueKind == Type::Kind::Rope)
    value = bindRope(param, paths, found);
  else
    for (const std::string &path : paths)
      if (const json *member = findPath(config.json, path)) {
        found = true;
        value = convert(param, *member, path);
        break;
      }
  const Expr *otherwise = param.defaultValue;
  if (param.nullValue && std::ranges::any_of(paths, [&](const auto &path) {
        return isNullAt(config.json, path);
      }))
    otherwise = param.nullValue;
  if (!found && otherwise) {
    // A default that needs a hyperparameter which is wrong: reported there.
    if (diagnostics.hasErrors())
      return false;
    value = valueOf(param, otherwise);
  } else if (!found) {
    std::string names;
    for (const std::string &path : paths)
      names += (names.empty() ? "'" : " or '") + path + "'";
    diagnostics
        .error(config.name,
               names + " is missing; the model needs this " + param.type.str())
        .note(model.source, param.nameRange,
              "'" + std::string(param.name) +
                  "' is declared here, without a default");
  }
  if (!value)
    return false;
  bound.scalars[&param] = *value;
  bound.byName[std::string(param.name)] = std::move(*value);
  if (param.symbol)
    bound.params[param.symbol] = &param;
  return true;
}
