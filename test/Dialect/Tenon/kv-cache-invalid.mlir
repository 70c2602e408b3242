// RUN: tenon-opt %s --split-input-file --verify-diagnostics

// expected-error @+1 {{element type must be f32, f16, i8 or bf16, found 'i16'}}
func.func private @f(!tenon.kv_cache<layers = 1, heads = 4, capacity = 128, head_dim = 8, element = i16>)

// -----

// expected-error @+1 {{head size must be between 1 and 1048576, found 0}}
func.func private @f(memref<1x!tenon.int8_tokens<0>>)

// -----

// expected-error @+1 {{head size must be between 1 and 1048576, found 1048577}}
func.func private @f(memref<1x!tenon.int8_tokens<1048577>>)

// -----

// expected-error @+1 {{expected 'transposed'}}
func.func private @f(memref<1x!tenon.int8_tokens<8, rows>>)

// -----

// Keys and values of int8 differ in their order.
func.func @f(%x: memref<4x?x8xf32>, %k: memref<4x32x!tenon.int8_tokens<8>>, %i: index) {
  // expected-error @+1 {{are no cache blocks}}
  tenon.append_kv %x, %x, %k, %k at %i : memref<4x?x8xf32>, memref<4x?x8xf32>, memref<4x32x!tenon.int8_tokens<8>>, memref<4x32x!tenon.int8_tokens<8>>
  return
}

// -----

// bf16 lies in pairs only.
func.func @f(%x: memref<4x?x8xf32>, %k: memref<4x32x8x16xbf16>, %v: memref<4x512x8xbf16>, %i: index) {
  // expected-error @+1 {{are no cache blocks}}
  tenon.append_kv %x, %x, %k, %v at %i : memref<4x?x8xf32>, memref<4x?x8xf32>, memref<4x32x8x16xbf16>, memref<4x512x8xbf16>
  return
}

// -----

func.func @f(%x: memref<4x?x8xf32>, %k: memref<4x32x8x16xf16>, %v: memref<4x512x8xf32>, %i: index) {
  // expected-error @+1 {{are no cache blocks}}
  tenon.append_kv %x, %x, %k, %v at %i : memref<4x?x8xf32>, memref<4x?x8xf32>, memref<4x32x8x16xf16>, memref<4x512x8xf32>
  return
}

// -----

func.func @f(%x: memref<4x?x8xf32>, %k: memref<4x?x8x16xf16>, %v: memref<4x512x8xf16>, %i: index) {
  // expected-error @+1 {{are no cache blocks}}
  tenon.append_kv %x, %x, %k, %v at %i : memref<4x?x8xf32>, memref<4x?x8xf32>, memref<4x?x8x16xf16>, memref<4x512x8xf16>
  return
}

// -----

func.func @f(%q: memref<8x2x8xf32>, %k: memref<4x32x8x16xf16>, %v: memref<4x512x8xf16>, %p: memref<8x1x32xf32>, %i: index) {
  // expected-error @+1 {{is of one query of each head, found 'memref<8x2x8xf32>'}}
  tenon.partial_attention %q, %k, %v at %i from %i into %p {scale = 1.0 : f32} : memref<8x2x8xf32>, memref<4x32x8x16xf16>, memref<4x512x8xf16>, memref<8x1x32xf32>
  return
}

// -----

func.func @f(%q: memref<8x1x8xf32>, %k: memref<4x32x8x16xf16>, %v: memref<4x512x8xf16>, %p: memref<8x1x16xf32>, %i: index) {
  // expected-error @+1 {{partials 'memref<8x1x16xf32>' do not fit 'memref<8x1x8xf32>'}}
  tenon.partial_attention %q, %k, %v at %i from %i into %p {scale = 1.0 : f32} : memref<8x1x8xf32>, memref<4x32x8x16xf16>, memref<4x512x8xf16>, memref<8x1x16xf32>
  return
}

// -----

func.func @f(%q: memref<8x1x9xf32>, %k: memref<4x32x8x16xf16>, %v: memref<4x512x8xf16>, %p: memref<8x1x32xf32>, %i: index) {
  // expected-error @+1 {{query 'memref<8x1x9xf32>' does not fit keys}}
  tenon.partial_attention %q, %k, %v at %i from %i into %p {scale = 1.0 : f32} : memref<8x1x9xf32>, memref<4x32x8x16xf16>, memref<4x512x8xf16>, memref<8x1x32xf32>
  return
}

// -----

func.func @f(%o: memref<8x1x8xf32>, %p: memref<4x1x32xf32>, %i: index) {
  // expected-error @+1 {{partials 'memref<4x1x32xf32>' do not fit 'memref<8x1x8xf32>'}}
  tenon.combine_attention %p at %i into %o : memref<4x1x32xf32>, memref<8x1x8xf32>
  return
}

// -----

func.func @f(%o: memref<8x1x8xf32>, %p: memref<8x1x32xf32>, %i: index) {
  // expected-error @+1 {{window must be positive, found 0}}
  tenon.combine_attention %p at %i into %o {window = 0 : i64} : memref<8x1x32xf32>, memref<8x1x8xf32>
  return
}

// -----

// expected-error @+1 {{value_size is left out where it is head_dim}}
func.func private @f(!tenon.kv_cache<layers = 2, heads = 4, capacity = 512, head_dim = 24, element = f16, value_size = 24>)

// -----

// expected-error @+1 {{sizes of a cache must be positive}}
func.func private @f(!tenon.kv_cache<layers = 2, heads = 4, capacity = 512, head_dim = 24, element = f16, value_size = -1>)

// -----

func.func @f(%k: memref<4x?x24xf32>, %keys: memref<4x32x24x16xf16>, %values: memref<4x512x16xf16>, %pos: index) {
  // expected-error @+1 {{'memref<4x?x24xf32>' does not fit blocks 'memref<4x512x16xf16>'}}
  tenon.append_kv %k, %k, %keys, %values at %pos : memref<4x?x24xf32>, memref<4x?x24xf32>, memref<4x32x24x16xf16>, memref<4x512x16xf16>
  return
}

// -----

// A ring has room for all keys that a query sees.
func.func @f(%q: tensor<4x?x8xf32>, %c: !tenon.kv_cache<layers = 1, heads = 4, capacity = 128, head_dim = 8, element = f32, ring = true>, %i: index) {
  // expected-error @+1 {{must be causal, with a window that fits it}}
  %0 = tenon.cached_attention %q, %c[%i] at %i {causal, scale = 1.0 : f32, window = 129 : i64} : (tensor<4x?x8xf32>, !tenon.kv_cache<layers = 1, heads = 4, capacity = 128, head_dim = 8, element = f32, ring = true>) -> tensor<4x?x8xf32>
  return
}

// -----

func.func @f(%q: tensor<4x?x8xf32>, %c: !tenon.kv_cache<layers = 1, heads = 4, capacity = 128, head_dim = 8, element = f32, ring = true>, %i: index) {
  // expected-error @+1 {{must be causal, with a window that fits it}}
  %0 = tenon.cached_attention %q, %c[%i] at %i {causal, scale = 1.0 : f32} : (tensor<4x?x8xf32>, !tenon.kv_cache<layers = 1, heads = 4, capacity = 128, head_dim = 8, element = f32, ring = true>) -> tensor<4x?x8xf32>
  return
}

// -----

func.func @f(%q: memref<4x?x8xf32>, %keys: memref<4x8x8x16xf32>, %values: memref<4x128x8xf32>, %i: index) {
  // expected-error @+1 {{on a ring of 128 keys needs a window within it, found 129}}
  tenon.block_attention %q, %keys, %values at %i length %i into %q {causal, ring, scale = 0.2 : f32, window = 129 : i64} : memref<4x?x8xf32>, memref<4x8x8x16xf32>, memref<4x128x8xf32>, memref<4x?x8xf32>
  return
}

// -----

func.func @f(%q: memref<4x1x8xf32>, %keys: memref<4x8x8x16xf32>, %values: memref<4x128x8xf32>, %parts: memref<4x2x32xf32>, %i: index) {
  // expected-error @+1 {{on a ring of 128 keys needs a window within it}}
  tenon.partial_attention %q, %keys, %values at %i from %i into %parts {ring, scale = 0.2 : f32} : memref<4x1x8xf32>, memref<4x8x8x16xf32>, memref<4x128x8xf32>, memref<4x2x32xf32>
  return
}

// -----

func.func @f(%q: memref<4x1x8xf32>, %parts: memref<4x2x32xf32>, %i: index) {
  // expected-error @+1 {{of a ring needs the window}}
  tenon.combine_attention %parts at %i into %q {ring} : memref<4x2x32xf32>, memref<4x1x8xf32>
  return
}
