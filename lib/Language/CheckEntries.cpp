//===- CheckEntries.cpp - what the executable can be asked for ------------===//
//
// A def all of whose inputs come from outside is an entry point. What its
// inputs and its result are is said by their types; its name is free.
//
//===----------------------------------------------------------------------===//

#include "CheckImpl.h"

using namespace tenon::lang;

// The class that the configuration names and the entry that it runs, known to
// all descriptions.
void Checker::declareArchitecture() {
  auto declare = [&](std::string_view name) {
    auto *param = model.make<ParamDecl>();
    param->name = name;
    param->nameRange = model.nameRange;
    param->valueKind = Type::Kind::String;
    param->type = Type::scalar(Type::Kind::String);
    global.emplace(name, param);
    return param;
  };
  model.architecture = declare("architecture");
  model.entry = declare("entry");
}

void Checker::checkArchitectures(const Item &item) {
  for (NameExpr *entry : item.entries) {
    if (!entry)
      continue;
    auto found = later.find(entry->name);
    auto *def = found == later.end() ? nullptr : declAs<DefDecl>(found->second);
    entry->decl = def;
    if (def)
      continue;
    if (found == later.end()) {
      unknownName(entry->range, entry->name, "def");
      continue;
    }
    diagnostics
        .error(model.source, entry->range,
               "'" + std::string(entry->name) + "' is not a def")
        .note(model.source, found->second->nameRange, "declared here");
  }
}

void Checker::checkKind(const Item &item) {
  if (!item.expr)
    return;
  checkExpr(item.expr);
  expectKind(item.expr, Type::Kind::Bool, "the condition");
}

// An input's elements and dimensions; true if it comes from outside.
bool Checker::checkInputElement(const InputDecl &input) {
  const TypeSyntax &syntax = input.syntax;
  switch (syntax.element) {
  case Element::Float:
    return false;
  case Element::Labels:
  case Element::Span:
    diagnostics.error(model.source, syntax.range,
                      "an input is of token, token_type, bool, pixel or "
                      "feature; names and spans are results");
    return true;
  case Element::Pixel:
  case Element::Feature:
    for (size_t i = 1; i < input.type.shape.size(); ++i)
      if (input.type.shape[i].dependsOnLength())
        diagnostics.error(model.source, syntax.shape[i]->range,
                          "only the first dimension of an input is a length");
    return true;
  default:
    if (syntax.shape.size() != 1)
      diagnostics.error(model.source, syntax.range,
                        "an input of this kind has one dimension, as in [T] of "
                        "token");
    return true;
  }
}

static bool isListOfStrings(const Expr &expr) {
  return expr.type.isList() && expr.type.listOf == Type::Kind::String;
}

void Checker::checkResultElement(DefDecl &def) {
  TypeSyntax &syntax = def.resultSyntax;
  switch (syntax.element) {
  case Element::Float:
  case Element::Token:
    break;
  case Element::Labels:
    if (!checkExpr(syntax.labels).isInvalid() &&
        !isListOfStrings(*syntax.labels))
      diagnostics.error(model.source, syntax.labels->range,
                        "the columns are named by a list of strings, found " +
                            syntax.labels->type.str());
    break;
  case Element::Span: {
    auto columns = def.type.shape.empty() ? std::nullopt
                                          : def.type.shape.back().constant();
    if (!def.type.isInvalid() && columns != 2)
      diagnostics.error(model.source, syntax.range,
                        "a span has two columns, the scores of its start and "
                        "of its end");
    break;
  }
  default:
    diagnostics.error(model.source, syntax.range,
                      "a def computes numbers: scores of token, of span or of "
                      "a list of names, or a vector");
  }
  if (!def.isEntry) {
    if (syntax.element != Element::Float)
      diagnostics.error(model.source, syntax.range,
                        "only the result of an entry point is 'of' something; "
                        "a helper's is numbers");
    if (def.condition)
      diagnostics.error(model.source, def.condition->range,
                        "only an entry point can be left out");
    return;
  }
  if (syntax.shape.size() != 2)
    diagnostics.error(model.source, syntax.range,
                      "the result of an entry point has two dimensions: rows, "
                      "and the numbers of each");
  if (!def.condition)
    return;
  checkExpr(def.condition);
  expectKind(def.condition, Type::Kind::Bool, "the condition");
}

// Every architecture runs some entry point.
void Checker::checkEntries() {
  const DefDecl *forward = nullptr;
  for (const DefDecl *def : model.defs)
    if (def->name == "forward")
      forward = def;
  auto check = [&](const DefDecl *def, SourceRange range) {
    if (def && !def->isEntry)
      diagnostics
          .error(model.source, range,
                 "'" + std::string(def->name) +
                     "' is no entry point: its inputs are 'of token', "
                     "'of pixel' and the like")
          .note(model.source, def->nameRange, "declared here");
    else if (!def)
      diagnostics.error(
          model.source, range,
          "the model has no 'def forward(tokens : [T] of token)'");
  };
  if (model.architectures.empty())
    return check(forward, forward ? forward->nameRange : model.nameRange);
  bool forwardIsChecked = false;
  for (const Item &item : model.items)
    for (size_t i = 0; i < item.entries.size(); ++i) {
      const NameExpr *entry = item.entries[i];
      if (entry && entry->decl)
        check(declAs<DefDecl>(entry->decl), entry->range);
      else if (!entry && !forwardIsChecked) {
        forwardIsChecked = true;
        check(forward, forward ? forward->nameRange : model.nameRange);
      }
    }
}
