//===- Names.h - the filters and tests there are ----------------*- C++ -*-===//

#ifndef TENON_LIB_TEMPLATE_NAMES_H
#define TENON_LIB_TEMPLATE_NAMES_H

#include <string_view>

namespace tenon::templates {

/// Whether a filter or test is known: what the interpreter has, the compiler
/// accepts.
bool isFilterName(std::string_view name);
bool isTestName(std::string_view name);

} // namespace tenon::templates

#endif // TENON_LIB_TEMPLATE_NAMES_H
