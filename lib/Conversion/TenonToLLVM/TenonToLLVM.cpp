//===- TenonToLLVM.cpp - lower everything to the LLVM dialect -------------===//
//
// Two steps over the module. First, patterns that turn what has no direct
// counterpart in LLVM into what has: strided views into offsets, vectors of
// higher rank, functions of the math dialect, rounding to bf16 where the CPU
// has no instruction for it. Then one full conversion.
//
//===----------------------------------------------------------------------===//

#include "EntryWrapper.h"
#include "mlir/Conversion/AffineToStandard/AffineToStandard.h"
#include "mlir/Conversion/ArithToLLVM/ArithToLLVM.h"
#include "mlir/Conversion/ControlFlowToLLVM/ControlFlowToLLVM.h"
#include "mlir/Conversion/FuncToLLVM/ConvertFuncToLLVM.h"
#include "mlir/Conversion/IndexToLLVM/IndexToLLVM.h"
#include "mlir/Conversion/LLVMCommon/ConversionTarget.h"
#include "mlir/Conversion/LLVMCommon/MemRefBuilder.h"
#include "mlir/Conversion/LLVMCommon/Pattern.h"
#include "mlir/Conversion/LLVMCommon/TypeConverter.h"
#include "mlir/Conversion/MathToLLVM/MathToLLVM.h"
#include "mlir/Conversion/MemRefToLLVM/MemRefToLLVM.h"
#include "mlir/Conversion/SCFToControlFlow/SCFToControlFlow.h"
#include "mlir/Conversion/UBToLLVM/UBToLLVM.h"
#include "mlir/Conversion/VectorToLLVM/ConvertVectorToLLVM.h"
#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/Transforms/Passes.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlow.h"
#include "mlir/Dialect/Math/Transforms/Passes.h"
#include "mlir/Dialect/MemRef/Transforms/Transforms.h"
#include "mlir/Dialect/Vector/Transforms/LoweringPatterns.h"
#include "mlir/Dialect/Vector/Transforms/VectorRewritePatterns.h"
#include "mlir/Dialect/X86Vector/Transforms.h"
#include "mlir/Dialect/X86Vector/X86VectorDialect.h"
#include "tenon/Conversion/LoweringPasses.h"
#include "tenon/Dialect/Tenon/IR/TenonDialect.h"

namespace tenon {
#define GEN_PASS_DEF_TENONTOLLVM
#include "tenon/Conversion/LoweringPasses.h.inc"
} // namespace tenon

using namespace mlir;
using namespace tenon;

/// On a function: an entry point (set by tenon-bufferize).
static constexpr llvm::StringLiteral kEntry = "tenon.entry";

namespace {

/// An address from a kernel's context becomes the descriptor of its memref.
struct AddressToMemRef : ConvertOpToLLVMPattern<UnrealizedConversionCastOp> {
  using ConvertOpToLLVMPattern::ConvertOpToLLVMPattern;

  static bool matches(UnrealizedConversionCastOp op) {
    return op.getNumOperands() == 1 && op.getNumResults() == 1 &&
           isa<LLVM::LLVMPointerType>(op.getOperand(0).getType()) &&
           isa<MemRefType>(op.getResult(0).getType());
  }

  LogicalResult
  matchAndRewrite(UnrealizedConversionCastOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    if (!matches(op))
      return rewriter.notifyMatchFailure(op, "no address");
    auto type = cast<MemRefType>(op.getResult(0).getType());
    if (!type.hasStaticShape())
      return rewriter.notifyMatchFailure(op, "an address has a static shape");
    Value descriptor = MemRefDescriptor::fromStaticShape(
        rewriter, op.getLoc(), *getTypeConverter(), type,
        adaptor.getOperands()[0]);
    rewriter.replaceOp(op, descriptor);
    return success();
  }
};

/// The same address; extents, strides and offset count bytes.
struct LowerElementBytes : ConvertOpToLLVMPattern<ElementBytesOp> {
  using ConvertOpToLLVMPattern::ConvertOpToLLVMPattern;

  LogicalResult
  matchAndRewrite(ElementBytesOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    auto type = cast<MemRefType>(op.getSource().getType());
    int64_t rank = type.getRank();
    MemRefDescriptor source(adaptor.getSource());
    auto result = MemRefDescriptor::poison(
        rewriter, loc,
        getTypeConverter()->convertType(op.getResult().getType()));
    Value bytes = createIndexAttrConstant(
        rewriter, loc, getIndexType(), getElementBytes(type.getElementType()));
    auto scaled = [&](Value count) {
      return LLVM::MulOp::create(rewriter, loc, count, bytes);
    };
    result.setAllocatedPtr(rewriter, loc, source.allocatedPtr(rewriter, loc));
    result.setAlignedPtr(rewriter, loc, source.alignedPtr(rewriter, loc));
    result.setOffset(rewriter, loc, scaled(source.offset(rewriter, loc)));
    for (int64_t dim = 0; dim < rank; ++dim) {
      result.setSize(rewriter, loc, dim, source.size(rewriter, loc, dim));
      result.setStride(rewriter, loc, dim,
                       scaled(source.stride(rewriter, loc, dim)));
    }
    result.setSize(rewriter, loc, rank, bytes);
    result.setStride(
        rewriter, loc, rank,
        createIndexAttrConstant(rewriter, loc, getIndexType(), 1));
    rewriter.replaceOp(op, Value(result));
    return success();
  }
};

struct ToLLVM : tenon::impl::TenonToLLVMBase<ToLLVM> {
  void runOnOperation() override {
    ModuleOp module = getOperation();
    SmallVector<StringAttr> entries;
    for (auto func : module.getOps<func::FuncOp>())
      if (func->hasAttr(kEntry))
        entries.push_back(func.getSymNameAttr());
    if (failed(prepare(module)) || failed(convert(module)))
      return signalPassFailure();
    finish(module, entries);
  }

  /// Rejects what is left of the dialect, and simplifies the rest.
  LogicalResult prepare(ModuleOp module) {
    for (auto weight : llvm::make_early_inc_range(module.getOps<WeightOp>()))
      weight.erase();
    WalkResult result = module.walk([](Operation *op) {
      if (!isa_and_nonnull<TenonDialect>(op->getDialect()) ||
          isa<ElementBytesOp>(op))
        return WalkResult::advance();
      op->emitOpError("has no kernel: no pass has lowered it to vectors");
      return WalkResult::interrupt();
    });
    if (result.wasInterrupted())
      return failure();

    RewritePatternSet patterns(&getContext());
    memref::populateExpandStridedMetadataPatterns(patterns);
    memref::populateExpandOpsPatterns(patterns);
    arith::populateCeilFloorDivExpandOpsPatterns(patterns);
    TargetAttr target = getTarget(module);
    if (!target || !target.hasBf16Dot())
      arith::populateExpandBFloat16Patterns(patterns);
    populateMathPolynomialApproximationPatterns(patterns);
    vector::populateVectorMaskOpLoweringPatterns(patterns);
    // A mask is a comparison of 32-bit lane numbers: one register wide. The
    // extents that kernels mask are below 2^31.
    vector::populateVectorMaskMaterializationPatterns(
        patterns, /*force32BitVectorIndices=*/true);
    vector::populateVectorBroadcastLoweringPatterns(patterns);
    vector::populateVectorShapeCastLoweringPatterns(patterns);
    vector::populateVectorInterleaveLoweringPatterns(patterns);
    vector::populateVectorTransposeLoweringPatterns(
        patterns, vector::VectorTransposeLowering::EltWise);
    vector::populateVectorMultiReductionLoweringPatterns(
        patterns, vector::VectorMultiReductionLowering::InnerParallel);
    vector::populateVectorTransferLoweringPatterns(patterns, 1);
    vector::populateVectorBitCastLoweringPatterns(patterns);
    vector::populateVectorStepLoweringPatterns(patterns);
    vector::populateVectorRankReducingFMAPattern(patterns);
    vector::populateVectorInsertExtractStridedSliceTransforms(patterns);
    populateAffineToStdConversionPatterns(patterns);
    GreedyRewriteConfig config;
    config.setRegionSimplificationLevel(GreedySimplifyRegionLevel::Disabled);
    return applyPatternsGreedily(module, std::move(patterns), config);
  }

  LogicalResult convert(ModuleOp module) {
    LowerToLLVMOptions options(&getContext());
    options.useBarePtrCallConv = true;
    LLVMTypeConverter converter(&getContext(), options);
    converter.addConversion([](Type type) -> std::optional<Type> {
      if (!isa<SuperblockType, Int8GroupType, Int8TokensType>(type))
        return std::nullopt;
      return LLVM::LLVMArrayType::get(IntegerType::get(type.getContext(), 8),
                                      getElementBytes(type));
    });
    RewritePatternSet patterns(&getContext());
    patterns.add<AddressToMemRef, LowerElementBytes>(converter);
    populateAffineToStdConversionPatterns(patterns);
    populateSCFToControlFlowConversionPatterns(patterns);
    cf::populateControlFlowToLLVMConversionPatterns(converter, patterns);
    populateVectorToLLVMConversionPatterns(converter, patterns);
    populateX86VectorLegalizeForLLVMExportPatterns(converter, patterns);
    arith::populateArithToLLVMConversionPatterns(converter, patterns);
    populateMathToLLVMConversionPatterns(converter, patterns);
    populateFinalizeMemRefToLLVMConversionPatterns(converter, patterns);
    populateFuncToLLVMConversionPatterns(converter, patterns);
    index::populateIndexToLLVMConversionPatterns(converter, patterns);
    ub::populateUBToLLVMConversionPatterns(converter, patterns);

    LLVMConversionTarget target(getContext());
    target.addLegalOp<ModuleOp>();
    configureX86VectorLegalizeForExportTarget(target);
    target.addDynamicallyLegalOp<UnrealizedConversionCastOp>(
        [](UnrealizedConversionCastOp op) {
          return !AddressToMemRef::matches(op);
        });
    return applyFullConversion(module, target, std::move(patterns));
  }

  /// Wrappers for the entry points; everything else is internal.
  void finish(ModuleOp module, ArrayRef<StringAttr> entries) {
    for (auto func : llvm::to_vector(module.getOps<LLVM::LLVMFuncOp>())) {
      if (func.isExternal())
        continue;
      ++numFunctions;
      func.setLinkage(LLVM::Linkage::Internal);
      func.setSymVisibility("private");
      if (!llvm::is_contained(entries, func.getSymNameAttr()))
        continue;
      func->removeAttr(kEntry);
      createEntryWrapper(func);
      ++numEntries;
    }
  }
};

} // namespace
