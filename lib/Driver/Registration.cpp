//===- Registration.cpp - the dialects and passes of Tenon ----------------===//

#include "tenon/Driver/Registration.h"
#include "mlir/Conversion/Passes.h"
#include "mlir/Dialect/Arith/Transforms/Passes.h"
#include "mlir/Dialect/Func/Transforms/Passes.h"
#include "mlir/Dialect/MemRef/Transforms/Passes.h"
#include "mlir/Dialect/SCF/Transforms/Passes.h"
#include "mlir/Dialect/Vector/Transforms/Passes.h"
#include "mlir/InitAllDialects.h"
#include "mlir/InitAllExtensions.h"
#include "mlir/Target/LLVMIR/Dialect/All.h"
#include "mlir/Transforms/Passes.h"
#include "tenon/Conversion/KernelPasses.h"
#include "tenon/Conversion/LoweringPasses.h"
#include "tenon/Conversion/MicroPasses.h"
#include "tenon/Conversion/RowsToVector.h"
#include "tenon/Dialect/Micro/IR/Micro.h"
#include "tenon/Dialect/Tenon/IR/TenonDialect.h"
#include "tenon/Dialect/Tenon/Transforms/Differentiation.h"
#include "tenon/Dialect/Tenon/Transforms/FusionPasses.h"
#include "tenon/Dialect/Tenon/Transforms/MemoryPasses.h"
#include "tenon/Dialect/Tenon/Transforms/TrainingPasses.h"
#include "tenon/Dialect/Tenon/Transforms/TurnPasses.h"
#include "tenon/Driver/Stages.h"

using namespace mlir;

void tenon::registerAllDialects(DialectRegistry &registry) {
  mlir::registerAllDialects(registry);
  mlir::registerAllExtensions(registry);
  mlir::registerAllToLLVMIRTranslations(registry);
  registry.insert<TenonDialect, micro::MicroDialect>();
  registerGradients(registry);
}

void tenon::registerAllPasses() {
  // Upstream's, for experiments on IR of any stage.
  registerTransformsPasses();
  registerConversionPasses();
  arith::registerArithPasses();
  func::registerFuncPasses();
  memref::registerMemRefPasses();
  registerSCFPasses();
  vector::registerVectorPasses();

  registerTenonRowsPasses();
  registerTenonFusionPasses();
  registerFusionPipelines();
  registerTenonTrainingPasses();
  registerTrainingPipelines();
  registerTenonTurnPasses();
  registerTenonMemoryPasses();
  registerTilePipeline();
  registerTenonKernelPasses();
  registerTenonMicroPasses();
  registerTenonLoweringPasses();
  registerLLVMPipeline();
  registerDriverPipelines();
}
