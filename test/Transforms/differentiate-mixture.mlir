// RUN: tenon-opt %s --tenon-differentiate --cse --canonicalize --split-input-file | FileCheck %s

// A mixture of experts: each expert's rows go back through its body, what was chosen gets the gates' gradient, and a
// sum hands its gradient to each of its terms. The expert's weights are summed up where they lie.

// CHECK-LABEL: module @mixture
module @mixture attributes {tenon.kind = "decoder"} {
  tenon.weight @embed : tensor<8x8xf32> from [#tenon.source<"embed", tensor<8x8xf32>>]
  tenon.weight @router : tensor<4x8xf32> from [#tenon.source<"router", tensor<4x8xf32>>]
  tenon.weight @w : tensor<4x8x8xf32> from [#tenon.source<"{i}.{e}.w", tensor<8x8xf32>>] stacked {tenon.experts = 4 : i64}
  tenon.weight @b : tensor<4x8xf32> from [#tenon.source<"{i}.{e}.b", tensor<8xf32>>] stacked {tenon.experts = 4 : i64}
  // CHECK: func.func @gradient
  // CHECK: %[[X:.*]] = tenon.embedding
  // CHECK: %[[P:.*]] = tenon.softmax
  // CHECK: %[[TOP:.*]] = tenon.top_k %[[P]] {k = 2 : i64}
  // CHECK: %[[SUM:.*]] = tenon.reduce %[[TOP]] {dim = 1 : i64, kind = #tenon.reduction<sum>}
  // CHECK: %[[GATES:.*]] = tenon.div %[[TOP]], %[[SUM]]
  // CHECK: tenon.mixture %[[X]] gates(%[[GATES]])
  // CHECK: %[[DY:.*]] = tenon.cross_entropy_gradient
  // CHECK: %[[BACK:.*]]:2 = tenon.mixture_gradient %[[X]] gates(%[[GATES]]) gradient(%[[DY]]) top 2 of 4 {
  // CHECK: ^bb0(%[[ROWS:.*]]: tensor<?x8xf32>, %[[GATE:.*]]: tensor<?x1xf32>, %[[D:.*]]: tensor<?x8xf32>, %[[E:.*]]: index):
  // CHECK:   %[[W:.*]] = tenon.weight_ref @w[%[[E]]]
  // CHECK:   %[[XW:.*]] = tenon.weight_product %[[ROWS]], %[[W]] :
  // CHECK:   %[[Y:.*]] = tenon.add %[[XW]]
  // CHECK:   %[[DE:.*]] = tenon.mul %[[D]], %[[GATE]]
  // CHECK:   %[[DX:.*]] = tenon.weight_product %[[DE]], %[[W]] {flipped}
  // CHECK:   %[[GW:.*]] = tenon.gradient @w[%[[E]]]
  // CHECK:   tenon.weight_gradient %[[DE]], %[[ROWS]] into %[[GW]]
  // CHECK:   tenon.gradient @b[%[[E]]]
  // CHECK:   %[[DYY:.*]] = tenon.mul %[[D]], %[[Y]]
  // CHECK:   %[[DG:.*]] = tenon.reduce %[[DYY]] {dim = 1 : i64, kind = #tenon.reduction<sum>}
  // CHECK:   tenon.mixture_gradient_yield %[[DX]], %[[DG]]
  // CHECK: %[[DTOP:.*]] = tenon.div %[[BACK]]#1, %[[SUM]]
  // CHECK: %[[ZERO:.*]] = tenon.zeros_like %[[TOP]]
  // CHECK: tenon.add %[[ZERO]]
  // CHECK: tenon.top_k %{{.*}} by(%[[P]]) {k = 2 : i64}
  // CHECK: %[[GR:.*]] = tenon.gradient @router
  // CHECK: tenon.weight_gradient %{{.*}}, %[[X]] into %[[GR]]
  func.func @forward(%t: tensor<?xi32>) -> tensor<?x8xf32> {
    %e = tenon.weight_ref @embed : tensor<8x8xf32>
    %r = tenon.weight_ref @router : tensor<4x8xf32>
    %x = tenon.embedding %t, %e : (tensor<?xi32>, tensor<8x8xf32>) -> tensor<?x8xf32>
    %l = tenon.linear %x, %r : (tensor<?x8xf32>, tensor<4x8xf32>) -> tensor<?x4xf32>
    %p = tenon.softmax %l : (tensor<?x4xf32>) -> tensor<?x4xf32>
    %k = tenon.top_k %p {k = 2 : i64} : (tensor<?x4xf32>) -> tensor<?x4xf32>
    %s = tenon.reduce %k {kind = #tenon.reduction<sum>, dim = 1 : i64} : (tensor<?x4xf32>) -> tensor<?x1xf32>
    %g = tenon.div %k, %s : (tensor<?x4xf32>, tensor<?x1xf32>) -> tensor<?x4xf32>
    %y = tenon.mixture %x gates(%g) top 2 of 4 {
    ^bb0(%rows: tensor<?x8xf32>, %i: index):
      %w = tenon.weight_ref @w[%i] : tensor<8x8xf32>
      %b = tenon.weight_ref @b[%i] : tensor<8xf32>
      %o = tenon.linear %rows, %w bias(%b) : (tensor<?x8xf32>, tensor<8x8xf32>, tensor<8xf32>) -> tensor<?x8xf32>
      tenon.mixture_yield %o : tensor<?x8xf32>
    } : (tensor<?x8xf32>, tensor<?x4xf32>) -> tensor<?x8xf32>
    return %y : tensor<?x8xf32>
  }
}

// -----

// What a loop reads from outside gets its gradient through the loop, which carries it; a weight is read inside, where
// nothing has to be carried. A weight that is read transposed has its gradient the other way round.

// CHECK-LABEL: module @captured
module @captured attributes {tenon.kind = "decoder"} {
  tenon.weight @embed : tensor<8x8xf32> from [#tenon.source<"embed", tensor<8x8xf32>>]
  // CHECK: func.func @gradient
  // CHECK: %[[X:.*]] = tenon.embedding
  // CHECK: %[[DY:.*]] = tenon.cross_entropy_gradient
  // CHECK: %[[ZERO:.*]] = tenon.zeros_like %[[X]]
  // CHECK: %[[BACK:.*]]:2 = scf.for {{.*}} iter_args(%[[DH:.*]] = %[[DY]], %[[DX:.*]] = %[[ZERO]])
  // CHECK:   %[[H:.*]] = tenon.kept
  // CHECK:   %[[A:.*]] = tenon.add %[[H]], %[[X]]
  // CHECK:   %[[G:.*]] = tenon.gradient @embed
  // CHECK:   tenon.weight_gradient %[[A]], %[[DH]] into %[[G]]
  // CHECK:   %[[SUM:.*]] = tenon.add %[[DX]], %[[DA:.*]] :
  // CHECK:   scf.yield %[[DA]], %[[SUM]]
  // CHECK: tenon.add %[[BACK]]#1, %[[BACK]]#0
  func.func @forward(%t: tensor<?xi32>) -> tensor<?x8xf32> {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %c3 = arith.constant 3 : index
    %e = tenon.weight_ref @embed : tensor<8x8xf32>
    %x = tenon.embedding %t, %e : (tensor<?xi32>, tensor<8x8xf32>) -> tensor<?x8xf32>
    %y = scf.for %i = %c0 to %c3 step %c1 iter_args(%h = %x) -> (tensor<?x8xf32>) {
      %0 = tenon.add %h, %x : (tensor<?x8xf32>, tensor<?x8xf32>) -> tensor<?x8xf32>
      %w = tenon.transpose %e : tensor<8x8xf32> -> tensor<8x8xf32>
      %1 = tenon.linear %0, %w : (tensor<?x8xf32>, tensor<8x8xf32>) -> tensor<?x8xf32>
      scf.yield %1 : tensor<?x8xf32>
    }
    return %y : tensor<?x8xf32>
  }
}

// -----

// A sink that learns, a bias on distances that does, scores gathered by distance, a clamp, the first row.

// CHECK-LABEL: module @scores
module @scores attributes {tenon.kind = "decoder"} {
  tenon.weight @embed : tensor<8x8xf32> from [#tenon.source<"embed", tensor<8x8xf32>>]
  tenon.weight @sink : tensor<2xf32> from [#tenon.source<"sink", tensor<2xf32>>]
  tenon.weight @bias : tensor<2x33xf32> from [#tenon.source<"bias", tensor<2x33xf32>>]
  tenon.weight @index : tensor<33xi32> from [#tenon.distance_index<span = 2, max_distance = 16, ahead = true>]
  // CHECK: func.func @gradient
  // CHECK: %[[X:.*]] = tenon.embedding
  // CHECK: %[[P:.*]] = tenon.softmax %{{.*}} sink
  // CHECK: tenon.clamp_gradient %{{.*}}, %{{.*}} {high = 7.000000e+00 : f32}
  // CHECK: tenon.pad_rows %{{.*}}, %[[X]] {offset = 0 : i64}
  // CHECK: %[[PART:.*]] = tenon.reduce %{{.*}} {dim = 2 : i64, kind = #tenon.reduction<sum>}
  // CHECK: %[[DS:.*]] = tenon.mul %{{.*}}, %[[P]]
  // CHECK: %[[ALL:.*]] = tenon.reduce %[[P]] {dim = 2 : i64, kind = #tenon.reduction<sum>}
  // CHECK: %[[REST:.*]] = tenon.shift %[[ALL]] {amount = -1.000000e+00 : f32}
  // CHECK: %[[SINK:.*]] = tenon.mul %[[REST]], %[[PART]]
  // CHECK: tenon.merge_heads %[[SINK]] : tensor<2x?x1xf32> -> tensor<?x2xf32>
  // CHECK: tenon.score_bias_gradient %[[DS]] : (tensor<2x?x?xf32>) -> tensor<2x33xf32>
  // CHECK: tenon.distance_gather_gradient %[[DS]]
  func.func @forward(%t: tensor<?xi32>) -> tensor<?x8xf32> {
    %e = tenon.weight_ref @embed : tensor<8x8xf32>
    %s = tenon.weight_ref @sink : tensor<2xf32>
    %b = tenon.weight_ref @bias : tensor<2x33xf32>
    %i = tenon.weight_ref @index : tensor<33xi32>
    %x = tenon.embedding %t, %e : (tensor<?xi32>, tensor<8x8xf32>) -> tensor<?x8xf32>
    %h = tenon.split_heads %x {heads = 2 : i64} : tensor<?x8xf32> -> tensor<2x?x4xf32>
    %0 = tenon.distance_gather %h, %i : (tensor<2x?x4xf32>, tensor<33xi32>) -> tensor<2x?x?xf32>
    %1 = tenon.score_bias %0, %b : (tensor<2x?x?xf32>, tensor<2x33xf32>) -> tensor<2x?x?xf32>
    %p = tenon.softmax %1 sink(%s) : (tensor<2x?x?xf32>, tensor<2xf32>) -> tensor<2x?x?xf32>
    %o = tenon.matmul %p, %h : (tensor<2x?x?xf32>, tensor<2x?x4xf32>) -> tensor<2x?x4xf32>
    %y = tenon.merge_heads %o : tensor<2x?x4xf32> -> tensor<?x8xf32>
    %f = tenon.rows %x {offset = 0 : i64} : tensor<?x8xf32> -> tensor<1x8xf32>
    %z = tenon.add %y, %f : (tensor<?x8xf32>, tensor<1x8xf32>) -> tensor<?x8xf32>
    %c = tenon.clamp %z {high = 7.0 : f32} : (tensor<?x8xf32>) -> tensor<?x8xf32>
    return %c : tensor<?x8xf32>
  }
}
