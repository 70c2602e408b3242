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

// CHECK-LABEL: func @packed
func.func @packed(%w: memref<4x8x!tenon.superblock<q4_0, 32>>, %x: memref<4x8x36xi8>, %p: index, %s: index, %g: index, %v: index, %c: index) {
  // CHECK: micro.unpack %{{.*}}[%{{.*}}, %{{.*}}, %{{.*}}, %{{.*}}], %{{.*}} up 4 : memref<4x8x!tenon.superblock<q4_0, 32>>, vector<64xi8>
  %0 = micro.unpack %w[%p, %s, %g, %v], %c up 4 : memref<4x8x!tenon.superblock<q4_0, 32>>, vector<64xi8>
  // CHECK: micro.unpack_scale %{{.*}}[%{{.*}}, %{{.*}}, %{{.*}}, %{{.*}}] half 0 : memref<4x8x!tenon.superblock<q4_0, 32>>, vector<16xf32>
  %1 = micro.unpack_scale %w[%p, %s, %g, %v] half 0 : memref<4x8x!tenon.superblock<q4_0, 32>>, vector<16xf32>
  // CHECK: micro.unpack_minimum %{{.*}}[%{{.*}}, %{{.*}}, %{{.*}}, %{{.*}}] half 1 : memref<4x8x!tenon.superblock<q4_0, 32>>, vector<16xf32>
  %2 = micro.unpack_minimum %w[%p, %s, %g, %v] half 1 : memref<4x8x!tenon.superblock<q4_0, 32>>, vector<16xf32>
  // CHECK: micro.unpack_minimum_pair %{{.*}}[%{{.*}}, %{{.*}}, %{{.*}}, %{{.*}}] : memref<4x8x!tenon.superblock<q4_0, 32>>, vector<32xi16>
  %3 = micro.unpack_minimum_pair %w[%p, %s, %g, %v] : memref<4x8x!tenon.superblock<q4_0, 32>>, vector<32xi16>
  // CHECK: micro.unpack_minimum_factor %{{.*}}[%{{.*}}, %{{.*}}, %{{.*}}] : memref<4x8x!tenon.superblock<q4_0, 32>>, vector<16xf32>
  %4 = micro.unpack_minimum_factor %w[%p, %s, %v] : memref<4x8x!tenon.superblock<q4_0, 32>>, vector<16xf32>
  // CHECK: micro.prefetch_weights %{{.*}}[%{{.*}}, %{{.*}}, %{{.*}}, %{{.*}}], %{{.*}} {cache = 2 : i64, distance = 8192 : i64} : memref<4x8x!tenon.superblock<q4_0, 32>>
  micro.prefetch_weights %w[%p, %s, %g, %v], %c {cache = 2 : i64, distance = 8192 : i64} : memref<4x8x!tenon.superblock<q4_0, 32>>
  // CHECK: micro.broadcast4 %{{.*}}[%{{.*}}, %{{.*}}, %{{.*}}] : memref<4x8x36xi8>, vector<64xi8>
  %5 = micro.broadcast4 %x[%p, %g, %c] : memref<4x8x36xi8>, vector<64xi8>
  return
}

// CHECK-LABEL: func @arrays
func.func @arrays(%a: vector<2x3x4xf32>, %i: index) {
  // CHECK: micro.get %{{.*}}[%{{.*}}, %{{.*}}] : vector<2x3x4xf32> -> vector<4xf32>
  %0 = micro.get %a[%i, %i] : vector<2x3x4xf32> -> vector<4xf32>
  // CHECK: micro.set %{{.*}}, %{{.*}}[%{{.*}}, %{{.*}}] : vector<4xf32> into vector<2x3x4xf32>
  %1 = micro.set %0, %a[%i, %i] : vector<4xf32> into vector<2x3x4xf32>
  return
}
