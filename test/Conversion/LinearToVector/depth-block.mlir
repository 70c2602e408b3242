// RUN: tenon-opt %s --tenon-linear-to-vector --tenon-unroll --tenon-unpack-to-vector --split-input-file | FileCheck %s

#avx2 = #tenon.target<cpu = "znver3", features = "", vector_bits = 256, registers = 16, l1 = 32768, l2 = 524288, l3 = 33554432, extensions = ["ssse3", "avx", "avx2", "fma"]>
module attributes {tenon.target = #avx2} {
  // Four tiles of rows pass 16 of 40 numbers along K, then the next, then the 8
  // that are left; their sums are in memory in between, which start from zero
  // and end in the epilogue.
  // CHECK-LABEL: func.func @parts
  // CHECK: %[[SUMS:.*]] = memref.alloca() {{.*}}"sums of tiles"{{.*}} : memref<4x12x8xf32>
  // CHECK: scf.for %[[FIRST:.*]] = %{{.*}} to %{{.*}} step %c24
  // CHECK: %[[END:.*]] = arith.minui
  // CHECK: scf.for {{.*}} = %[[FIRST]] to %[[END]] step %c6
  // CHECK-COUNT-12: vector.store %{{.*}}, %[[SUMS]]
  // CHECK: scf.for {{.*}} to %c40{{.*}} step %c16
  // CHECK: scf.for {{.*}} = %[[FIRST]] to %[[END]] step %c6
  // CHECK-COUNT-12: vector.load %[[SUMS]]
  // CHECK: %{{.*}}:12 = scf.for
  // CHECK-COUNT-12: vector.fma
  // CHECK-NOT: vector.fma
  // CHECK-COUNT-12: vector.store %{{.*}}, %[[SUMS]]
  // CHECK: scf.for {{.*}} = %[[FIRST]] to %[[END]] step %c6
  // CHECK-COUNT-12: vector.load %[[SUMS]]
  // CHECK-COUNT-12: vector.store %{{.*}} : memref<?x32xf32>
  func.func @parts(%x: memref<?x40xf32>, %w: memref<1x40x32x1xf32>, %y: memref<?x32xf32>) {
    tenon.linear %x, %w into %y {plan = #tenon.plan<depth_block = 16>, tile = #tenon.tile<rows = 6, columns = 16>} : (memref<?x40xf32>, memref<1x40x32x1xf32>, memref<?x32xf32>) -> ()
    return
  }

  // Blocks: parts of superblocks.
  // CHECK-LABEL: func.func @superblocks
  // CHECK: memref.alloca() {{.*}}"sums of tiles"{{.*}} : memref<4x12x8xf32>
  // CHECK: scf.for {{.*}} step %c24
  // CHECK: scf.for {{.*}} to %c4{{.*}} step %c2
  func.func @superblocks(%x: memref<?x8x!tenon.int8_group>, %w: memref<1x4x!tenon.superblock<q4_0, 32>>, %y: memref<?x32xf32>) {
    tenon.linear %x, %w into %y {plan = #tenon.plan<depth_block = 128>, tile = #tenon.tile<rows = 6, columns = 16>} : (memref<?x8x!tenon.int8_group>, memref<1x4x!tenon.superblock<q4_0, 32>>, memref<?x32xf32>) -> ()
    return
  }

  // Not where a part is all of K, nor where steps are pairs and K is odd.
  // CHECK-LABEL: func.func @whole
  // CHECK-NOT: "sums of tiles"
  // CHECK-LABEL: func.func @odd
  // CHECK-NOT: "sums of tiles"
  // CHECK: return
  func.func @whole(%x: memref<?x40xf32>, %w: memref<1x40x32x1xf32>, %y: memref<?x32xf32>) {
    tenon.linear %x, %w into %y {plan = #tenon.plan<depth_block = 40>, tile = #tenon.tile<rows = 6, columns = 16>} : (memref<?x40xf32>, memref<1x40x32x1xf32>, memref<?x32xf32>) -> ()
    return
  }
  func.func @odd(%x: memref<?x39xf32>, %w: memref<1x20x32x2xbf16>, %y: memref<?x32xf32>) {
    tenon.linear %x, %w into %y {plan = #tenon.plan<depth_block = 16>, tile = #tenon.tile<rows = 6, columns = 16>} : (memref<?x39xf32>, memref<1x20x32x2xbf16>, memref<?x32xf32>) -> ()
    return
  }
}

// -----

// With VNNI blocks pass all of K.
#vnni = #tenon.target<cpu = "alderlake", features = "", vector_bits = 256, registers = 16, l1 = 32768, l2 = 1048576, l3 = 33554432, extensions = ["ssse3", "avx", "avx2", "fma", "avxvnni"]>
module attributes {tenon.target = #vnni} {
  // CHECK-LABEL: func.func @vnni
  // CHECK-NOT: "sums of tiles"
  // CHECK: return
  func.func @vnni(%x: memref<?x8x!tenon.int8_group>, %w: memref<1x4x!tenon.superblock<q4_0, 32>>, %y: memref<?x32xf32>) {
    tenon.linear %x, %w into %y {plan = #tenon.plan<depth_block = 128>, tile = #tenon.tile<rows = 3, columns = 16>} : (memref<?x8x!tenon.int8_group>, memref<1x4x!tenon.superblock<q4_0, 32>>, memref<?x32xf32>) -> ()
    return
  }
}
