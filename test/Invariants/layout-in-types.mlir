// RUN: tenon-opt %s -split-input-file -verify-diagnostics

// I4: layout and precision are in the types; a packed weight does not verify where a plain one is expected.

func.func @matmul(%x: tensor<?x64xf32>, %w: tensor<64x64xf32, #tenon.panel<n = 32, k = 1>>) -> tensor<?x64xf32> {
  // expected-error @+1 {{reads no packed weight, found 'tensor<64x64xf32, #tenon.panel<n = 32, k = 1>>'}}
  %y = tenon.matmul %x, %w : (tensor<?x64xf32>, tensor<64x64xf32, #tenon.panel<n = 32, k = 1>>) -> tensor<?x64xf32>
  return %y : tensor<?x64xf32>
}

// -----

func.func @transpose(%w: tensor<64x64xf32, #tenon.panel<n = 32, k = 1>>) -> tensor<64x64xf32> {
  // expected-error @+1 {{reads no packed weight}}
  %y = tenon.transpose %w : tensor<64x64xf32, #tenon.panel<n = 32, k = 1>> -> tensor<64x64xf32>
  return %y : tensor<64x64xf32>
}

// -----

// Not even as another operand of an operation that reads one.
func.func @residual(%x: tensor<64x64xf32>, %w: tensor<64x64xf32, #tenon.panel<n = 32, k = 1>>, %v: tensor<64x64xf32, #tenon.panel<n = 32, k = 1>>) -> tensor<64x64xf32> {
  // expected-error @+1 {{reads no packed weight}}
  %y = tenon.linear %x, %w residual(%v) : (tensor<64x64xf32>, tensor<64x64xf32, #tenon.panel<n = 32, k = 1>>, tensor<64x64xf32, #tenon.panel<n = 32, k = 1>>) -> tensor<64x64xf32>
  return %y : tensor<64x64xf32>
}

// -----

// The precision too: bf16 pairs take a bf16 input, or an f32 one for kernels without products of bf16.
func.func @pairs(%x: tensor<?x64xf16>, %w: tensor<64x64xbf16, #tenon.panel<n = 32, k = 2>>) -> tensor<?x64xf32> {
  // expected-error @+1 {{a weight packed in bf16 pairs takes a bf16 or f32 input}}
  %y = tenon.linear %x, %w : (tensor<?x64xf16>, tensor<64x64xbf16, #tenon.panel<n = 32, k = 2>>) -> tensor<?x64xf32>
  return %y : tensor<?x64xf32>
}
