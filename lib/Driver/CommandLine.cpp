//===- CommandLine.cpp - the program tenonc -------------------------------===//

#include "tenon/Driver/CommandLine.h"
#include "Adapters.h"
#include "ClassHead.h"
#include "LinkConfig.h"
#include "Messages.h"
#include "TokenizeCommand.h"
#include "mlir/IR/AsmState.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Support/Timing.h"
#include "tenon/Dialect/Tenon/IR/PassStatistic.h"
#include "tenon/Driver/Compilation.h"
#include "tenon/Driver/Describe.h"
#include "tenon/Language/Commands.h"
#include "tenon/Models/Models.h"
#include "tenon/Support/ProcessGuard.h"
#include "tenon/Support/Strings.h"
#include "llvm/Support/CommandLine.h"
#include "llvm/Support/ErrorHandling.h"
#include "llvm/Support/Signals.h"
#include "llvm/Support/raw_ostream.h"

#include <csignal>
#include <unistd.h>

using namespace tenon;
namespace cl = llvm::cl;
using llvm::errs;
using llvm::outs;
using llvm::StringRef;

namespace {

/// tenonc's options. They live as long as the command line is looked at, so
/// that the library adds nothing to other programs' options.
struct Flags {
  cl::OptionCategory category{"tenonc options"};

  cl::opt<std::string> input{cl::Positional,
                             cl::desc("<model directory | description.tenon>"),
                             cl::cat(category)};
  cl::opt<std::string> output{"o", cl::desc("Write the output here"),
                              cl::value_desc("file"), cl::cat(category)};
  cl::opt<std::string> checkpoint{
      "checkpoint", cl::desc("Compile a description for this model directory"),
      cl::value_desc("directory"), cl::cat(category)};
  cl::opt<std::string> emit{
      "emit",
      cl::desc("Stop at a stage: import, differentiated (with --train), fused, "
               "cached, quantized, packed, tiled, micro, kernels, llvm, asm, "
               "obj or exe (default)"),
      cl::value_desc("stage"), cl::init("exe"), cl::cat(category)};
  cl::opt<std::string> triple{
      "target",
      cl::desc("Architecture to compile for: x86_64-linux-gnu or "
               "aarch64-linux-gnu (default: this machine's)"),
      cl::value_desc("triple"), cl::cat(category)};
  cl::opt<std::string> sysroot{
      "sysroot",
      cl::desc("Link for another architecture with the libraries in this "
               "folder, which tools/setup-aarch64.sh fills (default: the one "
               "that the build found)"),
      cl::value_desc("folder"), cl::cat(category)};
  cl::opt<std::string> cpu{
      "mcpu",
      cl::desc("CPU to compile for: native (default), x86-64-v2/v3/v4, or "
               "one of LLVM's names (AArch64: generic, neoverse-n1, ...); "
               "several, with commas: the executable takes the best that it "
               "can run"),
      cl::value_desc("cpu,..."), cl::init("native"), cl::cat(category)};
  cl::opt<std::string> attributes{"mattr",
                                  cl::desc("CPU features to add or take away"),
                                  cl::value_desc("+a,-b"), cl::cat(category)};
  cl::opt<std::string> tuning{
      "tuning",
      cl::desc("Numbers over those measured for the CPU, as "
               "prefetch_distance=2048 (#tenon.tuning)"),
      cl::value_desc("name=n,..."), cl::cat(category)};
  cl::opt<std::string> tune{
      "tune",
      cl::desc("Search plans of kernels that are faster for this model on this "
               "machine, for so many seconds (default: 60), and keep them for "
               "later compilations; without -o nothing else is done"),
      cl::value_desc("seconds"), cl::ValueOptional, cl::cat(category)};
  cl::opt<std::string> tuningDatabase{
      "tuning-database",
      cl::desc("Read the plans that --tune found from this file, and keep them "
               "there (default: $XDG_CACHE_HOME/tenon/tuning.txt; empty: "
               "use none)"),
      cl::value_desc("file"), cl::cat(category)};
  cl::opt<std::string> train{
      "train",
      cl::desc("Compile a program that trains the model: all of it, "
               "lora:rank=8,alpha=16,targets=wq|wv beside it, or "
               "head:classes=3 with a new head for labels"),
      cl::value_desc("what"), cl::ValueOptional, cl::cat(category)};
  cl::list<std::string> adapters{
      "adapter",
      cl::desc("Add the adapters in this directory, in PEFT's layout, to the "
               "weights; NAME=DIRECTORY, as often as wanted, keeps them in the "
               "executable, whose --adapter NAME takes them"),
      cl::value_desc("[name=]directory"), cl::cat(category)};
  cl::opt<uint64_t> seed{
      "random-weights",
      cl::desc("Draw weights at random instead of reading them"),
      cl::value_desc("seed"), cl::cat(category)};
  cl::opt<bool> noTokenizer{
      "no-tokenizer",
      cl::desc("Compile without a tokenizer: the executable's commands then "
               "take and print token ids"),
      cl::cat(category)};
  cl::opt<std::string> weightType{
      "dtype", cl::desc("Store matrices as f32, f16 or bf16"),
      cl::value_desc("type"), cl::cat(category)};
  cl::opt<std::string> quantize{
      "quantize",
      cl::desc("Store the matrices of linears in 8 or 4 bits, in groups of 32 "
               "(int8-channel: with a scale per output channel; int7-channel: "
               "the same in 7 bits, faster on CPUs without VNNI), or in bf16"),
      cl::value_desc("int8|int8-channel|int7-channel|int4|bf16"),
      cl::cat(category)};
  cl::opt<std::string> activations{
      "activations",
      cl::desc("Quantize what linears of weights in blocks read to 8 bits, or "
               "to 16: slower prompts, hardly any rounding (default: 8, and 16 "
               "for logits)"),
      cl::value_desc("int8|int16"), cl::cat(category)};
  cl::opt<std::string> kvCache{
      "kv-cache",
      cl::desc("Keep a decoder's keys and values in f32, f16 or int8 (default: "
               "f16 beside weights in blocks, f32 beside others)"),
      cl::value_desc("f32|f16|int8"), cl::cat(category)};
  cl::opt<std::string> latentCache{
      "latent-cache",
      cl::desc("Cache the latent components that keys and values are made of, "
               "where they are: less memory, longer prompts (default: auto, "
               "where a context's keys and values take half a GiB in f16)"),
      cl::value_desc("auto|on|off"), cl::init("auto"), cl::cat(category)};
  cl::opt<std::string> calibrate{
      "calibrate",
      cl::desc(
          "Quantize for the least error in the output on this text, not in "
          "the weights"),
      cl::value_desc("text file"), cl::cat(category)};
  cl::opt<std::string> importance{
      "importance",
      cl::desc("Quantize with the importance of columns from this file"),
      cl::value_desc("file"), cl::cat(category)};
  cl::opt<std::string> saveImportance{
      "save-importance",
      cl::desc("Write what --calibrate finds for --importance"),
      cl::value_desc("file"), cl::cat(category)};
  cl::opt<int64_t> context{
      "context",
      cl::desc("Longest sequence in tokens (default: the model's limit, at "
               "most 4096)"),
      cl::value_desc("n"), cl::cat(category)};
  cl::opt<int64_t> maxChunk{
      "max-chunk", cl::desc("Most tokens of one prefill call (default: 512)"),
      cl::value_desc("n"), cl::cat(category)};
  cl::opt<int64_t> maxSequences{
      "max-sequences",
      cl::desc("Most sequences that are decoded together (default: 1)"),
      cl::value_desc("n"), cl::init(1), cl::cat(category)};
  cl::opt<unsigned> optLevel{
      "O", cl::Prefix,
      cl::desc("Optimization of machine code, 0 to 3: 2, the default, "
               "runs the LLVM passes that kernels gain from, 3 all of them"),
      cl::init(2), cl::cat(category)};
  cl::opt<bool> checkBounds{
      "check-bounds",
      cl::desc("Kernels stop, naming operation and line, before they leave "
               "their memory; several times slower"),
      cl::cat(category)};
  cl::opt<bool> debugLines{"g", cl::desc("Keep line tables and symbols"),
                           cl::cat(category)};
  cl::opt<bool> strict{"strict",
                       cl::desc("NaN or infinity in weights is an error"),
                       cl::cat(category)};
  cl::opt<bool> lenient{
      "lenient",
      cl::desc("What the description doesn't read of the model's configuration "
               "and tensors is a warning, not an error"),
      cl::cat(category)};
  cl::opt<bool> quiet{"quiet", cl::desc("Show no progress on long work"),
                      cl::cat(category)};
  cl::opt<bool> verbose{"verbose", cl::desc("Say what is done"),
                        cl::cat(category)};
  cl::opt<bool> time{"time", cl::desc("Say how long it took"),
                     cl::cat(category)};
  cl::opt<std::string> remarks{
      "remarks",
      cl::desc(
          "Say of every rewrite that passes applied (fused) or declined "
          "(missed), where and why, and of every choice of tiles what it and "
          "others are predicted to cost (tile)"),
      cl::value_desc("fused|missed|tile|all,..."), cl::cat(category)};
  cl::opt<std::string> remarksOutput{
      "remarks-output", cl::desc("Write all remarks to a YAML file"),
      cl::value_desc("file"), cl::cat(category)};
  cl::opt<std::string> report{
      "report",
      cl::desc("Write a page that shows what every pass did, from the "
               "description to the kernels (FILE.json: its data; -: a table); "
               "without -o nothing else is written"),
      cl::value_desc("file.html"), cl::cat(category)};
  cl::opt<std::string> reportProfile{
      "report-profile",
      cl::desc("Show in the report where the program's time went: a file that "
               "`PROGRAM bench --profile --json` printed"),
      cl::value_desc("file.json"), cl::cat(category)};
  cl::opt<bool> verifyPasses{
      "verify-passes",
      cl::desc("Evaluate the model before and after every pass on tensors; a "
               "pass that changes its results stops the compilation"),
      cl::cat(category)};
  cl::opt<std::string> verifyPassesFault{
      "verify-passes-fault", cl::desc("Make a mistake after a pass (a test)"),
      cl::value_desc("pass"), cl::ReallyHidden, cl::cat(category)};
  cl::opt<bool> statistics{"tenon-statistics",
                           cl::desc("Say what passes did and declined"),
                           cl::cat(category)};
  cl::opt<bool> helpAll{"help-all",
                        cl::desc("Display the options of MLIR's passes too"),
                        cl::cat(category)};
  cl::opt<bool> describe{
      "describe",
      cl::desc("Say what a model is, what memory it takes and what of it is "
               "unexpected or missing, without compiling it"),
      cl::cat(category)};
  cl::opt<bool> check{"check",
                      cl::desc("Check a description; with --checkpoint, also "
                               "the configuration there"),
                      cl::cat(category)};
  cl::opt<bool> format{"format",
                       cl::desc("Print a description in canonical form"),
                       cl::cat(category)};
  cl::opt<bool> listModels{
      "list-models", cl::desc("List the built-in families"), cl::cat(category)};
  cl::opt<std::string> printModel{
      "print-model",
      cl::desc("Print a built-in family's description, or a "
               "part that it includes"),
      cl::value_desc("name"), cl::cat(category)};
};

int fail(const Error &error) {
  outs().flush();
  printMessage(error.message);
  return static_cast<int>(error.code);
}

Error usage(std::string message) {
  return withNote(plainError(message, ExitCode::BadUsage),
                  "tenonc --help lists the options");
}

int report(const lang::CommandResult &result) {
  outs() << result.output;
  outs().flush();
  printMessage(result.diagnostics);
  return result.exitCode;
}

int printModel(const std::string &name) {
  if (const BuiltinModel *model = findModel(name)) {
    outs() << model->text;
    return 0;
  }
  // What they include, by the name of the file.
  for (const lang::BuiltinPart &part : listParts())
    if (part.fileName == name) {
      outs() << part.text;
      return 0;
    }
  std::string known;
  for (const BuiltinModel &model : listModels())
    known += (known.empty() ? "" : ", ") + std::string(model.name);
  return fail(
      withNote(plainError(strCat("no family is called ", quoteName(name)),
                          ExitCode::BadUsage),
               "known families: " + known));
}

int checkDescription(const Flags &flags) {
  std::string config = flags.checkpoint;
  if (!config.empty() && !StringRef(config).ends_with(".json"))
    config += "/config.json";
  return report(
      lang::checkCommand(flags.input, listParts(), config, flags.lenient));
}

Status setTuning(const Flags &flags, CompileOptions &options) {
  if (flags.tuningDatabase.getNumOccurrences())
    options.tuningDatabase = flags.tuningDatabase;
  if (!flags.tune.getNumOccurrences())
    return Status::success();
  double seconds = 60;
  if (!flags.tune.empty() && (StringRef(flags.tune).getAsDouble(seconds) ||
                              !(seconds > 0 && seconds <= 1e6)))
    return usage(
        strCat("--tune takes a number of seconds up to a million, not ",
               quoteName(std::string(flags.tune))));
  options.tuneSeconds = seconds;
  if (options.train)
    return usage("--tune is for programs that compute, not for those of "
                 "--train, whose kernels have no plans in a database");
  if (options.stage < Stage::Packed)
    return usage(strCat("--tune needs kernels: --emit=",
                        std::string(getStage(options.stage).name),
                        " stops before there are any"));
  return Status::success();
}

Status setImportance(const Flags &flags, CompileOptions &options) {
  options.calibrationText = flags.calibrate;
  options.importance = flags.importance;
  options.saveImportance = flags.saveImportance;
  bool calibrates = !options.calibrationText.empty();
  if (!options.saveImportance.empty() && !calibrates)
    return usage("--save-importance writes what --calibrate finds: a text for "
                 "that is missing");
  if (!calibrates && options.importance.empty())
    return Status::success();
  const char *option = calibrates ? "--calibrate" : "--importance";
  if (calibrates && !options.importance.empty())
    return usage("--calibrate and --importance exclude each other");
  if (options.quantize != "int8" && options.quantize != "int4")
    return usage(strCat(option, " is for weights that are quantized here: "
                                "--quantize=int8 or int4 is expected with it"));
  if (options.stage != Stage::Executable)
    return usage(strCat(option, " is for executables, not for --emit"));
  if (calibrates && options.randomSeed)
    return usage("--calibrate has nothing to learn from random weights");
  return Status::success();
}

Expected<CompileOptions> makeOptions(const Flags &flags) {
  CompileOptions options;
  options.input = flags.input;
  options.checkpoint = flags.checkpoint;
  options.output = flags.output;
  options.target = {flags.cpu, flags.attributes, flags.tuning, flags.triple};
  if (!flags.cpu.getNumOccurrences() && !isHostTriple(flags.triple))
    options.target.cpu = getPlainCpu(flags.triple);
  options.sysroot = flags.sysroot;
  std::optional<Stage> stage = parseStage(flags.emit);
  if (!stage)
    return usage(strCat("unknown stage ", quoteName(std::string(flags.emit)),
                        " in --emit; import, differentiated, fused, cached, "
                        "quantized, packed, tiled, micro, kernels, llvm, asm, "
                        "obj or exe is expected"));
  options.stage = *stage;
  options.train = flags.train.getNumOccurrences() > 0;
  if (llvm::StringRef(flags.train).starts_with("head")) {
    Expected<HeadOptions> head = parseHeadOptions(std::string(flags.train));
    if (!head)
      return head.takeError();
    options.head = std::move(*head);
  } else if (!flags.train.empty()) {
    Expected<AdapterOptions> adapters =
        parseAdapterOptions(std::string(flags.train));
    if (!adapters)
      return adapters.takeError();
    options.adapters = std::move(*adapters);
  }
  for (const std::string &text : flags.adapters)
    options.adapter += (options.adapter.empty() ? "" : "\n") + text;
  Expected<AskedAdapters> asked = parseAdapters(options.adapter);
  if (!asked)
    return asked.takeError();
  bool adapts = !options.adapter.empty();
  if (options.train && !asked->kept.empty())
    return usage("--adapter NAME=DIRECTORY is for programs that compute, not "
                 "for --train");
  if (adapts && flags.seed.getNumOccurrences())
    return usage("--adapter changes weights that random ones are not");
  if (adapts && !flags.calibrate.empty())
    return usage(
        "--calibrate runs the model without the adapters of --adapter: "
        "they exclude each other so far");
  if (options.stage == Stage::Differentiated && !options.train)
    return usage("--emit=differentiated is for a model that learns: --train "
                 "is missing");
  if (flags.seed.getNumOccurrences())
    options.randomSeed = flags.seed;
  options.noTokenizer = flags.noTokenizer;
  if (!flags.weightType.empty()) {
    options.weightType = parseDType(std::string(flags.weightType));
    if (options.weightType != DType::F32 && options.weightType != DType::F16 &&
        options.weightType != DType::BF16)
      return usage(strCat("--dtype is f32, f16 or bf16, not ",
                          quoteName(std::string(flags.weightType))));
  }
  options.quantize = flags.quantize;
  if (options.quantize != "" && options.quantize != "int8" &&
      options.quantize != "int8-channel" &&
      options.quantize != "int7-channel" && options.quantize != "int4" &&
      options.quantize != "bf16")
    return usage(strCat("--quantize is int8, int8-channel, int7-channel, int4 "
                        "or bf16, not ",
                        quoteName(options.quantize)));
  options.activations = flags.activations;
  if (flags.activations.getNumOccurrences() && options.activations != "int8" &&
      options.activations != "int16")
    return usage(strCat("--activations is int8 or int16, not ",
                        quoteName(options.activations)));
  if (options.activations == "int16" && options.quantize.ends_with("-channel"))
    return usage(strCat("--activations=int16 needs weights quantized in "
                        "groups, which those of --quantize=",
                        options.quantize, " are not"));
  options.kvCache = flags.kvCache;
  if (flags.kvCache.getNumOccurrences() && options.kvCache != "f32" &&
      options.kvCache != "f16" && options.kvCache != "int8")
    return usage(strCat("--kv-cache is f32, f16 or int8, not ",
                        quoteName(options.kvCache)));
  options.latentCache = flags.latentCache;
  if (options.latentCache != "auto" && options.latentCache != "on" &&
      options.latentCache != "off")
    return usage(strCat("--latent-cache is auto, on or off, not ",
                        quoteName(options.latentCache)));
  for (auto [option, value] : {std::pair(&flags.context, &options.context),
                               std::pair(&flags.maxChunk, &options.maxChunk)}) {
    if (!option->getNumOccurrences())
      continue;
    if (option->getValue() < 1 || option->getValue() > (1 << 24))
      return usage(strCat("--", option->ArgStr.str(), " is between 1 and ",
                          1 << 24, ", not ", option->getValue()));
    *value = option->getValue();
  }
  if (flags.maxSequences < 1 || flags.maxSequences > kMostSequences)
    return usage(strCat("--max-sequences is between 1 and ", kMostSequences,
                        ", not ", int64_t(flags.maxSequences)));
  options.maxSequences = flags.maxSequences;
  if (Status status = setImportance(flags, options); !status)
    return status.takeError();
  if (Status status = setTuning(flags, options); !status)
    return status.takeError();
  if (flags.optLevel > 3)
    return usage("-O is between 0 and 3");
  options.optLevel = flags.optLevel;
  options.debugLines = flags.debugLines;
  options.checkBounds = flags.checkBounds;
  if (flags.remarks.getNumOccurrences()) {
    Expected<RemarkKinds> kinds = parseRemarkKinds(flags.remarks);
    if (!kinds)
      return withNote(kinds.error(), "this is about --remarks");
    options.remarks = *kinds;
  }
  options.remarksOutput = flags.remarksOutput;
  options.report = flags.report;
  options.reportProfile = flags.reportProfile;
  if (!options.reportProfile.empty() && options.report.empty())
    return usage("--report-profile is for a report: --report FILE says where "
                 "it goes");
  options.verifyPasses = flags.verifyPasses;
  options.verifyPassesFault = flags.verifyPassesFault;
  if (!options.report.empty() && options.debugLines)
    return usage("--report and -g exclude each other: the report numbers "
                 "places in its own way");
  options.strict = flags.strict;
  options.lenient = flags.lenient;
  options.quiet = flags.quiet;
  options.verbose = flags.verbose;
  options.time = flags.time;
  if (options.output.empty()) {
    bool hasOther = !options.report.empty() ||
                    (options.tuneSeconds && options.stage == Stage::Executable);
    if (options.stage == Stage::Executable && !flags.describe && !hasOther)
      return usage("where should the executable go? -o FILE says it");
    if (!hasOther)
      options.output = "-";
  }
  if (options.output == "-" && options.stage == Stage::Executable &&
      !flags.describe)
    return usage("an executable cannot be written to stdout");
  options.configurePasses = [](mlir::PassManager &manager) {
    if (failed(mlir::applyPassManagerCLOptions(manager)))
      return false;
    mlir::applyDefaultTimingPassManagerCLOptions(manager);
    return true;
  };
  return options;
}

int run(const Flags &flags) {
  if (flags.helpAll) {
    cl::PrintHelpMessage(/*Hidden=*/true, /*Categorized=*/true);
    return 0;
  }
  if (flags.listModels) {
    outs() << formatModelList();
    return 0;
  }
  if (!flags.printModel.empty())
    return printModel(flags.printModel);
  if (flags.input.empty())
    return fail(usage("no model given: a directory with config.json, or a "
                      ".tenon file with --checkpoint"));
  if (flags.check)
    return checkDescription(flags);
  if (flags.format)
    return report(lang::formatCommand(flags.input));
  Expected<CompileOptions> options = makeOptions(flags);
  if (!options)
    return fail(options.error());
  if (flags.describe) {
    Status status = describe(*options);
    return status ? 0 : fail(status.error());
  }
  Status status = compile(*options);
  if (flags.statistics)
    printPassStatistics(errs());
  return status ? 0 : fail(status.error());
}

/// What ends tenonc where no error can be returned, with one message.
void guardProcess() {
  guardMappings();
  // The linker's files.
  setGuardCleanup(llvm::sys::RunInterruptHandlers);
  llvm::install_bad_alloc_error_handler(
      [](void *, const char *, bool) { endOutOfMemory(); });
  llvm::install_fatal_error_handler([](void *, const char *reason, bool) {
    printMessage(strCat("error: internal error: ", reason));
    llvm::sys::RunInterruptHandlers();
    _exit(static_cast<int>(ExitCode::BadInput));
  });
  // A write beyond `ulimit -f` then fails with EFBIG, also the linker's.
  signal(SIGXFSZ, SIG_IGN);
}

int runCommand(int argc, char **argv) {
  if (argc > 1 && llvm::StringRef(argv[1]) == "tokenize") {
    Status status = tokenizeCommand({argv + 2, argv + argc});
    return status ? 0 : fail(status.error());
  }
  // As mlir-opt's: --mlir-print-ir-after-all, --mlir-pass-statistics, ...
  mlir::registerAsmPrinterCLOptions();
  mlir::registerMLIRContextCLOptions();
  mlir::registerPassManagerCLOptions();
  mlir::registerDefaultTimingManagerCLOptions();
  Flags flags;
  // MLIR's options are shown by --help-all; LLVM's own stay usable but unshown.
  for (auto &[name, option] : cl::getRegisteredOptions())
    if (!llvm::is_contained(option->Categories, &flags.category) &&
        name != "help" && name != "version")
      option->setHiddenFlag(name.starts_with("mlir-") ? cl::Hidden
                                                      : cl::ReallyHidden);
  cl::SetVersionPrinter([](llvm::raw_ostream &stream) {
    stream << "tenonc " TENON_VERSION "\n";
  });
  if (!cl::ParseCommandLineOptions(
          argc, argv,
          "Tenon: compiles a Transformer to one native executable. `tenonc "
          "tokenize --help` tries a vocabulary.\n",
          &errs()))
    return static_cast<int>(ExitCode::BadUsage);
  return run(flags);
}

} // namespace

int tenon::runTenonc(int argc, char **argv) {
  guardProcess();
  int code = runCommand(argc, argv);
  outs().flush();
  if (!outs().has_error())
    return code;
  int number = outs().error().value();
  outs().clear_error();
  return fail(systemError("standard output", "write", number));
}
