//===- ChatTemplates.cpp - a checkpoint's chat template -------------------===//

#include "ChatTemplates.h"

#include "tenon/Checkpoint/Gguf.h"
#include "tenon/Support/MappedFile.h"
#include "tenon/Support/Strings.h"

#include <filesystem>

using namespace tenon;
using templates::ChatTemplate;
namespace fs = std::filesystem;

namespace {

struct Source {
  std::string text;
  std::string name; ///< for messages
};

/// Of named templates, a list or an object, the one called "default".
const std::string *defaultTemplate(const nlohmann::json &value) {
  if (value.is_object()) {
    const nlohmann::json *text = findMember(value, "default");
    return text ? asString(*text) : nullptr;
  }
  if (!value.is_array())
    return asString(value);
  for (const nlohmann::json &entry : value) {
    const nlohmann::json *name = findMember(entry, "name");
    const nlohmann::json *text = findMember(entry, "template");
    if (name && text && *name == "default")
      return asString(*text);
  }
  return nullptr;
}

Expected<std::optional<Source>> findSource(const ModelDirectory &directory) {
  if (directory.gguf) {
    const GgufValue *value = directory.gguf->value("tokenizer.chat_template");
    std::optional<std::string_view> text =
        value ? value->asString() : std::nullopt;
    if (!text)
      return std::optional<Source>();
    return std::optional(Source{std::string(*text),
                                directory.path + ": tokenizer.chat_template"});
  }
  fs::path folder = fs::path(directory.configPath).parent_path();
  fs::path file = folder / "chat_template.jinja";
  std::error_code failure;
  if (fs::exists(file, failure)) {
    Expected<MappedFile> mapped = MappedFile::open(file.string());
    if (!mapped)
      return mapped.takeError();
    return std::optional(Source{std::string(mapped->text()), file.string()});
  }
  const nlohmann::json *value =
      directory.tokenizerConfig
          ? findMember(*directory.tokenizerConfig, "chat_template")
          : nullptr;
  if (value && !value->is_string() && !value->is_structured())
    return withNote(errorInFile((folder / "tokenizer_config.json").string(),
                                strCat("'chat_template' is ", kindName(*value),
                                       ", a text or named texts are expected")),
                    "--lenient compiles the model without its chat template");
  const std::string *text = value ? defaultTemplate(*value) : nullptr;
  if (!text)
    return std::optional<Source>();
  return std::optional(Source{
      *text, (folder / "tokenizer_config.json").string() + ": chat_template"});
}

/// bos_token and the like: strings, or objects with "content".
void readTokens(const ModelDirectory &directory, ChatTemplate &chat) {
  for (const char *name : {"bos", "eos", "unk", "sep", "pad", "cls", "mask"}) {
    std::string key = strCat(name, "_token");
    if (directory.gguf) {
      const GgufValue *id = directory.gguf->value(
          strCat("tokenizer.ggml.",
                 std::string_view(name) == "unk"   ? "unknown"
                 : std::string_view(name) == "sep" ? "seperator" // as spelled
                 : std::string_view(name) == "pad" ? "padding"
                                                   : name,
                 "_token_id"));
      const GgufValue *pieces = directory.gguf->value("tokenizer.ggml.tokens");
      std::optional<int64_t> index = id ? id->asInteger() : std::nullopt;
      auto texts = pieces ? pieces->asStrings() : std::nullopt;
      if (index && texts && *index >= 0 &&
          *index < static_cast<int64_t>(texts->size()))
        chat.tokens.emplace_back(key, std::string((*texts)[*index]));
      continue;
    }
    const nlohmann::json *value =
        directory.tokenizerConfig ? findMember(*directory.tokenizerConfig, key)
                                  : nullptr;
    if (value && value->is_object())
      value = findMember(*value, "content");
    if (const std::string *text = value ? asString(*value) : nullptr)
      chat.tokens.emplace_back(key, *text);
  }
}

} // namespace

Expected<std::optional<ChatTemplate>>
tenon::readChatTemplate(const ModelDirectory &directory) {
  Expected<std::optional<Source>> source = findSource(directory);
  if (!source)
    return source.takeError();
  if (!*source)
    return std::optional<ChatTemplate>();
  Expected<templates::Program> program =
      templates::compileTemplate((*source)->text, (*source)->name);
  if (!program)
    return withNote(program.takeError(),
                    "--lenient compiles the model without its chat template");
  ChatTemplate chat;
  chat.program = *std::move(program);
  readTokens(directory, chat);
  return std::optional(std::move(chat));
}
