//===- Program.cpp - what commands share: model, tokenizer, workers -------===//
#include "Program.h"
#include "Texts.h"

#include "tenon/Runtime/KeptAdapters.h"
#include "tenon/Support/Strings.h"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdarg>
#include <cstdio>

#include <fcntl.h>
#include <unistd.h>

using namespace tenon;
using namespace tenon::runtime;

Expected<const Tokenizer *> Program::tokenizer() {
  if (loadedTokenizer)
    return loadedTokenizer.get();
  auto section = payload.map("tokenizer");
  if (!section)
    return section.takeError();
  if (section->size() == 0)
    return withNote(
        plainError("this executable has no tokenizer", ExitCode::BadUsage),
        "it was compiled without one; `run`, `logits` and, with "
        "--print-tokens, `generate` take --tokens");
  auto tokenizer = Tokenizer::deserialize(section->span());
  if (!tokenizer) {
    Error error = tokenizer.takeError();
    if (error.code != ExitCode::OutOfResource)
      error.code = ExitCode::CorruptPayload;
    return error;
  }
  loadedTokenizer = std::move(*tokenizer);
  return loadedTokenizer.get();
}

Expected<const TenonVariant *> Program::variant() {
  return chooseVariant(variants, CpuFeatures::host(), options.kernels);
}

Expected<std::span<const OperationInfo>>
Program::operations(const TenonVariant &variant) const {
  const std::vector<VariantInfo> &infos = metadata().variants;
  size_t index = &variant - variants.data();
  if (infos.size() != variants.size() || infos[index].cpu != variant.cpu)
    return plainError("section 'metadata': its variants are not those of this "
                      "executable's kernels",
                      ExitCode::CorruptPayload);
  return std::span(infos[index].operations);
}

const Topology &Program::cpus() {
  if (!topology)
    topology = Topology::current();
  return *topology;
}

unsigned Program::threads() {
  return options.threads ? *options.threads : cpus().physicalCores;
}

void Program::takePart(int rank, int size) {
  Topology mine = cpus();
  auto parts = static_cast<unsigned>(size);
  unsigned each =
      options.threads.value_or(std::max(1u, mine.physicalCores / parts));
  size_t begin = static_cast<size_t>(rank) * each % mine.cpus.size();
  std::ranges::rotate(mine.cpus,
                      mine.cpus.begin() + static_cast<int64_t>(begin));
  if (size_t(each) * parts <= mine.cpus.size())
    mine.cpus.resize(each);
  workers = std::make_unique<Executor>(each, mine);
  Executor::install(workers.get());
}

WeightMemory Program::weightMemory() const {
  for (WeightMemory memory : {WeightMemory::Mapped, WeightMemory::HugePages})
    if (options.weightsMemory == name(memory))
      return memory;
  const SectionInfo *weights = metadata().section("weights");
  return chooseWeightMemory(weights ? weights->size : 0, availableMemory());
}

Expected<Model *> Program::model() {
  if (loadedModel)
    return loadedModel.get();
  auto chosen = variant();
  if (!chosen)
    return chosen.takeError();
  std::optional<Region> trained;
  if (!options.from.empty()) {
    auto weights = trainedWeights();
    if (!weights)
      return weights.takeError();
    trained = std::move(*weights);
  }
  auto loaded =
      Model::load(payload, **chosen, weightMemory(), std::move(trained));
  if (!loaded)
    return loaded.takeError();
  loadedModel = std::move(*loaded);
  if (Status status = startWorkers(**chosen); !status)
    return status.takeError();
  return loadedModel.get();
}

/// A copy of the weights with those of --from, or of --adapter, in it.
Expected<Region> Program::trainedWeights() const {
  if (!adapterNames(metadata()).empty())
    return weightsWithAdapter(payload, options.from);
  auto info = TrainingInfo::load(payload);
  if (!info)
    return info.takeError();
  auto weights = payload.load("weights");
  if (!weights)
    return weights.takeError();
  if (Status status =
          info->readWeights(options.from, {weights->data(), weights->size()});
      !status)
    return status.takeError();
  return std::move(*weights);
}

Expected<Trainer *> Program::trainer() {
  if (loadedTrainer)
    return loadedTrainer.get();
  auto chosen = variant();
  if (!chosen)
    return chosen.takeError();
  auto loaded = Trainer::load(payload, **chosen);
  if (!loaded)
    return loaded.takeError();
  loadedTrainer = std::move(*loaded);
  if (!options.from.empty())
    if (Status status = loadedTrainer->info().readWeights(
            options.from, loadedTrainer->weights());
        !status)
      return status.takeError();
  if (Status status = startWorkers(**chosen); !status)
    return status.takeError();
  return loadedTrainer.get();
}

Status Program::startWorkers(const TenonVariant &variant) {
  workers = std::make_unique<Executor>(threads(), cpus());
  Executor::install(workers.get());
  if (!options.profile && options.trace.empty())
    return {};
  auto known = operations(variant);
  if (!known)
    return known.takeError();
  counted = std::make_unique<Profile>(*known, *workers, !options.trace.empty());
  if (loadedModel)
    loadedModel->recordCalls(&counted->calls());
  return {};
}

std::string tenon::runtime::commandName(std::string_view def) {
  std::string name(def);
  std::ranges::replace(name, '_', '-');
  return name;
}

Expected<const EntryInfo *> Program::findEntry(std::string_view name) const {
  std::string known;
  for (const EntryInfo &entry : metadata().entries) {
    if (metadata().entryOf(entry.of) != &entry)
      continue;
    if (commandName(entry.of) == commandName(name))
      return &entry;
    known += (known.empty() ? "" : ", ") + entry.of;
  }
  return withNote(plainError(strCat("this model has no entry ",
                                    quoteName(std::string(name))),
                             ExitCode::BadUsage),
                  "its entries are " + known);
}

Expected<std::vector<int32_t>> Program::encode(std::string_view text,
                                               SpecialInText special) {
  const std::vector<int32_t> &bos = metadata().model.bos;
  if (text.empty() && !bos.empty() && metadata().model.isDecoder)
    return std::vector<int32_t>{bos[0]};
  auto loaded = tokenizer();
  if (!loaded)
    return loaded.takeError();
  auto tokens = (*loaded)->encode(text, true, special);
  // Sentences were cut so when the model was trained: what stands at the end of
  // a text stays.
  size_t limit = static_cast<size_t>(metadata().model.cutTo);
  std::span<const int32_t> last = (*loaded)->suffixTokens();
  if (tokens && limit > last.size() && tokens->size() > limit) {
    tokens->resize(limit - last.size());
    tokens->insert(tokens->end(), last.begin(), last.end());
  }
  if (tokens && tokens->empty())
    return plainError("the text is empty, and the model has no token that "
                      "begins a text");
  return tokens;
}

Expected<EncodedText> Program::encode(const TextInput &input) {
  if (!input.tokens.empty())
    return EncodedText{input.tokens, input.segments};
  if (!input.second) {
    auto tokens = encode(input.text);
    if (!tokens)
      return tokens.takeError();
    return EncodedText{std::move(*tokens), {}};
  }
  auto loaded = tokenizer();
  if (!loaded)
    return loaded.takeError();
  auto pair = (*loaded)->encodePair(input.text, *input.second);
  if (!pair)
    return pair.takeError();
  return EncodedText{std::move(pair->tokens), std::move(pair->segments),
                     pair->secondBegin, pair->secondEnd};
}

std::string Program::joinedTexts() const {
  std::string joined;
  for (size_t i = 0; i < texts.size(); ++i)
    joined += (i ? " " : "") + texts[i];
  return joined;
}

void Program::printProfile(double seconds) {
  if (options.profile && counted)
    printNote(counted->table(seconds));
}

Status Program::writeTrace() const {
  return options.trace.empty() || !counted ? Status()
                                           : counted->writeTrace(options.trace);
}

Expected<std::string> tenon::runtime::readInput(const std::string &path) {
  bool standard = path == "-";
  int file = standard ? STDIN_FILENO : open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0)
    return systemError(path, "open", errno);
  std::string text;
  char buffer[1 << 16];
  ssize_t got;
  while ((got = read(file, buffer, sizeof buffer)) > 0)
    text.append(buffer, got);
  int error = errno;
  if (!standard)
    close(file);
  if (got < 0)
    return systemError(standard ? "standard input" : path, "read", error);
  return text;
}

void tenon::runtime::printNote(std::string_view message) {
  std::string shown = printable(message);
  std::string_view text = shown;
  while (!text.empty()) {
    ssize_t done = write(STDERR_FILENO, text.data(), text.size());
    if (done <= 0)
      return;
    text.remove_prefix(done);
  }
}

double tenon::runtime::now() {
  return std::chrono::duration<double>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

std::string tenon::runtime::format(const char *text, ...) {
  va_list list, again;
  va_start(list, text);
  va_copy(again, list);
  std::string result(std::vsnprintf(nullptr, 0, text, list), '\0');
  std::vsnprintf(result.data(), result.size() + 1, text, again);
  va_end(again);
  va_end(list);
  return result;
}
