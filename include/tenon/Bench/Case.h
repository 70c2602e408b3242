//===- Case.h - what a benchmark measures -----------------------*- C++ -*-===//
//
// A case is one operation of the dialect at one shape. On the command line and
// in a suite (a file with one case a line, # before comments) it is written
//
//   linear --m 1 --n 8192 --k 2048 --type bf16 --threads 1
//   attention --seq 512 --head-dim 64 --heads 1 --kv-heads 1
//   ffn --m 1 --dim 2048 --hidden 8192 --type bf16
//   norm --m 512 --dim 2048
//   limits
//
//===----------------------------------------------------------------------===//

#ifndef TENON_BENCH_CASE_H
#define TENON_BENCH_CASE_H

#include "tenon/Support/Error.h"
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

namespace tenon::bench {

enum class Operation { Linear, Attention, Ffn, Norm, Limits };

struct Case {
  Operation operation = Operation::Limits;
  /// Parameters by name, those not given at their defaults.
  std::map<std::string, int64_t, std::less<>> numbers;
  /// Of the weights: f32, f16, bf16, or a block format such as q4_0; of
  /// attention's cached keys and values: f32, f16 or int8.
  std::string type = "f32";

  int64_t get(std::string_view name) const {
    return numbers.find(name)->second;
  }
  /// "linear/m:1/n:8192/k:2048/type:bf16/threads:1".
  std::string name() const;
};

/// Parses words as above. Errors (BadUsage): an unknown operation or parameter,
/// a value out of range.
Expected<Case> parseCase(std::span<const std::string> words);

/// Reads a suite. Errors name the line.
Expected<std::vector<Case>> readSuite(const std::string &path);

/// What kernels multiply: numbers in f32, or in bf16 or bytes where the weights
/// are (for bf16: and where the CPU multiplies it). Bytes are weights of 8, 6,
/// 5, and 4 or fewer bits: without VNNI they differ in how many products are
/// sure to fit 16 bits (ByteProducts.h).
enum class Products { F32, BF16, Int8, Int6, Int5, Int4 };

/// What the machine must do at least for a case.
struct Work {
  /// Multiplications and additions, of these products.
  double operations = 0;
  Products products = Products::F32;
  /// Bytes of weights, or of keys and values, that are read once.
  double bytes = 0;
};
Work workOf(const Case &c, bool hasBf16Products);

/// The text of a module at stage "cached" with one entry point @run.
std::string moduleText(const Case &c, bool hasBf16Products);

/// Values of the parameters of an entry point's call.
struct CallShape {
  int64_t tokens, position;
  /// Elements of each input and of the output, 4 bytes each at most.
  std::vector<int64_t> inputs;
  int64_t output;
};
CallShape callShape(const Case &c);

} // namespace tenon::bench

#endif // TENON_BENCH_CASE_H
