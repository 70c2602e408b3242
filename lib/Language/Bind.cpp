//===- Bind.cpp - hyperparameters of a concrete model ---------------------===//

#include "Binder.h"
#include "JsonPlace.h"
#include "TensorNames.h"

#include "tenon/Support/CheckedMath.h"
#include "tenon/Support/Json.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cmath>
#include <utility>

using namespace tenon::lang;
using nlohmann::json;

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
  entries.bindArchitecture(config.json);
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
  for (const LayerDecl *layer : model.layers)
    ok = ok && bindLayerBody(*layer);
  // Helpers with letters mean something for the types of a call only.
  for (const DefDecl *def : model.defs)
    if ((def->isEntry || !hasLetters(*def)) && !bound.leftOut.count(def))
      ok = ok && bodies.bind(*def);
  return ok && bindCallees() && entries.bindEntries();
}

// The helpers that remain, from those that are bound.
bool Binder::bindCallees() {
  std::vector<const DefDecl *> pending;
  for (auto &[def, used] : bound.uses)
    pending.insert(pending.end(), used.callees.begin(), used.callees.end());
  while (!pending.empty()) {
    const DefDecl *def = pending.back();
    pending.pop_back();
    if (bound.uses.count(def) || bound.leftOut.count(def))
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
  case Item::Kind::ModelTypes:
  case Item::Kind::Include:
    return true;
  case Item::Kind::ModelKind:
    return entries.bindKind(item);
  case Item::Kind::Def:
    return entries.bindCondition(
        *static_cast<const DefDecl *>(item.decls.front()));
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
  case Item::Kind::Ignore:
  case Item::Kind::Unused:
    return !item.expr || evaluate(item.expr).has_value();
  case Item::Kind::Constant:
    return bindConstant(*static_cast<const ConstantDecl *>(item.decls.front()));
  case Item::Kind::Require:
    return bindRequire(item);
  case Item::Kind::Weight:
    return std::all_of(
        item.decls.begin(), item.decls.end(), [&](const Decl *decl) {
          return bindWeight(*static_cast<const WeightDecl *>(decl), 0);
        });
  case Item::Kind::Layer:
    return bindLayer(*static_cast<const LayerDecl *>(item.decls.front()));
  }
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
static std::vector<std::string>
candidateNames(const WeightDecl &weight,
               const std::vector<std::string> &prefixes,
               const std::vector<const StringExpr *> &patterns) {
  std::vector<std::string> names;
  for (const StringExpr *pattern : patterns) {
    std::string own = ownPattern(pattern->value, weight.place);
    if (!weight.layer || !own.starts_with(".") || prefixes.empty()) {
      expandChoices(own, names);
      continue;
    }
    for (const std::string &prefix : prefixes)
      expandChoices(prefix + own, names);
  }
  const LayerDecl *layer = weight.layer;
  if (layer && layer->outer) {
    std::string index = "{" + std::string(layer->index->name) + "}";
    for (std::string &name : names)
      for (size_t at = name.find(index); at != std::string::npos;
           at = name.find(index, at + kExpertIndex.size()))
        name.replace(at, index.size(), kExpertIndex);
  }
  return names;
}

// A weight outside layers, or of one repetition of a layer; of all of them
// together if none depends on the index.
bool Binder::bindWeight(const WeightDecl &weight, int64_t repetition) {
  const LayerDecl *layer = weight.layer ? weight.layer->outermost() : nullptr;
  int64_t layers = layer ? bound.layerCounts.at(layer) : 0;
  bool isInner = weight.layer != layer;
  int64_t experts = isInner ? bound.layerCounts.at(weight.layer) : 0;
  std::vector<std::optional<size_t>> &places = bound.weightPlaces[&weight];
  places.emplace_back();
  std::vector<int64_t> shape;
  for (const Expr *expr : weight.shape) {
    std::optional<int64_t> extent = positive(expr, "the dimension");
    if (!extent)
      return false;
    shape.push_back(*extent);
  }
  std::vector<int64_t> all = shape;
  all.push_back(std::max<int64_t>(layers, 1));
  all.push_back(std::max<int64_t>(experts, 1));
  std::optional<uint64_t> elements = checkedProduct(all);
  if (!elements || *elements > static_cast<uint64_t>(kMaxWeightElements)) {
    reportEvaluation(
        bound, weight.shape.front(),
        {weight.shapeRange,
         "the weight has too many elements: " + formatShape(shape) +
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
      places.back() = bound.weightPlace(declAs<WeightDecl>(source.alias->decl));
      // Its own tensor may be in the file all the same: a copy.
      std::vector<std::string> before =
          weight.layer ? prefixesOf(*weight.layer) : std::vector<std::string>();
      for (const WeightSource &other : weight.sources)
        for (std::string &name : candidateNames(weight, before, other.names))
          bound.copies.insert(std::move(name));
      return true;
    }
    // Tensors of one shape and source are one stack.
    size_t &place =
        stacks.try_emplace({&source, shape, experts}, bound.boundWeights.size())
            .first->second;
    places.back() = place;
    if (place == bound.boundWeights.size()) {
      BoundWeight &stack = bound.boundWeights.emplace_back();
      stack.decl = &weight;
      stack.experts = experts;
      stack.symbol = std::string(weight.name);
      for (const LayerDecl *at = weight.layer; at; at = at->outer)
        stack.symbol = std::string(at->name) + "." + stack.symbol;
      bool further = std::any_of(
          places.begin(), places.end() - 1,
          [&](const std::optional<size_t> &other) {
            return other && bound.boundWeights[*other].decl == &weight;
          });
      if (further)
        stack.symbol += "_" + std::to_string(repetition);
      stack.shape = std::move(shape);
      std::vector<std::string> prefixes, ggufPrefixes;
      if (layer) {
        prefixes = prefixesOf(*weight.layer);
        // In GGUF tensors of inner layers are beside those of the outer one.
        for (const StringExpr *prefix : layer->ggufPrefixes)
          ggufPrefixes.push_back(prefix->value);
      }
      stack.candidates = candidateNames(weight, prefixes, source.names);
      stack.ggufCandidates =
          candidateNames(weight, ggufPrefixes, source.ggufNames);
      stack.nameTemplate = stack.candidates.front();
    }
    BoundWeight &stack = bound.boundWeights[place];
    int64_t end = layer && layer->varies ? repetition + 1 : layers;
    for (int64_t number = repetition; number < end; ++number)
      stack.numbers.push_back(number);
    stack.layers = static_cast<int64_t>(stack.numbers.size());
    return true;
  }
  return true; // no condition holds: absent
}

std::optional<int64_t> Binder::bindCount(const LayerDecl &layer) {
  std::optional<Value> value = evaluate(layer.count);
  if (!value)
    return std::nullopt;
  int64_t count = std::get<int64_t>(*value);
  // A layer may be left out; a sum of nothing means nothing.
  int64_t least = layer.outer ? 1 : 0;
  if (count < least || count > kMaxLayers) {
    std::string found =
        quoteExpr(model, layer.count) + " is " + std::to_string(count);
    reportEvaluation(bound, layer.count,
                     {layer.count->range,
                      count < least
                          ? "the number of layers " + found +
                                "; it must be at least " + std::to_string(least)
                          : found + " layers; at most " +
                                std::to_string(kMaxLayers) + " are accepted"},
                     diagnostics);
    return std::nullopt;
  }
  bound.layerCounts[&layer] = count;
  return count;
}

bool Binder::bindLayer(const LayerDecl &layer) {
  std::optional<int64_t> count = bindCount(layer);
  if (!count)
    return false;
  // Repetitions that don't differ are bound together.
  int64_t different = layer.varies ? *count : std::min<int64_t>(*count, 1);
  for (int64_t repetition = 0; repetition < different; ++repetition)
    if (!bindLayerItems(layer, repetition))
      return false;
  return bindHoles(layer);
}

bool Binder::bindLayerItems(const LayerDecl &layer, int64_t repetition) {
  bound.scalars[layer.index] = layer.outer ? 0 : repetition;
  for (const Item &item : layer.items) {
    bool ok = true;
    if (item.kind == Item::Kind::Weight) {
      for (const Decl *decl : item.decls)
        ok = ok &&
             bindWeight(*static_cast<const WeightDecl *>(decl), repetition);
    } else if (item.kind == Item::Kind::Constant) {
      ok = bindConstant(*static_cast<const ConstantDecl *>(item.decls.front()));
    } else if (item.kind == Item::Kind::Require) {
      ok = bindRequire(item);
    } else if (item.kind == Item::Kind::Layer) {
      auto *inner = static_cast<const LayerDecl *>(item.decls.front());
      ok = bindCount(*inner) && bindLayerItems(*inner, repetition);
    }
    if (!ok)
      return false;
  }
  return true;
}

// What braces in the names of tensors hold.
bool Binder::bindHoles(const LayerDecl &layer) {
  std::map<std::string, const Expr *> exprs;
  std::vector<BoundWeight *> weights;
  auto collect = [&](const std::vector<const StringExpr *> &names,
                     BoundWeight &weight) {
    const LayerDecl *inner = weight.decl->layer;
    for (const StringExpr *name : names)
      for (const NameHole &hole : name->holes) {
        if (inner->outer && hole.text == inner->index->name)
          continue; // {e}
        exprs.emplace(hole.text, hole.expr);
        bool isKnown = std::any_of(
            weight.holes.begin(), weight.holes.end(),
            [&](const auto &other) { return other.text == hole.text; });
        if (!isKnown)
          weight.holes.push_back({hole.text, {}});
      }
  };
  for (BoundWeight &weight : bound.boundWeights)
    if (weight.decl->layer && weight.decl->layer->outermost() == &layer) {
      for (auto *at = weight.decl->layer; at; at = at->outer)
        for (const auto *names : {&at->prefixes, &at->ggufPrefixes})
          collect(*names, weight);
      for (const WeightSource &source : weight.decl->sources)
        for (const auto *names : {&source.names, &source.ggufNames})
          collect(*names, weight);
      weights.push_back(&weight);
    }
  for (int64_t i = 0; i < bound.layerCounts.at(&layer); ++i) {
    bound.enterLayer(&layer, i);
    for (BoundWeight *weight : weights)
      if (std::binary_search(weight->numbers.begin(), weight->numbers.end(), i))
        for (BoundWeight::Hole &hole : weight->holes) {
          const Expr *expr = exprs.at(hole.text);
          std::optional<Value> value = evaluate(expr);
          if (!value)
            return false;
          int64_t number = std::get<int64_t>(*value);
          if (number < 0) {
            reportEvaluation(bound, expr,
                             {expr->range, "a number in a tensor's name is at "
                                           "least 0, found " +
                                               std::to_string(number)},
                             diagnostics);
            return false;
          }
          hole.values.push_back(number);
        }
  }
  return true;
}

// A def, the helpers that it calls, those that they call, and so on: now, not
// for another kind of layer, in which another one may be called.
bool Binder::bindWithHelpers(const DefDecl &def,
                             std::set<const DefDecl *> &done) {
  std::vector<const DefDecl *> before =
      std::exchange(bound.uses[&def].callees, std::vector<const DefDecl *>());
  if (!bodies.bind(def))
    return false;
  std::vector<const DefDecl *> callees = bound.uses[&def].callees;
  for (const DefDecl *callee : callees)
    if (done.insert(callee).second && !bindWithHelpers(*callee, done))
      return false;
  std::vector<const DefDecl *> &all = bound.uses[&def].callees;
  for (const DefDecl *callee : before)
    if (std::find(all.begin(), all.end(), callee) == all.end())
      all.push_back(callee);
  return true;
}

// A layer's weights, then those of the layers inside of it.
static std::vector<const WeightDecl *> allWeights(const LayerDecl &layer) {
  std::vector<const WeightDecl *> all(layer.weights.begin(),
                                      layer.weights.end());
  for (const LayerDecl *inner : layer.layers)
    all.insert(all.end(), inner->weights.begin(), inner->weights.end());
  return all;
}

// Binds the body with the index of each repetition; those that evaluate the
// same are of one kind.
bool Binder::bindLayerBody(const LayerDecl &layer) {
  BoundModel::LayerKinds &kinds = bound.kinds[&layer];
  int64_t count = bound.layerCounts.at(&layer);
  kinds.kindOf.assign(count, 0);
  bound.uses[layer.body]; // nothing, if there are no layers
  std::vector<BodyFacts> known;
  int64_t different = layer.varies ? count : std::min<int64_t>(count, 1);
  for (int64_t repetition = 0; repetition < different; ++repetition) {
    bound.enterLayer(&layer, repetition);
    BodyFacts facts;
    for (const WeightDecl *weight : allWeights(layer))
      facts.weights.emplace_back(weight, bound.weightPlace(weight));
    if (!bodies.bind(*layer.body, &facts))
      return false;
    auto found = std::find(known.begin(), known.end(), facts);
    kinds.kindOf[repetition] = static_cast<unsigned>(found - known.begin());
    if (found != known.end())
      continue;
    // Helpers see the dimensions of this kind.
    std::set<const DefDecl *> done;
    if (layer.varies && !bindWithHelpers(*layer.body, done))
      return false;
    kinds.representative.push_back(repetition);
    known.push_back(std::move(facts));
    if (known.size() > static_cast<size_t>(kMaxLayerBodies))
      break;
  }
  if (known.size() <= static_cast<size_t>(kMaxLayerBodies)) {
    kinds.loops = findLayerLoops(kinds.kindOf);
    if (countBodies(kinds.loops) <= kMaxLayerBodies)
      return true;
  }
  Diagnostic &diagnostic = diagnostics.error(
      model.source, layer.nameRange,
      "the layers of '" + std::string(layer.name) +
          "' differ so that code for more than " +
          std::to_string(kMaxLayerBodies) + " of them would be needed");
  int64_t second = 1;
  while (kinds.kindOf[second] == kinds.kindOf[second - 1])
    ++second;
  noteDifference(bound, second - 1, known[kinds.kindOf[second - 1]],
                 known[kinds.kindOf[second]], diagnostic);
  return false;
}
