//===- TenonMixture.h - mixtures of experts ---------------------*- C++ -*-===//
//
// Operations of the tenon dialect that few files need; TenonMixtureOps.td
// documents them.
//
//===----------------------------------------------------------------------===//

#ifndef TENON_DIALECT_TENON_IR_TENONMIXTURE_H
#define TENON_DIALECT_TENON_IR_TENONMIXTURE_H

#include "tenon/Dialect/Tenon/IR/TenonDialect.h"

#define GET_OP_CLASSES
#include "tenon/Dialect/Tenon/IR/TenonMixtureOps.h.inc"

namespace tenon {

/// On a stacked weight: how many experts each layer has. The stack's index
/// counts layers and experts, i E + e; a source's name has `{e}` for the
/// expert, or is that of one tensor with the experts as first dimension.
/// `layers` has a number for each layer, not for each expert.
inline constexpr llvm::StringLiteral kExpertsAttrName = "tenon.experts";

/// The experts of each layer; 1 for a weight without.
inline int64_t getExperts(WeightOp weight) {
  auto attr = weight->getAttrOfType<mlir::IntegerAttr>(kExpertsAttrName);
  return attr && attr.getInt() > 0 ? attr.getInt() : 1;
}

/// Says so of a weight, whose type and layers come next.
inline void setExperts(WeightOp weight, int64_t experts) {
  if (experts > 1)
    weight->setAttr(
        kExpertsAttrName,
        mlir::Builder(weight.getContext()).getI64IntegerAttr(experts));
}

/// How many columns of a row of gates are not 0 at most: those of a
/// `tenon.top_k` that the value comes from through operations that keep zeros;
/// all columns, if there is none.
int64_t getMostNonzero(mlir::Value gates);

} // namespace tenon

#endif // TENON_DIALECT_TENON_IR_TENONMIXTURE_H
