//===- RopeTest.cpp - ropes of configurations and their frequencies -------===//

#include "LanguageTestSupport.h"

#include <cmath>
#include <numbers>

using namespace tenon::lang;

namespace {

const char *const kItems = R"(
  param rope : rope = 10000.0 from "rope_parameters" | "rope_scaling" | "rope_theta"
  weight embed : [2, 8] = "e"
  layer block[i < 1] = "l.{i}" {
    weight w : [8, 8] = ".w"
    def (x : [T, 8]) -> [T, 8] { merge_heads(rope(heads(x, 1), rotary(8, rope))) + linear(x, w) }
  }
  def forward(t : [T] of token) -> [T, 8] { block*(embedding(t, embed)) }
)";

std::optional<Rope> read(const std::string &config, std::string &messages) {
  Bound bound = bindItems(kItems, config);
  messages = bound.messages;
  if (!bound.bound)
    return std::nullopt;
  return *std::get<std::shared_ptr<const Rope>>(
      bound.bound->values().at("rope"));
}

Rope read(const std::string &config) {
  std::string messages;
  std::optional<Rope> rope = read(config, messages);
  EXPECT_TRUE(rope) << messages;
  return rope.value_or(Rope());
}

std::string problem(const std::string &config) {
  std::string messages;
  EXPECT_FALSE(read(config, messages));
  return messages;
}

TEST(RopeTest, OldAndNewConfigurationsSayTheSame) {
  EXPECT_EQ(read("{}").theta, 10000);
  EXPECT_EQ(read(R"({"rope_theta": 5e5})").theta, 5e5);
  Rope rope = read(R"({"rope_parameters": {"rope_type": "linear", "factor": 4,
                       "rope_theta": 5e5}})");
  EXPECT_EQ(rope.type, Rope::Type::Linear);
  EXPECT_EQ(rope.factor, 4);
  EXPECT_EQ(rope.theta, 5e5);
  EXPECT_EQ(read(R"({"rope_theta": 5e5, "rope_scaling":
                     {"type": "linear", "factor": 4.0}})"),
            rope);
  EXPECT_EQ(read(R"({"rope_theta": 1e3, "rope_scaling": null})").theta, 1e3);
}

TEST(RopeTest, ContextsBesideTheObjectCount) {
  Rope rope = read(R"({"max_position_embeddings": 131072,
      "original_max_position_embeddings": 4096, "rope_scaling": {"type": "su",
      "short_factor": [1, 1, 1, 1], "long_factor": [2, 3, 4, 5]}})");
  EXPECT_EQ(rope.type, Rope::Type::LongRope);
  EXPECT_EQ(rope.originalContext, 4096);
  EXPECT_EQ(rope.factor, 32);
}

TEST(RopeTest, UnknownTypesAndKeysAreErrorsAtTheirLines) {
  EXPECT_CONTAINS(problem("{\n\"rope_scaling\": {\n  \"type\": \"ntk\"}}"),
                  "config.json:3:3: error: 'rope_scaling.type' is \"ntk\"; "
                  "expected one of default, linear, dynamic, llama3, yarn, "
                  "longrope, su, proportional");
  EXPECT_CONTAINS(
      problem("{\n\"rope_parameters\": {\n  \"alpha\": 2}}"),
      "config.json:3:3: error: 'rope_parameters.alpha' is 2; a rope has no "
      "such member");
  EXPECT_CONTAINS(problem(R"({"rope_parameters": {"full_attention": {}}})"),
                  "one for each type of layer is read from "
                  "\"rope_parameters.full_attention\"");
  EXPECT_CONTAINS(problem(R"({"rope_scaling": {"type": "linear"}})"),
                  "\"linear\" needs 'factor'");
  EXPECT_CONTAINS(problem(R"({"rope_scaling": {"type": "yarn", "factor": 2}})"),
                  "\"yarn\" needs 'original_max_position_embeddings'");
  EXPECT_CONTAINS(problem(R"({"rope_scaling": {"type": "linear",
                              "factor": 0}})"),
                  "'rope_scaling.factor' is 0; expected a number above 0");
  EXPECT_CONTAINS(problem(R"({"rope_theta": "10000"})"),
                  "expected an object or a number: a rope");
  EXPECT_CONTAINS(problem(R"({"rope_parameters": {
                              "partial_rotary_factor": 0.5}})"),
                  "the description turns all components of a head");
  EXPECT_CONTAINS(problem(R"({"max_position_embeddings": 64, "rope_scaling":
                      {"type": "longrope", "short_factor": [1, 1],
                       "long_factor": [2, 3]}})"),
                  "rotary: longrope has 2 factors, one for each pair of "
                  "components is 4");
}

TEST(RopeTest, Plain) {
  Rope rope;
  std::vector<double> plain = ropeFrequencies(rope, 8, 64).frequencies;
  ASSERT_EQ(plain.size(), 4u);
  EXPECT_DOUBLE_EQ(plain[0], 1.0);
  EXPECT_NEAR(plain[1], 0.1, 1e-15);
  EXPECT_NEAR(plain[3], 0.001, 1e-15);
  rope.type = Rope::Type::Linear;
  rope.factor = 4;
  EXPECT_NEAR(ropeFrequencies(rope, 8, 64).frequencies[1], 0.025, 1e-15);
  rope.type = Rope::Type::Proportional;
  rope.partialFactor = 0.5;
  EXPECT_EQ(ropeFrequencies(rope, 8, 64).frequencies[2], 0);
  EXPECT_NEAR(ropeFrequencies(rope, 8, 64).frequencies[1], 0.025, 1e-15);
}

TEST(RopeTest, DynamicStaysUpToTheDeclaredContext) {
  Rope rope, plain;
  rope.type = Rope::Type::Dynamic;
  rope.factor = 2;
  rope.declaredContext = 64;
  EXPECT_EQ(ropeFrequencies(rope, 8, 64).frequencies,
            ropeFrequencies(plain, 8, 64).frequencies);
  // theta ((2 * 128 / 64) - 1)^(8 / 6)
  plain.theta = 10000 * std::pow(3.0, 8.0 / 6);
  EXPECT_NEAR(ropeFrequencies(rope, 8, 128).frequencies[3],
              ropeFrequencies(plain, 8, 64).frequencies[3], 1e-15);
}

// The definition in Transformers, with wavelengths instead of turns.
TEST(RopeTest, Llama3) {
  Rope rope, plain;
  rope.theta = plain.theta = 500000.0;
  rope.type = Rope::Type::Llama3;
  rope.factor = 32;
  rope.originalContext = 8192;
  std::vector<double> before = ropeFrequencies(plain, 64, 64).frequencies;
  std::vector<double> scaled = ropeFrequencies(rope, 64, 64).frequencies;
  unsigned kept = 0, divided = 0, between = 0;
  for (size_t j = 0; j < before.size(); ++j) {
    double wavelength = 2 * std::numbers::pi / before[j];
    double expected;
    if (wavelength < 8192 / 4.0) {
      expected = before[j];
      ++kept;
    } else if (wavelength > 8192 / 1.0) {
      expected = before[j] / 32;
      ++divided;
    } else {
      double smooth = (8192 / wavelength - 1.0) / (4.0 - 1.0);
      expected = (1 - smooth) * before[j] / 32 + smooth * before[j];
      ++between;
    }
    EXPECT_NEAR(scaled[j] / expected, 1.0, 1e-12) << j;
  }
  EXPECT_GT(kept, 0u);
  EXPECT_GT(divided, 0u);
  EXPECT_GT(between, 0u);
}

// Qwen2.5's: the ramp goes from pair 23 to 40 of 64, as its definition says.
TEST(RopeTest, Yarn) {
  Rope rope, plain;
  rope.theta = plain.theta = 1e6;
  rope.type = Rope::Type::Yarn;
  rope.factor = 4;
  rope.originalContext = 32768;
  std::vector<double> before = ropeFrequencies(plain, 128, 64).frequencies;
  RopeFrequencies scaled = ropeFrequencies(rope, 128, 64);
  auto placeOf = [](double turns) {
    return 128 * std::log(32768 / (turns * 2 * std::numbers::pi)) /
           (2 * std::log(1e6));
  };
  double low = std::floor(placeOf(32)), high = std::ceil(placeOf(1));
  ASSERT_LT(low, high);
  for (size_t j = 0; j < before.size(); ++j) {
    double kept = j <= low ? 1 : j >= high ? 0 : (high - j) / (high - low);
    EXPECT_NEAR(scaled.frequencies[j],
                before[j] * kept + before[j] / 4 * (1 - kept), 1e-15)
        << j;
  }
  EXPECT_NEAR(scaled.scale, 0.1 * std::log(4.0) + 1, 1e-15);
  // DeepSeek's: a scale of its own for softmax, so that tables have none.
  rope.mscale = rope.mscaleAllDim = 0.707;
  EXPECT_NEAR(ropeFrequencies(rope, 128, 64).scale, 1, 1e-15);
  rope.attentionFactor = 1.5;
  EXPECT_EQ(ropeFrequencies(rope, 128, 64).scale, 1.5);
}

TEST(RopeTest, LongRopeChoosesByTheContext) {
  Rope rope, plain;
  rope.type = Rope::Type::LongRope;
  rope.originalContext = 4096;
  rope.factor = 32;
  rope.shortFactors = {1, 1, 1, 1};
  rope.longFactors = {2, 3, 4, 5};
  std::vector<double> before = ropeFrequencies(plain, 8, 64).frequencies;
  EXPECT_EQ(ropeFrequencies(rope, 8, 4096).frequencies, before);
  RopeFrequencies stretched = ropeFrequencies(rope, 8, 4097);
  EXPECT_NEAR(stretched.frequencies[3], before[3] / 5, 1e-15);
  EXPECT_NEAR(stretched.scale, std::sqrt(1 + std::log(32.0) / std::log(4096.0)),
              1e-15);
}

} // namespace
