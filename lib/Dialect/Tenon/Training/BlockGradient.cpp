//===- BlockGradient.cpp - there and back through a block -----------------===//

#include "BlockGradient.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

using namespace mlir;
using namespace tenon;

/// The numbers of a loop, all of them known.
namespace {
struct LoopRange {
  int64_t lower, step, trips;

  static std::optional<LoopRange> of(scf::ForOp loop) {
    std::optional<int64_t> lower = getConstantIntValue(loop.getLowerBound());
    std::optional<int64_t> upper = getConstantIntValue(loop.getUpperBound());
    std::optional<int64_t> step = getConstantIntValue(loop.getStep());
    if (!lower || !upper || !step || *step <= 0 || *upper < *lower)
      return std::nullopt;
    return LoopRange{*lower, *step,
                     llvm::divideCeilSigned(*upper - *lower, *step)};
  }
};
} // namespace

static bool isFloatTensor(Value value) {
  auto type = dyn_cast<RankedTensorType>(value.getType());
  return type && isa<FloatType>(type.getElementType());
}

//===----------------------------------------------------------------------===//
// Forward
//===----------------------------------------------------------------------===//

bool BlockGradient::learns(Operation *op) {
  return op
      ->walk([&](WeightRefOp ref) {
        auto weight = symbols.lookup<WeightOp>(ref.getWeight());
        return weight && isTrainable(weight) ? WalkResult::interrupt()
                                             : WalkResult::advance();
      })
      .wasInterrupted();
}

void BlockGradient::activate(Operation *op) {
  bool isActive = llvm::any_of(op->getOperands(), [&](Value operand) {
    return adjoints.wants(operand);
  });
  // A region reads weights, too.
  if (!isActive && !learns(op))
    return;
  for (Value result : op->getResults())
    if (isFloatTensor(result))
      adjoints.setActive(result);
}

LogicalResult BlockGradient::forward(Block &block, IRMapping &mapping,
                                     Tape *tape) {
  for (Operation &op : block.without_terminator()) {
    if (auto loop = dyn_cast<scf::ForOp>(op)) {
      if (failed(forwardLoop(loop, mapping, tape)))
        return failure();
      continue;
    }
    Operation *copy = builder.clone(op, mapping);
    if (!tape)
      continue;
    activate(copy);
    tape->push_back({copy, {}, {}, {}, {}});
  }
  return success();
}

LogicalResult BlockGradient::checkLoop(scf::ForOp loop) {
  if (!LoopRange::of(loop))
    return loop.emitOpError("has no gradient: its number of trips must be "
                            "known");
  if (loop.getNumResults() != 1 || !isFloatTensor(loop.getResult(0)))
    return loop.emitOpError("has no gradient: it must carry one tensor of "
                            "numbers");
  return success();
}

SmallVector<Value> BlockGradient::captures(Operation *op,
                                           const IRMapping &mapping) {
  llvm::SetVector<Value> values;
  op->walk([&](Operation *inner) {
    if (inner == op)
      return;
    for (Value operand : inner->getOperands()) {
      Value value = mapping.lookupOrDefault(operand);
      if (!op->isAncestor(operand.getParentBlock()->getParentOp()) &&
          adjoints.wants(value))
        values.insert(value);
    }
  });
  return values.takeVector();
}

/// What the number of tokens of a value in a loop's body is that of: the value
/// from outside, or the loop's argument, at the end of its first operands. Null
/// if there is none.
static Value findTokens(Value value, scf::ForOp loop) {
  while (value && value.getParentBlock() == loop.getBody()) {
    Operation *op = value.getDefiningOp();
    if (!op) // What the loop carries.
      return value;
    value = {};
    for (Value operand : op->getOperands()) {
      auto type = dyn_cast<RankedTensorType>(operand.getType());
      if (type && !type.hasStaticShape()) {
        value = operand;
        break;
      }
    }
  }
  return value;
}

SmallVector<BlockGradient::KeptValue>
BlockGradient::stashProducts(scf::ForOp loop, const IRMapping &mapping,
                             Value carried) {
  SmallVector<KeptValue> kept;
  if (!keepProducts)
    return kept;
  int64_t trips = LoopRange::of(loop)->trips;
  for (Operation &op : *loop.getBody()) {
    if (!isa<LinearOp, AttentionOp, MixtureOp>(op))
      continue;
    Value tokens = findTokens(op.getResult(0), loop);
    if (!tokens)
      continue;
    Value like = tokens.getParentBlock() == loop.getBody()
                     ? carried
                     : mapping.lookupOrDefault(tokens);
    RankedTensorType type = tensorOf(op.getResult(0));
    SmallVector<int64_t> shape = {trips};
    llvm::append_range(shape, type.getShape());
    auto stash =
        StashOp::create(builder, op.getLoc(),
                        MemRefType::get(shape, type.getElementType()), like);
    kept.push_back({&op, stash, KeepOp()});
  }
  return kept;
}

FailureOr<scf::ForOp>
BlockGradient::forwardLoop(scf::ForOp loop, IRMapping &mapping, Tape *tape) {
  if (tape && failed(checkLoop(loop)))
    return failure();
  Location loc = loop.getLoc();
  SmallVector<Value> inits;
  for (Value init : loop.getInitArgs())
    inits.push_back(mapping.lookup(init));
  Value stash;
  SmallVector<KeptValue> kept;
  if (tape) {
    RankedTensorType type = tensorOf(inits[0]);
    SmallVector<int64_t> shape = {LoopRange::of(loop)->trips};
    shape.append(type.getShape().begin(), type.getShape().end());
    stash = StashOp::create(
        builder, loc, MemRefType::get(shape, type.getElementType()), inits[0]);
    kept = stashProducts(loop, mapping, inits[0]);
  }
  auto copy =
      scf::ForOp::create(builder, loc, mapping.lookup(loop.getLowerBound()),
                         mapping.lookup(loop.getUpperBound()),
                         mapping.lookup(loop.getStep()), inits);
  {
    OpBuilder::InsertionGuard guard(builder);
    builder.setInsertionPointToStart(copy.getBody());
    IRMapping inner = mapping;
    inner.map(loop.getInductionVar(), copy.getInductionVar());
    inner.map(loop.getRegionIterArgs(), copy.getRegionIterArgs());
    Value trip = copy.getInductionVar();
    if (tape) {
      LoopRange range = *LoopRange::of(loop);
      auto constant = [&](int64_t value) -> Value {
        return arith::ConstantIndexOp::create(builder, loc, value);
      };
      if (range.lower != 0)
        trip = arith::SubIOp::create(builder, loc, trip, constant(range.lower));
      if (range.step != 1)
        trip = arith::DivUIOp::create(builder, loc, trip, constant(range.step));
      KeepOp::create(builder, loc, copy.getRegionIterArg(0), stash, trip);
    }
    // The way back computes the rest of the body again.
    if (failed(forward(*loop.getBody(), inner, /*tape=*/nullptr)))
      return failure();
    for (KeptValue &value : kept) {
      Value result = inner.lookup(value.original->getResult(0));
      OpBuilder::InsertionGuard guard(builder);
      builder.setInsertionPointAfterValue(result);
      value.keep = KeepOp::create(builder, result.getLoc(), result,
                                  value.stash.getResult(), trip);
    }
    auto yield = cast<scf::YieldOp>(loop.getBody()->getTerminator());
    SmallVector<Value> results;
    for (Value result : yield.getOperands())
      results.push_back(inner.lookup(result));
    if (!results.empty())
      scf::YieldOp::create(builder, yield.getLoc(), results);
  }
  mapping.map(loop.getResults(), copy.getResults());
  if (tape) {
    activate(copy);
    tape->push_back({copy, loop, stash, captures(loop, mapping), kept});
    // What comes back to them comes through the loop, too.
    if (!tape->back().captured.empty())
      adjoints.setActive(copy.getResult(0));
    outer[copy] = mapping;
  }
  return copy;
}

//===----------------------------------------------------------------------===//
// Backward
//===----------------------------------------------------------------------===//

LogicalResult BlockGradient::backward(const Tape &tape) {
  for (const Step &step : llvm::reverse(tape)) {
    Operation *op = step.op;
    bool matters = llvm::any_of(op->getResults(), [&](Value result) {
      return adjoints.wants(result) && adjoints.of(result);
    });
    if (!matters) {
      if (counts)
        ++counts->skipped;
      continue;
    }
    if (step.original) {
      if (failed(backwardLoop(step)))
        return failure();
      continue;
    }
    if (auto mixture = dyn_cast<MixtureOp>(op)) {
      if (failed(backwardMixture(mixture)))
        return failure();
      if (counts)
        ++counts->rules;
      continue;
    }
    auto rule = dyn_cast<DifferentiableOpInterface>(op);
    if (!rule)
      return op->emitOpError(
          "has no gradient yet: a model with it cannot be trained");
    if (failed(rule.buildBackward(builder, adjoints)))
      return failure();
    if (counts)
      ++counts->rules;
  }
  return success();
}

void BlockGradient::readKept(const Step &step, const Tape &tape,
                             const IRMapping &inner, Value trip) {
  // What only the way forward needs, as a residual, reads nothing here.
  llvm::SmallDenseSet<Operation *> kept;
  for (const KeptValue &value : step.kept)
    kept.insert(inner.lookup(value.original->getResult(0)).getDefiningOp());
  for (const Step &again : llvm::reverse(tape)) {
    if (kept.contains(again.op) || !isOpTriviallyDead(again.op))
      continue;
    for (Value result : again.op->getResults())
      adjoints.forget(result);
    again.op->erase();
  }
  for (KeptValue value : step.kept) {
    Value again = inner.lookup(value.original->getResult(0));
    if (again.use_empty()) {
      value.keep.erase();
      value.stash.erase();
    } else {
      OpBuilder::InsertionGuard guard(builder);
      builder.setInsertionPointAfterValue(again);
      Value kept = KeptOp::create(builder, again.getLoc(), again.getType(),
                                  value.stash.getResult(), trip);
      again.replaceAllUsesWith(kept);
      if (counts)
        ++counts->kept;
    }
    adjoints.forget(again);
    again.getDefiningOp()->erase();
  }
}

LogicalResult BlockGradient::backwardLoop(const Step &step) {
  scf::ForOp loop = step.original;
  auto copy = cast<scf::ForOp>(step.op);
  Location loc = loop.getLoc();
  LoopRange range = *LoopRange::of(loop);
  auto constant = [&](int64_t value) -> Value {
    return arith::ConstantIndexOp::create(builder, loc, value);
  };
  Value last = constant(range.trips - 1);
  // The gradients of what is read from outside are carried, too, and go on from
  // what has come back so far.
  Build build(builder, loc);
  SmallVector<Value> inits = {adjoints.of(copy.getResult(0))};
  for (Value value : step.captured) {
    Value sum = adjoints.take(value);
    inits.push_back(sum ? sum : build.zerosLike(value));
  }
  auto back = scf::ForOp::create(builder, loc, constant(0),
                                 constant(range.trips), constant(1), inits);
  {
    OpBuilder::InsertionGuard guard(builder);
    builder.setInsertionPointToStart(back.getBody());
    Value trip =
        arith::SubIOp::create(builder, loc, last, back.getInductionVar());
    Value index = trip;
    if (range.step != 1)
      index = arith::MulIOp::create(builder, loc, index, constant(range.step));
    if (range.lower != 0)
      index = arith::AddIOp::create(builder, loc, index, constant(range.lower));
    Value carried = KeptOp::create(
        builder, loc, copy.getInitArgs()[0].getType(), step.stash, trip);
    adjoints.setActive(carried);

    IRMapping inner = outer.lookup(step.op);
    inner.map(loop.getInductionVar(), index);
    inner.map(loop.getRegionIterArg(0), carried);
    Tape tape;
    if (failed(forward(*loop.getBody(), inner, &tape)))
      return failure();
    auto yield = cast<scf::YieldOp>(loop.getBody()->getTerminator());
    adjoints.add(builder, loc, inner.lookup(yield.getOperand(0)),
                 back.getRegionIterArg(0));
    if (failed(backward(tape)))
      return failure();
    readKept(step, tape, inner, trip);
    Value gradient = adjoints.of(carried);
    if (!gradient)
      return loop.emitOpError("has no gradient: what it carries does not "
                              "depend on what it began with");
    SmallVector<Value> carriedOn = {gradient};
    for (auto [i, value] : llvm::enumerate(step.captured)) {
      Value sum = back.getRegionIterArg(i + 1);
      if (Value more = adjoints.take(value))
        sum = build.add(sum, more);
      carriedOn.push_back(sum);
    }
    scf::YieldOp::create(builder, yield.getLoc(), carriedOn);
  }
  for (auto [i, value] : llvm::enumerate(step.captured))
    adjoints.set(value, back.getResult(i + 1));
  adjoints.add(builder, loc, copy.getInitArgs()[0], back.getResult(0));
  if (counts)
    ++counts->loops;
  return success();
}

/// An expert's y = f(x) has the gradient gate dy, and its gate dy y. Its rows
/// are computed again from the inputs.
LogicalResult BlockGradient::backwardMixture(MixtureOp op) {
  Location loc = op.getLoc();
  SmallVector<Value> captured = captures(op, IRMapping());
  if (!captured.empty())
    return op.emitOpError("has no gradient: its experts read a value from "
                          "outside that a weight is behind");
  SmallVector<Type> types(op.getInputs().getTypes());
  types.push_back(op.getGates().getType());
  Value dy = adjoints.of(op.getResult());
  auto back = MixtureGradientOp::create(builder, loc, types, op.getInputs(),
                                        op.getGates(), dy, op.getTop(),
                                        op.getExperts());
  {
    OpBuilder::InsertionGuard guard(builder);
    Block *block = builder.createBlock(&back.getBody());
    Build build(builder, loc);
    auto addRows = [&](Type type, int64_t columns) -> Value {
      return block->addArgument(
          cast<RankedTensorType>(type).clone({ShapedType::kDynamic, columns}),
          loc);
    };
    IRMapping inner;
    Block &body = op.getBody().front();
    for (auto [input, argument] :
         llvm::zip(op.getInputs(), body.getArguments())) {
      Value rows = addRows(input.getType(), tensorOf(input).getDimSize(1));
      inner.map(argument, rows);
      if (adjoints.wants(input))
        adjoints.setActive(rows);
    }
    Value gate = addRows(op.getGates().getType(), 1);
    Value given = addRows(dy.getType(), tensorOf(dy).getDimSize(1));
    inner.map(op.getExpert(), block->addArgument(builder.getIndexType(), loc));

    Tape tape;
    if (failed(forward(body, inner, &tape)))
      return failure();
    auto yield = cast<MixtureYieldOp>(body.getTerminator());
    Value y = inner.lookup(yield.getValue());
    adjoints.add(builder, loc, y, build.mul(given, gate));
    if (failed(backward(tape)))
      return failure();
    SmallVector<Value> gradients;
    for (Value rows : back.getRows()) {
      Value gradient = adjoints.of(rows);
      gradients.push_back(gradient ? gradient : build.zerosLike(rows));
    }
    gradients.push_back(build.sum(build.mul(given, y)));
    MixtureGradientYieldOp::create(builder, loc, gradients);
  }
  SmallVector<Value> operands(op.getInputs());
  operands.push_back(op.getGates());
  for (auto [operand, gradient] : llvm::zip_equal(operands, back.getResults()))
    adjoints.add(builder, loc, operand, gradient);
  return success();
}
