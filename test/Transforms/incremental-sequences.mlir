// RUN: tenon-opt %s --tenon-incremental | FileCheck %s
// RUN: tenon-opt %s --tenon-incremental --tenon-statistics -o /dev/null 2>&1 | FileCheck %s --check-prefix=STATS

// STATS: tenon-incremental: 3 cached
// STATS: tenon-incremental: 3 functions
// STATS: tenon-incremental: 6 positions

// With tenon.max_sequences, one token of each sequence at once: every token
// has a position of its own, which learned positions look up as it is.

// CHECK-LABEL: module @model
module @model attributes {tenon.kind = "decoder", tenon.context = 300 : i64, tenon.max_chunk = 128 : i64, tenon.max_sequences = 3 : i64} {
  tenon.weight @embed : tensor<512x64xf32> from [#tenon.source<"e", tensor<512x64xf32>>]
  tenon.weight @learned : tensor<300x64xf32> from [#tenon.source<"p", tensor<300x64xf32>>]
  tenon.weight @rope : tensor<300x8xf32> from [#tenon.rope_table<frequencies = [1.0, 0.1, 0.01, 0.001], scale = 1.0>]
  // The others work on one sequence.
  // CHECK-LABEL: func.func @prefill
  // CHECK-SAME: %{{.*}}: !tenon.kv_cache<layers = 5, heads = 8, capacity = 384, head_dim = 8, element = f32>)
  // CHECK-LABEL: func.func @decode(
  // CHECK-SAME: %{{.*}}: !tenon.kv_cache<layers = 5, heads = 8, capacity = 384, head_dim = 8, element = f32>)
  // CHECK: tenon.positions %{{.*}} at %{{.*}} : (tensor<1xi32>, index) -> tensor<1xi32>
  // CHECK-LABEL: func.func @decode_batch(
  // CHECK-SAME: %{{.*}}: tensor<3xi32> {tenon.name = "tokens"}, %[[P:.*]]: tensor<3xi32> {tenon.name = "positions"},
  // CHECK-SAME: %[[CACHE:.*]]: !tenon.kv_cache<layers = 5, heads = 8, capacity = 384, head_dim = 8, element = f32, sequences = 3>) -> tensor<3x64xf32>
  // CHECK-NOT: tenon.positions
  // CHECK: %[[W:.*]] = tenon.weight_ref @learned
  // CHECK: tenon.embedding %[[P]], %[[W]] : (tensor<3xi32>, tensor<300x64xf32>) -> tensor<3x64xf32>
  // CHECK: scf.for %[[I:[a-z0-9]+]] = {{.*}} -> (tensor<3x64xf32>)
  // CHECK: %[[Q:.*]] = tenon.rope %{{.*}}, %{{.*}} at %[[P]] : (tensor<8x3x8xf32>, tensor<300x8xf32>, tensor<3xi32>) -> tensor<8x3x8xf32>
  // CHECK: tenon.cache_append %[[Q]], %[[Q]], %[[CACHE]][%[[I]]] at rows(%[[P]] : tensor<3xi32>)
  // CHECK: tenon.cached_attention %[[Q]], %[[CACHE]][%[[I]]] at rows(%[[P]] : tensor<3xi32>) {causal, scale = 3.500000e-01 : f32}
  // CHECK-NOT: tenon.last_rows
  // CHECK: return %{{.*}} : tensor<3x64xf32>
  func.func @forward(%tokens: tensor<?xi32> {tenon.name = "tokens"}) -> tensor<?x64xf32> {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %c5 = arith.constant 5 : index
    %e = tenon.weight_ref @embed : tensor<512x64xf32>
    %table = tenon.weight_ref @rope : tensor<300x8xf32>
    %t = tenon.embedding %tokens, %e : (tensor<?xi32>, tensor<512x64xf32>) -> tensor<?x64xf32>
    %p = tenon.positions %tokens : (tensor<?xi32>) -> tensor<?xi32>
    %w = tenon.weight_ref @learned : tensor<300x64xf32>
    %l = tenon.embedding %p, %w : (tensor<?xi32>, tensor<300x64xf32>) -> tensor<?x64xf32>
    %x = tenon.add %t, %l : (tensor<?x64xf32>, tensor<?x64xf32>) -> tensor<?x64xf32>
    %y = scf.for %i = %c0 to %c5 step %c1 iter_args(%h = %x) -> (tensor<?x64xf32>) {
      %q0 = tenon.split_heads %h {heads = 8 : i64} : tensor<?x64xf32> -> tensor<8x?x8xf32>
      %q = tenon.rope %q0, %table : (tensor<8x?x8xf32>, tensor<300x8xf32>) -> tensor<8x?x8xf32>
      %o = tenon.attention %q, %q, %q {causal, scale = 0.35 : f32} : (tensor<8x?x8xf32>, tensor<8x?x8xf32>, tensor<8x?x8xf32>) -> tensor<8x?x8xf32>
      %m = tenon.merge_heads %o : tensor<8x?x8xf32> -> tensor<?x64xf32>
      scf.yield %m : tensor<?x64xf32>
    }
    return %y : tensor<?x64xf32>
  }
}
