//===- Training.cpp - kernels of gradients --------------------------------===//

#include "TrainingEmitters.h"
#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;
using namespace tenon;
using namespace tenon::rows;

//===----------------------------------------------------------------------===//
// Activations
//===----------------------------------------------------------------------===//

/// The derivative of an activation function at x.
static Value slope(KernelBuilder &b, ActivationKind kind, Value x) {
  auto constant = [&](double value) { return b.constantLike(value, x); };
  Value one = constant(1.0), zero = constant(0.0);
  auto isPositive = [&]() -> Value {
    return arith::CmpFOp::create(b, arith::CmpFPredicate::OGT, x, zero);
  };
  // (x s(c x))' = s (1 + c x (1 - s)) with the sigmoid s.
  auto gated = [&](double factor) {
    Value inner = b.mul(x, constant(factor));
    Value s = b.sigmoid(inner);
    return b.mul(s, b.fma(inner, b.sub(one, s), one));
  };
  switch (kind) {
  case ActivationKind::Identity:
    return one;
  case ActivationKind::Silu:
    return gated(1.0);
  case ActivationKind::QuickGelu:
    return gated(1.702);
  case ActivationKind::Gelu: {
    Value half = b.mul(b.mul(x, x), constant(-0.5));
    Value density = b.mul(b.exp(half), constant(0.39894228040143268));
    return b.fma(x, density, b.normalCdf(x));
  }
  case ActivationKind::GeluTanh: {
    // x s(2 u) with u = c (x + a x³): s (1 + 2 x u' (1 - s)).
    constexpr double kScale = 2 * 0.79788456080286536, kCubic = 0.044715;
    Value square = b.mul(x, x);
    Value inner =
        b.mul(x, b.fma(square, constant(kScale * kCubic), constant(kScale)));
    Value rise = b.fma(square, constant(3 * kScale * kCubic), constant(kScale));
    Value s = b.sigmoid(inner);
    return b.mul(s, b.fma(b.mul(x, rise), b.sub(one, s), one));
  }
  case ActivationKind::Relu:
    return arith::SelectOp::create(b, isPositive(), one, zero);
  case ActivationKind::ReluSquared:
    return b.mul(b.max(x, zero), constant(2.0));
  case ActivationKind::Tanh: {
    Value t = b.tanh(x);
    return b.sub(one, b.mul(t, t));
  }
  case ActivationKind::Sigmoid: {
    Value s = b.sigmoid(x);
    return b.mul(s, b.sub(one, s));
  }
  case ActivationKind::Mish: {
    // x t with t = tanh(log(1 + e)) = n / (n + 2), n = e (e + 2):
    // t + x (1 - t²) s(x), and 1 - t² = 4 (n + 1) / (n + 2)².
    Value e = b.exp(b.min(x, constant(20.0)));
    Value n = b.mul(e, b.add(e, constant(2.0)));
    Value more = b.add(n, constant(2.0));
    Value t = b.div(n, more);
    Value rest = b.div(b.mul(constant(4.0), b.add(n, one)), b.mul(more, more));
    return b.fma(b.mul(x, rest), b.sigmoid(x), t);
  }
  case ActivationKind::Exp:
    return b.exp(x);
  case ActivationKind::Log:
    return b.div(one, x);
  case ActivationKind::Sqrt:
    return b.div(constant(0.5), math::SqrtOp::create(b, x));
  }
  llvm_unreachable("unknown activation");
}

void rows::emit(KernelBuilder &b, ActivationGradientOp op) {
  Value output = op.getOut();
  b.loopNest(leadingDims(b, output), [&](ValueRange row) {
    b.forEachVector(lastDim(b, output), [&](Value column, Value mask) {
      Value dy = b.load(op.getGradient(), at(row, column), mask);
      Value x = b.load(op.getInput(), at(row, column), mask);
      b.store(b.mul(dy, slope(b, op.getKind(), x)), output, at(row, column),
              mask);
    });
  });
}

//===----------------------------------------------------------------------===//
// Cross entropy
//===----------------------------------------------------------------------===//

namespace {

/// The maximum m of a row of logits, and the sum of e^(x - m).
struct RowSums {
  Value maximum, sum;
};

RowSums sumExponentials(KernelBuilder &b, Value logits, ValueRange row) {
  Value lowest = b.splat(-std::numeric_limits<double>::infinity());
  KernelBuilder::Values maxima =
      b.forEachVector(lastDim(b, logits), lowest,
                      [&](Value column, Value mask, ValueRange args) {
                        Value x = b.load(logits, at(row, column), mask);
                        if (mask)
                          x = arith::SelectOp::create(b, mask, x, lowest);
                        return KernelBuilder::Values{b.max(args[0], x)};
                      });
  Value maximum = b.reduceMax(maxima[0]), shift = b.splat(maximum);
  int64_t columns = cast<MemRefType>(logits.getType()).getDimSize(1);
  Value sum = sumOverRow(
      b, columns, [&](Value column, Value mask, Value partial) -> Value {
        Value x = b.load(logits, at(row, column), mask);
        Value e = b.exp(b.sub(x, shift));
        if (mask)
          e = arith::SelectOp::create(b, mask, e, b.splat(0.0));
        return b.add(partial, e);
      });
  return {maximum, sum};
}

/// The target of a row as i32, and whether there is one.
std::pair<Value, Value> targetOf(KernelBuilder &b, Value targets,
                                 ValueRange row) {
  Value target = b.loadScalar(targets, row[0]);
  Value none = arith::ConstantIntOp::create(b, 0, 32);
  return {target,
          arith::CmpIOp::create(b, arith::CmpIPredicate::sge, target, none)};
}

} // namespace

void rows::emit(KernelBuilder &b, CrossEntropyOp op) {
  Value logits = op.getLogits(), output = op.getOut();
  b.loopNest(leadingDims(b, output), [&](ValueRange row) {
    auto [target, exists] = targetOf(b, op.getTargets(), row);
    auto branch = scf::IfOp::create(b, b.getF32Type(), exists,
                                    /*withElseRegion=*/true);
    {
      OpBuilder::InsertionGuard guard(b);
      b.setInsertionPointToStart(branch.thenBlock());
      auto [maximum, sum] = sumExponentials(b, logits, row);
      Value place = arith::IndexCastOp::create(b, b.getIndexType(), target);
      Value own = b.sub(b.loadScalar(logits, at(row, place)), maximum);
      scf::YieldOp::create(b, b.sub(b.log(sum), own));
      b.setInsertionPointToStart(branch.elseBlock());
      scf::YieldOp::create(b, b.f32(0.0));
    }
    b.storeScalar(branch.getResult(0), output, at(row, b.index(0)));
  });
}

void rows::emit(KernelBuilder &b, CrossEntropyGradientOp op) {
  Value logits = op.getLogits(), output = op.getOut();
  b.loopNest(leadingDims(b, output), [&](ValueRange row) {
    auto [target, exists] = targetOf(b, op.getTargets(), row);
    auto [maximum, sum] = sumExponentials(b, logits, row);
    Value shift = b.splat(maximum);
    // Nothing comes back to a row without a target.
    Value factor =
        arith::SelectOp::create(b, exists, b.div(b.f32(1.0), sum), b.f32(0.0));
    Value factors = b.splat(factor);
    b.forEachVector(lastDim(b, output), [&](Value column, Value mask) {
      Value x = b.load(logits, at(row, column), mask);
      b.store(b.mul(b.exp(b.sub(x, shift)), factors), output, at(row, column),
              mask);
    });
    auto branch = scf::IfOp::create(b, exists, /*withElseRegion=*/false);
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPoint(branch.thenYield());
    Value place = arith::IndexCastOp::create(b, b.getIndexType(), target);
    Value p = b.loadScalar(output, at(row, place));
    b.storeScalar(b.sub(p, b.f32(1.0)), output, at(row, place));
  });
}

//===----------------------------------------------------------------------===//
// Gradients of weights
//===----------------------------------------------------------------------===//

void rows::emit(KernelBuilder &b, AddGradientOp op) {
  Value into = op.getInto();
  b.loopNest(leadingDims(b, into), [&](ValueRange row) {
    b.forEachVector(lastDim(b, into), [&](Value column, Value mask) {
      Value x = b.load(op.getInput(), at(row, column), mask);
      Value g = b.load(into, at(row, column), mask);
      b.store(b.add(g, x), into, at(row, column), mask);
    });
  });
}

void rows::emit(KernelBuilder &b, EmbeddingGradientOp op) {
  Value dy = op.getGradient(), into = op.getInto();
  b.loopNest({b.dim(dy, 0)}, [&](ValueRange token) {
    Value row = arith::IndexCastOp::create(b, b.getIndexType(),
                                           b.loadScalar(op.getIds(), token));
    Value isFrozen;
    if (std::optional<uint64_t> id = op.getFrozen())
      isFrozen = arith::CmpIOp::create(b, arith::CmpIPredicate::eq, row,
                                       b.index(static_cast<int64_t>(*id)));
    b.forEachVector(lastDim(b, into), [&](Value column, Value mask) {
      Value more = b.load(dy, at(token, column), mask);
      if (isFrozen)
        more = arith::SelectOp::create(b, isFrozen, b.splat(0.0), more);
      Value sum = b.add(b.load(into, {row, column}, mask), more);
      b.store(sum, into, {row, column}, mask);
    });
  });
}
