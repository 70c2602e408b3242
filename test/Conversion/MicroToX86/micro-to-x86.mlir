// RUN: tenon-opt %s --tenon-micro-to-x86 --split-input-file | FileCheck %s

// The rows of the table, by width and extensions.

#avx512 = #tenon.target<cpu = "znver4", features = "", vector_bits = 512, registers = 32, l1 = 32768, l2 = 1048576, l3 = 33554432, extensions = ["ssse3", "avx", "avx2", "fma", "avx512f", "avx512bw", "avx512dq", "avx512vl", "avx512vnni", "avx512bf16"]>
module attributes {tenon.target = #avx512} {
  // CHECK-LABEL: func @avx512
  // CHECK: llvm.call_intrinsic "llvm.x86.avx512.vpdpbusd.512"(%arg0, %arg1, %arg1) :
  // CHECK: llvm.call_intrinsic "llvm.x86.avx512.pmaddubs.w.512"
  // CHECK: llvm.call_intrinsic "llvm.x86.avx512.vpdpwssd.512"(%arg0,
  // CHECK: llvm.call_intrinsic "llvm.x86.avx512bf16.dpbf16ps.512"(%arg2, %arg3, %arg3)
  // CHECK: %[[TABLE:.*]] = arith.constant dense<{{.*}}> : vector<64xi8>
  // CHECK: llvm.call_intrinsic "llvm.x86.avx512.pshuf.b.512"(%[[TABLE]], %arg1)
  // CHECK: llvm.call_intrinsic "llvm.x86.avx512.mask.cvtps2dq.512"(%arg2,
  // CHECK: llvm.call_intrinsic "llvm.x86.avx512.mask.scalef.ps.512"(%arg2, %arg2, %arg2,
  // CHECK-NOT: micro.
  func.func @avx512(%s: vector<16xi32>, %b: vector<64xi8>, %f: vector<16xf32>, %p: vector<32xbf16>) {
    %0 = micro.dot4_i8 %s, %b, %b : vector<16xi32>, vector<64xi8>
    %1 = micro.dot2_i8 %b, %b : vector<64xi8> -> vector<32xi16>
    %2 = micro.dot2_i16 %s, %1, %1 : vector<16xi32>, vector<32xi16>
    %3 = micro.dot2_bf16 %f, %p, %p : vector<16xf32>, vector<32xbf16>
    %4 = micro.lookup %b in [0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12] : vector<64xi8>
    %5 = micro.round %f : vector<16xf32> -> vector<16xi32>
    %6 = micro.scale %f, %f : vector<16xf32>
    return
  }
}

// -----

#vnni = #tenon.target<cpu = "alderlake", features = "", vector_bits = 256, registers = 16, l1 = 32768, l2 = 1048576, l3 = 33554432, extensions = ["ssse3", "avx", "avx2", "fma", "avxvnni"]>
module attributes {tenon.target = #vnni} {
  // CHECK-LABEL: func @vnni
  // CHECK: llvm.call_intrinsic "llvm.x86.avx512.vpdpbusd.256"
  // CHECK: llvm.call_intrinsic "llvm.x86.avx512.vpdpwssd.256"
  func.func @vnni(%s: vector<8xi32>, %b: vector<32xi8>, %w: vector<16xi16>) {
    %0 = micro.dot4_i8 %s, %b, %b : vector<8xi32>, vector<32xi8>
    %1 = micro.dot2_i16 %s, %w, %w : vector<8xi32>, vector<16xi16>
    return
  }
}

// -----

// Half as wide as its vectors could be: the row needs both extensions.
#half = #tenon.target<cpu = "", features = "", vector_bits = 256, registers = 32, l1 = 32768, l2 = 1048576, l3 = 33554432, extensions = ["ssse3", "avx", "avx2", "fma", "avx512f", "avx512vl", "avx512vnni"]>
module attributes {tenon.target = #half} {
  // CHECK-LABEL: func @half
  // CHECK: llvm.call_intrinsic "llvm.x86.avx512.vpdpbusd.256"
  func.func @half(%s: vector<8xi32>, %b: vector<32xi8>) {
    %0 = micro.dot4_i8 %s, %b, %b : vector<8xi32>, vector<32xi8>
    return
  }
}

// -----

#lacks = #tenon.target<cpu = "", features = "", vector_bits = 256, registers = 32, l1 = 32768, l2 = 1048576, l3 = 33554432, extensions = ["ssse3", "avx", "avx2", "fma", "avx512f", "avx512vnni"]>
module attributes {tenon.target = #lacks} {
  // CHECK-LABEL: func @lacks
  // CHECK-NOT: vpdpbusd
  // CHECK: llvm.call_intrinsic "llvm.x86.avx2.pmadd.wd"
  func.func @lacks(%s: vector<8xi32>, %b: vector<32xi8>) {
    %0 = micro.dot4_i8 %s, %b, %b : vector<8xi32>, vector<32xi8>
    return
  }
}

// -----

// No instruction multiplies by a power of two or pairs of bf16: they are left, as are scalars.
#avx2 = #tenon.target<cpu = "haswell", features = "", vector_bits = 256, registers = 16, l1 = 32768, l2 = 262144, l3 = 8388608, extensions = ["ssse3", "avx", "avx2", "fma"]>
module attributes {tenon.target = #avx2} {
  // CHECK-LABEL: func @avx2
  // CHECK: llvm.call_intrinsic "llvm.x86.avx2.pmadd.ub.sw"
  // CHECK: %[[PAIRS:.*]] = llvm.call_intrinsic "llvm.x86.avx2.pmadd.wd"
  // CHECK: arith.addi %arg0, %[[PAIRS]]
  // CHECK: llvm.call_intrinsic "llvm.x86.avx2.pshuf.b"
  // CHECK: llvm.call_intrinsic "llvm.x86.avx.cvt.ps2dq.256"
  // CHECK: micro.scale
  // CHECK: micro.dot2_bf16
  // CHECK: micro.round %{{.*}} : f32
  func.func @avx2(%s: vector<8xi32>, %b: vector<32xi8>, %f: vector<8xf32>, %p: vector<16xbf16>, %x: f32) {
    %1 = micro.dot2_i8 %b, %b : vector<32xi8> -> vector<16xi16>
    %2 = micro.dot2_i16 %s, %1, %1 : vector<8xi32>, vector<16xi16>
    %4 = micro.lookup %b in [0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12] : vector<32xi8>
    %5 = micro.round %f : vector<8xf32> -> vector<8xi32>
    %6 = micro.scale %f, %f : vector<8xf32>
    %7 = micro.dot2_bf16 %f, %p, %p : vector<8xf32>, vector<16xbf16>
    %8 = micro.round %x : f32 -> i32
    return
  }
}

// -----

// Four products of bytes are two times two of 16 bits; no SSSE3, no lookup.
#sse2 = #tenon.target<cpu = "x86-64", features = "", vector_bits = 128, registers = 16, l1 = 32768, l2 = 262144, l3 = 8388608>
module attributes {tenon.target = #sse2} {
  // CHECK-LABEL: func @sse2
  // CHECK: arith.shrui
  // CHECK: arith.shrsi
  // CHECK-COUNT-2: llvm.call_intrinsic "llvm.x86.sse2.pmadd.wd"
  // CHECK: micro.dot2_i8
  // CHECK: micro.lookup
  // CHECK: llvm.call_intrinsic "llvm.x86.sse2.cvtps2dq"
  func.func @sse2(%s: vector<4xi32>, %b: vector<16xi8>, %f: vector<4xf32>) {
    %0 = micro.dot4_i8 %s, %b, %b : vector<4xi32>, vector<16xi8>
    %1 = micro.dot2_i8 %b, %b : vector<16xi8> -> vector<8xi16>
    %2 = micro.lookup %b in [0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12] : vector<16xi8>
    %3 = micro.round %f : vector<4xf32> -> vector<4xi32>
    return
  }
}

// -----

// Without a target there is no instruction.
module {
  // CHECK-LABEL: func @none
  // CHECK: micro.round
  func.func @none(%f: vector<4xf32>) -> vector<4xi32> {
    %0 = micro.round %f : vector<4xf32> -> vector<4xi32>
    return %0 : vector<4xi32>
  }
}
