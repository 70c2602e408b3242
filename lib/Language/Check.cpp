//===- Check.cpp - declarations -------------------------------------------===//
//
// Two rounds: first the declarations in order, so that scalars refer to
// earlier ones only; then the bodies, which may refer to all of them.
//
//===----------------------------------------------------------------------===//

#include "CheckImpl.h"

using namespace tenon::lang;

bool tenon::lang::checkModel(Model &model, Diagnostics &diagnostics) {
  return Checker(model, diagnostics).check();
}

bool Checker::check() {
  collectNames();
  for (Item &item : model.items)
    checkItem(item);
  if (diagnostics.hasErrors())
    return false;
  checkHelpers();
  if (diagnostics.hasErrors())
    return false;
  // Bodies of layers before those of defs, which loop over them.
  layerScope.clear();
  for (LayerDecl *layer : model.layers)
    checkLayerBodies(*layer);
  for (DefDecl *def : model.defs)
    if (def->isEntry)
      checkBody(*def);
  checkForward();
  if (!diagnostics.hasErrors())
    checkCallGraph();
  for (const LayerDecl *layer : model.layers)
    for (const LayerDecl *inner : layer->layers)
      if (!diagnostics.hasErrors())
        checkRowWise(*inner);
  return !diagnostics.hasErrors();
}

// Helpers first: what is wrong in one is said once, not in every call of it.
void Checker::checkHelpers() {
  layerScope.clear();
  for (DefDecl *def : model.defs)
    if (!def->isEntry && !def->hasLeading)
      checkBody(*def);
}

// Names that are declared anywhere, to tell "declared later" from "unknown".
void Checker::collectNames() {
  for (const Item &item : model.items)
    for (const Decl *decl : item.decls)
      later.emplace(decl->name, decl);
}

void Checker::declare(Scope &scope, const Decl *decl) {
  std::string name(decl->name);
  if (name == "T") {
    diagnostics.error(model.source, decl->nameRange,
                      "'T' is the number of tokens; choose another name");
    return;
  }
  if ((decl->kind == Decl::Kind::Def || decl->kind == Decl::Kind::Layer) &&
      findBuiltin(name)) {
    diagnostics.error(model.source, decl->nameRange,
                      "'" + name + "' is a builtin operation");
    return;
  }
  const Decl *previous = nullptr;
  if (auto [at, isNew] = scope.emplace(decl->name, decl); !isNew)
    previous = at->second;
  else if (auto found = global.find(decl->name);
           &scope != &global && found != global.end())
    previous = found->second;
  if (previous)
    diagnostics
        .error(model.source, decl->nameRange,
               "'" + name + "' is declared already")
        .note(model.source, previous->nameRange, "the other declaration");
}

void Checker::checkItem(Item &item) {
  switch (item.kind) {
  case Item::Kind::Architectures:
  case Item::Kind::ModelKind:
    return;
  case Item::Kind::Context:
    checkExpr(item.expr);
    expectKind(item.expr, Type::Kind::Int, "the context");
    return;
  case Item::Kind::Param:
    // A default, if any, is shared by all names of the line.
    for (Decl *decl : item.decls)
      checkParam(*static_cast<ParamDecl *>(decl));
    break;
  case Item::Kind::Constant: {
    auto *constant = static_cast<ConstantDecl *>(item.decls.front());
    constant->type = checkExpr(constant->value);
    if (constant->type.isTensor() || constant->type.kind == Type::Kind::Tuple)
      diagnostics.error(model.source, constant->value->range,
                        "outside a def, 'let' names numbers, not tensors");
    break;
  }
  case Item::Kind::Require:
    return checkRequire(item);
  case Item::Kind::Weight:
    checkWeight(*static_cast<WeightDecl *>(item.decls.front()));
    break;
  case Item::Kind::Layer:
    checkLayer(*static_cast<LayerDecl *>(item.decls.front()));
    break;
  case Item::Kind::Def:
    checkSignature(*static_cast<DefDecl *>(item.decls.front()));
    break;
  }
  for (Decl *decl : item.decls)
    declare(global, decl);
}

void Checker::checkParam(ParamDecl &param) {
  param.type = Type::scalar(param.valueKind);
  if (param.valueKind == Type::Kind::Int) {
    param.symbol = model.makeSymbol(std::string(param.name));
    param.type.value = Dim::symbol(param.symbol);
  }
  for (const StringExpr *path : param.paths)
    if (path->value.empty() || path->value.starts_with(".") ||
        path->value.ends_with(".") ||
        path->value.find("..") != std::string::npos)
      diagnostics.error(model.source, path->range,
                        "a path is keys joined by '.', as in "
                        "\"rope_scaling.factor\"");
  if (!param.defaultValue)
    return;
  const Type &type = checkExpr(param.defaultValue);
  bool widens = param.valueKind == Type::Kind::Float && type.isNumber();
  if (!type.isInvalid() && type.kind != param.valueKind && !widens) {
    diagnostics
        .error(model.source, param.defaultValue->range,
               "the default is of type " + type.str() + ", but '" +
                   std::string(param.name) + "' is of type " + param.type.str())
        .note(model.source, param.nameRange, "declared here");
    return;
  }
  auto *string = exprAs<StringExpr>(param.defaultValue);
  if (!string || param.choices.empty())
    return;
  for (const StringExpr *choice : param.choices)
    if (choice->value == string->value)
      return;
  diagnostics.error(model.source, string->range,
                    "the default is not among the choices");
}

void Checker::checkRequire(Item &item) {
  checkExpr(item.expr);
  expectKind(item.expr, Type::Kind::Bool, "the condition");
}

bool Checker::checkShape(std::vector<Expr *> &syntax, std::vector<Dim> &shape,
                         bool allowLengths) {
  lengthsAllowed = allowLengths;
  bool ok = true;
  for (Expr *expr : syntax) {
    const Type &type = checkExpr(expr);
    if (!expectKind(expr, Type::Kind::Int, "a dimension")) {
      ok = false;
      continue;
    }
    if (auto value = type.value.constant(); value && *value < 1) {
      diagnostics.error(model.source, expr->range,
                        "a dimension is at least 1, found " +
                            std::to_string(*value));
      ok = false;
    }
    shape.push_back(type.value);
  }
  lengthsAllowed = false;
  return ok;
}

// Braces hold the layer's index and nothing else; brackets hold choices.
static constexpr unsigned kMaxChoices = 3;

bool Checker::checkNamePattern(const StringExpr *name, const LayerDecl *layer) {
  std::string_view text = name->value;
  std::string inner;
  if (layer && layer->outer)
    inner = "{" + std::string(layer->index) + "}";
  for (size_t at = text.find_first_of("{}"); at != std::string_view::npos;
       at = text.find_first_of("{}", text.find('}', at) + 1)) {
    if (layer && text.substr(at, 3) == "{i}")
      continue;
    if (!inner.empty() && text.substr(at).starts_with(inner))
      continue;
    diagnostics.error(model.source, name->range,
                      layer ? "a name holds the layer's index as {i}" +
                                  (inner.empty() ? "" : ", " + inner) +
                                  "; other braces mean nothing"
                            : "a name outside a layer has no {i}");
    return false;
  }
  // Choices: [ and ] in turn, few enough to try all combinations.
  unsigned brackets = 0, bars = 0;
  bool open = false, misplaced = false;
  for (char c : text) {
    misplaced |= (c == '[' && open) || ((c == ']' || c == '|') && !open);
    brackets += c == '[';
    bars += c == '|';
    open = (open || c == '[') && c != ']';
  }
  if (!misplaced && !open && brackets <= kMaxChoices && bars <= kMaxChoices)
    return true;
  diagnostics.error(model.source, name->range,
                    "choices in a name are [a|b] or [optional], not nested, "
                    "and at most " +
                        std::to_string(kMaxChoices));
  return false;
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
    for (const StringExpr *name : source.names) {
      checkNamePattern(name, weight.layer);
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

// Each layer has tensors of its own; those of layers inside of a layer may be
// one tensor for all of them.
void Checker::checkLayerNames(const LayerDecl &layer,
                              const WeightDecl &weight) {
  bool hasPrefix = !layer.prefixes.empty() ||
                   (layer.outer && !layer.outer->prefixes.empty());
  for (const WeightSource &source : weight.sources)
    for (const StringExpr *name : source.names) {
      bool relative = name->value.starts_with(".");
      if (relative && !hasPrefix)
        diagnostics.error(model.source, name->range,
                          "the name continues a prefix, but the layer has "
                          "none; write layer … = \"prefix.{i}\"");
      else if (!relative && name->value.find("{i}") == std::string::npos)
        diagnostics.error(model.source, name->range,
                          "each layer needs a tensor of its own: begin the "
                          "name with '.', or use {i}");
    }
}

void Checker::checkLayer(LayerDecl &layer) {
  const LayerDecl *outer = layer.outer;
  if (!outer && layer.index != "i")
    diagnostics.error(model.source, layer.nameRange,
                      "the layer's index is called i, as {i} in the names");
  if (outer && layer.index == outer->index)
    diagnostics.error(model.source, layer.nameRange,
                      "the layer around it has this index already; choose "
                      "another, as in expert[e < n]");
  checkExpr(layer.count);
  expectKind(layer.count, Type::Kind::Int, "the number of layers");
  for (const StringExpr *prefix : layer.prefixes) {
    checkNamePattern(prefix, &layer);
    bool continues = outer && prefix->value.starts_with(".");
    if (continues && outer->prefixes.empty())
      diagnostics.error(model.source, prefix->range,
                        "the prefix continues that of the layer around it, "
                        "which has none");
    else if (!continues && prefix->value.find("{i}") == std::string::npos)
      diagnostics.error(model.source, prefix->range,
                        "the prefix of a layer's names holds {i}");
  }
  Scope outerScope;
  if (outer)
    outerScope = layerScope;
  layerScope = outerScope;
  for (WeightDecl *weight : layer.weights) {
    weight->layer = &layer;
    checkWeight(*weight);
    declare(layerScope, weight);
    checkLayerNames(layer, *weight);
  }
  for (LayerDecl *inner : layer.layers) {
    checkLayer(*inner);
    declare(layerScope, inner);
  }
  checkSignature(*layer.body);
  if (outer) {
    layerScope = std::move(outerScope);
    return;
  }
  if (layer.body->inputs.empty() || diagnostics.hasErrors())
    return;
  const InputDecl &carried = *layer.body->inputs.front();
  if (!carried.type.matches(layer.body->type))
    diagnostics
        .error(model.source, layer.body->resultSyntax.range,
               "a layer's result is the next layer's first input: expected " +
                   carried.type.str() + ", found " + layer.body->type.str())
        .note(model.source, carried.nameRange,
              "'" + std::string(carried.name) +
                  "' is declared here: " + carried.type.str());
}

// Those of layers inside first: the body sums over them.
void Checker::checkLayerBodies(LayerDecl &layer) {
  Scope outerScope = layerScope;
  for (const WeightDecl *weight : layer.weights)
    layerScope.emplace(weight->name, weight);
  for (LayerDecl *inner : layer.layers) {
    layerScope.emplace(inner->name, inner);
    checkLayerBodies(*inner);
  }
  checkBody(*layer.body);
  layerScope = std::move(outerScope);
}

void Checker::checkSignature(DefDecl &def) {
  std::unordered_map<std::string_view, const InputDecl *> names;
  def.isEntry = true;
  def.hasLeading = def.resultSyntax.hasLeading;
  for (const InputDecl *input : def.inputs)
    def.hasLeading |= input->syntax.hasLeading;
  for (InputDecl *input : def.inputs) {
    std::vector<Dim> shape;
    if (checkShape(input->syntax.shape, shape, true))
      input->type = Type::tensor(std::move(shape), input->syntax.element);
    if (input->syntax.element == Element::Float)
      def.isEntry = false;
    if (input->syntax.element != Element::Float &&
        input->syntax.shape.size() != 1)
      diagnostics.error(model.source, input->syntax.range,
                        "an input of this kind has one dimension, as in [T] of "
                        "token");
    if (auto [at, isNew] = names.emplace(input->name, input); !isNew)
      diagnostics
          .error(model.source, input->nameRange,
                 "'" + std::string(input->name) + "' is declared already")
          .note(model.source, at->second->nameRange, "the other declaration");
  }
  std::vector<Dim> shape;
  if (checkShape(def.resultSyntax.shape, shape, true))
    def.type = Type::tensor(std::move(shape), def.resultSyntax.element);
  checkLengths(def);
  if (def.resultSyntax.element != Element::Float)
    diagnostics.error(model.source, def.resultSyntax.range,
                      "a def computes numbers");
}

// Letters of helpers may be any dimension, so that formulas of them are shapes.
void Checker::checkLengthsAlone(const DefDecl &def, const Type &type,
                                const TypeSyntax &syntax) {
  if (!def.isEntry && !def.layer)
    return;
  for (size_t i = 0; i < type.shape.size(); ++i)
    for (const Symbol *symbol : type.shape[i].symbols())
      if (symbol->isLength && !type.shape[i].asSymbol())
        diagnostics.error(model.source, syntax.shape[i]->range,
                          "a dimension is a length, as " + symbol->name +
                              ", or doesn't depend on one");
}

// The lengths of a result are those of the inputs.
void Checker::checkLengths(const DefDecl &def) {
  checkLengthsAlone(def, def.type, def.resultSyntax);
  std::unordered_set<const Symbol *> known;
  bool hasLeading = false;
  for (const InputDecl *input : def.inputs) {
    hasLeading |= input->syntax.hasLeading;
    checkLengthsAlone(def, input->type, input->syntax);
    for (const Dim &dim : input->type.shape)
      if (const Symbol *symbol = dim.asSymbol())
        known.insert(symbol);
  }
  for (size_t i = 0; i < def.type.shape.size(); ++i)
    for (const Symbol *symbol : def.type.shape[i].symbols())
      if (symbol->isLength && !known.count(symbol))
        diagnostics.error(model.source, def.resultSyntax.shape[i]->range,
                          "no input has the length " + symbol->name);
  if (def.hasLeading && (def.isEntry || def.layer))
    diagnostics.error(model.source, def.nameRange,
                      "only helpers, which are called with tensors, can leave "
                      "leading dimensions open as '...'");
  else if (def.resultSyntax.hasLeading && !hasLeading)
    diagnostics.error(model.source, def.resultSyntax.range,
                      "no input has leading dimensions '...'");
}

void Checker::checkBody(DefDecl &def) {
  local.clear();
  currentDef = &def;
  inBody = true;
  callees[&def];
  for (InputDecl *input : def.inputs)
    declare(local, input);
  for (LetStmt &let : def.lets)
    checkLet(let);
  Type result = checkExpr(def.result);
  inBody = false;
  currentDef = nullptr;
  if (result.isInvalid() || def.type.isInvalid() || result.matches(def.type))
    return;
  Diagnostic &diagnostic = diagnostics.error(
      model.source, def.result->range,
      "the value is " + result.str() + ", but the " +
          (def.layer ? "layer's def" : "def") + " declares " + def.type.str());
  diagnostic.note(model.source, def.resultSyntax.range, "declared here");
}

void Checker::checkLet(LetStmt &let) {
  Type type = checkExpr(let.value);
  bool isTuple = type.kind == Type::Kind::Tuple;
  size_t count = isTuple ? type.members.size() : 1;
  if (!type.isInvalid() && let.names.size() != count)
    type = invalid(let.value->range,
                   "the value has " + std::to_string(count) +
                       (count == 1 ? " part" : " parts") + ", but 'let' has " +
                       std::to_string(let.names.size()) +
                       (let.names.size() == 1 ? " name" : " names"));
  for (LocalDecl *name : let.names) {
    if (type.isInvalid())
      name->type = Type();
    else
      name->type = isTuple ? type.members[name->index] : type;
    // A local may be bound again: `let x = x + …`.
    auto found = local.find(name->name);
    if (found == local.end()) {
      declare(local, name);
      if (auto weight = layerScope.find(name->name); weight != layerScope.end())
        diagnostics
            .error(model.source, name->nameRange,
                   "'" + std::string(name->name) + "' is declared already")
            .note(model.source, weight->second->nameRange,
                  "the other declaration");
    } else {
      found->second = name;
    }
  }
}

void Checker::checkForward() {
  for (const DefDecl *def : model.defs)
    if (def->name == "forward") {
      if (!def->isEntry)
        diagnostics.error(model.source, def->nameRange,
                          "'forward' takes tokens: its inputs are 'of token', "
                          "'of token_type' or 'of bool'");
      return;
    }
  diagnostics.error(model.source, model.nameRange,
                    "the model has no 'def forward(tokens : [T] of token)'");
}
