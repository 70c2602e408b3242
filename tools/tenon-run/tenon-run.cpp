//===- tenon-run.cpp - evaluates IR on tensors ----------------------------===//

#include "tenon/Driver/RunCommand.h"

int main(int argc, char **argv) { return tenon::runTenonRun(argc, argv); }
