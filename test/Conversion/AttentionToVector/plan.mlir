// RUN: tenon-opt %s --tenon-pipeline="from=tiled to=micro" --tenon-unroll --canonicalize --cse | FileCheck %s

// Each field of a plan, and the keys of a block, make another kernel.

#avx2 = #tenon.target<cpu = "znver3", features = "", vector_bits = 256, registers = 16, l1 = 32768, l2 = 524288, l3 = 33554432, extensions = ["ssse3", "avx", "avx2", "fma"]>
module attributes {tenon.target = #avx2} {
  // Two keys with two vectors of queries each.
  // CHECK-LABEL: func.func @keys(
  // CHECK: scf.for {{.*}} to %c128 step %c2
  // CHECK: %{{.*}}:4 = scf.for {{.*}} to %c32 step %c1
  func.func @keys(%q: memref<4x?x32xf32>, %k: memref<1x16x32x16xf32>, %v: memref<1x256x32xf32>, %p: index, %l: index, %o: memref<4x?x32xf32>) {
    tenon.block_attention %q, %k, %v at %p length %l into %o {causal, plan = #tenon.attention_plan<keys = 2>, scale = 1.0 : f32, tile = #tenon.tile<rows = 16, columns = 128>} : memref<4x?x32xf32>, memref<1x16x32x16xf32>, memref<1x256x32xf32>, memref<4x?x32xf32>
    return
  }

  // Blocks of three keys, and two that are left of 128.
  // CHECK-LABEL: func.func @keys_left(
  // CHECK: scf.for {{.*}} to %c126 step %c3
  // CHECK: %{{.*}}:6 = scf.for {{.*}} to %c32 step %c1
  // CHECK: %{{.*}}:4 = scf.for {{.*}} to %c32 step %c1
  func.func @keys_left(%q: memref<4x?x32xf32>, %k: memref<1x16x32x16xf32>, %v: memref<1x256x32xf32>, %p: index, %l: index, %o: memref<4x?x32xf32>) {
    tenon.block_attention %q, %k, %v at %p length %l into %o {causal, plan = #tenon.attention_plan<keys = 3>, scale = 1.0 : f32, tile = #tenon.tile<rows = 16, columns = 128>} : memref<4x?x32xf32>, memref<1x16x32x16xf32>, memref<1x256x32xf32>, memref<4x?x32xf32>
    return
  }

  // Three components, and two that are left of 32.
  // CHECK-LABEL: func.func @components(
  // CHECK: scf.for {{.*}} to %c30 step %c3
  // CHECK: %{{.*}}:6 = scf.for
  // CHECK: %{{.*}}:4 = scf.for
  func.func @components(%q: memref<4x?x32xf32>, %k: memref<1x16x32x16xf32>, %v: memref<1x256x32xf32>, %p: index, %l: index, %o: memref<4x?x32xf32>) {
    tenon.block_attention %q, %k, %v at %p length %l into %o {causal, plan = #tenon.attention_plan<components = 3>, scale = 1.0 : f32, tile = #tenon.tile<rows = 16, columns = 128>} : memref<4x?x32xf32>, memref<1x16x32x16xf32>, memref<1x256x32xf32>, memref<4x?x32xf32>
    return
  }

  // Two of four heads that share keys.
  // CHECK-LABEL: func.func @heads(
  // CHECK: scf.for {{.*}} to %c4 step %c2
  // CHECK: memref.alloca() {{.*}} : memref<2x128xf32>
  func.func @heads(%q: memref<4x1x32xf32>, %k: memref<1x16x32x16xf32>, %v: memref<1x256x32xf32>, %p: index, %l: index, %o: memref<4x1x32xf32>) {
    tenon.block_attention %q, %k, %v at %p length %l into %o {causal, plan = #tenon.attention_plan<heads = 2>, scale = 1.0 : f32, tile = #tenon.tile<columns = 128>} : memref<4x1x32xf32>, memref<1x16x32x16xf32>, memref<1x256x32xf32>, memref<4x1x32xf32>
    return
  }

  // Of several queries those that divide the heads which share keys: a block of
  // f16 is converted once for three of six.
  // CHECK-LABEL: func.func @heads_together(
  // CHECK: memref.alloca() {{.*}} : memref<3x32x16xf32>
  // CHECK: scf.for {{.*}} step %c128
  // CHECK: arith.extf
  // CHECK: scf.for {{.*}} to %c3 step %c1
  // CHECK: math.roundeven
  // CHECK-NOT: arith.extf
  func.func @heads_together(%q: memref<6x?x32xf32>, %k: memref<1x16x32x16xf16>, %v: memref<1x256x32xf16>, %p: index, %l: index, %o: memref<6x?x32xf32>) {
    tenon.block_attention %q, %k, %v at %p length %l into %o {causal, plan = #tenon.attention_plan<heads = 4>, scale = 1.0 : f32, tile = #tenon.tile<rows = 16, columns = 128>} : memref<6x?x32xf32>, memref<1x16x32x16xf16>, memref<1x256x32xf16>, memref<6x?x32xf32>
    return
  }

  // A line of values for each component of 16 keys, and the next block's keys.
  // CHECK-LABEL: func.func @prefetch(
  // CHECK: memref.prefetch {{.*}} locality<2>, data : memref<1x256x32xf32>
  // CHECK: math.roundeven
  // CHECK: memref.prefetch {{.*}} locality<2>, data : memref<1x16x32x16xf32>
  func.func @prefetch(%q: memref<4x1x32xf32>, %k: memref<1x16x32x16xf32>, %v: memref<1x256x32xf32>, %p: index, %l: index, %o: memref<4x1x32xf32>) {
    tenon.block_attention %q, %k, %v at %p length %l into %o {causal, plan = #tenon.attention_plan<prefetch = 2>, scale = 1.0 : f32, tile = #tenon.tile<columns = 128>} : memref<4x1x32xf32>, memref<1x16x32x16xf32>, memref<1x256x32xf32>, memref<4x1x32xf32>
    return
  }

  // Four sums of scores: 16 keys, two vectors, for two heads; with eight, 32 keys.
  // CHECK-LABEL: func.func @score_sums(
  // CHECK: scf.for {{.*}} step %c16
  // CHECK: %{{.*}}:4 = scf.for {{.*}} to %c32 step %c1
  func.func @score_sums(%q: memref<4x1x32xf32>, %k: memref<1x16x32x16xf32>, %v: memref<1x256x32xf32>, %p: index, %l: index, %o: memref<4x1x32xf32>) {
    tenon.block_attention %q, %k, %v at %p length %l into %o {causal, plan = #tenon.attention_plan<heads = 2, score_sums = 4>, scale = 1.0 : f32, tile = #tenon.tile<columns = 128>} : memref<4x1x32xf32>, memref<1x16x32x16xf32>, memref<1x256x32xf32>, memref<4x1x32xf32>
    return
  }

  // CHECK-LABEL: func.func @more_score_sums(
  // CHECK: scf.for {{.*}} step %c32
  // CHECK: %{{.*}}:8 = scf.for {{.*}} to %c32 step %c1
  func.func @more_score_sums(%q: memref<4x1x32xf32>, %k: memref<1x16x32x16xf32>, %v: memref<1x256x32xf32>, %p: index, %l: index, %o: memref<4x1x32xf32>) {
    tenon.block_attention %q, %k, %v at %p length %l into %o {causal, plan = #tenon.attention_plan<heads = 2, score_sums = 8>, scale = 1.0 : f32, tile = #tenon.tile<columns = 128>} : memref<4x1x32xf32>, memref<1x16x32x16xf32>, memref<1x256x32xf32>, memref<4x1x32xf32>
    return
  }

  // Two of four vectors of outputs and their sum, then the others, for each head.
  // CHECK-LABEL: func.func @output_sums(
  // CHECK: math.roundeven
  // CHECK: scf.for {{.*}} step %c8
  // CHECK: %{{.*}}:3 = scf.for
  // CHECK: %{{.*}}:2 = scf.for
  // CHECK: %{{.*}}:3 = scf.for
  func.func @output_sums(%q: memref<4x1x32xf32>, %k: memref<1x16x32x16xf32>, %v: memref<1x256x32xf32>, %p: index, %l: index, %o: memref<4x1x32xf32>) {
    tenon.block_attention %q, %k, %v at %p length %l into %o {causal, plan = #tenon.attention_plan<output_sums = 3>, scale = 1.0 : f32, tile = #tenon.tile<columns = 128>} : memref<4x1x32xf32>, memref<1x16x32x16xf32>, memref<1x256x32xf32>, memref<4x1x32xf32>
    return
  }

  // Blocks of 32 keys, of several queries and of one.
  // CHECK-LABEL: func.func @block(
  // CHECK: memref.alloca() {{.*}} : memref<32x16xf32>
  // CHECK-NOT: memref<128x16xf32>
  // CHECK: scf.for {{.*}} step %c32 {
  func.func @block(%q: memref<4x?x8xf32>, %k: memref<1x16x8x16xf32>, %v: memref<1x256x8xf32>, %p: index, %l: index, %o: memref<4x?x8xf32>) {
    tenon.block_attention %q, %k, %v at %p length %l into %o {causal, plan = #tenon.attention_plan<>, scale = 1.0 : f32, tile = #tenon.tile<rows = 16, columns = 32>} : memref<4x?x8xf32>, memref<1x16x8x16xf32>, memref<1x256x8xf32>, memref<4x?x8xf32>
    return
  }

  // CHECK-LABEL: func.func @block_of_one(
  // CHECK: memref.alloca() {{.*}} : memref<4x32xf32>
  // CHECK: scf.for {{.*}} step %c32 iter_args
  func.func @block_of_one(%q: memref<4x1x8xf32>, %k: memref<1x16x8x16xf32>, %v: memref<1x256x8xf32>, %p: index, %l: index, %o: memref<4x1x8xf32>) {
    tenon.block_attention %q, %k, %v at %p length %l into %o {causal, plan = #tenon.attention_plan<>, scale = 1.0 : f32, tile = #tenon.tile<columns = 32>} : memref<4x1x8xf32>, memref<1x16x8x16xf32>, memref<1x256x8xf32>, memref<4x1x8xf32>
    return
  }
}
