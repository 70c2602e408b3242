//===- Permutation.cpp - an order of numbers that needs no memory ---------===//
#include "tenon/Runtime/Permutation.h"

using namespace tenon::runtime;

uint64_t tenon::runtime::mixBits(uint64_t x) {
  x += 0x9e3779b97f4a7c15;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
  x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
  return x ^ (x >> 31);
}

Permutation::Permutation(uint64_t size, uint64_t key) : size(size), key(key) {
  while (uint64_t(1) << 2 * halfBits < size)
    ++halfBits;
}

uint64_t Permutation::operator()(uint64_t index) const {
  const uint64_t mask = (uint64_t(1) << halfBits) - 1;
  do {
    uint64_t left = index >> halfBits, right = index & mask;
    for (uint64_t round = 0; round < 4; ++round) {
      uint64_t next =
          left ^ (mixBits(key ^ mixBits(right ^ round << 32)) & mask);
      left = right;
      right = next;
    }
    index = left << halfBits | right;
  } while (index >= size);
  return index;
}
