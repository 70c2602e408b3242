//===- PcrePattern.cpp - a parsed expression for PCRE2 -------------------===//

#include "PcrePattern.h"

#include "tenon/Support/Strings.h"

#include <algorithm>
#include <map>
#include <optional>
#include <set>

using namespace tenon;
using Kind = RegexNode::Kind;

static constexpr size_t maxSets = 300;
static constexpr size_t maxPatternBytes = 1 << 20;
// Ways that a look-behind's parts may add up to lengths.
static constexpr size_t maxBehindWays = 64;
static constexpr uint32_t maxBehindRepeat = 64;

//===----------------------------------------------------------------------===//
// The alphabet
//===----------------------------------------------------------------------===//

bool RegexAlphabet::build(const std::vector<CodePointSet> &sets) {
  // Between two borders all code points are in the same sets.
  struct Border {
    uint32_t at;
    uint32_t set;
  };
  std::vector<Border> borders;
  for (uint32_t i = 0; i < sets.size(); ++i)
    for (const CodePointSet::Range &range : sets[i].parts()) {
      borders.push_back({range.first, i});
      borders.push_back({range.last + 1, i});
    }
  std::sort(borders.begin(), borders.end(),
            [](const Border &a, const Border &b) { return a.at < b.at; });
  std::map<std::vector<bool>, uint8_t> known;
  std::vector<std::pair<uint32_t, uint8_t>> runs; // end and letter
  std::vector<bool> inside(sets.size());
  for (size_t i = 0, at = 0; at <= kLastCodePoint;) {
    while (i < borders.size() && borders[i].at == at) {
      inside[borders[i].set] = !inside[borders[i].set];
      ++i;
    }
    uint32_t end = i < borders.size() ? borders[i].at : kLastCodePoint + 1;
    auto [found, isNew] =
        known.try_emplace(inside, static_cast<uint8_t>(known.size() + 1));
    if (isNew && known.size() > 255)
      return false;
    runs.push_back({end, found->second});
    at = end;
  }
  // Pages that are alike and in a row are one. Nearly all are of one letter: a
  // file may have thousands of patterns, so those aren't looked at place by
  // place.
  size_t run = 0;
  std::vector<uint8_t> page(256);
  int lastOnly = -1; // the letter of all of the last page
  for (uint32_t first = 0; first <= kLastCodePoint; first += 256) {
    while (runs[run].first <= first)
      ++run;
    int only = runs[run].first >= first + 256 ? runs[run].second : -1;
    if (only >= 0) {
      if (only != lastOnly)
        letters.insert(letters.end(), 256, static_cast<uint8_t>(only));
    } else {
      for (uint32_t i = 0; i < 256; ++i) {
        while (runs[run].first <= first + i)
          ++run;
        page[i] = runs[run].second;
      }
      if (lastOnly >= 0 || letters.empty() ||
          !std::equal(page.begin(), page.end(), letters.end() - 256))
        letters.insert(letters.end(), page.begin(), page.end());
    }
    lastOnly = only;
    pages.push_back(static_cast<uint16_t>(letters.size() / 256 - 1));
  }
  setLetters.resize(sets.size());
  for (size_t i = 0; i < sets.size(); ++i) {
    CodePointSet bytes;
    for (const auto &[signature, letter] : known)
      if (signature[i])
        bytes.add(letter, letter);
    setLetters[i] = bytes.parts();
  }
  return true;
}

//===----------------------------------------------------------------------===//
// Writing the pattern
//===----------------------------------------------------------------------===//

namespace {

class Writer {
public:
  Writer(const ParsedRegex &parsed, std::string_view pattern)
      : parsed(parsed), pattern(pattern) {}
  Expected<PcrePattern> run();

private:
  /// A way to match: text and, inside of look-behinds, how many code points.
  struct Way {
    std::string text;
    size_t length = 0;
  };

  void collect(const RegexNode &node);
  void add(const CodePointSet &set) {
    if (sets.size() <= maxSets)
      sets.try_emplace(set, 0);
  }
  std::string setText(const CodePointSet &set) const;
  std::string write(const RegexNode &node);
  std::string repeatText(const RegexNode &node, const std::string &child);
  std::string look(const RegexNode &node);
  std::vector<Way> ways(const RegexNode &node, bool isFirst);
  std::vector<Way> repeatWays(const RegexNode &node, bool isFirst);
  static std::vector<Way> product(const std::vector<Way> &a,
                                  const std::vector<Way> &b);
  void fail(std::string_view what, size_t offset) {
    if (message.empty())
      message = strCat("bad regular expression ", quoteName(pattern), ": ",
                       what, ", at byte ", offset);
  }

  const ParsedRegex &parsed;
  std::string_view pattern;
  PcrePattern out;
  std::map<CodePointSet, size_t> sets;
  std::string message;
};

} // namespace

static const CodePointSet &lineFeed() {
  static const CodePointSet set('\n', '\n');
  return set;
}

void Writer::collect(const RegexNode &node) {
  if (node.kind == Kind::Set || node.kind == Kind::Word)
    add(node.set);
  if (node.kind == Kind::LineStart || node.kind == Kind::LineEnd ||
      node.kind == Kind::FinalLine)
    add(lineFeed());
  for (const RegexNode &child : node.children)
    collect(child);
}

static void appendHex(std::string &out, uint32_t value) {
  static constexpr char digits[] = "0123456789abcdef";
  out += "\\x{";
  bool started = false;
  for (int shift = 20; shift >= 0; shift -= 4) {
    unsigned digit = value >> shift & 15;
    started |= digit != 0 || shift == 0;
    if (started)
      out += digits[digit];
  }
  out += '}';
}

std::string Writer::setText(const CodePointSet &set) const {
  std::vector<CodePointSet::Range> ranges;
  if (out.isUtf8) {
    // Surrogates are no characters of UTF-8.
    ranges = (set - CodePointSet(0xd800, 0xdfff)).parts();
  } else {
    ranges = out.alphabet.lettersOf(sets.at(set));
  }
  if (ranges.empty())
    return "(?!)";
  std::string text;
  if (ranges.size() == 1 && ranges[0].first == ranges[0].last) {
    appendHex(text, ranges[0].first);
    return text;
  }
  text = "[";
  for (const CodePointSet::Range &range : ranges) {
    appendHex(text, range.first);
    if (range.first != range.last) {
      text += '-';
      appendHex(text, range.last);
    }
  }
  return text + ']';
}

std::string Writer::repeatText(const RegexNode &node,
                               const std::string &child) {
  // A class is repeated without a group: PCRE2 then needs no memory for it.
  std::string text =
      node.children[0].kind == Kind::Set ? child : strCat("(?:", child, ")");
  if (node.min == 0 && node.max == RegexNode::unbounded) {
    text += '*';
  } else if (node.min == 1 && node.max == RegexNode::unbounded) {
    text += '+';
  } else if (node.min == 0 && node.max == 1) {
    text += '?';
  } else {
    text += strCat("{", node.min, ",");
    if (node.max != RegexNode::unbounded)
      text += std::to_string(node.max);
    text += '}';
  }
  if (node.greed == RegexNode::Greed::Lazy)
    text += '?';
  if (node.greed == RegexNode::Greed::Possessive)
    text += '+';
  return text;
}

std::string Writer::write(const RegexNode &node) {
  std::string text;
  switch (node.kind) {
  case Kind::Sequence:
    for (const RegexNode &child : node.children)
      text += write(child);
    break;
  case Kind::Choice:
    for (const RegexNode &child : node.children)
      text += strCat(text.empty() ? "(?:" : "|", write(child));
    text += ')';
    break;
  case Kind::Set:
    return setText(node.set);
  case Kind::Repeat: {
    std::string child = write(node.children[0]);
    if (node.max != RegexNode::unbounded && node.max > 65535) {
      fail("this repeats more than 65535 times", node.offset);
      return {};
    }
    text = repeatText(node, child);
    break;
  }
  case Kind::Group:
    text = strCat("(", write(node.children[0]), ")");
    break;
  case Kind::Atomic:
    text = strCat("(?>", write(node.children[0]), ")");
    break;
  case Kind::Look:
    return look(node);
  case Kind::LineStart:
    return strCat("(?:\\A|(?<=", setText(lineFeed()), ")(?!\\z))");
  case Kind::LineEnd:
    return strCat("(?=", setText(lineFeed()), "|\\z)");
  case Kind::TextStart:
    return "\\A";
  case Kind::TextEnd:
    return "\\z";
  case Kind::FinalLine:
    return strCat("(?=", setText(lineFeed()), "?\\z)");
  case Kind::Word: {
    std::string word = setText(node.set);
    std::string_view first = node.negative ? "=" : "!";
    std::string_view second = node.negative ? "!" : "=";
    return strCat("(?:(?<=", word, ")(?", first, word, ")|(?<!", word, ")(?",
                  second, word, "))");
  }
  case Kind::Back:
    return strCat(node.ignoreCase ? "(?i:\\g{" : "(?:\\g{", node.number, "})");
  case Kind::Call:
    return strCat("(?", node.number, ")");
  case Kind::Keep:
    return "\\K";
  }
  if (text.size() > maxPatternBytes)
    fail("it is too large", node.offset);
  return text;
}

std::string Writer::look(const RegexNode &node) {
  if (node.ahead)
    return strCat(node.negative ? "(?!" : "(?=", write(node.children[0]), ")");
  // PCRE2 looks behind by one length for each alternative.
  std::string text = node.negative ? "(?<!" : "(?<=";
  std::vector<Way> found = ways(node.children[0], true);
  std::set<std::string> seen;
  bool first = true;
  for (const Way &way : found) {
    if (!seen.insert(way.text).second)
      continue;
    text += strCat(first ? "" : "|", way.text);
    first = false;
  }
  if (found.empty())
    return node.negative ? "" : "(?!)";
  return text + ')';
}

std::vector<Writer::Way> Writer::product(const std::vector<Way> &a,
                                         const std::vector<Way> &b) {
  std::vector<Way> out;
  for (const Way &left : a)
    for (const Way &right : b)
      out.push_back({left.text + right.text, left.length + right.length});
  return out;
}

std::vector<Writer::Way> Writer::repeatWays(const RegexNode &node,
                                            bool isFirst) {
  std::vector<Way> child = ways(node.children[0], false);
  uint32_t max = node.max;
  if (max == RegexNode::unbounded) {
    // Where nothing stands before it, more of them change nothing.
    if (!isFirst || node.greed == RegexNode::Greed::Possessive) {
      fail("this look-behind has no greatest length, which is not supported",
           node.offset);
      return {};
    }
    max = node.min;
  }
  if (max > maxBehindRepeat) {
    fail(strCat("this repeats more than ", maxBehindRepeat,
                " times in a look-behind"),
         node.offset);
    return {};
  }
  std::vector<Way> all, power{{}};
  for (uint32_t n = 0; n <= max; ++n) {
    if (n >= node.min)
      all.insert(all.end(), power.begin(), power.end());
    power = product(power, child);
    if (power.size() + all.size() > maxBehindWays) {
      if (n < max)
        fail("this look-behind has too many lengths", node.offset);
      break;
    }
  }
  return all;
}

std::vector<Writer::Way> Writer::ways(const RegexNode &node, bool isFirst) {
  std::vector<Way> all;
  switch (node.kind) {
  case Kind::Sequence:
    all.push_back({});
    for (size_t i = 0; i < node.children.size(); ++i) {
      all = product(all, ways(node.children[i], isFirst && i == 0));
      if (all.size() > maxBehindWays)
        fail("this look-behind has too many lengths", node.offset);
      if (!message.empty())
        return {};
    }
    return all;
  case Kind::Choice:
    for (const RegexNode &child : node.children) {
      std::vector<Way> more = ways(child, isFirst);
      all.insert(all.end(), more.begin(), more.end());
    }
    return all;
  case Kind::Repeat:
    return repeatWays(node, isFirst);
  case Kind::Set:
    return {{setText(node.set), 1}};
  case Kind::Group:
    if (parsed.hasReferences)
      fail("a group in a look-behind is not supported beside references",
           node.offset);
    all = ways(node.children[0], isFirst);
    // The group's number is taken.
    if (all.size() == 1)
      all[0].text = strCat("(", all[0].text, ")");
    else if (!all.empty())
      all[0].text = strCat("()", all[0].text);
    return all;
  case Kind::Atomic:
    all = ways(node.children[0], false);
    if (all.size() > 1)
      fail("an atomic group of several lengths in a look-behind is not "
           "supported",
           node.offset);
    return all;
  case Kind::Back:
  case Kind::Call:
  case Kind::Keep:
    fail("this is not supported in a look-behind", node.offset);
    return {};
  default:
    return {{write(node), 0}};
  }
}

Expected<PcrePattern> Writer::run() {
  collect(parsed.root);
  out.isUtf8 = parsed.hasReferences || sets.size() > maxSets;
  if (!out.isUtf8) {
    std::vector<CodePointSet> list;
    for (auto &[set, index] : sets) {
      index = list.size();
      list.push_back(set);
    }
    out.isUtf8 = !out.alphabet.build(list);
  }
  out.text = write(parsed.root);
  if (!message.empty())
    return plainError(message);
  return std::move(out);
}

Expected<PcrePattern> tenon::toPcre(const ParsedRegex &parsed,
                                    std::string_view pattern) {
  return Writer(parsed, pattern).run();
}
