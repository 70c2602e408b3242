//===- PassVerifier.h - whether passes keep what is computed ----*- C++ -*-===//
//
//   PassVerifier verifier(options, reader, exactReader);
//   verifier.enter(manager, module, "fused");   // before manager.run(module)
//   ...
//   verifier.print(llvm::errs());
//
//===----------------------------------------------------------------------===//

#ifndef TENON_EVALUATE_PASSVERIFIER_H
#define TENON_EVALUATE_PASSVERIFIER_H

#include "mlir/IR/OwningOpRef.h"
#include "mlir/Pass/PassManager.h"
#include "tenon/Dialect/Tenon/Transforms/ErrorBounds.h"
#include "tenon/Evaluate/ModelRun.h"

#include <map>

namespace tenon {

struct PassVerifierOptions {
  /// Tokens of the sequence that is evaluated, and the seed of its inputs.
  int64_t tokens = 9;
  uint64_t seed = 0;
  /// Loops are left after so many trips where weights have more than
  /// `mostNumbers` numbers in all.
  int64_t mostTrips = 2;
  int64_t mostNumbers = int64_t(1) << 25;
  /// Inputs that are not to be drawn.
  NamedArrays inputs;
  /// For tests: a mistake is made after this pass (`seedFault`).
  std::string fault;
  /// Where reproducers are written: this, a dot and the pass's name, ".mlir".
  /// Empty: nowhere.
  std::string reproducer;
};

/// Evaluates a module before and after every pass that changes it, on the same
/// inputs, and compares the results with what the pass declares
/// (`getErrorBound`): once in exact arithmetic, and, where the pass chose a
/// precision, with all rounding: that may change results by four times as much
/// as independent errors of the weights do that are as large as one rounding.
/// Weights that were quantized are compared block by block, too, with what
/// their format promises (`checkBlocks`). Where a model learns, its gradient is
/// compared with central differences of the loss, too.
class PassVerifier {
public:
  /// The readers give weights as their types round them, and as they were.
  PassVerifier(PassVerifierOptions options, WeightReader rounded,
               WeightReader exact)
      : options(std::move(options)), rounded(std::move(rounded)),
        exact(std::move(exact)) {}

  /// Watches the passes of a manager, which lead to a stage and are about to
  /// run on this module. `isNew`: it is not the module that the last passes
  /// left. Fails, with an error, if the module cannot be evaluated.
  mlir::LogicalResult enter(mlir::PassManager &manager, mlir::ModuleOp module,
                            llvm::StringRef stage, bool isNew);

  /// The pass that broke its word, if one did; the error has been emitted at
  /// the operation, and nothing is looked at from then on.
  const std::optional<std::string> &getCulprit() const { return culprit; }

  /// A line for each pass.
  void print(llvm::raw_ostream &os) const;

private:
  friend class Verification;
  struct Line {
    std::string stage, pass;
    std::optional<double> rewrite, rounding;
    double rewriteBound = 0, roundingBound = 0;
    std::string note;
  };

  void after(mlir::Pass *pass, mlir::ModuleOp module);
  void checkGradient(mlir::ModuleOp module, Line &line);
  mlir::FailureOr<NamedArrays> evaluate(mlir::ModuleOp module, bool rounds);
  void report(mlir::Pass *pass, mlir::ModuleOp module, const Line &line,
              const RunDifference &difference, bool rounds, double bound);
  std::string writeReproducer(mlir::Pass *pass, bool rounds, double bound);
  void setUp(Evaluator &evaluator, mlir::ModuleOp module) const;
  /// What one rounding of this size may do to the results; fails if the module
  /// cannot be evaluated.
  mlir::FailureOr<double> allowRounding(Rounding rounding);

  PassVerifierOptions options;
  WeightReader rounded, exact;
  std::string stage;
  /// The module before the pass at hand, and what it computes.
  mlir::OwningOpRef<mlir::ModuleOp> before;
  NamedArrays inputs, exactResults;
  std::optional<NamedArrays> roundedResults; ///< once they were needed
  /// By the size of a rounding, and its block.
  std::map<std::pair<double, int64_t>, double> allowances;
  std::vector<Line> lines;
  std::optional<std::string> culprit;
};

} // namespace tenon

#endif // TENON_EVALUATE_PASSVERIFIER_H
