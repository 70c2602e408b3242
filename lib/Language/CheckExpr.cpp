//===- CheckExpr.cpp - types of expressions -------------------------------===//

#include "CheckImpl.h"

using namespace tenon::lang;

Type Checker::invalid(SourceRange range, std::string message) {
  diagnostics.error(model.source, range, std::move(message));
  return Type();
}

bool Checker::expectKind(Expr *expr, Type::Kind kind, std::string_view what) {
  if (expr->type.isInvalid())
    return false;
  if (expr->type.kind == kind ||
      (kind == Type::Kind::Float && expr->type.isNumber()))
    return true;
  Diagnostic &diagnostic = diagnostics.error(
      model.source, expr->range,
      std::string(what) + " must be of type " + Type::scalar(kind).str() +
          ", found " + expr->type.str());
  if (exprAs<NameExpr>(expr))
    noteShape(diagnostic, model, expr);
  return false;
}

// A symbol for a value that Dim can't express. With `unique`, equal names mean
// equal values and share it; in a layer, if they depend on its index, the
// values of one repetition.
Dim Checker::opaque(std::string name, const Expr *definition, bool unique) {
  constexpr size_t kLongest = 256;
  bool perLayer = varies(definition);
  if (!unique || name.size() > kLongest) {
    if (name.size() > kLongest)
      name = "(…)";
    return Dim::symbol(model.makeSymbol(std::move(name), definition, perLayer));
  }
  std::string key = name;
  if (perLayer && currentLayer)
    key += " in " + std::string(currentLayer->outermost()->name);
  const Symbol *&symbol = opaqueSymbols[key];
  if (!symbol)
    symbol = model.makeSymbol(std::move(name), definition, perLayer);
  return Dim::symbol(symbol);
}

const Type &Checker::checkExpr(Expr *expr) {
  if (currentDef)
    ++bodySizes[currentDef];
  expr->type = typeOf(expr);
  if (!inBody && !expr->type.isInvalid() && expr->kind == Expr::Kind::Call &&
      (expr->type.isTensor() || expr->type.kind == Type::Kind::Tuple))
    expr->type = invalid(expr->range, "tensors are computed in defs only");
  return expr->type;
}

Type Checker::typeOf(Expr *expr) {
  switch (expr->kind) {
  case Expr::Kind::Integer:
    return Type::integer(Dim(static_cast<IntegerExpr *>(expr)->value));
  case Expr::Kind::Float:
    return Type::scalar(Type::Kind::Float);
  case Expr::Kind::String:
    return Type::scalar(Type::Kind::String);
  case Expr::Kind::Bool:
    return Type::scalar(Type::Kind::Bool);
  case Expr::Kind::Name:
    return typeOfName(*static_cast<NameExpr *>(expr));
  case Expr::Kind::Unary:
    return typeOfUnary(*static_cast<UnaryExpr *>(expr));
  case Expr::Kind::Binary:
    return typeOfBinary(*static_cast<BinaryExpr *>(expr));
  case Expr::Kind::Conditional:
    return typeOfConditional(*static_cast<ConditionalExpr *>(expr));
  case Expr::Kind::Call:
    return typeOfCall(*static_cast<CallExpr *>(expr));
  case Expr::Kind::LayerLoop:
    return typeOfLayerLoop(*static_cast<LayerLoopExpr *>(expr));
  case Expr::Kind::Index:
    return typeOfIndex(*static_cast<IndexExpr *>(expr));
  case Expr::Kind::List:
    return typeOfList(*static_cast<ListExpr *>(expr));
  case Expr::Kind::Comprehension:
    return typeOfComprehension(*static_cast<ComprehensionExpr *>(expr));
  }
  return Type();
}

//===----------------------------------------------------------------------===//
// Names
//===----------------------------------------------------------------------===//

void Checker::unknownName(SourceRange range, std::string_view name,
                          std::string_view kind) {
  std::string message =
      "unknown " + std::string(kind) + " '" + std::string(name) + "'";
  if (auto found = later.find(name); found != later.end()) {
    bool isLater = !global.count(name);
    diagnostics
        .error(model.source, range,
               isLater ? "'" + std::string(name) +
                             "' is used before its declaration"
                       : message)
        .note(model.source, found->second->nameRange, "declared here");
    return;
  }
  std::vector<std::string_view> candidates;
  bool callable = kind != "name";
  for (const Scope *scope : {&indices, &local, &layerScope, &global})
    for (auto &[known, decl] : *scope) {
      bool isCallable =
          decl->kind == Decl::Kind::Def || decl->kind == Decl::Kind::Layer;
      if (isCallable == callable)
        candidates.push_back(known);
    }
  if (callable)
    for (const Builtin &builtin : allBuiltins())
      candidates.push_back(builtin.name);
  std::string_view near = nearestName(name, candidates);
  if (near.empty()) {
    diagnostics.error(model.source, range, message);
    return;
  }
  message += "; did you mean '" + std::string(near) + "'?";
  Diagnostic &diagnostic = diagnostics.error(model.source, range, message);
  for (const Scope *scope : {&local, &layerScope, &global})
    if (auto found = scope->find(near); found != scope->end()) {
      diagnostic.note(model.source, found->second->nameRange,
                      "'" + std::string(near) + "' is declared here");
      return;
    }
}

// A single capital letter that is not declared: a length in types of defs;
// elsewhere only where the def has it, to say so. nullopt: an unknown name.
std::optional<Type> Checker::typeOfLength(NameExpr &name) {
  char letter = name.name.front();
  if (letter < 'A' || letter > 'Z')
    return std::nullopt;
  const Symbol *symbol = model.length(letter);
  if (bindings)
    if (auto bound = bindings->dims.find(symbol); bound != bindings->dims.end())
      if (lengthsAllowed || !bound->second.dependsOnLength())
        return Type::integer(bound->second);
  if (lengthsAllowed)
    return Type::integer(Dim::symbol(symbol));
  bool ofDef = letter == 'T';
  if (currentDef)
    for (const InputDecl *input : currentDef->inputs)
      for (const Dim &dim : input->type.shape)
        ofDef |= dim.isSymbol(symbol);
  if (!ofDef)
    return std::nullopt;
  std::string what = letter == 'T' ? ", the number of tokens," : ", a length,";
  return invalid(name.range, std::string(1, letter) + what +
                                 " is known only when the model runs; it can "
                                 "be a dimension");
}

Type Checker::typeOfName(NameExpr &name) {
  for (const Scope *scope : {&indices, &local, &layerScope, &global})
    if (auto found = scope->find(name.name); found != scope->end()) {
      name.decl = found->second;
      break;
    }
  // What depends on the index makes the repetitions of a layer differ.
  for (LayerDecl *layer = currentLayer; layer; layer = layer->outer)
    if (name.decl == layer->index)
      layer->varies = true;
  if (!name.decl) {
    if (name.name.size() == 1 && !later.count(name.name))
      if (std::optional<Type> length = typeOfLength(name))
        return *length;
    unknownName(name.range, name.name, "name");
    return Type();
  }
  if (name.decl->kind == Decl::Kind::Def ||
      name.decl->kind == Decl::Kind::Layer) {
    auto *layer = declAs<LayerDecl>(name.decl);
    return invalid(
        name.range,
        "'" + std::string(name.name) + "' is a " +
            (layer ? "layer; " + howToFold(*layer)
                   : "def; call it: " + std::string(name.name) + "(…)"));
  }
  return name.decl->type;
}

//===----------------------------------------------------------------------===//
// Operators
//===----------------------------------------------------------------------===//

Type Checker::typeOfUnary(UnaryExpr &unary) {
  const Type &type = checkExpr(unary.operand);
  if (type.isInvalid())
    return type;
  if (unary.op == UnaryOp::Not) {
    if (!expectKind(unary.operand, Type::Kind::Bool, "the operand of 'not'"))
      return Type();
    return type;
  }
  if (type.kind == Type::Kind::Int) {
    auto value = Dim::sub(Dim(0), type.value);
    return value ? Type::integer(*value)
                 : invalid(unary.range, "the number overflows 64 bits");
  }
  if (type.kind == Type::Kind::Float || type.isFloatTensor())
    return type;
  return invalid(unary.range,
                 "'-' needs a number or a tensor, found " + type.str());
}

Type Checker::typeOfBinary(BinaryExpr &binary) {
  Type lhs = checkExpr(binary.lhs), rhs = checkExpr(binary.rhs);
  if (lhs.isInvalid() || rhs.isInvalid())
    return Type();
  std::string op = spelling(binary.op);
  switch (binary.op) {
  case BinaryOp::And:
  case BinaryOp::Or:
    if (!expectKind(binary.lhs, Type::Kind::Bool,
                    "an operand of '" + op + "'") ||
        !expectKind(binary.rhs, Type::Kind::Bool, "an operand of '" + op + "'"))
      return Type();
    return Type::scalar(Type::Kind::Bool);
  case BinaryOp::In:
    return typeOfMembership(binary);
  case BinaryOp::Eq:
  case BinaryOp::Ne:
  case BinaryOp::Lt:
  case BinaryOp::Le:
  case BinaryOp::Gt:
  case BinaryOp::Ge: {
    bool equality = binary.op == BinaryOp::Eq || binary.op == BinaryOp::Ne;
    bool numbers = lhs.isNumber() && rhs.isNumber();
    bool same =
        equality && lhs.kind == rhs.kind &&
        (lhs.kind == Type::Kind::Bool || lhs.kind == Type::Kind::String);
    if (numbers || same)
      return Type::scalar(Type::Kind::Bool);
    return invalid(binary.range, "'" + op + "' can't compare " + lhs.str() +
                                     " with " + rhs.str());
  }
  default:
    if (lhs.isTensor() || rhs.isTensor())
      return typeOfTensors(binary);
    return typeOfArithmetic(binary);
  }
}

Type Checker::typeOfArithmetic(BinaryExpr &binary) {
  const Type &lhs = binary.lhs->type, &rhs = binary.rhs->type;
  std::string op = spelling(binary.op);
  if (!lhs.isNumber() || !rhs.isNumber())
    return invalid(binary.range, "'" + op + "' needs numbers, found " +
                                     lhs.str() + " and " + rhs.str());
  if (lhs.kind == Type::Kind::Float || rhs.kind == Type::Kind::Float) {
    if (binary.op == BinaryOp::Rem)
      return invalid(binary.range, "'%' needs integers");
    return Type::scalar(Type::Kind::Float);
  }
  std::optional<Dim> value;
  std::string text =
      "(" + lhs.value.str() + " " + op + " " + rhs.value.str() + ")";
  bool dividesByZero =
      (binary.op == BinaryOp::Div || binary.op == BinaryOp::Rem) &&
      rhs.value.isZero();
  if (dividesByZero)
    return invalid(binary.range, "division by zero");
  switch (binary.op) {
  case BinaryOp::Add:
    value = Dim::add(lhs.value, rhs.value);
    break;
  case BinaryOp::Sub:
    value = Dim::sub(lhs.value, rhs.value);
    break;
  case BinaryOp::Mul:
    value = Dim::mul(lhs.value, rhs.value);
    break;
  case BinaryOp::Div: {
    auto a = lhs.value.constant(), b = rhs.value.constant();
    if (a && b && *a % *b != 0)
      return invalid(binary.range,
                     "'/' of integers is exact, and " + std::to_string(*a) +
                         " / " + std::to_string(*b) + " isn't a whole number");
    value = Dim::div(lhs.value, rhs.value);
    if (!value)
      value = opaque(text, &binary, true);
    break;
  }
  default:
    value = opaque(text, &binary, true);
    break;
  }
  if (!value)
    return invalid(binary.range,
                   "the integer overflows, or is too long a formula");
  return Type::integer(*value);
}

Type Checker::typeOfTensors(BinaryExpr &binary) {
  const Type &lhs = binary.lhs->type, &rhs = binary.rhs->type;
  std::string op = spelling(binary.op);
  auto isOperand = [](const Type &type) {
    return type.isFloatTensor() || type.isNumber();
  };
  if (!isOperand(lhs) || !isOperand(rhs) || binary.op == BinaryOp::Rem)
    return invalid(binary.range, "'" + op + "' can't combine " + lhs.str() +
                                     " with " + rhs.str());
  if (!lhs.isTensor() || !rhs.isTensor())
    return Type::tensor(lhs.isTensor() ? lhs.shape : rhs.shape);
  // As in NumPy: aligned at the last dimension, 1 stretches.
  size_t rank = std::max(lhs.shape.size(), rhs.shape.size());
  std::vector<Dim> shape(rank);
  for (size_t i = 0; i < rank; ++i) {
    const Dim one(1);
    const Dim &a =
        i < lhs.shape.size() ? lhs.shape[lhs.shape.size() - 1 - i] : one;
    const Dim &b =
        i < rhs.shape.size() ? rhs.shape[rhs.shape.size() - 1 - i] : one;
    if (a != b && a != one && b != one) {
      Diagnostic &diagnostic = diagnostics.error(
          model.source, binary.range,
          "'" + op + "' needs equal shapes: " + lhs.str() + " and " +
              rhs.str() + " differ in " + a.str() + " and " + b.str());
      noteShape(diagnostic, model, binary.lhs, "the left side");
      noteShape(diagnostic, model, binary.rhs, "the right side");
      return Type();
    }
    shape[rank - 1 - i] = a == one ? b : a;
  }
  return Type::tensor(std::move(shape));
}

/// Tensors whose dimensions are the same length, or both numbers that a
/// configuration makes: BodyBinder compares those.
static bool haveComparableShapes(const Type &a, const Type &b) {
  if (!a.isFloatTensor() || !b.isFloatTensor() ||
      a.shape.size() != b.shape.size())
    return false;
  for (size_t i = 0; i < a.shape.size(); ++i) {
    const Dim &x = a.shape[i], &y = b.shape[i];
    bool known = x.constant() && y.constant();
    if (x != y && (known || x.dependsOnLength() || y.dependsOnLength()))
      return false;
  }
  return true;
}

Type Checker::typeOfConditional(ConditionalExpr &conditional) {
  Type thenType = checkExpr(conditional.thenValue);
  checkExpr(conditional.condition);
  Type elseType = checkExpr(conditional.elseValue);
  if (!expectKind(conditional.condition, Type::Kind::Bool, "the condition") ||
      thenType.isInvalid() || elseType.isInvalid())
    return Type();
  if (thenType.isNumber() && elseType.isNumber() &&
      thenType.kind != elseType.kind)
    return Type::scalar(Type::Kind::Float);
  // A number is a rope, too.
  bool isRope =
      thenType.kind == Type::Kind::Rope || elseType.kind == Type::Kind::Rope;
  if (isRope && (thenType.isNumber() || elseType.isNumber()))
    return Type::scalar(Type::Kind::Rope);
  // Formulas may be equal in numbers where the second value is chosen.
  if (haveComparableShapes(thenType, elseType))
    return thenType;
  if (!thenType.matches(elseType) || thenType.kind == Type::Kind::Tuple) {
    Diagnostic &diagnostic = diagnostics.error(
        model.source, conditional.range,
        "the two values of a conditional must be alike: " + thenType.str() +
            " and " + elseType.str());
    noteShape(diagnostic, model, conditional.thenValue, "the first value");
    noteShape(diagnostic, model, conditional.elseValue, "the second value");
    return Type();
  }
  if (thenType.isList() && thenType.listOf == Type::Kind::Invalid)
    return elseType;
  if (thenType.kind == Type::Kind::Int && thenType.value != elseType.value)
    thenType.value =
        opaque("(" + thenType.value.str() + " or " + elseType.value.str() + ")",
               &conditional, false);
  if (thenType.kind == Type::Kind::Rotary && thenType.value != elseType.value)
    return invalid(conditional.range,
                   "the two values rotate different numbers of components");
  return thenType;
}
