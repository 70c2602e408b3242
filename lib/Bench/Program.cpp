//===- Program.cpp - a compiled module that can be called -----------------===//

#include "tenon/Bench/Program.h"
#include "mlir/Pass/PassManager.h"
#include "tenon/Conversion/LoweringPasses.h"
#include "tenon/Support/DType.h"
#include "tenon/Support/Strings.h"
#include "tenon/Target/CodeGen.h"
#include "llvm/Support/raw_ostream.h"

#include <cstring>

using namespace tenon;
using namespace tenon::bench;

Program::~Program() = default;

static Status lower(mlir::ModuleOp module, Stage from, Stage to) {
  mlir::PassManager manager(module.getContext());
  buildPipeline(manager, from, to);
  if (failed(manager.run(module)))
    return plainError(strCat("the module could not be lowered to stage '",
                             std::string(getStage(to).name), "'"));
  return {};
}

/// The optimized LLVM module of a module of the llvm dialect.
static Expected<std::unique_ptr<llvm::Module>>
translate(CodeGenerator &generator, mlir::ModuleOp module,
          llvm::LLVMContext &context) {
  std::unique_ptr<llvm::Module> translated =
      generator.translate(module, context);
  if (!translated)
    return plainError("the module could not be translated to LLVM IR");
  generator.optimize(*translated);
  return translated;
}

Expected<std::unique_ptr<Program>>
Program::compile(mlir::ModuleOp module, Stage from, TargetAttr target) {
  auto program = std::unique_ptr<Program>(new Program());
  if (Status status = lower(module, from, Stage::Tiled); !status)
    return status.takeError();
  auto bytes = [&](llvm::StringRef name) -> int64_t {
    auto attribute = module->getAttrOfType<mlir::IntegerAttr>(name);
    return attribute ? attribute.getInt() : 0;
  };
  program->weightsBytes = bytes("tenon.weights_bytes");
  program->arenaBytes = bytes("tenon.arena_bytes");
  program->cacheBytes = bytes("tenon.cache_bytes");
  if (Status status = lower(module, std::max(from, Stage::Tiled), Stage::LLVM);
      !status)
    return status.takeError();

  Expected<CodeGenerator> generator = CodeGenerator::create(target);
  if (!generator)
    return generator.takeError();
  llvm::LLVMContext context;
  auto translated = translate(*generator, module, context);
  if (!translated)
    return translated.takeError();
  auto object = generator->emit(std::move(*translated), CodeGenFile::Object);
  if (!object)
    return object.takeError();

  Expected<LoadedCode> code = LoadedCode::load(
      *object, {{"tenon_dispatch", reinterpret_cast<void *>(&tenon_dispatch)},
                {"tenon_dispatch_after",
                 reinterpret_cast<void *>(&tenon_dispatch_after)}});
  if (!code)
    return code.takeError();
  program->code = std::move(*code);
  return program;
}

Expected<TenonEntryFn> Program::find(const std::string &name) const {
  Expected<void *> address = code->find((kEntryPrefix + name).str());
  if (!address)
    return address.takeError();
  return reinterpret_cast<TenonEntryFn>(*address);
}

Expected<std::string> bench::textAtStage(mlir::ModuleOp module, Stage from,
                                         Stage to, TargetAttr target) {
  if (Status status = lower(module, from, std::min(to, Stage::LLVM)); !status)
    return status.takeError();
  std::string text;
  llvm::raw_string_ostream stream(text);
  if (isModuleStage(to)) {
    module.print(stream);
    return text;
  }
  Expected<CodeGenerator> generator = CodeGenerator::create(target);
  if (!generator)
    return generator.takeError();
  llvm::LLVMContext context;
  auto translated = translate(*generator, module, context);
  if (!translated)
    return translated.takeError();
  auto assembly =
      generator->emit(std::move(*translated), CodeGenFile::Assembly);
  if (!assembly)
    return assembly.takeError();
  return std::string(assembly->data(), assembly->size());
}

void bench::fillRandom(runtime::Region &region, std::string_view type) {
  uint64_t state = 0x9e3779b97f4a7c15;
  if (isBlock(*parseDType(type))) {
    // Each byte can be part of an f16 scale: keep those at 1 and below.
    constexpr uint64_t kMask = 0x3b3b3b3b3b3b3b3b;
    for (size_t i = 0; i + 8 <= region.size(); i += 8) {
      state = state * 6364136223846793005ULL + 1442695040888963407ULL;
      uint64_t bytes = (state ^ (state >> 29)) & kMask;
      std::memcpy(region.data() + i, &bytes, 8);
    }
    return;
  }
  size_t width = type == "f32" ? 4 : 2;
  for (size_t i = 0; i + width <= region.size(); i += width) {
    state = state * 6364136223846793005ULL + 1442695040888963407ULL;
    float value = float(int32_t(state >> 32)) * 0x1p-33f;
    uint16_t half = type == "f16" ? floatToHalf(value) : floatToBfloat16(value);
    if (width == 4)
      std::memcpy(region.data() + i, &value, 4);
    else
      std::memcpy(region.data() + i, &half, 2);
  }
}
