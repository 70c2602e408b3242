//===- ImportTables.cpp - weights that are computed -----------------------===//

#include "Importer.h"

#include <cmath>
#include <cstring>

using namespace tenon;
using namespace mlir;

Value Importer::computedWeight(Attribute table, RankedTensorType type,
                               std::string symbol, Location declared,
                               Location used) {
  for (auto weight : module->getOps<WeightOp>())
    if (weight.getSources()[0] == table && weight.getTensorType() == type)
      return reference(weight.getSymName(), type, {}, used);
  while (SymbolTable::lookupSymbolIn(*module, symbol))
    symbol += "_table";
  {
    OpBuilder::InsertionGuard guard(builder);
    builder.setInsertionPointToStart(module->getBody());
    for (auto weight : module->getOps<WeightOp>())
      builder.setInsertionPointAfter(weight);
    WeightOp::create(builder, declared, symbol, type,
                     builder.getArrayAttr(table), false, IntegerAttr(),
                     IntegerAttr(), DenseI64ArrayAttr());
  }
  return reference(symbol, type, {}, used);
}

// The values of a weight that divides a rotary table's frequencies. None when
// it is absent, or weights are random.
bool Importer::readDivisors(const lang::Expr *expr,
                            std::vector<double> &divisors) {
  auto *name = lang::exprAs<lang::NameExpr>(expr);
  auto *decl = name ? lang::declAs<lang::WeightDecl>(name->decl) : nullptr;
  const lang::BoundWeight *weight = decl ? bound.weight(decl) : nullptr;
  if (!weight || !checkpoint)
    return true;
  const TensorInfo *info = checkpoint->find(weight->tensorName(0));
  auto fail = [&](std::string message) {
    diagnostics.error(model.source, expr->range,
                      "'" + weight->tensorName(0) + "' " + message);
    return false;
  };
  if (!info || info->dtype != DType::F32)
    return fail("must be a tensor of f32");
  std::span<const std::byte> bytes = checkpoint->bytes(*info);
  for (size_t at = 0; at < bytes.size(); at += sizeof(float)) {
    float value;
    std::memcpy(&value, bytes.data() + at, sizeof(float));
    if (!(value > 0) || !std::isfinite(value))
      return fail("divides the frequencies of rotary positions; " +
                  std::to_string(value) + " is no positive number");
    divisors.push_back(value);
  }
  return true;
}

// The expression behind names and conditionals that makes a rotary value.
const lang::Expr *Importer::rotaryValue(const lang::Expr *expr,
                                        std::string_view &name) const {
  for (;;) {
    expr = choose(expr);
    auto *reference = lang::exprAs<lang::NameExpr>(expr);
    if (!reference || expr->type.kind != lang::Type::Kind::Rotary)
      return expr;
    name = reference->name;
    if (auto *constant = lang::declAs<lang::ConstantDecl>(reference->decl))
      expr = constant->value;
    else
      expr = lang::declAs<lang::LocalDecl>(reference->decl)->value;
  }
}

// What rope turns by: `expr` is a call of rotary(…), a rope, or theta alone.
Value Importer::importRope(const lang::CallExpr *call, Value input,
                           RankedTensorType type, Location loc) {
  std::string_view name;
  const lang::Expr *expr = rotaryValue(call->slots[1], name);
  const lang::Expr *ropeExpr = expr;
  int64_t dim = type.getShape().back();
  bool interleaved = false;
  std::vector<double> divisors;
  if (expr->type.kind == lang::Type::Kind::Rotary) {
    auto *rotary = lang::exprAs<lang::CallExpr>(expr);
    dim = bound.evaluateInt(rotary->slots[0]);
    ropeExpr = rotary->slots[1];
    interleaved = rotary->slots[2] && bound.evaluateBool(rotary->slots[2]);
    if (!readDivisors(rotary->slots[3], divisors))
      return {};
  } else if (auto *reference = lang::exprAs<lang::NameExpr>(expr)) {
    name = reference->name;
  }
  lang::RopeFrequencies turns =
      lang::ropeFrequencies(bound.evaluateRope(ropeExpr), dim, context);
  for (size_t j = 0; j < divisors.size(); ++j)
    turns.frequencies[j] /= divisors[j];
  auto table = RopeTableAttr::get(
      builder.getContext(), builder.getDenseF64ArrayAttr(turns.frequencies),
      builder.getF64FloatAttr(turns.scale));
  Value reference = computedWeight(
      table, RankedTensorType::get({context, dim}, builder.getF32Type()),
      name.empty() ? "rope" : std::string(name), location(expr->range, name),
      loc);
  return RopeOp::create(builder, loc, type, input, reference, Value(), Value(),
                        interleaved ? builder.getUnitAttr() : UnitAttr(),
                        TileAttr())
      .getResult();
}

Value Importer::sinusoidTable(const lang::CallExpr *call, RankedTensorType type,
                              Location loc) {
  const auto &slots = call->slots;
  double base = slots[2] ? bound.evaluateFloat(slots[2]) : 10000.0;
  bool interleaved = slots[3] && bound.evaluateBool(slots[3]);
  bool closed = slots[4] && bound.evaluateBool(slots[4]);
  SmallVector<double> frequencies;
  int64_t dim = type.getDimSize(1);
  for (int64_t j = 0; j < dim / 2; ++j)
    frequencies.push_back(
        std::pow(base, -2.0 * static_cast<double>(j) /
                           static_cast<double>(closed ? dim - 2 : dim)));
  auto table = SinusoidTableAttr::get(builder.getContext(),
                                      builder.getDenseF64ArrayAttr(frequencies),
                                      interleaved);
  return computedWeight(table, type, "sinusoids", loc, loc);
}
