// RUN: tenon-opt %s --tenon-fuse-linear --split-input-file | FileCheck %s

// Gate and up in one weight, the gate first: a gated linear, with its bias and then a residual.

// CHECK-LABEL: module @gate_up
module @gate_up {
  tenon.weight @w : tensor<128x32xf32> from [#tenon.source<"w", tensor<128x32xf32>>]
  // CHECK-LABEL: func @f
  func.func @f(%x: tensor<?x32xf32>, %b: tensor<128xf32>, %r: tensor<?x64xf32>) -> tensor<?x64xf32> {
    // CHECK: %[[Y:.*]] = tenon.linear %arg0, %{{.*}} bias(%arg1) residual(%arg2) {activation = #tenon.activation_kind<silu>, gated}
    // CHECK-NEXT: return %[[Y]]
    %w = tenon.weight_ref @w : tensor<128x32xf32>
    %0 = tenon.linear %x, %w bias(%b) : (tensor<?x32xf32>, tensor<128x32xf32>, tensor<128xf32>) -> tensor<?x128xf32>
    %g = tenon.slice %0 {offset = 0 : i64} : tensor<?x128xf32> -> tensor<?x64xf32>
    %u = tenon.slice %0 {offset = 64 : i64} : tensor<?x128xf32> -> tensor<?x64xf32>
    %a = tenon.activation %g {kind = #tenon.activation_kind<silu>} : (tensor<?x64xf32>) -> tensor<?x64xf32>
    %m = tenon.mul %u, %a : (tensor<?x64xf32>, tensor<?x64xf32>) -> tensor<?x64xf32>
    %y = tenon.add %m, %r : (tensor<?x64xf32>, tensor<?x64xf32>) -> tensor<?x64xf32>
    return %y : tensor<?x64xf32>
  }
}

// -----

// Near misses: the second half is activated; the halves are no halves; a half has another reader.

// CHECK-LABEL: module @near_misses
module @near_misses {
  tenon.weight @w : tensor<128x32xf32> from [#tenon.source<"w", tensor<128x32xf32>>]
  // CHECK-LABEL: func @second
  func.func @second(%x: tensor<?x32xf32>) -> tensor<?x64xf32> {
    // CHECK-NOT: gated
    // CHECK: tenon.mul
    %w = tenon.weight_ref @w : tensor<128x32xf32>
    %0 = tenon.linear %x, %w : (tensor<?x32xf32>, tensor<128x32xf32>) -> tensor<?x128xf32>
    %g = tenon.slice %0 {offset = 64 : i64} : tensor<?x128xf32> -> tensor<?x64xf32>
    %u = tenon.slice %0 {offset = 0 : i64} : tensor<?x128xf32> -> tensor<?x64xf32>
    %a = tenon.activation %g {kind = #tenon.activation_kind<silu>} : (tensor<?x64xf32>) -> tensor<?x64xf32>
    %m = tenon.mul %u, %a : (tensor<?x64xf32>, tensor<?x64xf32>) -> tensor<?x64xf32>
    return %m : tensor<?x64xf32>
  }
  // CHECK-LABEL: func @parts
  func.func @parts(%x: tensor<?x32xf32>) -> tensor<?x32xf32> {
    // CHECK-NOT: gated
    // CHECK: tenon.mul
    %w = tenon.weight_ref @w : tensor<128x32xf32>
    %0 = tenon.linear %x, %w : (tensor<?x32xf32>, tensor<128x32xf32>) -> tensor<?x128xf32>
    %g = tenon.slice %0 {offset = 0 : i64} : tensor<?x128xf32> -> tensor<?x32xf32>
    %u = tenon.slice %0 {offset = 32 : i64} : tensor<?x128xf32> -> tensor<?x32xf32>
    %a = tenon.activation %g {kind = #tenon.activation_kind<silu>} : (tensor<?x32xf32>) -> tensor<?x32xf32>
    %m = tenon.mul %a, %u : (tensor<?x32xf32>, tensor<?x32xf32>) -> tensor<?x32xf32>
    return %m : tensor<?x32xf32>
  }
  // CHECK-LABEL: func @read
  func.func @read(%x: tensor<?x32xf32>) -> (tensor<?x64xf32>, tensor<?x64xf32>) {
    // CHECK-NOT: gated
    // CHECK: tenon.mul
    %w = tenon.weight_ref @w : tensor<128x32xf32>
    %0 = tenon.linear %x, %w : (tensor<?x32xf32>, tensor<128x32xf32>) -> tensor<?x128xf32>
    %g = tenon.slice %0 {offset = 0 : i64} : tensor<?x128xf32> -> tensor<?x64xf32>
    %u = tenon.slice %0 {offset = 64 : i64} : tensor<?x128xf32> -> tensor<?x64xf32>
    %a = tenon.activation %g {kind = #tenon.activation_kind<silu>} : (tensor<?x64xf32>) -> tensor<?x64xf32>
    %m = tenon.mul %a, %u : (tensor<?x64xf32>, tensor<?x64xf32>) -> tensor<?x64xf32>
    return %m, %u : tensor<?x64xf32>, tensor<?x64xf32>
  }
}
