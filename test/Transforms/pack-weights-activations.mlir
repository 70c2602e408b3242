// RUN: tenon-opt %s --tenon-pack-weights --split-input-file | FileCheck %s

// What linears of weights in blocks read: 8 bits, and 16 where logits come from, unless one precision is asked for.

#target = #tenon.target<cpu = "haswell", features = "", vector_bits = 256, registers = 16, l1 = 32768, l2 = 262144, l3 = 8388608, extensions = ["ssse3", "avx", "avx2", "fma"]>

// CHECK-LABEL: module @default
// CHECK-SAME: tenon.activations = "int8, int16 for logits"
module @default attributes {tenon.target = #target} {
  tenon.weight @n : tensor<64xf32> from [#tenon.source<"n", tensor<64xf32>>]
  tenon.weight @a : tensor<64x64x!tenon.block<q4_0>> from [#tenon.source<"a", tensor<64x64x!tenon.block<q4_0>>>]
  tenon.weight @head : tensor<96x64x!tenon.block<q8_0>> from [#tenon.source<"b", tensor<96x64x!tenon.block<q8_0>>>]
  // CHECK-LABEL: func @logits
  // CHECK: %[[Q:.*]] = tenon.quantize {{.*}} -> tensor<?x2x!tenon.int8_group>
  // CHECK: tenon.linear %[[Q]], {{.*}}!tenon.block<q4_0>
  // CHECK: %[[N:.*]] = tenon.rms_norm {{.*}} -> tensor<?x2x!tenon.int8_group<residual>>
  // CHECK: %[[L:.*]] = tenon.linear %[[N]], {{.*}}!tenon.block<q8_0>
  // CHECK: tenon.last_rows %[[L]], 
  func.func @logits(%x: tensor<?x64xf32>, %count: index) -> tensor<?x96xf32> {
    %n = tenon.weight_ref @n : tensor<64xf32>
    %a = tenon.weight_ref @a : tensor<64x64x!tenon.block<q4_0>>
    %w = tenon.weight_ref @head : tensor<96x64x!tenon.block<q8_0>>
    %0 = tenon.linear %x, %a : (tensor<?x64xf32>, tensor<64x64x!tenon.block<q4_0>>) -> tensor<?x64xf32>
    %1 = tenon.rms_norm %0, %n {eps = 1.0e-5 : f32} : (tensor<?x64xf32>, tensor<64xf32>) -> tensor<?x64xf32>
    %2 = tenon.linear %1, %w : (tensor<?x64xf32>, tensor<96x64x!tenon.block<q8_0>>) -> tensor<?x96xf32>
    %3 = tenon.last_rows %2, %count : tensor<?x96xf32> -> tensor<?x96xf32>
    return %3 : tensor<?x96xf32>
  }
}

// -----

#target = #tenon.target<cpu = "haswell", features = "", vector_bits = 256, registers = 16, l1 = 32768, l2 = 262144, l3 = 8388608, extensions = ["ssse3", "avx", "avx2", "fma"]>

// Weights per channel take one scale for a token, whatever is asked for.

// CHECK-LABEL: module @sixteen
module @sixteen attributes {tenon.target = #target, tenon.activations = "int16"} {
  tenon.weight @a : tensor<64x64x!tenon.block<q4_0>> from [#tenon.source<"a", tensor<64x64x!tenon.block<q4_0>>>]
  tenon.weight @c : tensor<64x64x!tenon.block<q8_channel>> from [#tenon.source<"c", tensor<64x64xf32>>]
  // CHECK-LABEL: func @f
  // CHECK: tenon.quantize {{.*}} -> tensor<?x2x!tenon.int8_group<residual>>
  // CHECK: tenon.quantize {{.*}} -> tensor<?x2x!tenon.int8_group<per_token>>
  func.func @f(%x: tensor<?x64xf32>) -> tensor<?x64xf32> {
    %a = tenon.weight_ref @a : tensor<64x64x!tenon.block<q4_0>>
    %c = tenon.weight_ref @c : tensor<64x64x!tenon.block<q8_channel>>
    %0 = tenon.linear %x, %a : (tensor<?x64xf32>, tensor<64x64x!tenon.block<q4_0>>) -> tensor<?x64xf32>
    %1 = tenon.linear %0, %c : (tensor<?x64xf32>, tensor<64x64x!tenon.block<q8_channel>>) -> tensor<?x64xf32>
    return %1 : tensor<?x64xf32>
  }
}

// -----

#target = #tenon.target<cpu = "haswell", features = "", vector_bits = 256, registers = 16, l1 = 32768, l2 = 262144, l3 = 8388608, extensions = ["ssse3", "avx", "avx2", "fma"]>

// CHECK-LABEL: module @seven
module @seven attributes {tenon.target = #target, tenon.activations = "int16"} {
  tenon.weight @c : tensor<64x64x!tenon.block<q7_channel>> from [#tenon.source<"c", tensor<64x64xf32>>]
  // CHECK: tenon.quantize {{.*}} -> tensor<?x2x!tenon.int8_group<per_token, 7>>
  func.func @f(%x: tensor<?x64xf32>) -> tensor<?x64xf32> {
    %c = tenon.weight_ref @c : tensor<64x64x!tenon.block<q7_channel>>
    %0 = tenon.linear %x, %c : (tensor<?x64xf32>, tensor<64x64x!tenon.block<q7_channel>>) -> tensor<?x64xf32>
    return %0 : tensor<?x64xf32>
  }
}

// -----

#target = #tenon.target<cpu = "haswell", features = "", vector_bits = 256, registers = 16, l1 = 32768, l2 = 262144, l3 = 8388608, extensions = ["ssse3", "avx", "avx2", "fma"]>

// CHECK-LABEL: module @eight
// CHECK-SAME: tenon.activations = "int8"
module @eight attributes {tenon.target = #target, tenon.activations = "int8"} {
  tenon.weight @a : tensor<64x64x!tenon.block<q4_0>> from [#tenon.source<"a", tensor<64x64x!tenon.block<q4_0>>>]
  // CHECK: tenon.quantize {{.*}} -> tensor<?x2x!tenon.int8_group>
  func.func @f(%x: tensor<?x64xf32>) -> tensor<?x64xf32> {
    %a = tenon.weight_ref @a : tensor<64x64x!tenon.block<q4_0>>
    %0 = tenon.linear %x, %a : (tensor<?x64xf32>, tensor<64x64x!tenon.block<q4_0>>) -> tensor<?x64xf32>
    return %0 : tensor<?x64xf32>
  }
}

// -----

#target = #tenon.target<cpu = "haswell", features = "", vector_bits = 256, registers = 16, l1 = 32768, l2 = 262144, l3 = 8388608, extensions = ["ssse3", "avx", "avx2", "fma"]>

// Nothing is rounded to integers.

// CHECK-LABEL: module @none
// CHECK-NOT: tenon.activations
// CHECK: func @f
module @none attributes {tenon.target = #target, tenon.activations = "int16"} {
  tenon.weight @a : tensor<64x64xf32> from [#tenon.source<"a", tensor<64x64xf32>>]
  func.func @f(%x: tensor<?x64xf32>) -> tensor<?x64xf32> {
    %a = tenon.weight_ref @a : tensor<64x64xf32>
    %0 = tenon.linear %x, %a : (tensor<?x64xf32>, tensor<64x64xf32>) -> tensor<?x64xf32>
    return %0 : tensor<?x64xf32>
  }
}
