//===- CodePointSet.h - sets of code points ---------------------*- C++ -*-===//

#ifndef TENON_LIB_TOKENIZER_CODEPOINTSET_H
#define TENON_LIB_TOKENIZER_CODEPOINTSET_H

#include <cstddef>
#include <cstdint>
#include <vector>

namespace tenon {

inline constexpr uint32_t kLastCodePoint = 0x10ffff;

/// A set of code points as ranges in order that don't touch each other.
class CodePointSet {
public:
  struct Range {
    uint32_t first, last; // both are members
    bool operator==(const Range &) const = default;
  };

  CodePointSet() = default;
  CodePointSet(uint32_t first, uint32_t last) { add(first, last); }
  static CodePointSet all() { return {0, kLastCodePoint}; }

  /// Quick where ranges come in order; nothing when `first` is beyond `last`.
  void add(uint32_t first, uint32_t last);
  bool contains(uint32_t c) const;
  bool empty() const { return ranges.empty(); }
  const std::vector<Range> &parts() const { return ranges; }

  CodePointSet complement() const;
  CodePointSet operator|(const CodePointSet &other) const;
  CodePointSet operator&(const CodePointSet &other) const;
  CodePointSet operator-(const CodePointSet &other) const {
    return *this & other.complement();
  }
  bool operator==(const CodePointSet &) const = default;
  bool operator<(const CodePointSet &other) const;

private:
  std::vector<Range> ranges;
};

} // namespace tenon

#endif // TENON_LIB_TOKENIZER_CODEPOINTSET_H
