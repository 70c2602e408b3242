//===- ByteProducts.cpp - how products of bytes are added up --------------===//

#include "tenon/Dialect/Tenon/IR/ByteProducts.h"

using namespace tenon;

int64_t tenon::mostInteger(const Superblock &format) {
  return format.isTable ? 255 : (int64_t(1) << format.bits) - 1;
}

bool tenon::addsInChains(TargetAttr target) {
  return target && !target.hasByteDot() && target.has("ssse3");
}
