// RUN: tenon-opt %s --split-input-file --verify-diagnostics

func.func @f(%n: tensor<10xf32>, %m: tensor<1x1xf32>) {
  // expected-error @+1 {{refers to no weight @nowhere}}
  tenon.momentum_update @nowhere by %n norm %m : tensor<10xf32>, tensor<1x1xf32>
  return
}

// -----

tenon.weight @w : tensor<8x6xf32> from [#tenon.source<"w", tensor<8x6xf32>>] {tenon.frozen}
func.func @f(%n: tensor<10xf32>, %m: tensor<1x1xf32>) {
  // expected-error @+1 {{of @w, which is computed or frozen and not learned}}
  tenon.momentum_update @w by %n norm %m : tensor<10xf32>, tensor<1x1xf32>
  return
}

// -----

tenon.weight @w : tensor<8x6xf16> from [#tenon.source<"w", tensor<8x6xf16>>]
func.func @f(%n: tensor<10xf32>, %m: tensor<1x1xf32>) {
  // expected-error @+1 {{of @w of type 'tensor<8x6xf16>': weights that learn are plain f32}}
  tenon.momentum_update @w by %n norm %m : tensor<10xf32>, tensor<1x1xf32>
  return
}

// -----

tenon.weight @w : tensor<8x6xf32> from [#tenon.source<"w", tensor<8x6xf32>>]
func.func @f(%n: tensor<9xf32>, %m: tensor<1x1xf32>) {
  // expected-error @+1 {{needs 10 f32 numbers, found 'tensor<9xf32>'}}
  tenon.momentum_update @w by %n norm %m : tensor<9xf32>, tensor<1x1xf32>
  return
}

// -----

tenon.weight @w : tensor<8x6xf32> from [#tenon.source<"w", tensor<8x6xf32>>]
func.func @f(%n: tensor<10xf32>, %m: tensor<2x1xf32>) {
  // expected-error @+1 {{needs a norm, f32 [1, 1], found 'tensor<2x1xf32>'}}
  %u = tenon.muon_direction @w by %n norm %m : tensor<10xf32>, tensor<2x1xf32> -> tensor<8x6xf32>
  return
}

// -----

tenon.weight @w : tensor<4x8x6xf32> from [#tenon.source<"{i}.w", tensor<8x6xf32>>] stacked
func.func @f(%n: tensor<10xf32>, %m: tensor<1x1xf32>) {
  // expected-error @+1 {{needs a layer index: the weight is stacked}}
  %u = tenon.muon_direction @w by %n norm %m : tensor<10xf32>, tensor<1x1xf32> -> tensor<8x6xf32>
  return
}

// -----

tenon.weight @w : tensor<8x6xf32> from [#tenon.source<"w", tensor<8x6xf32>>]
func.func @f(%x: tensor<8x6xf32>, %n: tensor<10xf32>, %i: index) {
  // expected-error @+1 {{has a layer index, the weight none}}
  tenon.muon_update @w[%i] along %x by %n {factor = 0.5 : f32} : tensor<8x6xf32>, tensor<10xf32>
  return
}

// -----

tenon.weight @w : tensor<8x6xf32> from [#tenon.source<"w", tensor<8x6xf32>>]
func.func @f(%x: tensor<6x8xf32>, %n: tensor<10xf32>) {
  // expected-error @+1 {{is of a matrix of f32, as 'tensor<8x6xf32>' is, found 'tensor<6x8xf32>'}}
  tenon.muon_update @w along %x by %n {factor = 0.5 : f32} : tensor<6x8xf32>, tensor<10xf32>
  return
}

// -----

func.func @f(%w: memref<8xf32>, %g: memref<9xf32>, %n: memref<10xf32>, %m: memref<1x1xf32>) {
  // expected-error @+1 {{needs memories of as many f32, of rank 1, found 'memref<8xf32>' and 'memref<9xf32>'}}
  tenon.momentum %w, %g, %w by %n norm %m : memref<8xf32>, memref<9xf32>, memref<8xf32>, memref<10xf32>, memref<1x1xf32>
  return
}

// -----

func.func @f(%g: memref<8xf32>, %n: memref<10xf32>, %m: memref<1x1xf32>) {
  // expected-error @+1 {{needs memories of as many f32, of rank 2, found 'memref<8xf32>' and 'memref<8xf32>'}}
  tenon.lean %g, %g by %n norm %m into %g : memref<8xf32>, memref<8xf32>, memref<10xf32>, memref<1x1xf32>, memref<8xf32>
  return
}

// -----

func.func @f(%w: memref<8x6xf32>, %n: memref<10xi32>) {
  // expected-error @+1 {{needs 10 f32 numbers, found 'memref<10xi32>'}}
  tenon.step_along %w, %w by %n {factor = 0.5 : f32} : memref<8x6xf32>, memref<8x6xf32>, memref<10xi32>
  return
}
