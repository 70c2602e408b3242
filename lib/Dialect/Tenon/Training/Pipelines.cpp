//===- Pipelines.cpp - passes that make a model learn, in order -----------===//

#include "mlir/Pass/PassManager.h"
#include "mlir/Pass/PassRegistry.h"
#include "mlir/Transforms/Passes.h"
#include "tenon/Dialect/Tenon/Transforms/FusionPasses.h"
#include "tenon/Dialect/Tenon/Transforms/TrainingPasses.h"

using namespace mlir;
using namespace tenon;

void tenon::buildDifferentiatePipeline(OpPassManager &manager) {
  // Each use of a weight in a description is a reference: one is enough.
  manager.addPass(createCSEPass());
  // Probabilities are not stored where attention has a gradient of its own.
  manager.addPass(createTenonFuseAttention({/*forGradients=*/true}));
  manager.addPass(createTenonDifferentiate());
  // What generates reads the weights that learn, as they are.
  manager.addPass(createTenonFuseAttention());
  manager.addPass(createTenonIncremental());
  manager.addPass(createTenonLowerLinears());
  // What is computed again, but not read.
  manager.addPass(createCanonicalizerPass());
  manager.addPass(createCSEPass());
}

void tenon::registerTrainingPipelines() {
  PassPipelineRegistration<>("tenon-differentiate-pipeline",
                             "From a model that computes to one that learns",
                             buildDifferentiatePipeline);
}
