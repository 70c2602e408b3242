//===- tenonc.cpp - the compiler ------------------------------------------===//

#include "tenon/Driver/CommandLine.h"

int main(int argc, char **argv) { return tenon::runTenonc(argc, argv); }
