// RUN: tenon-opt %s --tenon-micro-to-arm --split-input-file | FileCheck %s

// The rows of the table, by extension. Scalars have one of their own; nothing multiplies by a power of two.

#i8mm = #tenon.target<cpu = "neoverse-v2", features = "", vector_bits = 128, registers = 32, l1 = 65536, l2 = 1048576, l3 = 33554432, triple = "aarch64-unknown-linux-gnu", extensions = ["fp-armv8", "neon", "dotprod", "i8mm", "bf16"]>
module attributes {tenon.target = #i8mm} {
  // CHECK-LABEL: func @i8mm
  // CHECK: llvm.call_intrinsic "llvm.aarch64.neon.usdot"(%arg0, %arg1, %arg1) :
  // CHECK: llvm.call_intrinsic "llvm.aarch64.neon.sdot"(%arg0, %arg1, %arg1) :
  // CHECK: %[[ODD:.*]] = llvm.call_intrinsic "llvm.aarch64.neon.bfmlalt"(%arg2, %arg3, %arg3)
  // CHECK: llvm.call_intrinsic "llvm.aarch64.neon.bfmlalb"(%[[ODD]], %arg3, %arg3)
  // CHECK: %[[TABLE:.*]] = arith.constant dense<[0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12]> : vector<16xi8>
  // CHECK: llvm.call_intrinsic "llvm.aarch64.neon.tbl1"(%[[TABLE]], %arg1)
  // CHECK: llvm.call_intrinsic "llvm.aarch64.neon.fcvtns"(%arg2) : (vector<4xf32>) -> vector<4xi32>
  // CHECK: llvm.call_intrinsic "llvm.aarch64.neon.fcvtns"(%arg4) : (f32) -> i32
  // CHECK: micro.scale
  // CHECK: micro.dot2_i8
  func.func @i8mm(%s: vector<4xi32>, %b: vector<16xi8>, %f: vector<4xf32>, %p: vector<8xbf16>, %x: f32) {
    %0 = micro.dot4_i8 %s, %b, %b : vector<4xi32>, vector<16xi8>
    %1 = micro.dot4_s8 %s, %b, %b : vector<4xi32>, vector<16xi8>
    %2 = micro.dot2_bf16 %f, %p, %p : vector<4xf32>, vector<8xbf16>
    %3 = micro.lookup %b in [0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12] : vector<16xi8>
    %4 = micro.round %f : vector<4xf32> -> vector<4xi32>
    %5 = micro.round %x : f32 -> i32
    %6 = micro.scale %f, %f : vector<4xf32>
    %7 = micro.dot2_i8 %b, %b : vector<16xi8> -> vector<8xi16>
    return
  }
}

// -----

// With dotprod alone bytes of different signs, and pairs of bf16, are left.
#dotprod = #tenon.target<cpu = "neoverse-n1", features = "", vector_bits = 128, registers = 32, l1 = 65536, l2 = 1048576, l3 = 33554432, triple = "aarch64-unknown-linux-gnu", extensions = ["fp-armv8", "neon", "dotprod"]>
module attributes {tenon.target = #dotprod} {
  // CHECK-LABEL: func @dotprod
  // CHECK: micro.dot4_i8
  // CHECK: llvm.call_intrinsic "llvm.aarch64.neon.sdot"
  // CHECK: micro.dot2_bf16
  func.func @dotprod(%s: vector<4xi32>, %b: vector<16xi8>, %f: vector<4xf32>, %p: vector<8xbf16>) {
    %0 = micro.dot4_i8 %s, %b, %b : vector<4xi32>, vector<16xi8>
    %1 = micro.dot4_s8 %s, %b, %b : vector<4xi32>, vector<16xi8>
    %2 = micro.dot2_bf16 %f, %p, %p : vector<4xf32>, vector<8xbf16>
    return
  }
}

// -----

// Any AArch64: products in twice as many bits, of the lower and the upper halves, added up in pairs.
#neon = #tenon.target<cpu = "generic", features = "", vector_bits = 128, registers = 32, l1 = 32768, l2 = 524288, l3 = 4194304, triple = "aarch64-unknown-linux-gnu", extensions = ["fp-armv8", "neon"]>
module attributes {tenon.target = #neon} {
  // CHECK-LABEL: func @neon
  // CHECK: %[[A:.*]] = vector.extract_strided_slice %arg1 {offsets = [0], sizes = [8], strides = [1]}
  // CHECK: %[[B:.*]] = vector.extract_strided_slice %arg1 {offsets = [0], sizes = [8], strides = [1]}
  // CHECK: %[[LOW:.*]] = llvm.call_intrinsic "llvm.aarch64.neon.smull"(%[[A]], %[[B]]) : (vector<8xi8>, vector<8xi8>) -> vector<8xi16>
  // CHECK: %[[LOWS:.*]] = llvm.call_intrinsic "llvm.aarch64.neon.saddlp"(%[[LOW]]) : (vector<8xi16>) -> vector<4xi32>
  // CHECK: %[[HIGH:.*]] = llvm.call_intrinsic "llvm.aarch64.neon.smull"
  // CHECK: %[[HIGHS:.*]] = llvm.call_intrinsic "llvm.aarch64.neon.saddlp"(%[[HIGH]])
  // CHECK: %[[QUADS:.*]] = llvm.call_intrinsic "llvm.aarch64.neon.addp"(%[[LOWS]], %[[HIGHS]])
  // CHECK: arith.addi %arg0, %[[QUADS]]
  // CHECK-COUNT-2: llvm.call_intrinsic "llvm.aarch64.neon.smull"({{.*}}) : (vector<4xi16>, vector<4xi16>) -> vector<4xi32>
  // CHECK: llvm.call_intrinsic "llvm.aarch64.neon.addp"
  func.func @neon(%s: vector<4xi32>, %b: vector<16xi8>, %w: vector<8xi16>) {
    %0 = micro.dot4_s8 %s, %b, %b : vector<4xi32>, vector<16xi8>
    %1 = micro.dot2_i16 %s, %w, %w : vector<4xi32>, vector<8xi16>
    return
  }
}

// -----

// Another architecture's, and what has no target, are left.
#x86 = #tenon.target<cpu = "znver4", features = "", vector_bits = 128, registers = 32, l1 = 32768, l2 = 1048576, l3 = 33554432, extensions = ["fma", "avx512f", "avx512bw", "avx512dq", "avx512vl", "avx512bf16"]>
module attributes {tenon.target = #x86} {
  // CHECK-LABEL: func @x86
  // CHECK: micro.round
  func.func @x86(%f: vector<4xf32>) {
    %0 = micro.round %f : vector<4xf32> -> vector<4xi32>
    return
  }
}

// -----

module {
  // CHECK-LABEL: func @none
  // CHECK: micro.round
  func.func @none(%f: vector<4xf32>) {
    %0 = micro.round %f : vector<4xf32> -> vector<4xi32>
    return
  }
}
