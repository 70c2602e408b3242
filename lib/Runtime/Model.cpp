//===- Model.cpp - calls the compiled entry points ------------------------===//
#include "tenon/Runtime/Model.h"

#include "tenon/Runtime/Interrupt.h"
#include "tenon/Support/CheckedMath.h"
#include "tenon/Support/Strings.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstring>
#include <iterator>
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
                                             WeightMemory weightMemory,
                                             std::optional<Region> trained) {
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
      {model->weights, trained ? Expected<Region>(std::move(*trained))
                       : weightMemory == WeightMemory::HugePages
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
  return call(entry, {.tokens = tokens,
                      .position = position(),
                      .sourceLength = sequence().sourceLength,
                      .rows = rows,
                      .cache = cache.data() + selected * sequenceBytes()});
}

Expected<void *> Model::fill(const EntryInfo &entry, size_t number,
                             const Call &args) {
  const InputInfo &input = entry.inputs[number];
  if (input.dtype == "f32" && args.arrays)
    if (auto found = args.arrays->find(input.name); found != args.arrays->end())
      return const_cast<float *>(found->second.values.data());
  ids.resize(std::max(ids.size(), entry.inputs.size()));
  std::vector<int32_t> &values = ids[number];
  size_t count = args.tokens.size();
  if (input.element == "token") {
    values.assign(args.tokens.begin(), args.tokens.end());
  } else if (input.element == "token_type") {
    values.assign(args.segments.begin(), args.segments.end());
    values.resize(count);
  } else if (input.element == "bool") {
    // Of descriptions that mask padding, which there is none of. A float mask's
    // one is spelled as an integer, too.
    values.assign(count, input.dtype == "f32" ? 0x3f800000 : 1);
  } else if (input.element == "text_ends") {
    values.assign(args.textEnds.begin(), args.textEnds.end());
  } else if (input.element == "source_length") {
    values.assign(args.sourceLengths.begin(), args.sourceLengths.end());
  } else if (input.element == "position" && !args.positions.empty()) {
    values.assign(args.positions.begin(), args.positions.end());
  } else if (input.element == "position") {
    values.resize(count);
    std::iota(values.begin(), values.end(),
              static_cast<int32_t>(args.position));
  } else {
    return plainError(strCat("this runtime doesn't know what '", input.name,
                             "' of '", entry.name, "' is: '", input.element,
                             "'"),
                      ExitCode::CorruptPayload);
  }
  return values.data();
}

Expected<Rows> Model::call(const Entry &entry, const Call &args) {
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

  std::vector<void *> buffers;
  for (size_t i = 0; i < entry.info->inputs.size(); ++i) {
    auto buffer = fill(*entry.info, i, args);
    if (!buffer)
      return buffer.takeError();
    buffers.push_back(*buffer);
  }
  buffers.push_back(output.data());

  TenonFrame frame{};
  frame.weights = reinterpret_cast<const uint8_t *>(weights.data());
  frame.arena = reinterpret_cast<uint8_t *>(arena.data());
  frame.cache = reinterpret_cast<uint8_t *>(args.cache);
  frame.buffers = buffers.data();
  frame.numTokens = args.tokens.empty()
                        ? args.length
                        : static_cast<int64_t>(args.tokens.size());
  frame.position = args.position;
  frame.numRows = args.rows;
  frame.sourceLength = args.textEnds.empty()
                           ? args.sourceLength
                           : static_cast<int64_t>(args.textEnds.size());
  callFunction(entry, frame, args);
  return Rows{{reinterpret_cast<const float *>(output.data()),
               static_cast<size_t>(args.rows * cols)},
              args.rows,
              cols};
}

void Model::callFunction(const Entry &entry, const TenonFrame &frame,
                         const Call &args) {
  if (!recorded)
    return entry.fn(&frame);
  auto nanoseconds = [](auto duration) -> int64_t {
    return std::chrono::duration_cast<std::chrono::nanoseconds>(duration)
        .count();
  };
  auto start = std::chrono::steady_clock::now();
  entry.fn(&frame);
  auto elapsed = std::chrono::steady_clock::now() - start;
  EntryCall &call = recorded->emplace_back();
  call.entry = entry.info;
  call.tokens = frame.numTokens;
  call.outputs = frame.numRows;
  call.sourceLength = frame.sourceLength;
  call.position = frame.position;
  call.positions.assign(args.positions.begin(), args.positions.end());
  call.textEnds.assign(args.textEnds.begin(), args.textEnds.end());
  call.start = nanoseconds(start.time_since_epoch());
  call.nanoseconds = nanoseconds(elapsed);
}

Status Model::prefill(std::span<const int32_t> tokens, int64_t chunk, Want want,
                      const RowConsumer &consume) {
  if (Status status = check(tokens, position()); !status)
    return status;
  if (Status status = checkSource(); !status)
    return status;
  auto entry = find("prefill");
  if (!entry)
    return entry.takeError();
  return callInChunks(*entry, tokens, chunk, want, consume);
}

Status Model::callInChunks(const Entry &entry, std::span<const int32_t> tokens,
                           int64_t chunk, Want want,
                           const RowConsumer &consume) {
  bool isFixed = entry.info->outputRows == EntryInfo::Rows::Fixed;
  if (chunk <= 0 || chunk > meta.memory.maxChunk)
    chunk = meta.memory.maxChunk;
  while (!tokens.empty()) {
    if (interrupted())
      return interruption();
    auto part = tokens.first(std::min<size_t>(chunk, tokens.size()));
    tokens = tokens.subspan(part.size());
    int64_t rows = 0;
    if (isFixed)
      rows = entry.info->fixedRows;
    else if (want == Want::All)
      rows = static_cast<int64_t>(part.size());
    else if (want == Want::Last && tokens.empty())
      rows = 1;
    auto result = callNext(entry, part, rows);
    if (!result)
      return result.takeError();
    sequence().length += static_cast<int64_t>(part.size());
    if (rows)
      sequence().last = result->row(rows - 1);
    // What an entry says of a whole text it says of the beginning too.
    if (rows && consume && (!isFixed || tokens.empty()))
      if (Status status = consume(*result); !status)
        return status;
  }
  return {};
}

Status Model::decode(int32_t token) {
  std::span<const int32_t> tokens(&token, 1);
  if (Status status = check(tokens, position()); !status)
    return status;
  if (Status status = checkSource(); !status)
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
    return plainError(strCat("there are contexts for ", sequences.size(),
                             " sequences, not for ", steps.size()),
                      ExitCode::BadUsage);
  for (const Step &step : steps)
    if (Status status =
            check(std::span(&step.token, 1), sequences[step.sequence].length);
        !status)
      return status;
  if (numSequences() <= meta.memory.sequences) {
    auto rows = decodeGroup(steps, 0);
    if (!rows)
      return rows.takeError();
    for (const Step &step : steps)
      sequences[step.sequence].last = rows->row(step.sequence);
    return {};
  }
  // As many calls as it takes; rows stay where the next call writes none.
  const EntryInfo *entry = meta.entry("decode");
  size_t cols = entry ? entry->outputCols : 0;
  lastRows.resize(sequences.size() * cols);
  std::vector<Step> rest(steps.begin(), steps.end()), group;
  while (!rest.empty()) {
    int64_t batch = meta.memory.sequences;
    int64_t first = rest.front().sequence / batch * batch;
    auto isInGroup = [&](const Step &step) {
      return step.sequence >= first && step.sequence < first + batch;
    };
    group.clear();
    std::ranges::copy_if(rest, std::back_inserter(group), isInGroup);
    std::erase_if(rest, isInGroup);
    auto rows = decodeGroup(group, first);
    if (!rows)
      return rows.takeError();
    for (const Step &step : group) {
      std::span<const float> row =
          rows->row(group.size() == 1 ? 0 : step.sequence - first);
      std::span to(lastRows.data() + step.sequence * cols, cols);
      std::ranges::copy(row, to.begin());
      sequences[step.sequence].last = to;
    }
  }
  return {};
}

Expected<Rows> Model::decodeGroup(std::span<const Step> steps, int64_t first) {
  std::byte *part = cache.data() + first * sequenceBytes();
  int64_t count = meta.memory.sequences;
  if (steps.size() == 1 && numSequences() > count) {
    auto entry = find("decode");
    if (!entry)
      return entry.takeError();
    selected = steps[0].sequence;
    auto rows = callNext(*entry, std::span(&steps[0].token, 1), 1);
    sequence().length += 1;
    return rows;
  }
  // A row without a token writes where the next token of its sequence will, or
  // over the last one of a context that is full: nobody reads it.
  std::vector<int32_t> tokens(count, 0), positions, sources;
  for (const Sequence &sequence : std::span(sequences).subspan(first, count)) {
    positions.push_back(static_cast<int32_t>(
        std::min(sequence.length, meta.model.context - 1)));
    sources.push_back(
        static_cast<int32_t>(std::max<int64_t>(sequence.sourceLength, 1)));
  }
  for (const Step &step : steps)
    tokens[step.sequence - first] = step.token;
  auto entry = find("decode_batch");
  if (!entry)
    return entry.takeError();
  auto rows = call(*entry, {.tokens = tokens,
                            .positions = positions,
                            .sourceLengths = sources,
                            .rows = count,
                            .cache = part});
  if (rows)
    for (const Step &step : steps)
      sequences[step.sequence].length += 1;
  return rows;
}

void Model::rewind(int64_t length) {
  bool hasRing = std::ranges::any_of(meta.memory.caches, &CacheInfo::isRing);
  int64_t back = sequence().length - length;
  bool isGone = hasRing && back > meta.memory.maxChunk;
  sequence().length = isGone ? 0 : length;
}

Status Model::reserveSequences(int64_t count) {
  int64_t batch = meta.memory.sequences;
  int64_t wanted = (count + batch - 1) / batch * batch;
  if (wanted <= numSequences())
    return {};
  auto bytes = checkedMul(static_cast<uint64_t>(wanted), sequenceBytes());
  auto grown = Region::allocate(bytes.value_or(UINT64_MAX),
                                Region::Kind::Sparse, "the key/value cache");
  if (!grown)
    return grown.takeError();
  cache = std::move(*grown);
  sequences.assign(wanted, {});
  return {};
}

Status Model::checkSource() const {
  if (!meta.hasSource() || sequence().sourceLength > 0)
    return {};
  return plainError("this model's tokens attend to a source, which has to be "
                    "given first",
                    ExitCode::BadUsage);
}

/// Whether an entry reads ids of the vocabulary.
static bool takesTokens(const EntryInfo &entry) {
  return std::ranges::any_of(entry.inputs, [](const InputInfo &input) {
    return input.element == "token";
  });
}

Status Model::encodeSource(std::span<const int32_t> tokens,
                           const NamedArrays &arrays) {
  auto entry = find("encode");
  if (!entry)
    return entry.takeError();
  bool isText = takesTokens(*entry->info);
  if (isText && tokens.empty())
    return plainError("the source has no tokens", ExitCode::BadUsage);
  if (!isText && !tokens.empty())
    return withNote(plainError("this model's source is no text, and has no "
                               "tokens",
                               ExitCode::BadUsage),
                    "--input gives it");
  for (const InputInfo &input : entry->info->inputs)
    if (input.element == "token")
      if (Status status = checkIds(input, tokens); !status)
        return status;
  int64_t count = static_cast<int64_t>(tokens.size());
  if (Status status = checkArrays(*entry->info, arrays, count); !status)
    return status;
  if (!isText)
    for (const CacheInfo &cache : meta.memory.caches)
      if (cache.isSource)
        count = cache.length;
  int64_t most = std::min(meta.memory.maxChunk, meta.model.context);
  if (isText && count > most)
    return plainError(strCat("the source has ", count,
                             " tokens, and this executable takes at most ",
                             most));
  reset();
  auto rows =
      call(*entry, {.tokens = tokens,
                    .arrays = &arrays,
                    .sourceLength = count,
                    .cache = cache.data() + selected * sequenceBytes()});
  if (!rows)
    return rows.takeError();
  sequence().sourceLength = count;
  sequence().source = ++numSources;
  return {};
}

void Model::copySequence(int64_t from, int64_t to) {
  const Sequence &source = sequences[from];
  bool sameSource = sequences[to].source == source.source;
  for (const CacheInfo &info : meta.memory.caches) {
    if (info.isSource && sameSource)
      continue;
    // Of each layer the keys, then the values, a head after the other, each in
    // blocks of 16 tokens in turn: those that are there come first.
    int64_t tokens = info.isSource ? source.sourceLength : source.length;
    uint64_t blocks = info.capacity / 16, used = (tokens + 15) / 16;
    std::byte *base = cache.data() + info.offset;
    auto copy = [&](uint64_t offset, uint64_t size) {
      uint64_t head = size / info.heads;
      for (int64_t i = 0; i < info.heads; ++i, offset += head)
        std::memcpy(base + to * sequenceBytes() + offset,
                    base + from * sequenceBytes() + offset,
                    std::min(head / blocks * used, head));
    };
    for (int64_t layer = 0; layer < info.layers; ++layer) {
      uint64_t size = info.size / info.layers, offset = layer * size;
      copy(offset, info.keys);
      copy(offset + info.keys, size - info.keys);
    }
  }
  sequences[to] = source;
}

Status Model::checkIds(const InputInfo &input,
                       std::span<const int32_t> ids) const {
  for (int32_t id : ids)
    if (id < 0 || (input.limit && id >= input.limit))
      return plainError(strCat(
          input.element == "token" ? "token " : "segment ", id,
          input.element == "token" ? " is outside of the vocabulary (0 to "
                                   : " is not one of the model's (0 to ",
          input.limit - 1, ")"));
  return input.checkLast(ids);
}

/// "[0, 3, 17]", the place of an element in an array of this shape.
static std::string placeText(size_t at, const std::vector<int64_t> &shape) {
  std::vector<int64_t> place(shape.size());
  for (size_t i = shape.size(); i-- > 0; at /= shape[i])
    place[i] = static_cast<int64_t>(at % shape[i]);
  return shapeText(place);
}

Status Model::checkArrays(const EntryInfo &entry, const NamedArrays &arrays,
                          int64_t length) const {
  for (const InputInfo &input : entry.inputs) {
    if (!input.isArray())
      continue;
    std::vector<int64_t> shape = input.shape;
    std::ranges::replace(shape, InputInfo::kTokens, length);
    auto found = arrays.find(input.name);
    if (found == arrays.end())
      return withNote(
          plainError(strCat("'", entry.of, "' needs the input '", input.name,
                            "', float32 ", shapeText(shape)),
                     ExitCode::BadUsage),
          strCat("--input ", input.name, "=FILE.npy gives it"));
    const NpyArray &array = found->second;
    if (array.shape != shape)
      return plainError(strCat("'", input.name, "' is ", shapeText(array.shape),
                               ", but '", entry.of, "' needs ",
                               shapeText(shape)));
    auto bad = std::ranges::find_if(
        array.values, [](float value) { return !std::isfinite(value); });
    if (bad != array.values.end())
      return plainError(strCat("'", input.name,
                               "' has a number that is not finite, at ",
                               placeText(bad - array.values.begin(), shape)));
  }
  for (auto &[name, array] : arrays)
    if (std::ranges::none_of(entry.inputs, [&](const InputInfo &input) {
          return input.name == name && input.isArray();
        }))
      return plainError(strCat("'", entry.of, "' has no input '", name, "'"),
                        ExitCode::BadUsage);
  return {};
}

Status Model::checkInputs(const EntryInfo &entry, const Inputs &inputs) const {
  bool hasTokens = takesTokens(entry), hasSegments = false;
  for (const InputInfo &input : entry.inputs) {
    bool isToken = input.element == "token";
    hasSegments |= input.element == "token_type";
    if (isToken || input.element == "token_type")
      if (Status status =
              checkIds(input, isToken ? inputs.tokens : inputs.segments);
          !status)
        return status;
  }
  auto usage = [](const std::string &what) {
    return plainError(what, ExitCode::BadUsage);
  };
  if (hasTokens && inputs.tokens.empty())
    return usage("there are no tokens to process");
  if (!hasTokens && !inputs.tokens.empty())
    return usage(strCat("'", entry.of, "' takes no tokens"));
  if (!hasSegments && !inputs.segments.empty())
    return usage(strCat("'", entry.of, "' takes no segments"));
  if (!inputs.segments.empty() &&
      inputs.segments.size() != inputs.tokens.size())
    return usage(strCat(inputs.segments.size(), " segments of ",
                        inputs.tokens.size(), " tokens"));
  return {};
}

/// T of an entry: the number of tokens, or the rows of an array where there are
/// none.
static int64_t lengthOf(const EntryInfo &entry, const Model::Inputs &inputs) {
  if (!takesTokens(entry))
    for (const InputInfo &input : entry.inputs)
      if (auto found = inputs.arrays.find(input.name);
          input.isArray() && found != inputs.arrays.end())
        for (size_t i = 0; i < input.shape.size(); ++i)
          if (input.shape[i] == InputInfo::kTokens &&
              found->second.shape.size() == input.shape.size())
            return found->second.shape[i];
  return static_cast<int64_t>(inputs.tokens.size());
}

int64_t Model::rowsOf(std::string_view def, const Inputs &inputs) const {
  const EntryInfo *entry = meta.entryOf(def);
  if (entry && entry->outputRows == EntryInfo::Rows::Fixed)
    return entry->fixedRows;
  return entry ? lengthOf(*entry, inputs) : 0;
}

Status Model::checkText(const EntryInfo &entry, const Inputs &inputs) const {
  if (Status status = checkInputs(entry, inputs); !status)
    return status;
  int64_t count = lengthOf(entry, inputs);
  if (!inputs.source.empty())
    return plainError(strCat("'", entry.of, "' has no source"),
                      ExitCode::BadUsage);
  if (Status status = checkArrays(entry, inputs.arrays, count); !status)
    return status;
  if (!inputs.tokens.empty())
    if (Status status = check(inputs.tokens, 0); !status)
      return status;
  if (count > meta.memory.maxChunk)
    return withNote(
        plainError(strCat(count, " tokens, but '", entry.of,
                          "' sees a whole text at once, and this executable "
                          "was compiled for at most ",
                          meta.memory.maxChunk)),
        "tenonc --max-chunk compiles for more");
  return {};
}

Status Model::callTexts(const Entry &entry, std::span<const Inputs> texts,
                        const TextConsumer &consume) {
  std::vector<int32_t> tokens, segments, ends;
  for (const Inputs &text : texts) {
    tokens.insert(tokens.end(), text.tokens.begin(), text.tokens.end());
    segments.insert(segments.end(), text.segments.begin(), text.segments.end());
    segments.resize(tokens.size());
    ends.push_back(static_cast<int32_t>(tokens.size()));
  }
  int64_t rows = 0;
  for (const Inputs &text : texts)
    rows += rowsOf(entry.info->of, text);
  bool takesTexts = entry.info->takesTexts();
  auto result = call(
      entry, {.tokens = tokens,
              .segments = segments,
              .arrays = &texts[0].arrays,
              .length = lengthOf(*entry.info, texts[0]),
              .textEnds = takesTexts ? std::span(ends) : std::span<int32_t>(),
              .rows = rows,
              .cache = cache.data()});
  if (!result)
    return result.takeError();
  int64_t first = 0;
  for (size_t i = 0; i < texts.size(); ++i) {
    int64_t count = rowsOf(entry.info->of, texts[i]), cols = result->cols;
    Rows own{result->values.subspan(first * cols, count * cols), count, cols};
    if (Status status = consume(i, own); !status)
      return status;
    first += count;
  }
  return {};
}

int64_t Model::tokensTogether(std::string_view def) const {
  const EntryInfo *info = meta.entryOf(def);
  return info && info->takesTexts() ? meta.memory.maxChunk : 0;
}

Status Model::computeTexts(std::string_view def, std::span<const Inputs> texts,
                           const TextConsumer &consume) {
  int64_t tokens = 0;
  for (const Inputs &text : texts)
    tokens += static_cast<int64_t>(text.tokens.size());
  if (texts.size() < 2) {
    // A decoder's rows come chunk by chunk.
    std::vector<float> values;
    Rows all;
    Status status = compute(def, texts[0], [&](const Rows &part) {
      values.insert(values.end(), part.values.begin(), part.values.end());
      all.rows += part.rows;
      all.cols = part.cols;
      return Status();
    });
    all.values = values;
    return status ? consume(0, all) : std::move(status);
  }
  if (tokens > tokensTogether(def))
    return plainError(strCat(texts.size(), " texts with ", tokens,
                             " tokens don't fit one call of '", def, "'"),
                      ExitCode::BadUsage);
  const EntryInfo &info = *meta.entryOf(def);
  for (const Inputs &text : texts)
    if (Status status = checkText(info, text); !status)
      return status;
  reset();
  auto entry = find(info.name);
  return entry ? callTexts(*entry, texts, consume) : entry.takeError();
}

Status Model::compute(std::string_view def, const Inputs &inputs,
                      const RowConsumer &consume, int64_t chunk) {
  const EntryInfo *info = meta.entryOf(def);
  if (!info)
    return plainError(strCat("this model has no entry '", def, "'"),
                      ExitCode::BadUsage);
  reset();
  if (!info->incremental) {
    if (Status status = checkText(*info, inputs); !status)
      return status;
    auto entry = find(info->name);
    if (!entry)
      return entry.takeError();
    return callTexts(*entry, std::span(&inputs, 1),
                     [&](size_t, const Rows &rows) { return consume(rows); });
  }
  if (Status status = checkInputs(*info, inputs); !status)
    return status;
  int64_t count = lengthOf(*info, inputs);
  if (meta.hasSource() && info->name == "prefill") {
    if (Status status = encodeSource(inputs.source, inputs.arrays); !status)
      return status;
  } else if (!inputs.source.empty()) {
    return plainError(strCat("'", def, "' has no source"), ExitCode::BadUsage);
  } else if (Status status = checkArrays(*info, inputs.arrays, count);
             !status) {
    return status;
  }
  if (!inputs.tokens.empty())
    if (Status status = check(inputs.tokens, 0); !status)
      return status;
  auto entry = find(info->name);
  if (!entry)
    return entry.takeError();
  return callInChunks(*entry, inputs.tokens, chunk, Want::All, consume);
}
