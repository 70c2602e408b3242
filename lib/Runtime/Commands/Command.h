//===- Command.h - one command of a compiled executable ---------*- C++ -*-===//
#ifndef TENON_LIB_RUNTIME_COMMANDS_COMMAND_H
#define TENON_LIB_RUNTIME_COMMANDS_COMMAND_H

#include "Program.h"

#include <memory>
#include <string>
#include <vector>

namespace CLI {
class App;
}

namespace tenon::runtime {

class Command {
public:
  enum class For { Any, Decoder, Source };
  struct Description {
    std::string name;
    std::string arguments; ///< as in the usage line; "" if it takes no text
    std::string summary;
    For model = For::Any;
  };

  explicit Command(Description description)
      : description(std::move(description)) {}
  virtual ~Command() = default;

  const Description description;

  virtual void declareOptions(CLI::App &app) = 0;
  virtual Status run(Program &program) = 0;
};

std::unique_ptr<Command> makeGenerateCommand();
/// generate of models with a source, by the names of what those are made for.
std::unique_ptr<Command> makeTranslateCommand();
std::unique_ptr<Command> makeSummarizeCommand();
std::unique_ptr<Command> makeChatCommand();
std::unique_ptr<Command> makeScoreCommand();
std::unique_ptr<Command> makeLogitsCommand();
std::unique_ptr<Command> makeRunCommand();
std::unique_ptr<Command> makeTokenizeCommand();
std::unique_ptr<Command> makeInfoCommand();
std::unique_ptr<Command> makeBenchCommand();
/// Of models that learn.
std::unique_ptr<Command> makeTrainCommand();
std::unique_ptr<Command> makeEvalCommand();
std::unique_ptr<Command> makeSequencesCommand();

} // namespace tenon::runtime

#endif // TENON_LIB_RUNTIME_COMMANDS_COMMAND_H
