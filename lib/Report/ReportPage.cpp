//===- ReportPage.cpp - a report as data and as a page --------------------===//

#include "ReportPage.inc"
#include "tenon/Report/Report.h"
#include "llvm/Support/Base64.h"
#include "llvm/Support/Compression.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/JSON.h"

#include <algorithm>
#include <numeric>

using namespace llvm;
using namespace tenon;

/// What a page may take, and the sizes of texts that are tried: compressed
/// quickly, and then as base64, they become about a fifth.
static constexpr size_t kMostPageBytes = 3'000'000;
static constexpr size_t kFirstBudget = 14u << 20;

namespace {

/// Which modules' texts are shown, so that all are within a number of bytes.
std::vector<bool> chooseTexts(const std::vector<ModuleText> &texts,
                              size_t budget) {
  std::vector<size_t> order(texts.size());
  std::iota(order.begin(), order.end(), 0);
  llvm::sort(order, [&](size_t a, size_t b) {
    return std::pair(texts[a].text.size(), a) <
           std::pair(texts[b].text.size(), b);
  });
  std::vector<bool> isShown(texts.size());
  for (size_t i : order) {
    if (texts[i].text.size() > budget)
      break;
    budget -= texts[i].text.size();
    isShown[i] = true;
  }
  return isShown;
}

void writeLines(json::OStream &out, const std::vector<unsigned> &lines) {
  out.array([&] {
    for (unsigned line : lines)
      out.value(line);
  });
}

void writePlace(json::OStream &out, const Place &place) {
  out.array([&] {
    out.value(place.file);
    out.value(place.line);
    out.value(place.column);
  });
}

/// Names of operations and functions come from files, which may hold anything.
std::string fix(StringRef text) {
  return json::isUTF8(text) ? text.str() : json::fixUTF8(text);
}

/// A long text as a string of JSON. Almost all of it is characters that stand
/// for themselves.
void writeText(json::OStream &out, StringRef key, StringRef text) {
  if (!json::isUTF8(text)) {
    out.attribute(key, json::fixUTF8(text));
    return;
  }
  out.attributeBegin(key);
  out.rawValue([&](raw_ostream &os) {
    os << '"';
    while (!text.empty()) {
      size_t plain = 0;
      while (plain < text.size() &&
             static_cast<unsigned char>(text[plain]) >= ' ' &&
             text[plain] != '"' && text[plain] != '\\')
        ++plain;
      os << text.take_front(plain);
      if (plain == text.size())
        break;
      if (text[plain] == '\n')
        os << "\\n";
      else if (text[plain] == '"' || text[plain] == '\\')
        os << '\\' << text[plain];
      else
        os << format("\\u%04x", text[plain]);
      text = text.drop_front(plain + 1);
    }
    os << '"';
  });
  out.attributeEnd();
}

void writeNumbers(json::OStream &out, StringRef key,
                  ArrayRef<unsigned> numbers) {
  out.attributeBegin(key);
  out.rawValue([&](raw_ostream &os) {
    os << '[';
    for (size_t i = 0; i < numbers.size(); ++i)
      os << (i ? "," : "") << numbers[i];
    os << ']';
  });
  out.attributeEnd();
}

void writePasses(json::OStream &out, const RecordedPasses &recorded) {
  out.attributeArray("passes", [&] {
    for (const PassRecord &pass : recorded.passes)
      out.object([&] {
        out.attribute("stage", pass.stage);
        out.attribute("variant", pass.variant);
        out.attribute("name", pass.name);
        out.attribute("description", fix(pass.description));
        out.attribute("ms", pass.milliseconds);
        out.attribute("changed", pass.changed);
        out.attribute("text", pass.text);
      });
  });
}

/// Lines of text repeat the lines they come from: a table of those, and an
/// index for each line of text.
void writeTexts(json::OStream &out, const RecordedPasses &recorded,
                size_t budget) {
  std::vector<bool> isShown = chooseTexts(recorded.texts, budget);
  out.attributeArray("texts", [&] {
    for (auto [i, text] : llvm::enumerate(recorded.texts))
      out.object([&, i = i, &text = text] {
        out.attributeObject("operations", [&] {
          for (const auto &[name, count] : text.operations)
            out.attribute(name, count);
        });
        out.attribute("working", text.numWorking);
        out.attribute("placed", text.numPlaced);
        if (!isShown[i]) {
          out.attribute("omitted", text.text.size());
          return;
        }
        writeText(out, "text", text.text);
        writeNumbers(out, "places", text.places);
      });
  });
  out.attributeArray("places", [&] {
    for (const std::vector<unsigned> &lines : recorded.places)
      writeLines(out, lines);
  });
}

void writeGraphs(json::OStream &out, const RecordedPasses &recorded) {
  out.attributeArray("graphs", [&] {
    for (const auto &[stage, graphs] : recorded.graphs)
      for (const FunctionGraph &graph : graphs)
        out.object([&, &stage = stage] {
          out.attribute("stage", stage);
          out.attribute("function", fix(graph.function));
          out.attributeArray("nodes", [&] {
            for (const GraphNode &node : graph.nodes)
              out.object([&] {
                out.attribute("name", node.name);
                out.attribute("label", fix(node.label));
                out.attribute("type", fix(node.type));
                out.attributeArray("from", [&] {
                  for (unsigned from : node.from)
                    out.value(from);
                });
                out.attributeBegin("lines");
                writeLines(out, node.lines);
                out.attributeEnd();
                out.attribute("parent", node.parent);
              });
          });
        });
  });
}

void writeRemarks(json::OStream &out, ArrayRef<RemarkEntry> remarks) {
  out.attributeArray("remarks", [&] {
    for (const RemarkEntry &remark : remarks)
      out.object([&] {
        out.attribute("kind", getName(remark.kind));
        out.attribute("pass", remark.pass);
        out.attribute("name", remark.name);
        out.attribute("function", fix(remark.function));
        out.attribute("text", fix(remark.text));
        out.attributeArray("places", [&] {
          for (const Place &place : remark.places)
            writePlace(out, place);
        });
        if (remark.blocker) {
          out.attributeBegin("blocker");
          writePlace(out, *remark.blocker);
          out.attributeEnd();
        }
        if (!remark.suggestion.empty())
          out.attribute("suggestion", fix(remark.suggestion));
      });
  });
}

void writeKernels(json::OStream &out, const Report &report, bool withCode) {
  out.attributeArray("kernels", [&] {
    for (const KernelCode &kernel : report.kernels)
      out.object([&] {
        out.attribute("symbol", fix(kernel.symbol));
        out.attribute("instructions",
                      llvm::count_if(kernel.lines, [](StringRef line) {
                        return line.starts_with(" ");
                      }));
        std::vector<unsigned> places = kernel.places, all;
        llvm::sort(places);
        places.erase(llvm::unique(places), places.end());
        for (unsigned place : places)
          all.insert(all.end(), report.kernelPlaces[place].begin(),
                     report.kernelPlaces[place].end());
        llvm::sort(all);
        all.erase(llvm::unique(all), all.end());
        out.attributeBegin("lines");
        writeLines(out, all);
        out.attributeEnd();
        if (!withCode)
          return;
        writeText(out, "code", llvm::join(kernel.lines, "\n"));
        writeNumbers(out, "places", kernel.places);
      });
  });
  out.attributeArray("kernelPlaces", [&] {
    for (const std::vector<unsigned> &lines : report.kernelPlaces)
      writeLines(out, lines);
  });
}

void writeMemory(json::OStream &out, const MemoryPlan &memory) {
  out.attributeObject("memory", [&] {
    out.attribute("arena", memory.arenaBytes);
    out.attribute("cache", memory.cacheBytes);
    out.attribute("cacheType", memory.cacheType);
    out.attributeArray("entries", [&] {
      for (const EntryMemory &entry : memory.entries)
        out.object([&] {
          out.attribute("variant", entry.variant);
          out.attribute("function", fix(entry.function));
          out.attribute("most", entry.mostAlive());
          out.attribute("all", entry.allBytes());
          out.attributeArray("steps", [&] {
            for (const ArenaStep &step : entry.steps)
              out.object([&] {
                out.attribute("name", fix(step.name));
                out.attribute("alive", step.alive);
                writeNumbers(out, "lines", step.lines);
              });
          });
          out.attributeArray("loops", [&] {
            for (auto [first, last] : entry.loops)
              out.array([&, first = first, last = last] {
                out.value(first);
                out.value(last);
              });
          });
          out.attributeArray("buffers", [&] {
            for (const ArenaBuffer &buffer : entry.buffers)
              out.object([&] {
                out.attribute("operation", fix(buffer.operation));
                out.attribute("type", fix(buffer.type));
                writeNumbers(out, "lines", buffer.lines);
                out.attribute("offset", buffer.offset);
                out.attribute("bytes", buffer.bytes);
                out.attribute("first", buffer.first);
                out.attribute("last", buffer.last);
              });
          });
        });
    });
  });
}

void writeProfile(json::OStream &out, const ProfileData &profile) {
  out.attributeObject("profile", [&] {
    out.attribute("kernels", fix(profile.kernels));
    out.attribute("threads", profile.threads);
    out.attributeArray("phases", [&] {
      for (const ProfileData::Phase &phase : profile.phases)
        out.object([&] {
          out.attribute("name", phase.name);
          out.attribute("tokensPerSecond", phase.tokensPerSecond);
          out.attribute("seconds", phase.seconds);
          out.attribute("between", phase.betweenOperations);
          out.attribute("outside", phase.outside);
          out.attributeObject("limits", [&] {
            for (const auto &[name, rate] : phase.limits)
              out.attribute(fix(name), rate);
          });
          out.attributeArray("operations", [&] {
            for (const ProfileData::Operation &operation : phase.operations)
              out.object([&] {
                out.attribute("name", fix(operation.name));
                out.attribute("kind", fix(operation.kind));
                out.attribute("entry", fix(operation.entry));
                out.attribute("line", operation.line);
                out.attribute("calls", operation.calls);
                out.attribute("ns", operation.nanoseconds);
                out.attribute("operations", operation.operations);
                out.attribute("bytes", operation.bytes);
                out.attribute("limit", fix(operation.limit));
                out.attribute("ofLimit", operation.ofLimit);
              });
          });
        });
    });
  });
}

} // namespace

std::string tenon::formatReportJson(const Report &report, size_t budget) {
  std::string text;
  raw_string_ostream stream(text);
  json::OStream out(stream);
  size_t code = 0;
  for (const KernelCode &kernel : report.kernels)
    for (const std::string &line : kernel.lines)
      code += line.size() + 1;
  bool withCode = code <= budget / 2;
  if (withCode)
    budget -= code;
  out.object([&] {
    out.attribute("version", 1);
    out.attribute("title", fix(report.title));
    out.attributeArray("facts", [&] {
      for (const auto &[name, value] : report.facts)
        out.array([&, &name = name, &value = value] {
          out.value(fix(name));
          out.value(fix(value));
        });
    });
    out.attributeObject("source", [&] {
      out.attribute("name", fix(report.sourceName));
      out.attribute("text", fix(report.sourceText));
    });
    writePasses(out, report.recorded);
    writeTexts(out, report.recorded, budget);
    writeGraphs(out, report.recorded);
    writeRemarks(out, report.remarks);
    writeKernels(out, report, withCode);
    out.attributeArray("weights", [&] {
      for (const Report::Weight &weight : report.weights)
        out.object([&] {
          out.attribute("name", fix(weight.name));
          out.attribute("type", fix(weight.type));
          out.attribute("bytes", weight.bytes);
          if (weight.error)
            out.attribute("error", *weight.error);
        });
    });
    out.attributeObject("bytesByType", [&] {
      for (const auto &[type, bytes] : report.bytesByType)
        out.attribute(type, bytes);
    });
    writeMemory(out, report.recorded.memory);
    if (report.profile)
      writeProfile(out, *report.profile);
  });
  return text;
}

tenon::Expected<std::string> tenon::formatReportPage(const Report &report) {
  if (!compression::zlib::isAvailable())
    return plainError("a report's page needs an LLVM with zlib; --report=- "
                      "prints the report as text");
  size_t room = kMostPageBytes - StringRef(kPageTemplate).size();
  auto encode = [](const std::string &data, int level) {
    SmallVector<uint8_t, 0> compressed;
    compression::zlib::compress(arrayRefFromStringRef(data), compressed, level);
    return encodeBase64(compressed);
  };
  std::string encoded;
  for (size_t budget = kFirstBudget; budget > (1u << 16);) {
    std::string data = formatReportJson(report, budget);
    encoded = encode(data, compression::zlib::BestSpeedCompression);
    if (encoded.size() <= room)
      break;
    // Compressing well takes three times as long, and makes it a third smaller.
    if (encoded.size() <= room / 2 * 3)
      encoded = encode(data, compression::zlib::DefaultCompression);
    if (encoded.size() <= room)
      break;
    // What is next is a little smaller than would do.
    budget = std::min<size_t>(budget / 8 * 7,
                              data.size() * (0.9 * room / encoded.size()));
  }
  auto [head, tail] = StringRef(kPageTemplate).split("@DATA@");
  return (head + encoded + tail).str();
}
