//===- Decoder.cpp - from tokens to text ---------------------------------===//
//
// Hugging Face's decoders rewrite the list of all tokens, step by step. All the
// steps that are supported look at one token and at whether it is the first, so
// here each token goes through all of them; that is what streaming needs.
//
//===----------------------------------------------------------------------===//

#include "Decoder.h"

using namespace tenon;
using Kind = DecoderStep::Kind;

static void replaceAll(std::string &text, std::string_view pattern,
                       std::string_view content) {
  size_t at = text.find(pattern);
  if (at == text.npos)
    return;
  std::string out;
  size_t done = 0;
  for (; at != text.npos; at = text.find(pattern, done)) {
    out.append(text, done, at - done);
    out += content;
    done = at + pattern.size();
  }
  out.append(text, done);
  text = std::move(out);
}

static void stripStart(std::string &text, std::string_view what,
                       uint32_t times) {
  size_t at = 0;
  for (; times > 0 && text.compare(at, what.size(), what) == 0; --times)
    at += what.size();
  text.erase(0, at);
}

static void stripEnd(std::string &text, std::string_view what, uint32_t times) {
  for (; times > 0 && text.ends_with(what); --times)
    text.resize(text.size() - what.size());
}

// Blanks before punctuation and in contractions, which BERT's words lost.
static void cleanUp(std::string &text) {
  static constexpr std::string_view pairs[][2] = {
      {" .", "."},   {" ?", "?"},     {" !", "!"},     {" ,", ","},
      {" ' ", "'"},  {" n't", "n't"}, {" 'm", "'m"},   {" do not", " don't"},
      {" 's", "'s"}, {" 've", "'ve"}, {" 're", "'re"},
  };
  for (const auto &[from, to] : pairs)
    replaceAll(text, from, to);
}

std::string tenon::decodeToken(const TokenizerModel &model, int32_t token,
                               bool isFirst) {
  if (token < 0 || static_cast<size_t>(token) >= model.pieces.size())
    return {};
  TokenKind kind = model.kinds[token];
  std::string text(model.pieces[token]);
  if (kind == TokenKind::Unused)
    return text;
  // Without a decoder tokens are words.
  if (model.decoder.empty() && !model.byteLevel && !isFirst)
    return ' ' + text;

  bool fused = false;
  for (const DecoderStep &step : model.decoder) {
    switch (step.kind) {
    case Kind::Replace:
      replaceAll(text, step.pattern, step.content);
      break;
    case Kind::ByteFallback:
      if (kind == TokenKind::Byte)
        text.assign(1, static_cast<char>(*byteOfToken(model.pieces[token])));
      break;
    case Kind::Fuse:
      fused = true;
      break;
    case Kind::Strip:
      if (!fused || isFirst)
        stripStart(text, step.content, step.start);
      if (!fused)
        stripEnd(text, step.content, step.stop);
      break;
    case Kind::ByteLevel:
      break; // pieces are bytes already
    case Kind::WordPiece:
      if (!isFirst) {
        if (text.starts_with(step.pattern))
          text.erase(0, step.pattern.size());
        else
          text.insert(0, " ");
      }
      if (step.cleanup)
        cleanUp(text);
      break;
    case Kind::Metaspace:
      replaceAll(text, step.pattern, isFirst && step.dropFirst ? "" : " ");
      break;
    }
  }
  return text;
}

void tenon::finishDecodedText(const TokenizerModel &model, std::string &text) {
  bool fused = false;
  for (const DecoderStep &step : model.decoder) {
    fused |= step.kind == Kind::Fuse;
    if (fused && step.kind == Kind::Strip)
      stripEnd(text, step.content, step.stop);
  }
}
