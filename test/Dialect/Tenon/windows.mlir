// RUN: tenon-opt %s | tenon-opt | FileCheck %s
// RUN: tenon-opt %s --mlir-print-op-generic | tenon-opt | FileCheck %s

// The operations of windows, through the printer and the parser.

// A convolution's weight as a matrix.
// CHECK: tenon.weight @conv : tensor<8x12xf32> from [#tenon.source<"conv.weight", tensor<8x3x4xf32>>]
tenon.weight @conv : tensor<8x12xf32> from [#tenon.source<"conv.weight", tensor<8x3x4xf32>>]

// CHECK-LABEL: func @unfold
func.func @unfold(%x: tensor<3x16xf32>, %y: tensor<3x16x18xf32>, %z: tensor<4x?xf32>, %m: memref<3x16xf32>, %n: memref<?x9xf32>, %first: index)
    -> (tensor<8x9xf32>, tensor<16x48xf32>, tensor<?x12xf32>) {
  // CHECK: tenon.unfold %{{.*}} {padding = 1 : i64, size = 3 : i64, stride = 2 : i64} : (tensor<3x16xf32>) -> tensor<8x9xf32>
  %0 = tenon.unfold %x {size = 3 : i64, stride = 2 : i64, padding = 1 : i64} : (tensor<3x16xf32>) -> tensor<8x9xf32>
  // CHECK: (tensor<3x16x18xf32>) -> tensor<16x48xf32>
  %1 = tenon.unfold %y {size = 4 : i64, stride = 4 : i64, padding = 0 : i64} : (tensor<3x16x18xf32>) -> tensor<16x48xf32>
  // CHECK: (tensor<4x?xf32>) -> tensor<?x12xf32>
  %2 = tenon.unfold %z {size = 3 : i64, stride = 1 : i64, padding = 1 : i64} : (tensor<4x?xf32>) -> tensor<?x12xf32>
  // CHECK: tenon.unfold %{{.*}} at %{{.*}} into %{{.*}} {padding = 1 : i64, size = 3 : i64, stride = 2 : i64, tile = #tenon.tile<group = 4>} : (memref<3x16xf32>, index, memref<?x9xf32>) -> ()
  tenon.unfold %m at %first into %n {size = 3 : i64, stride = 2 : i64, padding = 1 : i64, tile = #tenon.tile<group = 4>} : (memref<3x16xf32>, index, memref<?x9xf32>) -> ()
  return %0, %1, %2 : tensor<8x9xf32>, tensor<16x48xf32>, tensor<?x12xf32>
}

// CHECK-LABEL: func @concat_rows
func.func @concat_rows(%a: tensor<1x8xbf16>, %b: tensor<5x8xf32>) -> tensor<6x8xf32> {
  // CHECK: tenon.concat_rows %{{.*}}, %{{.*}} : tensor<1x8xbf16>, tensor<5x8xf32> -> tensor<6x8xf32>
  %0 = tenon.concat_rows %a, %b : tensor<1x8xbf16>, tensor<5x8xf32> -> tensor<6x8xf32>
  return %0 : tensor<6x8xf32>
}
