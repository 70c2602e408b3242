// Many rows ask for the panels of the next task while they compute: few tiles of rows for more lines at a time than many,
// so that all have come. Not if a panel fits half of the first-level cache.
// RUN: tenon-opt %s --tenon-select-tiles --tenon-linear-to-vector --tenon-unroll --tenon-unpack-to-vector | FileCheck %s

module attributes {tenon.target = #tenon.target<cpu = "znver5", features = "", vector_bits = 512, registers = 32, l1 = 49152, l2 = 1048576, l3 = 33554432, extensions = ["ssse3", "avx", "avx2", "fma", "avx512f", "avx512bw", "avx512dq", "avx512vl", "avx512vnni", "avx512bf16"]>} {
  // 96 KiB.
  // CHECK-LABEL: func.func @large
  // CHECK: %[[TILES:.*]] = arith.divui
  // CHECK: %[[ASKS:.*]] = arith.muli %[[TILES]], %c192
  // CHECK: %[[EACH:.*]] = arith.ceildivui %c1536, %[[ASKS]]
  // CHECK: scf.for {{.*}} to %c192
  // CHECK: scf.for {{.*}} to %[[EACH]]
  // CHECK: memref.prefetch {{.*}}, read, locality<2>, data : memref<1x768x32x1xf32>
  // CHECK-COUNT-64: vector.fma
  // An ask in four steps, which divide 768: there is no other loop.
  // CHECK-NOT: memref.prefetch
  func.func @large(%x: memref<?x768xf32>, %w: memref<1x768x32x1xf32>, %y: memref<?x32xf32>) {
    tenon.linear %x, %w into %y {tile = #tenon.tile<rows = 8, columns = 32>} : (memref<?x768xf32>, memref<1x768x32x1xf32>, memref<?x32xf32>) -> ()
    return
  }
  // 8 KiB.
  // CHECK-LABEL: func.func @small
  // CHECK-NOT: memref.prefetch
  func.func @small(%x: memref<?x64xf32>, %w: memref<1x64x32x1xf32>, %y: memref<?x32xf32>) {
    tenon.linear %x, %w into %y {tile = #tenon.tile<rows = 8, columns = 32>} : (memref<?x64xf32>, memref<1x64x32x1xf32>, memref<?x32xf32>) -> ()
    return
  }
  // An ask for each group of 32: 64 groups.
  // CHECK-LABEL: func.func @blocks
  // CHECK: scf.for {{.*}} to %c64
  // CHECK-NEXT: arith.muli
  // CHECK-NEXT: arith.addi
  // CHECK: scf.for
  // CHECK: memref.prefetch {{.*}}, read, locality<2>, data
  // CHECK-COUNT-96: micro.dot4_i8
  func.func @blocks(%x: memref<?x64x!tenon.int8_group>, %w: memref<1x32x!tenon.superblock<q4_0, 32>>, %y: memref<?x32xf32>) {
    tenon.linear %x, %w into %y {tile = #tenon.tile<rows = 6, columns = 32>} : (memref<?x64x!tenon.int8_group>, memref<1x32x!tenon.superblock<q4_0, 32>>, memref<?x32xf32>) -> ()
    return
  }
  // Bytes are read where they are: an ask for each superblock, before its two groups.
  // CHECK-LABEL: func.func @bytes
  // CHECK: scf.for {{.*}} to %c32
  // CHECK: memref.prefetch {{.*}}, read, locality<2>, data
  // CHECK-COUNT-192: micro.dot4_i8
  // CHECK-NOT: memref.prefetch
  // CHECK: vector.store
  func.func @bytes(%x: memref<?x64x!tenon.int8_group>, %w: memref<1x32x!tenon.superblock<q8_0, 32>>, %y: memref<?x32xf32>) {
    tenon.linear %x, %w into %y {tile = #tenon.tile<rows = 6, columns = 32>} : (memref<?x64x!tenon.int8_group>, memref<1x32x!tenon.superblock<q8_0, 32>>, memref<?x32xf32>) -> ()
    return
  }
}
