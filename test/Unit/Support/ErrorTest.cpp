//===- ErrorTest.cpp - errors, texts and checked arithmetic --------------===//

#include "tenon/Support/Error.h"
#include "tenon/Support/CheckedMath.h"
#include "tenon/Support/Strings.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <memory>

using namespace tenon;

TEST(Error, Places) {
  EXPECT_EQ(errorAt("a.json", 3, 4, "bad").message, "a.json:3:4: error: bad");
  EXPECT_EQ(errorAtOffset("a.bin", 31, "bad").message,
            "a.bin:+0x1f: error: bad");
  EXPECT_EQ(errorInFile("a", "bad").message, "a: error: bad");
  EXPECT_EQ(plainError("bad").message, "error: bad");
  EXPECT_EQ(withNote(plainError("bad"), "mend it").message,
            "error: bad\nnote: mend it");
}

TEST(Error, OffsetBecomesLineAndColumn) {
  std::string text = "ab\ncd\n\nef";
  EXPECT_EQ(errorInText("f", text, 0, "x").message, "f:1:1: error: x");
  EXPECT_EQ(errorInText("f", text, 4, "x").message, "f:2:2: error: x");
  EXPECT_EQ(errorInText("f", text, 6, "x").message, "f:3:1: error: x");
  EXPECT_EQ(errorInText("f", text, 999, "x").message, "f:4:3: error: x");
}

TEST(Error, FullDiskIsOutOfResource) {
  EXPECT_EQ(systemError("f", "write", ENOSPC).code, ExitCode::OutOfResource);
  EXPECT_EQ(systemError("f", "open", ENOENT).code, ExitCode::BadInput);
  EXPECT_EQ(systemError("f", "open", ENOENT).message,
            "f: error: cannot open: No such file or directory");
}

TEST(Expected, HoldsEither) {
  Expected<std::string> good("text");
  ASSERT_TRUE(good);
  EXPECT_EQ(*good, "text");
  EXPECT_EQ(good->size(), 4u);
  Expected<std::string> bad(plainError("no", ExitCode::BadUsage));
  ASSERT_FALSE(bad);
  EXPECT_EQ(bad.error().code, ExitCode::BadUsage);
  EXPECT_EQ(bad.takeError().message, "error: no");
}

TEST(Expected, MovesItsValue) {
  Expected<std::unique_ptr<int>> holder(std::make_unique<int>(7));
  std::unique_ptr<int> taken = *std::move(holder);
  EXPECT_EQ(*taken, 7);
}

TEST(Status, SuccessAndFailure) {
  EXPECT_TRUE(Status());
  EXPECT_TRUE(Status::success());
  Status bad = plainError("no");
  ASSERT_FALSE(bad);
  EXPECT_EQ(bad.error().message, "error: no");
}

TEST(CheckedMath, RefusesToWrap) {
  EXPECT_EQ(checkedAdd(1, 2), 3u);
  EXPECT_EQ(checkedAdd(UINT64_MAX, 1), std::nullopt);
  EXPECT_EQ(checkedMul(uint64_t(1) << 32, uint64_t(1) << 31), uint64_t(1)
                                                                  << 63);
  EXPECT_EQ(checkedMul(uint64_t(1) << 32, uint64_t(1) << 32), std::nullopt);
}

TEST(CheckedMath, Product) {
  using Dims = std::vector<int64_t>;
  EXPECT_EQ(checkedProduct(Dims{}), 1u);
  EXPECT_EQ(checkedProduct(Dims{2, 3, 4}), 24u);
  EXPECT_EQ(checkedProduct(Dims{2, 0}), 0u);
  EXPECT_EQ(checkedProduct(Dims{2, -1}), std::nullopt);
  EXPECT_EQ(checkedProduct(Dims{int64_t(1) << 32, int64_t(1) << 32}),
            std::nullopt);
  EXPECT_EQ(checkedProduct(Dims{INT64_MAX, INT64_MAX, 0}), std::nullopt);
}

TEST(CheckedMath, Ranges) {
  EXPECT_TRUE(rangeWithin(0, 10, 10));
  EXPECT_TRUE(rangeWithin(10, 0, 10));
  EXPECT_FALSE(rangeWithin(1, 10, 10));
  EXPECT_FALSE(rangeWithin(UINT64_MAX, 2, 10));
  EXPECT_FALSE(rangeWithin(2, UINT64_MAX, 10));
  EXPECT_EQ(checkedAlign(1, 4096), 4096u);
  EXPECT_EQ(checkedAlign(4096, 4096), 4096u);
  EXPECT_EQ(checkedAlign(UINT64_MAX, 4096), std::nullopt);
}

TEST(Strings, QuoteNameIsFitForATerminal) {
  EXPECT_EQ(quoteName("model.norm"), "'model.norm'");
  EXPECT_EQ(quoteName("a\x1b[2J\n"), "'a\\x1b[2J\\x0a'");
  EXPECT_EQ(quoteName("caf\xc3\xa9 \xff"), "'caf\xc3\xa9 \\xff'");
  EXPECT_EQ(quoteName("abcdef", 3), "'abc…'");
}

TEST(Strings, MessagesAreFitForATerminal) {
  EXPECT_EQ(printable("a: error: b\n\tc\n"), "a: error: b\n\tc\n");
  EXPECT_EQ(printable("\x1b]0;title\x07\r"), "\\x1b]0;title\\x07\\x0d");
  EXPECT_EQ(printable("na\xc3\xafve \xf0\x9f\x99\x82"),
            "na\xc3\xafve \xf0\x9f\x99\x82");
  // C1 controls in UTF-8, bytes that aren't UTF-8, NUL, DEL.
  EXPECT_EQ(printable("\xc2\x9b"
                      "31m\xff\xc3"),
            "\\xc2\\x9b31m\\xff\\xc3");
  EXPECT_EQ(printable(std::string_view("a\0b\x7f", 4)), "a\\x00b\\x7f");
  // What shows a text in another order than it has.
  EXPECT_EQ(printable("a\xe2\x80\xae"
                      "b"),
            "a\\u{202e}b");
  EXPECT_EQ(quoteName("\xe2\x81\xa6"), "'\\u{2066}'");
}

TEST(Strings, Shapes) {
  std::vector<int64_t> shape{2, 3};
  EXPECT_EQ(shapeText(shape), "[2, 3]");
  EXPECT_EQ(shapeText({}), "[]");
}
