// RUN: tenon-opt %s --tenon-incremental --split-input-file --verify-diagnostics

// Decoders that have no incremental form: an error at the operation.

module attributes {tenon.kind = "decoder", tenon.context = 128 : i64} {
  func.func @forward(%x: tensor<?xi32>, %e: tensor<?xi32>) -> tensor<?x64xf32> {
    %w = tenon.weight_ref @w : tensor<512x64xf32>
    %h = tenon.embedding %x, %w : (tensor<?xi32>, tensor<512x64xf32>) -> tensor<?x64xf32>
    %q = tenon.split_heads %h {heads = 8 : i64} : tensor<?x64xf32> -> tensor<8x?x8xf32>
    // expected-error @+2 {{'tenon.attention' op of a decoder is not causal: later tokens would change earlier keys and values}}
    // expected-note @+1 {{apply causal_mask to the scores, or declare the model an encoder}}
    %o = tenon.attention %q, %q, %q {scale = 0.35 : f32} : (tensor<8x?x8xf32>, tensor<8x?x8xf32>, tensor<8x?x8xf32>) -> tensor<8x?x8xf32>
    %m = tenon.merge_heads %o : tensor<8x?x8xf32> -> tensor<?x64xf32>
    return %m : tensor<?x64xf32>
  }
  tenon.weight @w : tensor<512x64xf32> from [#tenon.source<"e", tensor<512x64xf32>>]
}

// -----

module attributes {tenon.kind = "decoder", tenon.context = 128 : i64} {
  func.func @forward(%x: tensor<?xi32>) -> tensor<?x64xf32> {
    %w = tenon.weight_ref @w : tensor<512x64xf32>
    %h = tenon.embedding %x, %w : (tensor<?xi32>, tensor<512x64xf32>) -> tensor<?x64xf32>
    %q = tenon.split_heads %h {heads = 8 : i64} : tensor<?x64xf32> -> tensor<8x?x8xf32>
    // expected-error @+1 {{of a decoder has a padding mask: a cache has no padding}}
    %o = tenon.attention %q, %q, %q valid(%x) {causal, scale = 0.35 : f32} : (tensor<8x?x8xf32>, tensor<8x?x8xf32>, tensor<8x?x8xf32>, tensor<?xi32>) -> tensor<8x?x8xf32>
    %m = tenon.merge_heads %o : tensor<8x?x8xf32> -> tensor<?x64xf32>
    return %m : tensor<?x64xf32>
  }
  tenon.weight @w : tensor<512x64xf32> from [#tenon.source<"e", tensor<512x64xf32>>]
}

// -----

// A mask that no attention took.
module attributes {tenon.kind = "decoder", tenon.context = 128 : i64} {
  func.func @forward(%x: tensor<?xi32>) -> tensor<?x64xf32> {
    %w = tenon.weight_ref @w : tensor<512x64xf32>
    %h = tenon.embedding %x, %w : (tensor<?xi32>, tensor<512x64xf32>) -> tensor<?x64xf32>
    %t = arith.constant dense<0.0> : tensor<64x64xf32>
    // expected-error @+2 {{'tenon.transpose' op needs the whole sequence: a decoder's @forward has to be computed token by token}}
    // expected-note @+1 {{only attention looks at other tokens}}
    %ht = tenon.transpose %h : tensor<?x64xf32> -> tensor<64x?xf32>
    %s = tenon.matmul %h, %ht : (tensor<?x64xf32>, tensor<64x?xf32>) -> tensor<?x?xf32>
    %p = tenon.softmax %s : (tensor<?x?xf32>) -> tensor<?x?xf32>
    %m = tenon.matmul %p, %h : (tensor<?x?xf32>, tensor<?x64xf32>) -> tensor<?x64xf32>
    return %m : tensor<?x64xf32>
  }
  tenon.weight @w : tensor<512x64xf32> from [#tenon.source<"e", tensor<512x64xf32>>]
}

// -----

// The number of layers has to be known.
module attributes {tenon.kind = "decoder", tenon.context = 128 : i64} {
  func.func @forward(%x: tensor<?xi32>) -> tensor<?x64xf32> {
    %w = tenon.weight_ref @w : tensor<512x64xf32>
    %c0 = arith.constant 0 : index
    %n = arith.addi %c0, %c0 : index
    %h = tenon.embedding %x, %w : (tensor<?xi32>, tensor<512x64xf32>) -> tensor<?x64xf32>
    %q = tenon.split_heads %h {heads = 8 : i64} : tensor<?x64xf32> -> tensor<8x?x8xf32>
    // expected-error @+1 {{loop around attention must have constant bounds for the size of the cache to be known}}
    %r = scf.for %i = %c0 to %n step %n iter_args(%a = %q) -> (tensor<8x?x8xf32>) {
      %o = tenon.attention %a, %a, %a {causal, scale = 0.35 : f32} : (tensor<8x?x8xf32>, tensor<8x?x8xf32>, tensor<8x?x8xf32>) -> tensor<8x?x8xf32>
      scf.yield %o : tensor<8x?x8xf32>
    }
    %m = tenon.merge_heads %r : tensor<8x?x8xf32> -> tensor<?x64xf32>
    return %m : tensor<?x64xf32>
  }
  tenon.weight @w : tensor<512x64xf32> from [#tenon.source<"e", tensor<512x64xf32>>]
}

// -----

module attributes {tenon.kind = "decoder", tenon.context = 128 : i64} {
  func.func @forward(%x: tensor<?xi32>) -> tensor<?x64xf32> {
    %w = tenon.weight_ref @w : tensor<512x64xf32>
    %t = arith.constant true
    %h = tenon.embedding %x, %w : (tensor<?xi32>, tensor<512x64xf32>) -> tensor<?x64xf32>
    %q = tenon.split_heads %h {heads = 8 : i64} : tensor<?x64xf32> -> tensor<8x?x8xf32>
    // expected-error @+1 {{attention inside of 'scf.if' has no fixed place in the cache}}
    %r = scf.if %t -> tensor<8x?x8xf32> {
      %o = tenon.attention %q, %q, %q {causal, scale = 0.35 : f32} : (tensor<8x?x8xf32>, tensor<8x?x8xf32>, tensor<8x?x8xf32>) -> tensor<8x?x8xf32>
      scf.yield %o : tensor<8x?x8xf32>
    } else {
      scf.yield %q : tensor<8x?x8xf32>
    }
    %m = tenon.merge_heads %r : tensor<8x?x8xf32> -> tensor<?x64xf32>
    return %m : tensor<?x64xf32>
  }
  tenon.weight @w : tensor<512x64xf32> from [#tenon.source<"e", tensor<512x64xf32>>]
}

// -----

// expected-error @+1 {{a decoder needs the attribute tenon.context, the longest sequence in tokens}}
module attributes {tenon.kind = "decoder"} {
  func.func @forward(%x: tensor<?xi32>) -> tensor<?x64xf32> {
    %w = tenon.weight_ref @w : tensor<512x64xf32>
    %h = tenon.embedding %x, %w : (tensor<?xi32>, tensor<512x64xf32>) -> tensor<?x64xf32>
    %q = tenon.split_heads %h {heads = 8 : i64} : tensor<?x64xf32> -> tensor<8x?x8xf32>
    %o = tenon.attention %q, %q, %q {causal, scale = 0.35 : f32} : (tensor<8x?x8xf32>, tensor<8x?x8xf32>, tensor<8x?x8xf32>) -> tensor<8x?x8xf32>
    %m = tenon.merge_heads %o : tensor<8x?x8xf32> -> tensor<?x64xf32>
    return %m : tensor<?x64xf32>
  }
  tenon.weight @w : tensor<512x64xf32> from [#tenon.source<"e", tensor<512x64xf32>>]
}

// -----

// expected-error @+1 {{a decoder needs a function @forward}}
module attributes {tenon.kind = "decoder"} {
}

// -----

module attributes {tenon.kind = "decoder"} {
  // expected-error @+1 {{arguments of a decoder's @forward must have one element for each token, found 'tensor<?x64xf32>'}}
  func.func @forward(%x: tensor<?x64xf32>) -> tensor<?x64xf32> {
    return %x : tensor<?x64xf32>
  }
}

// -----

module attributes {tenon.kind = "decoder"} {
  // expected-error @+1 {{a decoder's @forward must have one result of rank 2}}
  func.func @forward(%x: tensor<?xi32>) -> tensor<?xi32> {
    return %x : tensor<?xi32>
  }
}

// -----

module attributes {tenon.kind = "decoder"} {
  func.func @forward(%x: tensor<?xi32>) -> tensor<?xi32> {
    return %x : tensor<?xi32>
  }
  // expected-error @+1 {{@decode is there already; it is to be derived from @forward}}
  func.func @decode(%x: tensor<?xi32>) -> tensor<?xi32> {
    return %x : tensor<?xi32>
  }
}

// -----

// expected-error @+1 {{'tenon.max_sequences' must be positive, found 0}}
module attributes {tenon.kind = "decoder", tenon.max_sequences = 0 : i64} {
  func.func @forward(%x: tensor<?xi32>) -> tensor<?x64xf32> {
    %w = tenon.weight_ref @w : tensor<512x64xf32>
    %h = tenon.embedding %x, %w : (tensor<?xi32>, tensor<512x64xf32>) -> tensor<?x64xf32>
    return %h : tensor<?x64xf32>
  }
  tenon.weight @w : tensor<512x64xf32> from [#tenon.source<"e", tensor<512x64xf32>>]
}

// -----

module attributes {tenon.kind = "decoder", tenon.max_sequences = 2 : i64} {
  func.func @forward(%x: tensor<?xi32>) -> tensor<?x64xf32> {
    %w = tenon.weight_ref @w : tensor<512x64xf32>
    %h = tenon.embedding %x, %w : (tensor<?xi32>, tensor<512x64xf32>) -> tensor<?x64xf32>
    return %h : tensor<?x64xf32>
  }
  tenon.weight @w : tensor<512x64xf32> from [#tenon.source<"e", tensor<512x64xf32>>]
  // expected-error @+1 {{@decode_batch is there already; it is to be derived from @forward}}
  func.func @decode_batch(%x: tensor<?xi32>) -> tensor<?x64xf32> {
    %w = tenon.weight_ref @w : tensor<512x64xf32>
    %h = tenon.embedding %x, %w : (tensor<?xi32>, tensor<512x64xf32>) -> tensor<?x64xf32>
    return %h : tensor<?x64xf32>
  }
}
