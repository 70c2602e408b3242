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

static constexpr StringLiteral kPrefix = "tenon_entry_";

CompiledVariant tenon::findEntries(const Module &module, TargetAttr target) {
  CompiledVariant variant{target, {}};
  for (const Function &function : module) {
    StringRef symbol = function.getName(), name = symbol;
    if (!function.isDeclaration() && name.consume_front(kPrefix))
      variant.entries.push_back({name.split('.').first.str(), symbol.str()});
  }
  return variant;
}

static Constant *makeEntries(Module &module, const CompiledVariant &variant) {
  auto *pointer = PointerType::getUnqual(module.getContext());
  auto *type = StructType::get(module.getContext(), {pointer, pointer});
  SmallVector<Constant *> entries;
  for (const CompiledVariant::Entry &entry : variant.entries)
    entries.push_back(
        ConstantStruct::get(type, {makeString(module, entry.name),
                                   module.getFunction(entry.symbol)}));
  return makeConstant(
      module, ConstantArray::get(ArrayType::get(type, entries.size()), entries),
      "tenon.entries", GlobalValue::PrivateLinkage);
}

void tenon::addVariantTable(Module &module,
                            ArrayRef<CompiledVariant> variants) {
  LLVMContext &context = module.getContext();
  auto *pointer = PointerType::getUnqual(context);
  auto *word = Type::getInt32Ty(context);
  auto *type = StructType::get(context, {pointer, pointer, word, pointer});
  SmallVector<Constant *> table;
  for (const CompiledVariant &variant : variants)
    table.push_back(ConstantStruct::get(
        type, {makeString(module, variant.target.getCpu()),
               makeString(module, getRequiredFeatures(variant.target)),
               ConstantInt::get(word, variant.entries.size()),
               makeEntries(module, variant)}));
  makeConstant(module,
               ConstantArray::get(ArrayType::get(type, table.size()), table),
               "tenon_variants", GlobalValue::ExternalLinkage);
  makeConstant(module, ConstantInt::get(word, table.size()),
               "tenon_num_variants", GlobalValue::ExternalLinkage);
}
