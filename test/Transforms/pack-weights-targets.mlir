// RUN: tenon-opt %s --tenon-pack-weights --split-input-file | FileCheck %s

// One of several targets multiplies bf16: pairs for all, inputs in bf16 for that one only.

#v3 = #tenon.target<cpu = "x86-64-v3", features = "", vector_bits = 256, registers = 16, l1 = 32768, l2 = 262144, l3 = 8388608, extensions = ["ssse3", "avx", "avx2", "fma"]>
#zen = #tenon.target<cpu = "znver5", features = "", vector_bits = 512, registers = 32, l1 = 49152, l2 = 1048576, l3 = 33554432, extensions = ["ssse3", "avx", "avx2", "fma", "avx512f", "avx512bw", "avx512dq", "avx512vl", "avx512bf16"]>

// CHECK-LABEL: module @narrow
module @narrow attributes {tenon.target = #v3, tenon.targets = [#zen, #v3]} {
  // CHECK: tenon.weight @w : tensor<64x64xbf16, #tenon.panel<n = 32, k = 2>>
  tenon.weight @w : tensor<64x64xbf16> from [#tenon.source<"w", tensor<64x64xbf16>>]
  func.func @f(%x: tensor<?x64xf32>) -> tensor<?x64xf32> {
    // CHECK-NOT: tenon.cast
    // CHECK: tenon.linear %arg0, %{{.*}} : (tensor<?x64xf32>, tensor<64x64xbf16, #tenon.panel<n = 32, k = 2>>) -> tensor<?x64xf32>
    %w = tenon.weight_ref @w : tensor<64x64xbf16>
    %y = tenon.linear %x, %w : (tensor<?x64xf32>, tensor<64x64xbf16>) -> tensor<?x64xf32>
    return %y : tensor<?x64xf32>
  }
}

// -----

#v3 = #tenon.target<cpu = "x86-64-v3", features = "", vector_bits = 256, registers = 16, l1 = 32768, l2 = 262144, l3 = 8388608, extensions = ["ssse3", "avx", "avx2", "fma"]>

// CHECK-LABEL: module @alone
module @alone attributes {tenon.target = #v3, tenon.targets = [#v3]} {
  // CHECK: tenon.weight @w : tensor<64x64xbf16, #tenon.panel<n = 32, k = 1>>
  tenon.weight @w : tensor<64x64xbf16> from [#tenon.source<"w", tensor<64x64xbf16>>]
  func.func @f(%x: tensor<?x64xf32>) -> tensor<?x64xf32> {
    %w = tenon.weight_ref @w : tensor<64x64xbf16>
    %y = tenon.linear %x, %w : (tensor<?x64xf32>, tensor<64x64xbf16>) -> tensor<?x64xf32>
    return %y : tensor<?x64xf32>
  }
}
