//===- CheckMixture.cpp - layers inside of layers -------------------------===//
//
// `expert+(x, g)` computes a layer's body for the rows of x whose gate isn't
// zero, and for no others. So each row of the body's result must follow from
// the same row of its inputs alone.
//
//===----------------------------------------------------------------------===//

#include "CheckImpl.h"

using namespace tenon::lang;

/// [T, …] of numbers; T is a length.
static bool isRows(const Type &type) {
  if (!type.isFloatTensor() || type.shape.size() != 2)
    return false;
  const Symbol *rows = type.shape[0].asSymbol();
  return rows && rows->isLength && !type.shape[1].dependsOnLength();
}

/// The same, or cut into heads: [H, T, D].
static bool isRowsOrHeads(const Type &type) {
  if (!type.isFloatTensor() || type.shape.size() != 3)
    return isRows(type);
  Type ofHead = type;
  ofHead.shape.erase(ofHead.shape.begin());
  return isRows(ofHead) && !type.shape[0].dependsOnLength();
}

Type Checker::typeOfSum(LayerLoopExpr &loop) {
  const LayerDecl &layer = *loop.layer;
  std::string name(loop.layerName);
  if (!layer.outer)
    return invalid(loop.range, "'" + name +
                                   "' is no layer inside of a layer; " +
                                   howToFold(layer));
  if (layer.outer != currentDef->layer)
    return invalid(loop.range, "'" + name + "' is summed in the def of '" +
                                   std::string(layer.outer->name) +
                                   "', the layer around it");
  if (loop.arguments.empty())
    return invalid(loop.range,
                   "'" + name + "' lacks its gates: " + name + "+(x, gates)");
  // What each layer sees, then the gates.
  Argument gates = loop.arguments.back();
  std::vector<Argument> inputs(loop.arguments.begin(),
                               loop.arguments.end() - 1);
  Lengths lengths;
  bool ok = checkInputs(*layer.body, inputs, loop.range, lengths);
  if (!gates.name.empty())
    return invalid(gates.nameRange, "arguments of a layer are given by "
                                    "position; the gates come last");
  const Type &type = checkExpr(gates.value);
  if (type.isInvalid() || !ok || layer.count->type.isInvalid())
    return Type();
  Type result = resultOf(*layer.body, lengths, loop.range);
  if (result.isInvalid())
    return Type();
  std::vector<Dim> wanted = {result.shape[0], layer.count->type.value};
  if (!isRows(result) || !isRows(type) || type.shape != wanted) {
    Diagnostic &diagnostic = diagnostics.error(
        model.source, gates.value->range,
        "the gates of '" + name + "', its last argument, are " +
            formatShape(wanted) + ", found " + type.str());
    diagnostic.note(model.source, layer.nameRange,
                    "'" + name + "' is declared here");
    noteShape(diagnostic, model, gates.value, "the argument");
    return Type();
  }
  callees[currentDef].push_back({layer.body, loop.range});
  return result;
}

namespace {

/// Looks for what takes a row from another.
class RowWiseChecker {
public:
  RowWiseChecker(Model &model, Diagnostics &diagnostics, const LayerDecl &layer)
      : model(model), diagnostics(diagnostics), layer(layer) {}

  bool check(const DefDecl &def) {
    if (!visited.insert(&def).second)
      return true;
    for (const LetStmt &let : def.lets)
      if (!check(let.value))
        return false;
    return check(def.result);
  }

private:
  static bool hasRows(const Type &type) {
    for (const Type &member : type.members)
      if (hasRows(member))
        return true;
    for (const Dim &dim : type.shape)
      if (dim.dependsOnLength())
        return true;
    return false;
  }

  static bool isRowsOrNumbers(const Type &type) {
    for (const Type &member : type.members)
      if (!isRowsOrHeads(member))
        return false;
    return !type.isTensor() || isRowsOrHeads(type);
  }

  /// Of an operation: rows in, rows out.
  bool checkOperands(const Expr *expr, std::initializer_list<const Expr *> some,
                     const std::vector<Expr *> &more = {}) {
    bool takesRows = false;
    std::vector<const Expr *> operands(some);
    operands.insert(operands.end(), more.begin(), more.end());
    for (const Expr *operand : operands) {
      if (!operand)
        continue;
      if (!check(operand))
        return false;
      takesRows |= hasRows(operand->type);
    }
    if (!takesRows || isRowsOrNumbers(expr->type))
      return true;
    diagnostics
        .error(model.source, expr->range,
               "'" + std::string(layer.name) +
                   "' is computed for some rows only: each row must follow "
                   "from the same row of its inputs, but this is " +
                   expr->type.str())
        .note(model.source, layer.nameRange, "declared here");
    return false;
  }

  bool check(const Expr *expr) {
    if (auto *unary = exprAs<UnaryExpr>(expr))
      return check(unary->operand);
    if (auto *binary = exprAs<BinaryExpr>(expr))
      return checkOperands(expr, {binary->lhs, binary->rhs});
    if (auto *conditional = exprAs<ConditionalExpr>(expr))
      return check(conditional->thenValue) && check(conditional->elseValue);
    auto *call = exprAs<CallExpr>(expr);
    if (!call)
      return true;
    if (call->builtin && call->builtin->id == BuiltinId::Rope) {
      diagnostics
          .error(model.source, expr->range,
                 "'" + std::string(layer.name) +
                     "' is computed for some rows only, which don't know their "
                     "positions")
          .note(model.source, layer.nameRange, "declared here");
      return false;
    }
    if (call->builtin)
      return checkOperands(expr, {}, call->slots);
    for (const Argument &argument : call->arguments)
      if (!check(argument.value))
        return false;
    return check(*call->def);
  }

  Model &model;
  Diagnostics &diagnostics;
  const LayerDecl &layer;
  std::unordered_set<const DefDecl *> visited;
};

} // namespace

void Checker::checkRowWise(const LayerDecl &layer) {
  for (const InputDecl *input : layer.body->inputs)
    if (!isRows(input->type)) {
      diagnostics.error(model.source, input->syntax.range,
                        "a layer inside of a layer sees rows of numbers, as in "
                        "[T, hidden_size], found " +
                            input->type.str());
      return;
    }
  if (!isRows(layer.body->type)) {
    diagnostics.error(model.source, layer.body->resultSyntax.range,
                      "a layer inside of a layer computes rows of numbers, as "
                      "in [T, hidden_size], found " +
                          layer.body->type.str());
    return;
  }
  RowWiseChecker(model, diagnostics, layer).check(*layer.body);
}
