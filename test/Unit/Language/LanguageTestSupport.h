//===- LanguageTestSupport.h - models from text for tests -------*- C++ -*-===//

#ifndef TENON_TEST_UNIT_LANGUAGE_LANGUAGETESTSUPPORT_H
#define TENON_TEST_UNIT_LANGUAGE_LANGUAGETESTSUPPORT_H

#include "tenon/Language/Bind.h"
#include "tenon/Language/Check.h"
#include "tenon/Language/Commands.h"
#include "tenon/Language/Parser.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace tenon::lang {

/// A model from the declarations inside of its braces; null with diagnostics.
inline std::unique_ptr<Model> parseItems(const std::string &items,
                                         Diagnostics &diagnostics) {
  return parseModel(
      SourceFile("test.tenon", "model test {\n" + items + "\n}\n"),
      diagnostics);
}

/// The diagnostics of checking declarations, empty if they are right.
inline std::string checkItems(const std::string &items) {
  Diagnostics diagnostics;
  std::unique_ptr<Model> model = parseItems(items, diagnostics);
  if (model)
    checkModel(*model, diagnostics);
  return diagnostics.str();
}

/// Declarations that most tests build on.
inline const char *const kPrelude = R"(
  param vocab, width, n : int
  weight embed : [vocab, width] = "embed"
)";

/// The diagnostics of a def's body with an input x : [T, width].
inline std::string checkBody(const std::string &body) {
  return checkItems(std::string(kPrelude) +
                    "def forward(tokens : [T] of token) -> [T, width] {\n"
                    "  let x = embedding(tokens, embed)\n" +
                    body + "\n}");
}

/// A checked model and what was bound of it.
struct Bound {
  std::unique_ptr<Model> model;
  std::optional<BoundModel> bound;
  std::string messages;
};

inline Bound bindItems(const std::string &items,
                       const std::string &configText) {
  Bound result;
  Diagnostics diagnostics;
  result.model = parseItems(items, diagnostics);
  if (result.model && checkModel(*result.model, diagnostics)) {
    nlohmann::json json = nlohmann::json::parse(configText);
    result.bound = bindModel(*result.model, {json, "config.json", configText},
                             diagnostics);
  }
  result.messages = diagnostics.str();
  return result;
}

/// Tensors by their names and shapes, as a checkpoint has them.
class FakeCatalog : public TensorCatalog {
public:
  std::map<std::string, std::vector<int64_t>, std::less<>> tensors;
  const std::vector<int64_t> *shape(std::string_view name) const override {
    auto found = tensors.find(name);
    return found == tensors.end() ? nullptr : &found->second;
  }
  std::vector<std::string_view> names() const override {
    std::vector<std::string_view> all;
    for (const auto &[name, shape] : tensors)
      all.push_back(name);
    return all;
  }
  std::string description() const override { return "checkpoint"; }
};

inline bool contains(const std::string &text, const std::string &part) {
  return text.find(part) != std::string::npos;
}

#define EXPECT_CONTAINS(TEXT, PART)                                            \
  EXPECT_TRUE(::tenon::lang::contains(TEXT, PART)) << TEXT

} // namespace tenon::lang

#endif // TENON_TEST_UNIT_LANGUAGE_LANGUAGETESTSUPPORT_H
