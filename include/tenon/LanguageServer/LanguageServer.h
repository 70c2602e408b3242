//===- LanguageServer.h - descriptions in editors ---------------*- C++ -*-===//
//
// The Language Server Protocol (version 3.17 of its specification) for .tenon
// files, over LLVM's implementation of the transport.
//
//===----------------------------------------------------------------------===//
#ifndef TENON_LANGUAGESERVER_LANGUAGESERVER_H
#define TENON_LANGUAGESERVER_LANGUAGESERVER_H

namespace tenon {

/// Serves standard input and output until the client says `exit`. 0 if it said
/// `shutdown` before, else 1. `isTest`: messages are separated by `// -----`
/// and indented, and the scheme test: is a file's too.
int runLanguageServer(bool isTest);

} // namespace tenon

#endif // TENON_LANGUAGESERVER_LANGUAGESERVER_H
