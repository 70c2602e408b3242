//===- IncludeTest.cpp - parts of descriptions ----------------------------===//

#include "LanguageTestSupport.h"

#include "tenon/Language/Format.h"
#include "tenon/Language/SourceIndex.h"

using namespace tenon::lang;

namespace {

constexpr BuiltinPart kParts[] = {
    {"head.tenon", R"(// A head.
part head {
  param classes : int = 2  // how many
  let twice = 2 * classes
  optional weight score : [twice, width] = "score.weight"

  def scores(x : [T, width]) -> [T, twice] {
    linear(x, score)
  }
}
)"},
    {"square.tenon", R"(part square {
  weight w : [width, width] = ".w"
  let more = i > 0
}
)"},
    {"outer.tenon", "part outer {\n  include \"inner.tenon\"\n}\n"},
    {"inner.tenon", "part inner {\n  let wrong = missing + 1\n}\n"},
    {"a.tenon", "part a { include \"b.tenon\" }"},
    {"b.tenon", "part b { include \"a.tenon\" }"},
    {"twice.tenon", "part twice { include \"empty.tenon\" "
                    "include \"empty.tenon\" }"},
    {"empty.tenon", "part empty { }"},
    {"whole.tenon", "model whole { }"},
    {"more.tenon", "part more { } }"},
    {"open.tenon", "part open { let a = "},
};

std::unique_ptr<Model> load(const std::string &items, std::string &messages) {
  Diagnostics diagnostics;
  auto model = loadModelText(
      "m.tenon",
      "model m {\n  param vocab, width : int\n"
      "  weight embed : [vocab, width] = \"embed\"\n" +
          items +
          "\n  def forward(tokens : [T] of token) -> [T, width] {\n"
          "    embedding(tokens, embed)\n  }\n}\n",
      diagnostics, kParts);
  messages = diagnostics.str();
  return model;
}

std::string messagesOf(const std::string &items) {
  std::string messages;
  load(items, messages);
  return messages;
}

TEST(IncludeTest, ItemsStandWhereTheyAreIncluded) {
  std::string messages;
  auto model = load("  include \"head.tenon\"  // heads\n"
                    "  let after = twice + 1",
                    messages);
  ASSERT_TRUE(model) << messages;
  std::vector<Item::Kind> kinds;
  for (const Item &item : model->items)
    kinds.push_back(item.kind);
  using enum Item::Kind;
  EXPECT_EQ(kinds,
            (std::vector<Item::Kind>{Param, Weight, Include, Param, Constant,
                                     Weight, Def, Constant, Def}));
  ASSERT_EQ(model->params.size(), 3u);
  const Decl *classes = model->params.back();
  EXPECT_EQ(classes->name, "classes");
  EXPECT_EQ(model->source.fileAt(classes->nameRange.begin).name, "head.tenon");
  LineColumn at = model->source.lineColumn(classes->nameRange.begin);
  EXPECT_EQ(at.line, 3u);
  EXPECT_EQ(at.column, 9u);
  EXPECT_EQ(model->source.lineAt(classes->nameRange.begin),
            "  param classes : int = 2  // how many");
}

TEST(IncludeTest, AFileIsPrintedWithoutItsParts) {
  const std::string text = "// A model.\n"
                           "model m {\n"
                           "  include \"head.tenon\"  // heads\n"
                           "\n"
                           "  layer block[i < 2] = \"l.{i}\" {\n"
                           "    include \"square.tenon\"\n"
                           "\n"
                           "    def (x : [T, 1]) -> [T, 1] {\n"
                           "      x\n"
                           "    }\n"
                           "  }\n"
                           "}\n";
  Diagnostics diagnostics;
  PartSources parts{std::nullopt, kParts};
  auto model = parseModel(SourceFile("m.tenon", text), diagnostics, &parts);
  ASSERT_TRUE(model) << diagnostics.str();
  EXPECT_EQ(model->comments.size(), 2u);
  EXPECT_EQ(formatModel(*model), text);
  // Nor need they be there.
  auto alone = parseModel(SourceFile("m.tenon", text), diagnostics);
  ASSERT_TRUE(alone) << diagnostics.str();
  EXPECT_EQ(alone->items.size(), 2u);
  EXPECT_EQ(formatModel(*alone), text);
}

TEST(IncludeTest, APartIsPrintedAndNotCompiled) {
  std::string text(kParts[0].text);
  Diagnostics diagnostics;
  auto part = parseModel(SourceFile("head.tenon", text), diagnostics);
  ASSERT_TRUE(part) << diagnostics.str();
  EXPECT_TRUE(part->isPart);
  EXPECT_EQ(formatModel(*part), text);
  EXPECT_FALSE(loadModelText("head.tenon", text, diagnostics));
  EXPECT_CONTAINS(diagnostics.str(),
                  "head.tenon:2:6: error: 'head' is a part, which is checked "
                  "and compiled in a model that includes it");
}

TEST(IncludeTest, LayersIncludeWeights) {
  std::string messages;
  auto model = load(R"(
  layer block[i < 2] = "l.{i}" {
    include "square.tenon"
    def (x : [T, width]) -> [T, width] { linear(x, w) if more else x }
  }
  layer other[i < 2] = "o.{i}" {
    include "square.tenon"
    def (x : [T, width]) -> [T, width] { linear(x, w) if more else x }
  })",
                    messages);
  ASSERT_TRUE(model) << messages;
  EXPECT_EQ(model->layers[0]->weights.size(), 1u);
  EXPECT_EQ(model->layers[1]->weights.size(), 1u);
  EXPECT_CONTAINS(messagesOf("layer block[i < 2] = \"l.{i}\" {\n"
                             "  include \"head.tenon\"\n"
                             "  def (x : [T, width]) -> [T, width] { x }\n}"),
                  "head.tenon:3:3: error: expected a weight, let, require, "
                  "include, a layer, the layer's def, or '}', found 'param'");
}

TEST(IncludeTest, MessagesLeadToThePart) {
  std::string messages = messagesOf("  include \"outer.tenon\"");
  EXPECT_CONTAINS(messages, R"(inner.tenon:2:15: error: unknown name 'missing'
  let wrong = missing + 1
              ^~~~~~~
outer.tenon:2:11: note: included here
  include "inner.tenon"
          ^~~~~~~~~~~~~
m.tenon:4:11: note: included here
  include "outer.tenon"
          ^~~~~~~~~~~~~
)");
  messages = messagesOf("  let twice = 1\n  include \"head.tenon\"");
  EXPECT_CONTAINS(messages, "head.tenon:4:7: error: 'twice' is declared "
                            "already");
  EXPECT_CONTAINS(messages, "m.tenon:4:7: note: the other declaration");
}

TEST(IncludeTest, WhatCannotBeIncludedIsSaid) {
  EXPECT_CONTAINS(messagesOf("include \"heads.tenon\""),
                  "m.tenon:4:9: error: no part is called 'heads.tenon'; did "
                  "you mean 'head.tenon'?");
  for (const char *name : {"../x.tenon", "/etc/passwd", "x", ".tenon", ""})
    EXPECT_CONTAINS(messagesOf("include \"" + std::string(name) + "\""),
                    "expected the name of a file, as in \"heads.tenon\"");
  EXPECT_CONTAINS(messagesOf("include \"whole.tenon\""),
                  "whole.tenon:1:1: error: what is included begins with "
                  "'part', not with 'model'");
  EXPECT_CONTAINS(messagesOf("include \"more.tenon\""),
                  "more.tenon:1:15: error: one file holds one part; expected "
                  "the end of the file");
  // A file ends where it ends, whatever comes behind it.
  EXPECT_CONTAINS(messagesOf("include \"open.tenon\"\n"
                             "include \"empty.tenon\""),
                  "open.tenon:1:21: error: expected an expression, found the "
                  "end of the file");
  EXPECT_CONTAINS(messagesOf("include head"),
                  "m.tenon:4:9: error: expected the name of a part's file in "
                  "quotes, found 'head'");
}

TEST(IncludeTest, CyclesAndAmplificationEnd) {
  EXPECT_CONTAINS(messagesOf("include \"a.tenon\""),
                  "b.tenon:1:18: error: 'a.tenon' includes itself");
  EXPECT_EQ(messagesOf("include \"twice.tenon\""), "");
  std::string many;
  for (int i = 0; i < 40; ++i)
    many += "include \"twice.tenon\"\n";
  EXPECT_CONTAINS(messagesOf(many),
                  "error: a description includes at most 64 files");
}

TEST(IncludeTest, NamesOfPartsAreKnownToEditors) {
  std::string messages;
  auto model = load("  include \"head.tenon\"\n  let after = twice", messages);
  ASSERT_TRUE(model) << messages;
  SourceIndex index(*model);
  size_t use = model->source.text().find("= twice") + 2;
  const Occurrence *name = index.at(static_cast<uint32_t>(use));
  ASSERT_TRUE(name && name->decl);
  EXPECT_FALSE(model->source.isOwn(name->decl->nameRange.begin));
  EXPECT_CONTAINS(index.describe(*name), "let twice : int = 2 * classes");
}

} // namespace
