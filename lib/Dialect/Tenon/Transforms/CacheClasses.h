//===- CacheClasses.h - which cache an attention has, and where -*- C++ -*-===//

#ifndef TENON_LIB_DIALECT_TENON_TRANSFORMS_CACHECLASSES_H
#define TENON_LIB_DIALECT_TENON_TRANSFORMS_CACHECLASSES_H

#include "BindingTimes.h"

namespace tenon {

/// Capacities are multiples of this: blocks of keys have 128 tokens, and the
/// last one is whole.
inline constexpr int64_t kCacheGranularity = 128;

/// What attentions that share a cache have in common.
struct CacheKey {
  mlir::RankedTensorType keys, values; ///< [G, ?, D] each
  bool isSource = false;               ///< keys of the source, written once
  /// Tokens of a ring that has room for the window and for the tokens of one
  /// call; 0: the cache keeps all tokens of the context.
  int64_t ring = 0;

  bool operator==(const CacheKey &) const = default;
};

/// The most tokens that there can be, 0 where that is not known.
struct CacheLimits {
  int64_t context = 0; ///< in a sequence
  int64_t chunk = 0;   ///< in a call

  /// CacheKey::ring of an attention to a window; 0 without.
  int64_t ringOf(std::optional<int64_t> window) const;
};

/// The attentions of a function that read a cache: for each class of them a
/// cache of its own, with a layer for every execution, in the order of
/// execution; the index of a layer is affine in the induction variables.
class CacheClasses {
public:
  struct Class {
    CacheKey key;
    AttentionOp first; ///< of this class
    int64_t layers = 0;
  };

  /// Finds the classes, in the order of their first attention. An attention in
  /// an operation that is no loop with constant bounds is an error.
  static mlir::FailureOr<CacheClasses> find(mlir::func::FuncOp function,
                                            const BindingTimes &times,
                                            const CacheLimits &limits);

  llvm::ArrayRef<Class> classes() const { return all; }
  unsigned classOf(AttentionOp op) const { return places.lookup(op).number; }
  /// The layer of an attention in its cache, computed at the builder's place,
  /// which is in the attention's block.
  mlir::Value materializeLayer(mlir::OpBuilder &builder, AttentionOp op) const;
  /// The attentions, in the order of execution.
  llvm::ArrayRef<AttentionOp> attentions() const { return ops; }

private:
  struct Place {
    unsigned number; ///< of the class
    int64_t ordinal; ///< among those of the class in its block
  };
  struct Loop {
    /// By class: layers before the loop in its parent's iteration, and layers
    /// that one iteration takes.
    llvm::SmallVector<int64_t> first, perIteration;
    int64_t lower, step;
  };

  mlir::LogicalResult number(mlir::Block &block, const BindingTimes &times,
                             llvm::SmallVector<int64_t> &next);

  llvm::SmallVector<Class> all;
  llvm::SmallVector<AttentionOp> ops;
  llvm::DenseMap<mlir::Operation *, Place> places;
  llvm::DenseMap<mlir::Operation *, Loop> loops;
};

} // namespace tenon

#endif // TENON_LIB_DIALECT_TENON_TRANSFORMS_CACHECLASSES_H
