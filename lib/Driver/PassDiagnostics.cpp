//===- PassDiagnostics.cpp - what passes report, as compilers do ----------===//

#include "PassDiagnostics.h"
#include "mlir/IR/Location.h"
#include "tenon/Support/Strings.h"
#include "llvm/Support/raw_ostream.h"

using namespace mlir;
using namespace tenon;

static llvm::StringRef nameOf(DiagnosticSeverity severity) {
  switch (severity) {
  case DiagnosticSeverity::Note:
    return "note";
  case DiagnosticSeverity::Warning:
    return "warning";
  case DiagnosticSeverity::Error:
    return "error";
  case DiagnosticSeverity::Remark:
    return "remark";
  }
  llvm_unreachable("unknown severity");
}

static void print(Diagnostic &diagnostic, llvm::raw_ostream &out) {
  std::string text;
  llvm::raw_string_ostream os(text);
  if (auto place = diagnostic.getLocation()->findInstanceOf<FileLineColLoc>())
    os << place.getFilename().getValue() << ":" << place.getLine() << ":"
       << place.getColumn() << ": ";
  os << nameOf(diagnostic.getSeverity()) << ": " << diagnostic << "\n";
  out << printable(text);
}

PassDiagnostics::PassDiagnostics(MLIRContext *context, llvm::raw_ostream &os)
    : ScopedDiagnosticHandler(context) {
  setHandler([&os](Diagnostic &diagnostic) {
    print(diagnostic, os);
    for (Diagnostic &note : diagnostic.getNotes())
      print(note, os);
    return success();
  });
}
