//===- Models.cpp - the built-in model families ---------------------------===//

#include "tenon/Models/Models.h"

#include "tenon/Language/Commands.h"

#include <algorithm>
#include <mutex>

using namespace tenon;

static constexpr BuiltinModel kModels[] = {
#include "ModelTable.inc"
};

static constexpr lang::BuiltinPart kParts[] = {
#include "PartTable.inc"
};

std::span<const lang::BuiltinPart> tenon::listParts() { return kParts; }

std::span<const BuiltinModel> tenon::listModels() { return kModels; }

const BuiltinModel *tenon::findModel(std::string_view name) {
  auto found = std::find_if(
      std::begin(kModels), std::end(kModels),
      [&](const BuiltinModel &model) { return model.name == name; });
  return found == std::end(kModels) ? nullptr : found;
}

/// The model of this number, read when it is first asked for; null if it
/// doesn't parse. Syntax suffices for the declarations at the head.
static const lang::Model *parsedModel(size_t index) {
  struct Known {
    std::once_flag once;
    std::unique_ptr<lang::Model> model;
  };
  static Known known[std::size(kModels)];
  std::call_once(known[index].once, [&] {
    const BuiltinModel &model = kModels[index];
    lang::Diagnostics diagnostics;
    known[index].model = lang::parseModel(
        lang::SourceFile(std::string(model.fileName), std::string(model.text)),
        diagnostics);
  });
  return known[index].model.get();
}

template <typename Predicate>
static const BuiltinModel *findParsed(Predicate isWanted) {
  for (size_t i = 0; i < std::size(kModels); ++i)
    if (const lang::Model *parsed = parsedModel(i); parsed && isWanted(*parsed))
      return &kModels[i];
  return nullptr;
}

const BuiltinModel *tenon::findByArchitecture(std::string_view architecture) {
  return findParsed([&](const lang::Model &model) {
    return std::find(model.architectures.begin(), model.architectures.end(),
                     architecture) != model.architectures.end();
  });
}

const BuiltinModel *tenon::findByModelType(std::string_view type) {
  return findParsed(
      [&](const lang::Model &model) { return model.coversModelType(type); });
}

std::vector<std::string> tenon::architecturesOf(const BuiltinModel &model) {
  const lang::Model *parsed =
      parsedModel(static_cast<size_t>(&model - std::begin(kModels)));
  return parsed ? parsed->architectures : std::vector<std::string>();
}

std::vector<std::string> tenon::knownArchitectures() {
  std::vector<std::string> names;
  for (const BuiltinModel &model : kModels)
    if (std::vector<std::string> own = architecturesOf(model); !own.empty())
      names.insert(names.end(), own.begin(), own.end());
  std::sort(names.begin(), names.end());
  return names;
}

std::unique_ptr<lang::Model> tenon::loadModel(const BuiltinModel &model,
                                              lang::Diagnostics &diagnostics) {
  return lang::loadModelText(std::string(model.fileName),
                             std::string(model.text), diagnostics, kParts);
}

// The comment lines before the model, joined, up to the colon or full stop
// that ends what the family covers.
static std::string headline(const BuiltinModel &model) {
  std::string text;
  std::string_view rest = model.text;
  while (rest.starts_with("//")) {
    size_t end = std::min(rest.find('\n'), rest.size());
    std::string_view line = rest.substr(2, end - 2);
    line.remove_prefix(std::min(line.find_first_not_of(' '), line.size()));
    text += (text.empty() ? "" : " ") + std::string(line);
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  if (size_t source = text.find(" ("); source != std::string::npos)
    text.resize(source);
  return text;
}

std::string tenon::formatModelList() {
  std::string out;
  for (const BuiltinModel &model : kModels) {
    std::string name(model.name);
    name.resize(std::max<size_t>(name.size(), 8), ' ');
    out += name + " " + headline(model) + "\n";
    std::string architectures;
    for (const std::string &architecture : architecturesOf(model))
      architectures += (architectures.empty() ? "" : ", ") + architecture;
    out += "         " + architectures + "\n";
  }
  return out;
}
