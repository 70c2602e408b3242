//===- Frontend.cpp - from the command line's names to a module -----------===//

#include "Frontend.h"
#include "ChatTemplates.h"
#include "ClassHead.h"
#include "Families.h"
#include "GenerationConfig.h"
#include "Messages.h"
#include "TrainingPlan.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "tenon/Checkpoint/GgufTokenizer.h"
#include "tenon/Dialect/Tenon/IR/TenonTraining.h"
#include "tenon/Import/Import.h"
#include "tenon/Language/Commands.h"
#include "tenon/Language/Strict.h"
#include "tenon/Models/Models.h"
#include "tenon/Support/MappedFile.h"
#include "tenon/Support/Strings.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"

#include <algorithm>

using namespace tenon;

/// What the description's front end found, as one error.
static Error makeError(const lang::Diagnostics &diagnostics) {
  return Error{llvm::StringRef(diagnostics.str()).rtrim().str(),
               ExitCode::BadInput};
}

static Status loadDescription(const CompileOptions &options,
                              LoadedModel &loaded) {
  lang::Diagnostics diagnostics;
  bool isDescription = llvm::StringRef(options.input).ends_with(".tenon");
  if (isDescription) {
    loaded.description =
        lang::loadModelFile(options.input, diagnostics, listParts());
    if (!loaded.description)
      return makeError(diagnostics);
    if (options.checkpoint.empty())
      return withNote(
          plainError("a description needs a model to be compiled for",
                     ExitCode::BadUsage),
          "--checkpoint names one, a directory or a .gguf file; for its "
          "config.json alone, add --random-weights=SEED");
  }
  Expected<ModelDirectory> directory =
      openModel(isDescription ? options.checkpoint : options.input);
  if (!directory)
    return directory.takeError();
  loaded.directory = std::move(*directory);
  if (!isDescription) {
    Expected<const BuiltinModel *> family =
        findFamily(loaded.directory, options.lenient);
    if (!family)
      return family.takeError();
    loaded.description = loadModel(**family, diagnostics);
    if (!loaded.description)
      return makeError(diagnostics);
    // A class that only --lenient lets pass was warned of.
    if (options.lenient)
      return Status::success();
  }
  return checkClass(*loaded.description, loaded.directory, options.lenient);
}

/// Floating-point numbers of 8 bits mean nothing without their scales: one
/// error for all of them, before names and shapes are looked at.
static Status checkElements(const LoadedModel &loaded) {
  const TensorInfo *first = nullptr;
  size_t count = 0;
  const Checkpoint *checkpoint = loaded.checkpoint();
  if (!checkpoint)
    return Status::success();
  for (const TensorInfo &tensor : checkpoint->tensors())
    if (tensor.dtype == DType::F8E4M3 || tensor.dtype == DType::F8E5M2) {
      first = first ? first : &tensor;
      ++count;
    }
  if (!first)
    return Status::success();
  return withNote(
      errorInFile(loaded.directory.path,
                  strCat(quoteName(first->name), " is of type ",
                         name(first->dtype), ", as ", count, " of ",
                         checkpoint->tensors().size(),
                         " tensors are of 8-bit floating-point types, which "
                         "are not read")),
      "compile the model that it was made from, with --quantize, or a GGUF "
      "file of it");
}

static Status bindDescription(const CompileOptions &options,
                              LoadedModel &loaded) {
  lang::Diagnostics diagnostics;
  const ModelDirectory &directory = loaded.directory;
  // The text of the configuration lets messages point to its lines.
  lang::Configuration configuration{directory.config, directory.configPath,
                                    directory.configText};
  loaded.bound = bindModel(*loaded.description, configuration, diagnostics);
  if (!loaded.bound)
    return makeError(diagnostics);
  lang::StrictOptions strict;
  if (options.lenient)
    strict.severity = lang::Diagnostic::Severity::Warning;
  strict.derivedKeys = directory.derivedKeys;
  strict.readsWeights = loaded.checkpoint() != nullptr;
  if (!checkConfiguration(*loaded.bound, configuration, strict, diagnostics))
    return makeError(diagnostics);
  if (Status status = checkGgufKeys(directory, options.lenient); !status)
    return status;
  std::unique_ptr<lang::TensorCatalog> catalog;
  std::optional<lang::UsedTensors> used;
  if (const Checkpoint *checkpoint = loaded.checkpoint()) {
    catalog = makeTensorCatalog(*checkpoint, directory.path);
    used.emplace(*catalog);
  }
  if (!resolveWeights(*loaded.bound, used ? &*used : nullptr, diagnostics) ||
      (used && !checkTensors(*loaded.bound, *used, strict, diagnostics)))
    return makeError(diagnostics);
  printMessage(diagnostics.str()); // warnings
  return Status::success();
}

/// Whether a decoder attends to a source, which is seen at once.
static bool hasSourceInput(const lang::BoundModel &bound) {
  for (const lang::DefDecl *def : bound.entries())
    if (def->name == "forward")
      for (const lang::InputDecl *input : def->inputs)
        if (input->type.shape.front() != def->type.shape.front() &&
            input->type.shape.front().dependsOnLength())
          return bound.kind() == lang::ModelKind::Decoder;
  return false;
}

static Status chooseSizes(const CompileOptions &options, LoadedModel &loaded) {
  std::optional<int64_t> limit = loaded.bound->maxContext();
  if (options.context && limit && *options.context > *limit)
    return plainError(strCat("--context ", *options.context, ": the model has ",
                             *limit, " positions"),
                      ExitCode::BadUsage);
  loaded.context = options.context.value_or(
      std::min(limit.value_or(kDefaultContext), kDefaultContext));
  // An encoder sees all of its tokens at once.
  bool whole = loaded.bound->kind() == lang::ModelKind::Encoder;
  bool hasSource = hasSourceInput(*loaded.bound);
  if (whole && options.maxSequences > 1)
    return plainError(strCat("--max-sequences ", options.maxSequences, ": ",
                             quoteName(std::string(loaded.description->name)),
                             " is an encoder, which decodes no sequences"),
                      ExitCode::BadUsage);
  loaded.maxChunk = whole || hasSource
                        ? loaded.context
                        : std::min(options.maxChunk.value_or(kDefaultMaxChunk),
                                   loaded.context);
  return Status::success();
}

/// Whether some entry is computed from ids of a vocabulary.
static bool takesTokens(const lang::BoundModel &bound) {
  for (const lang::DefDecl *def : bound.entries())
    for (const lang::InputDecl *input : def->inputs)
      if (input->syntax.element == lang::Element::Token)
        return true;
  return false;
}

/// What prepares images and sound stands beside the model, and is another
/// program's business: the first input that it would be for is named.
static void notePreprocessing(const LoadedModel &loaded) {
  llvm::SmallString<256> path(
      llvm::sys::path::parent_path(loaded.directory.configPath));
  llvm::sys::path::append(path, "preprocessor_config.json");
  if (!llvm::sys::fs::exists(path))
    return;
  for (const lang::DefDecl *def : loaded.bound->entries())
    for (const lang::InputDecl *input : def->inputs)
      if (input->syntax.element == lang::Element::Pixel ||
          input->syntax.element == lang::Element::Feature)
        return printMessage(strCat(
            path.str().str(), ": note: it is not read: the executable takes ",
            quoteName(std::string(input->name)),
            " as that file would have them prepared"));
}

static Status loadTokenizer(LoadedModel &loaded) {
  if (!loaded.directory.hasTokenizer() && !takesTokens(*loaded.bound))
    return Status::success();
  if (!loaded.directory.hasTokenizer()) {
    // Random weights speak no language.
    if (loaded.randomWeights) {
      printMessage(strCat(loaded.directory.path,
                          ": note: no tokenizer: the executable's commands "
                          "take and give token ids"));
      return Status::success();
    }
    return withNote(errorInFile(loaded.directory.path,
                                loaded.directory.gguf
                                    ? "the file holds no vocabulary"
                                    : "no tokenizer that can be read"),
                    "--no-tokenizer compiles without one: the executable's "
                    "commands then take and give token ids");
  }
  auto open = [&]() -> Expected<std::unique_ptr<Tokenizer>> {
    const std::string &path = loaded.directory.tokenizerPath;
    if (const GgufCheckpoint *gguf = loaded.directory.gguf) {
      Expected<GgufVocabulary> vocabulary = readGgufVocabulary(*gguf);
      if (!vocabulary)
        return vocabulary.takeError();
      return Tokenizer::fromGguf(*vocabulary, path);
    }
    // Beside the configuration, which may be in a folder of its own.
    return Tokenizer::fromDirectory(
        llvm::sys::path::parent_path(loaded.directory.configPath).str());
  };
  Expected<std::unique_ptr<Tokenizer>> tokenizer = open();
  if (!tokenizer)
    return tokenizer.takeError();
  loaded.tokenizer = std::move(*tokenizer);
  return Status::success();
}

/// Of a decoder that has a tokenizer.
static Status loadChatTemplate(const CompileOptions &options,
                               LoadedModel &loaded) {
  if (!loaded.tokenizer || loaded.description->kind == lang::ModelKind::Encoder)
    return Status::success();
  Expected<std::optional<templates::ChatTemplate>> chat =
      readChatTemplate(loaded.directory);
  if (!chat)
    return unlessLenient(chat.takeError(), options.lenient);
  loaded.chat = *std::move(chat);
  return Status::success();
}

/// Of a model that generates.
static Status loadGenerationConfig(const CompileOptions &options,
                                   LoadedModel &loaded) {
  if (loaded.bound->kind() == lang::ModelKind::Encoder)
    return Status::success();
  std::function<void(const Error &)> warn;
  if (options.lenient)
    warn = [](const Error &error) { (void)unlessLenient(error, true); };
  Expected<runtime::GenerationDefaults> read =
      readGenerationConfig(loaded.directory, warn);
  if (!read)
    return read.takeError();
  loaded.generation = *std::move(read);
  return Status::success();
}

/// Whether some weights are quantized in groups, as they come or by an option:
/// with int8 per channel the head is.
static bool hasBlocks(const CompileOptions &options, const LoadedModel &model) {
  if (options.quantize.starts_with("int"))
    return true;
  const Checkpoint *checkpoint = model.checkpoint();
  return checkpoint &&
         llvm::any_of(checkpoint->tensors(), [](const TensorInfo &tensor) {
           return isBlock(tensor.dtype);
         });
}

Expected<LoadedModel> tenon::loadModel(const CompileOptions &options) {
  LoadedModel loaded;
  loaded.randomWeights = options.randomSeed.has_value();
  if (options.train)
    if (Status status = checkTraining(options); !status)
      return status.takeError();
  if (Status status = loadDescription(options, loaded); !status)
    return status.takeError();
  if (!loaded.randomWeights && !loaded.directory.checkpoint)
    return withNote(
        errorInFile(loaded.directory.path,
                    "no weights: neither model.safetensors nor "
                    "model.safetensors.index.json is there"),
        "--random-weights=SEED compiles a model without its weights");
  if (Status status = checkElements(loaded); !status)
    return status.takeError();
  if (Status status = bindDescription(options, loaded); !status)
    return status.takeError();
  if (options.train)
    if (Status status = checkTraining(loaded, options.head.has_value(),
                                      options.adapters.has_value());
        !status)
      return status.takeError();
  if (options.head)
    if (Status status = addHead(*options.head, loaded); !status)
      return status.takeError();
  if (!options.activations.empty() && !hasBlocks(options, loaded))
    return plainError(strCat("--activations=", options.activations,
                             ": no weights are quantized in groups, see "
                             "--quantize"),
                      ExitCode::BadUsage);
  if (!options.kvCache.empty() &&
      loaded.bound->kind() == lang::ModelKind::Encoder)
    return plainError(strCat("--kv-cache ", options.kvCache, ": family ",
                             loaded.description->name,
                             " is an encoder, which has no cache"),
                      ExitCode::BadUsage);
  if (options.latentCache != "auto" &&
      loaded.bound->kind() == lang::ModelKind::Encoder)
    return plainError(strCat("--latent-cache ", options.latentCache,
                             ": family ", loaded.description->name,
                             " is an encoder, which has no cache"),
                      ExitCode::BadUsage);
  if (Status status = chooseSizes(options, loaded); !status)
    return status.takeError();
  if (Status status = loadGenerationConfig(options, loaded); !status)
    return status.takeError();
  if (options.stage == Stage::Executable)
    notePreprocessing(loaded);
  if (options.stage == Stage::Executable && !options.noTokenizer) {
    if (Status status = loadTokenizer(loaded); !status)
      return status.takeError();
    if (Status status = loadChatTemplate(options, loaded); !status)
      return status.takeError();
  }
  return loaded;
}

Expected<mlir::OwningOpRef<mlir::ModuleOp>>
tenon::importLoadedModel(mlir::MLIRContext &context, const LoadedModel &model,
                         const CompileOptions &options, TargetAttr target) {
  context
      .loadDialect<TenonDialect, mlir::func::FuncDialect, mlir::scf::SCFDialect,
                   mlir::arith::ArithDialect, mlir::tensor::TensorDialect>();
  ImportOptions importOptions;
  importOptions.context = model.context;
  importOptions.maxChunk = model.maxChunk;
  importOptions.weightDType = options.weightType;
  if (options.train)
    importOptions.weightDType = DType::F32;
  // Random weights are of the type that the configuration speaks of.
  if (model.randomWeights && !importOptions.weightDType)
    for (const char *key : {"torch_dtype", "dtype"})
      if (const nlohmann::json *value = findMember(model.directory.config, key))
        if (const std::string *name = asString(*value)) {
          std::optional<DType> type = parseDType(*name);
          if (type == DType::F32 || type == DType::F16 || type == DType::BF16)
            importOptions.weightDType = type;
        }
  lang::Diagnostics diagnostics;
  mlir::OwningOpRef<mlir::ModuleOp> module = importModel(
      context, *model.bound, model.checkpoint(), importOptions, diagnostics);
  if (!module)
    return makeError(diagnostics);
  (*module)->setAttr(kTargetAttrName, target);
  if (options.train)
    (*module)->setAttr(
        kDefaultEntryAttrName,
        mlir::StringAttr::get(&context,
                              std::string(model.bound->defaultEntry()->name)));
  if (options.head)
    markHead(*module, *options.head, model);
  if (options.maxSequences > 1)
    (*module)->setAttr(
        kMaxSequencesAttrName,
        mlir::Builder(&context).getI64IntegerAttr(options.maxSequences));
  if (!options.quantize.empty())
    (*module)->setAttr(kQuantizeAttrName,
                       mlir::StringAttr::get(&context, options.quantize));
  if (!options.activations.empty())
    (*module)->setAttr(kActivationsAttrName,
                       mlir::StringAttr::get(&context, options.activations));
  if (options.latentCache != "auto")
    (*module)->setAttr(kLatentCacheAttrName,
                       mlir::StringAttr::get(&context, options.latentCache));
  if (!options.kvCache.empty())
    (*module)->setAttr(kKVCacheAttrName,
                       mlir::StringAttr::get(&context, options.kvCache));
  return module;
}
