//===- Rope.h - the value of a `rope` hyperparameter ------------*- C++ -*-===//
//
// How rotary positions turn: what Hugging Face's configurations say in
// `rope_parameters` (or `rope_scaling` beside `rope_theta`), read here for all
// families (transformers/modeling_rope_utils.py).
//
//===----------------------------------------------------------------------===//

#ifndef TENON_LANGUAGE_ROPE_H
#define TENON_LANGUAGE_ROPE_H

#include <nlohmann/json_fwd.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tenon::lang {

struct Rope {
  enum class Type {
    Default,
    Linear,      ///< arXiv:2306.15595
    Dynamic,     ///< the base grows with the context
    Llama3,      ///< arXiv:2407.21783
    Yarn,        ///< arXiv:2309.00071
    LongRope,    ///< arXiv:2402.13753
    Proportional ///< the first part of the frequencies, others are 0
  };

  Type type = Type::Default;
  double theta = 10000.0;
  double factor = 1.0;
  double lowFreqFactor = 1.0, highFreqFactor = 4.0; ///< Llama3
  /// The context that the model was trained for before it was stretched.
  int64_t originalContext = 0;
  /// The context that the configuration declares; 0: it doesn't.
  int64_t declaredContext = 0;
  std::optional<double> attentionFactor;
  double betaFast = 32.0, betaSlow = 1.0;        ///< Yarn
  std::optional<double> mscale, mscaleAllDim;    ///< Yarn
  bool truncate = true;                          ///< Yarn
  std::vector<double> shortFactors, longFactors; ///< LongRope
  double partialFactor = 1.0;                    ///< of a head's components

  bool operator==(const Rope &) const = default;
};

/// "default", "linear", …
const char *ropeTypeName(Rope::Type type);

/// What is wrong with a configuration, and the path of the key.
struct RopeProblem {
  std::string path, message;
};

/// Reads a rope from the first of the paths that leads to an object, and its
/// theta from there, or else from the first that leads to a number, or else
/// `theta`. None of them there, and no `theta`: nothing, without a problem.
/// An unknown type or key, or a number out of range, is a problem.
std::optional<Rope> readRope(const nlohmann::json &config,
                             const std::vector<std::string> &paths,
                             std::optional<double> theta,
                             std::optional<RopeProblem> &problem);

/// The angular frequencies of dim / 2 pairs of components and what cosines and
/// sines are multiplied by, for a program of this context (positions). Dynamic
/// takes the base of the whole context, LongRope the long factors iff the
/// context exceeds the original one.
struct RopeFrequencies {
  std::vector<double> frequencies;
  double scale = 1.0;
};
RopeFrequencies ropeFrequencies(const Rope &rope, int64_t dim, int64_t context);

/// Why a rope can't turn `dim` components; empty if it can.
std::string checkRope(const Rope &rope, int64_t dim);

} // namespace tenon::lang

#endif // TENON_LANGUAGE_ROPE_H
