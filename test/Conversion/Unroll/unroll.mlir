// RUN: tenon-opt %s --tenon-unroll --canonicalize | FileCheck %s

// Trips in order; each register is a value, and indices are constants.
// CHECK-LABEL: func @rows(
// CHECK-SAME: %[[X:.*]]: memref<2x64xf32>, %[[W:.*]]: vector<4xf32>, %[[K:.*]]: index, %[[S0:.*]]: vector<4xf32>, %[[S1:.*]]: vector<4xf32>)
// CHECK-NOT: scf.for
// CHECK-NOT: vector<2x4xf32>
// CHECK: memref.load %[[X]][%c0, %[[K]]]
// CHECK: %[[T0:.*]] = vector.fma %[[W]], %{{.*}}, %[[S0]]
// CHECK: memref.load %[[X]][%c1, %[[K]]]
// CHECK: %[[T1:.*]] = vector.fma %[[W]], %{{.*}}, %[[S1]]
// CHECK: return %[[T0]], %[[T1]]
func.func @rows(%x: memref<2x64xf32>, %w: vector<4xf32>, %k: index, %s0: vector<4xf32>, %s1: vector<4xf32>)
    -> (vector<4xf32>, vector<4xf32>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c2 = arith.constant 2 : index
  %none = ub.poison : vector<2x4xf32>
  %a0 = micro.set %s0, %none[%c0] : vector<4xf32> into vector<2x4xf32>
  %a1 = micro.set %s1, %a0[%c1] : vector<4xf32> into vector<2x4xf32>
  %t = scf.for %r = %c0 to %c2 step %c1 iter_args(%a = %a1) -> (vector<2x4xf32>) {
    %v = memref.load %x[%r, %k] : memref<2x64xf32>
    %b = vector.broadcast %v : f32 to vector<4xf32>
    %old = micro.get %a[%r] : vector<2x4xf32> -> vector<4xf32>
    %new = vector.fma %w, %b, %old : vector<4xf32>
    %next = micro.set %new, %a[%r] : vector<4xf32> into vector<2x4xf32>
    scf.yield %next : vector<2x4xf32>
  } {micro.unroll}
  %t0 = micro.get %t[%c0] : vector<2x4xf32> -> vector<4xf32>
  %t1 = micro.get %t[%c1] : vector<2x4xf32> -> vector<4xf32>
  return %t0, %t1 : vector<4xf32>, vector<4xf32>
}

// A loop that stays one carries registers. The inner loop's bound is known when
// the outer one is unrolled; the branch is known too, and gone.
// CHECK-LABEL: func @carried(
// CHECK: scf.for %{{.*}} iter_args(%[[A:.*]] = %cst, %[[B:.*]] = %cst) -> (vector<4xf32>, vector<4xf32>)
// CHECK-NOT: scf.for
// CHECK-NOT: scf.if
// CHECK: %[[L0:.*]] = vector.load %{{.*}}[%{{.*}}, %c0]
// CHECK: %[[N0:.*]] = arith.addf %[[A]], %[[L0]]
// CHECK: %[[L1:.*]] = vector.load %{{.*}}[%{{.*}}, %c0]
// CHECK: %[[N1:.*]] = arith.addf %[[B]], %[[L1]]
// CHECK: %[[L2:.*]] = vector.load %{{.*}}[%{{.*}}, %c4]
// CHECK: %[[N2:.*]] = arith.addf %[[N1]], %[[L2]]
// CHECK: memref.prefetch
// CHECK-NOT: memref.prefetch
// CHECK: scf.yield %[[N0]], %[[N2]]
func.func @carried(%m: memref<8x8xf32>, %n: index) -> vector<4xf32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c2 = arith.constant 2 : index
  %c4 = arith.constant 4 : index
  %zero = arith.constant dense<0.0> : vector<2x4xf32>
  %t = scf.for %k = %c0 to %n step %c1 iter_args(%a = %zero) -> (vector<2x4xf32>) {
    %u = scf.for %r = %c0 to %c2 step %c1 iter_args(%b = %a) -> (vector<2x4xf32>) {
      %end = arith.addi %r, %c1 : index
      %s = scf.for %i = %c0 to %end step %c1 iter_args(%c = %b) -> (vector<2x4xf32>) {
        %column = arith.muli %i, %c4 : index
        %v = vector.load %m[%k, %column] : memref<8x8xf32>, vector<4xf32>
        %old = micro.get %c[%r] : vector<2x4xf32> -> vector<4xf32>
        %new = arith.addf %old, %v : vector<4xf32>
        %next = micro.set %new, %c[%r] : vector<4xf32> into vector<2x4xf32>
        scf.yield %next : vector<2x4xf32>
      } {micro.unroll}
      %isLast = arith.cmpi eq, %r, %c1 : index
      scf.if %isLast {
        memref.prefetch %m[%k, %c0], read, locality<3>, data : memref<8x8xf32>
      }
      scf.yield %s : vector<2x4xf32>
    } {micro.unroll}
    scf.yield %u : vector<2x4xf32>
  }
  %last = micro.get %t[%c1] : vector<2x4xf32> -> vector<4xf32>
  return %last : vector<4xf32>
}

// Arrays of one register in all places, constants that differ,
// elementwise operations, and branches that only the running kernel knows.
// CHECK-LABEL: func @arrays(
// CHECK-SAME: %[[V:.*]]: vector<4xf32>, %[[C:.*]]: i1)
// CHECK-DAG: %[[THREE:.*]] = arith.constant dense<3.0
// CHECK-DAG: %[[TWO:.*]] = arith.constant dense<2.0
// CHECK: %[[P:.*]] = arith.mulf %[[V]], %[[THREE]]
// CHECK: %[[Q:.*]] = arith.mulf %[[V]], %[[TWO]]
// CHECK: %[[FIRST:.*]] = arith.select %[[C]], %[[P]], %[[V]]
// CHECK: %[[SECOND:.*]] = arith.select %[[C]], %[[Q]], %[[V]]
// CHECK: return %[[FIRST]], %[[SECOND]]
func.func @arrays(%v: vector<4xf32>, %c: i1) -> (vector<4xf32>, vector<4xf32>) {
  %all = vector.broadcast %v : vector<4xf32> to vector<1x2x4xf32>
  %factors = arith.constant dense<[[[3.0, 3.0, 3.0, 3.0], [2.0, 2.0, 2.0, 2.0]]]> : vector<1x2x4xf32>
  %products = arith.mulf %all, %factors : vector<1x2x4xf32>
  %chosen = scf.if %c -> vector<1x2x4xf32> {
    scf.yield %products : vector<1x2x4xf32>
  } else {
    scf.yield %all : vector<1x2x4xf32>
  }
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %0 = micro.get %chosen[%c0, %c0] : vector<1x2x4xf32> -> vector<4xf32>
  %1 = micro.get %chosen[%c0, %c1] : vector<1x2x4xf32> -> vector<4xf32>
  return %0, %1 : vector<4xf32>, vector<4xf32>
}

// An array that starts anew in each trip of two loops has registers of its own in each.
// CHECK-LABEL: func @anew(
// CHECK: scf.for
// CHECK: %[[A:.*]] = vector.load %{{.*}}[%{{.*}}, %c0]
// CHECK: arith.addf %[[A]], %cst
// CHECK: scf.for
// CHECK: %[[B:.*]] = vector.load %{{.*}}[%{{.*}}, %c4]
// CHECK: arith.addf %[[B]], %cst
func.func @anew(%m: memref<8x8xf32>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c2 = arith.constant 2 : index
  %c4 = arith.constant 4 : index
  %c8 = arith.constant 8 : index
  scf.for %p = %c0 to %c2 step %c1 {
    scf.for %k = %c0 to %c8 step %c1 {
      %zero = arith.constant dense<1.0> : vector<2x4xf32>
      %column = arith.muli %p, %c4 : index
      %v = vector.load %m[%k, %column] : memref<8x8xf32>, vector<4xf32>
      %old = micro.get %zero[%c1] : vector<2x4xf32> -> vector<4xf32>
      %new = arith.addf %v, %old : vector<4xf32>
      vector.store %new, %m[%k, %column] : memref<8x8xf32>, vector<4xf32>
    }
  } {micro.unroll}
  return
}

// A loop that is not marked is left alone.
// CHECK-LABEL: func @plain(
// CHECK: scf.for
func.func @plain(%m: memref<8xf32>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c8 = arith.constant 8 : index
  %zero = arith.constant 0.0 : f32
  scf.for %i = %c0 to %c8 step %c1 {
    memref.store %zero, %m[%i] : memref<8xf32>
  }
  return
}
