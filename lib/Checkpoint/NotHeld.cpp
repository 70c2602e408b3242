//===- NotHeld.cpp - models that are told by name -------------------------===//

#include "tenon/Checkpoint/NotHeld.h"

#include "tenon/Support/Glob.h"

#include <algorithm>
#include <string>
#include <utility>

#define NOT_HELD(pattern, what) {pattern, what},
static constexpr std::pair<std::string_view, std::string_view> kNotHeld[] = {
#include "NotHeld.def"
};
#undef NOT_HELD

std::optional<std::string_view> tenon::whatIsNotHeld(std::string_view name) {
  std::string lower(name);
  std::transform(lower.begin(), lower.end(), lower.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  for (auto [pattern, what] : kNotHeld)
    if (matchesGlob(pattern, lower))
      return what;
  return std::nullopt;
}
