//===- Methods.cpp - methods of Python's str, dict and list ---------------===//

#include "Characters.h"
#include "Interpreter.h"
#include "Unicode.h"

#include "tenon/Support/Utf8.h"

#include <algorithm>
#include <map>

using namespace tenon;
using namespace tenon::templates;

static constexpr std::string_view kTextMethods[] = {
    "capitalize", "count",        "endswith",     "find",       "isdigit",
    "isspace",    "join",         "lower",        "lstrip",     "partition",
    "replace",    "removeprefix", "removesuffix", "rfind",      "rpartition",
    "rsplit",     "rstrip",       "split",        "splitlines", "startswith",
    "strip",      "title",        "upper"};
static constexpr std::string_view kDictMethods[] = {"get", "items", "keys",
                                                    "values"};
static constexpr std::string_view kListMethods[] = {"count", "index"};

bool tenon::templates::isMethod(const Value &self, std::string_view name) {
  auto among = [&](const auto &methods) {
    return std::find(std::begin(methods), std::end(methods), name) !=
           std::end(methods);
  };
  return (self.text() && among(kTextMethods)) ||
         (self.dict() && among(kDictMethods)) ||
         (self.list() && among(kListMethods));
}

// The capital of which a letter is the small one. Unicode's tables here map to
// small letters only, so they are turned round, once.
static char32_t capitalOf(char32_t c) {
  static const std::map<char32_t, char32_t> capitals = [] {
    constexpr char32_t kLastCased = 0x1e943;
    std::map<char32_t, char32_t> map;
    std::string small;
    for (char32_t capital = 0x80; capital <= kLastCased; ++capital) {
      small.clear();
      appendLowercase(small, capital);
      Utf8Step step = decodeUtf8(small, 0);
      if (step.length == small.size() && step.codePoint != capital)
        map.emplace(step.codePoint, capital);
    }
    // Letters that are no capital's small one.
    map[0xb5] = 0x39c;
    map[0x131] = 'I';
    map[0x17f] = 'S';
    return map;
  }();
  auto found = capitals.find(c);
  return found == capitals.end() ? c : found->second;
}

// Whether a letter stands at the end of a word: small sigma looks different
// there.
static bool endsWord(const std::string &bytes, size_t at, size_t length) {
  auto isLetter = [&](size_t place) {
    char32_t c = decodeUtf8(bytes, place).codePoint;
    return isWordCharacter(c) && c != '_' && !(c >= '0' && c <= '9');
  };
  return at > 0 && isLetter(characterStart(bytes, at - 1)) &&
         (at + length >= bytes.size() || !isLetter(at + length));
}

Text tenon::templates::changeCase(const Text &text, bool upper) {
  Text out;
  for (size_t at = 0; at < text.size();) {
    Utf8Step step = decodeUtf8(text.bytes(), at);
    char32_t c = step.codePoint;
    std::string changed;
    if (step.kind != Utf8Step::Valid)
      changed = text.bytes().substr(at, step.length);
    else if (!upper && c == 0x3a3 && endsWord(text.bytes(), at, step.length))
      appendUtf8(changed, 0x3c2);
    else if (!upper)
      appendLowercase(changed, c);
    else if (c < 0x80)
      changed = static_cast<char>(c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c);
    else if (c == 0xdf) // has no capital letter
      changed = "SS";
    else
      appendUtf8(changed, capitalOf(c));
    out.append(changed, text.isUsers(at));
    at += step.length;
  }
  return out;
}

namespace {

class TextMethod {
public:
  TextMethod(Interpreter &in, const Text &self, const Arguments &arguments)
      : in(in), self(self), bytes(self.bytes()), arguments(arguments) {}

  Value call(const std::string &name);

private:
  const Value *given(size_t place, std::string_view name = {}) const {
    const Value *value = arguments.find(place, name);
    return value && !value->isNone() ? value : nullptr;
  }
  const Text &needed(size_t place, const char *what) const {
    const Value *value = given(place);
    if (!value)
      in.fail(std::string("the method needs ") + what);
    return in.expectText(*value, what);
  }
  Value strip(bool left, bool right) const;
  Value split(bool fromRight) const;
  Value splitBlanks(int64_t most, bool fromRight) const;
  Value splitLines() const;
  Value replace() const;
  Value join() const;
  Value begins(bool atStart) const;
  Value find(bool last) const;
  Value partition(bool last) const;
  Value every(bool (*holds)(char32_t)) const;
  Value titled() const;

  Interpreter &in;
  const Text &self;
  const std::string &bytes;
  const Arguments &arguments;
};

bool isDecimal(char32_t c) { return c >= '0' && c <= '9'; }

} // namespace

Value TextMethod::strip(bool left, bool right) const {
  size_t begin = 0, end = bytes.size();
  if (const Value *set = given(0, "chars")) {
    const std::string &characters = in.expectText(*set, "the set").bytes();
    auto inSet = [&](size_t at) {
      size_t length = decodeUtf8(bytes, at).length;
      std::string_view character = std::string_view(bytes).substr(at, length);
      for (size_t i = 0; i < characters.size();) {
        size_t other = decodeUtf8(characters, i).length;
        if (std::string_view(characters).substr(i, other) == character)
          return length;
        i += other;
      }
      return size_t(0);
    };
    for (size_t length; left && begin < end && (length = inSet(begin));) {
      in.charge(characters.size());
      begin += length;
    }
    while (right && end > begin) {
      in.charge(characters.size());
      size_t start = characterStart(bytes, end - 1);
      if (!inSet(start))
        break;
      end = start;
    }
  } else {
    if (left)
      begin = spacesAtStart(bytes);
    if (right)
      end -= spacesAtEnd(std::string_view(bytes).substr(begin));
  }
  return Value(self.substr(begin, end - begin));
}

Value TextMethod::splitBlanks(int64_t most, bool fromRight) const {
  // The words, each a range.
  std::vector<std::pair<size_t, size_t>> words;
  for (size_t at = 0; at < bytes.size();) {
    at += spacesAtStart(std::string_view(bytes).substr(at));
    size_t begin = at;
    while (at < bytes.size()) {
      Utf8Step step = decodeUtf8(bytes, at);
      if (step.kind == Utf8Step::Valid && isSpace(step.codePoint))
        break;
      at += step.length;
    }
    if (at > begin)
      words.emplace_back(begin, at);
  }
  List parts;
  size_t count = words.size();
  size_t joined = most >= 0 && count > static_cast<size_t>(most) + 1
                      ? count - static_cast<size_t>(most)
                      : 0; // so many words stay one part
  for (size_t i = 0; i < count; ++i) {
    auto [begin, end] = words[i];
    if (joined && fromRight && i == 0) {
      end = words[joined - 1].second;
      i = joined - 1;
      begin = 0; // as Python: blanks at the far end stay
    } else if (joined && !fromRight && i == count - joined) {
      end = bytes.size();
      parts.push_back(Value(self.substr(begin, end - begin)));
      break;
    }
    parts.push_back(Value(self.substr(begin, end - begin)));
  }
  return Value(std::move(parts));
}

Value TextMethod::split(bool fromRight) const {
  int64_t most = -1;
  if (const Value *count = given(1, "maxsplit"))
    most = in.expectInteger(*count, "maxsplit");
  const Value *separator = given(0, "sep");
  in.charge(bytes.size());
  if (!separator)
    return splitBlanks(most, fromRight);
  const std::string &between =
      in.expectText(*separator, "the separator").bytes();
  if (between.empty())
    in.fail("the separator is empty");
  List parts;
  if (fromRight) {
    size_t end = bytes.size();
    while (most != 0) {
      size_t at = end >= between.size()
                      ? bytes.rfind(between, end - between.size())
                      : bytes.npos;
      if (at == bytes.npos)
        break;
      size_t begin = at + between.size();
      parts.push_back(Value(self.substr(begin, end - begin)));
      end = at;
      --most;
      in.charge(sizeof(Value));
    }
    parts.push_back(Value(self.substr(0, end)));
    std::reverse(parts.begin(), parts.end());
    return Value(std::move(parts));
  }
  size_t begin = 0;
  for (size_t at; most != 0 && (at = bytes.find(between, begin)) != bytes.npos;
       --most) {
    parts.push_back(Value(self.substr(begin, at - begin)));
    begin = at + between.size();
    in.charge(sizeof(Value));
  }
  parts.push_back(Value(self.substr(begin)));
  return Value(std::move(parts));
}

Value TextMethod::splitLines() const {
  bool keep = false;
  if (const Value *flag = given(0, "keepends"))
    keep = isTrue(*flag);
  List lines;
  for (size_t at = 0; at < bytes.size();) {
    size_t end = at, next = at;
    while (end < bytes.size()) {
      Utf8Step step = decodeUtf8(bytes, end);
      char32_t c = step.codePoint;
      next = end + step.length;
      if ((c >= 0x0a && c <= 0x0d) || (c >= 0x1c && c <= 0x1e) || c == 0x85 ||
          c == 0x2028 || c == 0x2029) {
        if (c == '\r' && next < bytes.size() && bytes[next] == '\n')
          ++next;
        break;
      }
      end = next;
    }
    lines.push_back(Value(self.substr(at, (keep ? next : end) - at)));
    in.charge(sizeof(Value));
    at = next;
  }
  return Value(std::move(lines));
}

Value TextMethod::replace() const {
  const Text &old = needed(0, "what to replace"), &by = needed(1, "by what");
  int64_t most = -1;
  if (const Value *count = given(2, "count"))
    most = in.expectInteger(*count, "the count");
  Text out;
  size_t begin = 0;
  auto put = [&](const Text &text) {
    in.charge(text.size());
    out.append(text);
  };
  if (old.empty()) {
    // Between all characters, and at both ends.
    for (size_t at = 0; most != 0; --most) {
      put(by);
      if (at >= bytes.size())
        return Value(std::move(out));
      size_t length = decodeUtf8(bytes, at).length;
      put(self.substr(at, length));
      begin = at += length;
    }
  }
  for (size_t at; !old.empty() && most != 0 &&
                  (at = bytes.find(old.bytes(), begin)) != bytes.npos;
       --most) {
    put(self.substr(begin, at - begin));
    put(by);
    begin = at + old.size();
  }
  put(self.substr(begin));
  return Value(std::move(out));
}

Value TextMethod::join() const {
  const Value *list = given(0);
  if (!list)
    in.fail("join needs what to join");
  Text out;
  bool first = true;
  for (const Value &part : in.iterate(*list)) {
    if (!std::exchange(first, false))
      out.append(self);
    const Text &text = in.expectText(part, "what is joined");
    in.charge(text.size() + self.size());
    out.append(text);
  }
  return Value(std::move(out));
}

Value TextMethod::begins(bool atStart) const {
  const Value *part = given(0);
  if (!part)
    in.fail("the method needs a string");
  // A tuple: any of them.
  List parts = part->list() ? *part->list() : List{*part};
  return std::any_of(parts.begin(), parts.end(), [&](const Value &value) {
    const std::string &text =
        in.expectText(value, "the prefix or suffix").bytes();
    return atStart ? bytes.starts_with(text) : bytes.ends_with(text);
  });
}

Value TextMethod::find(bool last) const {
  const std::string &part = needed(0, "what to find").bytes();
  size_t at = last ? bytes.rfind(part) : bytes.find(part);
  if (at == bytes.npos)
    return int64_t(-1);
  return static_cast<int64_t>(
      countCharacters(std::string_view(bytes).substr(0, at)));
}

Value TextMethod::partition(bool last) const {
  const Text &part = needed(0, "a separator");
  if (part.empty())
    in.fail("the separator is empty");
  size_t at = last ? bytes.rfind(part.bytes()) : bytes.find(part.bytes());
  List parts;
  if (at == bytes.npos)
    parts = last ? List{Value(""), Value(""), Value(self)}
                 : List{Value(self), Value(""), Value("")};
  else
    parts = {Value(self.substr(0, at)), Value(part),
             Value(self.substr(at + part.size()))};
  return Value(std::move(parts), /*isTuple=*/true);
}

Value TextMethod::every(bool (*holds)(char32_t)) const {
  for (size_t at = 0; at < bytes.size();) {
    Utf8Step step = decodeUtf8(bytes, at);
    if (step.kind != Utf8Step::Valid || !holds(step.codePoint))
      return false;
    at += step.length;
  }
  return !bytes.empty();
}

// Python's: a letter that follows no letter is a capital.
Value TextMethod::titled() const {
  Text out;
  bool inWord = false;
  for (size_t at = 0; at < bytes.size();) {
    Utf8Step step = decodeUtf8(bytes, at);
    Text letter = self.substr(at, step.length);
    out.append(changeCase(letter, !inWord));
    inWord =
        changeCase(letter, true).bytes() != changeCase(letter, false).bytes();
    at += step.length;
  }
  return Value(std::move(out));
}

Value TextMethod::call(const std::string &name) {
  in.charge(bytes.size());
  if (name == "strip" || name == "lstrip" || name == "rstrip")
    return strip(name != "rstrip", name != "lstrip");
  if (name == "split" || name == "rsplit")
    return split(name == "rsplit");
  if (name == "splitlines")
    return splitLines();
  if (name == "replace")
    return replace();
  if (name == "join")
    return join();
  if (name == "startswith" || name == "endswith")
    return begins(name == "startswith");
  if (name == "find" || name == "rfind")
    return find(name == "rfind");
  if (name == "partition" || name == "rpartition")
    return partition(name == "rpartition");
  if (name == "upper" || name == "lower")
    return Value(changeCase(self, name == "upper"));
  if (name == "title")
    return titled();
  if (name == "capitalize")
    return in.filter("capitalize", Value(self), {});
  if (name == "isspace")
    return every(isSpace);
  if (name == "isdigit")
    return every(isDecimal);
  if (name == "removeprefix" || name == "removesuffix") {
    const std::string &part = needed(0, "a prefix or suffix").bytes();
    if (name == "removeprefix" && bytes.starts_with(part))
      return Value(self.substr(part.size()));
    if (name == "removesuffix" && bytes.ends_with(part))
      return Value(self.substr(0, bytes.size() - part.size()));
    return Value(self);
  }
  // count
  const std::string &part = needed(0, "what to count").bytes();
  if (part.empty())
    return static_cast<int64_t>(countCharacters(bytes) + 1);
  int64_t count = 0;
  for (size_t at = 0; (at = bytes.find(part, at)) != bytes.npos;
       at += part.size())
    ++count;
  return count;
}

Value Interpreter::callMethod(const std::string &name, const Value &self,
                              const Arguments &arguments) {
  if (const Text *text = self.text())
    return TextMethod(*this, *text, arguments).call(name);
  if (const Dict *dict = self.dict()) {
    charge(dict->entries.size() * sizeof(Value));
    if (name == "get") {
      const Value *key = arguments.find(0, "key");
      if (!key)
        fail("get needs a key");
      if (const Value *found = dict->find(*key))
        return *found;
      const Value *otherwise = arguments.find(1, "default");
      return otherwise ? *otherwise : Value();
    }
    List list;
    for (const auto &[key, value] : dict->entries)
      list.push_back(name == "keys"     ? key
                     : name == "values" ? value
                                        : Value(List{key, value}, true));
    return Value(std::move(list));
  }
  const List &list = *self.list();
  const Value *wanted = arguments.find(0, "value");
  if (!wanted)
    fail(name + " needs a value");
  int64_t count = 0;
  for (size_t i = 0; i < list.size(); ++i)
    if (equals(list[i], *wanted)) {
      if (name == "index")
        return static_cast<int64_t>(i);
      ++count;
    }
  if (name == "index")
    fail("the value is not in the list");
  return count;
}
