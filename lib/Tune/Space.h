//===- Space.h - the plans that a search may try ----------------*- C++ -*-===//

#ifndef TENON_LIB_TUNE_SPACE_H
#define TENON_LIB_TUNE_SPACE_H

#include "KernelModule.h"

#include <string>
#include <vector>

namespace tenon::tune {

/// How many fields are searched, one after the other.
unsigned countFields(const KernelModule &kernel);

/// Plans that differ from `plan` in one field (or in few that go together),
/// for each value of that field that may be worth it; never `plan` itself.
///
/// None changes a bit of a result: no field of a plan does, and columns of a
/// tile, the keys of a block of attention, are not searched (I5). A task is not
/// made so large that workers would lack some.
std::vector<KernelPlan> alternatives(const KernelModule &kernel,
                                     const KernelPlan &plan, unsigned field);

/// "unroll_groups 2 to 4, prefetch none to 1:1024:1".
std::string describeChange(const KernelPlan &from, const KernelPlan &to);

} // namespace tenon::tune

#endif // TENON_LIB_TUNE_SPACE_H
