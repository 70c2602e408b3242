//===- Limits.cpp - kernels that measure the machine ----------------------===//
//
// They go through the same stages as a model's kernels, from "tiled" on.
//
//===----------------------------------------------------------------------===//

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "tenon/Bench/Program.h"
#include "tenon/Conversion/BlockWeights.h"
#include "tenon/Conversion/KernelBuilder.h"

using namespace mlir;
using namespace tenon;
using namespace tenon::bench;

/// Independent chains: two a cycle, of at most six cycles.
static int64_t numChains(TargetAttr target) {
  return target.getRegisters() == 32 ? 16 : target.getFma() ? 12 : 10;
}

double bench::operationsPerStep(TargetAttr target, Products products) {
  double lanes = target.getVectorBits() / 32.0;
  double perLane = products == Products::Int8   ? 4
                   : products == Products::BF16 ? 2
                                                : 1;
  return 2 * lanes * numChains(target) * perLane;
}

namespace {

struct Arguments {
  Value weights, output, steps;
};

/// An entry point after tenon-bufferize with one dispatch.
void addEntry(ModuleOp module, StringRef name, int64_t tasks, bool perStep,
              function_ref<void(KernelBuilder &, Arguments, Value)> body) {
  OpBuilder builder = OpBuilder::atBlockEnd(module.getBody());
  Location loc = builder.getUnknownLoc();
  Type index = builder.getIndexType();
  auto target = getTarget(module);
  auto bytes = [&](int64_t size) {
    return MemRefType::get({size}, builder.getI8Type());
  };
  auto output = MemRefType::get({kMostTasks, target.getVectorBits() / 32},
                                builder.getF32Type());
  auto type =
      builder.getFunctionType({bytes(kMostTasks * kReadTaskBytes), bytes(64),
                               bytes(0), output, index, index, index},
                              {});
  auto func = func::FuncOp::create(builder, loc, name, type);
  func->setAttr("tenon.entry", builder.getUnitAttr());
  Block *block = func.addEntryBlock();
  builder.setInsertionPointToStart(block);
  Arguments arguments{block->getArgument(0), block->getArgument(3),
                      block->getArgument(4)};
  Value count = perStep ? arguments.steps
                        : arith::ConstantIndexOp::create(builder, loc, tasks);
  auto dispatch = DispatchOp::create(builder, loc, count, /*grain=*/1, name);
  func::ReturnOp::create(builder, loc);
  KernelBuilder kernel(dispatch.getBody().front().getTerminator());
  body(kernel, arguments, dispatch.getTask());
}

void storeSum(KernelBuilder &b, KernelBuilder::Values chains,
              Arguments arguments, Value task) {
  Value sum = chains[0];
  for (Value chain : ArrayRef(chains).drop_front())
    sum = b.add(sum, chain);
  b.store(sum, arguments.output, {task, b.index(0)});
}

void addMultiplyAdds(ModuleOp module, int64_t threads) {
  addEntry(module, "fma", threads, /*perStep=*/false,
           [&](KernelBuilder &b, Arguments arguments, Value task) {
             KernelBuilder::Values chains;
             for (int64_t i = 0; i < numChains(b.getTarget()); ++i)
               chains.push_back(b.splat(0.001 * (i + 1)));
             Value factor = b.splat(0.999), summand = b.splat(0.001);
             chains = b.loop(b.index(0), arguments.steps, 1, chains,
                             [&](Value, ValueRange values) {
                               KernelBuilder::Values next;
                               for (Value value : values)
                                 next.push_back(b.fma(value, factor, summand));
                               return next;
                             });
             storeSum(b, chains, arguments, task);
           });
}

void addProducts(ModuleOp module, int64_t threads) {
  addEntry(
      module, "bf16", threads, /*perStep=*/false,
      [&](KernelBuilder &b, Arguments arguments, Value task) {
        auto pairs = VectorType::get({2 * b.lanes()}, b.getBF16Type());
        Value factor = arith::ConstantOp::create(
            b, DenseElementsAttr::get(
                   pairs, Attribute(b.getFloatAttr(b.getBF16Type(), 0.5))));
        KernelBuilder::Values chains;
        for (int64_t i = 0; i < numChains(b.getTarget()); ++i)
          chains.push_back(b.splat(0.001 * (i + 1)));
        chains = b.loop(
            b.index(0), arguments.steps, 1, chains,
            [&](Value, ValueRange values) {
              KernelBuilder::Values next;
              for (Value value : values)
                next.push_back(
                    LLVM::CallIntrinsicOp::create(
                        b, b.getLoc(), value.getType(),
                        b.getStringAttr("llvm.x86.avx512bf16.dpbf16ps.512"),
                        ValueRange{value, factor, factor})
                        .getResult(0));
              return next;
            });
        storeSum(b, chains, arguments, task);
      });
}

/// Weights of 4 bits, whose products any target can add in 16 bits.
void addByteProducts(ModuleOp module, int64_t threads) {
  addEntry(module, "int8", threads, /*perStep=*/false,
           [&](KernelBuilder &b, Arguments arguments, Value task) {
             ByteDot dot(b, getSuperblock(DType::Q4_0).zero);
             Value zero = arith::ConstantOp::create(
                 b, b.getZeroAttr(b.vectorType(b.getI32Type())));
             // Bytes that no pass can know.
             auto unknown = [&](int64_t factor) -> Value {
               Value steps = arith::IndexCastOp::create(b, b.getI32Type(),
                                                        arguments.steps);
               Value number = arith::MulIOp::create(
                   b, steps,
                   arith::ConstantOp::create(b, b.getI32IntegerAttr(factor)));
               return vector::BitCastOp::create(
                   b, VectorType::get({4 * b.lanes()}, b.getI8Type()),
                   b.splat(number));
             };
             Value weights = unknown(0x01010101), bytes = unknown(0x7f3b1d05);
             KernelBuilder::Values chains(numChains(b.getTarget()), zero);
             chains = b.loop(b.index(0), arguments.steps, 1, chains,
                             [&](Value, ValueRange values) {
                               KernelBuilder::Values next;
                               for (Value value : values)
                                 next.push_back(dot.add(value, weights, bytes));
                               return next;
                             });
             for (Value &chain : chains)
               chain = arith::SIToFPOp::create(b, b.f32VectorType(), chain);
             storeSum(b, chains, arguments, task);
           });
}

/// Four streams at once, as the kernels of a single row read: one stream alone
/// is slower on some machines.
void addRead(ModuleOp module) {
  addEntry(
      module, "read", 0, /*perStep=*/true,
      [&](KernelBuilder &b, Arguments arguments, Value task) {
        constexpr int64_t streams = 4, vectors = 2;
        constexpr int64_t elements = kReadTaskBytes / 4 / streams;
        auto type =
            MemRefType::get({kMostTasks, streams, elements}, b.getF32Type());
        Value weights = memref::ViewOp::create(b, type, arguments.weights,
                                               b.index(0), ValueRange{});
        KernelBuilder::Values sums = b.loop(
            b.index(0), b.index(elements), vectors * b.lanes(),
            KernelBuilder::Values(streams * vectors, b.splat(0.0)),
            [&](Value first, ValueRange sums) {
              KernelBuilder::Values next;
              for (int64_t i = 0; i < streams * vectors; ++i) {
                Value column = b.addIndex(first, i % vectors * b.lanes());
                Value x = b.load(weights, {task, b.index(i / vectors), column});
                next.push_back(b.add(sums[i], x));
              }
              return next;
            });
        storeSum(b, sums, arguments, task);
      });
}

} // namespace

OwningOpRef<ModuleOp> bench::buildLimits(MLIRContext &context,
                                         TargetAttr target, int64_t threads) {
  context.loadDialect<TenonDialect, func::FuncDialect, scf::SCFDialect,
                      memref::MemRefDialect, vector::VectorDialect,
                      arith::ArithDialect, LLVM::LLVMDialect>();
  OwningOpRef<ModuleOp> module = ModuleOp::create(UnknownLoc::get(&context));
  (*module)->setAttr(kTargetAttrName, target);
  addMultiplyAdds(*module, threads);
  if (target.getBf16Dot())
    addProducts(*module, threads);
  addByteProducts(*module, threads);
  addRead(*module);
  return module;
}
