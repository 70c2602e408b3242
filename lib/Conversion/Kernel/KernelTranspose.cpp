//===- KernelTranspose.cpp - transposition in registers -------------------===//

#include "tenon/Conversion/KernelBuilder.h"

using namespace mlir;
using namespace tenon;

/// What lanes of a and c, distance s apart, the two shuffles of stage s take.
static std::pair<SmallVector<int64_t>, SmallVector<int64_t>>
exchange(int64_t size, int64_t s) {
  SmallVector<int64_t> upper, lower;
  for (int64_t j = 0; j < size; ++j) {
    upper.push_back(j & s ? size + j - s : j);
    lower.push_back(j & s ? size + j : j + s);
  }
  return {upper, lower};
}

// Stage s exchanges, in every 2s x 2s square, the upper right s x s square with
// the lower left one: log2 n stages of two-operand shuffles.
KernelBuilder::Values KernelBuilder::transpose(ValueRange rows) {
  Values matrix(rows);
  int64_t size = matrix.size();
  for (int64_t s = 1; s < size; s *= 2) {
    auto [upper, lower] = exchange(size, s);
    for (int64_t i = 0; i < size; ++i) {
      if (i & s)
        continue;
      Value a = matrix[i], c = matrix[i + s];
      matrix[i] = vector::ShuffleOp::create(*this, a, c, upper);
      matrix[i + s] = vector::ShuffleOp::create(*this, a, c, lower);
    }
  }
  return matrix;
}

// The stages of the transposition, where the two rows of a pair are combined at
// once: half of the registers are left after each.
Value KernelBuilder::reduceRows(
    ValueRange rows, llvm::function_ref<Value(Value, Value)> combine) {
  Values left(rows);
  int64_t size = left.size();
  for (int64_t s = 1; s < size; s *= 2) {
    auto [upper, lower] = exchange(size, s);
    for (int64_t i = 0; i < size; i += 2 * s)
      left[i] = combine(
          vector::ShuffleOp::create(*this, left[i], left[i + s], upper),
          vector::ShuffleOp::create(*this, left[i], left[i + s], lower));
  }
  return left.front();
}
