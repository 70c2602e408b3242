//===- Stages.cpp - the stages of a compilation ---------------------------===//

#include "tenon/Driver/Stages.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Pass/PassOptions.h"
#include "mlir/Pass/PassRegistry.h"
#include "mlir/Transforms/Passes.h"
#include "tenon/Conversion/KernelPasses.h"
#include "tenon/Conversion/LoweringPasses.h"
#include "tenon/Conversion/MicroPasses.h"
#include "tenon/Conversion/RowsToVector.h"
#include "tenon/Dialect/Tenon/Transforms/FusionPasses.h"
#include "tenon/Dialect/Tenon/Transforms/MemoryPasses.h"
#include "tenon/Dialect/Tenon/Transforms/TrainingPasses.h"

using namespace mlir;
using namespace tenon;

static constexpr StageInfo kStages[] = {
    {Stage::Import, "import",
     "primitive operations on tensors, as the description states them", "",
     nullptr},
    {Stage::Differentiated, "differentiated",
     "with --train: loss, gradient and optimizer's step instead of the model",
     "tenon-differentiate-pipeline", buildDifferentiatePipeline},
    {Stage::Fused, "fused",
     "linear with epilogues, attention and ffn instead of their parts",
     "tenon-fuse-pipeline", buildFusePipeline},
    {Stage::Cached, "cached",
     "a decoder has @prefill and @decode with a key/value cache",
     "tenon-cache-pipeline", buildCachePipeline},
    {Stage::Quantized, "quantized",
     "weights have the precision asked for, those of linears in blocks",
     "tenon-quantize-pipeline", buildQuantizePipeline},
    {Stage::Packed, "packed",
     "weights have the layout and precision of the target's kernels",
     "tenon-pack-pipeline", buildPackPipeline},
    {Stage::Tiled, "tiled",
     "buffers have places in one arena; dispatches of tiles do the work",
     "tenon-tile-pipeline", buildTilePipeline},
    {Stage::Micro, "micro",
     "tiles are loops over vectors and micro-operations, for no CPU in "
     "particular",
     "tenon-micro-pipeline", buildMicroPipeline},
    {Stage::Kernels, "kernels", "micro-operations are instructions",
     "tenon-kernel-pipeline", buildKernelPipeline},
    {Stage::LLVM, "llvm", "one function per distinct kernel, LLVM dialect only",
     "tenon-llvm-pipeline", buildLLVMPipeline},
    {Stage::Assembly, "asm", "assembly of the target", "", nullptr},
    {Stage::Object, "obj", "relocatable object", "", nullptr},
    {Stage::Executable, "exe", "executable with runtime, weights and tokenizer",
     "", nullptr},
};

llvm::ArrayRef<StageInfo> tenon::getStages() { return kStages; }

std::optional<Stage> tenon::parseStage(llvm::StringRef name) {
  for (const StageInfo &info : kStages)
    if (info.name == name)
      return info.stage;
  return std::nullopt;
}

void tenon::buildPipeline(OpPassManager &manager, Stage from, Stage to,
                          bool learns) {
  for (const StageInfo &info : kStages)
    if (info.stage > from && info.stage <= to && info.build &&
        isPassed(info.stage, learns))
      info.build(manager);
}

void tenon::buildMicroPipeline(OpPassManager &manager) {
  manager.addPass(createTenonLinearToVector());
  manager.addPass(createTenonAttentionToVector());
  manager.addPass(createTenonRowsToVector());
  manager.addPass(createCanonicalizerPass());
  manager.addPass(createCSEPass());
}

void tenon::buildKernelPipeline(OpPassManager &manager) {
  manager.addPass(createTenonUnroll());
  manager.addPass(createTenonUnpackToVector());
  // Before there are intrinsics, of which nobody knows whether they write.
  // Kernels are one long block by now, and a loop's whole body is walked each
  // time that the loop is looked at: from the end to the front that happens
  // seldom (a fifth of the time, the same result).
  manager.addPass(createCanonicalizerPass(
      GreedyRewriteConfig().setUseTopDownTraversal(false)));
  manager.addPass(createCSEPass());
  // Each is for its architecture alone.
  manager.addPass(createTenonMicroToX86());
  manager.addPass(createTenonMicroToArm());
  manager.addPass(createTenonMicroToVector());
  manager.addPass(createCanonicalizerPass());
  manager.addPass(createCSEPass());
}

namespace {

struct StageRange : PassPipelineOptions<StageRange> {
  Option<std::string> from{*this, "from", llvm::cl::init("import"),
                           llvm::cl::desc("the stage of the input")};
  Option<std::string> to{*this, "to", llvm::cl::init("llvm"),
                         llvm::cl::desc("the stage to go to")};
};

/// As PassPipelineRegistration does it, but with an error for wrong stages,
/// which has no way out of that.
LogicalResult
buildStageRange(OpPassManager &manager, StringRef options,
                llvm::function_ref<LogicalResult(const Twine &)> error) {
  StageRange range;
  if (failed(range.parseFromString(options)))
    return failure();
  auto find = [&](StringRef option,
                  const std::string &name) -> FailureOr<Stage> {
    std::optional<Stage> stage = parseStage(name);
    if (stage && isModuleStage(*stage))
      return *stage;
    return error("tenon-pipeline: '" + option + "' is no stage of a module: '" +
                 name +
                 "'; import, differentiated, fused, cached, quantized, packed, "
                 "tiled, micro, kernels or llvm is expected");
  };
  FailureOr<Stage> from = find("from", range.from);
  if (failed(from))
    return failure();
  FailureOr<Stage> to = find("to", range.to);
  if (failed(to))
    return failure();
  if (*from > *to)
    return error("tenon-pipeline: stage '" + range.from +
                 "' does not come before '" + range.to + "'");
  // What is differentiated is on the way of a model that learns.
  bool learns = *from == Stage::Differentiated || *to == Stage::Differentiated;
  buildPipeline(manager, *from, *to, learns);
  return success();
}

} // namespace

void tenon::registerDriverPipelines() {
  PassPipelineRegistration<>("tenon-micro-pipeline",
                             "from tiled to micro: operations in tiles become "
                             "loops over vectors and micro-operations",
                             buildMicroPipeline);
  PassPipelineRegistration<>("tenon-kernel-pipeline",
                             "from micro to kernels: micro-operations become "
                             "instructions of the target",
                             buildKernelPipeline);
  registerPassPipeline(
      "tenon-pipeline",
      "from one stage of a compilation to a later one, by tenonc's names",
      buildStageRange,
      [](llvm::function_ref<void(const mlir::detail::PassOptions &)> handle) {
        handle(StageRange());
      });
}
