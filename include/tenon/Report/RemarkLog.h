//===- RemarkLog.h - the remarks of a compilation ---------------*- C++ -*-===//
//
// What passes said of their rewrites (tenon/Dialect/Tenon/IR/Remarks.h),
// gathered from a context while passes run.
//
//===----------------------------------------------------------------------===//
#ifndef TENON_REPORT_REMARKLOG_H
#define TENON_REPORT_REMARKLOG_H

#include "mlir/IR/MLIRContext.h"
#include "tenon/Report/Places.h"
#include "tenon/Support/Error.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/raw_ostream.h"

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace tenon {

/// What a remark is about: a rewrite that was applied, one that was declined,
/// or a choice of tiles.
enum class RemarkKind { Fused, Missed, Tile };

/// "fused", "missed", "tile".
llvm::StringRef getName(RemarkKind kind);

/// A remark without anything that lives as long as the module.
struct RemarkEntry {
  RemarkKind kind = RemarkKind::Fused;
  std::vector<Place> places; ///< the first is where it is printed
  std::string pass;          ///< "tenon-fuse-linear"
  std::string name;          ///< of the statistic that counts it
  std::string function;      ///< the first in which it holds
  std::string text;
  std::optional<Place> blocker;
  std::string suggestion;
};

/// Which kinds of remarks are asked for.
struct RemarkKinds {
  bool fused = false, missed = false, tile = false;

  bool any() const { return fused || missed || tile; }
  bool has(RemarkKind kind) const;
};

/// Reads "fused,missed,tile" or "all". Errors: an unknown word.
Expected<RemarkKinds> parseRemarkKinds(llvm::StringRef list);

/// Gathers the remarks of one context. A place has one remark of a pass and
/// name, the last; what was missed and later applied is applied. The same
/// line of a description in several functions is one remark.
class RemarkLog {
public:
  /// Turns the context's remark engine on. The log may outlive the context.
  explicit RemarkLog(mlir::MLIRContext &context);
  ~RemarkLog();

  /// All so far, by file, line and column.
  std::vector<RemarkEntry> get() const;

private:
  struct State;
  std::shared_ptr<State> state;
};

/// Prints remarks like diagnostics:
///
///   gpt2.tenon:26:18: remark: fused: 'gelu' is computed by the linear before
///   it [tenon-fuse-linear]
void printRemarks(llvm::ArrayRef<RemarkEntry> remarks, RemarkKinds kinds,
                  llvm::raw_ostream &os);

/// Remarks as LLVM's YAML, which opt-viewer and its like read. All kinds.
std::string formatRemarksYaml(llvm::ArrayRef<RemarkEntry> remarks);

} // namespace tenon

#endif // TENON_REPORT_REMARKLOG_H
