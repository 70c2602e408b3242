//===- ImportExpr.cpp - operations of a description -----------------------===//
//
// Each builtin becomes one operation of the dialect. Scalars have values by
// now, and conditionals are decided.
//
//===----------------------------------------------------------------------===//

#include "Importer.h"
#include "tenon/Dialect/Tenon/IR/Adapters.h"
#include "tenon/Dialect/Tenon/IR/TenonWindows.h"

using namespace tenon;
using namespace mlir;
using lang::BuiltinId;

// The branch of a conditional that holds.
const lang::Expr *Importer::choose(const lang::Expr *expr) const {
  while (auto *conditional = lang::exprAs<lang::ConditionalExpr>(expr))
    expr = bound.evaluateBool(conditional->condition) ? conditional->thenValue
                                                      : conditional->elseValue;
  return expr;
}

Value Importer::importExpr(const lang::Expr *expr, std::string_view name) {
  expr = choose(expr);
  switch (expr->kind) {
  case lang::Expr::Kind::Name:
    return importName(static_cast<const lang::NameExpr *>(expr),
                      location(expr->range, name));
  case lang::Expr::Kind::Unary: {
    Value operand =
        importExpr(static_cast<const lang::UnaryExpr *>(expr)->operand);
    return operand ? scale(location(expr->range, name), operand, -1.0)
                   : Value();
  }
  case lang::Expr::Kind::Binary:
    return importBinary(static_cast<const lang::BinaryExpr *>(expr), name);
  case lang::Expr::Kind::Call:
    return importCall(static_cast<const lang::CallExpr *>(expr), name);
  case lang::Expr::Kind::LayerLoop:
    return importLayers(*static_cast<const lang::LayerLoopExpr *>(expr));
  default:
    llvm_unreachable("the checker admits tensors only");
  }
}

Value Importer::importName(const lang::NameExpr *expr, Location loc) {
  auto *weight = lang::declAs<lang::WeightDecl>(expr->decl);
  if (!weight)
    return values.at(expr->decl);
  const lang::BoundWeight *found = bound.weight(weight);
  if (found)
    return weightRef(*found, loc);
  // resolveWeights drops entry points that need it.
  diagnostics.error(model.source, expr->range,
                    "the weight '" + std::string(expr->name) + "' is absent");
  return {};
}

Value Importer::importOptional(const lang::Expr *expr) {
  if (!expr)
    return {};
  if (auto *name = lang::exprAs<lang::NameExpr>(expr))
    if (auto *weight = lang::declAs<lang::WeightDecl>(name->decl);
        weight && !bound.weight(weight))
      return {};
  return importExpr(expr);
}

Value Importer::scale(Location loc, Value input, double factor) {
  if (factor == 1.0)
    return input;
  return ScaleOp::create(builder, loc, input.getType(), input, Value(),
                         builder.getF32FloatAttr(static_cast<float>(factor)),
                         TileAttr())
      .getResult();
}

Value Importer::importBinary(const lang::BinaryExpr *expr,
                             std::string_view name) {
  Location loc = location(expr->opRange, name);
  if (!expr->rhs->type.isTensor() || !expr->lhs->type.isTensor())
    return importWithNumber(expr, loc);
  Value lhs = importExpr(expr->lhs);
  Value rhs = lhs ? importExpr(expr->rhs) : Value();
  if (!rhs)
    return {};
  RankedTensorType type = tensorType(expr->type);
  auto create = [&]<class Op>() -> Value {
    return Op::create(builder, loc, type, lhs, rhs, Value(), TileAttr())
        .getResult();
  };
  switch (expr->op) {
  case lang::BinaryOp::Add:
    return create.operator()<AddOp>();
  case lang::BinaryOp::Sub:
    return create.operator()<SubOp>();
  case lang::BinaryOp::Mul:
    return create.operator()<MulOp>();
  default:
    return create.operator()<DivOp>();
  }
}

/// A tensor and a number, in either order.
Value Importer::importWithNumber(const lang::BinaryExpr *expr, Location loc) {
  bool tensorFirst = expr->lhs->type.isTensor();
  Value input = importExpr(tensorFirst ? expr->lhs : expr->rhs);
  if (!input)
    return {};
  double number = bound.evaluateFloat(tensorFirst ? expr->rhs : expr->lhs);
  auto attr = [&](double value) {
    return builder.getF32FloatAttr(static_cast<float>(value));
  };
  auto shift = [&](Value x, double amount) -> Value {
    return ShiftOp::create(builder, loc, x.getType(), x, Value(), attr(amount),
                           TileAttr())
        .getResult();
  };
  switch (expr->op) {
  case lang::BinaryOp::Add:
    return shift(input, number);
  case lang::BinaryOp::Sub:
    return tensorFirst ? shift(input, -number)
                       : shift(scale(loc, input, -1.0), number);
  case lang::BinaryOp::Mul:
    return scale(loc, input, number);
  default:
    if (tensorFirst)
      return scale(loc, input, 1 / number);
    return ReciprocalOp::create(builder, loc, input.getType(), input, Value(),
                                attr(number), TileAttr())
        .getResult();
  }
}

//===----------------------------------------------------------------------===//
// Calls
//===----------------------------------------------------------------------===//

Value Importer::importCall(const lang::CallExpr *call, std::string_view name) {
  if (call->builtin)
    return importBuiltin(call, location(call->range, name));
  SmallVector<Value> inputs;
  for (const lang::Argument &argument : call->arguments) {
    Value value = importExpr(argument.value);
    if (!value)
      return {};
    inputs.push_back(value);
  }
  return importBody(*call->def, inputs);
}

Importer::Values Importer::importSplit(const lang::CallExpr *call,
                                       std::string_view name) {
  Value input = importExpr(call->slots[0]);
  Values parts;
  if (!input)
    return parts;
  int64_t offset = 0;
  for (const lang::Type &member : call->type.members) {
    RankedTensorType type = tensorType(member);
    parts.push_back(SliceOp::create(builder, location(call->range, name), type,
                                    input, offset));
    offset += type.getShape().back();
  }
  return parts;
}

Value Importer::activation(Location loc, Value input, BuiltinId id) {
  ActivationKind kind = ActivationKind::Identity;
  switch (id) {
  case BuiltinId::Silu:
    kind = ActivationKind::Silu;
    break;
  case BuiltinId::Gelu:
    kind = ActivationKind::Gelu;
    break;
  case BuiltinId::GeluTanh:
    kind = ActivationKind::GeluTanh;
    break;
  case BuiltinId::Relu:
    kind = ActivationKind::Relu;
    break;
  case BuiltinId::Tanh:
    kind = ActivationKind::Tanh;
    break;
  case BuiltinId::Sigmoid:
    kind = ActivationKind::Sigmoid;
    break;
  case BuiltinId::QuickGelu:
    kind = ActivationKind::QuickGelu;
    break;
  case BuiltinId::ReluSquared:
    kind = ActivationKind::ReluSquared;
    break;
  case BuiltinId::Mish:
    kind = ActivationKind::Mish;
    break;
  case BuiltinId::Exp:
    kind = ActivationKind::Exp;
    break;
  case BuiltinId::Log:
    kind = ActivationKind::Log;
    break;
  case BuiltinId::Sqrt:
    kind = ActivationKind::Sqrt;
    break;
  default:
    llvm_unreachable("not an activation");
  }
  return ActivationOp::create(builder, loc, input.getType(), input, Value(),
                              kind, TileAttr())
      .getResult();
}

Value Importer::reduce(const lang::CallExpr *call, Value input, Reduction kind,
                       Location loc) {
  return ReduceOp::create(builder, loc, tensorType(call->type), input, Value(),
                          kind, *lang::reducedDimension(*call), TileAttr())
      .getResult();
}

// Rows of a table chosen by position: the context must not exceed it.
bool Importer::checkPositions(const lang::CallExpr *call, Value ids) {
  if (call->slots[0]->type.element != lang::Element::Position)
    return true;
  auto positions = ids.getDefiningOp<PositionsOp>();
  int64_t offset = positions ? positions.getOffset().value_or(0) : 0;
  std::optional<int64_t> rows =
      bound.extent(call->slots[1]->type.shape.front());
  if (!rows || *rows - offset >= context)
    return true;
  diagnostics
      .error(model.source, call->range,
             "the table has " + std::to_string(*rows) + " positions" +
                 (offset ? " from " + std::to_string(offset) + " on"
                         : std::string()) +
                 ", but the context is " + std::to_string(context))
      .note("choose a context of at most " + std::to_string(*rows - offset));
  return false;
}

// The program refuses texts that end otherwise.
bool Importer::markEnding(const lang::CallExpr *call, Value ids) {
  auto argument = cast<BlockArgument>(ids);
  auto function = cast<func::FuncOp>(argument.getOwner()->getParentOp());
  auto id = builder.getI64IntegerAttr(bound.evaluateInt(call->slots[1]));
  Attribute known =
      function.getArgAttr(argument.getArgNumber(), kLastTokenAttrName);
  if (known && known != id) {
    diagnostics.error(model.source, call->range,
                      "the same text would have to end in two tokens");
    return false;
  }
  function.setArgAttr(argument.getArgNumber(), kLastTokenAttrName, id);
  return true;
}

Value Importer::importBuiltin(const lang::CallExpr *call, Location loc) {
  const auto &slots = call->slots;
  RankedTensorType type = tensorType(call->type);
  if (call->builtin->id == BuiltinId::Sinusoidal)
    return sinusoidTable(call, type, loc);
  // Every other operation has a tensor first.
  Value input = importExpr(slots[0]);
  if (!input)
    return {};
  auto attrF32 = [&](const lang::Expr *expr) {
    return builder.getF32FloatAttr(
        static_cast<float>(bound.evaluateFloat(expr)));
  };
  Value none;
  TileAttr noTile;

  switch (call->builtin->id) {
  case BuiltinId::Activation:
    return activation(loc, input,
                      *lang::activationByName(
                          std::get<std::string>(*bound.evaluate(slots[1]))));
  case BuiltinId::Silu:
  case BuiltinId::Gelu:
  case BuiltinId::GeluTanh:
  case BuiltinId::Relu:
  case BuiltinId::Tanh:
  case BuiltinId::Sigmoid:
  case BuiltinId::QuickGelu:
  case BuiltinId::ReluSquared:
  case BuiltinId::Mish:
  case BuiltinId::Exp:
  case BuiltinId::Log:
  case BuiltinId::Sqrt:
    return activation(loc, input, call->builtin->id);

  case BuiltinId::CausalMask: {
    int64_t window = slots[1] ? bound.evaluateInt(slots[1]) : 0;
    // A window that holds the whole context hides nothing.
    IntegerAttr attr;
    if (window > 0 && window < context)
      attr = builder.getI64IntegerAttr(window);
    return CausalMaskOp::create(builder, loc, type, input, none, attr, noTile)
        .getResult();
  }
  case BuiltinId::PaddingMask: {
    Value valid = importExpr(slots[1]);
    if (!valid)
      return {};
    return PaddingMaskOp::create(builder, loc, type, input, valid, none, noTile)
        .getResult();
  }
  case BuiltinId::Alibi:
  case BuiltinId::BandMask:
  case BuiltinId::RelativeBias:
  case BuiltinId::RelativeGather:
  case BuiltinId::Softmax:
    return importScores(call, type, input, loc);

  case BuiltinId::Concat: {
    Value rhs = importExpr(slots[1]);
    if (!rhs)
      return {};
    return ConcatOp::create(builder, loc, type, input, rhs, none, noTile)
        .getResult();
  }
  case BuiltinId::ConcatRows: {
    Value rhs = importExpr(slots[1]);
    if (!rhs)
      return {};
    return ConcatRowsOp::create(builder, loc, type, input, rhs);
  }
  case BuiltinId::Flatten:
    return flatten(input.getDefiningOp<WeightRefOp>(), loc);
  case BuiltinId::Unfold: {
    auto number = [&](unsigned i, int64_t otherwise) {
      return slots[i] ? bound.evaluateInt(slots[i]) : otherwise;
    };
    return UnfoldOp::create(builder, loc, type, input, none, none, number(1, 1),
                            number(2, 1), number(3, 0), noTile)
        .getResult();
  }
  case BuiltinId::Embedding: {
    Value table = importExpr(slots[1]);
    if (!table || !checkPositions(call, input))
      return {};
    auto rows =
        EmbeddingOp::create(builder, loc, type, input, table, none, noTile);
    if (slots[2])
      rows->setAttr(kFrozenRowAttrName,
                    builder.getI64IntegerAttr(bound.evaluateInt(slots[2])));
    return rows.getResult();
  }
  case BuiltinId::Ending:
    return markEnding(call, input) ? input : Value();
  case BuiltinId::Positions:
    return PositionsOp::create(
               builder, loc, type, input, none, none,
               slots[1] && bound.evaluateInt(slots[1]) > 0
                   ? builder.getI64IntegerAttr(bound.evaluateInt(slots[1]))
                   : IntegerAttr(),
               noTile)
        .getResult();

  case BuiltinId::Linear: {
    Value weight = importExpr(slots[1]);
    if (!weight)
      return {};
    return LinearOp::create(builder, loc, type, input, weight,
                            importOptional(slots[2]), none, none,
                            ActivationKind::Identity, false, noTile, PlanAttr())
        .getResult();
  }
  case BuiltinId::Matmul: {
    Value rhs = importExpr(slots[1]);
    if (!rhs)
      return {};
    // A product with a weight is a linear map, whose weight is [out, in].
    if (auto reference = rhs.getDefiningOp<WeightRefOp>();
        reference && type.getRank() == 2) {
      auto shape = cast<RankedTensorType>(rhs.getType());
      rhs = TransposeOp::create(
          builder, loc,
          RankedTensorType::get({shape.getDimSize(1), shape.getDimSize(0)},
                                shape.getElementType()),
          rhs);
      return LinearOp::create(builder, loc, type, input, rhs, none, none, none,
                              ActivationKind::Identity, false, noTile,
                              PlanAttr())
          .getResult();
    }
    return MatmulOp::create(builder, loc, type, input, rhs, none, noTile)
        .getResult();
  }
  case BuiltinId::Transpose: {
    // Of a weight, the element type is the weight's.
    Type element = cast<RankedTensorType>(input.getType()).getElementType();
    return TransposeOp::create(
        builder, loc, RankedTensorType::get(type.getShape(), element), input);
  }

  case BuiltinId::Heads:
    return SplitHeadsOp::create(builder, loc, type, input, type.getDimSize(0));
  case BuiltinId::MergeHeads:
    return MergeHeadsOp::create(builder, loc, type, input);
  case BuiltinId::Row:
    if (bound.evaluateInt(slots[1]) < 0)
      return LastRowsOp::create(
          builder, loc, type, input,
          arith::ConstantIndexOp::create(builder, loc, 1));
    return RowsOp::create(builder, loc, type, input,
                          bound.evaluateInt(slots[1]));
  case BuiltinId::Rope:
    return importRope(call, input, type, loc);
  case BuiltinId::Clamp:
    return ClampOp::create(builder, loc, type, input, none,
                           slots[1] ? attrF32(slots[1]) : FloatAttr(),
                           slots[2] ? attrF32(slots[2]) : FloatAttr(), noTile)
        .getResult();
  case BuiltinId::Sum:
    return reduce(call, input, Reduction::Sum, loc);
  case BuiltinId::Mean:
    return reduce(call, input, Reduction::Mean, loc);
  case BuiltinId::Max:
    return reduce(call, input, Reduction::Max, loc);

  case BuiltinId::RmsNorm: {
    Value weight = importOptional(slots[1]);
    bool offset = weight && slots[3] && bound.evaluateInt(slots[3]) == 1;
    return RmsNormOp::create(
               builder, loc, type, input, weight, none, attrF32(slots[2]),
               offset ? builder.getUnitAttr() : UnitAttr(), noTile)
        .getResult();
  }
  case BuiltinId::LayerNorm: {
    Value weight = importOptional(slots[1]);
    return LayerNormOp::create(builder, loc, type, input, weight,
                               importOptional(slots[2]), none,
                               attrF32(slots[3]), UnitAttr(), noTile)
        .getResult();
  }
  case BuiltinId::TopK:
    return importTopK(call, input, loc);
  case BuiltinId::Int:
  case BuiltinId::Len:
  case BuiltinId::Rotary:
  case BuiltinId::Sinusoidal:
  case BuiltinId::Split:
    break;
  }
  llvm_unreachable("handled by importSplit, rotaryTable and the evaluator");
}
