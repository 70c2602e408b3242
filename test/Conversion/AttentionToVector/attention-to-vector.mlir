// RUN: tenon-opt %s --tenon-select-tiles --tenon-attention-to-vector --tenon-unroll | FileCheck %s

#avx512 = #tenon.target<cpu = "znver5", features = "", vector_bits = 512, registers = 32, l1 = 49152, l2 = 1048576, l3 = 33554432, extensions = ["ssse3", "avx", "avx2", "fma", "avx512f", "avx512bw", "avx512dq", "avx512vl", "avx512bf16"]>
module attributes {tenon.target = #avx512} {
  // CHECK-LABEL: func.func @append
  // CHECK: scf.for %[[G:.*]] =
  // CHECK: scf.for %[[T:.*]] =
  // CHECK: %[[P:.*]] = arith.addi %{{.*}}, %[[T]]
  // CHECK: %[[BLOCK:.*]] = arith.shrui %[[P]]
  // CHECK: %[[LANE:.*]] = arith.andi %[[P]]
  // CHECK: scf.for %[[D:.*]] =
  // CHECK: memref.store %{{.*}}, %{{.*}}[%[[G]], %[[BLOCK]], %[[D]], %[[LANE]]] : memref<2x8x20x16xf32>
  // CHECK: vector.store {{.*}} : memref<2x128x20xf32>
  // CHECK: vector.maskedstore
  func.func @append(%k: memref<2x?x20xf32, strided<[20, 40, 1]>>, %v: memref<2x?x20xf32, strided<[20, 40, 1]>>,
      %keys: memref<2x8x20x16xf32>, %values: memref<2x128x20xf32>, %pos: index) {
    tenon.append_kv %k, %v, %keys, %values at %pos : memref<2x?x20xf32, strided<[20, 40, 1]>>, memref<2x?x20xf32, strided<[20, 40, 1]>>, memref<2x8x20x16xf32>, memref<2x128x20xf32>
    return
  }

  // Queries in the lanes: maxima and sums of a head stand beside its output, from
  // block to block of 128 keys; scores of eight keys at once, with masks only in
  // blocks that need them.
  // CHECK-LABEL: func.func @prefill
  // CHECK: %[[TOP:.*]] = llvm.intr.stacksave
  // CHECK: memref.alloca() {alignment = 64 : i64} : memref<1x64x32xf32>
  // CHECK: memref.alloca() {alignment = 64 : i64} : memref<128x32xf32>
  // CHECK: memref.alloca() {alignment = 64 : i64} : memref<1x64x32xf32>
  // CHECK: memref.alloca() {alignment = 64 : i64} : memref<1x2x32xf32>
  // CHECK: vector.shuffle
  // CHECK: scf.for {{.*}} step %c128
  // CHECK: scf.if
  // CHECK: %{{.*}}:16 = scf.for
  // CHECK-COUNT-16: vector.fma
  // CHECK-NOT: arith.select {{.*}} : vector<16xi1>, vector<16xi32>
  // CHECK: } else {
  // CHECK: %{{.*}}:16 = scf.for
  // CHECK-COUNT-16: vector.fma
  // CHECK: arith.cmpi sle, {{.*}} : vector<16xi32>
  // CHECK: micro.scale {{.*}} {normal}
  // CHECK: vector.store {{.*}} : memref<64x32xf32, strided<[32, 1]{{.*}}>>, vector<16xf32>
  // CHECK: llvm.intr.stackrestore %[[TOP]]
  // CHECK-NOT: tenon.block_attention
  func.func @prefill(%q: memref<1x?x64xf32>, %keys: memref<1x32x64x16xf32>, %values: memref<1x512x64xf32>,
      %o: memref<1x?x64xf32>, %pos: index, %len: index) {
    tenon.block_attention %q, %keys, %values at %pos length %len into %o {causal, scale = 0.125 : f32, tile = #tenon.tile<rows = 32, columns = 128>} : memref<1x?x64xf32>, memref<1x32x64x16xf32>, memref<1x512x64xf32>, memref<1x?x64xf32>
    return
  }

  // One query: four heads share a register of keys, four transposed blocks at a
  // time; the sum of a head's probabilities is carried beside its outputs.
  // CHECK-LABEL: func.func @decode
  // CHECK: memref.alloca() {alignment = 64 : i64} : memref<4x128xf32>
  // CHECK: memref.alloca() {alignment = 64 : i64} : memref<4x64xf32>
  // CHECK: %{{.*}}:8 = scf.for {{.*}} step %c128
  // CHECK: %{{.*}}:4 = scf.for {{.*}} step %c64
  // CHECK: %{{.*}}:16 = scf.for
  // CHECK-COUNT-4: vector.load {{.*}} : memref<1x32x64x16xf32>, vector<16xf32>
  // CHECK-COUNT-16: vector.fma
  // CHECK: vector.extract_strided_slice
  // CHECK: %{{.*}}:20 = scf.for
  // CHECK-COUNT-4: vector.load {{.*}} : memref<1x512x64xf32>, vector<16xf32>
  // CHECK-COUNT-4: vector.fma
  // CHECK-NEXT: arith.addf
  // CHECK-NOT: tenon.block_attention
  func.func @decode(%q: memref<4x1x64xf32>, %keys: memref<1x32x64x16xf32>, %values: memref<1x512x64xf32>,
      %o: memref<4x1x64xf32>, %pos: index, %len: index) {
    tenon.block_attention %q, %keys, %values at %pos length %len into %o {causal, scale = 0.125 : f32, tile = #tenon.tile<rows = 1, columns = 128>} : memref<4x1x64xf32>, memref<1x32x64x16xf32>, memref<1x512x64xf32>, memref<4x1x64xf32>
    return
  }

  // A window starts the loop over blocks later; padding is a mask in every
  // block.
  // CHECK-LABEL: func.func @window
  // CHECK: %[[OLDEST:.*]] = arith.maxsi
  // CHECK: %[[BEGIN:.*]] = arith.andi %[[OLDEST]], %c-128
  // CHECK: scf.for {{.*}} = %[[BEGIN]] to
  // CHECK-NOT: scf.if
  // CHECK: memref.load {{.*}} : memref<512xi32>
  func.func @window(%q: memref<1x?x8xf32>, %keys: memref<1x32x8x16xf32>, %values: memref<1x512x8xf32>,
      %valid: memref<512xi32>, %o: memref<1x?x8xf32>, %pos: index, %len: index) {
    tenon.block_attention %q, %keys, %values at %pos length %len valid(%valid : memref<512xi32>) into %o {causal, scale = 0.125 : f32, window = 100 : i64} : memref<1x?x8xf32>, memref<1x32x8x16xf32>, memref<1x512x8xf32>, memref<1x?x8xf32>
    return
  }
}
