// RUN: tenon-opt %s --split-input-file --verify-diagnostics

// Every error of the verifier of loops over texts.

func.func @none(%ends: tensor<?xi32>, %y: tensor<?x64xf32>) {
  // expected-error @+1 {{needs an input}}
  %0 = "tenon.for_each_text"(%ends) ({
    tenon.text_yield %y : tensor<?x64xf32>
  }) : (tensor<?xi32>) -> tensor<?x64xf32>
  return
}

// -----

func.func @known(%x: tensor<9x64xf32>, %y: tensor<?x64xf32>, %ends: tensor<?xi32>) {
  // expected-error @+1 {{input 'tensor<9x64xf32>' must have any number of rows, and no other dimension that is not known}}
  %0 = tenon.for_each_text %x ends(%ends) {
  ^bb0(%x1: tensor<9x64xf32>):
    tenon.text_yield %y : tensor<?x64xf32>
  } : (tensor<9x64xf32>, tensor<?xi32>) -> tensor<?x64xf32>
  return
}

// -----

func.func @scores(%x: tensor<8x?x?xf32>, %ends: tensor<?xi32>) {
  // expected-error @+1 {{input 'tensor<8x?x?xf32>' must have any number of rows}}
  %0 = tenon.for_each_text %x ends(%ends) {
  ^bb0(%x1: tensor<8x?x?xf32>):
    tenon.text_yield %x1 : tensor<8x?x?xf32>
  } : (tensor<8x?x?xf32>, tensor<?xi32>) -> tensor<8x?x?xf32>
  return
}

// -----

func.func @result(%x: tensor<?x64xf32>, %y: tensor<2x64xf32>, %ends: tensor<?xi32>) {
  // expected-error @+1 {{result 'tensor<2x64xf32>' must have any number of rows}}
  %0 = tenon.for_each_text %x ends(%ends) {
  ^bb0(%x1: tensor<?x64xf32>):
    tenon.text_yield %y : tensor<2x64xf32>
  } : (tensor<?x64xf32>, tensor<?xi32>) -> tensor<2x64xf32>
  return
}

// -----

func.func @argument(%x: tensor<?x64xf32>, %ends: tensor<?xi32>) {
  // expected-error @+1 {{body takes rows of each input, of the inputs' types}}
  %0 = tenon.for_each_text %x ends(%ends) {
  ^bb0(%x1: tensor<?x32xf32>):
    tenon.text_yield %x : tensor<?x64xf32>
  } : (tensor<?x64xf32>, tensor<?xi32>) -> tensor<?x64xf32>
  return
}

// -----

func.func @rows(%x: tensor<?x64xf32>, %y: tensor<2x64xf32>, %ends: tensor<?xi32>) {
  // expected-error @+1 {{body gives 'tensor<2x64xf32>', which are no rows of 'tensor<?x64xf32>'}}
  %0 = tenon.for_each_text %x ends(%ends) {
  ^bb0(%x1: tensor<?x64xf32>):
    tenon.text_yield %y : tensor<2x64xf32>
  } : (tensor<?x64xf32>, tensor<?xi32>) -> tensor<?x64xf32>
  return
}
