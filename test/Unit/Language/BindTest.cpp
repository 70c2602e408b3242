//===- BindTest.cpp - hyperparameters of concrete models ------------------===//

#include "LanguageTestSupport.h"

#include <cmath>

using namespace tenon::lang;

namespace {

// Declarations with a trivial forward.
Bound bindParams(const std::string &items, const std::string &config) {
  return bindItems(items + "\nweight embed : [2, 3] = \"e\"\n"
                           "def forward(t : [T] of token) -> [T, 3] { "
                           "embedding(t, embed) }",
                   config);
}

std::string valueOf(const Bound &bound, const std::string &name) {
  if (!bound.bound)
    return bound.messages;
  return formatValue(bound.bound->values().at(name));
}

TEST(BindTest, ValuesDefaultsAndPaths) {
  Bound bound = bindParams(R"(
    param a : int
    param b : int = 2 * a
    param c : float = 1 from "nested.deep.c"
    param d : float = 0.5
    param e : bool = false
    param f : string = "x" from "first" | "second"
    param g : int = 7
  )",
                           R"({"a": 3, "nested": {"deep": {"c": 2}},
                               "d": 1e-5, "second": "y", "g": null})");
  EXPECT_EQ(valueOf(bound, "a"), "3");
  EXPECT_EQ(valueOf(bound, "b"), "6");
  EXPECT_EQ(valueOf(bound, "c"), "2.0");
  EXPECT_EQ(valueOf(bound, "d"), "1e-05");
  EXPECT_EQ(valueOf(bound, "e"), "false");
  EXPECT_EQ(valueOf(bound, "f"), "\"y\"");
  EXPECT_EQ(valueOf(bound, "g"), "7");
}

TEST(BindTest, NullApartFromMissing) {
  std::string items = R"(
    param n : int = 3
    param a : float = 50, null = 0
    param b : int, null = 2 * n from "x.b" | "c"
    param l : [float] = [1], null = []
  )";
  Bound bound = bindParams(items, R"({"x": {"b": null}, "a": null})");
  EXPECT_EQ(valueOf(bound, "a"), "0.0");
  EXPECT_EQ(valueOf(bound, "b"), "6");
  EXPECT_EQ(valueOf(bound, "l"), "[1.0]");
  // What another path leads to counts before null.
  bound = bindParams(items, R"({"x": {"b": null}, "c": 5, "l": null})");
  EXPECT_EQ(valueOf(bound, "a"), "50.0");
  EXPECT_EQ(valueOf(bound, "b"), "5");
  EXPECT_EQ(valueOf(bound, "l"), "[]");
  // Null on the way is as good as nothing.
  for (const char *config : {"{}", R"({"x": null})", R"({"x": 1})"})
    EXPECT_CONTAINS(bindParams(items, config).messages,
                    "'x.b' or 'c' is missing");
}

TEST(BindTest, WholeFloatsAreInts) {
  EXPECT_EQ(valueOf(bindParams("param a : int", R"({"a": 8192.0})"), "a"),
            "8192");
}

TEST(BindTest, WrongValuesPointToTheConfiguration) {
  Bound bound = bindParams("param a, b, c : int\nparam d : bool",
                           "{\n  \"a\": 1.5,\n  \"b\": \"x\",\n"
                           "  \"c\": 18446744073709551615, \"d\": 1\n}");
  EXPECT_CONTAINS(bound.messages,
                  "config.json:2:3: error: 'a' is 1.5; expected an int\n"
                  "test.tenon:2:7: note: 'a' is declared here: int");
  EXPECT_CONTAINS(bound.messages,
                  "config.json:3:3: error: 'b' is \"x\"; expected an int");
  EXPECT_CONTAINS(bound.messages, "expected an int of 64 bits");
  EXPECT_CONTAINS(bound.messages,
                  "config.json:4:30: error: 'd' is 1; expected true or false");
}

TEST(BindTest, MissingValues) {
  EXPECT_CONTAINS(
      bindParams("param a : int from \"x\" | \"y.z\"", "{}").messages,
      "config.json: error: 'x' or 'y.z' is missing; the model needs "
      "this int");
  EXPECT_CONTAINS(bindParams("param a : int", "[1]").messages,
                  "config.json: error: a configuration is an object");
}

TEST(BindTest, Choices) {
  std::string items = R"(param s : string in {"a", "b"} = "a" from "t.u")";
  EXPECT_EQ(valueOf(bindParams(items, R"({"t": {"u": "b"}})"), "s"), "\"b\"");
  EXPECT_CONTAINS(bindParams(items, R"({"t": {"v": 1, "u": "c"}})").messages,
                  "config.json:1:16: error: 't.u' is \"c\"; expected one of "
                  "\"a\", \"b\"");
}

TEST(BindTest, Arithmetic) {
  auto messages = [](const std::string &items, const std::string &config) {
    return bindParams("param a, b : int\n" + items, config).messages;
  };
  std::string text = messages("let c = a / b", R"({"a": 65, "b": 8})");
  EXPECT_CONTAINS(text,
                  "test.tenon:3:9: error: 'a / b' must be a whole number, "
                  "found 65 / 8\nlet c = a / b\n        ^~~~~\n"
                  "note: with a = 65, b = 8");
  EXPECT_CONTAINS(messages("let c = a / b", R"({"a": 65, "b": 0})"),
                  "'a / b' divides by zero: 65 / 0");
  EXPECT_CONTAINS(messages("let c = a % b", R"({"a": 65, "b": 0})"),
                  "divides by zero");
  EXPECT_CONTAINS(
      messages("let c = a * b", R"({"a": 9223372036854775807, "b": 2})"),
      "overflows 64 bits");
  EXPECT_CONTAINS(messages("let c = 1.0 / (a - b)", R"({"a": 1, "b": 1})"),
                  "divides by zero");
  EXPECT_CONTAINS(messages("let c = sqrt(a)", R"({"a": -1, "b": 1})"),
                  "sqrt of -1");
  EXPECT_CONTAINS(
      messages("require a % b == 0, \"not even\"", R"({"a": 5, "b": 2})"),
      "error: not even");
  EXPECT_EQ(messages("let c = -a + b * 2 - 1\nrequire c == -4 or b > a, \"\"",
                     R"({"a": 5, "b": 1})"),
            "");
}

TEST(BindTest, Weights) {
  auto messages = [](const std::string &config) {
    return bindParams("param a, b : int\nweight w : [a, b] = \"w\"", config)
        .messages;
  };
  EXPECT_CONTAINS(messages(R"({"a": 0, "b": 1})"),
                  "the dimension 'a' is 0; it must be at least 1");
  EXPECT_CONTAINS(messages(R"({"a": 5, "b": -3})"),
                  "the dimension 'b' is -3; it must be at least 1");
  // 2^62 * 8 wraps to 0 when multiplied carelessly.
  EXPECT_CONTAINS(messages(R"({"a": 4611686018427387904, "b": 8})"),
                  "the weight has too many elements");
}

const char *const kLayered = R"(
  param n, width, heads, kv : int
  param eps : float = 1e-6
  weight embed : [width, width] = "e"
  layer block[i < n] = "l.{i}" {
    weight w : [width] = ".w"
    def (x : [T, width]) -> [T, width] { rms_norm(x, w, eps) }
  }
  def forward(t : [T] of token) -> [T, width] {
    let x = block*(embedding(t, embed))
    let q = heads(x, heads)
    let x = merge_heads(heads(x, kv))
    merge_heads(matmul(softmax(matmul(q, transpose(q))), heads(x, heads)))
  }
)";

TEST(BindTest, LayersAndOperations) {
  auto config = [](const char *n, const char *kv, const char *eps) {
    return std::string(R"({"width": 12, "heads": 4, "n": )") + n +
           R"(, "kv": )" + kv + R"(, "eps": )" + eps + "}";
  };
  Bound good = bindItems(kLayered, config("3", "4", "1e-5"));
  ASSERT_TRUE(good.bound) << good.messages;
  EXPECT_EQ(good.bound->layerCount(good.model->layers.front()), 3);
  EXPECT_EQ(good.bound->weights().size(), 2u);
  EXPECT_EQ(good.bound->weights()[1].symbol, "block.w");
  EXPECT_EQ(good.bound->weights()[1].tensorName(2), "l.2.w");

  EXPECT_CONTAINS(
      bindItems(kLayered, config("1000000000", "4", "1e-5")).messages,
      "'n' is 1000000000 layers; at most 4096 are accepted");
  EXPECT_CONTAINS(bindItems(kLayered, config("-1", "4", "1e-5")).messages,
                  "the number of layers 'n' is -1; it must be at least 0");
  EXPECT_EQ(bindItems(kLayered, config("0", "4", "1e-5")).messages, "");
  EXPECT_CONTAINS(bindItems(kLayered, config("3", "5", "1e-5")).messages,
                  "heads: the last dimension, width, must be a multiple of kv");
  for (const char *eps : {"-1e-5", "0", "1e-300", "1e300"})
    EXPECT_CONTAINS(bindItems(kLayered, config("3", "4", eps)).messages,
                    "rms_norm: eps must be positive, but 'eps' is ");
}

TEST(BindTest, HelpersAreBoundForTheirCalls) {
  const std::string items =
      std::string(kPrelude) +
      "def forward(tokens : [T] of token) -> [T, width] {\n"
      "  merge_heads(parts(embedding(tokens, embed)))\n}\n"
      "def parts(x : [T, C]) -> [n, T, C / n] { heads(x, n) }\n"
      "def unused(x : [S, C]) -> [3, S, C / 3] { heads(x, 3) }";
  EXPECT_EQ(bindItems(items, R"({"vocab": 9, "width": 8, "n": 4})").messages,
            "");
  EXPECT_CONTAINS(
      bindItems(items, R"({"vocab": 9, "width": 8, "n": 3})").messages,
      "heads: the last dimension, width, must be a multiple of n");
}

TEST(BindTest, NotANumber) {
  // JSON has no NaN, but other formats do.
  Diagnostics diagnostics;
  auto model = parseItems("param a : float", diagnostics);
  nlohmann::json json = {{"a", std::nan("")}};
  EXPECT_FALSE(bindModel(*model, {json, "model.gguf"}, diagnostics));
  EXPECT_CONTAINS(diagnostics.str(), "expected a finite number");
}

TEST(BindTest, ConditionalsDecideWhatIsVerified) {
  // The branch that isn't taken may have any dimension.
  std::string items = R"(
    param width, k : int
    param big : bool
    weight embed : [width, width] = "e"
    def forward(t : [T] of token) -> [T, width] {
      let x = embedding(t, embed)
      merge_heads(heads(x, k)) if big else x
    })";
  EXPECT_EQ(bindItems(items, R"({"width": 9, "k": 4, "big": false})").messages,
            "");
  EXPECT_CONTAINS(
      bindItems(items, R"({"width": 9, "k": 4, "big": true})").messages,
      "must be a multiple of k");
}

TEST(BindTest, StringsOfOperations) {
  std::string items = R"(
    param width : int = 4
    param act : string
    weight embed : [width, width] = "e"
    def forward(t : [T] of token) -> [T, width] {
      activation(embedding(t, embed), act)
    })";
  EXPECT_EQ(bindItems(items, R"({"act": "gelu_new"})").messages, "");
  std::string text = bindItems(items, R"({"act": "gleu"})").messages;
  EXPECT_CONTAINS(text, "activation: unknown function \"gleu\"");
  EXPECT_CONTAINS(text, "known are gelu, gelu_accurate");
}

} // namespace
