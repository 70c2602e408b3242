//===- OptimizerSteps.cpp - kernels of SGD's, Lion's and Muon's steps -----===//

#include "TrainingEmitters.h"
#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;
using namespace tenon;
using namespace tenon::rows;

Value rows::gradientScale(KernelBuilder &b, Value numbers, Value norm) {
  Value size = b.loadScalar(norm, {b.index(0), b.index(0)});
  Value scale = b.loadScalar(numbers, b.index(0));
  Value clip = b.loadScalar(numbers, b.index(1));
  Value shrink = b.min(b.f32(1.0), b.div(clip, b.add(size, b.f32(1e-6))));
  Value clips =
      arith::CmpFOp::create(b, arith::CmpFPredicate::OGT, clip, b.f32(0.0));
  Value factor = arith::SelectOp::create(b, clips, shrink, b.f32(1.0));
  return b.splat(b.mul(scale, factor));
}

/// 1, -1, or 0 for 0.
static Value signOf(KernelBuilder &b, Value x) {
  Value zero = b.splat(0.0);
  auto is = [&](arith::CmpFPredicate predicate) {
    return arith::CmpFOp::create(b, predicate, x, zero).getResult();
  };
  Value below = arith::SelectOp::create(b, is(arith::CmpFPredicate::OLT),
                                        b.splat(-1.0), zero);
  return arith::SelectOp::create(b, is(arith::CmpFPredicate::OGT), b.splat(1.0),
                                 below);
}

void rows::emit(KernelBuilder &b, MomentumOp op) {
  auto number = [&](int64_t place) {
    return b.splat(b.loadScalar(op.getNumbers(), b.index(place)));
  };
  Value scale = gradientScale(b, op.getNumbers(), op.getNorm());
  Value keep = number(2), coupled = number(3);
  Value a = number(4), c = number(5), p = number(6), q = number(7);
  Value rate = number(8);
  Value onlySigns = arith::CmpFOp::create(b, arith::CmpFPredicate::OGT,
                                          number(9), b.splat(0.0));
  b.forEachVector(lastDim(b, op.getWeight()), [&](Value i, Value mask) {
    Value w = b.load(op.getWeight(), i, mask);
    Value m = b.load(op.getFirst(), i, mask);
    Value g = b.mul(b.load(op.getGradient(), i, mask), scale);
    if (op.getDecay())
      g = b.fma(coupled, w, g);
    Value direction = b.fma(a, m, b.mul(c, g));
    direction =
        arith::SelectOp::create(b, onlySigns, signOf(b, direction), direction);
    if (op.getDecay())
      w = b.mul(w, keep);
    b.store(b.sub(w, b.mul(rate, direction)), op.getWeight(), i, mask);
    b.store(b.fma(p, m, b.mul(q, g)), op.getFirst(), i, mask);
    b.store(b.splat(0.0), op.getGradient(), i, mask);
  });
}

void rows::emit(KernelBuilder &b, LeanOp op) {
  auto number = [&](int64_t place) {
    return b.splat(b.loadScalar(op.getNumbers(), b.index(place)));
  };
  Value scale = gradientScale(b, op.getNumbers(), op.getNorm());
  Value rest = number(3), lean = number(4);
  b.loopNest({b.dim(op.getOut(), 0)}, [&](ValueRange row) {
    b.forEachVector(lastDim(b, op.getOut()), [&](Value column, Value mask) {
      auto at = rows::at(row, column);
      Value g = b.mul(b.load(op.getGradient(), at, mask), scale);
      Value m = b.load(op.getFirst(), at, mask);
      m = b.fma(rest, b.sub(g, m), m);
      b.store(m, op.getFirst(), at, mask);
      b.store(b.sub(m, b.mul(lean, b.sub(m, g))), op.getOut(), at, mask);
      b.store(b.splat(0.0), op.getGradient(), at, mask);
    });
  });
}

void rows::emit(KernelBuilder &b, StepAlongOp op) {
  Value keep = b.splat(b.loadScalar(op.getNumbers(), b.index(2)));
  Value factor = b.f32(op.getFactor().convertToFloat());
  Value rate =
      b.splat(b.mul(b.loadScalar(op.getNumbers(), b.index(5)), factor));
  b.loopNest({b.dim(op.getWeight(), 0)}, [&](ValueRange row) {
    b.forEachVector(lastDim(b, op.getWeight()), [&](Value column, Value mask) {
      auto at = rows::at(row, column);
      Value w = b.mul(b.load(op.getWeight(), at, mask), keep);
      Value x = b.load(op.getDirection(), at, mask);
      b.store(b.sub(w, b.mul(rate, x)), op.getWeight(), at, mask);
    });
  });
}
