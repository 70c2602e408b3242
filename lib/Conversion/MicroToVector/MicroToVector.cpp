//===- MicroToVector.cpp - what micro-operations mean ---------------------===//
//
// In arith and vector alone: the oracle of every other lowering, and the way of
// what a target has no instruction for.
//
//===----------------------------------------------------------------------===//

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "tenon/Conversion/MicroPasses.h"
#include "tenon/Dialect/Micro/IR/Micro.h"
#include "llvm/ADT/TypeSwitch.h"

namespace tenon {
#define GEN_PASS_DEF_TENONMICROTOVECTOR
#include "tenon/Conversion/MicroPasses.h.inc"
} // namespace tenon

using namespace mlir;
using namespace tenon;
using namespace tenon::micro;

namespace {

class Lowering {
public:
  explicit Lowering(Operation *op) : b(op->getLoc(), op) {}

  Value lower(Dot4I8Op op) { return addQuads(op, /*isSigned=*/false); }
  Value lower(Dot4S8Op op) { return addQuads(op, /*isSigned=*/true); }

  Value lower(Dot2I8Op op) {
    auto words = cast<VectorType>(op.getType());
    Value lhs = extend(op.getLhs(), b.getI16Type(), /*isSigned=*/false);
    Value rhs = extend(op.getRhs(), b.getI16Type(), /*isSigned=*/true);
    Value products = arith::MulIOp::create(b, lhs, rhs);
    return arith::AddIOp::create(b, every(products, words, 2, 0),
                                 every(products, words, 2, 1));
  }

  Value lower(Dot2I16Op op) {
    auto lanes = cast<VectorType>(op.getType());
    Value lhs = extend(op.getLhs(), b.getI32Type(), /*isSigned=*/true);
    Value rhs = extend(op.getRhs(), b.getI32Type(), /*isSigned=*/true);
    Value products = arith::MulIOp::create(b, lhs, rhs), sum = op.getSum();
    for (int64_t i = 0; i < 2; ++i)
      sum = arith::AddIOp::create(b, sum, every(products, lanes, 2, i));
    return sum;
  }

  Value lower(Dot2BF16Op op) {
    auto lanes = cast<VectorType>(op.getType());
    Value sum = op.getSum();
    for (int64_t i : {1, 0}) {
      Value product = arith::MulFOp::create(b, numbers(op.getLhs(), lanes, i),
                                            numbers(op.getRhs(), lanes, i));
      sum = arith::AddFOp::create(b, sum, product);
    }
    return sum;
  }

  Value lower(LookupOp op) {
    auto type = cast<VectorType>(op.getType());
    auto bytes = [&](int64_t value) -> Value {
      return arith::ConstantOp::create(
          b, DenseElementsAttr::get(type, APInt(8, value & 0xff)));
    };
    Value result = bytes(op.getTable()[0]);
    for (int64_t i = 1; i < 16; ++i) {
      Value isIndex = arith::CmpIOp::create(b, arith::CmpIPredicate::eq,
                                            op.getIndices(), bytes(i));
      result =
          arith::SelectOp::create(b, isIndex, bytes(op.getTable()[i]), result);
    }
    return result;
  }

  /// Adding 1.5 * 2^23 leaves no place for a fraction.
  Value lower(RoundOp op) {
    Value x = op.getInput();
    Value magic = constant(x.getType(), 12582912.0f);
    Value up = arith::AddFOp::create(b, x, magic);
    return arith::FPToSIOp::create(b, op.getType(),
                                   arith::SubFOp::create(b, up, magic));
  }

  /// In two halves, each a power of two made in the exponent's bits, so that
  /// subnormal results and overflow come out by rounding; at once where there
  /// are none.
  Value lower(ScaleOp op) {
    Type type = op.getType(), integers = b.getI32Type();
    if (auto vector = dyn_cast<VectorType>(type))
      integers = vector.clone(b.getI32Type());
    auto power = [&](Value exponent) -> Value {
      Value biased =
          arith::AddIOp::create(b, exponent, constant(integers, 127));
      Value bits = arith::ShLIOp::create(b, biased, constant(integers, 23));
      return arith::BitcastOp::create(b, type, bits);
    };
    Value n = arith::FPToSIOp::create(b, integers, op.getExponent());
    if (op.getNormal()) {
      Value bits = arith::BitcastOp::create(b, integers, op.getInput());
      Value added = arith::ShLIOp::create(b, n, constant(integers, 23));
      return arith::BitcastOp::create(b, type,
                                      arith::AddIOp::create(b, bits, added));
    }
    Value half = arith::ShRSIOp::create(b, n, constant(integers, 1));
    Value rest = arith::SubIOp::create(b, n, half);
    Value first = arith::MulFOp::create(b, op.getInput(), power(half));
    return arith::MulFOp::create(b, first, power(rest));
  }

private:
  template <typename Op> Value addQuads(Op op, bool isSigned) {
    auto lanes = cast<VectorType>(op.getType());
    Value lhs = extend(op.getLhs(), b.getI32Type(), isSigned);
    Value rhs = extend(op.getRhs(), b.getI32Type(), /*isSigned=*/true);
    Value products = arith::MulIOp::create(b, lhs, rhs), sum = op.getSum();
    for (int64_t i = 0; i < 4; ++i)
      sum = arith::AddIOp::create(b, sum, every(products, lanes, 4, i));
    return sum;
  }

  Value extend(Value value, Type element, bool isSigned) {
    auto type = cast<VectorType>(value.getType()).clone(element);
    if (isSigned)
      return arith::ExtSIOp::create(b, type, value);
    return arith::ExtUIOp::create(b, type, value);
  }

  /// Elements first, first + step, ... of a vector, as many as `type` has.
  Value every(Value vector, VectorType type, int64_t step, int64_t first) {
    SmallVector<int64_t> places;
    for (int64_t i = 0; i < type.getNumElements(); ++i)
      places.push_back(step * i + first);
    return vector::ShuffleOp::create(b, vector, vector, places);
  }

  /// The first (0) or the second numbers of pairs of bf16, as f32.
  Value numbers(Value pairs, VectorType type, int64_t which) {
    Type integers = type.clone(b.getI32Type());
    Value word =
        vector::BitCastOp::create(b, cast<VectorType>(integers), pairs);
    Value bits =
        which == 0
            ? arith::ShLIOp::create(b, word, constant(integers, 16)).getResult()
            : arith::AndIOp::create(b, word,
                                    constant(integers, int32_t(0xffff0000)));
    return vector::BitCastOp::create(b, type, bits);
  }

  template <typename T> Value constant(Type type, T value) {
    TypedAttr attr;
    if constexpr (std::is_integral_v<T>)
      attr = b.getI32IntegerAttr(value);
    else
      attr = b.getF32FloatAttr(value);
    if (auto vector = dyn_cast<VectorType>(type))
      attr = DenseElementsAttr::get(vector, Attribute(attr));
    return arith::ConstantOp::create(b, attr);
  }

  ImplicitLocOpBuilder b;
};

struct MicroToVector : tenon::impl::TenonMicroToVectorBase<MicroToVector> {
  void runOnOperation() override {
    getOperation().walk([&](Operation *op) {
      if (!isa_and_nonnull<MicroDialect>(op->getDialect()))
        return;
      Value value =
          llvm::TypeSwitch<Operation *, Value>(op)
              .Case<Dot4I8Op, Dot4S8Op, Dot2I8Op, Dot2I16Op, Dot2BF16Op,
                    LookupOp, RoundOp, ScaleOp>(
                  [&](auto micro) { return Lowering(op).lower(micro); })
              .Default([](Operation *) { return Value(); });
      // What reads memory is for tenon-unpack-to-vector.
      if (!value)
        return;
      op->getResult(0).replaceAllUsesWith(value);
      op->erase();
      ++numLowered;
    });
  }
};

} // namespace
