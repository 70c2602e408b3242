//===- RobustnessTest.cpp - bad tokenizer files, hostile texts -----------===//

#include "TokenizerFiles.h"

#include <chrono>

using namespace tenon;
using namespace tenon::test;

static void expectRefusal(const json &file, std::string_view part) {
  std::string message = refusal(file);
  EXPECT_NE(message.find(part), std::string::npos) << message;
  EXPECT_TRUE(message.starts_with("tokenizer.json:")) << message;
  EXPECT_NE(message.find("error: "), std::string::npos) << message;
}

static json spFile() {
  return sentencePieceFile({"▁", "a", "b"}, {{"a", "b"}});
}

TEST(TokenizerJson, Robustness10Syntax) {
  auto errorOf = [](std::string_view text) {
    auto tokenizer = Tokenizer::fromTokenizerJson(text, "t.json");
    return tokenizer ? "no error" : tokenizer.error().message;
  };
  EXPECT_EQ(errorOf("{\n \"model\": }").substr(0, 18), "t.json:2:11: error");
  EXPECT_NE(errorOf("{\"model\": {\"vocab\": {\"a\": 1, \"a\": 2}}}")
                .find("t.json:1:30: error: the key 'a' occurs twice"),
            std::string::npos);
  EXPECT_NE(errorOf(std::string(100000, '[')).find("deeper"),
            std::string::npos);
  EXPECT_NE(errorOf("{}").find("\"model\""), std::string::npos);
  EXPECT_NE(errorOf("[]").find("\"model\""), std::string::npos);
  EXPECT_NE(errorOf("").find("t.json:1:1: error"), std::string::npos);
}

// An error that concerns a token points to where the file spells it.
TEST(TokenizerJson, ErrorsHaveAPlace) {
  std::string text = "{\"model\": {\"type\": \"BPE\", \"vocab\": {\n"
                     "  \"a\": 0,\n"
                     "  \"b\": -4}, \"merges\": []}}";
  auto tokenizer = Tokenizer::fromTokenizerJson(text, "t.json");
  ASSERT_FALSE(tokenizer);
  EXPECT_EQ(tokenizer.error().message,
            "t.json:3:3: error: the id of token 'b' is -4");
}

// One that concerns a step or an entry, to where that begins, however the file
// spells it.
TEST(TokenizerJson, ErrorsOfPartsHaveTheirPlace) {
  auto placeOf = [](std::string_view text, std::string_view part) {
    auto tokenizer = Tokenizer::fromTokenizerJson(text, "t.json");
    std::string message = tokenizer ? "no error" : tokenizer.error().message;
    EXPECT_NE(message.find(part), std::string::npos) << message;
    return message.substr(0, message.find(" error: "));
  };
  std::string vocab =
      "{\"model\": {\"type\": \"BPE\",\n\"vocab\": {\"a\": 0}, ";
  EXPECT_EQ(placeOf(vocab + "\"merges\": [\"a\\u0020a\",\n [1]]}}",
                    "the token 'aa' is not in the vocabulary"),
            "t.json:2:31:");
  EXPECT_EQ(placeOf(vocab + "\"merges\":\n {}}}", "an array \"merges\""),
            "t.json:3:2:");
  EXPECT_EQ(placeOf(vocab + "\"unk_token\": \"\\u00e9\"}}", "unknown token"),
            "t.json:2:33:");
  std::string model = vocab + "\"merges\": []},\n";
  EXPECT_EQ(placeOf(model +
                        "\"decoder\": {\"type\": \"Sequence\", \"decoders\": "
                        "[{\"type\": \"Fuse\"},\n  {\"type\": \"Strip\", "
                        "\"start\": -1}]}}",
                    "has a bad count"),
            "t.json:4:3:");
  EXPECT_EQ(placeOf(model + "\"normalizer\": {\"type\": \"Replace\",\n"
                            "\"\\u0070attern\": {\"Regex\": \"(a\"}}}",
                    "bad regular expression '(a'"),
            "t.json:4:27:");
  EXPECT_EQ(placeOf(model + "\"pre_tokenizer\": \n {}}", "has no \"type\""),
            "t.json:4:2:");
  EXPECT_EQ(placeOf("[1, 2]", "a member \"model\""), "t.json:1:1:");
}

TEST(TokenizerJson, Unsupported) {
  json file = spFile();
  file["model"]["type"] = "Markov";
  expectRefusal(file, "the tokenizer model 'Markov' is not supported; "
                      "expected 'BPE', 'WordPiece', 'Unigram' or 'WordLevel'");
  file = spFile();
  file["model"]["dropout"] = 0.0;
  EXPECT_TRUE(load(file));
  file["model"]["dropout"] = 0.1;
  expectRefusal(file, "\"dropout\" in \"model\" leaves out merges at random");
  file = spFile();
  file["normalizer"] = {{"type", "Shout"}};
  expectRefusal(file, "the normalizer 'Shout' is not supported");
  file["normalizer"] = {{"type", "Precompiled"},
                        {"precompiled_charsmap", "/////w=="}};
  expectRefusal(file, "has no compiled rules in base64");
  file = spFile();
  file["pre_tokenizer"] = {{"type", "Syllables"}};
  expectRefusal(file, "the pre-tokenizer 'Syllables' is not supported");
  file["pre_tokenizer"] = {{"type", "FixedLength"}, {"length", 0}};
  expectRefusal(file, "has a bad length");
  file = spFile();
  file["decoder"] = {{"type", "Morse"}};
  expectRefusal(file, "the decoder 'Morse' is not supported");
  file = spFile();
  file["post_processor"] = {{"type", "Nope"}};
  expectRefusal(file, "the post-processor 'Nope' is not supported");
}

TEST(TokenizerJson, OldFilesDoNotNameTheModel) {
  json file = spFile();
  file["model"].erase("type");
  EXPECT_EQ(load(file)->encode("ab", false)->size(), 2u);
  file = wordPieceFile({"a"});
  file["model"].erase("type");
  EXPECT_EQ(*load(file)->encode("a", false), (Ids{5}));
}

TEST(TokenizerJson, Robustness16Merges) {
  json file = spFile();
  file["model"]["merges"] = json::array({json::array({"a", "x"})});
  expectRefusal(file, "merge 0 of 'a' and 'x': the token 'x' is not in the "
                      "vocabulary");
  file["model"]["merges"] = json::array({json::array({"b", "a"})});
  expectRefusal(file, "the token 'ba' is not in the vocabulary");
  file["model"]["merges"] = json::array({"a b c"});
  expectRefusal(file, "merge 0 is '\"a b c\"', expected two tokens");
  file["model"]["merges"] = json::array({"ab"});
  expectRefusal(file, "expected two tokens");
  file["model"]["merges"] = json::array({5});
  expectRefusal(file, "expected two tokens");
  file["model"]["merges"] = "a b";
  expectRefusal(file, "expected an array \"merges\"");
}

// A cycle needs a merge that doesn't make its text longer. No file can say
// that: a merge with an empty token is refused.
TEST(TokenizerJson, Robustness16CyclicMerges) {
  json file = spFile();
  file["model"]["vocab"][""] = 400;
  file["model"]["merges"] = json::array({json::array({"", "a"})});
  expectRefusal(file, "merge 0");
  TokenizerModel model = load(spFile())->data();
  uint32_t a = 260, b = 261;
  for (MergeRule rule : {MergeRule{a, b, a, 0}, MergeRule{a, b, b, 0},
                         MergeRule{b, a, 262, 0}, MergeRule{262, a, 262, 0}}) {
    model.merges = {rule};
    auto tokenizer = Tokenizer::fromModel(model, "m");
    ASSERT_FALSE(tokenizer);
    EXPECT_NE(tokenizer.error().message.find("m: error: merge 0 makes"),
              std::string::npos)
        << tokenizer.error().message;
  }
}

TEST(TokenizerJson, Robustness16Ids) {
  json file = spFile();
  file["model"]["vocab"]["z"] = 2000000000;
  expectRefusal(file, "the id 2000000000 of token 'z' is far beyond the "
                      "vocabulary");
  file["model"]["vocab"]["z"] = -1;
  expectRefusal(file, "the id of token 'z' is -1");
  file["model"]["vocab"]["z"] = "7";
  expectRefusal(file, "the id of token 'z' is a string");
  file["model"]["vocab"]["z"] = 1.5;
  expectRefusal(file, "the id of token 'z' is 1.5");
  file["model"]["vocab"]["z"] = 260;
  expectRefusal(file, "have the same id 260");
  file = spFile();
  file["model"]["vocab"] = json::object();
  file["model"]["merges"] = json::array();
  file["added_tokens"] = json::array();
  file["model"].erase("unk_token");
  file["post_processor"] = nullptr;
  expectRefusal(file, "the vocabulary is empty");
  file["model"]["vocab"] = {1, 2};
  expectRefusal(file, "expected an object \"vocab\"");
}

TEST(TokenizerJson, Robustness16SpecialIds) {
  json file = spFile();
  file["post_processor"]["special_tokens"]["<s>"]["ids"] =
      json::array({100000});
  expectRefusal(file, "the special token 100000 is out of range, the "
                      "vocabulary ends at 262");
  file["post_processor"]["special_tokens"]["<s>"]["ids"] = json::array({-1});
  expectRefusal(file, "has a bad id");
  file["post_processor"]["special_tokens"] = json::object();
  expectRefusal(file, "'<s>' of the post-processor has no ids");
  file = wordPieceFile({"a"});
  file["post_processor"]["sep"] = {"[SEP]", 1000};
  expectRefusal(file, "the special token 1000 is out of range");
  file["post_processor"]["sep"] = "[SEP]";
  expectRefusal(file, "\"sep\" is no token");
  file = spFile();
  file["added_tokens"].push_back(addedToken("<x>", 1 << 30));
  expectRefusal(file, "the id 1073741824 of token '<x>' is far beyond");
  file = spFile();
  file["added_tokens"][1]["id"] = 9;
  expectRefusal(file, "the added token '<s>' has the id 9, in the vocabulary "
                      "it is 1");
  file = spFile();
  file["added_tokens"].push_back(addedToken("<x>", 260));
  expectRefusal(file, "have the same id 260");
  file = spFile();
  file["model"]["unk_token"] = "<none>";
  expectRefusal(file, "the unknown token '<none>' is not in the vocabulary");
}

TEST(TokenizerJson, Robustness16ByteTokens) {
  for (const char *bad : {"<0x-1>", "<0x100>", "<0xGG>", "<0x>", "<0x0>"}) {
    json file = spFile();
    file["model"]["vocab"][bad] = 263;
    expectRefusal(file, "the byte token '" + std::string(bad) +
                            "', expected <0x00> to <0xFF>");
    // Without byte fallback it is a token like others.
    file["model"]["byte_fallback"] = false;
    EXPECT_EQ(refusal(file), "no error");
  }
}

TEST(TokenizerJson, Robustness16TypesShorterThanTokens) {
  TokenizerModel model = load(spFile())->data();
  model.kinds.pop_back();
  auto tokenizer = Tokenizer::fromModel(model, "m");
  ASSERT_FALSE(tokenizer);
  EXPECT_EQ(tokenizer.error().message,
            "m: error: the vocabulary has 263 tokens and 262 token types");
}

TEST(TokenizerJson, Robustness17BadPattern) {
  json file = byteLevelFile({});
  file["pre_tokenizer"] = {{"type", "Split"},
                           {"pattern", {{"Regex", "(a"}}},
                           {"behavior", "Isolated"}};
  expectRefusal(file, "bad regular expression '(a'");
  file["pre_tokenizer"]["pattern"]["Regex"] = "a";
  file["pre_tokenizer"]["behavior"] = "Sideways";
  expectRefusal(file, "unknown behavior 'Sideways'");
  file["pre_tokenizer"].erase("pattern");
  expectRefusal(file, "no pattern");
}

// Whatever the pattern does, all of the text is in the tokens, or there are
// none.
TEST(TokenizerJson, Robustness17HostilePattern) {
  json file = byteLevelFile({});
  file["pre_tokenizer"] = {{"type", "Sequence"},
                           {"pretokenizers",
                            {{{"type", "Split"},
                              {"pattern", {{"Regex", "(a+)+$"}}},
                              {"behavior", "Isolated"}},
                             {{"type", "ByteLevel"},
                              {"add_prefix_space", false},
                              {"use_regex", false}}}}};
  auto tokenizer = load(file);
  for (char last : {'A', 'b'}) {
    std::string text(1 << 20, last == 'A' ? 'A' : 'a');
    text.back() = last;
    auto start = std::chrono::steady_clock::now();
    if (auto tokens = tokenizer->encode(text))
      EXPECT_EQ(*tokenizer->decode(*tokens), text);
    else
      EXPECT_NE(
          tokens.error().message.find("the regular expression '(a+)+$' of "
                                      "the tokenizer takes too long"),
          std::string::npos)
          << tokens.error().message;
    std::chrono::duration<double> taken =
        std::chrono::steady_clock::now() - start;
    EXPECT_LT(taken.count(), 20.0);
  }
}

// Replacements that make a text grow without bound.
TEST(TokenizerJson, GrowthIsBounded) {
  json file = spFile();
  json steps = json::array();
  for (int i = 0; i < 40; ++i)
    steps.push_back({{"type", "Replace"},
                     {"pattern", {{"String", "a"}}},
                     {"content", "aa"}});
  file["normalizer"]["normalizers"] = steps;
  expectRefusal(file, "times longer");
  file["normalizer"] = {
      {"type", "Replace"}, {"pattern", {{"String", ""}}}, {"content", "x"}};
  expectRefusal(file, "replaces an empty text");
  file["normalizer"] = {{"type", "Prepend"},
                        {"prepend", std::string(5000, 'x')}};
  expectRefusal(file, "inserts 5000 bytes");
  file["normalizer"] = {{"type", "Sequence"}, {"normalizers", json::array()}};
  for (int i = 0; i < 100; ++i)
    file["normalizer"]["normalizers"].push_back({{"type", "NFC"}});
  expectRefusal(file, "more than 64 steps");
}

TEST(TokenizerJson, Robustness19LongTexts) {
  auto start = std::chrono::steady_clock::now();
  std::string blanks(1 << 20, ' '), letters(1 << 20, 'q');
  for (const json &file :
       {spFile(), byteLevelFile({{"Ġ", "Ġ"}}), wordPieceFile({"q", "##q"})}) {
    auto tokenizer = load(file);
    for (const std::string &text : {blanks, letters, blanks + letters}) {
      std::vector<int32_t> tokens = *tokenizer->encode(text, false);
      std::string back = *tokenizer->decode(tokens);
      // WordPiece has no blanks, and a long word is unknown.
      if (tokenizer->unknownToken() != 1)
        EXPECT_EQ(back, text);
      else
        EXPECT_LE(tokens.size(), 1u);
    }
  }
  std::chrono::duration<double> taken =
      std::chrono::steady_clock::now() - start;
  EXPECT_LT(taken.count(), 60.0);
}
