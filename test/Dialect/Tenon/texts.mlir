// RUN: tenon-opt %s | tenon-opt | FileCheck %s
// RUN: tenon-opt %s --mlir-print-op-generic | tenon-opt | FileCheck %s

// Several texts in one call, through the printer and the parser.

// CHECK-LABEL: func @texts
func.func @texts(%x: tensor<?x64xf32>, %q: tensor<8x?x8xf32>, %ids: tensor<?xi32>, %ends: tensor<?xi32>) -> (tensor<8x?x8xf32>, tensor<?xi32>, tensor<?x64xf32>) {
  // CHECK: tenon.for_each_text %{{.*}}, %{{.*}} ends(%{{.*}}) {
  // CHECK-NEXT: ^bb0(%[[Q:.*]]: tensor<8x?x8xf32>, %{{.*}}: tensor<8x?x8xf32>):
  // CHECK-NEXT: tenon.attention %[[Q]]
  // CHECK-NEXT: tenon.text_yield %{{.*}} : tensor<8x?x8xf32>
  // CHECK-NEXT: } : (tensor<8x?x8xf32>, tensor<8x?x8xf32>, tensor<?xi32>) -> tensor<8x?x8xf32>
  %0 = tenon.for_each_text %q, %q ends(%ends) {
  ^bb0(%q1: tensor<8x?x8xf32>, %k1: tensor<8x?x8xf32>):
    %a = tenon.attention %q1, %k1, %k1 {scale = 1.0 : f32} : (tensor<8x?x8xf32>, tensor<8x?x8xf32>, tensor<8x?x8xf32>) -> tensor<8x?x8xf32>
    tenon.text_yield %a : tensor<8x?x8xf32>
  } : (tensor<8x?x8xf32>, tensor<8x?x8xf32>, tensor<?xi32>) -> tensor<8x?x8xf32>
  // CHECK: tenon.positions
  %1 = tenon.for_each_text %ids ends(%ends) {
  ^bb0(%i: tensor<?xi32>):
    %p = tenon.positions %i : (tensor<?xi32>) -> tensor<?xi32>
    tenon.text_yield %p : tensor<?xi32>
  } : (tensor<?xi32>, tensor<?xi32>) -> tensor<?xi32>
  // A row of each text.
  // CHECK: tenon.text_yield %{{.*}} : tensor<1x64xf32>
  // CHECK-NEXT: } : (tensor<?x64xf32>, tensor<?xi32>) -> tensor<?x64xf32>
  %2 = tenon.for_each_text %x ends(%ends) {
  ^bb0(%x1: tensor<?x64xf32>):
    %r = tenon.reduce %x1 {kind = #tenon.reduction<mean>, dim = 0 : i64} : (tensor<?x64xf32>) -> tensor<1x64xf32>
    tenon.text_yield %r : tensor<1x64xf32>
  } : (tensor<?x64xf32>, tensor<?xi32>) -> tensor<?x64xf32>
  return %0, %1, %2 : tensor<8x?x8xf32>, tensor<?xi32>, tensor<?x64xf32>
}
