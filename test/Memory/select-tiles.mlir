// RUN: split-file %s %t
// RUN: sed -f %t/avx512.sed %t/model.mlir | tenon-opt --tenon-select-tiles | FileCheck %s --check-prefixes=CHECK,AVX512
// RUN: sed -f %t/avx2.sed %t/model.mlir | tenon-opt --tenon-select-tiles | FileCheck %s --check-prefixes=CHECK,AVX2
// RUN: sed -f %t/sse.sed %t/model.mlir | tenon-opt --tenon-select-tiles | FileCheck %s --check-prefixes=CHECK,SSE
// RUN: tenon-opt %t/no-target.mlir --tenon-select-tiles -verify-diagnostics

// CHECK-LABEL: func @many
// CHECK: tenon.rms_norm {{.*}}tile = #tenon.tile<group = 16>
// AVX512: tenon.linear {{.*}}tile = #tenon.tile<rows = 8, columns = 32>
// AVX2: tenon.linear {{.*}}tile = #tenon.tile<rows = 6, columns = 16>
// SSE: tenon.linear {{.*}}tile = #tenon.tile<rows = 4, columns = 8>

// A tile that is there is kept.
// CHECK: tenon.linear {{.*}}tile = #tenon.tile<rows = 2, columns = 32, group = 3>

// Two vectors of queries, blocks of 128 keys; heads count for the row size.
// CHECK: tenon.rope {{.*}}tile = #tenon.tile<group = 32>
// AVX512: tenon.attention {{.*}}tile = #tenon.tile<rows = 32, columns = 128>
// AVX2: tenon.attention {{.*}}tile = #tenon.tile<rows = 16, columns = 128>
// SSE: tenon.attention {{.*}}tile = #tenon.tile<rows = 8, columns = 128>

// Panels of 16 KiB pass together, as long as there are tasks enough; of those
// of 512 KiB not even two fit the second-level cache.
// CHECK-LABEL: func @wide
// CHECK: tenon.linear {{.*}}tile = #tenon.tile<rows = {{[0-9]}}, columns = {{[0-9]+}}, group = 4>
// CHECK: tenon.linear {{.*}}tile = #tenon.tile<rows = {{[0-9]}}, columns = {{[0-9]+}}, group = 2>
// CHECK: tenon.linear {{.*}}tile = #tenon.tile<rows = {{[0-9]}}, columns = {{[0-9]+}}>

// Products that no fusion took: eight sums; heads count for the row size.
// CHECK-LABEL: func @product
// CHECK: tenon.matmul {{.*}}tile = #tenon.tile<rows = 4, columns = 2, group = {{[0-9]+}}>

// CHECK-LABEL: func @one
// CHECK: tenon.rms_norm {{.*}}tile = #tenon.tile<>
// AVX512: tenon.linear {{.*}}tile = #tenon.tile<columns = 32, group = 4>
// AVX2: tenon.linear {{.*}}tile = #tenon.tile<columns = 16, group = 4>
// SSE: tenon.linear {{.*}}tile = #tenon.tile<columns = 8, group = 4>
// Two panels are all there are.
// CHECK: tenon.linear {{.*}}tile = #tenon.tile<columns = {{[0-9]+}}, group = 2>
// CHECK: tenon.cached_attention {{.*}}tile = #tenon.tile<columns = 128>

//--- avx512.sed
s/TARGET/#tenon.target<cpu = "znver5", features = "", vector_bits = 512, registers = 32, l1 = 49152, l2 = 1048576, l3 = 33554432, extensions = ["ssse3", "avx", "avx2", "fma", "avx512f", "avx512bw", "avx512dq", "avx512vl", "avx512bf16"]>/

//--- avx2.sed
s/TARGET/#tenon.target<cpu = "haswell", features = "", vector_bits = 256, registers = 16, l1 = 32768, l2 = 262144, l3 = 8388608, extensions = ["ssse3", "avx", "avx2", "fma"]>/

//--- sse.sed
s/TARGET/#tenon.target<cpu = "nehalem", features = "", vector_bits = 128, registers = 16, l1 = 32768, l2 = 262144, l3 = 8388608>/

//--- model.mlir
!w = tensor<256x128xf32, #tenon.panel<n = 32, k = 1>>
!two = tensor<64x128xf32, #tenon.panel<n = 32, k = 1>>
!cache = !tenon.kv_cache<layers = 1, heads = 4, capacity = 128, head_dim = 8, element = f32>
module attributes {tenon.target = TARGET} {
  func.func @many(%x: tensor<?x128xf32>, %g: tensor<128xf32>, %w: !w, %q: tensor<8x?x8xf32>, %t: tensor<64x8xf32>) -> tensor<8x?x8xf32> {
    %0 = tenon.rms_norm %x, %g {eps = 1.0e-5 : f32} : (tensor<?x128xf32>, tensor<128xf32>) -> tensor<?x128xf32>
    %1 = tenon.linear %0, %w : (tensor<?x128xf32>, !w) -> tensor<?x256xf32>
    %2 = tenon.linear %0, %w {tile = #tenon.tile<rows = 2, columns = 32, group = 3>} : (tensor<?x128xf32>, !w) -> tensor<?x256xf32>
    %3 = tenon.rope %q, %t : (tensor<8x?x8xf32>, tensor<64x8xf32>) -> tensor<8x?x8xf32>
    %4 = tenon.attention %3, %3, %3 {scale = 1.0 : f32} : (tensor<8x?x8xf32>, tensor<8x?x8xf32>, tensor<8x?x8xf32>) -> tensor<8x?x8xf32>
    return %4 : tensor<8x?x8xf32>
  }
  func.func @wide(%x: tensor<?x128xf32>, %y: tensor<?x4096xf32>, %w: tensor<2048x128xf32, #tenon.panel<n = 32, k = 1>>, %n: tensor<512x128xf32, #tenon.panel<n = 32, k = 1>>, %d: tensor<2048x4096xf32, #tenon.panel<n = 32, k = 1>>) {
    %0 = tenon.linear %x, %w : (tensor<?x128xf32>, tensor<2048x128xf32, #tenon.panel<n = 32, k = 1>>) -> tensor<?x2048xf32>
    %1 = tenon.linear %x, %n : (tensor<?x128xf32>, tensor<512x128xf32, #tenon.panel<n = 32, k = 1>>) -> tensor<?x512xf32>
    %2 = tenon.linear %y, %d : (tensor<?x4096xf32>, tensor<2048x4096xf32, #tenon.panel<n = 32, k = 1>>) -> tensor<?x2048xf32>
    return
  }
  func.func @product(%q: tensor<8x?x8xf32>, %k: tensor<8x8x16xf32>) -> tensor<8x?x16xf32> {
    %0 = tenon.matmul %q, %k : (tensor<8x?x8xf32>, tensor<8x8x16xf32>) -> tensor<8x?x16xf32>
    return %0 : tensor<8x?x16xf32>
  }
  func.func @one(%x: tensor<1x128xf32>, %g: tensor<128xf32>, %w: !w, %two: !two, %q: tensor<8x1x8xf32>, %c: !cache, %i: index) -> tensor<8x1x8xf32> {
    %0 = tenon.rms_norm %x, %g {eps = 1.0e-5 : f32} : (tensor<1x128xf32>, tensor<128xf32>) -> tensor<1x128xf32>
    %1 = tenon.linear %0, %w : (tensor<1x128xf32>, !w) -> tensor<1x256xf32>
    %2 = tenon.linear %0, %two : (tensor<1x128xf32>, !two) -> tensor<1x64xf32>
    %3 = tenon.cached_attention %q, %c[%i] at %i {causal, scale = 1.0 : f32} : (tensor<8x1x8xf32>, !cache) -> tensor<8x1x8xf32>
    return %3 : tensor<8x1x8xf32>
  }
}

//--- no-target.mlir
// expected-error @+1 {{needs the module attribute 'tenon.target' to choose tiles for}}
module {
}
