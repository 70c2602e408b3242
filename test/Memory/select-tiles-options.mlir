// RUN: tenon-opt %s --tenon-select-tiles="linear-rows=4 decode-panels=2" | FileCheck %s

module attributes {tenon.target = #tenon.target<cpu = "znver5", features = "", vector_bits = 512, registers = 32, l1 = 49152, l2 = 1048576, l3 = 33554432, extensions = ["ssse3", "avx", "avx2", "fma", "avx512f", "avx512bw", "avx512dq", "avx512vl", "avx512bf16"]>} {
  // CHECK-LABEL: func.func @many
  // CHECK: tenon.linear {{.*}}tile = #tenon.tile<rows = 4, columns = 32>
  func.func @many(%x: tensor<?x64xf32>, %w: tensor<256x64xf32, #tenon.panel<n = 32, k = 1>>) -> tensor<?x256xf32> {
    %y = tenon.linear %x, %w : (tensor<?x64xf32>, tensor<256x64xf32, #tenon.panel<n = 32, k = 1>>) -> tensor<?x256xf32>
    return %y : tensor<?x256xf32>
  }
  // CHECK-LABEL: func.func @one
  // CHECK: tenon.linear {{.*}}tile = #tenon.tile<columns = 32, group = 2>
  func.func @one(%x: tensor<1x64xf32>, %w: tensor<256x64xf32, #tenon.panel<n = 32, k = 1>>) -> tensor<1x256xf32> {
    %y = tenon.linear %x, %w : (tensor<1x64xf32>, tensor<256x64xf32, #tenon.panel<n = 32, k = 1>>) -> tensor<1x256xf32>
    return %y : tensor<1x256xf32>
  }
}
