// RUN: tenon-opt %s --split-input-file --verify-diagnostics

// Every error of the verifiers of mixtures.

func.func @f(%x: tensor<8xf32>) {
  // expected-error @+1 {{needs rows of a known size}}
  %0 = tenon.top_k %x {k = 2 : i64} : (tensor<8xf32>) -> tensor<8xf32>
  return
}

// -----

func.func @f(%x: tensor<?x8xf32>) {
  // expected-error @+1 {{result 'tensor<?x4xf32>' must be like 'tensor<?x8xf32>'}}
  %0 = tenon.top_k %x {k = 2 : i64} : (tensor<?x8xf32>) -> tensor<?x4xf32>
  return
}

// -----

func.func @f(%x: tensor<?x8xf32>, %y: tensor<?x4xf32>) {
  // expected-error @+1 {{by 'tensor<?x4xf32>' must be like 'tensor<?x8xf32>'}}
  %0 = tenon.top_k %x by(%y) {k = 2 : i64} : (tensor<?x8xf32>, tensor<?x4xf32>) -> tensor<?x8xf32>
  return
}

// -----

func.func @f(%x: tensor<?x8xf32>) {
  // expected-error @+1 {{8 columns do not make 3 groups}}
  %0 = tenon.top_k %x {k = 2 : i64, groups = 3 : i64} : (tensor<?x8xf32>) -> tensor<?x8xf32>
  return
}

// -----

func.func @f(%x: tensor<?x8xf32>) {
  // expected-error @+1 {{keeps 3 of 2 groups by 1 of 4 columns}}
  %0 = tenon.top_k %x {k = 2 : i64, groups = 2 : i64, keep = 3 : i64} : (tensor<?x8xf32>) -> tensor<?x8xf32>
  return
}

// -----

func.func @f(%x: tensor<?x8xf32>) {
  // expected-error @+1 {{keeps 1 of 2 groups by 5 of 4 columns}}
  %0 = tenon.top_k %x {k = 2 : i64, groups = 2 : i64, keep = 1 : i64, best = 5 : i64} : (tensor<?x8xf32>) -> tensor<?x8xf32>
  return
}

// -----

func.func @f(%x: tensor<?x8xf32>) {
  // expected-error @+1 {{takes 5 of 4 columns}}
  %0 = tenon.top_k %x {k = 5 : i64, groups = 2 : i64} : (tensor<?x8xf32>) -> tensor<?x8xf32>
  return
}

// -----

func.func @f(%x: tensor<?x64xf32>, %g: tensor<?x8xf32>) {
  // expected-error @+1 {{gates 'tensor<?x8xf32>' must have 4 columns}}
  %0 = tenon.mixture %x gates(%g) top 2 of 4 {
  ^bb0(%r: tensor<?x64xf32>, %e: index):
    tenon.mixture_yield %r : tensor<?x64xf32>
  } : (tensor<?x64xf32>, tensor<?x8xf32>) -> tensor<?x64xf32>
  return
}

// -----

func.func @f(%x: tensor<?x64xf32>, %g: tensor<?x8xf32>) {
  // expected-error @+1 {{top 9 of 8}}
  %0 = tenon.mixture %x gates(%g) top 9 of 8 {
  ^bb0(%r: tensor<?x64xf32>, %e: index):
    tenon.mixture_yield %r : tensor<?x64xf32>
  } : (tensor<?x64xf32>, tensor<?x8xf32>) -> tensor<?x64xf32>
  return
}

// -----

func.func @f(%g: tensor<?x8xf32>) {
  // expected-error @+1 {{needs an input}}
  %0 = "tenon.mixture"(%g) <{top = 1 : i64, experts = 8 : i64}> ({
  ^bb0(%e: index):
    %c = arith.constant dense<0.0> : tensor<1x64xf32>
    tenon.mixture_yield %c : tensor<1x64xf32>
  }) : (tensor<?x8xf32>) -> tensor<?x64xf32>
  return
}

// -----

func.func @f(%x: tensor<2x64xf32>, %g: tensor<3x8xf32>) {
  // expected-error @+1 {{'tensor<2x64xf32>' must have a row for each of gates 'tensor<3x8xf32>'}}
  %0 = tenon.mixture %x gates(%g) top 2 of 8 {
  ^bb0(%r: tensor<?x64xf32>, %e: index):
    tenon.mixture_yield %r : tensor<?x64xf32>
  } : (tensor<2x64xf32>, tensor<3x8xf32>) -> tensor<3x64xf32>
  return
}

// -----

func.func @f(%x: tensor<?x64xf32>, %g: tensor<?x8xf32>) {
  // expected-error @+1 {{body takes rows of each input, and the expert}}
  %0 = tenon.mixture %x gates(%g) top 2 of 8 {
  ^bb0(%r: tensor<?x64xf32>):
    tenon.mixture_yield %r : tensor<?x64xf32>
  } : (tensor<?x64xf32>, tensor<?x8xf32>) -> tensor<?x64xf32>
  return
}

// -----

func.func @f(%x: tensor<?x64xf32>, %g: tensor<?x8xf32>) {
  // expected-error @+1 {{body takes 'tensor<?x32xf32>', which are no rows of 'tensor<?x64xf32>'}}
  %0 = tenon.mixture %x gates(%g) top 2 of 8 {
  ^bb0(%r: tensor<?x32xf32>, %e: index):
    %c = arith.constant dense<0.0> : tensor<1x64xf32>
    tenon.mixture_yield %c : tensor<1x64xf32>
  } : (tensor<?x64xf32>, tensor<?x8xf32>) -> tensor<?x64xf32>
  return
}

// -----

func.func @f(%x: tensor<?x64xf32>, %g: tensor<?x8xf32>) {
  // expected-error @+1 {{body gives 'tensor<?x64xf32>', which are no rows of 'tensor<?x32xf32>'}}
  %0 = tenon.mixture %x gates(%g) top 2 of 8 {
  ^bb0(%r: tensor<?x64xf32>, %e: index):
    tenon.mixture_yield %r : tensor<?x64xf32>
  } : (tensor<?x64xf32>, tensor<?x8xf32>) -> tensor<?x32xf32>
  return
}

// -----

func.func @f(%g: memref<?x?xf32>, %n: memref<64xi32>, %w: memref<64xf32>, %o: memref<9xindex>) {
  // expected-error @+1 {{gates must be rows of a known size}}
  tenon.route %g into %n, %w, %o top 2 : memref<?x?xf32>, memref<64xi32>, memref<64xf32>, memref<9xindex>
  return
}

// -----

func.func @f(%g: memref<?x8xf32>, %n: memref<64xi32>, %w: memref<64xf32>, %o: memref<9xindex>) {
  // expected-error @+1 {{top 9 of 8}}
  tenon.route %g into %n, %w, %o top 9 : memref<?x8xf32>, memref<64xi32>, memref<64xf32>, memref<9xindex>
  return
}

// -----

func.func @f(%g: memref<?x8xf32>, %n: memref<64xi32>, %w: memref<32xf32>, %o: memref<9xindex>) {
  // expected-error @+1 {{must be as many i32 and f32}}
  tenon.route %g into %n, %w, %o top 2 : memref<?x8xf32>, memref<64xi32>, memref<32xf32>, memref<9xindex>
  return
}

// -----

func.func @f(%g: memref<33x8xf32>, %n: memref<64xi32>, %w: memref<64xf32>, %o: memref<9xindex>) {
  // expected-error @+1 {{rows 'memref<64xi32>' have no room for 2 of each row of 'memref<33x8xf32>'}}
  tenon.route %g into %n, %w, %o top 2 : memref<33x8xf32>, memref<64xi32>, memref<64xf32>, memref<9xindex>
  return
}

// -----

func.func @f(%g: memref<?x8xf32>, %n: memref<64xi32>, %w: memref<64xf32>, %o: memref<8xindex>) {
  // expected-error @+1 {{offsets must be 9 of index, found 'memref<8xindex>'}}
  tenon.route %g into %n, %w, %o top 2 : memref<?x8xf32>, memref<64xi32>, memref<64xf32>, memref<8xindex>
  return
}

// -----

func.func @f(%x: memref<4x64xf32>, %r: memref<4xi32>, %v: memref<4xf32>, %y: memref<?x32xf32>) {
  // expected-error @+1 {{rows of 'memref<4x64xf32>' do not fit 'memref<?x32xf32>'}}
  tenon.scatter_add %x at %r, %v into %y : memref<4x64xf32>, memref<4xi32>, memref<4xf32>, memref<?x32xf32>
  return
}

// -----

func.func @f(%x: memref<4x64xf32>, %r: memref<3xi32>, %v: memref<4xf32>, %y: memref<?x64xf32>) {
  // expected-error @+1 {{needs an i32 for each row of 'memref<4x64xf32>', found 'memref<3xi32>'}}
  tenon.scatter_add %x at %r, %v into %y : memref<4x64xf32>, memref<3xi32>, memref<4xf32>, memref<?x64xf32>
  return
}

// -----

func.func @f(%x: memref<4x64xf32>, %r: memref<4xi32>, %v: memref<3xf32>, %y: memref<?x64xf32>) {
  // expected-error @+1 {{needs an f32 for each row of 'memref<4x64xf32>', found 'memref<3xf32>'}}
  tenon.scatter_add %x at %r, %v into %y : memref<4x64xf32>, memref<4xi32>, memref<3xf32>, memref<?x64xf32>
  return
}

// -----

// expected-error @+1 {{has 3 experts in each layer, but holds 8}}
tenon.weight @w : tensor<8x64x64xf32> from [#tenon.source<"{i}.{e}", tensor<64x64xf32>>] stacked {tenon.experts = 3 : i64}

// -----

// expected-error @+1 {{names 8 layers, but holds 4}}
tenon.weight @w : tensor<8x64x64xf32> from [#tenon.source<"{i}.{e}", tensor<64x64xf32>>] stacked {tenon.experts = 2 : i64, layers = array<i64: 0, 1, 2, 3, 4, 5, 6, 7>}
