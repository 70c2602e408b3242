//===- Diagnostic.h - errors with carets and notes --------------*- C++ -*-===//
//
// Diagnostics in the manner of clang:
//
//   llama.tenon:21:15: error: linear: the last dimension of x is …
//         let q = linear(h, wq)
//                 ^~~~~~~~~~~~~
//   llama.tenon:12:5: note: wq is declared here: [n * d, hidden_size]
//
// A line longer than a terminal is shown around the caret only.
//
//===----------------------------------------------------------------------===//

#ifndef TENON_LANGUAGE_DIAGNOSTIC_H
#define TENON_LANGUAGE_DIAGNOSTIC_H

#include "tenon/Language/Source.h"

#include <deque>
#include <optional>
#include <string>
#include <vector>

namespace tenon::lang {

/// What a diagnostic says about one place. `message` starts in lower case and
/// has no full stop. Owns its text, so that diagnostics outlive their files.
struct Remark {
  std::string place; ///< "path:line:col", "path", or empty
  std::string message;
  std::string snippet; ///< the source line and the caret below it, or empty
  std::optional<SourceRange> range; ///< in the description, if it is there
};

/// One error (or warning) with its notes.
class Diagnostic {
public:
  enum class Severity { Error, Warning };

  Diagnostic(Severity severity, Remark head)
      : severity(severity), head(std::move(head)) {}

  Diagnostic &note(const SourceFile &file, SourceRange range,
                   std::string message);
  /// A note that belongs to no place in a file.
  Diagnostic &note(std::string message);
  /// A note at "path:line:col" of another file.
  Diagnostic &noteAt(std::string place, std::string message);

  /// The text that is printed, ending in a line break.
  std::string str() const;

  Severity severity;
  Remark head;
  std::vector<Remark> notes;
};

/// Collects diagnostics. After `limit` errors the rest are counted only.
class Diagnostics {
public:
  explicit Diagnostics(unsigned limit = 20) : limit(limit) {}

  /// The reference is for attaching notes: valid until the next call.
  Diagnostic &error(const SourceFile &file, SourceRange range,
                    std::string message);
  /// An error outside every SourceFile; `place` is "path" or "path:line:col".
  Diagnostic &error(std::string place, std::string message);
  Diagnostic &warning(const SourceFile &file, SourceRange range,
                      std::string message);
  /// Either, outside every SourceFile.
  Diagnostic &report(Diagnostic::Severity severity, std::string place,
                     std::string message);

  unsigned numErrors() const { return errors; }
  bool hasErrors() const { return errors != 0; }
  const std::deque<Diagnostic> &all() const { return kept; }

  /// Every diagnostic as text, ready for stderr.
  std::string str() const;

private:
  Diagnostic &add(Diagnostic diagnostic);
  Diagnostic &report(Diagnostic::Severity severity, const SourceFile &file,
                     SourceRange range, std::string message);

  unsigned limit;
  unsigned errors = 0;
  std::deque<Diagnostic> kept;
  std::optional<Diagnostic> surplus; // past the limit: a place for notes to go
};

/// `name` or the nearest of `candidates` to it, for "did you mean"; empty when
/// none is near. Linear in the candidates; long names are never near.
std::string_view nearestName(std::string_view name,
                             const std::vector<std::string_view> &candidates);

} // namespace tenon::lang

#endif // TENON_LANGUAGE_DIAGNOSTIC_H
