//===- NpyTest.cpp - files that numpy.load reads --------------------------===//
#include "tenon/Runtime/Npy.h"

#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>

#include <gtest/gtest.h>
#include <unistd.h>

using namespace tenon;
using namespace tenon::runtime;

namespace {

class NpyTest : public testing::Test {
protected:
  void SetUp() override {
    path = testing::TempDir() + "/npy" + std::to_string(getpid()) + ".npy";
  }
  void TearDown() override { std::filesystem::remove(path); }
  std::string path;
};

TEST(NpyHeader, FollowsTheFormat) {
  for (int64_t rows : {int64_t(0), int64_t(3), int64_t(1) << 40}) {
    std::string head = npyHeader(rows, 512);
    EXPECT_EQ(head.size() % 64, 0u);
    EXPECT_EQ(head.substr(0, 8), std::string("\x93NUMPY\x01\x00", 8));
    size_t length = uint8_t(head[8]) | uint8_t(head[9]) << 8;
    EXPECT_EQ(length + 10, head.size());
    EXPECT_EQ(head.back(), '\n');
    EXPECT_NE(head.find("'shape': (" + std::to_string(rows) + ", 512), }"),
              std::string::npos);
    EXPECT_NE(head.find("'descr': '<f4', 'fortran_order': False"),
              std::string::npos);
  }
}

TEST_F(NpyTest, RowsInPieces) {
  auto writer = NpyWriter::create(path, 2, 3);
  ASSERT_TRUE(writer);
  float values[] = {1, 2, 3, 4, 5, 6};
  ASSERT_TRUE(writer->write(std::span(values).first(3)));
  EXPECT_FALSE(std::filesystem::exists(path));
  ASSERT_TRUE(writer->write(std::span(values).last(3)));
  ASSERT_TRUE(writer->finish());
  std::ifstream file(path, std::ios::binary);
  std::string bytes(std::istreambuf_iterator<char>(file), {});
  std::string head = npyHeader(2, 3);
  ASSERT_EQ(bytes.size(), head.size() + sizeof values);
  EXPECT_EQ(std::memcmp(bytes.data() + head.size(), values, sizeof values), 0);
}

TEST_F(NpyTest, TooFewValues) {
  auto writer = NpyWriter::create(path, 2, 3);
  ASSERT_TRUE(writer);
  EXPECT_FALSE(writer->finish());
  EXPECT_FALSE(std::filesystem::exists(path));
}

TEST_F(NpyTest, TooManyValues) {
  auto writer = NpyWriter::create(path, 1, 3);
  ASSERT_TRUE(writer);
  float values[4] = {};
  ASSERT_TRUE(writer->write(values));
  Status status = writer->finish();
  ASSERT_FALSE(status);
  EXPECT_NE(status.error().message.find("4 values written of 3"),
            std::string::npos);
  EXPECT_FALSE(std::filesystem::exists(path));
}

TEST_F(NpyTest, NoRows) {
  auto writer = NpyWriter::create(path, 0, 3);
  ASSERT_TRUE(writer);
  ASSERT_TRUE(writer->finish());
  EXPECT_EQ(std::filesystem::file_size(path), npyHeader(0, 3).size());
}

TEST_F(NpyTest, AnUnfinishedFileLeavesTheOldOne) {
  std::ofstream(path) << "old";
  {
    auto writer = NpyWriter::create(path, 1, 1);
    ASSERT_TRUE(writer);
    float value = 1;
    ASSERT_TRUE(writer->write(std::span(&value, 1)));
  }
  std::string text;
  std::ifstream(path) >> text;
  EXPECT_EQ(text, "old");
}

TEST(NpyWriterErrors, NameTheDirectory) {
  auto writer = NpyWriter::create("/no/such/directory/a.npy", 1, 1);
  ASSERT_FALSE(writer);
  EXPECT_NE(writer.error().message.find("/no/such/directory"),
            std::string::npos);
}

TEST_F(NpyTest, ReadsWhatWasWritten) {
  auto writer = NpyWriter::create(path, 2, 3);
  ASSERT_TRUE(writer);
  ASSERT_TRUE(writer->write(std::vector<float>{1, 2, 3, 4, 5, 6}));
  ASSERT_TRUE(writer->finish());
  auto array = readNpy(path);
  ASSERT_TRUE(array) << array.error().message;
  EXPECT_EQ(array->shape, (std::vector<int64_t>{2, 3}));
  EXPECT_EQ(array->values, (std::vector<float>{1, 2, 3, 4, 5, 6}));
}

TEST_F(NpyTest, RefusesWhatItCannotRead) {
  auto refused = [&](std::string head, size_t bytes, const char *why) {
    std::string text("\x93NUMPY\x01\x00", 8);
    text += static_cast<char>(head.size());
    text += '\0';
    std::ofstream(path, std::ios::binary)
        << text << head << std::string(bytes, 'x');
    auto array = readNpy(path);
    ASSERT_FALSE(array);
    EXPECT_NE(array.error().message.find(why), std::string::npos)
        << array.error().message;
  };
  std::string floats = "{'descr': '<f4', 'fortran_order': False, 'shape': ";
  refused(floats + "(2, 3), }", 20, "20 bytes of numbers are not those");
  refused(floats + "(4611686018427387904, 4), }", 0, "are not those");
  refused(floats + "(2, ", 8, "no shape");
  refused(floats + "(-2, 3), }", 8, "no shape");
  refused("{'descr': '<i8', 'shape': (1,), }", 8, "not float32");
  refused("{'descr': '<f4', 'fortran_order': True, 'shape': (1,), }", 4,
          "Fortran");
  std::ofstream(path, std::ios::binary) << "\x93NUMPY\x01";
  EXPECT_FALSE(readNpy(path));
  EXPECT_FALSE(readNpy(path + ".missing"));
}

} // namespace
