//===- Reporting.cpp - remarks and reports of a compilation ---------------===//

#include "Reporting.h"
#include "tenon/Support/AtomicFile.h"
#include "tenon/Support/Strings.h"
#include "llvm/ADT/StringExtras.h"

using namespace tenon;

/// Modules' texts in a report's data, of which a file has room enough.
static constexpr size_t kDataBudget = size_t(1) << 30;

// A part that is included twice is the same place both times: its first text
// stands for it.
static SourceLines countLines(const lang::SourceFile &source) {
  SourceLines lines;
  for (const lang::SourceFile::File &file : source.all())
    lines.try_emplace(file.name, file.firstLine - 1);
  return lines;
}

Reporting::Reporting(const CompileOptions &options, mlir::MLIRContext &context,
                     const lang::SourceFile &source)
    : options(options), kernelPlaces(countLines(source)) {
  log.emplace(context);
  if (!options.report.empty())
    recorder.emplace(countLines(source),
                     /*withTexts=*/options.report != "-");
}

Status Reporting::readProfile(const LoadedModel &model) {
  if (options.reportProfile.empty())
    return Status::success();
  Expected<ProfileData> profile =
      tenon::readProfile(options.reportProfile, model.directory.name());
  if (!profile)
    return profile.takeError();
  report.profile = std::move(*profile);
  return Status::success();
}

void Reporting::start(mlir::ModuleOp module) {
  if (recorder)
    recorder->start(module);
}

void Reporting::enter(mlir::PassManager &manager, mlir::ModuleOp module,
                      llvm::StringRef stage) {
  if (!recorder)
    return;
  // Until the module is cloned for each CPU it has no list of all of them.
  auto target = getTarget(module);
  bool isVariant = target && module->hasAttr(kTargetsAttrName);
  recorder->enter(stage, isVariant ? target.getCpu() : llvm::StringRef());
  manager.addInstrumentation(recorder->createInstrumentation());
}

void Reporting::leave(mlir::ModuleOp module) {
  if (recorder)
    recorder->leave(module);
}

void Reporting::numberPlaces(mlir::ModuleOp module) {
  tenon::numberPlaces(module, kernelPlaces);
}

void Reporting::readListing(std::vector<ListedFunction> functions) {
  for (ListedFunction &function : functions)
    report.kernels.push_back({std::move(function.symbol),
                              std::move(function.lines),
                              std::move(function.places)});
}

void Reporting::printRemarks(llvm::raw_ostream &os) const {
  if (options.remarks.any())
    tenon::printRemarks(log->get(), options.remarks, os);
}

static Status writeFile(const std::string &path, std::string_view bytes) {
  Expected<AtomicFile> file = AtomicFile::create(path);
  if (!file)
    return file.takeError();
  if (Status status = file->write(bytes); !status)
    return status;
  return file->commit();
}

Status Reporting::write(const LoadedModel &model,
                        llvm::ArrayRef<TargetAttr> targets,
                        llvm::ArrayRef<PlannedWeight> weights) {
  std::vector<RemarkEntry> remarks = log->get();
  if (!options.remarksOutput.empty())
    if (Status status =
            writeFile(options.remarksOutput, formatRemarksYaml(remarks));
        !status)
      return status;
  if (!recorder)
    return Status::success();

  report.title = model.directory.name();
  std::string cpus;
  for (TargetAttr target : targets)
    cpus += (cpus.empty() ? "" : ", ") + target.getCpu().str() +
            " (vectors of " + std::to_string(target.getVectorBits()) + " bits)";
  auto orDefault = [](const std::string &text, const char *otherwise) {
    return text.empty() ? std::string(otherwise) : text;
  };
  report.facts = {
      {"description", std::string(model.description->name)},
      {"target", cpus},
      {"weights", orDefault(options.quantize, "as they are")},
      {"context", std::to_string(model.context)},
      {"chunk", std::to_string(model.maxChunk)},
  };
  report.sourceName = model.description->source.name();
  report.sourceText = std::string(model.description->source.text());
  report.recorded = recorder->take();
  report.kernelPlaces = kernelPlaces.takeLists();
  report.remarks = std::move(remarks);
  for (const PlannedWeight &weight : weights) {
    std::string type;
    llvm::raw_string_ostream(type) << weight.layerType;
    report.weights.push_back(
        {weight.name, type, weight.layerBytes * uint64_t(weight.layers), {}});
    if (auto error = errors.find(weight.name); error != errors.end())
      report.weights.back().error = error->second;
  }
  report.bytesByType = summarizeWeights(weights).bytesByType;

  if (options.report == "-") {
    printReport(report, llvm::outs());
    llvm::outs().flush();
    return Status::success();
  }
  if (llvm::StringRef(options.report).ends_with(".json"))
    return writeFile(options.report, formatReportJson(report, kDataBudget));
  Expected<std::string> page = formatReportPage(report);
  if (!page)
    return page.takeError();
  return writeFile(options.report, *page);
}
