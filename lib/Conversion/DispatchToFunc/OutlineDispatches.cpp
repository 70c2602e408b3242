//===- OutlineDispatches.cpp - dispatches become kernel functions ---------===//

#include "KernelOutliner.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/Iterators.h"
#include "mlir/IR/SymbolTable.h"
#include "tenon/Conversion/LoweringPasses.h"

namespace tenon {
#define GEN_PASS_DEF_TENONOUTLINEDISPATCHES
#include "tenon/Conversion/LoweringPasses.h.inc"
} // namespace tenon

using namespace mlir;
using namespace tenon;

static constexpr llvm::StringLiteral kDispatchFunction = "tenon_dispatch";

/// "linear block.wq" -> "linear_block_wq".
static std::string makeSymbol(StringRef entry, StringRef label) {
  std::string name = ("kernel_" + entry + "_" + label).str();
  for (char &c : name)
    if (!llvm::isAlnum(c))
      c = '_';
  return name;
}

/// "file:line:col" of the first place in a location that has one.
static std::string printLocation(Location loc) {
  std::string text;
  loc->walk([&](Location part) {
    auto file = dyn_cast<FileLineColLoc>(part);
    if (!file)
      return WalkResult::advance();
    text = (file.getFilename().getValue() + ":" + Twine(file.getLine()) + ":" +
            Twine(file.getColumn()))
               .str();
    return WalkResult::interrupt();
  });
  return text;
}

namespace {

struct OutlineDispatches
    : tenon::impl::TenonOutlineDispatchesBase<OutlineDispatches> {
  void runOnOperation() override {
    ModuleOp module = getOperation();
    SymbolTable symbols(module);
    int64_t maxChunk = 1;
    if (auto attr = module->getAttrOfType<IntegerAttr>(kMaxChunkAttrName))
      maxChunk = attr.getInt();
    FunctionPool pool;
    SmallVector<Attribute> operations;
    for (auto func : llvm::to_vector(module.getOps<func::FuncOp>())) {
      SmallVector<DispatchOp> dispatches;
      func.walk([&](DispatchOp op) { dispatches.push_back(op); });
      DenseMap<Value, Value> pointers;
      for (DispatchOp dispatch : dispatches)
        outline(func, dispatch, maxChunk, symbols, pool, pointers, operations);
      if (!dispatches.empty())
        eraseDead(func);
    }
    module->setAttr(kOperationsAttrName,
                    ArrayAttr::get(module.getContext(), operations));
  }

  void outline(func::FuncOp func, DispatchOp dispatch, int64_t maxChunk,
               SymbolTable &symbols, FunctionPool &pool,
               DenseMap<Value, Value> &pointers,
               SmallVectorImpl<Attribute> &operations) {
    Location loc = dispatch.getLoc();
    OpBuilder builder(dispatch);
    std::string name = makeSymbol(func.getName(), dispatch.getLabel());
    KernelOutliner outliner(dispatch, maxChunk);

    auto insert = [&](func::FuncOp made) {
      func::FuncOp kept = pool.unique(made);
      if (kept == made)
        symbols.insert(made, Block::iterator(func));
      return kept;
    };
    func::FuncOp tasks = insert(outliner.createTasks(name + "_tasks"));
    func::FuncOp created = outliner.createKernel(name, tasks);
    func::FuncOp kernel = insert(created);
    ++numOutlined;
    if (kernel != created)
      ++numShared;

    // The context lies in the entry block: a loop reuses it.
    Type pointer = LLVM::LLVMPointerType::get(func.getContext());
    OpBuilder atEntry = OpBuilder::atBlockBegin(&func.getBody().front());
    Value one = LLVM::ConstantOp::create(atEntry, loc, atEntry.getI64Type(), 1);
    Value context = LLVM::AllocaOp::create(atEntry, loc, pointer,
                                           outliner.getContextType(), one);
    int32_t next = 0;
    auto store = [&](Value value) {
      Value place =
          LLVM::GEPOp::create(builder, loc, pointer, outliner.getContextType(),
                              context, ArrayRef<LLVM::GEPArg>{0, next++});
      LLVM::StoreOp::create(builder, loc, value, place);
    };
    auto asI64 = [&](OpBuilder &builder, Value index) -> Value {
      return arith::IndexCastOp::create(builder, loc, builder.getI64Type(),
                                        index);
    };
    for (Value root : outliner.getRoots()) {
      Value &address = pointers[root];
      if (!address) {
        Value index =
            memref::ExtractAlignedPointerAsIndexOp::create(atEntry, loc, root);
        address = LLVM::IntToPtrOp::create(atEntry, loc, pointer,
                                           asI64(atEntry, index));
      }
      store(address);
    }
    for (Value scalar : outliner.getScalars())
      store(asI64(builder, scalar));

    auto id = int32_t(operations.size());
    StringRef label = dispatch.getLabel();
    operations.push_back(builder.getDictionaryAttr(
        {builder.getNamedAttr("id", builder.getI32IntegerAttr(id)),
         builder.getNamedAttr("name", builder.getStringAttr(label)),
         builder.getNamedAttr("kind",
                              builder.getStringAttr(label.split(' ').first)),
         builder.getNamedAttr("entry", builder.getStringAttr(func.getName())),
         builder.getNamedAttr("location",
                              builder.getStringAttr(printLocation(loc)))}));

    Value idValue = arith::ConstantIntOp::create(builder, loc, id, 32);
    Value callee = func::ConstantOp::create(
        builder, loc, kernel.getFunctionType(),
        FlatSymbolRefAttr::get(kernel.getSymNameAttr()));
    Value grain = arith::ConstantIntOp::create(
        builder, loc, static_cast<int64_t>(dispatch.getGrain()), 64);
    SmallVector<Value> operands = {idValue, callee, context,
                                   asI64(builder, dispatch.getCount()), grain};
    func::FuncOp runtime = declareRuntime(symbols, ValueRange(operands));
    func::CallOp::create(builder, loc, runtime, operands);
    dispatch.erase();
  }

  func::FuncOp declareRuntime(SymbolTable &symbols, ValueRange operands) {
    if (auto func = symbols.lookup<func::FuncOp>(kDispatchFunction))
      return func;
    OpBuilder builder(&getContext());
    auto func = func::FuncOp::create(
        builder, getOperation().getLoc(), kDispatchFunction,
        builder.getFunctionType(operands.getTypes(), {}));
    func.setPrivate();
    symbols.insert(func, getOperation().getBody()->begin());
    return func;
  }

  /// Views and arithmetic that only kernels use.
  static void eraseDead(func::FuncOp func) {
    func.walk<WalkOrder::PostOrder, mlir::ReverseIterator>([](Operation *op) {
      if (isOpTriviallyDead(op))
        op->erase();
    });
  }
};

} // namespace
