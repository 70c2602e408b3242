//===- HashTest.cpp - checksums ------------------------------------------===//

#include "tenon/Support/Hash.h"

#include <gtest/gtest.h>

#include <string>

using namespace tenon;

static std::span<const std::byte> bytesOf(std::string_view text) {
  return std::as_bytes(std::span(text));
}

TEST(Hash, KnownValue) {
  // XXH3_64bits of no bytes, from xxHash's specification of the algorithm.
  EXPECT_EQ(xxh3({}), 0x2d06800538d394c2ull);
}

TEST(Hash, PiecesGiveTheSame) {
  std::string text;
  for (int i = 0; i < 100000; ++i)
    text += static_cast<char>(i * 7);
  StreamingHash hash;
  for (size_t at = 0, step = 1; at < text.size(); at += step, step = step * 3)
    hash.update(bytesOf(std::string_view(text).substr(at, step)));
  EXPECT_EQ(hash.digest(), xxh3(bytesOf(text)));
  uint64_t before = hash.digest();
  text[5000] ^= 1;
  EXPECT_NE(before, xxh3(bytesOf(text)));
}
