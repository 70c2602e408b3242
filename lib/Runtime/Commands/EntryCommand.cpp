//===- EntryCommand.cpp - a command for an entry of a description ---------===//
#include "EntryCommand.h"

#include "tenon/Runtime/TextOutput.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include <CLI/CLI.hpp>

using namespace tenon;
using namespace tenon::runtime;

void EntryCommand::declareOptions(CLI::App &app) {
  if (takesArraysOnly(entry))
    arrays.declareOptions(app);
  else
    texts.declareOptions(app);
  app.add_flag("--json", json,
               "Print JSON; of a file, a line for each of its texts");
}

/// Prints what the rows of the entry say of a text.
Status EntryCommand::show(Program &program, const EncodedText &text,
                          const Rows &rows, bool isFirst) {
  auto found = answer(program, text, rows);
  if (!found)
    return found.takeError();
  // Texts of several lines stand apart.
  bool isLong = std::ranges::count(found->text, '\n') > 1;
  std::string shown = isLong && !isFirst ? "\n" + found->text : found->text;
  if (json && texts.isFile())
    shown = found->json.dump(-1, ' ', false,
                             OrderedJson::error_handler_t::replace) +
            "\n";
  return json && !texts.isFile() ? writeJson(found->json) : writeOutput(shown);
}

Status EntryCommand::runArrays(Program &program) {
  auto named = arrays.read();
  if (!named)
    return named.takeError();
  auto model = program.model();
  if (!model)
    return model.takeError();
  Model::Inputs inputs;
  inputs.arrays = *std::move(named);
  double start = now();
  Executor::Session session(program.executor());
  return (*model)->computeTexts(
      entry.of, std::span(&inputs, 1), [&](size_t, const Rows &rows) {
        seconds += now() - start;
        return show(program, {}, rows, /*isFirst=*/true);
      });
}

Status EntryCommand::run(Program &program) {
  if (Status status = prepare(program); !status)
    return status;
  if (takesArraysOnly(entry)) {
    Status status = runArrays(program);
    if (status)
      program.printProfile(seconds);
    return status;
  }
  auto inputs = texts.read(program, description.name);
  if (!inputs)
    return inputs.takeError();
  auto model = program.model();
  if (!model)
    return model.takeError();
  bool isFirst = true;
  double start = now(), shown = 0;
  Status computed;
  {
    Executor::Session session(program.executor());
    computed = texts.compute(program, **model, entry, *inputs,
                             [&](const EncodedText &text, const Rows &rows) {
                               double begin = now();
                               Status status =
                                   show(program, text, rows, isFirst);
                               shown += now() - begin;
                               isFirst = false;
                               return status;
                             });
  }
  if (!computed)
    return computed;
  seconds = now() - start - shown;
  program.printProfile(seconds);
  return {};
}

std::vector<double>
tenon::runtime::probabilities(const Metadata &metadata,
                              std::span<const float> scores) {
  std::vector<double> result(scores.begin(), scores.end());
  if (metadata.model.problem == "regression")
    return result;
  if (scores.size() == 1 ||
      metadata.model.problem == "multi_label_classification") {
    for (double &value : result)
      value = 1 / (1 + std::exp(-value));
    return result;
  }
  double most = *std::ranges::max_element(result), sum = 0;
  for (double &value : result)
    sum += value = std::exp(value - most);
  for (double &value : result)
    value /= sum;
  return result;
}

std::vector<size_t> tenon::runtime::greatest(std::span<const double> values,
                                             size_t count) {
  std::vector<size_t> order(values.size());
  std::iota(order.begin(), order.end(), 0);
  auto value = [&](size_t i) {
    return std::isnan(values[i]) ? -INFINITY : values[i];
  };
  count = std::min(count, order.size());
  std::ranges::partial_sort(
      order, order.begin() + count, [&](size_t a, size_t b) {
        return value(a) != value(b) ? value(a) > value(b) : a < b;
      });
  order.resize(count);
  return order;
}
