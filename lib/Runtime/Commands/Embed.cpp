//===- Embed.cpp - texts to vectors ---------------------------------------===//
#include "EntryCommand.h"

#include "tenon/Runtime/Npy.h"
#include "tenon/Runtime/TextOutput.h"
#include "tenon/Support/Strings.h"

#include <cmath>

#include <CLI/CLI.hpp>

using namespace tenon;
using namespace tenon::runtime;

namespace {

/// How the vectors of a text's tokens become one, where the model doesn't say.
enum class Pooling {
  Declared, ///< the entry's own result
  Mean,     ///< average over all tokens, [CLS] and [SEP] included
  Cls,      ///< the first token's
  None,     ///< all of them
};

class Embed : public Command {
public:
  explicit Embed(const EntryInfo &entry)
      : Command({entry.outputRows == EntryInfo::Rows::Fixed
                     ? commandName(entry.of)
                     : "embed",
                 "[TEXT…]", "Turn texts into vectors"}),
        entry(entry), texts("text", "text_pair", Texts::Arguments::Each) {
    if (entry.outputRows != EntryInfo::Rows::Fixed)
      pooling = Pooling::Mean;
  }

  void declareOptions(CLI::App &app) override {
    texts.declareOptions(app);
    bool declared = entry.outputRows == EntryInfo::Rows::Fixed;
    app.add_option("--pooling", asked,
                   declared ? "The model declares it (see info): only that is "
                              "accepted"
                            : "The model declares none: mean (default), cls, "
                              "none (a row per token)")
        ->check(CLI::IsMember({"mean", "cls", "none", "max", "mean_sqrt_len",
                               "weightedmean", "lasttoken"})
                    .description(""))
        ->type_name("HOW");
    app.add_flag("--normalize", normalize, "Scale every vector to length 1");
    app.add_option("-o,--output", output,
                   "A .npy file, float32 [texts, size] (default: a line of "
                   "numbers per text)")
        ->type_name("FILE");
  }
  Status run(Program &program) override;

private:
  Status choosePooling(const Metadata &metadata);
  void append(const Rows &rows, std::vector<float> &all) const;
  Status print(const std::vector<float> &values, int64_t cols) const;

  const EntryInfo &entry;
  Texts texts;
  Pooling pooling = Pooling::Declared;
  std::optional<std::string> asked;
  bool normalize = false;
  std::string output;
};

/// A declared pooling is compiled in, and another than that would be of no use
/// to a model that was trained with it.
Status Embed::choosePooling(const Metadata &metadata) {
  if (pooling == Pooling::Declared) {
    if (asked && *asked != metadata.model.pooling)
      return plainError(strCat("--pooling ", *asked, ": the model's own is ",
                               metadata.model.pooling.empty()
                                   ? "that of its entry"
                                   : metadata.model.pooling),
                        ExitCode::BadUsage);
    // Once more would only round once more.
    normalize &= !metadata.model.normalized;
    return {};
  }
  if (asked == "cls")
    pooling = Pooling::Cls;
  else if (asked == "none")
    pooling = Pooling::None;
  else if (asked && asked != "mean")
    return plainError(strCat("--pooling ", *asked,
                             ": of a model that declares none it is mean, cls "
                             "or none"),
                      ExitCode::BadUsage);
  return {};
}

/// Adds a text's vectors.
void Embed::append(const Rows &rows, std::vector<float> &all) const {
  size_t begin = all.size();
  if (pooling == Pooling::Mean) {
    for (int64_t col = 0; col < rows.cols; ++col) {
      double sum = 0;
      for (int64_t i = 0; i < rows.rows; ++i)
        sum += rows.row(i)[col];
      all.push_back(static_cast<float>(sum / rows.rows));
    }
  } else {
    auto kept = rows.values;
    if (pooling == Pooling::Cls)
      kept = rows.row(0);
    all.insert(all.end(), kept.begin(), kept.end());
  }
  if (!normalize)
    return;
  for (; begin < all.size(); begin += rows.cols) {
    std::span<float> row = std::span(all).subspan(begin, rows.cols);
    double squares = 0;
    for (float value : row)
      squares += double(value) * value;
    for (float &value : row)
      value =
          static_cast<float>(squares > 0 ? value / std::sqrt(squares) : value);
  }
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
  if (Status status = choosePooling(program.metadata()); !status)
    return status;
  auto inputs = texts.read(program, description.name);
  if (!inputs)
    return inputs.takeError();
  auto model = program.model();
  if (!model)
    return model.takeError();
  double start = now();
  std::vector<float> all;
  Executor::Session session(program.executor());
  Status computed = texts.compute(program, **model, entry, *inputs,
                                  [&](const EncodedText &, const Rows &rows) {
                                    append(rows, all);
                                    return Status();
                                  });
  if (!computed)
    return computed;
  double seconds = now() - start;
  if (Status status = print(all, entry.outputCols); !status)
    return status;
  program.printProfile(seconds);
  return {};
}

} // namespace

std::unique_ptr<Command>
tenon::runtime::makeEmbedCommand(const EntryInfo &entry) {
  return std::make_unique<Embed>(entry);
}
