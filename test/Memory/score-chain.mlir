// RUN: tenon-opt %s --tenon-bufferize --tenon-apply-tiles --cse --split-input-file | FileCheck %s

// What stands between product and softmax, on memory and in tasks.

!q = tensor<4x?x8xf32>
!cache = !tenon.kv_cache<layers = 1, heads = 2, capacity = 1024, head_dim = 8, element = f32>

// A task has the rows of its heads of bias and sink.
// CHECK-LABEL: func.func @prefill
module attributes {tenon.max_chunk = 64 : i64} {
  tenon.weight @b : tensor<4x2113xf32> from [#tenon.alibi<max_bias = 8.0>]
  tenon.weight @w : tensor<4xf32> from [#tenon.source<"w", tensor<4xf32>>]
  func.func @prefill(%x: tensor<?x32xf32>, %position: index, %cache: !cache) -> tensor<?x32xf32> {
    %c0 = arith.constant 0 : index
    // CHECK-DAG: %[[B:.*]] = memref.view {{.*}} to memref<4x2113xf32>
    // CHECK-DAG: %[[W:.*]] = memref.view {{.*}} to memref<4xf32>
    %b = tenon.weight_ref @b : tensor<4x2113xf32>
    %w = tenon.weight_ref @w : tensor<4xf32>
    %q = tenon.split_heads %x {heads = 4 : i64} : tensor<?x32xf32> -> !q
    // CHECK: tenon.dispatch
    // CHECK-DAG: memref.subview %[[B]][%{{.*}}, 0] [2, 2113] [1, 1]
    // CHECK-DAG: memref.subview %[[W]][%{{.*}}] [2] [1]
    // CHECK: tenon.block_attention {{.*}} bias(%{{.*}} : memref<2x2113xf32, strided<[2113, 1], offset: ?>>) sink(%{{.*}} : memref<2xf32, strided<[1], offset: ?>>) into {{.*}} {bias_scale = 5.000000e-01 : f32, cap = 3.000000e+01 : f32, causal, scale = 5.000000e-01 : f32}
    %o = tenon.cached_attention %q, %cache[%c0] at %position bias(%b : tensor<4x2113xf32>) sink(%w : tensor<4xf32>) {bias_scale = 0.5 : f32, cap = 30.0 : f32, causal, scale = 0.5 : f32} : (!q, !cache) -> !q
    %m = tenon.merge_heads %o : !q -> tensor<?x32xf32>
    return %m : tensor<?x32xf32>
  }
}

// -----

!q = tensor<4x1x8xf32>
!cache = !tenon.kv_cache<layers = 1, heads = 2, capacity = 1024, head_dim = 8, element = f32>

// Parts over the keys: the bias is theirs, the sink is added once.
// CHECK-LABEL: func.func @decode
module attributes {tenon.max_chunk = 64 : i64} {
  tenon.weight @b : tensor<4x2113xf32> from [#tenon.alibi<max_bias = 8.0>]
  tenon.weight @w : tensor<4xf32> from [#tenon.source<"w", tensor<4xf32>>]
  func.func @decode(%x: tensor<1x32xf32>, %position: index, %cache: !cache) -> tensor<1x32xf32> {
    %c0 = arith.constant 0 : index
    %b = tenon.weight_ref @b : tensor<4x2113xf32>
    %w = tenon.weight_ref @w : tensor<4xf32>
    %q = tenon.split_heads %x {heads = 4 : i64} : tensor<1x32xf32> -> !q
    // CHECK: tenon.dispatch
    // CHECK: tenon.partial_attention {{.*}} bias(%{{.*}} : memref<2x2113xf32, strided<[2113, 1], offset: ?>>) into {{.*}} {scale = 5.000000e-01 : f32
    // CHECK: tenon.combine_attention {{.*}} sink(%{{.*}} : memref<4xf32>) into
    %o = tenon.cached_attention %q, %cache[%c0] at %position bias(%b : tensor<4x2113xf32>) sink(%w : tensor<4xf32>) {causal, scale = 0.5 : f32} : (!q, !cache) -> !q
    %m = tenon.merge_heads %o : !q -> tensor<1x32xf32>
    return %m : tensor<1x32xf32>
  }
}

// -----

// Without fusion: operations that depend on the place are cut by heads.
// CHECK-LABEL: func.func @encode
!s = tensor<4x?x?xf32>
module attributes {tenon.max_chunk = 64 : i64} {
  tenon.weight @b : tensor<4x321xf32> from [#tenon.alibi<max_bias = 8.0>]
  func.func @encode(%x: tensor<?x32xf32>) -> tensor<?x32xf32> {
    %b = tenon.weight_ref @b : tensor<4x321xf32>
    %q = tenon.split_heads %x {heads = 4 : i64} : tensor<?x32xf32> -> tensor<4x?x8xf32>
    %t = tenon.transpose %q : tensor<4x?x8xf32> -> tensor<4x8x?xf32>
    %0 = tenon.matmul %q, %t : (tensor<4x?x8xf32>, tensor<4x8x?xf32>) -> !s
    // CHECK: tenon.dispatch %[[H:.*]] of %c4
    // CHECK: %[[BIAS:.*]] = memref.subview %{{.*}}[%{{.*}}, 0] [1, 321] [1, 1]
    // CHECK: tenon.score_bias %[[S:.*]], %[[BIAS]] into %[[S]]
    %1 = tenon.score_bias %0, %b : (!s, tensor<4x321xf32>) -> !s
    // CHECK: tenon.dispatch %{{.*}} of %c4
    // CHECK: tenon.band_mask
    %2 = tenon.band_mask %1 {width = 4 : i64} : (!s) -> !s
    %3 = tenon.softmax %2 : (!s) -> !s
    %4 = tenon.matmul %3, %q : (!s, tensor<4x?x8xf32>) -> tensor<4x?x8xf32>
    %m = tenon.merge_heads %4 : tensor<4x?x8xf32> -> tensor<?x32xf32>
    return %m : tensor<?x32xf32>
  }
}

// -----

// Heads that are a part of wider ones have no rows side by side: they get some.
// CHECK-LABEL: func.func @merge
// CHECK: %[[OWN:.*]] = memref.alloc(%{{.*}}) : memref<?x2x2xf32>
// CHECK: tenon.copy
module attributes {tenon.max_chunk = 8 : i64} {
  func.func @merge(%x: tensor<?x8xf32>) -> tensor<?x4xf32> {
    %h = tenon.split_heads %x {heads = 2 : i64} : tensor<?x8xf32> -> tensor<2x?x4xf32>
    %s = tenon.slice %h {offset = 0 : i64} : tensor<2x?x4xf32> -> tensor<2x?x2xf32>
    %m = tenon.merge_heads %s : tensor<2x?x2xf32> -> tensor<?x4xf32>
    return %m : tensor<?x4xf32>
  }
}
