//===- MixtureTest.cpp - layers inside of layers, top_k -------------------===//

#include "LanguageTestSupport.h"

#include "tenon/Language/Format.h"

using namespace tenon::lang;

namespace {

// A mixture with the expert's weights and def, and the block's value.
std::string
mixture(const std::string &expert, const std::string &value,
        const std::string &head = "layer expert[e < k] = \".experts.{e}\"") {
  return R"(
    param vocab, width, n, k : int
    param few : int = 2
    weight embed : [vocab, width] = "embed"
    layer block[i < n] = "model.layers.{i}" | "blk.{i}" {
      weight router : [k, width] = ".gate.weight"
      )" +
         head + " {\n" + expert + R"(
      }
      def (x : [T, width]) -> [T, width] {
        let g = top_k(softmax(linear(x, router)), few)
        )" +
         value +
         R"(
      }
    }
    def forward(t : [T] of token) -> [T, width] { block*(embedding(t, embed)) })";
}

const char *const kExpert = R"(
        weight w : [width, width] = ".w.weight"
        weight all : [width] = "model.layers.{i}.bias"
        def (x : [T, width]) -> [T, width] { linear(x, w, all) })";

std::string check(const std::string &expert, const std::string &value) {
  return checkItems(mixture(expert, value));
}

TEST(MixtureTest, SumOverExperts) {
  EXPECT_EQ(check(kExpert, "x + expert+(x, g)"), "");
  // With blanks it is an addition.
  EXPECT_CONTAINS(check(kExpert, "expert + (x)"),
                  "'expert' is a layer; sum over it: expert+(…, gates)");
  EXPECT_CONTAINS(check(kExpert, "x+(x, g)"),
                  "'x' is not a layer; to add, write 'x + (…)'");
  EXPECT_CONTAINS(check(kExpert, "expert*(x)"),
                  "'expert' is a layer inside of a layer; sum over it");
  EXPECT_CONTAINS(check(kExpert, "block+(x, g)"),
                  "'block' is no layer inside of a layer; loop over it");
  EXPECT_CONTAINS(check(kExpert, "expert(x)"),
                  "'expert' is a layer; sum over it");
}

TEST(MixtureTest, OnlyItsLayerSumsOverIt) {
  EXPECT_CONTAINS(check(R"(
        def (x : [T, width], g : [T, k]) -> [T, width] { expert+(x, g) })",
                        "expert+(x, g, g)"),
                  "'expert' is summed in the def of 'block', the layer around "
                  "it");
  EXPECT_CONTAINS(checkItems(mixture(kExpert, "expert+(x, g)") +
                             "\ndef more(x : [T, width], g : [T, k]) -> [T, "
                             "width] { expert+(x, g) }"),
                  "unknown layer 'expert'");
}

TEST(MixtureTest, GatesComeLast) {
  EXPECT_CONTAINS(check(kExpert, "expert+(g, x)"),
                  "'x' of 'expert' is [T, width], found [T, k]");
  EXPECT_CONTAINS(check(kExpert, "expert+(x, x)"),
                  "the gates of 'expert', its last argument, are [T, k], found "
                  "[T, width]");
  EXPECT_CONTAINS(check(kExpert, "expert+()"), "'expert' lacks its gates");
  EXPECT_CONTAINS(check(kExpert, "expert+(x, x, g)"),
                  "'expert' takes 1 argument, found 2");
  EXPECT_CONTAINS(check(kExpert, "expert+(x, gates = g)"),
                  "arguments of a layer are given by position");
  EXPECT_EQ(check(R"(
        def (x : [T, width], y : [T, width]) -> [T, width] { x * y })",
                  "expert+(x, silu(x), g)"),
            "");
}

// Layers without experts behind ones with them, of a kind that comes later.
TEST(MixtureTest, KindsWithoutExperts) {
  Bound bound = bindItems(R"(
    param n, width, k : int
    weight embed : [4, width] = "embed"
    layer block[i < n] = "h.{i}" {
      let sparse = i % 2 == 1
      weight router : [k, width]     = ".router" if sparse
      weight up     : [width, width] = ".up" if not sparse
      layer expert[e < k] = ".experts.{e}" {
        weight w : [width, width] = ".w" if sparse
        def (x : [T, width]) -> [T, width] { linear(x, w) }
      }
      def (x : [T, width]) -> [T, width] {
        let y = expert+(x, softmax(linear(x, router))) if sparse else
            linear(x, up)
        x + y * (1.0 if i < 2 else 2.0)
      }
    }
    def forward(t : [T] of token) -> [T, width] { block*(embedding(t, embed)) })",
                          R"({"n": 4, "width": 8, "k": 2})");
  ASSERT_TRUE(bound.bound) << bound.messages;
  Diagnostics diagnostics;
  EXPECT_TRUE(resolveWeights(*bound.bound, nullptr, diagnostics))
      << diagnostics.str();
}

TEST(MixtureTest, RowsAreIndependent) {
  auto body = [](const std::string &value) {
    return check("def (x : [T, width]) -> [T, width] { " + value + " }",
                 "expert+(x, g)");
  };
  EXPECT_EQ(body("let a, b = split(x, width - 1, 1) silu(x) * b"), "");
  EXPECT_CONTAINS(body("x * row(x, 0)"),
                  "'expert' is computed for some rows only: each row must "
                  "follow from the same row of its inputs, but this is [1, "
                  "width]");
  EXPECT_EQ(body("merge_heads(heads(x, n))"), "");
  EXPECT_CONTAINS(body("merge_heads(rope(heads(x, n), 1.0))"),
                  "which don't know their positions");
  EXPECT_CONTAINS(body("linear(matmul(softmax(matmul(x, transpose(x))), x), "
                       "router)"),
                  "the value is [T, k]");
  EXPECT_CONTAINS(body("matmul(softmax(matmul(x, transpose(x))), x)"),
                  "but this is [width, T]");
  // In a helper, too.
  EXPECT_CONTAINS(checkItems(mixture("def (x : [T, width]) -> [T, width] { "
                                     "helper(x) }",
                                     "expert+(x, g)") +
                             "\ndef helper(x : [T, width]) -> [T, width] { x - "
                             "row(x, 0) }"),
                  "but this is [1, width]");
  EXPECT_CONTAINS(check("def (x : [T, width], y : [width]) -> [T, width] { "
                        "x * y }",
                        "x"),
                  "a layer inside of a layer sees rows of numbers");
}

TEST(MixtureTest, Declarations) {
  EXPECT_CONTAINS(checkItems(mixture(kExpert, "x", "layer expert[i < k]")),
                  "'i' is declared already");
  EXPECT_CONTAINS(
      checkItems(mixture(kExpert, "x", "layer expert[e < k] = \".{f}\"")),
      "unknown name 'f'");
  EXPECT_CONTAINS(
      checkItems(mixture(kExpert, "x", "layer expert[e < k] = \"experts\"")),
      "the prefix of a layer's names holds its index, {i}");
  EXPECT_CONTAINS(
      check("weight router : [k] = \".r\"" + std::string(kExpert), "x"),
      "'router' is declared already");
  EXPECT_CONTAINS(check("layer third[f < k] { }", "x"),
                  "a layer inside of a layer holds no third");
  EXPECT_CONTAINS(check("weight w : [k] = \"w.{e}\"" +
                            std::string("def (x : [T, width]) -> [T, width] { "
                                        "x }"),
                        "x"),
                  "each layer needs a tensor of its own");
}

class Shapes : public TensorCatalog {
public:
  std::map<std::string, std::vector<int64_t>, std::less<>> tensors;
  const std::vector<int64_t> *shape(std::string_view name) const override {
    auto found = tensors.find(name);
    return found == tensors.end() ? nullptr : &found->second;
  }
  std::string description() const override { return "file"; }
};

TEST(MixtureTest, NamesOfTensors) {
  // The index may be called otherwise.
  std::string items = mixture(R"(
        weight w : [width, width] = ".{m}.w.weight" | ".w_exps.weight"
        def (x : [T, width]) -> [T, width] { linear(x, w) })",
                              "expert+(x, g)", "layer expert[m < k]");
  const char *config = R"({"vocab": 5, "width": 3, "n": 2, "k": 2})";
  Bound bound = bindItems(items, config);
  ASSERT_TRUE(bound.bound) << bound.messages;
  const BoundWeight *weight = nullptr;
  for (const BoundWeight &each : bound.bound->weights())
    if (each.symbol == "block.expert.w")
      weight = &each;
  ASSERT_TRUE(weight);
  EXPECT_EQ(weight->layers, 2);
  EXPECT_EQ(weight->experts, 2);
  EXPECT_EQ(weight->candidates,
            (std::vector<std::string>{
                "model.layers.{i}.{e}.w.weight", "blk.{i}.{e}.w.weight",
                "model.layers.{i}.w_exps.weight", "blk.{i}.w_exps.weight"}));
  EXPECT_EQ(weight->tensorName(1, 0), "model.layers.1.0.w.weight");
  EXPECT_EQ(weight->tensorNames().size(), 4u);

  Shapes shapes;
  shapes.tensors["embed"] = {5, 3};
  for (std::string i : {"0", "1"}) {
    shapes.tensors["model.layers." + i + ".gate.weight"] = {2, 3};
    for (std::string e : {"0", "1"})
      shapes.tensors["model.layers." + i + "." + e + ".w.weight"] = {3, 3};
  }
  Diagnostics diagnostics;
  EXPECT_TRUE(resolveWeights(*bound.bound, &shapes, diagnostics))
      << diagnostics.str();
  EXPECT_FALSE(weight->isFused());

  shapes.tensors.erase("model.layers.1.1.w.weight");
  EXPECT_FALSE(resolveWeights(*bound.bound, &shapes, diagnostics));
  EXPECT_CONTAINS(diagnostics.str(), "'model.layers.1.1.w.weight' is missing");
}

TEST(MixtureTest, OneTensorForAllExperts) {
  Bound bound = bindItems(mixture(R"(
        weight w : [width, width] = ".{e}.w.weight" | ".w_exps.weight"
        def (x : [T, width]) -> [T, width] { linear(x, w) })",
                                  "expert+(x, g)", "layer expert[e < k]"),
                          R"({"vocab": 5, "width": 3, "n": 1, "k": 4})");
  ASSERT_TRUE(bound.bound) << bound.messages;
  Shapes shapes;
  shapes.tensors = {{"embed", {5, 3}},
                    {"blk.0.gate.weight", {4, 3}},
                    {"blk.0.w_exps.weight", {4, 3, 3}}};
  Diagnostics diagnostics;
  EXPECT_TRUE(resolveWeights(*bound.bound, &shapes, diagnostics))
      << diagnostics.str();
  const BoundWeight &weight = bound.bound->weights().back();
  EXPECT_TRUE(weight.isFused());
  EXPECT_EQ(weight.tensorNames(),
            std::vector<std::string>{"blk.0.w_exps.weight"});
  EXPECT_EQ(weight.tensorShape(), (std::vector<int64_t>{4, 3, 3}));

  shapes.tensors["blk.0.w_exps.weight"] = {3, 3, 4};
  EXPECT_FALSE(resolveWeights(*bound.bound, &shapes, diagnostics));
  EXPECT_CONTAINS(diagnostics.str(),
                  "'blk.0.w_exps.weight' is [3, 3, 4]: expected [k, width, "
                  "width] = [4, 3, 3]");
}

TEST(MixtureTest, TopK) {
  auto bind = [](const std::string &call) {
    return bindItems("param vocab, width : int\n"
                     "weight embed : [vocab, width] = \"embed\"\n"
                     "def forward(t : [T] of token) -> [T, width] {\n"
                     "let x = embedding(t, embed)\n" +
                         call + "\n}",
                     R"({"vocab": 5, "width": 8})")
        .messages;
  };
  EXPECT_EQ(bind("top_k(x, 2)"), "");
  EXPECT_EQ(bind("top_k(x, 4, by = x + x, groups = 4, keep = 2, best = 2)"),
            "");
  EXPECT_CONTAINS(bind("top_k(x, 9)"), "top_k: takes 9, but there are 8");
  EXPECT_CONTAINS(bind("top_k(x, 0)"), "k must be positive");
  EXPECT_CONTAINS(bind("top_k(x, 2, groups = 3)"),
                  "8 columns don't make 3 groups of one size");
  EXPECT_CONTAINS(bind("top_k(x, 2, groups = 2, keep = 3)"),
                  "keeps 3 groups, but there are 2");
  EXPECT_CONTAINS(bind("top_k(x, 2, groups = 4, keep = 2, best = 3)"),
                  "the sum of its 3 greatest, but it has 2");
  EXPECT_CONTAINS(bind("top_k(x, 5, groups = 4, keep = 2)"),
                  "takes 5, but there are 4 in the groups it keeps");
  EXPECT_CONTAINS(bind("top_k(x, 2, by = embed)"), "first dimension of by");
}

TEST(MixtureTest, Format) {
  std::string text = R"(model test {
  param n : int
  weight embed : [n, n] = "embed"

  layer block[i < n] = "h.{i}" {
    layer expert[e < n] = ".x.{e}" | ".y.{e}" {
      weight w : [n, n] = ".w"

      def (x : [T, n]) -> [T, n] {
        linear(x, w)
      }
    }

    def (x : [T, n]) -> [T, n] {
      expert+(x, top_k(x, 1))
    }
  }

  def forward(t : [T] of token) -> [T, n] {
    block*(embedding(t, embed))
  }
}
)";
  Diagnostics diagnostics;
  std::unique_ptr<Model> model =
      parseModel(SourceFile("test.tenon", text), diagnostics);
  ASSERT_TRUE(model && checkModel(*model, diagnostics)) << diagnostics.str();
  EXPECT_EQ(formatModel(*model), text);
}

} // namespace
