//===- ParserTest.cpp - syntax and hostile texts --------------------------===//

#include "LanguageTestSupport.h"

#include <chrono>
#include <cstdio>
#include <filesystem>
#include <fstream>

using namespace tenon::lang;

namespace {

std::string parseErrors(const std::string &text) {
  Diagnostics diagnostics;
  auto model = parseModel(SourceFile("f.tenon", text), diagnostics);
  EXPECT_EQ(model == nullptr, diagnostics.hasErrors());
  return diagnostics.str();
}

std::string repeat(const std::string &text, size_t count) {
  std::string out;
  out.reserve(text.size() * count);
  for (size_t i = 0; i < count; ++i)
    out += text;
  return out;
}

TEST(ParserTest, NullApartFromMissing) {
  Diagnostics diagnostics;
  auto model = parseModel(SourceFile("f.tenon", R"(model m {
  param a, b : int = 1, null = 2
  param null : float, null = 0.5 from "x"
})"),
                          diagnostics);
  ASSERT_TRUE(model) << diagnostics.str();
  EXPECT_EQ(exprAs<IntegerExpr>(model->params[1]->nullValue)->value, 2);
  EXPECT_EQ(model->params[2]->defaultValue, nullptr);
  EXPECT_NE(exprAs<FloatExpr>(model->params[2]->nullValue), nullptr);
  EXPECT_CONTAINS(parseErrors("model m {\n  param x : int = 1, nul = 0\n}"),
                  "expected 'null = ' and what null means, found 'nul'");
  EXPECT_CONTAINS(parseErrors("model m { param x : int, null 0 }"),
                  "expected '=' and what null means");
  EXPECT_CONTAINS(parseErrors("model m { param x : int, null = 0, null = 1 }"),
                  "what null means is said twice");
}

TEST(ParserTest, BuildsTheTree) {
  Diagnostics diagnostics;
  auto model = parseModel(SourceFile("f.tenon", R"(model m {
  architectures "A", "B"
  kind encoder
  param a, b : int
  param s : string in {"x", "y"} = "x" from "p.q" | "r"
  weight w : [a, b] = "[t.]w" | "v" if a > b else u
  optional frozen weight u : [a, b] = "u"
  layer l[i < a] = "l.{i}" {
    weight v : [a] = ".v"
    def (x : [T, a]) -> [T, a] { x * v }
  }
  def forward(t : [T] of token) -> [T, a] { let y, z = split(t, a, b) l*(y) }
})"),
                          diagnostics);
  ASSERT_TRUE(model) << diagnostics.str();
  EXPECT_EQ(model->kind, ModelKind::Encoder);
  EXPECT_EQ(model->architectures, (std::vector<std::string>{"A", "B"}));
  ASSERT_EQ(model->params.size(), 3u);
  EXPECT_EQ(model->params[2]->choices.size(), 2u);
  EXPECT_EQ(model->params[2]->paths[0]->value, "p.q");
  ASSERT_EQ(model->weights.size(), 2u);
  EXPECT_EQ(model->weights[0]->sources.size(), 2u);
  EXPECT_TRUE(model->weights[1]->optional);
  EXPECT_TRUE(model->weights[1]->frozen);
  EXPECT_FALSE(model->weights[0]->frozen);
  ASSERT_EQ(model->layers.size(), 1u);
  EXPECT_EQ(model->layers[0]->weights.size(), 1u);
  ASSERT_EQ(model->defs.size(), 1u);
  EXPECT_EQ(model->defs[0]->lets[0].names.size(), 2u);
  EXPECT_NE(exprAs<LayerLoopExpr>(model->defs[0]->result), nullptr);
}

TEST(ParserTest, LinesEndExpressionsBeforeMinusAndParentheses) {
  Diagnostics diagnostics;
  auto model = parseItems("def f(x : [T, 1]) -> [T, 1] {\n"
                          "  let y = x\n  -y\n}\n"
                          "def g(x : [T, 1]) -> [T, 1] {\n"
                          "  let y = x +\n    x\n  (y)\n}\n"
                          "def h(x : [T, 1]) -> [T, 1] {\n"
                          "  let y = (x\n    - x)\n  y\n}",
                          diagnostics);
  ASSERT_TRUE(model) << diagnostics.str();
  EXPECT_NE(exprAs<UnaryExpr>(model->defs[0]->result), nullptr);
  EXPECT_NE(exprAs<NameExpr>(model->defs[1]->result), nullptr);
  EXPECT_NE(exprAs<BinaryExpr>(model->defs[2]->lets[0].value), nullptr);
}

TEST(ParserTest, PlacesAreLinesAndColumns) {
  EXPECT_CONTAINS(parseErrors("model m {\n  param x int\n}"),
                  "f.tenon:2:11: error: expected ':' and the hyperparameter's "
                  "type, found 'int'\n  param x int\n          ^~~\n");
  // A caret stands under its place behind tabs and wide characters.
  EXPECT_CONTAINS(parseErrors("model m { // ä\n\trequire \"ö\" ?\n}"),
                  "\trequire \"ö\" ?\n\t            ^\n");
}

TEST(ParserTest, TextEndsAnywhere) {
  std::string text = "model m {\n  param a : int = 1 + (2)\n  weight w : [a] = "
                     "\"w\" if a > 1\n  def f(x : [T] of token) -> [T, a] { "
                     "let y = g(x, k = 1) y if true else y }\n}";
  EXPECT_EQ(parseErrors(text), "");
  for (size_t length = 0; length + 1 < text.size(); ++length)
    EXPECT_CONTAINS(parseErrors(text.substr(0, length)), "f.tenon:");
}

TEST(ParserTest, NulByte) {
  std::string text = "model m {\n  param a : int\n}\n";
  text[12] = '\0';
  EXPECT_CONTAINS(parseErrors(text), "f.tenon:2:3: error: a NUL byte");
  std::string inString = "model m { architectures \"a?\" }";
  inString[inString.find('?')] = '\0';
  EXPECT_CONTAINS(parseErrors(inString), "a control character in a string");
}

TEST(ParserTest, NumbersOutOfRange) {
  EXPECT_CONTAINS(parseErrors("model m { let a = 9223372036854775808 }"),
                  "doesn't fit in 64 bits");
  EXPECT_CONTAINS(parseErrors("model m { let a = 1e999 }"),
                  "outside the range of a double");
  EXPECT_CONTAINS(parseErrors("model m { let a = 12abc }"), "malformed number");
}

TEST(ParserTest, DeepNestingIsAnError) {
  for (const char *open : {"(", "-", "not ", "f(", "1 if true else "})
    EXPECT_CONTAINS(parseErrors("model m { let a = " + repeat(open, 10000)),
                    "nested more than 200 deep")
        << open;
  // Without any parenthesis: a tree that leans to the left.
  EXPECT_CONTAINS(parseErrors("model m { let a = 1" + repeat(" + 1", 100000)),
                  "nested more than 200 deep");
  std::string balanced =
      "model m { let a = " + repeat("(", 190) + "1" + repeat(")", 190) + " }";
  EXPECT_EQ(parseErrors(balanced), "");
}

TEST(ParserTest, LongLineIsShownAroundTheCaret) {
  std::string text = "model m { param " + repeat("a, ", 1000) + "? : int }";
  std::string message = parseErrors(text);
  EXPECT_CONTAINS(message, "unexpected character '?'");
  EXPECT_LT(message.size(), 500u);
}

TEST(ParserTest, TimeIsLinear) {
  // 12 MB on one line; a quadratic parser would take hours.
  auto begin = std::chrono::steady_clock::now();
  std::string text =
      "model m { " + repeat("param abc : int = 1 ", 600000) + "?";
  EXPECT_CONTAINS(parseErrors(text), "unexpected character '?'");
  std::string blanks = "model m {" + repeat(" ", 15000000) + "?";
  EXPECT_CONTAINS(parseErrors(blanks), "unexpected character '?'");
  auto seconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - begin)
          .count();
  EXPECT_LT(seconds, 20);
}

TEST(ParserTest, TooLargeFileIsRefused) {
  std::string path =
      (std::filesystem::temp_directory_path() / "tenon-large.tenon").string();
  std::ofstream(path).put('\n');
  std::filesystem::resize_file(path, 100u << 20);
  Diagnostics diagnostics;
  EXPECT_EQ(parseModelFile(path, diagnostics), nullptr);
  EXPECT_CONTAINS(diagnostics.str(), "larger than 16 MiB");
  std::filesystem::remove(path);
}

TEST(ParserTest, MissingFile) {
  Diagnostics diagnostics;
  EXPECT_EQ(parseModelFile("/nonexistent/x.tenon", diagnostics), nullptr);
  EXPECT_CONTAINS(diagnostics.str(),
                  "/nonexistent/x.tenon: error: can't read the description: "
                  "No such file or directory");
  Diagnostics directory;
  EXPECT_EQ(parseModelFile("/", directory), nullptr);
  EXPECT_CONTAINS(directory.str(), "can't read the description");
}

} // namespace
