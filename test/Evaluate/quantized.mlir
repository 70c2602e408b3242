// What memory of fewer bits makes of numbers: int8 groups, bf16, caches.
// RUN: tenon-run %s --input 'x=[[127, 1.4, -0.6, 2.5, 0,0,0,0, 0,0,0,0,0,0,0,0, 0,0,0,0,0,0,0,0, 0,0,0,0,0,0,0,0, 254, 3]]' \
// RUN:   --input 'k=[[[1.0001, 2, 3]], [[0, -5, 100000]]]' --input 'q=[[[1, 0, 0]], [[0, 1, 0]]]' | FileCheck %s

module {
  // Ties go to even: 2.5 is 2. The last group is filled up with zeros.
  // CHECK: @b_groups 1x64
  // CHECK-NEXT: {{^}}127 1 -1 2 0 {{.*}} 0 254 4 0 0
  func.func @b_groups(%x: tensor<1x34xf32> {tenon.name = "x"}) -> tensor<1x2x!tenon.int8_group> {
    %y = tenon.quantize %x : (tensor<1x34xf32>) -> tensor<1x2x!tenon.int8_group>
    return %y : tensor<1x2x!tenon.int8_group>
  }
  // One scale for all of a token: 2.
  // CHECK: @c_token 1x64
  // CHECK-NEXT: {{^}}128 2 -0 2 0 {{.*}} 0 254 4 0 0
  func.func @c_token(%x: tensor<1x34xf32> {tenon.name = "x"}) -> tensor<1x2x!tenon.int8_group<per_token>> {
    %y = tenon.quantize %x : (tensor<1x34xf32>) -> tensor<1x2x!tenon.int8_group<per_token>>
    return %y : tensor<1x2x!tenon.int8_group<per_token>>
  }
  // Steps of 1 / 128 and of 1 / 64.
  // CHECK: @d_residual 1x64
  // CHECK-NEXT: {{^}}127 1.398438 -0.6015625 2.5 0 {{.*}} 0 254 3 0 0
  func.func @d_residual(%x: tensor<1x34xf32> {tenon.name = "x"}) -> tensor<1x2x!tenon.int8_group<residual>> {
    %y = tenon.quantize %x : (tensor<1x34xf32>) -> tensor<1x2x!tenon.int8_group<residual>>
    return %y : tensor<1x2x!tenon.int8_group<residual>>
  }
  // CHECK: @e_bf16 1x34
  // CHECK-NEXT: {{^}}127 1.398438 -0.6015625 2.5
  func.func @e_bf16(%x: tensor<1x34xf32> {tenon.name = "x"}) -> tensor<1x34xbf16> {
    %y = tenon.cast %x : (tensor<1x34xf32>) -> tensor<1x34xbf16>
    return %y : tensor<1x34xbf16>
  }
}
