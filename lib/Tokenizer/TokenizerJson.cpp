//===- TokenizerJson.cpp - reading tokenizer.json ------------------------===//
//
// The file format of Hugging Face's tokenizers library. This file reads the
// vocabulary, merges and added tokens; TokenizerJsonSteps.cpp the pipeline.
//
//===----------------------------------------------------------------------===//

#include "TokenizerJson.h"

#include "ByteAlphabet.h"

#include "tenon/Support/JsonText.h"
#include "tenon/Support/Strings.h"
#include "tenon/Tokenizer/Tokenizer.h"

#include <algorithm>
#include <cmath>
#include <unordered_map>

using namespace tenon;
using nlohmann::json;

Error JsonPlace::error(std::string_view message,
                       std::string_view needle) const {
  // Some writers escape what isn't ASCII.
  for (bool isAscii : {false, true}) {
    std::string spelled =
        json(needle).dump(-1, ' ', isAscii, json::error_handler_t::replace);
    size_t at = text.find(spelled);
    if (!needle.empty() && at != text.npos)
      return errorInText(filename, text, at, message);
  }
  return errorInFile(filename, message);
}

Error JsonPlace::errorAt(std::string_view message, const json &part) const {
  if (whole)
    if (std::optional<size_t> at = findPlace(part, *whole, text))
      return errorInText(filename, text, *at, message);
  return errorInFile(filename, message);
}

bool tenon::boolMember(const json &value, std::string_view key, bool fallback) {
  const json *member = findMember(value, key);
  return member ? asBool(*member).value_or(fallback) : fallback;
}

std::string tenon::stringMember(const json &value, std::string_view key,
                                std::string_view fallback) {
  const json *member = findMember(value, key);
  const std::string *text = member ? asString(*member) : nullptr;
  return text ? *text : std::string(fallback);
}

namespace {

class VocabularyReader {
public:
  VocabularyReader(const json &file, const JsonPlace &place,
                   TokenizerModel &model)
      : file(file), place(place), model(model) {}

  Status read();

private:
  Status readModel();
  Status readUnigram(const json *vocab);
  Status readVocabulary();
  Status readAddedTokens();
  Status checkUnknown();
  Status readMerges();
  Status readMerge(const json &merge, uint32_t rank);
  Status fillPieces();

  Expected<int32_t> readId(const json *value, std::string_view token);
  /// The token that the vocabulary has under this name, or -1.
  int32_t idOf(std::string_view name) const {
    auto found = ids.find(name);
    return found == ids.end() ? -1 : found->second;
  }

  const json &file;
  const JsonPlace &place;
  TokenizerModel &model;

  const json *modelJson = nullptr;
  struct Entry {
    std::string_view name;
    const json *value; // null: the id is the place
    int32_t id = 0;
  };
  std::vector<Entry> vocabulary;
  std::unordered_map<std::string_view, int32_t> ids; // of the vocabulary
  std::string unknownName;
  size_t entries = 0; // vocabulary and added tokens together
  int32_t greatestId = -1;
};

} // namespace

Status VocabularyReader::read() {
  for (Status (VocabularyReader::*step)() :
       {&VocabularyReader::readModel, &VocabularyReader::readVocabulary,
        &VocabularyReader::readAddedTokens, &VocabularyReader::checkUnknown,
        &VocabularyReader::fillPieces, &VocabularyReader::readMerges})
    if (Status status = (this->*step)(); !status)
      return status;
  return Status::success();
}

Status VocabularyReader::readModel() {
  modelJson = findMember(file, "model");
  const json *vocab = modelJson ? findMember(*modelJson, "vocab") : nullptr;
  std::string type = modelJson ? stringMember(*modelJson, "type") : "";
  // Old files don't say it.
  if (type.empty() && modelJson)
    type = findMember(*modelJson, "merges")                     ? "BPE"
           : findMember(*modelJson, "max_input_chars_per_word") ? "WordPiece"
           : vocab && vocab->is_array()                         ? "Unigram"
           : vocab                                              ? "WordLevel"
                                                                : "";
  if (type != "BPE" && type != "WordPiece" && type != "Unigram" &&
      type != "WordLevel") {
    if (!modelJson)
      return place.errorAt("expected a member \"model\"", file);
    return place.error(strCat("the tokenizer model ", quoteName(type),
                              " is not supported; expected 'BPE', 'WordPiece', "
                              "'Unigram' or 'WordLevel'"),
                       type);
  }
  if (type == "Unigram")
    return readUnigram(vocab);
  if (!vocab || !vocab->is_object())
    return place.errorAt("expected an object \"vocab\" in \"model\"",
                         vocab ? *vocab : *modelJson);
  for (const auto &[name, value] : *vocab->get_ptr<const json::object_t *>())
    vocabulary.push_back({name, &value});
  if (type == "WordLevel") {
    model.algorithm = TokenizerModel::Algorithm::WordLevel;
    return Status::success();
  }

  if (type == "WordPiece") {
    model.algorithm = TokenizerModel::Algorithm::WordPiece;
    model.continuingPrefix =
        stringMember(*modelJson, "continuing_subword_prefix", "##");
    if (const json *limit =
            findMember(*modelJson, "max_input_chars_per_word")) {
      std::optional<int64_t> chars = asInteger(*limit);
      if (!chars || *chars < 1 || *chars > UINT32_MAX)
        return place.errorAt("max_input_chars_per_word is no positive integer",
                             *limit);
      model.maxCharsPerWord = static_cast<uint32_t>(*chars);
    }
    return Status::success();
  }

  // Transformers drops merges at random whenever it encodes, not in training
  // alone.
  if (const json *dropout = findMember(*modelJson, "dropout");
      dropout && asNumber(*dropout) != 0.0)
    return place.errorAt(
        "\"dropout\" in \"model\" leaves out merges at random, "
        "which is not supported; expected null or 0",
        *dropout);
  model.algorithm = TokenizerModel::Algorithm::BytePairs;
  model.byteFallback = boolMember(*modelJson, "byte_fallback", false);
  model.fuseUnknown = boolMember(*modelJson, "fuse_unk", false);
  model.ignoreMerges = boolMember(*modelJson, "ignore_merges", false);
  model.continuingPrefix =
      stringMember(*modelJson, "continuing_subword_prefix");
  model.endSuffix = stringMember(*modelJson, "end_of_word_suffix");
  return Status::success();
}

// [["<unk>", 0.0], ["▁the", -3.2], …]: the ids are the places.
Status VocabularyReader::readUnigram(const json *vocab) {
  if (!vocab || !vocab->is_array())
    return place.errorAt("expected an array \"vocab\" in \"model\"",
                         vocab ? *vocab : *modelJson);
  model.algorithm = TokenizerModel::Algorithm::Unigram;
  model.byteFallback = boolMember(*modelJson, "byte_fallback", false);
  for (const json &entry : *vocab) {
    const std::string *name =
        entry.is_array() && entry.size() == 2 ? asString(entry[0]) : nullptr;
    if (!name || !entry[1].is_number())
      return place.errorAt(strCat("token ", vocabulary.size(),
                                  " is no pair of a text and its score"),
                           entry);
    vocabulary.push_back({*name, nullptr});
    model.scores.push_back(entry[1].get<double>());
  }
  if (const json *unknown = findMember(*modelJson, "unk_id")) {
    std::optional<int64_t> id = asInteger(*unknown);
    if (!id || *id < 0 || static_cast<uint64_t>(*id) >= vocabulary.size())
      return place.errorAt(strCat("\"unk_id\" is ", unknown->dump(),
                                  ", the vocabulary has ", vocabulary.size(),
                                  " tokens"),
                           *unknown);
    model.unknown = static_cast<int32_t>(*id);
  }
  return Status::success();
}

Expected<int32_t> VocabularyReader::readId(const json *value,
                                           std::string_view token) {
  std::optional<int64_t> id = value ? asInteger(*value) : std::nullopt;
  if (!id || *id < 0)
    return place.error(strCat("the id of token ", quoteName(token), " is ",
                              !value               ? "missing"
                              : value->is_number() ? value->dump()
                                                   : kindName(*value)),
                       token);
  // A few holes are common; a small file must not ask for a huge table.
  uint64_t limit = 2 * entries + 65536;
  if (static_cast<uint64_t>(*id) >= limit)
    return place.error(strCat("the id ", *id, " of token ", quoteName(token),
                              " is far beyond the vocabulary of ", entries,
                              " tokens"),
                       token);
  return static_cast<int32_t>(*id);
}

Status VocabularyReader::readVocabulary() {
  const json *added = findMember(file, "added_tokens");
  entries = vocabulary.size() + (added ? added->size() : 0);
  ids.reserve(vocabulary.size());
  for (Entry &entry : vocabulary) {
    entry.id = static_cast<int32_t>(&entry - vocabulary.data());
    if (entry.value) {
      Expected<int32_t> id = readId(entry.value, entry.name);
      if (!id)
        return id.takeError();
      entry.id = *id;
    }
    // Of unigram pieces with one text the last counts, as in Hugging Face's.
    ids[entry.name] = entry.id;
    greatestId = std::max(greatestId, entry.id);
  }
  if (model.algorithm == TokenizerModel::Algorithm::Unigram)
    return Status::success();
  unknownName = stringMember(*modelJson, "unk_token");
  model.unknown = idOf(unknownName);
  return Status::success();
}

Status VocabularyReader::readAddedTokens() {
  const json *list = findMember(file, "added_tokens");
  if (!list)
    return Status::success();
  if (!list->is_array())
    return place.errorAt("expected an array \"added_tokens\"", *list);
  for (const json &entry : *list) {
    AddedToken token;
    token.content = stringMember(entry, "content");
    if (token.content.empty())
      return place.errorAt("an added token has no \"content\"", entry);
    Expected<int32_t> id = readId(findMember(entry, "id"), token.content);
    if (!id)
      return id.takeError();
    token.id = *id;
    token.special = boolMember(entry, "special", false);
    token.singleWord = boolMember(entry, "single_word", false);
    token.lstrip = boolMember(entry, "lstrip", false);
    token.rstrip = boolMember(entry, "rstrip", false);
    token.normalized = boolMember(entry, "normalized", !token.special);
    if (int32_t known = idOf(token.content); known >= 0 && known != token.id)
      return place.error(strCat("the added token ", quoteName(token.content),
                                " has the id ", token.id,
                                ", in the vocabulary it is ", known),
                         token.content);
    if (token.content == unknownName)
      model.unknown = token.id;
    greatestId = std::max(greatestId, token.id);
    model.added.push_back(std::move(token));
  }
  return Status::success();
}

Status VocabularyReader::checkUnknown() {
  if (model.unknown < 0 && !unknownName.empty())
    return place.error(strCat("the unknown token ", quoteName(unknownName),
                              " is not in the vocabulary"),
                       unknownName);
  return Status::success();
}

// The texts in the order of ids.
Status VocabularyReader::fillPieces() {
  struct Slot {
    std::optional<std::string_view> text;
    TokenKind kind = TokenKind::Unused;
  };
  std::vector<Slot> slots(static_cast<size_t>(greatestId + 1));
  auto taken = [&](int32_t id, std::string_view name) {
    return place.error(strCat("the tokens ", quoteName(*slots[id].text),
                              " and ", quoteName(name), " have the same id ",
                              id),
                       name);
  };
  uint64_t bytes = 0;
  for (const auto &[name, ignored, id] : vocabulary) {
    if (slots[id].text)
      return taken(id, name);
    TokenKind kind = TokenKind::Normal;
    if (model.byteFallback && name.starts_with("<0x") && name.ends_with('>')) {
      if (!byteOfToken(name))
        return place.error(strCat("the byte token ", quoteName(name),
                                  ", expected <0x00> to <0xFF>"),
                           name);
      kind = TokenKind::Byte;
    }
    slots[id] = {name, kind};
    bytes += name.size();
  }
  std::vector<bool> isAdded(slots.size());
  for (const AddedToken &token : model.added) {
    Slot &slot = slots[token.id];
    if (slot.text && *slot.text != token.content)
      return taken(token.id, token.content);
    slot = {token.content,
            token.special ? TokenKind::Special : TokenKind::Added};
    isAdded[token.id] = true;
    bytes += token.content.size();
  }
  if (model.algorithm == TokenizerModel::Algorithm::Unigram)
    model.scores.resize(slots.size(), -INFINITY);
  if (bytes > UINT32_MAX)
    return place.errorAt("the vocabulary's texts have more than 4 GiB",
                         *modelJson);

  for (size_t id = 0; id < slots.size(); ++id) {
    std::optional<std::string> raw;
    if (slots[id].text && model.byteLevel && !isAdded[id])
      raw = alphabetToBytes(*slots[id].text);
    model.pieces.append(raw ? std::string_view(*raw)
                            : slots[id].text.value_or(std::string_view()));
    model.kinds.push_back(slots[id].kind);
  }
  return Status::success();
}

Status VocabularyReader::readMerges() {
  if (model.algorithm != TokenizerModel::Algorithm::BytePairs)
    return Status::success();
  const json *list = findMember(*modelJson, "merges");
  if (!list || !list->is_array())
    return place.errorAt("expected an array \"merges\" in \"model\"",
                         list ? *list : *modelJson);
  model.merges.reserve(list->size());
  uint32_t rank = 0;
  for (const json &merge : *list)
    if (Status status = readMerge(merge, rank++); !status)
      return status;
  return Status::success();
}

// "a b" in files until 2024, ["a", "b"] since.
Status VocabularyReader::readMerge(const json &merge, uint32_t rank) {
  std::string_view left, right;
  if (const std::string *text = asString(merge)) {
    size_t blank = text->find(' ');
    if (blank != text->npos && text->find(' ', blank + 1) == text->npos) {
      left = std::string_view(*text).substr(0, blank);
      right = std::string_view(*text).substr(blank + 1);
    }
  } else if (merge.is_array() && merge.size() == 2 && asString(merge[0]) &&
             asString(merge[1])) {
    left = *asString(merge[0]);
    right = *asString(merge[1]);
  }
  if (left.empty() || right.empty())
    return place.errorAt(strCat("merge ", rank, " is ", quoteName(merge.dump()),
                                ", expected two tokens such as \"a b\" or "
                                "[\"a\", \"b\"]"),
                         merge);

  MergeRule rule{0, 0, 0, rank};
  std::string_view rest = right;
  if (rest.starts_with(model.continuingPrefix))
    rest.remove_prefix(model.continuingPrefix.size());
  std::string result = strCat(left, rest);
  for (auto [name, slot] :
       {std::pair(left, &rule.left), std::pair(right, &rule.right),
        std::pair(std::string_view(result), &rule.result)}) {
    int32_t id = idOf(name);
    if (id < 0)
      return place.errorAt(strCat("merge ", rank, " of ", quoteName(left),
                                  " and ", quoteName(right), ": the token ",
                                  quoteName(name), " is not in the vocabulary"),
                           merge);
    *slot = static_cast<uint32_t>(id);
  }
  model.merges.push_back(rule);
  return Status::success();
}

Status tenon::readTokenizerJson(const json &file, const JsonPlace &place,
                                TokenizerModel &model) {
  // Whether tokens are spelled in the byte alphabet is known from the
  // pre-tokenizer, so it goes first; the post-processor needs the vocabulary's
  // size.
  if (Status status =
          readPreTokenizer(findMember(file, "pre_tokenizer"), place, model);
      !status)
    return status;
  if (Status status = VocabularyReader(file, place, model).read(); !status)
    return status;
  if (Status status =
          readNormalizer(findMember(file, "normalizer"), place, model);
      !status)
    return status;
  if (Status status = readDecoder(findMember(file, "decoder"), place, model);
      !status)
    return status;
  return readPostProcessor(findMember(file, "post_processor"), place, model);
}

Expected<std::unique_ptr<Tokenizer>>
Tokenizer::fromTokenizerJson(std::string_view text, std::string_view filename) {
  Expected<json> file = parseJson(text, filename);
  if (!file)
    return file.takeError();
  TokenizerModel model;
  if (Status status = readTokenizerJson(*file, {text, filename, &*file}, model);
      !status)
    return status.takeError();
  return fromModel(std::move(model), filename);
}
