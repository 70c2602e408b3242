//===- ObjectivesTest.cpp - what a training learns, and its labels --------===//
#include "Objectives.h"

#include "LabelNames.h"

#include "../TestSupport.h"
#include "tenon/Support/Strings.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

using namespace tenon;
using namespace tenon::runtime;
using tenon::test::TemporaryDirectory;

namespace {

TrainingInfo learning(const char *objective) {
  TrainingInfo info;
  info.objective = objective;
  return info;
}

TEST(ObjectiveTest, IsReadWithItsNumbers) {
  struct {
    const char *text, *learned, *name;
    double share, meanLength;
  } cases[] = {
      {"", "masked", "masked", 0.15, 3},
      {"causal", "causal", "causal", 0.15, 3},
      {"masked:0.4", "masked", "masked", 0.4, 3},
      {"masked:1", "masked", "masked", 1, 3},
      {"span", "sequence", "span", 0.15, 3},
      {"span:0.5", "sequence", "span", 0.5, 3},
      {"span:0.5:8", "sequence", "span", 0.5, 8},
      {"sequence", "sequence", "sequence", 0.15, 3},
  };
  for (const auto &wanted : cases) {
    auto objective = Objective::parse(wanted.text, learning(wanted.learned));
    ASSERT_TRUE(objective) << objective.error().message;
    EXPECT_EQ(objective->name, wanted.name);
    EXPECT_EQ(objective->share, wanted.share);
    EXPECT_EQ(objective->meanLength, wanted.meanLength);
  }
  EXPECT_TRUE(Objective::parse("span", learning("sequence"))->isOfTexts());
  EXPECT_FALSE(Objective::parse("tags", learning("tags"))->isOfTexts());
}

TEST(ObjectiveTest, IsRefusedWhereTheProgramLearnsAnother) {
  for (const char *text :
       {"causal", "masked:", "masked:0", "masked:1.5", "masked:nan", "masked:x",
        "masked:0.2x", "masked:0.2:", "masked:0.2:3", "span", "mask"}) {
    auto objective = Objective::parse(text, learning("masked"));
    ASSERT_FALSE(objective) << text;
    EXPECT_EQ(objective.error().code, ExitCode::BadUsage);
    EXPECT_NE(objective.error().message.find(
                  "this program learns 'masked', to guess words"),
              std::string::npos)
        << objective.error().message;
  }
  for (const char *text : {"span:1", "span:0.5:0.5", "span:0.5:1e9",
                           "span:0.5:", "span:0.5:3:3", "sequence:0.5"})
    EXPECT_FALSE(Objective::parse(text, learning("sequence"))) << text;
  for (const char *learned : {"causal", "tags", "classes", "sequence"})
    EXPECT_NE(Objective::parse("mask", learning(learned))
                  .error()
                  .message.find(strCat("this program learns '", learned, "'")),
              std::string::npos);
}

TEST(LabelNamesTest, AreThoseOfTheCheckpoint) {
  TemporaryDirectory directory;
  TrainingInfo info;
  info.labels = {"LABEL_0", "LABEL_1"};
  auto open = readLabelNames(info, "");
  ASSERT_TRUE(open);
  EXPECT_TRUE(open->areOpen);
  EXPECT_EQ(*open->find("LABEL_1"), 1);
  info.files = {{"config.json", "{}"}};
  directory.write("config.json", R"({"id2label": {"0": "no", "1": "yes"}})");
  auto named = readLabelNames(info, directory.path());
  ASSERT_TRUE(named) << named.error().message;
  EXPECT_FALSE(named->areOpen);
  EXPECT_EQ(named->names, (std::vector<std::string>{"no", "yes"}));
  for (const char *other :
       {R"({"id2label": {"0": "no"}})", R"({"id2label": {"0": 1, "1": 2}})",
        R"({"id2label": {"1": "a", "2": "b"}})", "{}"}) {
    directory.write("config.json", other);
    auto refused = readLabelNames(info, directory.path());
    ASSERT_FALSE(refused) << other;
    EXPECT_NE(refused.error().message.find("labels, and the program 2"),
              std::string::npos);
  }
  directory.write("config.json", "{");
  EXPECT_FALSE(readLabelNames(info, directory.path()));
}

TEST(LabelNamesTest, SayWhichThereAre) {
  LabelNames labels;
  EXPECT_NE(labels.find("x").error().message.find("data say numbers"),
            std::string::npos);
  labels.choose({"a", "b"}, 12);
  EXPECT_EQ(labels.names[11], "LABEL_11");
  EXPECT_NE(labels.find("x").error().message.find("they are 'a', 'b', "),
            std::string::npos);
  EXPECT_NE(labels.find("x").error().message.find(", ..."), std::string::npos);
}

TEST(LabelNamesTest, AreWrittenIntoAConfiguration) {
  auto config = nlohmann::json::parse(withLabelNames(
      R"({"model_type": "bert", "id2label": {"0": "x"}})", {"no", "yes"}));
  EXPECT_EQ(config["id2label"]["1"], "yes");
  EXPECT_EQ(config["label2id"]["yes"], 1);
  EXPECT_EQ(config["model_type"], "bert");
  EXPECT_EQ(withLabelNames("[]", {"no"}), "[]");
  EXPECT_EQ(withLabelNames("damaged", {"no"}), "damaged");
}

} // namespace
