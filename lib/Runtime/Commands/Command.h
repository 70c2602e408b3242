//===- Command.h - one command of a compiled executable ---------*- C++ -*-===//
#ifndef TENON_LIB_RUNTIME_COMMANDS_COMMAND_H
#define TENON_LIB_RUNTIME_COMMANDS_COMMAND_H

#include "Program.h"

#include <memory>
#include <vector>

namespace CLI {
class App;
}

namespace tenon::runtime {

class Command {
public:
  enum class For { Any, Decoder, Encoder };
  struct Description {
    const char *name;
    const char *arguments; ///< as in the usage line; "" if it takes no text
    const char *summary;
    For model = For::Any;
  };

  explicit Command(const Description &description) : description(description) {}
  virtual ~Command() = default;

  const Description description;

  virtual void declareOptions(CLI::App &app) = 0;
  virtual Status run(Program &program) = 0;
};

std::unique_ptr<Command> makeGenerateCommand();
std::unique_ptr<Command> makeScoreCommand();
std::unique_ptr<Command> makeLogitsCommand();
std::unique_ptr<Command> makeEmbedCommand();
std::unique_ptr<Command> makeFillMaskCommand();
std::unique_ptr<Command> makeRunCommand();
std::unique_ptr<Command> makeTokenizeCommand();
std::unique_ptr<Command> makeInfoCommand();
std::unique_ptr<Command> makeBenchCommand();

} // namespace tenon::runtime

#endif // TENON_LIB_RUNTIME_COMMANDS_COMMAND_H
