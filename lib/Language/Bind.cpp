//===- Bind.cpp - hyperparameters of a concrete model ---------------------===//

#include "BodyBinder.h"
#include "JsonPlace.h"

#include "tenon/Support/CheckedMath.h"
#include "tenon/Support/Json.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cmath>

using namespace tenon::lang;
using nlohmann::json;

namespace tenon::lang {

class Binder {
public:
  Binder(BoundModel &bound, const Configuration &config,
         Diagnostics &diagnostics)
      : bound(bound), model(bound.model()), config(config),
        diagnostics(diagnostics), bodies(bound, diagnostics) {}

  bool bind();

private:
  bool bindCallees();
  bool bindItem(const Item &item);
  bool bindParam(const ParamDecl &param);
  std::optional<Value> convert(const ParamDecl &param, const json &value,
                               const std::string &path);
  std::optional<Value> defaultOf(const ParamDecl &param);
  std::string place(const std::string &path) const;
  bool bindConstant(const ConstantDecl &constant);
  bool bindRequire(const Item &item);
  bool bindWeight(const WeightDecl &weight, int64_t layers,
                  int64_t experts = 0);
  bool bindLayer(const LayerDecl &layer);
  std::optional<int64_t> bindCount(const LayerDecl &layer);
  std::optional<Value> evaluate(const Expr *expr);
  std::optional<int64_t> positive(const Expr *expr, const char *what);

  BoundModel &bound;
  const Model &model;
  const Configuration &config;
  Diagnostics &diagnostics;
  BodyBinder bodies;
};

} // namespace tenon::lang

std::optional<BoundModel> tenon::lang::bindModel(const Model &model,
                                                 const Configuration &config,
                                                 Diagnostics &diagnostics) {
  BoundModel bound(model);
  if (!Binder(bound, config, diagnostics).bind())
    return std::nullopt;
  return bound;
}

/// Whether a dimension of a def's is a letter other than T.
static bool hasLetters(const DefDecl &def) {
  bool found = def.hasLeading;
  for (const InputDecl *input : def.inputs)
    for (const Dim &dim : input->type.shape)
      if (const Symbol *symbol = dim.asSymbol())
        found |= symbol->isLength && symbol->name != "T";
  return found;
}

bool Binder::bind() {
  if (!config.json.is_object()) {
    diagnostics.error(config.name, "a configuration is an object { … }");
    return false;
  }
  // All hyperparameters that are wrong are reported; what follows from them
  // only if they are right.
  bool ok = true;
  for (const Item &item : model.items) {
    bool isParam = item.kind == Item::Kind::Param;
    if (!ok && !isParam)
      continue;
    ok &= bindItem(item);
  }
  if (!ok)
    return false;
  // One error is enough: what is wrong in a layer is often wrong in a def too.
  for (const LayerDecl *layer : model.layers) {
    for (const LayerDecl *inner : layer->layers)
      ok = ok && bodies.bind(*inner->body);
    ok = ok && bodies.bind(*layer->body);
  }
  // Helpers with letters mean something for the types of a call only.
  for (const DefDecl *def : model.defs)
    if (def->isEntry || !hasLetters(*def))
      ok = ok && bodies.bind(*def);
  ok = ok && bindCallees();
  // `forward` comes first, the others in their order.
  for (bool forward : {true, false})
    for (const DefDecl *def : model.defs)
      if (def->isEntry && (def->name == "forward") == forward)
        bound.entryDefs.push_back(def);
  return ok;
}

// The helpers that remain, from those that are bound.
bool Binder::bindCallees() {
  std::vector<const DefDecl *> pending;
  for (auto &[def, used] : bound.uses)
    pending.insert(pending.end(), used.callees.begin(), used.callees.end());
  while (!pending.empty()) {
    const DefDecl *def = pending.back();
    pending.pop_back();
    if (bound.uses.count(def))
      continue;
    if (!bodies.bind(*def))
      return false;
    const std::vector<const DefDecl *> &callees = bound.uses[def].callees;
    pending.insert(pending.end(), callees.begin(), callees.end());
  }
  return true;
}

bool Binder::bindItem(const Item &item) {
  switch (item.kind) {
  case Item::Kind::Architectures:
  case Item::Kind::ModelKind:
  case Item::Kind::Def:
    return true;
  case Item::Kind::Context: {
    bound.contextLimit = positive(item.expr, "the context");
    return bound.contextLimit.has_value();
  }
  case Item::Kind::Param: {
    bool ok = true;
    for (const Decl *decl : item.decls)
      ok &= bindParam(*static_cast<const ParamDecl *>(decl));
    return ok;
  }
  case Item::Kind::Constant:
    return bindConstant(*static_cast<const ConstantDecl *>(item.decls.front()));
  case Item::Kind::Require:
    return bindRequire(item);
  case Item::Kind::Weight:
    return bindWeight(*static_cast<const WeightDecl *>(item.decls.front()), 0);
  case Item::Kind::Layer:
    return bindLayer(*static_cast<const LayerDecl *>(item.decls.front()));
  }
  return true;
}

//===----------------------------------------------------------------------===//
// Hyperparameters
//===----------------------------------------------------------------------===//

std::string Binder::place(const std::string &path) const {
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

std::optional<Value> Binder::convert(const ParamDecl &param, const json &value,
                                     const std::string &path) {
  std::string problem;
  switch (param.valueKind) {
  case Type::Kind::Int:
    if (value.is_number_unsigned() &&
        value.get<uint64_t>() > static_cast<uint64_t>(INT64_MAX)) {
      problem = "expected an int of 64 bits";
      break;
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
    break;
  case Type::Kind::Float:
    if (value.is_number()) {
      double number = value.get<double>();
      if (std::isfinite(number))
        return number;
      problem = "expected a finite number";
      break;
    }
    problem = "expected a float";
    break;
  case Type::Kind::Bool:
    if (value.is_boolean())
      return value.get<bool>();
    problem = "expected true or false";
    break;
  default: {
    if (!value.is_string()) {
      problem = "expected a string";
      break;
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
  }
  }
  std::string shown =
      shorten(value.dump(-1, ' ', false, json::error_handler_t::replace));
  diagnostics.error(place(path), "'" + path + "' is " + shown + "; " + problem)
      .note(model.source, param.nameRange,
            "'" + std::string(param.name) +
                "' is declared here: " + param.type.str());
  return std::nullopt;
}

std::optional<Value> Binder::defaultOf(const ParamDecl &param) {
  std::optional<Value> value = evaluate(param.defaultValue);
  if (value && param.valueKind == Type::Kind::Float)
    if (auto *integer = std::get_if<int64_t>(&*value))
      return static_cast<double>(*integer);
  return value;
}

bool Binder::bindParam(const ParamDecl &param) {
  std::vector<std::string> paths;
  for (const StringExpr *path : param.paths)
    paths.push_back(path->value);
  if (paths.empty())
    paths.push_back(std::string(param.name));

  std::optional<Value> value;
  const json *found = nullptr;
  for (const std::string &path : paths)
    if ((found = findPath(config.json, path))) {
      value = convert(param, *found, path);
      break;
    }
  if (!found && param.defaultValue) {
    // A default that needs a hyperparameter which is wrong: reported there.
    if (diagnostics.hasErrors())
      return false;
    value = defaultOf(param);
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

//===----------------------------------------------------------------------===//
// Other scalars
//===----------------------------------------------------------------------===//

std::optional<Value> Binder::evaluate(const Expr *expr) {
  BoundModel::EvaluationError error;
  std::optional<Value> value = bound.evaluate(expr, &error);
  if (!value)
    reportEvaluation(bound, expr, error, diagnostics);
  return value;
}

std::optional<int64_t> Binder::positive(const Expr *expr, const char *what) {
  std::optional<Value> value = evaluate(expr);
  if (!value)
    return std::nullopt;
  int64_t number = std::get<int64_t>(*value);
  if (number >= 1)
    return number;
  reportEvaluation(
      bound, expr,
      {expr->range, std::string(what) + " " + quoteExpr(model, expr) + " is " +
                        std::to_string(number) + "; it must be at least 1"},
      diagnostics);
  return std::nullopt;
}

bool Binder::bindConstant(const ConstantDecl &constant) {
  if (constant.type.kind == Type::Kind::Rotary)
    return bodies.bindScalarCall(constant.value);
  std::optional<Value> value = evaluate(constant.value);
  if (!value)
    return false;
  bound.scalars[&constant] = std::move(*value);
  return true;
}

bool Binder::bindRequire(const Item &item) {
  std::optional<Value> value = evaluate(item.expr);
  if (!value)
    return false;
  if (std::get<bool>(*value))
    return true;
  reportEvaluation(bound, item.expr,
                   {item.expr->range, item.strings.front()->value},
                   diagnostics);
  return false;
}

//===----------------------------------------------------------------------===//
// Weights and layers
//===----------------------------------------------------------------------===//

// "[bert.]pooler" stands for "bert.pooler" and "pooler", "norm.[weight|gamma]"
// for "norm.weight" and "norm.gamma", in this order. The checker has verified
// the brackets and bounded their number.
static void expandChoices(const std::string &name,
                          std::vector<std::string> &out) {
  size_t open = name.find('['), close = name.find(']');
  if (open == std::string::npos) {
    out.push_back(name);
    return;
  }
  std::string choices = name.substr(open + 1, close - open - 1) + "|";
  if (std::count(choices.begin(), choices.end(), '|') == 1)
    choices += "|"; // a single choice may be left out
  for (size_t begin = 0; begin < choices.size();) {
    size_t end = choices.find('|', begin);
    expandChoices(name.substr(0, open) + choices.substr(begin, end - begin) +
                      name.substr(close + 1),
                  out);
    begin = end + 1;
  }
}

// The prefixes of a layer's names: those of a layer inside of a layer continue
// its prefixes, or are them.
static std::vector<std::string> prefixesOf(const LayerDecl &layer) {
  std::vector<std::string> prefixes;
  for (const StringExpr *prefix : layer.prefixes)
    prefixes.push_back(prefix->value);
  if (!layer.outer)
    return prefixes;
  std::vector<std::string> outer = prefixesOf(*layer.outer), joined;
  if (prefixes.empty())
    return outer;
  for (const std::string &prefix : prefixes) {
    if (!prefix.starts_with(".")) {
      joined.push_back(prefix);
      continue;
    }
    for (const std::string &before : outer)
      joined.push_back(before + prefix);
  }
  return joined;
}

// Every prefix with every name; absolute names are taken once. The index of a
// layer inside of a layer is {e}, however the description calls it.
static std::vector<std::string> candidateNames(const LayerDecl *layer,
                                               const WeightSource &source) {
  std::vector<std::string> names;
  for (const StringExpr *name : source.names) {
    if (!layer || !name->value.starts_with(".")) {
      expandChoices(name->value, names);
      continue;
    }
    for (const std::string &prefix : prefixesOf(*layer))
      expandChoices(prefix + name->value, names);
  }
  if (layer && layer->outer) {
    std::string index = "{" + std::string(layer->index) + "}";
    for (std::string &name : names)
      for (size_t at = name.find(index); at != std::string::npos;
           at = name.find(index, at + kExpertIndex.size()))
        name.replace(at, index.size(), kExpertIndex);
  }
  return names;
}

bool Binder::bindWeight(const WeightDecl &weight, int64_t layers,
                        int64_t experts) {
  BoundWeight result;
  result.decl = &weight;
  result.layers = layers;
  result.experts = experts;
  result.symbol = std::string(weight.name);
  for (const LayerDecl *layer = weight.layer; layer; layer = layer->outer)
    result.symbol = std::string(layer->name) + "." + result.symbol;
  for (const Expr *expr : weight.shape) {
    std::optional<int64_t> extent = positive(expr, "the dimension");
    if (!extent)
      return false;
    result.shape.push_back(*extent);
  }
  std::vector<int64_t> all = result.shape;
  all.push_back(std::max<int64_t>(layers, 1));
  all.push_back(std::max<int64_t>(experts, 1));
  std::optional<uint64_t> elements = checkedProduct(all);
  if (!elements || *elements > static_cast<uint64_t>(kMaxWeightElements)) {
    reportEvaluation(
        bound, weight.shape.front(),
        {weight.shapeRange,
         "the weight has too many elements: " + formatShape(result.shape) +
             (layers ? " in each of " + std::to_string(layers) + " layers"
                     : std::string())},
        diagnostics);
    return false;
  }
  for (const WeightSource &source : weight.sources) {
    if (source.condition) {
      std::optional<Value> holds = evaluate(source.condition);
      if (!holds)
        return false;
      if (!std::get<bool>(*holds))
        continue;
    }
    if (source.alias) {
      auto target =
          bound.weightIndex.find(declAs<WeightDecl>(source.alias->decl));
      if (target != bound.weightIndex.end())
        bound.weightIndex[&weight] = target->second;
      return true;
    }
    result.candidates = candidateNames(weight.layer, source);
    result.nameTemplate = result.candidates.front();
    bound.weightIndex[&weight] = bound.boundWeights.size();
    bound.boundWeights.push_back(std::move(result));
    return true;
  }
  return true; // no condition holds: absent
}

std::optional<int64_t> Binder::bindCount(const LayerDecl &layer) {
  std::optional<int64_t> count = positive(layer.count, "the number of layers");
  if (!count)
    return std::nullopt;
  if (*count > kMaxLayers) {
    reportEvaluation(
        bound, layer.count,
        {layer.count->range, quoteExpr(model, layer.count) + " is " +
                                 std::to_string(*count) + " layers; at most " +
                                 std::to_string(kMaxLayers) + " are accepted"},
        diagnostics);
    return std::nullopt;
  }
  bound.layerCounts[&layer] = *count;
  return count;
}

bool Binder::bindLayer(const LayerDecl &layer) {
  std::optional<int64_t> count = bindCount(layer);
  if (!count)
    return false;
  for (const WeightDecl *weight : layer.weights)
    if (!bindWeight(*weight, *count))
      return false;
  for (const LayerDecl *inner : layer.layers) {
    std::optional<int64_t> experts = bindCount(*inner);
    if (!experts)
      return false;
    for (const WeightDecl *weight : inner->weights)
      if (!bindWeight(*weight, *count, *experts))
        return false;
  }
  return true;
}
