// RUN: tenon-opt %s --tenon-bufferize --cse --canonicalize | FileCheck %s --check-prefix=BUFFERS
// RUN: tenon-opt %s --tenon-bufferize --tenon-plan-arena --tenon-apply-tiles --tenon-fuse-dispatches --cse --canonicalize | FileCheck %s --check-prefix=TILES

// A token of each of three sequences: what a cache holds is reached by a
// parallel loop over them, with the kernels of one token. Its tasks are one
// dispatch over sequences and heads; keys are appended in a step before it.

!cache = !tenon.kv_cache<layers = 2, heads = 2, capacity = 128, head_dim = 4, element = f32, sequences = 3>
// BUFFERS: tenon.cache_bytes = 49152 : i64
module attributes {tenon.max_chunk = 8 : i64} {
  // BUFFERS-LABEL: func.func @decode_batch
  // BUFFERS-SAME: %[[CACHE:[^:]*]]: memref<49152xi8>, %[[Q:[^:]*]]: memref<3x16xf32>, %[[K:[^:]*]]: memref<3x8xf32>, %[[P:[^:]*]]: memref<3xi32>,
  // TILES-LABEL: func.func @decode_batch
  // TILES-SAME: %[[CACHE:[^:]*]]: memref<49152xi8>, %[[Q:[^:]*]]: memref<3x16xf32>, %[[K:[^:]*]]: memref<3x8xf32>, %[[P:[^:]*]]: memref<3xi32>,
  func.func @decode_batch(%q0: tensor<3x16xf32>, %k0: tensor<3x8xf32>, %positions: tensor<3xi32>, %cache: !cache) -> tensor<3x16xf32> {
    %i = arith.constant 1 : index
    %q = tenon.split_heads %q0 {heads = 4 : i64} : tensor<3x16xf32> -> tensor<4x3x4xf32>
    %k = tenon.split_heads %k0 {heads = 2 : i64} : tensor<3x8xf32> -> tensor<2x3x4xf32>
    // BUFFERS: scf.forall (%[[S:.*]]) in (3) {
    // BUFFERS: %[[LOADED:.*]] = memref.load %[[P]][%[[S]]]
    // BUFFERS: %[[POS:.*]] = arith.index_cast %[[LOADED]] : i32 to index
    // BUFFERS: %[[FIRST:.*]] = arith.muli %[[S]], %c16384
    // BUFFERS: %[[KEYS:.*]] = arith.addi %[[FIRST]], %c8192
    // BUFFERS: memref.view %[[CACHE]][%[[KEYS]]][] : memref<49152xi8> to memref<2x8x4x16xf32>
    // BUFFERS: %[[VALUES:.*]] = arith.addi %[[FIRST]], %c12288
    // BUFFERS: memref.view %[[CACHE]][%[[VALUES]]][] : memref<49152xi8> to memref<2x128x4xf32>
    // BUFFERS: %[[KT:.*]] = memref.subview %{{.*}}[0, %[[S]], 0] [2, 1, 4]
    // BUFFERS: tenon.append_kv %[[KT]], %{{.*}} at %[[POS]]
    tenon.cache_append %k, %k, %cache[%i] at rows(%positions : tensor<3xi32>) : tensor<2x3x4xf32>, tensor<2x3x4xf32>, !cache
    // BUFFERS: scf.forall (%[[S:.*]]) in (3) {
    // BUFFERS: %[[LENGTH:.*]] = arith.addi %[[POS:[0-9]+]], %c1 :
    // BUFFERS: %[[QT:.*]] = memref.subview %{{.*}}[0, %[[S]], 0] [4, 1, 4]
    // BUFFERS: %[[OT:.*]] = memref.subview %{{.*}}[0, %[[S]], 0] [4, 1, 4]
    // BUFFERS: tenon.block_attention %[[QT]], %{{.*}}, %{{.*}} at %[[POS]] length %[[LENGTH]] into %[[OT]] {causal

    // TILES: tenon.dispatch %[[T:.*]] of %c6 grain {{.*}} label "attention o" prologue {
    // TILES-NEXT: tenon.step "append_kv" {
    // TILES-NEXT: scf.for %[[S:.*]] = %c0 to %c3 step %c1 {
    // TILES: memref.load %[[P]][%[[S]]]
    // TILES: tenon.append_kv
    // TILES: %[[ROW:.*]] = arith.divui %[[T]], %c2
    // TILES: %[[HEAD:.*]] = arith.remui %[[T]], %c2
    // TILES: memref.load %[[P]][%[[ROW]]]
    // TILES: tenon.block_attention {{.*}} : memref<2x1x4xf32, {{.*}}>, memref<1x8x4x16xf32, {{.*}}>
    // TILES-NOT: scf.forall
    %o = tenon.cached_attention %q, %cache[%i] at rows(%positions : tensor<3xi32>) {causal, scale = 0.5 : f32} : (tensor<4x3x4xf32>, !cache) -> tensor<4x3x4xf32> loc("o")
    %m = tenon.merge_heads %o : tensor<4x3x4xf32> -> tensor<3x16xf32>
    return %m : tensor<3x16xf32>
  }
}
