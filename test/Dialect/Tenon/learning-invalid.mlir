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
