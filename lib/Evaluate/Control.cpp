//===- Control.cpp - loops, branches and integers -------------------------===//

#include "Rules.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace tenon;

static LogicalResult evaluateFor(Evaluator &e, scf::ForOp op) {
  int64_t begin = e.index(op.getLowerBound()),
          end = e.index(op.getUpperBound());
  int64_t step = e.index(op.getStep());
  SmallVector<EvaluatedValue> carried;
  for (Value value : op.getInitArgs())
    carried.push_back(e.get(value));
  int64_t trip = 0;
  for (int64_t i = begin; i < end && trip < e.mostTrips; i += step, ++trip) {
    e.set(op.getInductionVar(), EvaluatedValue::ofIndex(i));
    for (auto [argument, value] :
         llvm::zip_equal(op.getRegionIterArgs(), carried))
      e.set(argument, value);
    if (failed(e.run(*op.getBody())))
      return failure();
    for (auto [value, yielded] :
         llvm::zip_equal(carried, op.getBody()->getTerminator()->getOperands()))
      value = e.get(yielded);
  }
  for (auto [result, value] : llvm::zip_equal(op.getResults(), carried))
    e.set(result, value);
  return success();
}

static LogicalResult evaluateIf(Evaluator &e, scf::IfOp op) {
  bool isTaken = !e.get(op.getCondition()).integer->isZero();
  Region &region = isTaken ? op.getThenRegion() : op.getElseRegion();
  if (region.empty())
    return success();
  if (failed(e.run(region.front())))
    return failure();
  for (auto [result, yielded] : llvm::zip_equal(
           op.getResults(), region.front().getTerminator()->getOperands()))
    e.set(result, e.get(yielded));
  return success();
}

/// Integers and indices, by MLIR's own folder.
template <typename Op>
static LogicalResult evaluateInteger(Evaluator &e, Op op) {
  Operation *operation = op;
  SmallVector<Attribute> operands;
  for (Value value : operation->getOperands()) {
    const std::optional<llvm::APInt> &number = e.get(value).integer;
    if (!number)
      return operation->emitError("can be evaluated on integers only");
    operands.push_back(IntegerAttr::get(value.getType(), *number));
  }
  SmallVector<OpFoldResult> results;
  if (failed(operation->fold(operands, results)) || results.size() != 1)
    return operation->emitError("has no value");
  if (auto value = dyn_cast<Value>(results[0]))
    e.set(operation->getResult(0), e.get(value));
  else
    e.set(operation->getResult(0),
          EvaluatedValue::of(
              cast<IntegerAttr>(cast<Attribute>(results[0])).getValue()));
  return success();
}

static LogicalResult evaluateConstant(Evaluator &e, arith::ConstantOp op) {
  if (auto number = dyn_cast<IntegerAttr>(op.getValue())) {
    e.set(op.getResult(), EvaluatedValue::of(number.getValue()));
    return success();
  }
  auto dense = dyn_cast<DenseElementsAttr>(op.getValue());
  if (!dense)
    return op.emitError("is no integer and no tensor");
  NumberArray numbers(cast<ShapedType>(dense.getType()).getShape());
  bool isFloat = isa<FloatType>(dense.getElementType());
  if (!isFloat && !isa<IntegerType>(dense.getElementType()))
    return op.emitError("is a tensor of other things than numbers");
  auto *place = numbers.values.data();
  if (isFloat)
    for (APFloat x : dense.getValues<APFloat>()) {
      bool lost;
      x.convert(APFloat::IEEEdouble(), APFloat::rmNearestTiesToEven, &lost);
      *place++ = x.convertToDouble();
    }
  else
    for (const APInt &x : dense.getValues<APInt>())
      *place++ = static_cast<double>(x.getSExtValue());
  return e.set(op.getResult(), std::move(numbers));
}

static LogicalResult evaluateDim(Evaluator &e, tensor::DimOp op) {
  const NumberArray &array = e.array(op.getSource());
  int64_t dimension = e.index(op.getIndex());
  if (dimension < 0 || dimension >= array.rank())
    return op.emitError("there is no dimension ") << dimension;
  e.set(op.getResult(), EvaluatedValue::ofIndex(array.shape[dimension]));
  return success();
}

template <typename... Ops> static void addIntegers(EvaluationRules &rules) {
  (rules.add<Ops>(evaluateInteger<Ops>), ...);
}

void tenon::addControlRules(EvaluationRules &rules) {
  rules.add(evaluateFor);
  rules.add(evaluateIf);
  rules.add(evaluateConstant);
  rules.add(evaluateDim);
  addIntegers<arith::AddIOp, arith::SubIOp, arith::MulIOp, arith::DivUIOp,
              arith::DivSIOp, arith::RemUIOp, arith::RemSIOp, arith::AndIOp,
              arith::OrIOp, arith::XOrIOp, arith::ShLIOp, arith::ShRUIOp,
              arith::TruncIOp, arith::ExtUIOp, arith::ExtSIOp,
              arith::IndexCastOp, arith::IndexCastUIOp, arith::CmpIOp,
              arith::SelectOp, arith::MinSIOp, arith::MaxSIOp, arith::MinUIOp,
              arith::MaxUIOp, math::CtPopOp>(rules);
}
