//===- TokenizerDirectory.cpp - a Hugging Face directory's tokenizer -----===//
//
// Several files together define a tokenizer. tokenizer.json comes first where
// it is; tokenizer_config.json then changes it, in the way of Transformers 5
// (tokenization_utils_tokenizers.py). Without it the files of the original
// tokenizers are read, and the class in tokenizer_config.json says what else
// belongs to them.
//
//===----------------------------------------------------------------------===//

#include "SentencePieceModel.h"
#include "TokenizerJson.h"

#include "tenon/Support/Json.h"
#include "tenon/Support/MappedFile.h"
#include "tenon/Support/Strings.h"
#include "tenon/Tokenizer/Tokenizer.h"

#include <algorithm>
#include <deque>
#include <filesystem>

using namespace tenon;
using nlohmann::json;
namespace fs = std::filesystem;

// Qwen2's pattern, from its tokenization_qwen2.py.
static constexpr std::string_view qwenPattern =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";

namespace {

class DirectoryReader {
public:
  explicit DirectoryReader(const std::string &directory)
      : directory(directory) {}
  Expected<std::unique_ptr<Tokenizer>> read();

private:
  std::optional<std::string> find(std::string_view name) const {
    std::error_code ignored;
    fs::path path = fs::path(directory) / name;
    return fs::exists(path, ignored) ? std::optional(path.string())
                                     : std::nullopt;
  }
  Status readConfig();
  std::string token(std::string_view key) const;
  std::vector<std::pair<int64_t, const json *>> addedTokens() const;

  Expected<std::unique_ptr<Tokenizer>> fromJson(const std::string &path);
  Expected<std::unique_ptr<Tokenizer>> fromPieces(const std::string &path);
  Expected<std::unique_ptr<Tokenizer>> fromMerges(const std::string &vocab,
                                                  const std::string &merges);
  Expected<std::unique_ptr<Tokenizer>> fromWords(const std::string &path);
  Expected<std::unique_ptr<Tokenizer>> build(json file, const JsonPlace &place);
  void applyNormalizer(json &normalizer) const;
  void applyAddedTokens(json &file) const;
  Status applyAffixes(TokenizerModel &model) const;
  Status alignPieces(GgufVocabulary &vocabulary);

  std::string directory, configPath;
  json config = json::object();
  std::string className;        // of the tokenizer, without "Fast"
  std::deque<std::string> made; // texts that a vocabulary refers to
};

} // namespace

Status DirectoryReader::readConfig() {
  std::optional<std::string> path = find("tokenizer_config.json");
  if (!path)
    return Status::success();
  configPath = *path;
  Expected<json> read = parseJsonFile(*path);
  if (!read)
    return read.takeError();
  config = *std::move(read);
  if (!config.is_object())
    return errorInFile(configPath, "expected an object");
  className = stringMember(config, "tokenizer_class");
  if (className.ends_with("Fast"))
    className.resize(className.size() - 4);
  return Status::success();
}

// "<s>", or an object that has it as "content".
static std::string contentOf(const json *value) {
  if (!value)
    return {};
  if (const std::string *text = asString(*value))
    return *text;
  return stringMember(*value, "content");
}

std::string DirectoryReader::token(std::string_view key) const {
  return contentOf(findMember(config, key));
}

// "added_tokens_decoder", by id.
std::vector<std::pair<int64_t, const json *>>
DirectoryReader::addedTokens() const {
  std::vector<std::pair<int64_t, const json *>> list;
  const json *tokens = findMember(config, "added_tokens_decoder");
  if (!tokens || !tokens->is_object())
    return list;
  for (const auto &[key, value] : *tokens->get_ptr<const json::object_t *>())
    if (!key.empty() && key.size() < 10 &&
        std::all_of(key.begin(), key.end(),
                    [](char c) { return c >= '0' && c <= '9'; }))
      list.push_back({std::stoll(key), &value});
  std::sort(list.begin(), list.end(),
            [](const auto &a, const auto &b) { return a.first < b.first; });
  return list;
}

// BERT's options; in a sequence too.
void DirectoryReader::applyNormalizer(json &normalizer) const {
  if (json *steps = const_cast<json *>(findMember(normalizer, "normalizers"));
      steps && steps->is_array())
    for (json &step : *steps)
      applyNormalizer(step);
  if (stringMember(normalizer, "type") != "BertNormalizer")
    return;
  for (auto [key, to] :
       {std::pair("do_lower_case", "lowercase"),
        std::pair("strip_accents", "strip_accents"),
        std::pair("tokenize_chinese_chars", "handle_chinese_chars")})
    if (config.contains(key) &&
        (config[key].is_boolean() ||
         (config[key].is_null() && to == std::string_view("strip_accents"))))
      normalizer[to] = config[key];
}

void DirectoryReader::applyAddedTokens(json &file) const {
  json &list = file["added_tokens"];
  if (!list.is_array())
    list = json::array();
  auto byContent = [&](const std::string &content) -> json * {
    for (json &entry : list)
      if (stringMember(entry, "content") == content)
        return &entry;
    return nullptr;
  };
  for (auto [id, value] : addedTokens()) {
    std::string content = contentOf(value);
    if (content.empty())
      continue;
    json *entry = byContent(content);
    if (!entry) {
      list.push_back({{"id", id}, {"content", content}});
      entry = &list.back();
    }
    for (const char *flag :
         {"single_word", "lstrip", "rstrip", "normalized", "special"})
      if (value->contains(flag) && (*value)[flag].is_boolean())
        (*entry)[flag] = (*value)[flag];
  }
  // Tokens with a part to play are special.
  const json *model = findMember(file, "model");
  const json *vocab = model ? findMember(*model, "vocab") : nullptr;
  for (const char *key : {"bos_token", "eos_token", "unk_token", "sep_token",
                          "pad_token", "cls_token", "mask_token"}) {
    std::string content = token(key);
    if (content.empty())
      continue;
    if (json *entry = byContent(content)) {
      (*entry)["special"] = true;
      continue;
    }
    const json *id =
        vocab && vocab->is_object() ? findMember(*vocab, content) : nullptr;
    if (id && id->is_number_integer())
      list.push_back({{"id", *id},
                      {"content", content},
                      {"special", true},
                      {"normalized", false}});
  }
}

// add_bos_token and add_eos_token, where one is given, replace what the file
// puts around a text.
Status DirectoryReader::applyAffixes(TokenizerModel &model) const {
  if (!findMember(config, "add_bos_token") &&
      !findMember(config, "add_eos_token"))
    return Status::success();
  auto idOf = [&](const std::string &content) -> int32_t {
    for (const AddedToken &token : model.added)
      if (token.content == content)
        return token.id;
    for (size_t id = 0; id < model.pieces.size(); ++id)
      if (model.pieces[id] == content)
        return static_cast<int32_t>(id);
    return -1;
  };
  model.prefix.clear();
  model.suffix.clear();
  for (auto [flag, key, affix] :
       {std::tuple("add_bos_token", "bos_token", &model.prefix),
        std::tuple("add_eos_token", "eos_token", &model.suffix)}) {
    std::string content = token(key);
    if (!boolMember(config, flag, false) || content.empty())
      continue;
    int32_t id = idOf(content);
    if (id < 0)
      return errorInFile(configPath,
                         strCat("the ", key, ' ', quoteName(content),
                                " is not in the vocabulary"));
    affix->push_back(id);
  }
  return Status::success();
}

Expected<std::unique_ptr<Tokenizer>>
DirectoryReader::build(json file, const JsonPlace &place) {
  if (json *normalizer = const_cast<json *>(findMember(file, "normalizer")))
    applyNormalizer(*normalizer);
  json *cut = const_cast<json *>(findMember(file, "pre_tokenizer"));
  if (cut && stringMember(*cut, "type") == "ByteLevel" &&
      config.contains("add_prefix_space") &&
      config["add_prefix_space"].is_boolean())
    (*cut)["add_prefix_space"] = config["add_prefix_space"];
  if (file.is_object())
    applyAddedTokens(file);
  TokenizerModel model;
  if (Status status =
          readTokenizerJson(file, {place.text, place.filename, &file}, model);
      !status)
    return status.takeError();
  if (Status status = applyAffixes(model); !status)
    return status.takeError();
  return Tokenizer::fromModel(std::move(model), place.filename);
}

Expected<std::unique_ptr<Tokenizer>>
DirectoryReader::fromJson(const std::string &path) {
  Expected<MappedFile> file = MappedFile::open(path);
  if (!file)
    return file.takeError();
  Expected<json> read = parseJson(file->text(), path);
  if (!read)
    return read.takeError();
  return build(*std::move(read), {file->text(), path});
}

//===----------------------------------------------------------------------===//
// SentencePiece
//===----------------------------------------------------------------------===//

// Some classes number the pieces otherwise, or have tokens more.
Status DirectoryReader::alignPieces(GgufVocabulary &vocabulary) {
  auto add = [&](std::string text, int64_t type) {
    vocabulary.tokens.push_back(made.emplace_back(std::move(text)));
    vocabulary.scores.push_back(0);
    vocabulary.types.push_back(type);
  };
  constexpr int64_t control = 3, user = 4;
  if (className == "T5" || className == "T5Tokenizer" ||
      className == "MT5Tokenizer") {
    int64_t extra = 100;
    if (const json *value = findMember(config, "extra_ids"))
      extra = std::clamp<int64_t>(asInteger(*value).value_or(100), 0, 2048);
    for (int64_t i = extra; i-- > 0;)
      add(strCat("<extra_id_", i, ">"), control);
    vocabulary.addEos = true;
  } else if (className.starts_with("XLMRoberta")) {
    // fairseq's: <s> <pad> </s> <unk>, then the pieces after the first three.
    GgufVocabulary old = std::move(vocabulary);
    vocabulary = old;
    vocabulary.tokens.clear();
    vocabulary.scores.clear();
    vocabulary.types.clear();
    for (const char *name : {"<s>", "<pad>", "</s>"})
      add(name, control);
    add("<unk>", 2);
    for (size_t i = 3; i < old.tokens.size(); ++i) {
      vocabulary.tokens.push_back(old.tokens[i]);
      vocabulary.scores.push_back(old.scores[i]);
      vocabulary.types.push_back(old.types[i]);
    }
    add("<mask>", control);
    vocabulary.bos = 0, vocabulary.eos = 2, vocabulary.unknown = 3;
    vocabulary.addBos = vocabulary.addEos = true;
  } else if (className.starts_with("Llama") ||
             className.starts_with("CodeLlama") ||
             className.starts_with("Gemma")) {
    vocabulary.addBos = true;
  } else if (className.starts_with("MBart") || className.starts_with("Nllb") ||
             className.starts_with("Camembert") ||
             className.starts_with("Barthez") ||
             className.starts_with("Pegasus") ||
             className.starts_with("Albert") ||
             className.starts_with("Deberta") ||
             className.starts_with("XLNet") ||
             className.starts_with("M2M100") ||
             className.starts_with("Marian")) {
    return withNote(
        errorInFile(configPath,
                    strCat("the tokenizer class ", quoteName(className),
                           " changes the SentencePiece model in ways that "
                           "aren't known here")),
        "save the tokenizer with Transformers, which writes tokenizer.json");
  }
  for (auto [id, value] : addedTokens()) {
    std::string content = contentOf(value);
    if (content.empty() || id > static_cast<int64_t>(vocabulary.tokens.size()))
      continue;
    if (id < static_cast<int64_t>(vocabulary.tokens.size())) {
      if (vocabulary.tokens[id] == content && vocabulary.types[id] == 1)
        vocabulary.types[id] =
            boolMember(*value, "special", false) ? control : user;
      continue;
    }
    add(std::move(content),
        boolMember(*value, "special", false) ? control : user);
  }
  return Status::success();
}

Expected<std::unique_ptr<Tokenizer>>
DirectoryReader::fromPieces(const std::string &path) {
  Expected<MappedFile> file = MappedFile::open(path);
  if (!file)
    return file.takeError();
  Expected<GgufVocabulary> vocabulary =
      readSentencePieceModel(file->text(), path);
  if (!vocabulary)
    return vocabulary.takeError();
  if (Status status = alignPieces(*vocabulary); !status)
    return status.takeError();
  if (findMember(config, "add_bos_token") ||
      findMember(config, "add_eos_token")) {
    vocabulary->addBos = boolMember(config, "add_bos_token", false);
    vocabulary->addEos = boolMember(config, "add_eos_token", false);
  }
  if (config.contains("add_prefix_space") &&
      config["add_prefix_space"].is_boolean())
    vocabulary->addSpacePrefix = config["add_prefix_space"].get<bool>();
  return Tokenizer::fromGguf(*vocabulary, path);
}

//===----------------------------------------------------------------------===//
// vocab.json with merges.txt, vocab.txt
//===----------------------------------------------------------------------===//

static json special(const std::string &content) {
  return {{"SpecialToken", {{"id", content}, {"type_id", 0}}}};
}

// "[CLS] A [SEP]", and "[CLS] A [SEP] B [SEP]" of two texts, or
// "<s> A </s> </s> B </s>".
static json around(const std::string &first, const json &firstId,
                   const std::string &last, const json &lastId,
                   bool twice = false) {
  auto text = [](const char *name, int type) -> json {
    return {{"Sequence", {{"id", name}, {"type_id", type}}}};
  };
  auto entry = [](const std::string &name, const json &id) -> json {
    return {{"id", name},
            {"ids", json::array({id})},
            {"tokens", json::array({name})}};
  };
  json end = special(last);
  end["SpecialToken"]["type_id"] = twice ? 0 : 1;
  json pair = json::array({special(first), text("A", 0), special(last)});
  if (twice)
    pair.push_back(special(last));
  pair.push_back(text("B", twice ? 0 : 1));
  pair.push_back(end);
  return {
      {"type", "TemplateProcessing"},
      {"single", json::array({special(first), text("A", 0), special(last)})},
      {"pair", pair},
      {"special_tokens",
       {{first, entry(first, firstId)}, {last, entry(last, lastId)}}}};
}

Expected<std::unique_ptr<Tokenizer>>
DirectoryReader::fromMerges(const std::string &vocabPath,
                            const std::string &mergesPath) {
  static constexpr std::string_view gpt2Like[] = {"",
                                                  "GPT2Tokenizer",
                                                  "RobertaTokenizer",
                                                  "BartTokenizer",
                                                  "LongformerTokenizer",
                                                  "CodeGenTokenizer",
                                                  "OPTTokenizer",
                                                  "BlenderbotTokenizer",
                                                  "LEDTokenizer"};
  bool isQwen = className == "Qwen2Tokenizer";
  bool isRoberta =
      className == "RobertaTokenizer" || className == "BartTokenizer" ||
      className == "LongformerTokenizer" || className == "LEDTokenizer";
  if (!isQwen && std::find(std::begin(gpt2Like), std::end(gpt2Like),
                           className) == std::end(gpt2Like))
    return withNote(
        errorInFile(configPath,
                    strCat("the tokenizer class ", quoteName(className),
                           " is not known for vocab.json with "
                           "merges.txt")),
        "save the tokenizer with Transformers, which writes tokenizer.json");
  Expected<json> vocab = parseJsonFile(vocabPath);
  if (!vocab)
    return vocab.takeError();
  Expected<MappedFile> merges = MappedFile::open(mergesPath);
  if (!merges)
    return merges.takeError();
  json list = json::array();
  std::string_view rest = merges->text();
  for (bool first = true; !rest.empty(); first = false) {
    size_t end = rest.find('\n');
    std::string_view line = rest.substr(0, end);
    rest.remove_prefix(end == rest.npos ? rest.size() : end + 1);
    if (line.ends_with('\r'))
      line.remove_suffix(1);
    if (line.empty() || (first && line.starts_with("#version")))
      continue;
    list.push_back(std::string(line));
  }
  json byteLevel = {{"type", "ByteLevel"},
                    {"add_prefix_space", false},
                    {"use_regex", !isQwen}};
  json cut = byteLevel;
  if (isQwen)
    cut = {
        {"type", "Sequence"},
        {"pretokenizers", json::array({{{"type", "Split"},
                                        {"pattern", {{"Regex", qwenPattern}}},
                                        {"behavior", "Isolated"}},
                                       byteLevel})}};
  json file = {
      {"model", {{"type", "BPE"}, {"vocab", *vocab}, {"merges", list}}},
      {"pre_tokenizer", cut},
      {"decoder", {{"type", "ByteLevel"}}}};
  if (isQwen)
    file["normalizer"] = {{"type", "NFC"}};
  if (!config.contains("eos_token") && vocab->contains("<|endoftext|>"))
    config["eos_token"] = "<|endoftext|>";
  if (isRoberta) {
    std::string first = token("cls_token"), last = token("sep_token");
    if (first.empty())
      first = "<s>";
    if (last.empty())
      last = "</s>";
    if (!vocab->contains(first) || !vocab->contains(last))
      return errorInFile(vocabPath,
                         strCat("the tokens ", quoteName(first), " and ",
                                quoteName(last), " are not both there"));
    for (auto [key, name] :
         {std::pair("cls_token", first), std::pair("sep_token", last),
          std::pair("unk_token", std::string("<unk>")),
          std::pair("pad_token", std::string("<pad>")),
          std::pair("mask_token", std::string("<mask>"))})
      if (!config.contains(key))
        config[key] = name;
    file["post_processor"] =
        around(first, (*vocab)[first], last, (*vocab)[last], true);
  }
  return build(std::move(file), {{}, vocabPath});
}

Expected<std::unique_ptr<Tokenizer>>
DirectoryReader::fromWords(const std::string &path) {
  Expected<MappedFile> words = MappedFile::open(path);
  if (!words)
    return words.takeError();
  json vocab = json::object();
  std::string_view rest = words->text();
  for (int64_t id = 0; !rest.empty(); ++id) {
    size_t end = rest.find('\n');
    std::string_view line = rest.substr(0, end);
    rest.remove_prefix(end == rest.npos ? rest.size() : end + 1);
    if (line.ends_with('\r'))
      line.remove_suffix(1);
    vocab[std::string(line)] = id; // of equal words the last, as in Python
  }
  for (auto [key, name] :
       {std::pair("unk_token", "[UNK]"), std::pair("cls_token", "[CLS]"),
        std::pair("sep_token", "[SEP]"), std::pair("pad_token", "[PAD]"),
        std::pair("mask_token", "[MASK]")})
    if (!config.contains(key))
      config[key] = name;
  std::string cls = token("cls_token"), sep = token("sep_token");
  for (const std::string &name : {cls, sep, token("unk_token")})
    if (!vocab.contains(name))
      return errorInFile(path, strCat("the token ", quoteName(name),
                                      " is not in the vocabulary"));
  json file = {{"model",
                {{"type", "WordPiece"},
                 {"unk_token", token("unk_token")},
                 {"vocab", vocab}}},
               {"normalizer", {{"type", "BertNormalizer"}}},
               {"pre_tokenizer", {{"type", "BertPreTokenizer"}}},
               {"post_processor", around(cls, vocab[cls], sep, vocab[sep])},
               {"decoder", {{"type", "WordPiece"}}}};
  return build(std::move(file), {{}, path});
}

Expected<std::unique_ptr<Tokenizer>> DirectoryReader::read() {
  if (Status status = readConfig(); !status)
    return status.takeError();
  if (auto path = find("tokenizer.json"))
    return fromJson(*path);
  for (const char *name : {"tokenizer.model", "spiece.model",
                           "sentencepiece.bpe.model", "sentencepiece.model"})
    if (auto path = find(name))
      return fromPieces(*path);
  auto vocab = find("vocab.json"), merges = find("merges.txt");
  if (vocab && merges)
    return fromMerges(*vocab, *merges);
  if (auto path = find("vocab.txt"))
    return fromWords(*path);
  return std::unique_ptr<Tokenizer>();
}

Expected<std::unique_ptr<Tokenizer>>
Tokenizer::fromDirectory(const std::string &directory) {
  return DirectoryReader(directory).read();
}
