//===- Main.cpp - main() of every compiled executable ---------------------===//
//
// In a library of its own, as it alone needs the generated object.
//
//===----------------------------------------------------------------------===//
#include "tenon/Runtime/CommandLine.h"
#include "tenon/Support/ProcessGuard.h"

TENON_GUARD_MEMORY_FROM_THE_START

int main(int argc, char **argv) {
  return tenon::runtime::runProgram({argv, static_cast<size_t>(argc)},
                                    {tenon_variants, tenon_num_variants});
}
