// A row of weights in blocks asks for memory where the target says so or weights are bytes, several rows always, of plain
// numbers more than six; upper half-bytes of one row are not shifted, each.
// RUN: tenon-opt %s --tenon-select-tiles --tenon-linear-to-vector --tenon-unroll --tenon-unpack-to-vector --split-input-file | FileCheck %s

#alone = #tenon.target<cpu = "znver4", features = "", vector_bits = 512, registers = 32, l1 = 32768, l2 = 1048576, l3 = 33554432, extensions = ["ssse3", "avx", "avx2", "fma", "avx512f", "avx512bw", "avx512dq", "avx512vl", "avx512vnni", "avx512bf16"]>

module attributes {tenon.target = #alone} {
  // One group of 16 columns: two shifts, of the start by the zero point and of the sum of upper half-bytes.
  // CHECK-LABEL: func.func @alone
  // CHECK-NOT: memref.prefetch
  // CHECK: llvm.fence syncscope("singlethread")
  // CHECK-NOT: arith.shrui
  // CHECK-COUNT-8: micro.dot4_i8
  // CHECK: arith.shrsi
  // CHECK-NEXT: arith.addi
  // CHECK-NEXT: arith.sitofp
  // CHECK-NOT: memref.prefetch
  func.func @alone(%x: memref<1x64x!tenon.int8_group>, %w: memref<1x32x!tenon.superblock<q4_0, 32>>, %y: memref<1x32xf32>) {
    tenon.linear %x, %w into %y {tile = #tenon.tile<columns = 32>} : (memref<1x64x!tenon.int8_group>, memref<1x32x!tenon.superblock<q4_0, 32>>, memref<1x32xf32>) -> ()
    return
  }
  // Bytes have one product in a line: it asks for the next superblock, of 2176 bytes.
  // CHECK-LABEL: func.func @bytes_alone
  // CHECK: %[[NEXT:.*]] = arith.addi %{{.*}}, %c1
  // CHECK: memref.prefetch %{{.*}}[%{{.*}}, %[[NEXT]], %{{.*}}], read, locality<2>, data
  func.func @bytes_alone(%x: memref<1x64x!tenon.int8_group>, %w: memref<1x32x!tenon.superblock<q8_0, 32>>, %y: memref<1x32xf32>) {
    tenon.linear %x, %w into %y {tile = #tenon.tile<columns = 32>} : (memref<1x64x!tenon.int8_group>, memref<1x32x!tenon.superblock<q8_0, 32>>, memref<1x32xf32>) -> ()
    return
  }
  // Half-bytes have eight products in a line with four rows, bytes two with two: early and for the second cache, or later
  // and for the first.
  // CHECK-LABEL: func.func @several
  // CHECK: memref.prefetch {{.*}}, read, locality<2>, data
  func.func @several(%x: memref<4x64x!tenon.int8_group>, %w: memref<1x32x!tenon.superblock<q4_0, 32>>, %y: memref<4x32xf32>) {
    tenon.linear %x, %w into %y {tile = #tenon.tile<rows = 4, columns = 32>} : (memref<4x64x!tenon.int8_group>, memref<1x32x!tenon.superblock<q4_0, 32>>, memref<4x32xf32>) -> ()
    return
  }
  // Plain numbers have a product in a line for each row.
  // CHECK-LABEL: func.func @eight
  // CHECK: memref.prefetch {{.*}}, read, locality<2>, data
  func.func @eight(%x: memref<8x64xf32>, %w: memref<1x64x32x1xf32>, %y: memref<8x32xf32>) {
    tenon.linear %x, %w into %y {tile = #tenon.tile<rows = 8, columns = 32>} : (memref<8x64xf32>, memref<1x64x32x1xf32>, memref<8x32xf32>) -> ()
    return
  }
  // Halves have 32 numbers in a line, two vectors: two products a row, and asked for once.
  // CHECK-LABEL: func.func @halves
  // CHECK-COUNT-1: memref.prefetch {{.*}}, read, locality<2>, data
  // CHECK-NOT: memref.prefetch
  // CHECK: return
  func.func @halves(%x: memref<4x64xf32>, %w: memref<1x64x32x1xf16>, %y: memref<4x32xf32>) {
    tenon.linear %x, %w into %y {tile = #tenon.tile<rows = 4, columns = 32>} : (memref<4x64xf32>, memref<1x64x32x1xf16>, memref<4x32xf32>) -> ()
    return
  }
  // CHECK-LABEL: func.func @six
  // CHECK-NOT: memref.prefetch
  // CHECK: return
  func.func @six(%x: memref<6x64xf32>, %w: memref<1x64x32x1xf32>, %y: memref<6x32xf32>) {
    tenon.linear %x, %w into %y {tile = #tenon.tile<rows = 6, columns = 32>} : (memref<6x64xf32>, memref<1x64x32x1xf32>, memref<6x32xf32>) -> ()
    return
  }
  // CHECK-LABEL: func.func @two
  // CHECK: memref.prefetch {{.*}}, read, locality<3>, data
  func.func @two(%x: memref<2x64x!tenon.int8_group>, %w: memref<1x32x!tenon.superblock<q8_0, 32>>, %y: memref<2x32xf32>) {
    tenon.linear %x, %w into %y {tile = #tenon.tile<rows = 2, columns = 32>} : (memref<2x64x!tenon.int8_group>, memref<1x32x!tenon.superblock<q8_0, 32>>, memref<2x32xf32>) -> ()
    return
  }
}

// -----

#asks = #tenon.target<cpu = "znver5", features = "", vector_bits = 512, registers = 32, l1 = 49152, l2 = 1048576, l3 = 33554432, tuning = <prefetch_distance = 3072>, extensions = ["ssse3", "avx", "avx2", "fma", "avx512f", "avx512bw", "avx512dq", "avx512vl", "avx512vnni", "avx512bf16"]>

module attributes {tenon.target = #asks} {
  // CHECK-LABEL: func.func @asks
  // CHECK: memref.prefetch {{.*}}, read, locality<3>, data
  func.func @asks(%x: memref<1x64x!tenon.int8_group>, %w: memref<1x32x!tenon.superblock<q4_0, 32>>, %y: memref<1x32xf32>) {
    tenon.linear %x, %w into %y {tile = #tenon.tile<columns = 32>} : (memref<1x64x!tenon.int8_group>, memref<1x32x!tenon.superblock<q4_0, 32>>, memref<1x32xf32>) -> ()
    return
  }
  // 16 bits: two sums for each.
  // CHECK-LABEL: func.func @residual
  // CHECK-COUNT-16: micro.dot4_i8
  // CHECK: arith.shli
  // CHECK: arith.sitofp
  func.func @residual(%x: memref<1x64x!tenon.int8_group<residual>>, %w: memref<1x32x!tenon.superblock<q8_0, 32>>, %y: memref<1x32xf32>) {
    tenon.linear %x, %w into %y {tile = #tenon.tile<columns = 32>} : (memref<1x64x!tenon.int8_group<residual>>, memref<1x32x!tenon.superblock<q8_0, 32>>, memref<1x32xf32>) -> ()
    return
  }
}
