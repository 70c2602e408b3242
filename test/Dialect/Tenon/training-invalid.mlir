// RUN: tenon-opt %s --split-input-file --verify-diagnostics

// Every error of the verifiers of the operations of learning.

func.func @f(%x: tensor<?x32xf32>) {
  // expected-error @+1 {{'tensor<?x32xf32>' has no place at 100 of 'tensor<?x128xf32>'}}
  %0 = tenon.zero_pad %x {offset = 100 : i64} : (tensor<?x32xf32>) -> tensor<?x128xf32>
  return
}

// -----

func.func @f(%x: tensor<8x?x16xf32>) {
  // expected-error @+1 {{heads of 'tensor<8x?x16xf32>' do not make those of 'tensor<3x?x16xf32>'}}
  %0 = tenon.sum_heads %x : (tensor<8x?x16xf32>) -> tensor<3x?x16xf32>
  return
}

// -----

func.func @f(%x: tensor<?x8xf32>, %y: tensor<?x9xf32>) {
  // expected-error @+1 {{gradient 'tensor<?x8xf32>' and input 'tensor<?x9xf32>' must have the same shape}}
  %0 = tenon.activation_gradient %x, %y {kind = #tenon.activation_kind<silu>} : (tensor<?x8xf32>, tensor<?x9xf32>) -> tensor<?x9xf32>
  return
}

// -----

func.func @f(%x: tensor<?x8xf32>) {
  // expected-error @+1 {{input 'tensor<?x8xf32>' and result 'tensor<?x9xf32>' must have the same shape}}
  %0 = tenon.activation_gradient %x, %x {kind = #tenon.activation_kind<silu>} : (tensor<?x8xf32>, tensor<?x8xf32>) -> tensor<?x9xf32>
  return
}

// -----

func.func @f(%x: tensor<?x?xf32>, %t: tensor<?xi32>) {
  // expected-error @+1 {{logits must be rows of a known size}}
  %0 = tenon.cross_entropy %x, %t : (tensor<?x?xf32>, tensor<?xi32>) -> tensor<?x1xf32>
  return
}

// -----

func.func @f(%x: tensor<?x8xf32>, %t: tensor<?xf32>) {
  // expected-error @+1 {{needs an i32 target for each row}}
  %0 = tenon.cross_entropy_gradient %x, %t : (tensor<?x8xf32>, tensor<?xf32>) -> tensor<?x8xf32>
  return
}

// -----

func.func @f(%x: tensor<?x8xf32>, %t: tensor<?xi32>) {
  // expected-error @+1 {{result 'tensor<?x2xf32>' must be one number for each row of 'tensor<?x8xf32>'}}
  %0 = tenon.cross_entropy %x, %t : (tensor<?x8xf32>, tensor<?xi32>) -> tensor<?x2xf32>
  return
}

// -----

func.func @f(%x: tensor<?x8xf32>, %t: tensor<?xi32>) {
  // expected-error @+1 {{logits 'tensor<?x8xf32>' and result 'tensor<?x9xf32>' must have the same shape}}
  %0 = tenon.cross_entropy_gradient %x, %t : (tensor<?x8xf32>, tensor<?xi32>) -> tensor<?x9xf32>
  return
}

// -----

func.func @f(%x: tensor<2x8xf32>) {
  // expected-error @+1 {{'tensor<2x8xf32>' without leading dimensions of 1 is not 'tensor<8xf32>'}}
  %0 = tenon.squeeze %x : tensor<2x8xf32> -> tensor<8xf32>
  return
}

// -----

func.func @f() {
  // expected-error @+1 {{refers to no weight @nowhere}}
  %0 = tenon.gradient @nowhere : memref<8xf32>
  return
}

// -----

tenon.weight @table : tensor<16x4xf32> from [#tenon.rope_table<frequencies = [1.0, 0.1], scale = 1.0>]
func.func @f() {
  // expected-error @+1 {{of @table, which is computed and has no gradient}}
  %0 = tenon.gradient @table : memref<16x4xf32>
  return
}

// -----

tenon.weight @w : tensor<3x8x4xf32> from [#tenon.source<"{i}.w", tensor<8x4xf32>>] stacked
func.func @f() {
  // expected-error @+1 {{needs a layer index: the weight is stacked}}
  %0 = tenon.gradient @w : memref<8x4xf32>
  return
}

// -----

tenon.weight @b : tensor<8xf32> from [#tenon.source<"b", tensor<8xf32>>]
func.func @f(%i: index) {
  // expected-error @+1 {{has a layer index, the weight none}}
  %0 = tenon.gradient @b[%i] : memref<8xf32>
  return
}

// -----

tenon.weight @b : tensor<8xf32> from [#tenon.source<"b", tensor<8xf32>>]
func.func @f() {
  // expected-error @+1 {{is f32 of the weight's shape 'tensor<8xf32>', found 'memref<9xf32>'}}
  %0 = tenon.gradient @b : memref<9xf32>
  return
}

// -----

func.func @f(%x: tensor<9xf32>, %g: memref<8xf32>) {
  // expected-error @+1 {{input 'tensor<9xf32>' and gradient 'memref<8xf32>' must have the same shape}}
  tenon.add_gradient %x into %g : tensor<9xf32>, memref<8xf32>
  return
}

// -----

func.func @f(%x: tensor<?x8xf32>, %g: memref<8x4xf32>) {
  // expected-error @+1 {{'tensor<?x8xf32>' and 'tensor<?x8xf32>' do not make 'memref<8x4xf32>'}}
  tenon.weight_gradient %x, %x into %g : tensor<?x8xf32>, tensor<?x8xf32>, memref<8x4xf32>
  return
}

// -----

func.func @f(%x: tensor<?x8xf32>, %t: tensor<?xi32>, %g: memref<8x4xf32>) {
  // expected-error @+1 {{rows 'tensor<?x8xf32>' at 'tensor<?xi32>' do not fit 'memref<8x4xf32>'}}
  tenon.embedding_gradient %t, %x into %g : tensor<?xi32>, tensor<?x8xf32>, memref<8x4xf32>
  return
}

// -----

func.func @f(%x: tensor<?x8xf32>) {
  // expected-error @+1 {{'memref<?x8xf32>' does not hold a value for each of so many trips}}
  %0 = tenon.stash %x : tensor<?x8xf32> -> memref<?x8xf32>
  return
}

// -----

func.func @f(%x: tensor<4x8xf32>) {
  // expected-error @+1 {{of 'tensor<4x8xf32>' has no number of tokens for 'memref<3x?x8xf32>'}}
  %0 = tenon.stash %x : tensor<4x8xf32> -> memref<3x?x8xf32>
  return
}

// -----

func.func @f(%x: tensor<?x8xf32>, %s: memref<3x?x9xf32>, %i: index) {
  // expected-error @+1 {{stash 'memref<3x?x9xf32>' does not hold values 'tensor<?x8xf32>'}}
  tenon.keep %x in %s[%i] : tensor<?x8xf32>, memref<3x?x9xf32>
  return
}

// -----

func.func @f(%s: memref<?x?x8xf32>, %i: index) {
  // expected-error @+1 {{stash 'memref<?x?x8xf32>' does not hold values 'tensor<?x8xf32>'}}
  %0 = tenon.kept %s[%i] : memref<?x?x8xf32> -> tensor<?x8xf32>
  return
}

// -----

func.func @f(%n: tensor<9xf32>) {
  // expected-error @+1 {{needs 10 f32 numbers, found 'tensor<9xf32>'}}
  %0 = tenon.gradient_norm %n : tensor<9xf32> -> tensor<1x1xf32>
  return
}

// -----

func.func @f(%n: tensor<10xf32>) {
  // expected-error @+1 {{needs a norm, f32 [1, 1], found 'tensor<1xf32>'}}
  %0 = tenon.gradient_norm %n : tensor<10xf32> -> tensor<1xf32>
  return
}

// -----

func.func @f(%n: tensor<10xf32>, %m: tensor<1x1xf32>) {
  // expected-error @+1 {{refers to no weight @nowhere}}
  tenon.update @nowhere by %n norm %m : tensor<10xf32>, tensor<1x1xf32>
  return
}

// -----

tenon.weight @table : tensor<16x4xf32> from [#tenon.rope_table<frequencies = [1.0, 0.1], scale = 1.0>]
func.func @f(%n: tensor<10xf32>, %m: tensor<1x1xf32>) {
  // expected-error @+1 {{of @table, which is computed and not learned}}
  tenon.update @table by %n norm %m : tensor<10xf32>, tensor<1x1xf32>
  return
}

// -----

tenon.weight @half : tensor<8x8xf16> from [#tenon.source<"half", tensor<8x8xf16>>]
func.func @f(%n: tensor<10xf32>, %m: tensor<1x1xf32>) {
  // expected-error @+1 {{of @half of type 'tensor<8x8xf16>': weights that learn are plain f32}}
  tenon.update @half by %n norm %m : tensor<10xf32>, tensor<1x1xf32>
  return
}

// -----

tenon.weight @b : tensor<8xf32> from [#tenon.source<"b", tensor<8xf32>>]
func.func @f(%n: tensor<10xf32>, %m: tensor<2x1xf32>) {
  // expected-error @+1 {{needs a norm, f32 [1, 1], found 'tensor<2x1xf32>'}}
  tenon.update @b by %n norm %m : tensor<10xf32>, tensor<2x1xf32>
  return
}

// -----

func.func @f(%x: memref<10000xf32>, %s: memref<2xf32>) {
  // expected-error @+1 {{'memref<10000xf32>' does not make one sum for each 4096 elements, 'memref<2xf32>'}}
  tenon.sum_squares %x into %s : memref<10000xf32>, memref<2xf32>
  return
}

// -----

func.func @f(%s: memref<2xi32>, %n: memref<10xf32>, %m: memref<1x1xf32>) {
  // expected-error @+1 {{needs sums, f32 [N], found 'memref<2xi32>'}}
  tenon.norm_of_sums %s, %n into %m : memref<2xi32>, memref<10xf32>, memref<1x1xf32>
  return
}

// -----

func.func @f(%w: memref<8xf32>, %g: memref<9xf32>, %n: memref<10xf32>, %m: memref<1x1xf32>) {
  // expected-error @+1 {{weight, gradient and moments must be as many f32, found 'memref<8xf32>' and 'memref<9xf32>'}}
  tenon.adamw %w, %g, %w, %w by %n norm %m : memref<8xf32>, memref<9xf32>, memref<8xf32>, memref<8xf32>, memref<10xf32>, memref<1x1xf32>
  return
}

// -----

func.func @f(%x: tensor<?x8xf32>) {
  // expected-error @+1 {{input 'tensor<?x8xf32>' and result 'tensor<?x9xf32>' must have the same shape}}
  %0 = tenon.zeros_like %x : (tensor<?x8xf32>) -> tensor<?x9xf32>
  return
}

// -----

func.func @f(%x: tensor<?x8xf32>, %y: tensor<?x9xf32>) {
  // expected-error @+1 {{gradient 'tensor<?x8xf32>' and input 'tensor<?x9xf32>' must have the same shape}}
  %0 = tenon.clamp_gradient %x, %y : (tensor<?x8xf32>, tensor<?x9xf32>) -> tensor<?x9xf32>
  return
}

// -----

func.func @f(%x: tensor<?x8xf32>) {
  // expected-error @+1 {{input 'tensor<?x8xf32>' and result 'tensor<?x9xf32>' must have the same shape}}
  %0 = tenon.clamp_gradient %x, %x : (tensor<?x8xf32>, tensor<?x8xf32>) -> tensor<?x9xf32>
  return
}

// -----

func.func @f(%x: tensor<?x8xf32>) {
  // expected-error @+1 {{needs scores of rank 3, found 'tensor<?x8xf32>'}}
  %0 = tenon.score_bias_gradient %x : (tensor<?x8xf32>) -> tensor<4x9xf32>
  return
}

// -----

func.func @f(%x: tensor<4x?x?xf32>) {
  // expected-error @+1 {{result 'tensor<4x8xf32>' must be [4, 2 R + 1]}}
  %0 = tenon.score_bias_gradient %x : (tensor<4x?x?xf32>) -> tensor<4x8xf32>
  return
}

// -----

func.func @f(%x: tensor<4x?x?xf32>, %i: tensor<8xi32>) {
  // expected-error @+1 {{index 'tensor<8xi32>' must be i32 [2 R + 1]}}
  %0 = tenon.distance_gather_gradient %x, %i : (tensor<4x?x?xf32>, tensor<8xi32>) -> tensor<4x?x5xf32>
  return
}

// -----

func.func @f(%x: tensor<4x?x?xf32>, %i: tensor<9xi32>) {
  // expected-error @+1 {{of 'tensor<4x?x?xf32>' cannot be 'tensor<3x?x5xf32>'}}
  %0 = tenon.distance_gather_gradient %x, %i : (tensor<4x?x?xf32>, tensor<9xi32>) -> tensor<3x?x5xf32>
  return
}

// -----

func.func @f(%x: tensor<1x8xf32>, %y: tensor<?x9xf32>) {
  // expected-error @+1 {{'tensor<1x8xf32>' has no place at row 0 of 'tensor<?x9xf32>'}}
  %0 = tenon.pad_rows %x, %y {offset = 0 : i64} : (tensor<1x8xf32>, tensor<?x9xf32>) -> tensor<?x9xf32>
  return
}

// -----

func.func @f(%x: tensor<2x8xf32>, %y: tensor<?x8xf32>) {
  // expected-error @+1 {{'tensor<2x8xf32>' has no place at row -1 of 'tensor<?x8xf32>'}}
  %0 = tenon.pad_rows %x, %y {offset = -1 : i64} : (tensor<2x8xf32>, tensor<?x8xf32>) -> tensor<?x8xf32>
  return
}

// -----

func.func @f(%x: tensor<1x8xf32>, %y: tensor<3x8xf32>) {
  // expected-error @+1 {{like 'tensor<3x8xf32>' and result 'tensor<4x8xf32>' must have the same shape}}
  %0 = tenon.pad_rows %x, %y {offset = 0 : i64} : (tensor<1x8xf32>, tensor<3x8xf32>) -> tensor<4x8xf32>
  return
}

// -----

func.func @f(%x: tensor<?x64xf32>, %g: tensor<?x7xf32>, %dy: tensor<?x64xf32>) {
  // expected-error @+1 {{gates 'tensor<?x7xf32>' must have 8 columns}}
  %dx, %dg = tenon.mixture_gradient %x gates(%g) gradient(%dy) top 2 of 8 {
  ^bb0(%rows: tensor<?x64xf32>, %gate: tensor<?x1xf32>, %d: tensor<?x64xf32>, %e: index):
    tenon.mixture_gradient_yield %d, %gate : tensor<?x64xf32>, tensor<?x1xf32>
  } : (tensor<?x64xf32>, tensor<?x7xf32>, tensor<?x64xf32>) -> (tensor<?x64xf32>, tensor<?x7xf32>)
  return
}

// -----

func.func @f(%x: tensor<?x64xf32>, %g: tensor<?x8xf32>, %dy: tensor<?x64xf32>) {
  // expected-error @+1 {{top 9 of 8}}
  %dx, %dg = tenon.mixture_gradient %x gates(%g) gradient(%dy) top 9 of 8 {
  ^bb0(%rows: tensor<?x64xf32>, %gate: tensor<?x1xf32>, %d: tensor<?x64xf32>, %e: index):
    tenon.mixture_gradient_yield %d, %gate : tensor<?x64xf32>, tensor<?x1xf32>
  } : (tensor<?x64xf32>, tensor<?x8xf32>, tensor<?x64xf32>) -> (tensor<?x64xf32>, tensor<?x8xf32>)
  return
}

// -----

func.func @f(%x: tensor<?x64xf32>, %g: tensor<?x8xf32>, %dy: tensor<5x?xf32>) {
  // expected-error @+1 {{'tensor<5x?xf32>' must have a row for each of gates 'tensor<?x8xf32>'}}
  %dx, %dg = tenon.mixture_gradient %x gates(%g) gradient(%dy) top 2 of 8 {
  ^bb0(%rows: tensor<?x64xf32>, %gate: tensor<?x1xf32>, %d: tensor<?x64xf32>, %e: index):
    tenon.mixture_gradient_yield %d, %gate : tensor<?x64xf32>, tensor<?x1xf32>
  } : (tensor<?x64xf32>, tensor<?x8xf32>, tensor<5x?xf32>) -> (tensor<?x64xf32>, tensor<?x8xf32>)
  return
}

// -----

func.func @f(%x: tensor<?x64xf32>, %g: tensor<?x8xf32>, %dy: tensor<?x64xf32>) {
  // expected-error @+1 {{gives gradients of its inputs and of its gates}}
  %dx, %dg = tenon.mixture_gradient %x gates(%g) gradient(%dy) top 2 of 8 {
  ^bb0(%rows: tensor<?x64xf32>, %gate: tensor<?x1xf32>, %d: tensor<?x64xf32>, %e: index):
    tenon.mixture_gradient_yield %d, %gate : tensor<?x64xf32>, tensor<?x1xf32>
  } : (tensor<?x64xf32>, tensor<?x8xf32>, tensor<?x64xf32>) -> (tensor<?x64xf32>, tensor<?x64xf32>)
  return
}

// -----

func.func @f(%x: tensor<?x64xf32>, %g: tensor<?x8xf32>, %dy: tensor<?x64xf32>) {
  // expected-error @+1 {{body takes rows of each input, of a gate and of the gradient, and the expert}}
  %dx, %dg = tenon.mixture_gradient %x gates(%g) gradient(%dy) top 2 of 8 {
  ^bb0(%rows: tensor<?x64xf32>, %gate: tensor<?x2xf32>, %d: tensor<?x64xf32>, %e: index):
    tenon.mixture_gradient_yield %d, %gate : tensor<?x64xf32>, tensor<?x2xf32>
  } : (tensor<?x64xf32>, tensor<?x8xf32>, tensor<?x64xf32>) -> (tensor<?x64xf32>, tensor<?x8xf32>)
  return
}

// -----

func.func @f(%x: tensor<?x64xf32>, %g: tensor<?x8xf32>, %dy: tensor<?x64xf32>) {
  // expected-error @+1 {{body gives rows of each input, and of a gate}}
  %dx, %dg = tenon.mixture_gradient %x gates(%g) gradient(%dy) top 2 of 8 {
  ^bb0(%rows: tensor<?x64xf32>, %gate: tensor<?x1xf32>, %d: tensor<?x64xf32>, %e: index):
    tenon.mixture_gradient_yield %d, %d : tensor<?x64xf32>, tensor<?x64xf32>
  } : (tensor<?x64xf32>, tensor<?x8xf32>, tensor<?x64xf32>) -> (tensor<?x64xf32>, tensor<?x8xf32>)
  return
}

// -----

func.func @f(%g: tensor<?x8xf32>, %dy: tensor<?x64xf32>) {
  // expected-error @+1 {{needs an input}}
  %dg = tenon.mixture_gradient gates(%g) gradient(%dy) top 2 of 8 {
  ^bb0(%gate: tensor<?x1xf32>, %d: tensor<?x64xf32>, %e: index):
    tenon.mixture_gradient_yield %gate : tensor<?x1xf32>
  } : (tensor<?x8xf32>, tensor<?x64xf32>) -> tensor<?x8xf32>
  return
}
