// RUN: tenon-opt %s --tenon-fuse-attention | FileCheck %s

// What looks like an attention and is another function; what is fused must keep
// the rest.

!qkv = tensor<4x?x8xf32>
!keys = tensor<4x8x?xf32>
!scores = tensor<4x?x?xf32>

// The mask comes after the softmax: rows of probabilities with minus infinity.
// CHECK-LABEL: func @mask_after_softmax
// CHECK-NOT: tenon.attention
func.func @mask_after_softmax(%q: !qkv, %k: !qkv, %v: !qkv) -> !qkv {
  %kt = tenon.transpose %k : !qkv -> !keys
  %0 = tenon.matmul %q, %kt : (!qkv, !keys) -> !scores
  %1 = tenon.softmax %0 : (!scores) -> !scores
  %2 = tenon.causal_mask %1 : (!scores) -> !scores
  %3 = tenon.matmul %2, %v : (!scores, !qkv) -> !qkv
  return %3 : !qkv
}

// Scaled probabilities are not scaled scores.
// CHECK-LABEL: func @scale_after_softmax
// CHECK-NOT: tenon.attention
func.func @scale_after_softmax(%q: !qkv, %k: !qkv, %v: !qkv) -> !qkv {
  %kt = tenon.transpose %k : !qkv -> !keys
  %0 = tenon.matmul %q, %kt : (!qkv, !keys) -> !scores
  %1 = tenon.softmax %0 : (!scores) -> !scores
  %2 = tenon.scale %1 {factor = 0.5 : f32} : (!scores) -> !scores
  %3 = tenon.matmul %2, %v : (!scores, !qkv) -> !qkv
  return %3 : !qkv
}

// The scale of the values is none of the scores': it stays before the attention.
// CHECK-LABEL: func @scaled_values
// CHECK: %[[V:.*]] = tenon.scale %arg2 {factor = 5.000000e-01 : f32}
// CHECK: tenon.attention %arg0, %arg1, %[[V]] {scale = 1.000000e+00 : f32}
func.func @scaled_values(%q: !qkv, %k: !qkv, %v: !qkv) -> !qkv {
  %vs = tenon.scale %v {factor = 0.5 : f32} : (!qkv) -> !qkv
  %kt = tenon.transpose %k : !qkv -> !keys
  %0 = tenon.matmul %q, %kt : (!qkv, !keys) -> !scores
  %1 = tenon.softmax %0 : (!scores) -> !scores
  %2 = tenon.matmul %1, %vs : (!scores, !qkv) -> !qkv
  return %2 : !qkv
}

// So does the scale of the result.
// CHECK-LABEL: func @scaled_result
// CHECK: %[[O:.*]] = tenon.attention %arg0, %arg1, %arg2 {scale = 1.000000e+00 : f32}
// CHECK: tenon.scale %[[O]] {factor = 2.000000e+00 : f32}
func.func @scaled_result(%q: !qkv, %k: !qkv, %v: !qkv) -> !qkv {
  %kt = tenon.transpose %k : !qkv -> !keys
  %0 = tenon.matmul %q, %kt : (!qkv, !keys) -> !scores
  %1 = tenon.softmax %0 : (!scores) -> !scores
  %2 = tenon.matmul %1, %v : (!scores, !qkv) -> !qkv
  %3 = tenon.scale %2 {factor = 2.0 : f32} : (!qkv) -> !qkv
  return %3 : !qkv
}

// A factor for each head, or for each component of a query, is no scale.
// CHECK-LABEL: func @factor_by_head
// CHECK-NOT: tenon.attention
func.func @factor_by_head(%q: !qkv, %k: !qkv, %v: !qkv, %f: tensor<4x1x1xf32>) -> !qkv {
  %kt = tenon.transpose %k : !qkv -> !keys
  %0 = tenon.matmul %q, %kt : (!qkv, !keys) -> !scores
  %1 = tenon.mul %0, %f : (!scores, tensor<4x1x1xf32>) -> !scores
  %2 = tenon.softmax %1 : (!scores) -> !scores
  %3 = tenon.matmul %2, %v : (!scores, !qkv) -> !qkv
  return %3 : !qkv
}
// CHECK-LABEL: func @factor_by_component
// CHECK: %[[Q:.*]] = tenon.mul %arg0, %{{.*}}
// CHECK: tenon.attention %[[Q]], %arg1, %arg2 {scale = 1.000000e+00 : f32}
func.func @factor_by_component(%q: !qkv, %k: !qkv, %v: !qkv) -> !qkv {
  %f = arith.constant dense<[1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0]> : tensor<8xf32>
  %qs = tenon.mul %q, %f : (!qkv, tensor<8xf32>) -> !qkv
  %kt = tenon.transpose %k : !qkv -> !keys
  %0 = tenon.matmul %qs, %kt : (!qkv, !keys) -> !scores
  %1 = tenon.softmax %0 : (!scores) -> !scores
  %2 = tenon.matmul %1, %v : (!scores, !qkv) -> !qkv
  return %2 : !qkv
}

// A constant divided by the scores is no quotient of the scores.
// CHECK-LABEL: func @inverse
// CHECK-NOT: tenon.attention
func.func @inverse(%q: !qkv, %k: !qkv, %v: !qkv) -> !qkv {
  %c = arith.constant dense<4.0> : tensor<1xf32>
  %kt = tenon.transpose %k : !qkv -> !keys
  %0 = tenon.matmul %q, %kt : (!qkv, !keys) -> !scores
  %1 = tenon.div %c, %0 : (tensor<1xf32>, !scores) -> !scores
  %2 = tenon.softmax %1 : (!scores) -> !scores
  %3 = tenon.matmul %2, %v : (!scores, !qkv) -> !qkv
  return %3 : !qkv
}

// Softmax twice; an activation between (as some variants of attention have it).
// CHECK-LABEL: func @softmax_twice
// CHECK-NOT: tenon.attention
func.func @softmax_twice(%q: !qkv, %k: !qkv, %v: !qkv) -> !qkv {
  %kt = tenon.transpose %k : !qkv -> !keys
  %0 = tenon.matmul %q, %kt : (!qkv, !keys) -> !scores
  %1 = tenon.softmax %0 : (!scores) -> !scores
  %2 = tenon.softmax %1 : (!scores) -> !scores
  %3 = tenon.matmul %2, %v : (!scores, !qkv) -> !qkv
  return %3 : !qkv
}
// CHECK-LABEL: func @squashed
// CHECK-NOT: tenon.attention
func.func @squashed(%q: !qkv, %k: !qkv, %v: !qkv) -> !qkv {
  %kt = tenon.transpose %k : !qkv -> !keys
  %0 = tenon.matmul %q, %kt : (!qkv, !keys) -> !scores
  %1 = tenon.activation %0 {kind = #tenon.activation_kind<sigmoid>} : (!scores) -> !scores
  %2 = tenon.softmax %1 : (!scores) -> !scores
  %3 = tenon.matmul %2, %v : (!scores, !qkv) -> !qkv
  return %3 : !qkv
}

// The probabilities on the other side: v p is not p v.
// CHECK-LABEL: func @other_side
// CHECK-NOT: tenon.attention
func.func @other_side(%q: !qkv, %k: !qkv, %v: !keys) -> !keys {
  %kt = tenon.transpose %k : !qkv -> !keys
  %0 = tenon.matmul %q, %kt : (!qkv, !keys) -> !scores
  %1 = tenon.softmax %0 : (!scores) -> !scores
  %2 = tenon.matmul %v, %1 : (!keys, !scores) -> !keys
  return %2 : !keys
}

// Transposed scores: softmax over the queries.
// CHECK-LABEL: func @transposed_scores
// CHECK-NOT: tenon.attention
func.func @transposed_scores(%q: !qkv, %k: !qkv, %v: !qkv) -> !qkv {
  %kt = tenon.transpose %k : !qkv -> !keys
  %0 = tenon.matmul %q, %kt : (!qkv, !keys) -> !scores
  %1 = tenon.transpose %0 : !scores -> !scores
  %2 = tenon.softmax %1 : (!scores) -> !scores
  %3 = tenon.matmul %2, %v : (!scores, !qkv) -> !qkv
  return %3 : !qkv
}

// Another reader in the middle: of the masked scores, of the scaled ones.
// CHECK-LABEL: func @masked_scores_read
// CHECK-NOT: tenon.attention
func.func @masked_scores_read(%q: !qkv, %k: !qkv, %v: !qkv) -> (!qkv, !scores) {
  %kt = tenon.transpose %k : !qkv -> !keys
  %0 = tenon.matmul %q, %kt : (!qkv, !keys) -> !scores
  %1 = tenon.causal_mask %0 : (!scores) -> !scores
  %2 = tenon.softmax %1 : (!scores) -> !scores
  %3 = tenon.matmul %2, %v : (!scores, !qkv) -> !qkv
  return %3, %1 : !qkv, !scores
}
// CHECK-LABEL: func @scaled_scores_read
// CHECK-NOT: tenon.attention
func.func @scaled_scores_read(%q: !qkv, %k: !qkv, %v: !qkv) -> (!qkv, !scores) {
  %kt = tenon.transpose %k : !qkv -> !keys
  %0 = tenon.matmul %q, %kt : (!qkv, !keys) -> !scores
  %1 = tenon.scale %0 {factor = 0.5 : f32} : (!scores) -> !scores
  %2 = tenon.softmax %1 : (!scores) -> !scores
  %3 = tenon.matmul %2, %v : (!scores, !qkv) -> !qkv
  return %3, %1 : !qkv, !scores
}

// One softmax for two sets of values: neither may take it away.
// CHECK-LABEL: func @two_values
// CHECK-NOT: tenon.attention
func.func @two_values(%q: !qkv, %k: !qkv, %v: !qkv, %w: !qkv) -> (!qkv, !qkv) {
  %kt = tenon.transpose %k : !qkv -> !keys
  %0 = tenon.matmul %q, %kt : (!qkv, !keys) -> !scores
  %1 = tenon.softmax %0 : (!scores) -> !scores
  %2 = tenon.matmul %1, %v : (!scores, !qkv) -> !qkv
  %3 = tenon.matmul %1, %w : (!scores, !qkv) -> !qkv
  return %2, %3 : !qkv, !qkv
}

// The transposed keys have another reader, who keeps them: that is no obstacle.
// CHECK-LABEL: func @keys_read_elsewhere
// CHECK: %[[KT:.*]] = tenon.transpose %arg1
// CHECK: %[[O:.*]] = tenon.attention %arg0, %arg1, %arg2
// CHECK: return %[[O]], %[[KT]]
func.func @keys_read_elsewhere(%q: !qkv, %k: !qkv, %v: !qkv) -> (!qkv, !keys) {
  %kt = tenon.transpose %k : !qkv -> !keys
  %0 = tenon.matmul %q, %kt : (!qkv, !keys) -> !scores
  %1 = tenon.softmax %0 : (!scores) -> !scores
  %2 = tenon.matmul %1, %v : (!scores, !qkv) -> !qkv
  return %2, %kt : !qkv, !keys
}

// The same padding twice is one padding; a zero scale before the mask is none
// of minus infinity's business.
// CHECK-LABEL: func @same_padding
// CHECK: tenon.attention {{.*}} valid(%arg3) {causal, scale = 0.000000e+00 : f32}
func.func @same_padding(%q: !qkv, %k: !qkv, %v: !qkv, %valid: tensor<?xi32>) -> !qkv {
  %kt = tenon.transpose %k : !qkv -> !keys
  %0 = tenon.matmul %q, %kt : (!qkv, !keys) -> !scores
  %1 = tenon.scale %0 {factor = 0.0 : f32} : (!scores) -> !scores
  %2 = tenon.padding_mask %1, %valid : (!scores, tensor<?xi32>) -> !scores
  %3 = tenon.causal_mask %2 : (!scores) -> !scores
  %4 = tenon.padding_mask %3, %valid : (!scores, tensor<?xi32>) -> !scores
  %5 = tenon.softmax %4 : (!scores) -> !scores
  %6 = tenon.matmul %5, %v : (!scores, !qkv) -> !qkv
  return %6 : !qkv
}
// CHECK-LABEL: func @zero_after_mask
// CHECK-NOT: tenon.attention
func.func @zero_after_mask(%q: !qkv, %k: !qkv, %v: !qkv) -> !qkv {
  %kt = tenon.transpose %k : !qkv -> !keys
  %0 = tenon.matmul %q, %kt : (!qkv, !keys) -> !scores
  %1 = tenon.causal_mask %0 : (!scores) -> !scores
  %2 = tenon.scale %1 {factor = 0.0 : f32} : (!scores) -> !scores
  %3 = tenon.softmax %2 : (!scores) -> !scores
  %4 = tenon.matmul %3, %v : (!scores, !qkv) -> !qkv
  return %4 : !qkv
}
