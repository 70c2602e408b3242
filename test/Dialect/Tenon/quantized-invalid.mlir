// RUN: tenon-opt %s --split-input-file --verify-diagnostics

// Types of quantized numbers that don't parse, or that don't fit together.

// expected-error @+1 {{expected a block format, such as q4_0, found 'q4'}}
func.func private @f(tensor<64x32x!tenon.block<q4>>)

// -----

// expected-error @+1 {{expected a block format, such as q4_0, found 'f16'}}
func.func private @f(tensor<64x32x!tenon.block<f16>>)

// -----

// expected-error @+1 {{expected '<'}}
func.func private @f(!tenon.block)

// -----

// expected-error @+1 {{expected valid keyword}}
func.func private @f(!tenon.block<"q4_0">)

// -----

// expected-error @+1 {{expected '>'}}
func.func private @f(!tenon.block<q4_0, 32>)

// -----

// expected-error @+1 {{expected ','}}
func.func private @f(memref<1x!tenon.superblock<q4_0>>)

// -----

// expected-error @+1 {{columns must be a positive multiple of 16, found 24}}
func.func private @f(memref<1x!tenon.superblock<q4_0, 24>>)

// -----

// expected-error @+1 {{columns must be a positive multiple of 16, found 0}}
func.func private @f(memref<1x!tenon.superblock<q4_0, 0>>)

// -----

// expected-error @+1 {{columns must be a positive multiple of 16, found -16}}
func.func private @f(memref<1x!tenon.superblock<q4_0, -16>>)

// -----

// expected-error @+1 {{expected a block format, such as q4_0, found 'f32'}}
func.func private @f(memref<1x!tenon.superblock<f32, 32>>)

// -----

// expected-error @+1 {{layers of one precision need no mixed type}}
func.func private @f(!tenon.mixed<q4_k * 3, q4_k>)

// -----

// expected-error @+1 {{layers of one precision need no mixed type}}
func.func private @f(!tenon.mixed<>)

// -----

// expected-error @+1 {{a count of layers is positive}}
func.func private @f(!tenon.mixed<q4_k * 0, q6_k>)

// -----

// expected-error @+1 {{a count of layers is positive}}
func.func private @f(!tenon.mixed<q4_k * 65537, q6_k>)

// -----

// expected-error @+1 {{unknown precision 'q7'}}
func.func private @f(!tenon.mixed<q7, q6_k>)

// -----

// expected-error @+1 {{is no precision of weights}}
func.func private @f(!tenon.mixed<i8, q6_k>)

// -----

// expected-error @+1 {{of type 'tensor<3x64x256x!tenon.mixed<q4_k, q6_k>>' must be stacked over 2 layers}}
tenon.weight @w : tensor<3x64x256x!tenon.mixed<q4_k, q6_k>> from [#tenon.source<"{i}", tensor<64x256xf32>>] stacked

// -----

// expected-error @+1 {{must be stacked over 2 layers}}
tenon.weight @w : tensor<2x256x!tenon.mixed<q4_k, q6_k>> from [#tenon.source<"w", tensor<2x256xf32>>]

// -----

// expected-error @+1 {{names 3 layers, but holds 2}}
tenon.weight @w : tensor<2x64x32x!tenon.block<q8_0>> from [#tenon.source<"{i}", tensor<64x32xf32>>] stacked {layers = array<i64: 0, 5, 6>}

// -----

// expected-error @+1 {{names 1 layers, but holds 0}}
tenon.weight @w : tensor<64x32x!tenon.block<q8_0>> from [#tenon.source<"w", tensor<64x32xf32>>] {layers = array<i64: 0>}

// -----

// expected-error @+1 {{names a layer below 0}}
tenon.weight @w : tensor<2x64x32x!tenon.block<q8_0>> from [#tenon.source<"{i}", tensor<64x32xf32>>] stacked {layers = array<i64: 0, -1>}

// -----

// expected-error @+1 {{superblocks have 16 columns: n = 24 is no multiple}}
func.func private @f(tensor<64x256x!tenon.block<q4_0>, #tenon.panel<n = 24, k = 64>>)

// -----

// expected-error @+1 {{superblocks of '!tenon.block<q4_k>' have k = 256, found 64}}
func.func private @f(tensor<64x256x!tenon.block<q4_k>, #tenon.panel<n = 32, k = 64>>)

// -----

func.func @f(%x: tensor<?x64xf32>) {
  // expected-error @+1 {{result must be rows of int8 groups, found 'tensor<?x2xi8>'}}
  %0 = tenon.quantize %x : (tensor<?x64xf32>) -> tensor<?x2xi8>
  return
}

// -----

func.func @f(%x: tensor<4x64xf32>) {
  // expected-error @+1 {{have different rows}}
  %0 = tenon.quantize %x : (tensor<4x64xf32>) -> tensor<5x2x!tenon.int8_group>
  return
}

// -----

func.func @f(%x: tensor<?x65xf32>) {
  // expected-error @+1 {{2 int8 groups do not hold rows of 65}}
  %0 = tenon.quantize %x : (tensor<?x65xf32>) -> tensor<?x2x!tenon.int8_group>
  return
}

// -----

func.func @f(%x: tensor<?x65xf32>) {
  // expected-error @+1 {{11 int8 groups do not hold rows of 65}}
  %0 = tenon.quantize %x : (tensor<?x65xf32>) -> tensor<?x11x!tenon.int8_group>
  return
}

// -----

func.func @f(%x: tensor<64xf32>) {
  // expected-error @+1 {{input must have rank 2}}
  %0 = tenon.quantize %x : (tensor<64xf32>) -> tensor<1x2x!tenon.int8_group>
  return
}

// -----

func.func @f(%x: tensor<?x64xf32>, %w: tensor<64xf32>) {
  // expected-error @+1 {{1 int8 groups do not hold rows of 64}}
  %0 = tenon.rms_norm %x, %w {eps = 1.0e-5 : f32} : (tensor<?x64xf32>, tensor<64xf32>) -> tensor<?x1x!tenon.int8_group>
  return
}

// -----

func.func @f(%w: memref<2x2xf32>) {
  // expected-error @+1 {{shows superblocks, int8 groups or int8 tokens, found 'memref<2x2xf32>'}}
  %0 = tenon.element_bytes %w : memref<2x2xf32> -> memref<2x2x4xi8>
  return
}

// -----

func.func @f(%w: memref<2x2x!tenon.int8_group>) {
  // expected-error @+1 {{of 'memref<2x2x!tenon.int8_group>' has type 'memref<2x2x64xi8>', found 'memref<2x2x32xi8>'}}
  %0 = tenon.element_bytes %w : memref<2x2x!tenon.int8_group> -> memref<2x2x32xi8>
  return
}

// -----

func.func @f(%x: tensor<?x2x!tenon.int8_group>, %w: tensor<64x64xf32>) {
  // expected-error @+1 {{int8 groups need a weight quantized in blocks, found 'tensor<64x64xf32>'}}
  %0 = tenon.linear %x, %w : (tensor<?x2x!tenon.int8_group>, tensor<64x64xf32>) -> tensor<?x64xf32>
  return
}

// -----

func.func @f(%x: tensor<?x2x!tenon.int8_group>, %w: tensor<64x96x!tenon.block<q4_0>>) {
  // expected-error @+1 {{has 2 groups, the weight 'tensor<64x96x!tenon.block<q4_0>>' takes 4}}
  %0 = tenon.linear %x, %w : (tensor<?x2x!tenon.int8_group>, tensor<64x96x!tenon.block<q4_0>>) -> tensor<?x64xf32>
  return
}

// -----

// Sums of products fit 16 bits for as small numbers only.
func.func @f(%x: tensor<?x2x!tenon.int8_group<per_token>>, %w: tensor<64x64x!tenon.block<q7_channel>>) {
  // expected-error @+1 {{has magnitudes up to 127, the weight 'tensor<64x64x!tenon.block<q7_channel>>' takes them up to 64}}
  %0 = tenon.linear %x, %w : (tensor<?x2x!tenon.int8_group<per_token>>, tensor<64x64x!tenon.block<q7_channel>>) -> tensor<?x64xf32>
  return
}

// -----

func.func @f(%x: tensor<?x2x!tenon.int8_group<per_token, 7>>, %w: tensor<64x64x!tenon.block<q8_channel>>) {
  // expected-error @+1 {{has magnitudes up to 64, the weight 'tensor<64x64x!tenon.block<q8_channel>>' takes them up to 127}}
  %0 = tenon.linear %x, %w : (tensor<?x2x!tenon.int8_group<per_token, 7>>, tensor<64x64x!tenon.block<q8_channel>>) -> tensor<?x64xf32>
  return
}

// -----

func.func @f(%x: tensor<?x64xf32>, %w: tensor<64x64x!tenon.block<q4_0>, #tenon.panel<n = 32, k = 64>>) {
  // expected-error @+1 {{a weight packed in superblocks takes int8 groups}}
  %0 = tenon.linear %x, %w : (tensor<?x64xf32>, tensor<64x64x!tenon.block<q4_0>, #tenon.panel<n = 32, k = 64>>) -> tensor<?x64xf32>
  return
}

// -----

tenon.weight @w : tensor<64x32x!tenon.block<q8_0>> from [#tenon.source<"w", tensor<64x32xf32>>]
func.func @f() {
  // expected-error @+1 {{has type 'tensor<64x32xf32>', the weight gives 'tensor<64x32x!tenon.block<q8_0>>'}}
  %0 = tenon.weight_ref @w : tensor<64x32xf32>
  return
}
