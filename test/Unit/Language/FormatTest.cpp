//===- FormatTest.cpp - the canonical form --------------------------------===//

#include "LanguageTestSupport.h"

#include "tenon/Language/Format.h"

using namespace tenon::lang;

namespace {

std::string format(const std::string &text) {
  Diagnostics diagnostics;
  auto model = parseModel(SourceFile("f.tenon", text), diagnostics);
  EXPECT_TRUE(model) << diagnostics.str();
  return model ? formatModel(*model) : std::string();
}

// Formats and says that formatting again changes nothing.
std::string formatTwice(const std::string &text) {
  std::string once = format(text);
  EXPECT_EQ(format(once), once);
  return once;
}

TEST(FormatTest, LayoutAndAlignment) {
  EXPECT_EQ(formatTwice(R"(model   m{kind decoder


param a,b:int param longer : float=1e-6
param c : int = a*b   from "x"|"y"

weight w:[a,b]="w"   weight embedding : [a] = "e" if a>1 else w
layer l [ i<a ] = "l.{i}" { weight v:[a]=".v" def(x:[T,a])->[T,a]{let y=x
y} }
def forward(t : [T] of token)->[T,a]{ l*(embedding(t,w)) }})"),
            R"(model m {
  kind decoder

  param a, b : int
  param longer : float = 1e-6
  param c      : int   = a * b from "x" | "y"

  weight w         : [a, b] = "w"
  weight embedding : [a]    = "e" if a > 1 else w
  layer l[i < a] = "l.{i}" {
    weight v : [a] = ".v"
    def (x : [T, a]) -> [T, a] {
      let y = x
      y
    }
  }
  def forward(t : [T] of token) -> [T, a] {
    l*(embedding(t, w))
  }
}
)");
}

TEST(FormatTest, LeadingDimensions) {
  std::string text = "model m {\n"
                     "  def f(x : [..., C], w : [C]) -> [..., C] {\n"
                     "    x * w\n  }\n}\n";
  EXPECT_EQ(formatTwice(text), text);
}

TEST(FormatTest, CommentsStay) {
  std::string text = R"(// Head.

// About the model.
model m {
  // Before a.
  param a : int  // behind a

  // Before the def.
  def forward(t : [T] of token) -> [T, a] {
    // Before y.
    let y = t  // behind y
    // Before the result.
    y  // behind it
    // At the end of the def.
  }  // behind the def
  // At the end.
}
// After all.
)";
  EXPECT_EQ(formatTwice(text), text);
}

TEST(FormatTest, CommentsInsideOfItemsMoveBeforeThem) {
  EXPECT_EQ(formatTwice("model m {\n  let a = 1 + // one\n    2 // two\n}\n"),
            "model m {\n  // one\n  let a = 1 + 2  // two\n}\n");
}

std::string expression(const std::string &text) {
  std::string out = formatTwice("model m { let a = " + text + " }");
  size_t begin = out.find("= ") + 2;
  return out.substr(begin, out.find('\n', begin) - begin);
}

TEST(FormatTest, ParenthesesByMeaning) {
  EXPECT_EQ(expression("((1+2))*3"), "(1 + 2) * 3");
  EXPECT_EQ(expression("(1*2)+3"), "1 * 2 + 3");
  EXPECT_EQ(expression("1-(2-3)"), "1 - (2 - 3)");
  EXPECT_EQ(expression("(1-2)-3"), "1 - 2 - 3");
  EXPECT_EQ(expression("-(1+2)"), "-(1 + 2)");
  EXPECT_EQ(expression("- -1"), "--1");
  EXPECT_EQ(expression("not (a == b)"), "not a == b");
  EXPECT_EQ(expression("(not a) == b"), "(not a) == b");
  EXPECT_EQ(expression("not (a and b)"), "not (a and b)");
  EXPECT_EQ(expression("a and (b or c)"), "a and (b or c)");
  EXPECT_EQ(expression("(1 if a else 2) if b else (3 if c else 4)"),
            "(1 if a else 2) if b else 3 if c else 4");
  EXPECT_EQ(expression("1 + (2 if a else 3)"), "1 + (2 if a else 3)");
  EXPECT_EQ(expression("\"a \\\" \\\\\""), "\"a \\\" \\\\\"");
}

TEST(FormatTest, NullApartFromMissing) {
  EXPECT_EQ(formatTwice("model m { param x:int=1,null=0 from \"y\"\n"
                        "param yes:float,null=2*x param a,b:int=1,null=2 }"),
            "model m {\n"
            "  param x   : int    = 1, null = 0 from \"y\"\n"
            "  param yes : float, null = 2 * x\n"
            "  param a, b : int = 1, null = 2\n"
            "}\n");
}

TEST(FormatTest, ListsAndLayers) {
  EXPECT_EQ(expression("[ ]"), "[]");
  EXPECT_EQ(expression("[1,2+3 , (4)]"), "[1, 2 + 3, 4]");
  EXPECT_EQ(expression("(xs[ i+1 ])*2"), "xs[i + 1] * 2");
  EXPECT_EQ(expression("-xs[0]"), "-xs[0]");
  EXPECT_EQ(expression("(a+b)[0]"), "(a + b)[0]");
  EXPECT_EQ(expression("[(1 if i%2==0 else 2) for i<(n+1)]"),
            "[1 if i % 2 == 0 else 2 for i < n + 1]");
  EXPECT_EQ(expression("not (a in [1])"), "not a in [1]");
  EXPECT_EQ(
      formatTwice("model m { param x:[ int ]=[ ] from \"y\"\n"
                  "layer l[i<2]=\"l.{ i+1 }\" { let a=x[i] require a>0,\"\"\n"
                  "def(x:[T,2])->[T,2]{x} } }"),
      "model m {\n"
      "  param x : [int] = [] from \"y\"\n"
      "  layer l[i < 2] = \"l.{ i+1 }\" {\n"
      "    let a = x[i]\n"
      "    require a > 0, \"\"\n"
      "    def (x : [T, 2]) -> [T, 2] {\n"
      "      x\n"
      "    }\n"
      "  }\n"
      "}\n");
}

TEST(FormatTest, LongLinesAreBroken) {
  std::string sum = "a";
  for (int i = 0; i < 60; ++i)
    sum += " + function_" + std::to_string(i) + "(argument, other = value)";
  std::string out = formatTwice("model m { let x = " + sum + " }");
  for (size_t begin = 0; begin < out.size();) {
    size_t end = out.find('\n', begin);
    EXPECT_LE(end - begin, 100u);
    begin = end + 1;
  }
  EXPECT_GT(std::count(out.begin(), out.end(), '\n'), 20);
}

TEST(FormatTest, BlankLinesCollapse) {
  EXPECT_EQ(formatTwice("model m {\n\n\n  let a = 1\n\n\n\n  let b = 2\n\n}\n"),
            "model m {\n  let a = 1\n\n  let b = 2\n}\n");
}

} // namespace
