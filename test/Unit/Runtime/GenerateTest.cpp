//===- GenerateTest.cpp - the command generate ----------------------------===//
//
// The fake model writes the alphabet (see FakeModule.h).
//
//===----------------------------------------------------------------------===//
#include "CommandTest.h"
#include "FakeModule.h"

#include "tenon/Support/Utf8.h"

namespace {

class Generate : public CommandTest {};

const std::string kGreedy = " --temperature 0";

TEST_F(Generate, ContinuesThePrompt) {
  EXPECT_PRINTS(run("./decoder generate -p abc -n 3" + kGreedy), "abcdef\n");
  EXPECT_PRINTS(run("./decoder generate -p x" + kGreedy), "xyz\n");
  EXPECT_PRINTS(run("./decoder generate -p abc -n 0" + kGreedy), "abc\n");
}

TEST_F(Generate, FromTheBeginningOfTextToken) {
  EXPECT_PRINTS(run("./decoder generate -p '' -n 5" + kGreedy), "abcde\n");
  EXPECT_PRINTS(run("./decoder generate -n 5" + kGreedy), "abcde\n");
}

TEST_F(Generate, IsTheDefault) {
  EXPECT_PRINTS(run("./decoder 'hello w' -n 2" + kGreedy), "hello wxy\n");
  EXPECT_PRINTS(run("./decoder hello w -n 2" + kGreedy), "hello wxy\n");
  EXPECT_PRINTS(run("./decoder -p a -n 1" + kGreedy), "ab\n");
  EXPECT_PRINTS(run("./decoder --threads 1 a -n 1" + kGreedy), "ab\n");
  EXPECT_PRINTS(run("./decoder -n 1 --temperature 0 -- -p --x"), "-p --xy\n");
}

TEST_F(Generate, PromptFromAFile) {
  write("prompt", "line\nabc\n");
  EXPECT_PRINTS(run("./decoder generate -f prompt -n 2" + kGreedy),
                "line\nabcde\n");
  EXPECT_PRINTS(run("./decoder generate -f - -n 1" + kGreedy, "printf ab |"),
                "abc\n");
  EXPECT_FAILS(run("./decoder generate -f missing"), 1, "missing");
  EXPECT_FAILS(run("./decoder generate -f prompt -p x"), 2, "more than once");
}

TEST_F(Generate, WithoutTheEcho) {
  EXPECT_PRINTS(run("./decoder generate -p abc -n 2 --no-echo" + kGreedy),
                "de\n");
}

TEST_F(Generate, FromIdsToIds) {
  // 100 is 'a'; token 2 ends a text and is one of those generated.
  EXPECT_PRINTS(
      run("./decoder generate --tokens 1,100 -n 3 --print-tokens" + kGreedy),
      "101 102 103\n");
  EXPECT_PRINTS(
      run("./decoder generate --tokens 1,124 --print-tokens" + kGreedy),
      "125 2\n");
  EXPECT_PRINTS(run("./decoder generate -p a -n 2 --print-tokens" + kGreedy),
                "101 102\n");
  EXPECT_PRINTS(
      run("./untokenized generate --tokens 1,100 -n 2 --print-tokens" +
          kGreedy),
      "101 102\n");
  EXPECT_PRINTS(run("./decoder generate --tokens 1,100 -n 2" + kGreedy),
                "abc\n");
  write("prompts", "a\nyz\n");
  EXPECT_PRINTS(
      run("./sequences generate --prompts prompts -n 2 --print-tokens" +
          kGreedy),
      "101 102\n2\n");
  EXPECT_FAILS(run("./untokenized generate --tokens 1,100 -n 2"), 2,
               "--print-tokens");
  EXPECT_FAILS(run("./decoder generate --tokens 1,2 -p a"), 2,
               "more than once");
  EXPECT_FAILS(run("./decoder generate --tokens 1 --stop a --print-tokens"), 2,
               "--stop");
  EXPECT_FAILS(run("./decoder generate --tokens 1,999 --print-tokens"), 1,
               "token 999");
}

TEST_F(Generate, StopStrings) {
  EXPECT_PRINTS(run("./decoder generate -p a --stop fg" + kGreedy), "abcde\n");
  EXPECT_PRINTS(run("./decoder generate -p a --stop zz --stop de" + kGreedy),
                "abc\n");
  EXPECT_PRINTS(run("./decoder generate -p a -n 3 --stop dx" + kGreedy),
                "abcd\n");
  // In the prompt it doesn't count, and it isn't taken for a list.
  EXPECT_PRINTS(
      run("./decoder generate -p '[b,c]' --stop '[b,c]' -n 1" + kGreedy),
      "[b,c]\n");
}

TEST_F(Generate, EndOfText) {
  EXPECT_PRINTS(run("./decoder generate -p y -n 10" + kGreedy), "yz\n");
  Result result = run("./decoder generate -p y -n 4 --ignore-eos" + kGreedy);
  EXPECT_EQ(result.code, 0);
  EXPECT_EQ(result.out, "yz\n") << "special tokens aren't text";
}

TEST_F(Generate, OutputIsWholeUtf8) {
  // An odd number of bytes is generated: the last half of an é is replaced.
  EXPECT_PRINTS(run("./decoder generate -p X -n 4" + kGreedy), "Xéé\n");
  EXPECT_PRINTS(run("./decoder generate -p X -n 3" + kGreedy), "Xé\uFFFD\n");
}

TEST_F(Generate, PromptThatIsNotUtf8) {
  Result result =
      run("./decoder generate -p \"$(printf 'a\\377b')\" -n 1" + kGreedy);
  EXPECT_EQ(result.code, 0) << result.err;
  EXPECT_EQ(result.out, "a\uFFFDbc\n");
}

TEST_F(Generate, FullContextIsSaid) {
  Result result = run("./decoder generate -p 0 -n 100" + kGreedy);
  EXPECT_EQ(result.code, 0);
  // 64 places, <s> and '0' among them, and the token after the last place.
  EXPECT_EQ(result.out.size(), 1 + 63 + 1u);
  EXPECT_NE(result.err.find("context of 64 tokens is full: 2 of the prompt, 63 "
                            "generated"),
            std::string::npos)
      << result.err;
}

TEST_F(Generate, LongPromptStatesBothCounts) {
  std::string prompt(64, 'a');
  EXPECT_FAILS(run("./decoder generate -p " + prompt), 1,
               "the prompt has 65 tokens, the model's context holds 64");
}

TEST_F(Generate, SeedDecides) {
  std::string command = "./decoder generate -p a -n 30 --temperature 50 "
                        "--top-k 0 --top-p 1 --min-p 0 --ignore-eos --seed ";
  std::string seven = run(command + "7").out;
  EXPECT_EQ(run(command + "7").out, seven);
  EXPECT_NE(run(command + "8").out, seven);
  EXPECT_TRUE(tenon::isValidUtf8(seven));
}

TEST_F(Generate, ChunksAndThreadsChangeNothing) {
  std::string command = "./decoder generate -p 0123456789012345678901234567 "
                        "-n 20 --temperature 20 --seed 3 ";
  Result first = run(command);
  EXPECT_EQ(first.code, 0);
  for (const char *options :
       {"--prefill-chunk 1", "--prefill-chunk 7", "--threads 1", "--threads 2",
        "--threads 4", "--weights-memory=huge", "--weights-memory map"})
    EXPECT_EQ(run(command + options).out, first.out) << options;
}

TEST_F(Generate, BadOptions) {
  EXPECT_FAILS(run("./decoder generate --top-p 1.5"), 2, "top-p is 1.5");
  EXPECT_FAILS(run("./decoder generate --temperature -1"), 2, "temperature");
  EXPECT_FAILS(run("./decoder generate --temperature warm"), 2, "warm");
  EXPECT_FAILS(run("./decoder generate --threads 0"), 2, "--threads");
  EXPECT_FAILS(run("./decoder generate --weights-memory=disk"), 2,
               "--weights-memory");
  EXPECT_FAILS(run("./decoder generate --tempo 1"), 2, "'--tempo'");
  EXPECT_FAILS(run("./decoder --tempo 1"), 2, "'--tempo'");
  EXPECT_FAILS(run("./decoder generate -n"), 2, "--max-tokens");
}

TEST_F(Generate, SpoiledLogits) {
  EXPECT_FAILS(run("FAKE_NAN=1 ./decoder generate -p a"), 1, "no number");
}

TEST_F(Generate, Profile) {
  Result result = run("./decoder generate -p a -n 4 --profile" + kGreedy);
  EXPECT_EQ(result.out, "abcde\n");
  for (const char *text :
       {"operation", "head", "fake.tenon:3:4", "(outside the model)",
        "prompt: 2 tokens", "generation: 4 tokens"})
    EXPECT_NE(result.err.find(text), std::string::npos) << result.err;
}

TEST_F(Generate, WithoutATokenizer) {
  EXPECT_FAILS(run("./untokenized generate -p a"), 2, "no tokenizer");
}

TEST_F(Generate, SeveralPrompts) {
  write("prompts", "abc\nx\n\n  \nhello w\r\nm\n0");
  // In the order of the file, whichever ends first; "x" ends by itself.
  const std::string wanted = "abcdefg\nxyz\nhello wxyz\nmnopq\n01234\n";
  for (const char *program :
       {"./decoder", "./sequences", "./sequences --threads 1"})
    EXPECT_PRINTS(run(std::string(program) +
                      " generate --prompts prompts -n 4" + kGreedy),
                  wanted);
  for (const char *count : {"1", "2", "3"})
    EXPECT_PRINTS(
        run("./sequences generate --prompts prompts -n 4 --sequences " +
            std::string(count) + kGreedy),
        wanted);
  EXPECT_PRINTS(run("./sequences generate --prompts - -n 1" + kGreedy,
                    "printf 'a\nb\n' |"),
                "ab\nbc\n");
  EXPECT_PRINTS(
      run("./sequences generate --prompts prompts -n 1 --no-echo" + kGreedy),
      "d\ny\nx\nn\n1\n");
  EXPECT_PRINTS(
      run("./sequences generate --prompts prompts --stop e -n 6" + kGreedy),
      "abcd\nxyz\nhello wxyz\nmnopqrs\n0123456\n");
}

TEST_F(Generate, PromptsOfJsonLines) {
  write("prompts.jsonl", "\"a\\nb\"\n\n{\"id\": 1, \"prompt\": \"xy\"}\n");
  EXPECT_PRINTS(
      run("./sequences generate --prompts prompts.jsonl -n 1" + kGreedy),
      "a\nbc\nxyz\n");
  write("bad.jsonl", "\"a\"\n{\"prompt\": \n");
  EXPECT_FAILS(run("./sequences generate --prompts bad.jsonl"), 1,
               "bad.jsonl:2:");
  write("number.jsonl", "\"a\"\n\n{\"prompt\": 5}\n");
  EXPECT_FAILS(run("./sequences generate --prompts number.jsonl"), 1,
               "number.jsonl:3:1: error: expected a string, token ids, or an");
}

TEST_F(Generate, PromptsOfTokenIds) {
  write("ids.jsonl", "[" + std::to_string(fake::tokenOf('a')) + "]\n\"x\"\n");
  EXPECT_PRINTS(run("./sequences generate --prompts ids.jsonl -n 1" + kGreedy),
                "b\nxy\n");
  write("bad.jsonl", "[1, -2]\n");
  EXPECT_FAILS(run("./sequences generate --prompts bad.jsonl"), 1,
               "bad.jsonl:1:1: error: expected a string, token ids, or an");
}

// The likeliest text is the greedy one, also where beams have to be decoded one
// after the other.
TEST_F(Generate, Beams) {
  for (const char *program : {"./sequences", "./decoder"}) {
    std::string start = std::string(program) + " generate" + kGreedy;
    EXPECT_PRINTS(run(start + " -p a -n 3 --beams 2"), "bcd\n");
    EXPECT_PRINTS(run(start + " -p x --beams 3"), "yz\n");
    write("prompts", "abc\nxy\nhello w\nm\n");
    EXPECT_PRINTS(run(start + " --prompts prompts -n 2 --beams 3"),
                  "de\nz\nxy\nno\n");
    Result two = run(start + " -p a -n 2 --beams 2 --n-best 2 --json");
    EXPECT_EQ(two.code, 0);
    EXPECT_NE(two.out.find("\"text\": \"bc\""), std::string::npos) << two.out;
    EXPECT_NE(two.out.find("\"score\": -"), std::string::npos) << two.out;
  }
  EXPECT_FAILS(run("./decoder generate -p a --beams 2 --n-best 3"), 2,
               "--n-best 3 of 2 beams");
  EXPECT_FAILS(run("./decoder generate -p a --length-penalty 2"), 2,
               "are of a search with --beams");
  EXPECT_FAILS(run("./decoder generate -p a --beams 2 --stop b"), 2,
               "--stop doesn't go with --beams");
  EXPECT_FAILS(run("./decoder generate --source-tokens 1"), 2,
               "--source-tokens is for models that have a source");
}

TEST_F(Generate, WrongPrompts) {
  write("prompts", "a\n\n" + std::string(100, 'b') + "\n");
  Result result = run("./sequences generate --prompts prompts");
  EXPECT_EQ(result.out, "") << "all are checked first";
  EXPECT_FAILS(result, 1,
               "prompts:3:1: error: the prompt has 101 tokens, the model's "
               "context holds 64");
  write("empty", "\n \n");
  EXPECT_FAILS(run("./sequences generate --prompts empty"), 1,
               "there is no prompt in it");
  EXPECT_FAILS(run("./sequences generate --prompts missing"), 1, "missing");
  EXPECT_FAILS(run("./sequences generate --prompts prompts -p a"), 2,
               "more than once");
  EXPECT_FAILS(run("./sequences generate -p a --sequences 2"), 2,
               "--sequences is for the prompts of --prompts");
  EXPECT_FAILS(run("./sequences generate --prompts prompts --sequences 4"), 2,
               "--sequences 4: this executable was compiled for 3 sequences");
  EXPECT_FAILS(run("./sequences generate --prompts prompts --sequences 0"), 2,
               "--sequences");
}

TEST_F(Generate, FullContextAmongOthers) {
  write("prompts", "0\nx\nab\n");
  Result result =
      run("./sequences generate --prompts prompts -n 100" + kGreedy);
  EXPECT_EQ(result.code, 0);
  EXPECT_EQ(result.out.size(), (1 + 63 + 1) + 4 + 27u) << result.out;
  EXPECT_NE(result.err.find("context of 64 tokens is full: 2 of the prompt, 63 "
                            "generated"),
            std::string::npos)
      << result.err;
}

} // namespace
