//===- MemoryPlan.cpp - the arena over the schedule -----------------------===//

#include "tenon/Report/MemoryPlan.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/Matchers.h"
#include "mlir/Interfaces/ViewLikeInterface.h"
#include "tenon/Dialect/Tenon/Transforms/MemoryPasses.h"

using namespace mlir;
using namespace tenon;

uint64_t EntryMemory::mostAlive() const {
  uint64_t most = 0;
  for (const ArenaStep &step : steps)
    most = std::max(most, step.alive);
  return most;
}

uint64_t EntryMemory::allBytes() const {
  uint64_t all = 0;
  for (const ArenaBuffer &buffer : buffers)
    all += buffer.bytes;
  return all;
}

static uint64_t getBytes(ModuleOp module, StringRef name) {
  auto bytes = module->getAttrOfType<IntegerAttr>(name);
  return bytes ? bytes.getInt() : 0;
}

/// Whether a result is another view of an operand's memory.
static bool isView(Operation *op) {
  return isa<ViewLikeOpInterface, memref::TransposeOp>(op);
}

namespace {

/// Reads one entry point.
class EntryReader {
public:
  EntryReader(EntryMemory &entry, PlaceTable &table, int64_t chunk)
      : entry(entry), table(table), chunk(chunk) {}

  void read(func::FuncOp func) {
    number(func.getBody());
    for (Operation *user :
         func.getArgument(EntryArguments::Arena).getUsers())
      if (auto view = dyn_cast<memref::ViewOp>(user))
        add(view);
    llvm::sort(entry.buffers, [](const ArenaBuffer &a, const ArenaBuffer &b) {
      return std::tie(a.offset, a.first, a.bytes) <
             std::tie(b.offset, b.first, b.bytes);
    });
    for (const ArenaBuffer &buffer : entry.buffers)
      for (unsigned step = buffer.first; step <= buffer.last; ++step)
        entry.steps[step].alive += buffer.bytes;
  }

private:
  /// Steps are the operations on memory, in the order of the text.
  void number(Region &region) {
    for (Block &block : region)
      for (Operation &op : block) {
        unsigned first = entry.steps.size();
        bool isStep = op.hasAttr(kLabelAttrName) ||
                      (!isView(&op) && op.getNumRegions() == 0 &&
                       !op.hasTrait<OpTrait::IsTerminator>() &&
                       llvm::any_of(op.getOperandTypes(),
                                    llvm::IsaPred<MemRefType>));
        if (isStep) {
          auto label = op.getAttrOfType<StringAttr>(kLabelAttrName);
          entry.steps.push_back(
              {(label ? label.getValue() : op.getName().getStringRef()).str(),
               table.lists()[table.number(op.getLoc())]});
        } else {
          for (Region &nested : op.getRegions())
            number(nested);
        }
        unsigned end = entry.steps.size();
        if (end == first)
          continue;
        steps[&op] = {first, end - 1};
        if (isa<scf::ForOp>(op))
          entry.loops.emplace_back(first, end - 1);
      }
  }

  void add(memref::ViewOp view) {
    APInt offset;
    if (!matchPattern(view.getByteShift(), m_ConstantInt(&offset)))
      return;
    std::optional<std::pair<unsigned, unsigned>> life;
    extend(life, view, view->getBlock());
    // A buffer that nothing reads or writes is alive nowhere.
    if (!life)
      return;
    ArenaBuffer &buffer = entry.buffers.emplace_back();
    MemRefType type = view.getType();
    llvm::raw_string_ostream(buffer.type) << type;
    buffer.operation = entry.steps[life->first].name;
    buffer.lines = table.lists()[table.number(view.getLoc())];
    buffer.offset = offset.getZExtValue();
    // tenon-plan-arena checked that this passes no limit.
    uint64_t bytes = getElementBytes(type.getElementType());
    for (int64_t extent : type.getShape())
      bytes *= ShapedType::isDynamic(extent) ? chunk : extent;
    buffer.bytes = llvm::alignTo(bytes, kMemoryAlignment);
    std::tie(buffer.first, buffer.last) = *life;
  }

  /// Adds the uses of a value and of its views to a life. One inside a loop
  /// that began after the buffer was there is one by the whole loop.
  void extend(std::optional<std::pair<unsigned, unsigned>> &life, Value value,
              Block *block) {
    for (Operation *user : value.getUsers()) {
      if (isView(user)) {
        extend(life, user->getResult(0), block);
        continue;
      }
      Operation *ancestor = block->findAncestorOpInBlock(*user);
      auto found = steps.find(ancestor);
      if (found == steps.end())
        continue;
      auto [first, last] = found->second;
      life = life ? std::pair(std::min(life->first, first),
                              std::max(life->second, last))
                  : found->second;
    }
  }

  EntryMemory &entry;
  PlaceTable &table;
  int64_t chunk;
  DenseMap<Operation *, std::pair<unsigned, unsigned>> steps;
};

} // namespace

bool tenon::hasArena(ModuleOp module) {
  return module->hasAttr(kArenaBytesAttrName);
}

void tenon::readMemoryPlan(ModuleOp module, StringRef variant,
                           PlaceTable &table, MemoryPlan &plan) {
  plan.arenaBytes =
      std::max(plan.arenaBytes, getBytes(module, kArenaBytesAttrName));
  plan.cacheBytes = getBytes(module, kCacheBytesAttrName);
  if (auto type = module->getAttrOfType<StringAttr>(kKVCacheAttrName);
      type && plan.cacheBytes)
    plan.cacheType = type.str();
  for (auto func : module.getOps<func::FuncOp>()) {
    if (!func->hasAttr(kEntryAttrName) || func.isExternal())
      continue;
    EntryMemory &entry = plan.entries.emplace_back();
    entry.variant = variant.str();
    entry.function = func.getSymName().str();
    EntryReader(entry, table, getBytes(module, kMaxChunkAttrName)).read(func);
  }
}
