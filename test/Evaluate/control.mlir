// Loops, branches, integers, weights of a stack, rows by number.
// RUN: tenon-run %s --input 'x=[[1, 2], [3, 4]]' --input 'n=[2]' | FileCheck %s
// RUN: tenon-run %s --input 'x=[[1, 2], [3, 4]]' --most-trips 2 | FileCheck %s --check-prefix=CUT

module {
  tenon.weight @norms : tensor<3x2xf32> from [#tenon.source<"{i}.weight", tensor<2xf32>>] stacked

  // Ones in every layer: 2^3 x, and x where the bit of the layer is not set.
  // CHECK: @loop 2x2
  // CHECK-NEXT: {{^}}4 8
  // CHECK-NEXT: {{^}}12 16
  // CUT: @loop 2x2
  // CUT-NEXT: {{^}}2 4
  func.func @loop(%x: tensor<2x2xf32> {tenon.name = "x"}) -> tensor<2x2xf32> {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %c3 = arith.constant 3 : index
    %bits = arith.constant 5 : i3
    %y = scf.for %i = %c0 to %c3 step %c1 iter_args(%a = %x) -> (tensor<2x2xf32>) {
      %w = tenon.weight_ref @norms[%i] : tensor<2xf32>
      %count = arith.index_cast %i : index to i3
      %shifted = arith.shrui %bits, %count : i3
      %is = arith.trunci %shifted : i3 to i1
      %b = scf.if %is -> (tensor<2x2xf32>) {
        %one = tenon.mul %a, %w : (tensor<2x2xf32>, tensor<2xf32>) -> tensor<2x2xf32>
        %two = tenon.add %one, %a : (tensor<2x2xf32>, tensor<2x2xf32>) -> tensor<2x2xf32>
        scf.yield %two : tensor<2x2xf32>
      } else {
        scf.yield %a : tensor<2x2xf32>
      }
      scf.yield %b : tensor<2x2xf32>
    }
    return %y : tensor<2x2xf32>
  }
  // CHECK: @rows 1x2
  // CHECK-NEXT: {{^}}3 4
  func.func @rows(%x: tensor<?x2xf32> {tenon.name = "x"}) -> tensor<?x2xf32> {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %t = tensor.dim %x, %c0 : tensor<?x2xf32>
    %n = arith.subi %t, %c1 : index
    %y = tenon.last_rows %x, %n : tensor<?x2xf32> -> tensor<?x2xf32>
    return %y : tensor<?x2xf32>
  }
}
