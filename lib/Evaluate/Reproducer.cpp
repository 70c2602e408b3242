//===- Reproducer.cpp - less IR that shows the same fault -----------------===//
//
// Operations are counted in the order of a walk, which is the same for a module
// and its copy: a number says which one is meant.
//
//===----------------------------------------------------------------------===//

#include "Reproducer.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/Verifier.h"
#include "tenon/Dialect/Tenon/IR/TenonDialect.h"

using namespace mlir;
using namespace tenon;

namespace {

using Module = OwningOpRef<ModuleOp>;

class Reducer {
public:
  Reducer(ModuleOp module, llvm::function_ref<bool(ModuleOp)> fails,
          unsigned questions)
      : best(module.clone()), fails(fails), questions(questions) {}

  Module run() {
    dropFunctions();
    enterLoops();
    endEarly();
    beginLate();
    return std::move(best);
  }

private:
  /// Makes a copy, changes it, and keeps it if it still fails.
  bool attempt(llvm::function_ref<bool(ModuleOp)> change) {
    if (questions == 0)
      return false;
    Module copy(best->clone());
    if (!change(*copy))
      return false;
    eraseUnused(*copy);
    if (failed(verify(*copy)))
      return false;
    --questions;
    Module tried(copy->clone());
    if (!fails(*tried))
      return false;
    best = std::move(copy);
    return true;
  }

  static void eraseUnused(ModuleOp module) {
    bool changed = true;
    while (changed) {
      changed = false;
      module.walk([&](Operation *op) {
        if (isOpTriviallyDead(op)) {
          op->erase();
          changed = true;
        }
      });
    }
    for (auto weight : llvm::make_early_inc_range(module.getOps<WeightOp>()))
      if (SymbolTable::symbolKnownUseEmpty(weight, module))
        weight.erase();
  }

  void dropFunctions() {
    for (unsigned number = 0;;) {
      bool exists = false;
      bool dropped = attempt([&](ModuleOp module) {
        auto all = module.getOps<func::FuncOp>();
        unsigned count = std::distance(all.begin(), all.end());
        exists = number < count;
        if (!exists || count == 1)
          return false;
        (*std::next(all.begin(), number)).erase();
        return true;
      });
      if (!dropped && !exists)
        return;
      number += !dropped;
    }
  }

  /// The first trip of a loop instead of all.
  void enterLoops() {
    auto enter = [](ModuleOp module) {
      scf::ForOp first;
      module.walk([&](scf::ForOp loop) {
        first = loop;
        return WalkResult::interrupt();
      });
      if (!first)
        return false;
      Block &body = *first.getBody();
      body.getArgument(0).replaceAllUsesWith(first.getLowerBound());
      for (auto [argument, init] :
           llvm::zip_equal(first.getRegionIterArgs(), first.getInitArgs()))
        argument.replaceAllUsesWith(init);
      Operation *yield = body.getTerminator();
      first.replaceAllUsesWith(yield->getOperands());
      yield->erase();
      first->getBlock()->getOperations().splice(first->getIterator(),
                                                body.getOperations());
      first.erase();
      return true;
    };
    while (attempt(enter))
      ;
  }

  /// The operation of this number in the only function, or null.
  static Operation *findOperation(ModuleOp module, unsigned number) {
    auto functions = module.getOps<func::FuncOp>();
    if (std::distance(functions.begin(), functions.end()) != 1)
      return nullptr;
    Block &body = (*functions.begin()).getBody().front();
    for (Operation &op : body.without_terminator())
      if (number-- == 0)
        return &op;
    return nullptr;
  }
  static bool isTensorOperation(Operation *op) {
    return op && op->getNumResults() == 1 &&
           isa<RankedTensorType>(op->getResult(0).getType()) &&
           !isa<WeightRefOp>(op);
  }

  /// Returns the value of the earliest operation that shows the fault.
  void endEarly() {
    for (unsigned number = 0; findOperation(*best, number); ++number)
      if (attempt([&](ModuleOp module) {
            Operation *op = findOperation(module, number);
            if (!isTensorOperation(op))
              return false;
            auto function = op->getParentOfType<func::FuncOp>();
            Operation *end = function.getBody().front().getTerminator();
            end->setOperands(op->getResult(0));
            function.setType(FunctionType::get(module.getContext(),
                                               function.getArgumentTypes(),
                                               op->getResultTypes()));
            if (function.getResAttrsAttr())
              function.removeResAttrsAttr();
            return true;
          }))
        return;
  }

  /// Values that are needed become arguments, the latest ones first.
  void beginLate() {
    unsigned count = 0;
    while (findOperation(*best, count))
      ++count;
    for (unsigned number = count; number-- > 0;)
      attempt([&](ModuleOp module) {
        Operation *op = findOperation(module, number);
        if (!isTensorOperation(op))
          return false;
        auto function = op->getParentOfType<func::FuncOp>();
        unsigned place = function.getNumArguments();
        if (failed(function.insertArgument(place, op->getResult(0).getType(),
                                           {}, op->getLoc())))
          return false;
        op->getResult(0).replaceAllUsesWith(function.getArgument(place));
        return true;
      });
    // Arguments that nothing reads any more.
    attempt([&](ModuleOp module) {
      for (auto function : module.getOps<func::FuncOp>()) {
        llvm::BitVector unused(function.getNumArguments());
        for (BlockArgument argument : function.getArguments())
          if (argument.use_empty())
            unused.set(argument.getArgNumber());
        if (unused.any() && failed(function.eraseArguments(unused)))
          return false;
      }
      return true;
    });
  }

  Module best;
  llvm::function_ref<bool(ModuleOp)> fails;
  unsigned questions;
};

} // namespace

OwningOpRef<ModuleOp>
tenon::reduceModule(ModuleOp module, llvm::function_ref<bool(ModuleOp)> fails,
                    unsigned mostQuestions) {
  return Reducer(module, fails, mostQuestions).run();
}
