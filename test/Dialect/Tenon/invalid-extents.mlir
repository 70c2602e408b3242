// RUN: tenon-opt %s --split-input-file --verify-diagnostics

// Extents that no import writes: ranks of 0, heads of which there are none,
// offsets that wrap. Each of these divided by zero, read past an empty shape, or
// passed.

func.func @f(%a: tensor<4x2x8xf32>, %b: tensor<0x8x8xf32>) {
  // expected-error @+1 {{heads of 'tensor<4x2x8xf32>' are no multiple of those of 'tensor<0x8x8xf32>'}}
  %0 = tenon.matmul %a, %b : (tensor<4x2x8xf32>, tensor<0x8x8xf32>) -> tensor<4x2x8xf32>
  return
}

// -----

func.func @f(%a: tensor<?x2x8xf32>, %b: tensor<4x8x8xf32>) {
  // expected-error @+1 {{heads of 'tensor<?x2x8xf32>' are no multiple of those of 'tensor<4x8x8xf32>'}}
  %0 = tenon.matmul %a, %b : (tensor<?x2x8xf32>, tensor<4x8x8xf32>) -> tensor<?x2x8xf32>
  return
}

// -----

func.func @f(%q: tensor<8x?x8xf32>, %k: tensor<0x?x8xf32>) {
  // expected-error @+1 {{heads of query 'tensor<8x?x8xf32>' are no multiple of those of key 'tensor<0x?x8xf32>'}}
  %0 = tenon.attention %q, %k, %k {scale = 1.0 : f32} : (tensor<8x?x8xf32>, tensor<0x?x8xf32>, tensor<0x?x8xf32>) -> tensor<8x?x8xf32>
  return
}

// -----

func.func @f(%q: tensor<0x?x8xf32>, %c: !tenon.kv_cache<layers = 1, heads = 4, capacity = 128, head_dim = 8, element = f32>, %i: index) {
  // expected-error @+1 {{of 'tensor<0x?x8xf32>' to 'tensor<0x?x8xf32>' does not fit}}
  %0 = tenon.cached_attention %q, %c[%i] at %i {causal, scale = 1.0 : f32} : (tensor<0x?x8xf32>, !tenon.kv_cache<layers = 1, heads = 4, capacity = 128, head_dim = 8, element = f32>) -> tensor<0x?x8xf32>
  return
}

// -----

func.func @f(%q: memref<8x?x8xf32>, %k: memref<0x4x8x16xf32>, %v: memref<0x64x8xf32>, %i: index) {
  // expected-error @+1 {{query 'memref<8x?x8xf32>' does not fit keys 'memref<0x4x8x16xf32>'}}
  tenon.block_attention %q, %k, %v at %i length %i into %q {scale = 1.0 : f32} : memref<8x?x8xf32>, memref<0x4x8x16xf32>, memref<0x64x8xf32>, memref<8x?x8xf32>
  return
}

// -----

func.func @f(%q: memref<8x?x8xf32>, %k: memref<4x4x8x16xf32>, %v: memref<4x64x8xf32>, %i: index) {
  // expected-error @+1 {{window must be positive, found -1}}
  tenon.block_attention %q, %k, %v at %i length %i into %q {causal, scale = 1.0 : f32, window = -1 : i64} : memref<8x?x8xf32>, memref<4x4x8x16xf32>, memref<4x64x8xf32>, memref<8x?x8xf32>
  return
}

// -----

func.func @f(%i: tensor<?xi32>, %t: tensor<f32>) {
  // expected-error @+1 {{'tenon.embedding' op needs rank 1 or more, found 'tensor<f32>'}}
  %0 = tenon.embedding %i, %t : (tensor<?xi32>, tensor<f32>) -> tensor<?x64xf32>
  return
}

// -----

func.func @f(%x: tensor<f32>, %v: tensor<3xi32>) {
  // expected-error @+1 {{'tenon.padding_mask' op needs rank 1 or more, found 'tensor<f32>'}}
  %0 = tenon.padding_mask %x, %v : (tensor<f32>, tensor<3xi32>) -> tensor<f32>
  return
}

// -----

func.func @f(%x: memref<f32>, %w: memref<3xf32>) {
  // expected-error @+1 {{'tenon.rms_norm' op needs rank 1 or more, found 'memref<f32>'}}
  tenon.rms_norm %x, %w into %x {eps = 1.0 : f32} : (memref<f32>, memref<3xf32>, memref<f32>) -> ()
  return
}

// -----

func.func @f(%x: tensor<3xf32>) {
  // expected-error @+1 {{'tenon.softmax' op needs rank 1 or more, found 'tensor<f32>'}}
  %0 = tenon.softmax %x : (tensor<3xf32>) -> tensor<f32>
  return
}

// -----

func.func @f(%x: tensor<3xf32>) {
  // expected-error @+1 {{'tenon.causal_mask' op needs rank 2 or more}}
  %0 = tenon.causal_mask %x : (tensor<3xf32>) -> tensor<3xf32>
  return
}

// -----

func.func @f(%x: tensor<2x3x3xf32>) {
  // expected-error @+1 {{window must be positive, found 0}}
  %0 = tenon.causal_mask %x {window = 0 : i64} : (tensor<2x3x3xf32>) -> tensor<2x3x3xf32>
  return
}

// -----

func.func @f(%x: tensor<f32>) {
  // expected-error @+1 {{at 0 of 'tensor<f32>' cannot be 'tensor<f32>'}}
  %0 = tenon.slice %x {offset = 0 : i64} : tensor<f32> -> tensor<f32>
  return
}

// -----

// 2^63 - 1 + 4 is negative.
func.func @f(%x: tensor<3x8xf32>) {
  // expected-error @+1 {{at 9223372036854775807 of 'tensor<3x8xf32>' cannot be 'tensor<3x4xf32>'}}
  %0 = tenon.slice %x {offset = 9223372036854775807 : i64} : tensor<3x8xf32> -> tensor<3x4xf32>
  return
}

// -----

func.func @f(%x: tensor<3x8xf32>) {
  // expected-error @+1 {{at -1 of 'tensor<3x8xf32>' cannot be 'tensor<3x4xf32>'}}
  %0 = tenon.slice %x {offset = -1 : i64} : tensor<3x8xf32> -> tensor<3x4xf32>
  return
}

// -----

func.func @f(%x: tensor<3x8xf32>) {
  // expected-error @+1 {{at 0 of 'tensor<3x8xf32>' cannot be 'tensor<5x4xf32>'}}
  %0 = tenon.slice %x {offset = 0 : i64} : tensor<3x8xf32> -> tensor<5x4xf32>
  return
}

// -----

func.func @f(%x: tensor<3x8xf32>) {
  // expected-error @+1 {{at 0 of 'tensor<3x8xf32>' cannot be 'tensor<3x4xbf16>'}}
  %0 = tenon.slice %x {offset = 0 : i64} : tensor<3x8xf32> -> tensor<3x4xbf16>
  return
}

// -----

func.func @f(%x: tensor<3x8xf32>) {
  // expected-error @+1 {{of 'tensor<3x8xf32>' cannot be 'tensor<2x8xf32>'}}
  %0 = tenon.rows %x {offset = 2 : i64} : tensor<3x8xf32> -> tensor<2x8xf32>
  return
}

// -----

func.func @f(%i: tensor<?xi32>, %t: tensor<2x3x64xf32>) {
  // expected-error @+1 {{rows of 'tensor<2x3x64xf32>' do not fit the result 'tensor<?x64xf32>'}}
  %0 = tenon.embedding %i, %t : (tensor<?xi32>, tensor<2x3x64xf32>) -> tensor<?x64xf32>
  return
}

// -----

func.func @f(%i: tensor<3xi32>, %t: tensor<8x64xf32>) {
  // expected-error @+1 {{ids 'tensor<3xi32>' do not fit the result 'tensor<5x64xf32>'}}
  %0 = tenon.embedding %i, %t : (tensor<3xi32>, tensor<8x64xf32>) -> tensor<5x64xf32>
  return
}

// -----

func.func @f(%i: tensor<3xi32>) {
  // expected-error @+1 {{ids 'tensor<3xi32>' and result 'tensor<5xi32>' must have the same shape}}
  %0 = tenon.positions %i : (tensor<3xi32>) -> tensor<5xi32>
  return
}

// -----

func.func @f(%x: tensor<3x64xf32>, %w: tensor<8x64xf32>) {
  // expected-error @+1 {{input 'tensor<3x64xf32>' and result 'tensor<5x8xf32>' have different rows}}
  %0 = tenon.linear %x, %w : (tensor<3x64xf32>, tensor<8x64xf32>) -> tensor<5x8xf32>
  return
}

// -----

// expected-error @+1 {{type must have rank 1 or more, found 'tensor<f32>'}}
tenon.weight @w : tensor<f32> from [#tenon.source<"w", tensor<f32>>]

// -----

// expected-error @+1 {{source "w" of type 'tensor<?x64xf32>' does not give rows of 'tensor<64x64xf32>'}}
tenon.weight @w : tensor<64x64xf32> from [#tenon.source<"w", tensor<?x64xf32>>]

// -----

// expected-error @+1 {{of a rotary table needs frequencies}}
tenon.weight @w : tensor<512x0xf32> from [#tenon.rope_table<frequencies = [], scale = 1.0>]

// -----

// expected-error @+1 {{tile sizes must be positive, found rows = 1, columns = 1, group = 0}}
func.func private @f() attributes {t = #tenon.tile<group = 0>}

// -----

// expected-error @+1 {{tile sizes must be positive, found rows = -4, columns = 32, group = 1}}
func.func private @f() attributes {t = #tenon.tile<rows = -4, columns = 32>}

// -----

// expected-error @+1 {{vector_bits must be 128, 256 or 512, found 0}}
func.func private @f() attributes {t = #tenon.target<cpu = "x", features = "", vector_bits = 0, registers = 32, l1 = 1, l2 = 1, l3 = 1, extensions = ["fma", "avx512f", "avx512bw", "avx512dq", "avx512vl"]>}

// -----

// expected-error @+1 {{registers and sizes of caches must be positive}}
func.func private @f() attributes {t = #tenon.target<cpu = "x", features = "", vector_bits = 512, registers = 0, l1 = 1, l2 = 1, l3 = 1, extensions = ["ssse3", "avx", "avx2", "fma", "avx512f", "avx512bw", "avx512dq", "avx512vl"]>}

// -----

// expected-error @+1 {{registers and sizes of caches must be positive}}
func.func private @f() attributes {t = #tenon.target<cpu = "x", features = "", vector_bits = 512, registers = 32, l1 = -1, l2 = 1, l3 = 1, extensions = ["ssse3", "avx", "avx2", "fma", "avx512f", "avx512bw", "avx512dq", "avx512vl"]>}

// -----

// expected-error @+1 {{triple must begin with x86_64- or aarch64-, found "riscv64-linux-gnu"}}
func.func private @f() attributes {t = #tenon.target<cpu = "x", features = "", vector_bits = 128, registers = 32, l1 = 1, l2 = 1, l3 = 1, triple = "riscv64-linux-gnu">}

// -----

// expected-error @+1 {{extensions must be strings, found [1 : i32]}}
func.func private @f() attributes {t = #tenon.target<cpu = "x", features = "", vector_bits = 128, registers = 32, l1 = 1, l2 = 1, l3 = 1, triple = "aarch64-unknown-linux-gnu", extensions = [1 : i32]>}

// -----

// expected-error @+1 {{vector_bits = 256 needs the extension "avx2"}}
func.func private @f() attributes {t = #tenon.target<cpu = "x", features = "", vector_bits = 256, registers = 16, l1 = 1, l2 = 1, l3 = 1, extensions = ["fma"]>}

// -----

// expected-error @+1 {{vector_bits = 512 needs the extension "avx512vl"}}
func.func private @f() attributes {t = #tenon.target<cpu = "x", features = "", vector_bits = 512, registers = 32, l1 = 1, l2 = 1, l3 = 1, extensions = ["avx512f", "avx512bw", "avx512dq"]>}

// -----

func.func @f(%n: index) {
  // expected-error @+1 {{attribute 'grain' failed to satisfy constraint: 64-bit signless integer attribute whose value is positive}}
  tenon.dispatch %t of %n grain 0 label "x" {
  }
  return
}
