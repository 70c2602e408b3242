// RUN: tenon-opt %s --tenon-bufferize --split-input-file -verify-diagnostics

// expected-error @+1 {{needs a positive 'tenon.max_chunk': the most tokens of one call}}
module {
}

// -----

module attributes {tenon.max_chunk = 8 : i64} {
  // expected-error @+1 {{passes the largest size, 2^62 bytes}}
  tenon.weight @w : tensor<2147483648x2147483648xf32> from [#tenon.source<"w", tensor<2147483648x2147483648xf32>>]
  func.func @forward(%t: tensor<?xi32>) -> tensor<?x2147483648xf32> {
    %w = tenon.weight_ref @w : tensor<2147483648x2147483648xf32>
    %x = tenon.embedding %t, %w : (tensor<?xi32>, tensor<2147483648x2147483648xf32>) -> tensor<?x2147483648xf32>
    return %x : tensor<?x2147483648xf32>
  }
}

// -----

module attributes {tenon.max_chunk = 8 : i64} {
  // expected-error @+1 {{has caches that pass the largest size}}
  func.func @decode(%x: tensor<1x8xf32>, %c: !tenon.kv_cache<layers = 1073741824, heads = 1073741824, capacity = 128, head_dim = 128, element = f32>) -> tensor<1x8xf32> {
    return %x : tensor<1x8xf32>
  }
}

// -----

module attributes {tenon.max_chunk = 8 : i64} {
  // expected-error @+1 {{must return one tensor, or nothing, to be an entry point}}
  func.func @two(%x: tensor<?x8xf32>) -> (tensor<?x8xf32>, tensor<?x8xf32>) {
    return %x, %x : tensor<?x8xf32>, tensor<?x8xf32>
  }
}

// -----

module attributes {tenon.max_chunk = 8 : i64} {
  // expected-error @+1 {{argument 0 of type 'tensor<?x?xf32>' is no input}}
  func.func @dynamic(%x: tensor<?x?xf32>) -> tensor<?x?xf32> {
    return %x : tensor<?x?xf32>
  }
}

// -----

module attributes {tenon.max_chunk = 8 : i64} {
  func.func @ffn(%x: tensor<?x8xf32>, %u: tensor<8x8xf32>) -> tensor<?x8xf32> {
    // expected-error @+1 {{must be two linears before it has buffers; tenon-pack-weights makes them}}
    %y = tenon.ffn %x, %u, %u {activation = #tenon.activation_kind<silu>} : (tensor<?x8xf32>, tensor<8x8xf32>, tensor<8x8xf32>) -> tensor<?x8xf32>
    return %y : tensor<?x8xf32>
  }
}

// -----

module attributes {tenon.max_chunk = 8 : i64} {
  func.func @constant(%x: tensor<?x8xf32>) -> tensor<?x8xf32> {
    // expected-error @+1 {{has no form in memory}}
    %c = arith.constant dense<1.0> : tensor<8xf32>
    %y = tenon.add %x, %c : (tensor<?x8xf32>, tensor<8xf32>) -> tensor<?x8xf32>
    return %y : tensor<?x8xf32>
  }
}
