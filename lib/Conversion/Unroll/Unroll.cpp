//===- Unroll.cpp - loops over registers become straight code -------------===//
//
// Everything with such a loop or an array of registers in it is written anew,
// operation by operation in the order of the trips; what is known then (places
// in arrays, sums of indices) is folded at once.
//
//===----------------------------------------------------------------------===//

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/UB/IR/UBOps.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/Interfaces/FunctionInterfaces.h"
#include "tenon/Conversion/MicroPasses.h"
#include "tenon/Dialect/Micro/IR/Micro.h"
#include "llvm/ADT/TypeSwitch.h"

namespace tenon {
#define GEN_PASS_DEF_TENONUNROLL
#include "tenon/Conversion/MicroPasses.h.inc"
} // namespace tenon

using namespace mlir;
using namespace tenon;

namespace {

/// A vector of several registers: each row of its last dimension is one.
VectorType getArrayType(Type type) {
  auto vector = dyn_cast<VectorType>(type);
  return vector && vector.getRank() > 1 ? vector : VectorType();
}
VectorType getArrayType(Value value) { return getArrayType(value.getType()); }

VectorType registerOf(VectorType array) {
  return VectorType::get(array.getShape().back(), array.getElementType());
}

int64_t countRegisters(VectorType array) {
  return ShapedType::getNumElements(array.getShape().drop_back());
}

bool isMarked(Operation *op) {
  return op->hasAttr(micro::MicroDialect::getUnrollAttrName());
}

bool hasArrays(Operation *op) {
  auto isArray = [](Type type) { return bool(getArrayType(type)); };
  return llvm::any_of(op->getOperandTypes(), isArray) ||
         llvm::any_of(op->getResultTypes(), isArray);
}

class Unroller {
public:
  using Values = SmallVector<Value>;

  explicit Unroller(Operation *root) : b(root->getContext()) {
    root->walk<WalkOrder::PostOrder>([&](Operation *op) {
      bool found = isMarked(op) || hasArrays(op);
      for (Region &region : op->getRegions())
        for (Operation &inner : region.getOps())
          found |= changing.contains(&inner);
      if (found)
        changing.insert(op);
    });
  }

  bool isChanging(Operation *op) const { return changing.contains(op); }

  /// Writes the operations of a block anew, in it.
  LogicalResult rewrite(Block &block) {
    SmallVector<Operation *> old;
    for (Operation &op : block)
      old.push_back(&op);
    body = &block;
    b.setInsertionPointToEnd(&block);
    for (Operation *op : old)
      if (failed(emit(op)))
        return failure();
    for (Operation *op : llvm::reverse(old))
      op->erase();
    return success();
  }

  int64_t numUnrolled = 0;

private:
  //===--------------------------------------------------------------------===//
  // What values have become
  //===--------------------------------------------------------------------===//

  Value get(Value old) const { return map.lookupOrDefault(old); }

  /// The registers of an array, in order. Those that nothing is known of are
  /// null.
  Values &registers(Value array) { return arrays[array]; }

  /// What a value has become: its registers, or itself.
  void append(Value old, Values &to) {
    VectorType array = getArrayType(old);
    if (!array) {
      to.push_back(get(old));
      return;
    }
    for (Value part : Values(registers(old)))
      to.push_back(part ? part : poison(registerOf(array)));
  }

  /// A register of which nothing is known, at the function's start.
  Value poison(VectorType type) {
    Value &known = poisons[type];
    if (!known) {
      OpBuilder::InsertionGuard guard(b);
      b.setInsertionPointToStart(body);
      known = ub::PoisonOp::create(b, b.getUnknownLoc(), type);
    }
    return known;
  }

  /// Says that these old values have become the next of some new ones.
  void take(ValueRange olds, ValueRange news) {
    for (Value old : olds) {
      VectorType array = getArrayType(old);
      size_t count = array ? countRegisters(array) : 1;
      if (array)
        arrays[old] = Values(news.take_front(count));
      else
        map.map(old, news.front());
      news = news.drop_front(count);
    }
  }

  static SmallVector<Type> expand(TypeRange types) {
    SmallVector<Type> result;
    for (Type type : types) {
      VectorType array = getArrayType(type);
      result.append(array ? countRegisters(array) : 1,
                    array ? Type(registerOf(array)) : type);
    }
    return result;
  }

  //===--------------------------------------------------------------------===//
  // Operations
  //===--------------------------------------------------------------------===//

  LogicalResult emit(Operation *op) {
    if (isMarked(op))
      return emitTrips(op);
    if (auto branch = dyn_cast<scf::IfOp>(op))
      if (auto known = getConstantIntValue(get(branch.getCondition())))
        return emitRegion(branch, *known ? branch.getThenRegion()
                                         : branch.getElseRegion());
    if (!isChanging(op)) {
      cloneFolded(op);
      return success();
    }
    return llvm::TypeSwitch<Operation *, LogicalResult>(op)
        .Case<scf::ForOp, scf::IfOp, scf::YieldOp, arith::ConstantOp,
              ub::PoisonOp, vector::BroadcastOp, micro::GetOp, micro::SetOp>(
            [&](auto known) { return emitArray(known); })
        .Default([&](Operation *other) {
          if (hasArrays(other) && OpTrait::hasElementwiseMappableTraits(other))
            return emitElementwise(other);
          if (!hasArrays(other))
            return emitAround(other);
          return LogicalResult(
              other->emitOpError()
              << "takes or gives a vector of several registers, which has no "
                 "code of its own");
        });
  }

  /// What is known of indices and bits is no operation.
  void cloneFolded(Operation *op) {
    Operation *copy = b.clone(*op, map);
    if (op->getNumResults() != 1 || op->getNumRegions() != 0 ||
        !op->getResult(0).getType().isIntOrIndex() ||
        op->hasTrait<OpTrait::ConstantLike>())
      return;
    SmallVector<OpFoldResult> folded;
    if (failed(copy->fold(folded)) || folded.empty())
      return;
    Type type = op->getResult(0).getType();
    Value result = dyn_cast<Value>(folded.front());
    if (!result) {
      auto number = dyn_cast<IntegerAttr>(cast<Attribute>(folded.front()));
      if (!number)
        return;
      result = indexOf(type, number.getInt());
    }
    map.map(op->getResult(0), result);
    copy->erase();
  }

  /// An operation around others that change.
  LogicalResult emitAround(Operation *op) {
    Operation *copy = b.cloneWithoutRegions(*op, map);
    for (auto [from, to] : llvm::zip(op->getRegions(), copy->getRegions())) {
      if (from.empty())
        continue;
      if (!from.hasOneBlock())
        return op->emitOpError() << "has a region of several blocks around a "
                                    "loop that is to be unrolled";
      OpBuilder::InsertionGuard guard(b);
      Block *block = b.createBlock(&to);
      for (BlockArgument argument : from.getArguments())
        map.map(argument,
                block->addArgument(argument.getType(), argument.getLoc()));
      if (failed(emitOps(from.front())))
        return failure();
    }
    return success();
  }

  LogicalResult emitOps(Block &block) {
    for (Operation &op : block)
      if (failed(emit(&op)))
        return failure();
    return success();
  }

  /// What a known branch does.
  LogicalResult emitRegion(scf::IfOp branch, Region &region) {
    if (region.empty())
      return success();
    for (Operation &op : region.front().without_terminator())
      if (failed(emit(&op)))
        return failure();
    Values results;
    for (Value result : region.front().getTerminator()->getOperands())
      append(result, results);
    take(branch.getResults(), results);
    return success();
  }

  LogicalResult emitTrips(Operation *op) {
    auto loop = dyn_cast<scf::ForOp>(op);
    if (!loop)
      return op->emitOpError() << "is no loop that can be unrolled";
    auto constant = [&](Value value) {
      return getConstantIntValue(get(value));
    };
    auto first = constant(loop.getLowerBound());
    auto end = constant(loop.getUpperBound());
    auto step = constant(loop.getStep());
    if (!first || !end || !step || *step <= 0)
      return op->emitOpError()
             << "is to be unrolled, but its bounds and its step are not "
                "constants, or the step is not positive";
    Values carried;
    for (Value init : loop.getInitArgs())
      append(init, carried);
    auto yield = cast<scf::YieldOp>(loop.getBody()->getTerminator());
    for (int64_t i = *first; i < *end; i += *step) {
      map.map(loop.getInductionVar(),
              indexOf(loop.getInductionVar().getType(), i));
      take(loop.getRegionIterArgs(), carried);
      for (Operation &inner : loop.getBody()->without_terminator())
        if (failed(emit(&inner)))
          return failure();
      carried.clear();
      for (Value next : yield.getOperands())
        append(next, carried);
    }
    take(loop.getResults(), carried);
    ++numUnrolled;
    return success();
  }

  /// A constant, at the function's start.
  Value indexOf(Type type, int64_t value) {
    Value &known = constants[{type, value}];
    if (!known) {
      OpBuilder::InsertionGuard guard(b);
      b.setInsertionPointToStart(body);
      known = arith::ConstantOp::create(b, b.getUnknownLoc(),
                                        b.getIntegerAttr(type, value));
    }
    return known;
  }

  LogicalResult emitArray(scf::ForOp loop) {
    Values inits;
    for (Value init : loop.getInitArgs())
      append(init, inits);
    auto copy = scf::ForOp::create(b, loop.getLoc(), get(loop.getLowerBound()),
                                   get(loop.getUpperBound()),
                                   get(loop.getStep()), inits);
    copy->setDiscardableAttrs(loop->getDiscardableAttrDictionary());
    map.map(loop.getInductionVar(), copy.getInductionVar());
    take(loop.getRegionIterArgs(), copy.getRegionIterArgs());
    OpBuilder::InsertionGuard guard(b);
    // Without results the body has its end already.
    if (inits.empty())
      copy.getBody()->getTerminator()->erase();
    b.setInsertionPointToEnd(copy.getBody());
    take(loop.getResults(), copy.getResults());
    return emitOps(*loop.getBody());
  }

  LogicalResult emitArray(scf::IfOp branch) {
    auto copy =
        scf::IfOp::create(b, branch.getLoc(), expand(branch.getResultTypes()),
                          get(branch.getCondition()), /*addThenBlock=*/true,
                          /*addElseBlock=*/!branch.getElseRegion().empty());
    for (auto [from, to] :
         llvm::zip(branch->getRegions(), copy->getRegions())) {
      if (from.empty())
        continue;
      OpBuilder::InsertionGuard guard(b);
      b.setInsertionPointToEnd(&to.front());
      if (failed(emitOps(from.front())))
        return failure();
    }
    take(branch.getResults(), copy.getResults());
    return success();
  }

  LogicalResult emitArray(scf::YieldOp yield) {
    Values values;
    for (Value value : yield.getOperands())
      append(value, values);
    scf::YieldOp::create(b, yield.getLoc(), values);
    return success();
  }

  LogicalResult emitArray(arith::ConstantOp op) {
    auto elements = dyn_cast<DenseElementsAttr>(op.getValue());
    if (!elements)
      return op.emitOpError() << "is an array of registers without elements";
    auto array = cast<VectorType>(op.getType());
    VectorType part = registerOf(array);
    Values &result = arrays[op.getResult()];
    result.clear();
    auto make = [&](DenseElementsAttr value) {
      result.push_back(arith::ConstantOp::create(b, op.getLoc(), value));
    };
    if (elements.isSplat()) {
      make(elements.resizeSplat(part));
      result.resize(countRegisters(array), result.front());
      return success();
    }
    SmallVector<Attribute> all(elements.getValues<Attribute>());
    for (int64_t i = 0; i < countRegisters(array); ++i)
      make(DenseElementsAttr::get(part,
                                  ArrayRef(all).slice(i * part.getNumElements(),
                                                      part.getNumElements())));
    return success();
  }

  LogicalResult emitArray(ub::PoisonOp op) {
    arrays[op.getResult()].assign(
        countRegisters(cast<VectorType>(op.getType())), Value());
    return success();
  }

  LogicalResult emitArray(vector::BroadcastOp op) {
    auto array = cast<VectorType>(op.getType());
    auto source = dyn_cast<VectorType>(op.getSource().getType());
    if (source && source != registerOf(array))
      return op.emitOpError() << "makes an array of registers of " << source
                              << ", not of " << registerOf(array);
    Value part = get(op.getSource());
    if (!source)
      part =
          vector::BroadcastOp::create(b, op.getLoc(), registerOf(array), part);
    arrays[op.getResult()].assign(countRegisters(array), part);
    return success();
  }

  /// The number of the register at a place in an array.
  FailureOr<int64_t> find(Operation *op, Value array, ValueRange place) {
    int64_t number = 0;
    for (auto [size, index] :
         llvm::zip(getArrayType(array).getShape().drop_back(), place)) {
      std::optional<int64_t> known = getConstantIntValue(get(index));
      if (!known)
        return op->emitOpError() << "has a place in an array of registers that "
                                    "only the running kernel knows";
      if (*known < 0 || *known >= size)
        return op->emitOpError()
               << "has the place " << *known << " in an array of " << size;
      number = number * size + *known;
    }
    return number;
  }

  LogicalResult emitArray(micro::GetOp op) {
    FailureOr<int64_t> number = find(op, op.getArray(), op.getPlace());
    if (failed(number))
      return failure();
    Value &part = registers(op.getArray())[*number];
    if (!part)
      part = poison(cast<VectorType>(op.getType()));
    map.map(op.getResult(), part);
    return success();
  }

  LogicalResult emitArray(micro::SetOp op) {
    FailureOr<int64_t> number = find(op, op.getArray(), op.getPlace());
    if (failed(number))
      return failure();
    Values next = registers(op.getArray());
    next[*number] = get(op.getValue());
    arrays[op.getResult()] = std::move(next);
    return success();
  }

  /// Register by register.
  LogicalResult emitElementwise(Operation *op) {
    auto array = getArrayType(op->getResult(0));
    int64_t count = countRegisters(array);
    SmallVector<Values> operands;
    for (Value operand : op->getOperands()) {
      append(operand, operands.emplace_back());
      operands.back().resize(count, operands.back().front());
    }
    Values results;
    for (int64_t i = 0; i < count; ++i) {
      OperationState state(op->getLoc(), op->getName());
      for (const Values &operand : operands)
        state.operands.push_back(operand[i]);
      state.addTypes(registerOf(array));
      state.addAttributes(op->getAttrs());
      results.push_back(b.create(state)->getResult(0));
    }
    arrays[op->getResult(0)] = std::move(results);
    return success();
  }

  OpBuilder b;
  Block *body = nullptr;
  llvm::DenseMap<std::pair<Type, int64_t>, Value> constants;
  llvm::DenseMap<Type, Value> poisons;
  IRMapping map;
  llvm::DenseMap<Value, Values> arrays;
  /// Operations that are written anew otherwise than as they are.
  llvm::DenseSet<Operation *> changing;
};

struct Unroll : tenon::impl::TenonUnrollBase<Unroll> {
  void runOnOperation() override {
    SmallVector<FunctionOpInterface> functions;
    getOperation().walk(
        [&](FunctionOpInterface function) { functions.push_back(function); });
    for (FunctionOpInterface function : functions) {
      Unroller unroller(function);
      if (function.isExternal() || !unroller.isChanging(function))
        continue;
      Region &body = function.getFunctionBody();
      if (!body.hasOneBlock()) {
        function.emitOpError("has several blocks around a loop that is to be "
                             "unrolled");
        return signalPassFailure();
      }
      if (failed(unroller.rewrite(body.front())))
        return signalPassFailure();
      numUnrolled += unroller.numUnrolled;
    }
  }
};

} // namespace
