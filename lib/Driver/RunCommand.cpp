//===- RunCommand.cpp - the program tenon-run -----------------------------===//

#include "tenon/Driver/RunCommand.h"
#include "Messages.h"
#include "PassDiagnostics.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/Parser/Parser.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Pass/PassRegistry.h"
#include "tenon/Checkpoint/ModelDirectory.h"
#include "tenon/Driver/Registration.h"
#include "tenon/Driver/WeightValues.h"
#include "tenon/Evaluate/PassVerifier.h"
#include "tenon/Runtime/Npy.h"
#include "tenon/Support/Strings.h"
#include "llvm/Support/CommandLine.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/JSON.h"
#include "llvm/Support/raw_ostream.h"

using namespace tenon;
namespace cl = llvm::cl;

namespace {

struct Flags {
  cl::OptionCategory category{"tenon-run options"};
  cl::opt<std::string> file{cl::Positional, cl::desc("<module.mlir>"),
                            cl::init("-"), cl::cat(category)};
  cl::opt<std::string> entry{
      "entry",
      cl::desc("The function to evaluate (default: the model, whatever entry "
               "points it has: with a cache, @prefill and then @decode)"),
      cl::value_desc("name"), cl::cat(category)};
  cl::list<std::string> inputs{
      "input",
      cl::desc(
          "An input by its tenon.name, or argN: a .npy file, numbers in "
          "brackets, or a number for an index; what is not given is drawn"),
      cl::value_desc("name=value"), cl::cat(category)};
  cl::opt<std::string> output{"output",
                              cl::desc("Write the (first) result to a .npy "
                                       "file (default: print it)"),
                              cl::value_desc("file"), cl::cat(category)};
  cl::opt<std::string> weights{
      "weights", cl::desc("A model directory or a GGUF file with the weights"),
      cl::value_desc("model"), cl::cat(category)};
  cl::opt<uint64_t> seed{
      "random-weights",
      cl::desc("Draw weights as tenonc does with this seed (default: 0)"),
      cl::value_desc("seed"), cl::cat(category)};
  cl::opt<int64_t> tokens{"tokens",
                          cl::desc("How many tokens are drawn (default: 7)"),
                          cl::value_desc("n"), cl::init(7), cl::cat(category)};
  cl::opt<std::string> passes{
      "verify-passes",
      cl::desc("Run passes, as tenon-opt's --pass-pipeline names them, and "
               "compare what the model computes before and after each"),
      cl::value_desc("pipeline"), cl::cat(category)};
  cl::opt<std::string> fault{
      "verify-passes-fault", cl::desc("Make a mistake after a pass (a test)"),
      cl::value_desc("pass"), cl::ReallyHidden, cl::cat(category)};
  cl::opt<int64_t> trips{"most-trips",
                         cl::desc("Leave a loop after so many trips"),
                         cl::value_desc("n"), cl::cat(category)};
};

Error usage(const std::string &message) {
  return withNote(plainError(message, ExitCode::BadUsage),
                  "tenon-run --help lists the options");
}

/// Numbers in nested brackets.
Status readBrackets(const llvm::json::Value &value, size_t depth,
                    NumberArray &to) {
  if (auto number = value.getAsNumber()) {
    if (depth != to.shape.size())
      return usage("rows in brackets differ in depth");
    to.values.push_back(*number);
    return Status::success();
  }
  const llvm::json::Array *items = value.getAsArray();
  if (!items)
    return usage("numbers in brackets are expected");
  auto count = static_cast<int64_t>(items->size());
  if (depth == to.shape.size() && to.values.empty())
    to.shape.push_back(count);
  else if (depth >= to.shape.size() || to.shape[depth] != count)
    return usage("rows in brackets differ in length");
  for (const llvm::json::Value &item : *items)
    if (Status status = readBrackets(item, depth + 1, to); !status)
      return status;
  return Status::success();
}

Expected<NumberArray> readInput(llvm::StringRef text) {
  NumberArray array;
  if (text.ends_with(".npy")) {
    Expected<runtime::NpyArray> read = runtime::readNpy(text.str());
    if (!read)
      return read.takeError();
    array.shape.assign(read->shape.begin(), read->shape.end());
    array.values.assign(read->values.begin(), read->values.end());
    return array;
  }
  llvm::Expected<llvm::json::Value> value = llvm::json::parse(text);
  if (!value) {
    llvm::consumeError(value.takeError());
    return usage(strCat("--input: ", quoteName(text.str()),
                        " is no .npy file, no number and no numbers in "
                        "brackets"));
  }
  if (Status status = readBrackets(*value, 0, array); !status)
    return status.takeError();
  return array;
}

Expected<NamedArrays> readInputs(const Flags &flags) {
  NamedArrays inputs;
  for (llvm::StringRef text : flags.inputs) {
    auto [name, value] = text.split('=');
    if (value.empty())
      return usage(
          strCat("--input is NAME=VALUE, not ", quoteName(text.str())));
    Expected<NumberArray> array = readInput(value);
    if (!array)
      return array.takeError();
    inputs[name.str()] = std::move(*array);
  }
  return inputs;
}

void print(const NumberArray &array) {
  llvm::interleave(array.shape, llvm::outs(), "x");
  llvm::outs() << "\n";
  for (int64_t r = 0; r < array.rows(); ++r) {
    llvm::interleave(
        llvm::ArrayRef(array.row(r), array.columns()), llvm::outs(),
        [](double x) { llvm::outs() << llvm::format("%.7g", x); }, " ");
    llvm::outs() << "\n";
  }
}

Status write(const std::string &path, const NumberArray &array) {
  Expected<runtime::NpyWriter> writer =
      runtime::NpyWriter::create(path, array.rows(), array.columns());
  if (!writer)
    return writer.takeError();
  std::vector<float> values(array.values.begin(), array.values.end());
  if (Status status = writer->write(values); !status)
    return status;
  return writer->finish();
}

/// The arguments of one function: inputs by name, and empty caches.
Expected<std::vector<EvaluatedValue>> argumentsOf(mlir::func::FuncOp function,
                                                  const NamedArrays &inputs) {
  std::vector<EvaluatedValue> arguments;
  for (mlir::BlockArgument argument : function.getArguments()) {
    std::string name = getInputName(function, argument.getArgNumber());
    auto found = inputs.find(name);
    if (auto cache = mlir::dyn_cast<KVCacheType>(argument.getType()))
      arguments.push_back(
          EvaluatedValue::of(std::make_shared<CacheState>(cache)));
    else if (found == inputs.end())
      return usage(strCat("--input ", name, "=NUMBER is missing"));
    else if (!argument.getType().isIndex())
      arguments.push_back(EvaluatedValue::of(found->second));
    else if (found->second.values.size() == 1)
      arguments.push_back(EvaluatedValue::ofIndex(
          static_cast<int64_t>(found->second.values[0])));
    else
      return usage(strCat("--input ", name, " is one number"));
  }
  return arguments;
}

/// What went wrong has been said at its place.
Error saidAlready() { return {"", ExitCode::BadInput}; }

Status verifyPasses(const Flags &flags, mlir::ModuleOp module,
                    const Checkpoint *checkpoint, NamedArrays inputs) {
  PassVerifierOptions options;
  options.tokens = flags.tokens;
  options.seed = flags.seed;
  options.inputs = std::move(inputs);
  options.fault = flags.fault;
  options.reproducer = flags.output;
  PassVerifier verifier(std::move(options),
                        readWeightsOf(checkpoint, flags.seed),
                        readWeightsOf(checkpoint, flags.seed, false));
  mlir::PassManager manager(module.getContext());
  registerAllPasses();
  if (failed(mlir::parsePassPipeline(flags.passes, manager, llvm::errs())))
    return usage("--verify-passes is no pipeline of passes");
  if (failed(verifier.enter(manager, module, "", /*isNew=*/true)))
    return saidAlready();
  bool succeeded = mlir::succeeded(manager.run(module));
  verifier.print(llvm::outs());
  return succeeded && !verifier.getCulprit() ? Status() : saidAlready();
}

Status evaluate(const Flags &flags, mlir::ModuleOp module) {
  std::optional<ModelDirectory> directory;
  if (!flags.weights.empty()) {
    Expected<ModelDirectory> opened = openModel(flags.weights);
    if (!opened)
      return opened.takeError();
    directory.emplace(std::move(*opened));
    if (!directory->checkpoint)
      return errorInFile(flags.weights, "the directory holds no weights");
  }
  Expected<NamedArrays> given = readInputs(flags);
  if (!given)
    return given.takeError();
  NamedArrays inputs = std::move(*given);
  const Checkpoint *checkpoint =
      directory ? directory->checkpoint.get() : nullptr;
  if (!flags.passes.empty())
    return verifyPasses(flags, module, checkpoint, std::move(inputs));
  drawInputs(module, flags.tokens, flags.seed, inputs);

  Evaluator evaluator(module, readWeightsOf(checkpoint, flags.seed));
  if (flags.trips.getNumOccurrences())
    evaluator.mostTrips = flags.trips;
  std::vector<NumberArray> results;
  if (!flags.entry.empty()) {
    auto function = module.lookupSymbol<mlir::func::FuncOp>(flags.entry);
    if (!function)
      return usage(
          strCat("--entry: there is no function @", std::string(flags.entry)));
    Expected<std::vector<EvaluatedValue>> arguments =
        argumentsOf(function, inputs);
    if (!arguments)
      return arguments.takeError();
    auto values = evaluator.call(flags.entry, *arguments);
    if (failed(values))
      return saidAlready();
    for (const EvaluatedValue &value : *values)
      if (value.array)
        results.push_back(*value.array);
  } else {
    auto run = runModel(evaluator, module, inputs);
    if (failed(run))
      return saidAlready();
    for (auto &[name, result] : *run) {
      if (flags.output.empty())
        llvm::outs() << "@" << name << " ";
      results.push_back(std::move(result));
      if (flags.output.empty())
        print(results.back());
    }
    if (flags.output.empty())
      return Status::success();
  }
  if (flags.output.empty()) {
    for (const NumberArray &result : results)
      print(result);
    return Status::success();
  }
  if (results.empty())
    return usage("there is no result to write");
  return write(flags.output, results.front());
}

} // namespace

int tenon::runTenonRun(int argc, char **argv) {
  Flags flags;
  for (auto &[name, option] : cl::getRegisteredOptions())
    if (!llvm::is_contained(option->Categories, &flags.category) &&
        name != "help")
      option->setHiddenFlag(cl::ReallyHidden);
  if (!cl::ParseCommandLineOptions(
          argc, argv,
          "Evaluates IR of the tensor stages in double precision, by the "
          "formulas that the operations' documentation states.\n",
          &llvm::errs()))
    return static_cast<int>(ExitCode::BadUsage);
  mlir::DialectRegistry registry;
  registerCompilerDialects(registry);
  mlir::MLIRContext context(registry, mlir::MLIRContext::Threading::DISABLED);
  context.printOpOnDiagnostic(false);
  PassDiagnostics diagnostics(&context, llvm::errs());
  mlir::OwningOpRef<mlir::ModuleOp> module =
      mlir::parseSourceFile<mlir::ModuleOp>(flags.file, &context);
  if (!module)
    return static_cast<int>(ExitCode::BadInput);
  Status status = evaluate(flags, *module);
  llvm::outs().flush();
  if (status)
    return 0;
  if (!status.error().message.empty())
    printMessage(status.error().message);
  return static_cast<int>(status.error().code);
}
