//===- Calibration.cpp - what linears are multiplied by, over a text ------===//

#include "Calibration.h"
#include "PassDiagnostics.h"
#include "Progress.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Pass/PassManager.h"
#include "tenon/Conversion/LoweringPasses.h"
#include "tenon/Dialect/Tenon/Transforms/FusionPasses.h"
#include "tenon/Dialect/Tenon/Transforms/MemoryPasses.h"
#include "tenon/Driver/Linker.h"
#include "tenon/Runtime/Executor.h"
#include "tenon/Runtime/Model.h"
#include "tenon/Runtime/PayloadWriter.h"
#include "tenon/Runtime/Topology.h"
#include "tenon/Support/MappedFile.h"
#include "tenon/Support/Strings.h"
#include "tenon/Support/Utf8.h"
#include "tenon/Target/CodeGen.h"
#include "tenon/Target/LoadedCode.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/raw_ostream.h"

#include <cstring>

using namespace tenon;

namespace {

/// Tokens of a call: few, since it computes the logits of all of them.
constexpr int64_t kChunk = 64;

/// Adds up the squares of inputs, by weight and layer.
class Observer {
public:
  explicit Observer(std::span<const PlannedWeight> plan) : plan(plan) {}

  /// What runs from now on belongs to an entry point of this number.
  void enter(int number) { entry = number; }
  void observe(int64_t place, const std::byte *input, int64_t rows,
               int64_t stride, int64_t elementBytes);
  Importance finish() const;

private:
  struct Sums {
    int entry = 0; ///< the one in which the weight is observed
    int64_t rows = 0;
    std::vector<double> columns;
  };
  std::span<const PlannedWeight> plan; ///< by offset
  int entry = 0;
  std::map<std::pair<const PlannedWeight *, int64_t>, Sums> sums;
};

Observer *installed = nullptr;

extern "C" void observeInput(int64_t place, const void *input, int64_t rows,
                             int64_t stride, int64_t elementBytes) {
  installed->observe(place, static_cast<const std::byte *>(input), rows, stride,
                     elementBytes);
}

} // namespace

void Observer::observe(int64_t place, const std::byte *input, int64_t rows,
                       int64_t stride, int64_t elementBytes) {
  auto next = llvm::upper_bound(
      plan, place, [](int64_t at, const PlannedWeight &weight) {
        return at < static_cast<int64_t>(weight.offset);
      });
  assert(next != plan.begin() && "no weight is there");
  const PlannedWeight &weight = *std::prev(next);
  int64_t layer =
      weight.layers == 1 ? 0 : (place - weight.offset) / weight.stride;
  auto [found, isNew] = sums.try_emplace({&weight, layer});
  Sums &own = found->second;
  size_t columns = weight.layerType.getShape().back();
  if (isNew) {
    own.entry = entry;
    own.columns.resize(columns);
  }
  if (own.entry != entry)
    return;
  own.rows += rows;
  DType type = elementBytes == 4 ? DType::F32 : DType::BF16;
  std::vector<float> row(columns);
  for (int64_t r = 0; r < rows; ++r) {
    convertElements(type, input + r * stride * elementBytes, DType::F32,
                    reinterpret_cast<std::byte *>(row.data()), columns);
    for (size_t c = 0; c < columns; ++c)
      own.columns[c] += static_cast<double>(row[c]) * row[c];
  }
}

Importance Observer::finish() const {
  Importance importance;
  for (auto &[place, own] : sums) {
    std::vector<float> means;
    for (double sum : own.columns)
      means.push_back(static_cast<float>(sum / std::max<int64_t>(own.rows, 1)));
    importance.set(place.first->name, place.second, place.first->stacked,
                   std::move(means));
  }
  return importance;
}

namespace {

/// The model in this process.
class Calibration {
public:
  Calibration(MetadataBuilder metadata, const LoadedModel &model,
              const CompileOptions &options)
      : metadata(std::move(metadata)), model(model), options(options) {}

  Expected<Importance> run(mlir::ModuleOp module);

private:
  Status readText();
  Status compile(mlir::ModuleOp module);
  Status writeFile();
  Status load();
  Status feed(runtime::Model &loaded, Observer &observer);
  Status runPasses(mlir::ModuleOp module,
                   llvm::function_ref<void(mlir::PassManager &)> build);

  MetadataBuilder metadata;
  const LoadedModel &model;
  const CompileOptions &options;
  std::vector<std::vector<int32_t>> texts; ///< tokens, each from position 0
  std::vector<PlannedWeight> plan;
  std::optional<LoadedCode> code;
  std::optional<TemporaryFile> file; ///< weights and metadata
  // What the runtime finds in an executable.
  std::string cpu;
  std::vector<std::string> names;
  std::vector<TenonEntry> entries;
};

} // namespace

Status Calibration::readText() {
  if (!model.tokenizer)
    return plainError("--calibrate: the model has no tokenizer to read a text "
                      "with",
                      ExitCode::BadInput);
  Expected<MappedFile> text = MappedFile::open(options.calibrationText);
  if (!text)
    return text.takeError();
  size_t context = model.context, count = 0;
  auto add = [&](std::vector<int32_t> tokens) {
    count += tokens.size();
    if (!tokens.empty())
      texts.push_back(std::move(tokens));
  };
  if (model.bound->kind() == lang::ModelKind::Encoder) {
    llvm::StringRef rest = text->text();
    while (!rest.empty()) {
      auto [line, after] = rest.split('\n');
      rest = after;
      if (line.trim().empty())
        continue;
      auto tokens = model.tokenizer->encode(line);
      if (!tokens)
        return tokens.takeError();
      tokens->resize(std::min(tokens->size(), context));
      add(*std::move(tokens));
    }
  } else {
    auto tokens = model.tokenizer->encode(text->text());
    if (!tokens)
      return tokens.takeError();
    for (size_t at = 0; at < tokens->size(); at += context)
      add({tokens->begin() + at,
           tokens->begin() + std::min(at + context, tokens->size())});
  }
  if (count < kLeastTokens)
    return errorInFile(options.calibrationText,
                       strCat("a text of ", count, " tokens; at least ",
                              kLeastTokens,
                              " are expected, and some thousands "
                              "make a good choice"));
  if (options.verbose)
    llvm::errs() << "tenonc: calibrating on " << count << " tokens\n";
  return Status::success();
}

Status
Calibration::runPasses(mlir::ModuleOp module,
                       llvm::function_ref<void(mlir::PassManager &)> build) {
  mlir::PassManager manager(module.getContext());
  build(manager);
  PassDiagnostics diagnostics(module.getContext(), llvm::errs());
  if (failed(manager.run(module)))
    return plainError("the model could not be lowered for calibration");
  return Status::success();
}

Status Calibration::compile(mlir::ModuleOp module) {
  Expected<TargetAttr> target = describeTarget(module.getContext(), {});
  if (!target)
    return target.takeError();
  cpu = target->getCpu().str();
  module->setAttr(kTargetAttrName, *target);
  // A token at a time computes nothing else.
  for (auto function :
       llvm::make_early_inc_range(module.getOps<mlir::func::FuncOp>()))
    if (function.getName().starts_with(kDecodeName))
      function.erase();

  if (Status status = runPasses(module,
                                [](mlir::PassManager &manager) {
                                  buildPackPipeline(manager);
                                  buildObservedTilePipeline(manager);
                                });
      !status)
    return status;
  if (Status status = metadata.readMemory(module); !status)
    return status;
  Expected<std::vector<PlannedWeight>> planned = planWeights(module);
  if (!planned)
    return planned.takeError();
  plan = std::move(*planned);
  if (Status status = runPasses(module,
                                [](mlir::PassManager &manager) {
                                  buildPipeline(manager, Stage::Tiled,
                                                Stage::LLVM);
                                });
      !status)
    return status;
  metadata.addVariant(module, *target);

  VariantLinker linker;
  if (Status status = linker.add(module, *target, /*isOnly=*/true); !status)
    return status;
  Expected<llvm::SmallVector<char, 0>> object =
      linker.emit(CodeGenFile::Object);
  if (!object)
    return object.takeError();
  Expected<LoadedCode> loaded = LoadedCode::load(
      *object,
      {{"tenon_dispatch", reinterpret_cast<void *>(&tenon_dispatch)},
       {"tenon_dispatch_after",
        reinterpret_cast<void *>(&tenon_dispatch_after)},
       {kObserverName.data(), reinterpret_cast<void *>(&observeInput)}});
  if (!loaded)
    return loaded.takeError();
  code = std::move(*loaded);
  return Status::success();
}

/// The weights, where the runtime expects them: behind a program, here none.
Status Calibration::writeFile() {
  Expected<TemporaryFile> created = TemporaryFile::create("weights");
  if (!created)
    return created.takeError();
  file = std::move(*created);
  Expected<runtime::PayloadWriter> writer = runtime::PayloadWriter::create(
      std::span<const std::byte>(), file->path());
  if (!writer)
    return writer.takeError();
  if (Status status = writer->beginSection("weights"); !status)
    return status;
  WeightsOptions weightsOptions;
  weightsOptions.checkpoint = model.checkpoint();
  Expected<WeightsSummary> summary =
      writeWeights(plan, weightsOptions, [&](std::span<const std::byte> bytes) {
        return writer->write(bytes);
      });
  if (!summary)
    return summary.takeError();
  metadata.setWeights(std::move(*summary));
  return writer->finish(metadata.take());
}

Expected<Importance> Calibration::run(mlir::ModuleOp module) {
  if (Status status = readText(); !status)
    return status.takeError();
  if (Status status = compile(module); !status)
    return status.takeError();
  if (Status status = writeFile(); !status)
    return status.takeError();
  Expected<runtime::Payload> payload =
      runtime::Payload::open(file->path(), file->path());
  if (!payload)
    return payload.takeError();

  for (const runtime::EntryInfo &entry : payload->metadata().entries)
    names.push_back(entry.name);
  for (const std::string &name : names)
    if (!llvm::StringRef(name).starts_with(kDecodeName)) {
      Expected<void *> address = code->find((kEntryPrefix + name).str());
      if (!address)
        return address.takeError();
      entries.push_back(
          {name.c_str(), reinterpret_cast<TenonEntryFn>(*address)});
    }
  TenonVariant variant{cpu.c_str(), "", static_cast<uint32_t>(entries.size()),
                       entries.data()};
  Expected<std::unique_ptr<runtime::Model>> loaded =
      runtime::Model::load(*payload, variant);
  if (!loaded)
    return loaded.takeError();
  Observer observer(plan);
  if (Status status = feed(**loaded, observer); !status)
    return status.takeError();
  return observer.finish();
}

Status Calibration::feed(runtime::Model &loaded, Observer &observer) {
  runtime::Topology topology = runtime::Topology::current();
  runtime::Executor executor(topology.physicalCores, topology);
  runtime::Executor::install(&executor);
  installed = &observer;
  Status status = Status::success();
  {
    runtime::Executor::Session session(executor);
    auto ignore = [](const runtime::Rows &) { return Status::success(); };
    Progress progress("calibrating", texts.size(), options.quiet);
    for (const std::vector<int32_t> &tokens : texts) {
      for (auto [number, entry] : llvm::enumerate(entries)) {
        observer.enter(number);
        loaded.reset();
        status = loaded.compute(loaded.metadata().entry(entry.name)->of,
                                {tokens, {}}, ignore, kChunk);
        if (!status)
          break;
      }
      progress.advance(1);
    }
  }
  installed = nullptr;
  runtime::Executor::install(nullptr);
  return status;
}

Expected<Importance> tenon::calibrate(mlir::ModuleOp module,
                                      MetadataBuilder metadata,
                                      const LoadedModel &model,
                                      const CompileOptions &options) {
  mlir::OwningOpRef<mlir::ModuleOp> copy(module.clone());
  return Calibration(std::move(metadata), model, options).run(*copy);
}
