//===- KernelPasses.td - micro-kernels ---------------------*- tablegen -*-===//

#ifndef TENON_CONVERSION_KERNELPASSES_TD
#define TENON_CONVERSION_KERNELPASSES_TD

include "mlir/Pass/PassBase.td"

def TenonLinearToVector : Pass<"tenon-linear-to-vector", "::mlir::ModuleOp"> {
  let summary = "lower linears on packed weights to register-tiled kernels";
  let description = [{
    A tile of `rows` x `columns` outputs (`tile`, from `tenon-select-tiles`)
    stays in registers while all of K passes: every step loads vectors of packed
    weights once and multiplies them by the elements of each row. One row takes
    `group` panels at once, which keeps several streams of weights going. Bias,
    activation, gate and residual are applied to the accumulators before they
    are stored.

    Each output is one chain of multiply-adds over k in order, in every kernel
    that this pass makes, so that the result does not depend on how many rows
    are computed together (I5).

    Weights in superblocks multiply int8 groups: the products of a group's bytes
    are added exactly, in 32 bits (`micro.dot4_i8`, or chains of
    `micro.dot2_i8`), then scaled and added to the output's f32 sum, group after
    group. Tiles of rows read panels that a task has unpacked to bytes and f32
    scales in scratch memory; fewer rows take the integers out of superblocks as
    they go, and a single one asks for those that come later.

    Before:
    ```mlir
    tenon.linear %x, %w into %y {tile = #tenon.tile<rows = 8, columns = 32>}
      : (memref<?x64xf32>, memref<1x64x32x1xf32>, memref<?x32xf32>) -> ()
    ```
    After, for vectors of 512 bits (loops marked * are `micro.unroll`):
    ```mlir
    scf.for %m = %c0 to %rows step %c8 {
      %y = scf.for %k = %c0 to %c64 step %c1 iter_args(%s = %zero) -> (vector<8x2x16xf32>) {
        %w = scf.for* %v = %c0 to %c2 step %c1 iter_args(%all = %none) -> (vector<2x16xf32>) {
          %column = arith.muli %v, %c16 : index
          %loaded = vector.load %weight[%c0, %k, %column, %c0] : memref<1x64x32x1xf32>, vector<16xf32>
          %next = micro.set %loaded, %all[%v] : vector<16xf32> into vector<2x16xf32>
          scf.yield %next : vector<2x16xf32>
        }
        %t = scf.for* %r = %c0 to %c8 step %c1 iter_args(%sums = %s) -> (vector<8x2x16xf32>) {
          %row = micro.pick %r of %m, %m1, %m2, ... // m + r
          %x = memref.load %input[%row, %k] : memref<?x64xf32>
          %a = vector.broadcast %x : f32 to vector<16xf32>
          // for* %v: %sums[%r, %v] = vector.fma %w[%v], %a, %sums[%r, %v]
        }
        scf.yield %t : vector<8x2x16xf32>
      }
      // for* %v, for* %r: vector.store %y[%r, %v], %out[...]
    }
    // ... and the remaining rows by 4, 2 and 1.
    ```
  }];
  let dependentDialects = ["::tenon::micro::MicroDialect", "::mlir::arith::ArithDialect", "::mlir::math::MathDialect",
                           "::mlir::memref::MemRefDialect", "::mlir::scf::SCFDialect", "::mlir::ub::UBDialect",
                           "::mlir::vector::VectorDialect", "::mlir::LLVM::LLVMDialect"];
  let statistics = [
    Statistic<"numLowered", "lowered", "Number of linears lowered">,
    Statistic<"numDeclined", "declined", "Number of linears left: weight not packed">,
  ];
}

def TenonAttentionToVector : Pass<"tenon-attention-to-vector", "::mlir::ModuleOp"> {
  let summary = "lower attention on cache blocks to vector kernels";
  let description = [{
    `tenon.append_kv` writes keys to transposed blocks of 16 tokens and values
    to rows. `tenon.block_attention` is an online softmax over blocks of 128
    keys at multiples of 128 (arXiv:2205.14135). Several queries: the queries of
    a tile are in the lanes, so that maximum, sum and rescaling are elementwise;
    blocks that a tile does not see are skipped. One query: keys are in the
    lanes for the scores, components of the values for the output, and all
    heads that share a key head read its keys and values once.

    A cache of f16 is extended where it is read. One of int8 is read as whole
    numbers: a score is multiplied by its key's scale, a probability by its
    value's. Many queries convert a block of keys and values once for a tile.
    Blocks of bf16 pairs multiply by `micro.dot2_bf16`.

    Keys of more than 512 positions make parts with a maximum of their own, which
    are joined in order: by the kernel itself, or by `tenon.combine_attention` of
    the parts that tasks of `tenon.partial_attention` left.

    Both do the same operations on each number in the same order (I5): scores
    are chains over d, scaled; per block m' = max(m, scores), l and o are
    multiplied by 2^(m - m'), then l += p and o += p v with p = 2^(s - m') key
    by key; at the end o * (1 / l).

    Before:
    ```mlir
    tenon.block_attention %q, %keys, %values at %pos length %len into %o {causal, scale = 0.125 : f32}
      : memref<1x?x64xf32>, memref<1x32x64x16xf32>, memref<1x512x64xf32>, memref<1x?x64xf32>
    ```
    After (the loop over the blocks of a tile of queries):
    ```mlir
    %m:4 = scf.for %block = %first to %end step %c128 iter_args(%m0, %m1, %l0, %l1) {
      // scores of 8 keys at a time to scratch, their maximum;
      // p = exp2(s - m') in place, l += p;
      // o[d] += p v for 8 components at a time.
    }
    ```
  }];
  let dependentDialects = ["::tenon::micro::MicroDialect", "::mlir::arith::ArithDialect", "::mlir::math::MathDialect",
                           "::mlir::memref::MemRefDialect", "::mlir::scf::SCFDialect", "::mlir::ub::UBDialect",
                           "::mlir::vector::VectorDialect", "::mlir::LLVM::LLVMDialect"];
  let statistics = [
    Statistic<"numAppends", "appends", "Number of cache writes lowered">,
    Statistic<"numCombined", "combined", "Number of attentions combined from their parts over the keys">,
    Statistic<"numTiled", "tiled", "Number of attentions lowered with queries in the lanes">,
    Statistic<"numSingle", "single", "Number of attentions lowered for one query">,
  ];
}

#endif // TENON_CONVERSION_KERNELPASSES_TD
