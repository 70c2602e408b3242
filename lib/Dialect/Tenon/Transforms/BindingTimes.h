//===- BindingTimes.h - what of a function is known when --------*- C++ -*-===//

#ifndef TENON_LIB_DIALECT_TENON_TRANSFORMS_BINDINGTIMES_H
#define TENON_LIB_DIALECT_TENON_TRANSFORMS_BINDINGTIMES_H

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "tenon/Dialect/Tenon/IR/EntryAttrs.h"
#include "tenon/Dialect/Tenon/IR/TenonDialect.h"

namespace tenon {

/// When a value is known, later times last: with the weights, with the source
/// (inputs marked `tenon.source`), with the tokens.
enum class Time { Static, Source, Token };

/// What an attention of a decoder reads.
enum class AttentionKind {
  Source, ///< the source asks itself: computed once with it
  Self,   ///< tokens ask tokens
  Cross,  ///< tokens ask the source
  Mixed,  ///< keys of one and values of the other, or of neither
};

/// The binding times of a function's values (Jones, Gomard and Sestoft 1993):
/// the least that every operation's operands allow; what a loop carries is
/// known as late as any of its values.
class BindingTimes {
public:
  explicit BindingTimes(mlir::func::FuncOp function);

  Time of(mlir::Value value) const { return times.lookup(value); }
  /// Of an operation: the latest of its results and of all that it reads.
  Time of(mlir::Operation *op) const;
  AttentionKind kindOf(AttentionOp op) const;
  /// Whether any input is the source's.
  bool hasSource() const { return sourced; }

  /// Checks that tokens meet the source in attention only, as keys and values.
  /// Errors name both places.
  mlir::LogicalResult check(mlir::func::FuncOp function) const;

private:
  bool raise(mlir::Value value, Time time);
  bool visit(mlir::Operation *op);

  llvm::DenseMap<mlir::Value, Time> times; // Static: not in here
  bool sourced = false;
};

} // namespace tenon

#endif // TENON_LIB_DIALECT_TENON_TRANSFORMS_BINDINGTIMES_H
