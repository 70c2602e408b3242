//===- Embed.cpp - texts to vectors ---------------------------------------===//
#include "Command.h"

#include "tenon/Runtime/Npy.h"
#include "tenon/Runtime/TextOutput.h"
#include "tenon/Support/Strings.h"

#include <cmath>

#include <CLI/CLI.hpp>

using namespace tenon;
using namespace tenon::runtime;

namespace {

/// How the vectors of a text's tokens become one.
enum class Pooling {
  Mean,   ///< average over all tokens, [CLS] and [SEP] included
  Cls,    ///< the first token's
  Pooler, ///< the model's own entry point "pooled"
  None,   ///< all of them
};

class Embed : public Command {
public:
  Embed()
      : Command({"embed", "[TEXT…]", "Turn texts into vectors", For::Encoder}) {
  }

  void declareOptions(CLI::App &app) override {
    app.add_option("-f,--file", file, "Also every line of a file (-: stdin)")
        ->type_name("FILE");
    app.add_option("--tokens", tokens, "Token ids rather than texts: 1,2,3")
        ->delimiter(',')
        ->allow_extra_args(false)
        ->type_name("IDS");
    app.add_option("--pooling", pooling,
                   "mean (default), cls, pooler (the model's own), none (a row "
                   "per token)")
        ->transform(CLI::CheckedTransformer(
            std::map<std::string, Pooling>{{"mean", Pooling::Mean},
                                           {"cls", Pooling::Cls},
                                           {"pooler", Pooling::Pooler},
                                           {"none", Pooling::None}}))
        ->type_name("HOW");
    app.add_flag("--truncate", truncate,
                 "Cut texts that are longer than the model's context");
    app.add_flag("--normalize", normalize, "Scale every vector to length 1");
    app.add_option("-o,--output", output,
                   "A .npy file, float32 [texts, size] (default: a line of "
                   "numbers per text)")
        ->type_name("FILE");
  }
  Status run(Program &program) override;

private:
  Expected<std::vector<std::vector<int32_t>>> inputs(Program &program) const;
  Status fit(Program &program, std::vector<int32_t> &ids) const;
  Expected<Rows> vectors(Model &model, std::span<const int32_t> text,
                         std::vector<float> &storage) const;
  Status print(const std::vector<float> &values, int64_t cols) const;

  std::optional<std::string> file;
  std::vector<int32_t> tokens;
  Pooling pooling = Pooling::Mean;
  bool normalize = false, truncate = false;
  std::string output;
};

Expected<std::vector<std::vector<int32_t>>>
Embed::inputs(Program &program) const {
  if (!tokens.empty())
    return std::vector<std::vector<int32_t>>{tokens};
  struct Text {
    std::string text;
    uint64_t line; // of the file; 0: an argument
  };
  std::vector<Text> texts;
  for (const std::string &text : program.texts)
    texts.push_back({text, 0});
  if (file) {
    auto lines = readInput(*file);
    if (!lines)
      return lines.takeError();
    std::string_view rest = *lines;
    for (uint64_t line = 1; !rest.empty(); ++line) {
      size_t end = rest.find('\n');
      texts.push_back({std::string(rest.substr(0, end)), line});
      rest.remove_prefix(end == rest.npos ? rest.size() : end + 1);
    }
  }
  if (texts.empty())
    return plainError("embed needs a text, --file or --tokens",
                      ExitCode::BadUsage);
  std::vector<std::vector<int32_t>> encoded;
  for (const Text &text : texts) {
    auto ids = program.encode(text.text);
    if (ids)
      if (Status status = fit(program, *ids); !status)
        ids = status.takeError();
    if (!ids) {
      if (!text.line)
        return ids.takeError();
      std::string message = ids.error().message;
      if (message.starts_with("error: "))
        message.erase(0, 7);
      return errorAt(*file == "-" ? "<stdin>" : *file, text.line, 1, message,
                     ids.error().code);
    }
    encoded.push_back(std::move(*ids));
  }
  return encoded;
}

/// Cuts a text at the context, its end tokens kept, if that is wanted.
Status Embed::fit(Program &program, std::vector<int32_t> &ids) const {
  size_t context = program.metadata().model.context;
  if (ids.size() <= context)
    return {};
  if (!truncate)
    return withNote(plainError(strCat(ids.size(),
                                      " tokens don't fit the model's context "
                                      "of ",
                                      context, " tokens")),
                    "--truncate cuts texts there");
  auto tokenizer = program.tokenizer();
  if (!tokenizer)
    return tokenizer.takeError();
  auto suffix = (*tokenizer)->suffixTokens();
  if (suffix.size() < context) {
    ids.resize(context - suffix.size());
    ids.insert(ids.end(), suffix.begin(), suffix.end());
  }
  ids.resize(context);
  return {};
}

/// One row, or one per token; in `storage` if it had to be computed.
Expected<Rows> Embed::vectors(Model &model, std::span<const int32_t> text,
                              std::vector<float> &storage) const {
  bool own = pooling == Pooling::Pooler;
  if (own && !model.hasEntry("pooled"))
    return withNote(plainError("this model has no pooler", ExitCode::BadUsage),
                    "--pooling mean or cls work with every encoder");
  auto rows = model.encode(own ? "pooled" : "forward", text);
  if (!rows)
    return rows;
  if (pooling == Pooling::Cls)
    return Rows{rows->row(0), 1, rows->cols};
  if (pooling != Pooling::Mean)
    return rows;
  storage.assign(rows->cols, 0);
  for (int64_t col = 0; col < rows->cols; ++col) {
    double sum = 0;
    for (int64_t i = 0; i < rows->rows; ++i)
      sum += rows->row(i)[col];
    storage[col] = static_cast<float>(sum / rows->rows);
  }
  return Rows{storage, 1, rows->cols};
}

Status Embed::print(const std::vector<float> &values, int64_t cols) const {
  int64_t rows = static_cast<int64_t>(values.size()) / cols;
  if (!output.empty()) {
    auto writer = NpyWriter::create(output, rows, cols);
    if (!writer)
      return writer.takeError();
    if (Status status = writer->write(values); !status)
      return status;
    return writer->finish();
  }
  std::string text;
  for (size_t i = 0; i < values.size(); ++i)
    text += format("%.9g", values[i]) + ((i + 1) % cols ? ' ' : '\n');
  return writeOutput(text);
}

Status Embed::run(Program &program) {
  auto texts = inputs(program);
  if (!texts)
    return texts.takeError();
  auto model = program.model();
  if (!model)
    return model.takeError();
  double start = now();
  std::vector<float> all, storage;
  int64_t cols = 1;
  Executor::Session session(program.executor());
  for (const std::vector<int32_t> &text : *texts) {
    auto rows = vectors(**model, text, storage);
    if (!rows)
      return rows.takeError();
    cols = rows->cols;
    for (int64_t i = 0; i < rows->rows; ++i) {
      std::span<const float> row = rows->row(i);
      double squares = 0;
      for (float value : row)
        squares += double(value) * value;
      double scale = normalize && squares > 0 ? 1 / std::sqrt(squares) : 1;
      for (float value : row)
        all.push_back(static_cast<float>(value * scale));
    }
  }
  double seconds = now() - start;
  if (Status status = print(all, cols); !status)
    return status;
  program.printProfile(seconds);
  return {};
}

} // namespace

std::unique_ptr<Command> tenon::runtime::makeEmbedCommand() {
  return std::make_unique<Embed>();
}
