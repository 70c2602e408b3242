//===- Texts.h - the texts that a command works on --------------*- C++ -*-===//
//
// A text or several on the command line, the lines of a file, objects of a
// .jsonl file, or token ids: the same for all commands that make something of
// whole texts.
//
//===----------------------------------------------------------------------===//
#ifndef TENON_LIB_RUNTIME_COMMANDS_TEXTS_H
#define TENON_LIB_RUNTIME_COMMANDS_TEXTS_H

#include "Program.h"

#include "tenon/Runtime/Model.h"

#include <functional>
#include <span>

namespace CLI {
class App;
}

namespace tenon::runtime {

/// A text, or two that belong together.
struct TextInput {
  std::string text;
  std::optional<std::string> second;
  /// If it was given as ids.
  std::vector<int32_t> tokens = {}, segments = {};
  uint64_t line = 0; ///< of the file; 0: an argument
};

class Texts {
public:
  /// What the arguments are: words of one text, a text each, or two texts that
  /// belong together.
  enum class Arguments { Words, Each, Pair };
  /// `first` and `second`: the keys of an object in a .jsonl file; without a
  /// second one the command takes single texts only.
  Texts(const char *first, const char *second, Arguments arguments)
      : first(first), second(second), arguments(arguments) {}

  void declareOptions(CLI::App &app);
  /// In order. Errors: none, or some in two ways; a line that is no JSON.
  Expected<std::vector<TextInput>> read(Program &program,
                                        std::string_view command) const;
  /// The tokens of one of them, cut at the model's context if that is wanted.
  /// Errors name its line in the file.
  Expected<EncodedText> encode(Program &program, const TextInput &input) const;
  /// Takes what an entry computes of a text.
  using Consumer =
      std::function<Status(const EncodedText &text, const Rows &rows)>;
  /// Computes an entry on all of them, several in one call if it takes that;
  /// `consume` gets each in order. Errors: as for encode and
  /// Model::computeTexts, once the texts before have been consumed; an
  /// interruption.
  Status compute(Program &program, Model &model, const EntryInfo &entry,
                 std::span<const TextInput> inputs,
                 const Consumer &consume) const;
  /// Whether they come from a file: then results are a line for each.
  bool isFile() const { return file.has_value(); }

  /// The lines of any file.
  Expected<std::vector<TextInput>> readLines(const std::string &name) const;

private:
  Status fit(Program &program, EncodedText &text) const;
  Expected<TextInput> parseLine(const std::string &line,
                                const std::string &path, uint64_t number) const;

  const char *first, *second;
  Arguments arguments;
  bool truncate = false;
  std::optional<std::string> file;
  std::vector<int32_t> tokens, segments;
};

} // namespace tenon::runtime

#endif // TENON_LIB_RUNTIME_COMMANDS_TEXTS_H
