//===- FuzzConfig.cpp - a stranger's config.json -------------------------===//
//
// The input is a config.json. The built-in family that it names, or else one
// chosen by the input's length, is bound to it, and its weights and layers are
// counted without a checkpoint.
//
//===----------------------------------------------------------------------===//

#include "tenon/Language/Bind.h"
#include "tenon/Language/Strict.h"
#include "tenon/Models/Models.h"
#include "tenon/Support/Json.h"

#include <map>

using namespace tenon;

static const lang::Model &parsed(const BuiltinModel &family) {
  static std::map<std::string_view, std::unique_ptr<lang::Model>> known;
  std::unique_ptr<lang::Model> &model = known[family.name];
  lang::Diagnostics diagnostics;
  if (!model)
    model = loadModel(family, diagnostics);
  return *model;
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  std::string_view text(reinterpret_cast<const char *>(data), size);
  JsonOptions options;
  options.nonFinite = true;
  auto json = parseJson(text, "config.json", options);
  if (!json)
    return 0;
  const BuiltinModel *family = nullptr;
  if (const nlohmann::json *type = findMember(*json, "model_type"))
    if (const std::string *name = asString(*type))
      family = findByModelType(*name);
  if (!family)
    family = &listModels()[size % listModels().size()];
  lang::Diagnostics diagnostics;
  lang::Configuration config{*json, "config.json", text};
  auto bound = lang::bindModel(parsed(*family), config, diagnostics);
  if (!bound)
    return 0;
  (void)lang::checkConfiguration(*bound, config, {}, diagnostics);
  if (lang::resolveWeights(*bound, nullptr, diagnostics))
    for (const lang::BoundWeight &weight : bound->weights())
      if (weight.present && weight.layers <= 64)
        (void)weight.tensorNames();
  (void)diagnostics.str();
  return 0;
}
