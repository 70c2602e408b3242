// RUN: tenon-opt %s | tenon-opt | FileCheck %s

// CHECK-LABEL: func @products
func.func @products(%x: tensor<?x32xf32>, %w: tensor<64x32xf32>, %m: memref<5x64xf32>, %mw: memref<64x32xf32>, %out: memref<5x32xf32>) {
  // CHECK: %[[Y:.*]] = tenon.weight_product %{{.*}}, %[[W:.*]] : (tensor<?x32xf32>, tensor<64x32xf32>) -> tensor<?x64xf32>
  %y = tenon.weight_product %x, %w : (tensor<?x32xf32>, tensor<64x32xf32>) -> tensor<?x64xf32>
  // CHECK: tenon.weight_product %[[Y]], %[[W]] {flipped} : (tensor<?x64xf32>, tensor<64x32xf32>) -> tensor<?x32xf32>
  %dx = tenon.weight_product %y, %w {flipped} : (tensor<?x64xf32>, tensor<64x32xf32>) -> tensor<?x32xf32>
  // CHECK: tenon.weight_product %{{.*}}, %{{.*}} into %{{.*}} {flipped, tile = #tenon.tile<rows = 6, columns = 16, group = 2>}
  tenon.weight_product %m, %mw into %out {flipped, tile = #tenon.tile<rows = 6, columns = 16, group = 2>} : (memref<5x64xf32>, memref<64x32xf32>, memref<5x32xf32>) -> ()
  return
}

// CHECK-LABEL: func @attention
func.func @attention(%q: tensor<4x?x8xf32>, %k: tensor<2x?x8xf32>, %v: tensor<2x?x6xf32>, %o: tensor<4x?x6xf32>,
                     %mq: memref<4x5x8xf32>, %mk: memref<2x5x8xf32>) {
  // CHECK: %{{.*}}:3 = tenon.attention_gradient %{{.*}}, %{{.*}}, %{{.*}}, %[[O:.*]], %[[O]] {cap = 3.000000e+01 : f32, causal, scale = 5.000000e-01 : f32, window = 3 : i64} :
  %dq, %dk, %dv = tenon.attention_gradient %q, %k, %v, %o, %o {causal, window = 3 : i64, cap = 30.0 : f32, scale = 0.5 : f32}
    : (tensor<4x?x8xf32>, tensor<2x?x8xf32>, tensor<2x?x6xf32>, tensor<4x?x6xf32>, tensor<4x?x6xf32>) -> (tensor<4x?x8xf32>, tensor<2x?x8xf32>, tensor<2x?x6xf32>)
  // CHECK: tenon.attention_gradient %{{.*}}, %{{.*}}, %{{.*}}, %{{.*}}, %{{.*}} into %{{.*}}, %{{.*}}, %{{.*}} {band = 2 : i64, scale = 5.000000e-01 : f32} :
  tenon.attention_gradient %mq, %mk, %mk, %mq, %mq into %mq, %mk, %mk {band = 2 : i64, scale = 0.5 : f32}
    : (memref<4x5x8xf32>, memref<2x5x8xf32>, memref<2x5x8xf32>, memref<4x5x8xf32>, memref<4x5x8xf32>, memref<4x5x8xf32>, memref<2x5x8xf32>, memref<2x5x8xf32>) -> ()
  return
}

// CHECK-LABEL: func @head
func.func @head(%x: tensor<?x32xf32>, %w: tensor<97x32xf32>, %t: tensor<?xi32>, %g: memref<97x32xf32>) {
  // CHECK: %{{.*}}:2 = tenon.head_loss %[[X:.*]], %[[W:.*]], %[[T:.*]] into %{{.*}} {rows = 128 : i64} :
  %l, %dx = tenon.head_loss %x, %w, %t into %g {rows = 128 : i64}
    : (tensor<?x32xf32>, tensor<97x32xf32>, tensor<?xi32>, memref<97x32xf32>) -> (tensor<?x1xf32>, tensor<?x32xf32>)
  // CHECK: tenon.head_loss %[[X]], %[[W]], %[[T]] {rows = 16 : i64} : (tensor<?x32xf32>, tensor<97x32xf32>, tensor<?xi32>) -> tensor<?x1xf32>
  %m = tenon.head_loss %x, %w, %t {rows = 16 : i64} : (tensor<?x32xf32>, tensor<97x32xf32>, tensor<?xi32>) -> tensor<?x1xf32>
  return
}
