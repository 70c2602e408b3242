//===- Tokenizer.cpp - text to tokens and back ---------------------------===//

#include "tenon/Tokenizer/Tokenizer.h"

#include "AddedTokens.h"
#include "BytePairs.h"
#include "Decoder.h"
#include "MessageText.h"
#include "Normalizer.h"
#include "PieceIndex.h"
#include "PreTokenizer.h"
#include "Unigram.h"
#include "WordPiece.h"

#include "tenon/Support/Strings.h"
#include "tenon/Support/Utf8.h"

#include <utility>

using namespace tenon;

struct Tokenizer::Machinery {
  Machinery(const TokenizerModel &model, Normalizer normalizer,
            PreTokenizer preTokenizer, Decoder decoder)
      : model(model), normalizer(std::move(normalizer)),
        preTokenizer(std::move(preTokenizer)), decoder(std::move(decoder)),
        index(model), bytePairs(model, index), wordPiece(model, index),
        unigram(model) {
    // Tokens that are looked for in normalized text have been through the same
    // normalizer.
    for (const AddedToken &token : model.added) {
      if (token.normalized) {
        WorkBudget budget(token.content.size());
        inNormalized.add(this->normalizer.normalize(token.content, budget),
                         token);
      } else
        inText.add(token.content, token);
    }
    inText.finish();
    inNormalized.finish();
  }

  void encodePiece(std::string_view piece, std::vector<int32_t> &tokens,
                   BytePairs::Scratch &scratch, WorkBudget &budget) const {
    switch (model.algorithm) {
    case TokenizerModel::Algorithm::BytePairs:
      return bytePairs.encode(piece, tokens, scratch);
    case TokenizerModel::Algorithm::WordPiece:
      return wordPiece.encode(piece, tokens, budget);
    case TokenizerModel::Algorithm::Unigram:
      return unigram.encode(piece, tokens, budget);
    case TokenizerModel::Algorithm::WordLevel:
      int32_t id = index.find(piece);
      if (id < 0)
        id = model.unknown;
      if (id >= 0)
        tokens.push_back(id);
      return;
    }
  }

  const TokenizerModel &model;
  Normalizer normalizer;
  PreTokenizer preTokenizer;
  Decoder decoder;
  PieceIndex index;
  BytePairs bytePairs;
  WordPiece wordPiece;
  Unigram unigram;
  AddedTokenFinder inText, inNormalized;
};

Tokenizer::Tokenizer(TokenizerModel model) : model(std::move(model)) {}
Tokenizer::~Tokenizer() = default;

Expected<std::unique_ptr<Tokenizer>>
Tokenizer::fromModel(TokenizerModel model, std::string_view place) {
  if (Status status = model.verify(place); !status)
    return status.takeError();
  std::unique_ptr<Tokenizer> tokenizer(new Tokenizer(std::move(model)));
  // What is made here refers to the steps where they stay.
  auto inPlace = [&](Error error) {
    return errorInFile(place, withoutHead(error.message), error.code);
  };
  Expected<Normalizer> normalizer =
      Normalizer::create(tokenizer->model.normalizer);
  if (!normalizer)
    return inPlace(normalizer.takeError());
  Expected<PreTokenizer> preTokenizer =
      PreTokenizer::create(tokenizer->model.preTokenizer);
  if (!preTokenizer)
    return inPlace(preTokenizer.takeError());
  Expected<Decoder> decoder = Decoder::create(tokenizer->model);
  if (!decoder)
    return inPlace(decoder.takeError());
  tokenizer->machinery = std::make_unique<Machinery>(
      tokenizer->model, *std::move(normalizer), *std::move(preTokenizer),
      *std::move(decoder));
  return tokenizer;
}

Expected<std::vector<int32_t>> Tokenizer::encode(std::string_view text,
                                                 bool addSpecial,
                                                 SpecialInText special) const {
  return encode(text, addSpecial, special == SpecialInText::Text, {});
}

Expected<std::vector<int32_t>>
Tokenizer::encodeMarked(std::string_view text, std::string_view marks) const {
  return encode(text, /*addSpecial=*/false, /*skipSpecial=*/false, marks);
}

Expected<std::vector<int32_t>> Tokenizer::encode(std::string_view text,
                                                 bool addSpecial,
                                                 bool skipSpecial,
                                                 std::string_view marks) const {
  WorkBudget budget(text.size());
  std::string replaced;
  if (model.algorithm != TokenizerModel::Algorithm::BytePairs &&
      !isValidUtf8(text)) {
    replaced = replaceInvalidUtf8(text);
    skipSpecial |= !marks.empty(); // the marks are for other bytes
    marks = {};
    text = replaced;
  }
  std::vector<int32_t> tokens;
  if (addSpecial)
    tokens = model.prefix;

  BytePairs::Scratch scratch;
  auto encodeText = [&](std::string_view part, bool atStart) {
    Pieces pieces =
        machinery->preTokenizer.cut(std::string(part), atStart, budget);
    if (!budget.adds(pieces.text.size(), "the pre-tokenizer"))
      return;
    for (size_t i = 0; i < pieces.spans.size(); ++i)
      machinery->encodePiece(pieces[i], tokens, scratch, budget);
  };
  bool atStart = true;
  for (const auto &segment :
       machinery->inText.split(text, skipSpecial, marks)) {
    if (budget.failed())
      break;
    if (segment.id >= 0) {
      tokens.push_back(segment.id);
    } else {
      std::string normalized = machinery->normalizer.normalize(
          std::string(segment.text), budget, atStart);
      // What is marked can't be told any more.
      for (const auto &part : machinery->inNormalized.split(
               normalized, skipSpecial || !marks.empty())) {
        if (part.id >= 0)
          tokens.push_back(part.id);
        else
          encodeText(part.text, atStart);
        atStart = false;
      }
    }
    atStart = false;
  }

  if (budget.failed())
    return budget.error();
  if (addSpecial)
    tokens.insert(tokens.end(), model.suffix.begin(), model.suffix.end());
  return tokens;
}

Expected<EncodedPair> Tokenizer::encodePair(std::string_view first,
                                            std::string_view second) const {
  if (model.middle.empty())
    return plainError("this tokenizer doesn't say how two texts are joined",
                      ExitCode::BadUsage);
  auto a = encode(first, false), b = encode(second, false);
  if (!a || !b)
    return a ? b.takeError() : a.takeError();
  EncodedPair pair;
  for (const auto *part : {&model.prefix, &std::as_const(*a), &model.middle})
    pair.tokens.insert(pair.tokens.end(), part->begin(), part->end());
  pair.secondBegin = pair.tokens.size();
  pair.secondEnd = pair.secondBegin + b->size();
  pair.segments.assign(pair.secondBegin, 0);
  for (const auto *part : {&std::as_const(*b), &model.suffix})
    pair.tokens.insert(pair.tokens.end(), part->begin(), part->end());
  pair.segments.resize(pair.tokens.size(), model.secondSegment);
  return pair;
}

// Tokens of long words and runs of blanks have some hundred bytes, few do.
static constexpr size_t baseDecodedBytes = size_t(1) << 20;
static constexpr size_t decodedBytesPerToken = 64;

Expected<std::string> Tokenizer::decode(std::span<const int32_t> tokens,
                                        bool skipSpecial) const {
  size_t limit = baseDecodedBytes + decodedBytesPerToken * tokens.size();
  std::vector<int32_t> shown;
  for (int32_t token : tokens)
    if (!(skipSpecial && isSpecial(token)))
      shown.push_back(token);
  if (auto text = machinery->decoder.decode(shown, limit))
    return *std::move(text);
  return plainError(strCat(tokens.size(), " tokens have a text of more than ",
                           limit, " bytes"));
}

std::string Tokenizer::decodePiece(int32_t token, bool isFirst) const {
  return machinery->decoder.decodeToken(token, isFirst);
}

std::optional<int32_t> Tokenizer::tokenId(std::string_view piece) const {
  int32_t id = machinery->index.find(piece);
  return id >= 0 ? std::optional(id) : std::nullopt;
}

std::string_view Tokenizer::piece(int32_t token) const {
  if (token < 0 || static_cast<size_t>(token) >= model.pieces.size())
    return {};
  return model.pieces[token];
}

bool Tokenizer::isSpecial(int32_t token) const {
  return token >= 0 && static_cast<size_t>(token) < model.kinds.size() &&
         model.kinds[token] == TokenKind::Special;
}

std::optional<int32_t> Tokenizer::maskToken() const {
  for (std::string_view name : {"[MASK]", "<mask>"})
    if (std::optional<int32_t> id = tokenId(name))
      return id;
  return std::nullopt;
}

std::optional<int32_t> Tokenizer::unknownToken() const {
  return model.unknown >= 0 ? std::optional(model.unknown) : std::nullopt;
}
