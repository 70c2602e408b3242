// RUN: tenon-opt %s --tenon-incremental --split-input-file --verify-diagnostics | FileCheck %s

// A source that is always as long, and no text: its cache has room for just that.
module attributes {tenon.kind = "decoder", tenon.context = 64 : i64} {
  tenon.weight @embed : tensor<512x64xf32> from [#tenon.source<"e", tensor<512x64xf32>>]

  // CHECK-LABEL: func.func @encode(
  // CHECK-SAME: %[[SOURCE:[^:]*]]: tensor<8x150xf32> {tenon.name = "features", tenon.source}, %[[CROSS:[^:]*]]: !tenon.kv_cache<layers = 1, heads = 8, capacity = 256, head_dim = 1, element = f32> {tenon.source}) {
  // CHECK: tenon.cache_append {{.*}}, %[[CROSS]]
  // CHECK-LABEL: func.func @prefill(
  // CHECK-NOT: 150
  // CHECK: tenon.cached_attention
  // CHECK-LABEL: func.func @decode(
  // CHECK-NOT: ?
  func.func @forward(%tokens: tensor<?xi32> {tenon.name = "tokens"}, %features: tensor<8x150xf32> {tenon.name = "features", tenon.source}) -> tensor<?x64xf32> {
    %e = tenon.weight_ref @embed : tensor<512x64xf32>
    %x = tenon.embedding %tokens, %e : (tensor<?xi32>, tensor<512x64xf32>) -> tensor<?x64xf32>
    %q = tenon.slice %x {offset = 0 : i64} : tensor<?x64xf32> -> tensor<?x8xf32>
    %h = tenon.split_heads %q {heads = 8 : i64} : tensor<?x8xf32> -> tensor<8x?x1xf32>
    %t = tenon.transpose %features : tensor<8x150xf32> -> tensor<150x8xf32>
    %k = tenon.split_heads %t {heads = 8 : i64} : tensor<150x8xf32> -> tensor<8x150x1xf32>
    %c = tenon.attention %h, %k, %k {scale = 1.0 : f32} : (tensor<8x?x1xf32>, tensor<8x150x1xf32>, tensor<8x150x1xf32>) -> tensor<8x?x1xf32>
    %m = tenon.merge_heads %c : tensor<8x?x1xf32> -> tensor<?x8xf32>
    %y = tenon.concat %m, %x : (tensor<?x8xf32>, tensor<?x64xf32>) -> tensor<?x72xf32>
    %z = tenon.slice %y {offset = 0 : i64} : tensor<?x72xf32> -> tensor<?x64xf32>
    return %z : tensor<?x64xf32>
  }
}

// -----

// Tokens attend to all of the source, or to a part of it: not to both.
module attributes {tenon.kind = "decoder", tenon.context = 64 : i64} {
  tenon.weight @embed : tensor<512x8xf32> from [#tenon.source<"e", tensor<512x8xf32>>]
  func.func @forward(%tokens: tensor<?xi32> {tenon.name = "tokens"}, %features: tensor<150x8xf32> {tenon.name = "features", tenon.source}) -> tensor<?x8xf32> {
    %e = tenon.weight_ref @embed : tensor<512x8xf32>
    %x = tenon.embedding %tokens, %e : (tensor<?xi32>, tensor<512x8xf32>) -> tensor<?x8xf32>
    %q = tenon.split_heads %x {heads = 1 : i64} : tensor<?x8xf32> -> tensor<1x?x8xf32>
    %k = tenon.split_heads %features {heads = 1 : i64} : tensor<150x8xf32> -> tensor<1x150x8xf32>
    // expected-note @+1 {{here}}
    %a = tenon.attention %q, %k, %k {scale = 1.0 : f32} : (tensor<1x?x8xf32>, tensor<1x150x8xf32>, tensor<1x150x8xf32>) -> tensor<1x?x8xf32>
    %part = tenon.rows %features {offset = 0 : i64} : tensor<150x8xf32> -> tensor<10x8xf32>
    %l = tenon.split_heads %part {heads = 1 : i64} : tensor<10x8xf32> -> tensor<1x10x8xf32>
    // expected-error @+1 {{has 10 keys of the source, and 150 are attended to elsewhere: a source has one length}}
    %b = tenon.attention %a, %l, %l {scale = 1.0 : f32} : (tensor<1x?x8xf32>, tensor<1x10x8xf32>, tensor<1x10x8xf32>) -> tensor<1x?x8xf32>
    %y = tenon.merge_heads %b : tensor<1x?x8xf32> -> tensor<?x8xf32>
    return %y : tensor<?x8xf32>
  }
}
