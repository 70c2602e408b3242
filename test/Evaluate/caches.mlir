// Keys and values that were appended, in the precision of the cache: one key is seen, so that its value is the result.
// RUN: tenon-run %s --entry f16 --input 'k=[[[1.0001, 2, 3]], [[0, -5, 100000]]]' --input 'q=[[[1, 0, 0]], [[0, 1, 0]]]' | FileCheck %s --check-prefix=F16
// RUN: tenon-run %s --entry int8 --input 'k=[[[1.0001, 2, 127]], [[0.4, -0.6, 12.7]]]' --input 'q=[[[1, 0, 0]], [[0, 1, 0]]]' | FileCheck %s --check-prefix=INT8
// Two sequences at positions 1 and 0: the first one's second token sees both of its keys.
// RUN: tenon-run %s --entry batch --input 'k=[[[0, 0, 1], [0, 0, 2]]]' --input 'k2=[[[0, 0, 3], [0, 0, 4]]]' --input 'q=[[[1, 0, 0], [1, 0, 0]]]' | FileCheck %s --check-prefix=BATCH

!half = !tenon.kv_cache<layers = 1, heads = 2, capacity = 128, head_dim = 3, element = f16>
!bytes = !tenon.kv_cache<layers = 1, heads = 2, capacity = 128, head_dim = 3, element = i8>
!two = !tenon.kv_cache<layers = 1, heads = 1, capacity = 128, head_dim = 3, element = f32, sequences = 2>

// F16: 2x1x3
// F16-NEXT: {{^}}1 2 3
// F16-NEXT: {{^}}0 -5 65504
func.func @f16(%k: tensor<2x1x3xf32> {tenon.name = "k"}, %q: tensor<2x1x3xf32> {tenon.name = "q"}, %cache: !half) -> tensor<2x1x3xf32> {
  %c0 = arith.constant 0 : index
  tenon.cache_append %k, %k, %cache[%c0] at %c0 : tensor<2x1x3xf32>, tensor<2x1x3xf32>, !half
  %o = tenon.cached_attention %q, %cache[%c0] at %c0 {causal, scale = 1.0 : f32} : (tensor<2x1x3xf32>, !half) -> tensor<2x1x3xf32>
  return %o : tensor<2x1x3xf32>
}

// INT8: 2x1x3
// INT8-NEXT: {{^}}1 2 127
// INT8-NEXT: {{^}}0.4 -0.6 12.7
func.func @int8(%k: tensor<2x1x3xf32> {tenon.name = "k"}, %q: tensor<2x1x3xf32> {tenon.name = "q"}, %cache: !bytes) -> tensor<2x1x3xf32> {
  %c0 = arith.constant 0 : index
  tenon.cache_append %k, %k, %cache[%c0] at %c0 : tensor<2x1x3xf32>, tensor<2x1x3xf32>, !bytes
  %o = tenon.cached_attention %q, %cache[%c0] at %c0 {causal, scale = 1.0 : f32} : (tensor<2x1x3xf32>, !bytes) -> tensor<2x1x3xf32>
  return %o : tensor<2x1x3xf32>
}

// BATCH: 1x2x3
// BATCH-NEXT: {{^}}0 0 2
// BATCH-NEXT: {{^}}0 0 4
func.func @batch(%k: tensor<1x2x3xf32> {tenon.name = "k"}, %k2: tensor<1x2x3xf32> {tenon.name = "k2"},
                 %q: tensor<1x2x3xf32> {tenon.name = "q"}, %cache: !two) -> tensor<1x2x3xf32> {
  %c0 = arith.constant 0 : index
  %first = arith.constant dense<[0, 1]> : tensor<2xi32>
  %second = arith.constant dense<[1, 0]> : tensor<2xi32>
  tenon.cache_append %k, %k, %cache[%c0] at rows(%first : tensor<2xi32>) : tensor<1x2x3xf32>, tensor<1x2x3xf32>, !two
  tenon.cache_append %k2, %k2, %cache[%c0] at rows(%second : tensor<2xi32>) : tensor<1x2x3xf32>, tensor<1x2x3xf32>, !two
  %o = tenon.cached_attention %q, %cache[%c0] at rows(%second : tensor<2xi32>) {causal, scale = 1.0 : f32} : (tensor<1x2x3xf32>, !two) -> tensor<1x2x3xf32>
  return %o : tensor<1x2x3xf32>
}
