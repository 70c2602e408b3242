// RUN: tenon-opt %s --split-input-file --tenon-pipeline="from=tiled to=micro" --tenon-unroll --tenon-unpack-to-vector --canonicalize --cse | FileCheck %s

// Each field of a plan makes another kernel, whatever the target is tuned to.

#avx2 = #tenon.target<cpu = "znver3", features = "", vector_bits = 256, registers = 16, l1 = 32768, l2 = 524288, l3 = 33554432, extensions = ["ssse3", "avx", "avx2", "fma"]>
module attributes {tenon.target = #avx2} {
  // All rows as one tile that streams two panels at once, each of four vectors.
  // CHECK-LABEL: func.func @panels(
  // CHECK: scf.for {{.*}} to %c4 step %c2
  // CHECK: %{{.*}}:8 = scf.for {{.*}} to %c8 step %c1
  // CHECK-COUNT-8: vector.fma
  // CHECK-NOT: vector.fma
  func.func @panels(%x: memref<1x8xf32>, %w: memref<4x8x32x1xf32>, %y: memref<1x128xf32>) {
    tenon.linear %x, %w into %y {plan = #tenon.plan<panels = 2>, tile = #tenon.tile<rows = 6, columns = 16>} : (memref<1x8xf32>, memref<4x8x32x1xf32>, memref<1x128xf32>) -> ()
    return
  }

  // ... or none: a tile of what rows there are, two vectors after the other.
  // CHECK-LABEL: func.func @no_panels(
  // CHECK: scf.for {{.*}} to %c4 step %c1
  // CHECK: scf.for {{.*}} to %c4 step %c2
  // CHECK-COUNT-2: vector.fma
  // CHECK-NOT: vector.fma
  func.func @no_panels(%x: memref<1x8xf32>, %w: memref<4x8x32x1xf32>, %y: memref<1x128xf32>) {
    tenon.linear %x, %w into %y {plan = #tenon.plan<>, tile = #tenon.tile<rows = 6, columns = 16>} : (memref<1x8xf32>, memref<4x8x32x1xf32>, memref<1x128xf32>) -> ()
    return
  }

  // Rows that are left of tiles of six come in tiles of two, and one.
  // CHECK-LABEL: func.func @stream_rows(
  // CHECK: scf.for {{.*}} step %c6
  // CHECK-COUNT-12: vector.fma
  // CHECK-NOT: vector.fma
  // CHECK: scf.for {{.*}} step %c2
  // CHECK-COUNT-4: vector.fma
  // CHECK-NOT: vector.fma
  // CHECK: scf.if
  // CHECK-COUNT-2: vector.fma
  // CHECK-NOT: vector.fma
  func.func @stream_rows(%x: memref<?x8xf32>, %w: memref<1x8x32x1xf32>, %y: memref<?x32xf32>) {
    tenon.linear %x, %w into %y {plan = #tenon.plan<stream_rows = 2>, tile = #tenon.tile<rows = 6, columns = 16>} : (memref<?x8xf32>, memref<1x8x32x1xf32>, memref<?x32xf32>) -> ()
    return
  }

  // Two of four vectors at once, in a loop.
  // CHECK-LABEL: func.func @stream_columns(
  // CHECK: scf.for {{.*}} to %c4 step %c2
  // CHECK: %{{.*}}:2 = scf.for
  func.func @stream_columns(%x: memref<1x8x!tenon.int8_group>, %w: memref<1x4x!tenon.superblock<q4_0, 32>>, %y: memref<1x32xf32>) {
    tenon.linear %x, %w into %y {plan = #tenon.plan<panels = 1, stream_columns = 16>, tile = #tenon.tile<rows = 6, columns = 16>} : (memref<1x8x!tenon.int8_group>, memref<1x4x!tenon.superblock<q4_0, 32>>, memref<1x32xf32>) -> ()
    return
  }

  // Two vectors together pass a group (a fence each), or one.
  // CHECK-LABEL: func.func @stream_vectors(
  // CHECK: %{{.*}}:4 = scf.for
  // CHECK-COUNT-4: llvm.fence
  // CHECK-NOT: llvm.fence
  func.func @stream_vectors(%x: memref<1x8x!tenon.int8_group>, %w: memref<1x4x!tenon.superblock<q4_0, 32>>, %y: memref<1x32xf32>) {
    tenon.linear %x, %w into %y {plan = #tenon.plan<panels = 1, stream_vectors = 2>, tile = #tenon.tile<rows = 6, columns = 16>} : (memref<1x8x!tenon.int8_group>, memref<1x4x!tenon.superblock<q4_0, 32>>, memref<1x32xf32>) -> ()
    return
  }

  // CHECK-LABEL: func.func @one_vector(
  // CHECK: %{{.*}}:4 = scf.for
  // CHECK-COUNT-8: llvm.fence
  // CHECK-NOT: llvm.fence
  func.func @one_vector(%x: memref<1x8x!tenon.int8_group>, %w: memref<1x4x!tenon.superblock<q4_0, 32>>, %y: memref<1x32xf32>) {
    tenon.linear %x, %w into %y {plan = #tenon.plan<panels = 1>, tile = #tenon.tile<rows = 6, columns = 16>} : (memref<1x8x!tenon.int8_group>, memref<1x4x!tenon.superblock<q4_0, 32>>, memref<1x32xf32>) -> ()
    return
  }

  // Panels are read as they are, unpacked always, or from 24 rows on.
  // CHECK-LABEL: func.func @unpack_never(
  // CHECK-NOT: "integers"
  // CHECK: return
  func.func @unpack_never(%x: memref<?x8x!tenon.int8_group>, %w: memref<1x4x!tenon.superblock<q4_0, 32>>, %y: memref<?x32xf32>) {
    tenon.linear %x, %w into %y {plan = #tenon.plan<stream_rows = 2>, tile = #tenon.tile<rows = 6, columns = 16>} : (memref<?x8x!tenon.int8_group>, memref<1x4x!tenon.superblock<q4_0, 32>>, memref<?x32xf32>) -> ()
    return
  }

  // CHECK-LABEL: func.func @unpack_always(
  // CHECK: memref.alloca() {{.*}}"integers"
  // CHECK-NOT: arith.cmpi ult
  // CHECK: return
  func.func @unpack_always(%x: memref<?x8x!tenon.int8_group>, %w: memref<1x4x!tenon.superblock<q4_0, 32>>, %y: memref<?x32xf32>) {
    tenon.linear %x, %w into %y {plan = #tenon.plan<stream_rows = 2, unpack_from = 1>, tile = #tenon.tile<rows = 6, columns = 16>} : (memref<?x8x!tenon.int8_group>, memref<1x4x!tenon.superblock<q4_0, 32>>, memref<?x32xf32>) -> ()
    return
  }

  // CHECK-LABEL: func.func @unpack_from(
  // CHECK: memref.alloca() {{.*}}"integers"
  // CHECK: %[[FEW:.*]] = arith.cmpi ult, %{{.*}}, %c24
  // CHECK: arith.select %[[FEW]], %c0
  // CHECK: return
  func.func @unpack_from(%x: memref<?x8x!tenon.int8_group>, %w: memref<1x4x!tenon.superblock<q4_0, 32>>, %y: memref<?x32xf32>) {
    tenon.linear %x, %w into %y {plan = #tenon.plan<stream_rows = 2, unpack_from = 24>, tile = #tenon.tile<rows = 6, columns = 16>} : (memref<?x8x!tenon.int8_group>, memref<1x4x!tenon.superblock<q4_0, 32>>, memref<?x32xf32>) -> ()
    return
  }

  // Four of eight groups in a piece.
  // CHECK-LABEL: func.func @unroll_groups(
  // CHECK: scf.for {{.*}} to %c8 step %c4
  func.func @unroll_groups(%x: memref<1x8x!tenon.int8_group>, %w: memref<1x1x!tenon.superblock<q4_k, 32>>, %y: memref<1x32xf32>) {
    tenon.linear %x, %w into %y {plan = #tenon.plan<panels = 1, unroll_groups = 4>, tile = #tenon.tile<rows = 6, columns = 16>} : (memref<1x8x!tenon.int8_group>, memref<1x1x!tenon.superblock<q4_k, 32>>, memref<1x32xf32>) -> ()
    return
  }

  // All of them: minimums of the superblock come first, as pairs.
  // CHECK-LABEL: func.func @all_groups(
  // CHECK: scf.for {{.*}} to %c2 step %c1
  // CHECK: arith.extui %{{.*}} : vector<16xi8> to vector<16xi16>
  // CHECK-NOT: scf.for
  // CHECK: return
  func.func @all_groups(%x: memref<1x16x!tenon.int8_group>, %w: memref<1x2x!tenon.superblock<q4_k, 32>>, %y: memref<1x32xf32>) {
    tenon.linear %x, %w into %y {plan = #tenon.plan<panels = 1, unroll_groups = 8>, tile = #tenon.tile<rows = 6, columns = 16>} : (memref<1x16x!tenon.int8_group>, memref<1x2x!tenon.superblock<q4_k, 32>>, memref<1x32xf32>) -> ()
    return
  }

  // Eight sums are in memory where seven have registers.
  // CHECK-LABEL: func.func @register_sums(
  // CHECK: memref.alloca() {{.*}}"sums"
  // CHECK: return
  func.func @register_sums(%x: memref<2x8x!tenon.int8_group>, %w: memref<1x4x!tenon.superblock<q4_0, 32>>, %y: memref<2x32xf32>) {
    tenon.linear %x, %w into %y {plan = #tenon.plan<panels = 1, register_sums = 7>, tile = #tenon.tile<rows = 6, columns = 16>} : (memref<2x8x!tenon.int8_group>, memref<1x4x!tenon.superblock<q4_0, 32>>, memref<2x32xf32>) -> ()
    return
  }

  // Chains of two vectors for two rows are added up, of which each has eight products of bytes, before the next vectors.
  // CHECK-LABEL: func.func @chains(
  // CHECK: %{{.*}}:8 = scf.for
  // CHECK-COUNT-32: micro.dot2_i8
  // CHECK-NOT: micro.dot2_i8
  // CHECK-COUNT-4: micro.dot2_i16
  func.func @chains(%x: memref<2x8x!tenon.int8_group>, %w: memref<1x4x!tenon.superblock<q4_0, 32>>, %y: memref<2x32xf32>) {
    tenon.linear %x, %w into %y {plan = #tenon.plan<panels = 1, stream_vectors = 4, chains = 4>, tile = #tenon.tile<rows = 6, columns = 16>} : (memref<2x8x!tenon.int8_group>, memref<1x4x!tenon.superblock<q4_0, 32>>, memref<2x32xf32>) -> ()
    return
  }

  // Two tiles of rows pass 16 of 40 numbers along K.
  // CHECK-LABEL: func.func @depth(
  // CHECK: memref.alloca() {{.*}}"sums of tiles"{{.*}} : memref<2x12x8xf32>
  // CHECK: scf.for {{.*}} step %c12
  // CHECK: scf.for {{.*}} to %c40 step %c16
  func.func @depth(%x: memref<?x40xf32>, %w: memref<1x40x32x1xf32>, %y: memref<?x32xf32>) {
    tenon.linear %x, %w into %y {plan = #tenon.plan<depth_block = 16, depth_tiles = 2>, tile = #tenon.tile<rows = 6, columns = 16>} : (memref<?x40xf32>, memref<1x40x32x1xf32>, memref<?x32xf32>) -> ()
    return
  }

  // Five times in 40 steps of K a tile asks for lines of the next panel.
  // CHECK-LABEL: func.func @next_panels(
  // CHECK: scf.for {{.*}} to %c5 step %c1
  // CHECK: memref.prefetch {{.*}}, read, locality<2>, data
  // CHECK-COUNT-96: vector.fma
  func.func @next_panels(%x: memref<?x40xf32>, %w: memref<1x40x32x1xf32>, %y: memref<?x32xf32>) {
    tenon.linear %x, %w into %y {plan = #tenon.plan<next_panels = true, next_steps = 8>, tile = #tenon.tile<rows = 6, columns = 16>} : (memref<?x40xf32>, memref<1x40x32x1xf32>, memref<?x32xf32>) -> ()
    return
  }

  // Two rows ask 2048 bytes, 16 steps, ahead, for the second-level cache ...
  // CHECK-LABEL: func.func @prefetch(
  // CHECK: scf.for %[[K:.*]] = %c0 to %c40
  // CHECK: %[[LATER:.*]] = arith.addi %[[K]], %c16
  // CHECK: memref.prefetch %{{.*}}[%{{.*}}, %[[LATER]], {{.*}}], read, locality<2>, data
  func.func @prefetch(%x: memref<2x40xf32>, %w: memref<1x40x32x1xf32>, %y: memref<2x32xf32>) {
    tenon.linear %x, %w into %y {plan = #tenon.plan<panels = 1, prefetch = [#tenon.prefetch<distance = 2048, cache = 2>]>, tile = #tenon.tile<rows = 6, columns = 16>} : (memref<2x40xf32>, memref<1x40x32x1xf32>, memref<2x32xf32>) -> ()
    return
  }

  // ... or for the first; one row leaves it to the CPU.
  // CHECK-LABEL: func.func @prefetch_rows(
  // CHECK: step %c2
  // CHECK: memref.prefetch {{.*}}, read, locality<3>, data
  // CHECK: scf.if
  // CHECK-NOT: memref.prefetch
  // CHECK: return
  func.func @prefetch_rows(%x: memref<?x40xf32>, %w: memref<1x40x32x1xf32>, %y: memref<?x32xf32>) {
    tenon.linear %x, %w into %y {plan = #tenon.plan<stream_rows = 2, prefetch = [#tenon.prefetch<rows = 2, distance = 2048>]>, tile = #tenon.tile<rows = 6, columns = 16>} : (memref<?x40xf32>, memref<1x40x32x1xf32>, memref<?x32xf32>) -> ()
    return
  }
}

// -----

#avx512 = #tenon.target<cpu = "znver4", features = "", vector_bits = 512, registers = 32, l1 = 32768, l2 = 1048576, l3 = 33554432, extensions = ["ssse3", "avx", "avx2", "fma", "avx512f", "avx512bw", "avx512dq", "avx512vl", "avx512vnni", "avx512bf16"]>
module attributes {tenon.target = #avx512} {
  // Upper half-bytes have sums of their own, and are not shifted each.
  // CHECK-LABEL: func.func @split_rows(
  // CHECK-NOT: arith.shrui
  // CHECK: return
  func.func @split_rows(%x: memref<1x8x!tenon.int8_group>, %w: memref<1x4x!tenon.superblock<q4_0, 32>>, %y: memref<1x32xf32>) {
    tenon.linear %x, %w into %y {plan = #tenon.plan<panels = 1, split_rows = 1>, tile = #tenon.tile<columns = 32>} : (memref<1x8x!tenon.int8_group>, memref<1x4x!tenon.superblock<q4_0, 32>>, memref<1x32xf32>) -> ()
    return
  }

  // CHECK-LABEL: func.func @no_split(
  // CHECK: arith.shrui
  // CHECK: return
  func.func @no_split(%x: memref<1x8x!tenon.int8_group>, %w: memref<1x4x!tenon.superblock<q4_0, 32>>, %y: memref<1x32xf32>) {
    tenon.linear %x, %w into %y {plan = #tenon.plan<panels = 1>, tile = #tenon.tile<columns = 32>} : (memref<1x8x!tenon.int8_group>, memref<1x4x!tenon.superblock<q4_0, 32>>, memref<1x32xf32>) -> ()
    return
  }
}
