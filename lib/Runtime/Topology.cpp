//===- Topology.cpp - which CPUs this process may use ---------------------===//
#include "tenon/Runtime/Topology.h"

#include <algorithm>
#include <cerrno>
#include <fstream>
#include <map>

#include <sched.h>

using namespace tenon::runtime;

namespace {

/// A set of as many CPUs as the kernel knows, which may be over CPU_SETSIZE.
class CpuSet {
public:
  explicit CpuSet(int count)
      : count(count), bytes(CPU_ALLOC_SIZE(count)), set(CPU_ALLOC(count)) {
    if (set)
      CPU_ZERO_S(bytes, set);
  }
  ~CpuSet() {
    if (set)
      CPU_FREE(set);
  }
  CpuSet(const CpuSet &) = delete;
  CpuSet &operator=(const CpuSet &) = delete;

  /// 0, or errno.
  int readMask() {
    return set && sched_getaffinity(0, bytes, set) == 0 ? 0 : errno;
  }
  bool apply() { return set && sched_setaffinity(0, bytes, set) == 0; }
  void add(int cpu) {
    if (set && cpu < count)
      CPU_SET_S(cpu, bytes, set);
  }
  bool has(int cpu) const { return set && CPU_ISSET_S(cpu, bytes, set); }

private:
  int count;
  size_t bytes;
  cpu_set_t *set;
};

std::vector<int> affinityMask() {
  std::vector<int> cpus;
  // EINVAL says that the set is smaller than the kernel's.
  for (int count = 1024; count <= 1 << 18; count *= 4) {
    CpuSet set(count);
    int error = set.readMask();
    if (error == EINVAL)
      continue;
    if (error == 0)
      for (int cpu = 0; cpu < count; ++cpu)
        if (set.has(cpu))
          cpus.push_back(cpu);
    break;
  }
  if (cpus.empty())
    cpus.push_back(0);
  return cpus;
}

int readNumber(const std::string &path, int otherwise) {
  std::ifstream file(path);
  int value;
  return file >> value ? value : otherwise;
}

} // namespace

Topology Topology::ofCpus(const std::vector<int> &mask,
                          const std::string &sysRoot) {
  std::map<std::pair<int, int>, size_t> cores; // package, core → CPUs seen
  std::vector<std::vector<int>> rounds;        // n-th CPU of every core
  for (int cpu : mask) {
    std::string dir = sysRoot + "/cpu" + std::to_string(cpu) + "/topology/";
    int core = readNumber(dir + "core_id", -1);
    int package = readNumber(dir + "physical_package_id", -1);
    size_t n =
        cores[core < 0 ? std::pair(-1, cpu) : std::pair(package, core)]++;
    if (n == rounds.size())
      rounds.emplace_back();
    rounds[n].push_back(cpu);
  }
  Topology topology;
  for (const std::vector<int> &round : rounds)
    topology.cpus.insert(topology.cpus.end(), round.begin(), round.end());
  topology.physicalCores = std::max<size_t>(1, cores.size());
  return topology;
}

Topology Topology::current(const std::string &sysRoot) {
  return ofCpus(affinityMask(), sysRoot);
}

bool tenon::runtime::pinThisThread(int cpu) { return unpinThisThread({cpu}); }

bool tenon::runtime::unpinThisThread(const std::vector<int> &cpus) {
  if (cpus.empty())
    return false;
  CpuSet set(std::max(1024, *std::max_element(cpus.begin(), cpus.end()) + 1));
  for (int cpu : cpus)
    set.add(cpu);
  return set.apply();
}
