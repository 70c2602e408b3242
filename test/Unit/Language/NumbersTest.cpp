//===- NumbersTest.cpp - numbers with tensors, reductions, conditionals ---===//

#include "LanguageTestSupport.h"

using namespace tenon::lang;

namespace {

TEST(NumbersTest, TensorsMeetNumbersInBothOrders) {
  EXPECT_EQ(checkBody("1 - (1 / (2 + x) - 3) * 2 / sqrt(width)"), "");
  EXPECT_EQ(checkBody("exp(log(sqrt(x))) * exp(1.0) + log(2)"), "");
  EXPECT_EQ(checkBody("clamp(clamp(x, -1, 1), high = 0.5)"), "");
  EXPECT_EQ(checkBody("mish(quick_gelu(x))"), "");
  EXPECT_EQ(checkBody("layer_norm(rms_norm(x, eps = 1e-5), eps = 1e-5)"), "");
  EXPECT_CONTAINS(checkBody("clamp(x)"), "clamp: needs a bound: low or high");
  EXPECT_CONTAINS(checkBody("sqrt(tokens)"),
                  "sqrt: x must be a tensor or a float");
}

TEST(NumbersTest, ReductionsNameTheirDimension) {
  EXPECT_EQ(checkBody("x / sqrt(sum(x * x))"), "");
  EXPECT_EQ(checkBody("x - mean(x, over = T) + max(x, over = width)"), "");
  EXPECT_EQ(checkBody("let h = heads(x, n)\n"
                      "merge_heads(h - sum(h, over = n) - max(h, over = T))"),
            "");
  EXPECT_CONTAINS(checkBody("mean(x, over = T)"),
                  "the value is [1, width], but the def declares [T, width]");
  EXPECT_CONTAINS(checkBody("mean(x, over = vocab)"),
                  "mean: no dimension of x is vocab, found [T, width]");
  EXPECT_CONTAINS(checkBody("let h = heads(x, n)\n"
                            "sum(matmul(h, transpose(h)), over = T)"),
                  "sum: two dimensions of x are T, found [n, T, T]");
  EXPECT_CONTAINS(checkBody("mean(x, T + x)"), "over must be an int");
}

TEST(NumbersTest, NumbersOfFunctionsAreVerified) {
  auto messages = [](const std::string &body) {
    return bindItems(std::string(kPrelude) +
                         "def forward(t : [T] of token) -> [T, width] {\n"
                         "let x = embedding(t, embed)\n" +
                         body + "}",
                     R"({"vocab": 2, "width": 4, "n": 2})")
        .messages;
  };
  EXPECT_EQ(messages("x / log(n)"), "");
  EXPECT_CONTAINS(messages("x * log(n - n)"), "log: x must be positive, but");
  EXPECT_CONTAINS(messages("x / (n - n)"), "division of a tensor by zero");
  EXPECT_EQ(messages("(n - n) / x"), "");
  EXPECT_EQ(messages("x + row(embed, vocab - 1) * row(x, -1)"), "");
  EXPECT_CONTAINS(messages("x + row(embed, vocab)"),
                  "row: this input has rows from 0, the first, to 1, and a row "
                  "-1, the last, for sure; found 2");
  EXPECT_CONTAINS(messages("x + row(x, 1)"), "to 0, and a row -1");
  EXPECT_CONTAINS(messages("clamp(x, n, 1)"), "low must not be above high");
  EXPECT_CONTAINS(messages("embedding(positions(t), sinusoidal(8, 2 * n - 1)) "
                           "if false else embedding(positions(t), "
                           "sinusoidal(8, n, closed = true)) * sum(x)"),
                  "");
}

TEST(NumbersTest, ConditionalsMayBeAlikeInNumbersOnly) {
  const char *items = R"(
    param vocab, width, narrow : int
    weight embed : [vocab, narrow] = "e"
    weight wide : [width, narrow] = "w" if narrow != width
    def forward(t : [T] of token) -> [T, width] {
      let x = embedding(t, embed)
      linear(x, wide) if narrow > width else x
    })";
  EXPECT_EQ(
      bindItems(items, R"({"vocab": 2, "width": 4, "narrow": 4})").messages,
      "");
  EXPECT_CONTAINS(
      bindItems(items, R"({"vocab": 2, "width": 4, "narrow": 3})").messages,
      "the two values of a conditional must be alike: [T, width] and "
      "[T, narrow]\n");
  EXPECT_CONTAINS(checkBody("x if n > 1 else transpose(x)"), "must be alike");
}

// A norm does without a weight that its conditions exclude, not without one
// that a checkpoint lacks.
TEST(NumbersTest, WeightsOfNorms) {
  const char *items = R"(
    param scaled : bool
    weight embed : [2, 4] = "e"
    optional weight w : [4] = "w" if scaled
    def forward(t : [T] of token) -> [T, 4] { embedding(t, embed) }
    def other(t : [T] of token) -> [T, 4] { rms_norm(forward(t), w, 1e-5) })";
  struct Catalog : TensorCatalog {
    std::vector<int64_t> embed = {2, 4};
    const std::vector<int64_t> *shape(std::string_view name) const override {
      return name == "e" ? &embed : nullptr;
    }
    std::string description() const override { return "checkpoint"; }
  } catalog;
  for (bool scaled : {false, true}) {
    Bound bound = bindItems(items, scaled ? R"({"scaled": true})"
                                          : R"({"scaled": false})");
    ASSERT_TRUE(bound.bound) << bound.messages;
    Diagnostics diagnostics;
    EXPECT_TRUE(resolveWeights(*bound.bound, &catalog, diagnostics));
    EXPECT_EQ(bound.bound->entries().size(), scaled ? 1u : 2u);
  }
}

} // namespace
