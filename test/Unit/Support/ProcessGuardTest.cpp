//===- ProcessGuardTest.cpp - a sentence instead of a signal -------------===//

#include "tenon/Support/ProcessGuard.h"

#include "tenon/Support/MappedFile.h"

#include "TestSupport.h"

#include <gtest/gtest.h>

#include <new>
#include <stdexcept>
#include <system_error>

#include <unistd.h>

using namespace tenon;

namespace {

/// Allocates more than there is, behind the optimizer's back.
void exhaust() {
  static volatile size_t size = size_t(1) << 62;
  static void *volatile kept = ::operator new(size);
  (void)kept;
}

template <class Exception> [[noreturn]] void raise(Exception exception) {
  throw exception;
}

template <class Exception> void throwOutOfNoexcept(Exception exception) {
  [&]() noexcept { raise(exception); }();
}

} // namespace

TEST(ProcessGuardDeathTest, FailedAllocation) {
  EXPECT_EXIT((guardMemory(), exhaust()), testing::ExitedWithCode(3),
              "^error: not enough memory\n$");
}

TEST(ProcessGuardDeathTest, ExceptionsThatNobodyCatches) {
  EXPECT_EXIT((guardMemory(), throwOutOfNoexcept(std::bad_alloc())),
              testing::ExitedWithCode(3), "^error: not enough memory\n$");
  std::error_code again(EAGAIN, std::generic_category());
  EXPECT_EXIT((guardMemory(), throwOutOfNoexcept(std::system_error(again))),
              testing::ExitedWithCode(3), "^error: not enough memory\n$");
  EXPECT_EXIT(
      (guardMemory(), throwOutOfNoexcept(std::runtime_error("odd\x1b[2J"))),
      testing::ExitedWithCode(1), "^error: internal error: odd\\\\x1b\\[2J\n$");
}

TEST(ProcessGuardDeathTest, CleansUpFirst) {
  EXPECT_EXIT((setGuardCleanup([] {
                 if (write(STDERR_FILENO, "cleaned ", 8) < 0)
                   _exit(9);
               }),
               endOutOfMemory()),
              testing::ExitedWithCode(3), "cleaned");
}

TEST(ProcessGuardDeathTest, FileCutShortWhileItIsRead) {
  test::TemporaryDirectory directory;
  std::string path = directory.write("we\x1bights", std::string(5 * 4096, 'x'));
  Expected<MappedFile> opened = MappedFile::open(path);
  ASSERT_TRUE(opened);
  // The guard follows a move, and other mappings come and go.
  MappedFile file = *std::move(opened);
  { (void)MappedFile::open(directory.write("other", "abc")); }
  ASSERT_EQ(truncate(path.c_str(), 100), 0);
  EXPECT_EXIT(
      {
        guardMappings();
        volatile char c = file.text()[2 * 4096 + 16];
        (void)c;
      },
      testing::ExitedWithCode(1),
      "/we\\\\x1bights:\\+0x2010: error: can't be read any more");
}

TEST(ProcessGuardDeathTest, OtherFaultsStayWhatTheyAre) {
  EXPECT_EXIT((guardMappings(), raise(SIGBUS), raise(SIGBUS)),
              testing::KilledBySignal(SIGBUS), "");
}
