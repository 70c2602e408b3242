// RUN: tenon-opt %s --split-input-file --verify-diagnostics

// Every error of the verifiers of numbers, reductions, norms without weights, tables of sinusoids.

func.func @f(%x: tensor<?x64xf32>) {
  // expected-error @+1 {{input 'tensor<?x64xf32>' and result 'tensor<?x32xf32>' must have the same shape}}
  %0 = tenon.shift %x {amount = 1.0 : f32} : (tensor<?x64xf32>) -> tensor<?x32xf32>
  return
}

// -----

func.func @f(%x: tensor<?x64xf32>) {
  // expected-error @+1 {{input 'tensor<?x64xf32>' and result 'tensor<?x32xf32>' must have the same shape}}
  %0 = tenon.reciprocal %x {numerator = 1.0 : f32} : (tensor<?x64xf32>) -> tensor<?x32xf32>
  return
}

// -----

func.func @f(%x: tensor<?x64xf32>) {
  // expected-error @+1 {{needs a bound: low or high}}
  %0 = tenon.clamp %x : (tensor<?x64xf32>) -> tensor<?x64xf32>
  return
}

// -----

func.func @f(%x: tensor<?x64xf32>) {
  // expected-error @+1 {{low must not be above high}}
  %0 = tenon.clamp %x {low = 2.0 : f32, high = 1.0 : f32} : (tensor<?x64xf32>) -> tensor<?x64xf32>
  return
}

// -----

func.func @f(%x: tensor<?x64xf32>) {
  // expected-error @+1 {{dim 2 is none of 'tensor<?x64xf32>'}}
  %0 = tenon.reduce %x {kind = #tenon.reduction<sum>, dim = 2 : i64} : (tensor<?x64xf32>) -> tensor<?x1xf32>
  return
}

// -----

func.func @f(%x: tensor<?x0xf32>) {
  // expected-error @+1 {{dim 1 of 'tensor<?x0xf32>' is empty}}
  %0 = tenon.reduce %x {kind = #tenon.reduction<sum>, dim = 1 : i64} : (tensor<?x0xf32>) -> tensor<?x1xf32>
  return
}

// -----

func.func @f(%x: tensor<?x64xf32>) {
  // expected-error @+1 {{of 'tensor<?x64xf32>' over dimension 0 cannot be 'tensor<?x1xf32>'}}
  %0 = tenon.reduce %x {kind = #tenon.reduction<sum>, dim = 0 : i64} : (tensor<?x64xf32>) -> tensor<?x1xf32>
  return
}

// -----

func.func @f(%x: tensor<?x64xf32>) {
  // expected-error @+1 {{has an offset, but no weight}}
  %0 = tenon.rms_norm %x {eps = 1.0 : f32, unit_offset} : (tensor<?x64xf32>) -> tensor<?x64xf32>
  return
}

// -----

func.func @f(%ids: tensor<?xi32>) {
  // expected-error @+1 {{offset must not be negative, found -1}}
  %0 = tenon.positions %ids {offset = -1 : i64} : (tensor<?xi32>) -> tensor<?xi32>
  return
}

// -----

func.func @f(%ids: tensor<4xi32>, %each: tensor<3xi32>) {
  // expected-error @+1 {{positions must have 4 elements, found 3}}
  %0 = tenon.positions %ids at %each : (tensor<4xi32>, tensor<3xi32>) -> tensor<4xi32>
  return
}

// -----

// expected-error @+1 {{of a table of sinusoids needs frequencies}}
tenon.weight @w : tensor<128x4xf32> from [#tenon.sinusoid_table<frequencies = [], interleaved = false>]

// -----

// expected-error @+1 {{of a table of sinusoids must be [positions, 2], found 'tensor<128x4xf32>'}}
tenon.weight @w : tensor<128x4xf32> from [#tenon.sinusoid_table<frequencies = [1.0], interleaved = false>]
