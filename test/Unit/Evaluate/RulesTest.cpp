//===- RulesTest.cpp - every operation on tensors can be evaluated --------===//

#include "mlir/IR/MLIRContext.h"
#include "mlir/Pass/PassManager.h"
#include "tenon/Dialect/Tenon/Transforms/ErrorBounds.h"
#include "tenon/Dialect/Tenon/Transforms/FusionPasses.h"
#include "tenon/Evaluate/Evaluator.h"
#include "llvm/ADT/StringSet.h"
#include <gtest/gtest.h>

#include <cmath>

using namespace tenon;

namespace {

/// Operations that no stage of tensors has: those of the memory level, what
/// processes that learn together tell each other, the declaration of a weight,
/// and terminators that their parents read.
const llvm::StringSet<> kNotOnTensors = {"tenon.weight",
                                         "tenon.mixture_yield",
                                         "tenon.mixture_gradient_yield",
                                         "tenon.text_yield",
                                         "tenon.await_turn",
                                         "tenon.pass_turn",
                                         "tenon.save_rows",
                                         "tenon.saved_rows",
                                         "tenon.append_kv",
                                         "tenon.block_attention",
                                         "tenon.partial_attention",
                                         "tenon.combine_attention",
                                         "tenon.element_bytes",
                                         "tenon.copy",
                                         "tenon.dispatch",
                                         "tenon.step",
                                         "tenon.yield",
                                         "tenon.route",
                                         "tenon.scatter_add",
                                         "tenon.clear",
                                         "tenon.sum_squares",
                                         "tenon.norm_of_sums",
                                         "tenon.adamw",
                                         "tenon.momentum",
                                         "tenon.lean",
                                         "tenon.step_along",
                                         "tenon.unpack_panels"};

TEST(Rules, EveryOperationOnTensorsHasOne) {
  mlir::MLIRContext context;
  context.loadDialect<TenonDialect>();
  size_t count = 0;
  for (mlir::RegisteredOperationName name :
       context.getRegisteredOperationsByDialect("tenon")) {
    bool isEvaluated = EvaluationRules::get().find(name.getStringRef());
    bool isExcepted = kNotOnTensors.contains(name.getStringRef());
    EXPECT_NE(isEvaluated, isExcepted)
        << name.getStringRef().str()
        << (isEvaluated ? " has a rule but is said to need none"
                        : " has no rule: lib/Evaluate needs one, or it is "
                          "never on tensors");
    count += isEvaluated;
  }
  EXPECT_GT(count, 50u);
}

TEST(ErrorBounds, EveryPassOnTensorsDeclaresOne) {
  mlir::MLIRContext context;
  mlir::OwningOpRef<mlir::ModuleOp> module =
      mlir::ModuleOp::create(mlir::UnknownLoc::get(&context));
  mlir::PassManager manager(&context);
  buildFusePipeline(manager);
  buildCachePipeline(manager);
  buildQuantizePipeline(manager);
  buildPackPipeline(manager);
  for (mlir::Pass &pass : manager.getPasses())
    EXPECT_TRUE(getErrorBound(pass.getArgument(), *module))
        << pass.getArgument().str()
        << " declares no bound in Transforms/ErrorBounds.cpp";
  EXPECT_FALSE(getErrorBound("tenon-tile", *module));
}

NumberArray makeRow(std::vector<double> values) {
  NumberArray array({1, static_cast<int64_t>(values.size())});
  array.values = std::move(values);
  return array;
}

TEST(RelativeError, IsOfTheGreatestMagnitude) {
  EXPECT_EQ(relativeError(makeRow({1, 2}), makeRow({1, 2})), 0);
  EXPECT_DOUBLE_EQ(relativeError(makeRow({1.5, 4}), makeRow({1, 4})), 0.125);
  EXPECT_EQ(relativeError(makeRow({0}), makeRow({0})), 0);
}

TEST(RelativeError, IsInfiniteWhereNumbersAreMissing) {
  EXPECT_TRUE(std::isinf(relativeError(makeRow({1}), makeRow({1, 2}))));
  EXPECT_TRUE(std::isinf(relativeError(makeRow({NAN}), makeRow({1}))));
  EXPECT_TRUE(std::isinf(relativeError(makeRow({INFINITY}), makeRow({1}))));
  EXPECT_TRUE(std::isinf(relativeError(makeRow({1}), makeRow({0}))));
  // The same in both is no difference.
  EXPECT_EQ(relativeError(makeRow({-INFINITY, 1}), makeRow({-INFINITY, 1})), 0);
}

} // namespace
