// RUN: tenon-opt %s --split-input-file --verify-diagnostics

func.func @f(%s: vector<8xi32>, %b: vector<16xi8>) {
  // expected-error @+1 {{takes 4 elements for each of 'vector<8xi32>', found 'vector<16xi8>'}}
  %0 = micro.dot4_i8 %s, %b, %b : vector<8xi32>, vector<16xi8>
  return
}

// -----

func.func @f(%s: vector<4xi32>, %b: vector<8xi8>) {
  // expected-error @+1 {{takes 4 elements for each of 'vector<4xi32>', found 'vector<8xi8>'}}
  %0 = micro.dot4_s8 %s, %b, %b : vector<4xi32>, vector<8xi8>
  return
}

// -----

func.func @f(%b: vector<16xi8>) {
  // expected-error @+1 {{takes 2 elements for each of 'vector<4xi16>', found 'vector<16xi8>'}}
  %0 = micro.dot2_i8 %b, %b : vector<16xi8> -> vector<4xi16>
  return
}

// -----

func.func @f(%s: vector<8xi32>, %w: vector<8xi16>) {
  // expected-error @+1 {{takes 2 elements for each of 'vector<8xi32>', found 'vector<8xi16>'}}
  %0 = micro.dot2_i16 %s, %w, %w : vector<8xi32>, vector<8xi16>
  return
}

// -----

func.func @f(%s: vector<8xf32>, %p: vector<8xbf16>) {
  // expected-error @+1 {{takes 2 elements for each of 'vector<8xf32>', found 'vector<8xbf16>'}}
  %0 = micro.dot2_bf16 %s, %p, %p : vector<8xf32>, vector<8xbf16>
  return
}

// -----

func.func @f(%b: vector<16xi8>) {
  // expected-error @+1 {{has a table of 16 bytes, found 2}}
  %0 = micro.lookup %b in [1, 2] : vector<16xi8>
  return
}

// -----

func.func @f(%x: vector<8xf32>) {
  // expected-error @+1 {{gives as many integers as it has numbers, found 'vector<8xf32>' and 'vector<4xi32>'}}
  %0 = micro.round %x : vector<8xf32> -> vector<4xi32>
  return
}

// -----

func.func @f(%x: vector<8xf32>) {
  // expected-error @+1 {{gives as many integers as it has numbers, found 'vector<8xf32>' and 'i32'}}
  %0 = micro.round %x : vector<8xf32> -> i32
  return
}

// -----

func.func @get(%a: vector<2x4xf32>, %i: index) {
  // expected-error @+1 {{takes a register of an array, by all of its dimensions but the last, found 'vector<8xf32>' at 1 indices of 'vector<2x4xf32>'}}
  %0 = micro.get %a[%i] : vector<2x4xf32> -> vector<8xf32>
  return
}

// -----

func.func @set(%a: vector<2x4xf32>, %v: vector<4xf32>) {
  // expected-error @+1 {{takes a register of an array, by all of its dimensions but the last, found 'vector<4xf32>' at 0 indices of 'vector<2x4xf32>'}}
  %0 = micro.set %v, %a[] : vector<4xf32> into vector<2x4xf32>
  return
}
