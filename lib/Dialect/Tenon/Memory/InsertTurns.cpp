//===- InsertTurns.cpp - sequences add to gradients in turns --------------===//
//
// tenon-insert-turns: see TurnPasses.td.
//
//===----------------------------------------------------------------------===//

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "tenon/Dialect/Tenon/IR/TenonLearning.h"
#include "tenon/Dialect/Tenon/IR/TenonTraining.h"
#include "tenon/Dialect/Tenon/IR/TenonTurns.h"
#include "tenon/Dialect/Tenon/Transforms/TurnPasses.h"
#include "llvm/ADT/MapVector.h"

namespace tenon {
#define GEN_PASS_DEF_TENONINSERTTURNS
#include "tenon/Dialect/Tenon/Transforms/TurnPasses.h.inc"
} // namespace tenon

using namespace mlir;
using namespace tenon;

namespace {

/// `factor` times the trip of a loop, plus something from `low` to `high`.
struct LayerIndex {
  int64_t factor = 0, low = 0, high = 0;

  LayerIndex operator+(const LayerIndex &other) const {
    return {factor + other.factor, low + other.low, high + other.high};
  }
  LayerIndex operator*(int64_t by) const {
    return {factor * by, std::min(low * by, high * by),
            std::max(low * by, high * by)};
  }

  /// Of a layer's index in the body of a loop; null if it is something else.
  /// The numbers are of layers and experts, and pass no limit.
  static std::optional<LayerIndex> of(Value value, scf::ForOp loop) {
    if (value == loop.getInductionVar())
      return LayerIndex{1, 0, 0};
    if (std::optional<int64_t> number = getConstantIntValue(value))
      return LayerIndex{0, *number, *number};
    if (auto argument = dyn_cast<BlockArgument>(value)) {
      auto mixture =
          dyn_cast<MixtureGradientOp>(argument.getOwner()->getParentOp());
      if (mixture && argument == mixture.getExpert())
        return LayerIndex{0, 0, static_cast<int64_t>(mixture.getExperts()) - 1};
      return std::nullopt;
    }
    Operation *op = value.getDefiningOp();
    if (!isa<arith::AddIOp, arith::SubIOp, arith::MulIOp>(op))
      return std::nullopt;
    std::optional<LayerIndex> x = of(op->getOperand(0), loop),
                              y = of(op->getOperand(1), loop);
    if (!x || !y)
      return std::nullopt;
    if (isa<arith::AddIOp>(op))
      return *x + *y;
    if (isa<arith::SubIOp>(op))
      return *x + *y * -1;
    if (y->factor == 0 && y->low == y->high)
      return *x * y->low;
    if (x->factor == 0 && x->low == x->high)
      return *y * x->low;
    return std::nullopt;
  }
};

/// What adds to the gradient of a weight, in the order of the program.
using Writers = SmallVector<std::pair<Operation *, GradientOp>>;

struct InsertTurns : tenon::impl::TenonInsertTurnsBase<InsertTurns> {
  void runOnOperation() override {
    auto gradient = getOperation().lookupSymbol<func::FuncOp>(kGradientName);
    if (!gradient || gradient.isExternal())
      return;
    llvm::MapVector<Attribute, Writers> weights;
    WalkResult result = gradient.walk([&](Operation *op) {
      for (Value operand : op->getOperands()) {
        auto into = operand.getDefiningOp<GradientOp>();
        if (!into)
          continue;
        if (!isa<AddGradientOp, WeightGradientOp, EmbeddingGradientOp,
                 HeadLossOp>(op)) {
          op->emitOpError("adds to a gradient, but takes no turns");
          return WalkResult::interrupt();
        }
        weights[into.getWeightAttr()].push_back({op, into});
      }
      return WalkResult::advance();
    });
    if (result.wasInterrupted())
      return signalPassFailure();
    int64_t next = 0;
    for (auto &[weight, writers] : weights) {
      scf::ForOp loop = findLoop(writers);
      int64_t count = loop ? *tripsOf(loop) : 1;
      if (count > kMaxTurnSections - next) {
        gradient.emitOpError()
            << "has more than " << kMaxTurnSections
            << " gradients of weights and layers, which are added to in turns";
        return signalPassFailure();
      }
      insert(writers, loop, next);
      next += count;
    }
    numSections += next;
  }

private:
  /// The trips of a loop that counts from 0 by 1.
  static std::optional<int64_t> tripsOf(scf::ForOp loop) {
    std::optional<int64_t> upper = getConstantIntValue(loop.getUpperBound());
    bool isPlain = getConstantIntValue(loop.getLowerBound()) == 0 &&
                   getConstantIntValue(loop.getStep()) == 1;
    return isPlain && upper && *upper > 0 ? upper : std::nullopt;
  }

  /// Whether each trip of a loop adds to layers of its own.
  static bool isApart(scf::ForOp loop, const Writers &writers) {
    if (!tripsOf(loop))
      return false;
    std::optional<LayerIndex> all;
    for (auto [op, into] : writers) {
      if (!loop->isProperAncestor(op) || !into.getLayer())
        return false;
      std::optional<LayerIndex> index = LayerIndex::of(into.getLayer(), loop);
      if (!index || (all && all->factor != index->factor))
        return false;
      all = all ? LayerIndex{index->factor, std::min(all->low, index->low),
                             std::max(all->high, index->high)}
                : *index;
    }
    return all->high - all->low < std::abs(all->factor);
  }

  /// The loop whose trips have a section each; null: the function has one.
  static scf::ForOp findLoop(const Writers &writers) {
    Operation *first = writers.front().first;
    for (auto loop = first->getParentOfType<scf::ForOp>(); loop;
         loop = loop->getParentOfType<scf::ForOp>())
      if (isApart(loop, writers))
        return loop;
    return {};
  }

  void insert(const Writers &writers, scf::ForOp loop, int64_t section) {
    Value trip = loop ? loop.getInductionVar() : Value();
    Block *home = loop ? loop.getBody()
                       : &getOperation()
                              .lookupSymbol<func::FuncOp>(kGradientName)
                              .getBody()
                              .front();
    llvm::SmallDenseSet<Block *> awaited;
    for (auto [op, into] : writers) {
      if (!awaited.insert(op->getBlock()).second)
        continue;
      if (isa<HeadLossOp>(op) && !trip) {
        op->setAttr(kTurnAttrName, Builder(op).getI64IntegerAttr(section));
        // Its loop may have no trip that adds, and what follows waits itself.
        awaited.erase(op->getBlock());
        continue;
      }
      OpBuilder builder(op);
      AwaitTurnOp::create(builder, op->getLoc(), section, trip);
    }
    Operation *last = home->findAncestorOpInBlock(*writers.back().first);
    OpBuilder builder(last);
    builder.setInsertionPointAfter(last);
    PassTurnOp::create(builder, last->getLoc(), section, trip);
    if (!loop && isa<scf::ForOp>(last))
      ++numLong;
  }
};

} // namespace
