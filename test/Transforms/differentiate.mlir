// RUN: tenon-opt %s --tenon-differentiate --cse --canonicalize --split-input-file | FileCheck %s
// RUN: tenon-opt %s --tenon-differentiate=recompute=layer --cse --canonicalize --split-input-file | FileCheck %s --check-prefix=AGAIN

// A loop stays a loop in both directions: what it carries is kept, and the way back counts down. The gradient of a
// weight that two places read is one sum; that of a linear's weight needs no value of its own.

// CHECK-LABEL: module @loop
module @loop attributes {tenon.kind = "decoder"} {
  tenon.weight @embed : tensor<97x32xf32> from [#tenon.source<"embed", tensor<97x32xf32>>]
  tenon.weight @w : tensor<4x32x32xf32> from [#tenon.source<"{i}.w", tensor<32x32xf32>>] stacked
  tenon.weight @b : tensor<4x32xf32> from [#tenon.source<"{i}.b", tensor<32xf32>>] stacked
  // CHECK: func.func @gradient(%[[TOKENS:.*]]: tensor<?xi32> {tenon.element = "token", tenon.name = "tokens"}, %[[TARGETS:.*]]: tensor<?xi32> {tenon.element = "token", tenon.name = "targets"}) -> tensor<1x1xf32> attributes {tenon.entry}
  // CHECK: %[[E:.*]] = tenon.weight_ref @embed
  // CHECK: %[[X:.*]] = tenon.embedding %[[TOKENS]], %[[E]]
  // CHECK: %[[S:.*]] = tenon.stash %[[X]] : tensor<?x32xf32> -> memref<3x?x32xf32>
  // CHECK: %[[Y:.*]] = scf.for %[[I:.*]] = %c1 to %c4 step %c1 iter_args(%[[H:.*]] = %[[X]])
  // CHECK:   %[[TRIP:.*]] = arith.subi %[[I]], %c1
  // CHECK:   tenon.keep %[[H]] in %[[S]][%[[TRIP]]]
  // CHECK:   %[[W:.*]] = tenon.weight_ref @w[%[[I]]]
  // CHECK:   tenon.weight_product %[[H]], %[[W]] :
  // CHECK:   scf.yield
  // Head and loss are one, without all logits.
  // CHECK: %[[G:.*]] = tenon.gradient @embed : memref<97x32xf32>
  // CHECK: %[[HEAD:.*]]:2 = tenon.head_loss %[[Y]], %[[E]], %[[TARGETS]] into %[[G]] {rows = 128 : i64}
  // CHECK: %[[LOSS:.*]] = tenon.reduce %[[HEAD]]#0 {dim = 0 : i64, kind = #tenon.reduction<sum>}
  // CHECK: %[[DX:.*]] = scf.for %[[J:.*]] = %c0 to %c3 step %c1 iter_args(%[[DH:.*]] = %[[HEAD]]#1)
  // CHECK:   %[[BACK:.*]] = arith.subi %c2, %[[J]]
  // CHECK:   %[[LAYER:.*]] = arith.subi %c3, %[[J]]
  // CHECK:   %[[KEPT:.*]] = tenon.kept %[[S]][%[[BACK]]]
  // CHECK:   %[[WB:.*]] = tenon.weight_ref @w[%[[LAYER]]]
  // What the loop computes is not computed again where nothing reads it.
  // CHECK:   tenon.weight_product %[[DH]], %[[WB]] {flipped}
  // CHECK-NOT: tenon.weight_product
  // CHECK:   %[[SUM:.*]] = tenon.reduce %[[DH]] {dim = 0 : i64, kind = #tenon.reduction<sum>}
  // CHECK:   %[[BIAS:.*]] = tenon.squeeze %[[SUM]] : tensor<1x32xf32> -> tensor<32xf32>
  // CHECK:   %[[GW:.*]] = tenon.gradient @w[%[[LAYER]]]
  // CHECK:   tenon.weight_gradient %[[DH]], %[[KEPT]] into %[[GW]]
  // CHECK:   %[[GB:.*]] = tenon.gradient @b[%[[LAYER]]]
  // CHECK:   tenon.add_gradient %[[BIAS]] into %[[GB]]
  // CHECK: tenon.embedding_gradient %[[TOKENS]], %[[DX]] into %[[G]]
  // CHECK: return %[[LOSS]]
  // CHECK: func.func @loss
  // CHECK-NOT: tenon.stash
  // CHECK: %{{[0-9]*}} = tenon.head_loss %{{.*}}, %{{.*}}, %{{.*}} {rows = 128 : i64} :
  // CHECK-NOT: tenon.cross_entropy
  // What generates is derived from this later.
  // CHECK: func.func @forward
  // CHECK: tenon.linear
  // Matrices decay, vectors don't; all layers are one.
  // CHECK: func.func @update(%[[NUMBERS:.*]]: tensor<10xf32> {tenon.name = "numbers"}) -> tensor<1x1xf32> attributes {tenon.entry}
  // CHECK: %[[N:.*]] = tenon.gradient_norm %[[NUMBERS]]
  // CHECK: tenon.update @embed by %[[NUMBERS]] norm %[[N]] {decay}
  // CHECK: tenon.update @w by %[[NUMBERS]] norm %[[N]] {decay}
  // CHECK: tenon.update @b by %[[NUMBERS]] norm %[[N]] :
  // CHECK: return %[[N]]
  func.func @forward(%t: tensor<?xi32> {tenon.name = "tokens", tenon.element = "token"}) -> tensor<?x97xf32> {
    %c1 = arith.constant 1 : index
    %c4 = arith.constant 4 : index
    %e = tenon.weight_ref @embed : tensor<97x32xf32>
    %x = tenon.embedding %t, %e : (tensor<?xi32>, tensor<97x32xf32>) -> tensor<?x32xf32>
    %y = scf.for %i = %c1 to %c4 step %c1 iter_args(%h = %x) -> (tensor<?x32xf32>) {
      %w = tenon.weight_ref @w[%i] : tensor<32x32xf32>
      %b = tenon.weight_ref @b[%i] : tensor<32xf32>
      %0 = tenon.linear %h, %w bias(%b) : (tensor<?x32xf32>, tensor<32x32xf32>, tensor<32xf32>) -> tensor<?x32xf32>
      scf.yield %0 : tensor<?x32xf32>
    }
    %z = tenon.linear %y, %e : (tensor<?x32xf32>, tensor<97x32xf32>) -> tensor<?x97xf32>
    return %z : tensor<?x97xf32>
  }
}

// -----

// Attention: softmax, masks, scales, rotary positions that turn back, heads that share keys.

// CHECK-LABEL: module @attention
module @attention attributes {tenon.kind = "decoder"} {
  tenon.weight @embed : tensor<32x32xf32> from [#tenon.source<"embed", tensor<32x32xf32>>]
  tenon.weight @table : tensor<64x8xf32> from [#tenon.rope_table<frequencies = [1.0, 0.1, 0.01, 0.001], scale = 1.0>]
  // The table that turns back stands at the beginning.
  // CHECK: func.func @gradient
  // CHECK: %[[T:.*]] = tenon.weight_ref @table
  // CHECK: %[[COS:.*]] = tenon.slice %[[T]] {offset = 0 : i64}
  // CHECK: %[[SIN:.*]] = tenon.slice %[[T]] {offset = 4 : i64}
  // CHECK: %[[NEGATED:.*]] = tenon.scale %[[SIN]] {factor = -1.000000e+00 : f32}
  // CHECK: %[[TB:.*]] = tenon.concat %[[COS]], %[[NEGATED]]
  // CHECK: %[[X:.*]] = tenon.embedding
  // CHECK: %[[Q:.*]] = tenon.rope %{{.*}}, %[[T]]
  // CHECK: %[[K:.*]] = tenon.split_heads %{{.*}} {heads = 2 : i64}
  // CHECK: %[[KT:.*]] = tenon.transpose %[[K]]
  // CHECK: %[[P:.*]] = tenon.softmax
  // CHECK: %[[DLOGITS:.*]] = tenon.cross_entropy_gradient
  // CHECK: %[[DO:.*]] = tenon.split_heads %[[DLOGITS]] {heads = 4 : i64}
  // CHECK: %[[DP:.*]] = tenon.matmul %[[DO]], %[[KT]]
  // The values' part, of the heads that share them.
  // CHECK: %[[PT:.*]] = tenon.transpose %[[P]]
  // CHECK: %[[DVS:.*]] = tenon.matmul %[[PT]], %[[DO]]
  // CHECK: %[[DV:.*]] = tenon.sum_heads %[[DVS]] : (tensor<4x?x8xf32>) -> tensor<2x?x8xf32>
  // CHECK: %[[M:.*]] = tenon.mul %[[DP]], %[[P]]
  // CHECK: %[[R:.*]] = tenon.reduce %[[M]] {dim = 2 : i64, kind = #tenon.reduction<sum>}
  // CHECK: %[[C:.*]] = tenon.sub %[[DP]], %[[R]]
  // CHECK: %[[DS:.*]] = tenon.mul %[[C]], %[[P]]
  // CHECK: %[[SCALED:.*]] = tenon.scale %[[DS]] {factor = 2.500000e-01 : f32}
  // CHECK: %[[DQ:.*]] = tenon.matmul %[[SCALED]], %[[K]]
  // Keys were transposed: their gradient has rows again.
  // CHECK: %[[DST:.*]] = tenon.transpose %[[SCALED]]
  // CHECK: %[[DKS:.*]] = tenon.matmul %[[DST]], %[[Q]]
  // CHECK: %[[DK:.*]] = tenon.sum_heads %[[DKS]]
  // CHECK: tenon.add %[[DV]], %[[DK]]
  // CHECK: tenon.zero_pad %{{.*}} {offset = 0 : i64}
  // CHECK: tenon.rope %[[DQ]], %[[TB]]
  func.func @forward(%t: tensor<?xi32>) -> tensor<?x32xf32> {
    %e = tenon.weight_ref @embed : tensor<32x32xf32>
    %r = tenon.weight_ref @table : tensor<64x8xf32>
    %x = tenon.embedding %t, %e : (tensor<?xi32>, tensor<32x32xf32>) -> tensor<?x32xf32>
    %h = tenon.split_heads %x {heads = 4 : i64} : tensor<?x32xf32> -> tensor<4x?x8xf32>
    %q = tenon.rope %h, %r : (tensor<4x?x8xf32>, tensor<64x8xf32>) -> tensor<4x?x8xf32>
    %s = tenon.slice %x {offset = 0 : i64} : tensor<?x32xf32> -> tensor<?x16xf32>
    %k = tenon.split_heads %s {heads = 2 : i64} : tensor<?x16xf32> -> tensor<2x?x8xf32>
    %kt = tenon.transpose %k : tensor<2x?x8xf32> -> tensor<2x8x?xf32>
    %0 = tenon.matmul %q, %kt : (tensor<4x?x8xf32>, tensor<2x8x?xf32>) -> tensor<4x?x?xf32>
    %1 = tenon.scale %0 {factor = 0.25 : f32} : (tensor<4x?x?xf32>) -> tensor<4x?x?xf32>
    %2 = tenon.causal_mask %1 : (tensor<4x?x?xf32>) -> tensor<4x?x?xf32>
    %p = tenon.softmax %2 : (tensor<4x?x?xf32>) -> tensor<4x?x?xf32>
    %o = tenon.matmul %p, %k : (tensor<4x?x?xf32>, tensor<2x?x8xf32>) -> tensor<4x?x8xf32>
    %y = tenon.merge_heads %o : tensor<4x?x8xf32> -> tensor<?x32xf32>
    return %y : tensor<?x32xf32>
  }
}

// -----

// Elementwise operations, broadcast along rows and heads; norms; concatenation; a product that is no linear.

// CHECK-LABEL: module @elementwise
module @elementwise attributes {tenon.kind = "decoder"} {
  tenon.weight @embed : tensor<16x16xf32> from [#tenon.source<"embed", tensor<16x16xf32>>]
  tenon.weight @g : tensor<16xf32> from [#tenon.source<"g", tensor<16xf32>>]
  tenon.weight @h : tensor<16xf32> from [#tenon.source<"h", tensor<16xf32>>]
  tenon.weight @m : tensor<16x16xf32> from [#tenon.source<"m", tensor<16x16xf32>>]
  // CHECK: func.func @gradient
  // CHECK: %[[X:.*]] = tenon.embedding
  // CHECK: %[[RMS:.*]] = tenon.rms_norm %[[X]], %[[G:.*]] {eps
  // CHECK: %[[SHIFTED:.*]] = tenon.shift
  // CHECK: %[[INVERSE:.*]] = tenon.reciprocal %[[SHIFTED]]
  // CHECK: %[[QUOTIENT:.*]] = tenon.div %[[RMS]], %[[INVERSE]]
  // CHECK: %[[SUB:.*]] = tenon.sub %[[QUOTIENT]], %[[H:.*]] :
  // CHECK: %[[ACT:.*]] = tenon.activation %[[SUB]] {kind = #tenon.activation_kind<gelu>}
  // CHECK: %[[LN:.*]] = tenon.layer_norm %[[ACT]]
  // CHECK: %[[D:.*]] = tenon.cross_entropy_gradient
  // The concatenation's halves.
  // CHECK: %[[FIRST:.*]] = tenon.slice %[[D]] {offset = 0 : i64}
  // CHECK: %[[SECOND:.*]] = tenon.slice %[[D]] {offset = 8 : i64}
  // The product's weight is transposed twice: its gradient is a linear's, the other way round.
  // CHECK: tenon.matmul %{{.*}}, %{{.*}}
  // Layer norm: the mean goes, then what is along the row itself.
  // CHECK: tenon.reduce %[[ACT]] {dim = 1 : i64, kind = #tenon.reduction<mean>}
  // CHECK: tenon.activation %{{.*}} {kind = #tenon.activation_kind<sqrt>}
  // CHECK: tenon.reciprocal
  // CHECK: tenon.activation_gradient %{{.*}}, %[[SUB]] {kind = #tenon.activation_kind<gelu>}
  // CHECK: tenon.scale %{{.*}} {factor = -1.000000e+00 : f32}
  // CHECK: tenon.reduce %{{.*}} {dim = 0 : i64, kind = #tenon.reduction<sum>}
  // CHECK: tenon.squeeze
  // CHECK: tenon.div %{{.*}}, %[[INVERSE]]
  // CHECK: tenon.div %[[INVERSE]], %[[SHIFTED]]
  // With a unit offset the gradient of the norm's input is that of w plus one.
  // CHECK: %[[DW:.*]] = tenon.mul %[[DY:.*]], %[[G]] :
  // CHECK: tenon.add %[[DW]], %[[DY]]
  // CHECK: tenon.embedding_gradient
  func.func @forward(%t: tensor<?xi32>) -> tensor<?x16xf32> {
    %e = tenon.weight_ref @embed : tensor<16x16xf32>
    %g = tenon.weight_ref @g : tensor<16xf32>
    %h = tenon.weight_ref @h : tensor<16xf32>
    %m = tenon.weight_ref @m : tensor<16x16xf32>
    %x = tenon.embedding %t, %e : (tensor<?xi32>, tensor<16x16xf32>) -> tensor<?x16xf32>
    %0 = tenon.rms_norm %x, %g {eps = 1.0e-5 : f32, unit_offset} : (tensor<?x16xf32>, tensor<16xf32>) -> tensor<?x16xf32>
    %1 = tenon.shift %x {amount = 3.0 : f32} : (tensor<?x16xf32>) -> tensor<?x16xf32>
    %2 = tenon.reciprocal %1 {numerator = 2.0 : f32} : (tensor<?x16xf32>) -> tensor<?x16xf32>
    %3 = tenon.div %0, %2 : (tensor<?x16xf32>, tensor<?x16xf32>) -> tensor<?x16xf32>
    %4 = tenon.sub %3, %h : (tensor<?x16xf32>, tensor<16xf32>) -> tensor<?x16xf32>
    %5 = tenon.activation %4 {kind = #tenon.activation_kind<gelu>} : (tensor<?x16xf32>) -> tensor<?x16xf32>
    %6 = tenon.layer_norm %5, %g bias(%h) {eps = 1.0e-5 : f32} : (tensor<?x16xf32>, tensor<16xf32>, tensor<16xf32>) -> tensor<?x16xf32>
    %7 = tenon.matmul %6, %m : (tensor<?x16xf32>, tensor<16x16xf32>) -> tensor<?x16xf32>
    %8 = tenon.slice %7 {offset = 4 : i64} : tensor<?x16xf32> -> tensor<?x8xf32>
    %9 = tenon.slice %x {offset = 0 : i64} : tensor<?x16xf32> -> tensor<?x8xf32>
    %10 = tenon.concat %8, %9 : (tensor<?x8xf32>, tensor<?x8xf32>) -> tensor<?x16xf32>
    return %10 : tensor<?x16xf32>
  }
}

// -----

// A fused attention goes back as one, and its result is kept in a loop: that of a product before it is, too, but what is
// computed from that is cheap. Nothing reads what the last product of the layer gives.

// CHECK-LABEL: module @fused
// AGAIN-LABEL: module @fused
module @fused attributes {tenon.kind = "decoder"} {
  tenon.weight @embed : tensor<16x16xf32> from [#tenon.source<"embed", tensor<16x16xf32>>]
  tenon.weight @wq : tensor<3x16x16xf32> from [#tenon.source<"{i}.wq", tensor<16x16xf32>>] stacked
  tenon.weight @wo : tensor<3x16x16xf32> from [#tenon.source<"{i}.wo", tensor<16x16xf32>>] stacked
  // CHECK: func.func @gradient
  // CHECK: %[[S:.*]] = tenon.stash %[[X:.*]] : tensor<?x16xf32> -> memref<3x?x16xf32>
  // CHECK: %[[SQ:.*]] = tenon.stash %[[X]] : tensor<?x16xf32> -> memref<3x?x16xf32>
  // CHECK: %[[SO:.*]] = tenon.stash %[[X]] : tensor<?x16xf32> -> memref<3x2x?x8xf32>
  // CHECK-NOT: tenon.stash
  // CHECK: scf.for %[[I:.*]] = %c0 to %c3
  // CHECK: tenon.keep %{{.*}} in %[[S]][%[[I]]]
  // CHECK: %[[PQ:.*]] = tenon.weight_product
  // CHECK: tenon.keep %[[PQ]] in %[[SQ]][%[[I]]]
  // CHECK: %[[O:.*]] = tenon.attention
  // CHECK: tenon.keep %[[O]] in %[[SO]][%[[I]]]
  // CHECK: tenon.weight_product
  // CHECK-NOT: tenon.keep
  // CHECK: scf.for
  // CHECK: %[[H:.*]] = tenon.kept %[[S]]
  // CHECK: %[[KQ:.*]] = tenon.kept %[[SQ]]
  // CHECK: %[[Q:.*]] = tenon.split_heads %[[KQ]]
  // CHECK: %[[KO:.*]] = tenon.kept %[[SO]]
  // CHECK-NOT: tenon.attention %
  // CHECK: %[[DQ:.*]]:3 = tenon.attention_gradient %[[Q]], %[[Q]], %[[Q]], %[[KO]], %{{.*}} {causal, scale = 2.500000e-01 : f32}
  // CHECK: tenon.add %[[DQ]]#{{[0-2]}}, %[[DQ]]#{{[0-2]}}
  // All of a layer is computed again where memory is what counts.
  // AGAIN: func.func @gradient
  // AGAIN: tenon.stash
  // AGAIN-NOT: tenon.stash
  // AGAIN: scf.for
  // AGAIN: scf.for
  // AGAIN: tenon.attention %
  // AGAIN: tenon.attention_gradient
  func.func @forward(%t: tensor<?xi32>) -> tensor<?x16xf32> {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %c3 = arith.constant 3 : index
    %e = tenon.weight_ref @embed : tensor<16x16xf32>
    %x = tenon.embedding %t, %e : (tensor<?xi32>, tensor<16x16xf32>) -> tensor<?x16xf32>
    %y = scf.for %i = %c0 to %c3 step %c1 iter_args(%h = %x) -> (tensor<?x16xf32>) {
      %wq = tenon.weight_ref @wq[%i] : tensor<16x16xf32>
      %wo = tenon.weight_ref @wo[%i] : tensor<16x16xf32>
      %0 = tenon.linear %h, %wq : (tensor<?x16xf32>, tensor<16x16xf32>) -> tensor<?x16xf32>
      %q = tenon.split_heads %0 {heads = 2 : i64} : tensor<?x16xf32> -> tensor<2x?x8xf32>
      %o = tenon.attention %q, %q, %q {causal, scale = 0.25 : f32} : (tensor<2x?x8xf32>, tensor<2x?x8xf32>, tensor<2x?x8xf32>) -> tensor<2x?x8xf32>
      %m = tenon.merge_heads %o : tensor<2x?x8xf32> -> tensor<?x16xf32>
      %1 = tenon.linear %m, %wo : (tensor<?x16xf32>, tensor<16x16xf32>) -> tensor<?x16xf32>
      %r = tenon.add %h, %1 : (tensor<?x16xf32>, tensor<?x16xf32>) -> tensor<?x16xf32>
      scf.yield %r : tensor<?x16xf32>
    }
    return %y : tensor<?x16xf32>
  }
}
