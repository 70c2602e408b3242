//===- Decoder.cpp - from tokens to text ---------------------------------===//
//
// Hugging Face's decoders rewrite the list of all tokens, step by step;
// decode() does the same. For streaming each token goes through all steps by
// itself: nearly all of them look at one token and at whether it is the first.
//
//===----------------------------------------------------------------------===//

#include "Decoder.h"

#include "ByteAlphabet.h"

#include <algorithm>
#include <utility>

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

Expected<Decoder> Decoder::create(const TokenizerModel &model) {
  Decoder decoder(model);
  for (const DecoderStep &step : model.decoder) {
    std::optional<Regex> regex;
    if (step.kind == Kind::ReplaceRegex) {
      Expected<Regex> compiled = Regex::compile(step.pattern);
      if (!compiled)
        return compiled.takeError();
      regex = *std::move(compiled);
    }
    decoder.regexes.push_back(std::move(regex));
  }
  return decoder;
}

// What a step makes of one token.
void Decoder::apply(size_t index, Piece &piece, bool isFirst,
                    bool isLast) const {
  const DecoderStep &step = model.decoder[index];
  std::string &text = piece.text;
  switch (step.kind) {
  case Kind::Replace:
    replaceAll(text, step.pattern, step.content);
    break;
  case Kind::ReplaceRegex: {
    WorkBudget budget(text.size());
    std::string out;
    size_t done = 0;
    for (TextSpan match : regexes[index]->findAll(text, budget)) {
      out.append(text, done, match.begin - done);
      out += step.content;
      done = match.end;
    }
    out.append(text, done);
    text = std::move(out);
    break;
  }
  case Kind::ByteFallback:
    if (std::optional<uint8_t> byte = byteOfToken(text);
        byte && (piece.isByte || !model.byteFallback))
      text.assign(1, static_cast<char>(*byte));
    break;
  case Kind::Fuse:
    break;
  case Kind::Strip:
    stripStart(text, step.content, step.start);
    stripEnd(text, step.content, step.stop);
    break;
  case Kind::ByteLevel:
    // The pieces of such vocabularies are bytes already.
    if (!model.byteLevel)
      if (std::optional<std::string> bytes = alphabetToBytes(text))
        text = *std::move(bytes);
    break;
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
  case Kind::EndOfWord:
    replaceAll(text, step.pattern, isLast ? "" : " ");
    break;
  case Kind::Ctc:
    replaceAll(text, step.pattern, "");
    if (step.cleanup) {
      cleanUp(text);
      if (!step.content.empty())
        replaceAll(text, step.content, " ");
    }
    break;
  }
}

Decoder::Piece Decoder::pieceOf(int32_t token) const {
  if (token < 0 || static_cast<size_t>(token) >= model.pieces.size())
    return {};
  return {std::string(model.pieces[token]),
          model.kinds[token] == TokenKind::Byte};
}

std::string Decoder::decodeToken(int32_t token, bool isFirst) const {
  Piece piece = pieceOf(token);
  if (piece.text.empty())
    return {};
  // Without a decoder tokens are words.
  if (model.decoder.empty() && !model.byteLevel && !isFirst)
    return ' ' + piece.text;
  bool fused = false;
  for (size_t i = 0; i < model.decoder.size(); ++i) {
    const DecoderStep &step = model.decoder[i];
    fused |= step.kind == Kind::Fuse;
    if (fused && step.kind == Kind::Strip) {
      // Of the whole text: its end isn't known yet.
      if (isFirst)
        stripStart(piece.text, step.content, step.start);
    } else {
      apply(i, piece, isFirst, /*isLast=*/false);
    }
  }
  return std::move(piece.text);
}

std::optional<std::string> Decoder::decode(std::span<const int32_t> tokens,
                                           size_t limit) const {
  std::vector<Piece> pieces;
  size_t total = 0;
  for (int32_t token : tokens) {
    pieces.push_back(pieceOf(token));
    total += pieces.back().text.size();
    if (pieces.back().text.empty())
      pieces.pop_back();
    if (total > limit)
      return std::nullopt;
  }
  auto join = [&](std::string_view between) {
    Piece all;
    for (const Piece &piece : pieces) {
      if (!all.text.empty())
        all.text += between;
      all.text += piece.text;
    }
    pieces.clear();
    pieces.push_back(std::move(all));
  };
  for (size_t i = 0; i < model.decoder.size(); ++i) {
    Kind kind = model.decoder[i].kind;
    if (kind == Kind::Fuse) {
      join("");
      continue;
    }
    if (kind == Kind::Ctc)
      pieces.erase(std::unique(pieces.begin(), pieces.end(),
                               [](const Piece &a, const Piece &b) {
                                 return a.text == b.text;
                               }),
                   pieces.end());
    total = 0;
    for (size_t k = 0; k < pieces.size(); ++k) {
      apply(i, pieces[k], k == 0, k + 1 == pieces.size());
      total += pieces[k].text.size();
      if (total > limit)
        return std::nullopt;
    }
  }
  join(model.decoder.empty() && !model.byteLevel ? " " : "");
  if (pieces[0].text.size() > limit)
    return std::nullopt;
  return std::move(pieces[0].text);
}
