// RUN: tenon-opt %s | tenon-opt | FileCheck %s

// The precisions of a cache, and what lies in memory for each.

// CHECK: func.func private @caches(!tenon.kv_cache<layers = 2, heads = 4, capacity = 512, head_dim = 64, element = f16>, !tenon.kv_cache<layers = 2, heads = 4, capacity = 512, head_dim = 64, element = i8>, !tenon.kv_cache<layers = 2, heads = 4, capacity = 512, head_dim = 63, element = bf16>)
func.func private @caches(!tenon.kv_cache<layers = 2, heads = 4, capacity = 512, head_dim = 64, element = f16>,
    !tenon.kv_cache<layers = 2, heads = 4, capacity = 512, head_dim = 64, element = i8>,
    !tenon.kv_cache<layers = 2, heads = 4, capacity = 512, head_dim = 63, element = bf16>)

// CHECK-LABEL: func.func @append
func.func @append(%x: memref<4x?x63xf32>, %pos: index,
    %k16: memref<4x32x63x16xf16>, %v16: memref<4x512x63xf16>,
    %k8: memref<4x32x!tenon.int8_tokens<63, transposed>>, %v8: memref<4x32x!tenon.int8_tokens<63>>,
    %kp: memref<4x32x32x16x2xbf16>, %vp: memref<4x256x63x2xbf16>) {
  // CHECK: tenon.append_kv {{.*}} memref<4x32x63x16xf16>, memref<4x512x63xf16>
  tenon.append_kv %x, %x, %k16, %v16 at %pos : memref<4x?x63xf32>, memref<4x?x63xf32>, memref<4x32x63x16xf16>, memref<4x512x63xf16>
  // CHECK: tenon.append_kv {{.*}} memref<4x32x!tenon.int8_tokens<63, transposed>>, memref<4x32x!tenon.int8_tokens<63>>
  tenon.append_kv %x, %x, %k8, %v8 at %pos : memref<4x?x63xf32>, memref<4x?x63xf32>, memref<4x32x!tenon.int8_tokens<63, transposed>>, memref<4x32x!tenon.int8_tokens<63>>
  // CHECK: tenon.append_kv {{.*}} memref<4x32x32x16x2xbf16>, memref<4x256x63x2xbf16>
  tenon.append_kv %x, %x, %kp, %vp at %pos : memref<4x?x63xf32>, memref<4x?x63xf32>, memref<4x32x32x16x2xbf16>, memref<4x256x63x2xbf16>
  // CHECK: tenon.element_bytes %{{.*}} : memref<4x32x!tenon.int8_tokens<63>> -> memref<4x32x1072xi8>
  %b = tenon.element_bytes %v8 : memref<4x32x!tenon.int8_tokens<63>> -> memref<4x32x1072xi8>
  return
}

// CHECK-LABEL: func.func @split
func.func @split(%q: memref<8x1x63xf32>, %pos: index, %keys: memref<4x128x63x16xf16>, %values: memref<4x2048x63xf16>, %parts: memref<8x4x80xf32>) {
  %c0 = arith.constant 0 : index
  // CHECK: tenon.partial_attention %{{.*}}, %{{.*}}, %{{.*}} at %{{.*}} from %{{.*}} into %{{.*}} {scale = 3.500000e-01 : f32, window = 600 : i64} : memref<8x1x63xf32>, memref<4x128x63x16xf16>, memref<4x2048x63xf16>, memref<8x4x80xf32>
  tenon.partial_attention %q, %keys, %values at %pos from %c0 into %parts {scale = 0.35 : f32, window = 600 : i64} : memref<8x1x63xf32>, memref<4x128x63x16xf16>, memref<4x2048x63xf16>, memref<8x4x80xf32>
  // CHECK: tenon.combine_attention %{{.*}} at %{{.*}} into %{{.*}} {window = 600 : i64} : memref<8x4x80xf32>, memref<8x1x63xf32>
  tenon.combine_attention %parts at %pos into %q {window = 600 : i64} : memref<8x4x80xf32>, memref<8x1x63xf32>
  return
}

// A ring of the last tokens.
// CHECK: func.func private @ring(!tenon.kv_cache<layers = 2, heads = 4, capacity = 256, head_dim = 8, element = f16, ring = true>)
func.func private @ring(!tenon.kv_cache<layers = 2, heads = 4, capacity = 256, head_dim = 8, element = f16, ring = true>)

// CHECK-LABEL: func @in_ring
func.func @in_ring(%q: memref<4x1x8xf32>, %pos: index, %keys: memref<4x16x8x16xf16>, %values: memref<4x256x8xf16>, %parts: memref<4x2x32xf32>) {
  %c0 = arith.constant 0 : index
  // CHECK: tenon.append_kv {{.*}} {ring} :
  tenon.append_kv %q, %q, %keys, %values at %pos {ring} : memref<4x1x8xf32>, memref<4x1x8xf32>, memref<4x16x8x16xf16>, memref<4x256x8xf16>
  // CHECK: tenon.block_attention {{.*}} {causal, ring, scale
  tenon.block_attention %q, %keys, %values at %pos length %pos into %q {causal, ring, scale = 0.2 : f32, window = 256 : i64} : memref<4x1x8xf32>, memref<4x16x8x16xf16>, memref<4x256x8xf16>, memref<4x1x8xf32>
  // CHECK: tenon.partial_attention {{.*}} {ring, scale
  tenon.partial_attention %q, %keys, %values at %pos from %c0 into %parts {ring, scale = 0.2 : f32, window = 200 : i64} : memref<4x1x8xf32>, memref<4x16x8x16xf16>, memref<4x256x8xf16>, memref<4x2x32xf32>
  // CHECK: tenon.combine_attention {{.*}} {ring, window
  tenon.combine_attention %parts at %pos into %q {ring, window = 200 : i64} : memref<4x2x32xf32>, memref<4x1x8xf32>
  return
}

// Values of another width than keys.
// CHECK: func.func private @latent(!tenon.kv_cache<layers = 2, heads = 4, capacity = 512, head_dim = 24, element = f16, value_size = 16>)
func.func private @latent(!tenon.kv_cache<layers = 2, heads = 4, capacity = 512, head_dim = 24, element = f16, value_size = 16>)

// CHECK-LABEL: func @widths
func.func @widths(%q: memref<8x?x24xf32>, %k: memref<4x?x24xf32>, %v: memref<4x?x16xf32>, %o: memref<8x?x16xf32>, %keys: memref<4x32x24x16xf16>, %values: memref<4x512x16xf16>, %pos: index) {
  // CHECK: tenon.append_kv {{.*}} : memref<4x?x24xf32>, memref<4x?x16xf32>, memref<4x32x24x16xf16>, memref<4x512x16xf16>
  tenon.append_kv %k, %v, %keys, %values at %pos : memref<4x?x24xf32>, memref<4x?x16xf32>, memref<4x32x24x16xf16>, memref<4x512x16xf16>
  // CHECK: tenon.block_attention {{.*}} memref<8x?x16xf32>
  tenon.block_attention %q, %keys, %values at %pos length %pos into %o {causal, scale = 0.2 : f32} : memref<8x?x24xf32>, memref<4x32x24x16xf16>, memref<4x512x16xf16>, memref<8x?x16xf32>
  return
}
