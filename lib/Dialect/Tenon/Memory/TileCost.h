//===- TileCost.h - what a register tile is predicted to cost ---*- C++ -*-===//
//
// A small model of a core's inner loop, in cycles. It knows three limits of a
// step of K of a register tile, of which the greatest holds:
//
// * operations: two vector operations start in a cycle;
// * loads: two loads start in a cycle, of vectors of weights, which all rows of
//   a tile share, and of activations, which all its columns share;
// * latency: a sum waits for the one before it, so that a step takes as long as
//   the chain of one output, however few of them there are.
//
// Registers that a tile needs beyond those of the target are stored and loaded
// in each step, a cycle each. What the model leaves out: reading memory (which
// bounds few rows), the second-level cache, decoding, and ports that only some
// operations have. It compares tiles of one kernel, and tells no times.
//
// Two operations and two loads a cycle, and 4 cycles of latency, are those of
// Zen 2 to 5, Haswell and later, and Neoverse N1 (their makers' optimization
// guides; measured on Zen 3 and 5: `tenon-bench limits`).
//
//===----------------------------------------------------------------------===//

#ifndef TENON_LIB_DIALECT_TENON_MEMORY_TILECOST_H
#define TENON_LIB_DIALECT_TENON_MEMORY_TILECOST_H

#include "tenon/Dialect/Tenon/IR/TenonDialect.h"

#include <string>
#include <utility>

namespace tenon {

/// What a kernel does in a step of K: a number, a pair, or a group of 32.
struct StepWork {
  /// Products of vectors that an output vector takes in a step: what costs are
  /// told by.
  double products = 1;
  /// Vector operations of an output vector, the products among them.
  double operations = 1;
  /// Loads of a vector of columns, and of a row.
  double weightLoads = 1, inputLoads = 1;
  /// Cycles from an output's sum before a step to that behind it.
  double latency = 4;
  /// Registers of an output vector, and those beside all of them.
  double sums = 1;
  int64_t temporaries = 3;

  /// Of plain numbers. `widensPairs`: pairs of f16 or bf16 become f32, which
  /// stay in registers until both are multiplied.
  static StepWork ofNumbers(TargetAttr target, bool widensPairs);
  /// Of superblocks whose outputs take so many registers, multiplied in so many
  /// planes of half-bytes.
  static StepWork ofBlocks(TargetAttr target, double sums, int64_t planes,
                           int64_t temporaries);
};

struct TileCost {
  double cycles = 0; ///< of a product of vectors
  double loads = 0;  ///< of a product of vectors
  int64_t registers = 0;

  /// Fewer cycles; as many, but fewer loads.
  bool operator<(const TileCost &other) const {
    return std::pair(cycles, loads) < std::pair(other.cycles, other.loads);
  }
};

/// What a tile of so many rows by so many vectors costs.
TileCost costOfTile(const StepWork &work, int64_t rows, int64_t vectors,
                    TargetAttr target);

/// The cheapest number of rows of a tile up to a number, of which measurements
/// tell that more gain nothing (Tuning::mostRows).
int64_t cheapestRows(const StepWork &work, int64_t vectors, int64_t most,
                     TargetAttr target);

/// A tile of a remark, by what tells it from others.
struct NamedTile {
  std::string name;
  int64_t rows, vectors;
};

/// "0.50 cycles and 0.67 loads a product of vectors predicted (4 x 16: 0.50 and
/// 0.75; 8 x 16: 0.66 and 0.81, 3 registers too many)": a tile beside others.
std::string describeCosts(const StepWork &work, const NamedTile &chosen,
                          llvm::ArrayRef<NamedTile> others, TargetAttr target);

} // namespace tenon

#endif // TENON_LIB_DIALECT_TENON_MEMORY_TILECOST_H
