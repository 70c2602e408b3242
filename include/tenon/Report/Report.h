//===- Report.h - what a compilation did to a model -------------*- C++ -*-===//
//
// Everything that one compilation can tell, gathered in one value, and the
// three forms in which it is shown: a table as text, data as JSON, and a page
// that opens from a disk without a network.
//
//===----------------------------------------------------------------------===//
#ifndef TENON_REPORT_REPORT_H
#define TENON_REPORT_REPORT_H

#include "tenon/Report/KernelCode.h"
#include "tenon/Report/PassRecorder.h"
#include "tenon/Report/ProfileData.h"
#include "tenon/Report/RemarkLog.h"
#include "llvm/Support/raw_ostream.h"

#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace tenon {

struct Report {
  struct Weight {
    std::string name, type;
    uint64_t bytes = 0; ///< of all layers
    /// Root mean square of what quantizing here changed, relative to that of
    /// the weight.
    std::optional<double> error;
  };

  std::string title; ///< "llama"
  /// What was asked for and found, as rows: "target" and "znver3", …
  std::vector<std::pair<std::string, std::string>> facts;
  /// The description: its text, and behind it those of its parts.
  std::string sourceName, sourceText;
  RecordedPasses recorded;
  std::vector<RemarkEntry> remarks;
  std::vector<KernelCode> kernels;
  /// What a kernel line's place stands for (`numberPlaces`).
  std::vector<std::vector<unsigned>> kernelPlaces;
  std::vector<Weight> weights; ///< by offset
  /// "q4_0" and the bytes of all weights that are stored so.
  std::map<std::string, uint64_t> bytesByType;
  std::optional<ProfileData> profile;
};

/// A line for each pass: time, operations before and after, what it made and
/// removed; then counts of remarks, how much of each stage leads to the
/// description, kernels, the arena's buffers, weights.
void printReport(const Report &report, llvm::raw_ostream &os);

/// The report as JSON. `version` 1; keys as the page reads them
/// (lib/Report/page/report.js). Modules' texts above `budget` bytes in all
/// are left out, the largest first; their passes say so.
std::string formatReportJson(const Report &report, size_t budget);

/// The page. At most about 3 MB whatever the model: data are compressed, and
/// the largest texts are left out if that isn't enough. Errors: this LLVM has
/// no zlib.
Expected<std::string> formatReportPage(const Report &report);

} // namespace tenon

#endif // TENON_REPORT_REPORT_H
