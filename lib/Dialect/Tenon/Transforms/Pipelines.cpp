//===- Pipelines.cpp - the passes on tensors in their order ---------------===//

#include "mlir/Pass/PassManager.h"
#include "mlir/Transforms/Passes.h"
#include "tenon/Dialect/Tenon/Transforms/FusionPasses.h"

using namespace mlir;
using namespace tenon;

void tenon::buildFusePipeline(OpPassManager &manager) {
  // Each use of a weight in a description is a reference: one is enough.
  manager.addPass(createCSEPass());
  manager.addPass(createTenonFuseLinear());
  manager.addPass(createTenonFuseAttention());
  manager.addPass(createTenonFoldScales());
  // Before Q/K/V: gate and up share an input as well.
  manager.addPass(createTenonFuseFfn());
  manager.addPass(createTenonFuseQkv());
  manager.addPass(createCanonicalizerPass());
  manager.addPass(createCSEPass());
}

void tenon::buildCachePipeline(OpPassManager &manager) {
  manager.addPass(createTenonAbsorbLatent());
  manager.addPass(createTenonIncremental());
  manager.addPass(createTenonBatchTexts());
  manager.addPass(createCanonicalizerPass());
  manager.addPass(createCSEPass());
}

void tenon::buildQuantizePipeline(OpPassManager &manager) {
  manager.addPass(createTenonQuantizeWeights());
}

void tenon::buildPackPipeline(OpPassManager &manager) {
  manager.addPass(createTenonPackWeights());
  manager.addPass(createCanonicalizerPass());
  manager.addPass(createCSEPass());
}

void tenon::registerFusionPipelines() {
  PassPipelineRegistration<>("tenon-fuse-pipeline",
                             "From primitive to fused operations",
                             buildFusePipeline);
  PassPipelineRegistration<>("tenon-cache-pipeline",
                             "From whole sequences to prefill and decode, and "
                             "to several texts",
                             buildCachePipeline);
  PassPipelineRegistration<>("tenon-quantize-pipeline",
                             "From the checkpoint's precision to the one asked "
                             "for by tenon.quantize",
                             buildQuantizePipeline);
  PassPipelineRegistration<>("tenon-pack-pipeline",
                             "From the model's weights to packed ones",
                             buildPackPipeline);
}
