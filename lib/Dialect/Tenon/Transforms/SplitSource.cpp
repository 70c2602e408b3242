//===- SplitSource.cpp - the source's part of a function apart ------------===//

#include "SplitSource.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/Iterators.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

using namespace mlir;
using namespace tenon;

/// Users before what they use, bodies before their loops: one walk does.
static void eraseDead(func::FuncOp function) {
  function.walk<WalkOrder::PostOrder, ReverseIterator>([&](Operation *op) {
    if (isOpTriviallyDead(op))
      op->erase();
  });
}

static void eraseArguments(func::FuncOp function,
                           function_ref<bool(BlockArgument)> isErased) {
  BitVector erased(function.getNumArguments());
  for (BlockArgument argument : function.getArguments())
    erased[argument.getArgNumber()] = isErased(argument);
  (void)function.eraseArguments(erased);
}

namespace {

class TokenEraser {
public:
  explicit TokenEraser(const BindingTimes &times) : times(times) {}

  void strip(Block &block) {
    for (Operation &op : llvm::make_early_inc_range(llvm::reverse(block))) {
      if (op.hasTrait<OpTrait::IsTerminator>())
        continue;
      if (auto loop = dyn_cast<scf::ForOp>(op))
        stripLoop(loop);
      else if (times.of(&op) == Time::Token)
        op.erase();
    }
  }

private:
  /// A loop without the tokens that it carries. Who read them is gone.
  void stripLoop(scf::ForOp loop) {
    SmallVector<unsigned> kept;
    SmallVector<Value> inits, yielded;
    Operation *yield = loop.getBody()->getTerminator();
    for (auto [i, init] : llvm::enumerate(loop.getInitArgs()))
      if (times.of(loop.getResult(i)) != Time::Token) {
        kept.push_back(i);
        inits.push_back(init);
        yielded.push_back(yield->getOperand(i));
      }
    yield->setOperands(yielded);
    strip(*loop.getBody());

    OpBuilder builder(loop);
    auto rest = scf::ForOp::create(builder, loop.getLoc(), loop.getLowerBound(),
                                   loop.getUpperBound(), loop.getStep(), inits);
    rest->setDiscardableAttrs(loop->getDiscardableAttrDictionary());
    Block *body = rest.getBody();
    if (!body->empty())
      body->getTerminator()->erase();
    body->getOperations().splice(body->end(), loop.getBody()->getOperations());
    loop.getInductionVar().replaceAllUsesWith(rest.getInductionVar());
    for (auto [i, from] : llvm::enumerate(kept)) {
      loop.getRegionIterArg(from).replaceAllUsesWith(rest.getRegionIterArg(i));
      loop.getResult(from).replaceAllUsesWith(rest.getResult(i));
    }
    loop.erase();
  }

  const BindingTimes &times;
};

} // namespace

void tenon::keepSource(func::FuncOp function, const BindingTimes &times) {
  Block &body = function.getBody().front();
  body.getTerminator()->setOperands({});
  TokenEraser(times).strip(body);
  eraseDead(function);
  eraseArguments(function, [&](BlockArgument argument) {
    return times.of(argument) == Time::Token &&
           isa<RankedTensorType>(argument.getType());
  });
  function.setType(FunctionType::get(function.getContext(),
                                     function.getArgumentTypes(), {}));
}

void tenon::eraseSource(func::FuncOp function) {
  eraseDead(function);
  eraseArguments(function, [&](BlockArgument argument) {
    return isa<RankedTensorType>(argument.getType()) &&
           function.getArgAttr(argument.getArgNumber(), kSourceAttrName);
  });
}
