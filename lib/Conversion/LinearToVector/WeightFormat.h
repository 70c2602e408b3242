//===- WeightFormat.h - inner products of a linear --------------*- C++ -*-===//
//
// What a micro-kernel does along K depends on how weights lie in a panel and on
// the instruction that multiplies them; the tiling, the tails and the epilogue
// around it do not. A format is the former: StepFormat for plain numbers, one
// or two along K at a time, DotFormat and ChainFormat for weights quantized in
// blocks.
//
//===----------------------------------------------------------------------===//

#ifndef TENON_LIB_CONVERSION_LINEARTOVECTOR_WEIGHTFORMAT_H
#define TENON_LIB_CONVERSION_LINEARTOVECTOR_WEIGHTFORMAT_H

#include "tenon/Conversion/BlockWeights.h"
#include "tenon/Dialect/Tenon/IR/Plan.h"
#include <memory>
#include <optional>

namespace tenon::linear {

/// Rows of a tile: so many from the first one on.
struct TileRows {
  TileRows(KernelBuilder &b, mlir::Value first, int64_t count);

  int64_t count;
  KernelBuilder::Values numbers;

  /// Row i, of an index that tenon-unroll makes a constant.
  mlir::Value at(KernelBuilder &b, mlir::Value i) const;
};

/// A register's columns of a panel.
struct WeightVector {
  mlir::Value panel;
  PanelVector vector;
};

/// The vectors of a tile's weights, panel after panel, of each: `each` from
/// number `first` (null: 0) on, and if weights are `gated`, as many from number
/// `first` + `upper` on. That is how they lie, so whatever streams them reads
/// forward. One more panel, of which a part exists, has `last` (0: there is
/// none).
struct WeightVectors {
  mlir::Value panel, first;
  int64_t panels, each, last;
  bool gated;
  int64_t upper;

  int64_t ofPanel() const { return gated ? 2 * each : each; }
  int64_t size() const { return panels * ofPanel() + (gated ? 2 : 1) * last; }
  /// Vector i, of an index that tenon-unroll makes a constant.
  WeightVector at(KernelBuilder &b, mlir::Value i) const;
  /// All of them.
  llvm::SmallVector<WeightVector> list(KernelBuilder &b) const;
};

class WeightFormat {
public:
  /// The format of a packed weight (memref) for these inputs (memref), or null
  /// if there is none for their types on this target. The plan outlives it.
  static std::unique_ptr<WeightFormat> get(KernelBuilder &b, mlir::Value input,
                                           mlir::Value weight,
                                           const LinearPlan &plan);
  virtual ~WeightFormat() = default;

  /// Bytes of a line of the caches.
  static constexpr int64_t kLine = 64;

  /// Output columns in a panel.
  int64_t panelColumns() const { return numColumns; }
  int64_t numPanels() const { return panels; }

  /// The sums over all of K, an array of registers [rows, vectors].
  virtual mlir::Value sum(const TileRows &rows,
                          const WeightVectors &vectors) = 0;

  /// Sums of a tile that are in memory while other tiles are computed.
  struct StoredTile {
    mlir::Value sums;   ///< memref [tiles, registers of a tile, lanes]
    mlir::Value number; ///< which tile
  };
  /// What `sum` does, part by part of K: `start`, `addPart` for parts in order,
  /// `finish`. Parts are steps of `stepElements` elements, of which there are
  /// `steps`: 0 if the format, or this K, has no such parts.
  virtual int64_t steps() const { return 0; }
  virtual int64_t stepElements() const { return 1; }
  /// Parts but for the last must be a multiple of so many steps.
  virtual int64_t stepsTogether() const { return 1; }
  /// Of StoredTile::sums.
  virtual mlir::Type sumType() const { return b.getF32Type(); }
  virtual void start(const TileRows &rows, const WeightVectors &vectors,
                     StoredTile tile) {}
  virtual void addPart(const TileRows &rows, const WeightVectors &vectors,
                       StoredTile tile, mlir::Value first, mlir::Value end) {}
  virtual mlir::Value finish(const TileRows &rows, const WeightVectors &vectors,
                             StoredTile tile) {
    return {};
  }

  /// While `sum` runs, it asks for lines of memory as often as this, spread
  /// over its work; each time for as many as `lines` says, which also has their
  /// panel and the first one's number in it, which may be past the ends of
  /// both. For panels that come next: when they are used they are near.
  virtual int64_t asksPerSum() const = 0;
  virtual int64_t linesPerPanel() const = 0;
  struct Lines {
    mlir::Value panel, first, each;
  };
  void askFor(std::optional<Lines> lines) { ahead = lines; }

  /// Says that weights come from memory and are used once, or by few tiles of
  /// rows. `sum` then takes them in the order of memory and asks for those that
  /// come later.
  void setStreaming(bool on) { isStreaming = on; }

  /// Unpacks all panels to scratch memory; until `forget`, `sum` reads that.
  virtual void unpack() {}
  virtual void forget() {}

protected:
  /// Asks for the lines of the ask of this number in a sum.
  void ask(mlir::Value number,
           llvm::function_ref<void(mlir::Value line)> prefetch);

  WeightFormat(KernelBuilder &b, const LinearPlan &plan, int64_t panels,
               int64_t numColumns)
      : b(b), plan(plan), panels(panels), numColumns(numColumns) {}

  /// For each register of a tile, with its number in it.
  void forEachSum(
      const TileRows &rows, const WeightVectors &vectors,
      llvm::function_ref<void(mlir::Value r, mlir::Value v, mlir::Value place)>
          body);
  /// All registers of a stored tile.
  mlir::Value loadTile(const TileRows &rows, const WeightVectors &vectors,
                       StoredTile tile);
  /// A register of a stored tile.
  mlir::Value loadSum(StoredTile tile, mlir::Value place);
  void storeSum(mlir::Value sum, StoredTile tile, mlir::Value place);

  KernelBuilder &b;
  const LinearPlan &plan;
  int64_t panels, numColumns;
  std::optional<Lines> ahead;
  bool isStreaming = false;
};

/// A format that writes its tiles out itself, row by row and vector by vector.
class WrittenOutFormat : public WeightFormat {
public:
  mlir::Value sum(const TileRows &rows, const WeightVectors &vectors) final;
  void start(const TileRows &rows, const WeightVectors &vectors,
             StoredTile tile) final;
  void addPart(const TileRows &rows, const WeightVectors &vectors,
               StoredTile tile, mlir::Value first, mlir::Value end) final;
  mlir::Value finish(const TileRows &rows, const WeightVectors &vectors,
                     StoredTile tile) final;

protected:
  using WeightFormat::WeightFormat;

  /// Registers are in the order of rows, and of vectors of a row.
  virtual KernelBuilder::Values sum(mlir::ValueRange rows,
                                    llvm::ArrayRef<WeightVector> vectors) = 0;
  virtual void start(mlir::ValueRange rows,
                     llvm::ArrayRef<WeightVector> vectors, StoredTile tile) {}
  virtual void addPart(mlir::ValueRange rows,
                       llvm::ArrayRef<WeightVector> vectors, StoredTile tile,
                       mlir::Value first, mlir::Value end) {}
  virtual KernelBuilder::Values finish(mlir::ValueRange rows,
                                       llvm::ArrayRef<WeightVector> vectors,
                                       StoredTile tile) {
    return {};
  }

  using WeightFormat::loadSum;
  using WeightFormat::storeSum;
  mlir::Value loadSum(StoredTile tile, int64_t place) {
    return loadSum(tile, b.index(place));
  }
  void storeSum(mlir::Value sum, StoredTile tile, int64_t place) {
    storeSum(sum, tile, b.index(place));
  }
};

/// The format of weights `[panels, K / k, n, k]` for inputs `[M, K]`, or null.
std::unique_ptr<WeightFormat> getStepFormat(KernelBuilder &b, mlir::Value input,
                                            mlir::Value weight,
                                            const LinearPlan &plan);
/// The format of weights `[panels, S]` of superblocks for inputs `[M, G]` of
/// int8 groups, or null.
std::unique_ptr<WeightFormat> getBlockFormat(KernelBuilder &b,
                                             mlir::Value input,
                                             mlir::Value weight,
                                             const LinearPlan &plan);

} // namespace tenon::linear

#endif // TENON_LIB_CONVERSION_LINEARTOVECTOR_WEIGHTFORMAT_H
