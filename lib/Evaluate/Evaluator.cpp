//===- Evaluator.cpp - what a module on tensors computes ------------------===//

#include "tenon/Evaluate/Evaluator.h"
#include "Rules.h"
#include "tenon/Dialect/Tenon/IR/TenonMixture.h"

using namespace mlir;
using namespace tenon;

const EvaluationRules &EvaluationRules::get() {
  static const EvaluationRules rules = [] {
    EvaluationRules all;
    addControlRules(all);
    addElementwiseRules(all);
    addRowRules(all);
    addProductRules(all);
    addAttentionRules(all);
    addShapeRules(all);
    addMixtureRules(all);
    addTextRules(all);
    addWindowRules(all);
    addTrainingRules(all);
    addOptimizerRules(all);
    addChoiceGradientRules(all);
    return all;
  }();
  return rules;
}

const EvaluatedValue &Evaluator::get(Value value) const {
  auto found = values.find(value);
  assert(found != values.end() && "a value is used before it is computed");
  return found->second;
}

const NumberArray &Evaluator::array(Value value) const {
  const EvaluatedValue &evaluated = get(value);
  return evaluated.array ? *evaluated.array : *evaluated.memory;
}

LogicalResult Evaluator::set(Value value, NumberArray numbers) {
  auto type = cast<RankedTensorType>(value.getType());
  // Operations say what they compute; a type that says otherwise is a fault of
  // a pass, which is what is looked for.
  auto groups = dyn_cast<Int8GroupType>(type.getElementType());
  bool fits = type.getRank() == numbers.rank();
  for (auto [declared, is] : llvm::zip(type.getShape(), numbers.shape))
    fits &= ShapedType::isDynamic(declared) || declared == is || groups;
  if (!fits)
    return emitError(value.getLoc())
           << "the value of type " << type << " has the shape ["
           << llvm::ArrayRef<int64_t>(numbers.shape)
           << "] when it is evaluated";
  set(value, EvaluatedValue::of(rounds ? roundTo(type, std::move(numbers))
                                       : fillGroups(type, std::move(numbers))));
  return success();
}

LogicalResult Evaluator::run(Block &block) {
  const EvaluationRules &rules = EvaluationRules::get();
  for (Operation &op : block.without_terminator()) {
    const EvaluationRule *rule = rules.find(op.getName().getStringRef());
    if (!rule)
      return op.emitError("cannot be evaluated: there is no rule for '")
             << op.getName() << "'";
    if (failed((*rule)(*this, &op)))
      return failure();
    if (observer)
      observer(&op);
  }
  return success();
}

/// Whether a value is what a type says.
static bool fits(Type type, const EvaluatedValue &value) {
  if (auto tensor = dyn_cast<RankedTensorType>(type)) {
    if (!value.array || value.array->rank() != tensor.getRank())
      return false;
    for (auto [declared, is] :
         llvm::zip_equal(tensor.getShape(), value.array->shape))
      if (!ShapedType::isDynamic(declared) && declared != is)
        return false;
    return true;
  }
  if (auto cache = dyn_cast<KVCacheType>(type))
    return value.cache && value.cache->type == cache;
  return type.isIntOrIndex() && value.integer;
}

FailureOr<std::vector<EvaluatedValue>>
Evaluator::call(StringRef name, ArrayRef<EvaluatedValue> arguments) {
  auto function = module.lookupSymbol<func::FuncOp>(name);
  if (!function || function.isExternal() || !function.getBody().hasOneBlock())
    return module.emitError("there is no function @")
           << name << " of one block to evaluate";
  Block &body = function.getBody().front();
  if (arguments.size() != body.getNumArguments())
    return function.emitError("takes ")
           << body.getNumArguments() << " arguments, not " << arguments.size();
  values.clear();
  for (auto [argument, value] :
       llvm::zip_equal(body.getArguments(), arguments)) {
    if (!fits(argument.getType(), value))
      return function.emitError("argument ")
             << argument.getArgNumber() << " is no " << argument.getType();
    set(argument, value);
  }
  if (failed(run(body)))
    return failure();
  std::vector<EvaluatedValue> results;
  for (Value result : body.getTerminator()->getOperands())
    results.push_back(get(result));
  return results;
}

//===----------------------------------------------------------------------===//
// Weights
//===----------------------------------------------------------------------===//

WeightOp Evaluator::findWeight(Operation *user, FlatSymbolRefAttr name) {
  auto op = module.lookupSymbol<WeightOp>(name.getAttr());
  if (!op)
    user->emitError("there is no weight ") << name;
  return op;
}

FailureOr<std::shared_ptr<NumberArray>> Evaluator::weight(WeightOp op,
                                                          int64_t place) {
  auto &known = weights[{op.getSymName().str(), place}];
  if (!known) {
    if (place < 0 || place >= op.getNumLayers())
      return op.emitError("has ")
             << op.getNumLayers() << " layers; " << place << " is read";
    FailureOr<NumberArray> numbers = readWeight(op, place);
    if (failed(numbers))
      return failure();
    known = std::make_shared<NumberArray>(std::move(*numbers));
  }
  return known;
}

std::shared_ptr<NumberArray> Evaluator::gradient(WeightOp op, int64_t place,
                                                 int kind) {
  auto &known = gradients[{op.getSymName().str(), place, kind}];
  if (!known)
    known = std::make_shared<NumberArray>(op.getLayerType().getShape());
  return known;
}

void Evaluator::forEachGradient(
    llvm::function_ref<void(WeightOp, int64_t, NumberArray &)> visit) {
  for (auto &[key, memory] : gradients)
    if (auto &[name, place, kind] = key; kind == 0)
      visit(module.lookupSymbol<WeightOp>(name), place, *memory);
}
