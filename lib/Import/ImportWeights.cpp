//===- ImportWeights.cpp - weights and rotary tables ----------------------===//

#include "Importer.h"

#include "llvm/ADT/SmallVector.h"

using namespace tenon;
using namespace mlir;

Type Importer::elementType(DType type) {
  switch (type) {
  case DType::F16:
    return builder.getF16Type();
  case DType::BF16:
    return builder.getBF16Type();
  default:
    return builder.getF32Type();
  }
}

// The type of a weight's tensors in the checkpoint: the widest, and f32 for a
// mix of f16 and bf16. nullopt when one is no floating-point tensor.
std::optional<DType> Importer::checkpointType(const lang::BoundWeight &weight) {
  if (!checkpoint)
    return weight.shape.size() < 2 ? DType::F32
                                   : options.weightDType.value_or(DType::F32);
  std::optional<DType> widest;
  for (int64_t layer = 0; layer < std::max<int64_t>(weight.layers, 1);
       ++layer) {
    const TensorInfo *info = checkpoint->find(weight.tensorName(layer));
    if (!info) {
      diagnostics.error(model.source, weight.decl->nameRange,
                        "'" + weight.tensorName(layer) +
                            "' is missing in the checkpoint");
      return std::nullopt;
    }
    if (info->dtype != DType::F32 && info->dtype != DType::F16 &&
        info->dtype != DType::BF16) {
      diagnostics
          .error(model.source, weight.decl->nameRange,
                 "'" + info->name + "' has elements of an integer type")
          .note("weights are F32, F16 or BF16; convert the checkpoint");
      return std::nullopt;
    }
    if (!widest)
      widest = info->dtype;
    else if (*widest != info->dtype)
      widest = DType::F32;
  }
  return widest;
}

bool Importer::declareWeights() {
  bool ok = true;
  for (const lang::BoundWeight &weight : bound.weights()) {
    if (!weight.present)
      continue;
    std::optional<DType> type = checkpointType(weight);
    if (!type) {
      ok = false;
      continue;
    }
    // Vectors are small and take part in f32 arithmetic.
    DType stored = weight.shape.size() < 2
                       ? DType::F32
                       : options.weightDType.value_or(*type);
    auto sourceType = RankedTensorType::get(weight.shape, elementType(*type));
    SmallVector<int64_t> shape(weight.shape.begin(), weight.shape.end());
    if (weight.layers)
      shape.insert(shape.begin(), weight.layers);
    WeightOp::create(
        builder, location(weight.decl->nameRange, weight.decl->name),
        weight.symbol, RankedTensorType::get(shape, elementType(stored)),
        builder.getArrayAttr(SourceAttr::get(
            builder.getContext(), weight.nameTemplate, sourceType, false)),
        weight.layers != 0, IntegerAttr(), IntegerAttr());
  }
  return ok;
}

Value Importer::reference(StringRef symbol, RankedTensorType type, Value layer,
                          Location loc) {
  Value &value = references[symbol];
  if (!value)
    value = WeightRefOp::create(builder, loc, type, symbol, layer);
  return value;
}

Value Importer::weightRef(const lang::BoundWeight &weight, Location loc) {
  auto op = cast<WeightOp>(SymbolTable::lookupSymbolIn(*module, weight.symbol));
  return reference(weight.symbol, op.getLayerType(),
                   weight.layers ? layerIndex : Value(), loc);
}

// The table of a rope: `expr` is a call of rotary(…), or theta alone. Tables of
// the same content are one weight.
Value Importer::rotaryTable(const lang::Expr *expr, int64_t dim,
                            std::string_view name, Location loc) {
  expr = choose(expr);
  if (auto *reference = lang::exprAs<lang::NameExpr>(expr);
      reference && expr->type.kind == lang::Type::Kind::Rotary) {
    name = reference->name;
    const lang::Expr *value = nullptr;
    if (auto *constant = lang::declAs<lang::ConstantDecl>(reference->decl))
      value = constant->value;
    else if (auto *local = lang::declAs<lang::LocalDecl>(reference->decl))
      value = local->value;
    return rotaryTable(value, dim, name, loc);
  }
  RotaryParameters parameters;
  parameters.dim = dim;
  if (auto *call = lang::exprAs<lang::CallExpr>(expr);
      call && expr->type.kind == lang::Type::Kind::Rotary) {
    auto number = [&](unsigned slot, double otherwise) {
      return call->slots[slot] ? bound.evaluateFloat(call->slots[slot])
                               : otherwise;
    };
    parameters.dim = bound.evaluateInt(call->slots[0]);
    parameters.theta = number(1, 0);
    if (call->slots[2])
      parameters.scaling =
          std::get<std::string>(*bound.evaluate(call->slots[2]));
    parameters.factor = number(3, parameters.factor);
    parameters.lowFreqFactor = number(4, parameters.lowFreqFactor);
    parameters.highFreqFactor = number(5, parameters.highFreqFactor);
    parameters.originalContext = static_cast<int64_t>(
        number(6, static_cast<double>(parameters.originalContext)));
  } else {
    parameters.theta = bound.evaluateFloat(expr);
  }
  auto table = RopeTableAttr::get(
      builder.getContext(),
      builder.getDenseF64ArrayAttr(rotaryFrequencies(parameters)),
      builder.getF64FloatAttr(1.0));
  auto type =
      RankedTensorType::get({context, parameters.dim}, builder.getF32Type());

  std::string symbol = name.empty() ? "rope" : std::string(name);
  for (auto weight : module->getOps<WeightOp>())
    if (weight.getSources()[0] == table)
      return reference(weight.getSymName(), type, {}, loc);
  while (SymbolTable::lookupSymbolIn(*module, symbol))
    symbol += "_table";
  {
    OpBuilder::InsertionGuard guard(builder);
    builder.setInsertionPointToStart(module->getBody());
    for (auto weight : module->getOps<WeightOp>())
      builder.setInsertionPointAfter(weight);
    WeightOp::create(builder, location(expr->range, name), symbol, type,
                     builder.getArrayAttr(table), false, IntegerAttr(),
                     IntegerAttr());
  }
  return reference(symbol, type, {}, loc);
}

// The type with its last two dimensions exchanged.
static RankedTensorType transposed(RankedTensorType type) {
  SmallVector<int64_t> shape(type.getShape());
  std::swap(shape[shape.size() - 1], shape[shape.size() - 2]);
  return RankedTensorType::get(shape, type.getElementType());
}

// Weights that no entry point reads are dropped. A matrix that is read only
// through transpose (Conv1D keeps [in, out]) is declared the other way round.
void Importer::finishWeights() {
  llvm::StringMap<SmallVector<WeightRefOp>> uses;
  module->walk([&](WeightRefOp op) { uses[op.getWeight()].push_back(op); });
  for (auto weight : llvm::make_early_inc_range(module->getOps<WeightOp>())) {
    auto found = uses.find(weight.getSymName());
    if (found == uses.end()) {
      weight.erase();
      continue;
    }
    bool always = llvm::all_of(found->second, [](WeightRefOp op) {
      return llvm::all_of(op->getUsers(), [](Operation *user) {
        return isa<TransposeOp>(user);
      });
    });
    auto source = dyn_cast<SourceAttr>(weight.getSources()[0]);
    if (!always || !source)
      continue;
    weight.setType(transposed(weight.getTensorType()));
    weight.setSourcesAttr(builder.getArrayAttr(
        SourceAttr::get(builder.getContext(), source.getName(),
                        source.getType(), !source.getTransposed())));
    for (WeightRefOp op : found->second) {
      op.getResult().setType(weight.getLayerType());
      for (Operation *user : llvm::make_early_inc_range(op->getUsers())) {
        user->getResult(0).replaceAllUsesWith(op.getResult());
        user->erase();
      }
    }
  }
}
