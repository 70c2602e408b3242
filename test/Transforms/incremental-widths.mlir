// RUN: tenon-opt %s --tenon-incremental | FileCheck %s

// Values narrower than keys.
module attributes {tenon.kind = "decoder", tenon.context = 128 : i64} {
  // CHECK-LABEL: func.func @prefill
  // CHECK-SAME: %[[C:[^:]*]]: !tenon.kv_cache<layers = 1, heads = 8, capacity = 128, head_dim = 8, element = f32, value_size = 4>)
  // CHECK: tenon.cache_append %{{.*}}, %{{.*}}, %[[C]][%{{.*}}] at %{{.*}} : tensor<8x?x8xf32>, tensor<8x?x4xf32>
  // CHECK: tenon.cached_attention {{.*}} -> tensor<8x?x4xf32>
  func.func @forward(%x: tensor<?xi32>) -> tensor<?x32xf32> {
    %w = tenon.weight_ref @w : tensor<512x64xf32>
    %h = tenon.embedding %x, %w : (tensor<?xi32>, tensor<512x64xf32>) -> tensor<?x64xf32>
    %q = tenon.split_heads %h {heads = 8 : i64} : tensor<?x64xf32> -> tensor<8x?x8xf32>
    %v = tenon.slice %q {offset = 0 : i64} : tensor<8x?x8xf32> -> tensor<8x?x4xf32>
    %o = tenon.attention %q, %q, %v {causal, scale = 0.35 : f32} : (tensor<8x?x8xf32>, tensor<8x?x8xf32>, tensor<8x?x4xf32>) -> tensor<8x?x4xf32>
    %m = tenon.merge_heads %o : tensor<8x?x4xf32> -> tensor<?x32xf32>
    return %m : tensor<?x32xf32>
  }
  tenon.weight @w : tensor<512x64xf32> from [#tenon.source<"e", tensor<512x64xf32>>]
}
