//===- TokenFile.cpp - token ids to learn from ----------------------------===//
#include "tenon/Runtime/TokenFile.h"

#include "tenon/Support/Hash.h"
#include "tenon/Support/MappedFile.h"
#include "tenon/Support/Strings.h"

#include <algorithm>

using namespace tenon;
using namespace tenon::runtime;

Expected<TokenFile> TokenFile::open(const std::string &path,
                                    int64_t vocabulary) {
  auto file = MappedFile::open(path);
  if (!file)
    return file.takeError();
  std::span<const std::byte> bytes = file->bytes();
  if (bytes.size() % 2)
    return withNote(errorInFile(path, strCat("the file has ", bytes.size(),
                                             " bytes, an odd number")),
                    "token ids are raw little-endian numbers of 16 bits");
  if (bytes.size() < 4)
    return errorInFile(path, strCat("the file has ", bytes.size() / 2,
                                    " tokens: at least two are needed, one to "
                                    "predict the other from"));
  TokenFile tokens;
  tokens.tokens.reserve(bytes.size() / 2);
  for (size_t at = 0; at < bytes.size(); at += 2) {
    int32_t id = static_cast<int32_t>(bytes[at]) |
                 static_cast<int32_t>(bytes[at + 1]) << 8;
    if (id >= vocabulary)
      return withNote(
          errorAtOffset(path, at,
                        strCat("token ", id,
                               " is outside of the vocabulary (0 to ",
                               vocabulary - 1, ")")),
          "the file holds ids of another vocabulary, or is no file of ids");
    tokens.tokens.push_back(id);
  }
  tokens.digest = xxh3(bytes);
  return tokens;
}

uint64_t TokenFile::count(int64_t length) const {
  uint64_t whole = tokens.size() / length;
  return whole + (tokens.size() % length >= 2);
}

std::span<const int32_t> TokenFile::sequence(uint64_t number,
                                             int64_t length) const {
  size_t begin = number * length;
  return std::span(tokens).subspan(
      begin, std::min<size_t>(length, tokens.size() - begin));
}
