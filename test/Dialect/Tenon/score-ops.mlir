// RUN: tenon-opt %s | tenon-opt | FileCheck %s
// RUN: tenon-opt %s --mlir-print-op-generic | tenon-opt | FileCheck %s

// What happens to scores, alone and as parts of an attention.

// CHECK: tenon.weight @distances : tensor<8x577xf32> from [#tenon.relative_buckets<source = <"bias", tensor<32x8xf16>>, max_distance = 128>]
tenon.weight @distances : tensor<8x577xf32> from [#tenon.relative_buckets<source = <"bias", tensor<32x8xf16>>, max_distance = 128>]
// CHECK: tenon.weight @of_layers : tensor<2x8x577xf32> from [#tenon.relative_buckets<source = <"{i}.bias", tensor<32x8xf32>>, max_distance = 64, past = true>] stacked
tenon.weight @of_layers : tensor<2x8x577xf32> from [#tenon.relative_buckets<source = <"{i}.bias", tensor<32x8xf32>>, max_distance = 64, past = true>] stacked
// CHECK: tenon.weight @slopes : tensor<8x577xf32> from [#tenon.alibi<max_bias = 8.000000e+00>]
tenon.weight @slopes : tensor<8x577xf32> from [#tenon.alibi<max_bias = 8.0>]
// CHECK: tenon.weight @rounded : tensor<8x256xf32> from [#tenon.alibi<max_bias = 8.000000e+00, bfloat16>]
tenon.weight @rounded : tensor<8x256xf32> from [#tenon.alibi<max_bias = 8.0, bfloat16>]

// CHECK-LABEL: func @alone
func.func @alone(%s: tensor<8x?x?xf32>, %b: tensor<8x577xf32>, %c: tensor<8x256xf32>, %w: tensor<8xf32>) -> tensor<8x?x?xf32> {
  // CHECK: tenon.score_bias %{{.*}}, %{{.*}} : (tensor<8x?x?xf32>, tensor<8x577xf32>) -> tensor<8x?x?xf32>
  %0 = tenon.score_bias %s, %b : (tensor<8x?x?xf32>, tensor<8x577xf32>) -> tensor<8x?x?xf32>
  // CHECK: tenon.score_bias %{{.*}}, %{{.*}} {by_key} : (tensor<8x?x?xf32>, tensor<8x256xf32>) -> tensor<8x?x?xf32>
  %1 = tenon.score_bias %0, %c {by_key} : (tensor<8x?x?xf32>, tensor<8x256xf32>) -> tensor<8x?x?xf32>
  // CHECK: tenon.band_mask %{{.*}} {width = 64 : i64} : (tensor<8x?x?xf32>) -> tensor<8x?x?xf32>
  %2 = tenon.band_mask %1 {width = 64 : i64} : (tensor<8x?x?xf32>) -> tensor<8x?x?xf32>
  // CHECK: tenon.softmax %{{.*}} sink(%{{.*}}) : (tensor<8x?x?xf32>, tensor<8xf32>) -> tensor<8x?x?xf32>
  %3 = tenon.softmax %2 sink(%w) : (tensor<8x?x?xf32>, tensor<8xf32>) -> tensor<8x?x?xf32>
  return %3 : tensor<8x?x?xf32>
}

// CHECK: tenon.weight @columns : tensor<577xi32> from [#tenon.distance_index<span = 16, max_distance = 64, ahead = true>]
tenon.weight @columns : tensor<577xi32> from [#tenon.distance_index<span = 16, max_distance = 64, ahead = true>]
// CHECK: tenon.weight @near : tensor<577xi32> from [#tenon.distance_index<span = 16>]
tenon.weight @near : tensor<577xi32> from [#tenon.distance_index<span = 16>]

// CHECK-LABEL: func @of_contents
func.func @of_contents(%x: tensor<8x?x32xf32>, %i: tensor<577xi32>, %k: tensor<8x?x12xf32>, %r: tensor<1x?x8xf32>) -> (tensor<8x?x?xf32>, tensor<8x?x20xf32>) {
  // CHECK: tenon.distance_gather %{{.*}}, %{{.*}} : (tensor<8x?x32xf32>, tensor<577xi32>) -> tensor<8x?x?xf32>
  %0 = tenon.distance_gather %x, %i : (tensor<8x?x32xf32>, tensor<577xi32>) -> tensor<8x?x?xf32>
  // CHECK: tenon.concat %{{.*}}, %{{.*}} : (tensor<8x?x12xf32>, tensor<1x?x8xf32>) -> tensor<8x?x20xf32>
  %1 = tenon.concat %k, %r : (tensor<8x?x12xf32>, tensor<1x?x8xf32>) -> tensor<8x?x20xf32>
  return %0, %1 : tensor<8x?x?xf32>, tensor<8x?x20xf32>
}

// CHECK-LABEL: func @attention
func.func @attention(%q: tensor<8x?x8xf32>, %k: tensor<4x?x8xf32>, %b: tensor<8x577xf32>, %w: tensor<8xf32>, %i: index, %cache: !tenon.kv_cache<layers = 5, heads = 4, capacity = 512, head_dim = 8, element = f32>) -> tensor<8x?x8xf32> {
  // CHECK: tenon.attention %{{.*}}, %{{.*}}, %{{.*}} bias(%{{.*}}) sink(%{{.*}}) {band = 64 : i64, bias_scale = 5.000000e-01 : f32, cap = 5.000000e+01 : f32, scale = 5.000000e-01 : f32}
  %0 = tenon.attention %q, %k, %k bias(%b) sink(%w) {band = 64 : i64, bias_scale = 0.5 : f32, cap = 50.0 : f32, scale = 0.5 : f32} : (tensor<8x?x8xf32>, tensor<4x?x8xf32>, tensor<4x?x8xf32>, tensor<8x577xf32>, tensor<8xf32>) -> tensor<8x?x8xf32>
  // CHECK: tenon.cached_attention %{{.*}}, %{{.*}}[%{{.*}}] at %{{.*}} bias(%{{.*}} : tensor<8x577xf32>) sink(%{{.*}} : tensor<8xf32>) {bias_by_key, cap = 5.000000e+01 : f32, causal, scale = 5.000000e-01 : f32}
  %1 = tenon.cached_attention %q, %cache[%i] at %i bias(%b : tensor<8x577xf32>) sink(%w : tensor<8xf32>) {bias_by_key, cap = 50.0 : f32, causal, scale = 0.5 : f32} : (tensor<8x?x8xf32>, !tenon.kv_cache<layers = 5, heads = 4, capacity = 512, head_dim = 8, element = f32>) -> tensor<8x?x8xf32>
  return %1 : tensor<8x?x8xf32>
}

// CHECK-LABEL: func @buffers
func.func @buffers(%q: memref<8x1x8xf32>, %keys: memref<4x128x8x16xf32>, %values: memref<4x2048x8xf32>, %b: memref<8x4161xf32>, %w: memref<8xf32>, %p: memref<8x4x32xf32>, %n: index) {
  // CHECK: tenon.block_attention {{.*}} length %{{.*}} bias(%{{.*}} : memref<8x4161xf32>) sink(%{{.*}} : memref<8xf32>) into %{{.*}} {causal, scale = 5.000000e-01 : f32}
  tenon.block_attention %q, %keys, %values at %n length %n bias(%b : memref<8x4161xf32>) sink(%w : memref<8xf32>) into %q {causal, scale = 0.5 : f32} : memref<8x1x8xf32>, memref<4x128x8x16xf32>, memref<4x2048x8xf32>, memref<8x1x8xf32>
  // CHECK: tenon.partial_attention {{.*}} from %{{.*}} bias(%{{.*}} : memref<8x4161xf32>) into %{{.*}} {cap = 2.000000e+00 : f32, scale = 5.000000e-01 : f32}
  tenon.partial_attention %q, %keys, %values at %n from %n bias(%b : memref<8x4161xf32>) into %p {cap = 2.0 : f32, scale = 0.5 : f32} : memref<8x1x8xf32>, memref<4x128x8x16xf32>, memref<4x2048x8xf32>, memref<8x4x32xf32>
  // CHECK: tenon.combine_attention %{{.*}} at %{{.*}} sink(%{{.*}} : memref<8xf32>) into %{{.*}} :
  tenon.combine_attention %p at %n sink(%w : memref<8xf32>) into %q : memref<8x4x32xf32>, memref<8x1x8xf32>
  return
}
