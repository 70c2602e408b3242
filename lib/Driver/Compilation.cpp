//===- Compilation.cpp - from a model to an executable --------------------===//

#include "tenon/Driver/Compilation.h"
#include "Frontend.h"
#include "MetadataBuilder.h"
#include "PassDiagnostics.h"
#include "Timing.h"
#include "mlir/Pass/PassManager.h"
#include "tenon/Driver/Linker.h"
#include "tenon/Driver/Registration.h"
#include "tenon/Driver/WeightsWriter.h"
#include "tenon/Runtime/PayloadWriter.h"
#include "tenon/Support/AtomicFile.h"
#include "tenon/Support/Strings.h"
#include "tenon/Target/CodeGen.h"
#include "llvm/IR/LLVMContext.h"
#include "llvm/Support/raw_ostream.h"

using namespace tenon;

namespace {

class Compilation {
public:
  explicit Compilation(const CompileOptions &options) : options(options) {}
  Status run();

private:
  Status lower(Stage to);
  Status generate();
  Status writeExecutable(llvm::ArrayRef<char> object);
  Status writeModule();
  Status writeBytes(llvm::StringRef bytes);
  void say(const std::string &text) const {
    if (options.verbose)
      llvm::errs() << "tenonc: " << text << "\n";
  }

  const CompileOptions &options;
  Laps laps;
  std::optional<LoadedModel> model;
  std::optional<MetadataBuilder> metadata;
  TargetAttr target;
  std::vector<PlannedWeight> plan;
  Stage stage = Stage::Import;

  // The module goes before its context.
  std::unique_ptr<mlir::MLIRContext> context;
  mlir::OwningOpRef<mlir::ModuleOp> module;
};

} // namespace

Status Compilation::run() {
  Expected<LoadedModel> loaded = loadModel(options);
  if (!loaded)
    return loaded.takeError();
  model.emplace(std::move(*loaded));
  say(strCat("family ", model->description->name, ", context ", model->context,
             ", max chunk ", model->maxChunk,
             model->randomWeights ? ", random weights" : ""));
  laps.lap("read the model");

  mlir::DialectRegistry registry;
  registerCompilerDialects(registry);
  // Modules are small and functions few: threads would only cost.
  context = std::make_unique<mlir::MLIRContext>(
      registry, mlir::MLIRContext::Threading::DISABLED);
  // A user reads a place in a description, not the operation made from it.
  context->printOpOnDiagnostic(false);
  context->loadDialect<TenonDialect>();
  Expected<TargetAttr> described =
      describeTarget(context.get(), options.target);
  if (!described)
    return described.takeError();
  target = *described;
  say(strCat("target ", std::string(target.getCpu()), ", vectors of ",
             target.getVectorBits(), " bits"));

  Expected<mlir::OwningOpRef<mlir::ModuleOp>> imported =
      importLoadedModel(*context, *model, options, target);
  if (!imported)
    return imported.takeError();
  module = std::move(*imported);
  metadata.emplace(*model);
  metadata->setTarget(target);
  metadata->readEntries(*module);
  laps.lap("import");

  if (isModuleStage(options.stage)) {
    if (Status status = lower(options.stage); !status)
      return status;
    return writeModule();
  }
  // What the lowering drops is read on the way.
  if (Status status = lower(Stage::Tiled); !status)
    return status;
  metadata->readMemory(*module);
  Expected<std::vector<PlannedWeight>> planned = planWeights(*module);
  if (!planned)
    return planned.takeError();
  plan = std::move(*planned);
  if (Status status = lower(Stage::LLVM); !status)
    return status;
  metadata->readOperations(*module);
  return generate();
}

Status Compilation::lower(Stage to) {
  // One pass manager for each stage, so that --time tells them apart.
  while (stage < to) {
    Stage next = static_cast<Stage>(static_cast<int>(stage) + 1);
    mlir::PassManager manager(context.get());
    if (options.configurePasses && !options.configurePasses(manager))
      return plainError("bad options for passes", ExitCode::BadUsage);
    buildPipeline(manager, stage, next);
    PassDiagnostics diagnostics(context.get(), llvm::errs());
    if (failed(manager.run(*module)))
      return plainError(strCat("the model could not be lowered to stage '",
                               std::string(getStage(next).name), "'"));
    stage = next;
    laps.lap(std::string(getStage(next).name));
  }
  return Status::success();
}

Status Compilation::generate() {
  CodeGenOptions codeGenOptions;
  codeGenOptions.optLevel = options.optLevel;
  codeGenOptions.debugLines = options.debugLines;
  Expected<CodeGenerator> generator =
      CodeGenerator::create(target, codeGenOptions);
  if (!generator)
    return generator.takeError();
  llvm::LLVMContext llvmContext;
  std::unique_ptr<llvm::Module> lowered =
      generator->translate(*module, llvmContext);
  if (!lowered)
    return plainError("the module could not be translated to LLVM IR");
  module = {};
  laps.lap("translate to LLVM IR");
  generator->optimize(*lowered);
  laps.lap("optimize");
  Expected<llvm::SmallVector<char, 0>> bytes =
      generator->emit(std::move(lowered), options.stage == Stage::Assembly
                                              ? CodeGenFile::Assembly
                                              : CodeGenFile::Object);
  if (!bytes)
    return bytes.takeError();
  laps.lap("generate code");
  if (options.stage != Stage::Executable)
    return writeBytes({bytes->data(), bytes->size()});
  return writeExecutable(*bytes);
}

Status Compilation::writeExecutable(llvm::ArrayRef<char> object) {
  Expected<TemporaryFile> elf =
      linkExecutable(object, {options.verbose, options.debugLines});
  if (!elf)
    return elf.takeError();
  laps.lap("link");

  Expected<runtime::PayloadWriter> writer =
      runtime::PayloadWriter::create(elf->path(), options.output);
  if (!writer)
    return writer.takeError();
  if (Status status = writer->beginSection("weights"); !status)
    return status;
  WeightsOptions weightsOptions;
  if (options.verbose)
    weightsOptions.report = [](const std::string &line) {
      llvm::errs() << "quantized " << line << '\n';
    };
  weightsOptions.checkpoint = model->checkpoint();
  weightsOptions.seed = options.randomSeed.value_or(0);
  weightsOptions.strict = options.strict;
  weightsOptions.warn = [](const std::string &text) {
    llvm::errs() << text << "\n";
  };
  Expected<WeightsSummary> summary =
      writeWeights(plan, weightsOptions, [&](std::span<const std::byte> bytes) {
        return writer->write(bytes);
      });
  if (!summary)
    return summary.takeError();
  say(strCat(summary->parameters, " parameters in ", writer->sectionSize(),
             " bytes of weights"));
  metadata->setWeights(std::move(*summary));
  laps.lap("write weights");

  if (model->tokenizer) {
    if (Status status = writer->beginSection("tokenizer"); !status)
      return status;
    std::string tokenizer = model->tokenizer->serialize();
    if (Status status = writer->write(std::as_bytes(std::span(tokenizer)));
        !status)
      return status;
  }
  if (Status status = writer->finish(metadata->take()); !status)
    return status;
  laps.lap("finish the file");
  if (options.time)
    laps.print(llvm::errs());
  return Status::success();
}

Status Compilation::writeModule() {
  std::string text;
  llvm::raw_string_ostream stream(text);
  mlir::OpPrintingFlags flags;
  if (options.debugLines)
    flags.enableDebugInfo(true);
  module->print(stream, flags);
  stream << "\n";
  return writeBytes(text);
}

Status Compilation::writeBytes(llvm::StringRef bytes) {
  laps.lap("print");
  if (options.time)
    laps.print(llvm::errs());
  if (options.output == "-") {
    llvm::outs() << bytes;
    llvm::outs().flush();
    return Status::success();
  }
  Expected<AtomicFile> file = AtomicFile::create(options.output);
  if (!file)
    return file.takeError();
  if (Status status = file->write(std::string_view(bytes)); !status)
    return status;
  return file->commit();
}

Status tenon::compile(const CompileOptions &options) {
  return Compilation(options).run();
}
