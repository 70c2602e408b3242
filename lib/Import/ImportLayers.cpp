//===- ImportLayers.cpp - loops over layers -------------------------------===//
//
// Invariant I3: the loop over layers stays a loop. Layers of several kinds are
// nested loops, with a body for each kind that follows another.
//
//===----------------------------------------------------------------------===//

#include "Importer.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

#include <algorithm>

using namespace tenon;
using namespace mlir;

Value Importer::importLayers(const lang::LayerLoopExpr &loop) {
  if (loop.fold == lang::LayerLoopExpr::Fold::Sum)
    return importMixture(loop);
  Values inputs;
  for (const lang::Argument &argument : loop.arguments) {
    Value value = importExpr(argument.value);
    if (!value)
      return {};
    inputs.push_back(value);
  }
  return importLoops(loop, bound.layerKinds(loop.layer).loops, 0, inputs);
}

// Loops one after the other; the first begins with repetition `first`.
Value Importer::importLoops(const lang::LayerLoopExpr &loop,
                            ArrayRef<lang::LayerLoop> parts, int64_t first,
                            Values inputs) {
  for (const lang::LayerLoop &part : parts) {
    // A layer among others needs no loop of its own.
    bool single = part.isLeaf() && part.trips == 1 &&
                  (parts.size() > 1 || !loops.empty());
    Value result = single ? importRepetition(loop, first, part.kind, inputs)
                          : importLoop(loop, part, first, inputs);
    if (!result)
      return {};
    inputs.front() = result;
    first += part.layers();
  }
  return inputs.front();
}

Value Importer::importLoop(const lang::LayerLoopExpr &loop,
                           const lang::LayerLoop &part, int64_t first,
                           Values inputs) {
  Location loc = location(loop.range, loop.layerName);
  auto index = [&](int64_t value) {
    return arith::ConstantIndexOp::create(builder, loc, value);
  };
  // The induction variable is the layer's index where that is possible.
  int64_t lower = loops.empty() && part.isLeaf() ? first : 0;
  Value begin = index(lower);
  Value end = index(lower + part.trips);
  Value step = index(1);
  auto forOp =
      scf::ForOp::create(builder, loc, begin, end, step, inputs.front());

  OpBuilder::InsertionGuard guard(builder);
  builder.setInsertionPointToStart(forOp.getBody());
  loops.push_back(
      {forOp.getInductionVar(), lower, first, part.layersPerTrip()});
  inputs.front() = forOp.getRegionIterArgs().front();
  Value result = part.isLeaf()
                     ? importRepetition(loop, first, part.kind, inputs)
                     : importLoops(loop, part.parts, first, inputs);
  loops.pop_back();
  if (!result)
    return {};
  scf::YieldOp::create(builder, location(loop.layer->body->result->range),
                       result);
  return forOp.getResult(0);
}

// The body for the repetitions of one kind in the loops around.
Value Importer::importRepetition(const lang::LayerLoopExpr &loop, int64_t first,
                                 unsigned kind, Values inputs) {
  bound.enterLayer(loop.layer,
                   bound.layerKinds(loop.layer).representative[kind]);
  repetition = first;
  stackIndices.clear();
  auto outerReferences = std::move(references);
  references.clear();
  Value result = importBody(*loop.layer->body, inputs);
  references = std::move(outerReferences);
  return result;
}

// The place of the layer at hand in a stack: how many of the stack's layers
// come before it. Whole kinds are in a stack or not, so that every trip of a
// loop takes the same number of them.
Value Importer::stackIndex(const lang::BoundWeight &weight, Location loc) {
  Value &index = stackIndices[weight.numbers];
  if (index)
    return index;
  auto below = [&](int64_t number) {
    return std::lower_bound(weight.numbers.begin(), weight.numbers.end(),
                            number) -
           weight.numbers.begin();
  };
  auto constant = [&](int64_t value) -> Value {
    return arith::ConstantIndexOp::create(builder, loc, value);
  };
  int64_t offset = below(repetition);
  for (const Loop &loop : loops) {
    int64_t perTrip =
        below(loop.first + loop.layersPerTrip) - below(loop.first);
    offset -= loop.lower * perTrip;
    if (perTrip == 0)
      continue;
    Value term = loop.iteration;
    if (perTrip != 1)
      term = arith::MulIOp::create(builder, loc, term, constant(perTrip));
    index = index ? arith::AddIOp::create(builder, loc, index, term) : term;
  }
  if (!index)
    return index = constant(offset);
  if (offset != 0)
    index = arith::AddIOp::create(builder, loc, index, constant(offset));
  return index;
}
