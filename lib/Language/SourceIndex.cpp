//===- SourceIndex.cpp - what the names in a description stand for --------===//

#include "tenon/Language/SourceIndex.h"

#include "tenon/Language/Builtins.h"

#include <algorithm>
#include <unordered_map>

using namespace tenon::lang;

/// Walks the tree once. Helpers that were parsed again for the types of a call
/// stand at the same places: they give types where the helper itself has none.
class SourceIndex::Builder {
public:
  explicit Builder(SourceIndex &index) : index(index), model(index.model) {}

  void build() {
    scope({0, static_cast<uint32_t>(model.source.text().size())});
    for (const Item &item : model.items)
      visit(item);
    size_t own = index.occurrences.size();
    for (const DefDecl *instance : model.instances)
      visit(*instance);
    addTypes(own);
    index.occurrences.resize(own);
    std::ranges::sort(index.occurrences, {}, [](const Occurrence &occurrence) {
      return std::pair(occurrence.range.begin, occurrence.range.end);
    });
  }

private:
  void scope(SourceRange range) {
    current = index.scopes.size();
    index.scopes.push_back({range, {}});
  }

  void declare(const Decl *decl) {
    index.scopes[current].decls.push_back(decl);
    index.occurrences.push_back(
        {decl->nameRange, decl, nullptr, decl->type, true});
  }

  void name(SourceRange range, const Decl *decl, const Type &type) {
    index.occurrences.push_back({range, decl, nullptr, type});
  }

  void addTypes(size_t own) {
    std::unordered_map<uint64_t, const Type *> known;
    auto key = [](SourceRange range) {
      return uint64_t(range.begin) << 32 | range.end;
    };
    std::span all(index.occurrences);
    for (const Occurrence &occurrence : all.subspan(own))
      if (!occurrence.type.isInvalid())
        known.try_emplace(key(occurrence.range), &occurrence.type);
    for (Occurrence &occurrence : all.first(own))
      if (auto it = known.find(key(occurrence.range));
          it != known.end() && occurrence.type.isInvalid())
        occurrence.type = *it->second;
  }

  void visit(const Item &item) {
    // What several names of a line share is of the last.
    switch (item.kind) {
    case Item::Kind::Param:
      for (const Decl *decl : item.decls)
        declare(decl);
      visit(static_cast<const ParamDecl *>(item.decls.back())->defaultValue);
      visit(static_cast<const ParamDecl *>(item.decls.back())->nullValue);
      break;
    case Item::Kind::Constant:
      visit(static_cast<const ConstantDecl *>(item.decls.back())->value);
      declare(item.decls.back());
      break;
    case Item::Kind::Weight:
      for (const Decl *decl : item.decls)
        declare(decl);
      visit(*static_cast<const WeightDecl *>(item.decls.back()));
      break;
    case Item::Kind::Layer:
      visit(*static_cast<const LayerDecl *>(item.decls.back()), item.range);
      break;
    case Item::Kind::Def:
      declare(item.decls.back());
      visit(*static_cast<const DefDecl *>(item.decls.back()));
      break;
    default:
      visit(item.expr);
      for (const NameExpr *entry : item.entries)
        visit(entry);
    }
  }

  void visit(const WeightDecl &weight) {
    for (const Expr *dim : weight.shape)
      visit(dim);
    for (const WeightSource &source : weight.sources) {
      for (const StringExpr *text : source.names)
        visit(text);
      for (const StringExpr *text : source.ggufNames)
        visit(text);
      visit(source.alias);
      visit(source.condition);
    }
  }

  void visit(const LayerDecl &layer, SourceRange range) {
    declare(&layer);
    visit(layer.count);
    size_t outer = current;
    scope({range.begin, layer.bodyEnd.end});
    if (layer.index)
      declare(layer.index);
    for (const StringExpr *prefix : layer.prefixes)
      visit(prefix);
    for (const StringExpr *prefix : layer.ggufPrefixes)
      visit(prefix);
    for (const Item &item : layer.items)
      if (item.kind == Item::Kind::Def)
        visit(*static_cast<const DefDecl *>(item.decls.back()));
      else
        visit(item);
    current = outer;
  }

  void visit(const DefDecl &def) {
    size_t outer = current;
    scope({def.range.begin, def.bodyEnd.end});
    for (const InputDecl *input : def.inputs) {
      declare(input);
      visit(input->syntax);
    }
    visit(def.resultSyntax);
    visit(def.condition);
    for (const LetStmt &let : def.lets) {
      visit(let.value);
      for (const LocalDecl *local : let.names)
        declare(local);
    }
    visit(def.result);
    current = outer;
  }

  void visit(const TypeSyntax &syntax) {
    for (const Expr *dim : syntax.shape)
      visit(dim);
    visit(syntax.labels);
  }

  void visit(const Expr *expr) {
    if (!expr)
      return;
    switch (expr->kind) {
    case Expr::Kind::Integer:
    case Expr::Kind::Float:
    case Expr::Kind::Bool:
      return;
    case Expr::Kind::String:
      for (const NameHole &hole : exprAs<StringExpr>(expr)->holes)
        visit(hole.expr);
      return;
    case Expr::Kind::Name:
      return name(expr->range, exprAs<NameExpr>(expr)->decl, expr->type);
    case Expr::Kind::Unary:
      return visit(exprAs<UnaryExpr>(expr)->operand);
    case Expr::Kind::Binary:
      visit(exprAs<BinaryExpr>(expr)->lhs);
      return visit(exprAs<BinaryExpr>(expr)->rhs);
    case Expr::Kind::Conditional:
      visit(exprAs<ConditionalExpr>(expr)->thenValue);
      visit(exprAs<ConditionalExpr>(expr)->condition);
      return visit(exprAs<ConditionalExpr>(expr)->elseValue);
    case Expr::Kind::Call:
      return visit(*exprAs<CallExpr>(expr));
    case Expr::Kind::LayerLoop: {
      auto *loop = exprAs<LayerLoopExpr>(expr);
      name(loop->nameRange, loop->layer, loop->type);
      return visit(loop->arguments);
    }
    case Expr::Kind::Index:
      visit(exprAs<IndexExpr>(expr)->list);
      return visit(exprAs<IndexExpr>(expr)->index);
    case Expr::Kind::List:
      for (const Expr *element : exprAs<ListExpr>(expr)->elements)
        visit(element);
      return;
    case Expr::Kind::Comprehension: {
      auto *all = exprAs<ComprehensionExpr>(expr);
      visit(all->element);
      if (all->index)
        declare(all->index);
      return visit(all->count);
    }
    }
  }

  void visit(const CallExpr &call) {
    const DefDecl *def = call.def;
    while (def && def->instanceOf)
      def = def->instanceOf;
    index.occurrences.push_back(
        {call.calleeRange, def, call.builtin, call.type});
    visit(call.arguments);
  }

  void visit(const std::vector<Argument> &arguments) {
    for (const Argument &argument : arguments)
      visit(argument.value);
  }

  SourceIndex &index;
  const Model &model;
  size_t current = 0; ///< the scope at hand
};

SourceIndex::SourceIndex(const Model &model) : model(model) {
  Builder(*this).build();
}

const Occurrence *SourceIndex::at(uint32_t offset) const {
  // Names don't overlap: the last that begins at or before the offset.
  auto after = std::ranges::upper_bound(
      occurrences, offset, {},
      [](const Occurrence &occurrence) { return occurrence.range.begin; });
  if (after == occurrences.begin())
    return nullptr;
  const Occurrence &found = *std::prev(after);
  return offset <= found.range.end ? &found : nullptr;
}

std::vector<SourceRange> SourceIndex::occurrencesOf(const Decl &decl) const {
  std::vector<SourceRange> ranges;
  for (const Occurrence &occurrence : occurrences)
    if (occurrence.decl == &decl)
      ranges.push_back(occurrence.range);
  return ranges;
}

std::vector<const Decl *> SourceIndex::visibleAt(uint32_t offset) const {
  std::vector<const Decl *> found;
  for (const Scope &scope : scopes)
    if (scope.range.begin <= offset && offset <= scope.range.end)
      for (const Decl *decl : scope.decls)
        // A name of a def is there from its let on.
        if (decl->kind != Decl::Kind::Local || decl->nameRange.end <= offset)
          found.push_back(decl);
  return found;
}

static const char *keyword(const Decl &decl) {
  switch (decl.kind) {
  case Decl::Kind::Param:
    return "param ";
  case Decl::Kind::Constant:
  case Decl::Kind::Local:
    return "let ";
  case Decl::Kind::Weight:
    return "weight ";
  case Decl::Kind::Layer:
    return "layer ";
  case Decl::Kind::Def:
    return "def ";
  case Decl::Kind::Input:
    return "input ";
  case Decl::Kind::Index:
    return "index ";
  }
  return "";
}

std::string SourceIndex::describe(const Decl &decl) const {
  std::string text = keyword(decl) + std::string(decl.name);
  std::string_view source = model.source.text();
  auto written = [&](SourceRange range) {
    return std::string(source.substr(range.begin, range.end - range.begin));
  };
  if (auto *def = declAs<DefDecl>(&decl)) {
    text += "(";
    for (const InputDecl *input : def->inputs)
      text += (input == def->inputs.front() ? "" : ", ") +
              std::string(input->name) + " : " + written(input->syntax.range);
    return text + ") -> " + written(def->resultSyntax.range);
  }
  if (auto *layer = declAs<LayerDecl>(&decl))
    return layer->index && layer->count
               ? text + "[" + std::string(layer->index->name) + " < " +
                     written(layer->count->range) + "]"
               : text;
  if (auto *input = declAs<InputDecl>(&decl))
    return text + " : " + written(input->syntax.range);
  if (!decl.type.isInvalid())
    text += " : " + decl.type.str();
  if (auto *constant = declAs<ConstantDecl>(&decl); constant && constant->value)
    text += " = " + written(constant->value->range);
  if (auto *param = declAs<ParamDecl>(&decl); param && param->defaultValue)
    text += " = " + written(param->defaultValue->range);
  if (auto *param = declAs<ParamDecl>(&decl); param && param->nullValue)
    text += ", null = " + written(param->nullValue->range);
  return text;
}

std::string SourceIndex::describe(const Occurrence &occurrence) const {
  std::string type = occurrence.type.str();
  bool hasType = !occurrence.type.isInvalid();
  if (occurrence.builtin)
    return occurrence.builtin->signature() + (hasType ? " : " + type : "");
  if (!occurrence.decl)
    return hasType ? type : std::string();
  std::string text = describe(*occurrence.decl);
  // What a call gives, and a name whose type hangs on the call of its helper.
  bool isCall =
      !occurrence.isDeclaration && (occurrence.decl->kind == Decl::Kind::Def ||
                                    occurrence.decl->kind == Decl::Kind::Layer);
  bool isOpen = occurrence.decl->kind == Decl::Kind::Local &&
                occurrence.decl->type.isInvalid();
  return hasType && (isCall || isOpen) ? text + " : " + type : text;
}
