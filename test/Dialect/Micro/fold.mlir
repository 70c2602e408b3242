// RUN: tenon-opt %s --canonicalize | FileCheck %s

// What was set is got at the same place, and not at another one.
// CHECK-LABEL: func @same
// CHECK-SAME: %{{.*}}: vector<2x4xf32>, %[[V:.*]]: vector<4xf32>, %{{.*}}: index
// CHECK: return %[[V]]
func.func @same(%a: vector<2x4xf32>, %v: vector<4xf32>, %i: index) -> vector<4xf32> {
  %0 = micro.set %v, %a[%i] : vector<4xf32> into vector<2x4xf32>
  %1 = micro.get %0[%i] : vector<2x4xf32> -> vector<4xf32>
  return %1 : vector<4xf32>
}

// CHECK-LABEL: func @other
// CHECK: %[[G:.*]] = micro.get
// CHECK: return %[[G]]
func.func @other(%a: vector<2x4xf32>, %v: vector<4xf32>, %i: index, %j: index) -> vector<4xf32> {
  %0 = micro.set %v, %a[%i] : vector<4xf32> into vector<2x4xf32>
  %1 = micro.get %0[%j] : vector<2x4xf32> -> vector<4xf32>
  return %1 : vector<4xf32>
}

// CHECK-LABEL: func @pick
// CHECK-SAME: %{{.*}}: index, %[[B:.*]]: index, %[[N:.*]]: index
// CHECK: %[[P:.*]] = micro.pick %[[N]] of %{{.*}}, %[[B]]
// CHECK: return %[[B]], %[[P]]
func.func @pick(%a: index, %b: index, %n: index) -> (index, index) {
  %c1 = arith.constant 1 : index
  %0 = micro.pick %c1 of %a, %b
  %1 = micro.pick %n of %a, %b
  return %0, %1 : index, index
}
