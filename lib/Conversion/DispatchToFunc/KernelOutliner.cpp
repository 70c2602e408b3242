//===- KernelOutliner.cpp - one dispatch to functions ---------------------===//

#include "KernelOutliner.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/OperationSupport.h"
#include "mlir/Interfaces/ViewLikeInterface.h"
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
          isa<ViewLikeOpInterface>(op) ||
          isa_and_nonnull<arith::ArithDialect, math::MathDialect,
                          memref::MemRefDialect>(op->getDialect()));
}

static memref::ViewOp asRootView(Value value) {
  auto view = value.getDefiningOp<memref::ViewOp>();
  return view && isa<BlockArgument>(view.getSource()) ? view : memref::ViewOp();
}

KernelOutliner::KernelOutliner(DispatchOp dispatch, int64_t maxChunk)
    : dispatch(dispatch), maxChunk(maxChunk) {
  for (StepOp step : dispatch.getSteps())
    addPart(step.getBody(), step.getLoc(), step.getLabel(), /*isStep=*/true);
  addPart(dispatch.getBody(), dispatch.getLoc(), dispatch.getLabel(),
          /*isStep=*/false);
}

void KernelOutliner::addPart(Region &region, Location loc, StringRef label,
                             bool isStep) {
  Part part = {&region, loc, label, isStep, {}, {}, {}, {}, {}, {}, {}};
  getUsedValuesDefinedAbove(region, part.used);
  for (Value value : part.used)
    collect(part, value);
  for (Value root : part.whole)
    part.roots.insert(root);
  roots.insert_range(part.roots);
  scalars.insert_range(part.scalars);
  parts.push_back(std::move(part));
}

void KernelOutliner::collect(Part &part, Value value) {
  if (!part.visited.insert(value).second)
    return;
  if (memref::ViewOp view = asRootView(value)) {
    part.views.insert(value);
    part.roots.insert(view.getSource());
    collectScalars(part, view.getByteShift());
    for (Value size : view.getSizes())
      collect(part, size);
    return;
  }
  if (isa<MemRefType>(value.getType()) && isa<BlockArgument>(value)) {
    part.whole.insert(value);
    return;
  }
  Operation *op = value.getDefiningOp();
  if (!canSink(op)) {
    part.scalars.insert(value);
    return;
  }
  for (Value operand : op->getOperands())
    collect(part, operand);
}

/// The scalars of an address, which only the kernel function computes.
void KernelOutliner::collectScalars(Part &part, Value value) {
  Operation *op = value.getDefiningOp();
  if (!canSink(op)) {
    part.scalars.insert(value);
    return;
  }
  for (Value operand : op->getOperands())
    collectScalars(part, operand);
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

func::FuncOp KernelOutliner::createTasks(Part &part, StringRef name) {
  Location loc = part.loc;
  OpBuilder builder(dispatch.getContext());
  SmallVector<Type> types;
  for (Value view : part.views)
    types.push_back(bytesOf(view.getDefiningOp<memref::ViewOp>()));
  for (Value root : part.whole)
    types.push_back(root.getType());
  for (Value scalar : part.scalars)
    types.push_back(scalar.getType());
  if (!part.isStep)
    types.append(2, builder.getIndexType()); // begin, end
  auto func = func::FuncOp::create(builder, loc, name,
                                   builder.getFunctionType(types, {}));
  func.setPrivate();
  Block *entry = func.addEntryBlock();

  // A root that is used both itself and through a view says nothing.
  bool disjoint = llvm::none_of(part.views, [&](Value view) {
    return part.whole.contains(
        view.getDefiningOp<memref::ViewOp>().getSource());
  });
  if (disjoint)
    for (unsigned i = 0, e = part.views.size() + part.whole.size(); i < e; ++i)
      func.setArgAttr(i, LLVM::LLVMDialect::getNoAliasAttrName(),
                      builder.getUnitAttr());

  builder.setInsertionPointToStart(entry);
  IRMapping mapping;
  unsigned next = part.views.size();
  for (Value root : part.whole)
    mapping.map(root, entry->getArgument(next++));
  for (Value scalar : part.scalars)
    mapping.map(scalar, entry->getArgument(next++));
  Value zero = arith::ConstantIndexOp::create(builder, loc, 0);
  for (auto [i, value] : llvm::enumerate(part.views)) {
    auto view = value.getDefiningOp<memref::ViewOp>();
    SmallVector<Value> sizes;
    for (Value size : view.getSizes())
      sizes.push_back(materialize(size, builder, mapping));
    Value inner = memref::ViewOp::create(builder, view.getLoc(), view.getType(),
                                         entry->getArgument(i), zero, sizes);
    mapping.map(value, inner);
  }
  for (Value value : part.used) {
    Value inner = materialize(value, builder, mapping);
    replaceAllUsesInRegionWith(value, inner, *part.region);
  }

  Block &body = part.region->front();
  body.getTerminator()->erase();
  Block *to = entry;
  if (!part.isStep) {
    Value begin = entry->getArgument(next), end = entry->getArgument(next + 1);
    Value one = arith::ConstantIndexOp::create(builder, loc, 1);
    auto loop = scf::ForOp::create(builder, loc, begin, end, one);
    body.getArgument(0).replaceAllUsesWith(loop.getInductionVar());
    to = loop.getBody();
  }
  to->getOperations().splice(part.isStep ? to->end() : to->begin(),
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

func::FuncOp KernelOutliner::createKernel(ArrayRef<Part> parts,
                                          StringRef name) {
  Location loc = parts.front().loc;
  OpBuilder builder(dispatch.getContext());
  Type pointer = LLVM::LLVMPointerType::get(builder.getContext());
  Type i64 = builder.getI64Type();
  auto func = func::FuncOp::create(
      builder, loc, name, builder.getFunctionType({pointer, i64, i64}, {}));
  func.setPrivate();
  Block *entry = func.addEntryBlock();
  builder.setInsertionPointToStart(entry);

  // The fields of the context that these parts need.
  IRMapping mapping;
  int32_t next = 0;
  auto loadField = [&](int32_t index, Type type) -> Value {
    Value place = LLVM::GEPOp::create(builder, loc, pointer, getContextType(),
                                      entry->getArgument(0),
                                      ArrayRef<LLVM::GEPArg>{0, index});
    return LLVM::LoadOp::create(builder, loc, type, place);
  };
  for (Value root : roots) {
    int32_t index = next++;
    if (llvm::none_of(parts, [&](auto &p) { return p.roots.contains(root); }))
      continue;
    // tenon-to-llvm makes a descriptor of it.
    mapping.map(root,
                UnrealizedConversionCastOp::create(builder, loc, root.getType(),
                                                   loadField(index, pointer))
                    .getResult(0));
  }
  for (Value scalar : scalars) {
    int32_t index = next++;
    if (llvm::none_of(parts,
                      [&](auto &p) { return p.scalars.contains(scalar); }))
      continue;
    Value field = loadField(index, i64);
    if (isa<IndexType>(scalar.getType()))
      field = arith::IndexCastOp::create(builder, loc, scalar.getType(), field);
    else if (scalar.getType() != i64)
      field = arith::TruncIOp::create(builder, loc, scalar.getType(), field);
    mapping.map(scalar, field);
  }

  for (const Part &part : parts) {
    SmallVector<Value> operands;
    for (Value value : part.views) {
      auto view = value.getDefiningOp<memref::ViewOp>();
      Value shift = materialize(view.getByteShift(), builder, mapping);
      operands.push_back(memref::ViewOp::create(
          builder, part.loc, bytesOf(view), mapping.lookup(view.getSource()),
          shift, ValueRange()));
    }
    for (Value root : part.whole)
      operands.push_back(mapping.lookup(root));
    for (Value scalar : part.scalars)
      operands.push_back(mapping.lookup(scalar));
    if (!part.isStep)
      for (unsigned i : {1, 2})
        operands.push_back(arith::IndexCastOp::create(
            builder, part.loc, builder.getIndexType(), entry->getArgument(i)));
    func::CallOp::create(builder, part.loc, part.tasks, operands);
  }
  func::ReturnOp::create(builder, loc);
  return func;
}
