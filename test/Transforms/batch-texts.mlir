// RUN: tenon-opt %s --tenon-batch-texts --split-input-file | FileCheck %s
// RUN: tenon-opt %s --tenon-batch-texts --tenon-batch-texts --split-input-file | FileCheck %s

// What sees a whole text is computed for each apart; what becomes of a text at
// the end, too.
module attributes {tenon.kind = "encoder"} {
  tenon.weight @table : tensor<512x64xf32> from [#tenon.source<"t", tensor<512x64xf32>>]
  tenon.weight @w : tensor<64x64xf32> from [#tenon.source<"w", tensor<64x64xf32>>]
  tenon.weight @rotation : tensor<128x8xf32> from [#tenon.source<"r", tensor<128x8xf32>>]
  // CHECK-LABEL: func.func @embed(
  // CHECK-SAME: %[[IDS:[^:]*]]: tensor<?xi32> {tenon.name = "tokens"}, %[[ENDS:[^:]*]]: tensor<?xi32> {tenon.element = "text_ends", tenon.name = "text_ends"}) -> tensor<?x64xf32> attributes {tenon.entry, tenon.text_rows = 1 : i64} {
  func.func @embed(%ids: tensor<?xi32> {tenon.name = "tokens"}) -> tensor<1x64xf32> attributes {tenon.entry} {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %c2 = arith.constant 2 : index
    %t = tenon.weight_ref @table : tensor<512x64xf32>
    %w = tenon.weight_ref @w : tensor<64x64xf32>
    %r = tenon.weight_ref @rotation : tensor<128x8xf32>
    // CHECK: %[[E:.*]] = tenon.embedding %[[IDS]]
    %e = tenon.embedding %ids, %t : (tensor<?xi32>, tensor<512x64xf32>) -> tensor<?x64xf32>
    // CHECK: %[[P:.*]] = tenon.for_each_text %[[IDS]] ends(%[[ENDS]]) {
    // CHECK-NEXT: ^bb0(%[[IDS1:.*]]: tensor<?xi32>):
    // CHECK-NEXT: %[[P1:.*]] = tenon.positions %[[IDS1]]
    // CHECK-NEXT: tenon.text_yield %[[P1]]
    %p = tenon.positions %ids : (tensor<?xi32>) -> tensor<?xi32>
    // CHECK: tenon.embedding %[[P]]
    %f = tenon.embedding %p, %t : (tensor<?xi32>, tensor<512x64xf32>) -> tensor<?x64xf32>
    %x = tenon.add %e, %f : (tensor<?x64xf32>, tensor<?x64xf32>) -> tensor<?x64xf32>
    // CHECK: scf.for
    %y = scf.for %i = %c0 to %c2 step %c1 iter_args(%h = %x) -> (tensor<?x64xf32>) {
      // CHECK: %[[L:.*]] = tenon.linear
      // CHECK-NEXT: %[[H:.*]] = tenon.split_heads %[[L]]
      %l = tenon.linear %h, %w : (tensor<?x64xf32>, tensor<64x64xf32>) -> tensor<?x64xf32>
      %s = tenon.split_heads %l {heads = 8 : i64} : tensor<?x64xf32> -> tensor<8x?x8xf32>
      // CHECK-NEXT: %[[Q:.*]] = tenon.for_each_text %[[H]] ends(%[[ENDS]]) {
      // CHECK: tenon.rope
      %q = tenon.rope %s, %r : (tensor<8x?x8xf32>, tensor<128x8xf32>) -> tensor<8x?x8xf32>
      // CHECK: %[[A:.*]] = tenon.for_each_text %[[Q]], %[[H]] ends(%[[ENDS]]) {
      // CHECK-NEXT: ^bb0(%[[Q1:.*]]: tensor<8x?x8xf32>, %[[V1:.*]]: tensor<8x?x8xf32>):
      // CHECK-NEXT: tenon.attention %[[Q1]], %[[Q1]], %[[V1]]
      %a = tenon.attention %q, %q, %s {scale = 0.35 : f32} : (tensor<8x?x8xf32>, tensor<8x?x8xf32>, tensor<8x?x8xf32>) -> tensor<8x?x8xf32>
      // CHECK: tenon.merge_heads %[[A]]
      %m = tenon.merge_heads %a : tensor<8x?x8xf32> -> tensor<?x64xf32>
      scf.yield %m : tensor<?x64xf32>
    }
    // CHECK: %[[R:.*]] = tenon.for_each_text %{{.*}} ends(%[[ENDS]]) {
    // CHECK-NEXT: ^bb0(%[[Y1:.*]]: tensor<?x64xf32>):
    // CHECK-NEXT: tenon.reduce %[[Y1]]
    // CHECK-NEXT: tenon.linear
    // CHECK-NEXT: tenon.text_yield %{{.*}} : tensor<1x64xf32>
    // CHECK: return %[[R]] : tensor<?x64xf32>
    %n = tenon.reduce %y {kind = #tenon.reduction<mean>, dim = 0 : i64} : (tensor<?x64xf32>) -> tensor<1x64xf32>
    %o = tenon.linear %n, %w : (tensor<1x64xf32>, tensor<64x64xf32>) -> tensor<1x64xf32>
    return %o : tensor<1x64xf32>
  }

  // Rows of tokens stay those of the tokens.
  // CHECK-LABEL: func.func @forward(
  // CHECK-SAME: tenon.name = "text_ends"}) -> tensor<?x64xf32> attributes {tenon.entry} {
  // CHECK-NOT: for_each_text
  func.func @forward(%ids: tensor<?xi32>) -> tensor<?x64xf32> attributes {tenon.entry} {
    %t = tenon.weight_ref @table : tensor<512x64xf32>
    %e = tenon.embedding %ids, %t : (tensor<?xi32>, tensor<512x64xf32>) -> tensor<?x64xf32>
    return %e : tensor<?x64xf32>
  }

  // Near misses. No entry point.
  // CHECK-LABEL: func.func @helper(
  // CHECK-NOT: text_ends
  // CHECK: return
  func.func @helper(%ids: tensor<?xi32>) -> tensor<?x64xf32> {
    %t = tenon.weight_ref @table : tensor<512x64xf32>
    %e = tenon.embedding %ids, %t : (tensor<?xi32>, tensor<512x64xf32>) -> tensor<?x64xf32>
    return %e : tensor<?x64xf32>
  }

  // An image has no tokens.
  // CHECK-LABEL: func.func @image(
  // CHECK-NOT: text_ends
  // CHECK: return
  func.func @image(%x: tensor<16x64xf32>) -> tensor<16x64xf32> attributes {tenon.entry} {
    %w = tenon.weight_ref @w : tensor<64x64xf32>
    %l = tenon.linear %x, %w : (tensor<16x64xf32>, tensor<64x64xf32>) -> tensor<16x64xf32>
    return %l : tensor<16x64xf32>
  }

  // A layer in which scores of a whole text are there.
  // CHECK-LABEL: func.func @scores(
  // CHECK-NOT: text_ends
  // CHECK: return
  func.func @scores(%ids: tensor<?xi32>) -> tensor<?x64xf32> attributes {tenon.entry} {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %t = tenon.weight_ref @table : tensor<512x64xf32>
    %e = tenon.embedding %ids, %t : (tensor<?xi32>, tensor<512x64xf32>) -> tensor<?x64xf32>
    %y = scf.for %i = %c0 to %c1 step %c1 iter_args(%h = %e) -> (tensor<?x64xf32>) {
      %k = tenon.transpose %h : tensor<?x64xf32> -> tensor<64x?xf32>
      %s = tenon.matmul %h, %k : (tensor<?x64xf32>, tensor<64x?xf32>) -> tensor<?x?xf32>
      %o = tenon.matmul %s, %h : (tensor<?x?xf32>, tensor<?x64xf32>) -> tensor<?x64xf32>
      scf.yield %o : tensor<?x64xf32>
    }
    return %y : tensor<?x64xf32>
  }

  // Two rows of a text.
  // CHECK-LABEL: func.func @two(
  // CHECK-NOT: text_ends
  // CHECK: return
  func.func @two(%ids: tensor<?xi32>) -> tensor<2x64xf32> attributes {tenon.entry} {
    %t = tenon.weight_ref @table : tensor<512x64xf32>
    %e = tenon.embedding %ids, %t : (tensor<?xi32>, tensor<512x64xf32>) -> tensor<?x64xf32>
    %r = tenon.rows %e {offset = 0 : i64} : tensor<?x64xf32> -> tensor<2x64xf32>
    return %r : tensor<2x64xf32>
  }
}

// -----

// A decoder's texts go on: they are sequences.
module attributes {tenon.kind = "decoder"} {
  tenon.weight @table : tensor<512x64xf32> from [#tenon.source<"t", tensor<512x64xf32>>]
  // CHECK-LABEL: func.func @states(
  // CHECK-NOT: text_ends
  // CHECK: return
  func.func @states(%ids: tensor<?xi32>) -> tensor<?x64xf32> attributes {tenon.entry} {
    %t = tenon.weight_ref @table : tensor<512x64xf32>
    %e = tenon.embedding %ids, %t : (tensor<?xi32>, tensor<512x64xf32>) -> tensor<?x64xf32>
    return %e : tensor<?x64xf32>
  }
}
