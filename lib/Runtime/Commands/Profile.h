//===- Profile.h - where the time of a program goes -------------*- C++ -*-===//
#ifndef TENON_LIB_RUNTIME_COMMANDS_PROFILE_H
#define TENON_LIB_RUNTIME_COMMANDS_PROFILE_H

#include "Json.h"
#include "tenon/Runtime/Executor.h"
#include "tenon/Runtime/MachineLimits.h"
#include "tenon/Runtime/Model.h"

#include <optional>
#include <span>
#include <string>
#include <vector>

namespace tenon::runtime {

/// Sets the time that operations took beside what they computed and read, and
/// that beside the limits of the machine.
class Profile {
public:
  /// Starts to count. `operations`, those of the loaded model, and the executor
  /// outlive this. `isTraced`: when operations ran is kept too.
  Profile(std::span<const OperationInfo> operations, Executor &executor,
          bool isTraced);

  /// Where Model::recordCalls is to put what it counts.
  std::vector<EntryCall> &calls() { return entryCalls; }

  /// Forgets what was counted so far; a trace stays.
  void clear();

  /// Of all that was counted, in `seconds` of wall clock; the operations that
  /// took longest come first.
  std::string table(double seconds) const;
  /// What those of known work computed; a multiply-add is two.
  double operationsComputed() const;
  OrderedJson json(double seconds) const;

  /// All calls and operations since the start, in the trace event format that
  /// Perfetto and chrome://tracing read.
  Status writeTrace(const std::string &path) const;

private:
  struct Row {
    const OperationInfo *operation = nullptr;
    OperationTime time;
    double operations = 0, bytes = 0; ///< in all calls; 0: not known
    double leastSeconds = 0;          ///< that the machine's limits allow
    std::string limit; ///< what allows no less: "read" or products
  };
  std::vector<Row> rows() const;
  void addWork(const WorkInfo &work, Row &row) const;
  /// Nanoseconds in entries, beside their operations and in all.
  int64_t inEntries() const;
  int64_t inOperations() const;
  double ofLimit(const Row &row) const;

  std::span<const OperationInfo> operations;
  Executor &executor;
  std::vector<EntryCall> entryCalls, tracedCalls;
  bool isTraced;
  std::optional<MachineLimits> limits;
};

} // namespace tenon::runtime

#endif // TENON_LIB_RUNTIME_COMMANDS_PROFILE_H
