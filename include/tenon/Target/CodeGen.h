//===- CodeGen.h - from the llvm dialect to machine code --------*- C++ -*-===//
//
// The last stages, in memory: LLVM IR, optimized, then assembly or an object
// for one target. The object defines the entry points `tenon_entry_<name>` and
// the table that the runtime finds them by (tenon/Runtime/Abi.h).
//
//===----------------------------------------------------------------------===//
#ifndef TENON_TARGET_CODEGEN_H
#define TENON_TARGET_CODEGEN_H

#include "mlir/IR/BuiltinOps.h"
#include "tenon/Dialect/Tenon/IR/TenonDialect.h"
#include "tenon/Support/Error.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/IR/Module.h"
#include "llvm/Target/TargetMachine.h"

#include <memory>

namespace tenon {

struct CodeGenOptions {
  /// 0 to 3, as in clang. The vectorizers are off at every level: kernels
  /// arrive vectorized, and must compute in the order that they state (I5).
  unsigned optLevel = 2;
  /// Keep MLIR's locations as line tables.
  bool debugLines = false;
};

enum class CodeGenFile { Assembly, Object };

/// One target's code generator. Not thread safe.
class CodeGenerator {
public:
  /// Errors: LLVM was built without the target.
  static Expected<CodeGenerator> create(TargetAttr target,
                                        const CodeGenOptions &options = {});

  /// Translates a module of the llvm dialect, with the target's attributes on
  /// its functions and the table of entry points added. What goes wrong is
  /// reported through the MLIR context's diagnostics, and by a null result.
  std::unique_ptr<llvm::Module> translate(mlir::ModuleOp module,
                                          llvm::LLVMContext &context);

  /// Runs LLVM's middle end.
  void optimize(llvm::Module &module);

  /// Position-independent machine code, or its assembly. Consumes the module.
  Expected<llvm::SmallVector<char, 0>>
  emit(std::unique_ptr<llvm::Module> module, CodeGenFile kind);

private:
  CodeGenerator(TargetAttr target, const CodeGenOptions &options,
                std::unique_ptr<llvm::TargetMachine> machine)
      : target(target), options(options), machine(std::move(machine)) {}

  TargetAttr target;
  CodeGenOptions options;
  std::unique_ptr<llvm::TargetMachine> machine;
};

/// Adds the definitions of tenon_variants and tenon_num_variants: one variant
/// with every function of the module whose name starts with "tenon_entry_".
void addVariantTable(llvm::Module &module, TargetAttr target);

} // namespace tenon

#endif // TENON_TARGET_CODEGEN_H
