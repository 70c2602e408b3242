// RUN: tenon-opt %s --tenon-quantize-frozen --split-input-file --verify-diagnostics | FileCheck %s

// Frozen matrices of layers that linears alone read are in blocks; linears read their numbers.

// CHECK-LABEL: module @two
module @two attributes {tenon.kind = "decoder", tenon.quantize = "int4"} {
  // CHECK: tenon.weight @block.w : tensor<3x64x64x!tenon.block<q4_0>, #tenon.panel<{{.*}}>> {{.*}} stacked {tenon.frozen}
  tenon.weight @block.w : tensor<3x64x64xf32> from [#tenon.source<"{i}.w", tensor<64x64xf32>>] stacked {tenon.frozen}
  // CHECK: tenon.weight @block.conv : tensor<3x64x32x!tenon.block<q4_0>, #tenon.panel<{{.*}}>>
  tenon.weight @block.conv : tensor<3x64x32xf32> from [#tenon.source<"{i}.conv", tensor<64x32xf32>>] stacked {tenon.frozen}
  // Near misses: one learns, one stands outside of the layers, one is added, too, one is a vector.
  // CHECK: tenon.weight @block.a : tensor<3x64x64xf32>
  tenon.weight @block.a : tensor<3x64x64xf32> from [#tenon.source<"{i}.a", tensor<64x64xf32>>] stacked
  // CHECK: tenon.weight @head : tensor<64x64xf32>
  tenon.weight @head : tensor<64x64xf32> from [#tenon.source<"head", tensor<64x64xf32>>] {tenon.frozen}
  // CHECK: tenon.weight @block.both : tensor<3x64x64xf32>
  tenon.weight @block.both : tensor<3x64x64xf32> from [#tenon.source<"{i}.both", tensor<64x64xf32>>] stacked {tenon.frozen}
  // CHECK: tenon.weight @block.norm : tensor<3x64xf32>
  tenon.weight @block.norm : tensor<3x64xf32> from [#tenon.source<"{i}.norm", tensor<64xf32>>] stacked {tenon.frozen}
  func.func @forward(%x: tensor<64x64xf32>, %i: index) -> tensor<64x64xf32> {
    // CHECK: %[[B:.*]] = tenon.weight_ref @block.w[%{{.*}}] : tensor<64x64x!tenon.block<q4_0>
    // CHECK: %[[W:.*]] = tenon.dequantize %[[B]] : {{.*}} -> tensor<64x64xf32>
    // CHECK: tenon.linear %{{.*}}, %[[W]]
    %w = tenon.weight_ref @block.w[%i] : tensor<64x64xf32>
    %0 = tenon.linear %x, %w : (tensor<64x64xf32>, tensor<64x64xf32>) -> tensor<64x64xf32>
    // CHECK: %[[C:.*]] = tenon.dequantize %{{.*}} -> tensor<64x32xf32>
    // CHECK: %[[T:.*]] = tenon.transpose %[[C]]
    // CHECK: tenon.linear %{{.*}}, %[[T]]
    %c = tenon.weight_ref @block.conv[%i] : tensor<64x32xf32>
    %t = tenon.transpose %c : tensor<64x32xf32> -> tensor<32x64xf32>
    %1 = tenon.linear %0, %t : (tensor<64x64xf32>, tensor<32x64xf32>) -> tensor<64x32xf32>
    %a = tenon.weight_ref @block.a[%i] : tensor<64x64xf32>
    %2 = tenon.linear %0, %a : (tensor<64x64xf32>, tensor<64x64xf32>) -> tensor<64x64xf32>
    %h = tenon.weight_ref @head : tensor<64x64xf32>
    %3 = tenon.linear %2, %h : (tensor<64x64xf32>, tensor<64x64xf32>) -> tensor<64x64xf32>
    %b = tenon.weight_ref @block.both[%i] : tensor<64x64xf32>
    %4 = tenon.linear %3, %b : (tensor<64x64xf32>, tensor<64x64xf32>) -> tensor<64x64xf32>
    %5 = tenon.add %4, %b : (tensor<64x64xf32>, tensor<64x64xf32>) -> tensor<64x64xf32>
    // CHECK: return
    return %5 : tensor<64x64xf32>
  }
}

// -----

// What the checkpoint has in fewer bits stays so, whatever is asked for; its layers may differ.

// CHECK-LABEL: module @stored
module @stored attributes {tenon.kind = "decoder", tenon.quantize = "int4"} {
  // CHECK-DAG: tenon.weight @block.w : tensor<2x64x64x!tenon.block<q8_0>, #tenon.panel<n = 32, k = 64>> {{.*}} stacked {tenon.frozen}
  tenon.weight @block.w : tensor<2x64x64xf32> from [#tenon.source<"{i}.w", tensor<64x64x!tenon.block<q8_0>>>] stacked {tenon.frozen}
  // CHECK-DAG: tenon.weight @block.m.q4_0 : tensor<1x64x64x!tenon.block<q4_0>, #tenon.panel<n = 32, k = 64>> {{.*}} stacked {{.*}}tenon.frozen
  // CHECK-DAG: tenon.weight @block.m.q8_0 : tensor<1x64x64x!tenon.block<q8_0>, #tenon.panel<n = 32, k = 64>> {{.*}} stacked {{.*}}tenon.frozen
  tenon.weight @block.m : tensor<2x64x64xf32> from [#tenon.source<"{i}.m", tensor<64x64x!tenon.mixed<q4_0, q8_0>>>] stacked {tenon.frozen}
  func.func @forward(%x: tensor<64x64xf32>, %i: index) -> tensor<64x64xf32> {
    // CHECK: %[[W:.*]] = tenon.dequantize
    // CHECK: %[[Y:.*]] = tenon.linear %{{.*}}, %[[W]]
    %w = tenon.weight_ref @block.w[%i] : tensor<64x64xf32>
    %0 = tenon.linear %x, %w : (tensor<64x64xf32>, tensor<64x64xf32>) -> tensor<64x64xf32>
    // CHECK: %[[M:.*]] = scf.if %{{.*}} -> (tensor<64x64xf32>) {
    // CHECK: tenon.weight_ref @block.m.q4_0
    // CHECK: tenon.dequantize
    // CHECK: } else {
    // CHECK: tenon.weight_ref @block.m.q8_0
    // CHECK: tenon.dequantize
    // CHECK: tenon.linear %[[Y]], %[[M]]
    %m = tenon.weight_ref @block.m[%i] : tensor<64x64xf32>
    %1 = tenon.linear %0, %m : (tensor<64x64xf32>, tensor<64x64xf32>) -> tensor<64x64xf32>
    return %1 : tensor<64x64xf32>
  }
}

// -----

// Without an option: 16 bits stay 16 bits, f32 stays f32.

// CHECK-LABEL: module @halves
module @halves attributes {tenon.kind = "decoder"} {
  // CHECK: tenon.weight @block.w : tensor<3x64x64xbf16> {{.*}} stacked {tenon.frozen}
  tenon.weight @block.w : tensor<3x64x64xf32> from [#tenon.source<"{i}.w", tensor<64x64xbf16>>] stacked {tenon.frozen}
  // CHECK: tenon.weight @block.f : tensor<3x64x64xf32>
  tenon.weight @block.f : tensor<3x64x64xf32> from [#tenon.source<"{i}.f", tensor<64x64xf32>>] stacked {tenon.frozen}
  func.func @forward(%x: tensor<64x64xf32>, %i: index) -> tensor<64x64xf32> {
    // CHECK: %[[B:.*]] = tenon.weight_ref @block.w[%{{.*}}] : tensor<64x64xbf16>
    // CHECK: %[[W:.*]] = tenon.cast %[[B]]
    // CHECK: tenon.linear %{{.*}}, %[[W]]
    %w = tenon.weight_ref @block.w[%i] : tensor<64x64xf32>
    %0 = tenon.linear %x, %w : (tensor<64x64xf32>, tensor<64x64xf32>) -> tensor<64x64xf32>
    %f = tenon.weight_ref @block.f[%i] : tensor<64x64xf32>
    %1 = tenon.linear %0, %f : (tensor<64x64xf32>, tensor<64x64xf32>) -> tensor<64x64xf32>
    return %1 : tensor<64x64xf32>
  }
}

// -----

// CHECK-LABEL: module @unasked
module @unasked attributes {tenon.kind = "decoder"} {
  // CHECK: tenon.weight @block.w : tensor<3x64x64xf32>
  tenon.weight @block.w : tensor<3x64x64xf32> from [#tenon.source<"{i}.w", tensor<64x64xf32>>] stacked {tenon.frozen}
}

// -----

// expected-error @below {{frozen weights are quantized to int8 or int4, not to "bf16"}}
module attributes {tenon.kind = "decoder", tenon.quantize = "bf16"} {
}

// -----

// expected-error @below {{no frozen matrix can be quantized to "int8": layers have none that linears alone read}}
module attributes {tenon.kind = "decoder", tenon.quantize = "int8"} {
}
