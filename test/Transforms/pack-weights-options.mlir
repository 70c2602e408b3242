// RUN: tenon-opt %s --tenon-pack-weights="panel-columns=16 bf16-pairs=false" | FileCheck %s
// RUN: tenon-opt %s --tenon-pack-weights | FileCheck %s --check-prefix=DEFAULT
// RUN: not tenon-opt %s --tenon-pack-weights=panel-columns=3 2>&1 | FileCheck %s --check-prefix=ODD

// ODD: error: panel-columns must be positive and even, found 3

// CHECK: tenon.weight @w : tensor<64x64xbf16, #tenon.panel<n = 16, k = 1>>
// DEFAULT: tenon.weight @w : tensor<64x64xbf16, #tenon.panel<n = 32, k = 2>>
module attributes {tenon.target = #tenon.target<cpu = "znver5", features = "", vector_bits = 512, registers = 32, l1 = 49152, l2 = 1048576, l3 = 33554432, extensions = ["ssse3", "avx", "avx2", "fma", "avx512f", "avx512bw", "avx512dq", "avx512vl", "avx512bf16"]>} {
  tenon.weight @w : tensor<64x64xbf16> from [#tenon.source<"w", tensor<64x64xbf16>>]
  // CHECK-LABEL: func.func @f
  // CHECK-NOT: tenon.cast
  // DEFAULT: tenon.cast
  func.func @f(%x: tensor<?x64xf32>) -> tensor<?x64xf32> {
    %w = tenon.weight_ref @w : tensor<64x64xbf16>
    %y = tenon.linear %x, %w : (tensor<?x64xf32>, tensor<64x64xbf16>) -> tensor<?x64xf32>
    return %y : tensor<?x64xf32>
  }
}
