// RUN: tenon-opt %s --tenon-pack-weights --split-input-file | FileCheck %s
// RUN: tenon-opt %s --tenon-pack-weights --split-input-file --tenon-statistics 2>&1 -o /dev/null | FileCheck %s --check-prefix=STATS

// STATS: tenon-pack-weights: 1 gated
// STATS: tenon-pack-weights: 7 quantized -
// STATS: tenon-pack-weights: 4 quantized-folded
// STATS: tenon-pack-weights: 1 shared

#target = #tenon.target<cpu = "haswell", features = "", vector_bits = 256, registers = 16, l1 = 32768, l2 = 262144, l3 = 8388608, extensions = ["ssse3", "avx", "avx2", "fma"]>

// Panels of superblocks: 64 or 256 elements along K.

// CHECK-LABEL: module @panels
module @panels attributes {tenon.target = #target, tenon.activations = "int8"} {
  // CHECK: tenon.weight @a : tensor<5x128x96x!tenon.block<q4_0>, #tenon.panel<n = 32, k = 64>> from [{{.*}}] stacked
  // CHECK: tenon.weight @b : tensor<100x512x!tenon.block<q6_k>, #tenon.panel<n = 32, k = 256>>
  // CHECK: tenon.weight @c : tensor<37x33x!tenon.block<q8_0>, #tenon.panel<n = 32, k = 64>>
  // CHECK: tenon.weight @table : tensor<300x256x!tenon.block<q2_k>, #tenon.panel<n = 32, k = 256>>
  tenon.weight @a : tensor<5x128x96x!tenon.block<q4_0>> from [#tenon.source<"a.{i}", tensor<128x96x!tenon.block<q4_0>>>] stacked
  tenon.weight @b : tensor<100x512x!tenon.block<q6_k>> from [#tenon.source<"b", tensor<100x512x!tenon.block<q6_k>>>]
  tenon.weight @c : tensor<37x33x!tenon.block<q8_0>> from [#tenon.source<"c", tensor<37x33xf32>>]
  // Only embedded: packed all the same, as blocks lie nowhere else.
  tenon.weight @table : tensor<300x256x!tenon.block<q2_k>> from [#tenon.source<"t", tensor<300x256x!tenon.block<q2_k>>>]
  // CHECK-LABEL: func @f
  func.func @f(%ids: tensor<?xi32>, %x: tensor<?x96xf32>, %y: tensor<?x512xf32>, %z: tensor<?x33xf32>, %i: index)
      -> (tensor<?x128xf32>, tensor<?x100xf32>, tensor<?x37xf32>, tensor<?x256xf32>) {
    // One int8 group more than the rows have: whole superblocks.
    // CHECK: %[[Z:.*]] = tenon.quantize %{{.*}} : (tensor<?x33xf32>) -> tensor<?x2x!tenon.int8_group>
    // CHECK: %[[Y:.*]] = tenon.quantize %{{.*}} : (tensor<?x512xf32>) -> tensor<?x16x!tenon.int8_group>
    // CHECK: %[[X:.*]] = tenon.quantize %{{.*}} : (tensor<?x96xf32>) -> tensor<?x4x!tenon.int8_group>
    %a = tenon.weight_ref @a[%i] : tensor<128x96x!tenon.block<q4_0>>
    %b = tenon.weight_ref @b : tensor<100x512x!tenon.block<q6_k>>
    %c = tenon.weight_ref @c : tensor<37x33x!tenon.block<q8_0>>
    %t = tenon.weight_ref @table : tensor<300x256x!tenon.block<q2_k>>
    // CHECK: tenon.linear %[[X]], %{{.*}} : (tensor<?x4x!tenon.int8_group>, tensor<128x96x!tenon.block<q4_0>, #tenon.panel<n = 32, k = 64>>) -> tensor<?x128xf32>
    // CHECK: tenon.linear %[[Y]], {{.*}} -> tensor<?x100xf32>
    // CHECK: tenon.linear %[[Z]], {{.*}} -> tensor<?x37xf32>
    %0 = tenon.linear %x, %a : (tensor<?x96xf32>, tensor<128x96x!tenon.block<q4_0>>) -> tensor<?x128xf32>
    %1 = tenon.linear %y, %b : (tensor<?x512xf32>, tensor<100x512x!tenon.block<q6_k>>) -> tensor<?x100xf32>
    %2 = tenon.linear %z, %c : (tensor<?x33xf32>, tensor<37x33x!tenon.block<q8_0>>) -> tensor<?x37xf32>
    // CHECK: tenon.embedding {{.*}} : (tensor<?xi32>, tensor<300x256x!tenon.block<q2_k>, #tenon.panel<n = 32, k = 256>>) -> tensor<?x256xf32>
    %3 = tenon.embedding %ids, %t : (tensor<?xi32>, tensor<300x256x!tenon.block<q2_k>>) -> tensor<?x256xf32>
    return %0, %1, %2, %3 : tensor<?x128xf32>, tensor<?x100xf32>, tensor<?x37xf32>, tensor<?x256xf32>
  }
}

// -----

#target = #tenon.target<cpu = "haswell", features = "", vector_bits = 256, registers = 16, l1 = 32768, l2 = 262144, l3 = 8388608, extensions = ["ssse3", "avx", "avx2", "fma"]>

// Once for each input, and in the norm itself where nothing else reads it.

// CHECK-LABEL: module @inputs
module @inputs attributes {tenon.target = #target, tenon.activations = "int8"} {
  tenon.weight @n : tensor<64xf32> from [#tenon.source<"n", tensor<64xf32>>]
  tenon.weight @a : tensor<64x64x!tenon.block<q4_0>> from [#tenon.source<"a", tensor<64x64x!tenon.block<q4_0>>>]
  tenon.weight @b : tensor<64x64x!tenon.block<q8_0>> from [#tenon.source<"b", tensor<64x64x!tenon.block<q8_0>>>]
  tenon.weight @c : tensor<64x64x!tenon.block<iq4_nl>> from [#tenon.source<"c", tensor<64x64x!tenon.block<iq4_nl>>>]
  // CHECK-LABEL: func @folded
  // CHECK-NOT: tenon.quantize
  // CHECK: %[[H:.*]] = tenon.rms_norm {{.*}} : (tensor<?x64xf32>, tensor<64xf32>) -> tensor<?x2x!tenon.int8_group>
  // CHECK-NOT: tenon.quantize
  // CHECK: tenon.linear %[[H]], {{.*}}!tenon.block<q4_0>
  // CHECK: tenon.linear %[[H]], {{.*}}!tenon.block<q8_0>
  // CHECK: %[[L:.*]] = tenon.layer_norm {{.*}} -> tensor<?x2x!tenon.int8_group>
  // CHECK: tenon.linear %[[L]], {{.*}}!tenon.block<iq4_nl>
  // CHECK-NOT: tenon.quantize
  // CHECK: return
  func.func @folded(%x: tensor<?x64xf32>) -> (tensor<?x64xf32>, tensor<?x64xf32>, tensor<?x64xf32>) {
    %n = tenon.weight_ref @n : tensor<64xf32>
    %a = tenon.weight_ref @a : tensor<64x64x!tenon.block<q4_0>>
    %b = tenon.weight_ref @b : tensor<64x64x!tenon.block<q8_0>>
    %c = tenon.weight_ref @c : tensor<64x64x!tenon.block<iq4_nl>>
    %h = tenon.rms_norm %x, %n {eps = 1.0e-5 : f32} : (tensor<?x64xf32>, tensor<64xf32>) -> tensor<?x64xf32>
    %0 = tenon.linear %h, %a : (tensor<?x64xf32>, tensor<64x64x!tenon.block<q4_0>>) -> tensor<?x64xf32>
    %1 = tenon.linear %h, %b : (tensor<?x64xf32>, tensor<64x64x!tenon.block<q8_0>>) -> tensor<?x64xf32>
    %l = tenon.layer_norm %x, %n {eps = 1.0e-5 : f32} : (tensor<?x64xf32>, tensor<64xf32>) -> tensor<?x64xf32>
    %2 = tenon.linear %l, %c : (tensor<?x64xf32>, tensor<64x64x!tenon.block<iq4_nl>>) -> tensor<?x64xf32>
    return %0, %1, %2 : tensor<?x64xf32>, tensor<?x64xf32>, tensor<?x64xf32>
  }

  // The residual reads the norm in f32: one operation of its own, for two linears.
  // CHECK-LABEL: func @residual
  // CHECK: %[[H:.*]] = tenon.rms_norm {{.*}} -> tensor<?x64xf32>
  // CHECK: %[[Q:.*]] = tenon.quantize %[[H]]
  // CHECK-NOT: tenon.quantize
  // CHECK: tenon.linear %[[Q]], {{.*}}!tenon.block<q4_0>
  // CHECK: tenon.linear %[[Q]], %{{.*}} residual(%[[H]])
  func.func @residual(%x: tensor<?x64xf32>) -> (tensor<?x64xf32>, tensor<?x64xf32>) {
    %n = tenon.weight_ref @n : tensor<64xf32>
    %a = tenon.weight_ref @a : tensor<64x64x!tenon.block<q4_0>>
    %b = tenon.weight_ref @b : tensor<64x64x!tenon.block<q8_0>>
    %h = tenon.rms_norm %x, %n {eps = 1.0e-5 : f32} : (tensor<?x64xf32>, tensor<64xf32>) -> tensor<?x64xf32>
    %0 = tenon.linear %h, %a : (tensor<?x64xf32>, tensor<64x64x!tenon.block<q4_0>>) -> tensor<?x64xf32>
    %1 = tenon.linear %h, %b residual(%h) : (tensor<?x64xf32>, tensor<64x64x!tenon.block<q8_0>>, tensor<?x64xf32>) -> tensor<?x64xf32>
    return %0, %1 : tensor<?x64xf32>, tensor<?x64xf32>
  }
}

// -----

#target = #tenon.target<cpu = "znver5", features = "", vector_bits = 512, registers = 32, l1 = 49152, l2 = 1048576, l3 = 33554432, extensions = ["ssse3", "avx", "avx2", "fma", "avx512f", "avx512bw", "avx512dq", "avx512vl", "avx512vnni", "avx512bf16"]>

// A norm that writes int8 groups serves formats of both block sizes.

// CHECK-LABEL: module @forms
module @forms attributes {tenon.target = #target, tenon.activations = "int8"} {
  tenon.weight @n : tensor<256xf32> from [#tenon.source<"n", tensor<256xf32>>]
  tenon.weight @a : tensor<64x256x!tenon.block<q4_0>> from [#tenon.source<"a", tensor<64x256x!tenon.block<q4_0>>>]
  tenon.weight @k : tensor<64x256x!tenon.block<q4_k>> from [#tenon.source<"k", tensor<64x256x!tenon.block<q4_k>>>]
  tenon.weight @f : tensor<64x256xf32> from [#tenon.source<"f", tensor<64x256xf32>>]
  // Both formats take eight groups of rows of 256.
  // CHECK-LABEL: func @same
  // CHECK: %[[H:.*]] = tenon.rms_norm {{.*}} -> tensor<?x8x!tenon.int8_group>
  // CHECK: tenon.linear %[[H]]
  // CHECK: tenon.linear %[[H]]
  func.func @same(%x: tensor<?x256xf32>) -> (tensor<?x64xf32>, tensor<?x64xf32>) {
    %n = tenon.weight_ref @n : tensor<256xf32>
    %a = tenon.weight_ref @a : tensor<64x256x!tenon.block<q4_0>>
    %k = tenon.weight_ref @k : tensor<64x256x!tenon.block<q4_k>>
    %h = tenon.rms_norm %x, %n {eps = 1.0e-5 : f32} : (tensor<?x256xf32>, tensor<256xf32>) -> tensor<?x256xf32>
    %0 = tenon.linear %h, %a : (tensor<?x256xf32>, tensor<64x256x!tenon.block<q4_0>>) -> tensor<?x64xf32>
    %1 = tenon.linear %h, %k : (tensor<?x256xf32>, tensor<64x256x!tenon.block<q4_k>>) -> tensor<?x64xf32>
    return %0, %1 : tensor<?x64xf32>, tensor<?x64xf32>
  }
  // A linear on f32 weights reads the norm too.
  // CHECK-LABEL: func @both
  // CHECK: %[[H:.*]] = tenon.rms_norm {{.*}} -> tensor<?x256xf32>
  // CHECK: %[[Q:.*]] = tenon.quantize %[[H]]
  // CHECK: tenon.linear %[[Q]], {{.*}}!tenon.block<q4_k>
  // CHECK: tenon.linear %[[H]], {{.*}}tensor<64x256xf32, #tenon.panel<n = 32, k = 1>>
  func.func @both(%x: tensor<?x256xf32>) -> (tensor<?x64xf32>, tensor<?x64xf32>) {
    %n = tenon.weight_ref @n : tensor<256xf32>
    %k = tenon.weight_ref @k : tensor<64x256x!tenon.block<q4_k>>
    %f = tenon.weight_ref @f : tensor<64x256xf32>
    %h = tenon.rms_norm %x, %n {eps = 1.0e-5 : f32} : (tensor<?x256xf32>, tensor<256xf32>) -> tensor<?x256xf32>
    %0 = tenon.linear %h, %k : (tensor<?x256xf32>, tensor<64x256x!tenon.block<q4_k>>) -> tensor<?x64xf32>
    %1 = tenon.linear %h, %f : (tensor<?x256xf32>, tensor<64x256xf32>) -> tensor<?x64xf32>
    return %0, %1 : tensor<?x64xf32>, tensor<?x64xf32>
  }
}

// -----

#target = #tenon.target<cpu = "haswell", features = "", vector_bits = 256, registers = 16, l1 = 32768, l2 = 262144, l3 = 8388608, extensions = ["ssse3", "avx", "avx2", "fma"]>

// Gate and up interleaved; a table that is embedding and head is one weight.

// CHECK-LABEL: module @network
module @network attributes {tenon.target = #target, tenon.activations = "int8"} {
  // CHECK-DAG: tenon.weight @g.u : tensor<344x64x!tenon.block<q4_0>, #tenon.panel<n = 32, k = 64, interleave = 2>> from [#tenon.source<"g", {{.*}}>, #tenon.source<"u", {{.*}}>]
  // CHECK-DAG: tenon.weight @d : tensor<64x172x!tenon.block<q4_0>, #tenon.panel<n = 32, k = 64>>
  // CHECK-DAG: tenon.weight @tied : tensor<512x64x!tenon.block<q8_0>, #tenon.panel<n = 32, k = 64>>
  tenon.weight @g : tensor<172x64x!tenon.block<q4_0>> from [#tenon.source<"g", tensor<172x64xf32>>]
  tenon.weight @u : tensor<172x64x!tenon.block<q4_0>> from [#tenon.source<"u", tensor<172x64xf32>>]
  tenon.weight @d : tensor<64x172x!tenon.block<q4_0>> from [#tenon.source<"d", tensor<64x172xf32>>]
  tenon.weight @tied : tensor<512x64x!tenon.block<q8_0>> from [#tenon.source<"e", tensor<512x64xf32>>]
  tenon.weight @n : tensor<64xf32> from [#tenon.source<"n", tensor<64xf32>>]
  // CHECK-LABEL: func @f
  func.func @f(%ids: tensor<?xi32>) -> tensor<?x512xf32> {
    // CHECK: %[[X:.*]] = tenon.embedding {{.*}} -> tensor<?x64xf32>
    // CHECK: %[[H:.*]] = tenon.rms_norm {{.*}} -> tensor<?x2x!tenon.int8_group>
    // CHECK: %[[U:.*]] = tenon.linear %[[H]], {{.*}}gated{{.*}} -> tensor<?x172xf32>
    // CHECK: %[[Q:.*]] = tenon.quantize %[[U]] : (tensor<?x172xf32>) -> tensor<?x6x!tenon.int8_group>
    // CHECK: tenon.linear %[[Q]], %{{.*}} residual(%[[X]])
    // CHECK: tenon.quantize
    // CHECK: tenon.linear {{.*}}!tenon.block<q8_0>, {{.*}} -> tensor<?x512xf32>
    %e = tenon.weight_ref @tied : tensor<512x64x!tenon.block<q8_0>>
    %x = tenon.embedding %ids, %e : (tensor<?xi32>, tensor<512x64x!tenon.block<q8_0>>) -> tensor<?x64xf32>
    %n = tenon.weight_ref @n : tensor<64xf32>
    %g = tenon.weight_ref @g : tensor<172x64x!tenon.block<q4_0>>
    %u = tenon.weight_ref @u : tensor<172x64x!tenon.block<q4_0>>
    %d = tenon.weight_ref @d : tensor<64x172x!tenon.block<q4_0>>
    %h = tenon.rms_norm %x, %n {eps = 1.0e-5 : f32} : (tensor<?x64xf32>, tensor<64xf32>) -> tensor<?x64xf32>
    %0 = tenon.ffn %h, %u, %d gate(%g) residual(%x) {activation = #tenon.activation_kind<silu>}
      : (tensor<?x64xf32>, tensor<172x64x!tenon.block<q4_0>>, tensor<64x172x!tenon.block<q4_0>>, tensor<172x64x!tenon.block<q4_0>>, tensor<?x64xf32>) -> tensor<?x64xf32>
    %1 = tenon.linear %0, %e : (tensor<?x64xf32>, tensor<512x64x!tenon.block<q8_0>>) -> tensor<?x512xf32>
    return %1 : tensor<?x512xf32>
  }
}
