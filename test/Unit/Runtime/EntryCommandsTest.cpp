//===- EntryCommandsTest.cpp - commands that descriptions define ----------===//
//
// What the fake encoder's entries compute is in FakeModule.cpp.
//
//===----------------------------------------------------------------------===//
#include "CommandTest.h"

#include <nlohmann/json.hpp>

using nlohmann::json;

namespace {

class EntryCommands : public CommandTest {};

TEST_F(EntryCommands, Classify) {
  EXPECT_PRINTS(run("./encoder classify ab"), "short 0.9975\n");
  EXPECT_PRINTS(run("./encoder classify ab --top-k 0"),
                "short 0.9975  paired 0.0025\n");
  EXPECT_PRINTS(run("./encoder classify --tokens 1,9,9 --segments 0,1,1 "
                    "--top-k 2"),
                "short 0.9933  paired 0.0067\n");
  json found = json::parse(run("./encoder classify ab --json").out);
  EXPECT_EQ(found[0]["label"], "short");
  EXPECT_NEAR(found[0]["score"].get<double>(), 0.9975274, 1e-6);
}

TEST_F(EntryCommands, FilesOfTexts) {
  write("texts", "ab\nabcdefghijkl\n");
  EXPECT_PRINTS(run("./encoder classify -f texts"),
                "short 0.9975\npaired 0.9820\n");
  EXPECT_PRINTS(run("./encoder classify -f -", "printf 'ab\\n' |"),
                "short 0.9975\n");
  write("texts.jsonl",
        "\"ab\"\n\n{\"text\": \"a\", \"text_pair\": \"bcdef\"}\n");
  Result lines = run("./encoder classify -f texts.jsonl --json");
  ASSERT_EQ(lines.code, 0) << lines.err;
  size_t end = lines.out.find('\n');
  EXPECT_EQ(json::parse(lines.out.substr(0, end))[0]["label"], "short");
  EXPECT_EQ(json::parse(lines.out.substr(end))[0]["label"], "paired");
  write("bad.jsonl", "\"a\"\n{\"txt\": 1}\n");
  EXPECT_FAILS(run("./encoder classify -f bad.jsonl"), 1,
               "bad.jsonl:2:1: error: expected a string, or an object with a "
               "string \"text\"");
  EXPECT_FAILS(run("./encoder classify -f texts ab"), 2, "more than one way");
  EXPECT_FAILS(run("./encoder classify"), 2, "classify needs a text");
}

TEST_F(EntryCommands, NamesOfTokens) {
  EXPECT_PRINTS(run("./encoder name-tokens abc"),
                "a               O          1.0000\n"
                "b               B-X        1.0000\n"
                "c               I-X        1.0000\n");
  // One name goes on until another, or none.
  EXPECT_PRINTS(run("./encoder name-tokens bcbac --aggregate"),
                "X          1.0000  bc\n"
                "X          1.0000  b\n"
                "X          1.0000  c\n");
}

TEST_F(EntryCommands, Answers) {
  EXPECT_PRINTS(run("./encoder answer 'bd' 'a b c d e'"), "1.0000  b c d\n");
  json found =
      json::parse(run("./encoder answer bd 'a b c d e' --top-k 2 --json").out);
  ASSERT_EQ(found.size(), 2u);
  EXPECT_EQ(found[0]["answer"], "b c d");
  write("q.jsonl", "{\"question\": \"bd\", \"context\": \"xbdx\"}\n");
  EXPECT_PRINTS(run("./encoder answer -f q.jsonl"), "1.0000  bd\n");
  EXPECT_FAILS(run("./encoder answer abc"), 2, "question and context");
  EXPECT_FAILS(run("./encoder answer --tokens 1,2"), 2, "no text to find");
}

TEST_F(EntryCommands, Rerank) {
  write("documents", "abcd\nabcdefgh\na\n");
  EXPECT_PRINTS(run("./encoder rerank ab documents --label paired"),
                "   9.0000  abcdefgh\n   5.0000  abcd\n   2.0000  a\n");
  json found = json::parse(
      run("./encoder rerank ab documents --label paired --top-k 1 --json").out);
  EXPECT_EQ(found,
            json::parse(R"([{"index": 1, "score": 9.0, "text": "abcdefgh"}])"));
  EXPECT_FAILS(run("./encoder rerank ab documents"), 2,
               "the labels are short, paired");
  EXPECT_FAILS(run("./encoder rerank ab"), 2, "a query, in quotes, and a file");
}

TEST_F(EntryCommands, OfOtherModels) {
  EXPECT_FAILS(run("./decoder classify abc"), 2, "no entry for 'classify'");
  EXPECT_NE(run("./encoder --help").out.find("name-tokens"), std::string::npos);
  EXPECT_NE(run("./encoder info")
                .out.find("entry          classify [1, 2] of short, paired\n"),
            std::string::npos);
}

} // namespace
