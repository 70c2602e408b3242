//===- Regex.cpp - regular expressions in bounded time -------------------===//
//
// PCRE2 bounds the backtracking steps of one match, not the characters that it
// looks at nor the sum over a text. So:
//
//  * A match first sees a small window of the text after its start. PCRE2 tells
//    (a "partial" match) when it would look beyond; then the window doubles.
//  * A match first gets few steps; when it runs out of them, it gets more.
//  * Windows and steps are paid from a budget in proportion to the text.
//
// The results are those of plain matching unless the budget runs out, which
// patterns in use come nowhere near.
//
//===----------------------------------------------------------------------===//

#include "Regex.h"

#include "tenon/Support/Strings.h"
#include "tenon/Support/Utf8.h"

#include <algorithm>
#include <cstdint>
#include <string>

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

using namespace tenon;

namespace {

constexpr size_t maxPatternLength = 1 << 16;
constexpr size_t firstWindow = 256;
constexpr uint32_t firstLimit = 1000;
constexpr uint32_t limitGrowth = 10;
// A step takes some nanoseconds.
constexpr uint64_t baseBudget = 20'000'000;
constexpr uint64_t budgetPerByte = 200;
constexpr uint32_t heapLimitKiB = 64 * 1024;

struct MatchData {
  explicit MatchData(const pcre2_code *code)
      : block(pcre2_match_data_create_from_pattern(code, nullptr)),
        context(pcre2_match_context_create(nullptr)) {
    if (context)
      pcre2_set_heap_limit(context, heapLimitKiB);
  }
  MatchData(const MatchData &) = delete;
  ~MatchData() {
    pcre2_match_data_free(block);
    pcre2_match_context_free(context);
  }
  pcre2_match_data *block;
  pcre2_match_context *context;
};

} // namespace

struct Regex::Code {
  pcre2_code *pattern = nullptr;
  ~Code() { pcre2_code_free(pattern); }

  enum class Outcome { Match, NoMatch, GaveUp };
  Outcome matchAt(std::string_view text, size_t at, MatchData &data,
                  uint64_t &budget, size_t &searched) const;
};

Regex::Regex(std::unique_ptr<Code> code) : code(std::move(code)) {}
Regex::Regex(Regex &&) noexcept = default;
Regex &Regex::operator=(Regex &&) noexcept = default;
Regex::~Regex() = default;

Expected<Regex> Regex::compile(std::string_view pattern) {
  if (pattern.size() > maxPatternLength)
    return plainError(strCat("a regular expression of ", pattern.size(),
                             " bytes; at most ", maxPatternLength,
                             " are allowed"));
  pcre2_compile_context *context = pcre2_compile_context_create(nullptr);
  if (!context)
    return plainError("out of memory", ExitCode::OutOfResource);
  pcre2_set_newline(context, PCRE2_NEWLINE_LF);
  int error = 0;
  PCRE2_SIZE offset = 0;
  auto code = std::make_unique<Code>();
  code->pattern = pcre2_compile(
      reinterpret_cast<PCRE2_SPTR>(pattern.data()), pattern.size(),
      PCRE2_UTF | PCRE2_UCP | PCRE2_MULTILINE | PCRE2_NEVER_BACKSLASH_C, &error,
      &offset, context);
  pcre2_compile_context_free(context);
  if (!code->pattern) {
    char text[256] = "";
    pcre2_get_error_message(error, reinterpret_cast<PCRE2_UCHAR *>(text),
                            sizeof(text));
    return plainError(strCat("bad regular expression ", quoteName(pattern),
                             ": ", static_cast<const char *>(text), " at byte ",
                             offset));
  }
  // Where the JIT is not available, matching is slower, not different.
  pcre2_jit_compile(code->pattern, PCRE2_JIT_COMPLETE | PCRE2_JIT_PARTIAL_HARD);
  return Regex(std::move(code));
}

// One match from `at` on. `searched`: no match starts before it.
Regex::Code::Outcome Regex::Code::matchAt(std::string_view text, size_t at,
                                          MatchData &data, uint64_t &budget,
                                          size_t &searched) const {
  size_t window = firstWindow;
  uint32_t limit = firstLimit;
  while (true) {
    size_t end = text.size();
    if (window < end - at) {
      end = at + window;
      while ((static_cast<uint8_t>(text[end]) & 0xc0) == 0x80)
        --end; // not inside of a code point
    }
    bool whole = end == text.size();
    pcre2_set_match_limit(data.context, limit);
    uint32_t options = PCRE2_NO_UTF_CHECK;
    if (!whole)
      options |= PCRE2_PARTIAL_HARD;
    int result = pcre2_match(pattern, reinterpret_cast<PCRE2_SPTR>(text.data()),
                             end, at, options, data.block, data.context);

    uint64_t cost = 1;
    if (result == PCRE2_ERROR_NOMATCH && !whole) {
      // No attempt looked beyond the window: the rest is another search.
      searched = end;
      cost = window;
    }
    if (result == PCRE2_ERROR_PARTIAL) {
      cost = window;
      window *= 2;
    } else if (result == PCRE2_ERROR_MATCHLIMIT ||
               result == PCRE2_ERROR_HEAPLIMIT ||
               result == PCRE2_ERROR_JIT_STACKLIMIT) {
      cost = limit;
      if (result != PCRE2_ERROR_MATCHLIMIT || limit > UINT32_MAX / limitGrowth)
        budget = 0;
      limit *= limitGrowth;
    } else if (limit > firstLimit) {
      cost = limit;
    }
    if (cost > budget)
      return Outcome::GaveUp;
    budget -= cost;

    if (result >= 0)
      return Outcome::Match;
    if (result == PCRE2_ERROR_NOMATCH)
      return Outcome::NoMatch;
    if (result != PCRE2_ERROR_PARTIAL && result != PCRE2_ERROR_MATCHLIMIT)
      return Outcome::GaveUp;
  }
}

// PCRE2 needs valid UTF-8. Bytes that aren't become U+001A, one for one, so
// that offsets stay.
static std::string maskInvalid(std::string_view text) {
  std::string masked;
  masked.reserve(text.size());
  for (size_t at = 0; at < text.size();) {
    Utf8Step step = decodeUtf8(text, at);
    if (step.kind == Utf8Step::Valid)
      masked += text.substr(at, step.length);
    else
      masked.append(step.length, '\x1a');
    at += step.length;
  }
  return masked;
}

std::vector<TextSpan> Regex::findAll(std::string_view text) const {
  std::string masked;
  if (!isValidUtf8(text)) {
    masked = maskInvalid(text);
    text = masked;
  }
  std::vector<TextSpan> found;
  MatchData data(code->pattern);
  if (!data.block || !data.context)
    return found;
  uint64_t budget = baseBudget + budgetPerByte * text.size();
  size_t at = 0;
  auto nextCodePoint = [&](size_t offset) {
    return offset < text.size() ? offset + decodeUtf8(text, offset).length
                                : offset + 1;
  };
  while (at <= text.size()) {
    size_t searched = text.size() + 1;
    Code::Outcome outcome = code->matchAt(text, at, data, budget, searched);
    if (outcome == Code::Outcome::GaveUp)
      break;
    if (outcome == Code::Outcome::NoMatch) {
      at = searched;
      continue;
    }
    const PCRE2_SIZE *range = pcre2_get_ovector_pointer(data.block);
    TextSpan match{range[0], range[1]};
    // \K may move a match's start behind its end or before the search.
    if (match.begin < at || match.end < match.begin)
      break;
    bool empty = match.begin == match.end;
    // An empty match right after a match is none, as in Rust's and Oniguruma's
    // iterators.
    if (!(empty && !found.empty() && found.back().end == match.begin))
      found.push_back(match);
    at = empty ? nextCodePoint(match.end) : match.end;
  }
  return found;
}

std::string Regex::escape(std::string_view text) {
  std::string out;
  for (char c : text) {
    bool plain = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') ||
                 (c >= 'a' && c <= 'z') || static_cast<uint8_t>(c) >= 0x80;
    if (c == '\0') {
      out += "\\x00";
      continue;
    }
    if (!plain)
      out += '\\';
    out += c;
  }
  return out;
}
