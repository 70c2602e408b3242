//===- MappedFileTest.cpp - mapped files ---------------------------------===//

#include "tenon/Support/MappedFile.h"

#include "TestSupport.h"

#include <gtest/gtest.h>

#include <sys/stat.h>

using namespace tenon;

TEST(MappedFile, ReadsAndMoves) {
  test::TemporaryDirectory directory;
  std::string path = directory.write("a", "hello");
  Expected<MappedFile> file = MappedFile::open(path);
  ASSERT_TRUE(file) << file.error().message;
  EXPECT_EQ(file->text(), "hello");
  EXPECT_EQ(file->path(), path);
  const std::byte *address = file->bytes().data();
  MappedFile moved = *std::move(file);
  EXPECT_EQ(moved.bytes().data(), address);
  EXPECT_EQ(moved.text(), "hello");
}

TEST(MappedFile, EmptyFile) {
  test::TemporaryDirectory directory;
  Expected<MappedFile> file = MappedFile::open(directory.write("a", ""));
  ASSERT_TRUE(file);
  EXPECT_TRUE(file->bytes().empty());
  file->release(0, 100);
}

TEST(MappedFile, ReleasedPagesComeBack) {
  test::TemporaryDirectory directory;
  std::string content(100000, 'x');
  content[50000] = 'y';
  Expected<MappedFile> file = MappedFile::open(directory.write("a", content));
  ASSERT_TRUE(file);
  EXPECT_EQ(file->text(), content);
  file->release(0, content.size());
  file->release(1, 5);
  file->release(99999, UINT64_MAX);
  file->release(UINT64_MAX, 1);
  EXPECT_EQ(file->text(), content);
}

TEST(MappedFile, RefusesWhatIsNoFile) {
  test::TemporaryDirectory directory;
  Expected<MappedFile> missing = MappedFile::open(directory.path("none"));
  ASSERT_FALSE(missing);
  EXPECT_NE(missing.error().message.find("No such file"), std::string::npos);
  Expected<MappedFile> folder = MappedFile::open(directory.path());
  ASSERT_FALSE(folder);
  EXPECT_NE(folder.error().message.find("a directory"), std::string::npos);
  // Must not wait for a writer.
  std::string pipe = directory.path("pipe");
  ASSERT_EQ(mkfifo(pipe.c_str(), 0600), 0);
  Expected<MappedFile> fifo = MappedFile::open(pipe);
  ASSERT_FALSE(fifo);
  EXPECT_NE(fifo.error().message.find("special file"), std::string::npos);
}
