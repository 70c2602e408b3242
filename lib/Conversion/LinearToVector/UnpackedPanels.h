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
  /// With a zero point of 128 a sum starts from a number that is there
  /// (Int8Group::offsetSum). Other zero points become that one, or are as near
  /// as bytes allow, if integers are multiplied by a power of two, or their sums
  /// are (`sumFactor`), and scales divided by it; that changes no bit of the
  /// results.
  enum class Scaled { Nothing, Integers, Sums };
  struct Form {
    Scaled scaled = Scaled::Nothing;
    /// 2: the lower and the upper half of each byte apart, both as numbers from
    /// 0 to 15.
    int64_t planes = 1;
  };
  UnpackedPanels(KernelBuilder &b, const BlockWeights &packed, Form form);

  void fill(BlockWeights &packed);

  Value integers(const WeightGroup &group, const PanelVector &vector,
                 int64_t chunk) override {
    return integers(group, vector, chunk, /*plane=*/0);
  }
  /// With one plane.
  Value integers(const WeightGroup &group, const PanelVector &vector,
                 Value chunk);
  Value integers(const WeightGroup &group, const PanelVector &vector,
                 int64_t chunk, int64_t plane);
  Value scale(const WeightGroup &group, const PanelVector &vector,
              int64_t half) override;
  Value minimum(const WeightGroup &group, const PanelVector &vector,
                int64_t half) override;
  Value minimumPair(const WeightGroup &group, const PanelVector &vector,
                    Value pair) override;
  Value minimumFactor(const WeightGroup &group,
                      const PanelVector &vector) override;

  /// Subtracted from the integers, once sums are multiplied by `sumFactor`.
  int64_t zero() const { return zeroPoint; }
  int64_t sumFactor() const {
    return form.scaled == Scaled::Sums ? int64_t(1) << up : 1;
  }

private:
  KernelBuilder::Values placeOf(const WeightGroup &group, int64_t part,
                                const PanelVector &vector) {
    return placeOf(group, b.index(part), vector);
  }
  KernelBuilder::Values placeOf(const WeightGroup &group, Value part,
                                const PanelVector &vector);
  KernelBuilder::Values placeInSuperblock(const WeightGroup &group, Value part,
                                          const PanelVector &vector);
  void fillVector(BlockWeights &packed, const WeightGroup &from,
                  const WeightGroup &to, const PanelVector &vector);
  void fillPairs(BlockWeights &packed, const WeightGroup &group,
                 const PanelVector &vector);

  KernelBuilder &b;
  Form form;
  /// [panels][groups][chunks, planes][vectors][4 lanes],
  /// [panels][groups][scales of a group][vectors][lanes].
  Value bytes, scales, minimums;
  /// Of paired minimums: [panels][superblocks][pairs][vectors][2 lanes],
  /// [panels][superblocks][1][vectors][lanes].
  Value pairs, factors;
  /// Integers, or sums, are multiplied by 2^up.
  int64_t up = 0, zeroPoint;
};

} // namespace tenon::linear

#endif // TENON_LIB_CONVERSION_LINEARTOVECTOR_UNPACKEDPANELS_H
