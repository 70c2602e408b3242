//===- Registration.h - the dialects and passes of Tenon --------*- C++ -*-===//
//
// What tenonc and tenon-opt know: one place, so that both know the same.
//
//===----------------------------------------------------------------------===//
#ifndef TENON_DRIVER_REGISTRATION_H
#define TENON_DRIVER_REGISTRATION_H

namespace mlir {
class DialectRegistry;
} // namespace mlir

namespace tenon {

/// The tenon dialect, the upstream dialects that its lowering uses, and the
/// interfaces and translations to LLVM IR of both.
void registerAllDialects(mlir::DialectRegistry &registry);

/// Those that a compilation goes through, and no others.
void registerCompilerDialects(mlir::DialectRegistry &registry);

/// Every pass of Tenon, its named pipelines, and the upstream passes that the
/// pipelines use. Once per process: the registry is MLIR's global one.
void registerAllPasses();

} // namespace tenon

#endif // TENON_DRIVER_REGISTRATION_H
