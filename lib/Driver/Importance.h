//===- Importance.h - how much columns of weights matter --------*- C++ -*-===//
//
// The mean square of what each column of a weight is multiplied by: an error of
// the weight costs that much in the output. As a file it is safetensors, with
// an f32 vector for each weight, `@name`, or for each of its layers, `@name.i`.
//
//===----------------------------------------------------------------------===//
#ifndef TENON_LIB_DRIVER_IMPORTANCE_H
#define TENON_LIB_DRIVER_IMPORTANCE_H

#include "tenon/Driver/WeightsWriter.h"

#include <map>
#include <span>
#include <string>
#include <vector>

namespace tenon {

class Importance {
public:
  /// Of a weight's layer (0 if it has none), or empty if it is unknown.
  std::span<const float> find(const std::string &weight, int64_t layer) const;
  void set(const std::string &weight, int64_t layer, bool isStacked,
           std::vector<float> columns);
  size_t size() const { return vectors.size(); }

  /// Errors: those of openSafetensors; a tensor that is no vector of finite f32
  /// of at least 0.
  static Expected<Importance> read(const std::string &path);
  Status write(const std::string &path) const;

  /// Whether all that will be quantized is known, with the right number of
  /// columns. `path` names the file in the error.
  Status check(std::span<const PlannedWeight> plan,
               const std::string &path) const;

private:
  static std::string key(const std::string &weight, int64_t layer,
                         bool isStacked);
  std::map<std::string, std::vector<float>> vectors; ///< by key
};

} // namespace tenon

#endif // TENON_LIB_DRIVER_IMPORTANCE_H
