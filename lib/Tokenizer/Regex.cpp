//===- Regex.cpp - regular expressions in bounded time -------------------===//
//
// The pattern is Oniguruma's: OnigurumaParser.h reads it, PcrePattern.h writes
// it for PCRE2.
//
// PCRE2 bounds the backtracking steps of one attempt, not the characters that
// it looks at nor the sum over a text. So:
//
//  * A search first sees a small window of the text after its start. PCRE2
//    tells (a "partial" match) when an attempt would look beyond; that attempt
//    alone, anchored to its place, is repeated with the window doubled.
//  * An attempt first gets few steps; when it runs out of them, the places in
//    the window are tried one by one, with more and more steps.
//  * Windows and steps are paid from the encoding's budget.
//
// The results are those of plain matching unless the budget runs out, which
// patterns in use come nowhere near.
//
//===----------------------------------------------------------------------===//

#include "Regex.h"

#include "PcrePattern.h"

#include "tenon/Support/Strings.h"
#include "tenon/Support/Utf8.h"

#include <algorithm>
#include <cstdint>
#include <new>
#include <optional>
#include <string>

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

using namespace tenon;

namespace {

// Stands for a byte that isn't UTF-8.
constexpr char32_t invalidByte = 0x1a;
constexpr size_t maxPatternLength = 1 << 16;
constexpr size_t firstWindow = 256;
constexpr uint32_t firstLimit = 1000;
constexpr uint32_t limitGrowth = 10;
// Of a usual attempt, in steps of some ten nanoseconds.
constexpr uint64_t attemptCost = 4;
constexpr uint64_t searchCost = 20; // of a text, however short
// Of what a search keeps to go back to; where it grows, the old and the new are
// there.
constexpr uint32_t heapLimitKiB = 32 * 1024;

/// What PCRE2 writes to. A thread's searches come one after the other, and only
/// the place of the whole match is asked for, so one serves all patterns.
struct MatchData {
  MatchData()
      : block(pcre2_match_data_create(1, nullptr)),
        context(pcre2_match_context_create(nullptr)) {
    if (!block || !context) {
      pcre2_match_data_free(block);
      pcre2_match_context_free(context);
      throw std::bad_alloc();
    }
    pcre2_set_heap_limit(context, heapLimitKiB);
  }
  MatchData(const MatchData &) = delete;
  ~MatchData() {
    pcre2_match_data_free(block);
    pcre2_match_context_free(context);
  }
  static MatchData &ofThread() {
    thread_local MatchData data;
    return data;
  }
  pcre2_match_data *block;
  pcre2_match_context *context;
};

} // namespace

struct Regex::Code {
  pcre2_code *pattern = nullptr;
  PcrePattern source;
  std::string name; // in messages
  ~Code() { pcre2_code_free(pattern); }
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
  Expected<ParsedRegex> parsed = parseOniguruma(pattern);
  if (!parsed)
    return parsed.takeError();
  Expected<PcrePattern> source = toPcre(*parsed, pattern);
  if (!source)
    return source.takeError();
  auto code = std::make_unique<Code>();
  code->name = strCat("the regular expression ", quoteName(pattern));
  code->source = *std::move(source);
  int error = 0;
  PCRE2_SIZE offset = 0;
  const std::string &text = code->source.text;
  code->pattern = pcre2_compile(
      reinterpret_cast<PCRE2_SPTR>(text.data()), text.size(),
      PCRE2_NEVER_BACKSLASH_C | (code->source.isUtf8 ? PCRE2_UTF : 0), &error,
      &offset, nullptr);
  if (error == PCRE2_ERROR_HEAP_FAILED)
    throw std::bad_alloc();
  if (!code->pattern) {
    char message[256] = "";
    pcre2_get_error_message(error, reinterpret_cast<PCRE2_UCHAR *>(message),
                            sizeof(message));
    return plainError(strCat("bad regular expression ", quoteName(pattern),
                             ": ", static_cast<const char *>(message)));
  }
  // Where the JIT is not available, matching is slower, not different.
  pcre2_jit_compile(code->pattern, PCRE2_JIT_COMPLETE | PCRE2_JIT_PARTIAL_HARD);
  return Regex(std::move(code));
}

namespace {

/// All matches in one text: of valid UTF-8, or of bytes.
class Search {
public:
  Search(const pcre2_code *pattern, std::string_view text, WorkBudget &budget,
         std::string_view who, bool isUtf8)
      : pattern(pattern), text(text), data(MatchData::ofThread()),
        budget(budget), who(who), isUtf8(isUtf8) {}

  std::vector<TextSpan> all();

private:
  /// The next match that starts at `at` or later.
  std::optional<TextSpan> next(size_t at);
  enum class Outcome { Match, NoMatch, GaveUp };
  /// Looks for a match that starts at `at`, or, where places need not be tried
  /// one by one, in the window after it. Moves `at` behind the places that
  /// have no match.
  Outcome step(size_t &at);
  size_t windowEnd(size_t at, size_t window) const;
  size_t after(size_t at) const;
  Outcome giveUp() {
    budget.spend(UINT64_MAX, who);
    return Outcome::GaveUp;
  }

  const pcre2_code *pattern;
  std::string_view text;
  MatchData &data;
  WorkBudget &budget;
  std::string_view who;
  bool isUtf8;
  size_t oneByOne = 0; // places before this one are tried one by one
};

} // namespace

size_t Search::windowEnd(size_t at, size_t window) const {
  if (window >= text.size() - at)
    return text.size();
  size_t end = at + window;
  while (isUtf8 && (static_cast<uint8_t>(text[end]) & 0xc0) == 0x80)
    --end; // not inside of a code point
  return end;
}

size_t Search::after(size_t at) const {
  return isUtf8 && at < text.size() ? at + decodeUtf8(text, at).length : at + 1;
}

Search::Outcome Search::step(size_t &at) {
  size_t window = firstWindow;
  uint32_t limit = firstLimit;
  while (true) {
    bool anchored = at < oneByOne;
    size_t end = windowEnd(at, window);
    bool whole = end == text.size();
    pcre2_set_match_limit(data.context, limit);
    int result =
        pcre2_match(pattern, reinterpret_cast<PCRE2_SPTR>(text.data()), end, at,
                    PCRE2_NO_UTF_CHECK | (whole ? 0 : PCRE2_PARTIAL_HARD) |
                        (anchored ? PCRE2_ANCHORED : 0),
                    data.block, data.context);
    // Usual attempts cost next to nothing; escalated ones what they may have
    // cost.
    uint64_t cost = attemptCost + (window > firstWindow ? window : 0) +
                    (limit > firstLimit ? limit : 0);
    if (!budget.spend(cost, who))
      return Outcome::GaveUp;
    if (result >= 0)
      return Outcome::Match;

    switch (result) {
    case PCRE2_ERROR_NOMATCH:
      at = anchored ? after(at) : whole ? text.size() + 1 : end;
      return Outcome::NoMatch;
    case PCRE2_ERROR_PARTIAL:
      // The places before it have failed within the window.
      at = std::max(at, pcre2_get_ovector_pointer(data.block)[0]);
      oneByOne = std::max(oneByOne, at + 1);
      window *= 2;
      break;
    case PCRE2_ERROR_MATCHLIMIT:
      if (!anchored)
        oneByOne = end + 1;
      else if (limit > UINT32_MAX / limitGrowth)
        return giveUp();
      else
        limit *= limitGrowth;
      break;
    case PCRE2_ERROR_NOMEMORY:
      throw std::bad_alloc();
    default: // beyond the limit of memory, or of the JIT's stack
      return giveUp();
    }
  }
}

std::optional<TextSpan> Search::next(size_t at) {
  while (at <= text.size()) {
    Outcome outcome = step(at);
    if (outcome == Outcome::NoMatch)
      continue;
    if (outcome == Outcome::GaveUp)
      break;
    const PCRE2_SIZE *range = pcre2_get_ovector_pointer(data.block);
    // \K may move a match's start behind its end or before the search.
    if (range[0] < at || range[1] < range[0]) {
      giveUp();
      break;
    }
    return TextSpan{range[0], range[1]};
  }
  return std::nullopt;
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
      masked.append(step.length, static_cast<char>(invalidByte));
    at += step.length;
  }
  return masked;
}

std::vector<TextSpan> Search::all() {
  std::vector<TextSpan> found;
  size_t at = 0;
  while (std::optional<TextSpan> match = next(at)) {
    bool empty = match->begin == match->end;
    // An empty match right after a match is none, as in Rust's and Oniguruma's
    // iterators.
    if (!(empty && !found.empty() && found.back().end == match->begin))
      found.push_back(*match);
    at = empty ? after(match->end) : match->end;
  }
  return found;
}

std::vector<TextSpan> Regex::findAll(std::string_view text,
                                     WorkBudget &budget) const {
  if (!budget.spend(searchCost, code->name))
    return {};
  if (code->source.isUtf8) {
    std::string masked;
    if (!isValidUtf8(text)) {
      masked = maskInvalid(text);
      text = masked;
    }
    return Search(code->pattern, text, budget, code->name, true).all();
  }

  // Each code point, and each byte that is none, becomes its letter.
  const RegexAlphabet &alphabet = code->source.alphabet;
  std::string spelled;
  spelled.reserve(text.size());
  std::vector<uint32_t> starts; // of each letter, once they aren't bytes
  for (size_t at = 0; at < text.size();) {
    uint8_t byte = static_cast<uint8_t>(text[at]);
    unsigned length = 1;
    char32_t c = byte;
    if (byte >= 0x80) {
      if (starts.empty())
        for (uint32_t i = 0; i < at; ++i)
          starts.push_back(i);
      Utf8Step step = decodeUtf8(text, at);
      bool valid = step.kind == Utf8Step::Valid;
      length = valid ? step.length : 1;
      c = valid ? step.codePoint : invalidByte;
    }
    if (byte >= 0x80 || !starts.empty())
      starts.push_back(static_cast<uint32_t>(at));
    spelled += static_cast<char>(alphabet[c]);
    at += length;
  }
  std::vector<TextSpan> found =
      Search(code->pattern, spelled, budget, code->name, false).all();
  if (!starts.empty()) {
    starts.push_back(static_cast<uint32_t>(text.size()));
    for (TextSpan &span : found)
      span = {starts[span.begin], starts[span.end]};
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
