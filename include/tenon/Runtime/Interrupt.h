//===- Interrupt.h - signals and the state of the standard streams
//---------===//
//
// Ctrl-C sets a flag that loops look at between steps. Because one step of a
// large model may take longer than a user waits, a timer armed by the same
// handler ends the process 25 ms later, after writing what setHeldText() keeps
// ready; 200 ms are promised, most of which the kernel may need to unmap the
// weights. A second Ctrl-C ends it at once.
//
//===----------------------------------------------------------------------===//
#ifndef TENON_RUNTIME_INTERRUPT_H
#define TENON_RUNTIME_INTERRUPT_H

#include "tenon/Support/Error.h"

#include <string_view>

namespace tenon::runtime {

/// Installs the handlers of SIGINT and of SIGBUS (guardMappings), ignores
/// SIGPIPE and SIGXFSZ (writes then fail with EPIPE and EFBIG), and opens
/// /dev/null in place of standard streams that are closed, so that no file of
/// ours takes their number.
void prepareProcess();

/// Whether standard output was closed when the process started.
bool standardOutputClosed();

bool interrupted();

/// Lets a step take its time: from now on the first Ctrl-C only sets the flag.
/// For loops that have something to save.
void waitForStep();

/// The error to return when interrupted() is true: no message, code 130.
Error interruption();

/// Text for the timer to write: whole UTF-8 that the program has but has not
/// written, at most 4096 bytes of it.
void setHeldText(std::string_view text);

} // namespace tenon::runtime

#endif // TENON_RUNTIME_INTERRUPT_H
