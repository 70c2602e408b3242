//===- TensorNames.cpp - patterns of tensors' names -----------------------===//

#include "TensorNames.h"

#include <algorithm>
#include <cstddef>

using namespace tenon::lang;

/// The next "{a|b}" from `at` on: the places of its braces.
static bool findParts(std::string_view pattern, size_t at, size_t &open,
                      size_t &close) {
  for (;;) {
    open = pattern.find('{', at);
    close = open == std::string_view::npos ? open : pattern.find('}', open);
    if (close == std::string_view::npos)
      return false;
    if (pattern.substr(open, close - open).find('|') != std::string_view::npos)
      return true;
    at = close + 1;
  }
}

std::vector<unsigned> tenon::lang::countParts(std::string_view pattern) {
  std::vector<unsigned> counts;
  for (size_t open, close = 0; findParts(pattern, close, open, close);)
    counts.push_back(
        1 + static_cast<unsigned>(std::count(
                pattern.begin() + static_cast<std::ptrdiff_t>(open),
                pattern.begin() + static_cast<std::ptrdiff_t>(close), '|')));
  return counts;
}

std::string tenon::lang::ownPattern(std::string_view pattern, unsigned place) {
  std::string out;
  size_t at = 0;
  for (size_t open, close; findParts(pattern, at, open, close);
       at = close + 1) {
    out += pattern.substr(at, open - at);
    std::string_view parts = pattern.substr(open + 1, close - open - 1);
    for (unsigned i = 0; i < place; ++i)
      parts.remove_prefix(std::min(parts.find('|'), parts.size() - 1) + 1);
    out += parts.substr(0, parts.find('|'));
  }
  return out + std::string(pattern.substr(at));
}

void tenon::lang::expandChoices(const std::string &name,
                                std::vector<std::string> &out) {
  size_t open = name.find('['), close = name.find(']');
  if (open == std::string::npos) {
    out.push_back(name);
    return;
  }
  std::string choices = name.substr(open + 1, close - open - 1) + "|";
  if (std::count(choices.begin(), choices.end(), '|') == 1)
    choices += "|"; // a single choice may be left out
  for (size_t begin = 0; begin < choices.size();) {
    size_t end = choices.find('|', begin);
    expandChoices(name.substr(0, open) + choices.substr(begin, end - begin) +
                      name.substr(close + 1),
                  out);
    begin = end + 1;
  }
}
