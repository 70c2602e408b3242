//===- tenon-bench.cpp - measures generated kernels -----------------------===//

#include "tenon/Bench/Measure.h"

int main(int argc, char **argv) { return tenon::bench::main(argc, argv); }
