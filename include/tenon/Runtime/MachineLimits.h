//===- MachineLimits.h - the rates that this machine reaches ----*- C++ -*-===//
//
// `tenon-bench limits` measures them once and keeps them; profiles of compiled
// programs are set beside them. The file is a cache of the user's,
// $XDG_CACHE_HOME/tenon/limits.json, or ~/.cache/tenon/limits.json:
//
//   {"AuthenticAMD 25 1 1 AMD EPYC": {"1": {"fma": 1.0e11, "read": 2.6e10}}}
//
// by CPU (vendor, family, model, stepping, name) and number of threads.
//
//===----------------------------------------------------------------------===//
#ifndef TENON_RUNTIME_MACHINELIMITS_H
#define TENON_RUNTIME_MACHINELIMITS_H

#include "tenon/Support/Error.h"

#include <map>
#include <optional>
#include <string>

namespace tenon::runtime {

/// Rates by name: operations per second for "fma", "bf16", "int8", "int6",
/// "int5" and "int4", bytes per second for "read". What a CPU has no
/// instruction of its own for is missing.
using MachineLimits = std::map<std::string, double>;

/// What tells CPUs apart, from a text like that of /proc/cpuinfo; empty if it
/// doesn't say.
std::string identifyCpu(const std::string &cpuInfo);

/// Where limits are kept; empty if the environment has no home.
std::string machineLimitsPath();

/// The limits of this CPU with so many threads; none if they weren't measured,
/// or what was kept can't be read.
std::optional<MachineLimits> readMachineLimits(unsigned threads);

/// Keeps them beside those of other CPUs and numbers of threads. Errors: no
/// home, no place to write to.
Status writeMachineLimits(unsigned threads, const MachineLimits &limits);

} // namespace tenon::runtime

#endif // TENON_RUNTIME_MACHINELIMITS_H
