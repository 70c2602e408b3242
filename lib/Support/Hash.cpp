//===- Hash.cpp - checksums ----------------------------------------------===//

#include "tenon/Support/Hash.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

using namespace tenon;

uint64_t tenon::xxh3(std::span<const std::byte> bytes) {
  return XXH3_64bits(bytes.data(), bytes.size());
}

struct StreamingHash::State {
  XXH3_state_t xxh;
};

StreamingHash::StreamingHash() : state(std::make_unique<State>()) {
  XXH3_64bits_reset(&state->xxh);
}
StreamingHash::StreamingHash(StreamingHash &&) noexcept = default;
StreamingHash &StreamingHash::operator=(StreamingHash &&) noexcept = default;
StreamingHash::~StreamingHash() = default;

void StreamingHash::update(std::span<const std::byte> bytes) {
  XXH3_64bits_update(&state->xxh, bytes.data(), bytes.size());
}

uint64_t StreamingHash::digest() const {
  return XXH3_64bits_digest(&state->xxh);
}
