// RUN: tenon-opt %s | tenon-opt | FileCheck %s

// CHECK-LABEL: func @numbers
func.func @numbers(%w: tensor<40x64x!tenon.block<q8_0>, #tenon.panel<n = 32, k = 64>>,
                   %packed: memref<2x1x!tenon.superblock<q8_0, 32>>, %out: memref<40x64xf32>) -> tensor<40x64xf32> {
  %zero = arith.constant 0 : index
  // CHECK: tenon.dequantize %{{.*}} : tensor<40x64x!tenon.block<q8_0>, #tenon.panel<n = 32, k = 64>> -> tensor<40x64xf32>
  %y = tenon.dequantize %w : tensor<40x64x!tenon.block<q8_0>, #tenon.panel<n = 32, k = 64>> -> tensor<40x64xf32>
  // CHECK: tenon.unpack_panels %{{.*}} from %{{.*}} into %{{.*}} : memref<2x1x!tenon.superblock<q8_0, 32>>, memref<40x64xf32>
  tenon.unpack_panels %packed from %zero into %out : memref<2x1x!tenon.superblock<q8_0, 32>>, memref<40x64xf32>
  return %y : tensor<40x64xf32>
}
