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
#include "tenon/Dialect/Tenon/IR/TenonDialect.h"
#include "tenon/Driver/Stages.h"

#ifdef TENON_HAS_FUSION
#include "tenon/Dialect/Tenon/Transforms/FusionPasses.h"
#endif
#ifdef TENON_HAS_MEMORY
#include "tenon/Dialect/Tenon/Transforms/MemoryPasses.h"
#endif
#ifdef TENON_HAS_LOWERING
#include "tenon/Conversion/LoweringPasses.h"
#endif
#ifdef TENON_HAS_KERNELS
#include "tenon/Conversion/KernelPasses.h"
#endif
#include "tenon/Conversion/RowsToVector.h"

using namespace mlir;

void tenon::registerAllDialects(DialectRegistry &registry) {
  mlir::registerAllDialects(registry);
  mlir::registerAllExtensions(registry);
  mlir::registerAllToLLVMIRTranslations(registry);
  registry.insert<TenonDialect>();
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
#ifdef TENON_HAS_FUSION
  registerTenonFusionPasses();
  registerFusionPipelines();
#endif
#ifdef TENON_HAS_MEMORY
  registerTenonMemoryPasses();
  registerTilePipeline();
#endif
#ifdef TENON_HAS_KERNELS
  registerTenonKernelPasses();
#endif
#ifdef TENON_HAS_LOWERING
  registerTenonLoweringPasses();
  registerLLVMPipeline();
#endif
#if defined(TENON_HAS_FUSION) && defined(TENON_HAS_MEMORY) &&                  \
    defined(TENON_HAS_KERNELS) && defined(TENON_HAS_LOWERING)
  registerDriverPipelines();
#endif
}
