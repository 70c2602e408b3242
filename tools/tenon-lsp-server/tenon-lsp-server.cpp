//===- tenon-lsp-server.cpp - a language server for editors ---------------===//
//
// For descriptions (.tenon) by itself; with --mlir it is MLIR's own server
// with the tenon dialect.
//
//===----------------------------------------------------------------------===//

#include "mlir/Tools/mlir-lsp-server/MlirLspServerMain.h"
#include "tenon/Driver/Registration.h"
#include "tenon/LanguageServer/LanguageServer.h"

#include <cstdio>
#include <cstring>
#include <vector>

static constexpr const char *kHelp =
    R"(tenon-lsp-server: a server of the Language Server Protocol on standard input and output

  tenon-lsp-server             for model descriptions (.tenon): diagnostics, hovers with shapes,
                               definitions, references, symbols, completion, formatting
  tenon-lsp-server --mlir ...  for IR (.mlir) with the tenon dialect: MLIR's own server and its options

Options:
  --lit-test                   messages between lines of `// -----`, and indented answers, for tests
)";

int main(int argc, char **argv) {
  std::vector<char *> rest(argv, argv + argc);
  bool isMlir = false, isTest = false;
  for (size_t i = 1; i < rest.size();) {
    if (!std::strcmp(rest[i], "--mlir")) {
      isMlir = true;
      rest.erase(rest.begin() + i);
      continue;
    }
    isTest |= !std::strcmp(rest[i], "--lit-test");
    ++i;
  }
  if (isMlir) {
    mlir::DialectRegistry registry;
    tenon::registerAllDialects(registry);
    rest.push_back(nullptr);
    return failed(mlir::MlirLspServerMain(static_cast<int>(rest.size()) - 1,
                                          rest.data(), registry));
  }
  for (size_t i = 1; i < rest.size(); ++i)
    // Editors say where messages come from; there is one way only.
    if (std::strcmp(rest[i], "--lit-test") && std::strcmp(rest[i], "--stdio")) {
      bool isHelp =
          !std::strcmp(rest[i], "--help") || !std::strcmp(rest[i], "-h");
      if (!isHelp)
        std::fprintf(stderr, "error: unknown option '%s'\n", rest[i]);
      std::fputs(kHelp, isHelp ? stdout : stderr);
      return isHelp ? 0 : 2;
    }
  return tenon::runLanguageServer(isTest);
}
