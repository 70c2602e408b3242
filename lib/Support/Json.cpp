//===- Json.cpp - strict JSON --------------------------------------------===//
//
// nlohmann's event parser does the syntax; it works without recursion. What it
// lets pass (duplicate keys) or does not bound (depth) is refused here.
//
//===----------------------------------------------------------------------===//

#include "tenon/Support/Json.h"

#include "tenon/Support/MappedFile.h"
#include "tenon/Support/Strings.h"

#include <cmath>
#include <iterator>
#include <limits>
#include <new>
#include <vector>

using namespace tenon;
using nlohmann::json;

namespace {

// Walks the text and leaves its position where the builder can see it, since
// events come without one.
class Cursor {
public:
  using iterator_category = std::input_iterator_tag;
  using value_type = char;
  using difference_type = std::ptrdiff_t;
  using pointer = const char *;
  using reference = const char &;

  Cursor(const char *at, const char **seen) : at(at), seen(seen) {}
  reference operator*() const { return *at; }
  Cursor &operator++() {
    ++at;
    if (seen)
      *seen = at;
    return *this;
  }
  Cursor operator++(int) {
    Cursor old = *this;
    ++*this;
    return old;
  }
  bool operator==(const Cursor &other) const { return at == other.at; }
  bool operator!=(const Cursor &other) const { return at != other.at; }

private:
  const char *at;
  const char **seen;
};

/// Builds the value from the parser's events.
class Builder {
public:
  /// `parsed` is what the parser sees of `text`, of the same length.
  Builder(std::string_view text, const char *parsed, const char *const *seen,
          const JsonOptions &options)
      : text(text), parsed(parsed), seen(seen), options(options) {}

  bool null() { return add(nullptr); }
  bool boolean(bool value) { return add(value); }
  bool number_integer(json::number_integer_t value) { return add(value); }
  bool number_unsigned(json::number_unsigned_t value) { return add(value); }
  bool number_float(json::number_float_t value, const json::string_t &) {
    return add(value);
  }
  bool string(json::string_t &value) {
    // Not a string in the file; see spellNonFinite.
    if (options.nonFinite && text[offset() - 1] != '"')
      return add(value[0] == 'N'   ? std::numeric_limits<double>::quiet_NaN()
                 : value[0] == 'I' ? std::numeric_limits<double>::infinity()
                                   : -std::numeric_limits<double>::infinity());
    return add(std::move(value));
  }
  bool binary(json::binary_t &) { return fail(offset(), "binary value"); }
  bool start_object(size_t) { return enter(json::object()); }
  bool start_array(size_t) { return enter(json::array()); }
  bool end_object() { return leave(); }
  bool end_array() { return leave(); }

  bool key(json::string_t &name) {
    if (text[offset() - 1] != '"')
      return fail(keyStart(), "invalid JSON: a key is a string");
    auto &object = *open.back()->get_ptr<json::object_t *>();
    auto [where, isNew] = object.emplace(std::move(name), nullptr);
    if (!isNew)
      return fail(keyStart(),
                  strCat("the key ", quoteName(where->first), " occurs twice"));
    slot = &where->second;
    return true;
  }

  template <class Exception>
  bool parse_error(size_t position, const std::string &lastToken,
                   const Exception &exception) {
    // "[json.exception.parse_error.101] parse error at line 1, column 2:
    // syntax error while parsing value - …"; the place is told in our way.
    std::string_view what = exception.what();
    for (std::string_view cut :
         {"syntax error while parsing ", "[json.exception.out_of_range.406] "})
      if (size_t start = what.find(cut); start != what.npos)
        what = what.substr(start + cut.size());
    return fail(position == 0 ? offset() : position - 1,
                strCat("invalid JSON: ", what));
  }

  json value;
  bool failed = false;
  size_t failedAt = 0;
  std::string message;

private:
  size_t offset() const { return static_cast<size_t>(*seen - parsed); }

  // The place of the string token that has just been read to its end.
  size_t keyStart() const {
    size_t quote = text.rfind('"', offset() - 1);
    while (quote != text.npos && quote > 0) {
      quote = text.rfind('"', quote - 1);
      if (quote == text.npos)
        break;
      size_t slashes = 0;
      while (slashes < quote && text[quote - 1 - slashes] == '\\')
        ++slashes;
      if (slashes % 2 == 0)
        return quote;
    }
    return offset();
  }

  bool fail(size_t at, std::string why) {
    failed = true;
    failedAt = at;
    message = std::move(why);
    return false;
  }

  // Where the next value goes.
  json *place(json &&item) {
    if (open.empty()) {
      value = std::move(item);
      return &value;
    }
    if (auto *array = open.back()->get_ptr<json::array_t *>()) {
      if (array->size() >= options.maxArraySize) {
        fail(offset(), strCat("an array of more than ", options.maxArraySize,
                              " elements"));
        return nullptr;
      }
      array->push_back(std::move(item));
      return &array->back();
    }
    *slot = std::move(item);
    return slot;
  }

  bool add(json item) { return place(std::move(item)) != nullptr; }

  bool enter(json container) {
    if (open.size() >= options.maxDepth)
      return fail(offset() - 1,
                  strCat("objects and arrays are nested deeper than ",
                         options.maxDepth, " levels"));
    json *where = place(std::move(container));
    if (!where)
      return false;
    open.push_back(where);
    return true;
  }

  // Pointers to enclosing containers stay valid: an array grows only while it
  // is the innermost one.
  bool leave() {
    open.pop_back();
    return true;
  }

  std::string_view text;
  const char *parsed;
  const char *const *seen;
  const JsonOptions &options;
  std::vector<json *> open;
  json *slot = nullptr;
};

} // namespace

// The parser knows no infinite numbers. They become strings of the same length,
// so that places stay right; the builder tells them by the file's own text.
static std::string spellNonFinite(std::string_view text) {
  std::string copy(text);
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '"') {
      for (++i; i < text.size() && text[i] != '"'; ++i)
        if (text[i] == '\\')
          ++i;
      continue;
    }
    for (std::string_view word : {"NaN", "Infinity", "-Infinity"})
      if (text.substr(i).starts_with(word)) {
        copy[i] = copy[i + word.size() - 1] = '"';
        copy[i + 1] = word[0];
        i += word.size() - 1;
        break;
      }
  }
  return copy;
}

Expected<json> tenon::parseJson(std::string_view text,
                                std::string_view filename,
                                const JsonOptions &options) {
  auto errorHere = [&](size_t offset, std::string_view message) {
    if (options.binaryOffset)
      return errorAtOffset(filename, *options.binaryOffset + offset, message);
    return errorInText(filename, text, offset, message);
  };
  // The parser would take it for the end of the text.
  if (size_t nul = text.find('\0'); nul != text.npos)
    return errorHere(nul, "invalid JSON: a NUL byte");

  std::string copy;
  std::string_view parsed = text;
  if (options.nonFinite)
    parsed = copy = spellNonFinite(text);
  const char *seen = parsed.data();
  Builder builder(text, parsed.data(), &seen, options);
  bool done = false;
  try {
    Cursor first(parsed.data(), &seen),
        last(parsed.data() + parsed.size(), nullptr);
    done = json::sax_parse(first, last, &builder);
  } catch (const std::bad_alloc &) {
    return errorInFile(filename, "not enough memory to read it",
                       ExitCode::OutOfResource);
  }
  if (done && !builder.failed)
    return std::move(builder.value);
  return errorHere(builder.failedAt, builder.message);
}

Expected<json> tenon::parseJsonFile(const std::string &path,
                                    const JsonOptions &options) {
  Expected<MappedFile> file = MappedFile::open(path);
  if (!file)
    return file.takeError();
  return parseJson(file->text(), path, options);
}

const json *tenon::findMember(const json &value, std::string_view key) {
  auto *object = value.get_ptr<const json::object_t *>();
  if (!object)
    return nullptr;
  auto member = object->find(std::string(key));
  if (member == object->end() || member->second.is_null())
    return nullptr;
  return &member->second;
}

const json *tenon::findPath(const json &value, std::string_view path) {
  const json *at = &value;
  while (at) {
    size_t dot = path.find('.');
    at = findMember(*at, path.substr(0, dot));
    if (dot == std::string_view::npos)
      return at;
    path.remove_prefix(dot + 1);
  }
  return nullptr;
}

bool tenon::isNullAt(const json &value, std::string_view path) {
  size_t dot = path.rfind('.');
  const json *object =
      dot == path.npos ? &value : findPath(value, path.substr(0, dot));
  if (!object || !object->is_object())
    return false;
  auto member = object->find(std::string(path.substr(dot + 1))); // npos + 1 is 0
  return member != object->end() && member->is_null();
}

std::optional<int64_t> tenon::asInteger(const json &value) {
  if (auto *number = value.get_ptr<const json::number_unsigned_t *>()) {
    if (*number > static_cast<uint64_t>(INT64_MAX))
      return std::nullopt;
    return static_cast<int64_t>(*number);
  }
  if (auto *number = value.get_ptr<const json::number_integer_t *>())
    return *number;
  if (auto *number = value.get_ptr<const json::number_float_t *>())
    if (std::trunc(*number) == *number && std::fabs(*number) < 0x1p63)
      return static_cast<int64_t>(*number);
  return std::nullopt;
}

std::optional<double> tenon::asNumber(const json &value) {
  if (auto *number = value.get_ptr<const json::number_float_t *>())
    return *number;
  if (auto *number = value.get_ptr<const json::number_unsigned_t *>())
    return static_cast<double>(*number);
  if (auto *number = value.get_ptr<const json::number_integer_t *>())
    return static_cast<double>(*number);
  return std::nullopt;
}

std::optional<bool> tenon::asBool(const json &value) {
  if (auto *flag = value.get_ptr<const json::boolean_t *>())
    return *flag;
  return std::nullopt;
}

const std::string *tenon::asString(const json &value) {
  return value.get_ptr<const json::string_t *>();
}

const char *tenon::kindName(const json &value) {
  switch (value.type()) {
  case json::value_t::object:
    return "an object";
  case json::value_t::array:
    return "an array";
  case json::value_t::string:
    return "a string";
  case json::value_t::boolean:
    return "a boolean";
  case json::value_t::number_integer:
  case json::value_t::number_unsigned:
  case json::value_t::number_float:
    return "a number";
  default:
    return "null";
  }
}
