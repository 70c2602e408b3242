//===- PassVerifier.cpp - whether passes keep what is computed ------------===//

#include "tenon/Evaluate/PassVerifier.h"
#include "CheckBlocks.h"
#include "CheckGradient.h"
#include "FindDifference.h"
#include "Reproducer.h"
#include "SeedFault.h"
#include "mlir/IR/OperationSupport.h"
#include "mlir/Pass/PassInstrumentation.h"
#include "mlir/Pass/PassRegistry.h"
#include "tenon/Dialect/Tenon/IR/TenonMixture.h"
#include "tenon/Support/AtomicFile.h"
#include "llvm/Support/FormatVariadic.h"

#include <cmath>
#include <random>

using namespace mlir;
using namespace tenon;

namespace tenon {
/// What a pass manager calls; only runs on whole modules count.
class Verification : public PassInstrumentation {
public:
  explicit Verification(PassVerifier &verifier) : verifier(verifier) {}

  void runBeforePass(Pass *, Operation *op) override {
    if (isa<ModuleOp>(op))
      fingerprint.emplace(op);
  }
  void runAfterPass(Pass *pass, Operation *op) override {
    auto module = dyn_cast<ModuleOp>(op);
    if (!module || verifier.culprit)
      return;
    bool faulty = pass->getArgument() == verifier.options.fault &&
                  seedFault(module, verifier.options.fault);
    if (faulty)
      verifier.rounded =
          seedScales(std::move(verifier.rounded), verifier.options.fault);
    if (!faulty && *fingerprint == OperationFingerPrint(op)) {
      PassVerifier::Line line;
      line.stage = verifier.stage;
      line.pass = pass->getArgument().str();
      line.note = "changes nothing";
      verifier.lines.push_back(std::move(line));
      return;
    }
    verifier.after(pass, module);
  }

private:
  PassVerifier &verifier;
  std::optional<OperationFingerPrint> fingerprint;
};
} // namespace tenon

/// Numbers of all weights.
static int64_t countNumbers(ModuleOp module) {
  int64_t count = 0;
  for (auto weight : module.getOps<WeightOp>())
    count += weight.getTensorType().getNumElements();
  return count;
}

void PassVerifier::setUp(Evaluator &evaluator, ModuleOp module) const {
  if (countNumbers(module) > options.mostNumbers)
    evaluator.mostTrips = options.mostTrips;
}

FailureOr<NamedArrays> PassVerifier::evaluate(ModuleOp module, bool rounds) {
  Evaluator evaluator(module, rounds ? rounded : exact);
  evaluator.rounds = rounds;
  setUp(evaluator, module);
  return runModel(evaluator, module, inputs);
}

LogicalResult PassVerifier::enter(PassManager &manager, ModuleOp module,
                                  StringRef nextStage, bool isNew) {
  stage = nextStage.str();
  if (culprit)
    return success();
  if (!before || isNew) {
    if (!before) {
      inputs = options.inputs;
      drawInputs(module, options.tokens, options.seed, inputs);
    }
    FailureOr<NamedArrays> results = evaluate(module, /*rounds=*/false);
    if (failed(results))
      return failure();
    before = module.clone();
    exactResults = std::move(*results);
    roundedResults.reset();
    allowances.clear();
  }
  manager.addInstrumentation(std::make_unique<Verification>(*this));
  return success();
}

/// Matrices with errors that are as large as a rounding, and independent.
static WeightReader addErrors(WeightReader reader, Rounding rounding,
                              uint64_t seed) {
  auto state = std::make_shared<std::mt19937_64>(seed);
  return [=](WeightOp weight, int64_t place) -> FailureOr<NumberArray> {
    FailureOr<NumberArray> numbers = reader(weight, place);
    // What is computed, as tables of rotations, and vectors are not rounded.
    if (failed(numbers) || numbers->rank() < 2 ||
        !llvm::all_of(weight.getSources(), llvm::IsaPred<SourceAttr>))
      return numbers;
    int64_t columns = numbers->columns();
    int64_t width = rounding.block ? rounding.block : columns;
    for (int64_t i = 0; i < numbers->rows(); ++i)
      for (int64_t k = 0; k < columns; k += width) {
        MutableArrayRef<double> block(numbers->row(i) + k,
                                      std::min(width, columns - k));
        double greatest = 0;
        for (double x : block)
          greatest = std::max(greatest, std::abs(x));
        // From -1 to 1; the library's distributions differ among libraries.
        for (double &x : block)
          x += greatest * rounding.size * ((*state)() * 0x1p-63 - 1);
      }
    return numbers;
  };
}

FailureOr<double> PassVerifier::allowRounding(Rounding rounding) {
  // Rounding of one tensor is one of many errors of its size: a pass rounds
  // weights, or what they are multiplied with, and errors of either kind are
  // as large in a product. Four times covers that two draws aren't all.
  constexpr double kSafety = 4;
  // A choice between experts may be another one after any rounding, and then
  // results are others altogether.
  constexpr double kOfChoices = 0.5;
  auto [it, isNew] = allowances.try_emplace({rounding.size, rounding.block},
                                            kSafety * rounding.size);
  if (!isNew)
    return it->second;
  for (uint64_t draw : {1, 2}) {
    Evaluator evaluator(*before,
                        addErrors(exact, rounding, options.seed + draw));
    evaluator.rounds = false;
    setUp(evaluator, *before);
    FailureOr<NamedArrays> results = runModel(evaluator, *before, inputs);
    if (failed(results))
      return failure();
    it->second = std::max(it->second,
                          kSafety * compareRuns(*results, exactResults).error);
  }
  bool chooses = before->walk([](TopKOp) { return WalkResult::interrupt(); })
                     .wasInterrupted();
  if (chooses)
    it->second = std::max(it->second, kOfChoices);
  return it->second;
}

void PassVerifier::after(Pass *pass, ModuleOp module) {
  Line line;
  line.stage = stage;
  line.pass = pass->getArgument().str();
  std::optional<ErrorBound> bound = getErrorBound(line.pass, module);
  // Functions that are new have inputs of their own.
  drawInputs(module, options.tokens, options.seed, inputs);
  FailureOr<NamedArrays> ofExact = evaluate(module, /*rounds=*/false);
  // Rounding is looked at where a pass chose a precision only.
  FailureOr<NamedArrays> ofRounded = NamedArrays();
  FailureOr<double> allowance = 0.0;
  bool rounds = bound && bound->rounding.size > 0;
  if (rounds) {
    allowance = allowRounding(bound->rounding);
    if (!roundedResults) {
      FailureOr<NamedArrays> earlier = evaluate(*before, /*rounds=*/true);
      if (succeeded(earlier))
        roundedResults = std::move(*earlier);
    }
    ofRounded = evaluate(module, /*rounds=*/true);
  }
  if (failed(ofExact) || failed(ofRounded) || failed(allowance) ||
      (rounds && !roundedResults)) {
    culprit = line.pass;
    line.note = "cannot be evaluated afterwards";
    lines.push_back(std::move(line));
    return;
  }
  RunDifference rewrite = compareRuns(*ofExact, exactResults);
  RunDifference rounding;
  if (rounds)
    rounding = compareRuns(*ofRounded, *roundedResults);
  if (rewrite.entry.empty()) {
    line.note = "its functions are others than before";
  } else if (!bound) {
    line.note = "declares no bound";
    line.rewrite = rewrite.error;
  } else {
    line.rewrite = rewrite.error;
    line.rewriteBound = bound->rewrite;
    if (rounds) {
      line.rounding = rounding.error;
      line.roundingBound = *allowance;
    }
    bool isWrong = !(rewrite.error <= bound->rewrite);
    if (isWrong || (line.rounding && !(*line.rounding <= *allowance))) {
      culprit = line.pass;
      line.note = "exceeds its bound";
      report(pass, module, line, isWrong ? rewrite : rounding, !isWrong,
             isWrong ? bound->rewrite : *allowance);
    }
  }
  if (!culprit && rounds &&
      failed(checkBlocks(*before, module, exact, rounded,
                         countNumbers(module) > options.mostNumbers
                             ? options.mostTrips
                             : std::numeric_limits<int64_t>::max(),
                         line.pass))) {
    culprit = line.pass;
    line.note = "rounds weights worse than their format";
  }
  if (!culprit)
    checkGradient(module, line);
  lines.push_back(std::move(line));
  before = module.clone();
  exactResults = std::move(*ofExact);
  roundedResults.reset();
  if (rounds)
    roundedResults = std::move(*ofRounded);
}

/// Where there is a gradient it is that of the loss, by central differences.
void PassVerifier::checkGradient(ModuleOp module, Line &line) {
  // Only whole loops have a way back.
  if (countNumbers(module) > options.mostNumbers)
    return;
  constexpr double kBound = 1e-5;
  Evaluator evaluator(module, exact);
  evaluator.rounds = false;
  std::optional<FailureOr<double>> error =
      gradientError(evaluator, module, inputs, options.seed);
  if (!error)
    return;
  if (succeeded(*error) && **error <= kBound) {
    line.note = llvm::formatv("gradient: {0:e1}", **error);
    return;
  }
  culprit = line.pass;
  line.note = "wrong gradient";
  if (succeeded(*error))
    module.emitError()
        << llvm::formatv(
               "{0} makes a gradient that is not that of the loss: an error of "
               "{1:e1}, where {2:e1} is allowed",
               line.pass, **error, kBound)
               .str();
}

//===----------------------------------------------------------------------===//
// What is said
//===----------------------------------------------------------------------===//

void PassVerifier::report(Pass *pass, ModuleOp module, const Line &line,
                          const RunDifference &difference, bool rounds,
                          double bound) {
  // Once more, with all values.
  Operation *op = nullptr;
  {
    Trace traceBefore, traceAfter;
    Evaluator evaluatorBefore(*before, rounds ? rounded : exact);
    Evaluator evaluatorAfter(module, rounds ? rounded : exact);
    for (auto [evaluator, trace, evaluated] :
         {std::tuple(&evaluatorBefore, &traceBefore, *before),
          std::tuple(&evaluatorAfter, &traceAfter, module)}) {
      evaluator->rounds = rounds;
      setUp(*evaluator, evaluated);
      trace->record(*evaluator);
      (void)runModel(*evaluator, evaluated, inputs);
    }
    op = findDifference(traceAfter, traceBefore, bound);
  }
  std::string text = llvm::formatv(
      "{0} changes what @{1} computes: an error of {2:e1}, where {3:e1} is "
      "allowed",
      line.pass, difference.entry, difference.error, bound);
  InFlightDiagnostic error = op ? op->emitError(text) : module.emitError(text);
  if (op) {
    std::string printed;
    llvm::raw_string_ostream os(printed);
    op->print(os, OpPrintingFlags().skipRegions().useLocalScope());
    error.attachNote() << "from here on values differ: " << printed;
  }
  std::string file = writeReproducer(pass, rounds, bound);
  if (!file.empty())
    error.attachNote(UnknownLoc::get(module.getContext()))
        << "reduced to " << file;
}

std::string PassVerifier::writeReproducer(Pass *pass, bool rounds,
                                          double bound) {
  if (options.reproducer.empty())
    return {};
  std::string pipeline;
  {
    llvm::raw_string_ostream os(pipeline);
    pass->printAsTextualPipeline(os);
  }
  MLIRContext *context = before->getContext();
  // Half-made modules have errors of their own, which are no news.
  ScopedDiagnosticHandler silence(context,
                                  [](Diagnostic &) { return success(); });
  auto fails = [&](ModuleOp module) {
    NamedArrays own = options.inputs;
    drawInputs(module, options.tokens, options.seed, own);
    auto run = [&](ModuleOp evaluated) {
      Evaluator evaluator(evaluated, rounds ? rounded : exact);
      evaluator.rounds = rounds;
      setUp(evaluator, evaluated);
      return runModel(evaluator, evaluated, own);
    };
    FailureOr<NamedArrays> first = run(module);
    PassManager manager(context);
    if (failed(first) || failed(parsePassPipeline(pipeline, manager)) ||
        failed(manager.run(module)))
      return false;
    if (pass->getArgument() == options.fault)
      seedFault(module, options.fault);
    FailureOr<NamedArrays> second = run(module);
    return succeeded(second) && !(compareRuns(*second, *first).error <= bound);
  };
  // As large models are slow to evaluate.
  unsigned questions = countNumbers(*before) > options.mostNumbers ? 20 : 400;
  OwningOpRef<ModuleOp> reduced = reduceModule(*before, fails, questions);

  std::string path =
      options.reproducer + "." + pass->getArgument().str() + ".mlir";
  std::string text;
  llvm::raw_string_ostream os(text);
  os << "// " << pass->getArgument() << " changes what this computes:\n"
     << "//   tenon-run --verify-passes='" << pipeline << "' FILE\n";
  reduced->print(os);
  os << "\n";
  Expected<AtomicFile> file = AtomicFile::create(path);
  if (!file || !file->write(std::string_view(text)) || !file->commit())
    return {};
  return path;
}

void PassVerifier::print(llvm::raw_ostream &os) const {
  auto number = [](std::optional<double> x) -> std::string {
    return x ? llvm::formatv("{0:e1}", *x).str() : "";
  };
  auto bound = [&](double x) { return x > 0 ? number(x) : std::string(); };
  os << llvm::formatv("{0,-15}{1,-24}{2,9}{3,9}{4,10}{5,9}\n", "stage", "pass",
                      "error", "bound", "rounding", "bound");
  for (const Line &line : lines) {
    std::string text = llvm::formatv(
        "{0,-15}{1,-24}{2,9}{3,9}{4,10}{5,9}  {6}", line.stage, line.pass,
        number(line.rewrite), bound(line.rewriteBound), number(line.rounding),
        bound(line.roundingBound), line.note);
    os << StringRef(text).rtrim() << "\n";
  }
}
