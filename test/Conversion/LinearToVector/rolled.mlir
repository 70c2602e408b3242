// A linear is read as loops over superblocks, vectors, groups and chunks: of one row and gated int4 weights some sixty lines,
// without its constants and its activation.
// RUN: tenon-opt %s --tenon-pipeline="from=tiled to=micro" -o %t
// RUN: FileCheck %s --input-file %t
// RUN: grep -v "arith.constant" %t | awk 'END { exit NR > 90 }'

#vnni512 = #tenon.target<cpu = "znver4", features = "", vector_bits = 512, registers = 32, l1 = 32768, l2 = 1048576, l3 = 33554432, extensions = ["ssse3", "avx", "avx2", "fma", "avx512f", "avx512bw", "avx512dq", "avx512vl", "avx512vnni", "avx512bf16"]>
module attributes {tenon.target = #vnni512} {
  // CHECK-LABEL: func.func @gated
  // CHECK: %[[X:.*]] = tenon.element_bytes
  // CHECK-NEXT: scf.for %[[PANEL:.*]] = %c0 to %c4 step %c1
  // CHECK-NEXT: %[[SUMS:.*]] = scf.for %[[SUPERBLOCK:.*]] = %c0 to %c32 step %c1 iter_args(%{{.*}}) -> (vector<1x2x16xf32>)
  // CHECK-NEXT: scf.for %[[V:.*]] = %c0 to %c2 step %c1 iter_args
  // CHECK: scf.for %[[G:.*]] = %c0 to %c2 step %c1 iter_args
  // CHECK: llvm.fence
  // CHECK: %[[EXACT:.*]] = scf.for %[[I:.*]] = %c0 to %c4 step %c1 iter_args(%{{.*}}) -> (vector<2x1x1x16xi32>)
  // CHECK: micro.prefetch_weights
  // CHECK: micro.prefetch_weights
  // CHECK: %[[W:.*]] = micro.unpack %{{.*}}[%[[PANEL]], %[[SUPERBLOCK]], %[[G]], %[[V]]], %[[I]] up 0
  // CHECK: %[[Q:.*]] = micro.broadcast4 %[[X]]
  // CHECK: micro.dot4_i8 %{{.*}}, %[[W]], %[[Q]]
  // CHECK: micro.unpack %{{.*}} up 4
  // CHECK: micro.dot4_i8
  // CHECK: } {micro.unroll}
  // CHECK: micro.unpack_scale
  // CHECK-DAG: micro.get %[[EXACT]][%c0, %c0, %c0]
  // CHECK-DAG: micro.get %[[EXACT]][%c1, %c0, %c0]
  // CHECK: vector.fma
  // CHECK: } {micro.unroll}
  // CHECK: } {micro.unroll}
  // CHECK: micro.get %[[SUMS]][%c0, %c0]
  // CHECK: micro.get %[[SUMS]][%c0, %c1]
  // CHECK: vector.store
  func.func @gated(%x: memref<1x64x!tenon.int8_group>, %w: memref<4x32x!tenon.superblock<q4_0, 32>>, %y: memref<1x64xf32>) {
    tenon.linear %x, %w into %y {gated, activation = #tenon.activation_kind<silu>, plan = #tenon.plan<panels = 1, split_rows = 1, prefetch = [#tenon.prefetch<distance = 8192, cache = 2>]>, tile = #tenon.tile<rows = 1, columns = 32>} : (memref<1x64x!tenon.int8_group>, memref<4x32x!tenon.superblock<q4_0, 32>>, memref<1x64xf32>) -> ()
    return
  }
}
