// RUN: tenon-opt %s --tenon-incremental --split-input-file | FileCheck %s
// RUN: tenon-opt %s --tenon-incremental --split-input-file --tenon-statistics -o /dev/null 2>&1 \
// RUN:   | FileCheck %s --check-prefix=STATS

// STATS: tenon-incremental: 10 cached
// STATS: tenon-incremental: 3 declined
// STATS: tenon-incremental: 8 functions
// STATS: tenon-incremental: 6 positions
// STATS: tenon-incremental: 7 rows-moved

// A loop of layers; the head is computed for the last rows only.

// CHECK-LABEL: module @llama
module @llama attributes {tenon.kind = "decoder", tenon.context = 300 : i64, tenon.max_chunk = 128 : i64} {
  tenon.weight @embed : tensor<512x64xf32> from [#tenon.source<"e", tensor<512x64xf32>>]
  tenon.weight @wv : tensor<5x32x64xf32> from [#tenon.source<"{i}.v", tensor<32x64xf32>>] stacked
  tenon.weight @norm : tensor<64xf32> from [#tenon.source<"n", tensor<64xf32>>]
  tenon.weight @rope : tensor<300x8xf32> from [#tenon.rope_table<frequencies = [1.0, 0.1, 0.01, 0.001], scale = 1.0>]
  // CHECK-NOT: @forward
  // CHECK-LABEL: func.func @prefill
  // CHECK-SAME: (%[[TOKENS:.*]]: tensor<?xi32> {tenon.name = "tokens"}, %[[POS:.*]]: index, %[[ROWS:.*]]: index, %[[CACHE:.*]]: !tenon.kv_cache<layers = 5, heads = 4, capacity = 384, head_dim = 8, element = f32>) -> tensor<?x512xf32>
  // CHECK: %[[Y:.*]] = scf.for %[[I:.*]] = %{{.*}} to %{{.*}} step %{{.*}} iter_args(%{{.*}} = %{{.*}}) -> (tensor<?x64xf32>)
  // CHECK: %[[K:.*]] = tenon.rope %{{.*}}, %{{.*}} at %[[POS]] : (tensor<4x?x8xf32>, tensor<300x8xf32>, index) -> tensor<4x?x8xf32>
  // CHECK: %[[Q:.*]] = tenon.rope %{{.*}}, %{{.*}} at %[[POS]] : (tensor<8x?x8xf32>, tensor<300x8xf32>, index) -> tensor<8x?x8xf32>
  // CHECK-NEXT: tenon.cache_append %[[K]], %{{.*}}, %[[CACHE]][%[[I]]] at %[[POS]] : tensor<4x?x8xf32>, tensor<4x?x8xf32>
  // CHECK-NEXT: %{{.*}} = tenon.cached_attention %[[Q]], %[[CACHE]][%[[I]]] at %[[POS]] {causal, scale = 3.500000e-01 : f32, window = 64 : i64}
  // CHECK: }
  // CHECK: %[[R:.*]] = tenon.last_rows %[[Y]], %[[ROWS]] : tensor<?x64xf32> -> tensor<?x64xf32>
  // CHECK: %[[N:.*]] = tenon.rms_norm %[[R]]
  // CHECK: %[[L:.*]] = tenon.linear %[[N]]
  // CHECK: return %[[L]] : tensor<?x512xf32>

  // CHECK-LABEL: func.func @decode
  // CHECK-SAME: (%{{.*}}: tensor<1xi32> {tenon.name = "tokens"}, %[[POS:.*]]: index, %{{.*}}: index, %[[CACHE:.*]]: !tenon.kv_cache<{{.*}}>) -> tensor<1x512xf32>
  // CHECK-NOT: ?
  // CHECK: scf.for {{.*}} -> (tensor<1x64xf32>)
  // CHECK-NOT: ?
  // CHECK: tenon.cached_attention {{.*}} : (tensor<8x1x8xf32>, {{.*}}) -> tensor<8x1x8xf32>
  // CHECK-NOT: tenon.last_rows
  // CHECK-NOT: ?
  // CHECK: return %{{.*}} : tensor<1x512xf32>
  func.func @forward(%tokens: tensor<?xi32> {tenon.name = "tokens"}) -> tensor<?x512xf32> {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %c5 = arith.constant 5 : index
    %e = tenon.weight_ref @embed : tensor<512x64xf32>
    %table = tenon.weight_ref @rope : tensor<300x8xf32>
    %x = tenon.embedding %tokens, %e : (tensor<?xi32>, tensor<512x64xf32>) -> tensor<?x64xf32>
    %y = scf.for %i = %c0 to %c5 step %c1 iter_args(%h = %x) -> (tensor<?x64xf32>) {
      %w = tenon.weight_ref @wv[%i] : tensor<32x64xf32>
      %v0 = tenon.linear %h, %w : (tensor<?x64xf32>, tensor<32x64xf32>) -> tensor<?x32xf32>
      %v = tenon.split_heads %v0 {heads = 4 : i64} : tensor<?x32xf32> -> tensor<4x?x8xf32>
      %k = tenon.rope %v, %table : (tensor<4x?x8xf32>, tensor<300x8xf32>) -> tensor<4x?x8xf32>
      %q0 = tenon.split_heads %h {heads = 8 : i64} : tensor<?x64xf32> -> tensor<8x?x8xf32>
      %q = tenon.rope %q0, %table : (tensor<8x?x8xf32>, tensor<300x8xf32>) -> tensor<8x?x8xf32>
      %o = tenon.attention %q, %k, %v {causal, scale = 0.35 : f32, window = 64 : i64} : (tensor<8x?x8xf32>, tensor<4x?x8xf32>, tensor<4x?x8xf32>) -> tensor<8x?x8xf32>
      %m = tenon.merge_heads %o : tensor<8x?x8xf32> -> tensor<?x64xf32>
      %r = tenon.add %h, %m : (tensor<?x64xf32>, tensor<?x64xf32>) -> tensor<?x64xf32>
      scf.yield %r : tensor<?x64xf32>
    }
    %g = tenon.weight_ref @norm : tensor<64xf32>
    %n = tenon.rms_norm %y, %g {eps = 1.0e-5 : f32} : (tensor<?x64xf32>, tensor<64xf32>) -> tensor<?x64xf32>
    %l = tenon.linear %n, %e : (tensor<?x64xf32>, tensor<512x64xf32>) -> tensor<?x512xf32>
    return %l : tensor<?x512xf32>
  }
  // Other functions stay.
  // CHECK-LABEL: func.func @tokens_only(%{{.*}}: tensor<?xi32>) -> tensor<?x64xf32>
  func.func @tokens_only(%tokens: tensor<?xi32>) -> tensor<?x64xf32> {
    %e = tenon.weight_ref @embed : tensor<512x64xf32>
    %x = tenon.embedding %tokens, %e : (tensor<?xi32>, tensor<512x64xf32>) -> tensor<?x64xf32>
    return %x : tensor<?x64xf32>
  }
}

// -----

// Two attentions in a body that runs three times from 4 in steps of 2, within
// two runs of an outer loop, after one attention before: 1 + 2 (3 * 2) layers.

// CHECK-LABEL: module @loops
module @loops attributes {tenon.kind = "decoder", tenon.context = 128 : i64} {
  // CHECK-LABEL: func.func @prefill
  // CHECK-SAME: %[[CACHE:[^:]*]]: !tenon.kv_cache<layers = 13, heads = 4, capacity = 128, head_dim = 8, element = f32>
  // CHECK: tenon.cache_append {{.*}}, %[[CACHE]][%c0
  // CHECK: scf.for %[[I:[^ ]*]] =
  // CHECK: scf.for %[[J:[^ ]*]] =
  // (j - 4) / 2 * 2 + i * 6 + 1
  // CHECK: %[[C4:.*]] = arith.constant 4 : index
  // CHECK: %[[A:.*]] = arith.subi %[[J]], %[[C4]]
  // CHECK: %[[C2:.*]] = arith.constant 2 : index
  // CHECK: %[[B:.*]] = arith.divui %[[A]], %[[C2]]
  // CHECK: %[[C2B:.*]] = arith.constant 2 : index
  // CHECK: %[[C:.*]] = arith.muli %[[B]], %[[C2B]]
  // CHECK: %[[C6:.*]] = arith.constant 6 : index
  // CHECK: %[[D:.*]] = arith.muli %[[I]], %[[C6]]
  // CHECK: %[[E:.*]] = arith.addi %[[C]], %[[D]]
  // CHECK: %[[C1:.*]] = arith.constant 1 : index
  // CHECK: %[[F:.*]] = arith.addi %[[E]], %[[C1]]
  // CHECK: tenon.cache_append {{.*}}, %[[CACHE]][%[[F]]]
  // CHECK: tenon.cached_attention {{.*}}, %[[CACHE]][%[[F]]]
  // CHECK: arith.addi
  // CHECK: %[[C2C:.*]] = arith.constant 2 : index
  // CHECK: %[[G:.*]] = arith.addi %{{.*}}, %[[C2C]]
  // CHECK: tenon.cached_attention {{.*}}, %[[CACHE]][%[[G]]]
  func.func @forward(%tokens: tensor<?xi32>) -> tensor<?x32xf32> {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %c2 = arith.constant 2 : index
    %c4 = arith.constant 4 : index
    %c10 = arith.constant 10 : index
    %e = tenon.weight_ref @embed : tensor<512x32xf32>
    %x = tenon.embedding %tokens, %e : (tensor<?xi32>, tensor<512x32xf32>) -> tensor<?x32xf32>
    %q = tenon.split_heads %x {heads = 4 : i64} : tensor<?x32xf32> -> tensor<4x?x8xf32>
    %a = tenon.attention %q, %q, %q {causal, scale = 1.0 : f32} : (tensor<4x?x8xf32>, tensor<4x?x8xf32>, tensor<4x?x8xf32>) -> tensor<4x?x8xf32>
    %y = scf.for %i = %c0 to %c2 step %c1 iter_args(%h = %a) -> (tensor<4x?x8xf32>) {
      %z = scf.for %j = %c4 to %c10 step %c2 iter_args(%g = %h) -> (tensor<4x?x8xf32>) {
        %b = tenon.attention %g, %g, %g {causal, scale = 1.0 : f32} : (tensor<4x?x8xf32>, tensor<4x?x8xf32>, tensor<4x?x8xf32>) -> tensor<4x?x8xf32>
        %c = tenon.attention %b, %b, %b {causal, scale = 1.0 : f32, window = 8 : i64} : (tensor<4x?x8xf32>, tensor<4x?x8xf32>, tensor<4x?x8xf32>) -> tensor<4x?x8xf32>
        scf.yield %c : tensor<4x?x8xf32>
      }
      scf.yield %z : tensor<4x?x8xf32>
    }
    %m = tenon.merge_heads %y : tensor<4x?x8xf32> -> tensor<?x32xf32>
    return %m : tensor<?x32xf32>
  }
  tenon.weight @embed : tensor<512x32xf32> from [#tenon.source<"e", tensor<512x32xf32>>]
}

// -----

// Learned positions start at %position; last_rows moves over a head with a
// residual, and one choice of rows serves both readers of a value.

// CHECK-LABEL: module @positions
module @positions attributes {tenon.kind = "decoder", tenon.context = 128 : i64} {
  tenon.weight @wpe : tensor<128x64xf32> from [#tenon.source<"p", tensor<128x64xf32>>]
  tenon.weight @w : tensor<64x64xf32> from [#tenon.source<"w", tensor<64x64xf32>>]
  // Without attention there is no cache.
  // CHECK-LABEL: func.func @prefill
  // CHECK-SAME: (%[[TOKENS:.*]]: tensor<?xi32>, %[[POS:.*]]: index, %[[ROWS:.*]]: index) -> tensor<?x64xf32>
  // CHECK: %[[P:.*]] = tenon.positions %[[TOKENS]] at %[[POS]] : (tensor<?xi32>, index) -> tensor<?xi32>
  // CHECK: %[[X:.*]] = tenon.embedding %[[P]]
  // CHECK-NEXT: %[[R:.*]] = tenon.last_rows %[[X]], %[[ROWS]]
  // CHECK-NOT: tenon.last_rows
  // CHECK: %[[A:.*]] = tenon.linear %[[R]]
  // CHECK: tenon.mul %[[A]], %[[R]]
  // CHECK: tenon.add %{{.*}}, %{{.*}} : (tensor<?x64xf32>, tensor<64xf32>)
  // CHECK-LABEL: func.func @decode
  // CHECK: tenon.positions %{{.*}} at %{{.*}} : (tensor<1xi32>, index) -> tensor<1xi32>
  func.func @forward(%tokens: tensor<?xi32>) -> tensor<?x64xf32> {
    %e = tenon.weight_ref @wpe : tensor<128x64xf32>
    %w = tenon.weight_ref @w : tensor<64x64xf32>
    %b = arith.constant dense<1.0> : tensor<64xf32>
    %p = tenon.positions %tokens : (tensor<?xi32>) -> tensor<?xi32>
    %x = tenon.embedding %p, %e : (tensor<?xi32>, tensor<128x64xf32>) -> tensor<?x64xf32>
    %0 = tenon.linear %x, %w : (tensor<?x64xf32>, tensor<64x64xf32>) -> tensor<?x64xf32>
    %1 = tenon.mul %0, %x : (tensor<?x64xf32>, tensor<?x64xf32>) -> tensor<?x64xf32>
    %2 = tenon.add %1, %b : (tensor<?x64xf32>, tensor<64xf32>) -> tensor<?x64xf32>
    %3 = tenon.linear %2, %w residual(%x) : (tensor<?x64xf32>, tensor<64x64xf32>, tensor<?x64xf32>) -> tensor<?x64xf32>
    return %3 : tensor<?x64xf32>
  }
}

// -----

// What all rows are needed for stops last_rows: here the keys.

// CHECK-LABEL: module @stops
module @stops attributes {tenon.kind = "decoder", tenon.context = 128 : i64} {
  tenon.weight @e : tensor<128x64xf32> from [#tenon.source<"e", tensor<128x64xf32>>]
  tenon.weight @g : tensor<64xf32> from [#tenon.source<"g", tensor<64xf32>>]
  // CHECK-LABEL: func.func @prefill
  // CHECK: %[[N:.*]] = tenon.rms_norm
  // CHECK: tenon.last_rows %[[N]]
  // CHECK: tenon.split_heads %[[N]]
  // CHECK: tenon.last_rows
  // CHECK: tenon.add
  // CHECK-LABEL: func.func @decode
  func.func @forward(%tokens: tensor<?xi32>) -> tensor<?x64xf32> {
    %e = tenon.weight_ref @e : tensor<128x64xf32>
    %g = tenon.weight_ref @g : tensor<64xf32>
    %x = tenon.embedding %tokens, %e : (tensor<?xi32>, tensor<128x64xf32>) -> tensor<?x64xf32>
    %n = tenon.rms_norm %x, %g {eps = 1.0e-5 : f32} : (tensor<?x64xf32>, tensor<64xf32>) -> tensor<?x64xf32>
    %k = tenon.split_heads %n {heads = 8 : i64} : tensor<?x64xf32> -> tensor<8x?x8xf32>
    %o = tenon.attention %k, %k, %k {causal, scale = 0.35 : f32} : (tensor<8x?x8xf32>, tensor<8x?x8xf32>, tensor<8x?x8xf32>) -> tensor<8x?x8xf32>
    %m = tenon.merge_heads %o : tensor<8x?x8xf32> -> tensor<?x64xf32>
    %r = tenon.add %n, %m : (tensor<?x64xf32>, tensor<?x64xf32>) -> tensor<?x64xf32>
    return %r : tensor<?x64xf32>
  }
}

// -----

// Encoders, and modules of no kind, stay.

// CHECK-LABEL: module @encoder
module @encoder attributes {tenon.kind = "encoder"} {
  // CHECK: func.func @forward
  // CHECK: tenon.attention
  func.func @forward(%q: tensor<8x?x8xf32>) -> tensor<8x?x8xf32> {
    %o = tenon.attention %q, %q, %q {scale = 0.35 : f32} : (tensor<8x?x8xf32>, tensor<8x?x8xf32>, tensor<8x?x8xf32>) -> tensor<8x?x8xf32>
    return %o : tensor<8x?x8xf32>
  }
}

// -----

// CHECK-LABEL: func.func @no_kind
func.func @no_kind(%x: tensor<?xi32>) -> tensor<?xi32> {
  return %x : tensor<?xi32>
}
