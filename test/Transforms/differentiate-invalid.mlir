// RUN: tenon-opt %s --tenon-differentiate --split-input-file --verify-diagnostics

// What has no gradient yet, and why.

// expected-error @+1 {{there is nothing to learn from: a decoder learns from @forward, an encoder from @fill_mask, @tag or @classify}}
module attributes {tenon.kind = "encoder"} {
  func.func @forward(%t: tensor<?xi32>) -> tensor<?xi32> {
    return %t : tensor<?xi32>
  }
}

// -----

module attributes {tenon.kind = "decoder"} {
  // expected-error @+1 {{a model can be trained so far if its @forward takes tokens, their types and a source, and nothing else}}
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
  tenon.weight @e : tensor<8x8xf32> from [#tenon.source<"e", tensor<8x8xf32>>]
  func.func @forward(%t: tensor<?xi32>) -> tensor<?x8xf32> {
    %e = tenon.weight_ref @e : tensor<8x8xf32>
    %x = tenon.embedding %t, %e : (tensor<?xi32>, tensor<8x8xf32>) -> tensor<?x8xf32>
    // expected-error @+1 {{has no gradient yet: a model with it cannot be trained}}
    %g = tenon.cast %x : (tensor<?x8xf32>) -> tensor<?x8xf32>
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
    // expected-error @+1 {{has no gradient: it must carry one tensor of numbers}}
    %y, %z = scf.for %i = %c0 to %c3 step %c1 iter_args(%h = %x, %g = %x) -> (tensor<?x8xf32>, tensor<?x8xf32>) {
      scf.yield %g, %h : tensor<?x8xf32>, tensor<?x8xf32>
    }
    return %y : tensor<?x8xf32>
  }
}

// -----

module attributes {tenon.kind = "decoder"} {
  tenon.weight @e : tensor<8x8xf32> from [#tenon.source<"e", tensor<8x8xf32>>]
  func.func @forward(%t: tensor<?xi32>) -> tensor<?x8xf32> {
    %e = tenon.weight_ref @e : tensor<8x8xf32>
    %x = tenon.embedding %t, %e : (tensor<?xi32>, tensor<8x8xf32>) -> tensor<?x8xf32>
    // expected-error @+1 {{of the greatest has no gradient yet}}
    %m = tenon.reduce %x {kind = #tenon.reduction<max>, dim = 1 : i64} : (tensor<?x8xf32>) -> tensor<?x1xf32>
    %y = tenon.add %x, %m : (tensor<?x8xf32>, tensor<?x1xf32>) -> tensor<?x8xf32>
    return %y : tensor<?x8xf32>
  }
}

// -----

module attributes {tenon.kind = "decoder"} {
  tenon.weight @e : tensor<8x8xf32> from [#tenon.source<"e", tensor<8x8xf32>>]
  func.func @forward(%t: tensor<?xi32>) -> tensor<?x8xf32> {
    %e = tenon.weight_ref @e : tensor<8x8xf32>
    %x = tenon.embedding %t, %e : (tensor<?xi32>, tensor<8x8xf32>) -> tensor<?x8xf32>
    // expected-error @+1 {{over a number of terms that varies has no gradient yet}}
    %m = tenon.reduce %x {kind = #tenon.reduction<mean>, dim = 0 : i64} : (tensor<?x8xf32>) -> tensor<1x8xf32>
    %y = tenon.add %x, %m : (tensor<?x8xf32>, tensor<1x8xf32>) -> tensor<?x8xf32>
    return %y : tensor<?x8xf32>
  }
}

// -----

module attributes {tenon.kind = "decoder"} {
  tenon.weight @e : tensor<8x8xf32> from [#tenon.source<"e", tensor<8x8xf32>>]
  tenon.weight @b : tensor<2x8xf32> from [#tenon.source<"b", tensor<2x8xf32>>]
  func.func @forward(%t: tensor<?xi32>) -> tensor<?x8xf32> {
    %e = tenon.weight_ref @e : tensor<8x8xf32>
    %b = tenon.weight_ref @b : tensor<2x8xf32>
    %x = tenon.embedding %t, %e : (tensor<?xi32>, tensor<8x8xf32>) -> tensor<?x8xf32>
    %h = tenon.split_heads %x {heads = 2 : i64} : tensor<?x8xf32> -> tensor<2x?x4xf32>
    %k = tenon.transpose %h : tensor<2x?x4xf32> -> tensor<2x4x?xf32>
    %s = tenon.matmul %h, %k : (tensor<2x?x4xf32>, tensor<2x4x?xf32>) -> tensor<2x?x?xf32>
    // expected-error @+1 {{by key with a bias that learns has no gradient}}
    %z = tenon.score_bias %s, %b {by_key} : (tensor<2x?x?xf32>, tensor<2x8xf32>) -> tensor<2x?x?xf32>
    %p = tenon.softmax %z : (tensor<2x?x?xf32>) -> tensor<2x?x?xf32>
    %o = tenon.matmul %p, %h : (tensor<2x?x?xf32>, tensor<2x?x4xf32>) -> tensor<2x?x4xf32>
    %y = tenon.merge_heads %o : tensor<2x?x4xf32> -> tensor<?x8xf32>
    return %y : tensor<?x8xf32>
  }
}

// -----

// An expert that reads what all of them share.
module attributes {tenon.kind = "decoder"} {
  tenon.weight @e : tensor<8x8xf32> from [#tenon.source<"e", tensor<8x8xf32>>]
  func.func @forward(%t: tensor<?xi32>) -> tensor<?x8xf32> {
    %e = tenon.weight_ref @e : tensor<8x8xf32>
    %f = tenon.scale %e {factor = 2.0 : f32} : (tensor<8x8xf32>) -> tensor<8x8xf32>
    %x = tenon.embedding %t, %e : (tensor<?xi32>, tensor<8x8xf32>) -> tensor<?x8xf32>
    // expected-error @+1 {{has no gradient: its experts read a value from outside that a weight is behind}}
    %y = tenon.mixture %x gates(%x) top 2 of 8 {
    ^bb0(%rows: tensor<?x8xf32>, %i: index):
      %o = tenon.linear %rows, %f : (tensor<?x8xf32>, tensor<8x8xf32>) -> tensor<?x8xf32>
      tenon.mixture_yield %o : tensor<?x8xf32>
    } : (tensor<?x8xf32>, tensor<?x8xf32>) -> tensor<?x8xf32>
    return %y : tensor<?x8xf32>
  }
}

// -----

module attributes {tenon.kind = "encoder"} {
  // expected-error @+1 {{@classify must return logits of a text}}
  func.func @classify(%t: tensor<?xi32>) -> tensor<?x8xf32> {
    %e = tenon.weight_ref @e : tensor<8x8xf32>
    %x = tenon.embedding %t, %e : (tensor<?xi32>, tensor<8x8xf32>) -> tensor<?x8xf32>
    return %x : tensor<?x8xf32>
  }
  tenon.weight @e : tensor<8x8xf32> from [#tenon.source<"e", tensor<8x8xf32>>]
}

// -----

module attributes {tenon.kind = "encoder"} {
  // expected-error @+1 {{@tag has one label: a number of its own, as in regression and reranking, cannot be learned yet}}
  func.func @tag(%t: tensor<?xi32>) -> tensor<?x1xf32> {
    %e = tenon.weight_ref @e : tensor<8x1xf32>
    %x = tenon.embedding %t, %e : (tensor<?xi32>, tensor<8x1xf32>) -> tensor<?x1xf32>
    return %x : tensor<?x1xf32>
  }
  tenon.weight @e : tensor<8x1xf32> from [#tenon.source<"e", tensor<8x1xf32>>]
}
