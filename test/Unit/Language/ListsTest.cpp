//===- ListsTest.cpp - lists and their elements ---------------------------===//

#include "LanguageTestSupport.h"

using namespace tenon::lang;

namespace {

const char *const kForward = R"(
  weight embed : [2, 2] = "e"
  def forward(t : [T] of token) -> [T, 2] { embedding(t, embed) }
)";

Bound bindList(const std::string &items, const std::string &config) {
  return bindItems(items + kForward, config);
}

/// The value of the param `x` with this default, or what is wrong.
std::string valueOf(const std::string &type, const std::string &value,
                    const std::string &before = {}) {
  Bound bound =
      bindList(before + "\nparam x : " + type + " = " + value, R"({"n": 7})");
  return bound.bound ? formatValue(bound.bound->values().at("x"))
                     : bound.messages;
}

TEST(ListsTest, Values) {
  EXPECT_EQ(valueOf("[int]", "[1, 2 + 3, -4]"), "[1, 5, -4]");
  EXPECT_EQ(valueOf("[float]", "[1, 2.5]"), "[1.0, 2.5]");
  EXPECT_EQ(valueOf("[float]", "[1, 2]"), "[1.0, 2.0]");
  EXPECT_EQ(valueOf("[string]", "[]"), "[]");
  EXPECT_EQ(valueOf("[bool]", "[i % 3 == 0 for i < n]", "param n : int"),
            "[true, false, false, true, false, false, true]");
  EXPECT_EQ(valueOf("[string]",
                    "[\"full\" if (i + 1) % n == 0 else \"local\" for i < n]",
                    "param n : int = 2 from \"two\""),
            "[\"local\", \"full\"]");
  EXPECT_EQ(valueOf("[int]", "[i for i < 0]"), "[]");
  EXPECT_EQ(valueOf("int", "[10, 20, 30][2]"), "30");
  EXPECT_EQ(valueOf("int", "len([1, 2, 3]) + len([])"), "3");
  EXPECT_EQ(valueOf("int", "[[2, 3][j] * 10 for j < 2][1]"), "30");
}

TEST(ListsTest, Membership) {
  EXPECT_EQ(valueOf("bool", "3 in [1, 3]"), "true");
  EXPECT_EQ(valueOf("bool", "3 in [1.0, 3.0] and not 2 in [1]"), "true");
  EXPECT_EQ(valueOf("bool", "\"a\" in [\"b\"]"), "false");
  EXPECT_EQ(valueOf("bool", "1 in []"), "false");
  EXPECT_CONTAINS(valueOf("bool", "1 in [\"a\"]"), "'in' can't look for int in "
                                                   "a list of type [string]");
  EXPECT_CONTAINS(valueOf("bool", "1 in 2"), "'in' looks a value up in a list");
}

TEST(ListsTest, IntIsPythons) {
  EXPECT_EQ(valueOf("int", "int(2.9)"), "2");
  EXPECT_EQ(valueOf("int", "int(-2.9)"), "-2");
  EXPECT_EQ(valueOf("int", "int(5)"), "5");
  // 0.29 * 100 is 28.999999999999996.
  EXPECT_EQ(valueOf("int", "int(0.29 * 100)"), "28");
  EXPECT_CONTAINS(valueOf("int", "int(1e19)"), "doesn't fit in 64 bits");
  EXPECT_CONTAINS(valueOf("int", "int(\"1\")"), "value must be a float");
}

TEST(ListsTest, FromConfigurations) {
  auto read = [](const std::string &type, const std::string &json) {
    Bound bound = bindList("param x : " + type, "{\"x\": " + json + "}");
    return bound.bound ? formatValue(bound.bound->values().at("x"))
                       : bound.messages;
  };
  EXPECT_EQ(read("[int]", "[1, 2.0]"), "[1, 2]");
  EXPECT_EQ(read("[float]", "[1, 2.5]"), "[1.0, 2.5]");
  EXPECT_EQ(read("[string]", R"({"0": "no", "1": "yes"})"),
            "[\"no\", \"yes\"]");
  EXPECT_CONTAINS(read("[string]", R"({"0": "no", "2": "yes"})"),
                  "expected a list, or an object with the keys 0 to 1");
  EXPECT_CONTAINS(read("[int]", "3"), "'x' is 3; expected a list");
  // Old files have lists of strings in one.
  EXPECT_EQ(read("[string]", "\"p2c|c2p\""), "[\"p2c\", \"c2p\"]");
  EXPECT_EQ(read("[string]", "\"|a|\""), "[\"a\"]");
  EXPECT_EQ(read("[string]", "\"\""), "[]");
  EXPECT_CONTAINS(read("[int]", "\"1|2\""), "expected a list");
  std::string text = read("[int]", "[1, \"2\"]");
  EXPECT_CONTAINS(text, "'x' is [1,\"2\"]; expected an int as element 1");
  EXPECT_CONTAINS(text, "'x' is declared here: [int]");
}

TEST(ListsTest, Bounds) {
  std::string items = "param xs : [int]\nparam n : int\nlet y = xs[n]";
  EXPECT_EQ(bindList(items, R"({"xs": [4, 5], "n": 1})").messages, "");
  for (const char *n : {"2", "-1"}) {
    std::string text =
        bindList(items, std::string(R"({"xs": [4, 5], "n": )") + n + "}")
            .messages;
    EXPECT_CONTAINS(text,
                    std::string("'xs[n]' is element ") + n + " of a list of 2");
    EXPECT_CONTAINS(text, std::string("with n = ") + n);
  }
  EXPECT_CONTAINS(valueOf("[int]", "[i for i < n]",
                          "param n : int = 70000 "
                          "from \"m\""),
                  "the list has 70000 elements; 0 to 65536 are accepted");
  // Lists in lists are bounded together.
  EXPECT_CONTAINS(valueOf("[int]", "[len([j for j < 60000]) for i < 60000]"),
                  "the lists of the description have more than");
}

TEST(ListsTest, Types) {
  auto check = [](const std::string &items) {
    return checkItems(items + kForward);
  };
  EXPECT_CONTAINS(check("let x = [1, \"a\"]"),
                  "the elements of a list are of one type, found string");
  EXPECT_CONTAINS(check("let x = [[1]]"), "a list holds numbers");
  EXPECT_CONTAINS(check("param n : int\nlet x = n[0]"),
                  "an index in brackets is for lists, found int");
  EXPECT_CONTAINS(check("let x = [1][0.5]"),
                  "the index of a list must be of type int");
  EXPECT_CONTAINS(check("let x = [1][-1]"), "a list's elements count from 0");
  EXPECT_CONTAINS(check("let x = [][0]"), "the list has no elements");
  EXPECT_CONTAINS(check("param xs : [int] = [0.5]"),
                  "the default is of type [float], but 'xs' is of type [int]");
  EXPECT_CONTAINS(check("param i : int\nlet x = [i for i < 2]"),
                  "'i' is declared already");
  EXPECT_CONTAINS(check("let x = [1] + [2]"), "'+' needs numbers");
  EXPECT_CONTAINS(check("let x = len(3)"), "list must be a list");
  EXPECT_CONTAINS(check("let x = [1, 2"), "expected ']'");
  EXPECT_CONTAINS(check("param x : [int\n"), "expected ']'");
  EXPECT_CONTAINS(check("let x = [i for 3]"), "expected a name after 'for'");
}

TEST(ListsTest, NewLines) {
  // Outside brackets, a line that begins with '[' begins something else.
  EXPECT_EQ(
      checkItems("param xs : [int]\nlet a = (xs\n[0])" + std::string(kForward)),
      "");
  EXPECT_CONTAINS(checkItems("param xs : [int]\nlet a = xs\n[0]"),
                  "expected a declaration");
}

TEST(ListsTest, ElementsAsDimensions) {
  // The same element is the same dimension, another one is not.
  std::string items = R"(
    param sizes : [int]
    weight embed : [9, sizes[0]] = "e"
    weight w : [sizes[1], sizes[0]] = "w"
    def forward(t : [T] of token) -> [T, sizes[1]] {
      linear(embedding(t, embed), w)
    })";
  Bound bound = bindItems(items, R"({"sizes": [3, 4]})");
  ASSERT_TRUE(bound.bound) << bound.messages;
  EXPECT_EQ(bound.bound->weights()[1].shape, (std::vector<int64_t>{4, 3}));
  EXPECT_CONTAINS(checkItems(R"(
    param sizes : [int]
    weight embed : [9, sizes[0]] = "e"
    def forward(t : [T] of token) -> [T, sizes[1]] { embedding(t, embed) })"),
                  "the value is [T, sizes[0]], but the def declares [T, "
                  "sizes[1]]");
}

} // namespace
