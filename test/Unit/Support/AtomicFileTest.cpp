//===- AtomicFileTest.cpp - output that appears whole or not -------------===//

#include "tenon/Support/AtomicFile.h"

#include "TestSupport.h"

#include <gtest/gtest.h>

#include <csignal>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

using namespace tenon;
namespace fs = std::filesystem;

static size_t entriesIn(const std::string &directory) {
  return static_cast<size_t>(
      std::distance(fs::directory_iterator(directory), {}));
}

TEST(AtomicFile, AppearsOnCommit) {
  test::TemporaryDirectory directory;
  std::string path = directory.path("out");
  Expected<AtomicFile> file = AtomicFile::create(path, 0755);
  ASSERT_TRUE(file) << file.error().message;
  EXPECT_TRUE(file->write("abc"));
  EXPECT_TRUE(file->pad(16));
  EXPECT_EQ(file->offset(), 16u);
  EXPECT_TRUE(file->pad(16));
  EXPECT_EQ(file->offset(), 16u);
  std::string large(1 << 20, 'x');
  EXPECT_TRUE(file->write(large));
  EXPECT_TRUE(file->write("end"));
  std::string_view patch = "AB";
  EXPECT_TRUE(file->writeAt(1, std::as_bytes(std::span(patch))));
  EXPECT_FALSE(fs::exists(path));
  ASSERT_TRUE(file->commit());
  EXPECT_EQ(test::readFile(path),
            "aAB" + std::string(13, '\0') + large + "end");
  struct stat info;
  ASSERT_EQ(stat(path.c_str(), &info), 0);
  EXPECT_NE(info.st_mode & S_IXUSR, 0u);
  EXPECT_EQ(entriesIn(directory.path()), 1u);
  EXPECT_FALSE(file->write("more"));
}

TEST(AtomicFile, Robustness22DropsWhatIsNotCommitted) {
  test::TemporaryDirectory directory;
  std::string path = directory.write("out", "old");
  {
    Expected<AtomicFile> file = AtomicFile::create(path);
    ASSERT_TRUE(file);
    EXPECT_TRUE(file->write(std::string(1 << 20, 'x')));
  }
  EXPECT_EQ(test::readFile(path), "old");
  EXPECT_EQ(entriesIn(directory.path()), 1u);
}

TEST(AtomicFile, Robustness22SurvivesKill) {
  test::TemporaryDirectory directory;
  std::string path = directory.write("out", "old");
  pid_t child = fork();
  if (child == 0) {
    Expected<AtomicFile> file = AtomicFile::create(path);
    if (file && file->write(std::string(1 << 20, 'x')))
      raise(SIGKILL);
    _exit(1);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFSIGNALED(status));
  EXPECT_EQ(test::readFile(path), "old");
}

// A full disk, played by a limit on the size of files.
TEST(AtomicFile, Robustness22FullDisk) {
  test::TemporaryDirectory directory;
  std::string path = directory.write("out", "old");
  pid_t child = fork();
  if (child == 0) {
    signal(SIGXFSZ, SIG_IGN);
    rlimit limit{1 << 16, 1 << 16};
    setrlimit(RLIMIT_FSIZE, &limit);
    Expected<AtomicFile> file = AtomicFile::create(path);
    if (!file)
      _exit(100);
    Status done = file->write(std::string(1 << 20, 'x'));
    if (done)
      _exit(101);
    bool sticks = !file->write("y") && !file->commit();
    _exit(sticks ? static_cast<int>(done.error().code) : 102);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), static_cast<int>(ExitCode::OutOfResource));
  EXPECT_EQ(test::readFile(path), "old");
  EXPECT_EQ(entriesIn(directory.path()), 1u);
}

TEST(AtomicFile, FollowsSymbolicLinks) {
  test::TemporaryDirectory directory;
  std::string target = directory.write("target", "old");
  std::string link = directory.path("link");
  fs::create_symlink("target", link);
  Expected<AtomicFile> file = AtomicFile::create(link);
  ASSERT_TRUE(file);
  EXPECT_TRUE(file->write("new"));
  ASSERT_TRUE(file->commit());
  EXPECT_TRUE(fs::is_symlink(link));
  EXPECT_EQ(test::readFile(target), "new");
}

TEST(AtomicFile, RefusesDevicesAndDirectories) {
  test::TemporaryDirectory directory;
  EXPECT_FALSE(AtomicFile::create("/dev/null"));
  EXPECT_FALSE(AtomicFile::create(directory.path()));
  EXPECT_FALSE(AtomicFile::create(directory.path("none/out")));
}
