//===- EntryWrapper.h - what the runtime calls ------------------*- C++ -*-===//

#ifndef TENON_LIB_CONVERSION_TENONTOLLVM_ENTRYWRAPPER_H
#define TENON_LIB_CONVERSION_TENONTOLLVM_ENTRYWRAPPER_H

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"

namespace tenon {

/// Builds `void tenon_entry_<name>(const TenonFrame *)` after `entry`, which
/// has the arguments of an entry point as bare pointers and i64 (the frame is
/// that of include/tenon/Runtime/Abi.h).
mlir::LLVM::LLVMFuncOp createEntryWrapper(mlir::LLVM::LLVMFuncOp entry);

} // namespace tenon

#endif // TENON_LIB_CONVERSION_TENONTOLLVM_ENTRYWRAPPER_H
