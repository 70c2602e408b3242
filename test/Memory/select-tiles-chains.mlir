// RUN: tenon-opt %s --tenon-select-tiles --split-input-file | FileCheck %s

// Tiles of weights in blocks. Without VNNI registers hold the chains of a tile
// alone: two vectors of columns times six rows, or one of two planes (or terms)
// after the other; with residuals of activations as well, three rows. Few rows
// have no more than that. Many rows pass parts of K.
module attributes {tenon.target = #tenon.target<cpu = "znver3", features = "", vector_bits = 256, registers = 16, l1 = 32768, l2 = 524288, l3 = 33554432, tuning = <prefetch_distance = 1024, short_panels = 2>, extensions = ["ssse3", "avx", "avx2", "fma"]>} {
  // CHECK-LABEL: func @chains
  // CHECK: plan = #tenon.plan<{{.*}}depth_block = 256{{.*}}>, tile = #tenon.tile<rows = 6, columns = 16
  // CHECK: plan = #tenon.plan<{{.*}}depth_block = 256{{.*}}>, tile = #tenon.tile<rows = 6, columns = 16
  // CHECK: tile = #tenon.tile<rows = 3, columns = 16
  // CHECK: tile = #tenon.tile<rows = 6, columns = 16, group = 2>
  func.func @chains(%x: memref<?x4x!tenon.int8_group>, %r: memref<?x4x!tenon.int8_group<residual>>, %f: memref<8x4x!tenon.int8_group>, %w4: memref<2x2x!tenon.superblock<q4_0, 32>>, %w8: memref<2x2x!tenon.superblock<q8_0, 32>>, %y: memref<?x64xf32>, %z: memref<8x64xf32>) {
    tenon.linear %x, %w4 into %y : (memref<?x4x!tenon.int8_group>, memref<2x2x!tenon.superblock<q4_0, 32>>, memref<?x64xf32>) -> ()
    tenon.linear %x, %w8 into %y : (memref<?x4x!tenon.int8_group>, memref<2x2x!tenon.superblock<q8_0, 32>>, memref<?x64xf32>) -> ()
    tenon.linear %r, %w8 into %y : (memref<?x4x!tenon.int8_group<residual>>, memref<2x2x!tenon.superblock<q8_0, 32>>, memref<?x64xf32>) -> ()
    tenon.linear %f, %w4 into %z : (memref<8x4x!tenon.int8_group>, memref<2x2x!tenon.superblock<q4_0, 32>>, memref<8x64xf32>) -> ()
    return
  }
}

// -----

// With VNNI on as many registers there are f32 sums beside the integers.
module attributes {tenon.target = #tenon.target<cpu = "alderlake", features = "", vector_bits = 256, registers = 16, l1 = 32768, l2 = 524288, l3 = 33554432, extensions = ["ssse3", "avx", "avx2", "fma", "avxvnni"]>} {
  // CHECK-LABEL: func @sums
  // CHECK-NOT: depth_block
  // CHECK: tile = #tenon.tile<rows = 3, columns = 16
  // CHECK: tile = #tenon.tile<rows = 8, columns = 16>
  func.func @sums(%x: memref<?x4x!tenon.int8_group>, %f: memref<8x4x!tenon.int8_group>, %w: memref<2x2x!tenon.superblock<q4_0, 32>>, %y: memref<?x64xf32>, %z: memref<8x64xf32>) {
    tenon.linear %x, %w into %y : (memref<?x4x!tenon.int8_group>, memref<2x2x!tenon.superblock<q4_0, 32>>, memref<?x64xf32>) -> ()
    tenon.linear %f, %w into %z : (memref<8x4x!tenon.int8_group>, memref<2x2x!tenon.superblock<q4_0, 32>>, memref<8x64xf32>) -> ()
    return
  }
}
