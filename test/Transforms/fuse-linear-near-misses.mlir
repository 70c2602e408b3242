// RUN: tenon-opt %s --tenon-fuse-linear | FileCheck %s

// What looks like a linear's epilogue and is another function.

!x = tensor<?x64xf32>

tenon.weight @w : tensor<64x64xf32> from [#tenon.source<"w", tensor<64x64xf32>>]
tenon.weight @table : tensor<64x2xf32> from [#tenon.rope_table<frequencies = [1.0], scale = 1.0>]

// A residual of another shape: one row for all, a column for all, one number.
// CHECK-LABEL: func @broadcast
func.func @broadcast(%x: !x, %row: tensor<1x64xf32>, %column: tensor<?x1xf32>, %one: tensor<1xf32>) -> (!x, !x, !x) {
  // CHECK-NOT: residual
  // CHECK-NOT: bias
  // CHECK-COUNT-3: tenon.add
  %w = tenon.weight_ref @w : tensor<64x64xf32>
  %0 = tenon.linear %x, %w : (!x, tensor<64x64xf32>) -> !x
  %1 = tenon.add %0, %row : (!x, tensor<1x64xf32>) -> !x
  %2 = tenon.linear %x, %w : (!x, tensor<64x64xf32>) -> !x
  %3 = tenon.add %column, %2 : (tensor<?x1xf32>, !x) -> !x
  %4 = tenon.linear %x, %w : (!x, tensor<64x64xf32>) -> !x
  %5 = tenon.add %4, %one : (!x, tensor<1xf32>) -> !x
  return %1, %3, %5 : !x, !x, !x
}

// The sum has more rows than the product: the product is what is broadcast.
// CHECK-LABEL: func @product_is_broadcast
func.func @product_is_broadcast(%x: tensor<1x64xf32>, %y: tensor<4x64xf32>) -> tensor<4x64xf32> {
  // CHECK: tenon.linear {{.*}} -> tensor<1x64xf32>
  // CHECK: tenon.add {{.*}} -> tensor<4x64xf32>
  %w = tenon.weight_ref @w : tensor<64x64xf32>
  %0 = tenon.linear %x, %w : (tensor<1x64xf32>, tensor<64x64xf32>) -> tensor<1x64xf32>
  %1 = tenon.add %0, %y : (tensor<1x64xf32>, tensor<4x64xf32>) -> tensor<4x64xf32>
  return %1 : tensor<4x64xf32>
}

// A difference, a product, a quotient are no sums.
// CHECK-LABEL: func @other_operations
func.func @other_operations(%x: !x, %b: tensor<64xf32>) -> (!x, !x, !x) {
  // CHECK-NOT: bias
  // CHECK: tenon.sub
  // CHECK: tenon.mul
  // CHECK: tenon.div
  %w = tenon.weight_ref @w : tensor<64x64xf32>
  %0 = tenon.linear %x, %w : (!x, tensor<64x64xf32>) -> !x
  %1 = tenon.sub %0, %b : (!x, tensor<64xf32>) -> !x
  %2 = tenon.linear %x, %w : (!x, tensor<64x64xf32>) -> !x
  %3 = tenon.mul %2, %b : (!x, tensor<64xf32>) -> !x
  %4 = tenon.linear %x, %w : (!x, tensor<64x64xf32>) -> !x
  %5 = tenon.div %4, %b : (!x, tensor<64xf32>) -> !x
  return %1, %3, %5 : !x, !x, !x
}

// A second bias is one more vector, not a residual; a bias behind the
// activation is not one before it.
// CHECK-LABEL: func @late_biases
func.func @late_biases(%x: !x, %a: tensor<64xf32>, %b: tensor<64xf32>) -> (!x, !x) {
  // CHECK: %[[P:.*]] = tenon.linear %arg0, %{{[^ ]*}} bias(%arg1) :
  // CHECK: %[[Q:.*]] = tenon.add %[[P]], %arg2
  // CHECK: %[[R:.*]] = tenon.linear %arg0, %{{[^ ]*}} {activation = #tenon.activation_kind<relu>} :
  // CHECK: %[[S:.*]] = tenon.add %[[R]], %arg1
  // CHECK: return %[[Q]], %[[S]]
  %w = tenon.weight_ref @w : tensor<64x64xf32>
  %0 = tenon.linear %x, %w : (!x, tensor<64x64xf32>) -> !x
  %1 = tenon.add %0, %a : (!x, tensor<64xf32>) -> !x
  %2 = tenon.add %1, %b : (!x, tensor<64xf32>) -> !x
  %3 = tenon.linear %x, %w : (!x, tensor<64x64xf32>) -> !x
  %4 = tenon.activation %3 {kind = #tenon.activation_kind<relu>} : (!x) -> !x
  %5 = tenon.add %4, %a : (!x, tensor<64xf32>) -> !x
  return %2, %5 : !x, !x
}

// One activation rides along, the second stays.
// CHECK-LABEL: func @two_activations
func.func @two_activations(%x: !x) -> !x {
  // CHECK: %[[P:.*]] = tenon.linear {{.*}} {activation = #tenon.activation_kind<relu>}
  // CHECK: tenon.activation %[[P]] {kind = #tenon.activation_kind<tanh>}
  %w = tenon.weight_ref @w : tensor<64x64xf32>
  %0 = tenon.linear %x, %w : (!x, tensor<64x64xf32>) -> !x
  %1 = tenon.activation %0 {kind = #tenon.activation_kind<relu>} : (!x) -> !x
  %2 = tenon.activation %1 {kind = #tenon.activation_kind<tanh>} : (!x) -> !x
  return %2 : !x
}

// A linear added to itself: two readers, though one operation.
// CHECK-LABEL: func @doubled
func.func @doubled(%x: !x) -> !x {
  // CHECK: %[[P:.*]] = tenon.linear %{{[^ ]*}}, %{{[^ ]*}} :
  // CHECK: tenon.add %[[P]], %[[P]]
  %w = tenon.weight_ref @w : tensor<64x64xf32>
  %0 = tenon.linear %x, %w : (!x, tensor<64x64xf32>) -> !x
  %1 = tenon.add %0, %0 : (!x, !x) -> !x
  return %1 : !x
}

// The weight on the left; a product of heads; a transposed value; a computed
// weight, whose columns no source has.
// CHECK-LABEL: func @no_linears
func.func @no_linears(%x: !x, %h: tensor<4x?x64xf32>, %y: tensor<64x64xf32>, %z: tensor<4x64x64xf32>) -> (tensor<64x64xf32>, tensor<4x?x64xf32>, !x, tensor<?x2xf32>) {
  // CHECK-NOT: tenon.linear
  // CHECK-COUNT-4: tenon.matmul
  // CHECK-NOT: tenon.linear
  %w = tenon.weight_ref @w : tensor<64x64xf32>
  %t = tenon.weight_ref @table : tensor<64x2xf32>
  %0 = tenon.matmul %w, %y : (tensor<64x64xf32>, tensor<64x64xf32>) -> tensor<64x64xf32>
  %1 = tenon.matmul %h, %z : (tensor<4x?x64xf32>, tensor<4x64x64xf32>) -> tensor<4x?x64xf32>
  %yt = tenon.transpose %y : tensor<64x64xf32> -> tensor<64x64xf32>
  %2 = tenon.matmul %x, %yt : (!x, tensor<64x64xf32>) -> !x
  %3 = tenon.matmul %x, %t : (!x, tensor<64x2xf32>) -> tensor<?x2xf32>
  return %0, %1, %2, %3 : tensor<64x64xf32>, tensor<4x?x64xf32>, !x, tensor<?x2xf32>
}

// A gated linear takes a residual, but no activation and no bias after it.
// CHECK-LABEL: func @gated
func.func @gated(%x: !x, %r: tensor<?x32xf32>, %b: tensor<32xf32>) -> (tensor<?x32xf32>, tensor<?x32xf32>, tensor<?x32xf32>) {
  // CHECK: tenon.linear %arg0, %{{[^ ]*}} residual(%arg1) {gated}
  // CHECK: %[[A:.*]] = tenon.linear %arg0, %{{[^ ]*}} {gated}
  // CHECK: tenon.activation %[[A]]
  // CHECK: %[[B:.*]] = tenon.linear %arg0, %{{[^ ]*}} {gated}
  // CHECK: tenon.add %[[B]], %arg2
  %w = tenon.weight_ref @w : tensor<64x64xf32>
  %0 = tenon.linear %x, %w {gated} : (!x, tensor<64x64xf32>) -> tensor<?x32xf32>
  %1 = tenon.add %0, %r : (tensor<?x32xf32>, tensor<?x32xf32>) -> tensor<?x32xf32>
  %2 = tenon.linear %x, %w {gated} : (!x, tensor<64x64xf32>) -> tensor<?x32xf32>
  %3 = tenon.activation %2 {kind = #tenon.activation_kind<silu>} : (tensor<?x32xf32>) -> tensor<?x32xf32>
  %4 = tenon.linear %x, %w {gated} : (!x, tensor<64x64xf32>) -> tensor<?x32xf32>
  %5 = tenon.add %4, %b : (tensor<?x32xf32>, tensor<32xf32>) -> tensor<?x32xf32>
  return %1, %3, %5 : tensor<?x32xf32>, tensor<?x32xf32>, tensor<?x32xf32>
}
