//===- Permutation.h - an order of numbers that needs no memory -*- C++ -*-===//
#ifndef TENON_RUNTIME_PERMUTATION_H
#define TENON_RUNTIME_PERMUTATION_H

#include <cstdint>

namespace tenon::runtime {

/// The finalizer of splitmix64 (G. Steele, D. Lea, C. Flood, 2014): a number
/// that looks like chance, each for another one.
uint64_t mixBits(uint64_t x);

/// The numbers below `size` in an order that a key chooses. Each place is
/// computed by itself, so that a training goes on anywhere without having kept
/// the order: a Feistel network of four rounds over the next power of four,
/// applied again while its result is not below `size` (J. Black and P. Rogaway,
/// Ciphers with Arbitrary Finite Domains, 2002).
class Permutation {
public:
  /// `size`: at least 1, at most 2^62.
  Permutation(uint64_t size, uint64_t key);

  /// What stands at place `index`, below the size.
  uint64_t operator()(uint64_t index) const;

private:
  uint64_t size, key;
  unsigned halfBits = 0;
};

} // namespace tenon::runtime

#endif // TENON_RUNTIME_PERMUTATION_H
