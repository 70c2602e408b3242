//===- JsonTest.cpp - strict JSON ----------------------------------------===//

#include "tenon/Support/Json.h"
#include "tenon/Support/JsonText.h"

#include <gtest/gtest.h>

#include <cmath>

using namespace tenon;
using nlohmann::json;

static std::string errorOf(std::string_view text,
                           const JsonOptions &options = {}) {
  Expected<json> parsed = parseJson(text, "f.json", options);
  return parsed ? "no error" : parsed.error().message;
}

static void expectError(std::string_view text, std::string_view start,
                        std::string_view part = "") {
  std::string message = errorOf(text);
  EXPECT_EQ(message.substr(0, start.size()), start) << text;
  EXPECT_NE(message.find(part), std::string::npos) << message;
}

TEST(Json, BuildsTheSameAsTheLibrary) {
  std::string text = R"({"a": [1, -2, 3.5, true, null, "x\u00e9\ud83d\ude00"],
    "b": {"c": {}, "d": []}, "big": 18446744073709551615})";
  Expected<json> parsed = parseJson(text, "f.json");
  ASSERT_TRUE(parsed) << parsed.error().message;
  EXPECT_EQ(*parsed, json::parse(text));
  EXPECT_EQ(*parseJson(" 7 ", "f"), json(7));
}

TEST(Json, SyntaxErrorsHaveAPlace) {
  expectError("{\"a\": 1,\n \"b\": ]}",
              "f.json:2:7: error: invalid JSON: ", "unexpected ']'");
  expectError("", "f.json:1:1: error: ");
  expectError("{} {}", "f.json:1:4: error: ");
  expectError("[1, 2", "f.json:1:6: error: ");
  expectError("{\"a\": nul}", "f.json:1:10: error: ");
  expectError("// c\n1", "f.json:1:1: error: ");
}

TEST(Json, Robustness10DuplicateKeys) {
  expectError("{\"a\": 1,\n  \"b\\\"c\": 2,\n  \"b\\\"c\": 3}",
              "f.json:3:3: error: the key 'b\"c' occurs twice");
  expectError("{\"x\": {\"a\": 1, \"a\": 1}}",
              "f.json:1:16: error: the key 'a' occurs twice");
  // The same key in different objects is fine.
  EXPECT_EQ(errorOf("[{\"a\": 1}, {\"a\": 1}]"), "no error");
}

TEST(Json, Robustness10Depth) {
  std::string brackets(100000, '[');
  expectError(brackets, "f.json:1:257: error: ", "deeper than 256");
  std::string objects;
  for (int i = 0; i < 100000; ++i)
    objects += "{\"a\":";
  expectError(objects, "f.json:1:1281: error: ", "deeper than 256");
  std::string fine = std::string(256, '[') + std::string(256, ']');
  EXPECT_EQ(errorOf(fine), "no error");
}

TEST(Json, Robustness10LoneSurrogates) {
  expectError(R"(["\ud83d"])", "f.json:1:", "surrogate");
  expectError(R"(["\ude00"])", "f.json:1:", "surrogate");
  expectError(R"(["\ud83dx"])", "f.json:1:", "surrogate");
  EXPECT_EQ(errorOf(R"(["\ud83d\ude00"])"), "no error");
}

TEST(Json, Robustness10NumbersOutOfRange) {
  expectError("{\"eps\": 1e999}", "f.json:1:", "1e999");
  expectError("[-1e999]", "f.json:1:");
  expectError("[NaN]", "f.json:1:");
  expectError("[Infinity]", "f.json:1:");
  EXPECT_EQ(errorOf("[1e-999]"), "no error");
}

TEST(Json, NonFiniteNumbersOfPython) {
  JsonOptions options;
  options.nonFinite = true;
  Expected<json> value = parseJson(
      R"({"a": [0.0, Infinity], "b": NaN, "c": -Infinity, "NaN": "Infinity",
          "d": "a \" NaN"})",
      "f.json", options);
  ASSERT_TRUE(value) << value.error().message;
  EXPECT_EQ((*value)["a"][1].get<double>(), HUGE_VAL);
  EXPECT_TRUE(std::isnan((*value)["b"].get<double>()));
  EXPECT_EQ((*value)["c"].get<double>(), -HUGE_VAL);
  EXPECT_EQ((*value)["NaN"], "Infinity");
  EXPECT_EQ((*value)["d"], "a \" NaN");
  EXPECT_NE(errorOf("{NaN: 1}", options), "no error");
  EXPECT_NE(errorOf("[Nan]", options), "no error");
  EXPECT_NE(errorOf("[1NaN]", options), "no error");
  EXPECT_EQ(errorOf("[NaN, oops]", options).substr(0, 10), "f.json:1:7");
}

TEST(Json, InvalidUtf8) { expectError("[\"\xff\"]", "f.json:1:", "UTF-8"); }

TEST(Json, ControlCharacters) {
  expectError(std::string_view("[\"a\0b\"]", 7), "f.json:1:4: error: ");
  expectError(std::string_view("[1]\0", 4), "f.json:1:4: error: ");
}

TEST(Json, BinaryPlacesAndArrayLimit) {
  JsonOptions options;
  options.binaryOffset = 8;
  options.maxArraySize = 2;
  EXPECT_EQ(errorOf("{\"a\": 1, \"a\": 2}", options),
            "f.json:+0x11: error: the key 'a' occurs twice");
  EXPECT_EQ(errorOf("[1, 2]", options), "no error");
  EXPECT_EQ(errorOf("[1, 2, 3]", options),
            "f.json:+0x11: error: an array of more than 2 elements");
}

TEST(Json, LookUpsNeverThrow) {
  json value = json::parse(
      R"({"a": {"b": 5}, "f": 2.0, "g": 2.5, "n": null, "s": "t", "y": true})");
  ASSERT_TRUE(findPath(value, "a.b"));
  EXPECT_EQ(asInteger(*findPath(value, "a.b")), 5);
  EXPECT_EQ(findPath(value, "a.b.c"), nullptr);
  EXPECT_EQ(findPath(value, "x.y"), nullptr);
  EXPECT_EQ(findMember(value, "n"), nullptr);
  EXPECT_EQ(findMember(json(5), "n"), nullptr);
  EXPECT_EQ(asInteger(value["f"]), 2);
  EXPECT_EQ(asInteger(value["g"]), std::nullopt);
  EXPECT_EQ(asInteger(json(UINT64_MAX)), std::nullopt);
  EXPECT_EQ(asInteger(json(1e300)), std::nullopt);
  EXPECT_EQ(asNumber(value["a"]["b"]), 5.0);
  EXPECT_EQ(asNumber(value["s"]), std::nullopt);
  EXPECT_EQ(asBool(value["y"]), true);
  EXPECT_EQ(asBool(value["f"]), std::nullopt);
  EXPECT_EQ(*asString(value["s"]), "t");
  EXPECT_EQ(asString(value["f"]), nullptr);
  EXPECT_STREQ(kindName(value["a"]), "an object");
}

TEST(Json, FindsThePlacesOfItsParts) {
  std::string_view text =
      R"( {"a": [1, {"b\n": "x\"}]"}, [ ]], "c" : {"c": null},
    "d": -1.5e3 })";
  nlohmann::json value = *parseJson(text, "f.json");
  auto place = [&](const nlohmann::json &part) {
    auto at = findPlace(part, value, text);
    return at ? text.substr(*at, 4) : "none";
  };
  EXPECT_EQ(place(value), "{\"a\"");
  EXPECT_EQ(place(value["a"]), "[1, ");
  EXPECT_EQ(place(value["a"][0]), "1, {");
  EXPECT_EQ(place(value["a"][1]), "{\"b\\");
  EXPECT_EQ(place(value["a"][1]["b\n"]), "\"x\\\"");
  EXPECT_EQ(place(value["a"][2]), "[ ]]");
  EXPECT_EQ(place(value["c"]["c"]), "null");
  EXPECT_EQ(place(value["d"]), "-1.5");
  // What came later has no place, and what the text lacks doesn't confuse.
  value["a"].push_back(7);
  value["b"] = {1};
  EXPECT_EQ(place(value["a"][3]), "none");
  EXPECT_EQ(place(value["b"][0]), "none");
  EXPECT_EQ(place(value["d"]), "-1.5");
  EXPECT_EQ(place(nlohmann::json(1)), "none");
}
