//===- Compilation.cpp - from a model to an executable --------------------===//

#include "tenon/Driver/Compilation.h"
#include "Adapters.h"
#include "Calibration.h"
#include "Frontend.h"
#include "Importance.h"
#include "KeptAdapters.h"
#include "Messages.h"
#include "MetadataBuilder.h"
#include "PassDiagnostics.h"
#include "Progress.h"
#include "Reporting.h"
#include "Timing.h"
#include "TrainingPlan.h"
#include "TunedPlans.h"
#include "mlir/Pass/PassManager.h"
#include "tenon/Conversion/LoweringPasses.h"
#include "tenon/Dialect/Tenon/IR/TenonTraining.h"
#include "tenon/Dialect/Tenon/IR/TenonTurns.h"
#include "tenon/Dialect/Tenon/Transforms/FusionPasses.h"
#include "tenon/Dialect/Tenon/Transforms/MemoryPasses.h"
#include "tenon/Dialect/Tenon/Transforms/TrainingPasses.h"
#include "tenon/Driver/Linker.h"
#include "tenon/Driver/Registration.h"
#include "tenon/Driver/WeightValues.h"
#include "tenon/Driver/WeightsWriter.h"
#include "tenon/Evaluate/PassVerifier.h"
#include "tenon/Runtime/PayloadWriter.h"
#include "tenon/Support/AtomicFile.h"
#include "tenon/Support/ProcessGuard.h"
#include "tenon/Support/Strings.h"
#include "tenon/Target/CodeGen.h"
#include "llvm/Support/raw_ostream.h"

#include <algorithm>

using namespace tenon;

namespace {

/// The last stage that is the same for every CPU; of a model that learns, too.
constexpr Stage kSharedStage = Stage::Quantized;
constexpr Stage kSharedLearningStage = Stage::Differentiated;

class Compilation {
public:
  explicit Compilation(const CompileOptions &options) : options(options) {}
  Status run();

private:
  Status compile();
  /// Lowers a module from one stage to a later one.
  Status lower(mlir::ModuleOp lowered, Stage from, Stage to);
  void startVerifying();
  Status findImportance();
  Status compileVariant(TargetAttr target);
  Status checkPlan(std::vector<PlannedWeight> variantPlan, TargetAttr target);
  Status writeExecutable(llvm::ArrayRef<char> object);
  /// The section of what checkpoints are made of.
  Status writeTraining(runtime::PayloadWriter &writer);
  LinkOptions linkOptions() const {
    return {options.verbose, options.debugLines, options.target.triple,
            options.sysroot};
  }
  void print(mlir::ModuleOp printed);
  Status writeBytes(llvm::StringRef bytes);
  void say(const std::string &text) const {
    if (options.verbose)
      printMessage(strCat("tenonc: ", text));
  }

  const CompileOptions &options;
  Stage sharedStage = kSharedStage;
  Laps laps;
  std::optional<LoadedModel> model;
  std::optional<MetadataBuilder> metadata;
  std::vector<TargetAttr> targets; ///< best first
  std::vector<PlannedWeight> plan; ///< of all variants
  std::string objective;           ///< of a model that learns
  int64_t classes = 0;             ///< that its targets are of
  int64_t rowNumbers = 0;          ///< of a token, that are saved of tables
  std::optional<Importance> importance;
  std::optional<KeptAdapters> keptAdapters;
  TunedPlans tuned;
  std::optional<VariantLinker> linker;
  std::string text; ///< of modules
  std::optional<Reporting> reporting;
  // Modules go before their context.
  std::unique_ptr<mlir::MLIRContext> context;
  mlir::OwningOpRef<mlir::ModuleOp> module;
  std::optional<PassVerifier> verifier;
  bool verifiesNewModule = true; ///< not the one that the last passes left
};

} // namespace

Status Compilation::run() {
  Status status = compile();
  // What passes said helps most where one of them failed.
  if (reporting)
    reporting->printRemarks(llvm::errs());
  if (verifier)
    verifier->print(llvm::errs());
  if (!status || !reporting)
    return status;
  return reporting->write(*model, targets, plan);
}

Status Compilation::compile() {
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
  if (Reporting::isAskedFor(options)) {
    reporting.emplace(options, *context, model->description->source);
    if (Status status = reporting->readProfile(*model); !status)
      return status;
  }
  Expected<std::vector<TargetAttr>> described =
      describeTargets(context.get(), options.target);
  if (!described)
    return described.takeError();
  targets = std::move(*described);
  if (Status status = tuned.open(options, targets, *context); !status)
    return status;
  if (options.stage == Stage::Executable && !options.output.empty())
    if (Status status = checkLinkable(linkOptions()); !status)
      return status;
  for (TargetAttr target : targets)
    say(strCat("target ", std::string(target.getCpu()), ", vectors of ",
               target.getVectorBits(), " bits"));

  Expected<mlir::OwningOpRef<mlir::ModuleOp>> imported =
      importLoadedModel(*context, *model, options, targets.front());
  if (!imported)
    return imported.takeError();
  module = std::move(*imported);
  Expected<AskedAdapters> asked = parseAdapters(options.adapter);
  if (!asked)
    return asked.takeError();
  if (!asked->kept.empty()) {
    Expected<KeptAdapters> opened = KeptAdapters::open(*asked);
    if (!opened)
      return opened.takeError();
    keptAdapters = std::move(*opened);
    if (Status status = keptAdapters->insert(*module); !status)
      return status;
  }
  if (reporting)
    reporting->start(*module);
  if (options.verifyPasses)
    startVerifying();
  metadata.emplace(*model);
  laps.lap("import");

  // What is on tensors is the same for every CPU.
  sharedStage = options.train ? kSharedLearningStage : kSharedStage;
  Stage withEntries = options.train ? kSharedLearningStage : Stage::Cached;
  Stage shared = std::min(options.stage, sharedStage);
  Stage cached = std::min(options.stage, withEntries);
  if (Status status = lower(*module, Stage::Import, cached); !status)
    return status;
  if (cached == withEntries)
    metadata->readEntries(*module);
  if (Status status = findImportance(); !status)
    return status;
  if (Status status = lower(*module, cached, shared); !status)
    return status;
  if (options.stage <= sharedStage) {
    print(*module);
    return writeBytes(text);
  }
  if (!isModuleStage(options.stage))
    linker.emplace(CodeGenOptions{options.optLevel, options.debugLines,
                                  !options.report.empty()});
  for (TargetAttr target : targets)
    if (Status status = compileVariant(target); !status)
      return status;
  module = {};
  if (!options.importance.empty())
    if (Status status = importance->check(plan, options.importance); !status)
      return status;
  if (!linker)
    return writeBytes(text);
  bool isText = options.stage == Stage::Assembly;
  Expected<llvm::SmallVector<char, 0>> bytes =
      linker->emit(isText ? CodeGenFile::Assembly : CodeGenFile::Object);
  if (!bytes)
    return bytes.takeError();
  laps.lap("generate code");
  if (reporting)
    reporting->readListing(linker->takeListing());
  if (options.output.empty()) {
    if (options.time)
      laps.print(llvm::errs());
    return Status::success();
  }
  if (options.stage != Stage::Executable)
    return writeBytes({bytes->data(), bytes->size()});
  return writeExecutable(*bytes);
}

Status Compilation::lower(mlir::ModuleOp lowered, Stage from, Stage to) {
  // One pass manager for each stage, so that --time tells them apart.
  while (from < to) {
    Stage next = static_cast<Stage>(static_cast<int>(from) + 1);
    if (!isPassed(next, options.train)) {
      from = next;
      continue;
    }
    mlir::PassManager manager(context.get());
    if (options.configurePasses && !options.configurePasses(manager))
      return plainError("bad options for passes", ExitCode::BadUsage);
    if (next == Stage::Differentiated && options.adapters) {
      TenonInsertAdaptersOptions adapters;
      adapters.rank = options.adapters->rank;
      adapters.alpha = options.adapters->alpha;
      llvm::append_range(adapters.targets, options.adapters->targets);
      manager.addPass(createTenonInsertAdapters(std::move(adapters)));
      manager.addPass(createTenonQuantizeFrozen());
    }
    if (next == Stage::LLVM && options.checkBounds)
      manager.addPass(createTenonCheckBounds());
    buildPipeline(manager, from, next, options.train);
    std::string stage(getStage(next).name);
    if (reporting)
      reporting->enter(manager, lowered, stage);
    PassDiagnostics diagnostics(context.get(), llvm::errs());
    // What comes later is on memory, and no longer what is evaluated.
    bool verifies = verifier && next <= Stage::Packed;
    if (verifies &&
        failed(verifier->enter(manager, lowered, stage, verifiesNewModule)))
      return plainError("the model could not be evaluated");
    verifiesNewModule = false;
    if (failed(manager.run(lowered)))
      return plainError(
          strCat("the model could not be lowered to stage '", stage, "'"));
    if (verifies && verifier->getCulprit())
      return plainError(
          strCat("pass ", *verifier->getCulprit(), " was found to be wrong"));
    if (reporting)
      reporting->leave(lowered);
    from = next;
    laps.lap(stage);
  }
  return Status::success();
}

void Compilation::startVerifying() {
  // Reproducers run passes by their names.
  registerAllPasses();
  PassVerifierOptions verifierOptions;
  verifierOptions.tokens = std::min(verifierOptions.tokens, model->context);
  verifierOptions.fault = options.verifyPassesFault;
  bool hasFile = !options.output.empty() && options.output != "-";
  verifierOptions.reproducer = hasFile ? options.output : "tenonc";
  uint64_t seed = options.randomSeed.value_or(0);
  verifier.emplace(std::move(verifierOptions),
                   readWeightsOf(model->checkpoint(), seed),
                   readWeightsOf(model->checkpoint(), seed, /*rounds=*/false));
}

Status Compilation::findImportance() {
  if (options.importance.empty() && options.calibrationText.empty())
    return Status::success();
  Expected<Importance> found =
      options.importance.empty()
          ? calibrate(*module, *metadata, *model, options)
          : Importance::read(options.importance);
  if (!found)
    return found.takeError();
  importance = std::move(*found);
  laps.lap("calibrate");
  return options.saveImportance.empty()
             ? Status::success()
             : importance->write(options.saveImportance);
}

Status Compilation::compileVariant(TargetAttr target) {
  mlir::OwningOpRef<mlir::ModuleOp> variant(module->clone());
  llvm::SmallVector<mlir::Attribute> all(targets.begin(), targets.end());
  (*variant)->setAttr(kTargetAttrName, target);
  (*variant)->setAttr(kTargetsAttrName,
                      mlir::ArrayAttr::get(context.get(), all));
  verifiesNewModule = true;
  if (Status status = lower(*variant, sharedStage, Stage::Packed); !status)
    return status;
  if (Status status = tuned.use(*variant); !status)
    return status;
  if (!linker) {
    if (Status status = lower(*variant, Stage::Packed, options.stage); !status)
      return status;
    print(*variant);
    return Status::success();
  }
  // What the lowering drops is read on the way.
  metadata->readWork(*variant);
  if (Status status = lower(*variant, Stage::Packed, Stage::Tiled); !status)
    return status;
  if (Status status = metadata->readMemory(*variant); !status)
    return status;
  if (auto text =
          (*variant)->getAttrOfType<mlir::StringAttr>(kObjectiveAttrName))
    objective = text.str();
  if (auto count =
          (*variant)->getAttrOfType<mlir::IntegerAttr>(kClassesAttrName))
    classes = count.getInt();
  if (auto count =
          (*variant)->getAttrOfType<mlir::IntegerAttr>(kRowNumbersAttrName))
    rowNumbers = count.getInt();
  Expected<std::vector<PlannedWeight>> planned = planWeights(*variant);
  if (!planned)
    return planned.takeError();
  if (Status status = checkPlan(std::move(*planned), target); !status)
    return status;
  if (Status status = lower(*variant, Stage::Tiled, Stage::LLVM); !status)
    return status;
  metadata->addVariant(*variant, target);
  if (reporting && reporting->hasReport())
    reporting->numberPlaces(*variant);
  else if (options.debugLines)
    keepFirstPlaces(*variant);
  Status status = linker->add(*variant, target, /*isOnly=*/targets.size() == 1);
  laps.lap("optimize");
  return status;
}

/// One packed section serves all variants, so their weights must be the same.
Status Compilation::checkPlan(std::vector<PlannedWeight> variantPlan,
                              TargetAttr target) {
  if (target == targets.front()) {
    plan = std::move(variantPlan);
    return Status::success();
  }
  for (size_t i = 0; i < std::max(plan.size(), variantPlan.size()); ++i)
    if (i >= plan.size() || i >= variantPlan.size() ||
        plan[i] != variantPlan[i])
      return plainError(strCat(
          "internal error: weight @",
          (i < plan.size() ? plan : variantPlan)[i].name,
          " is packed in one way for ", std::string(targets.front().getCpu()),
          " and in another for ", std::string(target.getCpu())));
  return Status::success();
}

Status Compilation::writeExecutable(llvm::ArrayRef<char> object) {
  Expected<TemporaryFile> elf = linkExecutable(object, linkOptions());
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
      printMessage(strCat("quantized ", line));
    };
  if (reporting && reporting->hasReport())
    weightsOptions.measured = [this](const std::string &weight, double error) {
      reporting->readError(weight, error);
    };
  weightsOptions.checkpoint = model->checkpoint();
  if (importance)
    weightsOptions.importance = [&](const std::string &weight, int64_t layer) {
      return importance->find(weight, layer);
    };
  weightsOptions.seed =
      options.randomSeed.value_or(options.head ? options.head->seed : 0);
  weightsOptions.strict = options.strict;
  weightsOptions.warn = [](const std::string &text) { printMessage(text); };
  std::optional<AdapterDirectory> adapter;
  Expected<AskedAdapters> asked = parseAdapters(options.adapter);
  if (!asked)
    return asked.takeError();
  if (!asked->merged.empty()) {
    Expected<AdapterDirectory> opened = AdapterDirectory::open(asked->merged);
    if (!opened)
      return opened.takeError();
    adapter = std::move(*opened);
    weightsOptions.adapter = &*adapter;
  }
  uint64_t total = 0;
  bool quantizes = false;
  for (const PlannedWeight &weight : plan) {
    total += weight.layers * weight.layerBytes;
    quantizes |= weight.isQuantizedHere();
  }
  Expected<WeightsSummary> summary = [&] {
    Progress progress(quantizes ? "quantizing weights" : "packing weights",
                      total, options.quiet);
    return writeWeights(plan, weightsOptions,
                        [&](std::span<const std::byte> bytes) {
                          progress.advance(bytes.size());
                          return writer->write(bytes);
                        });
  }();
  if (!summary)
    return summary.takeError();
  if (adapter)
    if (Status status = adapter->checkAllUsed(); !status)
      return status;
  // Memories of gradients and moments are as large as the weights with what
  // follows the last one, up to its alignment.
  if (uint64_t rest = writer->sectionSize() % kMemoryAlignment;
      options.train && rest != 0) {
    static const std::byte zeros[kMemoryAlignment] = {};
    if (Status status =
            writer->write(std::span(zeros).first(kMemoryAlignment - rest));
        !status)
      return status;
  }
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
  if (model->chat) {
    if (Status status = writer->beginSection("chat"); !status)
      return status;
    std::string chat = model->chat->serialize();
    if (Status status = writer->write(std::as_bytes(std::span(chat))); !status)
      return status;
  }
  if (options.train)
    if (Status status = writeTraining(*writer); !status)
      return status;
  if (keptAdapters)
    if (Status status = keptAdapters->write(plan, weightsOptions, *writer);
        !status)
      return status;
  if (Status status = writer->finish(metadata->take()); !status)
    return status;
  if (!reporting) // which has files of its own to write
    guardSuccess();
  laps.lap("finish the file");
  if (options.time)
    laps.print(llvm::errs());
  return Status::success();
}

Status Compilation::writeTraining(runtime::PayloadWriter &writer) {
  Expected<runtime::TrainingInfo> training =
      planTraining(plan, *model, options.adapters);
  if (!training)
    return training.takeError();
  training->objective = objective;
  training->classes = classes;
  training->rowNumbers = rowNumbers;
  if (Status status = writer.beginSection("training"); !status)
    return status;
  std::string bytes = training->serialize();
  return writer.write(std::as_bytes(std::span(bytes)));
}

void Compilation::print(mlir::ModuleOp printed) {
  // tenon-opt --split-input-file reads several.
  if (!text.empty())
    text += "// -----\n\n";
  llvm::raw_string_ostream stream(text);
  mlir::OpPrintingFlags flags;
  if (options.debugLines)
    flags.enableDebugInfo(true);
  printed->print(stream, flags);
  stream << "\n";
}

Status Compilation::writeBytes(llvm::StringRef bytes) {
  laps.lap("print");
  if (options.output.empty())
    return Status::success();
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
  if (Status status = file->commit(); !status)
    return status;
  if (!reporting)
    guardSuccess();
  return Status::success();
}

Status tenon::compile(const CompileOptions &options) {
  return Compilation(options).run();
}
