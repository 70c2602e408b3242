//===- Matmul.cpp - kernel of products that no fusion took ----------------===//

#include "Emitters.h"

using namespace mlir;
using namespace tenon;
using namespace tenon::rows;

/// True if neighbours in the last dimension are neighbours in memory.
static bool isRowContiguous(Value memref) {
  auto [strides, offset] =
      cast<MemRefType>(memref.getType()).getStridesAndOffset();
  return strides.back() == 1;
}

/// Each output is a chain of multiply-adds over k in order. Columns are in the
/// lanes, or one by one where the right operand is a transposed view. Correct
/// for any layout, fast for none: products that matter become tenon.linear or
/// tenon.attention.
void rows::emit(KernelBuilder &b, MatmulOp op) {
  Value lhs = op.getLhs(), rhs = op.getRhs(), output = op.getOut();
  auto lhsType = cast<MemRefType>(lhs.getType());
  bool batched = lhsType.getRank() == 3;
  int64_t group = batched ? lhsType.getDimSize(0) /
                                cast<MemRefType>(rhs.getType()).getDimSize(0)
                          : 1;
  Value depth = b.materialize(b.dim(lhs, lhsType.getRank() - 1));
  bool vectors = isRowContiguous(rhs) && isRowContiguous(output);
  b.loopNest(leadingDims(b, output), [&](ValueRange row) {
    auto rhsAt = [&](Value k, Value column) {
      KernelBuilder::Values indices;
      if (batched)
        indices.push_back(arith::DivUIOp::create(b, row[0], b.index(group)));
      indices.append({k, column});
      return indices;
    };
    if (vectors) {
      b.forEachVector(lastDim(b, output), [&](Value column, Value mask) {
        KernelBuilder::Values sum = b.loop(
            b.index(0), depth, 1, b.splat(0.0), [&](Value k, ValueRange args) {
              Value x = b.splat(b.loadScalar(lhs, at(row, k)));
              Value y = b.load(rhs, rhsAt(k, column), mask);
              return KernelBuilder::Values{b.fma(x, y, args[0])};
            });
        b.store(sum[0], output, at(row, column), mask);
      });
      return;
    }
    b.loop(b.index(0), b.materialize(lastDim(b, output)), 1, [&](Value column) {
      KernelBuilder::Values sum = b.loop(
          b.index(0), depth, 1, b.f32(0.0), [&](Value k, ValueRange args) {
            Value x = b.loadScalar(lhs, at(row, k));
            Value y = b.loadScalar(rhs, rhsAt(k, column));
            return KernelBuilder::Values{b.fma(x, y, args[0])};
          });
      b.storeScalar(sum[0], output, at(row, column));
    });
  });
}
