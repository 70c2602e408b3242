//===- KernelOutliner.cpp - one dispatch to functions ---------------------===//

#include "KernelOutliner.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/OperationSupport.h"
#include "mlir/Transforms/RegionUtils.h"

using namespace mlir;
using namespace tenon;

//===----------------------------------------------------------------------===//
// FunctionPool
//===----------------------------------------------------------------------===//

func::FuncOp FunctionPool::unique(func::FuncOp func) {
  llvm::hash_code hash = hash_value(func.getFunctionType());
  func.getBody().walk([&](Operation *op) {
    hash = llvm::hash_combine(hash, op->getName(), op->getAttrDictionary());
    for (Type type : op->getResultTypes())
      hash = llvm::hash_combine(hash, type);
  });
  auto &candidates = functions[size_t(hash)];
  for (func::FuncOp other : candidates)
    if (other.getFunctionType() == func.getFunctionType() &&
        other.getArgAttrsAttr() == func.getArgAttrsAttr() &&
        OperationEquivalence::isRegionEquivalentTo(
            &other.getBody(), &func.getBody(),
            OperationEquivalence::IgnoreLocations)) {
      func.erase();
      return other;
    }
  candidates.push_back(func);
  return func;
}

//===----------------------------------------------------------------------===//
// KernelOutliner
//===----------------------------------------------------------------------===//

/// Views, constants and index arithmetic: cheap enough to compute again.
static bool canSink(Operation *op) {
  // Canonicalization hoists constants of any dialect, llvm's among them.
  return op && op->getNumRegions() == 0 && isPure(op) &&
         (op->hasTrait<OpTrait::ConstantLike>() ||
          isa_and_nonnull<arith::ArithDialect, math::MathDialect,
                          memref::MemRefDialect>(op->getDialect()));
}

static memref::ViewOp asRootView(Value value) {
  auto view = value.getDefiningOp<memref::ViewOp>();
  return view && isa<BlockArgument>(view.getSource()) ? view : memref::ViewOp();
}

KernelOutliner::KernelOutliner(DispatchOp dispatch, int64_t maxChunk)
    : dispatch(dispatch), maxChunk(maxChunk) {
  getUsedValuesDefinedAbove(dispatch.getBody(), used);
  for (Value value : used)
    collect(value);
  for (Value root : whole)
    roots.insert(root);
}

void KernelOutliner::collect(Value value) {
  if (!visited.insert(value).second)
    return;
  if (memref::ViewOp view = asRootView(value)) {
    views.insert(value);
    roots.insert(view.getSource());
    collectScalars(view.getByteShift());
    for (Value size : view.getSizes())
      collect(size);
    return;
  }
  if (isa<MemRefType>(value.getType()) && isa<BlockArgument>(value)) {
    whole.insert(value);
    return;
  }
  Operation *op = value.getDefiningOp();
  if (!canSink(op)) {
    scalars.insert(value);
    return;
  }
  for (Value operand : op->getOperands())
    collect(operand);
}

/// The scalars of an address, which only the kernel function computes.
void KernelOutliner::collectScalars(Value value) {
  Operation *op = value.getDefiningOp();
  if (!canSink(op)) {
    scalars.insert(value);
    return;
  }
  for (Value operand : op->getOperands())
    collectScalars(operand);
}

/// The bytes of a view, T at its bound.
MemRefType KernelOutliner::bytesOf(memref::ViewOp view) const {
  MemRefType type = view.getType();
  int64_t bytes = getElementBytes(type.getElementType());
  for (int64_t extent : type.getShape())
    bytes *= ShapedType::isDynamic(extent) ? maxChunk : extent;
  return MemRefType::get({bytes}, IntegerType::get(type.getContext(), 8));
}

Value KernelOutliner::materialize(Value value, OpBuilder &builder,
                                  IRMapping &mapping) {
  if (Value known = mapping.lookupOrNull(value))
    return known;
  Operation *op = value.getDefiningOp();
  for (Value operand : op->getOperands())
    materialize(operand, builder, mapping);
  builder.clone(*op, mapping);
  return mapping.lookup(value);
}

Type KernelOutliner::getContextType() {
  MLIRContext *context = dispatch.getContext();
  SmallVector<Type> fields(roots.size(), LLVM::LLVMPointerType::get(context));
  fields.append(scalars.size(), IntegerType::get(context, 64));
  return LLVM::LLVMStructType::getLiteral(context, fields);
}

func::FuncOp KernelOutliner::createTasks(StringRef name) {
  Location loc = dispatch.getLoc();
  MLIRContext *context = dispatch.getContext();
  OpBuilder builder(context);
  SmallVector<Type> types;
  for (Value view : views)
    types.push_back(bytesOf(view.getDefiningOp<memref::ViewOp>()));
  for (Value root : whole)
    types.push_back(root.getType());
  for (Value scalar : scalars)
    types.push_back(scalar.getType());
  types.append(2, builder.getIndexType()); // begin, end
  auto func = func::FuncOp::create(builder, loc, name,
                                   builder.getFunctionType(types, {}));
  func.setPrivate();
  Block *entry = func.addEntryBlock();

  // A root that is used both itself and through a view says nothing.
  bool disjoint = llvm::none_of(views, [&](Value view) {
    return whole.contains(view.getDefiningOp<memref::ViewOp>().getSource());
  });
  if (disjoint)
    for (unsigned i = 0, e = views.size() + whole.size(); i < e; ++i)
      func.setArgAttr(i, LLVM::LLVMDialect::getNoAliasAttrName(),
                      builder.getUnitAttr());

  builder.setInsertionPointToStart(entry);
  IRMapping mapping;
  unsigned next = views.size();
  for (Value root : whole)
    mapping.map(root, entry->getArgument(next++));
  for (Value scalar : scalars)
    mapping.map(scalar, entry->getArgument(next++));
  Value begin = entry->getArgument(next++), end = entry->getArgument(next++);
  Value zero = arith::ConstantIndexOp::create(builder, loc, 0);
  Value one = arith::ConstantIndexOp::create(builder, loc, 1);
  for (auto [i, value] : llvm::enumerate(views)) {
    auto view = value.getDefiningOp<memref::ViewOp>();
    SmallVector<Value> sizes;
    for (Value size : view.getSizes())
      sizes.push_back(materialize(size, builder, mapping));
    Value inner = memref::ViewOp::create(builder, view.getLoc(), view.getType(),
                                         entry->getArgument(i), zero, sizes);
    mapping.map(value, inner);
  }
  for (Value value : used) {
    Value inner = materialize(value, builder, mapping);
    replaceAllUsesInRegionWith(value, inner, dispatch.getBody());
  }

  auto loop = scf::ForOp::create(builder, loc, begin, end, one);
  Block &body = dispatch.getBody().front();
  body.getTerminator()->erase();
  body.getArgument(0).replaceAllUsesWith(loop.getInductionVar());
  loop.getBody()->getOperations().splice(loop.getBody()->begin(),
                                         body.getOperations());
  func::ReturnOp::create(builder, loc);
  // Scratch memory of a task serves the next one as well: it must not grow the
  // stack with every round of the loop.
  func.walk([&](memref::AllocaOp scratch) {
    if (scratch.getDynamicSizes().empty())
      scratch->moveBefore(entry, entry->begin());
  });
  return func;
}

func::FuncOp KernelOutliner::createKernel(StringRef name, func::FuncOp tasks) {
  Location loc = dispatch.getLoc();
  MLIRContext *context = dispatch.getContext();
  OpBuilder builder(context);
  Type pointer = LLVM::LLVMPointerType::get(context);
  Type i64 = builder.getI64Type();
  auto func = func::FuncOp::create(
      builder, loc, name, builder.getFunctionType({pointer, i64, i64}, {}));
  func.setPrivate();
  Block *entry = func.addEntryBlock();
  builder.setInsertionPointToStart(entry);

  IRMapping mapping;
  int32_t next = 0;
  auto loadField = [&](Type type) -> Value {
    Value place = LLVM::GEPOp::create(builder, loc, pointer, getContextType(),
                                      entry->getArgument(0),
                                      ArrayRef<LLVM::GEPArg>{0, next++});
    return LLVM::LoadOp::create(builder, loc, type, place);
  };
  for (Value root : roots) {
    Value address = loadField(pointer);
    // tenon-to-llvm makes a descriptor of it.
    mapping.map(root, UnrealizedConversionCastOp::create(
                          builder, loc, root.getType(), address)
                          .getResult(0));
  }
  for (Value scalar : scalars)
    mapping.map(scalar, arith::IndexCastOp::create(
                            builder, loc, scalar.getType(), loadField(i64)));

  SmallVector<Value> operands;
  for (Value value : views) {
    auto view = value.getDefiningOp<memref::ViewOp>();
    Value shift = materialize(view.getByteShift(), builder, mapping);
    operands.push_back(memref::ViewOp::create(builder, loc, bytesOf(view),
                                              mapping.lookup(view.getSource()),
                                              shift, ValueRange()));
  }
  for (Value root : whole)
    operands.push_back(mapping.lookup(root));
  for (Value scalar : scalars)
    operands.push_back(mapping.lookup(scalar));
  for (unsigned i : {1, 2})
    operands.push_back(arith::IndexCastOp::create(
        builder, loc, builder.getIndexType(), entry->getArgument(i)));
  func::CallOp::create(builder, loc, tasks, operands);
  func::ReturnOp::create(builder, loc);
  return func;
}
