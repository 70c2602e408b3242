// RUN: tenon-opt %s --split-input-file --verify-diagnostics

!scores = tensor<8x?x?xf32>

func.func @f(%s: !scores, %b: tensor<8x576xf32>) {
  // expected-error @+1 {{bias 'tensor<8x576xf32>' must be f32 [8, 2 R + 1]}}
  %0 = tenon.score_bias %s, %b : (!scores, tensor<8x576xf32>) -> !scores
  return
}

// -----

!scores = tensor<8x?x?xf32>

func.func @f(%s: !scores, %b: tensor<4x576xf32>) {
  // expected-error @+1 {{bias 'tensor<4x576xf32>' must be f32 [8, keys]}}
  %0 = tenon.score_bias %s, %b {by_key} : (!scores, tensor<4x576xf32>) -> !scores
  return
}

// -----

func.func @f(%s: tensor<?x?xf32>, %b: tensor<8x577xf32>) {
  // expected-error @+1 {{needs scores of rank 3, found 'tensor<?x?xf32>'}}
  %0 = tenon.score_bias %s, %b : (tensor<?x?xf32>, tensor<8x577xf32>) -> tensor<?x?xf32>
  return
}

// -----

func.func @f(%s: tensor<8x4x4xf32>) {
  // expected-error @+1 {{input 'tensor<8x4x4xf32>' and result 'tensor<8x4x5xf32>' must have the same shape}}
  %0 = tenon.band_mask %s {width = 2 : i64} : (tensor<8x4x4xf32>) -> tensor<8x4x5xf32>
  return
}

// -----

!scores = tensor<8x?x?xf32>

func.func @f(%s: !scores) {
  // expected-error @+1 {{width must not be negative, found -1}}
  %0 = tenon.band_mask %s {width = -1 : i64} : (!scores) -> !scores
  return
}

// -----

!scores = tensor<8x?x?xf32>

func.func @f(%s: !scores, %w: tensor<4xf32>) {
  // expected-error @+1 {{sink 'tensor<4xf32>' must be f32 [8]: a score for each head}}
  %0 = tenon.softmax %s sink(%w) : (!scores, tensor<4xf32>) -> !scores
  return
}

// -----

!q = tensor<8x?x8xf32>

func.func @f(%q: !q) {
  // expected-error @+1 {{cap must be positive}}
  %0 = tenon.attention %q, %q, %q {cap = 0.0 : f32, scale = 1.0 : f32} : (!q, !q, !q) -> !q
  return
}

// -----

!q = tensor<8x?x8xf32>

func.func @f(%q: !q) {
  // expected-error @+1 {{has a bias_scale, but no bias}}
  %0 = tenon.attention %q, %q, %q {bias_scale = 1.0 : f32, scale = 1.0 : f32} : (!q, !q, !q) -> !q
  return
}

// -----

!q = tensor<8x?x8xf32>

func.func @f(%q: !q, %b: tensor<8x577xf32>) {
  // expected-error @+1 {{bias_scale must be finite}}
  %0 = tenon.attention %q, %q, %q bias(%b) {bias_scale = 0x7F800000 : f32, scale = 1.0 : f32} : (!q, !q, !q, tensor<8x577xf32>) -> !q
  return
}

// -----

!q = tensor<8x?x8xf32>

func.func @f(%q: !q) {
  // expected-error @+1 {{has no bias, but says it is by key}}
  %0 = tenon.attention %q, %q, %q {bias_by_key, scale = 1.0 : f32} : (!q, !q, !q) -> !q
  return
}

// -----

!q = tensor<8x?x8xf32>

func.func @f(%q: !q) {
  // expected-error @+1 {{is causal: a band on one side is a window}}
  %0 = tenon.attention %q, %q, %q {band = 4 : i64, causal, scale = 1.0 : f32} : (!q, !q, !q) -> !q
  return
}

// -----

!q = tensor<8x?x8xf32>

func.func @f(%q: !q) {
  // expected-error @+1 {{band must not be negative, found -4}}
  %0 = tenon.attention %q, %q, %q {band = -4 : i64, scale = 1.0 : f32} : (!q, !q, !q) -> !q
  return
}

// -----

// expected-error @+1 {{of biases must be f32 [heads, 2 R + 1], found 'tensor<8x576xf32>'}}
tenon.weight @w : tensor<8x576xf32> from [#tenon.alibi<max_bias = 8.0>]

// -----

// expected-error @+1 {{of biases must be f32 [heads, keys], found 'tensor<8xf32>'}}
tenon.weight @w : tensor<8xf32> from [#tenon.alibi<max_bias = 8.0, bfloat16>]

// -----

// expected-error @+1 {{of slopes is the same for all layers}}
tenon.weight @w : tensor<2x8x577xf32> from [#tenon.alibi<max_bias = 8.0>] stacked

// -----

// expected-error @+1 {{has biases of 4 heads, its source 'tensor<32x8xf32>'}}
tenon.weight @w : tensor<4x577xf32> from [#tenon.relative_buckets<source = <"b", tensor<32x8xf32>>, max_distance = 128>]

// -----

// expected-error @+1 {{stacked and '{i}' in the name "b" must go together}}
tenon.weight @w : tensor<2x8x577xf32> from [#tenon.relative_buckets<source = <"b", tensor<32x8xf32>>, max_distance = 128>] stacked

// -----

// expected-error @+1 {{max_bias must be positive, found -1}}
tenon.weight @w : tensor<8x577xf32> from [#tenon.alibi<max_bias = -1.0>]

// -----

// expected-error @+1 {{needs 4 buckets, found 3}}
tenon.weight @w : tensor<8x577xf32> from [#tenon.relative_buckets<source = <"b", tensor<3x8xf32>>, max_distance = 128>]

// -----

// expected-error @+1 {{max_distance must exceed the 16 distances that have a bucket each, found 16}}
tenon.weight @w : tensor<8x577xf32> from [#tenon.relative_buckets<source = <"b", tensor<32x8xf32>>, max_distance = 16, past = true>]

// -----

// expected-error @+1 {{the source of biases must be a table of numbers [buckets, heads], found 'tensor<32xf32>'}}
tenon.weight @w : tensor<8x577xf32> from [#tenon.relative_buckets<source = <"b", tensor<32xf32>>, max_distance = 16>]

// -----

func.func @f(%q: memref<8x1x8xf32>, %p: memref<8x4x32xf32>, %w: memref<4xf32>, %n: index) {
  // expected-error @+1 {{sink 'memref<4xf32>' must be f32 [8]: a score for each head}}
  tenon.combine_attention %p at %n sink(%w : memref<4xf32>) into %q : memref<8x4x32xf32>, memref<8x1x8xf32>
  return
}

// -----

func.func @f(%x: tensor<8x?x32xf32>, %i: tensor<576xi32>) {
  // expected-error @+1 {{index 'tensor<576xi32>' must be i32 [2 R + 1]}}
  %0 = tenon.distance_gather %x, %i : (tensor<8x?x32xf32>, tensor<576xi32>) -> tensor<8x?x?xf32>
  return
}

// -----

func.func @f(%x: tensor<8x5x32xf32>, %i: tensor<577xi32>) {
  // expected-error @+1 {{of 'tensor<8x5x32xf32>' cannot be 'tensor<8x4x5xf32>'}}
  %0 = tenon.distance_gather %x, %i : (tensor<8x5x32xf32>, tensor<577xi32>) -> tensor<8x4x5xf32>
  return
}

// -----

// expected-error @+1 {{of distances must be i32 [2 R + 1], found 'tensor<577xf32>'}}
tenon.weight @w : tensor<577xf32> from [#tenon.distance_index<span = 16>]

// -----

// expected-error @+1 {{span must be positive, max_distance at least 0}}
tenon.weight @w : tensor<577xi32> from [#tenon.distance_index<span = 0>]

// -----

// expected-error @+1 {{max_distance must exceed the 8 distances that have a column each by two, found 9}}
tenon.weight @w : tensor<577xi32> from [#tenon.distance_index<span = 16, max_distance = 9>]

// -----

func.func @f(%a: tensor<8x?x12xf32>, %b: tensor<2x?x8xf32>) {
  // expected-error @+1 {{part 'tensor<2x?x8xf32>' does not fit the result 'tensor<8x?x20xf32>'}}
  %0 = tenon.concat %a, %b : (tensor<8x?x12xf32>, tensor<2x?x8xf32>) -> tensor<8x?x20xf32>
  return
}

// -----

func.func @f(%a: tensor<?x12xf32>, %b: tensor<?x8xf32>) {
  // expected-error @+1 {{gives rows of 20, the result is 'tensor<?x21xf32>'}}
  %0 = tenon.concat %a, %b : (tensor<?x12xf32>, tensor<?x8xf32>) -> tensor<?x21xf32>
  return
}
