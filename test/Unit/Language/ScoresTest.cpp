//===- ScoresTest.cpp - operations on scores ------------------------------===//

#include "LanguageTestSupport.h"

using namespace tenon::lang;

namespace {

/// An entry that computes `scores` of an embedding, for what has no place in an
/// entry's result.
std::string entryOf(const std::string &width) {
  return "def forward(tokens : [T] of token) -> [T, " + width +
         "] {\n"
         "  let x = embedding(tokens, embed)\n"
         "  let s = scores(x)\n"
         "  x\n}\n";
}

/// The diagnostics of an expression of scores s : [n, T, T].
std::string checkScores(const std::string &expr) {
  return checkItems("param vocab, width, n, buckets : int\n"
                    "weight embed : [vocab, width] = \"embed\"\n"
                    "weight table : [buckets, n] = \"table\"\n"
                    "weight sink : [n] = \"sink\"\n" +
                    entryOf("width") +
                    "def scores(x : [T, width]) -> [n, T, T] {\n"
                    "  let q = heads(x, n)\n"
                    "  let s = matmul(q, transpose(q))\n" +
                    expr + "\n}");
}

TEST(ScoresTest, RightScoresPass) {
  EXPECT_EQ(checkScores("relative_bias(s, table)"), "");
  EXPECT_EQ(checkScores("relative_bias(s, table, 64, past = true)"), "");
  EXPECT_EQ(checkScores("alibi(s)"), "");
  EXPECT_EQ(checkScores("alibi(s, 16, bfloat16 = n > 8)"), "");
  EXPECT_EQ(checkScores("band_mask(tanh(s / 30.0) * 30.0, width)"), "");
  EXPECT_EQ(checkScores("softmax(s, sink)"), "");
  EXPECT_EQ(checkItems("param vocab, n, k : int\n"
                       "weight embed : [vocab, 2 * k * n] = \"embed\"\n" +
                       entryOf("2 * k * n") +
                       "def scores(x : [T, 2 * k * n]) -> [n, T, T] {\n"
                       "  relative_gather(heads(x, n), ahead = true)\n}"),
            "");
}

TEST(ScoresTest, Concat) {
  auto check = [](const char *type, const char *expr) {
    return checkItems("param vocab, n, a, b : int\n"
                      "weight e : [vocab, n * a] = \"e\"\n"
                      "weight f : [vocab, b] = \"f\"\n"
                      "def forward(tokens : [T] of token) -> [T, b] {\n"
                      "  let y = embedding(tokens, f)\n"
                      "  let z = joined(embedding(tokens, e), y)\n"
                      "  y\n}\n"
                      "def joined(z : [T, n * a], y : [T, b]) -> " +
                      std::string(type) +
                      " {\n"
                      "  let x = heads(z, n)\n" +
                      expr + "\n}");
  };
  EXPECT_EQ(check("[n, T, a + b]", "concat(x, heads(y, 1))"), "");
  EXPECT_EQ(check("[n, T, a + b]", "concat(heads(y, 1), x)"), "");
  EXPECT_EQ(check("[T, n * a + b]", "concat(merge_heads(x), y)"), "");
  EXPECT_CONTAINS(check("[n, T, a + b]", "concat(x, y)"),
                  "concat: b must have 3 dimensions, found [T, b]");
  EXPECT_CONTAINS(check("[n, T, a + b]", "concat(x, heads(y, 2))"),
                  "the first dimension of a is n, but the first dimension of b "
                  "is 2");
}

TEST(ScoresTest, WrongScores) {
  EXPECT_CONTAINS(checkScores("relative_bias(q, table)"),
                  "the scores must be square, found [n, T, width / n]");
  EXPECT_CONTAINS(checkScores("alibi(x)"),
                  "x must have 3 dimensions, found [T, width]");
  EXPECT_CONTAINS(checkScores("relative_bias(s, embed)"),
                  "the last dimension of table is width, but the first "
                  "dimension of x is n");
  EXPECT_CONTAINS(checkScores("relative_bias(s, table + table)"),
                  "the table must be a weight");
  EXPECT_CONTAINS(checkScores("relative_bias(s, table, past = 1)"),
                  "past must be true or false, found int");
  EXPECT_CONTAINS(checkScores("softmax(s, table)"),
                  "sink must have 1 dimension, found [buckets, n]");
  EXPECT_CONTAINS(checkScores("band_mask(s)"), "band_mask: lacks width");
}

std::string bindScores(const std::string &expr) {
  return bindItems("param n, buckets : int\n"
                   "weight embed : [9, n] = \"embed\"\n"
                   "weight table : [buckets, n] = \"table\"\n" +
                       entryOf("n") +
                       "def scores(x : [T, n]) -> [n, T, T] {\n"
                       "  let q = heads(x, n)\n" +
                       expr + "\n}",
                   "{\"n\": 4, \"buckets\": 8}")
      .messages;
}

TEST(ScoresTest, Numbers) {
  EXPECT_EQ(bindScores("relative_bias(matmul(q, transpose(q)), table, 5)"), "");
  EXPECT_CONTAINS(
      bindScores("relative_bias(matmul(q, transpose(q)), table, 4, true)"),
      "max_distance must exceed the 4 distances that have a bucket each, "
      "found 4");
  EXPECT_CONTAINS(
      bindScores("relative_bias(matmul(q, transpose(q)), embed + embed)"),
      "the table must be a weight");
  EXPECT_CONTAINS(bindScores("band_mask(matmul(q, transpose(q)), n - 9)"),
                  "band_mask: width must be at least 0, but 'n - 9' is -5");
  EXPECT_CONTAINS(bindScores("alibi(matmul(q, transpose(q)), n - 9)"),
                  "alibi: max_bias must be positive, but 'n - 9' is -5");
}

} // namespace
