//===- GgufUnread.cpp - metadata that nothing has read --------------------===//

#include "tenon/Checkpoint/Gguf.h"

#include "tenon/Support/Glob.h"
#include "tenon/Support/Strings.h"

using namespace tenon;

namespace {

struct KeyRule {
  const char *key;
  std::optional<double> neutral; // nullopt: any value
};

#define NEUTRAL(key, value) {key, value},
#define INERT(key) {key, std::nullopt},
constexpr KeyRule kKeyRules[] = {
#include "GgufKeys.def"
};
#undef INERT
#undef NEUTRAL

std::optional<double> numberOf(const GgufValue &value) {
  if (std::optional<bool> flag = value.asBool())
    return *flag ? 1.0 : 0.0;
  return value.asNumber();
}

bool mayBeLeft(std::string_view key, const GgufValue &value) {
  std::optional<double> number = numberOf(value);
  for (const KeyRule &rule : kKeyRules)
    if (matchesGlob(rule.key, key))
      return !rule.neutral || number == rule.neutral;
  // Switches that are off.
  return value.asBool() == false;
}

std::string shown(const GgufValue &value) {
  if (std::optional<std::string_view> text = value.asString())
    return quoteName(*text);
  if (std::optional<bool> flag = value.asBool())
    return *flag ? "true" : "false";
  if (std::optional<int64_t> integer = value.asInteger())
    return std::to_string(*integer);
  if (std::optional<double> number = value.asNumber())
    return std::to_string(*number);
  return value.kindName();
}

} // namespace

std::optional<Error> GgufCheckpoint::findUnread(std::string_view prefix) const {
  std::optional<Error> error;
  for (auto at = metadata.lower_bound(prefix);
       at != metadata.end() && at->first.starts_with(prefix); ++at) {
    const auto &[key, value] = *at;
    if (read.count(key) ||
        mayBeLeft(std::string_view(key).substr(prefix.size()), value))
      continue;
    std::string what = strCat("'", key, "' is ", shown(value));
    if (!error)
      error = errorAt(
          key, strCat(what, ", which is not supported for this architecture"));
    else
      error = withNote(std::move(*error), strCat("and ", what));
  }
  return error;
}
