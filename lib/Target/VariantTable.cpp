//===- VariantTable.cpp - how the runtime finds the kernels ---------------===//
//
// The constants of tenon/Runtime/Abi.h, built field by field:
//   struct TenonEntry   { const char *name; void (*fn)(const TenonFrame *); };
//   struct TenonVariant { const char *cpu, *features; uint32_t numEntries;
//                         const TenonEntry *entries; };
//
//===----------------------------------------------------------------------===//

#include "tenon/Target/CodeGen.h"
#include "tenon/Target/TargetDescription.h"
#include "llvm/IR/Constants.h"
#include "llvm/IR/DerivedTypes.h"

using namespace llvm;
using namespace tenon;

namespace {

Constant *makeConstant(Module &module, Constant *value, StringRef name,
                       GlobalValue::LinkageTypes linkage) {
  auto *global = new GlobalVariable(module, value->getType(),
                                    /*isConstant=*/true, linkage, value, name);
  if (linkage == GlobalValue::PrivateLinkage)
    global->setUnnamedAddr(GlobalValue::UnnamedAddr::Global);
  return global;
}

Constant *makeString(Module &module, StringRef text) {
  return makeConstant(module,
                      ConstantDataArray::getString(module.getContext(), text),
                      "tenon.string", GlobalValue::PrivateLinkage);
}

} // namespace

void tenon::addVariantTable(Module &module, TargetAttr target) {
  LLVMContext &context = module.getContext();
  auto *pointer = PointerType::getUnqual(context);
  auto *word = Type::getInt32Ty(context);
  auto *entryType = StructType::get(context, {pointer, pointer});
  auto *variantType =
      StructType::get(context, {pointer, pointer, word, pointer});

  SmallVector<Constant *> entries;
  for (Function &function : module) {
    StringRef name = function.getName();
    if (function.isDeclaration() || !name.consume_front("tenon_entry_"))
      continue;
    // Only the table leads to it, so that objects of several targets could
    // stand beside each other.
    entries.push_back(
        ConstantStruct::get(entryType, {makeString(module, name), &function}));
  }
  Constant *table = makeConstant(
      module,
      ConstantArray::get(ArrayType::get(entryType, entries.size()), entries),
      "tenon.entries", GlobalValue::PrivateLinkage);
  Constant *variant = ConstantStruct::get(
      variantType, {makeString(module, target.getCpu()),
                    makeString(module, getRequiredFeatures(target)),
                    ConstantInt::get(word, entries.size()), table});
  makeConstant(module,
               ConstantArray::get(ArrayType::get(variantType, 1), {variant}),
               "tenon_variants", GlobalValue::ExternalLinkage);
  makeConstant(module, ConstantInt::get(word, 1), "tenon_num_variants",
               GlobalValue::ExternalLinkage);
}
