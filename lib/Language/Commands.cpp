//===- Commands.cpp - what tools do with descriptions ---------------------===//

#include "tenon/Language/Commands.h"

#include "tenon/Language/Bind.h"
#include "tenon/Language/Check.h"
#include "tenon/Language/Format.h"
#include "tenon/Language/Parser.h"
#include "tenon/Language/Strict.h"
#include "tenon/Support/Json.h"
#include "tenon/Support/MappedFile.h"

#include <nlohmann/json.hpp>

using namespace tenon::lang;

static std::unique_ptr<Model> checked(std::unique_ptr<Model> model,
                                      Diagnostics &diagnostics) {
  if (model && model->isPart) {
    diagnostics.error(model->source, model->nameRange,
                      "'" + std::string(model->name) +
                          "' is a part, which is checked and compiled in a "
                          "model that includes it");
    return nullptr;
  }
  if (model && !checkModel(*model, diagnostics))
    model.reset();
  return model;
}

std::unique_ptr<Model>
tenon::lang::loadModelFile(const std::string &path, Diagnostics &diagnostics,
                           std::span<const BuiltinPart> builtin) {
  return checked(parseModelFile(path, diagnostics, builtin), diagnostics);
}

std::unique_ptr<Model>
tenon::lang::loadModelText(std::string name, std::string text,
                           Diagnostics &diagnostics,
                           std::span<const BuiltinPart> builtin) {
  PartSources parts{std::nullopt, builtin};
  return checked(parseModel(SourceFile(std::move(name), std::move(text)),
                            diagnostics, &parts),
                 diagnostics);
}

static CommandResult result(const Diagnostics &diagnostics,
                            std::string output = {}) {
  return {diagnostics.hasErrors() ? 1 : 0, std::move(output),
          diagnostics.str()};
}

CommandResult tenon::lang::checkCommand(const std::string &path,
                                        std::span<const BuiltinPart> builtin,
                                        const std::string &configPath,
                                        bool lenient) {
  Diagnostics diagnostics;
  std::unique_ptr<Model> model = loadModelFile(path, diagnostics, builtin);
  if (!model || configPath.empty())
    return result(diagnostics);
  Expected<MappedFile> file = MappedFile::open(configPath);
  if (!file)
    return {
        static_cast<int>(file.error().code), {}, file.error().message + "\n"};
  std::string_view text(reinterpret_cast<const char *>(file->bytes().data()),
                        file->bytes().size());
  Expected<nlohmann::json> json = parseJson(text, configPath);
  if (!json)
    return {
        static_cast<int>(json.error().code), {}, json.error().message + "\n"};
  Configuration config{*json, configPath, text};
  std::optional<BoundModel> bound = bindModel(*model, config, diagnostics);
  if (bound)
    checkConfiguration(
        *bound, config,
        {lenient ? Diagnostic::Severity::Warning : Diagnostic::Severity::Error},
        diagnostics);
  return result(diagnostics);
}

CommandResult tenon::lang::formatCommand(const std::string &path) {
  Diagnostics diagnostics;
  std::unique_ptr<Model> model = parseModelFile(path, diagnostics);
  return result(diagnostics, model ? formatModel(*model) : std::string());
}
