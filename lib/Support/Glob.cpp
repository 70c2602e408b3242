//===- Glob.cpp - names with wildcards ------------------------------------===//

#include "tenon/Support/Glob.h"

#include <cstddef>

bool tenon::matchesGlob(std::string_view pattern, std::string_view text) {
  // The last star seen takes one character more whenever what follows it
  // doesn't fit; earlier stars never need to be looked at again.
  size_t p = 0, t = 0, star = std::string_view::npos, resume = 0;
  while (t < text.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      resume = t;
    } else if (p < pattern.size() && pattern[p] == text[t]) {
      ++p;
      ++t;
    } else if (star != std::string_view::npos) {
      p = star + 1;
      t = ++resume;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*')
    ++p;
  return p == pattern.size();
}
