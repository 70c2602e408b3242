//===- Strict.cpp - nothing of a model is dropped silently ----------------===//

#include "tenon/Language/Strict.h"

#include "tenon/Support/Glob.h"
#include "tenon/Support/Json.h"

#include <algorithm>
#include <cmath>

using namespace tenon;
using namespace tenon::lang;
using nlohmann::json;

//===----------------------------------------------------------------------===//
// Keys of the configuration
//===----------------------------------------------------------------------===//

namespace {

struct KeyRule {
  const char *key;
  const char *neutral; // null: any value
};

#define NEUTRAL(key, value) {key, value},
#define INERT(key) {key, nullptr},
constexpr KeyRule kKeyRules[] = {
#include "ConfigurationKeys.def"
};
#undef INERT
#undef NEUTRAL

/// A key that nothing reads.
struct Leftover {
  std::string path;
  const json *value;
};

/// The patterns of all `ignore` or all `unused` whose condition holds.
std::vector<std::string_view> patterns(const BoundModel &bound,
                                       Item::Kind kind) {
  std::vector<std::string_view> all;
  for (const Item &item : bound.model().items)
    if (item.kind == kind && (!item.expr || bound.evaluateBool(item.expr)))
      for (const StringExpr *string : item.strings)
        all.push_back(string->value);
  return all;
}

bool matchesAny(const std::vector<std::string_view> &patterns,
                std::string_view name) {
  return std::any_of(
      patterns.begin(), patterns.end(),
      [&](std::string_view pattern) { return matchesGlob(pattern, name); });
}

bool isNeutral(const json &value, const json &neutral) {
  if (value.is_array())
    return std::all_of(value.begin(), value.end(), [&](const json &element) {
      return isNeutral(element, neutral);
    });
  std::optional<double> a = asNumber(value), b = asNumber(neutral);
  return a && b ? *a == *b : value == neutral;
}

/// NaN is no value and infinity no limit; so is a pair of limits with one.
bool isUnlimited(const json &value) {
  if (value.is_array())
    return std::any_of(value.begin(), value.end(), isUnlimited);
  return value.is_number_float() && !std::isfinite(value.get<double>());
}

bool mayBeLeft(ModelKind kind, std::string_view key, const json &value) {
  if (value.is_null() || isUnlimited(value))
    return true;
  if (key == "is_causal" && kind == ModelKind::Encoder)
    return value == false;
  for (const KeyRule &rule : kKeyRules)
    if (matchesGlob(rule.key, key))
      return !rule.neutral || isNeutral(value, json::parse(rule.neutral));
  if (const std::string *text = asString(value))
    return text->empty();
  return value == false || (value.is_structured() && value.empty());
}

class KeyChecker {
public:
  KeyChecker(const BoundModel &bound, const StrictOptions &options)
      : options(options), kind(bound.kind()),
        ignored(patterns(bound, Item::Kind::Ignore)) {
    for (const ParamDecl *param : bound.model().params)
      for (std::string &path : configurationPaths(*param))
        read.insert(std::move(path));
  }

  void walk(const json &object, const std::string &prefix) {
    for (const auto &[key, value] : object.get_ref<const json::object_t &>()) {
      std::string path = prefix + key;
      if (read.count(path) || matchesAny(ignored, path) ||
          std::count(options.derivedKeys.begin(), options.derivedKeys.end(),
                     path))
        continue;
      std::string inside = path + ".";
      auto next = read.lower_bound(inside);
      auto leadsInside = [&](std::string_view pattern) {
        return pattern.starts_with(inside);
      };
      bool isEntered =
          (next != read.end() && leadsInside(*next)) ||
          std::any_of(ignored.begin(), ignored.end(), leadsInside);
      if (value.is_object() && isEntered)
        walk(value, inside);
      else if (!mayBeLeft(kind, key, value))
        leftovers.push_back({path, &value});
    }
  }

  std::set<std::string> read;
  std::vector<Leftover> leftovers;

private:
  const StrictOptions &options;
  ModelKind kind;
  std::vector<std::string_view> ignored;
};

std::string shown(const json &value) {
  constexpr size_t kLongest = 60;
  std::string text = value.dump(-1, ' ', false, json::error_handler_t::replace);
  if (text.size() <= kLongest)
    return text;
  size_t end = kLongest;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80)
    --end;
  return text.substr(0, end) + "…";
}

/// How the weights are quantized: "gptq in 4 bits".
std::string quantization(const json &value) {
  const json *method = findMember(value, "quant_method");
  const std::string *name = method ? asString(*method) : nullptr;
  std::string text = name ? *name : "an unnamed method";
  for (const char *key : {"bits", "w_bit", "num_bits"})
    if (const json *bits = findMember(value, key); bits && bits->is_number())
      return text + " in " + bits->dump() + " bits";
  if (const json *bits = findMember(value, "load_in_4bit");
      bits && *bits == true)
    text += " in 4 bits";
  return text;
}

bool isQuantization(std::string_view path) {
  return path == "quantization_config" || path == "compression_config";
}

} // namespace

bool tenon::lang::checkConfiguration(const BoundModel &bound,
                                     const Configuration &config,
                                     const StrictOptions &options,
                                     Diagnostics &diagnostics) {
  KeyChecker checker(bound, options);
  checker.walk(config.json, "");
  if (!options.readsWeights)
    std::erase_if(checker.leftovers, [](const Leftover &leftover) {
      return isQuantization(leftover.path);
    });
  std::string mend;
  Diagnostic *last = nullptr;
  std::vector<std::string_view> known(checker.read.begin(), checker.read.end());
  for (const Leftover &leftover : checker.leftovers) {
    std::string place = placeOf(config, leftover.path);
    if (isQuantization(leftover.path)) {
      diagnostics
          .report(options.severity, place,
                  "the weights are quantized by " +
                      quantization(*leftover.value) + ", which is not read")
          .note("compile the model that it was made from, with --quantize, or "
                "a GGUF file of it");
      continue;
    }
    last = &diagnostics.report(
        options.severity, place,
        "'" + leftover.path + "' is " + shown(*leftover.value) + ", and '" +
            std::string(bound.model().name) + "' doesn't read it");
    std::string_view near = nearestName(leftover.path, known);
    if (!near.empty())
      last->note("it reads '" + std::string(near) + "'");
    mend += (mend.empty() ? "\"" : ", \"") + leftover.path + "\"";
  }
  if (last && options.severity == Diagnostic::Severity::Error)
    last->note("a `param` of the description reads a key; `ignore " + mend +
               "` in it says that what is computed doesn't depend on it; "
               "--lenient compiles all the same");
  return checker.leftovers.empty() ||
         options.severity == Diagnostic::Severity::Warning;
}

//===----------------------------------------------------------------------===//
// Tensors of the checkpoint
//===----------------------------------------------------------------------===//

const std::vector<int64_t> *UsedTensors::shape(std::string_view name) const {
  const std::vector<int64_t> *found = catalog.shape(name);
  if (!found)
    return nullptr;
  used.emplace(name);
  // All that a name with `*` is made of.
  if (size_t star = name.find('*'); star != name.npos)
    for (int64_t i = 0; i < found->front(); ++i)
      used.insert(std::string(name.substr(0, star)) + std::to_string(i) +
                  std::string(name.substr(star + 1)));
  return found;
}

namespace {

/// A name with one of its numbers taken out: "model.layers.", 3, ".w".
struct Numbered {
  std::string rest; // "model.layers.{}.w"
  uint64_t number;
};

uint64_t numberOf(std::string_view digits) {
  uint64_t value = 0;
  for (char digit : digits)
    value = value * 10 + static_cast<uint64_t>(digit - '0');
  return value;
}

std::vector<Numbered> numbersIn(std::string_view name) {
  std::vector<Numbered> all;
  for (size_t begin = 0; begin < name.size();) {
    size_t end = std::min(name.find('.', begin), name.size());
    std::string_view part = name.substr(begin, end - begin);
    if (!part.empty() && part.size() < 10 &&
        part.find_first_not_of("0123456789") == std::string_view::npos)
      all.push_back({std::string(name.substr(0, begin)) + "{}" +
                         std::string(name.substr(end)),
                     numberOf(part)});
    begin = end + 1;
  }
  return all;
}

/// The names of tied copies; "{i}" stands for any layer.
bool isCopy(const BoundModel &bound, std::string_view name) {
  return std::any_of(
      bound.copyNames().begin(), bound.copyNames().end(),
      [&](std::string pattern) {
        for (size_t open; (open = pattern.find('{')) != std::string::npos;) {
          size_t close = std::min(pattern.find('}', open), pattern.size() - 1);
          pattern.replace(open, close - open + 1, "*");
        }
        return matchesGlob(pattern, name);
      });
}

} // namespace

bool tenon::lang::checkTensors(const BoundModel &bound,
                               const UsedTensors &tensors,
                               const StrictOptions &options,
                               Diagnostics &diagnostics) {
  constexpr size_t kMaxListed = 20;
  std::vector<std::string_view> unused = patterns(bound, Item::Kind::Unused);
  std::vector<std::string_view> leftovers;
  for (std::string_view name : tensors.names())
    if (!tensors.isUsed(name) && !matchesAny(unused, name) &&
        !isCopy(bound, name))
      leftovers.push_back(name);
  if (leftovers.empty())
    return true;

  auto listed = [&](std::string_view name) {
    return "'" + std::string(name) + "' " +
           formatShape(*tensors.underlying().shape(name));
  };
  std::string message =
      "nothing in '" + std::string(bound.model().name) + "' reads ";
  Diagnostic &diagnostic = diagnostics.report(
      options.severity, tensors.description(),
      message + (leftovers.size() == 1
                     ? "the tensor " + listed(leftovers.front())
                     : std::to_string(leftovers.size()) + " of " +
                           std::to_string(tensors.names().size()) +
                           " tensors: " + listed(leftovers.front())));
  size_t end = std::min(leftovers.size(), kMaxListed);
  for (size_t i = 1; i < end; ++i)
    diagnostic.note(listed(leftovers[i]));
  if (end < leftovers.size())
    diagnostic.note("… and " + std::to_string(leftovers.size() - end) +
                    " more");

  // A number beyond those that are read is another layer.
  std::map<std::string, uint64_t> last;
  for (const std::string &name : tensors.all())
    for (Numbered &part : numbersIn(name)) {
      uint64_t &most = last[std::move(part.rest)];
      most = std::max(most, part.number);
    }
  std::string_view further;
  uint64_t most = 0, found = 0;
  for (std::string_view name : leftovers)
    for (const Numbered &part : numbersIn(name))
      if (auto at = last.find(part.rest);
          at != last.end() && part.number > std::max(at->second, found)) {
        further = name;
        most = at->second;
        found = part.number;
      }
  if (!further.empty())
    diagnostic.note("the configuration has fewer layers than the file: '" +
                    std::string(further) + "' is number " +
                    std::to_string(found) + ", and the last that is read is " +
                    std::to_string(most));
  if (options.severity == Diagnostic::Severity::Error)
    diagnostic.note("a `weight` of the description reads a tensor; `unused \"" +
                    std::string(leftovers.front()) +
                    "\"` in it (`*` stands for any characters) says that none "
                    "should; --lenient compiles all the same");
  return options.severity == Diagnostic::Severity::Warning;
}
