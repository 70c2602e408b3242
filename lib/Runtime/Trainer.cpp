//===- Trainer.cpp - calls what a model that learns is compiled to --------===//
#include "tenon/Runtime/Trainer.h"

#include "tenon/Runtime/Executor.h"
#include "tenon/Runtime/ProcessGroup.h"
#include "tenon/Support/CheckedMath.h"
#include "tenon/Support/Strings.h"

#include <algorithm>

using namespace tenon;
using namespace tenon::runtime;

TenonEntryFn Trainer::findEntry(std::string_view name) const {
  for (const TenonEntry &entry :
       std::span(variant->entries, variant->numEntries))
    if (name == entry.name)
      return entry.fn;
  return nullptr;
}

Expected<std::unique_ptr<Trainer>> Trainer::load(const Payload &payload,
                                                 const TenonVariant &variant) {
  std::unique_ptr<Trainer> trainer(new Trainer());
  trainer->variant = &variant;
  trainer->gradientFn = trainer->findEntry("gradient");
  trainer->lossFn = trainer->findEntry("loss");
  trainer->rowGradientsFn = trainer->findEntry("row_gradients");
  if (!trainer->gradientFn || !trainer->lossFn)
    return plainError("this executable does not learn: tenonc --train compiles "
                      "one that does",
                      ExitCode::BadUsage);
  const Metadata &metadata = payload.metadata();
  trainer->longest = std::min(metadata.memory.maxChunk, metadata.model.context);
  trainer->zeros.resize(trainer->longest);
  for (const EntryInfo &entry : metadata.entries)
    if (entry.name == "gradient")
      for (size_t i = 2; i < entry.inputs.size(); ++i)
        trainer->takesSource.push_back(entry.inputs[i].element == "token");
  const SectionInfo *section = metadata.section("weights");
  trainer->size = section ? section->size : 0;
  auto info = TrainingInfo::load(payload);
  if (!info)
    return info.takeError();
  trainer->training = std::move(*info);

  uint64_t lines = trainer->sizeInLines();
  if (bool(trainer->rowGradientsFn) != (trainer->training.rowNumbers > 0))
    return plainError("section 'training': it says other things of rows of "
                      "tables than the kernels",
                      ExitCode::CorruptPayload);
  int64_t rowSizes[] = {trainer->training.rowNumbers, metadata.memory.maxChunk,
                        sizeof(float)};
  trainer->oneRows = checkedProduct(rowSizes).value_or(UINT64_MAX);
  struct Part {
    Region &region;
    std::optional<uint64_t> size;
    const char *what;
  };
  // Room beside the weights is looked for before they are read.
  for (Part part :
       {Part{trainer->gradient, lines, "the gradients"},
        Part{trainer->moments, checkedMul(lines, 2), "the optimizer's moments"},
        Part{trainer->arena, metadata.memory.arena, "the arena"},
        Part{trainer->rows, checkedMul(trainer->oneRows, kGroup),
             "the rows of tables"}}) {
    auto region = Region::allocate(part.size.value_or(UINT64_MAX),
                                   Region::Kind::Scratch, part.what);
    if (!region)
      return region.takeError();
    part.region = std::move(*region);
  }
  auto weights = payload.load("weights");
  if (!weights)
    return weights.takeError();
  trainer->weight = std::move(*weights);
  return trainer;
}

float Trainer::call(TenonEntryFn entry, const TrainingSequence &sequence,
                    int64_t place) {
  // Entry points take memory that they may write; they don't.
  auto inputs = const_cast<int32_t *>(sequence.tokens.data());
  auto targets = const_cast<int32_t *>(sequence.targets.data());
  float result = 0;
  std::vector<void *> buffers = {inputs, targets};
  for (bool isSource : takesSource)
    buffers.push_back(isSource ? const_cast<int32_t *>(sequence.source.data())
                               : zeros.data());
  if (place >= 0)
    buffers.insert(buffers.end(), {gradient.data(), moments.data()});
  if (place >= 0 && hasRows())
    buffers.push_back(rows.data() + static_cast<uint64_t>(place) * oneRows);
  buffers.push_back(&result);
  TenonFrame frame{};
  frame.weights = reinterpret_cast<const uint8_t *>(weight.data());
  frame.arena = reinterpret_cast<uint8_t *>(arena.data());
  frame.buffers = buffers.data();
  frame.numTokens = sequence.fed;
  frame.sourceLength = static_cast<int64_t>(sequence.source.size());
  frame.numRows = 1;
  entry(&frame);
  return result;
}

float Trainer::addGradient(const TrainingSequence &sequence, int64_t place) {
  return call(gradientFn, sequence, place);
}

void Trainer::addRows(const TrainingSequence &sequence, int64_t place) {
  call(rowGradientsFn, sequence, place);
}

float Trainer::loss(const TrainingSequence &sequence) {
  return call(lossFn, sequence, /*place=*/-1);
}

Status Trainer::share(ProcessGroup &with) {
  auto arenaBytes = checkedAdd(arena.size(), uint64_t(64));
  struct Part {
    Region &region;
    uint64_t size;
    const char *what;
  };
  Region weights;
  for (Part part : {Part{weights, weight.size(), "weights"},
                    Part{gradient, gradient.size(), "the gradients"},
                    Part{moments, moments.size(), "the optimizer's moments"},
                    Part{rows, rows.size(), "the rows of tables"},
                    Part{sharedArena, arenaBytes.value_or(UINT64_MAX),
                         "the arena of steps"}}) {
    part.region = Region();
    auto region = with.allocate(part.size, part.what);
    if (!region)
      return region.takeError();
    part.region = std::move(*region);
  }
  if (with.isFirst())
    std::ranges::copy(weight.span(), weights.data());
  weight = std::move(weights);
  group = &with;
  return {};
}

bool Trainer::takes(const StepNumbers &step) const {
  return findEntry(step.entry) != nullptr;
}

float Trainer::update(const StepNumbers &step) {
  float own = 0, *norm = &own;
  std::byte *memory = arena.data();
  if (group) {
    // What tasks of one process write, those of others read.
    memory = sharedArena.data();
    norm = reinterpret_cast<float *>(memory + arena.size());
  }
  // Entry points take memory that they may write; they don't.
  std::vector<void *> buffers = {const_cast<float *>(step.numbers.data())};
  if (step.entry == std::string_view("update_muon"))
    buffers.push_back(const_cast<float *>(step.muon.data()));
  buffers.insert(buffers.end(), {gradient.data(), moments.data(), norm});
  TenonFrame frame{};
  frame.weights = reinterpret_cast<const uint8_t *>(weight.data());
  frame.arena = reinterpret_cast<uint8_t *>(memory);
  frame.buffers = buffers.data();
  frame.numRows = 1;
  Executor::divideAmong(group);
  findEntry(step.entry)(&frame);
  Executor::divideAmong(nullptr);
  return *norm;
}
