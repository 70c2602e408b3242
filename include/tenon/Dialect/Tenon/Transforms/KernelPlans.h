//===- KernelPlans.h - plans that were measured -----------------*- C++ -*-===//
//
// What `tenonc --tune` searches and its database keeps: for a kernel of a
// model, known by a key, the numbers of its tile and its plan.
//
//===----------------------------------------------------------------------===//

#ifndef TENON_DIALECT_TENON_TRANSFORMS_KERNELPLANS_H
#define TENON_DIALECT_TENON_TRANSFORMS_KERNELPLANS_H

#include "tenon/Dialect/Tenon/IR/Plan.h"

#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace tenon {

/// On a module: plans that were measured for this target, a dictionary from
/// getKernelKey to KernelPlan::toAttr. tenon-select-tiles takes them before its
/// own choice, and the attribute away.
inline constexpr llvm::StringLiteral kTunedAttrName = "tenon.tuned";

/// What the plan of an operation on tensors depends on: operation, rows ("any":
/// those of a prompt), shape, formats and what else is computed with it.
///
///   linear/m:any/n:2048/k:8192/type:q4_0/input:int8/residual
///   attention/m:1/heads:32/kv-heads:8/head-dim:64/type:f16/causal
///
/// Empty for an operation that has no plan, or whose plan is not measured: a
/// linear of weights that aren't packed, attention of several sequences.
std::string getKernelKey(mlir::Operation *op);

/// The numbers of a tile and a plan that are searched. Columns of a tile are
/// none of them: those of attention decide about bits.
struct KernelPlan {
  /// Of a linear: `tile.rows`, `tile.group`, and the plan.
  int64_t rows = 1, group = 1;
  LinearPlan linear;
  /// Of attention: the plan, and nothing else.
  std::optional<AttentionPlan> attention;

  /// What is on an operation that has a tile and a plan; nothing if it hasn't.
  static std::optional<KernelPlan> of(mlir::Operation *op);
  /// Puts them on an operation that has a tile.
  void put(mlir::Operation *op) const;

  /// As a value of `tenon.tuned`: {group = ..., plan = #tenon.plan<...>, rows =
  /// ...}, or {plan = #tenon.attention_plan<...>}. Null, and an error, if a
  /// number is out of its range.
  mlir::DictionaryAttr
  toAttr(mlir::MLIRContext *context,
         llvm::function_ref<mlir::InFlightDiagnostic()> emitError) const;
  /// Reads such a value; nothing if it is none.
  static std::optional<KernelPlan> of(mlir::Attribute attr);

  /// All fields by the names of #tenon.tile and #tenon.plan. Prefetching is
  /// ROWS:DISTANCE:CACHE for each entry, with a + between, or "none".
  std::vector<std::pair<llvm::StringRef, std::string>> fields() const;
  /// Sets a field; false if there is none of this name or it takes no such
  /// value.
  bool set(llvm::StringRef name, llvm::StringRef value);

  bool operator==(const KernelPlan &other) const {
    return fields() == other.fields();
  }
};

} // namespace tenon

#endif // TENON_DIALECT_TENON_TRANSFORMS_KERNELPLANS_H
