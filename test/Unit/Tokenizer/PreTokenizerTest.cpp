//===- PreTokenizerTest.cpp - cutting text into pieces -------------------===//

#include "TokenizerFiles.h"

#include "Tokenizer/PreTokenizer.h"

using namespace tenon;
using namespace tenon::test;
using Strings = std::vector<std::string>;
using Kind = PreTokenizerStep::Kind;
using Behavior = PreTokenizerStep::Behavior;

static Strings cut(const std::vector<PreTokenizerStep> &steps,
                   std::string_view text, bool atStart = true) {
  Expected<PreTokenizer> preTokenizer = PreTokenizer::create(steps);
  if (!preTokenizer)
    return {preTokenizer.error().message};
  WorkBudget budget(text.size());
  Pieces pieces = preTokenizer->cut(std::string(text), atStart, budget);
  Strings out;
  for (size_t i = 0; i < pieces.spans.size(); ++i)
    out.emplace_back(pieces[i]);
  return out;
}

// The steps that a member "pre_tokenizer" becomes.
static std::vector<PreTokenizerStep> stepsOf(const json &value) {
  json file = byteLevelFile({});
  file["pre_tokenizer"] = value;
  return load(file)->data().preTokenizer;
}

static PreTokenizerStep split(std::string_view pattern, Behavior behavior,
                              bool invert = false) {
  PreTokenizerStep step;
  step.kind = Kind::Split;
  step.pattern = pattern;
  step.behavior = behavior;
  step.invert = invert;
  return step;
}

TEST(PreTokenizer, NoSteps) {
  EXPECT_EQ(cut({}, "a b"), (Strings{"a b"}));
  EXPECT_EQ(cut({}, ""), Strings{});
}

// The examples of Hugging Face's documentation of SplitDelimiterBehavior.
TEST(PreTokenizer, Behaviors) {
  std::string text = "the-final--countdown";
  auto with = [&](Behavior behavior) {
    return cut({split("-", behavior)}, text);
  };
  EXPECT_EQ(with(Behavior::Removed), (Strings{"the", "final", "countdown"}));
  EXPECT_EQ(with(Behavior::Isolated),
            (Strings{"the", "-", "final", "-", "-", "countdown"}));
  EXPECT_EQ(with(Behavior::MergedWithPrevious),
            (Strings{"the-", "final-", "-", "countdown"}));
  EXPECT_EQ(with(Behavior::MergedWithNext),
            (Strings{"the", "-final", "-", "-countdown"}));
  EXPECT_EQ(with(Behavior::Contiguous),
            (Strings{"the", "-", "final", "--", "countdown"}));
}

TEST(PreTokenizer, Invert) {
  EXPECT_EQ(cut({split("[a-z]+", Behavior::Removed, true)}, "ab, cd!"),
            (Strings{"ab", "cd"}));
}

TEST(PreTokenizer, EmptyMatchesCut) {
  EXPECT_EQ(cut({split("(?=\\d)", Behavior::Isolated)}, "ab12"),
            (Strings{"ab", "1", "2"}));
}

TEST(PreTokenizer, Gpt2Pattern) {
  auto steps = stepsOf({{"type", "ByteLevel"}, {"add_prefix_space", false}});
  EXPECT_EQ(cut(steps, "I'm 12 years-old,  don't   you\n\nknow? "),
            (Strings{"I", "'m", " 12", " years", "-", "old", ",", " ", " don",
                     "'t", "  ", " you", "\n", "\n", "know", "?", " "}));
  EXPECT_EQ(cut(steps, "été Ώρα ١٢"), (Strings{"été", " Ώρα", " ١٢"}));
}

TEST(PreTokenizer, Llama3Pattern) {
  json value = {
      {"type", "Sequence"},
      {"pretokenizers",
       {{{"type", "Split"},
         {"pattern",
          {{"Regex",
            "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|"
            "\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!"
            "\\S)|\\s+"}}},
         {"behavior", "Isolated"},
         {"invert", false}},
        {{"type", "ByteLevel"},
         {"add_prefix_space", false},
         {"trim_offsets", true},
         {"use_regex", false}}}}};
  EXPECT_EQ(
      cut(stepsOf(value), "It'S 12345 (ok)!\n\n  x"),
      (Strings{"It", "'S", " ", "123", "45", " (", "ok", ")!\n\n", " ", " x"}));
}

// Matches may be longer than the window that the matcher begins with.
TEST(PreTokenizer, LongMatches) {
  auto steps = stepsOf({{"type", "ByteLevel"}, {"add_prefix_space", false}});
  std::string word(5000, 'x'), blanks(3000, ' ');
  EXPECT_EQ(cut(steps, word + blanks + word),
            (Strings{word, blanks.substr(1), " " + word}));
  std::string letters;
  for (int i = 0; i < 1000; ++i)
    letters += "視";
  EXPECT_EQ(cut(steps, letters + "!" + letters),
            (Strings{letters, "!", letters}));
}

TEST(PreTokenizer, Bert) {
  EXPECT_EQ(
      cut(stepsOf({{"type", "BertPreTokenizer"}}), " Hello,\tworld's  end…"),
      (Strings{"Hello", ",", "world", "'", "s", "end", "…"}));
}

TEST(PreTokenizer, OtherKinds) {
  EXPECT_EQ(cut(stepsOf({{"type", "Whitespace"}}), "a_b, c!?"),
            (Strings{"a_b", ",", "c", "!?"}));
  EXPECT_EQ(cut(stepsOf({{"type", "WhitespaceSplit"}}), " a,  b\n"),
            (Strings{"a,", "b"}));
  EXPECT_EQ(
      cut(stepsOf({{"type", "Digits"}, {"individual_digits", true}}), "a12b"),
      (Strings{"a", "1", "2", "b"}));
  EXPECT_EQ(cut(stepsOf({{"type", "Digits"}}), "a12b"),
            (Strings{"a", "12", "b"}));
  EXPECT_EQ(cut(stepsOf({{"type", "Punctuation"}, {"behavior", "Contiguous"}}),
                "a..b"),
            (Strings{"a", "..", "b"}));
  EXPECT_EQ(
      cut(stepsOf({{"type", "CharDelimiterSplit"}, {"delimiter", "|"}}), "a|b"),
      (Strings{"a", "b"}));
  EXPECT_EQ(cut(stepsOf({{"type", "Split"},
                         {"pattern", {{"String", "a.b"}}},
                         {"behavior", "Isolated"}}),
                "axba.b"),
            (Strings{"axb", "a.b"}));
}

TEST(PreTokenizer, Metaspace) {
  auto steps = stepsOf({{"type", "Metaspace"}, {"prepend_scheme", "first"}});
  EXPECT_EQ(cut(steps, "a b  c"), (Strings{"▁a", "▁b", "▁", "▁c"}));
  EXPECT_EQ(cut(steps, " a"), (Strings{"▁a"}));
  EXPECT_EQ(cut(steps, "▁a"), (Strings{"▁a"}));
  EXPECT_EQ(cut(steps, "a b", /*atStart=*/false), (Strings{"a", "▁b"}));
}

TEST(PreTokenizer, PrefixSpaceOnEachPiece) {
  PreTokenizerStep prefix;
  prefix.kind = Kind::PrefixSpace;
  EXPECT_EQ(cut({split("-", Behavior::Removed), prefix}, "a- b"),
            (Strings{" a", " b"}));
}

// After a ByteLevel step patterns see the byte alphabet: the second byte of
// "²" (C2 B2) is spelled "²", which is a number, the first "Â", a letter.
TEST(PreTokenizer, PatternsAfterByteLevel) {
  PreTokenizerStep byteLevel;
  byteLevel.kind = Kind::ByteLevel;
  EXPECT_EQ(cut({byteLevel, split("\\p{N}", Behavior::Isolated)}, "a²b"),
            (Strings{"a\xc2", "\xb2", "b"}));
  EXPECT_EQ(cut({split("\\p{N}", Behavior::Isolated), byteLevel}, "a²b"),
            (Strings{"a", "²", "b"}));
}

// Invalid bytes are neither letters nor numbers nor white space.
TEST(PreTokenizer, Robustness19InvalidBytes) {
  auto steps = stepsOf({{"type", "ByteLevel"}, {"add_prefix_space", false}});
  EXPECT_EQ(cut(steps, "ab\xff\xfe"
                       "cd 1\xe2\x82 "),
            (Strings{"ab", "\xff\xfe", "cd", " 1", "\xe2\x82", " "}));
}
