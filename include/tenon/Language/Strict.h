//===- Strict.h - nothing of a model is dropped silently --------*- C++ -*-===//
//
// A description reads some keys of a configuration and some tensors of a
// checkpoint. What it leaves may be what makes the model another one: norms of
// queries, a cap on scores, a window. So everything must be read, or known not
// to change what is computed:
//
//   bindModel(model, config, diagnostics);
//   checkConfiguration(bound, config, options, diagnostics);
//   UsedTensors used(catalog);
//   resolveWeights(bound, &used, diagnostics);
//   checkTensors(bound, used, options, diagnostics);
//
//===----------------------------------------------------------------------===//

#ifndef TENON_LANGUAGE_STRICT_H
#define TENON_LANGUAGE_STRICT_H

#include "tenon/Language/Bind.h"

#include <set>

namespace tenon::lang {

struct StrictOptions {
  /// Warning: what is left is reported and accepted.
  Diagnostic::Severity severity = Diagnostic::Severity::Error;
  /// Keys that were made up by a reader and stand for nothing in the file.
  std::vector<std::string> derivedKeys = {};
  /// Whether the checkpoint's weights are read; else it doesn't matter how they
  /// are quantized.
  bool readsWeights = true;
};

/// Every key of the configuration must be one of
/// - read by a `param`, inside of objects too;
/// - null, false, or an empty string, list or object;
/// - in the table ConfigurationKeys.def, of keys that never change what is
///   computed, or with the value there that doesn't;
/// - under `ignore`.
/// Each other one is an error at its place. False on error.
bool checkConfiguration(const BoundModel &model, const Configuration &config,
                        const StrictOptions &options, Diagnostics &diagnostics);

/// A catalog that remembers which of its tensors were asked for.
class UsedTensors : public TensorCatalog {
public:
  explicit UsedTensors(const TensorCatalog &catalog) : catalog(catalog) {}

  const std::vector<int64_t> *shape(std::string_view name) const override;
  std::vector<std::string_view> names() const override {
    return catalog.names();
  }
  std::optional<std::string> ggufName(std::string_view name) const override {
    return catalog.ggufName(name);
  }
  std::string description() const override { return catalog.description(); }

  const TensorCatalog &underlying() const { return catalog; }
  bool isUsed(std::string_view name) const { return used.count(name) != 0; }
  const std::set<std::string, std::less<>> &all() const { return used; }

private:
  const TensorCatalog &catalog;
  mutable std::set<std::string, std::less<>> used;
};

/// Every tensor must be used, be the copy of a tied weight, or under `unused`.
/// All others are one error that lists the first twenty. False on error.
bool checkTensors(const BoundModel &model, const UsedTensors &tensors,
                  const StrictOptions &options, Diagnostics &diagnostics);

} // namespace tenon::lang

#endif // TENON_LANGUAGE_STRICT_H
