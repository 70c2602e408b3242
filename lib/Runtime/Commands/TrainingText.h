//===- TrainingText.h - texts to learn from ---------------------*- C++ -*-===//
#ifndef TENON_LIB_RUNTIME_COMMANDS_TRAININGTEXT_H
#define TENON_LIB_RUNTIME_COMMANDS_TRAININGTEXT_H

#include "LabelNames.h"
#include "Program.h"

#include "tenon/Runtime/TrainingData.h"
#include "tenon/Runtime/TrainingInfo.h"

namespace CLI {
class App;
}

namespace tenon::runtime {

/// What becomes of a text that has more tokens than a sequence.
enum class LongTexts { Refuse, Split, Skip };
/// By its name on the command line, or empty.
LongTexts parseLongTexts(std::string_view name);
/// Declares --data of a command, and --long-texts.
void declareData(CLI::App &app, std::string &data, std::string &longTexts,
                 const char *help);

/// How a file is read.
struct DataReading {
  std::string objective; ///< "span" beside those of TrainingInfo
  int64_t length = 0;    ///< tokens of a sequence at most
  LongTexts longTexts = LongTexts::Refuse;
  LabelNames labels;
  /// Names of labels may be found in the file, if the model has none but
  /// Transformers' defaults: they are in `labels` then.
  bool mayName = false;
};

/// Reads a file to learn from, by the end of its name:
///
///   .txt    texts, each a sequence of its own, between the texts that end one
///           (the model's end token as it is spelled, "<|endoftext|>") if the
///           file has any, and between blank lines otherwise
///   .jsonl  a line each: a string or {"text": ...}; {"prompt": ...,
///           "completion": ...}; {"messages": [...]}, as the model's chat
///           template writes them. Of the last two what the model answers is
///           learned alone
///   .bin    token ids, as TrainingData::readTokens reads them
///
/// Labels are in JSON lines: {"text": ..., "label": N}, {"text": ...,
/// "labels": [N, ...]}, a number for each token, negative where there is none;
/// or names of labels instead of numbers.
/// What follows another text, too: {"source": ..., "target": ...}. Instead of a
/// text there may be its token ids: "tokens": [...], "source": [...],
/// "target": [...].
///
/// A text gets what the tokenizer puts around one, and the model's end token.
/// Errors: another name; a file without a text; a line that is none of these; a
/// text that is too long, with its line.
Expected<TrainingData> readTrainingData(Program &program,
                                        const TrainingInfo &info,
                                        const std::string &path,
                                        DataReading &reading);

} // namespace tenon::runtime

#endif // TENON_LIB_RUNTIME_COMMANDS_TRAININGTEXT_H
