//===- EntryCommand.h - a command for an entry of a description -*- C++ -*-===//
#ifndef TENON_LIB_RUNTIME_COMMANDS_ENTRYCOMMAND_H
#define TENON_LIB_RUNTIME_COMMANDS_ENTRYCOMMAND_H

#include "ArrayInputs.h"
#include "Command.h"
#include "Json.h"
#include "Texts.h"

namespace tenon::runtime {

/// Makes something of each text's rows, in order; or, of an entry that takes
/// arrays, of the rows of those.
class EntryCommand : public Command {
public:
  EntryCommand(const EntryInfo &entry, Description description, Texts texts)
      : Command(std::move(description)), entry(entry), texts(texts) {}

  void declareOptions(CLI::App &app) override;
  Status run(Program &program) override;

protected:
  /// What is said about a text: for --json, and for people.
  struct Answer {
    OrderedJson json;
    std::string text; ///< whole lines
  };
  virtual Expected<Answer> answer(Program &program, const EncodedText &text,
                                  const Rows &rows) = 0;
  /// Looks at the options before anything is computed.
  virtual Status prepare(Program &program) { return {}; }

  const EntryInfo &entry;

private:
  Status runArrays(Program &program);
  Status show(Program &program, const EncodedText &text, const Rows &rows,
              bool isFirst);

  Texts texts;
  ArrayInputs arrays;
  double seconds = 0;
  bool json = false;
};

/// The probability of each column. Of one alone, or if the labels don't exclude
/// each other, that of the logistic function; else softmax.
std::vector<double> probabilities(const Metadata &metadata,
                                  std::span<const float> scores);

/// The places of the `count` greatest, best first; of equal ones the first. NaN
/// counts as smallest.
std::vector<size_t> greatest(std::span<const double> values, size_t count);

std::unique_ptr<Command> makeClassifyCommand(const EntryInfo &entry);
std::unique_ptr<Command> makeTagCommand(const EntryInfo &entry);
std::unique_ptr<Command> makeAnswerCommand(const EntryInfo &entry);
std::unique_ptr<Command> makeFillMaskCommand(const EntryInfo &entry);
std::unique_ptr<Command> makeEmbedCommand(const EntryInfo &entry);
std::unique_ptr<Command> makeRerankCommand(const EntryInfo &entry);

} // namespace tenon::runtime

#endif // TENON_LIB_RUNTIME_COMMANDS_ENTRYCOMMAND_H
