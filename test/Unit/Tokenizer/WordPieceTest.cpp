//===- WordPieceTest.cpp - BERT's tokenizer ------------------------------===//

#include "TokenizerFiles.h"

#include "tenon/Support/Utf8.h"

using namespace tenon;
using namespace tenon::test;

// The example of BERT's tokenization_test.py.
static const std::vector<std::string> bertPieces = {
    "want", "##want", "##ed", "wa", "un", "runn", "##ing", "low", ",", "!"};

static std::vector<std::string> piecesOf(const Tokenizer &tokenizer,
                                         std::string_view text) {
  std::vector<std::string> pieces;
  Ids tokens = *tokenizer.encode(text, false);
  for (int32_t token : tokens)
    pieces.emplace_back(tokenizer.piece(token));
  return pieces;
}
using Strings = std::vector<std::string>;

TEST(WordPiece, ExpectedTokens) {
  auto tokenizer = load(wordPieceFile(bertPieces));
  EXPECT_EQ(piecesOf(*tokenizer, "unwanted running"),
            (Strings{"un", "##want", "##ed", "runn", "##ing"}));
  EXPECT_EQ(piecesOf(*tokenizer, "unwantedX running"),
            (Strings{"[UNK]", "runn", "##ing"}));
  EXPECT_EQ(piecesOf(*tokenizer, "UNwant\u00E9d,running"),
            (Strings{"un", "##want", "##ed", ",", "runn", "##ing"}));
  EXPECT_EQ(*tokenizer->encode("want!"), (Ids{2, 5, 14, 3}));
  EXPECT_EQ(tokenizer->unknownToken(), 1);
  EXPECT_EQ(tokenizer->maskToken(), 4);
}

TEST(WordPiece, Robustness19EmptyPrompt) {
  auto tokenizer = load(wordPieceFile(bertPieces));
  EXPECT_EQ(*tokenizer->encode(""), (Ids{2, 3}));
  EXPECT_EQ(*tokenizer->encode(" \n\t "), (Ids{2, 3}));
}

TEST(WordPiece, Mask) {
  auto tokenizer = load(wordPieceFile(bertPieces));
  EXPECT_EQ(*tokenizer->encode("want [MASK] low"), (Ids{2, 5, 4, 12, 3}));
  // Only as it is spelled.
  EXPECT_EQ(*tokenizer->encode("[mask]", false), (Ids{1, 1, 1}));
}

TEST(WordPiece, WordsThatAreTooLong) {
  auto tokenizer = load(wordPieceFile({"a", "##a"}));
  EXPECT_EQ(tokenizer->encode(std::string(100, 'a'), false)->size(), 100u);
  EXPECT_EQ(*tokenizer->encode(std::string(101, 'a'), false), (Ids{1}));
  json file = wordPieceFile({"é", "##é"}, /*lowercase=*/false);
  file["model"]["max_input_chars_per_word"] = 3;
  EXPECT_EQ(load(file)->encode("ééé", false)->size(), 3u);
  EXPECT_EQ(*load(file)->encode("éééé", false), (Ids{1}));
}

TEST(WordPiece, ChineseCharactersAreWords) {
  auto tokenizer = load(wordPieceFile({"視", "野", "a", "b"}));
  EXPECT_EQ(piecesOf(*tokenizer, "a視野b"), (Strings{"a", "視", "野", "b"}));
  json file = wordPieceFile({"視", "野", "a", "b"});
  file["normalizer"]["handle_chinese_chars"] = false;
  EXPECT_EQ(piecesOf(*load(file), "a視野b"), (Strings{"[UNK]"}));
}

TEST(WordPiece, Punctuation) {
  auto tokenizer = load(wordPieceFile({"a", "$", "-", "“", "¿", "`", "_"}));
  EXPECT_EQ(piecesOf(*tokenizer, "a$a-a“a¿a`_"),
            (Strings{"a", "$", "a", "-", "a", "“", "a", "¿", "a", "`", "_"}));
}

TEST(WordPiece, Accents) {
  EXPECT_EQ(piecesOf(*load(wordPieceFile({"hello"})), "HÉLLO"),
            (Strings{"hello"}));
  // Cased vocabularies keep accents unless told otherwise.
  json file = wordPieceFile({"HÉLLO", "HELLO"}, /*lowercase=*/false);
  EXPECT_EQ(piecesOf(*load(file), "HÉLLO"), (Strings{"HÉLLO"}));
  file["normalizer"]["strip_accents"] = true;
  EXPECT_EQ(piecesOf(*load(file), "HÉLLO"), (Strings{"HELLO"}));
}

// Every character is in the vocabulary, as a beginning and as a continuation.
static std::vector<std::string> charactersOf(const Strings &texts) {
  Strings pieces;
  for (const std::string &text : texts)
    for (size_t at = 0; at < text.size();) {
      Utf8Step step = decodeUtf8(text, at);
      pieces.push_back(text.substr(at, step.length));
      pieces.push_back("##" + pieces.back());
      at += step.length;
    }
  return pieces;
}

TEST(WordPiece, RoundTrips) {
  Strings texts = {"The quick brown fox",
                   "Ξεσκεπάζω την ψυχοφθόρα",
                   "Съешь ещё этих булок",
                   "نص حكيم له سر قاطع",
                   "דג סקרן שט בים",
                   "ऋषियों को सताने वाले",
                   "เป็นมนุษย์สุดประเสริฐ",
                   "視 野 無 限 廣",
                   "いろはにほへと ちりぬるを",
                   "키스의 고유조건은",
                   "ვეპხის ტყაოსანი",
                   "👍🏽 😀"};
  auto tokenizer = load(wordPieceFile(charactersOf(texts), false));
  for (const std::string &text : texts)
    EXPECT_EQ(*tokenizer->decode(*tokenizer->encode(text)), text);
}

TEST(WordPiece, Robustness19InvalidBytesAreReplaced) {
  // U+FFFD has no meaning to BERT: its normalizer drops it.
  auto tokenizer = load(wordPieceFile(bertPieces));
  EXPECT_EQ(piecesOf(*tokenizer, "un\xffwant\xe2\x82"),
            (Strings{"un", "##want"}));
  json file = wordPieceFile({"un", "##\uFFFD", "\uFFFD"});
  file["normalizer"] = nullptr;
  tokenizer = load(file);
  EXPECT_EQ(piecesOf(*tokenizer, "un\xff \xe2\x82"),
            (Strings{"un", "##\uFFFD", "\uFFFD"}));
  for (const std::string &text : invalidTexts())
    EXPECT_TRUE(isValidUtf8(*tokenizer->decode(*tokenizer->encode(text))));
}

TEST(WordPiece, CleansUpPunctuation) {
  auto tokenizer =
      load(wordPieceFile({"don", "'", "t", "stop", ".", "he", "s", ",", "n"}));
  EXPECT_EQ(*tokenizer->decode(*tokenizer->encode("stop. he, he.")),
            "stop. he, he.");
  json file = wordPieceFile({"stop", "."});
  file["decoder"]["cleanup"] = false;
  EXPECT_EQ(*load(file)->decode(*load(file)->encode("stop.")), "stop .");
}
