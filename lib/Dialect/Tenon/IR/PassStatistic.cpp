//===- PassStatistic.cpp - what passes did and declined -------------------===//

#include "tenon/Dialect/Tenon/IR/PassStatistic.h"
#include "mlir/Pass/Pass.h"
#include "llvm/Support/raw_ostream.h"
#include <map>
#include <mutex>

using namespace tenon;

namespace {
struct Entry {
  uint64_t count = 0;
  std::string description;
};
/// By pass and name.
struct Table {
  std::mutex mutex;
  std::map<std::pair<std::string, std::string>, Entry> entries;
};
} // namespace

static Table &table() {
  static Table instance;
  return instance;
}

PassStatistic &PassStatistic::operator+=(uint64_t count) {
  if (count == 0)
    return *this;
  std::lock_guard<std::mutex> lock(table().mutex);
  Entry &entry = table().entries[{owner->getArgument().str(), name}];
  entry.count += count;
  entry.description = description;
  return *this;
}

void tenon::printPassStatistics(llvm::raw_ostream &os) {
  std::lock_guard<std::mutex> lock(table().mutex);
  for (const auto &[key, entry] : table().entries)
    os << key.first << ": " << entry.count << " " << key.second << " - "
       << entry.description << "\n";
}
