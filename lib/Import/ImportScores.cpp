//===- ImportScores.cpp - biases and masks of scores ----------------------===//

#include "Importer.h"

using namespace tenon;
using namespace mlir;
using lang::BuiltinId;

// A reference to a weight that is computed from `source`, and stacked as the
// weight `of` is that `source` reads, if any. Weights of the same content are
// one.
Value Importer::computedBias(Attribute source, RankedTensorType type,
                             const lang::BoundWeight *of, StringRef name,
                             Location loc) {
  bool isStacked = of && of->layers;
  SmallVector<int64_t> shape(type.getShape());
  DenseI64ArrayAttr layers;
  Value layer;
  if (isStacked) {
    shape.insert(shape.begin(), of->layers);
    auto op = cast<WeightOp>(SymbolTable::lookupSymbolIn(*module, of->symbol));
    layers = op.getLayersAttr();
    layer = stackIndex(*of, loc);
  }
  RankedTensorType whole = type.clone(shape);
  for (auto weight : module->getOps<WeightOp>())
    if (weight.getSources()[0] == source && weight.getTensorType() == whole &&
        weight.getLayersAttr() == layers)
      return reference(weight.getSymName(), type, layer, loc);
  std::string symbol = name.str();
  while (SymbolTable::lookupSymbolIn(*module, symbol))
    symbol += "_table";
  {
    OpBuilder::InsertionGuard guard(builder);
    builder.setInsertionPointToStart(module->getBody());
    for (auto weight : module->getOps<WeightOp>())
      builder.setInsertionPointAfter(weight);
    WeightOp::create(builder, loc, symbol, whole, builder.getArrayAttr(source),
                     isStacked, IntegerAttr(), IntegerAttr(), layers);
  }
  return reference(symbol, type, layer, loc);
}

// The biases of all distances, from T5's table of buckets.
Value Importer::relativeBias(const lang::CallExpr *call, int64_t heads,
                             Location loc) {
  const lang::Expr *table = choose(call->slots[1]);
  auto *name = lang::exprAs<lang::NameExpr>(table);
  auto *decl = name ? lang::declAs<lang::WeightDecl>(name->decl) : nullptr;
  const lang::BoundWeight *weight = decl ? bound.weight(decl) : nullptr;
  auto fail = [&](std::string message) {
    diagnostics.error(model.source, table->range, std::move(message));
    return Value();
  };
  if (!decl)
    return fail("relative_bias: the table must be a weight");
  if (!weight)
    return fail("the weight '" + std::string(name->name) + "' is absent");
  auto op =
      cast<WeightOp>(SymbolTable::lookupSymbolIn(*module, weight->symbol));
  auto source = dyn_cast<SourceAttr>(op.getSources()[0]);
  if (!source || !isa<FloatType>(source.getType().getElementType()))
    return fail("'" + weight->nameTemplate +
                "' is in blocks; a table of biases must be of numbers");
  int64_t maxDistance =
      call->slots[2] ? bound.evaluateInt(call->slots[2]) : 128;
  bool past = call->slots[3] && bound.evaluateBool(call->slots[3]);
  auto type = RankedTensorType::get({heads, 2 * getBiasReach(context) + 1},
                                    builder.getF32Type());
  return computedBias(
      RelativeBucketsAttr::get(builder.getContext(), source, maxDistance, past),
      type, weight, weight->symbol + ".distances", loc);
}

Value Importer::importScores(const lang::CallExpr *call, RankedTensorType type,
                             Value input, Location loc) {
  int64_t heads = type.getDimSize(0);
  auto add = [&](Value bias, bool byKey) -> Value {
    if (!bias)
      return {};
    return ScoreBiasOp::create(builder, loc, type, input, bias, Value(), byKey,
                               TileAttr())
        .getResult();
  };
  switch (call->builtin->id) {
  case BuiltinId::RelativeBias:
    return add(relativeBias(call, heads, loc), /*byKey=*/false);
  case BuiltinId::Alibi: {
    double maxBias = call->slots[1] ? bound.evaluateFloat(call->slots[1]) : 8.0;
    bool byKey = call->slots[2] && bound.evaluateBool(call->slots[2]);
    int64_t columns =
        byKey ? getBiasKeys(context) : 2 * getBiasReach(context) + 1;
    auto source = AlibiAttr::get(builder.getContext(),
                                 builder.getF64FloatAttr(maxBias), byKey);
    return add(computedBias(source,
                            RankedTensorType::get({heads, columns},
                                                  builder.getF32Type()),
                            /*of=*/nullptr, "alibi", loc),
               byKey);
  }
  case BuiltinId::RelativeGather: {
    int64_t span = cast<RankedTensorType>(input.getType()).getDimSize(2) / 2;
    int64_t furthest = call->slots[1] ? bound.evaluateInt(call->slots[1]) : 0;
    bool ahead = call->slots[2] && bound.evaluateBool(call->slots[2]);
    auto index = RankedTensorType::get({2 * getBiasReach(context) + 1},
                                       builder.getI32Type());
    Value columns = computedBias(
        DistanceIndexAttr::get(builder.getContext(), span, furthest, ahead),
        index, /*of=*/nullptr, "distances", loc);
    return DistanceGatherOp::create(builder, loc, type, input, columns, Value(),
                                    TileAttr())
        .getResult();
  }
  case BuiltinId::BandMask: {
    // A band that holds the whole context hides nothing.
    int64_t width = bound.evaluateInt(call->slots[1]);
    if (width >= context)
      return input;
    return BandMaskOp::create(builder, loc, type, input, Value(), width,
                              TileAttr())
        .getResult();
  }
  default: {
    Value sink = importOptional(call->slots[1]);
    return SoftmaxOp::create(builder, loc, type, input, sink, Value(),
                             TileAttr())
        .getResult();
  }
  }
}
