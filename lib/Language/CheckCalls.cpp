//===- CheckCalls.cpp - calls of builtins, defs and layers ----------------===//

#include "CheckImpl.h"
#include "tenon/Language/Parser.h"

#include <algorithm>

using namespace tenon::lang;

// What a model may expand to: calls of helpers are expanded in place.
// A small description makes a small model; a long one may make more.
static constexpr uint64_t kMaxExpandedSize = 100000;
static constexpr uint64_t kAlwaysExpandedSize = 5000;
static constexpr uint64_t kMaxExpansion = 4; // times what is written
// Helpers for the types of calls, each checked on its own.
static constexpr size_t kMaxInstances = 256;

// What can be called or folded: a layer inside of the one at hand, or what is
// declared outside.
const Decl *Checker::findCallee(std::string_view name) const {
  if (auto found = layerScope.find(name);
      found != layerScope.end() && found->second->kind == Decl::Kind::Layer)
    return found->second;
  auto found = later.find(name);
  return found == later.end() ? nullptr : found->second;
}

std::string tenon::lang::howToFold(const LayerDecl &layer) {
  std::string name(layer.name);
  return layer.outer ? "sum over it: " + name + "+(…, gates)"
                     : "loop over it: " + name + "*(…)";
}

Type Checker::typeOfCall(CallExpr &call) {
  if (const Builtin *builtin = findBuiltin(call.callee)) {
    call.builtin = builtin;
    return typeOfBuiltinCall(call);
  }
  const Decl *decl = findCallee(call.callee);
  if (!decl) {
    for (Argument &argument : call.arguments)
      checkExpr(argument.value);
    unknownName(call.calleeRange, call.callee, "operation");
    return Type();
  }
  call.def = declAs<DefDecl>(decl);
  if (!call.def) {
    std::string name(call.callee);
    auto *layer = declAs<LayerDecl>(decl);
    diagnostics
        .error(model.source, call.calleeRange,
               layer ? "'" + name + "' is a layer; " + howToFold(*layer)
                     : "'" + name + "' can't be called")
        .note(model.source, decl->nameRange, "declared here");
    return Type();
  }
  return typeOfDefCall(call);
}

//===----------------------------------------------------------------------===//
// Builtins
//===----------------------------------------------------------------------===//

// Assigns arguments to parameters: positional ones in order, then by name.
bool Checker::fillSlots(CallExpr &call) {
  const std::vector<BuiltinParam> &params = call.builtin->params;
  std::string name(call.builtin->name);
  bool variadic = params.back().kind == BuiltinParam::Kind::Ints;
  auto reject = [&](SourceRange range, std::string message) {
    diagnostics.error(model.source, range, name + ": " + std::move(message))
        .note("the operation is " + call.builtin->signature());
    return false;
  };
  call.slots.assign(params.size(), nullptr);
  size_t next = 0;
  bool named = false;
  for (const Argument &argument : call.arguments) {
    if (argument.name.empty()) {
      if (named)
        return reject(argument.value->range,
                      "positional arguments come before named ones");
      if (next >= params.size() && variadic)
        call.slots.push_back(nullptr);
      if (next >= call.slots.size())
        return reject(call.range, "takes " + std::to_string(params.size()) +
                                      " arguments at most, found " +
                                      std::to_string(call.arguments.size()));
      call.slots[next++] = argument.value;
      continue;
    }
    named = true;
    auto param = std::find_if(
        params.begin(), params.end(),
        [&](const BuiltinParam &param) { return argument.name == param.name; });
    if (param == params.end() || param->kind == BuiltinParam::Kind::Ints) {
      std::vector<std::string_view> names;
      for (const BuiltinParam &known : params)
        names.push_back(known.name);
      std::string_view near = nearestName(argument.name, names);
      return reject(argument.nameRange,
                    "has no parameter '" + std::string(argument.name) + "'" +
                        (near.empty()
                             ? std::string()
                             : "; did you mean '" + std::string(near) + "'?"));
    }
    Expr *&slot = call.slots[param - params.begin()];
    if (slot)
      return reject(argument.nameRange,
                    "'" + std::string(argument.name) + "' is given twice");
    slot = argument.value;
  }
  std::string missing;
  for (size_t i = 0; i < params.size(); ++i)
    if (params[i].required && !call.slots[i])
      missing += std::string(missing.empty() ? "" : ", ") + params[i].name;
  if (!missing.empty())
    return reject(call.range, "lacks " + missing);
  return true;
}

bool Checker::checkSlot(CallExpr &call, const BuiltinParam &param,
                        const Expr *value) {
  using Kind = BuiltinParam::Kind;
  const Type &type = value->type;
  if (type.isInvalid())
    return false;
  const char *wanted = nullptr;
  switch (param.kind) {
  case Kind::Tensor:
  case Kind::OptionalWeight:
    wanted = type.isFloatTensor() ? nullptr : "a tensor";
    break;
  case Kind::TensorOrFloat:
    wanted = type.isFloatTensor() || type.isNumber() ? nullptr
                                                     : "a tensor or a float";
    break;
  case Kind::Input:
    wanted = type.isTensor() && !type.isFloatTensor()
                 ? nullptr
                 : "an input of token, token_type or bool";
    break;
  case Kind::Int:
  case Kind::Ints:
  case Kind::Dimension:
    wanted = type.kind == Type::Kind::Int ? nullptr : "an int";
    break;
  case Kind::Float:
    wanted = type.isNumber() ? nullptr : "a float";
    break;
  case Kind::List:
    wanted = type.isList() ? nullptr : "a list";
    break;
  case Kind::Bool:
    wanted = type.kind == Type::Kind::Bool ? nullptr : "true or false";
    break;
  case Kind::String:
    wanted = type.kind == Type::Kind::String ? nullptr : "a string";
    break;
  case Kind::RopeOrFloat:
    wanted = type.isNumber() || type.kind == Type::Kind::Rope
                 ? nullptr
                 : "a rope or a float, its theta";
    break;
  case Kind::RotaryOrFloat:
    wanted = type.isNumber() || type.kind == Type::Kind::Rope ||
                     type.kind == Type::Kind::Rotary
                 ? nullptr
                 : "a rope, a float or the value of rotary(…)";
    break;
  }
  if (!wanted)
    return true;
  Diagnostic &diagnostic =
      diagnostics.error(model.source, value->range,
                        std::string(call.builtin->name) + ": " + param.name +
                            " must be " + wanted + ", found " + type.str());
  if (exprAs<NameExpr>(value))
    noteShape(diagnostic, model, value);
  diagnostic.note("the operation is " + call.builtin->signature());
  return false;
}

Type Checker::typeOfBuiltinCall(CallExpr &call) {
  bool ok = true;
  const std::vector<BuiltinParam> &params = call.builtin->params;
  for (size_t i = 0; i < call.arguments.size(); ++i) {
    Argument &argument = call.arguments[i];
    auto isParam = [&](const BuiltinParam &param) {
      return argument.name.empty() ? &param == &params[0] + i
                                   : param.name == argument.name;
    };
    auto param = std::find_if(params.begin(), params.end(), isParam);
    // A dimension may be a length.
    bool outer = lengthsAllowed;
    lengthsAllowed |=
        param != params.end() && param->kind == BuiltinParam::Kind::Dimension;
    ok &= !checkExpr(argument.value).isInvalid();
    lengthsAllowed = outer;
  }
  if (!fillSlots(call) || !ok)
    return Type();
  for (size_t i = 0; i < call.slots.size(); ++i)
    if (call.slots[i])
      ok &= checkSlot(call, params[std::min(i, params.size() - 1)],
                      call.slots[i]);
  if (!ok)
    return Type();
  CallShape shape(model, call, diagnostics);
  Type type = call.builtin->shape(shape);
  // An int is a value of its own; the same text is the same value if it is
  // made of names that don't change.
  if (type.kind == Type::Kind::Int)
    type.value =
        opaque(std::string(sourceText(model, &call)), &call, isGlobal(&call));
  return type;
}

//===----------------------------------------------------------------------===//
// Defs and layers
//===----------------------------------------------------------------------===//

// Letters alone decide what they stand for; formulas of them are compared.
void Checker::matchLetters(const InputDecl &input, const Expr *value,
                           Lengths &lengths) {
  const std::vector<Dim> &shape = input.type.shape, &own = value->type.shape;
  bool hasLeading = input.syntax.hasLeading;
  if (!value->type.isTensor() || own.size() < shape.size() ||
      (own.size() > shape.size() && !hasLeading))
    return;
  size_t leading = own.size() - shape.size();
  if (hasLeading && !lengths.leading) {
    lengths.leading.emplace(own.begin(), own.begin() + leading);
    lengths.leadingFrom = value;
  }
  for (size_t i = 0; i < shape.size(); ++i)
    if (const Symbol *symbol = shape[i].asSymbol(); symbol && symbol->isLength)
      if (lengths.dims.emplace(symbol, own[leading + i]).second)
        lengths.from[symbol] = value;
}

std::optional<Type> Checker::inCaller(const Type &type, bool hasLeading,
                                      const Lengths &lengths) const {
  Type result = type;
  result.shape.clear();
  if (hasLeading && lengths.leading)
    result.shape = *lengths.leading;
  for (const Dim &dim : type.shape) {
    std::optional<Dim> own =
        dim.substitute([&](const Symbol *symbol) -> const Dim * {
          auto found = lengths.dims.find(symbol);
          return found == lengths.dims.end() ? nullptr : &found->second;
        });
    if (!own)
      return std::nullopt;
    result.shape.push_back(std::move(*own));
  }
  return result;
}

bool Checker::checkInputs(const DefDecl &def, std::vector<Argument> &arguments,
                          SourceRange callRange, Lengths &lengths) {
  std::string name(def.name);
  bool ok = true;
  for (Argument &argument : arguments) {
    ok &= !checkExpr(argument.value).isInvalid();
    if (!argument.name.empty()) {
      diagnostics.error(model.source, argument.nameRange,
                        "arguments of a def are given by position");
      ok = false;
    }
  }
  if (arguments.size() != def.inputs.size()) {
    diagnostics
        .error(model.source, callRange,
               "'" + name + "' takes " + std::to_string(def.inputs.size()) +
                   (def.inputs.size() == 1 ? " argument" : " arguments") +
                   ", found " + std::to_string(arguments.size()))
        .note(model.source, def.nameRange, "declared here");
    return false;
  }
  if (!ok)
    return false;
  for (size_t i = 0; i < arguments.size(); ++i)
    matchLetters(*def.inputs[i], arguments[i].value, lengths);
  for (size_t i = 0; i < arguments.size(); ++i) {
    const InputDecl &input = *def.inputs[i];
    const Expr *value = arguments[i].value;
    if (input.type.isInvalid())
      continue;
    std::optional<Type> wanted =
        inCaller(input.type, input.syntax.hasLeading, lengths);
    if (wanted && value->type.matches(*wanted))
      continue;
    std::string declared = input.type.str();
    if (input.syntax.hasLeading)
      declared = "[..., " + declared.substr(1);
    Diagnostic &diagnostic = diagnostics.error(
        model.source, value->range,
        "'" + std::string(input.name) + "' of '" + name + "' is " + declared +
            ", found " + value->type.str());
    diagnostic.note(model.source, input.nameRange,
                    "'" + std::string(input.name) +
                        "' is declared here: " + declared);
    noteShape(diagnostic, model, value, "the argument");
    for (const Dim &dim : input.type.shape)
      for (const Symbol *symbol : dim.symbols())
        if (auto from = lengths.from.find(symbol);
            from != lengths.from.end() && from->second != value)
          diagnostic.note(model.source, from->second->range,
                          symbol->name + " is " +
                              lengths.dims.at(symbol).str() +
                              " by this argument");
    if (input.syntax.hasLeading && lengths.leadingFrom != value)
      diagnostic.note(model.source, lengths.leadingFrom->range,
                      "the leading dimensions are those of this argument");
    ok = false;
  }
  return ok;
}

Type Checker::resultOf(const DefDecl &def, const Lengths &lengths,
                       SourceRange range) {
  if (def.type.isInvalid())
    return Type();
  std::optional<Type> type =
      inCaller(def.type, def.resultSyntax.hasLeading, lengths);
  return type ? *type
              : invalid(range, "a dimension of the result overflows, or is "
                               "too long a formula");
}

Type Checker::typeOfDefCall(CallExpr &call) {
  Lengths lengths;
  if (!checkInputs(*call.def, call.arguments, call.range, lengths))
    return Type();
  bool areLengths = !call.def->hasLeading;
  for (auto &[symbol, dim] : lengths.dims) {
    const Symbol *own = dim.asSymbol();
    areLengths &= own && own->isLength;
  }
  Type result = resultOf(*call.def, lengths, call.range);
  if (!areLengths) {
    call.def = instantiate(*call.def, call.arguments, lengths, call.range);
    if (!call.def)
      return Type();
  }
  if (currentDef)
    callees[currentDef].push_back({call.def, call.range});
  return result;
}

// The helper as it is for the types of a call. Its expressions have types of
// their own, so that it is parsed once more: once for all calls of these types.
DefDecl *Checker::instantiate(const DefDecl &def,
                              const std::vector<Argument> &arguments,
                              const Lengths &lengths, SourceRange callRange) {
  auto fail = [&](std::string message) {
    diagnostics.error(model.source, callRange, std::move(message))
        .note(model.source, def.nameRange, "declared here");
    return nullptr;
  };
  std::string name(def.name);
  if (std::find(instantiating.begin(), instantiating.end(), &def) !=
      instantiating.end())
    return fail("'" + name + "' calls itself; a model has no recursion");
  for (DefDecl *known : model.instances) {
    bool same = known->instanceOf == &def;
    for (size_t i = 0; same && i < arguments.size(); ++i)
      same = known->inputs[i]->type.matches(arguments[i].value->type);
    if (same)
      return known;
  }
  if (model.instances.size() >= kMaxInstances)
    return fail("helpers are called with more than " +
                std::to_string(kMaxInstances) + " combinations of shapes");
  DefDecl *instance = parseDefAgain(model, def, diagnostics);
  if (!instance)
    return nullptr;
  instance->instanceOf = &def;
  model.instances.push_back(instance);
  for (size_t i = 0; i < arguments.size(); ++i)
    instance->inputs[i]->type = arguments[i].value->type;
  instance->type = *inCaller(def.type, def.resultSyntax.hasLeading, lengths);

  // The state of the call's place comes back afterwards.
  Scope outerLocal = std::move(local), outerLayer = std::move(layerScope);
  const DefDecl *outerDef = currentDef;
  const Lengths *outerBindings = bindings;
  layerScope.clear();
  instantiating.push_back(&def);
  bindings = &lengths;
  unsigned before = diagnostics.numErrors();
  checkBody(*instance);
  if (diagnostics.numErrors() != before)
    fail("'" + name + "' has no meaning for the types of this call");
  bindings = outerBindings;
  instantiating.pop_back();
  currentDef = outerDef;
  inBody = true;
  layerScope = std::move(outerLayer);
  local = std::move(outerLocal);
  return diagnostics.numErrors() == before ? instance : nullptr;
}

Type Checker::typeOfLayerLoop(LayerLoopExpr &loop) {
  const Decl *decl = findCallee(loop.layerName);
  loop.layer = declAs<LayerDecl>(decl);
  std::string name(loop.layerName);
  bool sums = loop.fold == LayerLoopExpr::Fold::Sum;
  if (!loop.layer) {
    for (Argument &argument : loop.arguments)
      checkExpr(argument.value);
    if (!decl && !local.count(loop.layerName) &&
        !layerScope.count(loop.layerName))
      unknownName(loop.nameRange, loop.layerName, "layer");
    else
      diagnostics.error(model.source, loop.nameRange,
                        "'" + name + "' is not a layer; to " +
                            (sums ? "add, write '" + name + " + (…)'"
                                  : "multiply, write '" + name + " * (…)'"));
    return Type();
  }
  if (!currentDef)
    return invalid(loop.range, "tensors are computed in defs only");
  if (sums)
    return typeOfSum(loop);
  if (loop.layer->outer)
    return invalid(loop.range, "'" + name + "' is a layer inside of a layer; " +
                                   howToFold(*loop.layer));
  if (currentDef->layer)
    return invalid(loop.range, "a layer can't loop over layers");
  const DefDecl &body = *loop.layer->body;
  Lengths lengths;
  if (!checkInputs(body, loop.arguments, loop.range, lengths))
    return Type();
  for (const Argument &argument : loop.arguments)
    for (auto &[symbol, dim] : lengths.dims)
      if (const Symbol *own = dim.asSymbol();
          lengths.from[symbol] == argument.value && !(own && own->isLength)) {
        diagnostics
            .error(model.source, argument.value->range,
                   symbol->name + " of '" + name + "' is a length, found " +
                       dim.str())
            .note(model.source, decl->nameRange, "declared here");
        return Type();
      }
  callees[currentDef].push_back({&body, loop.range});
  return resultOf(body, lengths, loop.range);
}

// Defs are expanded where they are called, so recursion is an error, and so
// are towers of defs that call each other twice and expand exponentially.
void Checker::checkCallGraph() {
  std::unordered_map<const DefDecl *, unsigned> pending;
  std::unordered_map<const DefDecl *, std::vector<const DefDecl *>> callers;
  std::vector<const DefDecl *> ready;
  for (auto &[def, edges] : callees) {
    pending[def] = static_cast<unsigned>(edges.size());
    for (const CallEdge &edge : edges)
      callers[edge.callee].push_back(def);
    if (edges.empty())
      ready.push_back(def);
  }
  uint64_t written = 0;
  for (const auto &[def, size] : bodySizes)
    written += size;
  uint64_t most = std::clamp(kMaxExpansion * written, kAlwaysExpandedSize,
                             kMaxExpandedSize);
  size_t done = 0;
  std::unordered_map<const DefDecl *, uint64_t> expanded;
  while (done < ready.size()) {
    const DefDecl *def = ready[done++];
    uint64_t size = bodySizes[def];
    for (const CallEdge &edge : callees[def])
      size = std::min(size + expanded[edge.callee], most + 1);
    if (size > most) {
      diagnostics.error(model.source, def->nameRange,
                        "'" + std::string(def->name) +
                            "' expands to more than " +
                            std::to_string(most) + " expressions");
      return;
    }
    expanded[def] = size;
    for (const DefDecl *caller : callers[def])
      if (--pending[caller] == 0)
        ready.push_back(caller);
  }
  if (done == callees.size())
    return;
  // Some def that is not done is on a cycle: walk unfinished callees until one
  // repeats. Source order makes the choice of the first one stable.
  std::vector<const DefDecl *> order;
  for (const LayerDecl *layer : model.layers) {
    for (const LayerDecl *inner : layer->layers)
      order.push_back(inner->body);
    order.push_back(layer->body);
  }
  order.insert(order.end(), model.defs.begin(), model.defs.end());
  order.insert(order.end(), model.instances.begin(), model.instances.end());
  const DefDecl *at =
      *std::find_if(order.begin(), order.end(),
                    [&](const DefDecl *def) { return !expanded.count(def); });
  std::unordered_map<const DefDecl *, const CallEdge *> visited;
  while (!visited.count(at)) {
    auto edge = std::find_if(
        callees[at].begin(), callees[at].end(),
        [&](const CallEdge &edge) { return !expanded.count(edge.callee); });
    visited[at] = &*edge;
    at = edge->callee;
  }
  diagnostics
      .error(model.source, visited[at]->range,
             "'" + std::string(at->name) +
                 "' calls itself; a model has no recursion")
      .note(model.source, at->nameRange, "declared here");
}
