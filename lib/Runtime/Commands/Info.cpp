//===- Info.cpp - what is in the executable -------------------------------===//
#include "ArrayInputs.h"
#include "Command.h"
#include "Json.h"

#include "tenon/Runtime/KeptAdapters.h"
#include "tenon/Runtime/TextOutput.h"
#include "tenon/Support/Strings.h"

#include <algorithm>

#include <CLI/CLI.hpp>

using namespace tenon;
using namespace tenon::runtime;

namespace {

std::string bytesText(uint64_t bytes) {
  if (bytes < 10240)
    return format("%llu bytes", static_cast<unsigned long long>(bytes));
  constexpr double mib = 1 << 20;
  return bytes < 10 * mib ? format("%.1f KiB", bytes / 1024.0)
                          : format("%.1f MiB", bytes / mib);
}

/// "classify [1, 2] of NEGATIVE, POSITIVE"
std::string describe(const EntryInfo &entry) {
  std::string rows = entry.outputRows == EntryInfo::Rows::Fixed
                         ? std::to_string(entry.fixedRows)
                         : "T";
  std::string text = strCat(entry.of, " [", rows, ", ", entry.outputCols, "]");
  constexpr size_t most = 8;
  for (size_t i = 0; i < std::min(most, entry.labels.size()); ++i)
    text += (i ? ", " : " of ") + entry.labels[i];
  if (entry.labels.size() > most)
    text += ", …";
  if (entry.labels.empty() && !entry.element.empty())
    text += " of " + entry.element;
  for (const InputInfo &input : entry.inputs)
    if (input.isArray())
      text += strCat(", from ", input.name, " ", shapeOf(input));
  return text;
}

class Info : public Command {
public:
  Info()
      : Command({"info", "", "Show the model, its memory and its kernels"}) {}

  void declareOptions(CLI::App &app) override {
    app.add_flag("--json", json, "Print JSON");
  }
  Status run(Program &program) override {
    return json ? printJson(program) : printText(program);
  }

private:
  Status printJson(Program &program) const;
  Status printText(Program &program) const;

  bool json = false;
};

Status Info::printJson(Program &program) const {
  OrderedJson root = OrderedJson::parse(program.metadata().serialize());
  root["file_size"] = program.payload.fileSize();
  root["threads"] = program.threads();
  root["weights_memory"] = name(program.weightMemory());
  root["kernels"] = OrderedJson::array();
  CpuFeatures cpu = CpuFeatures::host();
  for (const TenonVariant &variant : program.variants)
    root["kernels"].push_back({{"cpu", variant.cpu},
                               {"features", variant.features},
                               {"missing", cpu.missing(variant.features)}});
  auto chosen = program.variant();
  root["kernels_used"] =
      chosen ? OrderedJson((*chosen)->cpu) : OrderedJson(nullptr);
  return writeJson(root);
}

Status Info::printText(Program &program) const {
  const Metadata &meta = program.metadata();
  std::string text;
  auto line = [&](const char *name, const std::string &value) {
    text += format("%-14s %s\n", name, value.c_str());
  };
  line("model", meta.model.name);
  line("family", meta.model.family +
                     (meta.model.isDecoder ? " (decoder)" : " (encoder)"));
  for (const EntryInfo &entry : meta.entries)
    if (meta.entryOf(entry.of) == &entry)
      line("entry", describe(entry) +
                        (entry.of == meta.model.entry ? ", the class's" : ""));
  line("parameters", strCat(meta.model.parameters));
  line("layers", strCat(meta.model.layers));
  // Of what takes no tokens there is no table of them.
  if (meta.model.hiddenSize)
    line("hidden size", strCat(meta.model.hiddenSize));
  if (meta.model.vocabSize)
    line("vocabulary", strCat(meta.model.vocabSize));
  line("context", strCat(meta.model.context, " tokens"));
  if (!meta.model.pooling.empty())
    line("pooling",
         meta.model.pooling + (meta.model.normalized ? ", normalized" : ""));
  std::string types;
  for (auto &[type, bytes] : meta.model.weightTypes)
    types += strCat(types.empty() ? "" : ", ", type, " ", bytesText(bytes));
  line("weights", types);
  if (!meta.model.activations.empty())
    line("activations", meta.model.activations);
  line("weights in", program.weightMemory() == WeightMemory::HugePages
                         ? "huge pages, copied at start (--weights-memory)"
                         : "the file's pages (--weights-memory)");
  line("arena", bytesText(meta.memory.arena));
  std::string parts;
  if (!meta.memory.cacheType.empty())
    parts = " of " + meta.memory.cacheType;
  if (meta.memory.sequences > 1)
    parts += strCat(", for ", meta.memory.sequences, " sequences");
  line("cache", bytesText(meta.memory.cache) + parts);
  // One is all of it, unless it is the source's.
  if (meta.memory.caches.size() > 1)
    for (const CacheInfo &cache : meta.memory.caches)
      line("", strCat(cache.isSource ? "of the source: " : "of the tokens: ",
                      bytesText(cache.size * meta.memory.sequences), ", ",
                      cache.layers, " layers of ", cache.heads, " x ",
                      cache.headDim, ", ",
                      cache.isRing ? "a ring of the last " : "", cache.capacity,
                      " tokens"));
  line("prefill chunk", strCat(meta.memory.maxChunk, " tokens"));
  for (const std::string &name : adapterNames(meta))
    line("adapter", name);
  line("threads", strCat(program.threads()));
  for (const SectionInfo &section : meta.sections)
    line("section", strCat(section.name, ": ", bytesText(section.size), " at ",
                           hexText(section.offset)));
  auto chosen = program.variant();
  CpuFeatures cpu = CpuFeatures::host();
  for (const TenonVariant &variant : program.variants) {
    std::string state;
    for (const std::string &name : cpu.missing(variant.features))
      state += (state.empty() ? ", not usable here: no " : ", ") + name;
    if (chosen && *chosen == &variant)
      state = ", in use";
    line("kernels", variant.cpu + state);
  }
  line("compiled by", strCat("Tenon ", meta.tenonVersion));
  return writeOutput(printable(text));
}

} // namespace

std::unique_ptr<Command> tenon::runtime::makeInfoCommand() {
  return std::make_unique<Info>();
}
