//===- OnigurumaParser.cpp - a tokenizer's regular expressions -----------===//
//
// Recursive descent over the pattern. What is in brackets is read by
// OnigurumaClass.cpp.
//
//===----------------------------------------------------------------------===//

#include "OnigurumaPattern.h"

#include "CaseFolding.h"

#include "tenon/Support/Strings.h"

#include <algorithm>
#include <optional>
#include <string>

using namespace tenon;
using namespace tenon::onig;
using Kind = RegexNode::Kind;

static constexpr unsigned maxDepth = 200;
static constexpr uint32_t maxRepeat = 100'000;

namespace {

class Parser {
public:
  explicit Parser(std::string_view text) : in(text) {}
  Expected<ParsedRegex> run();

private:
  RegexNode choice();
  RegexNode sequence();
  std::optional<RegexNode> atom();
  RegexNode group(size_t start);
  RegexNode special(size_t start);
  RegexNode look(size_t start, bool ahead, bool negative);
  RegexNode named(size_t start, char32_t close);
  RegexNode flags(size_t start);
  RegexNode escape(size_t start);
  RegexNode reference(size_t start, bool isCall);
  RegexNode closeGroup(RegexNode child, size_t start);
  bool repeat(RegexNode &node);
  bool interval(RegexNode &repeat, bool &single);
  std::vector<RegexNode> joinFolded(std::vector<RegexNode> nodes);
  void scanGroups();

  RegexNode make(Kind kind, size_t start) {
    RegexNode node;
    node.kind = kind;
    node.offset = start;
    return node;
  }
  RegexNode makeSet(CodePointSet set, size_t start) {
    RegexNode node = make(Kind::Set, start);
    node.set = std::move(set);
    return node;
  }
  RegexNode literal(char32_t c, size_t start) {
    RegexNode node = makeSet({c, c}, start);
    node.literal = c;
    if (in.options.ignoreCase) {
      node.ignoreCase = true;
      node.set = closeOverCase(node.set);
    }
    return node;
  }

  PatternText in;
  unsigned depth = 0;
  uint32_t groups = 0;      // so far
  uint32_t totalGroups = 0; // of the whole pattern
  std::vector<std::pair<std::string, uint32_t>> names;
  bool hasNames = false;
  bool hasReferences = false;
  bool endsBranch = false; // "(?i)" took the rest of its group along
};

} // namespace

RegexNode Parser::choice() {
  RegexNode node = make(Kind::Choice, in.at);
  if (++depth > maxDepth)
    in.fail("groups are nested too deep", in.at);
  do
    node.children.push_back(sequence());
  while (!in.failed() && in.take('|'));
  --depth;
  if (node.children.size() == 1)
    return std::move(node.children[0]);
  return node;
}

RegexNode Parser::sequence() {
  RegexNode node = make(Kind::Sequence, in.at);
  std::vector<RegexNode> nodes;
  while (!in.failed() && !in.atEnd() && !in.sees('|') && !in.sees(')')) {
    size_t start = in.at;
    std::optional<RegexNode> next = atom();
    if (!next)
      continue;
    if (endsBranch) {
      endsBranch = false;
      nodes.push_back(*std::move(next));
      break;
    }
    while (!in.failed() && repeat(*next))
      next->offset = start;
    nodes.push_back(*std::move(next));
  }
  node.children = joinFolded(std::move(nodes));
  if (node.children.size() == 1)
    return std::move(node.children[0]);
  return node;
}

// Without regard to case "ss" is also "ß": runs of letters become choices.
std::vector<RegexNode> Parser::joinFolded(std::vector<RegexNode> nodes) {
  std::vector<RegexNode> out;
  auto foldedAt = [&](size_t i) -> char32_t {
    return i < nodes.size() && nodes[i].kind == Kind::Set &&
                   nodes[i].ignoreCase && nodes[i].literal
               ? simpleFolding(nodes[i].literal)
               : 0;
  };
  for (size_t i = 0; i < nodes.size();) {
    const LongFolding *longest = nullptr;
    if (foldedAt(i)) {
      for (const LongFolding &folding : longFoldings()) {
        size_t n = 0;
        while (n < folding.to.size() && foldedAt(i + n) == folding.to[n])
          ++n;
        if (n == folding.to.size() &&
            (!longest || longest->to.size() < folding.to.size()))
          longest = &folding;
      }
    }
    if (!longest) {
      out.push_back(expandLongFoldings(std::move(nodes[i++])));
      continue;
    }
    CodePointSet whole;
    for (const LongFolding &folding : longFoldings())
      if (folding.to == longest->to)
        whole.add(folding.c, folding.c);
    RegexNode parts = make(Kind::Sequence, nodes[i].offset);
    RegexNode both = make(Kind::Choice, nodes[i].offset);
    both.children.push_back(makeSet(whole, nodes[i].offset));
    for (size_t end = i + longest->to.size(); i < end; ++i)
      parts.children.push_back(std::move(nodes[i]));
    both.children.insert(both.children.begin(), std::move(parts));
    out.push_back(std::move(both));
  }
  return out;
}

std::optional<RegexNode> Parser::atom() {
  size_t start = in.at;
  char32_t c = in.next();
  switch (c) {
  case '.':
    return makeSet(in.options.dotAll ? CodePointSet::all()
                                     : CodePointSet('\n', '\n').complement(),
                   start);
  case '^':
    return make(Kind::LineStart, start);
  case '$':
    return make(Kind::LineEnd, start);
  case '[': {
    bool negated = in.sees('^');
    RegexNode node = makeSet(parseClass(in, start), start);
    node.ignoreCase = in.options.ignoreCase && !negated;
    return node;
  }
  case '(':
    if (in.take("?#")) {
      while (!in.atEnd() && !in.sees(')'))
        if (in.next() == '\\' && !in.atEnd())
          in.next();
      if (!in.take(')'))
        in.fail("this comment has no end", start);
      return std::nullopt;
    }
    return group(start);
  case '*':
  case '+':
  case '?':
    in.fail("there is nothing before this to repeat", start);
    return std::nullopt;
  case '{': {
    in.at = start;
    RegexNode ignored;
    bool single;
    if (interval(ignored, single)) {
      in.fail("there is nothing before this to repeat", start);
      return std::nullopt;
    }
    in.at = start + 1;
    return literal('{', start);
  }
  case '\\':
    return escape(start);
  default:
    if (in.options.extended) {
      if (c == ' ' || (c >= '\t' && c <= '\r'))
        return std::nullopt;
      if (c == '#') {
        while (!in.atEnd() && in.next() != '\n') {
        }
        return std::nullopt;
      }
    }
    return literal(c, start);
  }
}

// "{2,3}" and the like, in any form that isn't one are letters.
bool Parser::interval(RegexNode &node, bool &single) {
  size_t start = in.at;
  auto number = [&](uint32_t &to) {
    size_t begin = in.at;
    uint64_t value = 0;
    while (!in.atEnd() && in.peek() >= '0' && in.peek() <= '9') {
      value = std::min<uint64_t>(value * 10 + (in.next() - '0'), 1u << 30);
    }
    to = static_cast<uint32_t>(value);
    return in.at > begin;
  };
  if (!in.take('{'))
    return false;
  bool hasMin = number(node.min);
  bool comma = in.take(',');
  bool hasMax = comma && number(node.max);
  if (!in.take('}') || (!hasMin && !hasMax)) {
    in.at = start;
    return false;
  }
  single = !comma;
  if (!comma)
    node.max = node.min;
  else if (!hasMax)
    node.max = RegexNode::unbounded;
  if (node.min > maxRepeat ||
      (node.max > maxRepeat && node.max != RegexNode::unbounded))
    in.fail(strCat("this repeats more than ", maxRepeat, " times"), start);
  return true;
}

// Oniguruma doesn't repeat what has no length by its nature.
static bool isRepeatable(const RegexNode &node) {
  switch (node.kind) {
  case Kind::LineStart:
  case Kind::LineEnd:
  case Kind::TextStart:
  case Kind::TextEnd:
  case Kind::FinalLine:
  case Kind::Word:
  case Kind::Keep:
  case Kind::Look:
    return false;
  case Kind::Sequence:
    return node.hasOptions || node.children.size() != 1 ||
           isRepeatable(node.children[0]);
  case Kind::Choice:
    return std::all_of(node.children.begin(), node.children.end(),
                       isRepeatable);
  default:
    return true;
  }
}

/// Wraps the node if something follows that repeats it.
bool Parser::repeat(RegexNode &node) {
  if (in.atEnd())
    return false;
  size_t start = in.at;
  RegexNode made = make(Kind::Repeat, start);
  using Greed = RegexNode::Greed;
  char32_t c = in.peek();
  if (c == '*' || c == '+' || c == '?') {
    in.next();
    made.min = c == '+';
    made.max = c == '?' ? 1 : RegexNode::unbounded;
    if (in.take('?'))
      made.greed = Greed::Lazy;
    else if (in.take('+'))
      made.greed = Greed::Possessive;
  } else if (c == '{') {
    bool single;
    if (!interval(made, single))
      return false;
    if (!isRepeatable(node)) {
      in.fail("what stands before this cannot be repeated", start);
      return false;
    }
    if (made.min > made.max) { // {3,1} is {1,3} without going back
      std::swap(made.min, made.max);
      made.greed = Greed::Possessive;
    } else if (in.sees('?')) {
      in.next();
      if (single) { // {2}? is (?:{2})?
        made.children.push_back(std::move(node));
        RegexNode optional = make(Kind::Repeat, start);
        optional.max = 1;
        optional.children.push_back(std::move(made));
        node = std::move(optional);
        return true;
      }
      made.greed = Greed::Lazy;
    }
  } else {
    return false;
  }
  if (!isRepeatable(node)) {
    in.fail("what stands before this cannot be repeated", start);
    return false;
  }
  // A letter by itself isn't a part of a longer folding any more.
  node = expandLongFoldings(std::move(node));
  made.children.push_back(std::move(node));
  node = std::move(made);
  return true;
}

RegexNode Parser::closeGroup(RegexNode child, size_t start) {
  if (!in.failed() && !in.take(')'))
    in.fail("this group has no end", start);
  return child;
}

RegexNode Parser::group(size_t start) {
  if (in.take('?'))
    return special(start);
  if (in.sees('*')) {
    in.fail("callouts are not supported", start);
    return {};
  }
  Options outer = in.options;
  RegexNode node;
  if (hasNames) { // then others are not remembered
    node = closeGroup(choice(), start);
  } else {
    node = make(Kind::Group, start);
    node.number = ++groups;
    node.children.push_back(closeGroup(choice(), start));
  }
  in.options = outer;
  if (node.kind == Kind::Set) // a group is no letter of a longer folding
    node = expandLongFoldings(std::move(node));
  return node;
}

RegexNode Parser::look(size_t start, bool ahead, bool negative) {
  RegexNode node = make(Kind::Look, start);
  node.ahead = ahead;
  node.negative = negative;
  Options outer = in.options;
  node.children.push_back(closeGroup(choice(), start));
  in.options = outer;
  return node;
}

RegexNode Parser::named(size_t start, char32_t close) {
  std::string name = in.until(close);
  if (in.failed() || name.empty()) {
    in.fail("this group's name is broken", start);
    return {};
  }
  RegexNode node = make(Kind::Group, start);
  node.number = ++groups;
  for (const auto &[known, number] : names)
    if (known == name)
      in.fail(strCat("two groups are named ", quoteName(name),
                     ", which is not supported"),
              start);
  names.emplace_back(std::move(name), node.number);
  Options outer = in.options;
  node.children.push_back(closeGroup(choice(), start));
  in.options = outer;
  return node;
}

// Behind "(?".
RegexNode Parser::special(size_t start) {
  Options outer = in.options;
  if (in.take(':')) {
    RegexNode node = closeGroup(choice(), start);
    in.options = outer;
    // A group of its own, so that letters in it don't join with others.
    RegexNode group = make(Kind::Sequence, start);
    group.children.push_back(std::move(node));
    return group;
  }
  if (in.take('='))
    return look(start, true, false);
  if (in.take('!'))
    return look(start, true, true);
  if (in.take("<="))
    return look(start, false, false);
  if (in.take("<!"))
    return look(start, false, true);
  if (in.take('>')) {
    RegexNode node = make(Kind::Atomic, start);
    node.children.push_back(closeGroup(choice(), start));
    in.options = outer;
    return node;
  }
  if (in.take('<'))
    return named(start, '>');
  if (in.take('\''))
    return named(start, '\'');
  for (auto [sign, what] :
       {std::pair('~', "absent groups"), std::pair('(', "conditions"),
        std::pair('{', "callouts"), std::pair('@', "histories of groups")})
    if (in.sees(sign)) {
      in.fail(strCat(what, " are not supported"), start);
      return {};
    }
  return flags(start);
}

// "(?i)", which holds up to the end of the group around it, or "(?i:…)".
RegexNode Parser::flags(size_t start) {
  Options outer = in.options;
  bool on = true;
  while (!in.failed()) {
    char32_t c = in.atEnd() ? 0 : in.next();
    bool *flag = nullptr;
    switch (c) {
    case '-':
      on = false;
      continue;
    case 'i':
      flag = &in.options.ignoreCase;
      break;
    case 'm':
      flag = &in.options.dotAll;
      break;
    case 'x':
      flag = &in.options.extended;
      break;
    case 'W':
      flag = &in.options.asciiWord;
      break;
    case 'D':
      flag = &in.options.asciiDigit;
      break;
    case 'S':
      flag = &in.options.asciiSpace;
      break;
    case 'P':
      flag = &in.options.asciiPosix;
      break;
    case ':':
    case ')': {
      RegexNode group = make(Kind::Sequence, start);
      group.hasOptions = true;
      RegexNode node = choice();
      if (c == ':')
        node = closeGroup(std::move(node), start);
      else
        endsBranch = true;
      in.options = outer;
      group.children.push_back(std::move(node));
      return group;
    }
    default:
      in.fail("this group's options are not supported", start);
      return {};
    }
    *flag = on;
  }
  return {};
}

RegexNode Parser::reference(size_t start, bool isCall) {
  char32_t open = in.atEnd() ? 0 : in.next();
  if (open != '<' && open != '\'') {
    in.fail("expected '<' and a group's name", start);
    return {};
  }
  std::string name = in.until(open == '<' ? '>' : '\'');
  RegexNode node = make(isCall ? Kind::Call : Kind::Back, start);
  node.ignoreCase = in.options.ignoreCase;
  hasReferences |= !isCall;
  bool isNumber = !name.empty() && name.size() < 6 &&
                  std::all_of(name.begin(), name.end(),
                              [](char c) { return c >= '0' && c <= '9'; });
  if (isNumber && !(hasNames && name != "0")) {
    node.number = static_cast<uint32_t>(std::stoul(name));
    if (node.number > totalGroups || (node.number == 0 && !isCall))
      in.fail("there is no such group", start);
    return node;
  }
  for (const auto &[known, number] : names)
    if (known == name) {
      node.number = number;
      return node;
    }
  in.fail(strCat("no group before this is named ", quoteName(name)), start);
  return node;
}

RegexNode Parser::escape(size_t start) {
  if (in.atEnd()) {
    in.fail("the pattern ends with a backslash", start);
    return {};
  }
  char32_t c = in.next();
  if (std::optional<CodePointSet> set = classEscape(in, c, start, false))
    return makeSet(*std::move(set), start);
  switch (c) {
  case 'b':
  case 'B': {
    RegexNode node = make(Kind::Word, start);
    node.negative = c == 'B';
    node.set = wordSet(in.options, /*inBrackets=*/false);
    return node;
  }
  case 'A':
    return make(Kind::TextStart, start);
  case 'z':
    return make(Kind::TextEnd, start);
  case 'Z':
    return make(Kind::FinalLine, start);
  case 'K':
    return make(Kind::Keep, start);
  case 'N':
    return makeSet(CodePointSet('\n', '\n').complement(), start);
  case 'O':
    return makeSet(CodePointSet::all(), start);
  case 'R':
    return lineBreak(start);
  case 'X':
    return graphemeCluster(start);
  case 'G':
  case 'y':
  case 'Y':
    in.fail(strCat("\\", static_cast<char>(c), " is not supported"), start);
    return {};
  case 'k':
    if (in.sees('<') || in.sees('\''))
      return reference(start, false);
    return literal(c, start);
  case 'g':
    if (in.sees('<') || in.sees('\''))
      return reference(start, true);
    return literal(c, start);
  default:
    break;
  }
  if (c >= '1' && c <= '9') {
    size_t after = in.at;
    uint32_t number = static_cast<uint32_t>(c - '0');
    while (!in.atEnd() && in.peek() >= '0' && in.peek() <= '9' &&
           number < 10000)
      number = number * 10 + static_cast<uint32_t>(in.next() - '0');
    if (number <= totalGroups || number <= 9) {
      RegexNode node = make(Kind::Back, start);
      node.number = number;
      node.ignoreCase = in.options.ignoreCase;
      hasReferences = true;
      if (number > totalGroups || hasNames)
        in.fail("there is no such group", start);
      return node;
    }
    in.at = after;
    if (c >= '8')
      return literal(c, start);
    in.at = after - 1; // an octal number
    c = in.next();
  }
  return literal(characterEscape(in, c, start), start);
}

// Which groups there are is known before the first reference.
void Parser::scanGroups() {
  size_t plain = 0, namedGroups = 0;
  std::string_view text = in.text;
  unsigned brackets = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\') {
      ++i;
    } else if (text[i] == '[') {
      ++brackets;
    } else if (text[i] == ']' && brackets) {
      --brackets;
    } else if (text[i] == '(' && !brackets) {
      std::string_view rest = text.substr(i + 1, 3);
      if (!rest.starts_with('?'))
        ++plain;
      else if (rest.starts_with("?'") ||
               (rest.starts_with("?<") && rest != "?<=" && rest != "?<!"))
        ++namedGroups;
    }
  }
  hasNames = namedGroups > 0;
  totalGroups = static_cast<uint32_t>(hasNames ? namedGroups : plain);
}

Expected<ParsedRegex> Parser::run() {
  scanGroups();
  ParsedRegex result;
  result.root = choice();
  if (!in.failed() && !in.atEnd())
    in.fail("there is no group that this ends", in.at);
  if (in.failed())
    return in.error();
  result.hasReferences = hasReferences;
  return result;
}

Expected<ParsedRegex> tenon::parseOniguruma(std::string_view pattern) {
  return Parser(pattern).run();
}
