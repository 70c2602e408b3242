//===- Profile.cpp - where the time of a program goes ---------------------===//
#include "Profile.h"
#include "Program.h"

#include "tenon/Support/AtomicFile.h"
#include "tenon/Support/Strings.h"

#include <algorithm>
#include <functional>
#include <limits>
#include <utility>

using namespace tenon;
using namespace tenon::runtime;

/// A trace of more events is too long to be looked at.
static constexpr size_t kMostEvents = 2'000'000;

Profile::Profile(std::span<const OperationInfo> operations, Executor &executor,
                 bool isTraced)
    : operations(operations), executor(executor), isTraced(isTraced),
      limits(readMachineLimits(executor.threads())) {
  int64_t last = -1;
  for (const OperationInfo &operation : operations)
    last = std::max(last, operation.id);
  executor.enableProfile(last + 1);
  if (isTraced)
    executor.enableTrace(kMostEvents);
}

void Profile::clear() {
  executor.clearProfile();
  if (isTraced)
    tracedCalls.insert(tracedCalls.end(), entryCalls.begin(), entryCalls.end());
  entryCalls.clear();
}

//===----------------------------------------------------------------------===//
// Work
//===----------------------------------------------------------------------===//

namespace {

/// What the queries of a call see: pairs of a query and a key, and keys.
struct Seen {
  double pairs = 0, keys = 0;
};

/// sum over i < tokens of min(first + i + 1, window): what queries see that
/// come after `first` others.
double countPairs(int64_t first, int64_t tokens, int64_t window) {
  int64_t growing = std::clamp<int64_t>(window - first, 0, tokens);
  return double(growing) * first + 0.5 * growing * (growing + 1) +
         double(tokens - growing) * window;
}

Seen countKeys(const WorkInfo &work, const EntryCall &call) {
  int64_t all = std::numeric_limits<int64_t>::max() / 2;
  int64_t window = work.window > 0 ? work.window : all;
  int64_t tokens = call.tokens;
  if (work.keys == WorkInfo::Keys::Source)
    return {double(tokens) * call.sourceLength, double(call.sourceLength)};
  if (work.keys == WorkInfo::Keys::Own && call.textEnds.size() > 1) {
    Seen seen{0, double(tokens)};
    int64_t begin = 0;
    for (int64_t end : call.textEnds) {
      int64_t own = end - std::exchange(begin, end);
      seen.pairs += work.causal ? countPairs(0, own, window)
                                : double(own) * std::min(own, window);
    }
    return seen;
  }
  if (work.keys == WorkInfo::Keys::Own && !work.causal)
    return {double(tokens) * std::min(tokens, window), double(tokens)};
  if (call.positions.empty() || work.keys == WorkInfo::Keys::Own) {
    int64_t first = work.keys == WorkInfo::Keys::Own ? 0 : call.position;
    return {
        countPairs(first, tokens, window),
        double(std::min(first + tokens, std::min(window, all) + tokens - 1))};
  }
  Seen seen; // Each query has a context of its own.
  for (int64_t position : call.positions) {
    seen.pairs += std::min(position + 1, window);
    seen.keys += std::min(position + 1, window);
  }
  return seen;
}

} // namespace

void Profile::addWork(const WorkInfo &work, Row &row) const {
  double calls = 0, callsWithOutputs = 0, tokens = 0, outputs = 0;
  Seen seen;
  for (const EntryCall &call : entryCalls) {
    if (call.entry->name != row.operation->entry)
      continue;
    // The lengths of several sources are not kept.
    if (work.keys == WorkInfo::Keys::Source && !call.positions.empty())
      return;
    // What sees a text is run for each of them.
    bool isEach = work.keys == WorkInfo::Keys::Own && !call.textEnds.empty();
    calls += isEach ? double(call.textEnds.size()) : 1;
    callsWithOutputs += call.outputs > 0;
    tokens += call.tokens;
    outputs += call.outputs;
    if (work.keys == WorkInfo::Keys::None)
      continue;
    Seen more = countKeys(work, call);
    seen.pairs += more.pairs;
    seen.keys += more.keys;
  }
  if (calls == 0)
    return;
  double perCall = row.time.calls / calls; // The layers that run it.
  double reads = row.time.calls, numRows = 0;
  switch (work.rows) {
  case WorkInfo::Rows::Tokens:
    numRows = tokens * perCall;
    break;
  case WorkInfo::Rows::Outputs:
    numRows = outputs * perCall;
    reads = callsWithOutputs * perCall;
    break;
  case WorkInfo::Rows::Routed:
    numRows = tokens * work.count;
    break;
  case WorkInfo::Rows::Fixed:
    numRows = double(work.count) * row.time.calls;
    break;
  }
  double operations =
      numRows * work.rowOperations + seen.pairs * work.pairOperations * perCall;
  row.operations += operations;
  row.bytes += reads * work.weightBytes + seen.keys * work.keyBytes * perCall;
  if (!limits)
    return;
  // A CPU without faster products of fewer bits has those of bytes.
  auto rate = limits->find(work.products);
  if (rate == limits->end() && work.products.starts_with("int"))
    rate = limits->find("int8");
  if (rate != limits->end()) {
    row.leastSeconds += operations / rate->second;
    row.limit = rate->first;
  }
}

double Profile::operationsComputed() const {
  double sum = 0;
  for (const Row &row : rows())
    sum += row.operations;
  return sum;
}

std::vector<Profile::Row> Profile::rows() const {
  std::vector<Row> rows;
  for (const OperationInfo &operation : operations) {
    Row row;
    row.operation = &operation;
    row.time = executor.profile()[operation.id];
    if (row.time.calls == 0)
      continue;
    for (const WorkInfo &work : operation.work)
      addWork(work, row);
    if (limits)
      if (auto read = limits->find("read"); read != limits->end())
        if (double seconds = row.bytes / read->second;
            seconds > row.leastSeconds) {
          row.leastSeconds = seconds;
          row.limit = read->first;
        }
    rows.push_back(std::move(row));
  }
  std::ranges::sort(rows, std::greater<>(), [](const Row &row) {
    return std::pair(row.time.nanoseconds, -row.operation->id);
  });
  return rows;
}

int64_t Profile::inEntries() const {
  int64_t sum = 0;
  for (const EntryCall &call : entryCalls)
    sum += call.nanoseconds;
  return sum;
}

int64_t Profile::inOperations() const {
  int64_t sum = 0;
  for (const OperationTime &time : executor.profile())
    sum += static_cast<int64_t>(time.nanoseconds);
  return sum;
}

double Profile::ofLimit(const Row &row) const {
  return row.leastSeconds / (row.time.nanoseconds * 1e-9);
}

//===----------------------------------------------------------------------===//
// Output
//===----------------------------------------------------------------------===//

std::string Profile::table(double seconds) const {
  std::vector<Row> all = rows();
  size_t width = 20;
  for (const Row &row : all)
    width = std::max(width, row.operation->name.size());
  auto name = [&](const std::string &text) {
    return format("%-*s", static_cast<int>(width), text.c_str());
  };
  std::string text =
      name("operation") + format(" %-14s %9s %10s %9s %6s %8s %7s %12s  %s\n",
                                 "kind", "calls", "ms", "us/call", "share",
                                 "GOP/s", "GB/s", "of limit", "source");
  for (const Row &row : all) {
    double time = row.time.nanoseconds;
    auto rate = [&](double amount) {
      return amount > 0 ? format("%.1f", amount / time) : std::string();
    };
    std::string limit =
        row.limit.empty()
            ? ""
            : format("%.0f %% %s", ofLimit(row) * 100, row.limit.c_str());
    text += name(row.operation->name) +
            format(" %-14s %9llu %10.3f %9.2f %5.1f%% %8s %7s %12s  %s\n",
                   row.operation->kind.c_str(),
                   static_cast<unsigned long long>(row.time.calls), time * 1e-6,
                   time * 1e-3 / row.time.calls, time * 1e-7 / seconds,
                   rate(row.operations).c_str(), rate(row.bytes).c_str(),
                   limit.c_str(), row.operation->location.c_str());
  }
  auto rest = [&](const char *what, double nanoseconds) {
    double least = std::max(0.0, nanoseconds);
    text += name(what) + format(" %-14s %9s %10.3f %9s %5.1f%%\n", "", "",
                                least * 1e-6, "", least * 1e-7 / seconds);
  };
  if (entryCalls.empty()) {
    rest("(the rest)", seconds * 1e9 - inOperations());
    return text;
  }
  rest("(between operations)", inEntries() - inOperations());
  rest("(outside the model)", seconds * 1e9 - inEntries());
  if (!limits)
    text += format("note: the limits of this machine with %u threads are not "
                   "known; `tenon-bench limits --threads %u` measures them "
                   "once, for every profile\n",
                   executor.threads(), executor.threads());
  return text;
}

OrderedJson Profile::json(double seconds) const {
  OrderedJson list = OrderedJson::array();
  for (const Row &row : rows()) {
    OrderedJson one = {
        {"name", row.operation->name},   {"kind", row.operation->kind},
        {"entry", row.operation->entry}, {"location", row.operation->location},
        {"calls", row.time.calls},       {"nanoseconds", row.time.nanoseconds}};
    if (row.operations > 0)
      one["operations"] = row.operations;
    if (row.bytes > 0)
      one["bytes"] = row.bytes;
    if (!row.limit.empty()) {
      one["limit"] = row.limit;
      one["of_limit"] = ofLimit(row);
    }
    list.push_back(std::move(one));
  }
  OrderedJson result = {
      {"seconds", seconds},
      {"operations", std::move(list)},
      {"between_operations_nanoseconds",
       std::max<int64_t>(inEntries() - inOperations(), 0)},
      {"outside_nanoseconds",
       std::max<int64_t>(static_cast<int64_t>(seconds * 1e9) - inEntries(),
                         0)}};
  if (limits)
    result["limits"] = *limits;
  return result;
}

Status Profile::writeTrace(const std::string &path) const {
  auto file = AtomicFile::create(path);
  if (!file)
    return file.takeError();
  std::vector<const OperationInfo *> byId;
  for (const OperationInfo &operation : operations) {
    byId.resize(std::max<size_t>(byId.size(), operation.id + 1));
    byId[operation.id] = &operation;
  }
  std::string line = "{\"displayTimeUnit\": \"ns\", \"traceEvents\": [";
  const char *separator = "\n";
  Status status;
  // Complete events ("X"), in microseconds: an operation lies within its call.
  auto add = [&](const std::string &name, const std::string &category,
                 int64_t start, int64_t nanoseconds, OrderedJson arguments) {
    OrderedJson event = {{"name", name},
                         {"cat", category},
                         {"ph", "X"},
                         {"pid", 1},
                         {"tid", 1},
                         {"ts", start * 1e-3},
                         {"dur", nanoseconds * 1e-3}};
    if (!arguments.empty())
      event["args"] = std::move(arguments);
    line += separator +
            event.dump(-1, ' ', false, OrderedJson::error_handler_t::replace);
    separator = ",\n";
    if (status && line.size() > (1 << 16)) {
      status = file->write(line);
      line.clear();
    }
  };
  for (const std::vector<EntryCall> *calls : {&tracedCalls, &entryCalls})
    for (const EntryCall &call : *calls)
      add(call.entry->name, "entry", call.start, call.nanoseconds,
          {{"tokens", call.tokens},
           {"position", call.position},
           {"outputs", call.outputs}});
  for (const OperationEvent &event : executor.trace())
    if (const OperationInfo *operation = byId[event.op])
      add(operation->name, operation->kind, event.start, event.nanoseconds,
          {{"source", operation->location}});
  line += "\n]}\n";
  if (status)
    status = file->write(line);
  if (!status)
    return status;
  if (executor.isTraceFull())
    printNote(format("note: the trace holds the first %zu operations\n",
                     kMostEvents));
  return file->commit();
}
