//===- Regex.h - regular expressions in bounded time ------------*- C++ -*-===//
//
// Tokenizers come with regular expressions, and a stranger's tokenizer with a
// stranger's. PCRE2 does the matching; the work that it may do on one text is
// proportional to the text's length.
//
//===----------------------------------------------------------------------===//

#ifndef TENON_LIB_TOKENIZER_REGEX_H
#define TENON_LIB_TOKENIZER_REGEX_H

#include "WorkBudget.h"

#include "tenon/Support/Error.h"

#include <cstddef>
#include <memory>
#include <string_view>
#include <vector>

namespace tenon {

/// Bytes [begin, end) of a text.
struct TextSpan {
  size_t begin, end;
  bool operator==(const TextSpan &) const = default;
};

/// A compiled pattern in Oniguruma's dialect, with this library's Unicode.
/// Immutable.
class Regex {
public:
  /// The error's message says what is wrong and at which byte of the pattern.
  static Expected<Regex> compile(std::string_view pattern);

  Regex(Regex &&) noexcept;
  Regex &operator=(Regex &&) noexcept;
  ~Regex();

  /// All matches from left to right, empty ones included. Invalid UTF-8 in the
  /// text counts as a control character. When the pattern turns out to need
  /// more steps than the budget has, matching ends there.
  std::vector<TextSpan> findAll(std::string_view text,
                                WorkBudget &budget) const;

  /// The pattern that matches exactly `text`.
  static std::string escape(std::string_view text);

private:
  struct Code;
  explicit Regex(std::unique_ptr<Code> code);
  std::unique_ptr<Code> code;
};

} // namespace tenon

#endif // TENON_LIB_TOKENIZER_REGEX_H
