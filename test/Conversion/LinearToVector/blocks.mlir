// RUN: tenon-opt %s --tenon-select-tiles --tenon-linear-to-vector --tenon-unroll --tenon-unpack-to-vector --split-input-file | FileCheck %s

// Weights in superblocks: products of bytes with the instructions of each
// target, a group's exact sum scaled and added.

#vnni512 = #tenon.target<cpu = "znver5", features = "", vector_bits = 512, registers = 32, l1 = 49152, l2 = 1048576, l3 = 33554432, extensions = ["ssse3", "avx", "avx2", "fma", "avx512f", "avx512bw", "avx512dq", "avx512vl", "avx512vnni", "avx512bf16"]>
module attributes {tenon.target = #vnni512} {
  // One row reads superblocks as they are. Two vectors of sums; in a step two
  // groups of eight chunks each.
  // CHECK-LABEL: func.func @one_row
  // CHECK-NOT: memref.alloca
  // CHECK-DAG: tenon.element_bytes %{{.*}} : memref<1x2x!tenon.superblock<q4_0, 32>> -> memref<1x2x1152xi8>
  // CHECK-DAG: tenon.element_bytes %{{.*}} : memref<1x4x!tenon.int8_group> -> memref<1x4x64xi8>
  // CHECK: scf.for {{.*}} -> (vector<16xf32>, vector<16xf32>)
  // CHECK-COUNT-32: micro.dot4_i8
  // CHECK-NOT: micro.dot4_i8
  // CHECK: scf.yield
  // CHECK-COUNT-2: vector.store %{{.*}} : memref<1x32xf32>, vector<16xf32>
  // CHECK-NOT: tenon.linear
  func.func @one_row(%x: memref<1x4x!tenon.int8_group>, %w: memref<1x2x!tenon.superblock<q4_0, 32>>, %y: memref<1x32xf32>) {
    tenon.linear %x, %w into %y {tile = #tenon.tile<rows = 1, columns = 32>} : (memref<1x4x!tenon.int8_group>, memref<1x2x!tenon.superblock<q4_0, 32>>, memref<1x32xf32>) -> ()
    return
  }

  // A tile of rows or more: the panel is unpacked to bytes and f32 scales in
  // scratch memory, once. Minimums of a superblock are added at once, as
  // products of pairs of 16 bits: four for each sum. Less than 40 rows read
  // the panel as it is, in tiles of four, as do those that fill no tile.
  // CHECK-LABEL: func.func @many_rows
  // CHECK-DAG: memref.alloca() {{.*}}"integers"{{.*}} : memref<1x16x8x2x64xi8>
  // CHECK-DAG: memref.alloca() {{.*}}"scales"{{.*}} : memref<1x16x1x2x16xf32>
  // CHECK-DAG: memref.alloca() {{.*}}"pairs of minimums"{{.*}} : memref<1x2x4x2x32xi16>
  // CHECK-DAG: memref.alloca() {{.*}}"factors of minimums"{{.*}} : memref<1x2x1x2x16xf32>
  // CHECK: %[[FEW:.*]] = arith.cmpi ult, %[[ROWS:.*]], %c40
  // CHECK: %[[FULL:.*]] = arith.select %[[FEW]], %c0
  // CHECK: arith.cmpi ne, %[[FULL]], %c0
  // CHECK: scf.if
  // CHECK: vector.store %{{.*}} : memref<1x16x8x2x64xi8>, vector<64xi8>
  // CHECK: scf.for {{.*}} step %c6
  // CHECK: scf.for
  // CHECK-COUNT-48: micro.dot2_i16
  // CHECK-NOT: micro.dot2_i16
  // CHECK: scf.for
  // CHECK: vector.load %{{.*}} : memref<1x16x8x2x64xi8>, vector<64xi8>
  // CHECK-COUNT-96: micro.dot4_i8
  // CHECK-NOT: micro.dot
  // CHECK: scf.yield
  // CHECK: scf.for %{{.*}} = %[[FULL]] to %{{.*}} step %c4
  // CHECK-NOT: memref<1x16x8x2x64xi8>
  // CHECK-NOT: tenon.linear
  func.func @many_rows(%x: memref<?x16x!tenon.int8_group>, %w: memref<1x2x!tenon.superblock<q4_k, 32>>, %y: memref<?x32xf32>) {
    tenon.linear %x, %w into %y {tile = #tenon.tile<rows = 6, columns = 32>} : (memref<?x16x!tenon.int8_group>, memref<1x2x!tenon.superblock<q4_k, 32>>, memref<?x32xf32>) -> ()
    return
  }

  // Steps of a table.
  // CHECK-LABEL: func.func @table
  // CHECK: micro.lookup
  // CHECK: micro.dot4_i8
  func.func @table(%x: memref<1x2x!tenon.int8_group>, %w: memref<1x1x!tenon.superblock<iq4_nl, 32>>, %y: memref<1x32xf32>) {
    tenon.linear %x, %w into %y {tile = #tenon.tile<rows = 1, columns = 32>} : (memref<1x2x!tenon.int8_group>, memref<1x1x!tenon.superblock<iq4_nl, 32>>, memref<1x32xf32>) -> ()
    return
  }

  // Groups that don't fit the superblocks, or an input that is no groups: left
  // as it is.
  // CHECK-LABEL: func.func @declined
  // CHECK: tenon.linear
  func.func @declined(%x: memref<1x3x!tenon.int8_group>, %w: memref<1x2x!tenon.superblock<q4_0, 32>>, %y: memref<1x32xf32>) {
    tenon.linear %x, %w into %y {tile = #tenon.tile<rows = 1, columns = 32>} : (memref<1x3x!tenon.int8_group>, memref<1x2x!tenon.superblock<q4_0, 32>>, memref<1x32xf32>) -> ()
    return
  }
}

// -----

#avx512 = #tenon.target<cpu = "skylake-avx512", features = "", vector_bits = 512, registers = 32, l1 = 32768, l2 = 1048576, l3 = 33554432, extensions = ["ssse3", "avx", "avx2", "fma", "avx512f", "avx512bw", "avx512dq", "avx512vl"]>
module attributes {tenon.target = #avx512} {
  // Without VNNI: products in 16 bits, added in chains that are sure to fit.
  // Weights of 8 bits are two planes of half-bytes: for each of the two vectors
  // of a group and planes one chain of eight, whose end is one product by ones
  // (and by 16).
  // CHECK-LABEL: func.func @planes
  // CHECK-NOT: micro.dot4_i8
  // CHECK: scf.for
  // CHECK-COUNT-16: micro.dot2_i8
  // CHECK-NOT: micro.dot2_i8
  // CHECK: %[[ONES:.*]] = arith.constant dense<1> : vector<32xi16>
  // CHECK: micro.dot2_i16 %{{.*}}, %{{.*}}, %[[ONES]]
  // CHECK: %[[SIXTEENS:.*]] = arith.constant dense<16> : vector<32xi16>
  // CHECK: micro.dot2_i16 %{{.*}}, %{{.*}}, %[[SIXTEENS]]
  // CHECK-NOT: micro.dot2_i16
  // CHECK: arith.sitofp
  func.func @planes(%x: memref<1x2x!tenon.int8_group>, %w: memref<1x1x!tenon.superblock<q8_0, 32>>, %y: memref<1x32xf32>) {
    tenon.linear %x, %w into %y {tile = #tenon.tile<rows = 1, columns = 32>} : (memref<1x2x!tenon.int8_group>, memref<1x1x!tenon.superblock<q8_0, 32>>, memref<1x32xf32>) -> ()
    return
  }

  // Chains of 6 bits are two results long, and there are two in half a group,
  // which has a scale of its own.
  // CHECK-LABEL: func.func @six_bits
  // CHECK: scf.for
  // CHECK-COUNT-2: micro.dot2_i8
  // CHECK-NOT: micro.dot2_i8
  // CHECK: micro.dot2_i16
  // CHECK-COUNT-2: micro.dot2_i8
  // CHECK-NOT: micro.dot2_i8
  // CHECK: micro.dot2_i16
  // CHECK: arith.sitofp
  func.func @six_bits(%x: memref<1x8x!tenon.int8_group>, %w: memref<1x1x!tenon.superblock<q6_k, 32>>, %y: memref<1x32xf32>) {
    tenon.linear %x, %w into %y {tile = #tenon.tile<rows = 1, columns = 32>} : (memref<1x8x!tenon.int8_group>, memref<1x1x!tenon.superblock<q6_k, 32>>, memref<1x32xf32>) -> ()
    return
  }

  // Of 5 bits four, of 4 bits eight results: a whole group.
  // CHECK-LABEL: func.func @five_bits
  // CHECK: scf.for
  // CHECK-COUNT-4: micro.dot2_i8
  // CHECK-NOT: micro.dot2_i8
  // CHECK: micro.dot2_i16
  // CHECK-LABEL: func.func @four_bits
  // CHECK: scf.for
  // CHECK-COUNT-8: micro.dot2_i8
  // CHECK-NOT: micro.dot2_i8
  // CHECK: micro.dot2_i16
  func.func @five_bits(%x: memref<1x2x!tenon.int8_group>, %w: memref<1x1x!tenon.superblock<q5_0, 32>>, %y: memref<1x32xf32>) {
    tenon.linear %x, %w into %y {tile = #tenon.tile<rows = 1, columns = 32>} : (memref<1x2x!tenon.int8_group>, memref<1x1x!tenon.superblock<q5_0, 32>>, memref<1x32xf32>) -> ()
    return
  }
  func.func @four_bits(%x: memref<1x2x!tenon.int8_group>, %w: memref<1x1x!tenon.superblock<q4_0, 32>>, %y: memref<1x32xf32>) {
    tenon.linear %x, %w into %y {tile = #tenon.tile<rows = 1, columns = 32>} : (memref<1x2x!tenon.int8_group>, memref<1x1x!tenon.superblock<q4_0, 32>>, memref<1x32xf32>) -> ()
    return
  }
}

// -----

#vnni256 = #tenon.target<cpu = "alderlake", features = "", vector_bits = 256, registers = 16, l1 = 32768, l2 = 1048576, l3 = 33554432, extensions = ["ssse3", "avx", "avx2", "fma", "avxvnni"]>
module attributes {tenon.target = #vnni256} {
  // CHECK-LABEL: func.func @vnni256
  // CHECK: micro.dot4_i8
  func.func @vnni256(%x: memref<1x2x!tenon.int8_group>, %w: memref<1x1x!tenon.superblock<q5_1, 32>>, %y: memref<1x32xf32>) {
    tenon.linear %x, %w into %y {tile = #tenon.tile<rows = 1, columns = 16>} : (memref<1x2x!tenon.int8_group>, memref<1x1x!tenon.superblock<q5_1, 32>>, memref<1x32xf32>) -> ()
    return
  }
}

// -----

#avx2 = #tenon.target<cpu = "haswell", features = "", vector_bits = 256, registers = 16, l1 = 32768, l2 = 262144, l3 = 8388608, extensions = ["ssse3", "avx", "avx2", "fma"]>
module attributes {tenon.target = #avx2} {
  // CHECK-LABEL: func.func @avx2
  // CHECK: micro.dot2_i8
  // CHECK: micro.dot2_i16
  func.func @avx2(%x: memref<1x8x!tenon.int8_group>, %w: memref<1x1x!tenon.superblock<q3_k, 32>>, %y: memref<1x32xf32>) {
    tenon.linear %x, %w into %y {tile = #tenon.tile<rows = 1, columns = 16>} : (memref<1x8x!tenon.int8_group>, memref<1x1x!tenon.superblock<q3_k, 32>>, memref<1x32xf32>) -> ()
    return
  }

  // Many rows: planes are unpacked apart, and sums are in memory, at a place
  // that LLVM doesn't know, read and written once for a group: registers are
  // for the chains of six rows and two planes. Vectors come one after the other.
  // CHECK-LABEL: func.func @many_rows
  // CHECK-DAG: memref.alloca() {{.*}}"integers"{{.*}} : memref<1x4x16x4x32xi8>
  // CHECK-DAG: %[[SUMS:.*]] = memref.alloca() {{.*}}"sums"{{.*}} : memref<1x12x8xf32>
  // CHECK: scf.for {{.*}} step %c6
  // CHECK: scf.for
  // CHECK-NOT: iter_args
  // CHECK-COUNT-96: micro.dot2_i8
  // CHECK-NOT: micro.dot2_i8
  // CHECK: %[[OLD:.*]] = vector.load %[[SUMS]][%[[PLACE:.*]], %{{.*}}, %{{.*}}]
  // CHECK: %[[NEW:.*]] = vector.fma %{{.*}}, %{{.*}}, %[[OLD]]
  // CHECK: vector.store %[[NEW]], %[[SUMS]][%[[PLACE]], %{{.*}}, %{{.*}}]
  // CHECK-COUNT-96: micro.dot2_i8
  func.func @many_rows(%x: memref<?x4x!tenon.int8_group>, %w: memref<1x2x!tenon.superblock<q8_0, 32>>, %y: memref<?x32xf32>) {
    tenon.linear %x, %w into %y {tile = #tenon.tile<rows = 6, columns = 16>} : (memref<?x4x!tenon.int8_group>, memref<1x2x!tenon.superblock<q8_0, 32>>, memref<?x32xf32>) -> ()
    return
  }
}

// -----

#ssse3 = #tenon.target<cpu = "x86-64-v2", features = "", vector_bits = 128, registers = 16, l1 = 32768, l2 = 262144, l3 = 8388608, extensions = ["ssse3"]>
module attributes {tenon.target = #ssse3} {
  // CHECK-LABEL: func.func @ssse3
  // CHECK: micro.dot2_i8
  // CHECK: micro.dot2_i16
  func.func @ssse3(%x: memref<1x8x!tenon.int8_group>, %w: memref<1x1x!tenon.superblock<q2_k, 32>>, %y: memref<1x32xf32>) {
    tenon.linear %x, %w into %y {tile = #tenon.tile<rows = 1, columns = 8>} : (memref<1x8x!tenon.int8_group>, memref<1x1x!tenon.superblock<q2_k, 32>>, memref<1x32xf32>) -> ()
    return
  }
}

// -----

#sse2 = #tenon.target<cpu = "x86-64", features = "", vector_bits = 128, registers = 16, l1 = 32768, l2 = 262144, l3 = 8388608>
module attributes {tenon.target = #sse2} {
  // Nothing that adds bytes in 16 bits: four products, however they are made.
  // CHECK-LABEL: func.func @sse2
  // CHECK-NOT: micro.dot2
  // CHECK: micro.dot4_i8
  // CHECK-NOT: micro.dot2
  // CHECK: return
  func.func @sse2(%x: memref<1x2x!tenon.int8_group>, %w: memref<1x1x!tenon.superblock<iq4_nl, 32>>, %y: memref<1x32xf32>) {
    tenon.linear %x, %w into %y {tile = #tenon.tile<rows = 1, columns = 8>} : (memref<1x2x!tenon.int8_group>, memref<1x1x!tenon.superblock<iq4_nl, 32>>, memref<1x32xf32>) -> ()
    return
  }
}
