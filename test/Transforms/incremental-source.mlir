// RUN: tenon-opt %s --tenon-incremental --split-input-file -verify-diagnostics | FileCheck %s

// An encoder-decoder. What is computed of the source alone is a function of its
// own, which ends in the keys and values that tokens attend to; the decoder's
// loop is split.

// CHECK-LABEL: module @translate
module @translate attributes {tenon.kind = "decoder", tenon.context = 100 : i64, tenon.max_sequences = 2 : i64} {
  tenon.weight @embed : tensor<512x64xf32> from [#tenon.source<"e", tensor<512x64xf32>>]
  tenon.weight @ck : tensor<3x64x64xf32> from [#tenon.source<"{i}.k", tensor<64x64xf32>>] stacked

  // CHECK-LABEL: func.func @encode(
  // CHECK-SAME: %[[SOURCE:[^:]*]]: tensor<?xi32> {tenon.name = "source", tenon.source}, %{{[^:]*}}: !tenon.kv_cache<layers = 3, heads = 4, {{[^>]*}}>, %[[CROSS:[^:]*]]: !tenon.kv_cache<layers = 3, heads = 8, capacity = 128, head_dim = 8, element = f32> {tenon.source}) {
  // CHECK: tenon.embedding %[[SOURCE]]
  // CHECK: %[[MEMORY:.*]] = scf.for {{.*}} to %c2
  // CHECK: tenon.attention
  // CHECK: scf.for %[[I:[^ ]*]] = %{{.*}} to %c3{{[_0-9]*}} step %{{[^ ]*}} {
  // CHECK-NEXT: tenon.weight_ref @ck[%[[I]]]
  // CHECK-NEXT: tenon.linear %[[MEMORY]]
  // CHECK-NEXT: %[[K:.*]] = tenon.split_heads
  // CHECK-NEXT: tenon.cache_append %[[K]], %[[K]], %[[CROSS]][%[[I]]] at %{{c0[_0-9]*}}
  // CHECK-NEXT: }
  // CHECK-NEXT: return

  // CHECK-LABEL: func.func @prefill(
  // CHECK-SAME: %{{[^:]*}}: tensor<?xi32> {tenon.name = "tokens"}, %[[POS:[^:]*]]: index, %{{[^:]*}}: index, %[[SELF:[^:]*]]: !tenon.kv_cache<layers = 3, heads = 4, capacity = 128, head_dim = 16, element = f32>, %[[CROSS:[^:]*]]: !tenon.kv_cache<layers = 3, {{.*}}> {tenon.source}, %[[LENGTH:[^:]*]]: index {tenon.name = "source_length"})
  // CHECK-NOT: @ck
  // CHECK: scf.for %[[I:[^ ]*]] = %{{.*}} to %c3
  // CHECK: tenon.cache_append {{.*}}, %[[SELF]][%[[I]]] at %[[POS]]
  // CHECK: tenon.cached_attention {{.*}}, %[[SELF]][%[[I]]] at %[[POS]] {causal
  // CHECK-NOT: tenon.cache_append
  // CHECK: tenon.cached_attention {{.*}}, %[[CROSS]][%[[I]]] at %[[LENGTH]] {scale
  // CHECK-NOT: tenon.attention

  // CHECK-LABEL: func.func @decode(
  // CHECK-NOT: ?

  // CHECK-LABEL: func.func @decode_batch(
  // CHECK-SAME: tensor<2xi32> {tenon.name = "tokens"}, %{{[^:]*}}: tensor<2xi32> {tenon.name = "positions"}, %{{[^:]*}}: !tenon.kv_cache<{{.*}}sequences = 2>, %[[CROSS:[^:]*]]: !tenon.kv_cache<{{.*}}sequences = 2> {tenon.source}, %[[LENGTHS:[^:]*]]: tensor<2xi32> {tenon.name = "source_lengths"})
  // CHECK: tenon.cached_attention {{.*}}, %[[CROSS]][%{{.*}}] at rows(%[[LENGTHS]] : tensor<2xi32>) {scale
  func.func @forward(%tokens: tensor<?xi32> {tenon.name = "tokens"}, %source: tensor<?xi32> {tenon.name = "source", tenon.source}) -> tensor<?x512xf32> {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %c2 = arith.constant 2 : index
    %c3 = arith.constant 3 : index
    %e = tenon.weight_ref @embed : tensor<512x64xf32>
    %s = tenon.embedding %source, %e : (tensor<?xi32>, tensor<512x64xf32>) -> tensor<?x64xf32>
    %memory = scf.for %i = %c0 to %c2 step %c1 iter_args(%h = %s) -> (tensor<?x64xf32>) {
      %q = tenon.split_heads %h {heads = 8 : i64} : tensor<?x64xf32> -> tensor<8x?x8xf32>
      %o = tenon.attention %q, %q, %q {scale = 0.35 : f32} : (tensor<8x?x8xf32>, tensor<8x?x8xf32>, tensor<8x?x8xf32>) -> tensor<8x?x8xf32>
      %m = tenon.merge_heads %o : tensor<8x?x8xf32> -> tensor<?x64xf32>
      scf.yield %m : tensor<?x64xf32>
    }
    %x = tenon.embedding %tokens, %e : (tensor<?xi32>, tensor<512x64xf32>) -> tensor<?x64xf32>
    %y = scf.for %i = %c0 to %c3 step %c1 iter_args(%h = %x) -> (tensor<?x64xf32>) {
      %q = tenon.split_heads %h {heads = 4 : i64} : tensor<?x64xf32> -> tensor<4x?x16xf32>
      %o = tenon.attention %q, %q, %q {causal, scale = 0.25 : f32} : (tensor<4x?x16xf32>, tensor<4x?x16xf32>, tensor<4x?x16xf32>) -> tensor<4x?x16xf32>
      %m = tenon.merge_heads %o : tensor<4x?x16xf32> -> tensor<?x64xf32>
      %cq = tenon.split_heads %m {heads = 8 : i64} : tensor<?x64xf32> -> tensor<8x?x8xf32>
      %w = tenon.weight_ref @ck[%i] : tensor<64x64xf32>
      %k0 = tenon.linear %memory, %w : (tensor<?x64xf32>, tensor<64x64xf32>) -> tensor<?x64xf32>
      %k = tenon.split_heads %k0 {heads = 8 : i64} : tensor<?x64xf32> -> tensor<8x?x8xf32>
      %c = tenon.attention %cq, %k, %k {scale = 0.35 : f32} : (tensor<8x?x8xf32>, tensor<8x?x8xf32>, tensor<8x?x8xf32>) -> tensor<8x?x8xf32>
      %cm = tenon.merge_heads %c : tensor<8x?x8xf32> -> tensor<?x64xf32>
      %r = tenon.add %h, %cm : (tensor<?x64xf32>, tensor<?x64xf32>) -> tensor<?x64xf32>
      scf.yield %r : tensor<?x64xf32>
    }
    %l = tenon.linear %y, %e : (tensor<?x64xf32>, tensor<512x64xf32>) -> tensor<?x512xf32>
    return %l : tensor<?x512xf32>
  }
}

// -----

// Attentions of two shapes have caches of their own, with layers of their own.

// CHECK-LABEL: module @two
module @two attributes {tenon.kind = "decoder", tenon.context = 128 : i64} {
  // CHECK-LABEL: func.func @prefill
  // CHECK-SAME: %[[A:[^:]*]]: !tenon.kv_cache<layers = 4, heads = 8, capacity = 128, head_dim = 8, element = f32>, %[[B:[^:]*]]: !tenon.kv_cache<layers = 2, heads = 4, capacity = 128, head_dim = 16, element = f32>)
  // CHECK: scf.for %[[I:[^ ]*]] =
  // CHECK: %[[TWO:.*]] = arith.muli %[[I]], %{{c2[_0-9]*}}
  // CHECK: tenon.cached_attention {{.*}}, %[[A]][%[[TWO]]]
  // CHECK: tenon.cached_attention {{.*}}, %[[B]][%[[I]]]
  // CHECK: tenon.cached_attention {{.*}}, %[[A]][%{{.*}}]
  func.func @forward(%x: tensor<?xi32>) -> tensor<?x64xf32> {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %c2 = arith.constant 2 : index
    %w = tenon.weight_ref @w : tensor<512x64xf32>
    %e = tenon.embedding %x, %w : (tensor<?xi32>, tensor<512x64xf32>) -> tensor<?x64xf32>
    %y = scf.for %i = %c0 to %c2 step %c1 iter_args(%h = %e) -> (tensor<?x64xf32>) {
      %q = tenon.split_heads %h {heads = 8 : i64} : tensor<?x64xf32> -> tensor<8x?x8xf32>
      %p = tenon.split_heads %h {heads = 4 : i64} : tensor<?x64xf32> -> tensor<4x?x16xf32>
      %o = tenon.attention %q, %q, %q {causal, scale = 0.35 : f32} : (tensor<8x?x8xf32>, tensor<8x?x8xf32>, tensor<8x?x8xf32>) -> tensor<8x?x8xf32>
      %r = tenon.attention %p, %p, %p {causal, scale = 0.35 : f32} : (tensor<4x?x16xf32>, tensor<4x?x16xf32>, tensor<4x?x16xf32>) -> tensor<4x?x16xf32>
      %o2 = tenon.attention %o, %o, %o {causal, scale = 0.35 : f32} : (tensor<8x?x8xf32>, tensor<8x?x8xf32>, tensor<8x?x8xf32>) -> tensor<8x?x8xf32>
      %m = tenon.merge_heads %o2 : tensor<8x?x8xf32> -> tensor<?x64xf32>
      %n = tenon.merge_heads %r : tensor<4x?x16xf32> -> tensor<?x64xf32>
      %s = tenon.add %m, %n : (tensor<?x64xf32>, tensor<?x64xf32>) -> tensor<?x64xf32>
      scf.yield %s : tensor<?x64xf32>
    }
    return %y : tensor<?x64xf32>
  }
  tenon.weight @w : tensor<512x64xf32> from [#tenon.source<"e", tensor<512x64xf32>>]
}

// -----

// The source beside tokens, not as keys and values.
module attributes {tenon.kind = "decoder", tenon.context = 128 : i64} {
  func.func @forward(%x: tensor<?xi32>, %source: tensor<?xi32> {tenon.source}) -> tensor<?x64xf32> {
    %w = tenon.weight_ref @w : tensor<512x64xf32>
    %h = tenon.embedding %x, %w : (tensor<?xi32>, tensor<512x64xf32>) -> tensor<?x64xf32>
    // expected-note @+1 {{computed from the source here}}
    %s = tenon.embedding %source, %w : (tensor<?xi32>, tensor<512x64xf32>) -> tensor<?x64xf32>
    // expected-error @+1 {{'tenon.add' op reads a value of the source beside values of the tokens: only attention may, as its keys and values}}
    %y = tenon.add %h, %s : (tensor<?x64xf32>, tensor<?x64xf32>) -> tensor<?x64xf32>
    return %y : tensor<?x64xf32>
  }
  tenon.weight @w : tensor<512x64xf32> from [#tenon.source<"e", tensor<512x64xf32>>]
}

// -----

module attributes {tenon.kind = "decoder", tenon.context = 128 : i64} {
  func.func @forward(%x: tensor<?xi32>, %source: tensor<?xi32> {tenon.source}) -> tensor<?x64xf32> {
    %w = tenon.weight_ref @w : tensor<512x64xf32>
    %h = tenon.embedding %x, %w : (tensor<?xi32>, tensor<512x64xf32>) -> tensor<?x64xf32>
    %s = tenon.embedding %source, %w : (tensor<?xi32>, tensor<512x64xf32>) -> tensor<?x64xf32>
    // expected-note @+1 {{the keys}}
    %k = tenon.split_heads %s {heads = 8 : i64} : tensor<?x64xf32> -> tensor<8x?x8xf32>
    // expected-note @+1 {{the values}}
    %q = tenon.split_heads %h {heads = 8 : i64} : tensor<?x64xf32> -> tensor<8x?x8xf32>
    // expected-error @+1 {{has values of the tokens and keys of the source, or of neither: they have to be of one text}}
    %o = tenon.attention %q, %k, %q {scale = 0.35 : f32} : (tensor<8x?x8xf32>, tensor<8x?x8xf32>, tensor<8x?x8xf32>) -> tensor<8x?x8xf32>
    %m = tenon.merge_heads %o : tensor<8x?x8xf32> -> tensor<?x64xf32>
    return %m : tensor<?x64xf32>
  }
  tenon.weight @w : tensor<512x64xf32> from [#tenon.source<"e", tensor<512x64xf32>>]
}

// -----

module attributes {tenon.kind = "decoder", tenon.context = 128 : i64} {
  func.func @forward(%x: tensor<?xi32>, %source: tensor<?xi32> {tenon.source}) -> tensor<?x64xf32> {
    %w = tenon.weight_ref @w : tensor<512x64xf32>
    %h = tenon.embedding %x, %w : (tensor<?xi32>, tensor<512x64xf32>) -> tensor<?x64xf32>
    %s = tenon.embedding %source, %w : (tensor<?xi32>, tensor<512x64xf32>) -> tensor<?x64xf32>
    %k = tenon.split_heads %s {heads = 8 : i64} : tensor<?x64xf32> -> tensor<8x?x8xf32>
    %q = tenon.split_heads %h {heads = 8 : i64} : tensor<?x64xf32> -> tensor<8x?x8xf32>
    // expected-error @+1 {{of tokens to the source has a causal mask: positions of two texts have nothing in common}}
    %o = tenon.attention %q, %k, %k {causal, scale = 0.35 : f32} : (tensor<8x?x8xf32>, tensor<8x?x8xf32>, tensor<8x?x8xf32>) -> tensor<8x?x8xf32>
    %m = tenon.merge_heads %o : tensor<8x?x8xf32> -> tensor<?x64xf32>
    return %m : tensor<?x64xf32>
  }
  tenon.weight @w : tensor<512x64xf32> from [#tenon.source<"e", tensor<512x64xf32>>]
}

// -----

module attributes {tenon.kind = "decoder", tenon.context = 128 : i64} {
  func.func @forward(%x: tensor<?xi32>, %source: tensor<?xi32> {tenon.source}) -> tensor<?x64xf32> {
    %w = tenon.weight_ref @w : tensor<512x64xf32>
    %s = tenon.embedding %source, %w : (tensor<?xi32>, tensor<512x64xf32>) -> tensor<?x64xf32>
    // expected-error @+1 {{gives a value that doesn't depend on the tokens}}
    return %s : tensor<?x64xf32>
  }
  tenon.weight @w : tensor<512x64xf32> from [#tenon.source<"e", tensor<512x64xf32>>]
}
