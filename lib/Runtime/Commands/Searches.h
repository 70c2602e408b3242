//===- Searches.h - beam searches of several texts --------------*- C++ -*-===//
#ifndef TENON_LIB_RUNTIME_COMMANDS_SEARCHES_H
#define TENON_LIB_RUNTIME_COMMANDS_SEARCHES_H

#include "Continuation.h"
#include "Program.h"

#include "tenon/Runtime/BeamSearch.h"
#include "tenon/Runtime/TokenRules.h"

namespace tenon::runtime {

struct SearchOptions {
  BeamOptions beams;
  TokenRules rules;
  /// Transformers' repetition penalty, of all tokens so far; 1: none.
  double repeatPenalty = 1.0;
  int64_t count = -1;    ///< tokens at most; -1: as the model says
  int64_t maxLength = 0; ///< of prompt and text, where `count` is -1
  size_t results = 1;    ///< of each text
  bool printTokens = false;
  bool json = false;
};

/// Searches the likeliest continuations of prompts, as many prompts at once as
/// there are contexts for all of their beams. Each is what it would be alone.
class Searches {
public:
  Searches(Program &program, Model &model, const Tokenizer *tokenizer,
           const SearchOptions &options)
      : program(program), model(model), tokenizer(tokenizer), options(options) {
  }

  Status run(std::vector<Prompt> prompts, size_t together);

  size_t promptTokens = 0, generated = 0;
  double promptSeconds = 0;

private:
  /// A search, and the sequence of the model that each running beam has.
  struct Search {
    size_t number = 0; ///< of its prompt
    BeamSearch beams;
    TokenRules rules;
    std::vector<int64_t> own;    ///< the sequences that it may use
    std::vector<int64_t> places; ///< by running beam
  };

  Status start(size_t group, Prompt prompt, size_t number);
  Status decode();
  /// The search goes one token on with the rows that the model has computed;
  /// ends it if it was the last.
  Status advance(size_t group);
  Status end(size_t group);
  /// Prints results that no earlier prompt is in the way of.
  Status print();
  Status printOne(const std::vector<BeamSearch::Beam> &results, size_t prompt);

  Program &program;
  Model &model;
  const Tokenizer *tokenizer;
  const SearchOptions &options;
  std::vector<std::unique_ptr<Search>> groups; ///< null: free
  std::vector<std::optional<std::vector<BeamSearch::Beam>>> results;
  std::vector<size_t> promptLengths;
  std::vector<std::vector<float>> rows; ///< log-probabilities, by beam
  size_t printed = 0;
};

} // namespace tenon::runtime

#endif // TENON_LIB_RUNTIME_COMMANDS_SEARCHES_H
