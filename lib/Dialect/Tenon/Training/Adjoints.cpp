//===- Adjoints.cpp - gradients of values, and how rules build them -------===//

#include "Build.h"
#include "mlir/IR/DialectRegistry.h"

using namespace mlir;
using namespace tenon;

#include "tenon/Dialect/Tenon/IR/TenonDifferentiable.cpp.inc"

//===----------------------------------------------------------------------===//
// Build
//===----------------------------------------------------------------------===//

/// The shape of a result whose operands have these, by NumPy's rule.
static SmallVector<int64_t> broadcastShape(ArrayRef<int64_t> x,
                                           ArrayRef<int64_t> y) {
  if (x.size() < y.size())
    std::swap(x, y);
  SmallVector<int64_t> shape(x);
  size_t offset = x.size() - y.size();
  for (auto [i, extent] : llvm::enumerate(y))
    if (shape[offset + i] == 1)
      shape[offset + i] = extent;
  return shape;
}

template <typename Op> Value Build::binary(Value x, Value y) const {
  RankedTensorType type = tensorOf(x);
  auto result = RankedTensorType::get(
      broadcastShape(type.getShape(), tensorOf(y).getShape()),
      type.getElementType());
  return Op::create(builder, loc, result, x, y, Value(), TileAttr())
      .getResult();
}

Value Build::add(Value x, Value y) const { return binary<AddOp>(x, y); }
Value Build::sub(Value x, Value y) const { return binary<SubOp>(x, y); }
Value Build::mul(Value x, Value y) const { return binary<MulOp>(x, y); }
Value Build::div(Value x, Value y) const { return binary<DivOp>(x, y); }

static FloatAttr number(OpBuilder &builder, double value) {
  return builder.getF32FloatAttr(static_cast<float>(value));
}

Value Build::scale(Value x, double factor) const {
  return ScaleOp::create(builder, loc, x.getType(), x, Value(),
                         number(builder, factor), TileAttr())
      .getResult();
}

Value Build::shift(Value x, double amount) const {
  return ShiftOp::create(builder, loc, x.getType(), x, Value(),
                         number(builder, amount), TileAttr())
      .getResult();
}

Value Build::reciprocal(Value x, double numerator) const {
  return ReciprocalOp::create(builder, loc, x.getType(), x, Value(),
                              number(builder, numerator), TileAttr())
      .getResult();
}

Value Build::activation(Value x, ActivationKind kind) const {
  return ActivationOp::create(builder, loc, x.getType(), x, Value(), kind,
                              TileAttr())
      .getResult();
}

Value Build::zerosLike(Value x) const {
  return ZerosLikeOp::create(builder, loc, x.getType(), x, Value(), TileAttr())
      .getResult();
}

Value Build::reduce(Value x, Reduction kind, int64_t dim) const {
  RankedTensorType type = tensorOf(x);
  SmallVector<int64_t> shape(type.getShape());
  shape[dim] = 1;
  return ReduceOp::create(builder, loc, type.clone(shape), x, Value(), kind,
                          dim, TileAttr())
      .getResult();
}

Value Build::mean(Value x) const {
  return reduce(x, Reduction::Mean, tensorOf(x).getRank() - 1);
}

Value Build::sum(Value x) const {
  return reduce(x, Reduction::Sum, tensorOf(x).getRank() - 1);
}

Value Build::transpose(Value x) const {
  // Back and forth is where it came from.
  if (auto other = x.getDefiningOp<TransposeOp>())
    return other.getInput();
  RankedTensorType type = tensorOf(x);
  SmallVector<int64_t> shape(type.getShape());
  std::swap(shape[shape.size() - 1], shape[shape.size() - 2]);
  return TransposeOp::create(builder, loc, type.clone(shape), x);
}

Value Build::matmul(Value x, Value y) const {
  RankedTensorType type = tensorOf(x);
  SmallVector<int64_t> shape(type.getShape());
  shape.back() = tensorOf(y).getShape().back();
  return MatmulOp::create(builder, loc, type.clone(shape), x, y, Value(),
                          TileAttr())
      .getResult();
}

Value Build::weightProduct(Value x, Value w, bool flipped) const {
  // The transpose of a weight is the weight the other way round.
  if (auto transposed = w.getDefiningOp<TransposeOp>()) {
    w = transposed.getInput();
    flipped = !flipped;
  }
  RankedTensorType type = tensorOf(x);
  SmallVector<int64_t> shape(type.getShape());
  shape.back() = tensorOf(w).getDimSize(flipped ? 1 : 0);
  return WeightProductOp::create(builder, loc, type.clone(shape), x, w, Value(),
                                 flipped, TileAttr())
      .getResult();
}

//===----------------------------------------------------------------------===//
// Adjoints
//===----------------------------------------------------------------------===//

void Adjoints::add(OpBuilder &builder, Location loc, Value value,
                   Value gradient) {
  if (!wants(value))
    return;
  Build build(builder, loc);
  RankedTensorType type = tensorOf(value);
  int64_t extra = tensorOf(gradient).getRank() - type.getRank();
  for (int64_t dim = tensorOf(gradient).getRank() - 1; dim >= 0; --dim)
    if (tensorOf(gradient).getDimSize(dim) != 1 &&
        (dim < extra || type.getDimSize(dim - extra) == 1))
      gradient = build.reduce(gradient, Reduction::Sum, dim);
  if (extra > 0)
    gradient = SqueezeOp::create(builder, loc, type, gradient);
  Value &sum = sums[value];
  sum = sum ? build.add(sum, gradient) : gradient;
}

void tenon::registerGradients(DialectRegistry &registry) {
  registry.addExtension(+[](MLIRContext *context, TenonDialect *) {
    attachChoiceRules(context);
    attachElementwiseRules(context);
    attachProductRules(context);
    attachRowRules(context);
    attachViewRules(context);
  });
}
