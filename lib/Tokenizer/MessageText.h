//===- MessageText.h - messages that get a place ----------------*- C++ -*-===//

#ifndef TENON_LIB_TOKENIZER_MESSAGETEXT_H
#define TENON_LIB_TOKENIZER_MESSAGETEXT_H

#include <string_view>

namespace tenon {

/// What the message of an error without a place says, for one with a place.
inline std::string_view withoutHead(std::string_view message) {
  constexpr std::string_view head = "error: ";
  message.remove_prefix(message.starts_with(head) ? head.size() : 0);
  return message;
}

} // namespace tenon

#endif // TENON_LIB_TOKENIZER_MESSAGETEXT_H
