//===- Models.cpp - the built-in model families ---------------------------===//

#include "tenon/Models/Models.h"

#include "tenon/Language/Commands.h"

#include <algorithm>

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

// Syntax suffices for the declarations at the head.
static std::unique_ptr<lang::Model> parse(const BuiltinModel &model) {
  lang::Diagnostics diagnostics;
  return lang::parseModel(
      lang::SourceFile(std::string(model.fileName), std::string(model.text)),
      diagnostics);
}

const BuiltinModel *tenon::findByArchitecture(std::string_view architecture) {
  for (const BuiltinModel &model : kModels)
    if (auto parsed = parse(model);
        parsed &&
        std::find(parsed->architectures.begin(), parsed->architectures.end(),
                  architecture) != parsed->architectures.end())
      return &model;
  return nullptr;
}

const BuiltinModel *tenon::findByModelType(std::string_view type) {
  for (const BuiltinModel &model : kModels)
    if (auto parsed = parse(model); parsed && parsed->coversModelType(type))
      return &model;
  return nullptr;
}

std::vector<std::string> tenon::architecturesOf(const BuiltinModel &model) {
  auto parsed = parse(model);
  return parsed ? parsed->architectures : std::vector<std::string>();
}

std::vector<std::string> tenon::knownArchitectures() {
  std::vector<std::string> names;
  for (const BuiltinModel &model : kModels)
    if (auto parsed = parse(model))
      names.insert(names.end(), parsed->architectures.begin(),
                   parsed->architectures.end());
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
    auto parsed = parse(model);
    std::string architectures;
    for (const std::string &architecture : parsed->architectures)
      architectures += (architectures.empty() ? "" : ", ") + architecture;
    out += "         " + architectures + "\n";
  }
  return out;
}
