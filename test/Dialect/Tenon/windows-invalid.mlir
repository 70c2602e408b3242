// RUN: tenon-opt %s --split-input-file --verify-diagnostics

// Every error of the verifiers of windows.

func.func @f(%x: tensor<?x16xf32>) {
  // expected-error @+1 {{a signal is [C, S], an image [C, V, H] of a known size}}
  %0 = tenon.unfold %x {size = 3 : i64, stride = 1 : i64, padding = 0 : i64} : (tensor<?x16xf32>) -> tensor<14x9xf32>
  return
}

// -----

func.func @f(%x: tensor<3x?x16xf32>) {
  // expected-error @+1 {{a signal is [C, S], an image [C, V, H] of a known size}}
  %0 = tenon.unfold %x {size = 3 : i64, stride = 1 : i64, padding = 1 : i64} : (tensor<3x?x16xf32>) -> tensor<?x27xf32>
  return
}

// -----

func.func @f(%x: tensor<3x16xf32>) {
  // expected-error @+1 {{of 'tensor<3x16xf32>' cannot be 'tensor<14x9xf16>'}}
  %0 = tenon.unfold %x {size = 3 : i64, stride = 1 : i64, padding = 0 : i64} : (tensor<3x16xf32>) -> tensor<14x9xf16>
  return
}

// -----

func.func @f(%x: tensor<3x?xf32>) {
  // expected-error @+1 {{of a signal of any length gives as many windows: stride 1, an odd size and half of it as padding}}
  %0 = tenon.unfold %x {size = 3 : i64, stride = 2 : i64, padding = 1 : i64} : (tensor<3x?xf32>) -> tensor<?x9xf32>
  return
}

// -----

func.func @f(%x: tensor<3x16xf32>) {
  // expected-error @+1 {{of size 17, stride 1 and padding 0 has no window in 16}}
  %0 = tenon.unfold %x {size = 17 : i64, stride = 1 : i64, padding = 0 : i64} : (tensor<3x16xf32>) -> tensor<1x51xf32>
  return
}

// -----

func.func @f(%x: tensor<3x16xf32>) {
  // expected-error @+1 {{has no window in 16}}
  %0 = tenon.unfold %x {size = 3 : i64, stride = 0 : i64, padding = 0 : i64} : (tensor<3x16xf32>) -> tensor<1x9xf32>
  return
}

// -----

func.func @f(%x: tensor<3x16xf32>) {
  // expected-error @+1 {{has no window in 16}}
  %0 = tenon.unfold %x {size = 9223372036854775807 : i64, stride = 1 : i64, padding = 9223372036854775807 : i64} : (tensor<3x16xf32>) -> tensor<1x9xf32>
  return
}

// -----

func.func @f(%x: tensor<8589934592x2147483648xf32>) {
  // expected-error @+1 {{has too many windows}}
  %0 = tenon.unfold %x {size = 2147483648 : i64, stride = 1 : i64, padding = 0 : i64} : (tensor<8589934592x2147483648xf32>) -> tensor<1x9xf32>
  return
}

// -----

func.func @f(%x: tensor<3x16xf32>) {
  // expected-error @+1 {{of 'tensor<3x16xf32>' has 14 windows of 9, the result is 'tensor<13x9xf32>'}}
  %0 = tenon.unfold %x {size = 3 : i64, stride = 1 : i64, padding = 0 : i64} : (tensor<3x16xf32>) -> tensor<13x9xf32>
  return
}

// -----

func.func @f(%x: tensor<3x?xf32>) {
  // expected-error @+1 {{has ? windows of 9, the result is 'tensor<?x8xf32>'}}
  %0 = tenon.unfold %x {size = 3 : i64, stride = 1 : i64, padding = 1 : i64} : (tensor<3x?xf32>) -> tensor<?x8xf32>
  return
}

// -----

func.func @f(%a: tensor<1x8xf32>, %b: tensor<?x8xf32>) {
  // expected-error @+1 {{part 'tensor<?x8xf32>' does not fit the result 'tensor<?x8xf32>'}}
  %0 = tenon.concat_rows %a, %b : tensor<1x8xf32>, tensor<?x8xf32> -> tensor<?x8xf32>
  return
}

// -----

func.func @f(%a: tensor<1x8xf32>, %b: tensor<5x7xf32>) {
  // expected-error @+1 {{part 'tensor<5x7xf32>' does not fit the result 'tensor<6x8xf32>'}}
  %0 = tenon.concat_rows %a, %b : tensor<1x8xf32>, tensor<5x7xf32> -> tensor<6x8xf32>
  return
}

// -----

func.func @f(%a: tensor<1x8xf32>, %b: tensor<5x8xf32>) {
  // expected-error @+1 {{gives 6 rows, the result is 'tensor<7x8xf32>'}}
  %0 = tenon.concat_rows %a, %b : tensor<1x8xf32>, tensor<5x8xf32> -> tensor<7x8xf32>
  return
}

// -----

// expected-error @+1 {{does not give rows of 'tensor<8x13xf32>'}}
tenon.weight @conv : tensor<8x13xf32> from [#tenon.source<"conv.weight", tensor<8x3x4xf32>>]
