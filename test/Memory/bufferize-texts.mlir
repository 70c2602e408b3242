// RUN: tenon-opt %s --tenon-bufferize | FileCheck %s

// A loop over texts on views of their rows; results go where they belong.
module attributes {tenon.kind = "encoder", tenon.max_chunk = 64 : i64} {
  // CHECK-LABEL: func.func @pooled(
  // CHECK-SAME: %[[X:[^:]*]]: memref<64x8xf32>, %[[ENDS:[^:]*]]: memref<64xi32> {{.*}}, %[[OUT:[^:]*]]: memref<64x8xf32>, %[[T:[^:]*]]: index, %{{[^:]*}}: index, %{{[^:]*}}: index, %[[N:[^:]*]]: index)
  func.func @pooled(%x: tensor<?x8xf32>, %ends: tensor<?xi32> {tenon.name = "text_ends"}) -> tensor<?x8xf32> attributes {tenon.entry} {
    // CHECK: scf.for %[[I:.*]] = %{{.*}} to %[[N]] step %{{.*}} iter_args(%[[BEGIN:.*]] = %{{.*}}) -> (index) {
    // CHECK-NEXT: %[[END32:.*]] = memref.load %{{.*}}[%[[I]]]
    // CHECK-NEXT: %[[END:.*]] = arith.index_cast %[[END32]]
    // CHECK-NEXT: %[[COUNT:.*]] = arith.subi %[[END]], %[[BEGIN]]
    // CHECK-NEXT: %[[ROWS:.*]] = memref.subview %{{.*}}[%[[BEGIN]], 0] [%[[COUNT]], 8] [1, 1]
    // CHECK-NEXT: %[[ROW:.*]] = memref.subview %{{.*}}[%[[I]], 0] [1, 8] [1, 1]
    // CHECK-NEXT: tenon.reduce %[[ROWS]] into %[[ROW]]
    // CHECK-NEXT: scf.yield %[[END]]
    %y = tenon.for_each_text %x ends(%ends) {
    ^bb0(%x1: tensor<?x8xf32>):
      %r = tenon.reduce %x1 {kind = #tenon.reduction<max>, dim = 0 : i64} : (tensor<?x8xf32>) -> tensor<1x8xf32>
      tenon.text_yield %r : tensor<1x8xf32>
    } : (tensor<?x8xf32>, tensor<?xi32>) -> tensor<?x8xf32>
    return %y : tensor<?x8xf32>
  }
}
