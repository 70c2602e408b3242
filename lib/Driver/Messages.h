//===- Messages.h - what tenonc says on standard error ----------*- C++ -*-===//
#ifndef TENON_LIB_DRIVER_MESSAGES_H
#define TENON_LIB_DRIVER_MESSAGES_H

#include <string_view>

namespace tenon {

/// Writes a message and a line break to standard error. Strings from files may
/// be anything: they are made fit for a terminal here (printable).
void printMessage(std::string_view message);

} // namespace tenon

#endif // TENON_LIB_DRIVER_MESSAGES_H
