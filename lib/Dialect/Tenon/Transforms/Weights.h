//===- Weights.h - weights of a module, made and looked up ------*- C++ -*-===//
//
// What the passes on tensors share: `tenon.weight` symbols and references.
//
//===----------------------------------------------------------------------===//

#ifndef TENON_LIB_DIALECT_TENON_TRANSFORMS_WEIGHTS_H
#define TENON_LIB_DIALECT_TENON_TRANSFORMS_WEIGHTS_H

#include "mlir/IR/PatternMatch.h"
#include "tenon/Dialect/Tenon/IR/TenonDialect.h"

namespace tenon {

/// The weights of a module. New ones stand behind the one they derive from.
class Weights {
public:
  explicit Weights(mlir::ModuleOp module) : module(module), symbols(module) {}

  /// The weight that a reference names; references are verified.
  WeightOp get(WeightRefOp ref) {
    return symbols.lookup<WeightOp>(ref.getWeight());
  }
  /// The weight whose value this is, or null; with `ref` the reference.
  WeightOp getWeightOf(mlir::Value value, WeightRefOp *ref = nullptr);

  /// A new weight. Its name is made unique. `layers` as in `tenon.weight`;
  /// `experts` as getExperts says.
  WeightOp create(WeightOp after, llvm::StringRef name,
                  mlir::RankedTensorType type,
                  llvm::ArrayRef<mlir::Attribute> sources, bool stacked,
                  mlir::Location loc, mlir::DenseI64ArrayAttr layers,
                  int64_t experts);

  /// The weight with columns and rows exchanged, for the checkpoint tensors
  /// that lie as [in, out]. One for each weight; null if it cannot be.
  WeightOp getTransposed(WeightOp weight);

  /// One weight with the rows of all, one after the other, or null if they do
  /// not go together. One for each list.
  WeightOp getConcatenated(llvm::ArrayRef<WeightOp> weights);

  /// Erases references that nobody reads, then the weights that nothing refers
  /// to; returns the number of those.
  unsigned eraseUnused();

private:
  mlir::ModuleOp module;
  mlir::SymbolTable symbols;
  llvm::DenseMap<mlir::Operation *, WeightOp> transposed;
  llvm::DenseMap<mlir::Attribute, WeightOp> concatenated;
};

/// True if the weights can be the rows of one: of one layer type but for the
/// rows, all stacked or none, read from the checkpoint, not packed.
bool canConcatenate(llvm::ArrayRef<WeightOp> weights);

/// A reference to a weight, of this layer if it is stacked.
WeightRefOp createRef(mlir::OpBuilder &builder, mlir::Location loc,
                      WeightOp weight, mlir::Value layer);

} // namespace tenon

#endif // TENON_LIB_DIALECT_TENON_TRANSFORMS_WEIGHTS_H
