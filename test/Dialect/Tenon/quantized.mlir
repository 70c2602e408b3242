// RUN: tenon-opt %s | tenon-opt | FileCheck %s
// RUN: tenon-opt %s --mlir-print-op-generic | tenon-opt | FileCheck %s
// RUN: tenon-opt %s --emit-bytecode | tenon-opt | FileCheck %s

// Types, attributes and operations of quantized weights survive a round trip.

// CHECK: tenon.weight @q4_0 : tensor<64x96x!tenon.block<q4_0>>
tenon.weight @q4_0 : tensor<64x96x!tenon.block<q4_0>> from [#tenon.source<"a", tensor<64x96x!tenon.block<q4_0>>>]
// CHECK: !tenon.block<q4_1>
tenon.weight @q4_1 : tensor<64x32x!tenon.block<q4_1>> from [#tenon.source<"a", tensor<64x32x!tenon.block<q4_1>>>]
// CHECK: !tenon.block<q5_0>
tenon.weight @q5_0 : tensor<64x32x!tenon.block<q5_0>> from [#tenon.source<"a", tensor<64x32x!tenon.block<q5_0>>>]
// CHECK: !tenon.block<q5_1>
tenon.weight @q5_1 : tensor<64x32x!tenon.block<q5_1>> from [#tenon.source<"a", tensor<64x32x!tenon.block<q5_1>>>]
// CHECK: !tenon.block<q8_0>
tenon.weight @q8_0 : tensor<64x32x!tenon.block<q8_0>> from [#tenon.source<"a", tensor<64x32xf32>>]
// CHECK: !tenon.block<iq4_nl>
tenon.weight @iq4_nl : tensor<64x32x!tenon.block<iq4_nl>> from [#tenon.source<"a", tensor<64x32x!tenon.block<iq4_nl>>>]
// CHECK: !tenon.block<q2_k>
tenon.weight @q2_k : tensor<64x256x!tenon.block<q2_k>> from [#tenon.source<"a", tensor<64x256x!tenon.block<q2_k>>>]
// CHECK: !tenon.block<q3_k>
tenon.weight @q3_k : tensor<64x256x!tenon.block<q3_k>> from [#tenon.source<"a", tensor<64x256x!tenon.block<q3_k>>>]
// CHECK: !tenon.block<q4_k>
tenon.weight @q4_k : tensor<64x256x!tenon.block<q4_k>> from [#tenon.source<"a", tensor<64x256x!tenon.block<q4_k>>>]
// CHECK: !tenon.block<q5_k>
tenon.weight @q5_k : tensor<64x256x!tenon.block<q5_k>> from [#tenon.source<"a", tensor<64x256x!tenon.block<q5_k>>>]
// Stacked and packed: the layer's type has the panel.
// CHECK: tenon.weight @q6_k : tensor<3x64x256x!tenon.block<q6_k>, #tenon.panel<n = 32, k = 256>> from [{{.*}}] stacked
tenon.weight @q6_k : tensor<3x64x256x!tenon.block<q6_k>, #tenon.panel<n = 32, k = 256>> from [#tenon.source<"{i}", tensor<64x256x!tenon.block<q6_k>>>] stacked

// Counts of neighbours that agree are joined.
// CHECK: tenon.weight @mixed : tensor<6x64x256x!tenon.mixed<q6_k * 3, q4_k, f16 * 2>>
tenon.weight @mixed : tensor<6x64x256x!tenon.mixed<q6_k, q6_k * 2, q4_k * 1, f16, f16>> from [#tenon.source<"{i}", tensor<64x256xf32>>] stacked
// CHECK: tenon.weight @two : tensor<2x64x256x!tenon.mixed<bf16, f32>>
tenon.weight @two : tensor<2x64x256x!tenon.mixed<bf16, f32>> from [#tenon.source<"{i}", tensor<64x256xf32>>] stacked
// CHECK: tenon.weight @some : tensor<2x64x32x!tenon.block<q8_0>> from [{{.*}}] stacked {layers = array<i64: 0, 5>}
tenon.weight @some : tensor<2x64x32x!tenon.block<q8_0>> from [#tenon.source<"{i}", tensor<64x32xf32>>] stacked {layers = array<i64: 0, 5>}

// CHECK-LABEL: func.func @tensors
func.func @tensors(%x: tensor<?x300xf32>, %w: tensor<300xf32>, %i: index) -> tensor<?x64xf32> {
  // Groups past the rows' end, which whole superblocks read.
  // CHECK: tenon.quantize %{{.*}} : (tensor<?x300xf32>) -> tensor<?x16x!tenon.int8_group>
  %0 = tenon.quantize %x : (tensor<?x300xf32>) -> tensor<?x16x!tenon.int8_group>
  // CHECK: tenon.rms_norm {{.*}} -> tensor<?x10x!tenon.int8_group>
  %1 = tenon.rms_norm %x, %w {eps = 1.0e-5 : f32} : (tensor<?x300xf32>, tensor<300xf32>) -> tensor<?x10x!tenon.int8_group>
  // CHECK: tenon.layer_norm {{.*}} -> tensor<?x16x!tenon.int8_group>
  %2 = tenon.layer_norm %x, %w {eps = 1.0e-5 : f32} : (tensor<?x300xf32>, tensor<300xf32>) -> tensor<?x16x!tenon.int8_group>
  // CHECK: tenon.quantize {{.*}} -> tensor<?x10x!tenon.int8_group<per_token>>
  %7 = tenon.quantize %x : (tensor<?x300xf32>) -> tensor<?x10x!tenon.int8_group<per_token>>
  // CHECK: tenon.quantize {{.*}} -> tensor<?x10x!tenon.int8_group<per_token, 7>>
  %9 = tenon.quantize %x : (tensor<?x300xf32>) -> tensor<?x10x!tenon.int8_group<per_token, 7>>
  // CHECK: tenon.quantize {{.*}} -> tensor<?x10x!tenon.int8_group<residual>>
  %8 = tenon.quantize %x : (tensor<?x300xf32>) -> tensor<?x10x!tenon.int8_group<residual>>
  // CHECK: tenon.weight_ref @q6_k[%{{.*}}] : tensor<64x256x!tenon.block<q6_k>, #tenon.panel<n = 32, k = 256>>
  %3 = tenon.weight_ref @q6_k[%i] : tensor<64x256x!tenon.block<q6_k>, #tenon.panel<n = 32, k = 256>>
  %4 = tenon.slice %x {offset = 10 : i64} : tensor<?x300xf32> -> tensor<?x256xf32>
  %5 = tenon.quantize %4 {tile = #tenon.tile<group = 4>} : (tensor<?x256xf32>) -> tensor<?x8x!tenon.int8_group>
  // CHECK: tenon.linear %{{.*}}, %{{.*}} : (tensor<?x8x!tenon.int8_group>, tensor<64x256x!tenon.block<q6_k>, #tenon.panel<n = 32, k = 256>>) -> tensor<?x64xf32>
  %6 = tenon.linear %5, %3 : (tensor<?x8x!tenon.int8_group>, tensor<64x256x!tenon.block<q6_k>, #tenon.panel<n = 32, k = 256>>) -> tensor<?x64xf32>
  return %6 : tensor<?x64xf32>
}

// CHECK-LABEL: func.func @buffers
func.func @buffers(%x: memref<?x96xf32>, %q: memref<?x4x!tenon.int8_group>, %w: memref<2x2x!tenon.superblock<q4_0, 32>>,
                   %some: memref<1x2x!tenon.superblock<q4_0, 32>, strided<[4, 1], offset: ?>>, %y: memref<?x64xf32>) {
  // CHECK: tenon.quantize %{{.*}} into %{{.*}} : (memref<?x96xf32>, memref<?x4x!tenon.int8_group>) -> ()
  tenon.quantize %x into %q : (memref<?x96xf32>, memref<?x4x!tenon.int8_group>) -> ()
  // CHECK: tenon.element_bytes %{{.*}} : memref<2x2x!tenon.superblock<q4_0, 32>> -> memref<2x2x1152xi8>
  %0 = tenon.element_bytes %w : memref<2x2x!tenon.superblock<q4_0, 32>> -> memref<2x2x1152xi8>
  // Strides and offsets count bytes.
  // CHECK: tenon.element_bytes %{{.*}} : memref<1x2x!tenon.superblock<q4_0, 32>, strided<[4, 1], offset: ?>> -> memref<1x2x1152xi8, strided<[4608, 1152, 1], offset: ?>>
  %1 = tenon.element_bytes %some : memref<1x2x!tenon.superblock<q4_0, 32>, strided<[4, 1], offset: ?>> -> memref<1x2x1152xi8, strided<[4608, 1152, 1], offset: ?>>
  // CHECK: tenon.element_bytes %{{.*}} : memref<?x4x!tenon.int8_group> -> memref<?x4x64xi8>
  %2 = tenon.element_bytes %q : memref<?x4x!tenon.int8_group> -> memref<?x4x64xi8>
  // CHECK: tenon.linear %{{.*}}, %{{.*}} into %{{.*}} : (memref<?x4x!tenon.int8_group>, memref<2x2x!tenon.superblock<q4_0, 32>>, memref<?x64xf32>) -> ()
  tenon.linear %q, %w into %y : (memref<?x4x!tenon.int8_group>, memref<2x2x!tenon.superblock<q4_0, 32>>, memref<?x64xf32>) -> ()
  return
}

// Bytes of two superblocks side by side, for every format.
// CHECK-LABEL: func.func @sizes
func.func @sizes(%0: memref<1x!tenon.superblock<q8_0, 32>>, %1: memref<1x!tenon.superblock<iq4_nl, 32>>, %2: memref<1x!tenon.superblock<q4_1, 32>>,
                 %3: memref<1x!tenon.superblock<q5_0, 32>>, %4: memref<1x!tenon.superblock<q5_1, 32>>, %5: memref<1x!tenon.superblock<q4_k, 32>>,
                 %6: memref<1x!tenon.superblock<q5_k, 32>>, %7: memref<1x!tenon.superblock<q6_k, 32>>, %8: memref<1x!tenon.superblock<q2_k, 32>>,
                 %9: memref<1x!tenon.superblock<q3_k, 16>>) {
  // CHECK: memref<1x2176xi8>
  tenon.element_bytes %0 : memref<1x!tenon.superblock<q8_0, 32>> -> memref<1x2176xi8>
  // CHECK: memref<1x1152xi8>
  tenon.element_bytes %1 : memref<1x!tenon.superblock<iq4_nl, 32>> -> memref<1x1152xi8>
  // CHECK: memref<1x1280xi8>
  tenon.element_bytes %2 : memref<1x!tenon.superblock<q4_1, 32>> -> memref<1x1280xi8>
  // CHECK: memref<1x1408xi8>
  tenon.element_bytes %3 : memref<1x!tenon.superblock<q5_0, 32>> -> memref<1x1408xi8>
  // CHECK: memref<1x1536xi8>
  tenon.element_bytes %4 : memref<1x!tenon.superblock<q5_1, 32>> -> memref<1x1536xi8>
  // CHECK: memref<1x4736xi8>
  tenon.element_bytes %5 : memref<1x!tenon.superblock<q4_k, 32>> -> memref<1x4736xi8>
  // CHECK: memref<1x5760xi8>
  tenon.element_bytes %6 : memref<1x!tenon.superblock<q5_k, 32>> -> memref<1x5760xi8>
  // CHECK: memref<1x6784xi8>
  tenon.element_bytes %7 : memref<1x!tenon.superblock<q6_k, 32>> -> memref<1x6784xi8>
  // CHECK: memref<1x2688xi8>
  tenon.element_bytes %8 : memref<1x!tenon.superblock<q2_k, 32>> -> memref<1x2688xi8>
  // CHECK: memref<1x1856xi8>
  tenon.element_bytes %9 : memref<1x!tenon.superblock<q3_k, 16>> -> memref<1x1856xi8>
  return
}
