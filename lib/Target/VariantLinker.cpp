//===- VariantLinker.cpp - kernels of several CPUs in one module ----------===//
//
// LLVM compiles each function for the CPU that its attributes name, hence one
// module can hold the kernels of several. Each is optimized on its own first:
// nothing is called, or merged, across them.
//
//===----------------------------------------------------------------------===//

#include "tenon/Target/CodeGen.h"
#include "llvm/IR/DebugInfo.h"
#include "llvm/Linker/Linker.h"
#include "llvm/Transforms/Utils/Cloning.h"

using namespace llvm;
using namespace tenon;

/// Gives the functions that a module defines names of their own.
static void addSuffix(Module &module, StringRef suffix) {
  for (Function &function : module)
    if (!function.isDeclaration())
      function.setName(function.getName() + "." + suffix);
}

Status VariantLinker::add(mlir::ModuleOp source, TargetAttr target,
                          bool isOnly) {
  tenon::Expected<CodeGenerator> generator =
      CodeGenerator::create(target, options);
  if (!generator)
    return generator.takeError();
  std::unique_ptr<Module> module = generator->translate(source, context);
  if (!module)
    return plainError("the module could not be translated to LLVM IR");
  generator->optimize(*module);
  if (!best)
    best = std::move(*generator);
  if (!isOnly) {
    // Two variants of one CPU differ in their features.
    size_t same = count_if(variants, [&](const CompiledVariant &other) {
      return other.target.getCpu() == target.getCpu();
    });
    std::string suffix = target.getCpu().str();
    if (same)
      suffix += "-" + std::to_string(same + 1);
    addSuffix(*module, suffix);
  }
  variants.push_back(findEntries(*module, target));
  if (!linked)
    linked = std::move(module);
  else if (Linker::linkModules(*linked, std::move(module)))
    return plainError("LLVM cannot link the variants' modules");
  return Status::success();
}

tenon::Expected<SmallVector<char, 0>> VariantLinker::emit(CodeGenFile kind) {
  assert(linked && "no variant was added");
  addVariantTable(*linked, variants);
  // Not before: what nothing refers to would not be linked.
  if (variants.size() > 1)
    for (const CompiledVariant &variant : variants)
      for (const CompiledVariant::Entry &entry : variant.entries)
        linked->getFunction(entry.symbol)
            ->setLinkage(GlobalValue::InternalLinkage);
  if (options.keepListing && kind == CodeGenFile::Object)
    return best->emitListed(std::move(linked), listing);
  if (options.keepListing) {
    tenon::Expected<SmallVector<char, 0>> object =
        best->emitListed(CloneModule(*linked), listing);
    if (!object)
      return object.takeError();
    StripDebugInfo(*linked);
  }
  return best->emit(std::move(linked), kind);
}
