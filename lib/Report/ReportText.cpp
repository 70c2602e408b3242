//===- ReportText.cpp - a report as a table -------------------------------===//

#include "tenon/Report/Report.h"

#include "llvm/Support/Format.h"
#include <cmath>

using namespace llvm;
using namespace tenon;

namespace {

uint64_t countAll(const ModuleText &text) {
  uint64_t total = 0;
  for (const auto &[name, count] : text.operations)
    total += count;
  return total;
}

/// "+2 tenon.linear, -2 tenon.matmul": what there is more and less of.
std::string describeChange(const ModuleText &before, const ModuleText &after) {
  std::vector<std::pair<int64_t, std::string>> changes;
  auto note = [&](const std::string &name) {
    auto count = [&](const ModuleText &text) {
      auto it = text.operations.find(name);
      return it == text.operations.end() ? int64_t(0) : int64_t(it->second);
    };
    if (int64_t difference = count(after) - count(before))
      changes.emplace_back(difference, name);
  };
  for (const auto &[name, count] : before.operations)
    note(name);
  for (const auto &[name, count] : after.operations)
    if (!before.operations.count(name))
      note(name);
  // What changed most, first; four of them are enough to know a pass by.
  llvm::sort(changes, [](const auto &a, const auto &b) {
    return std::tuple(-std::abs(a.first), a.second) <
           std::tuple(-std::abs(b.first), b.second);
  });
  std::string text;
  for (size_t i = 0; i < std::min<size_t>(changes.size(), 4); ++i) {
    text += i ? ", " : "";
    text += changes[i].first > 0 ? "+" : "";
    text += std::to_string(changes[i].first) + " " + changes[i].second;
  }
  if (changes.size() > 4)
    text += ", ...";
  return text;
}

std::string joinLines(const std::vector<unsigned> &lines) {
  std::string list;
  for (unsigned line : lines)
    list += (list.empty() ? "" : ",") + std::to_string(line);
  return list;
}

void printMemory(const MemoryPlan &memory, raw_ostream &os) {
  if (memory.entries.empty())
    return;
  os << "\nmemory: an arena of " << memory.arenaBytes << " bytes";
  if (memory.cacheBytes)
    os << ", a cache of " << memory.cacheBytes << " bytes in "
       << memory.cacheType;
  os << "\n";
  for (const EntryMemory &entry : memory.entries) {
    os << "  @" << entry.function
       << (entry.variant.empty() ? "" : " for " + entry.variant) << ": "
       << entry.buffers.size() << " buffers, " << entry.allBytes()
       << " bytes; at most " << entry.mostAlive() << " alive at once\n"
       << "        offset       bytes  operations  line      buffer of\n";
    for (const ArenaBuffer &buffer : entry.buffers)
      os << format("  %12llu%12llu %5u-%-5u  %-8s  ",
                   static_cast<unsigned long long>(buffer.offset),
                   static_cast<unsigned long long>(buffer.bytes), buffer.first,
                   buffer.last, joinLines(buffer.lines).c_str())
         << buffer.operation << " : " << buffer.type << "\n";
  }
}

} // namespace

void tenon::printReport(const Report &report, raw_ostream &os) {
  os << "model " << report.title << "\n";
  for (const auto &[name, value] : report.facts)
    os << "  " << name << ": " << value << "\n";

  const RecordedPasses &recorded = report.recorded;
  os << "\npasses\n"
     << "        ms  operations  pass\n";
  std::string stage, variant;
  size_t last = 0;
  for (const PassRecord &pass : recorded.passes) {
    if (pass.stage != stage || pass.variant != variant) {
      // A variant starts from what all have in common.
      stage = pass.stage;
      variant = pass.variant;
      os << "  " << stage << (variant.empty() ? "" : " for " + variant) << "\n";
    }
    const ModuleText &text = recorded.texts[pass.text];
    os << format("%10.2f  %10llu  ", pass.milliseconds,
                 static_cast<unsigned long long>(countAll(text)))
       << pass.name;
    if (!pass.changed)
      os << ": nothing changed";
    else if (std::string change = describeChange(recorded.texts[last], text);
             &pass != &recorded.passes.front() && !change.empty())
      os << ": " << change;
    os << "\n";
    last = pass.text;
  }

  os << "\nprovenance: operations that lead to a line of " << report.sourceName
     << "\n";
  for (size_t i = 0; i < recorded.passes.size(); ++i) {
    const PassRecord &pass = recorded.passes[i];
    bool isLast = i + 1 == recorded.passes.size() ||
                  recorded.passes[i + 1].stage != pass.stage ||
                  recorded.passes[i + 1].variant != pass.variant;
    if (!isLast)
      continue;
    const ModuleText &text = recorded.texts[pass.text];
    os << format("  %6llu of %6llu  ",
                 static_cast<unsigned long long>(text.numPlaced),
                 static_cast<unsigned long long>(text.numWorking))
       << pass.stage << (pass.variant.empty() ? "" : " for " + pass.variant)
       << "\n";
  }

  if (report.profile)
    for (const ProfileData::Phase &phase : report.profile->phases) {
      os << "\ntime of " << phase.name << ", "
         << format("%.1f", phase.tokensPerSecond)
         << " tokens a second\n     share  of limit          line  operation\n";
      for (const ProfileData::Operation &operation : phase.operations) {
        std::string ofLimit =
            operation.limit.empty()
                ? ""
                : std::to_string(std::lround(operation.ofLimit * 100)) + " % " +
                      operation.limit;
        os << format("  %6.1f %%  %-14s  %6u  ",
                     operation.nanoseconds * 1e-7 / phase.seconds,
                     ofLimit.c_str(), operation.line)
           << operation.name << "\n";
      }
    }

  size_t fused = 0, missed = 0;
  for (const RemarkEntry &remark : report.remarks) {
    fused += remark.kind == RemarkKind::Fused;
    missed += remark.kind == RemarkKind::Missed;
  }
  os << "\nremarks: " << fused << " rewrites applied, " << missed
     << " declined\n";
  printRemarks(report.remarks, {.missed = true}, os);

  if (!report.kernels.empty()) {
    os << "\nkernels\n  instructions  lines of the description  kernel\n";
    for (const KernelCode &kernel : report.kernels) {
      std::vector<unsigned> lines;
      size_t instructions = 0;
      for (size_t i = 0; i < kernel.lines.size(); ++i) {
        instructions += StringRef(kernel.lines[i]).starts_with(" ");
        for (unsigned line : report.kernelPlaces[kernel.places[i]])
          if (!llvm::is_contained(lines, line))
            lines.push_back(line);
      }
      llvm::sort(lines);
      os << format("  %12zu  %-24s  ", instructions, joinLines(lines).c_str())
         << kernel.symbol << "\n";
    }
  }
  if (!report.weights.empty()) {
    os << "\nweights\n         bytes  weight\n";
    for (const Report::Weight &weight : report.weights) {
      os << format("  %12llu  ", static_cast<unsigned long long>(weight.bytes))
         << weight.name << " : " << weight.type;
      if (weight.error)
        os << format(", error %.2f %%", 100 * *weight.error);
      os << "\n";
    }
    for (const auto &[type, bytes] : report.bytesByType)
      os << format("  %12llu  ", static_cast<unsigned long long>(bytes))
         << "in " << type << "\n";
  }
  printMemory(report.recorded.memory, os);
}
