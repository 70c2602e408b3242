//===- CommandTest.h - runs fake executables and looks at what they do ----===//
#ifndef TENON_TEST_UNIT_RUNTIME_COMMANDTEST_H
#define TENON_TEST_UNIT_RUNTIME_COMMANDTEST_H

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

/// A directory of its own for every test, and a shell to run programs in it.
class CommandTest : public testing::Test {
protected:
  struct Result {
    int code; ///< of the shell: 128 + n if a signal ended the program
    std::string out, err;
  };

  void SetUp() override {
    dir = testing::TempDir() + "/tenon-" + std::to_string(getpid()) + "-" +
          testing::UnitTest::GetInstance()->current_test_info()->name();
    std::filesystem::create_directories(dir);
    for (const char *name : {"decoder", "encoder", "sequences", "untokenized",
                             "huge", "unsupported"})
      std::filesystem::create_symlink(
          std::string(TENON_FAKE_DIR) + "/fake-" + name, dir + "/" + name);
  }
  void TearDown() override { std::filesystem::remove_all(dir); }

  /// Runs a shell command in the directory; `before` precedes it, outside of
  /// the redirection to files ("echo x |", "ulimit -v 1000;").
  Result run(const std::string &command, const std::string &before = "") {
    std::string line = "cd '" + dir + "' && { " + before + " { " + command +
                       "; } > out 2> err; }";
    int status = std::system(line.c_str());
    return {WIFEXITED(status) ? WEXITSTATUS(status) : -1, read("out"),
            read("err")};
  }
  std::string read(const std::string &name) {
    std::ifstream file(dir + "/" + name, std::ios::binary);
    return std::string(std::istreambuf_iterator<char>(file), {});
  }
  void write(const std::string &name, const std::string &text) {
    std::ofstream(dir + "/" + name, std::ios::binary) << text;
  }
  /// A copy that may be damaged.
  void copy(const std::string &from, const std::string &to) {
    std::filesystem::copy_file(std::filesystem::canonical(dir + "/" + from),
                               dir + "/" + to);
  }

  std::string dir;
};

/// The run ended with `code` and one message that has `text` in it.
#define EXPECT_FAILS(result, code_, text)                                      \
  do {                                                                         \
    Result r = (result);                                                       \
    EXPECT_EQ(r.code, code_) << r.err;                                         \
    EXPECT_NE(r.err.find("error: "), std::string::npos) << r.err;              \
    EXPECT_NE(r.err.find(text), std::string::npos) << r.err;                   \
  } while (false)

#define EXPECT_PRINTS(result, text)                                            \
  do {                                                                         \
    Result r = (result);                                                       \
    EXPECT_EQ(r.code, 0) << r.err;                                             \
    EXPECT_EQ(r.out, text);                                                    \
  } while (false)

#endif // TENON_TEST_UNIT_RUNTIME_COMMANDTEST_H
