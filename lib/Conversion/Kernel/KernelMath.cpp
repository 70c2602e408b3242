//===- KernelMath.cpp - arithmetic and elementary functions of kernels ----===//
//
// Polynomials are in Horner form. Those of tanh near 0, and the parts of ln 2,
// are the Cephes library's (S. Moshier, netlib.org/cephes/single.tgz).
//
//===----------------------------------------------------------------------===//

#include "mlir/Dialect/Math/IR/Math.h"
#include "tenon/Conversion/KernelBuilder.h"
#include "tenon/Dialect/Micro/IR/Micro.h"

using namespace mlir;
using namespace tenon;

Value KernelBuilder::add(Value a, Value b) {
  return arith::AddFOp::create(*this, a, b);
}
Value KernelBuilder::sub(Value a, Value b) {
  return arith::SubFOp::create(*this, a, b);
}
Value KernelBuilder::mul(Value a, Value b) {
  return arith::MulFOp::create(*this, a, b);
}
Value KernelBuilder::div(Value a, Value b) {
  return arith::DivFOp::create(*this, a, b);
}
// A compare and a select become one vmaxps or vminps, which the IEEE-754
// maximum, ordered for NaNs and signed zeros, does not.
Value KernelBuilder::max(Value a, Value b) {
  Value greater = arith::CmpFOp::create(*this, arith::CmpFPredicate::OGT, a, b);
  return arith::SelectOp::create(*this, greater, a, b);
}
Value KernelBuilder::min(Value a, Value b) {
  Value less = arith::CmpFOp::create(*this, arith::CmpFPredicate::OLT, a, b);
  return arith::SelectOp::create(*this, less, a, b);
}

Value KernelBuilder::fma(Value a, Value b, Value c) {
  if (!target || !target.hasFma())
    return add(mul(a, b), c);
  if (isa<VectorType>(a.getType()))
    return vector::FMAOp::create(*this, a, b, c);
  return math::FmaOp::create(*this, a, b, c);
}

Value KernelBuilder::constantLike(double value, Value like) {
  if (auto type = dyn_cast<VectorType>(like.getType()))
    return arith::ConstantOp::create(
        *this, DenseElementsAttr::get(type, static_cast<float>(value)));
  return f32(value);
}

Value KernelBuilder::roundToInteger(Value x) {
  Type i32 = getI32Type();
  auto vector = dyn_cast<VectorType>(x.getType());
  Type type = vector ? vector.clone(i32) : i32;
  return micro::RoundOp::create(*this, type, x);
}

/// Combines the halves of a vector until one element is left.
static Value reduceHalves(KernelBuilder &b, Value vector,
                          function_ref<Value(Value, Value)> combine) {
  int64_t size = cast<VectorType>(vector.getType()).getDimSize(0);
  while (size > 1) {
    size /= 2;
    Value low = vector::ExtractStridedSliceOp::create(
        b, vector, ArrayRef<int64_t>{0}, ArrayRef<int64_t>{size},
        ArrayRef<int64_t>{1});
    Value high = vector::ExtractStridedSliceOp::create(
        b, vector, ArrayRef<int64_t>{size}, ArrayRef<int64_t>{size},
        ArrayRef<int64_t>{1});
    vector = combine(low, high);
  }
  return vector::ExtractOp::create(b, vector, 0);
}

Value KernelBuilder::reduceAdd(Value vector) {
  return reduceHalves(*this, vector,
                      [&](Value a, Value b) { return add(a, b); });
}

Value KernelBuilder::reduceMax(Value vector) {
  return reduceHalves(*this, vector,
                      [&](Value a, Value b) { return max(a, b); });
}

Value KernelBuilder::polynomial(Value x, ArrayRef<double> coefficients) {
  Value sum = constantLike(coefficients.front(), x);
  for (double c : coefficients.drop_front())
    sum = fma(sum, x, constantLike(c, x));
  return sum;
}

/// x * 2^n for n integral in [-252, 254].
Value KernelBuilder::scaleByPowerOfTwo(Value x, Value n, bool isNormal) {
  return micro::ScaleOp::create(*this, x.getType(), x, n, isNormal);
}

// Both exponentials are a polynomial of degree 5 on half a binary place to
// either side of 0: minimax for the relative error, 9.2e-8, with exactly 1 at
// 0.

Value KernelBuilder::exp2Of(Value x, bool isNormal) {
  Value n = math::RoundEvenOp::create(*this, x);
  Value p = polynomial(sub(x, n), {1.3264727262767683e-3, 9.671512710413110e-3,
                                   5.550733743740388e-2, 2.402224208428361e-1,
                                   6.931469775985024e-1, 1.0});
  return scaleByPowerOfTwo(p, n, isNormal);
}

Value KernelBuilder::exp2(Value x) {
  return exp2Of(max(x, constantLike(-200.0, x)), /*isNormal=*/false);
}

// From 0.7 * 2^-125 on, powers are normal numbers. What is below is exactly 0,
// so that a masked key adds nothing, not even to a sum of zeros.
Value KernelBuilder::exp2OfNegative(Value x) {
  Value isFelt = arith::CmpFOp::create(*this, arith::CmpFPredicate::OGE, x,
                                       constantLike(-125.0, x));
  return arith::SelectOp::create(*this, isFelt, exp2Of(x, /*isNormal=*/true),
                                 constantLike(0.0, x));
}

Value KernelBuilder::exp(Value x) {
  x = max(x, constantLike(-105.0, x));
  x = min(x, constantLike(89.0, x));
  Value n = math::RoundEvenOp::create(
      *this, mul(x, constantLike(1.44269504088896341, x)));
  // ln 2 in two parts (Cody and Waite), so that x - n ln 2 keeps its bits.
  Value f = fma(n, constantLike(-0.693359375, x), x);
  f = fma(n, constantLike(2.12194440e-4, x), f);
  Value p = polynomial(f, {8.290314755768980e-3, 4.189792960328986e-2,
                           1.666763619627446e-1, 4.999914952845649e-1,
                           9.999997071885333e-1, 1.0});
  return scaleByPowerOfTwo(p, n);
}

/// x = m 2^n with m in [sqrt(1/2), sqrt(2)); the polynomial is that of Cephes'
/// logf, for log(1 + f) - f + f²/2 over f³.
Value KernelBuilder::log(Value x) {
  auto vector = dyn_cast<VectorType>(x.getType());
  Type intType = vector ? Type(vector.clone(getI32Type())) : getI32Type();
  auto integer = [&](int32_t value) -> Value {
    if (vector)
      return arith::ConstantOp::create(
          *this, DenseElementsAttr::get(cast<ShapedType>(intType), value));
    return arith::ConstantOp::create(*this, getI32IntegerAttr(value));
  };
  auto compare = [&](arith::CmpFPredicate predicate, double value) -> Value {
    return arith::CmpFOp::create(*this, predicate, x, constantLike(value, x));
  };
  // Subnormals have no exponent of their own.
  constexpr double kLeast = 1.17549435e-38, kRaise = 8388608.0;
  Value isTiny = compare(arith::CmpFPredicate::OLT, kLeast);
  Value normal = arith::SelectOp::create(*this, isTiny,
                                         mul(x, constantLike(kRaise, x)), x);
  Value bits = arith::BitcastOp::create(*this, intType, normal);
  // Bits above those of sqrt(1/2) count halvings.
  Value above = arith::SubIOp::create(*this, bits, integer(0x3f3504f3));
  Value halvings = arith::ShRSIOp::create(*this, above, integer(23));
  Value mantissa = arith::SubIOp::create(
      *this, bits, arith::ShLIOp::create(*this, halvings, integer(23)));
  Value n = arith::SIToFPOp::create(*this, x.getType(), halvings);
  n = arith::SelectOp::create(*this, isTiny, sub(n, constantLike(23.0, x)), n);
  Value f = sub(arith::BitcastOp::create(*this, x.getType(), mantissa),
                constantLike(1.0, x));
  Value z = mul(f, f);
  Value p = polynomial(f, {7.0376836292e-2, -1.1514610310e-1, 1.1676998740e-1,
                           -1.2420140846e-1, 1.4249322787e-1, -1.6668057665e-1,
                           2.0000714765e-1, -2.4999993993e-1, 3.3333331174e-1});
  Value y = mul(mul(p, f), z);
  y = fma(n, constantLike(-2.12194440e-4, x), y);
  y = fma(z, constantLike(-0.5, x), y);
  y = fma(n, constantLike(0.693359375, x), add(f, y));
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  auto choose = [&](arith::CmpFPredicate predicate, double bound,
                    double value) {
    y = arith::SelectOp::create(*this, compare(predicate, bound),
                                constantLike(value, x), y);
  };
  choose(arith::CmpFPredicate::OEQ, 0.0, -kInfinity);
  choose(arith::CmpFPredicate::OLT, 0.0,
         std::numeric_limits<double>::quiet_NaN());
  // Infinity and what is no number stay.
  Value isFinite = compare(arith::CmpFPredicate::OLT, kInfinity);
  return arith::SelectOp::create(*this, isFinite, y, x);
}

Value KernelBuilder::sigmoid(Value x) {
  Value one = constantLike(1.0, x);
  Value e = exp(arith::NegFOp::create(*this, x));
  return div(one, add(one, e));
}

Value KernelBuilder::tanh(Value x) {
  Value magnitude = math::AbsFOp::create(*this, x);
  // Near 0 an odd polynomial keeps relative precision.
  Value z = mul(x, x);
  Value p =
      polynomial(z, {-5.70498872745e-3, 2.06390887954e-2, -5.37397155531e-2,
                     1.33314422036e-1, -3.33332819422e-1});
  Value small = fma(mul(p, z), x, x);
  Value one = constantLike(1.0, x);
  Value e = exp(add(magnitude, magnitude));
  Value large = sub(one, div(constantLike(2.0, x), add(e, one)));
  large = math::CopySignOp::create(*this, large, x);
  Value isSmall = arith::CmpFOp::create(*this, arith::CmpFPredicate::OLT,
                                        magnitude, constantLike(0.625, x));
  return arith::SelectOp::create(*this, isSmall, small, large);
}

/// The normal distribution's lower tail at -|x| is 2^r, where r is smooth: a
/// polynomial fitted on [0, 13] by least squares, weighted until the errors of
/// x times the result were level (Lawson), at 2e-10. It only falls, so that
/// nothing has to be cut off, and nothing cancels in either tail: for x > -3
/// relative errors are below 2e-6, and rounding makes most of them.
Value KernelBuilder::normalCdf(Value x) {
  Value r = polynomial(math::AbsFOp::create(*this, x),
                       {-5.399377064972414e-8, 1.3470415255367848e-6,
                        -1.4872063626691028e-5, 9.307132645172041e-5,
                        -3.2016976298322483e-4, 5.6820153281524045e-5,
                        6.903232785736771e-3, -5.242511147223484e-2,
                        -4.5922282186429797e-1, -1.1511042381438388, -1.0});
  Value tail = exp2(r);
  Value isUpper = arith::CmpFOp::create(*this, arith::CmpFPredicate::OGT, x,
                                        constantLike(0.0, x));
  return arith::SelectOp::create(*this, isUpper,
                                 sub(constantLike(1.0, x), tail), tail);
}

Value KernelBuilder::activation(ActivationKind kind, Value x) {
  Value one = constantLike(1.0, x);
  switch (kind) {
  case ActivationKind::Identity:
    return x;
  case ActivationKind::Silu: {
    Value e = exp(arith::NegFOp::create(*this, x));
    return div(x, add(one, e));
  }
  case ActivationKind::Gelu:
    return mul(x, normalCdf(x));
  case ActivationKind::GeluTanh: {
    // (1 + tanh u) / 2 = 1 / (1 + exp(-2 u)), with no difference of near ones.
    Value cube = mul(mul(x, x), x);
    Value inner = fma(constantLike(0.044715, x), cube, x);
    Value e = exp(mul(inner, constantLike(-2 * 0.79788456080286536, x)));
    return div(x, add(one, e));
  }
  case ActivationKind::Relu:
    return max(x, constantLike(0.0, x));
  case ActivationKind::Tanh:
    return tanh(x);
  case ActivationKind::Sigmoid:
    return sigmoid(x);
  case ActivationKind::QuickGelu: {
    Value e = exp(mul(x, constantLike(-1.702, x)));
    return div(x, add(one, e));
  }
  case ActivationKind::ReluSquared: {
    Value positive = max(x, constantLike(0.0, x));
    return mul(positive, positive);
  }
  case ActivationKind::Mish: {
    // tanh(log(1 + e)) = n / (n + 2) with n = e (e + 2), which is 1 from e^9
    // on.
    Value e = exp(min(x, constantLike(20.0, x)));
    Value n = mul(e, add(e, constantLike(2.0, x)));
    return mul(x, div(n, add(n, constantLike(2.0, x))));
  }
  case ActivationKind::Exp:
    return exp(x);
  case ActivationKind::Log:
    return log(x);
  case ActivationKind::Sqrt:
    return math::SqrtOp::create(*this, x);
  }
  llvm_unreachable("unknown activation");
}
