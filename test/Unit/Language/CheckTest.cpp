//===- CheckTest.cpp - names, types and symbolic shapes -------------------===//

#include "LanguageTestSupport.h"

using namespace tenon::lang;

namespace {

TEST(CheckTest, RightBodiesPass) {
  EXPECT_EQ(checkBody("x"), "");
  EXPECT_EQ(checkBody("let x = x + x\n -(x * 2.0) / sqrt(width)"), "");
  EXPECT_EQ(checkBody("merge_heads(heads(x, n))"), "");
  EXPECT_EQ(checkBody("let a, b = split(x, n, width - n)\n x"), "");
  EXPECT_EQ(checkBody("linear(linear(x, embed), transpose(embed))"), "");
  EXPECT_EQ(checkBody("x if n > 1 else relu(x)"), "");
}

TEST(CheckTest, UnknownNames) {
  EXPECT_CONTAINS(checkBody("widht * x"),
                  "test.tenon:7:1: error: unknown name 'widht'; did you mean "
                  "'width'?\nwidht * x\n^~~~~\n"
                  "test.tenon:3:16: note: 'width' is declared here");
  EXPECT_CONTAINS(checkBody("sofmax(x)"),
                  "unknown operation 'sofmax'; did you mean 'softmax'?");
  EXPECT_CONTAINS(checkBody("blok*(x)"), "unknown layer 'blok'");
  EXPECT_CONTAINS(checkBody("x + zzzzzz"), "unknown name 'zzzzzz'\n");
  EXPECT_CONTAINS(checkItems("param a : int = b\nparam b : int"),
                  "'b' is used before its declaration");
  EXPECT_CONTAINS(checkItems("param a : int = a"),
                  "'a' is used before its declaration");
}

TEST(CheckTest, RedeclaredNames) {
  EXPECT_CONTAINS(checkItems("param a : int\nlet a = 1"),
                  "'a' is declared already");
  EXPECT_CONTAINS(checkItems("param T : int"), "number of tokens");
  EXPECT_CONTAINS(checkBody("let width = x\n width"),
                  "'width' is declared already");
  EXPECT_CONTAINS(checkItems("def softmax(t : [T] of token) -> [T, 1] { 1 }"),
                  "'softmax' is a builtin operation");
}

TEST(CheckTest, Arity) {
  EXPECT_CONTAINS(checkBody("softmax()"), "softmax: lacks x\n");
  EXPECT_CONTAINS(checkBody("relu(x, x)"),
                  "takes 1 arguments at most, found 2");
  EXPECT_CONTAINS(checkBody("causal_mask(x, widow = 3)"),
                  "has no parameter 'widow'; did you mean 'window'?");
  EXPECT_CONTAINS(checkBody("causal_mask(x, window = 3, window = 4)"),
                  "'window' is given twice");
  EXPECT_CONTAINS(checkBody("causal_mask(window = 3, x)"),
                  "positional arguments come before named ones");
  EXPECT_CONTAINS(checkBody("rms_norm(x, embed)"),
                  "note: the operation is rms_norm(x, w?, eps, offset = 0)");
  EXPECT_CONTAINS(checkBody("forward(x, x)"),
                  "'forward' takes 1 argument, found 2");
}

TEST(CheckTest, ShapesAreSpelledSymbolically) {
  std::string text = checkBody("linear(x, transpose(embed))");
  EXPECT_CONTAINS(text, "linear: the last dimension of x is width, but the "
                        "last dimension of w is vocab ([T, width] and [width, "
                        "vocab])");
  EXPECT_CONTAINS(text, "note: 'x' is bound here: [T, width]");
  EXPECT_CONTAINS(text, "note: w is [width, vocab]");

  text = checkBody("x + embed");
  EXPECT_CONTAINS(text, "'+' needs equal shapes: [T, width] and [vocab, width] "
                        "differ in T and vocab");
  EXPECT_CONTAINS(text, "note: 'embed' is declared here: [vocab, width]");

  EXPECT_CONTAINS(checkBody("linear(x, embed)"),
                  "the value is [T, vocab], but the def declares [T, width]");
  EXPECT_CONTAINS(checkBody("let a, b = split(x, n, n)\n x"),
                  "the sizes add up to 2 * n, but the last dimension of x is "
                  "width");
  EXPECT_CONTAINS(checkBody("causal_mask(heads(x, n))"),
                  "the scores must be square, found [n, T, width / n]");
  EXPECT_CONTAINS(checkBody("heads(heads(x, n), n)"),
                  "x must have 2 dimensions, found [n, T, width / n]");
}

TEST(CheckTest, OperandsAndTypes) {
  EXPECT_CONTAINS(checkBody("x % 2"), "'%' can't combine [T, width] with int");
  EXPECT_CONTAINS(checkBody("softmax(tokens)"), "x must be a tensor");
  EXPECT_CONTAINS(checkBody("embedding(x, embed)"), "ids must be an input");
  EXPECT_CONTAINS(checkBody("x * (1 if x else 2)"),
                  "the condition must be of type bool");
  EXPECT_CONTAINS(checkBody("not x"), "must be of type bool");
  EXPECT_CONTAINS(checkBody("heads(x, 2.0)"), "n must be an int, found float");
  EXPECT_CONTAINS(checkBody("x if true else embed"),
                  "must be alike: [T, width] and [vocab, width]");
  EXPECT_CONTAINS(checkBody("x * T"), "known only when the model runs");
  EXPECT_CONTAINS(checkBody("ending(x, 2)"), "an input of token");
  EXPECT_CONTAINS(checkItems("let a = 1 and true"), "must be of type bool");
  EXPECT_CONTAINS(checkItems("let a = \"s\" < \"t\""), "can't compare");
  EXPECT_CONTAINS(checkItems("param a : int = 1.5"), "the default is of type "
                                                     "float");
  EXPECT_CONTAINS(checkItems("param s : string in {\"a\"} = \"b\""),
                  "the default is not among the choices");
  EXPECT_CONTAINS(checkItems("param a : int = 1, null = 1.5"),
                  "what null means is of type float, but 'a' is of type int");
  EXPECT_CONTAINS(checkItems("param a : string in {\"a\"}, null = \"b\""),
                  "what null means is not among the choices");
  EXPECT_CONTAINS(checkItems("param a : float, null = b"), "unknown name 'b'");
  EXPECT_CONTAINS(checkItems("param a : rope = 10.0, null = 1.0"),
                  "what null means can't be said");
}

TEST(CheckTest, ConstantArithmetic) {
  EXPECT_CONTAINS(checkItems("let a = 1 / 0"), "division by zero");
  EXPECT_CONTAINS(checkItems("let a = 7 / 2"), "isn't a whole number");
  EXPECT_CONTAINS(checkItems("let a = 9223372036854775807 * 2"), "overflows");
  EXPECT_CONTAINS(checkItems("weight w : [0] = \"w\""), "at least 1, found 0");
  // Doubling formulas stay bounded.
  std::string items = "param p, q : int\nlet a0 = p + q\n";
  for (int i = 1; i < 100; ++i)
    items += "let a" + std::to_string(i) + " = a" + std::to_string(i - 1) +
             " * a" + std::to_string(i - 1) + "\n";
  EXPECT_CONTAINS(checkItems(items), "the integer overflows");
  items = "param p, q : int\nlet a0 = p % q\n";
  for (int i = 1; i < 200; ++i)
    items += "let a" + std::to_string(i) + " = (a" + std::to_string(i - 1) +
             " + 1) % (a" + std::to_string(i - 1) + " + 2)\n";
  EXPECT_CONTAINS(checkItems(items), "has no 'def forward");
}

TEST(CheckTest, WeightsAndLayers) {
  EXPECT_CONTAINS(checkItems("weight w : [2] = \".w\""),
                  "only a layer's tensor names begin with '.'");
  EXPECT_CONTAINS(checkItems("weight w : [2] = \"w.{i}\""),
                  "a name outside a layer has no index");
  EXPECT_CONTAINS(checkItems("weight w : [2] = \"[a.][b\""),
                  "choices in a name");
  EXPECT_CONTAINS(checkItems("param a : int\nweight w : [2] = a"),
                  "'a' is not a weight");
  EXPECT_CONTAINS(checkItems("weight v : [3] = \"v\"\nweight w : [2] = v"),
                  "'v' is [3], but 'w' is [2]");
  auto layer = [](const std::string &text) {
    return checkItems(std::string(kPrelude) + text);
  };
  std::string def = "def (x : [T, width]) -> [T, width] { x } }";
  EXPECT_CONTAINS(layer("layer b[i < n] { weight w : [2] = \".w\" " + def),
                  "the layer has none");
  EXPECT_CONTAINS(layer("layer b[i < n] { weight w : [2] = \"w\" " + def),
                  "each layer needs a tensor of its own");
  EXPECT_CONTAINS(layer("layer b[i < n] = \"b\" { " + def),
                  "the prefix of a layer's names holds its index, {i}");
  EXPECT_CONTAINS(layer("layer b[j < n] = \"b.{i}\" { " + def),
                  "unknown name 'i'");
  EXPECT_CONTAINS(
      layer("layer b[i < n] { def (x : [T, width]) -> [T, n] { x } }"),
      "a layer's result is the next layer's first input");
  EXPECT_CONTAINS(layer("layer b[i < n] { def (x : [T, width]) -> [T, width] "
                        "{ b*(x) } }"),
                  "a layer can't loop over layers");
  EXPECT_CONTAINS(checkBody("width*(x)"), "to multiply, write 'width * (…)'");
}

TEST(CheckTest, EntryPoints) {
  EXPECT_CONTAINS(checkItems("param a : int"), "has no 'def forward");
  EXPECT_CONTAINS(checkItems("def forward(x : [T, 2]) -> [T, 2] { x }"),
                  "'forward' is no entry point");
  EXPECT_CONTAINS(
      checkItems("def forward(x : [T, 2] of token) -> [T, 2] { x }"),
      "has one dimension");
  EXPECT_CONTAINS(
      checkItems("def forward(x : [2 * T] of token) -> [T, 2] { x }"),
      "a dimension is a length, as T, or doesn't depend on one");
}

TEST(CheckTest, Recursion) {
  EXPECT_CONTAINS(checkBody("forward(tokens)"),
                  "'forward' calls itself; a model has no recursion");
  std::string forward = std::string(kPrelude) +
                        "def forward(t : [T] of token) -> [T, width] { "
                        "f0(embedding(t, embed)) }\n";
  auto call = [](int from, const std::string &to) {
    return "def f" + std::to_string(from) +
           "(x : [T, width]) -> [T, width] { " + to + " }\n";
  };
  EXPECT_CONTAINS(checkItems(forward + call(0, "f1(x)") + call(1, "f0(x)")),
                  "calls itself");
  // A tower in which each def calls the next one twice.
  std::string tower = forward;
  for (int i = 0; i < 60; ++i) {
    std::string next = "f" + std::to_string(i + 1) + "(x)";
    tower += call(i, next + " + " + next);
  }
  EXPECT_CONTAINS(checkItems(tower + call(60, "x")), "expands to more than");
  // A few lines that would take minutes to compile.
  std::string low = forward;
  for (int i = 0; i < 13; ++i) {
    std::string next = "f" + std::to_string(i + 1) + "(x)";
    low += call(i, next + " + " + next);
  }
  EXPECT_CONTAINS(checkItems(low + call(13, "x")),
                  "expands to more than 5000 expressions");
  // A long chain is no recursion, and needs no stack.
  std::string chain = forward;
  for (int i = 0; i < 20000; ++i)
    chain += call(i, "f" + std::to_string(i + 1) + "(x)");
  EXPECT_EQ(checkItems(chain + call(20000, "x")), "");
}

TEST(CheckTest, ErrorsAreLimited) {
  std::string items;
  for (int i = 0; i < 50; ++i)
    items += "let a" + std::to_string(i) + " = unknown\n";
  EXPECT_CONTAINS(checkItems(items), "… and 30 more errors");
}

/// The diagnostics of defs beside `forward`, which calls them with x, m and w.
static std::string checkTwoLengths(const std::string &body,
                                   const std::string &defs) {
  return checkItems(std::string(kPrelude) + "weight w : [width] = \"w\"\n" +
                    defs +
                    "\ndef forward(tokens : [T] of token, source : [S] of "
                    "token) -> [T, width] {\n"
                    "  let x = embedding(tokens, embed)\n"
                    "  let m = embedding(source, embed)\n" +
                    body + "\n}");
}

TEST(CheckTest, LengthsOfDifferentLettersDontMatch) {
  EXPECT_EQ(checkTwoLengths("matmul(matmul(x, transpose(m)), m)", ""), "");
  std::string text = checkTwoLengths("x + m", "");
  EXPECT_CONTAINS(text, "'+' needs equal shapes: [T, width] and [S, width] "
                        "differ in T and S");
  EXPECT_CONTAINS(checkTwoLengths("m", ""),
                  "the value is [S, width], but the def declares [T, width]");
  EXPECT_CONTAINS(checkTwoLengths("matmul(matmul(x, transpose(m)), x)", ""),
                  "matmul: the last dimension of a is S, but the last but one "
                  "dimension of b is T");
  EXPECT_CONTAINS(checkTwoLengths("x * S", ""),
                  "S, a length, is known only when the model runs");
  EXPECT_CONTAINS(checkTwoLengths("x * R", ""), "unknown name 'R'");
  EXPECT_CONTAINS(
      checkItems("def forward(tokens : [T] of token) -> [S, 1] { tokens }"),
      "no input has the length S");
  // A letter that is declared is no length.
  EXPECT_EQ(checkItems("param S : int\nweight e : [S, S] = \"e\"\n"
                       "def forward(t : [T] of token) -> [T, S] {\n"
                       "  embedding(t, e)\n}"),
            "");
  EXPECT_CONTAINS(checkItems("weight e : [S, 2] = \"e\"\nparam S : int"),
                  "'S' is used before its declaration");
  EXPECT_CONTAINS(checkItems("weight e : [S, 2] = \"e\""), "unknown name 'S'");
}

TEST(CheckTest, LengthsOfHelpersAreMatchedAtTheCall) {
  const std::string attend =
      "def attend(a : [T, width], b : [S, width]) -> [T, width] {\n"
      "  matmul(matmul(a, transpose(b)), b)\n}";
  EXPECT_EQ(checkTwoLengths("attend(x, m)", attend), "");
  EXPECT_EQ(checkTwoLengths("attend(x, x)", attend), "");
  EXPECT_CONTAINS(checkTwoLengths("attend(m, x)", attend),
                  "the value is [S, width], but the def declares [T, width]");
  std::string text = checkTwoLengths(
      "added(x, m)",
      "def added(a : [T, width], b : [T, width]) -> [T, width] { a + b }");
  EXPECT_CONTAINS(text, "'b' of 'added' is [T, width], found [S, width]");
  EXPECT_CONTAINS(text, "note: T is T by this argument");
}

TEST(CheckTest, LayersTakeOtherLengths) {
  const std::string layer =
      "layer block[i < n] = \"l.{i}\" {\n"
      "  weight k : [width, width] = \".k\"\n"
      "  def (a : [T, width], b : [S, width]) -> [T, width] {\n"
      "    a + matmul(matmul(a, transpose(linear(b, k))), b)\n  }\n}";
  EXPECT_EQ(checkTwoLengths("block*(x, m)", layer), "");
  EXPECT_EQ(checkTwoLengths("block*(x, block*(m, m))", layer), "");
  EXPECT_CONTAINS(checkTwoLengths("block*(m, x)", layer),
                  "the value is [S, width], but the def declares [T, width]");
  EXPECT_CONTAINS(checkTwoLengths("block*(x, embed)", layer),
                  "S of 'block' is a length, found vocab");
}

TEST(CheckTest, HelpersTakeAnyDimensions) {
  const std::string norm =
      "def norm(x : [..., C], g : [C]) -> [..., C] { rms_norm(x, g, 1e-6) }";
  EXPECT_EQ(checkTwoLengths("norm(x, w)", norm), "");
  EXPECT_CONTAINS(checkTwoLengths("merge_heads(norm(heads(x, n), w))", norm),
                  "'g' of 'norm' is [C], found [width]");
  EXPECT_CONTAINS(checkTwoLengths("merge_heads(norm(heads(x, n), w))", norm),
                  "note: C is width / n by this argument");
  std::string text = checkTwoLengths(
      "f(x)", "def f(x : [..., C]) -> [..., C] { x + heads(x, n) }");
  EXPECT_CONTAINS(text, "'+' needs equal shapes");
  EXPECT_CONTAINS(text, "'f' has no meaning for the types of this call");
  EXPECT_CONTAINS(
      checkTwoLengths("f(x)", "def f(x : [T, C]) -> [..., C] { x }"),
      "no input has leading dimensions '...'");
  EXPECT_CONTAINS(checkItems("def forward(t : [..., T] of token) -> [T, 1] { t "
                             "}"),
                  "only helpers");
  EXPECT_CONTAINS(
      checkTwoLengths("f(x)", "def f(x : [..., C]) -> [..., C] { f(x) }"),
      "'f' calls itself");
  EXPECT_CONTAINS(checkTwoLengths("f(x)", "def f(x : [T, C]) -> [T, C] { g(x) "
                                          "}\ndef g(x : [C, T]) -> [C, T] { "
                                          "f(x) }"),
                  "calls itself");
}

} // namespace
