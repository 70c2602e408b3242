//===- Pipeline.cpp - from kernels to LLVM, in order ----------------------===//

#include "mlir/Conversion/ReconcileUnrealizedCasts/ReconcileUnrealizedCasts.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Pass/PassRegistry.h"
#include "mlir/Transforms/Passes.h"
#include "tenon/Conversion/LoweringPasses.h"

using namespace mlir;

void tenon::buildLLVMPipeline(OpPassManager &manager) {
  // One view for one buffer, which outlining relies on for llvm.noalias.
  manager.addPass(createCSEPass());
  manager.addPass(createTenonOutlineDispatches());
  manager.addPass(createTenonToLLVM());
  manager.addPass(createReconcileUnrealizedCastsPass());
}

void tenon::registerLLVMPipeline() {
  PassPipelineRegistration<>("tenon-llvm-pipeline",
                             "From kernels in dispatches to the LLVM dialect: "
                             "tenon-outline-dispatches, tenon-to-llvm",
                             buildLLVMPipeline);
}
