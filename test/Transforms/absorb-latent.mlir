// RUN: sed 's/WISH/on/' %s | tenon-opt --split-input-file --tenon-absorb-latent 2>/dev/null | FileCheck %s
// RUN: sed 's/WISH/on/' %s | tenon-opt --split-input-file --tenon-absorb-latent 2>&1 | FileCheck %s --check-prefix=WARN
// RUN: sed 's/WISH/auto/' %s | tenon-opt --split-input-file --tenon-absorb-latent | FileCheck %s --check-prefix=AUTO
// RUN: sed 's/WISH/off/' %s | tenon-opt --split-input-file --tenon-absorb-latent | FileCheck %s --check-prefix=OFF
// RUN: sed 's/WISH/perhaps/' %s | not tenon-opt --split-input-file --tenon-absorb-latent 2>&1 | FileCheck %s --check-prefix=BAD

// BAD: 'tenon.latent_cache' is "auto", "on" or "off", not "perhaps"

// Two heads of keys [64 of their own, 64 shared] and values of 64, all but the
// shared ones of 64 latent components: one key of 128 and one value of 64.
// Few numbers: nothing is done unasked.

// CHECK-LABEL: func.func @forward
// CHECK-SAME:    %[[QN:[a-z0-9]*]]: tensor<2x?x64xf32>, %[[QR:[a-z0-9]*]]: tensor<2x?x64xf32>, %[[C:[a-z0-9]*]]: tensor<?x64xf32>, %[[KR:[a-z0-9]*]]: tensor<1x?x64xf32>
// CHECK:         %[[V:.*]] = tenon.split_heads %[[C]] {heads = 1 : i64} : tensor<?x64xf32> -> tensor<1x?x64xf32>
// CHECK:         %[[ROWS:.*]] = tenon.merge_heads %[[QN]]
// CHECK:         %[[WK:.*]] = tenon.weight_ref @kv.keys : tensor<128x64xf32>
// CHECK:         %[[QC:.*]] = tenon.linear %[[ROWS]], %[[WK]] {groups = 2 : i64} : (tensor<?x128xf32>, tensor<128x64xf32>) -> tensor<?x128xf32>
// CHECK:         %[[QH:.*]] = tenon.split_heads %[[QC]] {heads = 2 : i64}
// CHECK:         %[[Q:.*]] = tenon.concat %[[QH]], %[[QR]]
// CHECK:         %[[K:.*]] = tenon.concat %[[V]], %[[KR]] : (tensor<1x?x64xf32>, tensor<1x?x64xf32>) -> tensor<1x?x128xf32>
// CHECK:         %[[O:.*]] = tenon.attention %[[Q]], %[[K]], %[[V]] {causal, scale = 5.000000e-01 : f32} : (tensor<2x?x128xf32>, tensor<1x?x128xf32>, tensor<1x?x64xf32>) -> tensor<2x?x64xf32>
// CHECK:         %[[OR:.*]] = tenon.merge_heads %[[O]]
// CHECK:         %[[WV:.*]] = tenon.weight_ref @kv.values : tensor<128x64xf32>
// CHECK:         tenon.linear %[[OR]], %[[WV]] {groups = 2 : i64}
// CHECK-NOT:   tenon.weight @kv :
// CHECK:       tenon.weight @kv.keys : tensor<128x64xf32> from [#tenon.source<"kv", tensor<256x64xf32>, heads = 2, first = 0, count = 64, transposed>]
// CHECK-NEXT:  tenon.weight @kv.values : tensor<128x64xf32> from [#tenon.source<"kv", tensor<256x64xf32>, heads = 2, first = 64, count = 64>]
// AUTO-LABEL: func.func @forward
// AUTO-NOT:   groups
// AUTO:       tenon.weight @kv :
// OFF-NOT:    groups
module attributes {tenon.kind = "decoder", tenon.context = 4096 : i64, tenon.latent_cache = "WISH"} {
  func.func @forward(%qn: tensor<2x?x64xf32>, %qr: tensor<2x?x64xf32>, %c: tensor<?x64xf32>, %kr: tensor<1x?x64xf32>) -> tensor<?x128xf32> {
    %w = tenon.weight_ref @kv : tensor<256x64xf32>
    %kv = tenon.linear %c, %w : (tensor<?x64xf32>, tensor<256x64xf32>) -> tensor<?x256xf32>
    %h = tenon.split_heads %kv {heads = 2 : i64} : tensor<?x256xf32> -> tensor<2x?x128xf32>
    %kn = tenon.slice %h {offset = 0 : i64} : tensor<2x?x128xf32> -> tensor<2x?x64xf32>
    %v = tenon.slice %h {offset = 64 : i64} : tensor<2x?x128xf32> -> tensor<2x?x64xf32>
    %q = tenon.concat %qn, %qr : (tensor<2x?x64xf32>, tensor<2x?x64xf32>) -> tensor<2x?x128xf32>
    %k = tenon.concat %kn, %kr : (tensor<2x?x64xf32>, tensor<1x?x64xf32>) -> tensor<2x?x128xf32>
    %o = tenon.attention %q, %k, %v {causal, scale = 0.5 : f32} : (tensor<2x?x128xf32>, tensor<2x?x128xf32>, tensor<2x?x64xf32>) -> tensor<2x?x64xf32>
    %m = tenon.merge_heads %o : tensor<2x?x64xf32> -> tensor<?x128xf32>
    return %m : tensor<?x128xf32>
  }
  tenon.weight @kv : tensor<256x64xf32> from [#tenon.source<"kv", tensor<256x64xf32>>]
}

// -----

// Layers in a loop, and a query in one piece. Their keys and values would be
// 40 x 2 x 192 x 32,768 numbers, more than 2^28: it is done unasked.

// CHECK-LABEL: func.func @forward
// CHECK:         scf.for %[[I:[a-z0-9]*]] =
// CHECK:           tenon.slice %{{.*}} {offset = 0 : i64} : tensor<2x?x128xf32> -> tensor<2x?x64xf32>
// CHECK:           tenon.slice %{{.*}} {offset = 64 : i64} : tensor<2x?x128xf32> -> tensor<2x?x64xf32>
// CHECK:           tenon.weight_ref @kv.keys[%[[I]]] : tensor<128x64xf32>
// CHECK:           tenon.attention
// CHECK:           tenon.weight_ref @kv.values[%[[I]]] : tensor<128x64xf32>
// CHECK:       tenon.weight @kv.keys : tensor<40x128x64xf32> from [{{.*}}] stacked
// AUTO-LABEL: func.func @forward
// AUTO:         groups = 2
// OFF-NOT:    groups
module attributes {tenon.kind = "decoder", tenon.context = 32768 : i64, tenon.latent_cache = "WISH"} {
  func.func @forward(%x: tensor<?x256xf32>, %kr: tensor<1x?x64xf32>) -> tensor<?x256xf32> {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %c40 = arith.constant 40 : index
    %y = scf.for %i = %c0 to %c40 step %c1 iter_args(%a = %x) -> (tensor<?x256xf32>) {
      %q = tenon.split_heads %a {heads = 2 : i64} : tensor<?x256xf32> -> tensor<2x?x128xf32>
      %c = tenon.slice %a {offset = 0 : i64} : tensor<?x256xf32> -> tensor<?x64xf32>
      %w = tenon.weight_ref @kv[%i] : tensor<256x64xf32>
      %kv = tenon.linear %c, %w : (tensor<?x64xf32>, tensor<256x64xf32>) -> tensor<?x256xf32>
      %h = tenon.split_heads %kv {heads = 2 : i64} : tensor<?x256xf32> -> tensor<2x?x128xf32>
      %kn = tenon.slice %h {offset = 0 : i64} : tensor<2x?x128xf32> -> tensor<2x?x64xf32>
      %v = tenon.slice %h {offset = 64 : i64} : tensor<2x?x128xf32> -> tensor<2x?x64xf32>
      %k = tenon.concat %kn, %kr : (tensor<2x?x64xf32>, tensor<1x?x64xf32>) -> tensor<2x?x128xf32>
      %o = tenon.attention %q, %k, %v {causal, scale = 0.5 : f32} : (tensor<2x?x128xf32>, tensor<2x?x128xf32>, tensor<2x?x64xf32>) -> tensor<2x?x64xf32>
      %m = tenon.merge_heads %o : tensor<2x?x64xf32> -> tensor<?x128xf32>
      %z = tenon.concat %m, %m : (tensor<?x128xf32>, tensor<?x128xf32>) -> tensor<?x256xf32>
      scf.yield %z : tensor<?x256xf32>
    }
    return %y : tensor<?x256xf32>
  }
  tenon.weight @kv : tensor<40x256x64xf32> from [#tenon.source<"{i}.kv", tensor<256x64xf32>>] stacked
}

// -----

// Near misses: 60 values are no whole panels; a bias; a weight in blocks; keys
// that are read elsewhere, too. Nothing is changed, and whoever asked is told.

// CHECK-LABEL: func.func @forward
// CHECK-NOT:   groups
// CHECK-COUNT-4: = tenon.attention
// WARN: warning: a latent cache was asked for, but no attention here has keys and values of few latent components
module attributes {tenon.kind = "decoder", tenon.context = 4096 : i64, tenon.latent_cache = "WISH"} {
  func.func @forward(%q: tensor<2x?x128xf32>, %c: tensor<?x64xf32>, %kr: tensor<1x?x64xf32>) -> tensor<2x?x64xf32> {
    %w = tenon.weight_ref @kv : tensor<248x64xf32>
    %kv = tenon.linear %c, %w : (tensor<?x64xf32>, tensor<248x64xf32>) -> tensor<?x248xf32>
    %h = tenon.split_heads %kv {heads = 2 : i64} : tensor<?x248xf32> -> tensor<2x?x124xf32>
    %kn = tenon.slice %h {offset = 0 : i64} : tensor<2x?x124xf32> -> tensor<2x?x64xf32>
    %v = tenon.slice %h {offset = 64 : i64} : tensor<2x?x124xf32> -> tensor<2x?x60xf32>
    %k = tenon.concat %kn, %kr : (tensor<2x?x64xf32>, tensor<1x?x64xf32>) -> tensor<2x?x128xf32>
    %o = tenon.attention %q, %k, %v {causal, scale = 0.5 : f32} : (tensor<2x?x128xf32>, tensor<2x?x128xf32>, tensor<2x?x60xf32>) -> tensor<2x?x60xf32>

    %w1 = tenon.weight_ref @kv1 : tensor<256x64xf32>
    %b1 = tenon.weight_ref @b1 : tensor<256xf32>
    %kv1 = tenon.linear %c, %w1 bias(%b1) : (tensor<?x64xf32>, tensor<256x64xf32>, tensor<256xf32>) -> tensor<?x256xf32>
    %h1 = tenon.split_heads %kv1 {heads = 2 : i64} : tensor<?x256xf32> -> tensor<2x?x128xf32>
    %kn1 = tenon.slice %h1 {offset = 0 : i64} : tensor<2x?x128xf32> -> tensor<2x?x64xf32>
    %v1 = tenon.slice %h1 {offset = 64 : i64} : tensor<2x?x128xf32> -> tensor<2x?x64xf32>
    %k1 = tenon.concat %kn1, %kr : (tensor<2x?x64xf32>, tensor<1x?x64xf32>) -> tensor<2x?x128xf32>
    %o1 = tenon.attention %q, %k1, %v1 {causal, scale = 0.5 : f32} : (tensor<2x?x128xf32>, tensor<2x?x128xf32>, tensor<2x?x64xf32>) -> tensor<2x?x64xf32>

    %w2 = tenon.weight_ref @kv2 : tensor<256x64x!tenon.block<q8_0>>
    %kv2 = tenon.linear %c, %w2 : (tensor<?x64xf32>, tensor<256x64x!tenon.block<q8_0>>) -> tensor<?x256xf32>
    %h2 = tenon.split_heads %kv2 {heads = 2 : i64} : tensor<?x256xf32> -> tensor<2x?x128xf32>
    %kn2 = tenon.slice %h2 {offset = 0 : i64} : tensor<2x?x128xf32> -> tensor<2x?x64xf32>
    %v2 = tenon.slice %h2 {offset = 64 : i64} : tensor<2x?x128xf32> -> tensor<2x?x64xf32>
    %k2 = tenon.concat %kn2, %kr : (tensor<2x?x64xf32>, tensor<1x?x64xf32>) -> tensor<2x?x128xf32>
    %o2 = tenon.attention %q, %k2, %v2 {causal, scale = 0.5 : f32} : (tensor<2x?x128xf32>, tensor<2x?x128xf32>, tensor<2x?x64xf32>) -> tensor<2x?x64xf32>

    %w3 = tenon.weight_ref @kv3 : tensor<256x64xf32>
    %kv3 = tenon.linear %c, %w3 : (tensor<?x64xf32>, tensor<256x64xf32>) -> tensor<?x256xf32>
    %h3 = tenon.split_heads %kv3 {heads = 2 : i64} : tensor<?x256xf32> -> tensor<2x?x128xf32>
    %kn3 = tenon.slice %h3 {offset = 0 : i64} : tensor<2x?x128xf32> -> tensor<2x?x64xf32>
    %v3 = tenon.slice %h3 {offset = 64 : i64} : tensor<2x?x128xf32> -> tensor<2x?x64xf32>
    %k3 = tenon.concat %kn3, %kr : (tensor<2x?x64xf32>, tensor<1x?x64xf32>) -> tensor<2x?x128xf32>
    %o3 = tenon.attention %q, %k3, %v3 {causal, scale = 0.5 : f32} : (tensor<2x?x128xf32>, tensor<2x?x128xf32>, tensor<2x?x64xf32>) -> tensor<2x?x64xf32>
    %s = tenon.add %o3, %kn3 : (tensor<2x?x64xf32>, tensor<2x?x64xf32>) -> tensor<2x?x64xf32>
    %s1 = tenon.add %s, %o1 : (tensor<2x?x64xf32>, tensor<2x?x64xf32>) -> tensor<2x?x64xf32>
    %s2 = tenon.add %s1, %o2 : (tensor<2x?x64xf32>, tensor<2x?x64xf32>) -> tensor<2x?x64xf32>
    %f = tenon.slice %s2 {offset = 0 : i64} : tensor<2x?x64xf32> -> tensor<2x?x60xf32>
    %t = tenon.add %f, %o : (tensor<2x?x60xf32>, tensor<2x?x60xf32>) -> tensor<2x?x60xf32>
    %u = tenon.slice %t {offset = 0 : i64} : tensor<2x?x60xf32> -> tensor<2x?x4xf32>
    %z = tenon.concat %t, %u : (tensor<2x?x60xf32>, tensor<2x?x4xf32>) -> tensor<2x?x64xf32>
    return %z : tensor<2x?x64xf32>
  }
  tenon.weight @kv : tensor<248x64xf32> from [#tenon.source<"kv", tensor<248x64xf32>>]
  tenon.weight @kv1 : tensor<256x64xf32> from [#tenon.source<"kv1", tensor<256x64xf32>>]
  tenon.weight @b1 : tensor<256xf32> from [#tenon.source<"b1", tensor<256xf32>>]
  tenon.weight @kv2 : tensor<256x64x!tenon.block<q8_0>> from [#tenon.source<"kv2", tensor<256x64x!tenon.block<q8_0>>>]
  tenon.weight @kv3 : tensor<256x64xf32> from [#tenon.source<"kv3", tensor<256x64xf32>>]
}
