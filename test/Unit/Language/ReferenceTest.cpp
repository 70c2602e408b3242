//===- ReferenceTest.cpp - every example in the reference parses ----------===//

#include "LanguageTestSupport.h"

#include "tenon/Language/Builtins.h"

#include <cstdlib>
#include <deque>
#include <fstream>
#include <sstream>

using namespace tenon::lang;

namespace {

std::string readReference() {
  const char *source = std::getenv("TENON_SOURCE_DIR");
  std::ifstream stream(std::string(source ? source : ".") +
                       "/lib/Language/Reference.md");
  std::stringstream text;
  text << stream.rdbuf();
  return text.str();
}

TEST(ReferenceTest, ExamplesParse) {
  std::string text = readReference();
  ASSERT_FALSE(text.empty());
  const std::string fence = "```tenon\n";
  unsigned examples = 0, models = 0;
  std::deque<std::string> names, texts;
  std::vector<BuiltinPart> parts;
  // An opening fence stands at the start of a line.
  for (size_t at = text.find("\n" + fence); at != std::string::npos;
       at = text.find("\n" + fence, at)) {
    at += 1 + fence.size();
    size_t end = text.find("\n```", at);
    ASSERT_NE(end, std::string::npos);
    std::string example = text.substr(at, end - at + 1);
    ++examples;
    Diagnostics diagnostics;
    if (contains(example, "\npart ")) {
      auto part = parseModel(SourceFile("Reference.md", example), diagnostics);
      ASSERT_TRUE(part) << diagnostics.str();
      // Later examples include it.
      texts.push_back(example);
      names.push_back(std::string(part->name) + ".tenon");
      parts.push_back({names.back(), texts.back()});
      continue;
    }
    if (contains(example, "model ") && contains(example, "def forward")) {
      if (contains(example, "\nmodel ")) {
        ++models;
        EXPECT_TRUE(loadModelText("Reference.md", example, diagnostics))
            << diagnostics.str();
        continue;
      }
    }
    // Declarations; they are checked as well when a forward is added.
    std::unique_ptr<Model> model = parseItems(example, diagnostics);
    ASSERT_TRUE(model) << diagnostics.str();
    if (!contains(example, "def forward"))
      example += "\nweight embed_ : [1, 1] = \"e\"\n"
                 "def forward(t : [T] of token) -> [T, 1] { "
                 "embedding(t, embed_) }";
    Diagnostics checking;
    EXPECT_TRUE(loadModelText(
        "Reference.md", "model test {\n" + example + "\n}\n", checking, parts))
        << checking.str() << example;
    at = end;
  }
  EXPECT_GE(examples, 8u);
  EXPECT_EQ(models, 2u);
}

TEST(ReferenceTest, AllOperationsAreDocumented) {
  std::string text = readReference();
  for (const Builtin &builtin : allBuiltins())
    EXPECT_TRUE(contains(text, "| `" + builtin.signature() + "` |"))
        << builtin.signature();
}

} // namespace
