// RUN: tenon-opt %s --tenon-differentiate --split-input-file --verify-diagnostics

// What has no gradient yet, and why.

// expected-error @+1 {{only a decoder with a function @forward can be trained so far}}
module attributes {tenon.kind = "encoder"} {
  func.func @forward(%t: tensor<?xi32>) -> tensor<?xi32> {
    return %t : tensor<?xi32>
  }
}

// -----

module attributes {tenon.kind = "decoder"} {
  // expected-error @+1 {{a model can be trained so far if its @forward takes tokens and nothing else}}
  func.func @forward(%t: tensor<?xi32>, %s: tensor<?xi32>) -> tensor<?xi32> {
    return %t : tensor<?xi32>
  }
}

// -----

module attributes {tenon.kind = "decoder"} {
  // expected-error @+1 {{@forward must return logits for each token}}
  func.func @forward(%t: tensor<?xi32>) -> tensor<?xi32> {
    return %t : tensor<?xi32>
  }
}

// -----

module attributes {tenon.kind = "decoder"} {
  // expected-error @+1 {{of type 'tensor<8x8xbf16>': weights that learn are f32}}
  tenon.weight @e : tensor<8x8xbf16> from [#tenon.source<"e", tensor<8x8xbf16>>]
  func.func @forward(%t: tensor<?xi32>) -> tensor<?x8xf32> {
    %e = tenon.weight_ref @e : tensor<8x8xbf16>
    %x = tenon.embedding %t, %e : (tensor<?xi32>, tensor<8x8xbf16>) -> tensor<?x8xf32>
    return %x : tensor<?x8xf32>
  }
}

// -----

module attributes {tenon.kind = "decoder"} {
  // expected-error @+1 {{is computed from a tensor that learns, which has no gradient yet}}
  tenon.weight @bias : tensor<2x321xf32> from [#tenon.relative_buckets<source = <"b", tensor<32x2xf32>>, max_distance = 128, past = true>]
  func.func @forward(%t: tensor<?xi32>) -> tensor<?x8xf32> {
    %e = tenon.weight_ref @e : tensor<8x8xf32>
    %x = tenon.embedding %t, %e : (tensor<?xi32>, tensor<8x8xf32>) -> tensor<?x8xf32>
    return %x : tensor<?x8xf32>
  }
  tenon.weight @e : tensor<8x8xf32> from [#tenon.source<"e", tensor<8x8xf32>>]
}

// -----

module attributes {tenon.kind = "decoder"} {
  tenon.weight @e : tensor<8x8xf32> from [#tenon.source<"e", tensor<8x8xf32>>]
  func.func @forward(%t: tensor<?xi32>) -> tensor<?x8xf32> {
    %e = tenon.weight_ref @e : tensor<8x8xf32>
    %x = tenon.embedding %t, %e : (tensor<?xi32>, tensor<8x8xf32>) -> tensor<?x8xf32>
    // expected-error @+1 {{has no gradient yet: a model with it cannot be trained}}
    %g = tenon.top_k %x {k = 2 : i64} : (tensor<?x8xf32>) -> tensor<?x8xf32>
    return %g : tensor<?x8xf32>
  }
}

// -----

// No weight is behind it: it needs no gradient.
module attributes {tenon.kind = "decoder"} {
  tenon.weight @e : tensor<8x8xf32> from [#tenon.source<"e", tensor<8x8xf32>>]
  tenon.weight @s : tensor<64x8xf32> from [#tenon.sinusoid_table<frequencies = [1.0, 0.1, 0.01, 0.001], interleaved = false>]
  func.func @forward(%t: tensor<?xi32>) -> tensor<?x8xf32> {
    %e = tenon.weight_ref @e : tensor<8x8xf32>
    %s = tenon.weight_ref @s : tensor<64x8xf32>
    %p = tenon.positions %t : (tensor<?xi32>) -> tensor<?xi32>
    %y = tenon.embedding %p, %s : (tensor<?xi32>, tensor<64x8xf32>) -> tensor<?x8xf32>
    %g = tenon.top_k %y {k = 2 : i64} : (tensor<?x8xf32>) -> tensor<?x8xf32>
    %x = tenon.embedding %t, %e : (tensor<?xi32>, tensor<8x8xf32>) -> tensor<?x8xf32>
    %z = tenon.add %x, %g : (tensor<?x8xf32>, tensor<?x8xf32>) -> tensor<?x8xf32>
    return %z : tensor<?x8xf32>
  }
}

// -----

module attributes {tenon.kind = "decoder"} {
  tenon.weight @e : tensor<8x8xf32> from [#tenon.source<"e", tensor<8x8xf32>>]
  func.func @forward(%t: tensor<?xi32>) -> tensor<?x8xf32> {
    %e = tenon.weight_ref @e : tensor<8x8xf32>
    %x = tenon.embedding %t, %e : (tensor<?xi32>, tensor<8x8xf32>) -> tensor<?x8xf32>
    // expected-error @+1 {{with an epilogue has no gradient: tenon-differentiate comes before fusion}}
    %y = tenon.linear %x, %e residual(%x) : (tensor<?x8xf32>, tensor<8x8xf32>, tensor<?x8xf32>) -> tensor<?x8xf32>
    return %y : tensor<?x8xf32>
  }
}

// -----

module attributes {tenon.kind = "decoder"} {
  tenon.weight @e : tensor<8x8xf32> from [#tenon.source<"e", tensor<8x8xf32>>]
  func.func @forward(%t: tensor<?xi32>) -> tensor<?x8xf32> {
    %e = tenon.weight_ref @e : tensor<8x8xf32>
    %f = tenon.scale %e {factor = 2.0 : f32} : (tensor<8x8xf32>) -> tensor<8x8xf32>
    // expected-error @+1 {{has a gradient only where the table is a weight as it is}}
    %x = tenon.embedding %t, %f : (tensor<?xi32>, tensor<8x8xf32>) -> tensor<?x8xf32>
    return %x : tensor<?x8xf32>
  }
}

// -----

module attributes {tenon.kind = "decoder"} {
  tenon.weight @e : tensor<8x8xf32> from [#tenon.source<"e", tensor<8x8xf32>>]
  tenon.weight @sink : tensor<2xf32> from [#tenon.source<"sink", tensor<2xf32>>]
  func.func @forward(%t: tensor<?xi32>) -> tensor<?x8xf32> {
    %e = tenon.weight_ref @e : tensor<8x8xf32>
    %s = tenon.weight_ref @sink : tensor<2xf32>
    %x = tenon.embedding %t, %e : (tensor<?xi32>, tensor<8x8xf32>) -> tensor<?x8xf32>
    %h = tenon.split_heads %x {heads = 2 : i64} : tensor<?x8xf32> -> tensor<2x?x4xf32>
    // expected-error @+1 {{with a sink that learns has no gradient yet}}
    %p = tenon.softmax %h sink(%s) : (tensor<2x?x4xf32>, tensor<2xf32>) -> tensor<2x?x4xf32>
    %y = tenon.merge_heads %p : tensor<2x?x4xf32> -> tensor<?x8xf32>
    return %y : tensor<?x8xf32>
  }
}

// -----

module attributes {tenon.kind = "decoder"} {
  tenon.weight @e : tensor<8x8xf32> from [#tenon.source<"e", tensor<8x8xf32>>]
  func.func @forward(%t: tensor<?xi32>) -> tensor<?x8xf32> {
    %e = tenon.weight_ref @e : tensor<8x8xf32>
    %x = tenon.embedding %t, %e : (tensor<?xi32>, tensor<8x8xf32>) -> tensor<?x8xf32>
    %xt = tenon.transpose %x : tensor<?x8xf32> -> tensor<8x?xf32>
    %s = tenon.matmul %x, %xt : (tensor<?x8xf32>, tensor<8x?xf32>) -> tensor<?x?xf32>
    // expected-error @+1 {{has a gradient only where a softmax, and nothing else, reads the scores}}
    %m = tenon.causal_mask %s : (tensor<?x?xf32>) -> tensor<?x?xf32>
    %a = tenon.activation %m {kind = #tenon.activation_kind<sigmoid>} : (tensor<?x?xf32>) -> tensor<?x?xf32>
    %y = tenon.matmul %a, %x : (tensor<?x?xf32>, tensor<?x8xf32>) -> tensor<?x8xf32>
    return %y : tensor<?x8xf32>
  }
}

// -----

module attributes {tenon.kind = "decoder"} {
  tenon.weight @e : tensor<8x8xf32> from [#tenon.source<"e", tensor<8x8xf32>>]
  func.func @forward(%t: tensor<?xi32>) -> tensor<?x8xf32> {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %c3 = arith.constant 3 : index
    %e = tenon.weight_ref @e : tensor<8x8xf32>
    %x = tenon.embedding %t, %e : (tensor<?xi32>, tensor<8x8xf32>) -> tensor<?x8xf32>
    %y = scf.for %i = %c0 to %c3 step %c1 iter_args(%h = %x) -> (tensor<?x8xf32>) {
      // expected-error @+1 {{in a loop reads a value from outside that a weight is behind: such a value has no gradient yet}}
      %0 = tenon.add %h, %x : (tensor<?x8xf32>, tensor<?x8xf32>) -> tensor<?x8xf32>
      scf.yield %0 : tensor<?x8xf32>
    }
    return %y : tensor<?x8xf32>
  }
}

// -----

module attributes {tenon.kind = "decoder"} {
  tenon.weight @e : tensor<8x8xf32> from [#tenon.source<"e", tensor<8x8xf32>>]
  func.func @forward(%t: tensor<?xi32>) -> tensor<?x8xf32> {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %c3 = arith.constant 3 : index
    %e = tenon.weight_ref @e : tensor<8x8xf32>
    %x = tenon.embedding %t, %e : (tensor<?xi32>, tensor<8x8xf32>) -> tensor<?x8xf32>
    // expected-error @+1 {{has no gradient: it must carry one tensor of numbers}}
    %y, %z = scf.for %i = %c0 to %c3 step %c1 iter_args(%h = %x, %g = %x) -> (tensor<?x8xf32>, tensor<?x8xf32>) {
      scf.yield %g, %h : tensor<?x8xf32>, tensor<?x8xf32>
    }
    return %y : tensor<?x8xf32>
  }
}
