//===- FusionPasses.td - passes on tensors -----------------*- tablegen -*-===//

#ifndef TENON_DIALECT_TENON_TRANSFORMS_FUSIONPASSES_TD
#define TENON_DIALECT_TENON_TRANSFORMS_FUSIONPASSES_TD

include "mlir/Pass/PassBase.td"

class Tenon_TensorPass<string argument> : Pass<argument, "::mlir::ModuleOp"> {
  let dependentDialects = ["::tenon::TenonDialect", "::mlir::arith::ArithDialect",
                           "::mlir::func::FuncDialect", "::mlir::scf::SCFDialect"];
}

def TenonFuseLinear : Tenon_TensorPass<"tenon-fuse-linear"> {
  let summary = "products with weights become linears with epilogues";
  let description = [{
    A product with a transposed weight is a `tenon.linear`. A product with a
    weight that the checkpoint holds as [in, out] (Conv1D) is one on a new
    weight, whose source is `transposed`: transposing is the packer's work, not
    the model's. A bias, an activation and a residual are then taken into the
    linear, in this order, if nothing else reads the value before them. The
    halves of a linear, of which the first is activated and multiplies the
    second (a gate and what it lets through in one weight), are its gated form.

    Before:
    ```mlir
    %w = tenon.weight_ref @h.fc[%i] : tensor<64x256xf32>
    %0 = tenon.matmul %x, %w : (tensor<?x64xf32>, tensor<64x256xf32>) -> tensor<?x256xf32>
    %1 = tenon.add %0, %b : (tensor<?x256xf32>, tensor<256xf32>) -> tensor<?x256xf32>
    %2 = tenon.activation %1 {kind = #tenon.activation_kind<gelu>} : (tensor<?x256xf32>) -> tensor<?x256xf32>
    ```
    After:
    ```mlir
    %w = tenon.weight_ref @h.fc.transposed[%i] : tensor<256x64xf32>
    %2 = tenon.linear %x, %w bias(%b) {activation = #tenon.activation_kind<gelu>}
      : (tensor<?x64xf32>, tensor<256x64xf32>, tensor<256xf32>) -> tensor<?x256xf32>
    ```
    Declined: a weight with several sources, which cannot be transposed row by
    row; an epilogue on a value that is also read elsewhere; a product of two
    activations (left as `tenon.matmul`); halves with other uses, or of which
    the second is activated.
  }];
  let statistics = [
    Statistic<"numLinears", "linears", "Number of products that became linears">,
    Statistic<"numTransposed", "transposed-weights", "Number of weights whose source is now transposed">,
    Statistic<"numBiases", "biases", "Number of biases taken into a linear">,
    Statistic<"numActivations", "activations", "Number of activations taken into a linear">,
    Statistic<"numGates", "gates", "Number of linears whose first half is now the gate of the second">,
    Statistic<"numResiduals", "residuals", "Number of residuals taken into a linear">,
    Statistic<"numDeclinedProducts", "declined-products", "Number of products left: no operand is a weight that can be transposed">,
    Statistic<"numDeclinedUses", "declined-uses", "Number of epilogues left: the linear's value has other uses">,
    Statistic<"numDeclinedOrder", "declined-order", "Number of epilogues left: the linear has a later one already">,
  ];
}

def TenonFuseAttention : Tenon_TensorPass<"tenon-fuse-attention"> {
  let summary = "softmax(QKᵀ·scale + bias + mask)·V becomes tenon.attention";
  let description = [{
    Starts at a product of probabilities and values and walks up a chain: softmax
    with its sink, then scales, masks and a `tenon.score_bias` in any order, then
    a `tanh` between two scales, which is a cap, then the product of queries and
    transposed keys, which may be scaled themselves. Scales (`tenon.scale`, or a
    product with or quotient by a constant) multiply up; those below a bias, that
    is after it, are its `bias_scale`; causal masks take the smallest window,
    beside one a band is a window too; heads may be grouped.

    Before:
    ```mlir
    %kt = tenon.transpose %k : tensor<4x?x8xf32> -> tensor<4x8x?xf32>
    %0 = tenon.matmul %q, %kt : (tensor<8x?x8xf32>, tensor<4x8x?xf32>) -> tensor<8x?x?xf32>
    %1 = tenon.scale %0 {factor = 0.35 : f32} : (tensor<8x?x?xf32>) -> tensor<8x?x?xf32>
    %2 = tenon.causal_mask %1 : (tensor<8x?x?xf32>) -> tensor<8x?x?xf32>
    %3 = tenon.softmax %2 : (tensor<8x?x?xf32>) -> tensor<8x?x?xf32>
    %o = tenon.matmul %3, %v : (tensor<8x?x?xf32>, tensor<4x?x8xf32>) -> tensor<8x?x8xf32>
    ```
    After:
    ```mlir
    %o = tenon.attention %q, %k, %v {causal, scale = 0.35 : f32}
      : (tensor<8x?x8xf32>, tensor<4x?x8xf32>, tensor<4x?x8xf32>) -> tensor<8x?x8xf32>
    ```
    With a cap, a bias and a sink (c = 50, scale 0.35):
    ```mlir
    %0 = tenon.matmul %q, %kt : (tensor<8x?x8xf32>, tensor<4x8x?xf32>) -> tensor<8x?x?xf32>
    %1 = tenon.scale %0 {factor = 0.007 : f32} : (tensor<8x?x?xf32>) -> tensor<8x?x?xf32>
    %2 = tenon.activation %1 {kind = #tenon.activation_kind<tanh>} : (tensor<8x?x?xf32>) -> tensor<8x?x?xf32>
    %3 = tenon.scale %2 {factor = 50.0 : f32} : (tensor<8x?x?xf32>) -> tensor<8x?x?xf32>
    %4 = tenon.score_bias %3, %b : (tensor<8x?x?xf32>, tensor<8x1089xf32>) -> tensor<8x?x?xf32>
    %5 = tenon.softmax %4 sink(%w) : (tensor<8x?x?xf32>, tensor<8xf32>) -> tensor<8x?x?xf32>
    %o = tenon.matmul %5, %v : (tensor<8x?x?xf32>, tensor<4x?x8xf32>) -> tensor<8x?x8xf32>
    ```
    becomes
    ```mlir
    %o = tenon.attention %q, %k, %v bias(%b) sink(%w) {cap = 50.0 : f32, scale = 0.35 : f32}
      : (tensor<8x?x8xf32>, tensor<4x?x8xf32>, tensor<4x?x8xf32>, tensor<8x1089xf32>, tensor<8xf32>) -> tensor<8x?x8xf32>
    ```
    Declined: probabilities or scores that are read elsewhere; operations on the
    scores that are no link of the chain; links in another order; a scale after
    a mask that is not positive (it would turn minus infinity round); two
    different padding masks; a product without heads. The product keeps the
    reason as `tenon.declined`, and the location of the operation where the chain
    breaks as `tenon.declined_at`.
    With `for-gradients`, for a model that learns: a bias, a sink or a padding
    mask, too, for which `tenon.attention_gradient` has no form.
  }];
  let options = [
    Option<"forGradients", "for-gradients", "bool", "false", "Only what tenon.attention_gradient goes back through">,
  ];
  let statistics = [
    Statistic<"numFused", "fused", "Number of attentions found">,
    Statistic<"numScales", "scales", "Number of scales taken into an attention">,
    Statistic<"numMasks", "masks", "Number of masks taken into an attention">,
    Statistic<"numCaps", "caps", "Number of attentions with a cap">,
    Statistic<"numBiases", "biases", "Number of attentions with a bias">,
    Statistic<"numSinks", "sinks", "Number of attentions with a sink">,
    Statistic<"numDeclinedUses", "declined-uses", "Number declined: probabilities or scores have other uses">,
    Statistic<"numDeclinedScores", "declined-scores", "Number declined: the scores are no chain from a product of queries and transposed keys">,
    Statistic<"numDeclinedOrder", "declined-order", "Number declined: links of the chain stand in another order, or twice">,
    Statistic<"numDeclinedScale", "declined-scale", "Number declined: a masked score is scaled by a factor that is not positive">,
    Statistic<"numDeclinedPadding", "declined-padding", "Number declined: two different padding masks">,
    Statistic<"numDeclinedRank", "declined-rank", "Number declined: no head tensors">,
    Statistic<"numDeclinedGradient", "declined-gradient", "Number declined for gradients: a padding mask, a bias or a sink">,
  ];
}

def TenonFoldScales : Tenon_TensorPass<"tenon-fold-scales"> {
  let summary = "scales move into attention and norms";
  let description = [{
    A scale of the queries or keys of an attention, before heads are split or
    rotated (both are linear), becomes part of the attention's own scale: one
    rounding less for each component. Ahead of a norm, a scale by a power of two
    changes nothing but eps: `norm(f x, eps) = norm(x, eps / f²)`, exactly.

    Before:
    ```mlir
    %0 = tenon.scale %x {factor = 0.125 : f32} : (tensor<?x64xf32>) -> tensor<?x64xf32>
    %q = tenon.split_heads %0 {heads = 8 : i64} : tensor<?x64xf32> -> tensor<8x?x8xf32>
    %o = tenon.attention %q, %k, %v {causal, scale = 1.0 : f32} : ...
    ```
    After:
    ```mlir
    %q = tenon.split_heads %x {heads = 8 : i64} : tensor<?x64xf32> -> tensor<8x?x8xf32>
    %o = tenon.attention %q, %k, %v {causal, scale = 0.125 : f32} : ...
    ```
    Declined: a scale ahead of a norm whose factor is no power of two, or whose
    eps would leave the normal numbers, since results would differ by rounding;
    values with other uses. A scale after a linear stays: weights keep the
    checkpoint's values, so that files of one model can be compared.
  }];
  let statistics = [
    Statistic<"numAttention", "attention", "Number of scales taken into an attention">,
    Statistic<"numNorms", "norms", "Number of scales taken into the eps of a norm">,
    Statistic<"numDeclinedInexact", "declined-inexact", "Number of scales left before a norm: not exact">,
    Statistic<"numDeclinedUses", "declined-uses", "Number of scales left: the scaled value has other uses">,
  ];
}

def TenonFuseFfn : Tenon_TensorPass<"tenon-fuse-ffn"> {
  let summary = "linear, activation, linear become tenon.ffn";
  let description = [{
    Plain: a linear with an activation, read by one linear without. Gated: the
    product of a linear with an activation and one without, of the same input.
    Biases and the residual of the last linear come along.

    Before:
    ```mlir
    %g = tenon.linear %x, %wg {activation = #tenon.activation_kind<silu>} : (tensor<?x64xf32>, tensor<172x64xf32>) -> tensor<?x172xf32>
    %u = tenon.linear %x, %wu : (tensor<?x64xf32>, tensor<172x64xf32>) -> tensor<?x172xf32>
    %m = tenon.mul %g, %u : (tensor<?x172xf32>, tensor<?x172xf32>) -> tensor<?x172xf32>
    %y = tenon.linear %m, %wd residual(%r) : (tensor<?x172xf32>, tensor<64x172xf32>, tensor<?x64xf32>) -> tensor<?x64xf32>
    ```
    After:
    ```mlir
    %y = tenon.ffn %x, %wu, %wd gate(%wg) residual(%r) {activation = #tenon.activation_kind<silu>} : ...
    ```
    Declined: a hidden value with other uses; a last linear with an activation;
    a gate with a bias and an up without (or the other way), since both are to
    be one weight.
  }];
  let statistics = [
    Statistic<"numPlain", "plain", "Number of plain networks fused">,
    Statistic<"numGated", "gated", "Number of gated networks fused">,
    Statistic<"numDeclinedUses", "declined-uses", "Number declined: the hidden value has other uses">,
    Statistic<"numDeclinedActivation", "declined-activation", "Number declined: the last linear has an activation">,
    Statistic<"numDeclinedBias", "declined-bias", "Number of gated networks declined: only one of gate and up has a bias">,
  ];
}

def TenonFuseQkv : Tenon_TensorPass<"tenon-fuse-qkv"> {
  let summary = "linears of one input become one";
  let description = [{
    Linears that share their input and have no epilogue but a bias become one
    linear on a weight whose sources follow one another; biases likewise. The
    results are slices, which are views in memory.

    Before:
    ```mlir
    tenon.weight @wq : tensor<5x64x64xf32> from [#tenon.source<"{i}.q", tensor<64x64xf32>>] stacked
    tenon.weight @wk : tensor<5x32x64xf32> from [#tenon.source<"{i}.k", tensor<32x64xf32>>] stacked
    %q = tenon.linear %x, %wq : (tensor<?x64xf32>, tensor<64x64xf32>) -> tensor<?x64xf32>
    %k = tenon.linear %x, %wk : (tensor<?x64xf32>, tensor<32x64xf32>) -> tensor<?x32xf32>
    ```
    After:
    ```mlir
    tenon.weight @wq.wk : tensor<5x96x64xf32> from [
      #tenon.source<"{i}.q", tensor<64x64xf32>>, #tenon.source<"{i}.k", tensor<32x64xf32>>] stacked
    %0 = tenon.linear %x, %w : (tensor<?x64xf32>, tensor<96x64xf32>) -> tensor<?x96xf32>
    %q = tenon.slice %0 {offset = 0 : i64} : tensor<?x96xf32> -> tensor<?x64xf32>
    %k = tenon.slice %0 {offset = 64 : i64} : tensor<?x96xf32> -> tensor<?x32xf32>
    ```
    Declined: weights that are used otherwise too, since they would be stored
    twice; linears with an activation or a residual; weights that differ in
    element type or in being stacked.
  }];
  let statistics = [
    Statistic<"numGroups", "groups", "Number of fused linears made">,
    Statistic<"numFused", "fused", "Number of linears that they replace">,
    Statistic<"numDeclinedShared", "declined-shared", "Number of linears left: their weight or bias has other uses">,
    Statistic<"numDeclinedEpilogue", "declined-epilogue", "Number of linears left beside others of the same input: they have an epilogue">,
    Statistic<"numDeclinedWeight", "declined-weight", "Number of linears left beside others of the same input: their weights do not go together">,
  ];
}

def TenonAbsorbLatent : Tenon_TensorPass<"tenon-absorb-latent"> {
  let summary = "attention to what keys and values are made of";
  let description = [{
    Keys `[kn_h, kr]` and values `v_h` that are heads of one linear of few latent
    components c, kn_h = K_h c and v_h = V_h c, but for components kr that all
    heads share (DeepSeek V2, arXiv:2405.04434, 2.1), need not be cached: the
    product of a query `[qn_h, qr]` and a key is `(K_hᵀ qn_h) c + qr kr`, and a
    sum of values weighted by probabilities is V_h times such a sum of c. So all
    heads attend to one key `[c, kr]` and one value c, and a linear of each head
    (`tenon.linear` in groups) multiplies queries before and results behind.
    Prefill and decode compute the same, whatever the chunk (I5).

    Before, H heads:
    ```mlir
    %kv = tenon.linear %c, %w : (tensor<?x512xf32>, tensor<4096x512xf32>) -> tensor<?x4096xf32>
    %h = tenon.split_heads %kv {heads = 16 : i64} : tensor<?x4096xf32> -> tensor<16x?x256xf32>
    %kn = tenon.slice %h {offset = 0 : i64} : tensor<16x?x256xf32> -> tensor<16x?x128xf32>
    %v = tenon.slice %h {offset = 128 : i64} : tensor<16x?x256xf32> -> tensor<16x?x128xf32>
    %k = tenon.concat %kn, %kr : (tensor<16x?x128xf32>, tensor<1x?x64xf32>) -> tensor<16x?x192xf32>
    %o = tenon.attention %q, %k, %v {causal, scale = 0.07 : f32} : ... -> tensor<16x?x128xf32>
    ```
    After:
    ```mlir
    %qc = tenon.linear %qn, %wk {groups = 16 : i64} : (tensor<?x2048xf32>, tensor<8192x128xf32>) -> tensor<?x8192xf32>
    %c1 = tenon.split_heads %c {heads = 1 : i64} : tensor<?x512xf32> -> tensor<1x?x512xf32>
    %k = tenon.concat %c1, %kr : (tensor<1x?x512xf32>, tensor<1x?x64xf32>) -> tensor<1x?x576xf32>
    %oc = tenon.attention %q2, %k, %c1 {causal, scale = 0.07 : f32} : ... -> tensor<16x?x512xf32>
    %o = tenon.linear %oc2, %wv {groups = 16 : i64} : (tensor<?x8192xf32>, tensor<2048x512xf32>) -> tensor<?x2048xf32>
    ```
    A token of this layer is 1,088 numbers in the cache instead of 5,120, and its
    attention 3.4 times the products: prompts take longer, and generation at
    some length about as long. The module's `tenon.latent_cache` says "on" or
    "off"; "auto", which is the default, takes "on" where keys and values of the
    whole context are more than 2^28 numbers.

    Declined: a linear with an epilogue; a weight in blocks, whose transpose
    would be quantized again; sizes that are no multiples of 64, of which
    groups' panels are made; keys or values that are read elsewhere; and where
    it would be no less to cache.
  }];
  let statistics = [
    Statistic<"numAbsorbed", "absorbed", "Number of attentions to latent components">,
    Statistic<"numDeclinedForm", "declined-form", "Number declined: epilogue, weight, sizes or other readers">,
    Statistic<"numDeclinedSize", "declined-size", "Number declined: keys and values are few, or shall stay">,
  ];
}

def TenonIncremental : Tenon_TensorPass<"tenon-incremental"> {
  let summary = "prefill and decode with a key/value cache";
  let description = [{
    From `@forward` of a decoder, whose meaning is that of a whole sequence,
    derives two functions that take the next tokens of one: `@prefill` for any
    number of tokens, and `@decode` for one, with static shapes throughout. If
    the module's `tenon.max_sequences` = N is above 1, a third one,
    `@decode_batch`, takes one token of each of N sequences.

    * Keys and values are appended to a cache; attention reads it. A cache has a
      layer for every attention of its class that is executed: loops times
      attentions, in the order of execution, so that a layer's index is affine
      in the induction variables. Attentions whose keys differ in heads or
      widths are classes of their own, with a cache each. Its capacity is
      `tenon.context`, rounded up to 128. Attention to a window w needs a ring of
      w + `tenon.max_chunk` tokens, rounded up likewise: those of one window
      make a class where that is less, of a context of more than 512. The
      precision is that of the module's `tenon.kv_cache` ("f32", "f16" or
      "int8"), by default f16 beside weights in blocks and f32 beside others.
    * Rotary and learned positions start at `%position`.
    * `@prefill` computes the last `%num_rows` rows of the result only.
      `tenon.last_rows` moves up through row-wise operations as far as the last
      layer, so that the head and the final norm see no other rows.

    Before:
    ```mlir
    func.func @forward(%tokens: tensor<?xi32>) -> tensor<?x512xf32> {
      %y = scf.for %i = %c0 to %c5 step %c1 iter_args(%x = ...) -> (tensor<?x64xf32>) {
        %q = tenon.rope %0, %table : (tensor<8x?x8xf32>, tensor<512x8xf32>) -> tensor<8x?x8xf32>
        %o = tenon.attention %q, %k, %v {causal, scale = 0.35 : f32} : ...
      }
      %n = tenon.rms_norm %y, %w {eps = 1.0e-5 : f32} : ...
      %l = tenon.linear %n, %head : ...
      return %l : tensor<?x512xf32>
    }
    ```
    After:
    ```mlir
    func.func @prefill(%tokens: tensor<?xi32>, %position: index, %num_rows: index,
        %cache: !tenon.kv_cache<layers = 5, heads = 4, capacity = 512, head_dim = 8, element = f32>) -> tensor<?x512xf32> {
      %y = scf.for %i = %c0 to %c5 step %c1 iter_args(%x = ...) -> (tensor<?x64xf32>) {
        %q = tenon.rope %0, %table at %position : (tensor<8x?x8xf32>, tensor<512x8xf32>, index) -> tensor<8x?x8xf32>
        tenon.cache_append %k, %v, %cache[%i] at %position : ...
        %o = tenon.cached_attention %q, %cache[%i] at %position {causal, scale = 0.35 : f32} : ...
      }
      %r = tenon.last_rows %y, %num_rows : tensor<?x64xf32> -> tensor<?x64xf32>
      %n = tenon.rms_norm %r, %w {eps = 1.0e-5 : f32} : ...
      %l = tenon.linear %n, %head : ...
      return %l : tensor<?x512xf32>
    }
    ```
    and `@decode` with `?` replaced by 1. With `tenon.max_sequences = 4`, also
    ```mlir
    func.func @decode_batch(%tokens: tensor<4xi32>, %positions: tensor<4xi32>,
        %cache: !tenon.kv_cache<layers = 5, ..., element = f32, sequences = 4>) -> tensor<4x512xf32> {
      ...
        %q = tenon.rope %0, %table at %positions : (tensor<8x4x8xf32>, tensor<512x8xf32>, tensor<4xi32>) -> tensor<8x4x8xf32>
        tenon.cache_append %k, %v, %cache[%i] at rows(%positions : tensor<4xi32>) : ...
        %o = tenon.cached_attention %q, %cache[%i] at rows(%positions : tensor<4xi32>) {causal, scale = 0.35 : f32} : ...
    ```
    A decoder may attend to a source: arguments with the attribute
    `tenon.source`, of another length than the tokens. Every value is *static*,
    of the *source* or of the *token*s, by what it is computed from (binding
    times). What is computed of the source alone becomes a function `@encode`,
    called once for each source; a loop over layers is split, and the half that
    computes keys and values of the source ends in writing them to a cache.
    In the other functions that half is dead, and attention reads this cache as
    far as the source is long:
    ```mlir
    func.func @encode(%source: tensor<?xi32> {tenon.source},
        %cross: !tenon.kv_cache<layers = 3, heads = 8, ...> {tenon.source}) {
      %memory = ...
      scf.for %i = %c0 to %c3 step %c1 {
        ...
        tenon.cache_append %k, %v, %cross[%i] at %c0 : ...
      }
      return
    }
    func.func @prefill(%tokens: tensor<?xi32>, %position: index, %num_rows: index, %self: !tenon.kv_cache<...>,
        %cross: !tenon.kv_cache<...> {tenon.source}, %source_length: index) -> tensor<?x512xf32> {
      ...
        %c = tenon.cached_attention %q, %cross[%i] at %source_length {scale = 0.35 : f32} : ...
    ```
    `@decode_batch` takes the lengths of all sources. Tokens that meet the source
    in any other way than as queries of its keys and values are an error that
    names both places.

    Other functions, and modules of another
    kind, stay as they are. An operation that needs the whole sequence (attention
    that is not causal, a mask that was not fused) is an error; where
    tenon-fuse-attention said why it left one, at the place that it named.
  }];
  let statistics = [
    Statistic<"numFunctions", "functions", "Number of functions derived">,
    Statistic<"numCached", "cached", "Number of attentions that read the cache">,
    Statistic<"numPositions", "positions", "Number of operations that start at the call's position">,
    Statistic<"numSunk", "rows-moved", "Number of operations that last_rows moved over">,
    Statistic<"numDeclined", "declined", "Number of functions left: the module is no decoder, or the function is not @forward">,
  ];
}

def TenonBatchTexts : Tenon_TensorPass<"tenon-batch-texts"> {
  let summary = "entry points of encoders take several texts in one call";
  let description = [{
    An entry point of an encoder whose inputs have a number for each token gets
    one more, `text_ends`: where each of N texts ends among the call's tokens.
    What a row makes of itself alone is computed for the tokens of all texts at
    once, in larger products; what looks at other tokens, or at a token's place,
    is computed for each text apart (`tenon.for_each_text`), so that a text gives
    the same bits beside others as alone (I5). If a text becomes one row at the
    end, all from there on is computed for each text, and the result has N rows:
    the function then has the attribute `tenon.text_rows`.

    Before:
    ```mlir
    func.func @pooled(%tokens: tensor<?xi32>) -> tensor<1x64xf32> {
      %x = tenon.linear %e, %w : (tensor<?x64xf32>, tensor<64x64xf32>) -> tensor<?x64xf32>
      ...
      %a = tenon.attention %q, %k, %v {scale = 0.35 : f32} : ...
      ...
      %r = tenon.reduce %y {kind = #tenon.reduction<mean>, dim = 0 : i64} : (tensor<?x64xf32>) -> tensor<1x64xf32>
      return %r : tensor<1x64xf32>
    }
    ```
    After:
    ```mlir
    func.func @pooled(%tokens: tensor<?xi32>, %ends: tensor<?xi32> {tenon.name = "text_ends"}) -> tensor<?x64xf32> attributes {tenon.text_rows = 1} {
      %x = tenon.linear %e, %w : (tensor<?x64xf32>, tensor<64x64xf32>) -> tensor<?x64xf32>
      ...
      %a = tenon.for_each_text %q, %k, %v ends(%ends) {
      ^bb0(%q1: tensor<8x?x8xf32>, ...):
        %a1 = tenon.attention %q1, %k1, %v1 {scale = 0.35 : f32} : ...
        tenon.text_yield %a1 : tensor<8x?x8xf32>
      } : ...
      ...
      %r = tenon.for_each_text %y ends(%ends) {
      ^bb0(%y1: tensor<?x64xf32>):
        %r1 = tenon.reduce %y1 {kind = #tenon.reduction<mean>, dim = 0 : i64} : (tensor<?x64xf32>) -> tensor<1x64xf32>
        tenon.text_yield %r1 : tensor<1x64xf32>
      } : (tensor<?x64xf32>, tensor<?xi32>) -> tensor<?x64xf32>
      return %r : tensor<?x64xf32>
    }
    ```
    Declined: functions of decoders and those that are no entry points; inputs
    that are no tokens (images); an operation inside of a layer that sees the
    whole text, as an attention that was not fused; a result of several rows.
  }];
  let statistics = [
    Statistic<"numFunctions", "functions", "Number of functions that take several texts">,
    Statistic<"numSeparated", "separated", "Number of operations that see one text at a time">,
    Statistic<"numDeclined", "declined", "Number of functions left: of no encoder, no entry point, without tokens, or with a layer that sees a whole text">,
  ];
}

def TenonQuantizeFrozen : Pass<"tenon-quantize-frozen", "::mlir::ModuleOp"> {
  let summary = "weights that don't learn, in as few bits as they come or as asked for";
  let description = [{
    Frozen matrices of layers that linears alone read are stored as the
    checkpoint has them: in blocks, which may differ from layer to layer, as
    tenon-pack-weights lays them out, or in f16 or bf16. With `tenon.quantize`
    on the module, `int8` or `int4`, those that are not in blocks are quantized
    (Q8_0, Q4_0). Linears read the numbers that are stored. So adapters learn
    beside a model that takes a quarter or an eighth of the memory, with the
    products of plain weights in both directions, which need the numbers of one
    matrix at a time.

    Before:
    ```mlir
    tenon.weight @block.wq : tensor<4x64x64xf32> from [#tenon.source<"{i}.wq", tensor<64x64x!tenon.block<q8_0>>>] stacked {tenon.frozen}
    ...
    %w = tenon.weight_ref @block.wq[%i] : tensor<64x64xf32>
    %y = tenon.linear %x, %w : (tensor<?x64xf32>, tensor<64x64xf32>) -> tensor<?x64xf32>
    ```
    After:
    ```mlir
    tenon.weight @block.wq : tensor<4x64x64x!tenon.block<q8_0>, #tenon.panel<n = 32, k = 64>> from [...] stacked {tenon.frozen}
    ...
    %q = tenon.weight_ref @block.wq[%i] : tensor<64x64x!tenon.block<q8_0>, #tenon.panel<n = 32, k = 64>>
    %w = tenon.dequantize %q : tensor<64x64x!tenon.block<q8_0>, #tenon.panel<n = 32, k = 64>> -> tensor<64x64xf32>
    %y = tenon.linear %x, %w : (tensor<?x64xf32>, tensor<64x64xf32>) -> tensor<?x64xf32>
    ```
  }];
  let dependentDialects = ["::tenon::TenonDialect", "::mlir::arith::ArithDialect", "::mlir::math::MathDialect",
                           "::mlir::scf::SCFDialect"];
  let statistics = [
    Statistic<"numStored", "stored", "Number of weights that are in fewer bits than f32 now">,
    Statistic<"numKept", "kept", "Number of weights that learn, that others than linears read, or outside of layers">,
  ];
}

def TenonPackWeights : Tenon_TensorPass<"tenon-pack-weights"> {
  let summary = "weights in the layout and precision of the target's kernels";
  let description = [{
    Chooses how each weight lies in the file, and says so in its type: the same
    for all of `tenon.targets`, so that one file serves their variants. Weights
    of linears get panels of 32 columns (two 512-bit or four 256-bit vectors),
    bf16 weights in pairs if any target multiplies bf16. `tenon.ffn` becomes two
    linears, a gated one on gate and up interleaved, and the last. A table that
    is embedding and head at once is one packed weight. Weights that nothing
    refers to are erased.

    Where `tenon.target` multiplies bf16, the input of a weight in pairs is
    computed in bf16 by a norm, linear or attention that nothing else reads, else
    converted by a `tenon.cast`. Elsewhere it stays f32, and kernels widen pairs.

    Weights quantized in blocks get panels of superblocks, whose kernels take
    int8 groups: a norm that nothing else reads writes them itself, elsewhere
    `tenon.quantize` does, once for each input.

    A weight whose layers differ in precision (`!tenon.mixed`) becomes one for
    each precision, which holds its layers only, and a linear that reads it an
    `scf.if` on a bit for each layer: the layer loop stays one loop.

    Before, with bf16 products:
    ```mlir
    tenon.weight @w : tensor<128x64xbf16> from [#tenon.source<"w", tensor<128x64xbf16>>]
    %n = tenon.rms_norm %x, %g {eps = 1.0e-5 : f32} : (tensor<?x64xf32>, tensor<64xf32>) -> tensor<?x64xf32>
    %y = tenon.linear %n, %w : (tensor<?x64xf32>, tensor<128x64xbf16>) -> tensor<?x128xf32>
    ```
    After:
    ```mlir
    tenon.weight @w : tensor<128x64xbf16, #tenon.panel<n = 32, k = 2>> from [#tenon.source<"w", tensor<128x64xbf16>>]
    %n = tenon.rms_norm %x, %g {eps = 1.0e-5 : f32} : (tensor<?x64xf32>, tensor<64xf32>) -> tensor<?x64xbf16>
    %y = tenon.linear %n, %w : (tensor<?x64xbf16>, tensor<128x64xbf16, #tenon.panel<n = 32, k = 2>>) -> tensor<?x128xf32>
    ```
  }];
  let dependentDialects = ["::tenon::TenonDialect", "::mlir::arith::ArithDialect",
                           "::mlir::func::FuncDialect", "::mlir::math::MathDialect",
                           "::mlir::scf::SCFDialect"];
  let options = [
    Option<"panelColumns", "panel-columns", "int64_t", /*default=*/"32",
           "Columns of a panel: even, and a multiple of the vectors that kernels use">,
    Option<"bf16Pairs", "bf16-pairs", "bool", /*default=*/"true",
           "Pack bf16 weights in pairs where a target multiplies bf16; without, kernels widen them to f32">,
  ];
  let statistics = [
    Statistic<"numPacked", "packed", "Number of weights packed">,
    Statistic<"numSplit", "split", "Number of linears split by the precision of their layer">,
    Statistic<"numPairs", "pairs", "Number of weights packed in bf16 pairs">,
    Statistic<"numGated", "gated", "Number of gate and up weights interleaved">,
    Statistic<"numShared", "shared", "Number of packed weights that are embedding and head at once">,
    Statistic<"numCopied", "copied", "Number of weights stored twice: also used where a plain one is needed">,
    Statistic<"numErased", "erased", "Number of weights erased: unused">,
    Statistic<"numCasts", "casts", "Number of conversions to bf16 left">,
    Statistic<"numCastsFolded", "casts-folded", "Number of conversions to bf16 taken into their producer">,
    Statistic<"numQuantized", "quantized", "Number of inputs quantized to int8 groups by an operation of their own">,
    Statistic<"numQuantizedFolded", "quantized-folded", "Number of norms that write int8 groups">,
    Statistic<"numDeclined", "declined", "Number of linears left plain: the matrix is no weight of a packable type">,
  ];
}

def TenonQuantizeWeights : Tenon_TensorPass<"tenon-quantize-weights"> {
  let summary = "weights of linears in fewer bits";
  let description = [{
    Sets the precision of the matrices that linears and feed-forward networks
    read, in their types; the values are quantized when the weights are written,
    one panel at a time. The scheme is the option's or else the module's
    attribute `tenon.quantize`; without either, nothing changes.

    * `int8`: `!tenon.block<q8_0>`, 8 bits in groups of 32 with an f16 scale.
    * `int8-channel`: `!tenon.block<q8_channel>` in the layers, 8 bits with one
      scale for an output column; inputs get one for a token. Faster in a prompt,
      as whole rows are summed up in integers, and less exact: an outlier in a
      token coarsens all of it. `q8_0` for the rest.
    * `int7-channel`: `!tenon.block<q7_channel>`, the same with 7 bits of weights
      and of inputs: four of their products fit 16 bits, which without VNNI takes
      two multiplications for eight products instead of three (ByteProducts.h).
    * `int4`: `!tenon.block<q4_0>`, 4 bits in groups of 32 with an f16 scale, in
      the layers; `q8_0` for the head, whose errors reach the logits at once,
      and for a table that is embedding and head.
    * `bf16`.

    Weights that a checkpoint holds in blocks already keep them. A table that
    only an embedding reads keeps its type.

    Before:
    ```mlir
    tenon.weight @w : tensor<4x128x64xf32> from [#tenon.source<"w.{i}", tensor<128x64xf32>>] stacked
    ```
    After, for int4:
    ```mlir
    tenon.weight @w : tensor<4x128x64x!tenon.block<q4_0>> from [#tenon.source<"w.{i}", tensor<128x64xf32>>] stacked
    ```
  }];
  let options = [
    Option<"scheme", "scheme", "std::string", /*default=*/"\"\"",
           "int8, int8-channel, int7-channel, int4 or bf16; default: what the module's tenon.quantize says">,
  ];
  let statistics = [
    Statistic<"numQuantized", "quantized", "Number of weights given another precision">,
    Statistic<"numKept", "kept", "Number of weights of linears kept: in blocks already, or read by other operations">,
    Statistic<"numHalved", "halved", "Number of weights per channel in 8 bits on a CPU that adds products of bytes in 16 bits: half-bytes are multiplied">,
  ];
}

#endif // TENON_DIALECT_TENON_TRANSFORMS_FUSIONPASSES_TD
