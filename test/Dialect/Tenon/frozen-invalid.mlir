// RUN: tenon-opt %s --split-input-file --verify-diagnostics

func.func @f(%w: tensor<64x64xf32>) -> tensor<64x64xf32> {
  // expected-error @+1 {{is of a weight in blocks, found 'tensor<64x64xf32>'}}
  %y = tenon.dequantize %w : tensor<64x64xf32> -> tensor<64x64xf32>
  return %y : tensor<64x64xf32>
}

// -----

func.func @f(%w: tensor<64x64x!tenon.block<q8_0>>) -> tensor<64x64xf32> {
  // expected-error @+1 {{is of a weight packed in order, found 'tensor<64x64x!tenon.block<q8_0>>'}}
  %y = tenon.dequantize %w : tensor<64x64x!tenon.block<q8_0>> -> tensor<64x64xf32>
  return %y : tensor<64x64xf32>
}

// -----

func.func @f(%w: tensor<64x64x!tenon.block<q8_0>, #tenon.panel<n = 32, k = 64, interleave = 2>>) -> tensor<64x64xf32> {
  // expected-error @+1 {{is of a weight packed in order}}
  %y = tenon.dequantize %w : tensor<64x64x!tenon.block<q8_0>, #tenon.panel<n = 32, k = 64, interleave = 2>> -> tensor<64x64xf32>
  return %y : tensor<64x64xf32>
}

// -----

func.func @f(%w: tensor<64x64x!tenon.block<q8_0>, #tenon.panel<n = 32, k = 64>>) -> tensor<64x64xf16> {
  // expected-error @+1 {{gives rows of f32, found 'tensor<64x64xf16>'}}
  %y = tenon.dequantize %w : tensor<64x64x!tenon.block<q8_0>, #tenon.panel<n = 32, k = 64>> -> tensor<64x64xf16>
  return %y : tensor<64x64xf16>
}

// -----

func.func @f(%w: tensor<64x64x!tenon.block<q8_0>, #tenon.panel<n = 32, k = 64>>) -> tensor<64x32xf32> {
  // expected-error @+1 {{cannot be 'tensor<64x32xf32>'}}
  %y = tenon.dequantize %w : tensor<64x64x!tenon.block<q8_0>, #tenon.panel<n = 32, k = 64>> -> tensor<64x32xf32>
  return %y : tensor<64x32xf32>
}

// -----

func.func @f(%w: memref<2x1xf32>, %first: index, %y: memref<40x64xf32>) {
  // expected-error @+1 {{is of a weight in superblocks, found 'memref<2x1xf32>'}}
  tenon.unpack_panels %w from %first into %y : memref<2x1xf32>, memref<40x64xf32>
  return
}

// -----

func.func @f(%w: memref<2x1x!tenon.superblock<q8_0, 32>>, %first: index, %y: memref<?x64xf32>) {
  // expected-error @+1 {{gives rows of f32, found 'memref<?x64xf32>'}}
  tenon.unpack_panels %w from %first into %y : memref<2x1x!tenon.superblock<q8_0, 32>>, memref<?x64xf32>
  return
}

// -----

func.func @f(%w: memref<2x1x!tenon.superblock<q8_0, 32>>, %first: index, %y: memref<65x64xf32>) {
  // expected-error @+1 {{of 'memref<2x1x!tenon.superblock<q8_0, 32>>' cannot give 'memref<65x64xf32>'}}
  tenon.unpack_panels %w from %first into %y : memref<2x1x!tenon.superblock<q8_0, 32>>, memref<65x64xf32>
  return
}
