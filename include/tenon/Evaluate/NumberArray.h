//===- NumberArray.h - values of an evaluation ------------------*- C++ -*-===//
//
// What values of the tensor stages are when they are evaluated: numbers in
// double precision, integers, caches of keys and values, and memory.
//
//===----------------------------------------------------------------------===//

#ifndef TENON_EVALUATE_NUMBERARRAY_H
#define TENON_EVALUATE_NUMBERARRAY_H

#include "tenon/Dialect/Tenon/IR/TenonDialect.h"
#include "llvm/ADT/APInt.h"

#include <map>
#include <memory>
#include <optional>
#include <vector>

namespace tenon {

/// Dense numbers in C order. Integers are numbers, too. Of a tensor of int8
/// groups it holds the numbers that the groups stand for, `[T, 32 G]`.
struct NumberArray {
  llvm::SmallVector<int64_t, 4> shape;
  std::vector<double> values;

  NumberArray() = default;
  /// Zeros.
  explicit NumberArray(llvm::ArrayRef<int64_t> shape);

  int64_t rank() const { return shape.size(); }
  /// Extent of the last dimension; 1 without dimensions.
  int64_t columns() const { return shape.empty() ? 1 : shape.back(); }
  /// Product of all other extents.
  int64_t rows() const {
    int64_t count = columns();
    return count ? static_cast<int64_t>(values.size()) / count : 0;
  }
  double *row(int64_t i) { return values.data() + i * columns(); }
  const double *row(int64_t i) const { return values.data() + i * columns(); }
};

/// What a `!tenon.kv_cache` holds: of each layer and sequence the tokens that
/// were appended, rounded to the cache's element.
struct CacheState {
  struct Token {
    std::vector<double> key, value; ///< [heads, dim]; empty: not appended
  };
  KVCacheType type;
  /// By layer and sequence, then by position.
  std::map<std::pair<int64_t, int64_t>, std::vector<Token>> tokens;

  explicit CacheState(KVCacheType type) : type(type) {}
};

/// One value: exactly one of the members is there.
struct EvaluatedValue {
  std::shared_ptr<const NumberArray> array;
  std::optional<llvm::APInt> integer; ///< an index has 64 bits
  std::shared_ptr<CacheState> cache;
  std::shared_ptr<NumberArray>
      memory; ///< a memref: what it is changed in place

  static EvaluatedValue of(NumberArray numbers) {
    return {
        std::make_shared<const NumberArray>(std::move(numbers)), {}, {}, {}};
  }
  static EvaluatedValue of(llvm::APInt number) {
    return {{}, std::move(number), {}, {}};
  }
  static EvaluatedValue ofIndex(int64_t number) {
    return of(
        llvm::APInt(64, static_cast<uint64_t>(number), /*isSigned=*/true));
  }
  static EvaluatedValue of(std::shared_ptr<CacheState> state) {
    return {{}, {}, std::move(state), {}};
  }
  static EvaluatedValue of(std::shared_ptr<NumberArray> memory) {
    return {{}, {}, {}, std::move(memory)};
  }
};

/// The numbers that memory of this element type holds of an array: rounded to
/// bf16, f16, or to int8 groups, whose last dimension becomes whole groups. f32
/// and f64 stay as they are: an evaluation knows the exact numbers.
NumberArray roundTo(mlir::RankedTensorType type, NumberArray array);

/// The same numbers in the shape that an array of this type has: rows of int8
/// groups are filled up with zeros.
NumberArray fillGroups(mlir::RankedTensorType type, NumberArray array);

/// One number, as the element of a cache or a plain tensor holds it.
double roundTo(mlir::Type element, double number);

/// Rounds the components of a token's key or value, of one head, to the element
/// of a cache; int8 as `!tenon.int8_tokens` says.
void roundToCache(mlir::Type element, llvm::MutableArrayRef<double> components);

/// How far apart two arrays are: the greatest difference over the greatest
/// magnitude in `expected`. Infinite if shapes differ, or if a number is
/// missing (NaN or infinite) in one of them only.
double relativeError(const NumberArray &actual, const NumberArray &expected);

} // namespace tenon

#endif // TENON_EVALUATE_NUMBERARRAY_H
