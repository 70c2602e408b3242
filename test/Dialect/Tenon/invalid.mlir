// RUN: tenon-opt %s --split-input-file --verify-diagnostics

// Every error of the dialect's verifiers.

// expected-error @+1 {{panel sizes must be positive, found n = 0, k = 1}}
func.func private @panel(tensor<64x64xf32, #tenon.panel<n = 0, k = 1, interleave = 1>>)

// -----

// expected-error @+1 {{interleave must be 1 or 2, found 3}}
func.func private @panel(tensor<64x64xf32, #tenon.panel<n = 32, k = 1, interleave = 3>>)

// -----

// expected-error @+1 {{n = 3 is not divisible by interleave = 2}}
func.func private @panel(tensor<64x64xf32, #tenon.panel<n = 3, k = 1, interleave = 2>>)

// -----

// expected-error @+1 {{a packed weight has rank 2, or 3 if stacked; found 1}}
func.func private @panel(tensor<64xf32, #tenon.panel<n = 32, k = 1>>)

// -----

// expected-error @+1 {{a packed weight has a static shape}}
func.func private @panel(tensor<?x64xf32, #tenon.panel<n = 32, k = 1>>)

// -----

// expected-error @+1 {{63 rows cannot be interleaved in halves}}
func.func private @panel(tensor<63x64xf32, #tenon.panel<n = 32, k = 1, interleave = 2>>)

// -----

// expected-error @+1 {{sizes of a cache must be positive}}
func.func private @cache(!tenon.kv_cache<layers = 0, heads = 4, capacity = 128, head_dim = 8, element = f32>)

// -----

// expected-error @+1 {{sizes of a cache must be positive}}
func.func private @cache(!tenon.kv_cache<layers = 5, heads = 4, capacity = 512, head_dim = 8, element = f32, sequences = 0>)

// -----

// expected-error @+1 {{capacity must be a positive multiple of 128, found 100}}
func.func private @cache(!tenon.kv_cache<layers = 1, heads = 4, capacity = 100, head_dim = 8, element = f32>)

// -----

// expected-error @+1 {{element type must be f32, f16, i8 or bf16, found 'index'}}
func.func private @cache(!tenon.kv_cache<layers = 1, heads = 4, capacity = 128, head_dim = 8, element = index>)

// -----

// expected-error @+1 {{type must be a tensor of static shape, found 'tensor<?x64xf32>'}}
tenon.weight @w : tensor<?x64xf32> from [#tenon.source<"w", tensor<64x64xf32>>]

// -----

// expected-error @+1 {{type must be a tensor of static shape, found 'f32'}}
tenon.weight @w : f32 from [#tenon.source<"w", tensor<64x64xf32>>]

// -----

// expected-error @+1 {{stacked over layers must have rank 2 or more}}
tenon.weight @w : tensor<64xf32> from [#tenon.source<"{i}", tensor<64xf32>>] stacked

// -----

// expected-error @+1 {{needs a source}}
tenon.weight @w : tensor<64xf32> from []

// -----

// expected-error @+1 {{of a rotary table must be [context, 4], found 'tensor<512x8xf32>'}}
tenon.weight @w : tensor<512x8xf32> from [#tenon.rope_table<frequencies = [1.0, 0.1], scale = 1.0>]

// -----

// expected-error @+1 {{source must be #tenon.source, or a computed one: #tenon.rope_table}}
tenon.weight @w : tensor<64xf32> from ["w"]

// -----

// expected-error @+1 {{stacked and '{i}' in the name "w" must go together}}
tenon.weight @w : tensor<2x64xf32> from [#tenon.source<"w", tensor<64xf32>>] stacked

// -----

// expected-error @+1 {{stacked and '{i}' in the name "{i}.w" must go together}}
tenon.weight @w : tensor<64xf32> from [#tenon.source<"{i}.w", tensor<64xf32>>]

// -----

// expected-error @+1 {{source "w" of type 'tensor<64x32xf32>' does not give rows of 'tensor<64x64xf32>'}}
tenon.weight @w : tensor<64x64xf32> from [#tenon.source<"w", tensor<64x32xf32>>]

// -----

// expected-error @+1 {{source "w" of type 'tensor<64x32xf32>' does not give rows of 'tensor<64x32xf32>'}}
tenon.weight @w : tensor<64x32xf32> from [#tenon.source<"w", tensor<64x32xf32>, transposed>]

// -----

// expected-error @+1 {{has 64 rows, its sources give 96}}
tenon.weight @w : tensor<64x64xf32> from [#tenon.source<"a", tensor<64x64xf32>>, #tenon.source<"b", tensor<32x64xf32>>]

// -----

tenon.weight @w : tensor<2x64x64xf32> from [#tenon.source<"{i}", tensor<64x64xf32>>] stacked
tenon.weight @v : tensor<64x64xbf16, #tenon.panel<n = 32, k = 2>> from [#tenon.source<"v", tensor<64x64xf32>>]
func.func @f(%i: index) {
  // expected-error @+1 {{refers to no weight @u}}
  %0 = tenon.weight_ref @u : tensor<64x64xf32>
  return
}

// -----

tenon.weight @w : tensor<2x64x64xf32> from [#tenon.source<"{i}", tensor<64x64xf32>>] stacked
tenon.weight @v : tensor<64x64xbf16, #tenon.panel<n = 32, k = 2>> from [#tenon.source<"v", tensor<64x64xf32>>]
func.func @f(%i: index) {
  // expected-error @+1 {{needs a layer index: the weight is stacked}}
  %0 = tenon.weight_ref @w : tensor<64x64xf32>
  return
}

// -----

tenon.weight @w : tensor<2x64x64xf32> from [#tenon.source<"{i}", tensor<64x64xf32>>] stacked
tenon.weight @v : tensor<64x64xbf16, #tenon.panel<n = 32, k = 2>> from [#tenon.source<"v", tensor<64x64xf32>>]
func.func @f(%i: index) {
  // expected-error @+1 {{has a layer index, the weight none}}
  %0 = tenon.weight_ref @v[%i] : tensor<64x64xbf16, #tenon.panel<n = 32, k = 2>>
  return
}

// -----

tenon.weight @w : tensor<2x64x64xf32> from [#tenon.source<"{i}", tensor<64x64xf32>>] stacked
tenon.weight @v : tensor<64x64xbf16, #tenon.panel<n = 32, k = 2>> from [#tenon.source<"v", tensor<64x64xf32>>]
func.func @f(%i: index) {
  // expected-error @+1 {{has type 'tensor<64x64xbf16>', the weight gives 'tensor<64x64xf32>'}}
  %0 = tenon.weight_ref @w[%i] : tensor<64x64xbf16>
  return
}

// -----

tenon.weight @w : tensor<2x64x64xf32> from [#tenon.source<"{i}", tensor<64x64xf32>>] stacked
tenon.weight @v : tensor<64x64xbf16, #tenon.panel<n = 32, k = 2>> from [#tenon.source<"v", tensor<64x64xf32>>]
func.func @f(%i: index) {
  // expected-error @+1 {{has type 'memref<64x64xbf16>', which does not hold 'tensor<64x64xbf16, #tenon.panel<n = 32, k = 2>>'}}
  %0 = tenon.weight_ref @v : memref<64x64xbf16>
  return
}

// -----

func.func @f(%x: tensor<?x64xf32>) {
  // expected-error @+1 {{needs either a tensor result or an 'into' memref}}
  tenon.scale %x {factor = 1.0 : f32} : (tensor<?x64xf32>) -> ()
  return
}

// -----

func.func @f(%x: memref<?x64xf32>) {
  // expected-error @+1 {{on tensors has a memref operand}}
  %0 = tenon.scale %x {factor = 1.0 : f32} : (memref<?x64xf32>) -> tensor<?x64xf32>
  return
}

// -----

func.func @f(%x: tensor<?x64xf32>, %y: memref<?x64xf32>) {
  // expected-error @+1 {{on memrefs has a tensor operand}}
  tenon.scale %x into %y {factor = 1.0 : f32} : (tensor<?x64xf32>, memref<?x64xf32>) -> ()
  return
}

// -----

func.func @f(%i: tensor<?x1xi32>, %t: tensor<8x64xf32>) {
  // expected-error @+1 {{ids must have rank 1, found 'tensor<?x1xi32>'}}
  %0 = tenon.embedding %i, %t : (tensor<?x1xi32>, tensor<8x64xf32>) -> tensor<?x64xf32>
  return
}

// -----

func.func @f(%i: tensor<?xi32>, %t: tensor<8x64xf32>) {
  // expected-error @+1 {{result must have rank 2}}
  %0 = tenon.embedding %i, %t : (tensor<?xi32>, tensor<8x64xf32>) -> tensor<?x1x64xf32>
  return
}

// -----

func.func @f(%i: tensor<?xi32>, %t: tensor<8x32xf32>) {
  // expected-error @+1 {{rows of 'tensor<8x32xf32>' do not fit the result 'tensor<?x64xf32>'}}
  %0 = tenon.embedding %i, %t : (tensor<?xi32>, tensor<8x32xf32>) -> tensor<?x64xf32>
  return
}

// -----

func.func @f(%i: tensor<?x1xi32>) {
  // expected-error @+1 {{ids must have rank 1}}
  %0 = tenon.positions %i : (tensor<?x1xi32>) -> tensor<?xi32>
  return
}

// -----

func.func @f(%a: tensor<?x8xf32>, %b: tensor<2x8x8xf32>) {
  // expected-error @+1 {{operands and result must all have rank 2 or 3}}
  %0 = tenon.matmul %a, %b : (tensor<?x8xf32>, tensor<2x8x8xf32>) -> tensor<?x8xf32>
  return
}

// -----

func.func @f(%a: tensor<?x8xf32>, %b: tensor<4x8xf32>) {
  // expected-error @+1 {{columns of 'tensor<?x8xf32>' and rows of 'tensor<4x8xf32>' differ}}
  %0 = tenon.matmul %a, %b : (tensor<?x8xf32>, tensor<4x8xf32>) -> tensor<?x8xf32>
  return
}

// -----

func.func @f(%a: tensor<?x8xf32>, %b: tensor<8x8xf32>) {
  // expected-error @+1 {{result 'tensor<?x4xf32>' does not fit 'tensor<?x8xf32>' times 'tensor<8x8xf32>'}}
  %0 = tenon.matmul %a, %b : (tensor<?x8xf32>, tensor<8x8xf32>) -> tensor<?x4xf32>
  return
}

// -----

func.func @f(%a: tensor<8x?x8xf32>, %b: tensor<3x8x8xf32>) {
  // expected-error @+1 {{heads of 'tensor<8x?x8xf32>' are no multiple of those of 'tensor<3x8x8xf32>'}}
  %0 = tenon.matmul %a, %b : (tensor<8x?x8xf32>, tensor<3x8x8xf32>) -> tensor<8x?x8xf32>
  return
}

// -----

func.func @f(%x: tensor<8xf32>) {
  // expected-error @+1 {{needs rank 2 or more}}
  %0 = tenon.transpose %x : tensor<8xf32> -> tensor<8xf32>
  return
}

// -----

func.func @f(%x: tensor<4x8xf32>) {
  // expected-error @+1 {{of 'tensor<4x8xf32>' cannot be 'tensor<4x8xf32>'}}
  %0 = tenon.transpose %x : tensor<4x8xf32> -> tensor<4x8xf32>
  return
}

// -----

func.func @f(%x: tensor<64xf32>, %w: tensor<128x64xf32>) {
  // expected-error @+1 {{input must have rank 2, found 'tensor<64xf32>'}}
  %0 = tenon.linear %x, %w : (tensor<64xf32>, tensor<128x64xf32>) -> tensor<?x128xf32>
  return
}

// -----

func.func @f(%x: tensor<?x64xf32>, %w: tensor<128x64xf32>) {
  // expected-error @+1 {{result must have rank 2, found 'tensor<128xf32>'}}
  %0 = tenon.linear %x, %w : (tensor<?x64xf32>, tensor<128x64xf32>) -> tensor<128xf32>
  return
}

// -----

func.func @f(%x: tensor<?x64xf32>, %w: tensor<128xf32>) {
  // expected-error @+1 {{weight must have rank 2, found 'tensor<128xf32>'}}
  %0 = tenon.linear %x, %w : (tensor<?x64xf32>, tensor<128xf32>) -> tensor<?x128xf32>
  return
}

// -----

func.func @f(%x: tensor<?x64xf32>, %w: tensor<128x32xf32>) {
  // expected-error @+1 {{has 64 columns, the weight 'tensor<128x32xf32>' takes 32}}
  %0 = tenon.linear %x, %w : (tensor<?x64xf32>, tensor<128x32xf32>) -> tensor<?x128xf32>
  return
}

// -----

func.func @f(%x: tensor<?x64xf32>, %w: tensor<127x64xf32>) {
  // expected-error @+1 {{gated needs an even number of weight rows}}
  %0 = tenon.linear %x, %w {gated} : (tensor<?x64xf32>, tensor<127x64xf32>) -> tensor<?x63xf32>
  return
}

// -----

func.func @f(%x: tensor<?x64xf32>, %w: tensor<128x64xf32>) {
  // expected-error @+1 {{weight 'tensor<128x64xf32>' gives 128 columns, the result has 64}}
  %0 = tenon.linear %x, %w : (tensor<?x64xf32>, tensor<128x64xf32>) -> tensor<?x64xf32>
  return
}

// -----

func.func @f(%x: tensor<?x64xf32>, %w: tensor<128x64xf32, #tenon.panel<n = 32, k = 1>>) {
  // expected-error @+1 {{gated and an interleaved weight must go together}}
  %0 = tenon.linear %x, %w {gated} : (tensor<?x64xf32>, tensor<128x64xf32, #tenon.panel<n = 32, k = 1>>) -> tensor<?x64xf32>
  return
}

// -----

func.func @f(%x: tensor<?x64xf16>, %w: tensor<128x64xbf16, #tenon.panel<n = 32, k = 2>>) {
  // expected-error @+1 {{a weight packed in bf16 pairs takes a bf16 or f32 input, found 'tensor<?x64xf16>'}}
  %0 = tenon.linear %x, %w : (tensor<?x64xf16>, tensor<128x64xbf16, #tenon.panel<n = 32, k = 2>>) -> tensor<?x128xf32>
  return
}

// -----

func.func @f(%x: tensor<?x64xf32>, %w: tensor<128x64xf32>, %m0: tensor<64xf32>) {
  // expected-error @+1 {{bias must have 128 elements, found 64}}
  %0 = tenon.linear %x, %w bias(%m0) : (tensor<?x64xf32>, tensor<128x64xf32>, tensor<64xf32>) -> tensor<?x128xf32>
  return
}

// -----

func.func @f(%x: tensor<?x64xf32>, %w: tensor<128x64xf32>, %m0: tensor<64xf32>) {
  // expected-error @+1 {{bias must have 128 elements, found 64}}
  %0 = tenon.linear %x, %w bias(%m0) {gated} : (tensor<?x64xf32>, tensor<128x64xf32>, tensor<64xf32>) -> tensor<?x64xf32>
  return
}

// -----

func.func @f(%x: tensor<?x64xf32>, %w: tensor<128x64xf32>, %m0: tensor<?x64xf32>) {
  // expected-error @+1 {{residual 'tensor<?x64xf32>' and result 'tensor<?x128xf32>' must have the same shape}}
  %0 = tenon.linear %x, %w residual(%m0) : (tensor<?x64xf32>, tensor<128x64xf32>, tensor<?x64xf32>) -> tensor<?x128xf32>
  return
}

// -----

func.func @f(%a: tensor<?x64xf32>, %b: tensor<32xf32>) {
  // expected-error @+1 {{operand 'tensor<32xf32>' does not broadcast to 'tensor<?x64xf32>'}}
  %0 = tenon.add %a, %b : (tensor<?x64xf32>, tensor<32xf32>) -> tensor<?x64xf32>
  return
}

// -----

func.func @f(%a: tensor<?x64xf32>, %b: tensor<32xf32>) {
  // expected-error @+1 {{operand 'tensor<32xf32>' does not broadcast to 'tensor<?x64xf32>'}}
  %0 = tenon.sub %a, %b : (tensor<?x64xf32>, tensor<32xf32>) -> tensor<?x64xf32>
  return
}

// -----

func.func @f(%a: tensor<?x64xf32>, %b: tensor<32xf32>) {
  // expected-error @+1 {{operand 'tensor<32xf32>' does not broadcast to 'tensor<?x64xf32>'}}
  %0 = tenon.mul %a, %b : (tensor<?x64xf32>, tensor<32xf32>) -> tensor<?x64xf32>
  return
}

// -----

func.func @f(%a: tensor<?x64xf32>, %b: tensor<32xf32>) {
  // expected-error @+1 {{operand 'tensor<32xf32>' does not broadcast to 'tensor<?x64xf32>'}}
  %0 = tenon.div %a, %b : (tensor<?x64xf32>, tensor<32xf32>) -> tensor<?x64xf32>
  return
}

// -----

func.func @f(%a: tensor<2x?x64xf32>) {
  // expected-error @+1 {{operand 'tensor<2x?x64xf32>' has a higher rank than the result 'tensor<?x64xf32>'}}
  %0 = tenon.add %a, %a : (tensor<2x?x64xf32>, tensor<2x?x64xf32>) -> tensor<?x64xf32>
  return
}

// -----

func.func @f(%x: tensor<?x64xf32>) {
  // expected-error @+1 {{input 'tensor<?x64xf32>' and result 'tensor<?x32xf32>' must have the same shape}}
  %0 = tenon.scale %x {factor = 1.0 : f32} : (tensor<?x64xf32>) -> tensor<?x32xf32>
  return
}

// -----

func.func @f(%x: tensor<?x64xf32>) {
  // expected-error @+1 {{input 'tensor<?x64xf32>' and result 'tensor<?x32xf32>' must have the same shape}}
  %0 = tenon.activation %x {kind = #tenon.activation_kind<relu>} : (tensor<?x64xf32>) -> tensor<?x32xf32>
  return
}

// -----

func.func @f(%x: tensor<?x64xf32>) {
  // expected-error @+1 {{input 'tensor<?x64xf32>' and result 'tensor<?x32xf32>' must have the same shape}}
  %0 = tenon.cast %x : (tensor<?x64xf32>) -> tensor<?x32xf32>
  return
}

// -----

func.func @f(%x: tensor<?x64xf32>) {
  // expected-error @+1 {{input 'tensor<?x64xf32>' and result 'tensor<?x32xf32>' must have the same shape}}
  %0 = tenon.softmax %x : (tensor<?x64xf32>) -> tensor<?x32xf32>
  return
}

// -----

func.func @f(%x: tensor<?x64xf32>) {
  // expected-error @+1 {{input 'tensor<?x64xf32>' and result 'tensor<?x32xf32>' must have the same shape}}
  %0 = tenon.causal_mask %x : (tensor<?x64xf32>) -> tensor<?x32xf32>
  return
}

// -----

func.func @f(%s: tensor<8x?x?xf32>, %v: tensor<?xi32>) {
  // expected-error @+1 {{input 'tensor<8x?x?xf32>' and result 'tensor<4x?x?xf32>' must have the same shape}}
  %0 = tenon.padding_mask %s, %v : (tensor<8x?x?xf32>, tensor<?xi32>) -> tensor<4x?x?xf32>
  return
}

// -----

func.func @f(%s: tensor<8x?x4xf32>, %v: tensor<3xi32>) {
  // expected-error @+1 {{valid must have 4 elements, found 3}}
  %0 = tenon.padding_mask %s, %v : (tensor<8x?x4xf32>, tensor<3xi32>) -> tensor<8x?x4xf32>
  return
}

// -----

func.func @f(%x: tensor<?x64xf32>, %w: tensor<64xf32>) {
  // expected-error @+1 {{input 'tensor<?x64xf32>' and result 'tensor<?x32xf32>' must have the same shape}}
  %0 = tenon.rms_norm %x, %w {eps = 1.0 : f32} : (tensor<?x64xf32>, tensor<64xf32>) -> tensor<?x32xf32>
  return
}

// -----

func.func @f(%x: tensor<?x64xf32>, %w: tensor<64xf32>) {
  // expected-error @+1 {{eps must not be negative}}
  %0 = tenon.rms_norm %x, %w {eps = -1.0 : f32} : (tensor<?x64xf32>, tensor<64xf32>) -> tensor<?x64xf32>
  return
}

// -----

func.func @f(%x: tensor<?x64xf32>, %w: tensor<32xf32>) {
  // expected-error @+1 {{weight must have 64 elements, found 32}}
  %0 = tenon.rms_norm %x, %w {eps = 1.0 : f32} : (tensor<?x64xf32>, tensor<32xf32>) -> tensor<?x64xf32>
  return
}

// -----

func.func @f(%x: tensor<?x64xf32>, %w: tensor<64xf32>) {
  // expected-error @+1 {{input 'tensor<?x64xf32>' and result 'tensor<?x32xf32>' must have the same shape}}
  %0 = tenon.layer_norm %x, %w {eps = 1.0 : f32} : (tensor<?x64xf32>, tensor<64xf32>) -> tensor<?x32xf32>
  return
}

// -----

func.func @f(%x: tensor<?x64xf32>, %w: tensor<64xf32>) {
  // expected-error @+1 {{eps must not be negative}}
  %0 = tenon.layer_norm %x, %w {eps = -1.0 : f32} : (tensor<?x64xf32>, tensor<64xf32>) -> tensor<?x64xf32>
  return
}

// -----

func.func @f(%x: tensor<?x64xf32>, %w: tensor<32xf32>) {
  // expected-error @+1 {{weight must have 64 elements, found 32}}
  %0 = tenon.layer_norm %x, %w {eps = 1.0 : f32} : (tensor<?x64xf32>, tensor<32xf32>) -> tensor<?x64xf32>
  return
}

// -----

func.func @f(%x: tensor<?x64xf32>, %w: tensor<64xf32>, %b: tensor<32xf32>) {
  // expected-error @+1 {{bias must have 64 elements, found 32}}
  %0 = tenon.layer_norm %x, %w bias(%b) {eps = 1.0 : f32} : (tensor<?x64xf32>, tensor<64xf32>, tensor<32xf32>) -> tensor<?x64xf32>
  return
}

// -----

func.func @f(%x: tensor<?x8xf32>, %t: tensor<512x8xf32>) {
  // expected-error @+1 {{input must have rank 3, found 'tensor<?x8xf32>'}}
  %0 = tenon.rope %x, %t : (tensor<?x8xf32>, tensor<512x8xf32>) -> tensor<?x8xf32>
  return
}

// -----

func.func @f(%x: tensor<8x?x8xf32>, %t: tensor<8xf32>) {
  // expected-error @+1 {{table must have rank 2, found 'tensor<8xf32>'}}
  %0 = tenon.rope %x, %t : (tensor<8x?x8xf32>, tensor<8xf32>) -> tensor<8x?x8xf32>
  return
}

// -----

func.func @f(%x: tensor<8x?x8xf32>, %t: tensor<512x8xf32>) {
  // expected-error @+1 {{must have the same shape}}
  %0 = tenon.rope %x, %t : (tensor<8x?x8xf32>, tensor<512x8xf32>) -> tensor<4x?x8xf32>
  return
}

// -----

func.func @f(%x: tensor<8x?x8xf32>, %t: tensor<512x16xf32>) {
  // expected-error @+1 {{table 'tensor<512x16xf32>' does not fit heads of 8}}
  %0 = tenon.rope %x, %t : (tensor<8x?x8xf32>, tensor<512x16xf32>) -> tensor<8x?x8xf32>
  return
}

// -----

func.func @f(%x: tensor<8x?x8xf32>, %t: tensor<512x7xf32>) {
  // expected-error @+1 {{table 'tensor<512x7xf32>' does not fit heads of 8}}
  %0 = tenon.rope %x, %t : (tensor<8x?x8xf32>, tensor<512x7xf32>) -> tensor<8x?x8xf32>
  return
}

// -----

func.func @f(%x: tensor<?x64xf32>) {
  // expected-error @+1 {{of 'tensor<?x64xf32>' into 7 heads cannot be 'tensor<7x?x8xf32>'}}
  %0 = tenon.split_heads %x {heads = 7 : i64} : tensor<?x64xf32> -> tensor<7x?x8xf32>
  return
}

// -----

func.func @f(%x: tensor<8x?x8xf32>) {
  // expected-error @+1 {{of 'tensor<8x?x8xf32>' cannot be 'tensor<?x32xf32>'}}
  %0 = tenon.merge_heads %x : tensor<8x?x8xf32> -> tensor<?x32xf32>
  return
}

// -----

func.func @f(%x: tensor<?x64xf32>) {
  // expected-error @+1 {{at 48 of 'tensor<?x64xf32>' cannot be 'tensor<?x32xf32>'}}
  %0 = tenon.slice %x {offset = 48 : i64} : tensor<?x64xf32> -> tensor<?x32xf32>
  return
}

// -----

func.func @f(%x: tensor<?x64xf32>) {
  // expected-error @+1 {{of 'tensor<?x64xf32>' cannot be 'tensor<?x64xf32>'}}
  %0 = tenon.rows %x {offset = 0 : i64} : tensor<?x64xf32> -> tensor<?x64xf32>
  return
}

// -----

func.func @f(%x: tensor<?x64xf32>, %n: index) {
  // expected-error @+1 {{of 'tensor<?x64xf32>' cannot be 'tensor<?x32xf32>'}}
  %0 = tenon.last_rows %x, %n : tensor<?x64xf32> -> tensor<?x32xf32>
  return
}

// -----

func.func @f(%q: tensor<?x8xf32>, %k: tensor<4x?x8xf32>, %v: tensor<4x?x8xf32>) {
  // expected-error @+1 {{query, key, value and result must have rank 3}}
  %0 = tenon.attention %q, %k, %v {scale = 1.0 : f32} : (tensor<?x8xf32>, tensor<4x?x8xf32>, tensor<4x?x8xf32>) -> tensor<8x?x8xf32>
  return
}

// -----

func.func @f(%q: tensor<8x?x8xf32>, %k: tensor<4x?x8xf32>, %v: tensor<2x?x8xf32>) {
  // expected-error @+1 {{key 'tensor<4x?x8xf32>' and value 'tensor<2x?x8xf32>' have different heads or lengths}}
  %0 = tenon.attention %q, %k, %v {scale = 1.0 : f32} : (tensor<8x?x8xf32>, tensor<4x?x8xf32>, tensor<2x?x8xf32>) -> tensor<8x?x8xf32>
  return
}

// -----

func.func @f(%q: tensor<8x?x8xf32>, %k: tensor<4x?x16xf32>, %v: tensor<4x?x8xf32>) {
  // expected-error @+1 {{query 'tensor<8x?x8xf32>' and key 'tensor<4x?x16xf32>' have different head sizes}}
  %0 = tenon.attention %q, %k, %v {scale = 1.0 : f32} : (tensor<8x?x8xf32>, tensor<4x?x16xf32>, tensor<4x?x8xf32>) -> tensor<8x?x8xf32>
  return
}

// -----

func.func @f(%q: tensor<8x?x8xf32>, %k: tensor<3x?x8xf32>, %v: tensor<3x?x8xf32>) {
  // expected-error @+1 {{heads of query 'tensor<8x?x8xf32>' are no multiple of those of key 'tensor<3x?x8xf32>'}}
  %0 = tenon.attention %q, %k, %v {scale = 1.0 : f32} : (tensor<8x?x8xf32>, tensor<3x?x8xf32>, tensor<3x?x8xf32>) -> tensor<8x?x8xf32>
  return
}

// -----

func.func @f(%q: tensor<8x?x8xf32>, %k: tensor<4x?x8xf32>, %v: tensor<4x?x8xf32>) {
  // expected-error @+1 {{result 'tensor<4x?x8xf32>' does not fit query 'tensor<8x?x8xf32>' and value 'tensor<4x?x8xf32>'}}
  %0 = tenon.attention %q, %k, %v {scale = 1.0 : f32} : (tensor<8x?x8xf32>, tensor<4x?x8xf32>, tensor<4x?x8xf32>) -> tensor<4x?x8xf32>
  return
}

// -----

func.func @f(%q: tensor<8x?x8xf32>, %k: tensor<4x4x8xf32>, %v: tensor<4x4x8xf32>, %m: tensor<3xi32>) {
  // expected-error @+1 {{valid 'tensor<3xi32>' must have an element for each key of 'tensor<4x4x8xf32>'}}
  %0 = tenon.attention %q, %k, %v valid(%m) {scale = 1.0 : f32} : (tensor<8x?x8xf32>, tensor<4x4x8xf32>, tensor<4x4x8xf32>, tensor<3xi32>) -> tensor<8x?x8xf32>
  return
}

// -----

func.func @f(%q: tensor<8x?x8xf32>, %k: tensor<4x?x8xf32>, %v: tensor<4x?x8xf32>) {
  // expected-error @+1 {{window must be positive, found 0}}
  %0 = tenon.attention %q, %k, %v {causal, scale = 1.0 : f32, window = 0 : i64} : (tensor<8x?x8xf32>, tensor<4x?x8xf32>, tensor<4x?x8xf32>) -> tensor<8x?x8xf32>
  return
}

// -----

func.func @f(%q: tensor<8x?x8xf32>, %k: tensor<4x?x8xf32>, %v: tensor<4x?x8xf32>) {
  // expected-error @+1 {{has a window, but is not causal}}
  %0 = tenon.attention %q, %k, %v {scale = 1.0 : f32, window = 4 : i64} : (tensor<8x?x8xf32>, tensor<4x?x8xf32>, tensor<4x?x8xf32>) -> tensor<8x?x8xf32>
  return
}

// -----

func.func @f(%x: tensor<64xf32>, %u: tensor<96x64xf32>, %d: tensor<64x96xf32>) {
  // expected-error @+1 {{input, up and down must have rank 2}}
  %0 = tenon.ffn %x, %u, %d {activation = #tenon.activation_kind<silu>} : (tensor<64xf32>, tensor<96x64xf32>, tensor<64x96xf32>) -> tensor<?x64xf32>
  return
}

// -----

func.func @f(%x: tensor<?x32xf32>, %u: tensor<96x64xf32>, %d: tensor<64x96xf32>) {
  // expected-error @+1 {{input 'tensor<?x32xf32>', up 'tensor<96x64xf32>' and down 'tensor<64x96xf32>' do not fit}}
  %0 = tenon.ffn %x, %u, %d {activation = #tenon.activation_kind<silu>} : (tensor<?x32xf32>, tensor<96x64xf32>, tensor<64x96xf32>) -> tensor<?x64xf32>
  return
}

// -----

func.func @f(%x: tensor<?x64xf32>, %u: tensor<96x64xf32>, %d: tensor<64x96xf32>, %m0: tensor<95x64xf32>) {
  // expected-error @+1 {{gate 'tensor<95x64xf32>' must have the type of up 'tensor<96x64xf32>'}}
  %0 = tenon.ffn %x, %u, %d gate(%m0) {activation = #tenon.activation_kind<silu>} : (tensor<?x64xf32>, tensor<96x64xf32>, tensor<64x96xf32>, tensor<95x64xf32>) -> tensor<?x64xf32>
  return
}

// -----

func.func @f(%x: tensor<?x64xf32>, %u: tensor<96x64xf32>, %d: tensor<64x96xf32>, %m0: tensor<96xf32>) {
  // expected-error @+1 {{has a gate bias without a gate}}
  %0 = tenon.ffn %x, %u, %d gate_bias(%m0) {activation = #tenon.activation_kind<silu>} : (tensor<?x64xf32>, tensor<96x64xf32>, tensor<64x96xf32>, tensor<96xf32>) -> tensor<?x64xf32>
  return
}

// -----

func.func @f(%x: tensor<?x64xf32>, %u: tensor<96x64xf32>, %d: tensor<64x96xf32>) {
  // expected-error @+1 {{result 'tensor<?x32xf32>' does not fit input 'tensor<?x64xf32>' and down 'tensor<64x96xf32>'}}
  %0 = tenon.ffn %x, %u, %d {activation = #tenon.activation_kind<silu>} : (tensor<?x64xf32>, tensor<96x64xf32>, tensor<64x96xf32>) -> tensor<?x32xf32>
  return
}

// -----

func.func @f(%x: tensor<?x64xf32>, %u: tensor<96x64xf32>, %d: tensor<64x96xf32>, %m0: tensor<64xf32>) {
  // expected-error @+1 {{up bias must have 96 elements, found 'tensor<64xf32>'}}
  %0 = tenon.ffn %x, %u, %d up_bias(%m0) {activation = #tenon.activation_kind<silu>} : (tensor<?x64xf32>, tensor<96x64xf32>, tensor<64x96xf32>, tensor<64xf32>) -> tensor<?x64xf32>
  return
}

// -----

func.func @f(%x: tensor<?x64xf32>, %u: tensor<96x64xf32>, %d: tensor<64x96xf32>, %m0: tensor<96x64xf32>, %m1: tensor<64xf32>) {
  // expected-error @+1 {{gate bias must have 96 elements, found 'tensor<64xf32>'}}
  %0 = tenon.ffn %x, %u, %d gate(%m0) gate_bias(%m1) {activation = #tenon.activation_kind<silu>} : (tensor<?x64xf32>, tensor<96x64xf32>, tensor<64x96xf32>, tensor<96x64xf32>, tensor<64xf32>) -> tensor<?x64xf32>
  return
}

// -----

func.func @f(%x: tensor<?x64xf32>, %u: tensor<96x64xf32>, %d: tensor<64x96xf32>, %m0: tensor<96xf32>) {
  // expected-error @+1 {{down bias must have 64 elements, found 'tensor<96xf32>'}}
  %0 = tenon.ffn %x, %u, %d down_bias(%m0) {activation = #tenon.activation_kind<silu>} : (tensor<?x64xf32>, tensor<96x64xf32>, tensor<64x96xf32>, tensor<96xf32>) -> tensor<?x64xf32>
  return
}

// -----

func.func @f(%x: tensor<?x64xf32>, %u: tensor<96x64xf32>, %d: tensor<64x96xf32>, %m0: tensor<?x32xf32>) {
  // expected-error @+1 {{residual 'tensor<?x32xf32>' must have the shape of the result 'tensor<?x64xf32>'}}
  %0 = tenon.ffn %x, %u, %d residual(%m0) {activation = #tenon.activation_kind<silu>} : (tensor<?x64xf32>, tensor<96x64xf32>, tensor<64x96xf32>, tensor<?x32xf32>) -> tensor<?x64xf32>
  return
}

// -----

func.func @f(%q: tensor<8x?x8xf32>, %k: tensor<4x?x8xf32>, %c: !tenon.kv_cache<layers = 5, heads = 4, capacity = 512, head_dim = 8, element = f32>, %i: index) {
  // expected-error @+1 {{of 'tensor<8x?x8xf32>' does not fit '!tenon.kv_cache}}
  tenon.cache_append %q, %k, %c[%i] at %i : tensor<8x?x8xf32>, tensor<4x?x8xf32>, !tenon.kv_cache<layers = 5, heads = 4, capacity = 512, head_dim = 8, element = f32>
  return
}

// -----

func.func @f(%q: tensor<8x?x16xf32>, %c: !tenon.kv_cache<layers = 5, heads = 4, capacity = 512, head_dim = 8, element = f32>, %i: index) {
  // expected-error @+1 {{of 'tensor<8x?x16xf32>' to 'tensor<8x?x16xf32>' does not fit}}
  %0 = tenon.cached_attention %q, %c[%i] at %i {causal, scale = 1.0 : f32} : (tensor<8x?x16xf32>, !tenon.kv_cache<layers = 5, heads = 4, capacity = 512, head_dim = 8, element = f32>) -> tensor<8x?x16xf32>
  return
}

// -----

func.func @f(%q: tensor<8x?x8xf32>, %c: !tenon.kv_cache<layers = 5, heads = 4, capacity = 512, head_dim = 8, element = f32>, %i: index) {
  // expected-error @+1 {{of 'tensor<8x?x8xf32>' to 'tensor<8x1x8xf32>' does not fit}}
  %0 = tenon.cached_attention %q, %c[%i] at %i {causal, scale = 1.0 : f32} : (tensor<8x?x8xf32>, !tenon.kv_cache<layers = 5, heads = 4, capacity = 512, head_dim = 8, element = f32>) -> tensor<8x1x8xf32>
  return
}

// -----

func.func @f(%q: tensor<8x?x8xf32>, %c: !tenon.kv_cache<layers = 5, heads = 4, capacity = 512, head_dim = 8, element = f32>, %i: index) {
  // expected-error @+1 {{has a window, but is not causal}}
  %0 = tenon.cached_attention %q, %c[%i] at %i {scale = 1.0 : f32, window = 4 : i64} : (tensor<8x?x8xf32>, !tenon.kv_cache<layers = 5, heads = 4, capacity = 512, head_dim = 8, element = f32>) -> tensor<8x?x8xf32>
  return
}

// -----

func.func @f(%k: tensor<4x?x8xf32>, %c: !tenon.kv_cache<layers = 5, heads = 4, capacity = 512, head_dim = 8, element = f32, sequences = 3>, %i: index) {
  // expected-error @+1 {{needs a position for each row: the cache has 3 sequences}}
  tenon.cache_append %k, %k, %c[%i] at %i : tensor<4x?x8xf32>, tensor<4x?x8xf32>, !tenon.kv_cache<layers = 5, heads = 4, capacity = 512, head_dim = 8, element = f32, sequences = 3>
  return
}

// -----

func.func @f(%k: tensor<4x2x8xf32>, %p: tensor<2xi32>, %c: !tenon.kv_cache<layers = 5, heads = 4, capacity = 512, head_dim = 8, element = f32, sequences = 3>, %i: index) {
  // expected-error @+1 {{of 'tensor<4x2x8xf32>' at 'tensor<2xi32>' must have a token and a position for each of 3 sequences}}
  tenon.cache_append %k, %k, %c[%i] at rows(%p : tensor<2xi32>) : tensor<4x2x8xf32>, tensor<4x2x8xf32>, !tenon.kv_cache<layers = 5, heads = 4, capacity = 512, head_dim = 8, element = f32, sequences = 3>
  return
}

// -----

func.func @f(%q: tensor<8x3x8xf32>, %p: tensor<2xi32>, %c: !tenon.kv_cache<layers = 5, heads = 4, capacity = 512, head_dim = 8, element = f32, sequences = 3>, %i: index) {
  // expected-error @+1 {{of 'tensor<8x3x8xf32>' at 'tensor<2xi32>' must have a token and a position for each of 3 sequences}}
  %0 = tenon.cached_attention %q, %c[%i] at rows(%p : tensor<2xi32>) {causal, scale = 1.0 : f32} : (tensor<8x3x8xf32>, !tenon.kv_cache<layers = 5, heads = 4, capacity = 512, head_dim = 8, element = f32, sequences = 3>) -> tensor<8x3x8xf32>
  return
}

// -----

func.func @f(%x: tensor<8x3x8xf32>, %table: tensor<512x4xf32>, %p: tensor<2xi32>) {
  // expected-error @+1 {{positions must have 3 elements, found 2}}
  %0 = tenon.rope %x, %table at %p : (tensor<8x3x8xf32>, tensor<512x4xf32>, tensor<2xi32>) -> tensor<8x3x8xf32>
  return
}

// -----

func.func @f(%x: tensor<8x3x8xf32>, %table: tensor<512x4xf32>, %p: tensor<3xf32>) {
  // expected-error @+1 {{operand #2 must be index, or one i32 for each token, but got 'tensor<3xf32>'}}
  %0 = tenon.rope %x, %table at %p : (tensor<8x3x8xf32>, tensor<512x4xf32>, tensor<3xf32>) -> tensor<8x3x8xf32>
  return
}

// -----

func.func @f(%k: memref<4x?x8xf32>, %ks: memref<4x32x8x8xf32>, %vs: memref<4x512x8xf32>, %i: index) {
  // expected-error @+1 {{are no cache blocks}}
  tenon.append_kv %k, %k, %ks, %vs at %i : memref<4x?x8xf32>, memref<4x?x8xf32>, memref<4x32x8x8xf32>, memref<4x512x8xf32>
  return
}

// -----

func.func @f(%k: memref<2x?x8xf32>, %ks: memref<4x32x8x16xf32>, %vs: memref<4x512x8xf32>, %i: index) {
  // expected-error @+1 {{'memref<2x?x8xf32>' does not fit blocks 'memref<4x32x8x16xf32>'}}
  tenon.append_kv %k, %k, %ks, %vs at %i : memref<2x?x8xf32>, memref<2x?x8xf32>, memref<4x32x8x16xf32>, memref<4x512x8xf32>
  return
}

// -----

func.func @f(%q: memref<8x?x8xf32>, %ks: memref<4x32x8x16xf32>, %vs: memref<4x256x8xf32>, %i: index) {
  // expected-error @+1 {{are no cache blocks}}
  tenon.block_attention %q, %ks, %vs at %i length %i into %q {scale = 1.0 : f32} : memref<8x?x8xf32>, memref<4x32x8x16xf32>, memref<4x256x8xf32>, memref<8x?x8xf32>
  return
}

// -----

func.func @f(%q: memref<6x?x8xf32>, %ks: memref<4x32x8x16xf32>, %vs: memref<4x512x8xf32>, %i: index) {
  // expected-error @+1 {{query 'memref<6x?x8xf32>' does not fit keys 'memref<4x32x8x16xf32>'}}
  tenon.block_attention %q, %ks, %vs at %i length %i into %q {scale = 1.0 : f32} : memref<6x?x8xf32>, memref<4x32x8x16xf32>, memref<4x512x8xf32>, memref<6x?x8xf32>
  return
}

// -----

func.func @f(%q: memref<8x?x8xf32>, %ks: memref<4x32x8x16xf32>, %vs: memref<4x512x8xf32>, %o: memref<4x?x8xf32>, %i: index) {
  // expected-error @+1 {{query 'memref<8x?x8xf32>' and values 'memref<4x512x8xf32>' do not fit result 'memref<4x?x8xf32>'}}
  tenon.block_attention %q, %ks, %vs at %i length %i into %o {scale = 1.0 : f32} : memref<8x?x8xf32>, memref<4x32x8x16xf32>, memref<4x512x8xf32>, memref<4x?x8xf32>
  return
}

// -----

func.func @f(%a: memref<?x64xf32>, %b: memref<?x32xf32>) {
  // expected-error @+1 {{of 'memref<?x64xf32>' into 'memref<?x32xf32>'}}
  tenon.copy %a into %b : memref<?x64xf32>, memref<?x32xf32>
  return
}

// -----

func.func @f() {
  // expected-error @+1 {{'tenon.yield' op expects parent op to be one of 'tenon.dispatch, tenon.step'}}
  tenon.yield
  return
}

// -----

func.func @f(%x: memref<4xf32>) {
  // expected-error @+1 {{'tenon.step' op expects parent op 'tenon.dispatch'}}
  tenon.step "x" {
    tenon.copy %x into %x : memref<4xf32>, memref<4xf32>
  }
  return
}

// -----

func.func @f(%x: memref<4xf32>, %n: index) {
  // expected-error @+1 {{holds only tenon.step in its prologue}}
  tenon.dispatch %t of %n grain 1 label "x" prologue {
    // expected-note @+1 {{found tenon.copy}}
    tenon.copy %x into %x : memref<4xf32>, memref<4xf32>
  } {
  }
  return
}

// -----

func.func @f(%n: index) {
  // expected-error @+1 {{has a body of one argument, the task's index}}
  "tenon.dispatch"(%n) <{grain = 1 : i64, label = "x"}> ({
    "tenon.yield"() : () -> ()
  }, {
  }) : (index) -> ()
  return
}

// -----

func.func @f(%n: index) {
  // expected-error @+1 {{has a prologue without arguments}}
  "tenon.dispatch"(%n) <{grain = 1 : i64, label = "x"}> ({
  ^bb0(%t: index):
    "tenon.yield"() : () -> ()
  }, {
  ^bb0(%u: index):
    "tenon.yield"() : () -> ()
  }) : (index) -> ()
  return
}

// -----

// expected-error @+2 {{failed to parse Tenon_TargetAttr parameter 'tuning'}}
// expected-error @+1 {{prefetch_distance must be between 0 and 1048576, found -1}}
func.func private @f() attributes {t = #tenon.target<cpu = "", features = "", vector_bits = 512, registers = 32, l1 = 1, l2 = 1, l3 = 1, tuning = <prefetch_distance = -1>, extensions = ["ssse3", "avx", "avx2", "fma", "avx512f", "avx512bw", "avx512dq", "avx512vl", "avx512bf16"]>}

// -----

func.func @f(%x: tensor<?x128xf32>, %w: tensor<127x64xf32>) {
  // expected-error @+1 {{of 2 groups is not gated, and they share the rows of its weight, found 'tensor<127x64xf32>'}}
  %0 = tenon.linear %x, %w {groups = 2 : i64} : (tensor<?x128xf32>, tensor<127x64xf32>) -> tensor<?x127xf32>
  return
}

// -----

func.func @f(%x: tensor<?x64xf32>, %w: tensor<128x64xf32>) {
  // expected-error @+1 {{has 64 columns, the weight 'tensor<128x64xf32>' takes 128}}
  %0 = tenon.linear %x, %w {groups = 2 : i64} : (tensor<?x64xf32>, tensor<128x64xf32>) -> tensor<?x128xf32>
  return
}

// -----

// expected-error @+1 {{rows of 'tensor<65x32xf32>' are not those of 2 heads}}
tenon.weight @w : tensor<64x32xf32> from [#tenon.source<"w", tensor<65x32xf32>, heads = 2, first = 0, count = 32>]

// -----

// expected-error @+1 {{a head of 32 rows has no 16 from 20 on}}
tenon.weight @w : tensor<32x32xf32> from [#tenon.source<"w", tensor<64x32xf32>, heads = 2, first = 20, count = 16>]

// -----

// Transposed, 2 heads of 16 rows are 2 x 32 rows of 16.
// expected-error @+1 {{does not give rows of 'tensor<32x32xf32>'}}
tenon.weight @w : tensor<32x32xf32> from [#tenon.source<"w", tensor<64x32xf32>, heads = 2, first = 8, count = 16, transposed>]
