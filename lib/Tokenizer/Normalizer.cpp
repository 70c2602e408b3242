//===- Normalizer.cpp - rewriting text before it is cut ------------------===//

#include "Normalizer.h"

#include "ByteAlphabet.h"
#include "Unicode.h"

#include "tenon/Support/Utf8.h"

using namespace tenon;
using Kind = NormalizerStep::Kind;

static constexpr std::string_view kNormalizer = "the normalizer";

Expected<Normalizer>
Normalizer::create(const std::vector<NormalizerStep> &steps) {
  Normalizer normalizer;
  for (const NormalizerStep &step : steps) {
    Compiled compiled{&step, std::nullopt, std::nullopt};
    if (step.kind == Kind::ReplaceRegex) {
      Expected<Regex> regex = Regex::compile(step.pattern);
      if (!regex)
        return regex.takeError();
      compiled.regex = *std::move(regex);
    }
    if (step.kind == Kind::CharsMap || step.kind == Kind::GraphemeCharsMap) {
      Expected<CharsMap> map =
          CharsMap::create(step.pattern, step.kind == Kind::GraphemeCharsMap);
      if (!map)
        return map.takeError();
      compiled.charsMap = *std::move(map);
    }
    normalizer.steps.push_back(std::move(compiled));
  }
  return normalizer;
}

// `map(out, codePoint, bytes)` for each code point; other bytes stay.
template <class Map>
static std::string mapCodePoints(std::string_view text, Map map) {
  std::string out;
  out.reserve(text.size());
  for (size_t at = 0; at < text.size();) {
    Utf8Step step = decodeUtf8(text, at);
    std::string_view bytes = text.substr(at, step.length);
    if (step.kind == Utf8Step::Valid)
      map(out, step.codePoint, bytes);
    else
      out += bytes;
    at += step.length;
  }
  return out;
}

static std::string replaceString(std::string_view text,
                                 std::string_view pattern,
                                 std::string_view content, WorkBudget &budget) {
  std::string out;
  out.reserve(text.size());
  size_t done = 0;
  for (size_t at = text.find(pattern); at != text.npos;
       at = text.find(pattern, done)) {
    out += text.substr(done, at - done);
    out += content;
    if (!budget.fits(out.size(), kNormalizer))
      return out;
    done = at + pattern.size();
  }
  out += text.substr(done);
  return out;
}

static std::string replaceMatches(std::string_view text, const Regex &regex,
                                  std::string_view content,
                                  WorkBudget &budget) {
  std::string out;
  size_t done = 0;
  for (TextSpan match : regex.findAll(text, budget)) {
    out += text.substr(done, match.begin - done);
    out += content;
    if (!budget.fits(out.size(), kNormalizer))
      return out;
    done = match.end;
  }
  out += text.substr(done);
  return out;
}

// BERT's _clean_text: NUL, U+FFFD and controls go, white space becomes ' '.
static void cleanCodePoint(std::string &out, char32_t c,
                           std::string_view bytes) {
  if (c == '\t' || c == '\n' || c == '\r' || isWhiteSpace(c))
    out += ' ';
  else if (c != 0xfffd && !isControl(c))
    out += bytes;
}

// SentencePiece's nmt rules: controls go, blanks and marks of invisible kinds
// become ' '.
static void applyNmt(std::string &out, char32_t c, std::string_view bytes) {
  if ((c >= 1 && c <= 8) || c == 0xb || (c >= 0xe && c <= 0x1f) || c == 0x7f ||
      c == 0x8f || c == 0x9f)
    return;
  bool blank = c == '\t' || c == '\n' || c == '\f' || c == '\r' ||
               c == 0x1680 || (c >= 0x200b && c <= 0x200f) || c == 0x2028 ||
               c == 0x2029 || c == 0x2581 || c == 0xfeff || c == 0xfffd;
  if (blank)
    out += ' ';
  else
    out += bytes;
}

static std::string spellBytes(std::string_view text, WorkBudget &budget) {
  std::string out;
  for (char c : text) {
    appendUtf8(out, byteToAlphabet(static_cast<uint8_t>(c)));
    if (!budget.fits(out.size(), kNormalizer))
      break;
  }
  return out;
}

std::string Normalizer::apply(const Compiled &compiled, std::string text,
                              WorkBudget &budget, bool atStart) {
  const NormalizerStep &step = *compiled.step;
  switch (step.kind) {
  case Kind::Prepend:
    return text.empty() ? text : step.content + text;
  case Kind::PrependFirst:
    return text.empty() || !atStart ? text : step.content + text;
  case Kind::Append:
    return text.empty() ? text : text + step.content;
  case Kind::Replace:
    return replaceString(text, step.pattern, step.content, budget);
  case Kind::ReplaceRegex:
    return replaceMatches(text, *compiled.regex, step.content, budget);
  case Kind::Lowercase:
    return mapCodePoints(text,
                         [](std::string &out, char32_t c, std::string_view) {
                           appendLowercase(out, c);
                         });
  case Kind::StripAccents:
    return mapCodePoints(
        text, [](std::string &out, char32_t c, std::string_view bytes) {
          if (!isNonspacingMark(c))
            out += bytes;
        });
  case Kind::StripMarks:
    return mapCodePoints(
        text, [](std::string &out, char32_t c, std::string_view bytes) {
          if (!isMark(c))
            out += bytes;
        });
  case Kind::StripLeft:
    return text.substr(whiteSpaceAtStart(text));
  case Kind::StripRight:
    return text.substr(0, text.size() - whiteSpaceAtEnd(text));
  case Kind::NFC:
    return toUnicodeForm(text, UnicodeForm::NFC);
  case Kind::NFD:
    return toUnicodeForm(text, UnicodeForm::NFD);
  case Kind::NFKC:
    return toUnicodeForm(text, UnicodeForm::NFKC);
  case Kind::NFKD:
    return toUnicodeForm(text, UnicodeForm::NFKD);
  case Kind::CleanText:
    return mapCodePoints(text, cleanCodePoint);
  case Kind::SpaceChineseChars:
    return mapCodePoints(
        text, [](std::string &out, char32_t c, std::string_view bytes) {
          if (isChineseCharacter(c))
            out.append(" ").append(bytes).append(" ");
          else
            out += bytes;
        });
  case Kind::Nmt:
    return mapCodePoints(text, applyNmt);
  case Kind::CharsMap:
  case Kind::GraphemeCharsMap:
    return compiled.charsMap->apply(text, budget);
  case Kind::SpellBytes:
    return spellBytes(text, budget);
  }
  return text;
}

std::string Normalizer::normalize(std::string text, WorkBudget &budget,
                                  bool atStart) const {
  for (const Compiled &compiled : steps) {
    text = apply(compiled, std::move(text), budget, atStart);
    if (!budget.fits(text.size(), kNormalizer) ||
        !budget.spend(4 + text.size() / 16, kNormalizer))
      return {};
  }
  return text;
}
