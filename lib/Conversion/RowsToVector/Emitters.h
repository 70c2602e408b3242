//===- Emitters.h - one emitter for each row-wise operation -----*- C++ -*-===//
//
// Each emits the kernel of an operation in buffer form before it; the caller
// erases the operation.
//
//===----------------------------------------------------------------------===//

#ifndef TENON_LIB_CONVERSION_ROWSTOVECTOR_EMITTERS_H
#define TENON_LIB_CONVERSION_ROWSTOVECTOR_EMITTERS_H

#include "tenon/Conversion/KernelBuilder.h"

namespace tenon::rows {

/// The extents of all dimensions of a memref but the last.
inline llvm::SmallVector<mlir::OpFoldResult> leadingDims(KernelBuilder &b,
                                                         mlir::Value memref) {
  llvm::SmallVector<mlir::OpFoldResult> dims;
  int64_t rank = mlir::cast<mlir::MemRefType>(memref.getType()).getRank();
  for (int64_t i = 0; i + 1 < rank; ++i)
    dims.push_back(b.dim(memref, i));
  return dims;
}

inline mlir::OpFoldResult lastDim(KernelBuilder &b, mlir::Value memref) {
  return b.dim(memref,
               mlir::cast<mlir::MemRefType>(memref.getType()).getRank() - 1);
}

/// `row` followed by a column.
inline KernelBuilder::Values at(mlir::ValueRange row, mlir::Value column) {
  KernelBuilder::Values indices(row);
  indices.push_back(column);
  return indices;
}

// Elementwise.cpp
void emit(KernelBuilder &b, AddOp op);
void emit(KernelBuilder &b, SubOp op);
void emit(KernelBuilder &b, MulOp op);
void emit(KernelBuilder &b, DivOp op);
void emit(KernelBuilder &b, ScaleOp op);
void emit(KernelBuilder &b, ShiftOp op);
void emit(KernelBuilder &b, ReciprocalOp op);
void emit(KernelBuilder &b, ClampOp op);
void emit(KernelBuilder &b, ActivationOp op);
void emit(KernelBuilder &b, CastOp op);
void emit(KernelBuilder &b, CopyOp op);
void emit(KernelBuilder &b, ConcatOp op);
// Gather.cpp
void emit(KernelBuilder &b, EmbeddingOp op);
void emit(KernelBuilder &b, PositionsOp op);
void emit(KernelBuilder &b, RopeOp op);
// Reduce.cpp
void emit(KernelBuilder &b, ReduceOp op);
/// The sum over a row of static length of what `term` gives for each vector (0
/// in masked lanes): vector i goes to accumulator i % 4, the accumulators are
/// added in pairs, then the lanes by halves. This order depends on nothing but
/// the row's length and the vector width (I5).
mlir::Value
sumOverRow(KernelBuilder &b, int64_t length,
           llvm::function_ref<mlir::Value(mlir::Value column, mlir::Value mask,
                                          mlir::Value sum)>
               term);
// Norm.cpp
void emit(KernelBuilder &b, RmsNormOp op);
void emit(KernelBuilder &b, LayerNormOp op);
// Quantize.cpp
void emit(KernelBuilder &b, QuantizeOp op);
/// Writes a row of int8 groups, memref [M, G]. `number` gives the row's f32 at
/// `lanes` columns, 0 in lanes outside the mask.
void quantizeRow(
    KernelBuilder &b, int64_t length, mlir::Value output, mlir::Value row,
    llvm::function_ref<mlir::Value(mlir::Value column, mlir::Value mask)>
        number);
// Softmax.cpp
void emit(KernelBuilder &b, SoftmaxOp op);
void emit(KernelBuilder &b, CausalMaskOp op);
void emit(KernelBuilder &b, PaddingMaskOp op);
void emit(KernelBuilder &b, BandMaskOp op);
void emit(KernelBuilder &b, ScoreBiasOp op);
void emit(KernelBuilder &b, DistanceGatherOp op);
// Matmul.cpp
void emit(KernelBuilder &b, MatmulOp op);

} // namespace tenon::rows

#endif // TENON_LIB_CONVERSION_ROWSTOVECTOR_EMITTERS_H
