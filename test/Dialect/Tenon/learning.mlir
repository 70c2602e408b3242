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
