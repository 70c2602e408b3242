//===- ImportWeights.cpp - weights ----------------------------------------===//

#include "Importer.h"
#include "tenon/Dialect/Tenon/IR/Adapters.h"
#include "tenon/Dialect/Tenon/IR/TenonMixture.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "llvm/ADT/SmallVector.h"

using namespace tenon;
using namespace mlir;

Type Importer::elementType(DType type) {
  return getWeightElement(builder.getContext(), type);
}

// The element type of a weight's tensors in the checkpoint. Layers of different
// floating-point types are f32 together; layers in blocks keep what each has.
// Null when one is no tensor of weights.
Type Importer::checkpointElement(const lang::BoundWeight &weight) {
  if (!checkpoint)
    return elementType(weight.shape.size() < 2
                           ? DType::F32
                           : options.weightDType.value_or(DType::F32));
  SmallVector<DType> types;
  for (const std::string &tensor : weight.tensorNames()) {
    const TensorInfo *info = checkpoint->find(tensor);
    auto fail = [&](const std::string &name, const std::string &problem,
                    const char *note) {
      lang::Diagnostic &error = diagnostics.error(
          model.source, weight.decl->nameRange, "'" + name + "' " + problem);
      if (note)
        error.note(note);
      return Type();
    };
    if (!info)
      return fail(tensor, "is missing in the checkpoint", nullptr);
    if (!elementType(info->dtype))
      return fail(info->name,
                  std::string("has elements of type ") + name(info->dtype) +
                      ", which weights can't be read from",
                  "weights are F32, F16, BF16 or in GGML's blocks; convert the "
                  "checkpoint");
    if (isBlock(info->dtype) && weight.shape.size() != 2)
      return fail(info->name, "is in blocks, which only a matrix can be",
                  nullptr);
    // Of each matrix in the stack: all that are in this tensor.
    types.append(weight.isFused() ? weight.experts : 1, info->dtype);
  }
  if (llvm::all_equal(types))
    return elementType(types[0]);
  if (llvm::any_of(types, isBlock))
    return MixedType::get(builder.getContext(), types);
  return elementType(DType::F32);
}

// The name with `{i}` for what its braces hold, and that for each layer of the
// stack; null if it counts from 0.
bool Importer::sourceName(const lang::BoundWeight &weight, std::string &name,
                          DenseI64ArrayAttr &layers) {
  const lang::BoundWeight::Hole *only = nullptr;
  for (const lang::BoundWeight::Hole &hole : weight.holes) {
    std::string text = "{" + hole.text + "}";
    if (name.find(text) == std::string::npos)
      continue;
    if (only && only->values != hole.values) {
      diagnostics.error(model.source, weight.decl->nameRange,
                        "the name \"" + name + "\" holds {" + only->text +
                            "} and {" + hole.text +
                            "}; one name counts in one way");
      return false;
    }
    only = &hole;
  }
  if (!only)
    return true;
  for (const lang::BoundWeight::Hole &hole : weight.holes) {
    std::string text = "{" + hole.text + "}";
    for (size_t at = 0; (at = name.find(text, at)) != std::string::npos;
         at += 3)
      name.replace(at, text.size(), "{i}");
  }
  auto isPlace = [](auto pair) {
    return pair.value() == static_cast<int64_t>(pair.index());
  };
  if (!llvm::all_of(llvm::enumerate(only->values), isPlace))
    layers = builder.getDenseI64ArrayAttr(only->values);
  return true;
}

bool Importer::declareWeights() {
  bool ok = true;
  for (const lang::BoundWeight &weight : bound.weights()) {
    if (!weight.present)
      continue;
    Type type = checkpointElement(weight);
    if (!type) {
      ok = false;
      continue;
    }
    // Vectors are small and take part in f32 arithmetic.
    Type stored = type;
    if (weight.shape.size() < 2)
      stored = elementType(DType::F32);
    else if (options.weightDType)
      stored = elementType(*options.weightDType);
    std::string name = weight.nameTemplate, module = weight.nameInDirectories;
    DenseI64ArrayAttr layers;
    if (!sourceName(weight, name, layers) ||
        !sourceName(weight, module, layers)) {
      ok = false;
      continue;
    }
    auto sourceType = RankedTensorType::get(weight.shape, type);
    SmallVector<int64_t> shape(weight.shape.begin(), weight.shape.end());
    if (weight.layers)
      shape.insert(shape.begin(),
                   weight.layers * std::max<int64_t>(weight.experts, 1));
    auto op = WeightOp::create(
        builder, location(weight.decl->nameRange, weight.decl->name),
        weight.symbol, RankedTensorType::get(shape, stored),
        builder.getArrayAttr(
            SourceAttr::get(builder.getContext(), name, sourceType, false)),
        weight.layers != 0, IntegerAttr(), IntegerAttr(), layers);
    if (weight.decl->frozen)
      op->setAttr(kFrozenAttrName, builder.getUnitAttr());
    if (!module.empty())
      op->setAttr(kModuleAttrName, builder.getStringAttr(module));
    if (weight.experts)
      op->setAttr(kExpertsAttrName, builder.getI64IntegerAttr(weight.experts));
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
  if (Value known = references.lookup(weight.symbol))
    return known;
  auto op = cast<WeightOp>(SymbolTable::lookupSymbolIn(*module, weight.symbol));
  Value index = weight.layers ? stackIndex(weight, loc) : Value();
  if (weight.experts) {
    Value first = arith::MulIOp::create(
        builder, loc, index,
        arith::ConstantIndexOp::create(builder, loc, weight.experts));
    index = arith::AddIOp::create(builder, loc, first, expertIndex);
  }
  return reference(weight.symbol, op.getLayerType(), index, loc);
}

// A declaration of its own, of the same tensors: the one in their shape goes if
// nothing else reads it.
Value Importer::flatten(WeightRefOp ref, Location loc) {
  auto weight =
      cast<WeightOp>(SymbolTable::lookupSymbolIn(*module, ref.getWeight()));
  RankedTensorType whole = weight.getTensorType();
  RankedTensorType layer = weight.getLayerType();
  if (layer.getRank() == 2)
    return ref;
  int64_t rows = layer.getDimSize(0);
  SmallVector<int64_t> shape = {rows, layer.getNumElements() / rows};
  auto flat = RankedTensorType::get(shape, layer.getElementType());
  std::string symbol = ref.getWeight().str() + "_flat";
  if (!SymbolTable::lookupSymbolIn(*module, symbol)) {
    OpBuilder::InsertionGuard guard(builder);
    builder.setInsertionPointAfter(weight);
    auto copy = cast<WeightOp>(builder.clone(*weight));
    copy.setSymName(symbol);
    if (weight.getStacked())
      shape.insert(shape.begin(), whole.getDimSize(0));
    copy.setType(RankedTensorType::get(shape, layer.getElementType()));
  }
  return reference(symbol, flat, ref.getLayer(), loc);
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
  module->walk([&](WeightRefOp op) {
    // Of a weight that is read as a matrix, the reference to it as it is.
    if (op->use_empty())
      op.erase();
    else
      uses[op.getWeight()].push_back(op);
  });
  // Where a file has one tensor for two weights (T5's head, if it has none of
  // its own), it is one weight: a model that learns changes both or none.
  DenseMap<std::pair<Attribute, Type>, WeightOp> first;
  for (auto weight : module->getOps<WeightOp>()) {
    if (weight.getStacked())
      continue;
    auto [it, isNew] = first.try_emplace(
        {weight.getSourcesAttr(), weight.getTensorType()}, weight);
    if (isNew)
      continue;
    for (WeightRefOp op : uses[weight.getSymName()]) {
      op.setWeight(it->second.getSymName());
      uses[op.getWeight()].push_back(op);
    }
    uses.erase(weight.getSymName());
  }
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
