//===- UnpackedPanels.h - panels of blocks as plain bytes -------*- C++ -*-===//
//
// For many rows the panels of a task are taken out of superblocks once: to
// bytes, and scales in f32, in scratch memory that stays in the second-level
// cache.
//
//===----------------------------------------------------------------------===//

#ifndef TENON_LIB_CONVERSION_LINEARTOVECTOR_UNPACKEDPANELS_H
#define TENON_LIB_CONVERSION_LINEARTOVECTOR_UNPACKEDPANELS_H

#include "tenon/Conversion/BlockWeights.h"

namespace tenon::linear {

/// The weights of panels, group by group. `group` of a WeightGroup is the
/// group's number among all along K; `superblock` is read for minimums only.
class UnpackedPanels : public WeightSource {
  using Value = mlir::Value;

public:
  UnpackedPanels(KernelBuilder &b, const BlockWeights &packed);

  void fill(BlockWeights &packed);

  Value integers(const WeightGroup &group, const PanelVector &vector,
                 int64_t chunk) override;
  Value scale(const WeightGroup &group, const PanelVector &vector,
              int64_t half) override;
  Value minimum(const WeightGroup &group, const PanelVector &vector,
                int64_t half) override;
  Value minimumPair(const WeightGroup &group, const PanelVector &vector,
                    int64_t pair) override;
  Value minimumFactor(const WeightGroup &group,
                      const PanelVector &vector) override;

  /// Subtracted from the integers.
  int64_t zero() const { return zeroPoint; }

private:
  KernelBuilder::Values placeOf(const WeightGroup &group, int64_t part,
                                const PanelVector &vector);
  KernelBuilder::Values placeInSuperblock(const WeightGroup &group,
                                          int64_t part,
                                          const PanelVector &vector);
  void fillVector(BlockWeights &packed, const WeightGroup &from,
                  const WeightGroup &to, const PanelVector &vector);
  void fillPairs(BlockWeights &packed, const WeightGroup &group,
                 const PanelVector &vector);

  KernelBuilder &b;
  /// [panels][groups][chunks][vectors][4 lanes], [panels][groups][scales of a
  /// group][vectors][lanes].
  Value bytes, scales, minimums;
  /// Of paired minimums: [panels][superblocks][pairs][vectors][2 lanes],
  /// [panels][superblocks][1][vectors][lanes].
  Value pairs, factors;
  /// Integers are multiplied by 2^up.
  int64_t up = 0, zeroPoint;
};

} // namespace tenon::linear

#endif // TENON_LIB_CONVERSION_LINEARTOVECTOR_UNPACKEDPANELS_H
