//===- PassDiagnostics.h - what passes report, as compilers do --*- C++ -*-===//

#ifndef TENON_LIB_DRIVER_PASSDIAGNOSTICS_H
#define TENON_LIB_DRIVER_PASSDIAGNOSTICS_H

#include "mlir/IR/Diagnostics.h"
#include "llvm/Support/raw_ostream.h"

namespace tenon {

/// While it lives, diagnostics of a context are printed as
/// `file:line:col: severity: message`, at the place in the .tenon file that
/// their location leads to. Fused locations name their first place.
class PassDiagnostics : public mlir::ScopedDiagnosticHandler {
public:
  PassDiagnostics(mlir::MLIRContext *context, llvm::raw_ostream &os);
};

} // namespace tenon

#endif // TENON_LIB_DRIVER_PASSDIAGNOSTICS_H
