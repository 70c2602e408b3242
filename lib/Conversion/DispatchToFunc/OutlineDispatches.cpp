//===- OutlineDispatches.cpp - dispatches become kernel functions ---------===//

#include "KernelOutliner.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/Iterators.h"
#include "mlir/IR/SymbolTable.h"
#include "tenon/Conversion/LoweringPasses.h"
#include "tenon/Conversion/PrintPlace.h"
#include "tenon/Dialect/Tenon/IR/TenonOptimizer.h"
#include "tenon/Dialect/Tenon/IR/TenonTraining.h"
#include "tenon/Dialect/Tenon/IR/TenonTurns.h"
#include "llvm/ADT/StringExtras.h"

namespace tenon {
#define GEN_PASS_DEF_TENONOUTLINEDISPATCHES
#include "tenon/Conversion/LoweringPasses.h.inc"
} // namespace tenon

using namespace mlir;
using namespace tenon;

static constexpr llvm::StringLiteral kDispatchFunction = "tenon_dispatch";
/// With a prologue.
static constexpr llvm::StringLiteral kDispatchAfterFunction =
    "tenon_dispatch_after";

/// "linear block.wq" -> "linear_block_wq".
static std::string makeSymbol(StringRef entry, StringRef label) {
  std::string name = ("kernel_" + entry + "_" + label).str();
  for (char &c : name)
    if (!llvm::isAlnum(c))
      c = '_';
  return name;
}

/// An entry point that only what learns calls.
static bool isOfLearning(func::FuncOp entry) {
  return llvm::is_contained({kGradientName, kLossName, kRowGradientsName,
                             kUpdateName, kMomentumUpdateName,
                             kMuonUpdateName},
                            entry.getName());
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
    auto createTasks = [&](KernelOutliner::Part &part) {
      std::string symbol = makeSymbol(func.getName(), part.label) + "_tasks";
      func::FuncOp tasks = outliner.createTasks(part, symbol);
      if (isOfLearning(func))
        tasks->setAttr("passthrough", builder.getStrArrayAttr(
                                          {kUnrollSumsAttrName}));
      part.tasks = insert(tasks);
    };
    func::FuncOp prologue;
    if (!outliner.getSteps().empty()) {
      llvm::for_each(outliner.getSteps(), createTasks);
      prologue = insert(
          outliner.createKernel(outliner.getSteps(), name + "_prologue"));
      ++numPrologues;
    }
    createTasks(outliner.getBody());
    func::FuncOp created = outliner.createKernel(outliner.getBody(), name);
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
      if (index.getType().isInteger(64))
        return index;
      // An integer, as a text's end that was read.
      if (index.getType().isInteger())
        return arith::ExtSIOp::create(builder, loc, builder.getI64Type(),
                                      index);
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

    // The prologue's number is the one before its dispatch's.
    if (prologue)
      describe(func, outliner.getSteps(), operations);
    auto id = int32_t(operations.size());
    describe(func, outliner.getBody(), operations);

    auto reference = [&](func::FuncOp function) -> Value {
      return func::ConstantOp::create(
          builder, loc, function.getFunctionType(),
          FlatSymbolRefAttr::get(function.getSymNameAttr()));
    };
    SmallVector<Value> operands = {
        arith::ConstantIntOp::create(builder, loc, id, 32)};
    if (prologue)
      operands.push_back(reference(prologue));
    operands.push_back(reference(kernel));
    operands.push_back(context);
    operands.push_back(asI64(builder, dispatch.getCount()));
    operands.push_back(arith::ConstantIntOp::create(
        builder, loc, static_cast<int64_t>(dispatch.getGrain()), 64));
    func::FuncOp runtime =
        declareRuntime(prologue ? kDispatchAfterFunction : kDispatchFunction,
                       symbols, operands);
    func::CallOp::create(builder, loc, runtime, operands);
    dispatch.erase();
  }

  /// Adds what a profile shows for some parts of a dispatch together.
  static void describe(func::FuncOp func, ArrayRef<KernelOutliner::Part> parts,
                       SmallVectorImpl<Attribute> &operations) {
    Builder builder(func.getContext());
    llvm::SetVector<StringRef> kinds;
    SmallVector<StringRef> names;
    for (const KernelOutliner::Part &part : parts) {
      names.push_back(part.label);
      kinds.insert(part.label.split(' ').first);
    }
    auto field = [&](StringRef name, const Twine &text) {
      return builder.getNamedAttr(name, builder.getStringAttr(text));
    };
    auto id = int32_t(operations.size());
    operations.push_back(builder.getDictionaryAttr(
        {builder.getNamedAttr("id", builder.getI32IntegerAttr(id)),
         field("name", llvm::join(names, " + ")),
         field("kind", llvm::join(kinds, "+")), field("entry", func.getName()),
         field("location", printPlace(parts.front().loc))}));
  }

  func::FuncOp declareRuntime(StringRef name, SymbolTable &symbols,
                              ValueRange operands) {
    if (auto func = symbols.lookup<func::FuncOp>(name))
      return func;
    OpBuilder builder(&getContext());
    auto func =
        func::FuncOp::create(builder, getOperation().getLoc(), name,
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
