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
#include "tenon/Target/CodeListing.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/IR/LLVMContext.h"
#include "llvm/IR/Module.h"
#include "llvm/Target/TargetMachine.h"

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace tenon {

struct CodeGenOptions {
  /// 0: nothing; 1 and 2: the passes that kernels gain from; 3: LLVM's whole
  /// default pipeline, which takes three times as long for the same speed. The
  /// vectorizers are off at every level: kernels arrive vectorized, and must
  /// compute in the order that they state (I5).
  unsigned optLevel = 2;
  /// Keep MLIR's locations as line tables.
  bool debugLines = false;
  /// Give the text of the code with the object (`VariantLinker::takeListing`).
  /// The object is the same as without.
  bool keepListing = false;
};

enum class CodeGenFile { Assembly, Object };

/// One target's code generator. Not thread safe.
class CodeGenerator {
public:
  /// Errors: LLVM was built without the target.
  static Expected<CodeGenerator> create(TargetAttr target,
                                        const CodeGenOptions &options = {});

  /// Translates a module of the llvm dialect, with the target's attributes on
  /// its functions. What goes wrong is reported through the MLIR context's
  /// diagnostics, and by a null result.
  std::unique_ptr<llvm::Module> translate(mlir::ModuleOp module,
                                          llvm::LLVMContext &context);

  /// Runs LLVM's middle end.
  void optimize(llvm::Module &module);

  /// Position-independent machine code, or its assembly. Functions may be those
  /// of several targets. Consumes the module.
  Expected<llvm::SmallVector<char, 0>>
  emit(std::unique_ptr<llvm::Module> module, CodeGenFile kind);

  /// An object as `emit` makes it, and the text of its functions with the
  /// lines that their instructions' locations name. With `keepListing` only.
  /// Consumes the module.
  Expected<llvm::SmallVector<char, 0>>
  emitListed(std::unique_ptr<llvm::Module> module,
             std::vector<ListedFunction> &functions);

private:
  CodeGenerator(TargetAttr target, const CodeGenOptions &options,
                std::shared_ptr<const llvm::Target> listingTarget,
                std::unique_ptr<llvm::TargetMachine> machine)
      : target(target), options(options),
        listingTarget(std::move(listingTarget)), machine(std::move(machine)) {}

  TargetAttr target;
  CodeGenOptions options;
  std::shared_ptr<const llvm::Target> listingTarget; ///< the machine's, if any
  std::unique_ptr<llvm::TargetMachine> machine;
};

/// The kernels of a model for one kind of CPU, as functions of a module.
struct CompiledVariant {
  TargetAttr target;
  struct Entry {
    std::string name;   ///< "decode"
    std::string symbol; ///< "tenon_entry_decode"
  };
  std::vector<Entry> entries;
};

/// The entry points of a module: every function whose name starts with
/// "tenon_entry_", up to a dot.
CompiledVariant findEntries(const llvm::Module &module, TargetAttr target);

/// Adds the definitions of tenon_variants, in this order, and of
/// tenon_num_variants.
void addVariantTable(llvm::Module &module,
                     llvm::ArrayRef<CompiledVariant> variants);

/// Gathers the variants of an executable in one module: the object, or the
/// assembly, of all.
class VariantLinker {
public:
  explicit VariantLinker(const CodeGenOptions &options = {})
      : options(options) {}

  /// Translates and optimizes a module of the llvm dialect. The best variant
  /// comes first. With several, functions are internal and have their CPU in
  /// the name; `isOnly` says that no other comes.
  Status add(mlir::ModuleOp module, TargetAttr target, bool isOnly);

  /// With the table of all variants. At the end: nothing can be added.
  Expected<llvm::SmallVector<char, 0>> emit(CodeGenFile kind);

  /// After `emit`, with `keepListing`: the text of the same code.
  std::vector<ListedFunction> takeListing() { return std::move(listing); }

private:
  CodeGenOptions options;
  llvm::LLVMContext context;
  std::optional<CodeGenerator> best; ///< of the first variant
  std::unique_ptr<llvm::Module> linked;
  std::vector<CompiledVariant> variants;
  std::vector<ListedFunction> listing;
};

} // namespace tenon

#endif // TENON_TARGET_CODEGEN_H
