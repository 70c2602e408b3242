//===- Hash.h - checksums ----------------------------------------*- C++
//-*-===//
//
// 64-bit XXH3 (seed 0), by xxHash. It guards against damage, not malice.
//
//===----------------------------------------------------------------------===//

#ifndef TENON_SUPPORT_HASH_H
#define TENON_SUPPORT_HASH_H

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

namespace tenon {

uint64_t xxh3(std::span<const std::byte> bytes);

/// The same value for bytes that arrive in pieces.
class StreamingHash {
public:
  StreamingHash();
  StreamingHash(StreamingHash &&) noexcept;
  StreamingHash &operator=(StreamingHash &&) noexcept;
  ~StreamingHash();

  void update(std::span<const std::byte> bytes);
  /// The hash of everything so far; more may follow.
  uint64_t digest() const;

private:
  struct State;
  std::unique_ptr<State> state;
};

} // namespace tenon

#endif // TENON_SUPPORT_HASH_H
