// RUN: tenon-opt %s --tenon-select-tiles --split-input-file | FileCheck %s

// A plan is made of the target's tuning, its registers and the weights' format; one that is there is kept.

#zen4 = #tenon.target<cpu = "znver4", features = "", vector_bits = 512, registers = 32, l1 = 32768, l2 = 1048576, l3 = 33554432, extensions = ["ssse3", "avx", "avx2", "fma", "avx512f", "avx512bw", "avx512dq", "avx512vl", "avx512vnni", "avx512bf16"]>
module attributes {tenon.target = #zen4} {
  // Several rows ask, near for the first-level cache, with four products in a line far for the second; panels of more than
  // half of the first-level cache are worth asking for.
  // CHECK-LABEL: func @many
  // CHECK: plan = #tenon.plan<stream_rows = 4, prefetch = [#tenon.prefetch<rows = 7, distance = 8192, cache = 2>]>
  // CHECK: plan = #tenon.plan<stream_rows = 4, unpack_from = 40, split_rows = 2, prefetch = [#tenon.prefetch<rows = 2, distance = 8192, cache = 2>]>
  // CHECK: plan = #tenon.plan<stream_rows = 4, next_panels = true, prefetch = [#tenon.prefetch<distance = 1, cache = 2>, #tenon.prefetch<rows = 2, distance = 3072>, #tenon.prefetch<rows = 4, distance = 8192, cache = 2>]>
  func.func @many(%f: memref<?x64xf32>, %x: memref<?x4x!tenon.int8_group>, %z: memref<?x64x!tenon.int8_group>, %w: memref<1x64x32x1xf32>, %w4: memref<1x2x!tenon.superblock<q4_0, 32>>, %w8: memref<1x32x!tenon.superblock<q8_0, 32>>, %y: memref<?x32xf32>) {
    tenon.linear %f, %w into %y : (memref<?x64xf32>, memref<1x64x32x1xf32>, memref<?x32xf32>) -> ()
    tenon.linear %x, %w4 into %y : (memref<?x4x!tenon.int8_group>, memref<1x2x!tenon.superblock<q4_0, 32>>, memref<?x32xf32>) -> ()
    tenon.linear %z, %w8 into %y : (memref<?x64x!tenon.int8_group>, memref<1x32x!tenon.superblock<q8_0, 32>>, memref<?x32xf32>) -> ()
    return
  }
  // Rows that are known: all are one tile, or at most two streaming ones.
  // CHECK-LABEL: func @known
  // CHECK: plan = #tenon.plan<panels = 1, split_rows = 2>, tile
  // CHECK: plan = #tenon.plan<stream_rows = 4, unpack_from = 9, split_rows = 2,
  // CHECK: plan = #tenon.plan<chains = 7>, tile
  func.func @known(%x: memref<1x4x!tenon.int8_group>, %z: memref<9x4x!tenon.int8_group>, %w: memref<1x2x!tenon.superblock<q4_0, 32>>, %y: memref<1x32xf32>, %v: memref<9x32xf32>) {
    tenon.linear %x, %w into %y : (memref<1x4x!tenon.int8_group>, memref<1x2x!tenon.superblock<q4_0, 32>>, memref<1x32xf32>) -> ()
    tenon.linear %z, %w into %v : (memref<9x4x!tenon.int8_group>, memref<1x2x!tenon.superblock<q4_0, 32>>, memref<9x32xf32>) -> ()
    tenon.linear %x, %w into %y {plan = #tenon.plan<chains = 7>} : (memref<1x4x!tenon.int8_group>, memref<1x2x!tenon.superblock<q4_0, 32>>, memref<1x32xf32>) -> ()
    return
  }
  // CHECK-LABEL: func @attention
  // CHECK: plan = #tenon.attention_plan<keys = 8, components = 8, score_sums = 16, output_sums = 24>, scale
  // CHECK: plan = #tenon.attention_plan<heads = 3>, scale
  func.func @attention(%q: memref<4x1x32xf32>, %k: memref<1x16x32x16xf32>, %v: memref<1x256x32xf32>, %p: index, %l: index, %o: memref<4x1x32xf32>) {
    tenon.block_attention %q, %k, %v at %p length %l into %o {causal, scale = 1.0 : f32} : memref<4x1x32xf32>, memref<1x16x32x16xf32>, memref<1x256x32xf32>, memref<4x1x32xf32>
    tenon.block_attention %q, %k, %v at %p length %l into %o {causal, plan = #tenon.attention_plan<heads = 3>, scale = 1.0 : f32} : memref<4x1x32xf32>, memref<1x16x32x16xf32>, memref<1x256x32xf32>, memref<4x1x32xf32>
    return
  }
}

// -----

// Of tuning entries the numbers, whatever they are.
#tuned = #tenon.target<cpu = "znver3", features = "", vector_bits = 256, registers = 16, l1 = 32768, l2 = 524288, l3 = 33554432, tuning = <prefetch_distance = 768, unpack_from = 50, depth_block = 512, depth_tiles = 3, next_steps = 8, plain_products = 3, plain_distance = 4096>, extensions = ["ssse3", "avx", "avx2", "fma"]>
module attributes {tenon.target = #tuned} {
  // CHECK-LABEL: func @tuned
  // CHECK: plan = #tenon.plan<stream_rows = 4, depth_block = 512, depth_tiles = 3, next_steps = 8, prefetch = [#tenon.prefetch<rows = 2, distance = 4096, cache = 2>]>
  // CHECK: plan = #tenon.plan<stream_rows = 4, stream_vectors = 2, unpack_from = 50, depth_block = 512, depth_tiles = 3, next_steps = 8, prefetch = [#tenon.prefetch<distance = 768>]>
  // CHECK: plan = #tenon.plan<panels = 1, stream_vectors = 2, prefetch = [#tenon.prefetch<distance = 768>]>
  func.func @tuned(%f: memref<?x64xf32>, %x: memref<?x4x!tenon.int8_group>, %o: memref<1x4x!tenon.int8_group>, %w: memref<1x64x32x1xf32>, %w4: memref<1x2x!tenon.superblock<q4_0, 32>>, %y: memref<?x32xf32>, %z: memref<1x32xf32>) {
    tenon.linear %f, %w into %y : (memref<?x64xf32>, memref<1x64x32x1xf32>, memref<?x32xf32>) -> ()
    tenon.linear %x, %w4 into %y : (memref<?x4x!tenon.int8_group>, memref<1x2x!tenon.superblock<q4_0, 32>>, memref<?x32xf32>) -> ()
    tenon.linear %o, %w4 into %z : (memref<1x4x!tenon.int8_group>, memref<1x2x!tenon.superblock<q4_0, 32>>, memref<1x32xf32>) -> ()
    return
  }
}

// -----

#zen3 = #tenon.target<cpu = "znver3", features = "", vector_bits = 256, registers = 16, l1 = 32768, l2 = 524288, l3 = 33554432, extensions = ["ssse3", "avx", "avx2", "fma"]>
module attributes {tenon.target = #zen3} {
  // Rows that are known and have 16 bits meet bytes in words, two sums for an output, so that a streaming tile is of four; half-bytes and rows
  // that aren't known stay in tiles of bytes.
  // CHECK-LABEL: func @words
  // CHECK: plan = #tenon.plan<stream_rows = 4, stream_vectors = 2, unpack_from = 9,
  // CHECK: plan = #tenon.plan<panels = 1, stream_vectors = 2,
  // CHECK: plan = #tenon.plan<stream_rows = 2, stream_vectors = 2, unpack_from = 1,
  func.func @words(%x: memref<4x28x!tenon.int8_group<residual>>, %z: memref<?x28x!tenon.int8_group<residual>>, %w: memref<1x14x!tenon.superblock<q8_0, 32>>, %w4: memref<1x14x!tenon.superblock<q4_0, 32>>, %y: memref<4x32xf32>, %v: memref<?x32xf32>) {
    tenon.linear %x, %w into %y : (memref<4x28x!tenon.int8_group<residual>>, memref<1x14x!tenon.superblock<q8_0, 32>>, memref<4x32xf32>) -> ()
    tenon.linear %x, %w4 into %y : (memref<4x28x!tenon.int8_group<residual>>, memref<1x14x!tenon.superblock<q4_0, 32>>, memref<4x32xf32>) -> ()
    tenon.linear %z, %w into %v : (memref<?x28x!tenon.int8_group<residual>>, memref<1x14x!tenon.superblock<q8_0, 32>>, memref<?x32xf32>) -> ()
    return
  }
}
