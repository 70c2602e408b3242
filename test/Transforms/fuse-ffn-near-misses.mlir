// RUN: tenon-opt %s --tenon-fuse-ffn | FileCheck %s

// What looks like a feed-forward network and is another function.

!x = tensor<?x64xf32>
!w = tensor<64x64xf32>

// A residual on the hidden value would be lost.
// CHECK-LABEL: func @inner_residual
// CHECK-NOT: tenon.ffn
func.func @inner_residual(%x: !x, %u: !w, %d: !w) -> !x {
  %0 = tenon.linear %x, %u residual(%x) {activation = #tenon.activation_kind<gelu>} : (!x, !w, !x) -> !x
  %1 = tenon.linear %0, %d : (!x, !w) -> !x
  return %1 : !x
}

// The hidden value is the last linear's residual as well.
// CHECK-LABEL: func @hidden_is_residual
// CHECK-NOT: tenon.ffn
func.func @hidden_is_residual(%x: !x, %u: !w, %d: !w) -> !x {
  %0 = tenon.linear %x, %u {activation = #tenon.activation_kind<gelu>} : (!x, !w) -> !x
  %1 = tenon.linear %0, %d residual(%0) : (!x, !w, !x) -> !x
  return %1 : !x
}

// A sum of gate and up is no product; a norm or a scale between is not nothing.
// CHECK-LABEL: func @sum_of_gate_and_up
// CHECK-NOT: tenon.ffn
func.func @sum_of_gate_and_up(%x: !x, %g: !w, %u: !w, %d: !w) -> !x {
  %0 = tenon.linear %x, %g {activation = #tenon.activation_kind<silu>} : (!x, !w) -> !x
  %1 = tenon.linear %x, %u : (!x, !w) -> !x
  %2 = tenon.add %0, %1 : (!x, !x) -> !x
  %3 = tenon.linear %2, %d : (!x, !w) -> !x
  return %3 : !x
}
// CHECK-LABEL: func @norm_between
// CHECK-NOT: tenon.ffn
func.func @norm_between(%x: !x, %u: !w, %d: !w, %n: tensor<64xf32>) -> !x {
  %0 = tenon.linear %x, %u {activation = #tenon.activation_kind<relu>} : (!x, !w) -> !x
  %1 = tenon.layer_norm %0, %n {eps = 1.0e-5 : f32} : (!x, tensor<64xf32>) -> !x
  %2 = tenon.linear %1, %d : (!x, !w) -> !x
  return %2 : !x
}
// CHECK-LABEL: func @scale_between
// CHECK-NOT: tenon.ffn
func.func @scale_between(%x: !x, %u: !w, %d: !w) -> !x {
  %0 = tenon.linear %x, %u {activation = #tenon.activation_kind<relu>} : (!x, !w) -> !x
  %1 = tenon.scale %0 {factor = 0.5 : f32} : (!x) -> !x
  %2 = tenon.linear %1, %d : (!x, !w) -> !x
  return %2 : !x
}

// Two linears read the hidden value.
// CHECK-LABEL: func @two_downs
// CHECK-NOT: tenon.ffn
func.func @two_downs(%x: !x, %u: !w, %d: !w, %e: !w) -> (!x, !x) {
  %0 = tenon.linear %x, %u {activation = #tenon.activation_kind<relu>} : (!x, !w) -> !x
  %1 = tenon.linear %0, %d : (!x, !w) -> !x
  %2 = tenon.linear %0, %e : (!x, !w) -> !x
  return %1, %2 : !x, !x
}

// Gate and up of different types, as in a checkpoint of mixed precision.
// CHECK-LABEL: func @unlike_weights
// CHECK-NOT: tenon.ffn
func.func @unlike_weights(%x: !x, %g: tensor<64x64xbf16>, %u: !w, %d: !w) -> !x {
  %0 = tenon.linear %x, %g {activation = #tenon.activation_kind<silu>} : (!x, tensor<64x64xbf16>) -> !x
  %1 = tenon.linear %x, %u : (!x, !w) -> !x
  %2 = tenon.mul %0, %1 : (!x, !x) -> !x
  %3 = tenon.linear %2, %d : (!x, !w) -> !x
  return %3 : !x
}

// One column for all: the gate is broadcast.
// CHECK-LABEL: func @broadcast_gate
// CHECK-NOT: tenon.ffn
func.func @broadcast_gate(%x: !x, %g: tensor<1x64xf32>, %u: !w, %d: !w) -> !x {
  %0 = tenon.linear %x, %g {activation = #tenon.activation_kind<sigmoid>} : (!x, tensor<1x64xf32>) -> tensor<?x1xf32>
  %1 = tenon.linear %x, %u : (!x, !w) -> !x
  %2 = tenon.mul %0, %1 : (tensor<?x1xf32>, !x) -> !x
  %3 = tenon.linear %2, %d : (!x, !w) -> !x
  return %3 : !x
}

// A gated last linear; a product of three.
// CHECK-LABEL: func @gated_down
// CHECK-NOT: tenon.ffn
func.func @gated_down(%x: !x, %u: !w, %d: !w) -> tensor<?x32xf32> {
  %0 = tenon.linear %x, %u {activation = #tenon.activation_kind<relu>} : (!x, !w) -> !x
  %1 = tenon.linear %0, %d {gated} : (!x, !w) -> tensor<?x32xf32>
  return %1 : tensor<?x32xf32>
}
// CHECK-LABEL: func @product_of_three
// CHECK-NOT: tenon.ffn
func.func @product_of_three(%x: !x, %g: !w, %u: !w, %d: !w) -> !x {
  %0 = tenon.linear %x, %g {activation = #tenon.activation_kind<silu>} : (!x, !w) -> !x
  %1 = tenon.linear %x, %u : (!x, !w) -> !x
  %2 = tenon.mul %0, %1 : (!x, !x) -> !x
  %3 = tenon.mul %2, %x : (!x, !x) -> !x
  %4 = tenon.linear %3, %d : (!x, !w) -> !x
  return %4 : !x
}

// A chain of three: the first two are a network, the third is a linear.
// CHECK-LABEL: func @chain
// CHECK: %[[A:.*]] = tenon.ffn %arg0, %arg1, %arg2
// CHECK: tenon.linear %[[A]], %arg3
func.func @chain(%x: !x, %a: !w, %b: !w, %c: !w) -> !x {
  %0 = tenon.linear %x, %a {activation = #tenon.activation_kind<relu>} : (!x, !w) -> !x
  %1 = tenon.linear %0, %b : (!x, !w) -> !x
  %2 = tenon.linear %1, %c : (!x, !w) -> !x
  return %2 : !x
}
