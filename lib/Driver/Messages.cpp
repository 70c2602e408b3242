//===- Messages.cpp - what tenonc says on standard error ------------------===//

#include "Messages.h"

#include "tenon/Support/Strings.h"
#include "llvm/Support/raw_ostream.h"

void tenon::printMessage(std::string_view message) {
  while (message.ends_with('\n'))
    message.remove_suffix(1);
  if (!message.empty())
    llvm::errs() << printable(message) + "\n";
}
