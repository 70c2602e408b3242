//===- Generations.h - several texts that a model continues -----*- C++ -*-===//
#ifndef TENON_LIB_RUNTIME_COMMANDS_GENERATIONS_H
#define TENON_LIB_RUNTIME_COMMANDS_GENERATIONS_H

#include "Continuation.h"
#include "Program.h"

namespace tenon::runtime {

/// Continues prompts, as many at once as there are places. A text that ends
/// gives its place to the next.
class Generations {
public:
  Generations(Program &program, Model &model, const Tokenizer *tokenizer,
              const ContinuationOptions &options, int64_t chunk)
      : program(program), model(model), tokenizer(tokenizer), options(options),
        chunk(chunk) {}

  Status run(std::vector<Prompt> prompts, size_t together);

  size_t promptTokens = 0, generated = 0;
  double promptSeconds = 0;

private:
  Status start(size_t place, Prompt prompt);
  Status advance(size_t place);
  Status end(size_t place);
  Status decode();
  bool isIdle() const;
  /// Ends the text that is shown, if an interruption ended all of them.
  Status cutOff(Status status);

  Program &program;
  Model &model;
  const Tokenizer *tokenizer;
  const ContinuationOptions &options;
  int64_t chunk;
  OrderedOutput output;
  std::vector<std::unique_ptr<Continuation>> places; ///< null: free
};

} // namespace tenon::runtime

#endif // TENON_LIB_RUNTIME_COMMANDS_GENERATIONS_H
