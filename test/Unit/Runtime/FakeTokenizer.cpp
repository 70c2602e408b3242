//===- FakeTokenizer.cpp - one token per byte -----------------------------===//
#include "FakeTokenizer.h"
#include "FakeModule.h"

#include "tenon/Tokenizer/Tokenizer.h"

using namespace tenon;

std::string fake::tokenizer(bool isEncoder) {
  TokenizerModel model;
  auto addSpecial = [&](const char *text) {
    int32_t id = static_cast<int32_t>(model.pieces.size());
    model.pieces.append(text);
    model.kinds.push_back(TokenKind::Special);
    AddedToken token;
    token.content = text;
    token.id = id;
    token.special = true;
    model.added.push_back(token);
  };
  for (const char *text : {"<unk>", "<s>", "</s>"})
    addSpecial(text);
  for (int byte = 0; byte < 256; ++byte) {
    char c = static_cast<char>(byte);
    model.pieces.append({&c, 1});
    model.kinds.push_back(TokenKind::Normal);
  }
  addSpecial("[MASK]");
  model.unknown = 0;
  model.byteLevel = true;
  PreTokenizerStep step{};
  step.kind = PreTokenizerStep::Kind::ByteLevel;
  model.preTokenizer.push_back(step);
  DecoderStep decoder{};
  decoder.kind = DecoderStep::Kind::ByteLevel;
  model.decoder.push_back(decoder);
  model.prefix = {kBos};
  if (isEncoder) {
    model.suffix = model.middle = {kEos};
    model.secondSegment = true;
  }
  auto tokenizer = Tokenizer::fromModel(std::move(model), "fake tokenizer");
  return tokenizer ? (*tokenizer)->serialize() : std::string();
}
