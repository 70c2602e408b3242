//===- TrainingRun.cpp - the steps of a training, and what it leaves ------===//
//
// A directory holds, each file written aside and renamed:
//
//   config.json, tokenizer.json, ...  as the model had them
//   model.safetensors                 the weights, by the model's names
//   tenon-state.safetensors           weights and moments of the last step that
//                                     was saved: --resume reads this one alone,
//                                     so that a kill between two files is none
//   trainer_state.json                by the names of Transformers' Trainer
//   log.jsonl                         a line for each step
//   loss.svg                          the losses of those lines
//
//===----------------------------------------------------------------------===//
#include "TrainingRun.h"

#include "LabelNames.h"
#include "LossCurve.h"
#include "Program.h"

#include "tenon/Runtime/Interrupt.h"
#include "tenon/Support/AtomicFile.h"
#include "tenon/Support/Strings.h"

#include <array>
#include <cerrno>
#include <cmath>
#include <filesystem>

#include <fcntl.h>
#include <unistd.h>

using namespace tenon;
using namespace tenon::runtime;

static constexpr const char *kState = "tenon-state.safetensors";
static constexpr const char *kLog = "log.jsonl";

//===----------------------------------------------------------------------===//
// Files
//===----------------------------------------------------------------------===//

static Status writeWhole(const std::string &path, std::string_view text) {
  auto file = AtomicFile::create(path);
  if (!file)
    return file.takeError();
  if (Status status = file->write(text); !status)
    return status;
  return file->commit();
}

/// Adds a line to a file.
static Status appendLine(const std::string &path, std::string line) {
  line += '\n';
  int file =
      open(path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0644);
  if (file < 0)
    return systemError(path, "open", errno);
  std::string_view rest(line);
  int error = 0;
  while (!rest.empty() && !error) {
    ssize_t done = write(file, rest.data(), rest.size());
    if (done < 0 && errno != EINTR)
      error = errno;
    else if (done > 0)
      rest.remove_prefix(done);
  }
  close(file);
  return error ? Status(systemError(path, "write", error)) : Status();
}

Status TrainingRun::start() {
  namespace fs = std::filesystem;
  std::error_code error;
  if (fs::exists(path("config.json"), error) && !fs::exists(path(kLog), error))
    return withNote(
        errorInFile(options.output,
                    "the directory holds a model that no training wrote",
                    ExitCode::BadUsage),
        "-o names a directory of its own");
  fs::create_directories(options.output, error);
  if (error)
    return systemError(options.output, "make the directory", error.value());
  // A run of before is begun again.
  return writeWhole(path(kLog), "");
}

Status TrainingRun::saveState(int64_t step) const {
  FileNotes notes = {{"format", "tenon-trainer-1"},
                     {"step", std::to_string(step)},
                     {"options", options.toJson().dump()},
                     {"history", history.dump()},
                     {"data_hash", std::to_string(data.hash())}};
  TensorGroup groups[] = {{"", trainer.weights()},
                          {".first_moment", trainer.firstMoments()},
                          {".second_moment", trainer.secondMoments()}};
  return writeSafetensors(path(kState), trainer.info().tensors, groups, notes);
}

Status TrainingRun::save(int64_t step) {
  if (Status status = saveState(step); !status)
    return status;
  for (const CheckpointFile &file : trainer.info().files) {
    bool renames =
        file.name == "config.json" && labels != trainer.info().labels;
    if (Status status = writeWhole(path(file.name.c_str()),
                                   renames ? withLabelNames(file.bytes, labels)
                                           : file.bytes);
        !status)
      return status;
  }
  TensorGroup weights[] = {{"", trainer.weights()}};
  if (Status status =
          writeSafetensors(path(trainer.info().weightsFile.c_str()),
                           trainer.info().tensors, weights, {{"format", "pt"}});
      !status)
    return status;
  if (Status status = writeWhole(path("loss.svg"), drawLossCurve(history));
      !status)
    return status;
  return writeWhole(path("trainer_state.json"),
                    transformersState(step).dump(2) + "\n");
}

/// The fields of Transformers' TrainerState, all of them; what is ours stands
/// where it keeps the state of callbacks.
OrderedJson TrainingRun::transformersState(int64_t step) const {
  int64_t together = options.batch * options.accumulate;
  auto epochOf = [&](int64_t taken) {
    return static_cast<double>(taken * together) /
           static_cast<double>(data.count());
  };
  OrderedJson lines = OrderedJson::array(), best, bestStep;
  int64_t tokens = 0;
  for (const OrderedJson &line : history) {
    auto at = line["step"].get<int64_t>();
    lines.push_back({{"epoch", epochOf(at)},
                     {"step", at},
                     {"loss", line["loss"]},
                     {"grad_norm", line["gradient_norm"]},
                     {"learning_rate", line["rate"]}});
    tokens += line.value("tokens", int64_t(0));
    if (!line.contains("held_out_loss"))
      continue;
    const OrderedJson &loss = line["held_out_loss"];
    lines.push_back(
        {{"epoch", epochOf(at)}, {"step", at}, {"eval_loss", loss}});
    if (best.is_null() || loss.get<double>() < best.get<double>()) {
      best = loss;
      bestStep = at;
    }
  }
  OrderedJson attributes = {{"seed", options.seed},
                            {"data", options.data},
                            {"data_hash", strCat(data.hash())},
                            {"next_sequence", step * together}};
  return {{"best_global_step", bestStep},
          {"best_metric", best},
          {"best_model_checkpoint", nullptr},
          {"epoch", epochOf(step)},
          {"eval_steps", options.evalEvery ? options.evalEvery : options.steps},
          {"global_step", step},
          {"is_hyper_param_search", false},
          {"is_local_process_zero", true},
          {"is_world_process_zero", true},
          {"log_history", std::move(lines)},
          {"logging_steps", 1},
          {"max_steps", options.steps},
          {"num_input_tokens_seen", tokens},
          {"num_train_epochs",
           static_cast<int64_t>(std::ceil(epochOf(options.steps)))},
          {"save_steps", options.saveEvery ? options.saveEvery : options.steps},
          {"stateful_callbacks",
           {{"tenon",
             {{"args", OrderedJson::object()},
              {"attributes", std::move(attributes)}}}}},
          {"total_flos", 0},
          {"train_batch_size", options.batch},
          {"trial_name", nullptr},
          {"trial_params", nullptr}};
}

Status TrainingRun::resume() {
  TensorGroup groups[] = {{"", trainer.weights()},
                          {".first_moment", trainer.firstMoments()},
                          {".second_moment", trainer.secondMoments()}};
  auto notes = readSafetensors(path(kState), trainer.info().tensors, groups);
  if (!notes)
    return notes.takeError();
  if ((*notes)["data_hash"] != std::to_string(data.hash()))
    return withNote(
        errorInFile(options.data,
                    "these are not the data that the training in '" +
                        options.output + "' began with"),
        "going on with other data is another training: start it "
        "from the checkpoint with tenonc --train");
  try {
    done = std::stoll((*notes)["step"]);
    history = OrderedJson::parse((*notes)["history"]);
  } catch (const std::exception &) {
    return errorInFile(path(kState), "the file is damaged: its notes are not "
                                     "those of a training");
  }
  // Steps after the last one that was saved are taken again.
  std::string lines;
  for (const OrderedJson &line : history)
    lines += line.dump() + "\n";
  return writeWhole(path(kLog), lines);
}

Expected<TrainingOptions>
tenon::runtime::readOptions(const std::string &directory) {
  std::string path = directory + "/" + kState;
  auto notes = readSafetensors(path, {}, {});
  if (!notes)
    return withNote(notes.takeError(),
                    "--resume takes a directory that `train -o` wrote");
  try {
    TrainingOptions options =
        TrainingOptions::fromJson(OrderedJson::parse((*notes)["options"]));
    options.output = directory;
    return options;
  } catch (const OrderedJson::exception &) {
    return errorInFile(path, "the file holds no training");
  }
}

//===----------------------------------------------------------------------===//
// Steps
//===----------------------------------------------------------------------===//

/// Places of held-out sequences, which no training reaches.
static constexpr uint64_t kHeldOutPlace = uint64_t(1) << 63;

double tenon::runtime::meanLoss(Trainer &trainer, const TrainingData &data,
                                Corruption *corruption, ProcessGroup *group) {
  double sum = 0;
  int64_t targets = 0;
  for (uint64_t i = 0; i < data.count(); ++i) {
    TrainingSequence sequence = data.sequence(i);
    if (corruption)
      sequence = corruption->apply(sequence, kHeldOutPlace + i);
    targets += sequence.asked;
    double loss = 0;
    bool isMine = !group || i % group->size() == uint64_t(group->rank());
    if (sequence.asked && isMine)
      loss = trainer.loss(sequence);
    if (group && isMine)
      group->numbers()[i] = loss;
    sum += loss;
  }
  if (group) {
    // In the order that one process has.
    group->barrier();
    sum = 0;
    for (double loss : group->numbers().first(data.count()))
      sum += loss;
  }
  return sum / static_cast<double>(targets);
}

TrainingSequence TrainingRun::sequenceAt(uint64_t place) {
  TrainingSequence sequence =
      data.sequence(options.sequenceAt(place, data.count()));
  return corruption ? corruption->apply(sequence, place) : sequence;
}

void TrainingRun::addGradients(std::span<const uint64_t> places, int64_t first,
                               std::span<double> losses) {
  auto count = static_cast<int64_t>(places.size());
  int64_t before = numBefore + first, after = before + count;
  for (int64_t i = 0; i < count; ++i) {
    if (group && (first + i) % group->size() != group->rank())
      continue;
    if (group)
      group->beginSequence(before + i, trainer.hasRows() ? before : 0);
    TrainingSequence sequence = sequenceAt(places[i]);
    losses[i] = trainer.addGradient(sequence, i);
    if (counted) {
      EntryCall call;
      call.entry = gradientEntry;
      call.tokens = call.outputs = sequence.fed;
      call.sourceLength = static_cast<int64_t>(sequence.source.size());
      counted->calls().push_back(std::move(call));
    }
    if (!trainer.hasRows() ||
        !(group ? group->saveRows(after) : i + 1 == count))
      continue;
    for (int64_t j = 0; j < count; ++j)
      trainer.addRows(sequenceAt(places[j]), j);
    if (group)
      group->openRows(after);
  }
}

Expected<TrainingRun::Measured> TrainingRun::takeStep(int64_t step) {
  double start = now();
  int64_t sequences = options.batch * options.accumulate;
  int64_t targets = 0, taken = 0;
  Measured measured;
  double sum = 0;
  std::array<double, Trainer::kGroup> own{};
  std::vector<uint64_t> places;
  for (int64_t i = 0; i < sequences; ++i) {
    auto place = static_cast<uint64_t>((step - 1) * sequences + i);
    TrainingSequence sequence = sequenceAt(place);
    if (sequence.asked) {
      measured.tokens += static_cast<int64_t>(sequence.tokens.size());
      targets += sequence.asked;
      places.push_back(place);
    }
    if (places.size() < size_t(Trainer::kGroup) && i + 1 < sequences)
      continue;
    std::span<double> losses =
        group ? group->numbers().subspan(taken) : std::span<double>(own);
    addGradients(places, taken, losses);
    if (!group)
      for (double loss : losses.first(places.size()))
        sum += loss;
    taken += static_cast<int64_t>(places.size());
    places.clear();
  }
  if (group) {
    group->barrier();
    for (double loss : group->numbers().first(taken))
      sum += loss;
  }
  numBefore += taken;
  if (targets == 0)
    return plainError(strCat("the sequences of step ", step,
                             " have nothing to guess: all of their tokens are "
                             "special ones, or too few"));
  measured.loss = sum / static_cast<double>(targets);
  auto stop = [&](const char *what) {
    return withNote(
        plainError(strCat("the ", what, " of step ", step,
                          " is no number: training stops here")),
        "a lower --rate, a --clip or a longer --warmup keeps a training from "
        "that; what was saved before is still there");
  };
  if (!std::isfinite(measured.loss))
    return stop("loss");
  measured.rate = options.step.rate * schedule.factor(step);
  measured.norm =
      trainer.update(options.step.numbers(step, targets, measured.rate));
  if (!std::isfinite(measured.norm))
    return stop("gradient");
  measured.seconds = now() - start;
  countedSeconds += measured.seconds;
  return measured;
}

std::string TrainingRun::describePeak() {
  if (!counted)
    return "";
  double part = counted->operationsComputed() / (countedSeconds * peakRate);
  counted->clear();
  countedSeconds = 0;
  return format("  %.0f %% of peak", 100 * part);
}

Status TrainingRun::log(int64_t step, const Measured &measured) {
  double speed = static_cast<double>(measured.tokens) / measured.seconds;
  OrderedJson line = {{"step", step},
                      {"loss", measured.loss},
                      {"gradient_norm", measured.norm},
                      {"tokens", measured.tokens},
                      {"tokens_per_second", speed},
                      {"rate", measured.rate}};
  bool isLast = step == options.steps;
  std::string held;
  if (heldOut &&
      (isLast || (options.evalEvery && step % options.evalEvery == 0))) {
    double loss = meanLoss(trainer, *heldOut, corruption.get(), group);
    line["held_out_loss"] = loss;
    held = format("  held-out loss %.4f", loss);
  }
  if (group && !group->isFirst())
    return {};
  // A line a second is enough for a person.
  double time = now();
  if (!options.quiet &&
      (step == 1 || isLast || !held.empty() || time - lastShown >= 1)) {
    lastShown = time;
    double left = measured.seconds * static_cast<double>(options.steps - step);
    printNote(format(
        "step %lld/%lld  loss %.4f  gradient %.3f  rate %.3g  "
        "%.0f tokens/s%s%s%s\n",
        static_cast<long long>(step), static_cast<long long>(options.steps),
        measured.loss, measured.norm, measured.rate, speed,
        describePeak().c_str(),
        isLast ? "" : format("  %.0f s left", left).c_str(), held.c_str()));
  }
  history.push_back(line);
  return appendLine(path(kLog), line.dump());
}

Status TrainingRun::run() {
  schedule.kind = options.schedule == "constant" ? Schedule::Kind::Constant
                  : options.schedule == "linear" ? Schedule::Kind::Linear
                                                 : Schedule::Kind::Cosine;
  schedule.steps = options.steps;
  double warmup = std::stod(options.warmup);
  if (options.warmup.ends_with('%'))
    warmup *= static_cast<double>(options.steps) / 100;
  schedule.warmup = static_cast<int64_t>(warmup);
  if (group)
    done = group->tell(done);
  if (done >= options.steps)
    return plainError(strCat("the training has taken ", done,
                             " steps already: --steps says how many there are "
                             "to be in all"),
                      ExitCode::BadUsage);
  waitForStep();
  while (done < options.steps) {
    auto measured = takeStep(done + 1);
    if (!measured)
      return measured.takeError();
    ++done;
    if (Status status = log(done, *measured); !status)
      return status;
    bool isDue = options.saveEvery && done % options.saveEvery == 0;
    bool stops = group ? group->tell(interrupted()) != 0 : interrupted();
    bool saves = isDue || done == options.steps || stops;
    if (saves && (!group || group->isFirst()))
      if (Status status = save(done); !status)
        return status;
    if (stops) {
      if (!group || group->isFirst())
        printNote(strCat("interrupted after step ", done,
                         ", which is saved in ", options.output,
                         ": --resume goes on from there\n"));
      return interruption();
    }
  }
  return {};
}
