//===- Model.cpp - calls the compiled entry points ------------------------===//
#include "tenon/Runtime/Model.h"

#include "tenon/Runtime/Interrupt.h"
#include "tenon/Support/CheckedMath.h"
#include "tenon/Support/Strings.h"

#include <algorithm>
#include <numeric>

#include <unistd.h>

using namespace tenon;
using namespace tenon::runtime;

const char *tenon::runtime::name(WeightMemory memory) {
  return memory == WeightMemory::HugePages ? "huge" : "map";
}

WeightMemory
tenon::runtime::chooseWeightMemory(uint64_t size,
                                   std::optional<uint64_t> available) {
  // Below, they stay in a cache, and a short run is mostly its start.
  constexpr uint64_t leastSize = uint64_t(256) << 20;
  // The rest is for arena, cache, and the file's own pages.
  bool fits = available && size <= *available / 4 * 3;
  return size >= leastSize && fits ? WeightMemory::HugePages
                                   : WeightMemory::Mapped;
}

Expected<std::unique_ptr<Model>> Model::load(const Payload &payload,
                                             const TenonVariant &variant,
                                             WeightMemory weightMemory) {
  std::unique_ptr<Model> model(new Model());
  model->meta = payload.metadata();
  model->variant = &variant;
  model->weightsIn = weightMemory;
  model->sequences.resize(model->meta.memory.sequences);
  const auto &memory = model->meta.memory;

  struct Part {
    Region &region;
    Expected<Region> mapping;
  };
  Part parts[] = {
      {model->weights, weightMemory == WeightMemory::HugePages
                           ? payload.load("weights")
                           : payload.map("weights")},
      {model->arena,
       Region::allocate(memory.arena, Region::Kind::Scratch, "the arena")},
      {model->cache, Region::allocate(memory.cache, Region::Kind::Sparse,
                                      "the key/value cache")},
  };
  for (Part &part : parts) {
    if (!part.mapping) {
      if (part.mapping.error().code != ExitCode::OutOfResource)
        return part.mapping.takeError();
      constexpr uint64_t mib = uint64_t(1) << 20;
      const SectionInfo *weights = model->meta.section("weights");
      uint64_t weightBytes = weights ? weights->size : 0;
      return withNote(
          part.mapping.takeError(),
          strCat("in all the model needs ",
                 (weightBytes + memory.arena + memory.cache) / mib + 1,
                 " MiB of address space: weights ", weightBytes / mib + 1,
                 ", arena ", memory.arena / mib + 1, ", cache ",
                 memory.cache / mib + 1));
    }
    part.region = std::move(*part.mapping);
  }
  // Not if that would push out what else is in memory.
  uint64_t physical = uint64_t(sysconf(_SC_PHYS_PAGES)) * getpagesize();
  if (weightMemory == WeightMemory::Mapped &&
      model->weights.size() < physical / 2)
    model->weights.populate();
  return model;
}

bool Model::hasEntry(std::string_view name) const {
  return meta.entry(name) != nullptr;
}

Expected<Model::Entry> Model::find(std::string_view name) const {
  const EntryInfo *info = meta.entry(name);
  std::span entries(variant->entries, variant->numEntries);
  for (const TenonEntry &entry : entries)
    if (info && name == entry.name)
      return Entry{entry.fn, info};
  return plainError(strCat("this executable has no entry point '", name, "'"),
                    info ? ExitCode::CorruptPayload : ExitCode::BadUsage);
}

Status Model::check(std::span<const int32_t> tokens, int64_t length) const {
  if (tokens.empty())
    return plainError("there are no tokens to process");
  for (int32_t token : tokens)
    if (token < 0 || token >= meta.model.vocabSize)
      return plainError(strCat("token ", token,
                               " is outside of the vocabulary "
                               "(0 to ",
                               meta.model.vocabSize - 1, ")"));
  int64_t count = static_cast<int64_t>(tokens.size());
  int64_t room = meta.model.context - length;
  if (count <= room)
    return {};
  std::string before =
      length ? strCat(" after the ", length, " already there") : "";
  return plainError(strCat(count, " tokens", before,
                           " don't fit the model's context of ",
                           meta.model.context, " tokens"));
}

Expected<Rows> Model::callNext(const Entry &entry,
                               std::span<const int32_t> tokens, int64_t rows) {
  uint64_t stride = meta.memory.cache / meta.memory.sequences;
  return call(entry,
              {tokens, {}, position(), rows, cache.data() + selected * stride});
}

Expected<Rows> Model::call(const Entry &entry, const Call &args) {
  int64_t count = static_cast<int64_t>(args.tokens.size());
  // Room for the output first: it may be the largest allocation of all.
  int64_t cols = entry.info->outputCols;
  auto bytes = checkedMul(checkedMul(args.rows, cols).value_or(UINT64_MAX),
                          sizeof(float));
  if (!bytes || *bytes > output.size()) {
    auto grown = Region::allocate(bytes.value_or(UINT64_MAX),
                                  Region::Kind::Scratch, "the output");
    if (!grown)
      return grown.takeError();
    output = std::move(*grown);
  }

  inputs.resize(entry.info->inputs.size());
  std::vector<void *> buffers;
  for (size_t i = 0; i < inputs.size(); ++i) {
    const std::string &name = entry.info->inputs[i].name;
    std::vector<int32_t> &values = inputs[i];
    if (name == "tokens") {
      values.assign(args.tokens.begin(), args.tokens.end());
    } else if (name == "token_types") {
      values.assign(count, 0);
    } else if (name == "valid") {
      values.assign(count, 1);
      // One bits of a float mask are spelled as an integer, too.
      if (entry.info->inputs[i].dtype == "f32")
        values.assign(count, 0x3f800000);
    } else if (name == "positions" && !args.positions.empty()) {
      values.assign(args.positions.begin(), args.positions.end());
    } else if (name == "positions") {
      values.resize(count);
      std::iota(values.begin(), values.end(),
                static_cast<int32_t>(args.position));
    } else {
      return plainError(strCat("this runtime doesn't know the input '", name,
                               "' of '", entry.info->name, "'"),
                        ExitCode::CorruptPayload);
    }
    buffers.push_back(values.data());
  }
  buffers.push_back(output.data());

  TenonFrame frame{};
  frame.weights = reinterpret_cast<const uint8_t *>(weights.data());
  frame.arena = reinterpret_cast<uint8_t *>(arena.data());
  frame.cache = reinterpret_cast<uint8_t *>(args.cache);
  frame.buffers = buffers.data();
  frame.numTokens = count;
  frame.position = args.position;
  frame.numRows = args.rows;
  entry.fn(&frame);
  return Rows{{reinterpret_cast<const float *>(output.data()),
               static_cast<size_t>(args.rows * cols)},
              args.rows,
              cols};
}

Status Model::prefill(std::span<const int32_t> tokens, int64_t chunk, Want want,
                      const RowConsumer &consume) {
  if (Status status = check(tokens, position()); !status)
    return status;
  auto entry = find("prefill");
  if (!entry)
    return entry.takeError();
  if (chunk <= 0 || chunk > meta.memory.maxChunk)
    chunk = meta.memory.maxChunk;
  while (!tokens.empty()) {
    if (interrupted())
      return interruption();
    auto part = tokens.first(std::min<size_t>(chunk, tokens.size()));
    tokens = tokens.subspan(part.size());
    int64_t rows = 0;
    if (want == Want::All)
      rows = static_cast<int64_t>(part.size());
    else if (want == Want::Last && tokens.empty())
      rows = 1;
    auto result = callNext(*entry, part, rows);
    if (!result)
      return result.takeError();
    sequence().length += static_cast<int64_t>(part.size());
    if (rows)
      sequence().last = result->row(rows - 1);
    if (rows && consume)
      if (Status status = consume(*result); !status)
        return status;
  }
  return {};
}

Status Model::decode(int32_t token) {
  std::span<const int32_t> tokens(&token, 1);
  if (Status status = check(tokens, position()); !status)
    return status;
  auto entry = find("decode");
  if (!entry)
    return entry.takeError();
  auto result = callNext(*entry, tokens, 1);
  if (!result)
    return result.takeError();
  sequence().length += 1;
  sequence().last = result->row(0);
  return {};
}

Status Model::decodeTogether(std::span<const Step> steps) {
  if (steps.size() == 1) {
    selected = steps[0].sequence;
    return decode(steps[0].token);
  }
  if (steps.size() > sequences.size())
    return plainError(strCat("this executable decodes at most ",
                             sequences.size(), " sequences together, not ",
                             steps.size()),
                      ExitCode::BadUsage);
  // A row without a token writes where the next token of its sequence will, or
  // over the last one of a context that is full: nobody reads it.
  std::vector<int32_t> tokens(sequences.size(), 0), positions;
  for (const Sequence &sequence : sequences)
    positions.push_back(static_cast<int32_t>(
        std::min(sequence.length, meta.model.context - 1)));
  for (const Step &step : steps) {
    if (Status status =
            check(std::span(&step.token, 1), sequences[step.sequence].length);
        !status)
      return status;
    tokens[step.sequence] = step.token;
  }
  auto entry = find("decode_batch");
  if (!entry)
    return entry.takeError();
  int64_t rows = numSequences();
  auto result = call(*entry, {tokens, positions, 0, rows, cache.data()});
  if (!result)
    return result.takeError();
  for (const Step &step : steps) {
    sequences[step.sequence].length += 1;
    sequences[step.sequence].last = result->row(step.sequence);
  }
  return {};
}

Expected<Rows> Model::encode(std::string_view name,
                             std::span<const int32_t> tokens) {
  reset();
  if (Status status = check(tokens, position()); !status)
    return status.takeError();
  int64_t count = static_cast<int64_t>(tokens.size());
  if (count > meta.memory.maxChunk)
    return plainError(strCat(count,
                             " tokens, but this executable was compiled "
                             "for at most ",
                             meta.memory.maxChunk));
  auto entry = find(name);
  if (!entry)
    return entry.takeError();
  bool one = entry->info->outputRows == EntryInfo::Rows::One;
  return callNext(*entry, tokens, one ? 1 : count);
}
