//===- TrainingTextTest.cpp - texts to learn from -------------------------===//
#include "TrainingText.h"

#include "FakeModule.h"
#include "FakeTokenizer.h"

#include "../TestSupport.h"

#include <gtest/gtest.h>

using namespace tenon;
using namespace tenon::runtime;
using tenon::test::TemporaryDirectory;

namespace {

/// A program with a fake model and, if wanted, a tokenizer of bytes.
class TrainingText : public testing::Test {
protected:
  void make(bool hasTokenizer = true, bool isEncoder = false) {
    Metadata metadata = isEncoder ? fake::encoder() : fake::decoder();
    metadata.generation.decoderStart = 2;
    std::string path = directory.path("program");
    Status status = fake::writeExecutable(
        "/proc/self/exe", path, metadata,
        hasTokenizer ? fake::tokenizer(isEncoder) : std::string());
    ASSERT_TRUE(status) << status.error().message;
    auto payload = Payload::open(path, "program");
    ASSERT_TRUE(payload) << payload.error().message;
    program = std::make_unique<Program>(std::move(*payload),
                                        std::span<const TenonVariant>());
  }

  Expected<TrainingData> read(const std::string &name, const std::string &text,
                              const std::string &objective = "causal") {
    reading.objective = objective;
    reading.length = reading.length ? reading.length : 16;
    return readTrainingData(*program, info, directory.write(name, text),
                            reading);
  }
  /// The tokens of a sequence as text, special ones as digits; then what is
  /// learned of them.
  static std::string show(const TrainingData &data, uint64_t number) {
    TrainingSequence sequence = data.sequence(number);
    auto spell = [](std::span<const int32_t> tokens) {
      std::string text;
      for (int32_t token : tokens)
        text += token < 0                  ? '_'
                : token < fake::kFirstByte ? char('0' + token)
                                           : char(token - fake::kFirstByte);
      return text;
    };
    return spell(sequence.tokens) + " " + spell(sequence.targets);
  }
  /// The message of an error, without the directory.
  std::string refusal(const std::string &name, const std::string &text,
                      const std::string &objective = "causal") {
    auto data = read(name, text, objective);
    if (data)
      return "no error";
    std::string message = data.error().message, path = directory.path() + "/";
    size_t at = message.find(path);
    return at == message.npos ? message : message.erase(at, path.size());
  }

  TemporaryDirectory directory;
  std::unique_ptr<Program> program;
  TrainingInfo info;
  DataReading reading;
};

#define EXPECT_REFUSAL(name, text, objective, part)                            \
  do {                                                                         \
    std::string message = refusal(name, text, objective);                      \
    EXPECT_NE(message.find(part), std::string::npos) << message;               \
  } while (false)

TEST_F(TrainingText, BlankLinesPartTexts) {
  make();
  auto data = read("a.txt", "\n\nab\ncd\n \t\n\nef\r\n\n   \n");
  ASSERT_TRUE(data) << data.error().message;
  ASSERT_EQ(data->count(), 2u);
  EXPECT_EQ(show(*data, 0), "1ab\ncd2 ab\ncd2");
  EXPECT_EQ(show(*data, 1), "1ef2 ef2");
  EXPECT_REFUSAL("a.txt", "ab\n\n\n0123456789abcdef", "causal",
                 "a.txt:4:1: error: the text has 18 tokens, more than the 16");
  EXPECT_REFUSAL("a.txt", " \n\n", "causal", "there is no text in it");
  EXPECT_REFUSAL("a.csv", "ab", "causal", "the end of its name doesn't say");
  EXPECT_REFUSAL("a.txt", "ab", "classes", "which takes JSON lines");
}

TEST_F(TrainingText, MarksPartTexts) {
  make();
  auto data = read("a.txt", "ab\n\ncd</s>\nef\n</s>");
  ASSERT_TRUE(data) << data.error().message;
  ASSERT_EQ(data->count(), 2u);
  EXPECT_EQ(show(*data, 0), "1ab\n\ncd2 ab\n\ncd2");
  EXPECT_EQ(show(*data, 1), "1ef2 ef2");
}

TEST_F(TrainingText, LongTextsAreSplitOrLeftOut) {
  make();
  reading.longTexts = parseLongTexts("split");
  auto split = read("a.txt", "0123456789abcdefgh");
  ASSERT_TRUE(split) << split.error().message;
  ASSERT_EQ(split->count(), 2u);
  EXPECT_EQ(show(*split, 1), "fgh2 gh2");
  reading.longTexts = parseLongTexts("skip");
  auto skipped = read("a.txt", "0123456789abcdefgh\n\nab");
  ASSERT_TRUE(skipped);
  EXPECT_EQ(skipped->count(), 1u);
  EXPECT_EQ(parseLongTexts(""), LongTexts::Refuse);
}

TEST_F(TrainingText, LinesOfJson) {
  make();
  auto data = read("a.jsonl", "\"ab\"\n\n{\"text\": \"c\"}\n"
                              "{\"prompt\": \"d\", \"completion\": \"ef\"}\n"
                              "{\"tokens\": [5, 6, 7]}");
  ASSERT_TRUE(data) << data.error().message;
  ASSERT_EQ(data->count(), 4u);
  EXPECT_EQ(show(*data, 0), "1ab2 ab2");
  EXPECT_EQ(show(*data, 1), "1c2 c2");
  EXPECT_EQ(show(*data, 2), "1def2 _ef2");
  EXPECT_EQ(data->sequence(3).tokens[2], 7);
}

TEST_F(TrainingText, BadLinesAreSaidWithTheirPlace) {
  make();
  struct {
    const char *line, *part;
  } cases[] = {
      {"{\"text\": }", "a.jsonl:2:10: error: invalid JSON"},
      {"[1]", "a.jsonl:2:1: error: expected a string, or an object"},
      {"{\"text\": 5}", "error: expected a string, or an object"},
      {"{\"prompt\": \"a\"}", "with \"prompt\" and \"completion\""},
      {"{\"prompt\": \"a\", \"completion\": 1}", "\"completion\""},
      {"{\"tokens\": 5}", "error: 'tokens' is no list of numbers"},
      {"{\"tokens\": [1, 260]}", "'tokens' has 260, no whole number from 0"},
      {"{\"tokens\": [-1]}", "'tokens' has -1"},
      {"{\"tokens\": [1.5]}", "'tokens' has 1.5"},
      {"{\"tokens\": [18446744073709551615]}",
       "'tokens' has 18446744073709551615"},
      {"{\"messages\": [{\"role\": \"user\", \"content\": \"a\"}]}",
       "need a chat template"},
      {"{\"messages\": {}}", "\"messages\" is no list"},
  };
  for (auto &[line, part] : cases)
    EXPECT_REFUSAL("a.jsonl", std::string("\"fine\"\n") + line, "causal", part);
}

TEST_F(TrainingText, LabelsOfTexts) {
  make(/*hasTokenizer=*/true, /*isEncoder=*/true);
  info.classes = 2;
  auto data = read("a.jsonl",
                   "{\"text\": \"ab\", \"label\": 1}\n"
                   "{\"tokens\": [4, 5, 6], \"label\": 0}",
                   "classes");
  ASSERT_TRUE(data) << data.error().message;
  EXPECT_EQ(data->sequence(0).targets[0], 1);
  EXPECT_EQ(data->sequence(1).fed, 3);
  auto refused = [&](const std::string &line, const char *part) {
    EXPECT_REFUSAL("a.jsonl", line, "classes", part);
  };
  refused("{\"text\": \"ab\"}", "with \"label\", found an object");
  refused("\"ab\"", "found a string");
  refused("{\"text\": \"ab\", \"label\": 2}", "'label' has 2");
  refused("{\"text\": \"ab\", \"label\": -1}", "'label' has -1");
  refused("{\"text\": \"ab\", \"label\": \"good\"}", "a.jsonl:1:1: error: ");
  refused("{\"text\": 5, \"label\": 0}", "'text' is no list of numbers");
  refused("{\"tokens\": [], \"label\": 0}", "the text has no tokens");
  refused("{\"text\": \"0123456789abcdef\", \"label\": 0}",
          "the text has 18 tokens, more than the 16");
  refused("{\"text\": \"a\", \"label\": 0", "a.jsonl:1:25: error: invalid");
  reading.longTexts = LongTexts::Skip;
  auto skipped = read("a.jsonl",
                      "{\"text\": \"0123456789abcdef\", \"label\": 0}\n"
                      "{\"text\": \"ab\", \"label\": 1}",
                      "classes");
  ASSERT_TRUE(skipped);
  EXPECT_EQ(skipped->count(), 1u);
}

TEST_F(TrainingText, NamesOfLabels) {
  make(/*hasTokenizer=*/true, /*isEncoder=*/true);
  info.classes = 3;
  reading.mayName = true;
  reading.labels = {{"LABEL_0", "LABEL_1", "LABEL_2"}, /*areOpen=*/true};
  std::string lines = "{\"text\": \"a\", \"label\": \"good\"}\n"
                      "{\"text\": \"b\", \"label\": \"bad\"}\n";
  auto data = read("a.jsonl", lines, "classes");
  ASSERT_TRUE(data) << data.error().message;
  EXPECT_EQ(reading.labels.names,
            (std::vector<std::string>{"bad", "good", "LABEL_2"}));
  EXPECT_EQ(data->sequence(0).targets[0], 1);
  reading.labels = {{"LABEL_0", "LABEL_1", "LABEL_2"}, /*areOpen=*/true};
  EXPECT_REFUSAL("a.jsonl", lines + "{\"text\": \"c\", \"label\": 2}",
                 "classes", "names in some lines and numbers in others");
  reading.labels = {{"LABEL_0", "LABEL_1", "LABEL_2"}, /*areOpen=*/true};
  info.classes = 1;
  EXPECT_REFUSAL("a.jsonl", lines, "classes",
                 "there are 2 labels in it, and the model has 1");
}

TEST_F(TrainingText, LabelsOfTokens) {
  make(/*hasTokenizer=*/true, /*isEncoder=*/true);
  info.classes = 3;
  reading.labels.names = {"O", "B", "I"};
  auto data = read("a.jsonl",
                   "{\"tokens\": [4, 5, 6], \"labels\": [0, -100, 2]}\n"
                   "{\"tokens\": [4, 5], \"labels\": [\"I\", -1]}",
                   "tags");
  ASSERT_TRUE(data) << data.error().message;
  EXPECT_EQ(data->sequence(0).targets[1], -1);
  EXPECT_EQ(data->sequence(0).targets[2], 2);
  EXPECT_EQ(data->sequence(1).targets[0], 2);
  auto refused = [&](const std::string &line, const char *part) {
    EXPECT_REFUSAL("a.jsonl", line, "tags", part);
  };
  refused("{\"tokens\": [4, 5], \"labels\": [0]}", "1 labels for 2 tokens");
  refused("{\"tokens\": [4, 5], \"labels\": [0, \"I\"]}",
          "'labels' has 0 beside names");
  refused("{\"tokens\": [4], \"labels\": [\"X\"]}", "a.jsonl:1:1: error: ");
  refused("{\"tokens\": [4], \"labels\": 3}", "no list of numbers");
  refused("{\"tokens\": [4]}", "with \"labels\"");
}

TEST_F(TrainingText, SourcesAndTargets) {
  make();
  auto data =
      read("a.jsonl", "{\"source\": \"ab\", \"target\": [5, 6]}", "sequence");
  ASSERT_TRUE(data) << data.error().message;
  EXPECT_EQ(data->sequence(0).source.size(), 3u);
  EXPECT_EQ(data->sequence(0).tokens[0], 2);
  auto refused = [&](const std::string &line, const char *part) {
    EXPECT_REFUSAL("a.jsonl", line, "sequence", part);
  };
  refused("{\"source\": \"ab\"}", "with \"source\" and \"target\"");
  refused("{\"source\": [], \"target\": [1]}", "has no tokens");
  refused("{\"source\": [1], \"target\": [true]}", "'target' has true");
  refused("{\"source\": {}, \"target\": [1]}", "'source' is no list");
  refused("{\"source\": \"0123456789abcdef\", \"target\": [5]}",
          "more than the 16");
}

TEST_F(TrainingText, WithoutATokenizerThereAreIds) {
  make(/*hasTokenizer=*/false);
  auto data = read("a.jsonl", "{\"tokens\": [5, 6]}");
  ASSERT_TRUE(data) << data.error().message;
  EXPECT_EQ(data->count(), 1u);
  EXPECT_REFUSAL("a.jsonl", "{\"text\": \"ab\"}", "causal",
                 "note: a .bin file has token ids");
  EXPECT_REFUSAL("a.txt", "ab", "causal", "note: a .bin file has token ids");
}

} // namespace
