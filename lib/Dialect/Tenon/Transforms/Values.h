//===- Values.h - what several passes ask of values -------------*- C++ -*-===//

#ifndef TENON_LIB_DIALECT_TENON_TRANSFORMS_VALUES_H
#define TENON_LIB_DIALECT_TENON_TRANSFORMS_VALUES_H

#include "tenon/Dialect/Tenon/IR/TenonDialect.h"
#include <optional>

namespace tenon {

/// A value times a constant.
struct ScaledValue {
  mlir::Value value;
  double factor;
};

/// Whether the value is a tensor scaled by a constant: `tenon.scale`, or
/// `tenon.mul` or `tenon.div` with a constant whose elements are all the same.
std::optional<ScaledValue> matchScale(mlir::Value value);

/// Whether elements of the scores may be minus infinity: a mask stands
/// somewhere above, through scales and masks.
bool isMasked(mlir::Value scores);

/// True if the factor is a power of two (of either sign), so that a product
/// with it is exact, but for subnormal results and overflow.
bool isPowerOfTwo(double factor);

/// Whether row t of the result is computed from row t of the operands alone,
/// and from where that is: so that it means the same for the next tokens of a
/// sequence, without the others. Attention counts as such, whose keys a cache
/// can hold.
bool seesOwnRowOnly(mlir::Operation *op);

} // namespace tenon

#endif // TENON_LIB_DIALECT_TENON_TRANSFORMS_VALUES_H
