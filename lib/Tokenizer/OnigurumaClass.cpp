//===- OnigurumaClass.cpp - characters and brackets of a pattern ---------===//

#include "OnigurumaPattern.h"

#include "CaseFolding.h"
#include "UnicodeProperties.h"
#include "UnicodeTables.h"

#include "tenon/Support/Strings.h"
#include "tenon/Support/Utf8.h"

using namespace tenon;
using namespace tenon::onig;
using Kind = RegexNode::Kind;

static constexpr unsigned maxBrackets = 50;

//===----------------------------------------------------------------------===//
// The pattern's text
//===----------------------------------------------------------------------===//

PatternText::PatternText(std::string_view text) : text(text) {
  if (!isValidUtf8(text))
    fail("it is not UTF-8", 0);
}

char32_t PatternText::peek() const {
  return atEnd() ? 0 : decodeUtf8(text, at).codePoint;
}

char32_t PatternText::next() {
  if (atEnd())
    return 0;
  Utf8Step step = decodeUtf8(text, at);
  at += step.length;
  return step.codePoint;
}

bool PatternText::take(std::string_view what) {
  if (atEnd() || !text.substr(at).starts_with(what))
    return false;
  at += what.size();
  return true;
}

std::string PatternText::until(char32_t close) {
  size_t begin = at;
  while (!atEnd()) {
    size_t end = at;
    if (next() == close)
      return std::string(text.substr(begin, end - begin));
  }
  fail("a name here has no end", begin);
  return {};
}

void PatternText::fail(std::string_view what, size_t where) {
  if (!failed()) {
    message = what;
    place = where;
  }
  at = text.size();
}

Error PatternText::error() const {
  return plainError(strCat("bad regular expression ", quoteName(text), ": ",
                           message, ", at byte ", place));
}

//===----------------------------------------------------------------------===//
// Characters and classes behind a backslash
//===----------------------------------------------------------------------===//

static CodePointSet asciiOnly(CodePointSet set, bool ascii) {
  return ascii ? set & CodePointSet(0, 0x7f) : set;
}

CodePointSet onig::wordSet(const Options &options, bool inBrackets) {
  CodePointSet set = inBrackets ? wordCharacters() : *unicodeProperty("word");
  return asciiOnly(std::move(set), options.asciiWord || options.asciiPosix);
}

static CodePointSet digitSet(const Options &options) {
  return asciiOnly(decimalDigits(), options.asciiDigit || options.asciiPosix);
}

static CodePointSet spaceSet(const Options &options) {
  return asciiOnly(whiteSpace(), options.asciiSpace || options.asciiPosix);
}

static CodePointSet readProperty(PatternText &in, bool negative, size_t start,
                                 bool inBrackets) {
  in.next(); // {
  if (in.take('^'))
    negative = !negative;
  std::string name = in.until('}');
  std::optional<CodePointSet> set = unicodeProperty(name);
  if (inBrackets && set && set == unicodeProperty("word"))
    set = wordCharacters();
  if (!set) {
    in.fail(strCat("no property of Unicode is named ", quoteName(name)), start);
    return {};
  }
  return negative ? set->complement() : *set;
}

std::optional<CodePointSet> onig::classEscape(PatternText &in, char32_t c,
                                              size_t start, bool inBrackets) {
  switch (c) {
  case 'w':
    return wordSet(in.options, inBrackets);
  case 'W':
    return wordSet(in.options, inBrackets).complement();
  case 'd':
    return digitSet(in.options);
  case 'D':
    return digitSet(in.options).complement();
  case 's':
    return spaceSet(in.options);
  case 'S':
    return spaceSet(in.options).complement();
  case 'h':
    return hexadecimalDigits();
  case 'H':
    return hexadecimalDigits().complement();
  case 'p':
  case 'P':
    if (in.sees('{'))
      return readProperty(in, c == 'P', start, inBrackets);
    return std::nullopt;
  default:
    return std::nullopt;
  }
}

static unsigned digitOf(char32_t c) {
  if (c >= '0' && c <= '9')
    return static_cast<unsigned>(c - '0');
  if (c >= 'a' && c <= 'f')
    return static_cast<unsigned>(c - 'a') + 10;
  if (c >= 'A' && c <= 'F')
    return static_cast<unsigned>(c - 'A') + 10;
  return 99;
}

// Up to `most` digits.
static std::optional<char32_t> readNumber(PatternText &in, unsigned base,
                                          unsigned most) {
  char32_t value = 0;
  unsigned count = 0;
  while (count < most && !in.atEnd() && digitOf(in.peek()) < base) {
    value = value * base + digitOf(in.next());
    ++count;
  }
  return count ? std::optional(value) : std::nullopt;
}

// \xE3\x81\x82 are the bytes of one character.
static char32_t readBytes(PatternText &in, char32_t first, size_t start) {
  std::string bytes(1, static_cast<char>(first));
  while (decodeUtf8(bytes, 0).kind == Utf8Step::Truncated && in.take("\\x")) {
    std::optional<char32_t> byte = readNumber(in, 16, 2);
    if (!byte)
      break;
    bytes += static_cast<char>(*byte);
  }
  Utf8Step step = decodeUtf8(bytes, 0);
  if (step.kind != Utf8Step::Valid)
    in.fail("these bytes are no character of UTF-8", start);
  return step.codePoint;
}

char32_t onig::characterEscape(PatternText &in, char32_t c, size_t start) {
  switch (c) {
  case 't':
    return '\t';
  case 'n':
    return '\n';
  case 'r':
    return '\r';
  case 'f':
    return '\f';
  case 'v':
    return '\v';
  case 'a':
    return '\a';
  case 'e':
    return 0x1b;
  case 'u': {
    std::optional<char32_t> value = readNumber(in, 16, 4);
    if (!value || in.at - start != 6)
      in.fail("expected four hexadecimal digits", start);
    return value.value_or(0);
  }
  case 'x': {
    if (in.take('{')) {
      std::optional<char32_t> value = readNumber(in, 16, 8);
      if (!value || *value > kLastCodePoint || !in.take('}'))
        in.fail("expected the number of a code point", start);
      return value.value_or(0);
    }
    std::optional<char32_t> value = readNumber(in, 16, 2);
    if (!value)
      return 'x';
    return *value < 0x80 ? *value : readBytes(in, *value, start);
  }
  case 'c':
  case 'C': {
    if (c == 'C' && !in.take('-')) {
      in.fail("expected \\C- and a letter", start);
      return 0;
    }
    char32_t letter = in.next();
    return letter == '?' ? 0x7f : letter & 0x9f;
  }
  case 'M':
    in.fail("\\M is not supported", start);
    return 0;
  default:
    break;
  }
  if (c >= '0' && c <= '7') {
    in.at -= 1;
    return readNumber(in, 8, c == '0' ? 3 : 3).value_or(0) & 0xff;
  }
  return c;
}

//===----------------------------------------------------------------------===//
// Brackets
//===----------------------------------------------------------------------===//

namespace {

class ClassParser {
public:
  ClassParser(PatternText &in, size_t start) : in(in), start(start) {}
  /// Behind the bracket and its '^'.
  CodePointSet items(unsigned depth);

private:
  enum class State { Start, Value, Class, Range, Complete };
  void value(char32_t c);
  void set(const CodePointSet &more, bool isProperty);
  bool posix(CodePointSet &found);
  void dash(size_t where);
  bool closesLater() const;

  PatternText &in;
  size_t start;
  State state = State::Start;
  char32_t last = 0;
  CodePointSet sum;
};

} // namespace

// A ']' in the first place is a letter if another one ends the class.
bool ClassParser::closesLater() const {
  for (size_t i = in.at; i < in.text.size(); ++i) {
    if (in.text[i] == '\\')
      ++i;
    else if (in.text[i] == ']')
      return true;
  }
  return false;
}

void ClassParser::value(char32_t c) {
  if (state == State::Range) {
    if (last > c)
      in.fail("this range is empty", start);
    sum.add(last, c);
    state = State::Complete;
    return;
  }
  sum.add(c, c);
  last = c;
  state = State::Value;
}

void ClassParser::set(const CodePointSet &more, bool isProperty) {
  if (state == State::Range) {
    in.fail("a class cannot end a range", start);
    return;
  }
  sum = sum | more;
  state = isProperty ? State::Class : State::Complete;
}

// [:alpha:] and [:^alpha:], when the text is one.
bool ClassParser::posix(CodePointSet &found) {
  size_t begin = in.at;
  if (!in.take(':'))
    return false;
  bool negative = in.take('^');
  size_t name = in.at;
  while (!in.atEnd() && in.peek() >= 'a' && in.peek() <= 'z')
    in.next();
  std::string_view spelled = in.text.substr(name, in.at - name);
  if (!in.take(":]")) {
    in.at = begin;
    return false;
  }
  std::optional<CodePointSet> set = posixBracket(spelled);
  if (!set) {
    in.fail(strCat("no class is named ", quoteName(spelled)), begin);
    return true;
  }
  bool ascii = in.options.asciiPosix ||
               (spelled == "word" && in.options.asciiWord) ||
               (spelled == "digit" && in.options.asciiDigit) ||
               (spelled == "space" && in.options.asciiSpace);
  found = asciiOnly(*std::move(set), ascii);
  if (negative)
    found = found.complement();
  return true;
}

void ClassParser::dash(size_t where) {
  bool atEnd = in.sees(']') || in.text.substr(in.at).starts_with("&&");
  switch (state) {
  case State::Value:
    if (atEnd)
      value('-');
    else
      state = State::Range;
    return;
  case State::Class:
    if (!atEnd)
      in.fail("a class cannot begin a range; put '-' last", where);
    value('-');
    return;
  case State::Start:
  case State::Range:
  case State::Complete:
    value('-');
    return;
  }
}

CodePointSet ClassParser::items(unsigned depth) {
  if (depth > maxBrackets) {
    in.fail("brackets are nested too deep", start);
    return {};
  }
  std::optional<CodePointSet> both; // of what "&&" has joined
  auto join = [&] {
    both = both ? *both & sum : sum;
    sum = {};
  };
  for (bool first = true;; first = false) {
    if (in.atEnd()) {
      in.fail("these brackets have no end", start);
      return {};
    }
    size_t where = in.at;
    char32_t c = in.next();
    if (c == ']' && !(first && closesLater())) {
      if (first)
        in.fail("these brackets are empty", start);
      if (state == State::Range)
        sum.add('-', '-');
      break;
    }
    if (c == '&' && in.take('&')) {
      join();
      state = State::Start;
    } else if (c == '[') {
      CodePointSet inner;
      if (posix(inner)) {
        set(inner, true);
        continue;
      }
      if (state == State::Range) { // [a-[b]]
        sum.add('-', '-');
        state = State::Complete;
      }
      bool negative = in.take('^');
      ClassParser nested(in, where);
      inner = nested.items(depth + 1);
      set(negative ? inner.complement() : inner, false);
    } else if (c == '\\') {
      if (in.atEnd()) {
        in.fail("the pattern ends with a backslash", where);
        return {};
      }
      c = in.next();
      if (std::optional<CodePointSet> found = classEscape(in, c, where, true))
        set(*found, true);
      else
        value(c == 'b' ? '\b' : characterEscape(in, c, where));
    } else if (c == '-') {
      dash(where);
    } else {
      value(c);
    }
    if (in.failed())
      return {};
  }
  if (both)
    join();
  return both ? *both : sum;
}

CodePointSet onig::parseClass(PatternText &in, size_t start) {
  bool negative = in.take('^');
  CodePointSet set = ClassParser(in, start).items(0);
  if (in.options.ignoreCase)
    set = closeOverCase(set);
  return negative ? set.complement() : set;
}

//===----------------------------------------------------------------------===//
// Escapes that stand for more than one character
//===----------------------------------------------------------------------===//

static RegexNode setNode(CodePointSet set, size_t offset) {
  RegexNode node;
  node.kind = Kind::Set;
  node.set = std::move(set);
  node.offset = offset;
  return node;
}

static RegexNode parent(Kind kind, std::vector<RegexNode> children) {
  RegexNode node;
  node.kind = kind;
  node.offset = children.empty() ? 0 : children[0].offset;
  node.children = std::move(children);
  return node;
}

static RegexNode repeated(RegexNode child, uint32_t min) {
  RegexNode node = parent(Kind::Repeat, {std::move(child)});
  node.min = min;
  node.max = RegexNode::unbounded;
  return node;
}

RegexNode onig::lineBreak(size_t offset) {
  CodePointSet single('\n', '\r');
  single.add(0x85, 0x85);
  single.add(0x2028, 0x2029);
  RegexNode pair = parent(Kind::Sequence, {setNode({'\r', '\r'}, offset),
                                           setNode({'\n', '\n'}, offset)});
  return parent(
      Kind::Atomic,
      {parent(Kind::Choice, {std::move(pair), setNode(single, offset)})});
}

RegexNode onig::graphemeCluster(size_t offset) {
  auto property = [&](std::string_view name) {
    for (size_t i = 0; i < graphemeBreakNames().size(); ++i)
      if (graphemeBreakNames()[i] == name)
        return graphemeBreakSet(i);
    return CodePointSet();
  };
  auto set = [&](std::string_view name) {
    return setNode(property(name), offset);
  };
  CodePointSet control = property("Control") | property("CR") | property("LF");
  CodePointSet post =
      property("Extend") | property("ZWJ") | property("SpacingMark");
  CodePointSet picture = *propertySet("Extended_Pictographic");
  RegexNode vowels = parent(
      Kind::Choice,
      {repeated(set("V"), 1),
       parent(Kind::Sequence, {set("LV"), repeated(set("V"), 0)}), set("LVT")});
  RegexNode hangul =
      parent(Kind::Choice,
             {parent(Kind::Sequence, {repeated(set("L"), 0), std::move(vowels),
                                      repeated(set("T"), 0)}),
              repeated(set("L"), 1), repeated(set("T"), 1)});
  RegexNode flag = parent(
      Kind::Sequence, {set("Regional_Indicator"), set("Regional_Indicator")});
  RegexNode joined =
      parent(Kind::Sequence, {repeated(set("Extend"), 0), set("ZWJ"),
                              setNode(picture, offset)});
  RegexNode pictures =
      parent(Kind::Sequence, {setNode(picture, offset), repeated(joined, 0)});
  RegexNode core = parent(
      Kind::Choice, {std::move(hangul), std::move(flag), std::move(pictures),
                     setNode(control.complement(), offset)});
  RegexNode cluster =
      parent(Kind::Sequence, {repeated(set("Prepend"), 0), std::move(core),
                              repeated(setNode(post, offset), 0)});
  RegexNode lines = parent(Kind::Sequence, {set("CR"), set("LF")});
  return parent(Kind::Atomic,
                {parent(Kind::Choice, {std::move(lines), std::move(cluster),
                                       setNode(CodePointSet::all(), offset)})});
}

RegexNode onig::expandLongFoldings(RegexNode node) {
  if (node.kind != Kind::Set || !node.ignoreCase)
    return node;
  std::vector<RegexNode> choices;
  for (const LongFolding &folding : longFoldings()) {
    if (!node.set.contains(folding.c))
      continue;
    // Others that fold alike.
    for (const LongFolding &other : longFoldings())
      if (other.to == folding.to)
        node.set.add(other.c, other.c);
    std::vector<RegexNode> letters;
    for (char32_t c : folding.to)
      letters.push_back(setNode(closeOverCase({c, c}), node.offset));
    choices.push_back(parent(Kind::Sequence, std::move(letters)));
  }
  if (choices.empty())
    return node;
  node.ignoreCase = false;
  choices.insert(choices.begin(), std::move(node));
  return parent(Kind::Choice, std::move(choices));
}
