// RUN: tenon-opt %s --tenon-lower-linears --split-input-file --verify-diagnostics | FileCheck %s

// What a linear adds to its product becomes operations, in its order.

// CHECK-LABEL: func @linears
func.func @linears(%x: tensor<?x32xf32>, %w: tensor<64x32xf32>, %b: tensor<64xf32>, %r: tensor<?x64xf32>) -> (tensor<?x64xf32>, tensor<?x64xf32>) {
  // CHECK: %[[T:.*]] = tenon.transpose %arg1 : tensor<64x32xf32> -> tensor<32x64xf32>
  // CHECK: %[[Y:.*]] = tenon.matmul %arg0, %[[T]]
  %0 = tenon.linear %x, %w : (tensor<?x32xf32>, tensor<64x32xf32>) -> tensor<?x64xf32>
  // CHECK: %[[U:.*]] = tenon.transpose %arg1
  // CHECK: %[[P:.*]] = tenon.matmul %arg0, %[[U]]
  // CHECK: %[[A:.*]] = tenon.add %[[P]], %arg2
  // CHECK: %[[G:.*]] = tenon.activation %[[A]] {kind = #tenon.activation_kind<gelu>}
  // CHECK: %[[Z:.*]] = tenon.add %[[G]], %arg3
  %1 = tenon.linear %x, %w bias(%b) residual(%r) {activation = #tenon.activation_kind<gelu>} : (tensor<?x32xf32>, tensor<64x32xf32>, tensor<64xf32>, tensor<?x64xf32>) -> tensor<?x64xf32>
  // CHECK: return %[[Y]], %[[Z]]
  return %0, %1 : tensor<?x64xf32>, tensor<?x64xf32>
}

// -----

func.func @gated(%x: tensor<?x32xf32>, %w: tensor<64x32xf32>) -> tensor<?x32xf32> {
  // expected-error @below {{that is gated is no product: linears of a model that learns are lowered before fusion}}
  %0 = tenon.linear %x, %w {gated} : (tensor<?x32xf32>, tensor<64x32xf32>) -> tensor<?x32xf32>
  return %0 : tensor<?x32xf32>
}
