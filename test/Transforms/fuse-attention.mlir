// RUN: tenon-opt %s --tenon-fuse-attention --split-input-file | FileCheck %s
// RUN: tenon-opt %s --tenon-fuse-attention --split-input-file --tenon-statistics -o /dev/null 2>&1 \
// RUN:   | FileCheck %s --check-prefix=STATS

// STATS: tenon-fuse-attention: 1 declined-padding
// STATS: tenon-fuse-attention: 1 declined-rank
// STATS: tenon-fuse-attention: 1 declined-scale
// STATS: tenon-fuse-attention: 2 declined-scores
// STATS: tenon-fuse-attention: 2 declined-uses
// STATS: tenon-fuse-attention: 5 fused
// STATS: tenon-fuse-attention: 5 masks
// STATS: tenon-fuse-attention: 7 scales

// Llama: grouped heads, scale of the scores, causal mask.

// CHECK-LABEL: func @llama
// CHECK-SAME: (%[[Q:.*]]: tensor<8x?x8xf32>, %[[K:.*]]: tensor<4x?x8xf32>, %[[V:.*]]: tensor<4x?x8xf32>)
func.func @llama(%q: tensor<8x?x8xf32>, %k: tensor<4x?x8xf32>, %v: tensor<4x?x8xf32>) -> tensor<8x?x8xf32> {
  // CHECK-NEXT: %[[O:.*]] = tenon.attention %[[Q]], %[[K]], %[[V]] {causal, scale = 3.500000e-01 : f32}
  // CHECK-SAME: (tensor<8x?x8xf32>, tensor<4x?x8xf32>, tensor<4x?x8xf32>) -> tensor<8x?x8xf32>
  // CHECK-NEXT: return %[[O]]
  %kt = tenon.transpose %k : tensor<4x?x8xf32> -> tensor<4x8x?xf32>
  %0 = tenon.matmul %q, %kt : (tensor<8x?x8xf32>, tensor<4x8x?xf32>) -> tensor<8x?x?xf32>
  %1 = tenon.scale %0 {factor = 0.35 : f32} : (tensor<8x?x?xf32>) -> tensor<8x?x?xf32>
  %2 = tenon.causal_mask %1 : (tensor<8x?x?xf32>) -> tensor<8x?x?xf32>
  %3 = tenon.softmax %2 : (tensor<8x?x?xf32>) -> tensor<8x?x?xf32>
  %4 = tenon.matmul %3, %v : (tensor<8x?x?xf32>, tensor<4x?x8xf32>) -> tensor<8x?x8xf32>
  return %4 : tensor<8x?x8xf32>
}

// -----

// The query is scaled, and the mask has a window; two masks take the smaller.

// CHECK-LABEL: func @window
func.func @window(%q: tensor<4x?x8xf32>, %k: tensor<4x?x8xf32>, %v: tensor<4x?x8xf32>) -> tensor<4x?x8xf32> {
  // CHECK-NEXT: tenon.attention %{{.*}} {causal, scale = 2.500000e-01 : f32, window = 128 : i64}
  // CHECK-NEXT: return
  %qs = tenon.scale %q {factor = 0.25 : f32} : (tensor<4x?x8xf32>) -> tensor<4x?x8xf32>
  %kt = tenon.transpose %k : tensor<4x?x8xf32> -> tensor<4x8x?xf32>
  %0 = tenon.matmul %qs, %kt : (tensor<4x?x8xf32>, tensor<4x8x?xf32>) -> tensor<4x?x?xf32>
  %1 = tenon.causal_mask %0 {window = 256 : i64} : (tensor<4x?x?xf32>) -> tensor<4x?x?xf32>
  %2 = tenon.causal_mask %1 {window = 128 : i64} : (tensor<4x?x?xf32>) -> tensor<4x?x?xf32>
  %3 = tenon.softmax %2 : (tensor<4x?x?xf32>) -> tensor<4x?x?xf32>
  %4 = tenon.matmul %3, %v : (tensor<4x?x?xf32>, tensor<4x?x8xf32>) -> tensor<4x?x8xf32>
  return %4 : tensor<4x?x8xf32>
}

// -----

// BERT: bidirectional with padding; the mask comes before the scale, which is
// a quotient by a constant. Keys are scaled too, before and after the transpose.

// CHECK-LABEL: func @bert
// CHECK-SAME: %[[VALID:[^:]*]]: tensor<?xi32>
func.func @bert(%q: tensor<4x?x8xf32>, %k: tensor<4x?x8xf32>, %v: tensor<4x?x8xf32>, %valid: tensor<?xi32>) -> tensor<4x?x8xf32> {
  // CHECK-NOT: tenon.scale
  // CHECK: tenon.attention %{{.*}}, %{{.*}}, %{{.*}} valid(%[[VALID]]) {scale = 2.000000e+00 : f32}
  // CHECK-NEXT: return
  %c = arith.constant dense<4.0> : tensor<1xf32>
  %ks = tenon.scale %k {factor = 2.0 : f32} : (tensor<4x?x8xf32>) -> tensor<4x?x8xf32>
  %kt = tenon.transpose %ks : tensor<4x?x8xf32> -> tensor<4x8x?xf32>
  %kts = tenon.mul %c, %kt : (tensor<1xf32>, tensor<4x8x?xf32>) -> tensor<4x8x?xf32>
  %0 = tenon.matmul %q, %kts : (tensor<4x?x8xf32>, tensor<4x8x?xf32>) -> tensor<4x?x?xf32>
  %1 = tenon.padding_mask %0, %valid : (tensor<4x?x?xf32>, tensor<?xi32>) -> tensor<4x?x?xf32>
  %2 = tenon.div %1, %c : (tensor<4x?x?xf32>, tensor<1xf32>) -> tensor<4x?x?xf32>
  %3 = tenon.softmax %2 : (tensor<4x?x?xf32>) -> tensor<4x?x?xf32>
  %4 = tenon.matmul %3, %v : (tensor<4x?x?xf32>, tensor<4x?x8xf32>) -> tensor<4x?x8xf32>
  return %4 : tensor<4x?x8xf32>
}

// -----

// No scale and no mask; the scaled query has another reader, who keeps it.

// CHECK-LABEL: func @query_read_elsewhere
func.func @query_read_elsewhere(%q: tensor<4x?x8xf32>, %k: tensor<4x?x8xf32>, %v: tensor<4x?x8xf32>) -> (tensor<4x?x8xf32>, tensor<4x?x8xf32>) {
  // CHECK: %[[S:.*]] = tenon.scale
  // CHECK: %[[O:.*]] = tenon.attention %arg0, {{.*}} {scale = 5.000000e-01 : f32}
  // CHECK: return %[[O]], %[[S]]
  %qs = tenon.scale %q {factor = 0.5 : f32} : (tensor<4x?x8xf32>) -> tensor<4x?x8xf32>
  %kt = tenon.transpose %k : tensor<4x?x8xf32> -> tensor<4x8x?xf32>
  %0 = tenon.matmul %qs, %kt : (tensor<4x?x8xf32>, tensor<4x8x?xf32>) -> tensor<4x?x?xf32>
  %1 = tenon.softmax %0 : (tensor<4x?x?xf32>) -> tensor<4x?x?xf32>
  %2 = tenon.matmul %1, %v : (tensor<4x?x?xf32>, tensor<4x?x8xf32>) -> tensor<4x?x8xf32>
  return %2, %qs : tensor<4x?x8xf32>, tensor<4x?x8xf32>
}

// -----

// Declined: the probabilities are a result too.

// CHECK-LABEL: func @probabilities
// CHECK-NOT: tenon.attention
func.func @probabilities(%q: tensor<4x?x8xf32>, %k: tensor<4x?x8xf32>, %v: tensor<4x?x8xf32>) -> (tensor<4x?x8xf32>, tensor<4x?x?xf32>) {
  %kt = tenon.transpose %k : tensor<4x?x8xf32> -> tensor<4x8x?xf32>
  %0 = tenon.matmul %q, %kt : (tensor<4x?x8xf32>, tensor<4x8x?xf32>) -> tensor<4x?x?xf32>
  %1 = tenon.softmax %0 : (tensor<4x?x?xf32>) -> tensor<4x?x?xf32>
  %2 = tenon.matmul %1, %v : (tensor<4x?x?xf32>, tensor<4x?x8xf32>) -> tensor<4x?x8xf32>
  return %2, %1 : tensor<4x?x8xf32>, tensor<4x?x?xf32>
}

// -----

// Declined: the scores are read twice.

// CHECK-LABEL: func @scores_read_twice
// CHECK-NOT: tenon.attention
func.func @scores_read_twice(%q: tensor<4x?x8xf32>, %k: tensor<4x?x8xf32>, %v: tensor<4x?x8xf32>) -> (tensor<4x?x8xf32>, tensor<4x?x?xf32>) {
  %kt = tenon.transpose %k : tensor<4x?x8xf32> -> tensor<4x8x?xf32>
  %0 = tenon.matmul %q, %kt : (tensor<4x?x8xf32>, tensor<4x8x?xf32>) -> tensor<4x?x?xf32>
  %1 = tenon.softmax %0 : (tensor<4x?x?xf32>) -> tensor<4x?x?xf32>
  %2 = tenon.matmul %1, %v : (tensor<4x?x?xf32>, tensor<4x?x8xf32>) -> tensor<4x?x8xf32>
  return %2, %0 : tensor<4x?x8xf32>, tensor<4x?x?xf32>
}

// -----

// Declined: something is added to the scores (a relative bias, say), which is
// neither a scale nor a mask; and keys that are not transposed.

// CHECK-LABEL: func @bias
// CHECK-NOT: tenon.attention
func.func @bias(%q: tensor<4x?x8xf32>, %k: tensor<4x?x8xf32>, %v: tensor<4x?x8xf32>, %b: tensor<4x?x?xf32>, %kt0: tensor<4x8x?xf32>) -> (tensor<4x?x8xf32>, tensor<4x?x8xf32>) {
  %kt = tenon.transpose %k : tensor<4x?x8xf32> -> tensor<4x8x?xf32>
  %0 = tenon.matmul %q, %kt : (tensor<4x?x8xf32>, tensor<4x8x?xf32>) -> tensor<4x?x?xf32>
  %1 = tenon.add %0, %b : (tensor<4x?x?xf32>, tensor<4x?x?xf32>) -> tensor<4x?x?xf32>
  %2 = tenon.softmax %1 : (tensor<4x?x?xf32>) -> tensor<4x?x?xf32>
  %3 = tenon.matmul %2, %v : (tensor<4x?x?xf32>, tensor<4x?x8xf32>) -> tensor<4x?x8xf32>
  %4 = tenon.matmul %q, %kt0 : (tensor<4x?x8xf32>, tensor<4x8x?xf32>) -> tensor<4x?x?xf32>
  %5 = tenon.softmax %4 : (tensor<4x?x?xf32>) -> tensor<4x?x?xf32>
  %6 = tenon.matmul %5, %v : (tensor<4x?x?xf32>, tensor<4x?x8xf32>) -> tensor<4x?x8xf32>
  return %3, %6 : tensor<4x?x8xf32>, tensor<4x?x8xf32>
}

// -----

// Declined: minus infinity times -1 would be the greatest score. A negative
// scale before the mask is none of that.

// CHECK-LABEL: func @negative_scale
func.func @negative_scale(%q: tensor<4x?x8xf32>, %k: tensor<4x?x8xf32>, %v: tensor<4x?x8xf32>) -> (tensor<4x?x8xf32>, tensor<4x?x8xf32>) {
  // CHECK: tenon.causal_mask
  // CHECK: tenon.scale
  // CHECK: tenon.softmax
  // CHECK: tenon.attention {{.*}} {causal, scale = -1.000000e+00 : f32}
  %kt = tenon.transpose %k : tensor<4x?x8xf32> -> tensor<4x8x?xf32>
  %0 = tenon.matmul %q, %kt : (tensor<4x?x8xf32>, tensor<4x8x?xf32>) -> tensor<4x?x?xf32>
  %1 = tenon.causal_mask %0 : (tensor<4x?x?xf32>) -> tensor<4x?x?xf32>
  %2 = tenon.scale %1 {factor = -1.0 : f32} : (tensor<4x?x?xf32>) -> tensor<4x?x?xf32>
  %3 = tenon.softmax %2 : (tensor<4x?x?xf32>) -> tensor<4x?x?xf32>
  %4 = tenon.matmul %3, %v : (tensor<4x?x?xf32>, tensor<4x?x8xf32>) -> tensor<4x?x8xf32>
  %5 = tenon.matmul %q, %kt : (tensor<4x?x8xf32>, tensor<4x8x?xf32>) -> tensor<4x?x?xf32>
  %6 = tenon.scale %5 {factor = -1.0 : f32} : (tensor<4x?x?xf32>) -> tensor<4x?x?xf32>
  %7 = tenon.causal_mask %6 : (tensor<4x?x?xf32>) -> tensor<4x?x?xf32>
  %8 = tenon.softmax %7 : (tensor<4x?x?xf32>) -> tensor<4x?x?xf32>
  %9 = tenon.matmul %8, %v : (tensor<4x?x?xf32>, tensor<4x?x8xf32>) -> tensor<4x?x8xf32>
  return %4, %9 : tensor<4x?x8xf32>, tensor<4x?x8xf32>
}

// -----

// Declined: two padding masks, and matrices without heads.

// CHECK-LABEL: func @two_paddings
// CHECK-NOT: tenon.attention
func.func @two_paddings(%q: tensor<4x?x8xf32>, %k: tensor<4x?x8xf32>, %v: tensor<4x?x8xf32>, %a: tensor<?xi32>, %b: tensor<?xi32>) -> tensor<4x?x8xf32> {
  %kt = tenon.transpose %k : tensor<4x?x8xf32> -> tensor<4x8x?xf32>
  %0 = tenon.matmul %q, %kt : (tensor<4x?x8xf32>, tensor<4x8x?xf32>) -> tensor<4x?x?xf32>
  %1 = tenon.padding_mask %0, %a : (tensor<4x?x?xf32>, tensor<?xi32>) -> tensor<4x?x?xf32>
  %2 = tenon.padding_mask %1, %b : (tensor<4x?x?xf32>, tensor<?xi32>) -> tensor<4x?x?xf32>
  %3 = tenon.softmax %2 : (tensor<4x?x?xf32>) -> tensor<4x?x?xf32>
  %4 = tenon.matmul %3, %v : (tensor<4x?x?xf32>, tensor<4x?x8xf32>) -> tensor<4x?x8xf32>
  return %4 : tensor<4x?x8xf32>
}
func.func @no_heads(%q: tensor<?x8xf32>, %k: tensor<?x8xf32>, %v: tensor<?x8xf32>) -> tensor<?x8xf32> {
  %kt = tenon.transpose %k : tensor<?x8xf32> -> tensor<8x?xf32>
  %0 = tenon.matmul %q, %kt : (tensor<?x8xf32>, tensor<8x?xf32>) -> tensor<?x?xf32>
  %1 = tenon.softmax %0 : (tensor<?x?xf32>) -> tensor<?x?xf32>
  %2 = tenon.matmul %1, %v : (tensor<?x?xf32>, tensor<?x8xf32>) -> tensor<?x8xf32>
  return %2 : tensor<?x8xf32>
}
