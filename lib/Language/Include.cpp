//===- Include.cpp - the parts of a description ---------------------------===//
//
// All files are read before any is parsed: names in the tree are views of one
// text, which must not move. What is included is found by its tokens alone,
// `include` being a reserved word.
//
//===----------------------------------------------------------------------===//

#include "Include.h"
#include "Lexer.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>

using namespace tenon::lang;

std::string tenon::lang::folderOf(std::string_view path) {
  size_t slash = path.rfind('/');
  return std::string(path.substr(0, slash == path.npos ? 0 : slash + 1));
}

std::optional<std::string>
tenon::lang::readDescription(const std::string &path, bool mayBeMissing,
                             const std::function<void(std::string)> &fail) {
  errno = 0;
  std::ifstream stream(path, std::ios::binary);
  if (!stream && errno == ENOENT && mayBeMissing)
    return std::nullopt;
  std::string text;
  if (stream) {
    // One byte more than is accepted tells a file that is too large (or
    // endless, such as /dev/zero) from one that just fits.
    std::vector<char> chunk(size_t(1) << 16);
    while (stream && text.size() <= SourceFile::kMaxSize) {
      stream.read(chunk.data(), static_cast<std::streamsize>(chunk.size()));
      text.append(chunk.data(), static_cast<size_t>(stream.gcount()));
    }
  }
  if (text.size() > SourceFile::kMaxSize)
    fail("the description is larger than " +
         std::to_string(SourceFile::kMaxSize >> 20) +
         " MiB, the most that is accepted");
  else if (!stream.eof())
    fail(std::string("can't read the description: ") +
         std::strerror(errno ? errno : EIO));
  else
    return text;
  return std::nullopt;
}

namespace {

class Includer {
public:
  Includer(SourceFile &source, const PartSources &parts,
           Diagnostics &diagnostics)
      : source(source), parts(parts), diagnostics(diagnostics) {}
  bool run();

private:
  std::vector<SourceRange> findNames(const SourceFile::File &file) const;
  bool include(SourceRange at);
  bool add(std::string name, std::string text, SourceRange at);
  bool fail(SourceRange at, std::string message);

  SourceFile &source;
  const PartSources &parts;
  Diagnostics &diagnostics;
};

} // namespace

bool tenon::lang::includeParts(SourceFile &source, const PartSources &parts,
                               Diagnostics &diagnostics) {
  return Includer(source, parts, diagnostics).run();
}

bool Includer::run() {
  for (size_t i = 0; i < source.all().size(); ++i)
    for (SourceRange at : findNames(source.all()[i]))
      if (!include(at))
        return false;
  return true;
}

// The strings behind `include`. What isn't well-formed ends the search; the
// parser says what is wrong there.
std::vector<SourceRange>
Includer::findNames(const SourceFile::File &file) const {
  std::vector<SourceRange> names;
  std::string_view text =
      source.text().substr(file.range.begin, file.range.end - file.range.begin);
  if (text.find("include") == text.npos)
    return names;
  Diagnostics unheard;
  std::vector<Comment> comments;
  Lexer lexer(source, unheard, comments, file.range.begin);
  bool isNamed = false; // by the token at hand
  for (Token token = lexer.next();
       token.kind != Token::Kind::End && token.kind != Token::Kind::Error;
       token = lexer.next()) {
    if (isNamed && token.kind == Token::Kind::String)
      names.push_back(token.range);
    isNamed = token.is("include");
  }
  return names;
}

bool Includer::fail(SourceRange at, std::string message) {
  diagnostics.error(source, at, std::move(message));
  return false;
}

// A plain name: a description that comes from somewhere can't show files of
// other folders in its messages.
static bool isPlainName(std::string_view name) {
  constexpr std::string_view kSuffix = ".tenon";
  if (!name.ends_with(kSuffix) || name.size() == kSuffix.size())
    return false;
  name.remove_suffix(kSuffix.size());
  return std::ranges::all_of(name, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           (c >= '0' && c <= '9') || c == '_' || c == '-';
  });
}

bool Includer::include(SourceRange at) {
  std::string name(source.text().substr(at.begin + 1, at.end - at.begin - 2));
  if (!isPlainName(name))
    return fail(at, "expected the name of a file, as in \"heads.tenon\": "
                    "letters, digits, '_' and '-', in the folder of the "
                    "description or built in");
  if (source.all().size() > kMaxParts)
    return fail(at, "a description includes at most " +
                        std::to_string(kMaxParts) + " files");
  if (parts.folder) {
    std::string path = *parts.folder + name;
    bool isBad = false;
    std::optional<std::string> text =
        readDescription(path, /*mayBeMissing=*/true, [&](std::string message) {
          isBad = true;
          fail(at, std::move(message));
        });
    if (isBad)
      return false;
    if (text)
      return add(std::move(path), std::move(*text), at);
  }
  std::vector<std::string_view> known;
  for (const BuiltinPart &part : parts.builtin) {
    if (part.fileName == name)
      return add(std::move(name), std::string(part.text), at);
    known.push_back(part.fileName);
  }
  std::string message = "no part is called '" + name + "'" +
                        (parts.folder ? ", in the folder of the description or "
                                        "built in"
                                      : "");
  if (std::string_view near = nearestName(name, known); !near.empty())
    message += "; did you mean '" + std::string(near) + "'?";
  return fail(at, std::move(message));
}

bool Includer::add(std::string name, std::string text, SourceRange at) {
  for (const SourceFile::File *file = &source.fileAt(at.begin);;
       file = &source.fileAt(file->includedAt.begin)) {
    if (file->name == name)
      return fail(at, "'" + name + "' includes itself");
    if (file->includedAt.end == 0)
      break;
  }
  if (source.text().size() + text.size() + 1 > SourceFile::kMaxSize)
    return fail(at, "with this file the description is larger than " +
                        std::to_string(SourceFile::kMaxSize >> 20) +
                        " MiB, the most that is accepted");
  source.include(std::move(name), std::move(text), at);
  return true;
}
