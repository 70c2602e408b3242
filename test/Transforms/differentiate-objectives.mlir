// RUN: tenon-opt %s --tenon-differentiate --cse --canonicalize --split-input-file | FileCheck %s

// An encoder learns from its head: words that a mask hides, with the types of tokens as they are given; other functions
// go.

// CHECK: module @words attributes {tenon.classes = 16 : i64, {{.*}}tenon.objective = "masked"}
module @words attributes {tenon.kind = "encoder"} {
  tenon.weight @embed : tensor<16x8xf32> from [#tenon.source<"embed", tensor<16x8xf32>>]
  tenon.weight @places : tensor<64x8xf32> from [#tenon.source<"places", tensor<64x8xf32>>]
  tenon.weight @types : tensor<2x8xf32> from [#tenon.source<"types", tensor<2x8xf32>>]
  // CHECK: func.func @gradient(%[[T:.*]]: tensor<?xi32>{{.*}}, %[[TARGETS:.*]]: tensor<?xi32> {tenon.name = "targets"}, %[[TYPES:.*]]: tensor<?xi32> {tenon.element = "token_type"}) -> tensor<1x1xf32>
  // CHECK: tenon.head_loss %{{.*}}, %{{.*}}, %[[TARGETS]]
  // CHECK: %[[G:.*]] = tenon.gradient @types
  // CHECK: tenon.embedding_gradient %[[TYPES]], %{{.*}} into %[[G]]
  // CHECK: func.func @update
  // CHECK-NOT: func.func @f
  func.func @forward(%t: tensor<?xi32>, %s: tensor<?xi32> {tenon.element = "token_type"}) -> tensor<?x8xf32> {
    %e = tenon.weight_ref @embed : tensor<16x8xf32>
    %x = tenon.embedding %t, %e : (tensor<?xi32>, tensor<16x8xf32>) -> tensor<?x8xf32>
    return %x : tensor<?x8xf32>
  }
  func.func @fill_mask(%t: tensor<?xi32>, %s: tensor<?xi32> {tenon.element = "token_type"}) -> tensor<?x16xf32> {
    %e = tenon.weight_ref @embed : tensor<16x8xf32>
    %w = tenon.weight_ref @places : tensor<64x8xf32>
    %k = tenon.weight_ref @types : tensor<2x8xf32>
    %x = tenon.embedding %t, %e : (tensor<?xi32>, tensor<16x8xf32>) -> tensor<?x8xf32>
    %i = tenon.positions %t : (tensor<?xi32>) -> tensor<?xi32>
    %p = tenon.embedding %i, %w : (tensor<?xi32>, tensor<64x8xf32>) -> tensor<?x8xf32>
    %q = tenon.embedding %s, %k : (tensor<?xi32>, tensor<2x8xf32>) -> tensor<?x8xf32>
    %0 = tenon.add %x, %p : (tensor<?x8xf32>, tensor<?x8xf32>) -> tensor<?x8xf32>
    %1 = tenon.add %0, %q : (tensor<?x8xf32>, tensor<?x8xf32>) -> tensor<?x8xf32>
    %y = tenon.linear %1, %e : (tensor<?x8xf32>, tensor<16x8xf32>) -> tensor<?x16xf32>
    return %y : tensor<?x16xf32>
  }
}

// -----

// One label of a text.

// CHECK: module @text attributes {tenon.classes = 3 : i64, {{.*}}tenon.objective = "classes"}
module @text attributes {tenon.kind = "encoder"} {
  tenon.weight @embed : tensor<16x8xf32> from [#tenon.source<"embed", tensor<16x8xf32>>]
  tenon.weight @head : tensor<3x8xf32> from [#tenon.source<"head", tensor<3x8xf32>>]
  // CHECK: func.func @gradient(%{{.*}}: tensor<?xi32>, %[[TARGET:.*]]: tensor<1xi32> {tenon.name = "targets"})
  // CHECK: %[[LOSS:.*]] = tenon.cross_entropy %{{.*}}, %[[TARGET]] : (tensor<1x3xf32>, tensor<1xi32>) -> tensor<1x1xf32>
  // CHECK: tenon.pad_rows
  func.func @classify(%t: tensor<?xi32>) -> tensor<1x3xf32> {
    %e = tenon.weight_ref @embed : tensor<16x8xf32>
    %h = tenon.weight_ref @head : tensor<3x8xf32>
    %x = tenon.embedding %t, %e : (tensor<?xi32>, tensor<16x8xf32>) -> tensor<?x8xf32>
    %f = tenon.rows %x {offset = 0 : i64} : tensor<?x8xf32> -> tensor<1x8xf32>
    %y = tenon.linear %f, %h : (tensor<1x8xf32>, tensor<3x8xf32>) -> tensor<1x3xf32>
    return %y : tensor<1x3xf32>
  }
}

// -----

// One label of a text, from its last token.

// CHECK: module @last
// CHECK: tenon.pad_rows %{{.*}}, %{{.*}} {offset = -1 : i64} : (tensor<1x8xf32>, tensor<?x8xf32>) -> tensor<?x8xf32>
module @last attributes {tenon.kind = "encoder"} {
  tenon.weight @embed : tensor<16x8xf32> from [#tenon.source<"embed", tensor<16x8xf32>>]
  tenon.weight @head : tensor<3x8xf32> from [#tenon.source<"head", tensor<3x8xf32>>]
  func.func @classify(%t: tensor<?xi32>) -> tensor<1x3xf32> {
    %e = tenon.weight_ref @embed : tensor<16x8xf32>
    %h = tenon.weight_ref @head : tensor<3x8xf32>
    %c1 = arith.constant 1 : index
    %x = tenon.embedding %t, %e : (tensor<?xi32>, tensor<16x8xf32>) -> tensor<?x8xf32>
    %f = tenon.last_rows %x, %c1 : tensor<?x8xf32> -> tensor<1x8xf32>
    %y = tenon.linear %f, %h : (tensor<1x8xf32>, tensor<3x8xf32>) -> tensor<1x3xf32>
    return %y : tensor<1x3xf32>
  }
}

// -----

// Biases of buckets of distances: what learns is the table, in which each distance has its place.

// CHECK-LABEL: module @buckets
module @buckets attributes {tenon.kind = "decoder"} {
  tenon.weight @embed : tensor<8x8xf32> from [#tenon.source<"embed", tensor<8x8xf32>>]
  // CHECK-NOT: tenon.weight @bias :
  // CHECK: tenon.weight @bias.buckets : tensor<17xi32> from [#tenon.relative_buckets<
  // CHECK: tenon.weight @bias.table : tensor<32x2xf32> from [#tenon.source<"b", tensor<32x2xf32>>]
  tenon.weight @bias : tensor<2x17xf32> from [#tenon.relative_buckets<source = <"b", tensor<32x2xf32>>, max_distance = 128, past = true>]
  // CHECK: func.func @gradient
  // CHECK: %[[I:.*]] = tenon.weight_ref @bias.buckets
  // CHECK: %[[TABLE:.*]] = tenon.weight_ref @bias.table
  // CHECK: %[[ROWS:.*]] = tenon.embedding %[[I]], %[[TABLE]] : (tensor<17xi32>, tensor<32x2xf32>) -> tensor<17x2xf32>
  // CHECK: %[[BIAS:.*]] = tenon.transpose %[[ROWS]]
  // CHECK: tenon.score_bias %{{.*}}, %[[BIAS]]
  // CHECK: %[[DB:.*]] = tenon.score_bias_gradient
  // CHECK: %[[DR:.*]] = tenon.transpose %[[DB]] : tensor<2x17xf32> -> tensor<17x2xf32>
  // CHECK: %[[G:.*]] = tenon.gradient @bias.table
  // CHECK: tenon.embedding_gradient %[[I]], %[[DR]] into %[[G]]
  // CHECK: tenon.update @bias.table
  func.func @forward(%t: tensor<?xi32>) -> tensor<?x8xf32> {
    %e = tenon.weight_ref @embed : tensor<8x8xf32>
    %b = tenon.weight_ref @bias : tensor<2x17xf32>
    %x = tenon.embedding %t, %e : (tensor<?xi32>, tensor<8x8xf32>) -> tensor<?x8xf32>
    %h = tenon.split_heads %x {heads = 2 : i64} : tensor<?x8xf32> -> tensor<2x?x4xf32>
    %k = tenon.transpose %h : tensor<2x?x4xf32> -> tensor<2x4x?xf32>
    %0 = tenon.matmul %h, %k : (tensor<2x?x4xf32>, tensor<2x4x?xf32>) -> tensor<2x?x?xf32>
    %1 = tenon.score_bias %0, %b : (tensor<2x?x?xf32>, tensor<2x17xf32>) -> tensor<2x?x?xf32>
    %p = tenon.softmax %1 : (tensor<2x?x?xf32>) -> tensor<2x?x?xf32>
    %o = tenon.matmul %p, %h : (tensor<2x?x?xf32>, tensor<2x?x4xf32>) -> tensor<2x?x4xf32>
    %y = tenon.merge_heads %o : tensor<2x?x4xf32> -> tensor<?x8xf32>
    return %y : tensor<?x8xf32>
  }
}

// -----

// What follows another text: the source stays an input, and its gradient is carried through the decoder's loop.

// CHECK: module @pair attributes {{{.*}}tenon.objective = "sequence"}
module @pair attributes {tenon.kind = "decoder"} {
  tenon.weight @embed : tensor<8x8xf32> from [#tenon.source<"embed", tensor<8x8xf32>>]
  // CHECK: func.func @gradient(%{{.*}}: tensor<?xi32>, %{{.*}}: tensor<?xi32> {tenon.name = "targets"}, %[[S:.*]]: tensor<?xi32> {tenon.source})
  // CHECK: %[[X:.*]] = tenon.embedding %[[S]]
  // Keys were transposed before the loop: their gradient is theirs, and turns after it.
  // CHECK: %[[K:.*]] = tenon.transpose %[[X]]
  // CHECK-DAG: %[[ZEROS:.*]] = tenon.zeros_like %[[K]]
  // CHECK-DAG: %[[ZERO:.*]] = tenon.zeros_like %[[X]]
  // CHECK: %[[BACK:.*]]:3 = scf.for {{.*}} iter_args(%{{.*}}, %{{.*}} = %[[ZEROS]], %{{.*}} = %[[ZERO]])
  // CHECK: %[[DK:.*]] = tenon.transpose %[[BACK]]#1
  // CHECK: %[[DX:.*]] = tenon.add %[[BACK]]#2, %[[DK]]
  // CHECK: tenon.embedding_gradient %[[S]], %[[DX]]
  // CHECK-NOT: func.func @forward
  func.func @forward(%t: tensor<?xi32>, %s: tensor<?xi32> {tenon.source}) -> tensor<?x8xf32> {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %c3 = arith.constant 3 : index
    %e = tenon.weight_ref @embed : tensor<8x8xf32>
    %x = tenon.embedding %s, %e : (tensor<?xi32>, tensor<8x8xf32>) -> tensor<?x8xf32>
    %k = tenon.transpose %x : tensor<?x8xf32> -> tensor<8x?xf32>
    %y = tenon.embedding %t, %e : (tensor<?xi32>, tensor<8x8xf32>) -> tensor<?x8xf32>
    %z = scf.for %i = %c0 to %c3 step %c1 iter_args(%h = %y) -> (tensor<?x8xf32>) {
      %0 = tenon.matmul %h, %k : (tensor<?x8xf32>, tensor<8x?xf32>) -> tensor<?x?xf32>
      %p = tenon.softmax %0 : (tensor<?x?xf32>) -> tensor<?x?xf32>
      %o = tenon.matmul %p, %x : (tensor<?x?xf32>, tensor<?x8xf32>) -> tensor<?x8xf32>
      scf.yield %o : tensor<?x8xf32>
    }
    return %z : tensor<?x8xf32>
  }
}
