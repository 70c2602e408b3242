// RUN: tenon-opt %s --split-input-file --verify-diagnostics

func.func @f() {
  // expected-error @+1 {{section 65536 is not one of 0 to 65535}}
  tenon.await_turn 65536
  return
}

// -----

func.func @f() {
  // expected-error @+1 {{section -1 is not one of 0 to 65535}}
  tenon.pass_turn -1
  return
}

// -----

func.func @f(%d: tensor<4x64xf32>) {
  // expected-error @+1 {{has a row of f32 for each token, found 'tensor<4x64xf32>'}}
  tenon.save_rows %d at 0 : tensor<4x64xf32>
  return
}

// -----

func.func @f(%d: tensor<?x64xf32>) {
  // expected-error @+1 {{has rows at -4, before the first}}
  tenon.save_rows %d at -4 : tensor<?x64xf32>
  return
}

// -----

func.func @f(%t: tensor<8xi32>) -> tensor<?x64xf32> {
  // expected-error @+1 {{of 'tensor<8xi32>' has no number of tokens}}
  %0 = tenon.saved_rows 0 like %t : tensor<8xi32> -> tensor<?x64xf32>
  return %0 : tensor<?x64xf32>
}
