//===- FindDifference.cpp - the operation that computes otherwise ---------===//

#include "FindDifference.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "llvm/ADT/SetVector.h"

#include <cmath>

using namespace mlir;
using namespace tenon;

void Trace::record(Evaluator &evaluator) {
  // Arrays are shared by the values that are the same, also through loops.
  auto makers = std::make_shared<llvm::DenseMap<const NumberArray *, size_t>>();
  evaluator.observer = [this, &evaluator, makers](Operation *op) {
    if (op->getNumResults() != 1 || isa<WeightRefOp, scf::ForOp>(op))
      return;
    auto type = dyn_cast<RankedTensorType>(op->getResult(0).getType());
    if (!type || type.getElementType().isInteger(32))
      return;
    Step step{op,
              {},
              evaluator.get(op->getResult(0)).array,
              evaluator.firstToken,
              {}};
    for (Operation *parent = op->getParentOp(); parent;
         parent = parent->getParentOp())
      if (auto loop = dyn_cast<scf::ForOp>(parent))
        step.trips.push_back(evaluator.index(loop.getInductionVar()));
    for (Value operand : op->getOperands()) {
      auto maker = makers->find(evaluator.get(operand).array.get());
      if (maker != makers->end())
        step.operands.push_back(maker->second);
    }
    // An scf.if passes on what an operation inside has made.
    makers->try_emplace(step.value.get(), steps.size());
    steps.push_back(std::move(step));
  };
}

namespace {

/// The places of the description that an operation comes from.
llvm::SmallSetVector<Attribute, 4> placesOf(Operation *op) {
  llvm::SmallSetVector<Attribute, 4> places;
  op->getLoc()->walk([&](Location loc) {
    if (isa<FileLineColLoc>(loc))
      places.insert(loc);
    return WalkResult::advance();
  });
  return places;
}

enum class Verdict { Unknown, Same, Scaled, Other };

/// Whether one is the other times a number: a factor that moved elsewhere.
bool isScaled(const NumberArray &a, const NumberArray &b, double bound) {
  double products = 0, squares = 0;
  for (auto [x, y] : llvm::zip_equal(a.values, b.values)) {
    products += x * y;
    squares += y * y;
  }
  if (squares == 0 || !std::isfinite(products) || products == 0)
    return false;
  NumberArray scaled = b;
  for (double &y : scaled.values)
    y *= products / squares;
  return relativeError(a, scaled) <= bound;
}

/// What a step's value is for the tokens of a call: the same call's, or rows of
/// one of the whole sequence, [.., T, d]; nothing if it isn't of that kind.
std::optional<NumberArray> cut(const Trace::Step &step, ArrayRef<int64_t> shape,
                               int64_t firstToken) {
  const NumberArray &all = *step.value;
  if (step.firstToken == firstToken && ArrayRef<int64_t>(all.shape) == shape)
    return all;
  if (step.firstToken != 0 || firstToken < 0 ||
      all.shape.size() != shape.size() || shape.size() < 2)
    return std::nullopt;
  size_t place = shape.size() - 2;
  for (size_t i = 0; i < shape.size(); ++i)
    if (i == place ? firstToken + shape[i] > all.shape[i]
                   : all.shape[i] != shape[i])
      return std::nullopt;
  NumberArray some(shape);
  for (int64_t r = 0; r < some.rows(); ++r) {
    int64_t from =
        r / shape[place] * all.shape[place] + firstToken + r % shape[place];
    std::copy_n(all.row(from), all.columns(), some.row(r));
  }
  return some;
}

/// Judges values of one trace by those of another.
class Judge {
public:
  Judge(const Trace &before, double bound) : bound(bound) {
    for (const Trace::Step &step : before.steps)
      for (Attribute place : placesOf(step.op))
        byPlace[place].push_back(&step);
  }

  Verdict of(const Trace::Step &step) const {
    auto places = placesOf(step.op);
    std::optional<NumberArray> replaced;
    const Trace::Step *last = nullptr;
    bool isAny = false;
    for (Attribute place : places)
      for (const Trace::Step *other : byPlace.lookup(place)) {
        if (other->trips != step.trips)
          continue;
        auto some = cut(*other, step.value->shape, step.firstToken);
        if (!some)
          continue;
        isAny |= relativeError(*step.value, *some) <= bound;
        // What a rewrite replaces is the last value at its places.
        bool isWithin = llvm::all_of(placesOf(other->op), [&](Attribute own) {
          return places.contains(own);
        });
        if (isWithin && (!last || other > last)) {
          last = other; // steps lie in their order
          replaced = std::move(some);
        }
      }
    if (!replaced)
      return isAny ? Verdict::Same : Verdict::Unknown;
    if (relativeError(*step.value, *replaced) <= bound)
      return Verdict::Same;
    return isScaled(*step.value, *replaced, bound) ? Verdict::Scaled
                                                   : Verdict::Other;
  }

private:
  double bound;
  llvm::DenseMap<Attribute, std::vector<const Trace::Step *>> byPlace;
};

} // namespace

Operation *tenon::findDifference(const Trace &after, const Trace &before,
                                 double bound) {
  Judge judge(before, bound);
  std::vector<Verdict> verdicts;
  for (const Trace::Step &step : after.steps)
    verdicts.push_back(judge.of(step));
  // What leads to a value that is the same did no harm.
  std::vector<bool> leadsToSame(after.steps.size());
  for (size_t i = after.steps.size(); i-- > 0;)
    for (size_t operand : after.steps[i].operands)
      if (leadsToSame[i] || verdicts[i] == Verdict::Same)
        leadsToSame[operand] = true;
  for (Verdict wanted : {Verdict::Other, Verdict::Scaled})
    for (size_t i = 0; i < after.steps.size(); ++i)
      if (verdicts[i] == wanted && !leadsToSame[i])
        return after.steps[i].op;
  return nullptr;
}
