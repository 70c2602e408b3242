//===- Topology.h - which CPUs this process may use
//------------------------===//
//
// Reads the affinity mask and the kernel's topology files, so that threads can
// be placed one per physical core before hyper-threads share one.
//
//===----------------------------------------------------------------------===//
#ifndef TENON_RUNTIME_TOPOLOGY_H
#define TENON_RUNTIME_TOPOLOGY_H

#include <string>
#include <vector>

namespace tenon::runtime {

struct Topology {
  /// CPUs of the process's affinity mask, in the order in which threads should
  /// take them: the first of every physical core, then the second, … Never
  /// empty.
  std::vector<int> cpus;
  /// Physical cores among them: the default number of threads.
  unsigned physicalCores = 1;

  /// Of the calling process. `sysRoot` replaces /sys/devices/system/cpu in
  /// tests. A CPU without topology files counts as a core of its own.
  static Topology
  current(const std::string &sysRoot = "/sys/devices/system/cpu");
  /// As above for a given mask.
  static Topology ofCpus(const std::vector<int> &mask,
                         const std::string &sysRoot);
};

/// Restricts the calling thread to one CPU; false if the kernel refuses.
bool pinThisThread(int cpu);
/// Gives the calling thread the CPUs back.
bool unpinThisThread(const std::vector<int> &cpus);

} // namespace tenon::runtime

#endif // TENON_RUNTIME_TOPOLOGY_H
