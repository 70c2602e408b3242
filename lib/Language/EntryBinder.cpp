//===- EntryBinder.cpp - the entry points of a concrete model -------------===//

#include "EntryBinder.h"

#include "BodyBinder.h"

#include "tenon/Support/Json.h"

#include <nlohmann/json.hpp>

#include <algorithm>

using namespace tenon::lang;
using nlohmann::json;

void EntryBinder::bindArchitecture(const json &config) {
  std::string name;
  if (const json *list = findMember(config, "architectures");
      list && list->is_array() && !list->empty() && list->front().is_string())
    name = list->front().get<std::string>();
  std::string entry = "forward";
  for (size_t i = 0; i < model.architectures.size(); ++i)
    if (const NameExpr *def = model.architectureEntries[i];
        def && model.architectures[i] == name)
      entry = def->name;
  bound.scalars[model.architecture] = std::move(name);
  bound.scalars[model.entry] = std::move(entry);
}

std::vector<std::string> BoundModel::labels(const DefDecl &entry) const {
  std::vector<std::string> names;
  const NameExpr *list = entry.resultSyntax.labels;
  const Value *value = list ? scalar(list->decl) : nullptr;
  if (value)
    for (const Scalar &name : *std::get<List>(*value).elements)
      names.push_back(std::get<std::string>(name));
  return names;
}

std::optional<bool> EntryBinder::holds(const Expr *condition) {
  if (!condition)
    return true;
  BoundModel::EvaluationError error;
  std::optional<Value> value = bound.evaluate(condition, &error);
  if (value)
    return std::get<bool>(*value);
  reportEvaluation(bound, condition, error, diagnostics);
  return std::nullopt;
}

bool EntryBinder::bindKind(const Item &item) {
  std::optional<bool> first = holds(item.expr);
  if (!first)
    return false;
  bool isDecoder = (model.kind == ModelKind::Decoder) == *first;
  bound.boundKind = isDecoder ? ModelKind::Decoder : ModelKind::Encoder;
  return true;
}

bool EntryBinder::bindCondition(const DefDecl &def) {
  std::optional<bool> stays = holds(def.condition);
  if (!stays)
    return false;
  if (!*stays)
    bound.leftOut.insert(&def);
  return true;
}

// There are as many names as columns.
bool EntryBinder::bindLabels(const DefDecl &def) {
  const TypeSyntax &syntax = def.resultSyntax;
  if (!syntax.labels)
    return true;
  int64_t names = static_cast<int64_t>(bound.labels(def).size());
  std::optional<int64_t> columns = bound.extent(def.type.shape.back());
  if (columns == names)
    return true;
  diagnostics
      .error(model.source, syntax.range,
             "'" + std::string(def.name) + "' has " +
                 (columns ? std::to_string(*columns) : "T") +
                 " columns, but '" + std::string(syntax.labels->name) +
                 "' has " + std::to_string(names) + " names")
      .note(model.source, syntax.labels->decl->nameRange, "declared here");
  return false;
}

bool EntryBinder::bindEntries() {
  const std::string &name =
      std::get<std::string>(bound.scalars.at(model.architecture));
  const std::string &main =
      std::get<std::string>(bound.scalars.at(model.entry));
  // `forward` comes first, the others in their order.
  for (bool forward : {true, false})
    for (const DefDecl *def : model.defs) {
      if (!def->isEntry || (def->name == "forward") != forward)
        continue;
      if (def->name == main)
        bound.mainEntry = def;
      if (bound.leftOut.count(def))
        continue;
      if (!bindLabels(*def))
        return false;
      bound.entryDefs.push_back(def);
    }
  if (!bound.mainEntry) {
    // A class that the description doesn't name, where none runs `forward`.
    if (bound.entryDefs.empty()) {
      diagnostics.error(model.source, model.nameRange,
                        "no entry point is left for the class \"" + name +
                            "\"");
      return false;
    }
    bound.mainEntry = bound.entryDefs.front();
  }
  if (!bound.leftOut.count(bound.mainEntry))
    return true;
  diagnostics
      .error(model.source, bound.mainEntry->nameRange,
             "'" + main + "' is what the class \"" + name +
                 "\" runs, but it is left out")
      .note(model.source, bound.mainEntry->condition->range,
            "this condition doesn't hold");
  return false;
}
