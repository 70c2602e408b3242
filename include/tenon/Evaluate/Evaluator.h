//===- Evaluator.h - what a module on tensors computes ----------*- C++ -*-===//
//
// Evaluates functions on tensors, of any stage from import to packed (and of a
// model that learns), in double precision, by the formulas that the operations'
// documentation states. Plain and slow, and independent of the kernels: what
// generated code and passes are compared with.
//
//===----------------------------------------------------------------------===//

#ifndef TENON_EVALUATE_EVALUATOR_H
#define TENON_EVALUATE_EVALUATOR_H

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/BuiltinOps.h"
#include "tenon/Evaluate/NumberArray.h"
#include "llvm/ADT/StringMap.h"

#include <functional>
#include <limits>

namespace tenon {

/// Reads a weight: of the number in the stack, 0 if it is not stacked. Has the
/// shape of `getLayerType`, and the numbers that its element type holds. Emits
/// an error and fails if it cannot be read.
using WeightReader =
    std::function<mlir::FailureOr<NumberArray>(WeightOp weight, int64_t place)>;

class Evaluator;

/// Computes an operation's results from its operands.
using EvaluationRule =
    std::function<mlir::LogicalResult(Evaluator &, mlir::Operation *)>;

/// Rules by the names of operations.
class EvaluationRules {
public:
  /// Those of all operations that stand on tensors.
  static const EvaluationRules &get();

  template <typename Op>
  void add(mlir::LogicalResult (*rule)(Evaluator &, Op)) {
    rules[Op::getOperationName()] = [rule](Evaluator &evaluator,
                                           mlir::Operation *op) {
      return rule(evaluator, mlir::cast<Op>(op));
    };
  }
  /// Null if there is none.
  const EvaluationRule *find(llvm::StringRef operation) const {
    auto found = rules.find(operation);
    return found == rules.end() ? nullptr : &found->second;
  }

private:
  llvm::StringMap<EvaluationRule> rules;
};

class Evaluator {
public:
  /// Told of each operation's results, after it. Operations in loops come once
  /// for each trip.
  using Observer = std::function<void(mlir::Operation *)>;

  Evaluator(mlir::ModuleOp module, WeightReader readWeight)
      : module(module), readWeight(std::move(readWeight)) {}

  /// Loops end after so many trips: a layer of each kind says what there is to
  /// see of a large model.
  int64_t mostTrips = std::numeric_limits<int64_t>::max();
  /// Whether values are rounded to what their types hold. Without, what a pass
  /// makes of a model is seen apart from the precision that it chooses (weights
  /// are what the reader says).
  bool rounds = true;
  /// Where the first token of a call stands in its sequence, for observers; a
  /// negative number of its own where tokens are of different sequences.
  int64_t firstToken = 0;
  Observer observer;

  /// Calls a function of one block. Arguments must be what its types say.
  /// Emits an error at the operation and fails where one has no rule, or where
  /// numbers don't fit (a token beyond a table).
  mlir::FailureOr<std::vector<EvaluatedValue>>
  call(llvm::StringRef function, llvm::ArrayRef<EvaluatedValue> arguments);

  //===--------------------------------------------------------------------===//
  // For rules
  //===--------------------------------------------------------------------===//

  const EvaluatedValue &get(mlir::Value value) const;
  /// A tensor's numbers; of a memref, what it holds.
  const NumberArray &array(mlir::Value value) const;
  /// Null for no value.
  const NumberArray *arrayIfAny(mlir::Value value) const {
    return value ? &array(value) : nullptr;
  }
  int64_t index(mlir::Value value) const {
    return get(value).integer->getSExtValue();
  }
  NumberArray &memory(mlir::Value value) const { return *get(value).memory; }

  void set(mlir::Value value, EvaluatedValue evaluated) {
    values[value] = std::move(evaluated);
  }
  /// A tensor's numbers, rounded to its type's element.
  mlir::LogicalResult set(mlir::Value value, NumberArray numbers);

  /// Runs a block whose arguments are set, but for its terminator.
  mlir::LogicalResult run(mlir::Block &block);

  /// A weight's numbers: read once, changed by `tenon.update`.
  mlir::FailureOr<std::shared_ptr<NumberArray>> weight(WeightOp op,
                                                       int64_t place);
  WeightOp findWeight(mlir::Operation *user, mlir::FlatSymbolRefAttr name);
  /// Memory of a weight's gradient (0) or of a moment of it (1, 2), zeros at
  /// first.
  std::shared_ptr<NumberArray> gradient(WeightOp op, int64_t place,
                                        int kind = 0);
  /// Calls for each gradient that there is.
  void forEachGradient(
      llvm::function_ref<void(WeightOp, int64_t, NumberArray &)> visit);

private:
  mlir::ModuleOp module;
  WeightReader readWeight;
  llvm::DenseMap<mlir::Value, EvaluatedValue> values;
  std::map<std::pair<std::string, int64_t>, std::shared_ptr<NumberArray>>
      weights;
  std::map<std::tuple<std::string, int64_t, int>, std::shared_ptr<NumberArray>>
      gradients;
};

} // namespace tenon

#endif // TENON_EVALUATE_EVALUATOR_H
