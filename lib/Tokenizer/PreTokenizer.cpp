//===- PreTokenizer.cpp - cutting text into pieces -----------------------===//

#include "PreTokenizer.h"

#include "ByteAlphabet.h"
#include "UnicodeTables.h"

#include "tenon/Support/Utf8.h"

#include <algorithm>

using namespace tenon;
using Kind = PreTokenizerStep::Kind;
using Behavior = PreTokenizerStep::Behavior;

static constexpr std::string_view kPreTokenizer = "the pre-tokenizer";

Expected<PreTokenizer>
PreTokenizer::create(const std::vector<PreTokenizerStep> &steps) {
  PreTokenizer result;
  bool seesAlphabet = false;
  for (const PreTokenizerStep &step : steps) {
    Compiled compiled{&step, std::nullopt, seesAlphabet};
    if (step.kind == Kind::Split) {
      Expected<Regex> regex = Regex::compile(step.pattern);
      if (!regex)
        return regex.takeError();
      compiled.regex = *std::move(regex);
    }
    seesAlphabet |= step.kind == Kind::ByteLevel;
    result.steps.push_back(std::move(compiled));
  }
  return result;
}

static size_t scriptIndex(std::string_view name) {
  std::span<const std::string_view> names = scriptNames();
  return std::find(names.begin(), names.end(), name) - names.begin();
}

namespace {
/// A stretch of a piece, and whether it plays the part of a match.
struct Stretch {
  TextSpan span;
  bool isMatch;
};
} // namespace

// Matches of a piece that is seen in the byte alphabet, in terms of its bytes.
static std::vector<TextSpan>
findInAlphabet(const Regex &regex, std::string_view piece, WorkBudget &budget) {
  std::string spelled;
  std::vector<size_t> starts; // of each byte's letter
  for (char c : piece) {
    starts.push_back(spelled.size());
    appendUtf8(spelled, byteToAlphabet(static_cast<uint8_t>(c)));
  }
  starts.push_back(spelled.size());
  auto byteAt = [&](size_t offset) {
    return static_cast<size_t>(
        std::lower_bound(starts.begin(), starts.end(), offset) -
        starts.begin());
  };
  std::vector<TextSpan> matches = regex.findAll(spelled, budget);
  for (TextSpan &match : matches)
    match = {byteAt(match.begin), byteAt(match.end)};
  return matches;
}

// Matches and the gaps between them, covering the piece.
static std::vector<Stretch> stretchesOf(const std::vector<TextSpan> &matches,
                                        size_t size, bool invert) {
  std::vector<Stretch> stretches;
  size_t done = 0;
  for (TextSpan match : matches) {
    if (done < match.begin)
      stretches.push_back({{done, match.begin}, invert});
    stretches.push_back({match, !invert});
    done = match.end;
  }
  if (done < size)
    stretches.push_back({{done, size}, invert});
  return stretches;
}

// What becomes of the stretches, as in Hugging Face's NormalizedString::split.
static std::vector<TextSpan> arrange(const std::vector<Stretch> &stretches,
                                     Behavior behavior) {
  std::vector<TextSpan> out;
  bool previous = false;
  switch (behavior) {
  case Behavior::Isolated:
    for (const Stretch &stretch : stretches)
      out.push_back(stretch.span);
    break;
  case Behavior::Removed:
    for (const Stretch &stretch : stretches)
      if (!stretch.isMatch)
        out.push_back(stretch.span);
    break;
  case Behavior::Contiguous:
    for (const Stretch &stretch : stretches) {
      if (!out.empty() && stretch.isMatch == previous)
        out.back().end = stretch.span.end;
      else
        out.push_back(stretch.span);
      previous = stretch.isMatch;
    }
    break;
  case Behavior::MergedWithPrevious:
    for (const Stretch &stretch : stretches) {
      if (stretch.isMatch && !previous && !out.empty())
        out.back().end = stretch.span.end;
      else
        out.push_back(stretch.span);
      previous = stretch.isMatch;
    }
    break;
  case Behavior::MergedWithNext:
    for (size_t i = stretches.size(); i-- > 0;) {
      const Stretch &stretch = stretches[i];
      if (stretch.isMatch && !previous && !out.empty())
        out.back().begin = stretch.span.begin;
      else
        out.push_back(stretch.span);
      previous = stretch.isMatch;
    }
    std::reverse(out.begin(), out.end());
    break;
  }
  return out;
}

static void applySplit(Pieces &pieces, const PreTokenizerStep &step,
                       const Regex &regex, bool seesAlphabet,
                       WorkBudget &budget) {
  std::vector<TextSpan> spans;
  for (size_t i = 0; i < pieces.spans.size(); ++i) {
    std::string_view piece = pieces[i];
    size_t base = pieces.spans[i].begin;
    std::vector<TextSpan> matches = seesAlphabet
                                        ? findInAlphabet(regex, piece, budget)
                                        : regex.findAll(piece, budget);
    for (TextSpan span : arrange(
             stretchesOf(matches, piece.size(), step.invert), step.behavior))
      if (span.begin < span.end)
        spans.push_back({base + span.begin, base + span.end});
  }
  pieces.spans = std::move(spans);
}

static void applyMetaspace(Pieces &pieces, const PreTokenizerStep &step,
                           bool atStart, WorkBudget &budget) {
  const std::string &mark = step.content;
  Pieces result;
  for (size_t i = 0; i < pieces.spans.size(); ++i) {
    std::string_view piece = pieces[i];
    size_t begin = result.text.size();
    bool isFirst = atStart && pieces.spans[i].begin == 0;
    bool prepend =
        step.prepend == PreTokenizerStep::Prepend::Always ||
        (step.prepend == PreTokenizerStep::Prepend::First && isFirst);
    if (prepend && !piece.starts_with(' ') && !piece.starts_with(mark))
      result.text += mark;
    for (char c : piece) {
      if (c == ' ')
        result.text += mark;
      else
        result.text += c;
      if (!budget.fits(result.text.size(), kPreTokenizer))
        return;
    }
    // A piece begins at every mark.
    while (step.cut) {
      size_t next = result.text.find(mark, begin + 1);
      if (next == result.text.npos)
        break;
      result.spans.push_back({begin, next});
      begin = next;
    }
    result.spans.push_back({begin, result.text.size()});
  }
  pieces = std::move(result);
}

static void applyPrefixSpace(Pieces &pieces, WorkBudget &budget) {
  Pieces result;
  for (size_t i = 0; i < pieces.spans.size(); ++i) {
    size_t begin = result.text.size();
    if (!pieces[i].starts_with(' '))
      result.text += ' ';
    result.text += pieces[i];
    if (!budget.fits(result.text.size(), kPreTokenizer))
      return;
    result.spans.push_back({begin, result.text.size()});
  }
  pieces = std::move(result);
}

// Where the script changes. Kana are Han; what has no script goes along. As in
// Hugging Face's, blanks before the first letter are dropped.
static void applyScripts(Pieces &pieces) {
  constexpr size_t any = 0;
  static const size_t han = scriptIndex("Han");
  static const size_t hiragana = scriptIndex("Hiragana");
  static const size_t katakana = scriptIndex("Katakana");
  std::vector<TextSpan> spans;
  for (size_t i = 0; i < pieces.spans.size(); ++i) {
    std::string_view piece = pieces[i];
    size_t base = pieces.spans[i].begin;
    size_t last = SIZE_MAX, begin = SIZE_MAX;
    for (size_t at = 0; at < piece.size();) {
      Utf8Step step = decodeUtf8(piece, at);
      size_t script =
          step.kind == Utf8Step::Valid ? scriptOf(step.codePoint) : any;
      if (script == hiragana || script == katakana || step.codePoint == 0x30fc)
        script = han;
      if (step.codePoint == ' ')
        script = any;
      if (script != any && last != script) {
        if (begin != SIZE_MAX)
          spans.push_back({base + begin, base + at});
        begin = at;
        last = script;
      }
      at += step.length;
    }
    if (begin != SIZE_MAX)
      spans.push_back({base + begin, base + piece.size()});
  }
  pieces.spans = std::move(spans);
}

static void applyFixedLength(Pieces &pieces, uint32_t length) {
  std::vector<TextSpan> spans;
  for (size_t i = 0; i < pieces.spans.size(); ++i) {
    std::string_view piece = pieces[i];
    size_t base = pieces.spans[i].begin;
    for (size_t at = 0; at < piece.size();) {
      size_t begin = at;
      for (uint32_t n = 0; n < length && at < piece.size(); ++n)
        at += decodeUtf8(piece, at).length;
      spans.push_back({base + begin, base + at});
    }
  }
  pieces.spans = std::move(spans);
}

Pieces PreTokenizer::cut(std::string text, bool atStart,
                         WorkBudget &budget) const {
  Pieces pieces;
  if (text.empty())
    return pieces;
  pieces.spans.push_back({0, text.size()});
  pieces.text = std::move(text);
  for (const Compiled &compiled : steps) {
    if (!budget.spend(4 * pieces.spans.size() + pieces.text.size() / 16,
                      kPreTokenizer))
      return {};
    switch (compiled.step->kind) {
    case Kind::Split:
      applySplit(pieces, *compiled.step, *compiled.regex, compiled.seesAlphabet,
                 budget);
      break;
    case Kind::Metaspace:
      applyMetaspace(pieces, *compiled.step, atStart, budget);
      break;
    case Kind::PrefixSpace:
      applyPrefixSpace(pieces, budget);
      break;
    case Kind::ByteLevel:
      break;
    case Kind::Scripts:
      applyScripts(pieces);
      break;
    case Kind::FixedLength:
      applyFixedLength(pieces, compiled.step->length);
      break;
    }
    if (budget.failed())
      return {};
  }
  return pieces;
}
