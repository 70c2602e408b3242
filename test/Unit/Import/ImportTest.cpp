//===- ImportTest.cpp - descriptions in the dialect -----------------------===//
//
// What FileCheck tests of test/Import can't make: checkpoints of mixed types,
// and the numbers of rotary tables.
//
//===----------------------------------------------------------------------===//

#include "tenon/Import/Import.h"

#include "tenon/Dialect/Tenon/IR/TenonDialect.h"
#include "tenon/Language/Commands.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

using namespace tenon;

namespace {

class FakeCheckpoint : public Checkpoint {
public:
  void add(std::string name, DType dtype, std::vector<int64_t> shape) {
    TensorInfo info;
    info.name = std::move(name);
    info.dtype = dtype;
    info.shape = std::move(shape);
    infos.push_back(std::move(info));
    std::sort(infos.begin(), infos.end(),
              [](auto &a, auto &b) { return a.name < b.name; });
  }
};

class ImportTest : public testing::Test {
protected:
  ImportTest() {
    context.loadDialect<TenonDialect, mlir::func::FuncDialect,
                        mlir::scf::SCFDialect, mlir::arith::ArithDialect>();
  }

  // The module's text, or the diagnostics.
  std::string import(const std::string &items, const Checkpoint *checkpoint,
                     ImportOptions options = {}) {
    lang::Diagnostics diagnostics;
    auto model = lang::loadModelText(
        "test.tenon", "model test {\n" + items + "\n}\n", diagnostics);
    if (!model)
      return diagnostics.str();
    nlohmann::json json = nlohmann::json::object();
    auto bound = lang::bindModel(*model, {json, "config.json"}, diagnostics);
    std::unique_ptr<lang::TensorCatalog> catalog;
    if (checkpoint)
      catalog = makeTensorCatalog(*checkpoint, "checkpoint");
    if (!bound || !lang::resolveWeights(*bound, catalog.get(), diagnostics))
      return diagnostics.str();
    auto module =
        importModel(context, *bound, checkpoint, options, diagnostics);
    if (!module)
      return diagnostics.str();
    std::string text;
    llvm::raw_string_ostream stream(text);
    module->print(stream);
    return text;
  }

  mlir::MLIRContext context;
};

#define EXPECT_CONTAINS(TEXT, PART)                                            \
  EXPECT_NE((TEXT).find(PART), std::string::npos) << (TEXT)

const char *const kLayered = R"(
  weight embed : [8, 4] = "embed"
  layer block[i < 2] = "l.{i}" {
    weight w    : [4, 4] = ".w"
    weight norm : [4]    = ".norm"
    def (x : [T, 4]) -> [T, 4] { linear(rms_norm(x, norm, 1e-6), w) }
  }
  def forward(t : [T] of token) -> [T, 8] {
    linear(block*(embedding(t, embed)), embed)
  }
)";

FakeCheckpoint layered(DType embed, DType first, DType second, DType norm) {
  FakeCheckpoint checkpoint;
  checkpoint.add("embed", embed, {8, 4});
  checkpoint.add("l.0.w", first, {4, 4});
  checkpoint.add("l.1.w", second, {4, 4});
  checkpoint.add("l.0.norm", norm, {4});
  checkpoint.add("l.1.norm", norm, {4});
  return checkpoint;
}

TEST_F(ImportTest, TypesComeFromTheCheckpoint) {
  FakeCheckpoint checkpoint =
      layered(DType::BF16, DType::F16, DType::F16, DType::BF16);
  std::string text = import(kLayered, &checkpoint);
  EXPECT_CONTAINS(text, "@embed : tensor<8x4xbf16> from "
                        "[#tenon.source<\"embed\", tensor<8x4xbf16>>]");
  EXPECT_CONTAINS(text, "@block.w : tensor<2x4x4xf16>");
  EXPECT_CONTAINS(text, "@block.norm : tensor<2x4xf32> from "
                        "[#tenon.source<\"l.{i}.norm\", tensor<4xbf16>>]");
}

TEST_F(ImportTest, LayersOfSeveralTypesTakeTheWidest) {
  FakeCheckpoint wide =
      layered(DType::BF16, DType::BF16, DType::F32, DType::F32);
  EXPECT_CONTAINS(import(kLayered, &wide), "@block.w : tensor<2x4x4xf32>");
  FakeCheckpoint halves =
      layered(DType::BF16, DType::BF16, DType::F16, DType::F32);
  EXPECT_CONTAINS(import(kLayered, &halves), "@block.w : tensor<2x4x4xf32>");
}

TEST_F(ImportTest, TypeCanBeChosen) {
  ImportOptions options;
  options.weightDType = DType::BF16;
  FakeCheckpoint checkpoint =
      layered(DType::F32, DType::F32, DType::F32, DType::F32);
  std::string text = import(kLayered, &checkpoint, options);
  EXPECT_CONTAINS(text, "@block.w : tensor<2x4x4xbf16> from "
                        "[#tenon.source<\"l.{i}.w\", tensor<4x4xf32>>]");
  EXPECT_CONTAINS(text, "@block.norm : tensor<2x4xf32>");
  EXPECT_CONTAINS(import(kLayered, nullptr, options),
                  "@block.w : tensor<2x4x4xbf16> from "
                  "[#tenon.source<\"l.{i}.w\", tensor<4x4xbf16>>]");
}

TEST_F(ImportTest, IntegerWeightsAreRefused) {
  FakeCheckpoint checkpoint =
      layered(DType::I8, DType::F32, DType::F32, DType::F32);
  EXPECT_CONTAINS(import(kLayered, &checkpoint),
                  "test.tenon:3:10: error: 'embed' has elements of type i8, which "
                  "weights can't be read from");
}

TEST_F(ImportTest, OperationsThatFamiliesDontUse) {
  std::string text = import(R"(
    weight embed : [8, 4] = "embed"
    weight w     : [4, 6] = "w"
    weight both  : [4, 4] = "both"
    weight idle  : [4, 4] = "idle"
    def forward(t : [T] of token) -> [T, 6] {
      let x = embedding(t, embed) - embedding(t, embed) / 2.0
      let x = rms_norm(x, row0(x), 1e-6, offset = 1) if false else -x
      let x = linear(linear(x, both), transpose(both))
      let x = merge_heads(rope(heads(sigmoid(x), 2), 10000.0))
      matmul(x * silu(x) / (x + relu(x)), w)
    }
    def row0(x : [T, 4]) -> [4] { x }
  )",
                            nullptr);
  // A helper whose value has another shape than it declares.
  EXPECT_CONTAINS(text, "the value is [T, 4], but the def declares [4]");

  text = import(R"(
    weight embed : [8, 4] = "embed"
    weight gain  : [4]    = "gain"
    weight w     : [4, 6] = "w"
    weight both  : [4, 4] = "both"
    weight idle  : [4, 4] = "idle"
    def forward(t : [T] of token) -> [T, 6] {
      let x = embedding(t, embed) - embedding(t, embed) / 2.0
      let x = rms_norm(-x, gain, 1e-6, offset = 1)
      let x = linear(linear(x, both), transpose(both))
      let x = merge_heads(rope(heads(sigmoid(x), 2), 10000.0))
      matmul(x * silu(x) / (x + relu(x)), w)
    }
  )",
                nullptr);
  EXPECT_CONTAINS(text, "tenon.sub");
  EXPECT_CONTAINS(text, "{factor = 5.000000e-01 : f32}");
  EXPECT_CONTAINS(text, "{factor = -1.000000e+00 : f32}");
  EXPECT_CONTAINS(text, "unit_offset");
  EXPECT_CONTAINS(text, "tenon.div");
  EXPECT_CONTAINS(text, "activation_kind<sigmoid>");
  // A product with a weight is a linear map with a transposed source ...
  EXPECT_CONTAINS(text, "@w : tensor<6x4xf32> from "
                        "[#tenon.source<\"w\", tensor<4x6xf32>, transposed>]");
  // ... and what is used both ways stays as it is.
  EXPECT_CONTAINS(text, "@both : tensor<4x4xf32> from "
                        "[#tenon.source<\"both\", tensor<4x4xf32>>]");
  EXPECT_CONTAINS(text, "tenon.transpose");
  EXPECT_EQ(text.find("@idle"), std::string::npos) << text;
  EXPECT_CONTAINS(text, "tenon.weight @rope : tensor<2048x2xf32> from "
                        "[#tenon.rope_table<frequencies = [1.000000e+00]");
}

TEST_F(ImportTest, ContextBeyondTheTableOfPositions) {
  const char *items = R"(
    weight embed  : [8, 4]  = "embed"
    weight places : [16, 4] = "places"
    context 16
    def forward(t : [T] of token) -> [T, 4] {
      embedding(t, embed) + embedding(positions(t), places)
    }
  )";
  EXPECT_CONTAINS(import(items, nullptr), "tenon.context = 16");
  ImportOptions options;
  options.context = 17;
  EXPECT_CONTAINS(import(items, nullptr, options),
                  "the table has 16 positions, but the context is 17");
}

} // namespace
