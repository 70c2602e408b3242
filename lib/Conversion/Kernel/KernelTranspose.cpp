//===- KernelTranspose.cpp - transposition in registers -------------------===//

#include "tenon/Conversion/KernelBuilder.h"

using namespace mlir;
using namespace tenon;

// Stage s exchanges, in every 2s x 2s square, the upper right s x s square with
// the lower left one: log2 n stages of two-operand shuffles.
KernelBuilder::Values KernelBuilder::transpose(ValueRange rows) {
  Values matrix(rows);
  int64_t size = matrix.size();
  for (int64_t s = 1; s < size; s *= 2) {
    SmallVector<int64_t> upper, lower;
    for (int64_t j = 0; j < size; ++j) {
      upper.push_back(j & s ? size + j - s : j);
      lower.push_back(j & s ? size + j : j + s);
    }
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
