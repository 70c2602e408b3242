//===- Registration.cpp - the dialects and passes of Tenon ----------------===//

#include "tenon/Driver/Registration.h"
#include "mlir/Conversion/Passes.h"
#include "mlir/Dialect/Arith/Transforms/Passes.h"
#include "mlir/Dialect/Func/Transforms/Passes.h"
#include "mlir/Dialect/MemRef/Transforms/Passes.h"
#include "mlir/Dialect/SCF/Transforms/Passes.h"
#include "mlir/Dialect/Vector/Transforms/Passes.h"
#include "mlir/Dialect/X86Vector/X86VectorDialect.h"
#include "mlir/InitAllDialects.h"
#include "mlir/InitAllExtensions.h"
#include "mlir/Target/LLVMIR/Dialect/All.h"
#include "mlir/Transforms/Passes.h"
#include "tenon/Dialect/Tenon/IR/TenonDialect.h"

// The passes that exist; each engineer's header appears with its library.
#if __has_include("tenon/Dialect/Tenon/Transforms/FusionPasses.h")
#include "tenon/Dialect/Tenon/Transforms/FusionPasses.h"
#define TENON_HAS_FUSION 1
#endif
#if __has_include("tenon/Dialect/Tenon/Transforms/MemoryPasses.h")
#include "tenon/Dialect/Tenon/Transforms/MemoryPasses.h"
#define TENON_HAS_MEMORY 1
#endif
#if __has_include("tenon/Conversion/LoweringPasses.h")
#include "tenon/Conversion/LoweringPasses.h"
#define TENON_HAS_LOWERING 1
#endif
#include "tenon/Conversion/RowsToVector.h"
#if __has_include("tenon/Conversion/KernelPasses.h")
#include "tenon/Conversion/KernelPasses.h"
#define TENON_HAS_KERNELS 1
#endif

using namespace mlir;

void tenon::registerAllDialects(DialectRegistry &registry) {
  mlir::registerAllDialects(registry);
  mlir::registerAllExtensions(registry);
  mlir::registerAllToLLVMIRTranslations(registry);
  registry.insert<TenonDialect>();
}

void tenon::registerAllPasses() {
  registerTransformsPasses();
  registerTenonRowsPasses();
  registerConversionPasses();
  arith::registerArithPasses();
  func::registerFuncPasses();
  memref::registerMemRefPasses();
  registerSCFPasses();
  vector::registerVectorPasses();
}
