//===- QuantizeBlocks.cpp - from f32 to q8_0 and q4_0 ---------------------===//
//
// For a candidate 1/d the best integers are known (round), and for integers
// the best d is a ratio of sums (least squares). So every candidate scale of a
// grid is rated by the squared error that its integers can reach; the winner is
// refined with d in binary16 as it is stored, and kept only if it beats the
// reference.
//
//===----------------------------------------------------------------------===//

#include "tenon/Checkpoint/Blocks.h"
#include "tenon/Support/TargetClones.h"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <cstring>

using namespace tenon;

namespace {

constexpr int kBlock = 32;

struct Candidate {
  uint16_t d = 0; ///< binary16
  int8_t q[kBlock] = {};
  double error = 0; ///< weighted
};

/// The integers of a type and how many scales are tried.
struct Grid {
  float low, high;
  /// The first and last integer that the greatest magnitude is sent to, and the
  /// step between.
  float begin, end, step;
};

constexpr Grid kQ8{-127, 127, 124.0f, 127.5f, 0.5f};
constexpr Grid kQ4{-8, 7, 6.5f, 9.5f, 0.25f};

} // namespace

// To the nearest integer, ties to even, for |x| < 2^22, without a call.
static inline float roundSmall(float x) {
  constexpr float magic = 12582912.0f; // 1.5 · 2^23
  return (x + magic) - magic;
}

// (Σ w x q)² / Σ w q²: how much of Σ w x² the integers explain. Sixteen sums
// side by side and no fused operations: the same result in every clone.
static inline float explained(const float *x, const float *weight,
                              float inverse, float low, float high) {
#pragma clang fp contract(off)
  constexpr int kLanes = 16;
  float cross[kLanes], square[kLanes];
  for (int i = 0; i < kLanes; ++i)
    cross[i] = square[i] = 0;
  for (int k = 0; k < kBlock; k += kLanes)
    for (int i = 0; i < kLanes; ++i) {
      float scaled = x[k + i] * inverse;
      scaled = scaled < low ? low : scaled;
      float q = roundSmall(scaled > high ? high : scaled);
      float weighted = weight[k + i] * q;
      cross[i] += weighted * x[k + i];
      square[i] += weighted * q;
    }
  for (int step = kLanes / 2; step > 0; step /= 2)
    for (int i = 0; i < step; ++i) {
      cross[i] += cross[i + step];
      square[i] += square[i + step];
    }
  return square[0] > 0 ? cross[0] * cross[0] / square[0] : 0;
}

/// The best 1/d of the grid, for both signs of d when the integers are lopsided
/// (-8 … 7).
TENON_CLONES
static float searchGrid(const float *x, const float *weight, float extreme,
                        const Grid *grid) {
  float best = -1, result = grid->begin / extreme;
  bool lopsided = grid->low != -grid->high;
  for (float target = grid->begin; target <= grid->end; target += grid->step)
    for (int sign = 0; sign <= int(lopsided); ++sign) {
      float inverse = (sign ? -target : target) / extreme;
      float value = explained(x, weight, inverse, grid->low, grid->high);
      if (value > best) {
        best = value;
        result = inverse;
      }
    }
  return result;
}

static double errorOf(const float *x, const float *weight,
                      const Candidate &candidate) {
  double d = halfToFloat(candidate.d), sum = 0;
  for (int k = 0; k < kBlock; ++k) {
    double difference = x[k] - d * candidate.q[k];
    sum += weight[k] * difference * difference;
  }
  return sum;
}

// The integers for 1/d, then the best d for them, stored, and its integers.
static Candidate refine(const float *x, const float *weight, float inverse,
                        const Grid &grid) {
  Candidate candidate;
  for (int round = 0; round < 2; ++round) {
    double cross = 0, square = 0;
    for (int k = 0; k < kBlock; ++k) {
      double q = roundSmall(std::clamp(x[k] * inverse, grid.low, grid.high));
      cross += weight[k] * x[k] * q;
      square += weight[k] * q * q;
    }
    if (!(square > 0))
      return candidate;
    candidate.d = floatToHalf(static_cast<float>(cross / square));
    float d = halfToFloat(candidate.d);
    if (d == 0 || !std::isfinite(1 / d))
      break;
    inverse = 1 / d;
  }
  for (int k = 0; k < kBlock; ++k)
    candidate.q[k] = static_cast<int8_t>(
        roundSmall(std::clamp(x[k] * inverse, grid.low, grid.high)));
  candidate.error = errorOf(x, weight, candidate);
  return candidate;
}

// GGML's quantize_row_q8_0_ref and quantize_row_q4_0_ref.
static Candidate reference(const float *x, const float *weight, bool isQ8,
                           float extreme) {
  Candidate candidate;
  float d = isQ8 ? std::fabs(extreme) / 127 : extreme / -8;
  candidate.d = floatToHalf(d);
  for (int k = 0; k < kBlock; ++k) {
    float scaled = x[k] * (1 / d);
    candidate.q[k] =
        isQ8 ? static_cast<int8_t>(std::round(scaled))
             : static_cast<int8_t>(std::min(15, int(scaled + 8.5f)) - 8);
  }
  candidate.error = errorOf(x, weight, candidate);
  return candidate;
}

static void store(bool isQ8, const Candidate &candidate, std::byte *out) {
  std::memcpy(out, &candidate.d, 2);
  auto *qs = reinterpret_cast<uint8_t *>(out + 2);
  if (isQ8) {
    std::memcpy(qs, candidate.q, kBlock);
    return;
  }
  for (int j = 0; j < kBlock / 2; ++j)
    qs[j] = static_cast<uint8_t>((candidate.q[j] + 8) |
                                 (candidate.q[j + kBlock / 2] + 8) << 4);
}

// One scale for all blocks, which sends the greatest magnitude to `largest`.
static double quantizeChannel(std::span<const float> values, float largest,
                              std::byte *out) {
  float most = 0;
  bool finite = true;
  for (float x : values) {
    finite = finite && std::isfinite(x);
    most = std::max(most, std::fabs(x));
  }
  Candidate block;
  block.d = finite ? floatToHalf(most / largest) : uint16_t(0x7e00); // NaN
  float d = halfToFloat(block.d), ones[kBlock];
  float inverse = finite && d > 0 ? 1 / d : 0;
  std::fill(std::begin(ones), std::end(ones), 1.0f);
  double total = 0;
  for (size_t at = 0; at < values.size();
       at += kBlock, out += blockBytes(DType::Q8_CHANNEL)) {
    const float *x = values.data() + at;
    for (int k = 0; k < kBlock; ++k)
      block.q[k] = finite ? static_cast<int8_t>(roundSmall(
                                std::clamp(x[k] * inverse, -largest, largest)))
                          : int8_t(0);
    store(/*isQ8=*/true, block, out);
    total += errorOf(x, ones, block);
  }
  return total;
}

double tenon::quantizeBlocks(DType type, std::span<const float> values,
                             std::span<const float> importance,
                             BlockSearch search, std::byte *out) {
  assert((type == DType::Q8_0 || type == DType::Q4_0 ||
          type == DType::Q8_CHANNEL || type == DType::Q7_CHANNEL) &&
         values.size() % kBlock == 0 &&
         (importance.empty() || importance.size() == values.size()));
  if (type == DType::Q8_CHANNEL)
    return quantizeChannel(values, 127, out);
  if (type == DType::Q7_CHANNEL)
    return quantizeChannel(values, 63, out);
  bool isQ8 = type == DType::Q8_0;
  float ones[kBlock];
  std::fill(std::begin(ones), std::end(ones), 1.0f);
  // Below this d is 0 in binary16.
  constexpr float kTiny = 1e-10f;

  double total = 0;
  for (size_t at = 0; at < values.size();
       at += kBlock, out += blockBytes(type)) {
    const float *x = values.data() + at;
    const float *weight = importance.empty() ? ones : importance.data() + at;
    float extreme = 0;
    bool finite = true;
    for (int k = 0; k < kBlock; ++k) {
      finite = finite && std::isfinite(x[k]);
      if (std::fabs(x[k]) > std::fabs(extreme))
        extreme = x[k];
    }
    Candidate best;
    if (!finite) {
      best.d = 0x7e00; // NaN
    } else if (std::fabs(extreme) > kTiny) {
      best = reference(x, weight, isQ8, extreme);
      if (search == BlockSearch::Best) {
        const Grid &grid = isQ8 ? kQ8 : kQ4;
        Candidate found =
            refine(x, weight, searchGrid(x, weight, extreme, &grid), grid);
        if (found.d != 0 && found.error < best.error)
          best = found;
      }
    }
    store(isQ8, best, out);
    total += errorOf(x, ones, best);
  }
  return total;
}
