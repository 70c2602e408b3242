//===- Limits.cpp - kernels that measure the machine ----------------------===//
//
// They go through the same stages as a model's kernels, from "tiled" on.
//
//===----------------------------------------------------------------------===//

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "tenon/Bench/Program.h"
#include "tenon/Conversion/BlockWeights.h"
#include "tenon/Conversion/Opaque.h"
#include "tenon/Dialect/Micro/IR/Micro.h"
#include "tenon/Dialect/Tenon/IR/ByteProducts.h"

using namespace mlir;
using namespace tenon;
using namespace tenon::bench;

/// Independent chains: two a cycle, of at most six cycles.
static int64_t numChains(TargetAttr target) {
  return target.getRegisters() == 32 ? 16 : target.hasFma() ? 12 : 10;
}

/// Independent chains of products of bytes: as many again are sums of 32 bits.
static constexpr int64_t kByteChains = 6;

static int64_t bitsOf(Products products) {
  return products == Products::Int4   ? 4
         : products == Products::Int5 ? 5
         : products == Products::Int6 ? 6
                                      : 8;
}

bool bench::isMeasured(TargetAttr target, Products products) {
  switch (products) {
  case Products::BF16:
    return target.hasBf16Dot();
  case Products::Int6:
  case Products::Int5:
  case Products::Int4:
    return addsInChains(target);
  case Products::F32:
  case Products::Int8:
    return true;
  }
  return false;
}

/// Results of pmaddubsw that are added before they become 32 bits.
static int64_t lengthOfChains(Products products) {
  return chainLength((1 << bitsOf(products)) - 1);
}

double bench::operationsPerStep(TargetAttr target, Products products) {
  double lanes = target.getVectorBits() / 32.0;
  switch (products) {
  case Products::F32:
    return 2 * lanes * numChains(target);
  case Products::BF16:
    return 4 * lanes * numChains(target);
  case Products::Int8:
    return 8 * lanes * numChains(target);
  case Products::Int6:
  case Products::Int5:
  case Products::Int4:
    return 8 * lanes * kByteChains * lengthOfChains(products);
  }
  return 0;
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
        chains = b.loop(b.index(0), arguments.steps, 1, chains,
                        [&](Value, ValueRange values) {
                          KernelBuilder::Values next;
                          for (Value value : values)
                            next.push_back(b.dotPairs(factor, factor, value));
                          return next;
                        });
        storeSum(b, chains, arguments, task);
      });
}

/// A register of bytes that no pass can know. Kernels give every product such
/// an operand of its own, or LLVM would compute one product for all.
Value unknownBytes(KernelBuilder &b, Value steps, int64_t factor) {
  Value count = arith::IndexCastOp::create(b, b.getI32Type(), steps);
  Value number = arith::MulIOp::create(
      b, count, arith::ConstantOp::create(b, b.getI32IntegerAttr(factor)));
  return vector::BitCastOp::create(
      b, VectorType::get({4 * b.lanes()}, b.getI8Type()), b.splat(number));
}

/// Numbers of 16 bits, known to be bytes, in every lane.
Value asPairs(KernelBuilder &b, Value bytes) {
  return vector::BitCastOp::create(
      b, VectorType::get({2 * b.lanes()}, b.getI16Type()), bytes);
}

/// Steps of a loop that carries sums, and a register of which every product
/// takes another value.
void addByteLoop(
    ModuleOp module, StringRef name, int64_t threads, int64_t sums,
    function_ref<void(KernelBuilder &, Value &, Value, MutableArrayRef<Value>)>
        step) {
  addEntry(module, name, threads, /*perStep=*/false,
           [&](KernelBuilder &b, Arguments arguments, Value task) {
             Value weights = unknownBytes(b, arguments.steps, 0x01010101);
             Value bytes = unknownBytes(b, arguments.steps, 0x7f3b1d05);
             KernelBuilder::Values carried(
                 sums, arith::ConstantOp::create(
                           b, b.getZeroAttr(b.vectorType(b.getI32Type()))));
             carried.push_back(weights);
             carried = b.loop(b.index(0), arguments.steps, 1, carried,
                              [&](Value, ValueRange values) {
                                KernelBuilder::Values next(values);
                                Value weights = next.pop_back_val();
                                step(b, weights, bytes, next);
                                next.push_back(weights);
                                return next;
                              });
             carried.pop_back();
             for (Value &sum : carried)
               sum = arith::SIToFPOp::create(b, b.f32VectorType(), sum);
             storeSum(b, carried, arguments, task);
           });
}

/// Weights of 8 bits: with VNNI one instruction for four products. Without,
/// they and activations are widened to 16 bits, of which an instruction takes
/// two pairs.
void addByteProducts(ModuleOp module, int64_t threads) {
  TargetAttr target = getTarget(module);
  addByteLoop(
      module, "int8", threads, numChains(target),
      [&](KernelBuilder &b, Value &weights, Value bytes,
          MutableArrayRef<Value> sums) {
        ByteDot dot(b, /*zero=*/0);
        for (Value &sum : sums)
          for (int64_t i = 0, end = target.hasByteDot() ? 1 : 2; i < end; ++i) {
            weights = makeOpaque(b, weights);
            sum = target.hasByteDot() ? dot.add(sum, weights, bytes)
                                      : dot.addPairs(sum, asPairs(b, weights),
                                                     asPairs(b, bytes));
          }
      });
}

/// Weights of fewer bits where products are added in chains.
void addChains(ModuleOp module, StringRef name, Products products,
               int64_t threads) {
  addByteLoop(
      module, name, threads, kByteChains,
      [&](KernelBuilder &b, Value &weights, Value bytes,
          MutableArrayRef<Value> sums) {
        ByteDot dot(b, /*zero=*/0);
        KernelBuilder::Values chains(sums.size());
        for (int64_t i = 0; i < lengthOfChains(products); ++i)
          for (Value &chain : chains) {
            weights = makeOpaque(b, weights);
            Value product = dot.multiply(weights, bytes);
            chain = chain ? arith::AddIOp::create(b, chain, product).getResult()
                          : product;
          }
        for (auto [sum, chain] : llvm::zip_equal(sums, chains))
          sum = dot.addProducts(sum, chain);
      });
}

/// A chain of additions of whole numbers, one a cycle on every CPU: with a
/// register, as some add small constants before they execute anything.
void addClock(ModuleOp module, int64_t threads) {
  addEntry(module, "clock", threads, /*perStep=*/false,
           [&](KernelBuilder &b, Arguments arguments, Value task) {
             Type i64 = b.getI64Type();
             Value summand = makeOpaque(
                 b, arith::IndexCastOp::create(b, i64, arguments.steps));
             KernelBuilder::Values sum =
                 b.loop(b.index(0), arguments.steps, 1, summand,
                        [&](Value, ValueRange values) {
                          Value sum = values[0];
                          for (int64_t i = 0; i < kClockCycles; ++i)
                            sum = makeOpaque(
                                b, arith::AddIOp::create(b, sum, summand));
                          return KernelBuilder::Values{sum};
                        });
             Value number = arith::SIToFPOp::create(b, b.getF32Type(), sum[0]);
             storeSum(b, {b.splat(number)}, arguments, task);
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
  context.loadDialect<TenonDialect, micro::MicroDialect, func::FuncDialect,
                      scf::SCFDialect, memref::MemRefDialect,
                      vector::VectorDialect, arith::ArithDialect,
                      LLVM::LLVMDialect>();
  OwningOpRef<ModuleOp> module = ModuleOp::create(UnknownLoc::get(&context));
  (*module)->setAttr(kTargetAttrName, target);
  addMultiplyAdds(*module, threads);
  if (isMeasured(target, Products::BF16))
    addProducts(*module, threads);
  addByteProducts(*module, threads);
  for (auto [name, products] : {std::pair{"int6", Products::Int6},
                                {"int5", Products::Int5},
                                {"int4", Products::Int4}})
    if (isMeasured(target, products))
      addChains(*module, name, products, threads);
  addClock(*module, threads);
  addRead(*module);
  return module;
}
