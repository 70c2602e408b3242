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
  checkEntries();
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
  declareArchitecture();
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
  else if (auto inLayer = layerScope.find(decl->name);
           &scope != &layerScope && inLayer != layerScope.end())
    previous = inLayer->second;
  if (previous)
    diagnostics
        .error(model.source, decl->nameRange,
               "'" + name + "' is declared already")
        .note(model.source, previous->nameRange, "the other declaration");
}

void Checker::checkItem(Item &item) {
  switch (item.kind) {
  case Item::Kind::Architectures:
    return checkArchitectures(item);
  case Item::Kind::ModelKind:
    return checkKind(item);
  case Item::Kind::ModelTypes:
  case Item::Kind::Include:
    return;
  case Item::Kind::Ignore:
  case Item::Kind::Unused:
    if (item.expr)
      checkRequire(item);
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
  case Item::Kind::Constant:
    checkConstant(*static_cast<ConstantDecl *>(item.decls.front()));
    break;
  case Item::Kind::Require:
    return checkRequire(item);
  case Item::Kind::Weight:
    for (Decl *decl : item.decls)
      checkWeight(*static_cast<WeightDecl *>(decl));
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

void Checker::checkConstant(ConstantDecl &constant) {
  constant.layer = currentLayer;
  constant.type = checkExpr(constant.value);
  if (constant.type.isTensor() || constant.type.kind == Type::Kind::Tuple)
    diagnostics.error(model.source, constant.value->range,
                      "outside a def, 'let' names numbers, not tensors");
}

void Checker::checkParam(ParamDecl &param) {
  param.type = param.isList ? Type::list(param.valueKind)
                            : Type::scalar(param.valueKind);
  if (param.type.kind == Type::Kind::Int) {
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
  if (param.defaultValue)
    checkParamValue(param, param.defaultValue, "the default");
  if (!param.nullValue)
    return;
  if (param.valueKind == Type::Kind::Rope)
    diagnostics.error(model.source, param.nullValue->range,
                      "a rope is read from several paths, null among them; "
                      "what null means can't be said");
  else
    checkParamValue(param, param.nullValue, "what null means");
}

void Checker::checkParamValue(const ParamDecl &param, Expr *value,
                              const std::string &what) {
  const Type &type = checkExpr(value);
  bool isRope = param.valueKind == Type::Kind::Rope;
  bool widens =
      (param.valueKind == Type::Kind::Float || isRope) &&
      (param.isList ? type.listOf == Type::Kind::Int : type.isNumber());
  if (!type.isInvalid() && !type.matches(param.type) && !widens) {
    diagnostics
        .error(model.source, value->range,
               what + " is of type " + type.str() + ", but '" +
                   std::string(param.name) + "' is of type " + param.type.str())
        .note(model.source, param.nameRange, "declared here");
    return;
  }
  auto *string = exprAs<StringExpr>(value);
  if (!string || param.choices.empty())
    return;
  for (const StringExpr *choice : param.choices)
    if (choice->value == string->value)
      return;
  diagnostics.error(model.source, string->range,
                    what + " is not among the choices");
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

void Checker::checkSignature(DefDecl &def) {
  std::unordered_map<std::string_view, const InputDecl *> names;
  def.isEntry = true;
  def.hasLeading = def.resultSyntax.hasLeading;
  for (const InputDecl *input : def.inputs)
    def.hasLeading |= input->syntax.hasLeading;
  for (InputDecl *input : def.inputs) {
    std::vector<Dim> shape;
    Element element = input->syntax.element;
    if (checkShape(input->syntax.shape, shape, true))
      input->type = Type::tensor(std::move(shape),
                                 isFloat(element) ? Element::Float : element);
    def.isEntry &= checkInputElement(*input);
    if (auto [at, isNew] = names.emplace(input->name, input); !isNew)
      diagnostics
          .error(model.source, input->nameRange,
                 "'" + std::string(input->name) + "' is declared already")
          .note(model.source, at->second->nameRange, "the other declaration");
  }
  std::vector<Dim> shape;
  if (checkShape(def.resultSyntax.shape, shape, true))
    def.type = Type::tensor(std::move(shape));
  checkLengths(def);
  checkResultElement(def);
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
    if (found == local.end())
      declare(local, name);
    else
      found->second = name;
  }
}
