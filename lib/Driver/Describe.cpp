//===- Describe.cpp - what a model is, without compiling it ---------------===//

#include "tenon/Driver/Describe.h"
#include "Frontend.h"
#include "PassDiagnostics.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Pass/PassManager.h"
#include "tenon/Driver/Registration.h"
#include "tenon/Support/Strings.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/raw_ostream.h"

#include <algorithm>
#include <map>

using namespace tenon;
using llvm::formatv;
using llvm::outs;

namespace {

std::string listed(const std::vector<std::string> &names) {
  std::string text;
  for (const std::string &name : names)
    text += (text.empty() ? "" : ", ") + name;
  return text;
}

/// "1.5 GiB", in three digits or so.
std::string size(uint64_t bytes) {
  constexpr const char *kUnits[] = {"B", "KiB", "MiB", "GiB", "TiB"};
  double value = static_cast<double>(bytes);
  size_t unit = 0;
  while (value >= 1000 && unit + 1 < std::size(kUnits)) {
    value /= 1024;
    ++unit;
  }
  return unit == 0 ? strCat(bytes, " B")
                   : formatv(value < 9.95 ? "{0:f1} {1}" : "{0:f0} {1}", value,
                             kUnits[unit])
                         .str();
}

void row(llvm::StringRef name, llvm::StringRef value) {
  outs() << "  " << llvm::left_justify(name, 15) << " "
         << printable(std::string_view(value)) << "\n";
}

class Description {
public:
  explicit Description(CompileOptions options) : options(std::move(options)) {}
  Status run();

private:
  void printModel();
  void printTensors();
  Status printMemory();
  /// The module of the model at a precision, its weights and caches chosen.
  Expected<mlir::OwningOpRef<mlir::ModuleOp>> lower(llvm::StringRef quantize,
                                                    llvm::StringRef kvCache);

  CompileOptions options;
  std::optional<LoadedModel> model;
  std::unique_ptr<mlir::MLIRContext> context;
  std::vector<TargetAttr> targets;
};

uint64_t weightBytes(mlir::ModuleOp module) {
  uint64_t bytes = 0;
  for (auto weight : module.getOps<WeightOp>())
    bytes += weight.getNumLayers() * getStorageBytes(weight.getLayerType());
  return bytes;
}

uint64_t cacheBytes(mlir::ModuleOp module) {
  // Every entry has the same caches: those of the one with the most.
  uint64_t most = 0;
  for (auto function : module.getOps<mlir::func::FuncOp>()) {
    uint64_t bytes = 0;
    for (mlir::Type type : function.getArgumentTypes())
      if (auto cache = mlir::dyn_cast<KVCacheType>(type))
        bytes += cache.getBytes();
    most = std::max(most, bytes);
  }
  return most;
}

} // namespace

void Description::printModel() {
  const ModelDirectory &directory = model->directory;
  std::vector<std::string> classes = directory.classNames();
  bool isDecoder = model->description->kind == lang::ModelKind::Decoder;
  row("family", strCat(std::string(model->description->name),
                       isDecoder ? ", a decoder" : ", an encoder"));
  if (!classes.empty())
    row("class", listed(classes));
  if (std::optional<int64_t> limit = model->bound->maxContext())
    row("context", strCat(*limit, " positions"));
  std::string values;
  for (const lang::ParamDecl *param : model->description->params) {
    auto found = model->bound->values().find(std::string(param->name));
    if (found == model->bound->values().end())
      continue;
    std::string value = lang::formatValue(found->second);
    constexpr size_t kLongest = 40;
    if (value.size() <= kLongest)
      row(values.empty() ? "parameters" : "",
          strCat(std::string(param->name), " = ", value));
    values = "seen";
  }
  std::vector<std::string> entries;
  for (const lang::DefDecl *def : model->bound->entries())
    entries.emplace_back(def->name);
  row("entries", listed(entries));
  row("tokenizer", directory.hasTokenizer() ? directory.tokenizerPath
                                            : "none that can be read");
}

void Description::printTensors() {
  const Checkpoint *checkpoint = model->checkpoint();
  if (!checkpoint) {
    row("tensors", "none; sizes are those of random weights");
    return;
  }
  std::map<std::string, uint64_t> bytesByType;
  uint64_t elements = 0, bytes = 0;
  for (const TensorInfo &tensor : checkpoint->tensors()) {
    bytesByType[tenon::name(tensor.dtype)] += tensor.size;
    elements += tensor.numElements();
    bytes += tensor.size;
  }
  row("tensors", strCat(checkpoint->tensors().size(), " of ", elements,
                        " elements, ", size(bytes)));
  for (const auto &[type, part] : bytesByType)
    row("", strCat(type, ": ", size(part)));
}

Expected<mlir::OwningOpRef<mlir::ModuleOp>>
Description::lower(llvm::StringRef quantize, llvm::StringRef kvCache) {
  CompileOptions chosen = options;
  chosen.quantize = quantize.str();
  chosen.kvCache = kvCache.str();
  Expected<mlir::OwningOpRef<mlir::ModuleOp>> module =
      importLoadedModel(*context, *model, chosen, targets.front());
  if (!module)
    return module.takeError();
  mlir::PassManager manager(context.get());
  buildPipeline(manager, Stage::Import, Stage::Quantized);
  PassDiagnostics diagnostics(context.get(), llvm::errs());
  if (failed(manager.run(**module)))
    return plainError("the model could not be lowered to stage 'quantized'");
  return std::move(*module);
}

Status Description::printMemory() {
  // Blocks that the file has stay as they are.
  bool hasBlocks = false;
  if (const Checkpoint *checkpoint = model->checkpoint())
    hasBlocks =
        llvm::any_of(checkpoint->tensors(), [](const TensorInfo &tensor) {
          return isBlock(tensor.dtype);
        });
  outs() << "\n  memory of weights\n";
  for (llvm::StringRef quantize : {"", "bf16", "int8", "int4"}) {
    if (hasBlocks && !quantize.empty())
      continue;
    auto module = lower(quantize, "");
    if (!module)
      return module.takeError();
    row(quantize.empty() ? "as they are" : "--quantize=" + quantize.str(),
        size(weightBytes(**module)));
  }
  if (model->description->kind == lang::ModelKind::Encoder)
    return Status::success();
  outs() << "\n  memory of keys and values, at a context of\n";
  std::vector<int64_t> contexts;
  int64_t limit = model->bound->maxContext().value_or(kDefaultContext);
  for (int64_t tokens : {2048, 8192, 32768})
    if (tokens < limit)
      contexts.push_back(tokens);
  contexts.push_back(limit);
  for (int64_t tokens : contexts) {
    std::string sizes;
    model->context = tokens;
    model->maxChunk = std::min(model->maxChunk, tokens);
    for (llvm::StringRef element : {"f32", "f16", "int8"}) {
      auto module = lower("", element);
      if (!module)
        return module.takeError();
      sizes += (sizes.empty() ? "" : ", ") + element.str() + " " +
               size(cacheBytes(**module));
    }
    row(std::to_string(tokens), sizes);
  }
  return Status::success();
}

Status Description::run() {
  options.stage = Stage::Quantized;
  options.lenient = true;
  Expected<ModelDirectory> directory = openModel(
      options.checkpoint.empty() ? options.input : options.checkpoint);
  // A configuration alone has the sizes of random weights.
  if (directory && !directory->checkpoint && !options.randomSeed)
    options.randomSeed = 0;
  Expected<LoadedModel> loaded = loadModel(options);
  if (!loaded)
    return loaded.takeError();
  model.emplace(std::move(*loaded));
  outs() << printable(model->directory.path) << "\n";
  printModel();
  printTensors();

  mlir::DialectRegistry registry;
  registerCompilerDialects(registry);
  context = std::make_unique<mlir::MLIRContext>(
      registry, mlir::MLIRContext::Threading::DISABLED);
  context->printOpOnDiagnostic(false);
  context->loadDialect<TenonDialect>();
  Expected<std::vector<TargetAttr>> described =
      describeTargets(context.get(), options.target);
  if (!described)
    return described.takeError();
  targets = std::move(*described);
  return printMemory();
}

Status tenon::describe(CompileOptions options) {
  return Description(std::move(options)).run();
}
