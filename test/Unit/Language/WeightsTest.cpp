//===- WeightsTest.cpp - weights among the tensors of a checkpoint --------===//

#include "LanguageTestSupport.h"

using namespace tenon::lang;

namespace {

const char *const kModel = R"(
  param n : int = 3
  param width : int = 4
  param tied : bool = true
  param biased : bool = false
  weight embed : [8, width] = "[model.]embed.[weight|w]"
  weight head  : [8, width] = "head.weight" if not tied else embed
  layer block[i < n] = "[model.]l.{i}" {
    weight w : [width, width] = ".w"
    weight b : [width] = ".b" if biased
    def (x : [T, width]) -> [T, width] { linear(x, w, b) }
  }
  optional weight pool : [width, width] = "pool"
  def forward(t : [T] of token) -> [T, 8] {
    linear(block*(embedding(t, embed)), head)
  }
  def pooled(t : [T] of token) -> [1, width] {
    row(pool_all(embedding(t, embed)), 0)
  }
  def pool_all(x : [T, width]) -> [T, width] { linear(x, pool) }
)";

FakeCatalog fullCatalog(const std::string &prefix) {
  FakeCatalog catalog;
  catalog.tensors[prefix + "embed.weight"] = {8, 4};
  for (int i = 0; i < 3; ++i)
    catalog.tensors[prefix + "l." + std::to_string(i) + ".w"] = {4, 4};
  return catalog;
}

std::vector<std::string> entryNames(const BoundModel &model) {
  std::vector<std::string> names;
  for (const DefDecl *def : model.entries())
    names.emplace_back(def->name);
  return names;
}

TEST(WeightsTest, NamesAndAlternatives) {
  for (const char *prefix : {"model.", ""}) {
    Bound bound = bindItems(kModel, "{}");
    ASSERT_TRUE(bound.bound) << bound.messages;
    FakeCatalog catalog = fullCatalog(prefix);
    Diagnostics diagnostics;
    EXPECT_TRUE(resolveWeights(*bound.bound, &catalog, diagnostics))
        << diagnostics.str();
    const Model &model = *bound.model;
    const BoundWeight *head = bound.bound->weight(model.weights[1]);
    ASSERT_NE(head, nullptr);
    EXPECT_EQ(head->symbol, "embed") << "tied";
    EXPECT_EQ(head->nameTemplate, std::string(prefix) + "embed.weight");
    EXPECT_EQ(bound.bound->weight(model.layers[0]->weights[1]), nullptr)
        << "no bias";
    EXPECT_EQ(entryNames(*bound.bound), std::vector<std::string>{"forward"})
        << "pooled needs an optional weight that is missing";
  }
}

TEST(WeightsTest, OptionalWeightKeepsItsEntry) {
  Bound bound = bindItems(kModel, "{}");
  FakeCatalog catalog = fullCatalog("");
  catalog.tensors["pool"] = {4, 4};
  Diagnostics diagnostics;
  EXPECT_TRUE(resolveWeights(*bound.bound, &catalog, diagnostics));
  EXPECT_EQ(entryNames(*bound.bound),
            (std::vector<std::string>{"forward", "pooled"}));
  // Without a checkpoint everything is there.
  Bound random = bindItems(kModel, "{}");
  EXPECT_TRUE(resolveWeights(*random.bound, nullptr, diagnostics));
  EXPECT_EQ(entryNames(*random.bound).size(), 2u);
}

TEST(WeightsTest, AllProblemsAreListed) {
  Bound bound = bindItems(kModel, R"({"tied": false})");
  FakeCatalog catalog = fullCatalog("model.");
  catalog.tensors.erase("model.l.1.w");
  catalog.tensors["model.l.2.w"] = {4, 5};
  Diagnostics diagnostics;
  EXPECT_FALSE(resolveWeights(*bound.bound, &catalog, diagnostics));
  std::string text = diagnostics.str();
  EXPECT_CONTAINS(text, "error: in 'checkpoint', 'head.weight' is missing: "
                        "expected [8, width] = [8, 4] (the first of 3 tensors");
  EXPECT_CONTAINS(text, "note: 'model.l.1.w' is missing: expected [width, "
                        "width] = [4, 4]");
  EXPECT_CONTAINS(text, "note: 'model.l.2.w' is [4, 5]: expected [width, "
                        "width] = [4, 4]");
  EXPECT_EQ(diagnostics.numErrors(), 1u);
}

TEST(WeightsTest, MissingAlternativesAreNamed) {
  Bound bound = bindItems(kModel, "{}");
  FakeCatalog catalog = fullCatalog("");
  catalog.tensors.erase("embed.weight");
  Diagnostics diagnostics;
  EXPECT_FALSE(resolveWeights(*bound.bound, &catalog, diagnostics));
  EXPECT_CONTAINS(diagnostics.str(),
                  "'model.embed.weight' (or 'model.embed.w', 'embed.weight', "
                  "'embed.w') is missing");
}

TEST(WeightsTest, TwentyAreListedThenACount) {
  Bound bound = bindItems(kModel, R"({"n": 100})");
  FakeCatalog catalog = fullCatalog("");
  Diagnostics diagnostics;
  EXPECT_FALSE(resolveWeights(*bound.bound, &catalog, diagnostics));
  std::string text = diagnostics.str();
  EXPECT_CONTAINS(text, "the first of 97 tensors that don't fit");
  EXPECT_CONTAINS(text, "'l.22.w'");
  EXPECT_FALSE(contains(text, "'l.23.w'")) << text;
  EXPECT_CONTAINS(text, "note: … and 77 more");
}

TEST(WeightsTest, ForwardMustNotNeedAnAbsentWeight) {
  Bound bound = bindItems(R"(
    optional weight embed : [8, 4] = "embed"
    def forward(t : [T] of token) -> [T, 4] { embedding(t, embed) }
  )",
                          "{}");
  FakeCatalog catalog;
  Diagnostics diagnostics;
  EXPECT_FALSE(resolveWeights(*bound.bound, &catalog, diagnostics));
  EXPECT_CONTAINS(diagnostics.str(),
                  "'forward' needs the weight 'embed', which is absent");
}

} // namespace
