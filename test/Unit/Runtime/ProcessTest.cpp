//===- ProcessTest.cpp - executables that meet trouble --------------------===//
#include "CommandTest.h"

#include "tenon/Runtime/Payload.h"
#include "tenon/Support/Utf8.h"

#include <chrono>
#include <csignal>
#include <thread>

#include <fcntl.h>

namespace {

class Process : public CommandTest {
protected:
  void flip(const std::string &name, uint64_t offset) {
    std::fstream file(dir + "/" + name,
                      std::ios::in | std::ios::out | std::ios::binary);
    file.seekg(offset);
    char byte = static_cast<char>(file.get() ^ 1);
    file.seekp(offset);
    file.put(byte);
  }

  struct Interrupted {
    int status;
    std::chrono::milliseconds took;
  };
  /// Starts ./decoder with its output in "out", interrupts it `delay` after it
  /// began to write, if it does. Up to three times: on a busy machine it is not
  /// the program that is late.
  Interrupted interrupt(std::vector<std::string> arguments, const char *step,
                        std::chrono::milliseconds delay) {
    Interrupted result{};
    for (int attempt = 0; attempt < 3; ++attempt) {
      result = interruptOnce(arguments, step, delay);
      if (result.took < std::chrono::milliseconds(200))
        break;
    }
    return result;
  }
  Interrupted interruptOnce(std::vector<std::string> arguments,
                            const char *step, std::chrono::milliseconds delay) {
    std::filesystem::remove(dir + "/out");
    std::vector<char *> argv{const_cast<char *>("./decoder")};
    for (std::string &argument : arguments)
      argv.push_back(argument.data());
    argv.push_back(nullptr);
    pid_t child = fork();
    if (child == 0) {
      if (chdir(dir.c_str()) != 0)
        _exit(99);
      dup2(open("out", O_CREAT | O_TRUNC | O_WRONLY, 0644), STDOUT_FILENO);
      setenv("FAKE_STEP_MS", step, 1);
      execv("./decoder", argv.data());
      _exit(99);
    }
    for (int i = 0; i < 100 && read("out").empty(); ++i)
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    std::this_thread::sleep_for(delay);
    auto start = std::chrono::steady_clock::now();
    kill(child, SIGINT);
    Interrupted result{};
    waitpid(child, &result.status, 0);
    result.took = std::chrono::duration_cast<std::chrono::milliseconds>(
        std::chrono::steady_clock::now() - start);
    return result;
  }
};

using std::chrono::milliseconds;

TEST_F(Process, InterruptedBetweenTokens) {
  auto result = interrupt({"generate", "-p", "0", "--temperature", "0"}, "30",
                          milliseconds(700));
  ASSERT_TRUE(WIFEXITED(result.status));
  EXPECT_EQ(WEXITSTATUS(result.status), 130);
  EXPECT_LT(result.took, milliseconds(200));
  std::string out = read("out");
  EXPECT_TRUE(out.starts_with("01")) << out;
  EXPECT_LT(out.size(), 64u);
}

TEST_F(Process, InterruptedInALongStep) {
  auto result = interrupt({"generate", "-p", "0", "--temperature", "0"},
                          "10000", milliseconds(300));
  ASSERT_TRUE(WIFEXITED(result.status));
  EXPECT_EQ(WEXITSTATUS(result.status), 130);
  EXPECT_LT(result.took, milliseconds(200));
  EXPECT_EQ(read("out"), "0");
}

TEST_F(Process, InterruptedWithHalfACharacter) {
  auto result = interrupt({"generate", "-p", "X", "--temperature", "0"}, "40",
                          milliseconds(700));
  EXPECT_EQ(WEXITSTATUS(result.status), 130);
  std::string out = read("out");
  EXPECT_TRUE(tenon::isValidUtf8(out));
  EXPECT_EQ(out.find("\uFFFD"), std::string::npos) << out;
}

TEST_F(Process, InterruptedWithTextHeldBack) {
  // All digits might begin the stop string, so nothing is shown before.
  auto result = interrupt({"generate", "-p", "0", "--temperature", "0",
                           "--stop", "123456789012345678901234x"},
                          "100", milliseconds(700));
  EXPECT_EQ(WEXITSTATUS(result.status), 130);
  std::string out = read("out");
  EXPECT_TRUE(out.starts_with("012")) << out;
}

TEST_F(Process, InterruptedWhileMeasuring) {
  auto result = interrupt({"bench"}, "50", milliseconds(300));
  EXPECT_EQ(WEXITSTATUS(result.status), 130);
  EXPECT_LT(result.took, milliseconds(200));
}

TEST_F(Process, ClosedOutput) {
  Result closed = run("./decoder generate -p a --temperature 0 >&-");
  EXPECT_EQ(closed.code, 0);
  EXPECT_EQ(closed.err, "");
  // The pipe's reader goes after one byte; the shell's status is the reader's,
  // so the program leaves its own in a file.
  Result piped = run("{ FAKE_STEP_MS=5 ./decoder generate -p 0 --temperature 0 "
                     "2> piped; echo $? > code; } | head -c 1");
  EXPECT_EQ(piped.out, "0");
  EXPECT_EQ(read("code"), "0\n");
  EXPECT_EQ(read("piped"), "");
}

TEST_F(Process, FullDisk) {
  EXPECT_FAILS(run("./decoder generate -p a > /dev/full"), 3,
               "standard output");
}

TEST_F(Process, AllStreamsClosed) {
  EXPECT_EQ(run("./decoder logits --tokens 1 -o x.npy <&- >&- 2>&-").code, 0);
  EXPECT_TRUE(std::filesystem::exists(dir + "/x.npy"));
}

TEST_F(Process, DamagedPayload) {
  auto payload = tenon::runtime::Payload::open(dir + "/decoder", "x");
  ASSERT_TRUE(payload);
  copy("decoder", "damaged");
  uint64_t weights = payload->metadata().section("weights")->offset;
  uint64_t tokenizer = payload->metadata().section("tokenizer")->offset;

  flip("damaged", weights);
  EXPECT_EQ(run("./damaged info").code, 0) << "weights only on demand";
  EXPECT_FAILS(run("./damaged info --verify"), 5, "section 'weights'");
  EXPECT_FAILS(run("./damaged --verify abc"), 5, "section 'weights'");
  flip("damaged", weights);
  EXPECT_EQ(run("./damaged info --verify").code, 0);

  flip("damaged", tokenizer + 2);
  EXPECT_FAILS(run("./damaged info"), 5, "section 'tokenizer'");
  flip("damaged", tokenizer + 2);

  flip("damaged", payload->fileSize() - 100);
  EXPECT_FAILS(run("./damaged --help"), 5, "section 'metadata'");
  flip("damaged", payload->fileSize() - 100);
  EXPECT_EQ(run("./damaged info").code, 0);

  std::filesystem::resize_file(dir + "/damaged", payload->fileSize() - 1);
  EXPECT_FAILS(run("./damaged info"), 5, "section 'trailer'");
}

TEST_F(Process, Stripped) {
  if (std::system("command -v strip > /dev/null") != 0)
    GTEST_SKIP() << "no strip";
  copy("decoder", "stripped");
  ASSERT_EQ(run("strip stripped").code, 0);
  EXPECT_FAILS(run("./stripped info"), 5, "`strip`");
}

TEST_F(Process, CpuWithoutTheInstructions) {
  EXPECT_FAILS(run("./unsupported generate -p a"), 4, "superposition");
  EXPECT_EQ(run("./unsupported info").code, 0);
  EXPECT_FAILS(run("./decoder -p a --kernels quantum9000"), 4, "need quantum");
  EXPECT_FAILS(run("./decoder -p a --kernels z80"), 2, "no kernels for 'z80'");
  EXPECT_EQ(run("./decoder -p a --kernels x86-64").code, 0);
}

TEST_F(Process, OlderCpu) {
  if (std::system("command -v qemu-x86_64 > /dev/null") != 0)
    GTEST_SKIP() << "no qemu-x86_64";
  EXPECT_PRINTS(run("qemu-x86_64 -cpu Nehalem ./decoder -p a -n 1 --threads 1 "
                    "--temperature 0"),
                "ab\n");
}

TEST_F(Process, AddressSpaceLimit) {
  Result result = run("./huge generate -p a", "ulimit -v 2000000;");
  EXPECT_FAILS(result, 3, "the key/value cache needs 4194304 MiB");
  EXPECT_NE(result.err.find("in all the model needs"), std::string::npos);
}

TEST_F(Process, HelpAndVersion) {
  Result help = run("./decoder --help");
  EXPECT_EQ(help.code, 0);
  EXPECT_NE(help.out.find("generate "), std::string::npos);
  EXPECT_EQ(help.out.find("fill-mask "), std::string::npos);
  EXPECT_NE(run("./decoder generate --help").out.find("--prompt"),
            std::string::npos);
  EXPECT_PRINTS(run("./decoder --version"),
                "alphabet, compiled by Tenon 0.1.0 for quantum9000, x86-64\n");
  Result nothing = run("./decoder");
  EXPECT_EQ(nothing.code, 2);
  EXPECT_EQ(nothing.out, "");
  EXPECT_NE(nothing.err.find("Usage:"), std::string::npos);
}

} // namespace
