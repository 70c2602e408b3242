//===- Experts.h - the rows that an expert computes -------------*- C++ -*-===//

#ifndef TENON_LIB_EVALUATE_EXPERTS_H
#define TENON_LIB_EVALUATE_EXPERTS_H

#include "tenon/Evaluate/Evaluator.h"

namespace tenon {

/// The tokens that an expert computes: those whose gate, of `[T, experts]`,
/// isn't zero.
std::vector<int64_t> tokensOf(const NumberArray &gates, int64_t expert);

/// `columns` columns from `first` on of some rows of an array, in their order.
NumberArray gatherRows(const NumberArray &from, llvm::ArrayRef<int64_t> rows,
                       int64_t first, int64_t columns);
/// The same with all columns.
NumberArray gatherRows(const NumberArray &from, llvm::ArrayRef<int64_t> rows);

} // namespace tenon

#endif // TENON_LIB_EVALUATE_EXPERTS_H
