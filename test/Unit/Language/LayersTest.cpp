//===- LayersTest.cpp - layers that differ --------------------------------===//

#include "LanguageTestSupport.h"

using namespace tenon::lang;

namespace {

//===----------------------------------------------------------------------===//
// Loops
//===----------------------------------------------------------------------===//

/// "LLGLLG" as "2(2L G)".
std::string text(const std::vector<LayerLoop> &loops) {
  std::string out;
  for (const LayerLoop &loop : loops) {
    out += out.empty() ? "" : " ";
    if (loop.trips != 1)
      out += std::to_string(loop.trips);
    out += loop.isLeaf() ? std::string(1, static_cast<char>(loop.kind))
                         : "(" + text(loop.parts) + ")";
  }
  return out;
}

std::string loopsOf(const std::string &layers) {
  std::vector<unsigned> kinds(layers.begin(), layers.end());
  std::vector<LayerLoop> loops = findLayerLoops(kinds);
  int64_t total = 0;
  for (const LayerLoop &loop : loops)
    total += loop.layers();
  EXPECT_EQ(total, static_cast<int64_t>(layers.size()));
  return text(loops);
}

std::string repeat(const std::string &part, int times) {
  std::string out;
  for (int i = 0; i < times; ++i)
    out += part;
  return out;
}

TEST(LayerLoopsTest, Patterns) {
  EXPECT_EQ(loopsOf(""), "");
  EXPECT_EQ(loopsOf("A"), "A");
  EXPECT_EQ(loopsOf("AAAA"), "4A");
  EXPECT_EQ(loopsOf("AB"), "A B");
  EXPECT_EQ(loopsOf(repeat("LG", 13)), "13(L G)");                // Gemma 2
  EXPECT_EQ(loopsOf(repeat("LLLLLG", 10) + "LL"), "10(5L G) 2L"); // Gemma 3
  EXPECT_EQ(loopsOf(repeat("RRRN", 9)), "9(3R N)");               // SmolLM3
  EXPECT_EQ(loopsOf("F" + repeat("LLG", 7)), "F 7(2L G)");        // ModernBERT
  EXPECT_EQ(loopsOf("DDD" + repeat("M", 58)), "3D 58M");          // DeepSeek-V3
  EXPECT_EQ(loopsOf(repeat("aBaC", 12)), "12(a B a C)");          // Llama 4
  EXPECT_EQ(loopsOf(repeat(repeat("LLG", 3) + "X", 4)), "4(3(2L G) X)");
}

TEST(LayerLoopsTest, BodiesAreCounted) {
  std::string layers = repeat("LLLLLG", 10) + "LL";
  std::vector<unsigned> kinds(layers.begin(), layers.end());
  EXPECT_EQ(countBodies(findLayerLoops(kinds)), 3);
}

//===----------------------------------------------------------------------===//
// Kinds
//===----------------------------------------------------------------------===//

/// A model whose layer holds `items` and the body `body` of an x : [T, width].
std::string layered(const std::string &items, const std::string &body) {
  return R"(
    param n : int
    param width : int = 8
    param sizes : [int] = []
    param types : [string] = ["local" for k < n]
    weight embed : [9, width] = "e"
    layer block[i < n] = "l.{i}" {
  )" + items +
         "\ndef (x : [T, width]) -> [T, width] {\n" + body + "\n} }\n" +
         R"(
    def forward(t : [T] of token) -> [T, width] {
      block*(embedding(t, embed))
    })";
}

std::string kindsOf(const std::string &items, const std::string &body,
                    const std::string &config) {
  Bound bound = bindItems(layered(items, body), config);
  if (!bound.bound)
    return bound.messages;
  std::string out;
  for (unsigned kind :
       bound.bound->layerKinds(bound.model->layers.front()).kindOf)
    out += std::to_string(kind);
  return out;
}

TEST(LayersTest, WhatIsUsedDecides) {
  const char *config =
      R"({"n": 4, "types": ["local", "full", "local", "full"]})";
  EXPECT_EQ(kindsOf("", "x", config), "0000");
  EXPECT_EQ(kindsOf("let local = types[i] == \"local\"",
                    "x * (2.0 if local else 1.0)", config),
            "0101");
  // Equal values of different formulas are one kind.
  EXPECT_EQ(kindsOf("let local = types[i] == \"local\"",
                    "x * (2.0 if local else sqrt(4))", config),
            "0000");
  // A value that the body doesn't use counts for nothing.
  EXPECT_EQ(kindsOf("let half = i / 1", "x", config), "0000");
  EXPECT_EQ(kindsOf("", "let half = i * 3\nx", config), "0000");
  EXPECT_EQ(kindsOf("", "silu(x) if i > 0 else x", config), "0111");
  EXPECT_EQ(kindsOf("let theta = 10.0 if i % 2 == 0 else 20.0\n"
                    "let rotation = rotary(width, theta)",
                    "merge_heads(rope(heads(x, 1), rotation))", config),
            "0101");
  // The table of a layer that doesn't turn.
  EXPECT_EQ(kindsOf("let rotation = rotary(width, 10.0 + i)",
                    "x if i < 3 else merge_heads(rope(heads(x, 1), rotation))",
                    config),
            "0001");
}

TEST(LayersTest, WeightsAreStacked) {
  Bound bound = bindItems(layered(R"(
        let size = sizes[i]
        weight up : [size, width] = ".up.weight"
        weight down : [width, size] = ".down.weight"
        weight first : [width] = ".first" if i == 0
        weight norm : [width] = ".norm" if i > 0)",
                                  R"(
        let x = rms_norm(x, first, 1e-5) if i == 0 else rms_norm(x, norm, 1e-5)
        x + linear(silu(linear(x, up)), down))"),
                          R"({"n": 5, "sizes": [4, 6, 4, 6, 6]})");
  ASSERT_TRUE(bound.bound) << bound.messages;
  std::map<std::string, std::vector<int64_t>> stacks;
  for (const BoundWeight &weight : bound.bound->weights())
    stacks[weight.symbol] = weight.numbers;
  using Numbers = std::vector<int64_t>;
  EXPECT_EQ(stacks["block.up"], (Numbers{0, 2}));
  EXPECT_EQ(stacks["block.up_1"], (Numbers{1, 3, 4}));
  EXPECT_EQ(stacks["block.first"], (Numbers{0}));
  EXPECT_EQ(stacks["block.norm"], (Numbers{1, 2, 3, 4}));
  EXPECT_EQ(text(bound.bound->layerKinds(bound.model->layers.front()).loops),
            std::string("\0 \1 \2 2\1", 8));

  const WeightDecl *up = bound.model->layers.front()->weights.front();
  bound.bound->enterLayer(bound.model->layers.front(), 3);
  ASSERT_TRUE(bound.bound->weight(up));
  EXPECT_EQ(bound.bound->weight(up)->symbol, "block.up_1");
  EXPECT_EQ(bound.bound->weight(up)->tensorName(1), "l.3.up.weight");
}

TEST(LayersTest, NamesOfTensors) {
  Bound bound = bindItems(R"(
    param n, first : int
    weight embed : [9, 8] = "e"
    layer dense[i < first] = "l.{i}" {
      weight w : [8] = ".w"
      def (x : [T, 8]) -> [T, 8] { rms_norm(x, w, 1e-5) }
    }
    layer block[j < n - first] = "l.{j + first}" {
      weight w : [8] = ".w" | "gains.{2 * j + 1}"
      def (x : [T, 8]) -> [T, 8] { rms_norm(x, w, 1e-5) }
    }
    def forward(t : [T] of token) -> [T, 8] {
      block*(dense*(embedding(t, embed)))
    })",
                          R"({"n": 5, "first": 2})");
  ASSERT_TRUE(bound.bound) << bound.messages;
  const BoundWeight &weight = bound.bound->weights().back();
  EXPECT_EQ(weight.symbol, "block.w");
  EXPECT_EQ(weight.layers, 3);
  EXPECT_EQ(weight.tensorName(0), "l.2.w");
  EXPECT_EQ(weight.tensorName(2), "l.4.w");
  EXPECT_EQ(weight.expand(weight.candidates[1], 2), "gains.5");
  // Names alone don't make layers differ.
  EXPECT_FALSE(bound.model->layers.back()->varies);
}

TEST(LayersTest, NoLayers) {
  Bound bound =
      bindItems(layered("weight w : [sizes[i]] = \".w\"", "x"), R"({"n": 0})");
  ASSERT_TRUE(bound.bound) << bound.messages;
  EXPECT_EQ(bound.bound->weights().size(), 1u);
  EXPECT_TRUE(
      bound.bound->layerKinds(bound.model->layers.front()).loops.empty());
}

TEST(LayersTest, Requirements) {
  EXPECT_CONTAINS(kindsOf("require sizes[i] % 2 == 0, \"sizes are even\"", "x",
                          R"({"n": 2, "sizes": [2, 3]})"),
                  "sizes are even");
  std::string text = kindsOf("weight w : [sizes[i]] = \".w\"", "x",
                             R"({"n": 2, "sizes": [2]})");
  EXPECT_CONTAINS(text, "'sizes[i]' is element 1 of a list of 1");
  EXPECT_CONTAINS(text, "with i = 1");
}

TEST(LayersTest, TooManyBodies) {
  std::string text = kindsOf("", "x * (1 / (i + 1.0))", R"({"n": 40})");
  EXPECT_CONTAINS(text, "the layers of 'block' differ so that code for more "
                        "than 16 of them would be needed");
  EXPECT_CONTAINS(text,
                  "layers 0 and 1 differ in '1 / (i + 1.0)': 1.0 and 0.5");
  text = kindsOf("weight w : [sizes[i]] = \".w\"", "x",
                 R"({"n": 18, "sizes": [1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,
                     17,18]})");
  EXPECT_CONTAINS(text, "layers 0 and 1 differ in the weight 'w'");
}

TEST(LayersTest, Checks) {
  auto check = [](const std::string &items, const std::string &body) {
    return checkItems(layered(items, body));
  };
  EXPECT_EQ(check("weight w : [sizes[i], width] = \".w\"\n"
                  "weight v : [width, sizes[i]] = \".v\"",
                  "linear(linear(x, w), v)"),
            "");
  EXPECT_CONTAINS(check("weight w : [sizes[i], width] = \".w\"\n"
                        "weight v : [width, sizes[i + 1]] = \".v\"",
                        "linear(linear(x, w), v)"),
                  "sizes[i + 1]");
  // The index is the layer's own.
  EXPECT_CONTAINS(checkItems("param n : int\nlet a = i"), "unknown name 'i'");
  EXPECT_CONTAINS(check("let x = i", "x"), "'x' is declared already");
  EXPECT_CONTAINS(check("let width = i", "x"), "'width' is declared already");
  EXPECT_CONTAINS(check("", "let i = 3\nx"), "'i' is declared already");
  EXPECT_CONTAINS(check("weight w : [2] = \".{n\"", "x"), "braces in a name");
  EXPECT_CONTAINS(check("weight w : [2] = \".{}\"", "x"), "braces in a name");
  EXPECT_CONTAINS(check("weight w : [2] = \".{i i}\"", "x"), "expected '}'");
  EXPECT_CONTAINS(check("weight w : [2] = \".{1.5}\"", "x"),
                  "what braces in a name hold must be of type int");
  EXPECT_CONTAINS(check("weight w : [2] = \"w.{n}\"", "x"),
                  "each layer needs a tensor of its own");
  EXPECT_CONTAINS(checkItems(R"(
    param n : int
    param sizes : [int]
    layer block[i < n] {
      def (x : [T, sizes[i]]) -> [T, sizes[i]] { x }
    })"),
                  "it can't depend on the layer's index");
  // Dimensions of two layers are not the same because their texts are.
  EXPECT_CONTAINS(checkItems(R"(
    param n : int
    param sizes : [int]
    layer a[i < n] {
      weight w : [sizes[i], 8] = "a.{i}"
      def (x : [T, 8]) -> [T, 8] { silu(x) }
    }
    layer b[i < n] {
      weight w : [sizes[i], 8] = "b.{i}"
      def (x : [T, 8]) -> [T, 8] { linear(x, w) }
    })"),
                  "the value is [T, sizes[i]]");
}

} // namespace
