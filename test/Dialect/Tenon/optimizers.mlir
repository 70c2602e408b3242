// RUN: tenon-opt %s | tenon-opt | FileCheck %s

// Steps of SGD, Lion and Muon: what is printed is what was read.

tenon.weight @w : tensor<4x8x6xf32> from [#tenon.source<"{i}.w", tensor<8x6xf32>>] stacked
tenon.weight @one : tensor<8x6xf32> from [#tenon.source<"w", tensor<8x6xf32>>]

// CHECK-LABEL: func @steps
func.func @steps(%numbers: tensor<10xf32>, %i: index) -> tensor<1x1xf32> {
  %n = tenon.gradient_norm %numbers : tensor<10xf32> -> tensor<1x1xf32>
  // CHECK: tenon.momentum_update @w by %{{.*}} norm %{{.*}} {decay} : tensor<10xf32>, tensor<1x1xf32>
  tenon.momentum_update @w by %numbers norm %n {decay} : tensor<10xf32>, tensor<1x1xf32>
  // CHECK: %[[U:.*]] = tenon.muon_direction @w[%{{.*}}] by %{{.*}} norm %{{.*}} : tensor<10xf32>, tensor<1x1xf32> -> tensor<8x6xf32>
  %u = tenon.muon_direction @w[%i] by %numbers norm %n : tensor<10xf32>, tensor<1x1xf32> -> tensor<8x6xf32>
  // CHECK: tenon.muon_update @one along %[[U]] by %{{.*}} {factor = 5.000000e-01 : f32} : tensor<8x6xf32>, tensor<10xf32>
  tenon.muon_update @one along %u by %numbers {factor = 0.5 : f32} : tensor<8x6xf32>, tensor<10xf32>
  return %n : tensor<1x1xf32>
}

// CHECK-LABEL: func @memory
func.func @memory(%w: memref<320xf32>, %m: memref<8x6xf32>, %numbers: memref<10xf32>, %n: memref<1x1xf32>) {
  // CHECK: tenon.momentum %{{.*}}, %{{.*}}, %{{.*}} by %{{.*}} norm %{{.*}} {decay} : memref<320xf32>
  tenon.momentum %w, %w, %w by %numbers norm %n {decay}
    : memref<320xf32>, memref<320xf32>, memref<320xf32>, memref<10xf32>, memref<1x1xf32>
  // CHECK: tenon.lean %{{.*}}, %{{.*}} by %{{.*}} norm %{{.*}} into %{{.*}} : memref<8x6xf32>
  tenon.lean %m, %m by %numbers norm %n into %m
    : memref<8x6xf32>, memref<8x6xf32>, memref<10xf32>, memref<1x1xf32>, memref<8x6xf32>
  // CHECK: tenon.step_along %{{.*}}, %{{.*}} by %{{.*}} {factor = 1.600000e+00 : f32} : memref<8x6xf32>
  tenon.step_along %m, %m by %numbers {factor = 1.6 : f32} : memref<8x6xf32>, memref<8x6xf32>, memref<10xf32>
  return
}
