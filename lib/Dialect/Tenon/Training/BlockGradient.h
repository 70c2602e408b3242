//===- BlockGradient.h - there and back through a block ---------*- C++ -*-===//

#ifndef TENON_LIB_DIALECT_TENON_TRAINING_BLOCKGRADIENT_H
#define TENON_LIB_DIALECT_TENON_TRAINING_BLOCKGRADIENT_H

#include "Build.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/IR/SymbolTable.h"
#include "tenon/Dialect/Tenon/IR/TenonMixture.h"

namespace tenon {

/// What the way back went through.
struct GradientCounts {
  int64_t rules = 0, skipped = 0, loops = 0, kept = 0;
};

/// Rewrites a block of a function on tensors into its way forward, and then
/// builds the way back. Blocks of loops are done the same way, each by one more
/// `forward` and `backward`.
class BlockGradient {
public:
  /// `builder` stands where operations go. `counts` may be null. With
  /// `keepProducts`, the way back through a loop reads the products of its body
  /// instead of computing them again.
  BlockGradient(mlir::OpBuilder &builder, mlir::ModuleOp module,
                bool keepProducts, GradientCounts *counts)
      : builder(builder), symbols(module), keepProducts(keepProducts),
        counts(counts) {}

  /// A value of a loop's body that its way back reads instead of computing it
  /// again: of which operation of the original, and where it lies.
  struct KeptValue {
    mlir::Operation *original;
    StashOp stash;
    KeepOp keep;
  };
  /// What was built of an operation.
  struct Step {
    mlir::Operation *op;
    /// Of a loop: the one that it was built from, and what each trip began
    /// with, counted from 0.
    mlir::scf::ForOp original;
    mlir::Value stash;
    /// Values from outside, as they were mapped, that the loop reads and a
    /// weight is behind.
    llvm::SmallVector<mlir::Value> captured;
    llvm::SmallVector<KeptValue> kept;
  };
  using Tape = llvm::SmallVector<Step>;

  /// Copies the operations of `block` but its terminator; `mapping` has the
  /// values from outside. With a `tape` for the way back, loops keep what they
  /// carry. Errors: a loop that has no way back.
  mlir::LogicalResult forward(mlir::Block &block, mlir::IRMapping &mapping,
                              Tape *tape);
  /// Builds the way back, from the gradients that `adjoints` has of the
  /// results. Errors: an operation that has no rule.
  mlir::LogicalResult backward(const Tape &tape);

  Adjoints adjoints;

private:
  /// Notes which results a weight that learns is behind.
  void activate(mlir::Operation *op);
  mlir::FailureOr<mlir::scf::ForOp>
  forwardLoop(mlir::scf::ForOp loop, mlir::IRMapping &mapping, Tape *tape);
  mlir::LogicalResult checkLoop(mlir::scf::ForOp loop);
  /// Stashes for the values of a loop's body that are worth it, before the
  /// loop.
  llvm::SmallVector<KeptValue> stashProducts(mlir::scf::ForOp loop,
                                             const mlir::IRMapping &mapping,
                                             mlir::Value carried);
  /// Reads kept values where the body was computed again, of which `tape` is;
  /// forgets those that nothing reads.
  void readKept(const Step &step, const Tape &tape,
                const mlir::IRMapping &inner, mlir::Value trip);
  /// What the operations inside read from outside that has a gradient.
  llvm::SmallVector<mlir::Value> captures(mlir::Operation *op,
                                          const mlir::IRMapping &mapping);
  mlir::LogicalResult backwardLoop(const Step &step);
  mlir::LogicalResult backwardMixture(MixtureOp op);
  /// Whether a weight that learns is read inside.
  bool learns(mlir::Operation *op);

  mlir::OpBuilder &builder;
  mlir::SymbolTable symbols;
  bool keepProducts;
  GradientCounts *counts;
  /// What the loops around map values from outside to; the way back through a
  /// loop computes its body again.
  llvm::DenseMap<mlir::Operation *, mlir::IRMapping> outer;
};

} // namespace tenon

#endif // TENON_LIB_DIALECT_TENON_TRAINING_BLOCKGRADIENT_H
