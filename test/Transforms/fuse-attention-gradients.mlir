// RUN: tenon-opt %s --tenon-fuse-attention=for-gradients --tenon-statistics 2>&1 | FileCheck %s

// For what learns, an attention is fused if something goes back through it: with masks by place and a cap, but not with a
// bias, a sink or a padding mask, which stay in parts with the reason at hand.

!qkv = tensor<4x?x8xf32>
!keys = tensor<4x8x?xf32>
!scores = tensor<4x?x?xf32>

// CHECK-LABEL: func @fused
// CHECK: tenon.attention %arg0, %arg1, %arg2 {cap = 5.000000e+01 : f32, causal, scale = 0.35{{[0-9]*}} : f32, window = 7 : i64}
func.func @fused(%q: !qkv, %k: !qkv, %v: !qkv) -> !qkv {
  %kt = tenon.transpose %k : !qkv -> !keys
  %0 = tenon.matmul %q, %kt : (!qkv, !keys) -> !scores
  %1 = tenon.scale %0 {factor = 0.007 : f32} : (!scores) -> !scores
  %2 = tenon.activation %1 {kind = #tenon.activation_kind<tanh>} : (!scores) -> !scores
  %3 = tenon.scale %2 {factor = 50.0 : f32} : (!scores) -> !scores
  %4 = tenon.causal_mask %3 {window = 7 : i64} : (!scores) -> !scores
  %5 = tenon.softmax %4 : (!scores) -> !scores
  %6 = tenon.matmul %5, %v : (!scores, !qkv) -> !qkv
  return %6 : !qkv
}

// CHECK-LABEL: func @bias
// CHECK-NOT: tenon.attention
// CHECK: tenon.declined = "what learns goes back through parts where there is a bias"
func.func @bias(%q: !qkv, %k: !qkv, %v: !qkv, %b: tensor<4x1089xf32>) -> !qkv {
  %kt = tenon.transpose %k : !qkv -> !keys
  %0 = tenon.matmul %q, %kt : (!qkv, !keys) -> !scores
  %1 = tenon.score_bias %0, %b : (!scores, tensor<4x1089xf32>) -> !scores
  %2 = tenon.softmax %1 : (!scores) -> !scores
  %3 = tenon.matmul %2, %v : (!scores, !qkv) -> !qkv
  return %3 : !qkv
}

// CHECK-LABEL: func @sink
// CHECK-NOT: tenon.attention
// CHECK: tenon.declined = "what learns goes back through parts where there is a sink"
func.func @sink(%q: !qkv, %k: !qkv, %v: !qkv, %s: tensor<4xf32>) -> !qkv {
  %kt = tenon.transpose %k : !qkv -> !keys
  %0 = tenon.matmul %q, %kt : (!qkv, !keys) -> !scores
  %1 = tenon.softmax %0 sink(%s) : (!scores, tensor<4xf32>) -> !scores
  %2 = tenon.matmul %1, %v : (!scores, !qkv) -> !qkv
  return %2 : !qkv
}

// CHECK-LABEL: func @padding
// CHECK-NOT: tenon.attention
// CHECK: tenon.declined = "what learns goes back through parts where there is a padding mask"
func.func @padding(%q: !qkv, %k: !qkv, %v: !qkv, %m: tensor<?xi32>) -> !qkv {
  %kt = tenon.transpose %k : !qkv -> !keys
  %0 = tenon.matmul %q, %kt : (!qkv, !keys) -> !scores
  %1 = tenon.padding_mask %0, %m : (!scores, tensor<?xi32>) -> !scores
  %2 = tenon.softmax %1 : (!scores) -> !scores
  %3 = tenon.matmul %2, %v : (!scores, !qkv) -> !qkv
  return %3 : !qkv
}

// CHECK: declined-gradient
