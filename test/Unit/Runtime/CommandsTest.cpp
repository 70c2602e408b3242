//===- CommandsTest.cpp - the commands besides generate -------------------===//
#include "CommandTest.h"

#include "tenon/Runtime/Npy.h"

#include <cmath>
#include <cstring>

#include <nlohmann/json.hpp>

using nlohmann::json;

namespace {

class Commands : public CommandTest {
protected:
  json runJson(const std::string &command) {
    Result result = run(command);
    EXPECT_EQ(result.code, 0) << result.err;
    return json::parse(result.out, nullptr, /*allow_exceptions=*/false);
  }
  /// The numbers of a file after the head that its shape demands.
  std::vector<float> readNpy(const std::string &name, int64_t rows,
                             int64_t cols) {
    std::string bytes = read(name);
    std::string head = tenon::runtime::npyHeader(rows, cols);
    EXPECT_EQ(bytes.substr(0, head.size()), head);
    std::vector<float> values(rows * cols);
    EXPECT_EQ(bytes.size(), head.size() + values.size() * sizeof(float));
    if (bytes.size() == head.size() + values.size() * sizeof(float))
      std::memcpy(values.data(), bytes.data() + head.size(),
                  values.size() * sizeof(float));
    return values;
  }
};

TEST_F(Commands, LogitsAreTheSameForChunksThreadsAndEntries) {
  std::string command = "./decoder logits --tokens 1";
  for (int i = 0; i < 39; ++i)
    command += "," + std::to_string(i * 5);
  ASSERT_EQ(run(command + " --output first.npy").code, 0);
  std::vector<float> first = readNpy("first.npy", 40, 260);
  for (const char *options :
       {"--prefill-chunk 1", "--prefill-chunk 7", "--prefill-chunk 512",
        "--decode", "--threads 1", "--threads 4"}) {
    ASSERT_EQ(run(command + " --output other.npy " + options).code, 0);
    EXPECT_EQ(readNpy("other.npy", 40, 260), first) << options;
  }
}

TEST_F(Commands, LogitsOfAText) {
  ASSERT_EQ(run("./decoder logits --text ab -o text.npy").code, 0);
  ASSERT_EQ(run("./decoder logits --tokens 1,100,101 -o ids.npy").code, 0);
  EXPECT_EQ(readNpy("text.npy", 3, 260), readNpy("ids.npy", 3, 260));
  EXPECT_EQ(run("./untokenized logits --tokens 1,2 -o ids.npy").code, 0);
}

TEST_F(Commands, Run) {
  ASSERT_EQ(run("./decoder logits --tokens 1,100 -o logits.npy").code, 0);
  ASSERT_EQ(run("./decoder run --tokens 1,100 -o run.npy").code, 0);
  EXPECT_EQ(readNpy("run.npy", 2, 260), readNpy("logits.npy", 2, 260));
  ASSERT_EQ(run("./encoder run --tokens 1,100 -o run.npy").code, 0);
  EXPECT_EQ(readNpy("run.npy", 2, 4)[4], 100);
  ASSERT_EQ(run("./encoder run fill-mask --tokens 1,9,8 -o run.npy").code, 0);
  EXPECT_EQ(readNpy("run.npy", 3, 260)[101], 20);
  // Columns: token, segment, whether it is one, position.
  ASSERT_EQ(run("./encoder run --tokens 1,9 --segments 0,1 -o run.npy").code,
            0);
  EXPECT_EQ(readNpy("run.npy", 2, 4),
            (std::vector<float>{1, 0, 1, 0, 9, 1, 1, 1}));
  EXPECT_FAILS(run("./encoder run pooled --tokens 1 -o no.npy"), 2,
               "its entries are forward, fill_mask, classify");
  EXPECT_FAILS(run("./encoder run -o no.npy"), 2, "no tokens");
  EXPECT_FAILS(run("./encoder run --tokens 1,2 --segments 1 -o no.npy"), 2,
               "1 segments of 2 tokens");
  EXPECT_FAILS(run("./encoder run --tokens 1,2 --segments 1,2 -o no.npy"), 1,
               "segment 2 is not one of the model's (0 to 1)");
  EXPECT_FAILS(run("./decoder run --tokens 1,2 --segments 0,0 -o no.npy"), 2,
               "takes no segments");
  EXPECT_FAILS(run("./encoder run --tokens 1 --input x -o no.npy"), 2,
               "NAME=FILE");
  EXPECT_FAILS(run("./encoder run --tokens 1 --input x=run.npy -o no.npy"), 2,
               "has no input 'x'");
  EXPECT_FAILS(run("./encoder run a b --tokens 1 -o no.npy"), 2, "one entry");
  EXPECT_FAILS(run("./encoder run --tokens 1,999 -o no.npy"), 1, "token 999");
  EXPECT_FALSE(std::filesystem::exists(dir + "/no.npy"));
}

TEST_F(Commands, LogitsBadUse) {
  EXPECT_FAILS(run("./decoder logits -o x.npy"), 2, "--tokens or --text");
  EXPECT_FAILS(run("./decoder logits --tokens 1"), 2, "--output");
  EXPECT_FAILS(run("./decoder logits --tokens 1,x -o x.npy"), 2, "x");
  EXPECT_FAILS(run("./decoder logits --tokens 1,260 -o x.npy"), 1,
               "token 260 is outside of the vocabulary (0 to 259)");
  EXPECT_FAILS(run("./decoder logits --tokens -1 -o x.npy"), 1, "token -1");
  EXPECT_FAILS(run("./decoder logits --tokens 1 -o no/such/dir.npy"), 1,
               "no/such");
  EXPECT_FALSE(std::filesystem::exists(dir + "/x.npy"));
}

TEST_F(Commands, Score) {
  write("text", "abcd");
  json scores = runJson("./decoder score text --json");
  EXPECT_EQ(scores["tokens"], 4);
  EXPECT_EQ(scores["bytes"], 4);
  double total = 0;
  for (auto &one : scores["per_token"])
    total += one["log_probability"].get<double>();
  EXPECT_NEAR(scores["log_probability"].get<double>(), total, 1e-9);
  EXPECT_NEAR(scores["perplexity"].get<double>(), std::exp(-total / 4), 1e-9);
  EXPECT_EQ(scores["per_token"][1]["piece"], "b");
  EXPECT_EQ(scores["per_token"][1]["id"], 101);
  // The model expects these, with 10 against 1 at most: nearly certain.
  EXPECT_GT(total, -0.2);
  json unlikely = runJson("./decoder score --text aaaa --json --summary");
  EXPECT_LT(unlikely["log_probability"].get<double>(), -20);
  EXPECT_FALSE(unlikely.contains("per_token"));

  Result table = run("./decoder score text");
  EXPECT_NE(table.out.find("log-prob  piece"), std::string::npos);
  EXPECT_NE(table.out.find("perplexity 1.0"), std::string::npos) << table.out;
}

TEST_F(Commands, ScoreOfAnExactlyKnownToken) {
  // log p = x - log(sum(exp(all))), from the logits command itself.
  ASSERT_EQ(run("./decoder logits --tokens 1 -o row.npy").code, 0);
  std::vector<float> row = readNpy("row.npy", 1, 260);
  double sum = 0;
  for (float value : row)
    sum += std::exp(double(value));
  json scores = runJson("./decoder score --text z --json");
  EXPECT_NEAR(scores["log_probability"].get<double>(),
              row[3 + 'z'] - std::log(sum), 1e-6);
}

TEST_F(Commands, ScoreLongerThanTheContext) {
  write("text", std::string(200, 'a'));
  json scores = runJson("./decoder score text --json");
  EXPECT_EQ(scores["tokens"], 200);
  EXPECT_EQ(runJson("./decoder score text --json --prefill-chunk 3"), scores);
  write("empty", "");
  EXPECT_FAILS(run("./decoder score empty"), 1, "no token to score");
  EXPECT_FAILS(run("./decoder score"), 2, "one file");
}

TEST_F(Commands, Tokenize) {
  EXPECT_PRINTS(run("./decoder tokenize ab --ids"), "1,100,101\n");
  EXPECT_PRINTS(run("./decoder tokenize ab --ids --no-special"), "100,101\n");
  EXPECT_PRINTS(run("./decoder tokenize ab"),
                "       1  '<s>'\n     100  'a'\n     101  'b'\n");
  EXPECT_PRINTS(run("./decoder tokenize --decode 1,107,108"), "hi\n");
  EXPECT_EQ(runJson("./decoder tokenize é --json")[1]["id"], 3 + 0xc3);
  EXPECT_PRINTS(run("./decoder tokenize -f - --ids", "printf a |"), "1,100\n");
}

TEST_F(Commands, Embed) {
  // Columns: token, type, valid, position; <s> a b </s>.
  EXPECT_PRINTS(run("./encoder embed ab"), "51 0 1 1.5\n");
  EXPECT_PRINTS(run("./encoder ab"), "51 0 1 1.5\n");
  EXPECT_PRINTS(run("./encoder embed ab --pooling cls"), "1 0 1 0\n");
  EXPECT_PRINTS(run("./encoder embed ab 'c d'"),
                "51 0 1 1.5\n48.5999985 0 1 2\n");
  EXPECT_PRINTS(run("./encoder embed --tokens 5,7 --pooling none"),
                "5 0 1 0\n7 0 1 1\n");
  EXPECT_PRINTS(run("./encoder embed --tokens 3 --normalize"),
                "0.948683321 0 0.316227764 0\n");
  EXPECT_PRINTS(run("./encoder embed -f -", "printf 'ab\\nab\\n' |"),
                "51 0 1 1.5\n51 0 1 1.5\n");
  ASSERT_EQ(run("./encoder embed ab cd -o x.npy").code, 0);
  EXPECT_EQ(readNpy("x.npy", 2, 4)[0], 51);
}

TEST_F(Commands, EmbedBadUse) {
  EXPECT_FAILS(run("./encoder embed"), 2, "needs a text");
  EXPECT_FAILS(run("./encoder embed ab --pooling max"), 2, "--pooling");
  EXPECT_FAILS(run("./encoder embed " + std::string(63, 'a')), 1,
               "65 tokens don't fit the model's context of 64");
}

TEST_F(Commands, TextsThatBeginWithADash) {
  EXPECT_EQ(run("./decoder tokenize --ids '- a'").out,
            run("./decoder tokenize --ids -- '- a'").out);
  EXPECT_PRINTS(run("./decoder tokenize --ids -5"), "1,48,56\n");
  EXPECT_PRINTS(run("./decoder tokenize --ids -- -x"), "1,48,123\n");
  EXPECT_FAILS(run("./decoder tokenize -x"), 2, "goes behind '--'");
}

TEST_F(Commands, EmbedLongLines) {
  write("lines", "ab\n" + std::string(63, 'a') + "\n");
  EXPECT_FAILS(run("./encoder embed -f lines"), 1,
               "lines:2:1: error: 65 tokens don't fit");
  EXPECT_EQ(run("./encoder embed -f lines --truncate").code, 0);
}

TEST_F(Commands, FillMask) {
  Result result = run("./encoder 'a[MASK]c' ");
  EXPECT_EQ(result.code, 0) << result.err;
  EXPECT_EQ(result.out.substr(0, 35), " 0.6321  b                abc\n"
                                      " 0.23");
  json guesses =
      runJson("./encoder fill-mask '[MASK] [MASK]' --top-k 2 --json");
  ASSERT_EQ(guesses.size(), 2u);
  EXPECT_EQ(guesses[1]["guesses"].size(), 2u);
  EXPECT_EQ(guesses[1]["guesses"][1]["token_str"], "c");
  EXPECT_FAILS(run("./encoder fill-mask abc"), 1, "no [MASK] in the text");
}

TEST_F(Commands, Info) {
  json info = runJson("./decoder info --json");
  EXPECT_EQ(info["model"]["name"], "alphabet");
  EXPECT_EQ(info["kernels_used"], "x86-64");
  EXPECT_EQ(info["kernels"][0]["missing"], json::array({"quantum"}));
  EXPECT_EQ(info["weights_memory"], "map");
  EXPECT_EQ(
      runJson("./decoder info --json --weights-memory huge")["weights_memory"],
      "huge");
  Result text = run("./decoder info");
  EXPECT_NE(text.out.find("weights in     the file's pages"),
            std::string::npos);
  EXPECT_NE(text.out.find("context        64 tokens\n"), std::string::npos);
  EXPECT_NE(text.out.find("x86-64, in use"), std::string::npos);
}

TEST_F(Commands, Bench) {
  json bench = runJson("./decoder bench --prompt-tokens 50 --gen-tokens 20 "
                       "--repetitions 3 --json");
  EXPECT_EQ(bench["weights_memory"], "map");
  for (const char *part : {"prompt", "generation"}) {
    EXPECT_GT(bench[part]["tokens_per_second"].get<double>(), 0);
    EXPECT_EQ(bench[part]["seconds"].size(), 3u);
    EXPECT_LE(bench[part]["slowest"].get<double>(),
              bench[part]["tokens_per_second"].get<double>());
    EXPECT_GE(bench[part]["fastest"].get<double>(),
              bench[part]["tokens_per_second"].get<double>());
  }
  EXPECT_EQ(bench["prompt"]["tokens"], 50);
  EXPECT_EQ(bench["generation"]["tokens"], 20);
  EXPECT_EQ(
      runJson("./decoder bench --repetitions 1 --json")["prompt"]["tokens"], 64)
      << "the default is cut to the context";
  EXPECT_FALSE(runJson("./decoder bench --gen-tokens 0 --repetitions 1 --json")
                   .contains("generation"));
  EXPECT_TRUE(
      runJson("./encoder bench --repetitions 1 --json").contains("prompt"));
  EXPECT_FAILS(run("./decoder bench --prompt-tokens 65"), 2,
               "65 tokens, but the model's context holds 64");
}

TEST_F(Commands, BenchMeasuresTime) {
  // 4 chunks of 16, 10 ms each: 64 / 0.04 s.
  json bench = runJson("FAKE_STEP_MS=10 ./decoder bench --prompt-tokens 64 "
                       "--gen-tokens 4 --repetitions 2 --json");
  double prompt = bench["prompt"]["tokens_per_second"].get<double>();
  EXPECT_LT(prompt, 1600);
  EXPECT_GT(prompt, 160);
  EXPECT_LT(bench["generation"]["tokens_per_second"].get<double>(), 100);
}

TEST_F(Commands, WrongKindOfModel) {
  EXPECT_FAILS(run("./decoder embed abc"), 2, "no entry for 'embed'");
  EXPECT_FAILS(run("./encoder generate abc"), 2, "'generate' is for decoders");
}

} // namespace
