//===- Characters.h - characters as Python's str sees them ------*- C++ -*-===//

#ifndef TENON_LIB_TEMPLATE_CHARACTERS_H
#define TENON_LIB_TEMPLATE_CHARACTERS_H

#include <cstddef>
#include <string_view>

namespace tenon::templates {

/// str.isspace() of one character.
bool isSpace(char32_t c);

/// Bytes of white space at either end of UTF-8.
size_t spacesAtStart(std::string_view text);
size_t spacesAtEnd(std::string_view text);

/// Where the character that `at` lies in begins; at < text.size().
size_t characterStart(std::string_view text, size_t at);

/// The number of characters; invalid bytes count one each.
size_t countCharacters(std::string_view text);

} // namespace tenon::templates

#endif // TENON_LIB_TEMPLATE_CHARACTERS_H
