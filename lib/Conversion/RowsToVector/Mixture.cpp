//===- Mixture.cpp - kernels of mixtures of experts -----------------------===//
//
// Choosing and sorting are scalar: some hundred columns a row, beside experts
// of millions of weights.
//
//===----------------------------------------------------------------------===//

#include "MixtureEmitters.h"

using namespace mlir;
using namespace tenon;
using namespace tenon::rows;

static Value compare(KernelBuilder &b, arith::CmpFPredicate predicate, Value x,
                     Value y) {
  return arith::CmpFOp::create(b, predicate, x, y);
}

static Value compare(KernelBuilder &b, arith::CmpIPredicate predicate, Value x,
                     Value y) {
  return arith::CmpIOp::create(b, predicate, x, y);
}

static Value select(KernelBuilder &b, Value condition, Value x, Value y) {
  return arith::SelectOp::create(b, condition, x, y);
}

/// Whether x at place i comes before y at place j: greater, or equal and first.
static Value comesBefore(KernelBuilder &b, Value x, Value i, Value y, Value j) {
  Value greater = compare(b, arith::CmpFPredicate::OGT, x, y);
  Value equal = compare(b, arith::CmpFPredicate::OEQ, x, y);
  Value first = compare(b, arith::CmpIPredicate::slt, i, j);
  return arith::OrIOp::create(b, greater,
                              arith::AndIOp::create(b, equal, first));
}

/// Passes over the greatest `count` of `size` numbers in their order: `body`
/// gets each with its index, and whether there is one (not if all that is left
/// is no number).
static KernelBuilder::Values forEachGreatest(
    KernelBuilder &b, int64_t count, int64_t size,
    llvm::function_ref<Value(Value)> numberAt, ValueRange inits,
    llvm::function_ref<KernelBuilder::Values(Value number, Value index,
                                             Value isOne, ValueRange)>
        body) {
  // The last one and its place: what comes next comes after it.
  Value infinity = b.f32(std::numeric_limits<double>::infinity());
  KernelBuilder::Values carried = {infinity, b.index(-1)};
  carried.append(inits.begin(), inits.end());
  KernelBuilder::Values results = b.loop(
      b.index(0), b.index(count), 1, carried,
      [&](Value, ValueRange args) -> KernelBuilder::Values {
        Value last = args[0], place = args[1];
        Value none = b.index(size);
        KernelBuilder::Values best =
            b.loop(b.index(0), b.index(size), 1,
                   KernelBuilder::Values{b.f32(0.0), none},
                   [&](Value i, ValueRange found) -> KernelBuilder::Values {
                     Value x = numberAt(i);
                     Value isLeft = comesBefore(b, last, place, x, i);
                     Value isFirst =
                         compare(b, arith::CmpIPredicate::eq, found[1], none);
                     Value isBetter =
                         compare(b, arith::CmpFPredicate::OGT, x, found[0]);
                     Value takes = arith::AndIOp::create(
                         b, isLeft, arith::OrIOp::create(b, isFirst, isBetter));
                     return {select(b, takes, x, found[0]),
                             select(b, takes, i, found[1])};
                   });
        Value isOne = compare(b, arith::CmpIPredicate::ne, best[1], none);
        KernelBuilder::Values next = {select(b, isOne, best[0], last),
                                      select(b, isOne, best[1], place)};
        next.append(body(best[0], best[1], isOne, args.drop_front(2)));
        return next;
      });
  return KernelBuilder::Values(llvm::drop_begin(results, 2));
}

/// What columns are chosen by, where groups take part: no number in those that
/// don't.
static Value chooseGroups(KernelBuilder &b, TopKOp op, Value by, Value row) {
  int64_t columns = cast<MemRefType>(by.getType()).getDimSize(1);
  int64_t groups = op.getGroups(), size = columns / groups;
  Value scores = b.scratch({groups}, b.getF32Type(), "group scores");
  Value masked = b.scratch({columns}, b.getF32Type(), "masked");
  b.loop(b.index(0), b.index(groups), 1, [&](Value group) {
    Value first = b.mulIndex(group, size);
    KernelBuilder::Values sum = forEachGreatest(
        b, op.getBest(), size,
        [&](Value i) {
          return b.loadScalar(by, {row, b.addIndex(first, i)});
        },
        KernelBuilder::Values{b.f32(0.0)},
        [&](Value number, Value, Value isOne,
            ValueRange args) -> KernelBuilder::Values {
          return {select(b, isOne, b.add(args[0], number), args[0])};
        });
    b.storeScalar(sum[0], scores, group);
    Value none = b.f32(std::numeric_limits<double>::quiet_NaN());
    b.loop(b.index(0), b.index(size), 1,
           [&](Value i) { b.storeScalar(none, masked, b.addIndex(first, i)); });
  });
  forEachGreatest(
      b, op.getKeep(), groups, [&](Value i) { return b.loadScalar(scores, i); },
      {},
      [&](Value, Value group, Value isOne,
          ValueRange) -> KernelBuilder::Values {
        auto branch = scf::IfOp::create(b, isOne, /*withElseRegion=*/false);
        OpBuilder::InsertionGuard guard(b);
        b.setInsertionPoint(branch.thenYield());
        Value first = b.mulIndex(group, size);
        b.loop(b.index(0), b.index(size), 1, [&](Value i) {
          Value column = b.addIndex(first, i);
          b.storeScalar(b.loadScalar(by, {row, column}), masked, column);
        });
        return {};
      });
  return masked;
}

void rows::emit(KernelBuilder &b, TopKOp op) {
  Value input = op.getInput(), output = op.getOut();
  Value by = op.getBy() ? op.getBy() : input;
  int64_t columns = cast<MemRefType>(output.getType()).getDimSize(1);
  b.loopNest(leadingDims(b, output), [&](ValueRange row) {
    Value masked = op.getKeep() < op.getGroups()
                       ? chooseGroups(b, op, by, row[0])
                       : Value();
    b.forEachVector(lastDim(b, output), [&](Value column, Value mask) {
      b.store(b.splat(0.0), output, at(row, column), mask);
    });
    forEachGreatest(
        b, op.getK(), columns,
        [&](Value i) {
          return masked ? b.loadScalar(masked, i)
                        : b.loadScalar(by, at(row, i));
        },
        {},
        [&](Value, Value column, Value isOne,
            ValueRange) -> KernelBuilder::Values {
          auto branch = scf::IfOp::create(b, isOne, /*withElseRegion=*/false);
          OpBuilder::InsertionGuard guard(b);
          b.setInsertionPoint(branch.thenYield());
          b.storeScalar(b.loadScalar(input, at(row, column)), output,
                        at(row, column));
          return {};
        });
  });
}

/// Passes over the gates that aren't 0, row by row, `top` of a row at most.
static void forEachPair(
    KernelBuilder &b, RouteOp op,
    llvm::function_ref<void(Value row, Value expert, Value gate)> body) {
  Value gates = op.getGates();
  Value zero = b.f32(0.0), one = b.index(1), top = b.index(op.getTop());
  b.loopNest({b.dim(gates, 0)}, [&](ValueRange row) {
    b.loop(b.index(0), b.materialize(b.dim(gates, 1)), 1,
           KernelBuilder::Values{b.index(0)},
           [&](Value expert, ValueRange args) -> KernelBuilder::Values {
             Value gate = b.loadScalar(gates, at(row, expert));
             // What is no number isn't 0 either.
             Value counts = arith::AndIOp::create(
                 b, compare(b, arith::CmpFPredicate::UNE, gate, zero),
                 compare(b, arith::CmpIPredicate::ult, args[0], top));
             auto branch =
                 scf::IfOp::create(b, counts, /*withElseRegion=*/false);
             {
               OpBuilder::InsertionGuard guard(b);
               b.setInsertionPoint(branch.thenYield());
               body(row[0], expert, gate);
             }
             return {select(b, counts, b.addIndex(args[0], one), args[0])};
           });
  });
}

void rows::emit(KernelBuilder &b, RouteOp op) {
  Value offsets = op.getOffsets(), zero = b.index(0), one = b.index(1);
  int64_t experts = cast<MemRefType>(op.getGates().getType()).getDimSize(1);
  Value next = b.scratch({experts}, b.getIndexType(), "next pair");
  auto load = [&](Value from, Value place) -> Value {
    return memref::LoadOp::create(b, from, place);
  };
  auto store = [&](Value value, Value to, Value place) {
    memref::StoreOp::create(b, value, to, place);
  };
  b.loop(zero, b.index(experts + 1), 1,
         [&](Value expert) { store(zero, offsets, expert); });
  // The pairs of each expert, counted one place further on.
  forEachPair(b, op, [&](Value, Value expert, Value) {
    Value place = b.addIndex(expert, one);
    store(b.addIndex(load(offsets, place), one), offsets, place);
  });
  b.loop(zero, b.index(experts), 1, [&](Value expert) {
    Value first = load(offsets, expert), place = b.addIndex(expert, one);
    store(first, next, expert);
    store(b.addIndex(first, load(offsets, place)), offsets, place);
  });
  forEachPair(b, op, [&](Value row, Value expert, Value gate) {
    Value place = load(next, expert);
    store(arith::IndexCastOp::create(b, b.getI32Type(), row), op.getRows(),
          place);
    store(gate, op.getWeights(), place);
    store(b.addIndex(place, one), next, expert);
  });
}

void rows::emit(KernelBuilder &b, ScatterAddOp op) {
  Value input = op.getInput(), output = op.getOut();
  b.loopNest(leadingDims(b, input), [&](ValueRange pair) {
    Value row = arith::IndexCastOp::create(b, b.getIndexType(),
                                           b.loadScalar(op.getRows(), pair));
    Value weight = op.getWeights()
                       ? b.splat(b.loadScalar(op.getWeights(), pair))
                       : Value();
    b.forEachVector(lastDim(b, input), [&](Value column, Value mask) {
      Value x = b.load(input, at(pair, column), mask);
      Value y = b.load(output, {row, column}, mask);
      b.store(weight ? b.fma(x, weight, y) : b.add(x, y), output, {row, column},
              mask);
    });
  });
}

void rows::emit(KernelBuilder &b, ClearOp op) {
  Value output = op.getOut();
  b.loopNest(leadingDims(b, output), [&](ValueRange row) {
    b.forEachVector(lastDim(b, output), [&](Value column, Value mask) {
      b.store(b.splat(0.0), output, at(row, column), mask);
    });
  });
}
