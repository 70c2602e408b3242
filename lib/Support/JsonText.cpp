//===- JsonText.cpp - where the parts of JSON stand in its text ----------===//

#include "tenon/Support/JsonText.h"

#include <algorithm>
#include <string>

using namespace tenon;
using nlohmann::json;

namespace {

/// Walks a text that was parsed before, and beside it the value that was made
/// of it.
class PlaceFinder {
public:
  PlaceFinder(const json &part, std::string_view text)
      : part(part), text(text) {}

  /// `value` is what the text at hand became; null: it isn't known. Whether
  /// the part is there, which `at` is the place of then.
  bool find(const json *value) {
    skipBlanks();
    if (value == &part)
      return true;
    switch (at < text.size() ? text[at] : 0) {
    case '{':
      return findInMembers(value);
    case '[':
      return findInElements(value);
    case '"':
      skipString();
      return false;
    default:
      at = std::min(text.find_first_of(",]} \t\r\n", at + 1), text.size());
      return false;
    }
  }

  size_t at = 0;

private:
  void skipBlanks() {
    at = std::min(text.find_first_not_of(" \t\r\n", at), text.size());
  }
  /// Past a character, if it is the next one.
  bool take(char c) {
    skipBlanks();
    bool isIt = at < text.size() && text[at] == c;
    at += isIt;
    return isIt;
  }
  void skipString() {
    for (++at; at < text.size() && text[at] != '"'; ++at)
      if (text[at] == '\\')
        ++at;
    at = std::min(at + 1, text.size());
  }

  bool findInMembers(const json *value) {
    for (++at; !take('}') && at < text.size(); take(',')) {
      skipBlanks();
      size_t begin = at;
      skipString();
      // A key may be spelled with escapes.
      json key = json::parse(text.substr(begin, at - begin), nullptr,
                             /*allow_exceptions=*/false);
      take(':');
      const json *member = nullptr;
      if (value && value->is_object() && key.is_string())
        if (auto found = value->find(key.get_ref<const std::string &>());
            found != value->end())
          member = &*found;
      if (find(member))
        return true;
    }
    return false;
  }

  bool findInElements(const json *value) {
    ++at;
    for (size_t i = 0; !take(']') && at < text.size(); ++i, take(','))
      if (find(value && value->is_array() && i < value->size() ? &(*value)[i]
                                                               : nullptr))
        return true;
    return false;
  }

  const json &part;
  std::string_view text;
};

} // namespace

std::optional<size_t> tenon::findPlace(const json &part, const json &whole,
                                       std::string_view text) {
  PlaceFinder finder(part, text);
  return finder.find(&whole) && finder.at < text.size()
             ? std::optional(finder.at)
             : std::nullopt;
}
