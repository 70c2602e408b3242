//===- MemoryPlan.h - the arena over the schedule ---------------*- C++ -*-===//
//
// Which buffer lies where in the arena of an entry point, and during which of
// its operations: what tenon-plan-arena decided, read from the module that it
// left.
//
//===----------------------------------------------------------------------===//
#ifndef TENON_REPORT_MEMORYPLAN_H
#define TENON_REPORT_MEMORYPLAN_H

#include "mlir/IR/BuiltinOps.h"
#include "tenon/Report/Places.h"

#include <cstdint>
#include <string>
#include <vector>

namespace tenon {

/// A buffer of the arena. It is alive from step `first` to step `last`.
struct ArenaBuffer {
  std::string operation;       ///< that first writes it: "linear block.wo"
  std::string type;            ///< "memref<?x64xf32>"
  std::vector<unsigned> lines; ///< of the description
  uint64_t offset = 0;         ///< in the arena, in bytes
  uint64_t bytes = 0;          ///< with the longest prefill chunk
  unsigned first = 0, last = 0;
};

/// An operation of an entry point on memory, in the order of the schedule.
struct ArenaStep {
  std::string name; ///< "linear block.wo"
  std::vector<unsigned> lines;
  uint64_t alive = 0; ///< bytes of the buffers that are alive at it
};

/// The arena of one entry point.
struct EntryMemory {
  std::string variant;  ///< the CPU
  std::string function; ///< "prefill"
  std::vector<ArenaStep> steps;
  /// First and last step of each loop over layers.
  std::vector<std::pair<unsigned, unsigned>> loops;
  std::vector<ArenaBuffer> buffers; ///< by offset, then by life

  /// Most bytes that are alive at a step: no plan takes fewer.
  uint64_t mostAlive() const;
  /// Of all buffers, if none shared its place with another.
  uint64_t allBytes() const;
};

struct MemoryPlan {
  uint64_t arenaBytes = 0, cacheBytes = 0;
  std::string cacheType;            ///< "f32"; empty without a cache
  std::vector<EntryMemory> entries; ///< of all variants
};

/// Whether tenon-plan-arena has run on a module.
bool hasArena(mlir::ModuleOp module);

/// Adds the entry points of a module as tenon-plan-arena left it, with a
/// variant's name.
void readMemoryPlan(mlir::ModuleOp module, llvm::StringRef variant,
                    PlaceTable &table, MemoryPlan &plan);

} // namespace tenon

#endif // TENON_REPORT_MEMORYPLAN_H
