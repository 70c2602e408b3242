//===- TileBuilder.h - dispatches of tile-level operations ------*- C++ -*-===//

#ifndef TENON_LIB_DIALECT_TENON_MEMORY_TILEBUILDER_H
#define TENON_LIB_DIALECT_TENON_MEMORY_TILEBUILDER_H

#include "mlir/Dialect/SCF/IR/SCF.h"
#include "tenon/Dialect/Tenon/IR/TenonDialect.h"

namespace tenon {

/// A range of one dimension: where it starts, and how long it is.
struct TileRange {
  unsigned dim;
  mlir::OpFoldResult offset, size;
};

/// Builds what the tilings of all kinds of operation need.
class TileBuilder {
public:
  TileBuilder(mlir::OpBuilder &builder, mlir::Location loc)
      : builder(builder), loc(loc) {}

  mlir::Value constant(int64_t value);
  mlir::Value add(mlir::Value a, mlir::Value b);
  mlir::Value multiply(mlir::Value a, int64_t b);
  /// ceil(a / b), folded if a is constant.
  mlir::Value ceilDivide(mlir::Value a, int64_t b);
  mlir::Value minimum(mlir::Value a, mlir::Value b);
  /// The extent of a dimension as a value.
  mlir::Value extent(mlir::Value memref, unsigned dim);
  /// The part of a memref in the given ranges, whole in other dimensions.
  mlir::Value view(mlir::Value memref, llvm::ArrayRef<TileRange> ranges);
  /// A copy of a buffer-form operation on other operands.
  mlir::Operation *cloneWith(mlir::Operation *op,
                             llvm::ArrayRef<mlir::Value> operands);
  /// In a dispatch's body: `last` in the last of `tasks` tasks and `full` in
  /// the others, so that each has static shapes.
  void whereLast(mlir::Value task, int64_t tasks,
                 llvm::function_ref<void()> last,
                 llvm::function_ref<void()> full);

  mlir::OpBuilder &builder;
  mlir::Location loc;
};

/// Replaces an operation in buffer form by a dispatch of tiles; returns whether
/// it has more than one task, or failure with a diagnostic.
mlir::FailureOr<bool> tileLinear(LinearOp op);
mlir::FailureOr<bool> tileAttention(BlockAttentionOp op);
mlir::FailureOr<bool> tileParts(PartialAttentionOp op);
mlir::FailureOr<bool> tileAppend(AppendKVOp op);
mlir::FailureOr<bool> tileRows(mlir::Operation *op);
/// Of the operations of learning that are no compute operations.
mlir::FailureOr<bool> tileTraining(mlir::Operation *op);
/// Whether that is one.
bool isTrainingOp(mlir::Operation *op);

/// Makes one dispatch of a parallel loop over tokens of different sequences
/// that holds a dispatch.
mlir::LogicalResult flattenForall(mlir::scf::ForallOp loop);

inline mlir::MemRefType memrefOf(mlir::Value value) {
  return mlir::cast<mlir::MemRefType>(value.getType());
}
/// The number of tasks of `bytes` each that make a chunk, at most all.
int64_t chooseGrain(int64_t bytes, int64_t tasks);
/// A dispatch of one task: the operation as it is.
mlir::FailureOr<bool> keepWhole(mlir::Operation *op);
/// The label of an operation, or its kind.
llvm::StringRef getLabel(mlir::Operation *op);

} // namespace tenon

#endif // TENON_LIB_DIALECT_TENON_MEMORY_TILEBUILDER_H
