//===- EndProcess.h - the end of a process with a sentence ------*- C++ -*-===//
#ifndef TENON_SUPPORT_ENDPROCESS_H
#define TENON_SUPPORT_ENDPROCESS_H

#include "tenon/Support/Error.h"

#include <string_view>

namespace tenon {

/// Ends the process with this text on standard error, as the guards of
/// ProcessGuard.h do: for what strikes where no result can be returned.
[[noreturn]] void endProcess(std::string_view text, ExitCode code);

} // namespace tenon

#endif // TENON_SUPPORT_ENDPROCESS_H
