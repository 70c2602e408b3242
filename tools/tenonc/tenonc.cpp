//===- tenonc.cpp - the compiler ------------------------------------------===//

#include "tenon/Driver/CommandLine.h"
#include "tenon/Support/ProcessGuard.h"

TENON_GUARD_MEMORY_FROM_THE_START

int main(int argc, char **argv) { return tenon::runTenonc(argc, argv); }
