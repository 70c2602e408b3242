//===- KernelModule.cpp - a kernel of a model, alone ----------------------===//

#include "KernelModule.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/IR/Verifier.h"
#include "tenon/Dialect/Tenon/IR/ByteProducts.h"
#include "tenon/Dialect/Tenon/IR/EntryAttrs.h"
#include "tenon/Dialect/Tenon/Transforms/MemoryPasses.h"

using namespace mlir;
using namespace tenon;
using namespace tenon::tune;

namespace {

/// Keys that one query meets, if the context has as many.
constexpr int64_t kKeys = 1024;
/// Operations of a call of many rows, a tenth of a second's at most.
constexpr int64_t kMostOperations = 4'000'000'000;
/// Rows of a short prompt.
constexpr int64_t kShort = 16;
constexpr int64_t kMostCopies = 4096;

class Extraction {
public:
  Extraction(Operation *op, int64_t footprint)
      : op(op), footprint(footprint), builder(op->getContext()),
        loc(builder.getUnknownLoc()) {}

  std::optional<KernelModule> run();

private:
  /// The value in the new function; null if there can be none.
  Value add(OpOperand &operand);
  Value addWeight(WeightRefOp reference);
  Value addInput(RankedTensorType type);
  Value addIndex(StringRef name);
  Value layer();
  void setRows();
  void setFacts();
  int64_t attributeOf(StringRef name) const {
    auto attr =
        op->getParentOfType<ModuleOp>()->getAttrOfType<IntegerAttr>(name);
    return attr ? attr.getInt() : 0;
  }

  Operation *op;
  int64_t footprint;
  OpBuilder builder;
  Location loc;
  OwningOpRef<ModuleOp> module;
  func::FuncOp function;
  Block *block = nullptr;
  Value layerIndex;
  KernelModule result;
  int64_t weights = 0;
};

} // namespace

int64_t KernelModule::position(int64_t callRows) const {
  if (!isAttention || !isOneRow)
    return 0;
  return std::max<int64_t>(std::min(context, kKeys) - callRows, 0);
}

Value Extraction::addIndex(StringRef name) {
  Value argument = block->addArgument(builder.getIndexType(), loc);
  if (!name.empty())
    layerIndex = argument;
  return argument;
}

/// Counts the copies: a position that no linear has, or the source's length.
Value Extraction::layer() {
  if (!layerIndex)
    layerIndex = addIndex("layer");
  return layerIndex;
}

Value Extraction::addWeight(WeightRefOp reference) {
  auto type = dyn_cast<RankedTensorType>(reference.getResult().getType());
  if (!type)
    return {};
  // The first weight of a linear is the largest.
  if (weights == 0 && isa<LinearOp>(op)) {
    int64_t bytes = std::max<int64_t>(getStorageBytes(type), 1);
    result.copies =
        std::clamp<int64_t>(llvm::divideCeil(footprint, bytes), 1, kMostCopies);
    Type element = type.getElementType();
    if (auto blocks = dyn_cast<BlockType>(element))
      result.weightType = name(blocks.getScheme());
    else
      llvm::raw_string_ostream(result.weightType) << element;
  }
  SmallVector<int64_t> shape = {result.copies};
  llvm::append_range(shape, type.getShape());
  auto stacked =
      RankedTensorType::get(shape, type.getElementType(), type.getEncoding());
  std::string symbol = "w" + std::to_string(weights++);
  // Numbers of a source are converted to what the weight has.
  Type number = type.getElementType().isIntOrFloat() ? type.getElementType()
                                                     : builder.getF32Type();
  auto source = SourceAttr::get(builder.getContext(), symbol + ".{i}",
                                RankedTensorType::get(type.getShape(), number),
                                /*transposed=*/false);
  OpBuilder::InsertionGuard guard(builder);
  builder.setInsertionPoint(function);
  WeightOp::create(builder, loc, symbol, stacked,
                   builder.getArrayAttr(ArrayRef<Attribute>(source)),
                   /*stacked=*/true, IntegerAttr(), IntegerAttr(),
                   DenseI64ArrayAttr());
  builder.setInsertionPointToEnd(block);
  return WeightRefOp::create(builder, loc, type, symbol, layer());
}

Value Extraction::addInput(RankedTensorType type) {
  bool isAny = type.isDynamicDim(0);
  int64_t elements = 1;
  for (int64_t size : type.getShape().drop_front(isAny))
    elements *= size;
  std::string name;
  llvm::raw_string_ostream(name) << type.getElementType();
  if (name != "f32" && name != "bf16" && name != "f16" && name != "i32")
    return {};
  result.inputs.push_back({isAny ? elements : 0, isAny ? 0 : elements, name});
  return block->addArgument(type, loc);
}

Value Extraction::add(OpOperand &operand) {
  Value value = operand.get();
  if (auto reference = value.getDefiningOp<WeightRefOp>())
    return addWeight(reference);
  if (auto cached = dyn_cast<CachedAttentionOp>(op)) {
    if (value == cached.getPosition() && value.getType().isIndex() &&
        operand.getOperandNumber() == 3)
      return addIndex("");
    if (value.getType().isIndex())
      return layer();
  }
  if (auto cache = dyn_cast<KVCacheType>(value.getType())) {
    result.copies = std::clamp<int64_t>(
        llvm::divideCeil(footprint,
                         std::max<int64_t>(cache.getLayerBytes(), 1)),
        1, cache.getLayers());
    return block->addArgument(
        KVCacheType::get(builder.getContext(), result.copies, cache.getHeads(),
                         cache.getCapacity(), cache.getHeadDim(),
                         cache.getElement(), 1, cache.getValueSize(),
                         cache.getRing()),
        loc);
  }
  auto type = dyn_cast<RankedTensorType>(value.getType());
  if (!type)
    return {};
  Type element = type.getElementType();
  if (isa<Int8GroupType>(element)) {
    auto linear = dyn_cast<LinearOp>(op);
    if (!linear || type.getRank() != 2)
      return {};
    int64_t depth =
        cast<RankedTensorType>(linear.getWeight().getType()).getDimSize(1);
    Value plain = addInput(RankedTensorType::get({type.getDimSize(0), depth},
                                                 builder.getF32Type()));
    return QuantizeOp::create(builder, loc, type, plain, Value(), TileAttr())
        ->getResult(0);
  }
  if (type.getRank() <= 2)
    return addInput(type);
  if (type.getRank() != 3)
    return {};
  Value rows = addInput(RankedTensorType::get(
      {type.getDimSize(1), type.getDimSize(0) * type.getDimSize(2)}, element));
  if (!rows)
    return {};
  return SplitHeadsOp::create(builder, loc, type, rows, type.getDimSize(0));
}

std::optional<KernelModule> Extraction::run() {
  result.key = getKernelKey(op);
  result.chosen = KernelPlan::of(op);
  if (result.key.empty() || !result.chosen)
    return std::nullopt;
  result.isAttention = bool(result.chosen->attention);
  result.weightType = "f32";
  if (auto cached = dyn_cast<CachedAttentionOp>(op)) {
    Type element = cast<KVCacheType>(cached.getCache().getType()).getElement();
    result.weightType = element.isF16()    ? "f16"
                        : element.isBF16() ? "bf16"
                        : element.isF32()  ? "f32"
                                           : "q8_0";
  }
  module = ModuleOp::create(loc);
  for (NamedAttribute attr : op->getParentOfType<ModuleOp>()->getAttrs())
    if (attr.getName() != SymbolTable::getSymbolAttrName() &&
        attr.getName() != kTunedAttrName)
      (*module)->setAttr(attr.getName(), attr.getValue());
  builder.setInsertionPointToStart(module->getBody());
  function = func::FuncOp::create(builder, loc, "run",
                                  builder.getFunctionType({}, {}));
  function->setAttr(kEntryAttrName, builder.getUnitAttr());
  block = function.addEntryBlock();
  builder.setInsertionPointToEnd(block);

  IRMapping mapping;
  for (OpOperand &operand : op->getOpOperands()) {
    Value value = add(operand);
    if (!value)
      return std::nullopt;
    // Of a value that is two operands the last one serves for both.
    mapping.map(operand.get(), value);
  }
  Operation *clone = builder.clone(*op, mapping);
  clone->setLoc(loc);
  Value output = clone->getResult(0);
  auto type = cast<RankedTensorType>(output.getType());
  if (type.getRank() == 3) {
    type = RankedTensorType::get(
        {type.getDimSize(1), type.getDimSize(0) * type.getDimSize(2)},
        type.getElementType());
    output = MergeHeadsOp::create(builder, loc, type, output);
  }
  if (type.getRank() != 2 || !type.getElementType().isIntOrFloat())
    return std::nullopt;
  result.outputElementsOfRow = type.getDimSize(1);
  result.isOneRow = type.getDimSize(0) == 1;
  func::ReturnOp::create(builder, loc, output);
  function.setType(
      builder.getFunctionType(block->getArgumentTypes(), {output.getType()}));
  if (result.isAttention && layerIndex)
    function.setArgAttr(cast<BlockArgument>(layerIndex).getArgNumber(),
                        kInputNameAttrName,
                        builder.getStringAttr(kSourceLengthName));
  ScopedDiagnosticHandler quiet(builder.getContext(),
                                [](Diagnostic &) { return success(); });
  if (failed(verify(*module)))
    return std::nullopt;
  setRows();
  setFacts();
  llvm::raw_string_ostream stream(result.text);
  module->print(stream);
  return std::move(result);
}

void Extraction::setRows() {
  auto type = cast<RankedTensorType>(op->getResult(0).getType());
  int64_t rows = type.getDimSize(type.getRank() == 3 ? 1 : 0);
  result.context = attributeOf(kContextAttrName);
  if (!ShapedType::isDynamic(rows)) {
    result.rows = {rows};
    return;
  }
  int64_t chunk = std::max<int64_t>(attributeOf(kMaxChunkAttrName), 1);
  int64_t most = chunk;
  if (auto linear = dyn_cast<LinearOp>(op)) {
    auto weight = cast<RankedTensorType>(linear.getWeight().getType());
    int64_t operations = 2 * std::max<int64_t>(weight.getNumElements(), 1);
    most = std::max(kMostOperations / operations, kShort);
  }
  result.rows = {std::min({chunk, most, int64_t(512)})};
  if (result.rows[0] > kShort)
    result.rows.push_back(kShort);
}

void Extraction::setFacts() {
  TargetAttr target = getTarget(op);
  result.lanes = target.getVectorBits() / 32;
  result.registers = target.getRegisters();
  auto linear = dyn_cast<LinearOp>(op);
  if (!linear)
    return;
  auto weight = cast<RankedTensorType>(linear.getWeight().getType());
  result.panels = getPanel(weight).getPackedShape(weight.getShape(),
                                                  weight.getElementType())[0];
  auto blocks = dyn_cast<BlockType>(weight.getElementType());
  if (!blocks)
    return;
  Superblock format = blocks.getSuperblock();
  result.isBlocks = true;
  result.groups = format.groups;
  result.addsInChains = addsInChains(target);
  result.splitsSums = target.hasByteDot() && format.bits == 4 &&
                      !format.isTable && format.scalesPerGroup == 1;
}

std::optional<KernelModule> tune::extractKernel(Operation *op,
                                                int64_t footprint) {
  return Extraction(op, footprint).run();
}
