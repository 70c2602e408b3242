//===- LossCurve.h - how a loss fell, as a picture --------------*- C++ -*-===//
#ifndef TENON_LIB_RUNTIME_COMMANDS_LOSSCURVE_H
#define TENON_LIB_RUNTIME_COMMANDS_LOSSCURVE_H

#include "Json.h"

#include <string>

namespace tenon::runtime {

/// An SVG of the lines of a training's log: the loss of steps, of many of them
/// their mean, and the held-out losses. The axis of losses is logarithmic.
std::string drawLossCurve(const OrderedJson &history);

} // namespace tenon::runtime

#endif // TENON_LIB_RUNTIME_COMMANDS_LOSSCURVE_H
