//===- Database.h - plans that were measured, in a file ---------*- C++ -*-===//
//
// A text that `tenonc --tune` writes and every compilation reads. After a line
// that names the format's version each line is an entry, by CPU and kernel:
//
//   tenon-tuning 1
//   cpu=znver3 kernel=linear/m:1/n:2048/k:2048/type:q4_0/input:int8 rows=1
//     group=2 panels=2 ... prefetch=1:2048:1 chosen_us=61.2 tuned_us=55.0
//
// (on one line). All fields of the plan are there, so that an entry means the
// same whatever the defaults become. Lines that begin with # are comments,
// which writing the file drops.
//
//===----------------------------------------------------------------------===//

#ifndef TENON_TUNE_DATABASE_H
#define TENON_TUNE_DATABASE_H

#include "tenon/Dialect/Tenon/Transforms/KernelPlans.h"
#include "tenon/Support/Error.h"

#include <map>
#include <string>
#include <utility>

namespace tenon::tune {

/// What was found for a kernel on a CPU.
struct Entry {
  KernelPlan plan;
  /// Microseconds of a call of the kernel, alone and on one thread: as the
  /// planner chooses it, and with this plan.
  double chosen = 0, tuned = 0;
};

/// The CPU of a target as entries name it: "znver3", or with the features that
/// it has more or less than LLVM knows of it, "znver3,+gfni,-avx512f".
std::string cpuOf(TargetAttr target);

class Database {
public:
  /// Reads a file; an empty database if there is none. A file of another
  /// version of the format is an empty one, too, with `isOther()`.
  ///
  /// Errors (BadInput), with their line: no entry, an unknown, missing or
  /// repeated field, a number out of range, a kernel twice.
  static Expected<Database> read(const std::string &path,
                                 mlir::MLIRContext &context);
  /// $XDG_CACHE_HOME/tenon/tuning.txt, or in ~/.cache; empty if neither is
  /// known.
  static std::string defaultPath();

  /// Whether there is a file, but of another version of the format.
  bool isOther() const { return other; }

  const Entry *find(const std::string &cpu, const std::string &kernel) const;
  void set(const std::string &cpu, const std::string &kernel, Entry entry) {
    entries[{cpu, kernel}] = std::move(entry);
  }
  void erase(const std::string &cpu, const std::string &kernel) {
    entries.erase({cpu, kernel});
  }
  /// How many kernels of a module have an entry for its target; these are put
  /// there for tenon-select-tiles (`tenon.tuned`).
  int64_t apply(mlir::ModuleOp module) const;

  /// The text, sorted: the same for the same entries.
  std::string format() const;
  /// Writes the file, whole or not at all, and its directory.
  Status write(const std::string &path) const;

private:
  /// By CPU and kernel.
  std::map<std::pair<std::string, std::string>, Entry> entries;
  bool other = false;
};

} // namespace tenon::tune

#endif // TENON_TUNE_DATABASE_H
