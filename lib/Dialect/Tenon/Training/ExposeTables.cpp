//===- ExposeTables.cpp - biases as what they are computed from -----------===//
//
// A model that computes has the bias of each distance in memory
// (#tenon.relative_buckets). One that learns has the table of buckets, which is
// what a checkpoint holds, and looks each distance's bucket up in it:
//
//   %i = tenon.weight_ref @bias.buckets : tensor<577xi32>
//   %t = tenon.weight_ref @bias.table : tensor<32x8xf32>
//   %r = tenon.embedding %i, %t : ... -> tensor<577x8xf32>
//   %b = tenon.transpose %r : tensor<577x8xf32> -> tensor<8x577xf32>
//
//===----------------------------------------------------------------------===//

#include "Build.h"
#include "mlir/IR/SymbolTable.h"
#include "tenon/Dialect/Tenon/IR/Adapters.h"

using namespace mlir;
using namespace tenon;

/// The weights that stand for one of biases: its buckets, and its table.
static std::pair<WeightOp, WeightOp> splitWeight(WeightOp bias,
                                                 SymbolTable &symbols) {
  auto computed = cast<RelativeBucketsAttr>(bias.getSources()[0]);
  SourceAttr source = computed.getSource();
  OpBuilder builder(bias);
  auto create = [&](StringRef suffix, RankedTensorType type, Attribute from,
                    bool isStacked) {
    auto weight = WeightOp::create(
        builder, bias.getLoc(), (bias.getSymName() + suffix).str(), type,
        builder.getArrayAttr(from), isStacked, IntegerAttr(), IntegerAttr(),
        isStacked ? bias.getLayersAttr() : DenseI64ArrayAttr());
    symbols.insert(weight);
    return weight;
  };
  auto index = RankedTensorType::get({bias.getLayerType().getDimSize(1)},
                                     builder.getI32Type());
  WeightOp buckets = create(".buckets", index, computed, /*isStacked=*/false);
  SmallVector<int64_t> shape(source.getType().getShape());
  if (bias.getStacked())
    shape.insert(shape.begin(), bias.getNumLayers());
  WeightOp table = create(".table", source.getType().clone(shape), source,
                          bias.getStacked());
  return {buckets, table};
}

llvm::SmallDenseSet<Operation *> tenon::exposeTables(ModuleOp module,
                                                     Operation *function) {
  SymbolTable symbols(module);
  SmallVector<WeightOp> biases;
  for (auto weight : module.getOps<WeightOp>())
    if (isa<RelativeBucketsAttr>(weight.getSources()[0]) &&
        !weight->hasAttr(kFrozenAttrName) &&
        weight.getLayerType().getElementType().isF32())
      biases.push_back(weight);
  for (WeightOp bias : biases) {
    auto [buckets, table] = splitWeight(bias, symbols);
    SmallVector<WeightRefOp> references;
    function->walk([&](WeightRefOp ref) {
      if (ref.getWeight() == bias.getSymName())
        references.push_back(ref);
    });
    for (WeightRefOp ref : references) {
      OpBuilder builder(ref);
      Location loc = ref.getLoc();
      RankedTensorType type = tensorOf(ref.getResult());
      auto read = [&](WeightOp weight, Value layer) -> Value {
        return WeightRefOp::create(builder, loc, weight.getLayerType(),
                                   weight.getSymName(), layer);
      };
      Value rows = EmbeddingOp::create(
                       builder, loc,
                       type.clone({type.getDimSize(1), type.getDimSize(0)}),
                       read(buckets, Value()), read(table, ref.getLayer()),
                       Value(), TileAttr())
                       .getResult();
      ref.getResult().replaceAllUsesWith(Build(builder, loc).transpose(rows));
      ref.erase();
    }
  }
  return {biases.begin(), biases.end()};
}
