//===- GgufTokenizer.cpp - a tokenizer from GGUF's metadata ---------------===//
//
// SentencePiece's scores become merges: a pair of neighbours merges if its text
// is a token, the highest score first. WordPiece's tokens are spelled "##ing"
// again, where GGUF has "ing", and "the" where it has "▁the".
//
//===----------------------------------------------------------------------===//

#include "ByteAlphabet.h"
#include "GgufPatterns.h"
#include "TokenizerJson.h"

#include "tenon/Support/Strings.h"
#include "tenon/Tokenizer/GgufVocabulary.h"
#include "tenon/Tokenizer/Tokenizer.h"

#include <algorithm>
#include <cmath>
#include <unordered_map>

using namespace tenon;

static constexpr std::string_view kBlank = "▁"; // U+2581
// Every way to split a token is looked up; none in use is near this long.
static constexpr size_t kLongestScored = 512;

namespace {

class GgufTokenizerReader {
public:
  GgufTokenizerReader(const GgufVocabulary &vocabulary,
                      std::string_view filename)
      : vocabulary(vocabulary), filename(filename) {}

  Expected<std::unique_ptr<Tokenizer>> read();

private:
  /// enum llama_token_type.
  enum Type { Undefined, Normal, Unknown, Control, UserDefined, Unused, Byte };

  template <class... Args>
  Error fail(std::string_view key, const Args &...args) const {
    std::string message = strCat("'tokenizer.ggml.", key, "' ", args...);
    auto offset = vocabulary.offsets.find(key);
    return offset == vocabulary.offsets.end()
               ? errorInFile(filename, message)
               : errorAtOffset(filename, offset->second, message);
  }
  Type typeOf(size_t id) const {
    return vocabulary.types.empty() ? Normal
                                    : static_cast<Type>(vocabulary.types[id]);
  }
  int32_t find(std::string_view token) const {
    auto found = ids.find(token);
    return found == ids.end() ? -1 : found->second;
  }

  Status checkLengths();
  Status readSpecialIds();
  Status readPieces();
  Status readScores();
  Status readMerges();
  Status readLlama();
  Status readGpt2();
  Status readBert();
  Status readUnigram();
  void addSentencePieceSteps(bool removeExtraBlanks);
  void addAffixes(bool addBos, bool addEos);

  const GgufVocabulary &vocabulary;
  std::string_view filename;
  TokenizerModel model;
  std::unordered_map<std::string_view, int32_t> ids; // the first of each text
};

} // namespace

Status GgufTokenizerReader::checkLengths() {
  size_t count = vocabulary.tokens.size();
  if (count == 0 || count > INT32_MAX)
    return fail("tokens", "has ", count, " tokens");
  if (!vocabulary.types.empty() && vocabulary.types.size() != count)
    return fail("token_type", "has ", vocabulary.types.size(), " entries for ",
                count, " tokens");
  for (size_t id = 0; id < vocabulary.types.size(); ++id)
    if (vocabulary.types[id] < Undefined || vocabulary.types[id] > Byte)
      return fail("token_type", "has the unknown type ", vocabulary.types[id],
                  " at ", id);
  bool isScored =
      vocabulary.model == kGgufScored || vocabulary.model == kGgufUnigram;
  if (isScored && vocabulary.scores.size() != count)
    return fail("scores", "has ", vocabulary.scores.size(), " entries for ",
                count, " tokens");
  uint64_t bytes = 0;
  for (std::string_view token : vocabulary.tokens)
    bytes += token.size() + 2; // "##" may come back
  if (bytes > UINT32_MAX)
    return fail("tokens", "has more than 4 GiB of text");
  return Status::success();
}

Status GgufTokenizerReader::readSpecialIds() {
  int64_t count = static_cast<int64_t>(vocabulary.tokens.size());
  for (auto [key, id] : {std::pair("bos_token_id", vocabulary.bos),
                         std::pair("eos_token_id", vocabulary.eos),
                         std::pair("unknown_token_id", vocabulary.unknown),
                         std::pair("seperator_token_id", vocabulary.separator),
                         std::pair("cls_token_id", vocabulary.cls),
                         std::pair("mask_token_id", vocabulary.mask)})
    if (id && (*id < 0 || *id >= count))
      return fail(key, "is ", *id, ", but the vocabulary has ", count,
                  " tokens");
  if (vocabulary.unknown)
    model.unknown = static_cast<int32_t>(*vocabulary.unknown);
  return Status::success();
}

Status GgufTokenizerReader::readPieces() {
  bool isBert = model.algorithm == TokenizerModel::Algorithm::WordPiece;
  ids.reserve(vocabulary.tokens.size());
  for (size_t id = 0; id < vocabulary.tokens.size(); ++id) {
    std::string_view token = vocabulary.tokens[id];
    ids.emplace(token, static_cast<int32_t>(id));
    TokenKind kind = TokenKind::Normal;
    std::optional<std::string> spelled;
    switch (typeOf(id)) {
    case Control:
    case Unknown:
      kind = TokenKind::Special;
      break;
    case UserDefined:
      kind = TokenKind::Added;
      break;
    case Byte:
      // Only SentencePiece falls back to bytes.
      if (!model.byteFallback)
        break;
      kind = TokenKind::Byte;
      if (!byteOfToken(token))
        return fail("tokens", "has the byte token ", quoteName(token), " at ",
                    id, ", expected <0x00> to <0xFF>");
      break;
    default:
      break;
    }
    if (token.empty() && kind != TokenKind::Byte)
      kind = TokenKind::Unused;
    if (kind == TokenKind::Special || kind == TokenKind::Added) {
      AddedToken added;
      added.content = token;
      added.id = static_cast<int32_t>(id);
      added.special = kind == TokenKind::Special;
      model.added.push_back(std::move(added));
    } else if (model.byteLevel) {
      spelled = alphabetToBytes(token);
    } else if (isBert) {
      bool bracketed = token.starts_with('[') && token.ends_with(']');
      if (token.starts_with(kBlank))
        spelled = token.substr(kBlank.size());
      else if (!bracketed)
        spelled = strCat(model.continuingPrefix, token);
    }
    model.pieces.append(spelled ? std::string_view(*spelled) : token);
    model.kinds.push_back(kind);
  }
  return Status::success();
}

// Two neighbours merge if their joined text is a token; of all pairs the one
// whose token has the highest score, then the leftmost.
Status GgufTokenizerReader::readScores() {
  std::vector<float> levels;
  for (float score : vocabulary.scores) {
    if (std::isnan(score))
      return fail("scores", "has a NaN");
    levels.push_back(score);
  }
  std::sort(levels.begin(), levels.end(), std::greater<>());
  levels.erase(std::unique(levels.begin(), levels.end()), levels.end());

  for (size_t id = 0; id < vocabulary.tokens.size(); ++id) {
    std::string_view token = vocabulary.tokens[id];
    Type type = typeOf(id);
    if (type == Byte || type == Control || type == Unknown || token.empty() ||
        find(token) != static_cast<int32_t>(id))
      continue;
    if (token.size() > kLongestScored)
      return fail("tokens", "has a token of ", token.size(), " bytes at ", id,
                  "; at most ", kLongestScored, " are accepted");
    auto rank = static_cast<uint32_t>(
        std::lower_bound(levels.begin(), levels.end(), vocabulary.scores[id],
                         std::greater<>()) -
        levels.begin());
    for (size_t at = 1; at < token.size(); ++at) {
      if ((static_cast<uint8_t>(token[at]) & 0xc0) == 0x80)
        continue; // inside of a code point
      int32_t left = find(token.substr(0, at));
      int32_t right = left < 0 ? -1 : find(token.substr(at));
      if (right >= 0)
        model.merges.push_back({static_cast<uint32_t>(left),
                                static_cast<uint32_t>(right),
                                static_cast<uint32_t>(id), rank});
    }
  }
  return Status::success();
}

Status GgufTokenizerReader::readMerges() {
  std::string result;
  for (size_t rank = 0; rank < vocabulary.merges.size(); ++rank) {
    std::string_view merge = vocabulary.merges[rank];
    // A token may be a blank itself.
    size_t blank = merge.find(' ', 1);
    if (blank == merge.npos || blank + 1 == merge.size())
      return fail("merges", "has ", quoteName(merge), " at ", rank,
                  ", expected two tokens such as \"a b\"");
    std::string_view left = merge.substr(0, blank);
    std::string_view right = merge.substr(blank + 1);
    result = strCat(left, right);
    MergeRule rule{0, 0, 0, static_cast<uint32_t>(rank)};
    for (auto [name, slot] :
         {std::pair(left, &rule.left), std::pair(right, &rule.right),
          std::pair(std::string_view(result), &rule.result)}) {
      int32_t id = find(name);
      if (id < 0)
        return fail("merges", "has ", quoteName(merge), " at ", rank,
                    ", but the token ", quoteName(name),
                    " is not in the vocabulary");
      *slot = static_cast<uint32_t>(id);
    }
    model.merges.push_back(rule);
  }
  return Status::success();
}

void GgufTokenizerReader::addAffixes(bool addBos, bool addEos) {
  if (vocabulary.addBos.value_or(addBos) && vocabulary.bos)
    model.prefix.push_back(static_cast<int32_t>(*vocabulary.bos));
  if (vocabulary.addEos.value_or(addEos) && vocabulary.eos)
    model.suffix.push_back(static_cast<int32_t>(*vocabulary.eos));
}

Status GgufTokenizerReader::readLlama() {
  model.byteFallback = true;
  model.fuseUnknown = false;
  if (Status status = readPieces(); !status)
    return status;
  if (model.unknown < 0)
    model.unknown = find("<unk>");
  if (Status status = readScores(); !status)
    return status;
  addSentencePieceSteps(/*removeExtraBlanks=*/false);
  addAffixes(/*addBos=*/true, /*addEos=*/false);
  return Status::success();
}

// SentencePiece's normalizer.cc, in steps.
void GgufTokenizerReader::addSentencePieceSteps(bool removeExtraBlanks) {
  bool prefix = vocabulary.addSpacePrefix.value_or(true);
  std::string blank(vocabulary.escapeBlanks ? kBlank : " ");
  using Normalize = NormalizerStep::Kind;
  auto normalize = [&](Normalize kind, std::string pattern,
                       std::string content) {
    model.normalizer.push_back({kind, std::move(pattern), std::move(content)});
  };
  if (!vocabulary.charsMap.empty())
    normalize(Normalize::CharsMap, vocabulary.charsMap, {});
  if (vocabulary.removeExtraBlanks.value_or(removeExtraBlanks)) {
    normalize(Normalize::ReplaceRegex, "\\A +| +\\z", "");
    normalize(Normalize::ReplaceRegex, " {2,}", " ");
  }
  if (prefix)
    normalize(vocabulary.blankAtEnd  ? Normalize::Append
              : vocabulary.blankOnce ? Normalize::PrependFirst
                                     : Normalize::Prepend,
              {}, blank);
  if (vocabulary.escapeBlanks)
    normalize(Normalize::Replace, " ", blank);
  auto decode = [&](DecoderStep::Kind kind) -> DecoderStep & {
    model.decoder.emplace_back().kind = kind;
    return model.decoder.back();
  };
  DecoderStep &replace = decode(DecoderStep::Kind::Replace);
  replace.pattern = blank;
  replace.content = " ";
  decode(DecoderStep::Kind::ByteFallback);
  decode(DecoderStep::Kind::Fuse);
  if (prefix) {
    DecoderStep &strip = decode(DecoderStep::Kind::Strip);
    strip.content = " ";
    (vocabulary.blankAtEnd ? strip.stop : strip.start) = 1;
  }
}

Status GgufTokenizerReader::readUnigram() {
  model.algorithm = TokenizerModel::Algorithm::Unigram;
  model.byteFallback =
      std::find(vocabulary.types.begin(), vocabulary.types.end(), Byte) !=
      vocabulary.types.end();
  if (Status status = readPieces(); !status)
    return status;
  if (model.unknown < 0)
    model.unknown = find("<unk>");
  for (size_t id = 0; id < vocabulary.scores.size(); ++id) {
    if (std::isnan(vocabulary.scores[id]))
      return fail("scores", "has a NaN");
    Type type = typeOf(id);
    model.scores.push_back(type == Normal || type == Undefined
                               ? vocabulary.scores[id]
                               : -INFINITY);
  }
  addSentencePieceSteps(/*removeExtraBlanks=*/true);
  addAffixes(/*addBos=*/false, /*addEos=*/true);
  return Status::success();
}

Status GgufTokenizerReader::readGpt2() {
  const GgufPreTokenizer *pre = findGgufPreTokenizer(vocabulary.pre);
  if (!pre)
    return withNote(fail("pre", "names a pre-tokenizer that isn't known: ",
                         quoteName(vocabulary.pre)),
                    strCat("known are ", knownGgufPreTokenizers()));
  model.byteLevel = true;
  model.ignoreMerges = pre->ignoreMerges;
  if (Status status = readPieces(); !status)
    return status;
  if (Status status = readMerges(); !status)
    return status;
  PreTokenizerStep step;
  if (vocabulary.addSpacePrefix.value_or(false)) {
    step.kind = PreTokenizerStep::Kind::PrefixSpace;
    model.preTokenizer.push_back(step);
  }
  for (std::string_view pattern : pre->patterns) {
    step.kind = PreTokenizerStep::Kind::Split;
    step.pattern = pattern;
    model.preTokenizer.push_back(step);
  }
  step = {};
  step.kind = PreTokenizerStep::Kind::ByteLevel;
  model.preTokenizer.push_back(step);
  model.decoder.emplace_back().kind = DecoderStep::Kind::ByteLevel;
  addAffixes(pre->addBos, /*addEos=*/false);
  return Status::success();
}

Status GgufTokenizerReader::readBert() {
  model.algorithm = TokenizerModel::Algorithm::WordPiece;
  model.continuingPrefix = "##";
  model.maxCharsPerWord = UINT32_MAX; // words of any length are looked up
  if (Status status = readPieces(); !status)
    return status;
  if (model.unknown < 0)
    model.unknown = find("[UNK]");
  JsonPlace place{{}, filename};
  // Files that don't say otherwise are of uncased models.
  bool lowercase = vocabulary.lowercase.value_or(true);
  nlohmann::json normalizer = {
      {"type", "BertNormalizer"},
      {"lowercase", lowercase},
      {"strip_accents", vocabulary.stripAccents.value_or(lowercase)}};
  nlohmann::json preTokenizer = {{"type", "BertPreTokenizer"}};
  if (Status status = readNormalizer(&normalizer, place, model); !status)
    return status;
  if (Status status = readPreTokenizer(&preTokenizer, place, model); !status)
    return status;
  DecoderStep &decoder = model.decoder.emplace_back();
  decoder.kind = DecoderStep::Kind::WordPiece;
  decoder.pattern = model.continuingPrefix;
  decoder.cleanup = true;
  auto add = [&](std::vector<int32_t> &affix, std::optional<int64_t> id,
                 std::optional<int64_t> otherwise, const char *name) {
    int64_t token = id ? *id : otherwise ? *otherwise : find(name);
    if (token >= 0)
      affix.push_back(static_cast<int32_t>(token));
  };
  if (vocabulary.addBos.value_or(true))
    add(model.prefix, vocabulary.cls, vocabulary.bos, "[CLS]");
  if (vocabulary.addEos.value_or(true))
    add(model.suffix, vocabulary.separator, vocabulary.eos, "[SEP]");
  add(model.middle, vocabulary.separator, vocabulary.eos, "[SEP]");
  model.secondSegment = true;
  return Status::success();
}

Expected<std::unique_ptr<Tokenizer>> GgufTokenizerReader::read() {
  if (Status status = checkLengths(); !status)
    return status.takeError();
  if (Status status = readSpecialIds(); !status)
    return status.takeError();
  Status status = Status::success();
  if (vocabulary.model == kGgufScored)
    status = readLlama();
  else if (vocabulary.model == kGgufMerges)
    status = readGpt2();
  else if (vocabulary.model == kGgufWordPiece)
    status = readBert();
  else if (vocabulary.model == kGgufUnigram)
    status = readUnigram();
  else
    status = withNote(fail("model", "is ", quoteName(vocabulary.model),
                           ", which is not supported"),
                      "known are llama, gpt2, bert and t5");
  if (!status)
    return status.takeError();
  return Tokenizer::fromModel(std::move(model), filename);
}

Expected<std::unique_ptr<Tokenizer>>
Tokenizer::fromGguf(const GgufVocabulary &vocabulary,
                    std::string_view filename) {
  return GgufTokenizerReader(vocabulary, filename).read();
}
