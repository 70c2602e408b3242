// RUN: tenon-opt %s --tenon-fuse-attention --tenon-incremental --verify-diagnostics

// An attention that was not fused: the error is where its chain breaks.
module attributes {tenon.kind = "decoder", tenon.context = 128 : i64} {
  tenon.weight @w : tensor<512x64xf32> from [#tenon.source<"e", tensor<512x64xf32>>]
  func.func @forward(%x: tensor<?xi32>) -> tensor<?x64xf32> {
    %w = tenon.weight_ref @w : tensor<512x64xf32>
    %h = tenon.embedding %x, %w : (tensor<?xi32>, tensor<512x64xf32>) -> tensor<?x64xf32>
    %q = tenon.split_heads %h {heads = 8 : i64} : tensor<?x64xf32> -> tensor<8x?x8xf32>
    // expected-note @+1 {{'tenon.transpose' needs the whole sequence}}
    %t = tenon.transpose %q : tensor<8x?x8xf32> -> tensor<8x8x?xf32>
    %0 = tenon.matmul %q, %t : (tensor<8x?x8xf32>, tensor<8x8x?xf32>) -> tensor<8x?x?xf32>
    // expected-error @+1 {{a decoder's @forward has to be computed token by token, but these scores pass through 'sigmoid', which attention can't take in}}
    %1 = tenon.activation %0 {kind = #tenon.activation_kind<sigmoid>} : (tensor<8x?x?xf32>) -> tensor<8x?x?xf32>
    %2 = tenon.causal_mask %1 : (tensor<8x?x?xf32>) -> tensor<8x?x?xf32>
    %3 = tenon.softmax %2 : (tensor<8x?x?xf32>) -> tensor<8x?x?xf32>
    %4 = tenon.matmul %3, %q : (tensor<8x?x?xf32>, tensor<8x?x8xf32>) -> tensor<8x?x8xf32>
    %m = tenon.merge_heads %4 : tensor<8x?x8xf32> -> tensor<?x64xf32>
    return %m : tensor<?x64xf32>
  }
}
