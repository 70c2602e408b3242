//===- LabelNames.cpp - what labels are called ----------------------------===//
#include "LabelNames.h"

#include "Json.h"

#include "tenon/Support/Json.h"
#include "tenon/Support/Strings.h"

#include <algorithm>

using namespace tenon;
using namespace tenon::runtime;

static std::string defaultName(size_t number) {
  return strCat("LABEL_", number);
}

Expected<int32_t> LabelNames::find(const std::string &name) const {
  auto found = std::ranges::find(names, name);
  if (found != names.end())
    return static_cast<int32_t>(found - names.begin());
  std::string known;
  for (size_t i = 0; i < names.size() && i < 10; ++i)
    known += (i ? ", " : "") + quoteName(names[i]);
  if (names.size() > 10)
    known += ", ...";
  return withNote(plainError(strCat("the label ", quoteName(name),
                                    " is none of the model's")),
                  names.empty() ? "its labels have no names: data say numbers"
                                : "they are " + known);
}

void LabelNames::choose(std::vector<std::string> found, int64_t classes) {
  names = std::move(found);
  while (names.size() < static_cast<size_t>(classes))
    names.push_back(defaultName(names.size()));
  areOpen = false;
}

/// The names in id2label of a configuration; empty if it has none.
static std::vector<std::string> namesIn(const nlohmann::json &config) {
  const nlohmann::json *ids = findMember(config, "id2label");
  std::vector<std::string> names;
  for (size_t i = 0; ids && i < ids->size(); ++i) {
    const nlohmann::json *name = findMember(*ids, std::to_string(i).c_str());
    if (!name || !asString(*name))
      return {};
    names.push_back(*asString(*name));
  }
  return names;
}

Expected<LabelNames>
tenon::runtime::readLabelNames(const TrainingInfo &info,
                               const std::string &directory) {
  LabelNames labels;
  labels.names = info.labels;
  // Adapters come without a configuration.
  bool isWhole = std::ranges::any_of(
      info.files, [](const auto &file) { return file.name == "config.json"; });
  if (!directory.empty() && !info.labels.empty() && isWhole) {
    std::string path = directory + "/config.json";
    auto config = parseJsonFile(path);
    if (!config)
      return config.takeError();
    std::vector<std::string> names = namesIn(*config);
    if (names.size() != info.labels.size())
      return errorInFile(path, strCat("it has ", names.size(),
                                      " labels, and the program ",
                                      info.labels.size()));
    labels.names = std::move(names);
  }
  labels.areOpen = !labels.names.empty();
  for (size_t i = 0; i < labels.names.size(); ++i)
    labels.areOpen &= labels.names[i] == defaultName(i);
  return labels;
}

std::string
tenon::runtime::withLabelNames(const std::string &config,
                               const std::vector<std::string> &names) {
  OrderedJson root = OrderedJson::parse(config, nullptr, false);
  if (!root.is_object())
    return config;
  OrderedJson ids = OrderedJson::object(), numbers = ids;
  for (size_t i = 0; i < names.size(); ++i) {
    ids[std::to_string(i)] = names[i];
    numbers[names[i]] = i;
  }
  root["id2label"] = std::move(ids);
  root["label2id"] = std::move(numbers);
  return root.dump(2) + "\n";
}
