//===- TrainingOptionsTest.cpp - what a training is asked for -------------===//
#include "TrainingOptions.h"

#include "LossCurve.h"

#include <gtest/gtest.h>

#include <set>

using namespace tenon::runtime;

namespace {

TEST(ScheduleTest, WarmsUpAndFalls) {
  Schedule cosine{Schedule::Kind::Cosine, 10, 110};
  EXPECT_EQ(cosine.factor(1), 0);
  EXPECT_EQ(cosine.factor(6), 0.5);
  EXPECT_EQ(cosine.factor(11), 1);
  EXPECT_NEAR(cosine.factor(61), 0.5, 1e-12);
  EXPECT_NEAR(cosine.factor(111), 0, 1e-12);
  EXPECT_NEAR(cosine.factor(500), 0, 1e-12);
  Schedule linear{Schedule::Kind::Linear, 10, 110};
  EXPECT_DOUBLE_EQ(linear.factor(36), 0.75);
  EXPECT_EQ(linear.factor(500), 0);
  Schedule constant{Schedule::Kind::Constant, 2, 5};
  EXPECT_EQ(constant.factor(2), 0.5);
  EXPECT_EQ(constant.factor(400), 1);
  // A warm-up as long as the training leaves no step to fall in.
  EXPECT_EQ((Schedule{Schedule::Kind::Linear, 5, 5}.factor(6)), 1);
}

TEST(TrainingOptionsTest, EachEpochMeetsEverySequenceInAnOrderOfItsOwn) {
  TrainingOptions options;
  options.data = "texts.txt";
  std::vector<uint64_t> orders[2];
  for (uint64_t place = 0; place < 200; ++place)
    orders[place / 100].push_back(options.sequenceAt(place, 100));
  for (const auto &order : orders)
    EXPECT_EQ(std::set<uint64_t>(order.begin(), order.end()).size(), 100u);
  EXPECT_NE(orders[0], orders[1]);
  options.shuffle = "off";
  EXPECT_EQ(options.sequenceAt(103, 100), 3u);
  // Tokens in a file are met in its order, unless asked otherwise.
  options.shuffle = "";
  options.data = "tokens.bin";
  EXPECT_EQ(options.sequenceAt(103, 100), 3u);
  options.shuffle = "on";
  EXPECT_EQ(options.sequenceAt(103, 100), orders[1][3]);
}

TEST(TrainingOptionsTest, AreReadAsTheyWereWritten) {
  TrainingOptions options;
  options.data = "a.txt";
  options.optimizer = "muon";
  options.step = Optimizer::of(Optimizer::Kind::Muon);
  options.step.rate = 0.25;
  options.sentinel = 99;
  options.epochs = 1.5;
  OrderedJson json = options.toJson();
  TrainingOptions read = TrainingOptions::fromJson(json);
  EXPECT_EQ(read.toJson(), json);
  EXPECT_EQ(read.step.kind, Optimizer::Kind::Muon);
  EXPECT_EQ(read.step.rate, 0.25);
  for (const auto &item : json.items()) {
    OrderedJson without = json;
    without.erase(item.key());
    EXPECT_THROW(TrainingOptions::fromJson(without), OrderedJson::exception)
        << item.key();
  }
  json["optimizer"] = "another";
  EXPECT_EQ(TrainingOptions::fromJson(json).step.kind, Optimizer::Kind::AdamW);
}

size_t count(const std::string &text, const std::string &word) {
  size_t number = 0;
  for (size_t at = 0; (at = text.find(word, at)) != text.npos; ++at)
    ++number;
  return number;
}

TEST(LossCurveTest, DrawsLossesAndHeldOutLosses) {
  OrderedJson history = OrderedJson::array();
  for (int step = 1; step <= 1000; ++step)
    history.push_back({{"step", step}, {"loss", 8.0 / step}});
  std::string plain = drawLossCurve(history);
  EXPECT_EQ(count(plain, "<polyline"), 1u);
  // 1,000 steps become the means of four each.
  size_t begin = plain.find("points=\"");
  std::string points = plain.substr(begin, plain.find("\"/>", begin) - begin);
  EXPECT_EQ(count(points, ","), 250u);
  EXPECT_NE(plain.find(">0.01</text>"), std::string::npos);
  history.push_back({{"step", 1000}, {"held_out_loss", 0.5}});
  // A logarithm has no place for 0.
  history.push_back({{"step", 1001}, {"loss", 0}});
  std::string both = drawLossCurve(history);
  EXPECT_EQ(count(both, "<polyline"), 2u);
  EXPECT_EQ(count(both, "<circle"), 1u);
  EXPECT_NE(both.find("held-out loss, 0.5000 at the end"), std::string::npos);
  EXPECT_EQ(both.find("nan"), std::string::npos);
  EXPECT_EQ(both.find("inf"), std::string::npos);
  EXPECT_EQ(drawLossCurve(OrderedJson::array()).find("nan"), std::string::npos);
}

} // namespace
