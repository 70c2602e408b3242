//===- Bufferize.cpp - entry points on memory instead of tensors ----------===//
//
// The module's part: places of weights and caches. EntryRewriter does the
// entry points.
//
//===----------------------------------------------------------------------===//

#include "EntryRewriter.h"
#include "WeightLayout.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "tenon/Dialect/Tenon/IR/TenonTurns.h"
#include "tenon/Dialect/Tenon/Transforms/MemoryPasses.h"

namespace tenon {
#define GEN_PASS_DEF_TENONBUFFERIZE
#include "tenon/Dialect/Tenon/Transforms/MemoryPasses.h.inc"
} // namespace tenon

using namespace mlir;
using namespace tenon;

namespace {

struct Bufferize : tenon::impl::TenonBufferizeBase<Bufferize> {
  void runOnOperation() override {
    if (failed(bufferize(getOperation())))
      signalPassFailure();
  }

  LogicalResult bufferize(ModuleOp module) {
    MemorySizes sizes;
    auto maxChunk = module->getAttrOfType<IntegerAttr>(kMaxChunkAttrName);
    if (!maxChunk || maxChunk.getInt() <= 0)
      return module.emitError("needs a positive '")
             << kMaxChunkAttrName << "': the most tokens of one call";
    sizes.maxChunk = maxChunk.getInt();

    eraseUnusedWeights(module);
    FailureOr<int64_t> weights = assignWeightPlaces(module);
    if (failed(weights))
      return failure();
    // A model that learns has two moments for each weight.
    if (!checkedMultiply(*weights, 2))
      return module.emitError("has weights that pass the largest size, 2^62 "
                              "bytes with their moments");
    sizes.weights = *weights;
    if (auto numbers =
            module->getAttrOfType<IntegerAttr>(kRowNumbersAttrName)) {
      auto rows = checkedMultiply(
          checkedMultiply(numbers.getInt(), sizes.maxChunk), sizeof(float));
      if (!rows || *rows < 0)
        return module.emitError("has saved rows that pass the largest size, "
                                "2^62 bytes");
      sizes.rows = *rows;
    }

    auto functions = llvm::to_vector(module.getOps<func::FuncOp>());
    llvm::erase_if(functions, [](func::FuncOp func) {
      // The importer marks entry points, too; with buffers they take bytes.
      return func.isExternal() ||
             (func->hasAttr(kEntryAttrName) && func.getNumArguments() &&
              isa<MemRefType>(func.getArgumentTypes().front()));
    });
    // Of one sequence or of all: whoever calls says which part is meant.
    int64_t mostCache = 0;
    BufferCounts counts;
    for (func::FuncOp func : functions) {
      std::optional<int64_t> cache = cacheBytes(func);
      if (!cache)
        return func.emitOpError("has caches that pass the largest size");
      sizes.cache = *cache;
      mostCache = std::max(mostCache, *cache);
      if (failed(EntryRewriter(func, sizes, counts).run()))
        return failure();
    }
    numAllocated += counts.allocated;
    numInPlace += counts.inPlace;
    numDirect += counts.direct;
    numCopied += counts.copied;

    Builder builder(module.getContext());
    module->setAttr(kWeightsBytesAttrName,
                    builder.getI64IntegerAttr(sizes.weights));
    module->setAttr(kCacheBytesAttrName, builder.getI64IntegerAttr(mostCache));
    return success();
  }

  /// A weight that nobody reads takes no place in the file.
  void eraseUnusedWeights(ModuleOp module) {
    llvm::DenseSet<StringAttr> used;
    module.walk([&](WeightRefOp ref) {
      if (ref.use_empty())
        ref.erase();
      else
        used.insert(ref.getWeightAttr().getAttr());
    });
    // What learns has a place even if nothing reads it.
    module.walk([&](Operation *op) {
      if (auto gradient = dyn_cast<GradientOp>(op))
        used.insert(gradient.getWeightAttr().getAttr());
      else if (auto update = dyn_cast<UpdateOp>(op))
        used.insert(update.getWeightAttr().getAttr());
    });
    for (auto weight : llvm::make_early_inc_range(module.getOps<WeightOp>()))
      if (!used.contains(weight.getSymNameAttr())) {
        weight.erase();
        ++numErased;
      }
  }

  /// The bytes of all caches that a function takes.
  static std::optional<int64_t> cacheBytes(func::FuncOp func) {
    std::optional<int64_t> sum = 0;
    for (Type type : func.getArgumentTypes())
      if (auto cache = dyn_cast<KVCacheType>(type)) {
        MemRefType keys = cache.getKeysType(), values = cache.getValuesType();
        auto layer = checkedAdd(
            checkedBytes(keys.getShape(), keys.getElementType()),
            checkedBytes(values.getShape(), values.getElementType()));
        auto sequence = checkedMultiply(layer, cache.getLayers());
        sum = checkedAdd(sum, checkedMultiply(sequence, cache.getSequences()));
      }
    return sum;
  }
};

} // namespace
