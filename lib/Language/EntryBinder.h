//===- EntryBinder.h - the entry points of a concrete model -----*- C++ -*-===//

#ifndef TENON_LIB_LANGUAGE_ENTRYBINDER_H
#define TENON_LIB_LANGUAGE_ENTRYBINDER_H

#include "tenon/Language/Bind.h"

namespace tenon::lang {

/// Decides what depends on the class that a configuration names: the kind, the
/// entry points that there are, and the one that the class runs. Functions
/// return false after an error.
class EntryBinder {
public:
  EntryBinder(BoundModel &bound, Diagnostics &diagnostics)
      : bound(bound), model(bound.model()), diagnostics(diagnostics) {}

  /// Before all scalars: the values of `architecture`, "" if there is none, and
  /// of `entry`.
  void bindArchitecture(const nlohmann::json &config);
  bool bindKind(const Item &item);
  /// Notes whether the condition of a def holds.
  bool bindCondition(const DefDecl &def);
  /// After the bodies.
  bool bindEntries();

private:
  std::optional<bool> holds(const Expr *condition);
  bool bindLabels(const DefDecl &def);

  BoundModel &bound;
  const Model &model;
  Diagnostics &diagnostics;
};

} // namespace tenon::lang

#endif // TENON_LIB_LANGUAGE_ENTRYBINDER_H
