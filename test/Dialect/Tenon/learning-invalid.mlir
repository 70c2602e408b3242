// RUN: tenon-opt %s --split-input-file --verify-diagnostics

func.func @f(%x: tensor<?x8xf32>, %w: tensor<?x8xf32>) {
  // expected-error @+1 {{needs a weight of f32 [N, K], found 'tensor<?x8xf32>'}}
  %y = tenon.weight_product %x, %w : (tensor<?x8xf32>, tensor<?x8xf32>) -> tensor<?x4xf32>
  return
}

// -----

func.func @f(%x: tensor<?x8xf32>, %w: tensor<4x8xf32>) {
  // expected-error @+1 {{'tensor<?x8xf32>' times 'tensor<4x8xf32>', transposed, is not 'tensor<?x8xf32>'}}
  %y = tenon.weight_product %x, %w : (tensor<?x8xf32>, tensor<4x8xf32>) -> tensor<?x8xf32>
  return
}

// -----

func.func @f(%x: tensor<?x8xf32>, %w: tensor<4x8xf32>) {
  // expected-error @+1 {{'tensor<?x8xf32>' times 'tensor<4x8xf32>' is not 'tensor<?x8xf32>'}}
  %y = tenon.weight_product %x, %w {flipped} : (tensor<?x8xf32>, tensor<4x8xf32>) -> tensor<?x8xf32>
  return
}

// -----

func.func @f(%q: tensor<?x8xf32>, %k: tensor<2x?x8xf32>, %v: tensor<2x?x8xf32>, %o: tensor<4x?x8xf32>, %d: tensor<4x?x8xf32>) {
  // expected-error @+1 {{query, key, value and output must have rank 3}}
  %r0, %r1, %r2 = tenon.attention_gradient %q, %k, %v, %o, %d {scale = 0.5 : f32} : (tensor<?x8xf32>, tensor<2x?x8xf32>, tensor<2x?x8xf32>, tensor<4x?x8xf32>, tensor<4x?x8xf32>) -> (tensor<4x?x8xf32>, tensor<2x?x8xf32>, tensor<2x?x8xf32>)
  return
}

// -----

func.func @f(%q: tensor<4x?x8xf32>, %k: tensor<3x?x8xf32>, %v: tensor<3x?x8xf32>, %o: tensor<4x?x8xf32>, %d: tensor<4x?x8xf32>) {
  // expected-error @+1 {{query 'tensor<4x?x8xf32>', key 'tensor<3x?x8xf32>', value 'tensor<3x?x8xf32>' and output 'tensor<4x?x8xf32>' are of no attention}}
  %r0, %r1, %r2 = tenon.attention_gradient %q, %k, %v, %o, %d {scale = 0.5 : f32} : (tensor<4x?x8xf32>, tensor<3x?x8xf32>, tensor<3x?x8xf32>, tensor<4x?x8xf32>, tensor<4x?x8xf32>) -> (tensor<4x?x8xf32>, tensor<3x?x8xf32>, tensor<3x?x8xf32>)
  return
}

// -----

func.func @f(%q: tensor<4x?x8xf32>, %k: tensor<2x?x8xf32>, %v: tensor<2x?x?xf32>, %o: tensor<4x?x?xf32>, %d: tensor<4x?x?xf32>) {
  // expected-error @+1 {{needs heads of known sizes}}
  %r0, %r1, %r2 = tenon.attention_gradient %q, %k, %v, %o, %d {scale = 0.5 : f32} : (tensor<4x?x8xf32>, tensor<2x?x8xf32>, tensor<2x?x?xf32>, tensor<4x?x?xf32>, tensor<4x?x?xf32>) -> (tensor<4x?x8xf32>, tensor<2x?x8xf32>, tensor<2x?x?xf32>)
  return
}

// -----

func.func @f(%q: tensor<4x?x8xf32>, %k: tensor<2x?x8xf32>, %v: tensor<2x?x8xf32>, %o: tensor<4x?x8xf32>, %d: tensor<4x?x6xf32>) {
  // expected-error @+1 {{output 'tensor<4x?x8xf32>' and gradient 'tensor<4x?x6xf32>' must have the same shape}}
  %r0, %r1, %r2 = tenon.attention_gradient %q, %k, %v, %o, %d {scale = 0.5 : f32} : (tensor<4x?x8xf32>, tensor<2x?x8xf32>, tensor<2x?x8xf32>, tensor<4x?x8xf32>, tensor<4x?x6xf32>) -> (tensor<4x?x8xf32>, tensor<2x?x8xf32>, tensor<2x?x8xf32>)
  return
}

// -----

func.func @f(%q: tensor<4x?x8xf32>, %k: tensor<2x?x8xf32>, %v: tensor<2x?x8xf32>, %o: tensor<4x?x8xf32>, %d: tensor<4x?x8xf32>) {
  // expected-error @+1 {{gives gradients of query, key and value}}
  %r0, %r1 = tenon.attention_gradient %q, %k, %v, %o, %d {scale = 0.5 : f32} : (tensor<4x?x8xf32>, tensor<2x?x8xf32>, tensor<2x?x8xf32>, tensor<4x?x8xf32>, tensor<4x?x8xf32>) -> (tensor<4x?x8xf32>, tensor<2x?x8xf32>)
  return
}

// -----

func.func @f(%q: tensor<4x?x8xf32>, %k: tensor<2x?x8xf32>, %v: tensor<2x?x8xf32>, %o: tensor<4x?x8xf32>, %d: tensor<4x?x8xf32>) {
  // expected-error @+1 {{key 'tensor<2x?x8xf32>' and its gradient 'tensor<4x?x8xf32>' must have the same shape}}
  %r0, %r1, %r2 = tenon.attention_gradient %q, %k, %v, %o, %d {scale = 0.5 : f32} : (tensor<4x?x8xf32>, tensor<2x?x8xf32>, tensor<2x?x8xf32>, tensor<4x?x8xf32>, tensor<4x?x8xf32>) -> (tensor<4x?x8xf32>, tensor<4x?x8xf32>, tensor<2x?x8xf32>)
  return
}

// -----

func.func @f(%q: tensor<4x?x8xf32>, %k: tensor<2x?x8xf32>, %v: tensor<2x?x8xf32>, %o: tensor<4x?x8xf32>, %d: tensor<4x?x8xf32>) {
  // expected-error @+1 {{cap must be positive}}
  %r0, %r1, %r2 = tenon.attention_gradient %q, %k, %v, %o, %d {scale = 0.5 : f32, cap = 0.0 : f32} : (tensor<4x?x8xf32>, tensor<2x?x8xf32>, tensor<2x?x8xf32>, tensor<4x?x8xf32>, tensor<4x?x8xf32>) -> (tensor<4x?x8xf32>, tensor<2x?x8xf32>, tensor<2x?x8xf32>)
  return
}

// -----

func.func @f(%q: tensor<4x?x8xf32>, %k: tensor<2x?x8xf32>, %v: tensor<2x?x8xf32>, %o: tensor<4x?x8xf32>, %d: tensor<4x?x8xf32>) {
  // expected-error @+1 {{band must not be negative}}
  %r0, %r1, %r2 = tenon.attention_gradient %q, %k, %v, %o, %d {scale = 0.5 : f32, band = -1 : i64} : (tensor<4x?x8xf32>, tensor<2x?x8xf32>, tensor<2x?x8xf32>, tensor<4x?x8xf32>, tensor<4x?x8xf32>) -> (tensor<4x?x8xf32>, tensor<2x?x8xf32>, tensor<2x?x8xf32>)
  return
}

// -----

func.func @f(%q: tensor<4x?x8xf32>, %k: tensor<2x?x8xf32>, %v: tensor<2x?x8xf32>, %o: tensor<4x?x8xf32>, %d: tensor<4x?x8xf32>) {
  // expected-error @+1 {{has a window, but is not causal}}
  %r0, %r1, %r2 = tenon.attention_gradient %q, %k, %v, %o, %d {scale = 0.5 : f32, window = 2 : i64} : (tensor<4x?x8xf32>, tensor<2x?x8xf32>, tensor<2x?x8xf32>, tensor<4x?x8xf32>, tensor<4x?x8xf32>) -> (tensor<4x?x8xf32>, tensor<2x?x8xf32>, tensor<2x?x8xf32>)
  return
}

// -----

func.func @f(%x: tensor<?x8xf32>, %w: tensor<4x6xf32>, %t: tensor<?xi32>) {
  // expected-error @+1 {{'tensor<?x8xf32>' and a weight 'tensor<4x6xf32>' make no logits}}
  %r0, %r1 = tenon.head_loss %x, %w, %t {rows = 128 : i64} : (tensor<?x8xf32>, tensor<4x6xf32>, tensor<?xi32>) -> (tensor<?x1xf32>, tensor<?x8xf32>)
  return
}

// -----

func.func @f(%x: tensor<?x8xf32>, %w: tensor<4x8xf32>, %t: tensor<?xf32>) {
  // expected-error @+1 {{needs an i32 target for each row of 'tensor<?x8xf32>', found 'tensor<?xf32>'}}
  %r0, %r1 = tenon.head_loss %x, %w, %t {rows = 128 : i64} : (tensor<?x8xf32>, tensor<4x8xf32>, tensor<?xf32>) -> (tensor<?x1xf32>, tensor<?x8xf32>)
  return
}

// -----

func.func @f(%x: tensor<?x8xf32>, %w: tensor<4x8xf32>, %t: tensor<?xi32>) {
  // expected-error @+1 {{needs a positive number of rows}}
  %r0, %r1 = tenon.head_loss %x, %w, %t {rows = 0 : i64} : (tensor<?x8xf32>, tensor<4x8xf32>, tensor<?xi32>) -> (tensor<?x1xf32>, tensor<?x8xf32>)
  return
}

// -----

func.func @f(%x: tensor<?x8xf32>, %w: tensor<4x8xf32>, %t: tensor<?xi32>, %g: memref<4x6xf32>) {
  // expected-error @+1 {{gradient 'memref<4x6xf32>' is none of the weight 'tensor<4x8xf32>'}}
  %r0, %r1 = tenon.head_loss %x, %w, %t into %g {rows = 128 : i64} : (tensor<?x8xf32>, tensor<4x8xf32>, tensor<?xi32>, memref<4x6xf32>) -> (tensor<?x1xf32>, tensor<?x8xf32>)
  return
}

// -----

func.func @f(%x: tensor<?x8xf32>, %w: tensor<4x8xf32>, %t: tensor<?xi32>, %g: memref<4x8xf32>) {
  // expected-error @+1 {{gives losses, and with a gradient of the weight that of the input, too}}
  %r0 = tenon.head_loss %x, %w, %t into %g {rows = 128 : i64} : (tensor<?x8xf32>, tensor<4x8xf32>, tensor<?xi32>, memref<4x8xf32>) -> (tensor<?x1xf32>)
  return
}

// -----

func.func @f(%x: tensor<?x8xf32>, %w: tensor<4x8xf32>, %t: tensor<?xi32>) {
  // expected-error @+1 {{losses 'tensor<?x2xf32>' must be one number for each row of 'tensor<?x8xf32>'}}
  %r0 = tenon.head_loss %x, %w, %t {rows = 128 : i64} : (tensor<?x8xf32>, tensor<4x8xf32>, tensor<?xi32>) -> (tensor<?x2xf32>)
  return
}

// -----

func.func @f(%x: tensor<?x8xf32>, %w: tensor<4x8xf32>, %t: tensor<?xi32>) {
  // expected-error @+1 {{input 'tensor<?x8xf32>' and its gradient 'tensor<?x4xf32>' must have the same shape}}
  %r0, %r1 = tenon.head_loss %x, %w, %t {rows = 128 : i64} : (tensor<?x8xf32>, tensor<4x8xf32>, tensor<?xi32>) -> (tensor<?x1xf32>, tensor<?x4xf32>)
  return
}
