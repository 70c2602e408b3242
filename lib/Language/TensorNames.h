//===- TensorNames.h - patterns of tensors' names ---------------*- C++ -*-===//

#ifndef TENON_LIB_LANGUAGE_TENSORNAMES_H
#define TENON_LIB_LANGUAGE_TENSORNAMES_H

#include <string>
#include <string_view>
#include <vector>

namespace tenon::lang {

/// How many parts each "{a|b}" of a pattern has; braces without a bar hold
/// something else.
std::vector<unsigned> countParts(std::string_view pattern);

/// The pattern of one of several weights that share it: each "{q|k|v}" becomes
/// the part at `place`.
std::string ownPattern(std::string_view pattern, unsigned place);

/// Adds the names that a pattern stands for: "[bert.]pooler" for "bert.pooler"
/// and "pooler", "norm.[weight|gamma]" for "norm.weight" and "norm.gamma", in
/// this order. The checker has verified the brackets and bounded their number.
void expandChoices(const std::string &pattern, std::vector<std::string> &out);

} // namespace tenon::lang

#endif // TENON_LIB_LANGUAGE_TENSORNAMES_H
