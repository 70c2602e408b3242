// RUN: tenon-opt %s --tenon-unroll -split-input-file -verify-diagnostics

func.func @bounds(%m: memref<8xf32>, %n: index) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %zero = arith.constant 0.0 : f32
  // expected-error @+1 {{is to be unrolled, but its bounds and its step are not constants}}
  scf.for %i = %c0 to %n step %c1 {
    memref.store %zero, %m[%i] : memref<8xf32>
  } {micro.unroll}
  return
}

// -----

func.func @place(%a: index) -> vector<4xf32> {
  %zero = arith.constant dense<0.0> : vector<2x4xf32>
  // expected-error @+1 {{has a place in an array of registers that only the running kernel knows}}
  %0 = micro.get %zero[%a] : vector<2x4xf32> -> vector<4xf32>
  return %0 : vector<4xf32>
}

// -----

func.func @past() -> vector<4xf32> {
  %c2 = arith.constant 2 : index
  %zero = arith.constant dense<0.0> : vector<2x4xf32>
  // expected-error @+1 {{has the place 2 in an array of 2}}
  %0 = micro.get %zero[%c2] : vector<2x4xf32> -> vector<4xf32>
  return %0 : vector<4xf32>
}

// -----

func.func @other() -> vector<4x2xf32> {
  %zero = arith.constant dense<0.0> : vector<2x4xf32>
  // expected-error @+1 {{takes or gives a vector of several registers, which has no code of its own}}
  %0 = vector.transpose %zero, [1, 0] : vector<2x4xf32> to vector<4x2xf32>
  return %0 : vector<4x2xf32>
}

// -----

func.func @marked(%c: i1) {
  // expected-error @+1 {{is no loop that can be unrolled}}
  scf.if %c {
  } {micro.unroll}
  return
}
