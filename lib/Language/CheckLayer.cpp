//===- CheckLayer.cpp - layers, weights and tensors' names ----------------===//

#include "CheckImpl.h"
#include "TensorNames.h"

#include <algorithm>

using namespace tenon::lang;

// Braces hold ints, of the layer's index for one; brackets hold choices.
static constexpr unsigned kMaxChoices = 3;
static constexpr unsigned kMaxBars = 8; // of all choices together

// "{q|k|v}" has a part for each of the weights declared together.
bool Checker::checkOwnParts(const StringExpr *name, unsigned places) {
  std::vector<unsigned> parts = countParts(name->value);
  std::string problem;
  for (unsigned count : parts)
    if (places == 1)
      problem = "{a|b} in a name has a part for each of several weights; a "
                "choice for one is [a|b]";
    else if (count != places)
      problem = "the braces have " + std::to_string(count) +
                " parts for the names of " + std::to_string(places) +
                " weights";
  if (parts.empty() && places > 1)
    problem = "each of the weights needs a name of its own, as in "
              "\"{q|k|v}_proj.weight\"";
  if (problem.empty())
    return true;
  diagnostics.error(model.source, name->range, std::move(problem));
  return false;
}

bool Checker::checkNamePattern(const StringExpr *name,
                               const WeightDecl *weight) {
  if (!checkOwnParts(name, weight ? weight->places : 1))
    return false;
  std::string own = ownPattern(name->value, weight ? weight->place : 0);
  std::string_view text = own;
  std::string outside; // the name without its braces
  for (size_t at = 0; at < text.size();) {
    if (text[at] != '{' && text[at] != '}') {
      outside += text[at++];
      continue;
    }
    size_t close = text[at] == '{' ? text.find('}', at) : text.npos;
    std::string_view inner =
        close == text.npos ? "" : text.substr(at + 1, close - at - 1);
    bool isHole =
        std::any_of(name->holes.begin(), name->holes.end(),
                    [&](const NameHole &hole) { return hole.text == inner; });
    if (!isHole || !currentLayer) {
      diagnostics.error(model.source, name->range,
                        currentLayer
                            ? "braces in a name hold an int, such as "
                              "the layer's index: {" +
                                  std::string(currentLayer->index->name) + "}"
                            : "a name outside a layer has no index");
      return false;
    }
    at = close + 1;
  }
  // That names differ doesn't make the layers differ.
  std::vector<std::pair<LayerDecl *, bool>> varied;
  for (LayerDecl *layer = currentLayer; layer; layer = layer->outer)
    varied.push_back({layer, layer->varies});
  bool ok = true;
  for (const NameHole &hole : name->holes) {
    checkExpr(hole.expr);
    ok &= expectKind(hole.expr, Type::Kind::Int, "what braces in a name hold");
    if (!ok || !currentLayer->outer || hole.text == currentLayer->index->name)
      continue;
    ok = !anyName(hole.expr, [&](const NameExpr &part) {
      return part.decl == currentLayer->index;
    });
    if (!ok)
      invalid(hole.expr->range, "in the names of layers inside of a layer, the "
                                "index stands alone: {" +
                                    std::string(currentLayer->index->name) +
                                    "}");
  }
  for (auto [layer, before] : varied)
    layer->varies = before;
  if (!ok)
    return false;
  // Choices: [ and ] in turn, few enough to try all combinations.
  unsigned brackets = 0, bars = 0;
  bool open = false, misplaced = false;
  for (char c : outside) {
    misplaced |= (c == '[' && open) || ((c == ']' || c == '|') && !open);
    brackets += c == '[';
    bars += c == '|';
    open = (open || c == '[') && c != ']';
  }
  if (!misplaced && !open && brackets <= kMaxChoices && bars <= kMaxBars)
    return true;
  diagnostics.error(model.source, name->range,
                    "choices in a name are [a|b] or [optional], not nested, "
                    "and at most " +
                        std::to_string(kMaxChoices) + ", with " +
                        std::to_string(kMaxBars) + " '|' in all");
  return false;
}

// The name is another one in each repetition of the layer, the outer one if
// there are two.
bool Checker::hasIndex(const StringExpr *name) const {
  return std::any_of(
      name->holes.begin(), name->holes.end(), [&](const NameHole &hole) {
        return hole.text != (currentLayer->outer ? currentLayer->index->name
                                                 : std::string_view()) &&
               varies(hole.expr);
      });
}

void Checker::checkWeight(WeightDecl &weight) {
  std::vector<Dim> shape;
  bool shapeOk = checkShape(weight.shape, shape, false);
  if (shapeOk)
    weight.type = Type::tensor(std::move(shape));
  for (WeightSource &source : weight.sources) {
    if (source.condition) {
      checkExpr(source.condition);
      expectKind(source.condition, Type::Kind::Bool, "the condition");
    }
    if (source.alias && weight.places > 1)
      diagnostics.error(model.source, source.alias->range,
                        "several weights can't all stand for another one");
    std::vector<const StringExpr *> all = source.names;
    all.insert(all.end(), source.ggufNames.begin(), source.ggufNames.end());
    for (const StringExpr *name : all) {
      checkNamePattern(name, &weight);
      if (name->value.empty())
        diagnostics.error(model.source, name->range, "an empty tensor name");
      else if (!weight.layer && name->value.starts_with("."))
        diagnostics.error(model.source, name->range,
                          "only a layer's tensor names begin with '.' and "
                          "continue the layer's prefix");
    }
    if (!source.alias)
      continue;
    if (checkExpr(source.alias).isInvalid())
      continue;
    auto *target = declAs<WeightDecl>(source.alias->decl);
    if (!target) {
      diagnostics
          .error(model.source, source.alias->range,
                 "'" + std::string(source.alias->name) + "' is not a weight")
          .note(model.source, source.alias->decl->nameRange, "declared here");
    } else if (target->layer != weight.layer) {
      diagnostics.error(model.source, source.alias->range,
                        "a layer's weight can't stand for one outside it");
    } else if (shapeOk && target->type.shape != weight.type.shape) {
      diagnostics
          .error(model.source, source.alias->range,
                 "'" + std::string(target->name) + "' is " +
                     target->type.str() + ", but '" + std::string(weight.name) +
                     "' is " + weight.type.str())
          .note(model.source, target->nameRange,
                "'" + std::string(target->name) + "' is declared here");
    }
  }
}

// A prefix, or a name that continues none.
void Checker::checkPrefix(const LayerDecl &layer, const StringExpr *prefix) {
  if (!checkNamePattern(prefix, nullptr))
    return;
  bool continues = layer.outer && prefix->value.starts_with(".");
  if (continues && layer.outer->prefixes.empty())
    diagnostics.error(model.source, prefix->range,
                      "the prefix continues that of the layer around it, "
                      "which has none");
  else if (!continues && !hasIndex(prefix))
    diagnostics.error(model.source, prefix->range,
                      "the prefix of a layer's names holds its index, {" +
                          std::string(layer.outermost()->index->name) + "}");
}

void Checker::checkLayer(LayerDecl &layer) {
  checkExpr(layer.count);
  expectKind(layer.count, Type::Kind::Int, "the number of layers");

  Scope outerScope = layerScope;
  currentLayer = &layer;
  auto *self = model.make<NameExpr>(layer.index->nameRange);
  self->name = layer.index->name;
  self->decl = layer.index;
  self->type = layer.index->type = Type::integer(Dim::symbol(
      model.makeSymbol(std::string(layer.index->name), self, /*varies=*/true)));
  declare(layerScope, layer.index);
  if (!layer.layers.empty() && layer.index->name == "e")
    diagnostics.error(model.source, layer.index->nameRange,
                      "in names, e is the index of the layer inside; choose "
                      "another, as in block[i < n]");
  for (const auto *prefixes : {&layer.prefixes, &layer.ggufPrefixes})
    for (const StringExpr *prefix : *prefixes)
      checkPrefix(layer, prefix);
  for (Item &item : layer.items)
    checkLayerItem(layer, item);
  checkSignature(*layer.body);
  layerScopes[&layer] = std::move(layerScope);
  layerScope = std::move(outerScope);
  currentLayer = layer.outer;
  if (layer.outer || layer.body->inputs.empty() || diagnostics.hasErrors())
    return;
  const InputDecl &carried = *layer.body->inputs.front();
  for (const Dim &dim : carried.type.shape)
    if (dim.varies())
      diagnostics.error(model.source, carried.syntax.range,
                        "the layers pass this on to each other, so that it "
                        "can't depend on the layer's index");
  if (!carried.type.matches(layer.body->type))
    diagnostics
        .error(model.source, layer.body->resultSyntax.range,
               "a layer's result is the next layer's first input: expected " +
                   carried.type.str() + ", found " + layer.body->type.str())
        .note(model.source, carried.nameRange,
              "'" + std::string(carried.name) +
                  "' is declared here: " + carried.type.str());
}

void Checker::checkLayerItem(LayerDecl &layer, Item &item) {
  switch (item.kind) {
  case Item::Kind::Weight: {
    for (Decl *decl : item.decls) {
      auto *weight = static_cast<WeightDecl *>(decl);
      weight->layer = &layer;
      checkWeight(*weight);
      declare(layerScope, weight);
      for (const WeightSource &source : weight->sources)
        for (const StringExpr *name : source.names)
          checkLayerName(layer, name);
    }
    return;
  }
  case Item::Kind::Constant: {
    auto *constant = static_cast<ConstantDecl *>(item.decls.front());
    checkConstant(*constant);
    declare(layerScope, constant);
    return;
  }
  case Item::Kind::Layer: {
    auto *inner = static_cast<LayerDecl *>(item.decls.front());
    checkLayer(*inner);
    declare(layerScope, inner);
    return;
  }
  case Item::Kind::Require:
    return checkRequire(item);
  default:
    return; // the body comes last
  }
}

// Each layer has tensors of its own; those of layers inside of a layer may be
// one tensor for all of them.
void Checker::checkLayerName(const LayerDecl &layer, const StringExpr *name) {
  bool hasPrefix = !layer.prefixes.empty() ||
                   (layer.outer && !layer.outer->prefixes.empty());
  bool relative = name->value.starts_with(".");
  std::string index(layer.outermost()->index->name);
  if (relative && !hasPrefix)
    diagnostics.error(model.source, name->range,
                      "the name continues a prefix, but the layer has none; "
                      "write layer … = \"prefix.{" +
                          index + "}\"");
  else if (!relative && !hasIndex(name))
    diagnostics.error(model.source, name->range,
                      "each layer needs a tensor of its own: begin the name "
                      "with '.', or use {" +
                          index + "}");
}

// Those of layers inside first: the body sums over them.
void Checker::checkLayerBodies(LayerDecl &layer) {
  Scope outerScope = layerScope;
  const Scope &own = layerScopes[&layer];
  layerScope.insert(own.begin(), own.end());
  for (LayerDecl *inner : layer.layers)
    checkLayerBodies(*inner);
  currentLayer = &layer;
  checkBody(*layer.body);
  currentLayer = nullptr;
  layerScope = std::move(outerScope);
  if (layer.outer && layer.varies)
    diagnostics.error(model.source, layer.index->nameRange,
                      "the layers that '" + std::string(layer.name) +
                          "+(…)' sums have one body: their index is for names "
                          "of tensors");
}
