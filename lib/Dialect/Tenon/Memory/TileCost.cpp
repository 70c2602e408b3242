//===- TileCost.cpp - what a register tile is predicted to cost -----------===//

#include "TileCost.h"
#include "tenon/Dialect/Tenon/IR/ByteProducts.h"
#include "llvm/Support/FormatVariadic.h"

#include <algorithm>
#include <cmath>

using namespace mlir;
using namespace tenon;

/// Operations and loads that start in a cycle.
static constexpr double kOperations = 2, kLoads = 2;

StepWork StepWork::ofNumbers(TargetAttr target, bool widensPairs) {
  StepWork work;
  // Two vectors of weights and an activation; without multiply-adds a product,
  // and a copy for instructions of two operands.
  work.temporaries = target.hasFma() ? 3 : 5;
  if (!target.hasFma()) {
    work.operations = 2;
    work.latency = 3; // Of the addition.
  }
  if (widensPairs)
    work.temporaries += 2;
  return work;
}

StepWork StepWork::ofBlocks(TargetAttr target, double sums, int64_t planes,
                            int64_t temporaries) {
  constexpr double kChunks = Superblock::kChunks;
  StepWork work;
  work.products = kChunks;
  // The sum of a group becomes f32, and is scaled and added: with VNNI a
  // product adds itself up; in chains an addition of 16 bits follows each, and
  // at last a product and an addition to 32 bits.
  work.operations =
      addsInChains(target) ? planes * (2 * kChunks + 2) + 2 : kChunks + 2;
  work.weightLoads = kChunks * planes;
  work.inputLoads = kChunks * planes;
  // A chain of products, or of additions of 16 bits, which take a cycle.
  work.latency = addsInChains(target) ? kChunks + 8 : 4 * kChunks;
  work.sums = sums;
  work.temporaries = temporaries;
  return work;
}

TileCost tenon::costOfTile(const StepWork &work, int64_t rows, int64_t vectors,
                           TargetAttr target) {
  double outputs = rows * vectors;
  double loads = vectors * work.weightLoads + rows * work.inputLoads;
  TileCost cost;
  cost.registers = std::ceil(outputs * work.sums) + work.temporaries;
  double spilled = std::max<int64_t>(cost.registers - target.getRegisters(), 0);
  double cycles = std::max({outputs * work.operations / kOperations,
                            (loads + spilled) / kLoads, work.latency});
  // A store for each, which has a port of its own, waits for the sum.
  cost.cycles = (cycles + spilled) / (outputs * work.products);
  cost.loads = (loads + spilled) / (outputs * work.products);
  return cost;
}

int64_t tenon::cheapestRows(const StepWork &work, int64_t vectors, int64_t most,
                            TargetAttr target) {
  int64_t best = 1;
  for (int64_t rows = 2; rows <= most; ++rows)
    if (costOfTile(work, rows, vectors, target) <
        costOfTile(work, best, vectors, target))
      best = rows;
  return best;
}

std::string tenon::describeCosts(const StepWork &work, const NamedTile &chosen,
                                 ArrayRef<NamedTile> others,
                                 TargetAttr target) {
  auto numbers = [&](const NamedTile &tile, const char *cycles,
                     const char *loads) {
    TileCost cost = costOfTile(work, tile.rows, tile.vectors, target);
    std::string text = llvm::formatv("{0:f2}{1} and {2:f2}{3}", cost.cycles,
                                     cycles, cost.loads, loads);
    if (int64_t over = cost.registers - target.getRegisters(); over > 0)
      text += llvm::formatv(", {0} register{1} too many", over,
                            over == 1 ? "" : "s");
    return text;
  };
  std::string text =
      numbers(chosen, " cycles", " loads a product of vectors predicted");
  std::string list;
  for (const NamedTile &other : others) {
    if (other.rows == chosen.rows && other.vectors == chosen.vectors)
      continue;
    list += list.empty() ? "" : "; ";
    list += other.name + ": " + numbers(other, "", "");
  }
  return list.empty() ? text : text + " (" + list + ")";
}
