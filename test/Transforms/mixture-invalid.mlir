// RUN: tenon-opt %s --tenon-pack-weights --verify-diagnostics

#target = #tenon.target<cpu = "haswell", features = "", vector_bits = 256, registers = 16, l1 = 32768, l2 = 262144, l3 = 8388608, extensions = ["ssse3", "avx", "avx2", "fma"]>

module attributes {tenon.target = #target} {
  // expected-error @+1 {{experts of layer 1 differ in precision: q4_k and q6_k}}
  tenon.weight @w : tensor<4x64x256x!tenon.mixed<q6_k * 2, q4_k, q6_k>> from [#tenon.source<"w.{i}.{e}", tensor<64x256xf32>>] stacked {tenon.experts = 2 : i64}
  func.func @f(%x: tensor<?x256xf32>, %n: index) -> tensor<?x64xf32> {
    %w = tenon.weight_ref @w[%n] : tensor<64x256x!tenon.mixed<q6_k * 2, q4_k, q6_k>>
    %0 = tenon.linear %x, %w : (tensor<?x256xf32>, tensor<64x256x!tenon.mixed<q6_k * 2, q4_k, q6_k>>) -> tensor<?x64xf32>
    return %0 : tensor<?x64xf32>
  }
}
