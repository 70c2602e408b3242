//===- WindowsTest.cpp - windows, flat weights and rows -------------------===//

#include "LanguageTestSupport.h"

using namespace tenon::lang;

namespace {

/// The diagnostics of an entry of an image and a signal.
std::string check(const std::string &result, const std::string &body) {
  return checkItems(
      "param size, patch, channels, places, width : int\n"
      "weight conv : [width, channels, patch, patch] = \"conv\"\n"
      "weight short : [width, channels, 3] = \"short\"\n"
      "weight first : [1, width] = \"first\"\n"
      "weight table : [channels, width] = \"table\"\n"
      "def forward(image : [channels, size, size] of pixel,\n"
      "            signal : [channels, 2 * places] of feature) -> " +
      result + " {\n" + body + "\n}");
}

TEST(WindowsTest, Convolutions) {
  // Patches of an image, side by side.
  EXPECT_EQ(check("[size / patch * (size / patch), width]",
                  "linear(unfold(image, patch, stride = patch), "
                  "flatten(conv))"),
            "");
  // As many windows as places, and half as many.
  EXPECT_EQ(check("[2 * places, width]",
                  "linear(unfold(signal, 3, padding = 1), flatten(short))"),
            "");
  EXPECT_EQ(check("[places, width]",
                  "linear(unfold(signal, 3, stride = 2, padding = 1), "
                  "flatten(short))"),
            "");
  // What doesn't fit behind the last window is left out.
  EXPECT_EQ(check("[places - 1, 4 * channels]", "unfold(signal, 4, 2)"), "");
  EXPECT_EQ(check("[size / patch * (size / patch) + 1, width]",
                  "concat_rows(first, linear(unfold(image, patch, patch), "
                  "flatten(conv)))"),
            "");
  // A length stays one.
  EXPECT_EQ(checkItems("param n, width : int\n"
                       "weight w : [width, n, 5] = \"w\"\n"
                       "def forward(x : [T, n] of feature) -> [T, width] {\n"
                       "  linear(unfold(transpose(x), 5, padding = 2), "
                       "flatten(w))\n}"),
            "");
}

TEST(WindowsTest, WrongWindows) {
  auto refuses = [](const std::string &body, const char *part) {
    std::string text = check("[places, width]", body);
    EXPECT_NE(text.find(part), std::string::npos) << body << "\n" << text;
  };
  refuses("unfold(first, 0)", "unfold");
  refuses("unfold(conv, patch)",
          "x is a signal, [C, S], or an image, [C, V, H], found [width, "
          "channels, patch, patch]");
  refuses("flatten(unfold(signal, 3))",
          "only a weight is read in another shape");
  refuses("concat_rows(first, transpose(first))",
          "the second dimension of a is width, but the second dimension of b "
          "is 1");
  refuses("concat_rows(signal, image)", "b must have 2 dimensions");
  auto refusesLength = [](const std::string &body, const char *part) {
    std::string text =
        checkItems("param n, width : int\n"
                   "weight w : [1, n] = \"w\"\n"
                   "def forward(x : [T, n] of feature) -> [T, n] {\n" +
                   body + "\n}");
    EXPECT_NE(text.find(part), std::string::npos) << body << "\n" << text;
  };
  refusesLength("unfold(x, 3)", "the first dimension counts channels");
  refusesLength("unfold(transpose(x), 3)",
                "of T places there would be -2 + T windows");
  refusesLength("concat_rows(w, x)",
                "how many rows there are must be known when the model is "
                "compiled, found [1, n] and [T, n]");
}

TEST(WindowsTest, NumbersOfAModel) {
  auto bind = [](const char *config) {
    return bindItems("kind encoder\n"
                     "param size, patch : int\n"
                     "weight w : [8, 3, patch, patch] = \"w\"\n"
                     "def forward(image : [3, size, size] of pixel) ->\n"
                     "    [size / patch * (size / patch), 8] {\n"
                     "  linear(unfold(image, patch, patch), flatten(w))\n}",
                     config)
        .messages;
  };
  EXPECT_EQ(bind(R"({"size": 16, "patch": 4})"), "");
  std::string uneven = bind(R"({"size": 18, "patch": 4})");
  EXPECT_NE(uneven.find("windows every patch do not end where x does"),
            std::string::npos)
      << uneven;
  std::string large = bind(R"({"size": 4, "patch": 8})");
  EXPECT_NE(large.find("a window of patch is larger than what it is in"),
            std::string::npos)
      << large;
}

TEST(WindowsTest, OnlyTheFirstDimensionIsALength) {
  std::string text =
      checkItems("param n : int\n"
                 "def forward(x : [n, T] of feature) -> [T, n] {\n"
                 "  transpose(x)\n}");
  EXPECT_NE(text.find("only the first dimension of an input is a length"),
            std::string::npos)
      << text;
}

} // namespace
