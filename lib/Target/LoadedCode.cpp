//===- LoadedCode.cpp - machine code in this process ----------------------===//

#include "tenon/Target/LoadedCode.h"
#include "tenon/Support/Strings.h"
#include "llvm/ExecutionEngine/Orc/LLJIT.h"
#include "llvm/Support/MemoryBuffer.h"

using namespace llvm;
using namespace tenon;

static tenon::Error errorOf(llvm::Error error, std::string_view what) {
  return plainError(strCat(what, ": ", toString(std::move(error))));
}

LoadedCode::LoadedCode(std::unique_ptr<orc::LLJIT> jit) : jit(std::move(jit)) {}
LoadedCode::LoadedCode(LoadedCode &&) noexcept = default;
LoadedCode &LoadedCode::operator=(LoadedCode &&) noexcept = default;
LoadedCode::~LoadedCode() = default;

tenon::Expected<LoadedCode> LoadedCode::load(ArrayRef<char> object,
                                             ArrayRef<Import> imports) {
  llvm::Expected<std::unique_ptr<orc::LLJIT>> jit =
      orc::LLJITBuilder().create();
  if (!jit)
    return errorOf(jit.takeError(), "cannot load code");
  orc::SymbolMap symbols;
  for (const Import &import : imports)
    symbols[(*jit)->mangleAndIntern(import.name)] = {
        orc::ExecutorAddr::fromPtr(import.address),
        JITSymbolFlags::Exported | JITSymbolFlags::Callable};
  if (llvm::Error error = (*jit)->getMainJITDylib().define(
          orc::absoluteSymbols(std::move(symbols))))
    return errorOf(std::move(error), "cannot load code");
  auto buffer = MemoryBuffer::getMemBufferCopy(
      StringRef(object.data(), object.size()), "tenon");
  if (llvm::Error error = (*jit)->addObjectFile(std::move(buffer)))
    return errorOf(std::move(error), "cannot load code");
  return LoadedCode(std::move(*jit));
}

tenon::Expected<void *> LoadedCode::find(StringRef symbol) const {
  auto address = jit->lookup(symbol);
  if (!address)
    return errorOf(address.takeError(), "no entry point");
  return address->toPtr<void *>();
}
