//===- ProfileData.h - where a program's time went --------------*- C++ -*-===//
//
// What `PROGRAM bench --profile --json` prints, as a report shows it beside
// what the compiler did.
//
//===----------------------------------------------------------------------===//
#ifndef TENON_REPORT_PROFILEDATA_H
#define TENON_REPORT_PROFILEDATA_H

#include "tenon/Support/Error.h"

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace tenon {

struct ProfileData {
  struct Operation {
    std::string name, kind, entry;
    unsigned line = 0; ///< of the description; 0: not known
    uint64_t calls = 0;
    double nanoseconds = 0;           ///< in all calls
    double operations = 0, bytes = 0; ///< in all calls; 0: not known
    std::string limit;                ///< the machine's that holds it
    double ofLimit = 0;               ///< the part of it that is reached
  };
  struct Phase {
    std::string name; ///< "prompt" or "generation"
    double tokensPerSecond = 0, seconds = 0;
    double betweenOperations = 0, outside = 0; ///< nanoseconds
    std::vector<Operation> operations;         ///< what took longest first
    /// Rates of the machine by name; empty: not measured.
    std::vector<std::pair<std::string, double>> limits;
  };
  std::string model, kernels;
  unsigned threads = 0;
  std::vector<Phase> phases;
};

/// Reads such a file, named in errors: it is something else, was made without
/// --profile, or is of another model than `model`.
Expected<ProfileData> readProfile(const std::string &path,
                                  const std::string &model);

} // namespace tenon

#endif // TENON_REPORT_PROFILEDATA_H
