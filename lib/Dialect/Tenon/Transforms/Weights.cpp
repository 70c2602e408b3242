//===- Weights.cpp - weights of a module, made and looked up --------------===//

#include "Weights.h"
#include "tenon/Dialect/Tenon/IR/Adapters.h"
#include "tenon/Dialect/Tenon/IR/TenonMixture.h"

using namespace mlir;
using namespace tenon;

WeightOp Weights::getWeightOf(Value value, WeightRefOp *ref) {
  auto op = value ? value.getDefiningOp<WeightRefOp>() : WeightRefOp();
  if (ref)
    *ref = op;
  return op ? get(op) : WeightOp();
}

WeightOp Weights::create(WeightOp after, StringRef name, RankedTensorType type,
                         ArrayRef<Attribute> sources, bool stacked,
                         Location loc, DenseI64ArrayAttr layers,
                         int64_t experts) {
  OpBuilder builder(after->getContext());
  builder.setInsertionPointAfter(after);
  auto weight = WeightOp::create(builder, loc, name, type,
                                 builder.getArrayAttr(sources), stacked,
                                 /*offset=*/IntegerAttr(),
                                 /*stride=*/IntegerAttr(), layers);
  setExperts(weight, experts);
  // Leaves it where it is, and renames it if the name is taken.
  weight->remove();
  symbols.insert(weight, std::next(after->getIterator()));
  return weight;
}

WeightOp Weights::getTransposed(WeightOp weight) {
  if (WeightOp known = transposed.lookup(weight))
    return known;
  RankedTensorType type = weight.getTensorType();
  // Sources follow one another by rows: transposed they would be columns.
  auto source = weight.getSources().size() == 1
                    ? dyn_cast<SourceAttr>(weight.getSources()[0])
                    : SourceAttr();
  if (!source || source.isOfHeads() || weight.getLayerType().getRank() != 2 ||
      type.getEncoding())
    return {};
  SmallVector<int64_t> shape(type.getShape());
  std::swap(shape[shape.size() - 2], shape[shape.size() - 1]);
  auto flipped = SourceAttr::get(weight.getContext(), source.getName(),
                                 source.getType(), !source.getTransposed());
  WeightOp result = create(weight, (weight.getSymName() + ".transposed").str(),
                           RankedTensorType::get(shape, type.getElementType()),
                           {flipped}, weight.getStacked(), weight.getLoc(),
                           weight.getLayersAttr(), getExperts(weight));
  transposed[weight] = result;
  return result;
}

bool tenon::canConcatenate(ArrayRef<WeightOp> weights) {
  WeightOp first = weights[0];
  RankedTensorType type = first.getLayerType();
  return llvm::all_of(weights, [&](WeightOp weight) {
    RankedTensorType other = weight.getLayerType();
    // Places for adapters lie together, behind all other weights.
    return isa<SourceAttr>(weight.getSources()[0]) &&
           !weight->hasAttr(kInitialAttrName) && !other.getEncoding() &&
           other.getElementType() == type.getElementType() &&
           other.getShape().drop_front() == type.getShape().drop_front() &&
           weight.getStacked() == first.getStacked() &&
           getExperts(weight) == getExperts(first) &&
           weight.getNumLayers() == first.getNumLayers() &&
           weight.getLayersAttr() == first.getLayersAttr();
  });
}

WeightOp Weights::getConcatenated(ArrayRef<WeightOp> weights) {
  SmallVector<Attribute> key;
  for (WeightOp weight : weights)
    key.push_back(weight.getSymNameAttr());
  WeightOp &known = concatenated[ArrayAttr::get(module.getContext(), key)];
  if (known || !canConcatenate(weights))
    return known;

  WeightOp first = weights[0];
  SmallVector<int64_t> shape(first.getTensorType().getShape());
  int64_t &rows = shape[first.getStacked() ? 1 : 0];
  rows = 0;
  std::string name;
  SmallVector<Attribute> sources;
  SmallVector<Location> locs;
  for (WeightOp weight : weights) {
    rows += weight.getLayerType().getDimSize(0);
    llvm::append_range(sources, weight.getSources());
    locs.push_back(weight.getLoc());
    // block.wq, block.wk -> block.wq.wk
    StringRef part = weight.getSymName();
    name += name.empty() ? part.str() : "." + part.rsplit('.').second.str();
    if (!part.contains('.') && weight != first)
      name += part;
  }
  known = create(
      weights.back(), name,
      RankedTensorType::get(shape, first.getTensorType().getElementType()),
      sources, first.getStacked(), FusedLoc::get(module.getContext(), locs),
      first.getLayersAttr(), getExperts(first));
  return known;
}

unsigned Weights::eraseUnused() {
  llvm::DenseSet<StringAttr> used;
  module.walk([&](WeightRefOp ref) {
    if (ref->use_empty())
      ref.erase();
    else
      used.insert(ref.getWeightAttr().getAttr());
  });
  unsigned count = 0;
  for (WeightOp weight : llvm::make_early_inc_range(module.getOps<WeightOp>()))
    if (!used.contains(weight.getSymNameAttr())) {
      symbols.erase(weight);
      ++count;
    }
  return count;
}

WeightRefOp tenon::createRef(OpBuilder &builder, Location loc, WeightOp weight,
                             Value layer) {
  return WeightRefOp::create(builder, loc, weight.getLayerType(),
                             FlatSymbolRefAttr::get(weight.getSymNameAttr()),
                             weight.getStacked() ? layer : Value());
}
