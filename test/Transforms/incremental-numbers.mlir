// RUN: tenon-opt %s --tenon-incremental --split-input-file --verify-diagnostics | FileCheck %s

// Reductions over columns and numbers are computed token by token, the last rows above them; positions from an offset
// on stay an operation where each token has its own.

// CHECK-LABEL: module @model
module @model attributes {tenon.kind = "decoder", tenon.context = 128 : i64, tenon.max_chunk = 128 : i64, tenon.max_sequences = 2 : i64} {
  tenon.weight @w : tensor<512x64xf32> from [#tenon.source<"e", tensor<512x64xf32>>]
  tenon.weight @p : tensor<130x64xf32> from [#tenon.source<"p", tensor<130x64xf32>>]
  // CHECK-LABEL: func.func @prefill
  // CHECK: tenon.positions %{{.*}} at %[[AT:.*]] {offset = 2 : i64} : (tensor<?xi32>, index) -> tensor<?xi32>
  // CHECK: tenon.last_rows
  // CHECK: tenon.shift
  // CHECK-NEXT: tenon.reduce
  // CHECK-NEXT: tenon.clamp
  // CHECK-NEXT: tenon.reciprocal
  // CHECK-NEXT: tenon.mul
  // CHECK-NEXT: return
  // CHECK-LABEL: func.func @decode_batch(
  // CHECK-SAME: %[[EACH:[a-z0-9]+]]: tensor<2xi32> {tenon.name = "positions"}
  // CHECK: %[[P:.*]] = tenon.positions %{{.*}} at %[[EACH]] {offset = 2 : i64} : (tensor<2xi32>, tensor<2xi32>) -> tensor<2xi32>
  // CHECK: tenon.embedding %[[P]]
  func.func @forward(%x: tensor<?xi32>) -> tensor<?x64xf32> {
    %w = tenon.weight_ref @w : tensor<512x64xf32>
    %table = tenon.weight_ref @p : tensor<130x64xf32>
    %e = tenon.embedding %x, %w : (tensor<?xi32>, tensor<512x64xf32>) -> tensor<?x64xf32>
    %p = tenon.positions %x {offset = 2 : i64} : (tensor<?xi32>) -> tensor<?xi32>
    %l = tenon.embedding %p, %table : (tensor<?xi32>, tensor<130x64xf32>) -> tensor<?x64xf32>
    %a = tenon.add %e, %l : (tensor<?x64xf32>, tensor<?x64xf32>) -> tensor<?x64xf32>
    %s = tenon.shift %a {amount = 1.0 : f32} : (tensor<?x64xf32>) -> tensor<?x64xf32>
    %r = tenon.reduce %s {kind = #tenon.reduction<sum>, dim = 1 : i64} : (tensor<?x64xf32>) -> tensor<?x1xf32>
    %c = tenon.clamp %r {low = 1.0 : f32} : (tensor<?x1xf32>) -> tensor<?x1xf32>
    %i = tenon.reciprocal %c {numerator = 1.0 : f32} : (tensor<?x1xf32>) -> tensor<?x1xf32>
    %y = tenon.mul %s, %i : (tensor<?x64xf32>, tensor<?x1xf32>) -> tensor<?x64xf32>
    return %y : tensor<?x64xf32>
  }
}

// -----

// A sum over tokens has no incremental form.

module attributes {tenon.kind = "decoder", tenon.context = 128 : i64} {
  func.func @forward(%x: tensor<?xi32>) -> tensor<?x64xf32> {
    %w = tenon.weight_ref @w : tensor<512x64xf32>
    %e = tenon.embedding %x, %w : (tensor<?xi32>, tensor<512x64xf32>) -> tensor<?x64xf32>
    // expected-error @+2 {{'tenon.reduce' op needs the whole sequence: a decoder's @forward has to be computed token by token}}
    // expected-note @+1 {{only attention looks at other tokens}}
    %m = tenon.reduce %e {kind = #tenon.reduction<mean>, dim = 0 : i64} : (tensor<?x64xf32>) -> tensor<1x64xf32>
    %y = tenon.sub %e, %m : (tensor<?x64xf32>, tensor<1x64xf32>) -> tensor<?x64xf32>
    return %y : tensor<?x64xf32>
  }
  tenon.weight @w : tensor<512x64xf32> from [#tenon.source<"e", tensor<512x64xf32>>]
}
