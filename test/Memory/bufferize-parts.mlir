// RUN: tenon-opt %s --tenon-bufferize | FileCheck %s

// One query of a cache of more than 512 tokens: attention in parts, with scratch
// for them. Keys and values of int8 lie in blocks with their scales.

!long = !tenon.kv_cache<layers = 2, heads = 2, capacity = 1152, head_dim = 8, element = i8>
!ring = !tenon.kv_cache<layers = 2, heads = 2, capacity = 640, head_dim = 8, element = f16, ring = true>
!short = !tenon.kv_cache<layers = 2, heads = 2, capacity = 512, head_dim = 8, element = f16>
// 2 layers x 2 x 2 heads x 72 blocks of 16 * 8 + 64 bytes.
// CHECK: tenon.cache_bytes = 110592 : i64
module attributes {tenon.max_chunk = 4 : i64} {
  // CHECK-LABEL: func.func @decode
  // CHECK: %[[PARTS:.*]] = memref.alloc() : memref<4x3x32xf32>
  // CHECK: memref.view {{.*}} : memref<110592xi8> to memref<2x72x!tenon.int8_tokens<8, transposed>>
  // CHECK: memref.view {{.*}} : memref<110592xi8> to memref<2x72x!tenon.int8_tokens<8>>
  // CHECK: tenon.partial_attention %{{.*}}, %{{.*}}, %{{.*}} at %[[POS:.*]] from %{{.*}} into %[[PARTS]] {scale = 5.000000e-01 : f32, tenon.label = "attention"}
  // CHECK: tenon.combine_attention %[[PARTS]] at %[[POS]] into %{{.*}} {tenon.label = "combine attention"}
  // CHECK-NOT: tenon.block_attention
  func.func @decode(%x: tensor<1x32xf32>, %pos: index, %cache: !long) -> tensor<1x32xf32> {
    %c1 = arith.constant 1 : index
    %q = tenon.split_heads %x {heads = 4 : i64} : tensor<1x32xf32> -> tensor<4x1x8xf32>
    %o = tenon.cached_attention %q, %cache[%c1] at %pos {causal, scale = 0.5 : f32} : (tensor<4x1x8xf32>, !long) -> tensor<4x1x8xf32>
    %y = tenon.merge_heads %o : tensor<4x1x8xf32> -> tensor<1x32xf32>
    return %y : tensor<1x32xf32>
  }
  // CHECK-LABEL: func.func @short
  // CHECK-NOT: tenon.partial_attention
  // CHECK: tenon.block_attention {{.*}} memref<2x32x8x16xf16>, memref<2x512x8xf16>
  func.func @short(%x: tensor<1x32xf32>, %pos: index, %cache: !short) -> tensor<1x32xf32> {
    %c1 = arith.constant 1 : index
    %q = tenon.split_heads %x {heads = 4 : i64} : tensor<1x32xf32> -> tensor<4x1x8xf32>
    %o = tenon.cached_attention %q, %cache[%c1] at %pos {causal, scale = 0.5 : f32} : (tensor<4x1x8xf32>, !short) -> tensor<4x1x8xf32>
    %y = tenon.merge_heads %o : tensor<4x1x8xf32> -> tensor<1x32xf32>
    return %y : tensor<1x32xf32>
  }
  // A ring, whatever its size: parts for those that a window of 600 keys can
  // reach into, of which the one from 512 s on is row s modulo 3.
  // CHECK-LABEL: func.func @ring
  // CHECK: tenon.append_kv {{.*}} {ring, tenon.label = "append_kv"}
  // CHECK: %[[PARTS:.*]] = memref.alloc() : memref<4x3x32xf32>
  // CHECK: tenon.partial_attention {{.*}} into %[[PARTS]] {ring, scale = 5.000000e-01 : f32, tenon.label = "attention", window = 600 : i64}
  // CHECK: tenon.combine_attention %[[PARTS]] {{.*}} {ring, tenon.label = "combine attention", window = 600 : i64}
  func.func @ring(%x: tensor<1x32xf32>, %k: tensor<2x1x8xf32>, %pos: index, %cache: !ring) -> tensor<1x32xf32> {
    %c1 = arith.constant 1 : index
    %q = tenon.split_heads %x {heads = 4 : i64} : tensor<1x32xf32> -> tensor<4x1x8xf32>
    tenon.cache_append %k, %k, %cache[%c1] at %pos : tensor<2x1x8xf32>, tensor<2x1x8xf32>, !ring
    %o = tenon.cached_attention %q, %cache[%c1] at %pos {causal, scale = 0.5 : f32, window = 600 : i64} : (tensor<4x1x8xf32>, !ring) -> tensor<4x1x8xf32>
    %y = tenon.merge_heads %o : tensor<4x1x8xf32> -> tensor<1x32xf32>
    return %y : tensor<1x32xf32>
  }
  // Many queries walk over the parts themselves.
  // CHECK-LABEL: func.func @prefill
  // CHECK-NOT: tenon.partial_attention
  // CHECK: tenon.block_attention
  func.func @prefill(%x: tensor<?x32xf32>, %pos: index, %cache: !long) -> tensor<?x32xf32> {
    %c1 = arith.constant 1 : index
    %q = tenon.split_heads %x {heads = 4 : i64} : tensor<?x32xf32> -> tensor<4x?x8xf32>
    %o = tenon.cached_attention %q, %cache[%c1] at %pos {causal, scale = 0.5 : f32} : (tensor<4x?x8xf32>, !long) -> tensor<4x?x8xf32>
    %y = tenon.merge_heads %o : tensor<4x?x8xf32> -> tensor<?x32xf32>
    return %y : tensor<?x32xf32>
  }
}
