//===- CheckLists.cpp - lists, and what depends on an index ---------------===//

#include "CheckImpl.h"

#include <algorithm>

using namespace tenon::lang;

//===----------------------------------------------------------------------===//
// Names in expressions
//===----------------------------------------------------------------------===//

bool Checker::anyName(const Expr *expr,
                      const std::function<bool(const NameExpr &)> &test) const {
  auto any = [&](std::initializer_list<const Expr *> parts) {
    return std::any_of(parts.begin(), parts.end(), [&](const Expr *part) {
      return part && anyName(part, test);
    });
  };
  switch (expr->kind) {
  case Expr::Kind::Name:
    return test(*static_cast<const NameExpr *>(expr));
  case Expr::Kind::Unary:
    return any({static_cast<const UnaryExpr *>(expr)->operand});
  case Expr::Kind::Binary: {
    auto *binary = static_cast<const BinaryExpr *>(expr);
    return any({binary->lhs, binary->rhs});
  }
  case Expr::Kind::Conditional: {
    auto *conditional = static_cast<const ConditionalExpr *>(expr);
    return any({conditional->condition, conditional->thenValue,
                conditional->elseValue});
  }
  case Expr::Kind::Call: {
    auto *call = static_cast<const CallExpr *>(expr);
    return std::any_of(call->arguments.begin(), call->arguments.end(),
                       [&](const Argument &argument) {
                         return anyName(argument.value, test);
                       });
  }
  case Expr::Kind::Index: {
    auto *subscript = static_cast<const IndexExpr *>(expr);
    return any({subscript->list, subscript->index});
  }
  case Expr::Kind::List: {
    auto *list = static_cast<const ListExpr *>(expr);
    return std::any_of(
        list->elements.begin(), list->elements.end(),
        [&](const Expr *element) { return anyName(element, test); });
  }
  case Expr::Kind::Comprehension: {
    auto *all = static_cast<const ComprehensionExpr *>(expr);
    return any({all->element, all->count});
  }
  default:
    return false;
  }
}

// The value may be another one in each repetition of the layer. Names that a
// layer binds are taken to be, unless they are ints known not to.
bool Checker::varies(const Expr *expr) const {
  return anyName(expr, [](const NameExpr &name) {
    if (!name.decl) // a letter, for what the call has
      return name.type.value.varies();
    if (auto *index = declAs<IndexDecl>(name.decl))
      return index->layer != nullptr;
    auto *constant = declAs<ConstantDecl>(name.decl);
    bool inLayer = constant ? constant->layer != nullptr
                            : declAs<LocalDecl>(name.decl) != nullptr;
    if (inLayer && name.decl->type.kind == Type::Kind::Int)
      return name.decl->type.value.varies();
    return inLayer;
  });
}

// Made of names that have one value everywhere, so that equal texts are equal.
bool Checker::isGlobal(const Expr *expr) const {
  return !anyName(expr, [](const NameExpr &name) {
    auto *constant = declAs<ConstantDecl>(name.decl);
    bool global =
        declAs<ParamDecl>(name.decl) || (constant && !constant->layer);
    return !global;
  });
}

//===----------------------------------------------------------------------===//
// Lists
//===----------------------------------------------------------------------===//

Type Checker::typeOfMembership(BinaryExpr &binary) {
  const Type &value = binary.lhs->type, &list = binary.rhs->type;
  if (!list.isList())
    return invalid(binary.rhs->range,
                   "'in' looks a value up in a list, found " + list.str());
  Type element = Type::scalar(list.listOf);
  bool ok =
      value.isScalar() && (element.isInvalid() || value.kind == element.kind ||
                           (value.isNumber() && element.isNumber()));
  if (!ok)
    return invalid(binary.range, "'in' can't look for " + value.str() +
                                     " in a list of type " + list.str());
  return Type::scalar(Type::Kind::Bool);
}

Type Checker::typeOfIndex(IndexExpr &subscript) {
  Type list = checkExpr(subscript.list), index = checkExpr(subscript.index);
  if (list.isInvalid() || index.isInvalid())
    return Type();
  if (!list.isList())
    return invalid(subscript.list->range,
                   "an index in brackets is for lists, found " + list.str());
  if (!expectKind(subscript.index, Type::Kind::Int, "the index of a list"))
    return Type();
  if (auto value = index.value.constant(); value && *value < 0)
    return invalid(subscript.index->range, "a list's elements count from 0");
  if (list.listOf == Type::Kind::Invalid)
    return invalid(subscript.range, "the list has no elements");
  Type type = Type::scalar(list.listOf);
  if (type.kind != Type::Kind::Int)
    return type;
  // The same element of the same list is the same value.
  bool named = exprAs<NameExpr>(subscript.list) && isGlobal(subscript.list);
  type.value = opaque(std::string(sourceText(model, subscript.list)) + "[" +
                          index.value.str() + "]",
                      &subscript, named);
  return type;
}

Type Checker::typeOfList(ListExpr &list) {
  Type::Kind kind = Type::Kind::Invalid;
  const Expr *first = nullptr;
  bool ok = true;
  for (Expr *element : list.elements) {
    const Type &type = checkExpr(element);
    if (type.isInvalid()) {
      ok = false;
      continue;
    }
    if (!type.isScalar()) {
      invalid(element->range,
              "a list holds numbers, bools or strings, found " + type.str());
      return Type();
    }
    bool numbers = first && first->type.isNumber() && type.isNumber();
    if (first && type.kind != first->type.kind && !numbers) {
      Diagnostic &diagnostic = diagnostics.error(
          model.source, element->range,
          "the elements of a list are of one type, found " + type.str());
      diagnostic.note(model.source, first->range,
                      "this is of type " + first->type.str());
      return Type();
    }
    // An int among floats is one.
    if (kind != Type::Kind::Float)
      kind = type.kind;
    if (!first)
      first = element;
  }
  return ok ? Type::list(kind) : Type();
}

Type Checker::typeOfComprehension(ComprehensionExpr &all) {
  checkExpr(all.count);
  bool ok = expectKind(all.count, Type::Kind::Int, "the number of elements");
  all.index->type = Type::integer(
      Dim::symbol(model.makeSymbol(std::string(all.index->name))));
  unsigned errors = diagnostics.numErrors();
  declare(indices, all.index);
  if (diagnostics.numErrors() != errors)
    return Type();
  Type type = checkExpr(all.element);
  indices.erase(all.index->name);
  if (type.isInvalid() || !ok)
    return Type();
  if (!type.isScalar())
    return invalid(all.element->range,
                   "a list holds numbers, bools or strings, found " +
                       type.str());
  return Type::list(type.kind);
}
