//===- PlanArena.cpp - one arena for all buffers --------------------------===//
//
// Lifetimes are intervals over the operations of an entry point in the order
// of its text. Places are given by first fit to the largest buffer first,
// which is within a few percent of the best on such graphs (Pisarchyk and Lee,
// arXiv:2001.03288, "greedy by size").
//
//===----------------------------------------------------------------------===//

#include "WeightLayout.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Interfaces/ViewLikeInterface.h"
#include "tenon/Dialect/Tenon/Transforms/MemoryPasses.h"

namespace tenon {
#define GEN_PASS_DEF_TENONPLANARENA
#include "tenon/Dialect/Tenon/Transforms/MemoryPasses.h.inc"
} // namespace tenon

using namespace mlir;
using namespace tenon;

namespace {

/// A buffer, the operations at which it is alive, and its place.
struct Placement {
  memref::AllocOp alloc;
  int64_t bytes = 0;
  int64_t first = std::numeric_limits<int64_t>::max(), last = -1;
  int64_t offset = 0;

  bool meets(const Placement &other) const {
    return first <= other.last && other.first <= last;
  }
};

/// Numbers the operations of a function: each has the interval of itself and
/// everything inside.
struct Timeline {
  DenseMap<Operation *, std::pair<int64_t, int64_t>> intervals;
  int64_t next = 0;

  explicit Timeline(Operation *root) { number(root); }
  void number(Operation *op) {
    int64_t start = next++;
    for (Region &region : op->getRegions())
      for (Operation &nested : region.getOps())
        number(&nested);
    intervals[op] = {start, next++};
  }
};

struct PlanArena : tenon::impl::TenonPlanArenaBase<PlanArena> {
  using TenonPlanArenaBase::TenonPlanArenaBase;

  void runOnOperation() override {
    ModuleOp module = getOperation();
    int64_t arena = 0;
    SmallVector<func::FuncOp> entries;
    for (auto func : module.getOps<func::FuncOp>())
      if (func->hasAttr(kEntryAttrName)) {
        if (llvm::any_of(func.getArgumentTypes(), llvm::IsaPred<TensorType>)) {
          func.emitOpError("is on tensors: tenon-bufferize comes first");
          return signalPassFailure();
        }
        entries.push_back(func);
      }
    std::vector<std::vector<Placement>> plans;
    for (func::FuncOp func : entries) {
      FailureOr<std::vector<Placement>> plan = collect(func);
      if (failed(plan))
        return signalPassFailure();
      std::optional<int64_t> end = place(*plan);
      if (!end) {
        func.emitOpError("needs an arena above the largest size, 2^62 bytes");
        return signalPassFailure();
      }
      arena = std::max(arena, *end);
      plans.push_back(std::move(*plan));
    }
    for (auto [func, plan] : llvm::zip_equal(entries, plans))
      rewrite(func, plan, arena);
    Builder builder(module.getContext());
    module->setAttr(kArenaBytesAttrName, builder.getI64IntegerAttr(arena));
    bytesAfter += arena;
  }

  /// The buffers of an entry point with sizes and lifetimes.
  FailureOr<std::vector<Placement>> collect(func::FuncOp func) {
    auto bound = func->getParentOfType<ModuleOp>()->getAttrOfType<IntegerAttr>(
        kMaxChunkAttrName);
    Timeline timeline(func);
    std::vector<Placement> plan;
    bool failed = false;
    func.walk([&](memref::AllocOp alloc) {
      MemRefType type = alloc.getType();
      std::optional<int64_t> bytes;
      if (type.hasStaticShape() || bound)
        bytes =
            checkedAlign(checkedBytes(type.getShape(), type.getElementType(),
                                      bound ? bound.getInt() : 0));
      if (!bytes) {
        alloc.emitOpError("of type ")
            << type << " has no size: it passes 2^62 bytes, or '"
            << kMaxChunkAttrName << "' is missing";
        failed = true;
        return;
      }
      Placement &placement = plan.emplace_back();
      placement.alloc = alloc;
      placement.bytes = *bytes;
      extend(placement, alloc, alloc->getBlock(), timeline);
      if (!reuse) {
        placement.first = 0;
        placement.last = std::numeric_limits<decltype(placement.last)>::max();
      }
      bytesBefore += *bytes;
      ++numPlaced;
    });
    if (failed)
      return failure();
    return plan;
  }

  /// Adds the uses of a value and of its views to a lifetime.
  static void extend(Placement &placement, Value value, Block *block,
                     const Timeline &timeline) {
    for (Operation *user : value.getUsers()) {
      if (isa<ViewLikeOpInterface, memref::TransposeOp>(user)) {
        extend(placement, user->getResult(0), block, timeline);
        continue;
      }
      // A use inside a loop that began after the buffer was there is one by
      // the whole loop: the next round finds the value again.
      Operation *ancestor = block->findAncestorOpInBlock(*user);
      auto [first, last] = timeline.intervals.lookup(ancestor);
      placement.first = std::min(placement.first, first);
      placement.last = std::max(placement.last, last);
    }
  }

  /// Greedy by size; returns the end of the last buffer.
  static std::optional<int64_t> place(std::vector<Placement> &plan) {
    std::vector<Placement *> order;
    for (Placement &placement : plan)
      order.push_back(&placement);
    llvm::sort(order, [](auto *a, auto *b) {
      return std::tuple(-a->bytes, a) < std::tuple(-b->bytes, b);
    });
    std::vector<Placement *> placed; // By offset.
    std::optional<int64_t> end = 0;
    for (Placement *placement : order) {
      std::optional<int64_t> offset = 0;
      for (Placement *other : placed) {
        if (!placement->meets(*other))
          continue;
        std::optional<int64_t> candidateEnd =
            checkedAdd(offset, placement->bytes);
        if (!candidateEnd)
          return std::nullopt;
        if (*candidateEnd <= other->offset)
          break;
        offset = std::max(offset, checkedAdd(other->offset, other->bytes));
      }
      std::optional<int64_t> last = checkedAdd(offset, placement->bytes);
      if (!last)
        return std::nullopt;
      placement->offset = *offset;
      end = std::max(end, last);
      auto after = llvm::upper_bound(placed, placement, [](auto *a, auto *b) {
        return a->offset < b->offset;
      });
      placed.insert(after, placement);
    }
    return end;
  }

  static void rewrite(func::FuncOp func, ArrayRef<Placement> plan,
                      int64_t arenaBytes) {
    BlockArgument arena = func.getArgument(EntryArguments::Arena);
    OpBuilder builder(func.getContext());
    arena.setType(MemRefType::get({arenaBytes}, builder.getI8Type()));
    SmallVector<Type> types(func.getArgumentTypes());
    types[EntryArguments::Arena] = arena.getType();
    func.setType(builder.getFunctionType(types, func.getResultTypes()));
    for (const Placement &placement : plan) {
      memref::AllocOp alloc = placement.alloc;
      builder.setInsertionPoint(alloc);
      Value offset = arith::ConstantIndexOp::create(builder, alloc.getLoc(),
                                                    placement.offset);
      Value view =
          memref::ViewOp::create(builder, alloc.getLoc(), alloc.getType(),
                                 arena, offset, alloc.getDynamicSizes());
      alloc.replaceAllUsesWith(view);
      alloc.erase();
    }
  }
};

} // namespace
