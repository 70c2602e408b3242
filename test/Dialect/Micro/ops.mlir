// RUN: tenon-opt %s | tenon-opt | FileCheck %s
// RUN: tenon-opt %s --mlir-print-op-generic | tenon-opt | FileCheck %s

// Every micro-operation, through the printer and the parser.

// CHECK-LABEL: func @products
func.func @products(%s: vector<8xi32>, %b: vector<32xi8>, %w: vector<16xi16>, %f: vector<16xf32>, %p: vector<32xbf16>) {
  // CHECK: micro.dot4_i8 %{{.*}}, %{{.*}}, %{{.*}} : vector<8xi32>, vector<32xi8>
  %0 = micro.dot4_i8 %s, %b, %b : vector<8xi32>, vector<32xi8>
  // CHECK: micro.dot4_s8 %{{.*}}, %{{.*}}, %{{.*}} : vector<8xi32>, vector<32xi8>
  %4 = micro.dot4_s8 %s, %b, %b : vector<8xi32>, vector<32xi8>
  // CHECK: micro.dot2_i8 %{{.*}}, %{{.*}} : vector<32xi8> -> vector<16xi16>
  %1 = micro.dot2_i8 %b, %b : vector<32xi8> -> vector<16xi16>
  // CHECK: micro.dot2_i16 %{{.*}}, %{{.*}}, %{{.*}} : vector<8xi32>, vector<16xi16>
  %2 = micro.dot2_i16 %s, %w, %w : vector<8xi32>, vector<16xi16>
  // CHECK: micro.dot2_bf16 %{{.*}}, %{{.*}}, %{{.*}} : vector<16xf32>, vector<32xbf16>
  %3 = micro.dot2_bf16 %f, %p, %p : vector<16xf32>, vector<32xbf16>
  return
}

// CHECK-LABEL: func @numbers
func.func @numbers(%b: vector<32xi8>, %x: vector<8xf32>, %y: f32) {
  // CHECK: micro.lookup %{{.*}} in [0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12] : vector<32xi8>
  %0 = micro.lookup %b in [0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12] : vector<32xi8>
  // CHECK: micro.round %{{.*}} : vector<8xf32> -> vector<8xi32>
  %1 = micro.round %x : vector<8xf32> -> vector<8xi32>
  // CHECK: micro.round %{{.*}} : f32 -> i32
  %2 = micro.round %y : f32 -> i32
  // CHECK: micro.scale %{{.*}}, %{{.*}} : vector<8xf32>
  %3 = micro.scale %x, %x : vector<8xf32>
  // CHECK: micro.scale %{{.*}}, %{{.*}} {normal} : vector<8xf32>
  %normal = micro.scale %x, %x {normal} : vector<8xf32>
  // CHECK: micro.scale %{{.*}}, %{{.*}} : f32
  %4 = micro.scale %y, %y : f32
  return
}
