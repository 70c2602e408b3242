//===- RemarkLog.cpp - the remarks of a compilation -----------------------===//

#include "tenon/Report/RemarkLog.h"
#include "mlir/IR/Remarks.h"
#include "tenon/Dialect/Tenon/IR/Remarks.h"
#include "tenon/Support/Strings.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/Remarks/RemarkSerializer.h"

#include <map>
#include <tuple>

using namespace mlir;
using namespace tenon;

llvm::StringRef tenon::getName(tenon::RemarkKind kind) {
  switch (kind) {
  case tenon::RemarkKind::Fused:
    return "fused";
  case tenon::RemarkKind::Missed:
    return "missed";
  case tenon::RemarkKind::Tile:
    return "tile";
  }
  llvm_unreachable("unknown kind of remark");
}

bool RemarkKinds::has(tenon::RemarkKind kind) const {
  switch (kind) {
  case tenon::RemarkKind::Fused:
    return fused;
  case tenon::RemarkKind::Missed:
    return missed;
  case tenon::RemarkKind::Tile:
    return tile;
  }
  llvm_unreachable("unknown kind of remark");
}

tenon::Expected<RemarkKinds> tenon::parseRemarkKinds(llvm::StringRef list) {
  RemarkKinds kinds;
  llvm::SmallVector<llvm::StringRef, 4> words;
  list.split(words, ',');
  for (llvm::StringRef word : words) {
    bool isAll = word == "all";
    if (!isAll && word != "fused" && word != "missed" && word != "tile")
      return plainError(strCat("unknown kind of remark ", quoteName(word.str()),
                               "; fused, missed, tile or all is expected"),
                        ExitCode::BadUsage);
    kinds.fused |= isAll || word == "fused";
    kinds.missed |= isAll || word == "missed";
    kinds.tile |= isAll || word == "tile";
  }
  return kinds;
}

//===----------------------------------------------------------------------===//
// Gathering
//===----------------------------------------------------------------------===//

struct RemarkLog::State {
  /// Pass, name, function and places. What was applied or declined is so in all
  /// functions that a description's line is in; tiles depend on the function.
  using Key =
      std::tuple<std::string, std::string, std::string, std::vector<Place>>;
  std::map<Key, RemarkEntry> entries;
};

static tenon::RemarkKind kindOf(const remark::detail::Remark &remark) {
  switch (remark.getRemarkType()) {
  case llvm::remarks::Type::Passed:
    return tenon::RemarkKind::Fused;
  case llvm::remarks::Type::Missed:
    return tenon::RemarkKind::Missed;
  default:
    return tenon::RemarkKind::Tile;
  }
}

/// A remark's arguments by their keys.
static RemarkEntry readRemark(const remark::detail::Remark &remark) {
  RemarkEntry entry;
  entry.kind = kindOf(remark);
  auto places = getPlaces(remark.getLocation());
  entry.places.assign(places.begin(), places.end());
  entry.pass = remark.getCategoryName().str();
  entry.name = remark.getRemarkName().str();
  entry.function = remark.getFunction().str();
  for (const remark::detail::Remark::Arg &arg : remark.getArgs()) {
    if (arg.key == kRemarkText) {
      entry.text += arg.val;
    } else if (arg.key == kRemarkSuggestion) {
      entry.suggestion = arg.val;
    } else if (arg.key == kRemarkBlocker && arg.hasAttribute()) {
      auto blockers =
          getPlaces(Location(cast<LocationAttr>(arg.getAttribute())));
      if (!blockers.empty())
        entry.blocker = blockers.front();
    }
  }
  return entry;
}

namespace {
/// Puts remarks into a log's state, which a log and the context share.
class LogStreamer : public remark::detail::MLIRRemarkStreamerBase {
public:
  LogStreamer(std::function<void(RemarkEntry)> add) : add(std::move(add)) {}

  void streamOptimizationRemark(const remark::detail::Remark &remark) override {
    add(readRemark(remark));
  }

private:
  std::function<void(RemarkEntry)> add;
};
} // namespace

RemarkLog::RemarkLog(MLIRContext &context) : state(std::make_shared<State>()) {
  remark::RemarkCategories all;
  all.passed = all.missed = all.analysis = ".*";
  auto add = [state = state](RemarkEntry entry) {
    bool isTile = entry.kind == tenon::RemarkKind::Tile;
    auto [it, isNew] = state->entries.try_emplace(
        {entry.pass, entry.name, isTile ? entry.function : "", entry.places},
        entry);
    // A later pass knows better; but what was applied stays applied.
    if (!isNew && (entry.kind == RemarkKind::Fused ||
                   it->second.kind != RemarkKind::Fused)) {
      entry.function = it->second.function;
      it->second = std::move(entry);
    }
  };
  // It can fail only where a streamer is there already.
  (void)remark::enableOptimizationRemarks(
      context, std::make_unique<LogStreamer>(add),
      std::make_unique<remark::RemarkEmittingPolicyAll>(), all);
}

RemarkLog::~RemarkLog() = default;

std::vector<RemarkEntry> RemarkLog::get() const {
  std::vector<RemarkEntry> entries;
  for (const auto &[key, entry] : state->entries)
    entries.push_back(entry);
  llvm::sort(entries, [](const RemarkEntry &a, const RemarkEntry &b) {
    return std::tie(a.places, a.pass, a.name, a.function) <
           std::tie(b.places, b.pass, b.name, b.function);
  });
  return entries;
}

//===----------------------------------------------------------------------===//
// Printing
//===----------------------------------------------------------------------===//

static void printPlace(const Place &place, llvm::raw_ostream &os) {
  os << place.file << ":" << place.line << ":" << place.column << ": ";
}

void tenon::printRemarks(llvm::ArrayRef<RemarkEntry> remarks, RemarkKinds kinds,
                         llvm::raw_ostream &os) {
  for (const RemarkEntry &remark : remarks) {
    if (!kinds.has(remark.kind))
      continue;
    if (!remark.places.empty())
      printPlace(remark.places.front(), os);
    os << "remark: " << getName(remark.kind) << ": ";
    if (remark.kind == tenon::RemarkKind::Tile)
      os << "@" << remark.function << ": ";
    os << remark.text << " [" << remark.pass << "]\n";
    if (remark.blocker && !llvm::is_contained(remark.places, *remark.blocker)) {
      printPlace(*remark.blocker, os);
      os << "note: "
         << (remark.kind == RemarkKind::Missed ? "this is in the way"
                                               : "together with this")
         << "\n";
    }
    if (!remark.suggestion.empty())
      os << "note: expected: " << remark.suggestion << "\n";
  }
}

std::string tenon::formatRemarksYaml(llvm::ArrayRef<RemarkEntry> remarks) {
  std::string text;
  llvm::raw_string_ostream stream(text);
  // It fails for formats that this LLVM lacks, and YAML is no such one.
  std::unique_ptr<llvm::remarks::RemarkSerializer> serializer =
      llvm::cantFail(llvm::remarks::createRemarkSerializer(
          llvm::remarks::Format::YAML, stream));
  for (const RemarkEntry &entry : remarks) {
    llvm::remarks::Remark remark;
    remark.RemarkType =
        entry.kind == RemarkKind::Fused    ? llvm::remarks::Type::Passed
        : entry.kind == RemarkKind::Missed ? llvm::remarks::Type::Missed
                                           : llvm::remarks::Type::Analysis;
    remark.PassName = entry.pass;
    remark.RemarkName = entry.name;
    remark.FunctionName = entry.function;
    auto locate = [](const Place &place) {
      return llvm::remarks::RemarkLocation{place.file, place.line,
                                           place.column};
    };
    if (!entry.places.empty())
      remark.Loc = locate(entry.places.front());
    auto add = [&](llvm::StringRef key, llvm::StringRef value) {
      llvm::remarks::Argument argument;
      argument.Key = key;
      argument.Val = value;
      remark.Args.push_back(argument);
    };
    add(kRemarkText, entry.text);
    if (entry.blocker) {
      llvm::remarks::Argument argument;
      argument.Key = kRemarkBlocker;
      argument.Val = "here";
      argument.Loc = locate(*entry.blocker);
      remark.Args.push_back(argument);
    }
    if (!entry.suggestion.empty())
      add(kRemarkSuggestion, entry.suggestion);
    serializer->emit(remark);
  }
  return text;
}
