//===- TokenizerFiles.h - small tokenizer.json files for tests --*- C++ -*-===//

#ifndef TENON_TEST_UNIT_TOKENIZER_TOKENIZERFILES_H
#define TENON_TEST_UNIT_TOKENIZER_TOKENIZERFILES_H

#include "tenon/Tokenizer/Tokenizer.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <string>
#include <utility>
#include <vector>

namespace tenon::test {

using nlohmann::json;
using Ids = std::vector<int32_t>;
using Merges = std::vector<std::pair<std::string, std::string>>;

/// The tokenizer of a file, which must be a good one.
inline std::unique_ptr<Tokenizer> load(const json &file) {
  auto tokenizer = Tokenizer::fromTokenizerJson(file.dump(), "tokenizer.json");
  if (!tokenizer) {
    ADD_FAILURE() << tokenizer.error().message;
    std::abort();
  }
  return *std::move(tokenizer);
}

/// The message that a file is refused with.
inline std::string refusal(const json &file) {
  auto tokenizer = Tokenizer::fromTokenizerJson(file.dump(), "tokenizer.json");
  return tokenizer ? "no error" : tokenizer.error().message;
}

inline std::string utf8(char32_t c) {
  std::string text;
  if (c < 0x80) {
    text += static_cast<char>(c);
  } else {
    text += static_cast<char>(0xc0 | (c >> 6));
    text += static_cast<char>(0x80 | (c & 0x3f));
  }
  return text;
}

/// GPT-2's bytes_to_unicode, written as in its encoder.py.
inline std::vector<std::string> byteAlphabet() {
  std::vector<int> bytes;
  for (auto [first, last] : {std::pair(0x21, 0x7e), {0xa1, 0xac}, {0xae, 0xff}})
    for (int byte = first; byte <= last; ++byte)
      bytes.push_back(byte);
  std::vector<std::string> letters(256);
  for (int byte : bytes)
    letters[byte] = utf8(static_cast<char32_t>(byte));
  int next = 0;
  for (std::string &letter : letters)
    if (letter.empty())
      letter = utf8(static_cast<char32_t>(256 + next++));
  return letters;
}

inline json addedToken(std::string_view content, int id, bool special = true) {
  return {{"id", id},          {"content", content}, {"single_word", false},
          {"lstrip", false},   {"rstrip", false},    {"normalized", false},
          {"special", special}};
}

/// Appends the results of merges to a vocabulary.
inline void addMerges(json &model, const Merges &merges) {
  json list = json::array();
  for (const auto &[left, right] : merges) {
    if (!model["vocab"].contains(left + right))
      model["vocab"][left + right] = model["vocab"].size();
    list.push_back({left, right});
  }
  model["merges"] = list;
}

/// Byte-level, as GPT-2's: ids 0 to 255 are the bytes, then the merges, then
/// "<|end|>".
inline json byteLevelFile(const Merges &merges) {
  json model = {{"type", "BPE"}};
  std::vector<std::string> letters = byteAlphabet();
  for (int byte = 0; byte < 256; ++byte)
    model["vocab"][letters[byte]] = byte;
  addMerges(model, merges);
  int end = static_cast<int>(model["vocab"].size());
  return {{"added_tokens", json::array({addedToken("<|end|>", end)})},
          {"pre_tokenizer",
           {{"type", "ByteLevel"},
            {"add_prefix_space", false},
            {"use_regex", true}}},
          {"decoder", {{"type", "ByteLevel"}}},
          {"model", model}};
}

/// SentencePiece-style, as Llama 2's: <unk>, <s>, </s>, 256 bytes, then
/// `characters`, then the merges.
inline json sentencePieceFile(const std::vector<std::string> &characters,
                              const Merges &merges) {
  json model = {{"type", "BPE"},
                {"unk_token", "<unk>"},
                {"fuse_unk", true},
                {"byte_fallback", true}};
  json &vocab = model["vocab"];
  vocab = {{"<unk>", 0}, {"<s>", 1}, {"</s>", 2}};
  for (int byte = 0; byte < 256; ++byte) {
    char name[8];
    std::snprintf(name, sizeof(name), "<0x%02X>", byte);
    vocab[name] = vocab.size();
  }
  for (const std::string &character : characters)
    vocab[character] = vocab.size();
  addMerges(model, merges);
  json normalizers = {
      {{"type", "Prepend"}, {"prepend", "▁"}},
      {{"type", "Replace"}, {"pattern", {{"String", " "}}}, {"content", "▁"}}};
  json decoders = {
      {{"type", "Replace"}, {"pattern", {{"String", "▁"}}}, {"content", " "}},
      {{"type", "ByteFallback"}},
      {{"type", "Fuse"}},
      {{"type", "Strip"}, {"content", " "}, {"start", 1}, {"stop", 0}}};
  json bos = {{"SpecialToken", {{"id", "<s>"}, {"type_id", 0}}}};
  json text = {{"Sequence", {{"id", "A"}, {"type_id", 0}}}};
  return {
      {"added_tokens",
       {addedToken("<unk>", 0), addedToken("<s>", 1), addedToken("</s>", 2)}},
      {"normalizer", {{"type", "Sequence"}, {"normalizers", normalizers}}},
      {"pre_tokenizer", nullptr},
      {"post_processor",
       {{"type", "TemplateProcessing"},
        {"single", {bos, text}},
        {"special_tokens",
         {{"<s>",
           {{"id", "<s>"},
            {"ids", json::array({1})},
            {"tokens", json::array({"<s>"})}}}}}}},
      {"decoder", {{"type", "Sequence"}, {"decoders", decoders}}},
      {"model", model}};
}

/// WordPiece, as BERT's: [PAD] [UNK] [CLS] [SEP] [MASK], then `pieces`.
inline json wordPieceFile(const std::vector<std::string> &pieces,
                          bool lowercase = true) {
  json model = {{"type", "WordPiece"},
                {"unk_token", "[UNK]"},
                {"continuing_subword_prefix", "##"},
                {"max_input_chars_per_word", 100}};
  json added = json::array();
  for (const char *name : {"[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"}) {
    added.push_back(addedToken(name, static_cast<int>(added.size())));
    model["vocab"][name] = model["vocab"].size();
  }
  for (const std::string &piece : pieces)
    if (!model["vocab"].contains(piece))
      model["vocab"][piece] = model["vocab"].size();
  return {
      {"added_tokens", added},
      {"normalizer",
       {{"type", "BertNormalizer"},
        {"clean_text", true},
        {"handle_chinese_chars", true},
        {"strip_accents", nullptr},
        {"lowercase", lowercase}}},
      {"pre_tokenizer", {{"type", "BertPreTokenizer"}}},
      {"post_processor",
       {{"type", "BertProcessing"},
        {"sep", {"[SEP]", 3}},
        {"cls", {"[CLS]", 2}}}},
      {"decoder", {{"type", "WordPiece"}, {"prefix", "##"}, {"cleanup", true}}},
      {"model", model}};
}

/// Texts that must survive: scripts, emoji, white space.
inline const std::vector<std::string> &manyScripts() {
  static const std::vector<std::string> texts = {
      "The quick brown fox",       // Latin
      "Ξεσκεπάζω την ψυχοφθόρα",   // Greek
      "Съешь ещё этих булок",      // Cyrillic
      "نص حكيم له سر قاطع",        // Arabic
      "דג סקרן שט בים",            // Hebrew
      "ऋषियों को सताने वाले",         // Devanagari
      "เป็นมนุษย์สุดประเสริฐ",          // Thai
      "視野無限廣窗外有藍天",      // Han
      "いろはにほへと ちりぬるを", // Kana
      "키스의 고유조건은",         // Hangul
      "ვეპხის ტყაოსანი",           // Georgian
      "Ծով ու ծուփ",               // Armenian
      "👩‍👩‍👧‍👦 🏳️‍🌈 🇫🇷 👍🏽", // emoji
                                                                    // with
                                                                    // joiners
                                                                    // and
                                                                    // modifiers
      "a\tb\n\n  c\r\n   ",
      "",
      " ",
      "x",
      std::string("nul\0byte", 8),
  };
  return texts;
}

/// Bytes that are no UTF-8.
inline const std::vector<std::string> &invalidTexts() {
  static const std::vector<std::string> texts = {
      "\xff",
      "a\x80z",
      "\xc3",
      "caf\xc3\xa9 \xe2\x82",
      "\xf0\x9f\x98 \xed\xa0\x80",
      "\xc0\xaf\xf5\x80",
      "ok \xfe\xff \xe4\xb8\xad",
  };
  return texts;
}

} // namespace tenon::test

#endif // TENON_TEST_UNIT_TOKENIZER_TOKENIZERFILES_H
