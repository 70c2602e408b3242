//===- VerifyShapes.h - what the verifiers share ----------------*- C++ -*-===//
//
// Extents are those of ShapedType: ShapedType::kDynamic if not known. Modules
// are written by hand, too, so no verifier divides by an extent unchecked.
//
//===----------------------------------------------------------------------===//

#ifndef TENON_LIB_DIALECT_TENON_IR_VERIFYSHAPES_H
#define TENON_LIB_DIALECT_TENON_IR_VERIFYSHAPES_H

#include "tenon/Dialect/Tenon/IR/TenonDialect.h"

namespace tenon::detail {

/// True if two extents can be equal.
inline bool compatible(int64_t a, int64_t b) {
  return mlir::ShapedType::isDynamic(a) || mlir::ShapedType::isDynamic(b) ||
         a == b;
}

/// True if so many heads share so many groups of keys and values evenly: both
/// are known, neither is 0.
inline bool sharesHeads(int64_t heads, int64_t groups) {
  return heads > 0 && groups > 0 && heads % groups == 0;
}

/// Checks the window of a causal mask, in tokens: it counts back from the
/// query, which needs an order.
mlir::LogicalResult verifyWindow(mlir::Operation *op,
                                 std::optional<int64_t> window, bool causal);

/// Checks a weight of biases of scores: [H, 2 R + 1], or [H, S] by key.
mlir::LogicalResult verifyBiasWeight(WeightOp op);

/// The links of a chain of scores, as any form of attention has them.
struct ScoreChain {
  /// Query heads.
  int64_t heads;
  mlir::Value bias, sink;
  bool isByKey;
  std::optional<llvm::APFloat> cap, biasScale;
  std::optional<int64_t> window, band;
  bool isCausal;

  template <typename Op> static ScoreChain of(Op op, mlir::Value query) {
    return {mlir::cast<mlir::ShapedType>(query.getType()).getDimSize(0),
            op.getBias(),
            op.getSink(),
            op.getBiasByKey(),
            op.getCap(),
            op.getBiasScale(),
            op.getWindow(),
            op.getBand(),
            op.getCausal()};
  }
};
mlir::LogicalResult verifyChain(mlir::Operation *op, const ScoreChain &chain);
/// Checks a bias [heads, 2 R + 1], or [heads, S] by key; a null one is fine.
mlir::LogicalResult verifyBias(mlir::Operation *op, mlir::Value bias,
                               int64_t heads, bool isByKey);
/// Checks a sink [heads]; a null one is fine.
mlir::LogicalResult verifySink(mlir::Operation *op, mlir::Value sink,
                               int64_t heads);

/// Both values have the same shape, or an error that names both.
mlir::LogicalResult expectSameShape(mlir::Operation *op, mlir::Value a,
                                    llvm::StringRef nameA, mlir::Value b,
                                    llvm::StringRef nameB);

/// Replaces an operation in tensor form by its input, if the types agree.
mlir::LogicalResult
foldToInput(mlir::Operation *op, bool isIdentity,
            llvm::SmallVectorImpl<mlir::OpFoldResult> &results);

/// What a mixture and its gradient ask alike: gates with a column for each
/// expert, and inputs and `last` (result or its gradient) with as many rows.
mlir::LogicalResult verifyExperts(mlir::Operation *op,
                                  mlir::RankedTensorType gates, int64_t top,
                                  int64_t experts, mlir::ValueRange inputs,
                                  mlir::Type last);

} // namespace tenon::detail

#endif // TENON_LIB_DIALECT_TENON_IR_VERIFYSHAPES_H
