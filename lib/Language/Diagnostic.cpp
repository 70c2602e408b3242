//===- Diagnostic.cpp - errors with carets and notes ----------------------===//

#include "tenon/Language/Diagnostic.h"

#include <algorithm>
#include <utility>

using namespace tenon::lang;

// Source lines are shown in a window of this many bytes around the caret: a
// line may be megabytes long.
static constexpr size_t kWindow = 120;

static bool isContinuation(char c) {
  return (static_cast<unsigned char>(c) & 0xC0) == 0x80;
}

// The line with the range underlined. Control characters become '?', so that a
// hostile file can't steer the terminal.
static std::string showSource(const SourceFile &file, SourceRange range) {
  LineColumn at = file.lineColumn(range.begin);
  std::string_view line = file.lineAt(range.begin);
  size_t caret = std::min<size_t>(at.column - 1, line.size());
  size_t length = range.end > range.begin ? range.end - range.begin : 1;
  length = std::min(length, std::max<size_t>(line.size() - caret, 1));

  size_t begin = 0;
  if (line.size() > kWindow && caret > kWindow / 2)
    begin = caret - kWindow / 2;
  while (begin > 0 && isContinuation(line[begin]))
    --begin;
  size_t end = std::min(line.size(), begin + kWindow);
  while (end < line.size() && isContinuation(line[end]))
    ++end;

  std::string text = begin > 0 ? "…" : "";
  std::string marks = begin > 0 ? " " : "";
  for (size_t i = begin; i < end; ++i) {
    char c = line[i];
    bool control = static_cast<unsigned char>(c) < 0x20 || c == 0x7F;
    text += control && c != '\t' ? '?' : c;
    // One column per code point, as terminals count.
    if (!isContinuation(c) && i < caret + length)
      marks += i < caret ? (c == '\t' ? '\t' : ' ') : (i == caret ? '^' : '~');
  }
  if (caret >= end)
    marks += '^';
  if (end < line.size())
    text += "…";
  return text + "\n" + marks + "\n";
}

static Remark remarkAt(const SourceFile &file, SourceRange range,
                       std::string message) {
  LineColumn at = file.lineColumn(range.begin);
  return {file.fileAt(range.begin).name + ":" + std::to_string(at.line) + ":" +
              std::to_string(at.column),
          std::move(message), showSource(file, range), range};
}

static void render(std::string &out, const Remark &remark, const char *label) {
  if (!remark.place.empty())
    out += remark.place + ": ";
  out += std::string(label) + ": " + remark.message + "\n" + remark.snippet;
}

Diagnostic &Diagnostic::note(const SourceFile &file, SourceRange range,
                             std::string message) {
  notes.push_back(remarkAt(file, range, std::move(message)));
  return *this;
}

Diagnostic &Diagnostic::note(std::string message) {
  notes.push_back({{}, std::move(message), {}, {}});
  return *this;
}

Diagnostic &Diagnostic::noteAt(std::string place, std::string message) {
  notes.push_back({std::move(place), std::move(message), {}, {}});
  return *this;
}

std::string Diagnostic::str() const {
  std::string out;
  render(out, head, severity == Severity::Error ? "error" : "warning");
  for (const Remark &remark : notes)
    render(out, remark, "note");
  return out;
}

Diagnostic &Diagnostics::add(Diagnostic diagnostic) {
  if (diagnostic.severity == Diagnostic::Severity::Error && ++errors > limit)
    return surplus.emplace(std::move(diagnostic));
  return kept.emplace_back(std::move(diagnostic));
}

// Of a place in a part, also where that is included, from the inside out.
Diagnostic &Diagnostics::report(Diagnostic::Severity severity,
                                const SourceFile &file, SourceRange range,
                                std::string message) {
  Diagnostic &added =
      add({severity, remarkAt(file, range, std::move(message))});
  for (SourceRange at = file.fileAt(range.begin).includedAt; at.end > 0;
       at = file.fileAt(at.begin).includedAt)
    added.note(file, at, "included here");
  return added;
}

Diagnostic &Diagnostics::error(const SourceFile &file, SourceRange range,
                               std::string message) {
  return report(Diagnostic::Severity::Error, file, range, std::move(message));
}

Diagnostic &Diagnostics::report(Diagnostic::Severity severity,
                                std::string place, std::string message) {
  return add({severity, Remark{std::move(place), std::move(message), {}, {}}});
}

Diagnostic &Diagnostics::error(std::string place, std::string message) {
  return report(Diagnostic::Severity::Error, std::move(place),
                std::move(message));
}

Diagnostic &Diagnostics::warning(const SourceFile &file, SourceRange range,
                                 std::string message) {
  return report(Diagnostic::Severity::Warning, file, range, std::move(message));
}

std::string Diagnostics::str() const {
  std::string out;
  for (const Diagnostic &diagnostic : kept)
    out += diagnostic.str();
  if (errors > limit)
    out += "… and " + std::to_string(errors - limit) + " more errors\n";
  return out;
}

// Insertions, deletions, substitutions and exchanges of neighbours.
static size_t editDistance(std::string_view a, std::string_view b) {
  std::vector<size_t> before, last(b.size() + 1), row(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j)
    last[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      row[j] = std::min(
          {last[j - 1] + (a[i - 1] != b[j - 1]), last[j] + 1, row[j - 1] + 1});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
        row[j] = std::min(row[j], before[j - 2] + 1);
    }
    before = std::exchange(last, row);
  }
  return last.back();
}

std::string_view
tenon::lang::nearestName(std::string_view name,
                         const std::vector<std::string_view> &candidates) {
  constexpr size_t kLongest = 64;
  std::string_view best;
  size_t bestDistance = std::max<size_t>(1, name.size() / 3) + 1;
  if (name.size() > kLongest)
    return best;
  for (std::string_view candidate : candidates) {
    if (candidate.size() > kLongest)
      continue;
    size_t distance = editDistance(name, candidate);
    if (distance < bestDistance) {
      best = candidate;
      bestDistance = distance;
    }
  }
  return best;
}
