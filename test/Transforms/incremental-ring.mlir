// RUN: tenon-opt --split-input-file --tenon-incremental %s | FileCheck %s

// Attention to a window keeps the window's tokens and those of one call: 100 +
// 64, in blocks of 128. Attention to all tokens beside it has a cache of its own.

// CHECK-LABEL: func.func @prefill
// CHECK-SAME:    !tenon.kv_cache<layers = 1, heads = 4, capacity = 256, head_dim = 8, element = f32, ring = true>,
// CHECK-SAME:    !tenon.kv_cache<layers = 1, heads = 4, capacity = 1024, head_dim = 8, element = f32>
// CHECK:         tenon.cache_append {{.*}}ring = true>
// CHECK:         tenon.cached_attention {{.*}}window = 100 : i64{{.*}}ring = true>)
// CHECK:         tenon.cached_attention {{.*}}capacity = 1024, head_dim = 8, element = f32>)
// CHECK-LABEL: func.func @decode
// CHECK-COUNT-2: ring = true
module attributes {tenon.kind = "decoder", tenon.context = 1000 : i64, tenon.max_chunk = 64 : i64} {
  func.func @forward(%q: tensor<?xi32>) -> tensor<?x32xf32> {
    %e = tenon.weight_ref @e : tensor<64x32xf32>
    %x = tenon.embedding %q, %e : (tensor<?xi32>, tensor<64x32xf32>) -> tensor<?x32xf32>
    %h = tenon.split_heads %x {heads = 4 : i64} : tensor<?x32xf32> -> tensor<4x?x8xf32>
    %o = tenon.attention %h, %h, %h {causal, scale = 0.35 : f32, window = 100 : i64} : (tensor<4x?x8xf32>, tensor<4x?x8xf32>, tensor<4x?x8xf32>) -> tensor<4x?x8xf32>
    %p = tenon.attention %o, %o, %o {causal, scale = 0.35 : f32} : (tensor<4x?x8xf32>, tensor<4x?x8xf32>, tensor<4x?x8xf32>) -> tensor<4x?x8xf32>
    %m = tenon.merge_heads %p : tensor<4x?x8xf32> -> tensor<?x32xf32>
    return %m : tensor<?x32xf32>
  }
  tenon.weight @e : tensor<64x32xf32> from [#tenon.source<"e", tensor<64x32xf32>>]
}

// -----

// A window that with a call's tokens needs as many places as there can be
// tokens: 768 + 192 of 960, and whoever has none shares its cache.

// CHECK-LABEL: func.func @prefill
// CHECK-NOT:     ring
// CHECK:         !tenon.kv_cache<layers = 2, heads = 4, capacity = 1024, head_dim = 8, element = f32>
// CHECK-NOT:     ring
module attributes {tenon.kind = "decoder", tenon.context = 960 : i64, tenon.max_chunk = 192 : i64} {
  func.func @forward(%q: tensor<?xi32>) -> tensor<?x32xf32> {
    %e = tenon.weight_ref @e : tensor<64x32xf32>
    %x = tenon.embedding %q, %e : (tensor<?xi32>, tensor<64x32xf32>) -> tensor<?x32xf32>
    %h = tenon.split_heads %x {heads = 4 : i64} : tensor<?x32xf32> -> tensor<4x?x8xf32>
    %o = tenon.attention %h, %h, %h {causal, scale = 0.35 : f32, window = 768 : i64} : (tensor<4x?x8xf32>, tensor<4x?x8xf32>, tensor<4x?x8xf32>) -> tensor<4x?x8xf32>
    %p = tenon.attention %o, %o, %o {causal, scale = 0.35 : f32} : (tensor<4x?x8xf32>, tensor<4x?x8xf32>, tensor<4x?x8xf32>) -> tensor<4x?x8xf32>
    %m = tenon.merge_heads %p : tensor<4x?x8xf32> -> tensor<?x32xf32>
    return %m : tensor<?x32xf32>
  }
  tenon.weight @e : tensor<64x32xf32> from [#tenon.source<"e", tensor<64x32xf32>>]
}

// -----

// Without the most tokens of a call there is no ring: how far back it would
// have to reach is not known.

// CHECK-LABEL: func.func @prefill
// CHECK-NOT:     ring
// CHECK-LABEL: func.func @decode
// CHECK-NOT:     ring
module attributes {tenon.kind = "decoder", tenon.context = 1000 : i64} {
  func.func @forward(%q: tensor<?xi32>) -> tensor<?x32xf32> {
    %e = tenon.weight_ref @e : tensor<64x32xf32>
    %x = tenon.embedding %q, %e : (tensor<?xi32>, tensor<64x32xf32>) -> tensor<?x32xf32>
    %h = tenon.split_heads %x {heads = 4 : i64} : tensor<?x32xf32> -> tensor<4x?x8xf32>
    %o = tenon.attention %h, %h, %h {causal, scale = 0.35 : f32, window = 100 : i64} : (tensor<4x?x8xf32>, tensor<4x?x8xf32>, tensor<4x?x8xf32>) -> tensor<4x?x8xf32>
    %m = tenon.merge_heads %o : tensor<4x?x8xf32> -> tensor<?x32xf32>
    return %m : tensor<?x32xf32>
  }
  tenon.weight @e : tensor<64x32xf32> from [#tenon.source<"e", tensor<64x32xf32>>]
}
