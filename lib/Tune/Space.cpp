//===- Space.cpp - the plans that a search may try ------------------------===//

#include "Space.h"
#include "llvm/ADT/STLExtras.h"

using namespace tenon;
using namespace tenon::tune;

namespace {

/// Fewer tasks than these leave workers without work (Tuning::leastTasks).
constexpr int64_t kLeastTasks = 8;

using Plans = std::vector<KernelPlan>;
using Values = llvm::ArrayRef<int64_t>;

/// Plans with other values of a field.
template <typename Set>
void vary(Plans &plans, const KernelPlan &plan, Values values, Set set) {
  for (int64_t value : values) {
    KernelPlan other = plan;
    set(other, value);
    if (!(other == plan))
      plans.push_back(std::move(other));
  }
}

int64_t mostGroup(const KernelModule &kernel) {
  return std::max(kernel.chosen->group, kernel.panels / kLeastTasks);
}

/// Panels of a task.
void varyGroup(Plans &plans, const KernelModule &kernel,
               const KernelPlan &plan) {
  int64_t most = mostGroup(kernel);
  vary(plans, plan, {1, 2, 4, 8}, [&](KernelPlan &other, int64_t value) {
    other.group = std::min(value, most);
    other.linear.panels = std::min(plan.linear.panels, other.group);
  });
}

void varyPrefetch(Plans &plans, const KernelPlan &plan) {
  for (int64_t cache : {1, 2})
    vary(plans, plan, {512, 1024, 2048, 4096, 8192},
         [&](KernelPlan &other, int64_t distance) {
           other.linear.prefetch = {{1, distance, cache}};
         });
  vary(plans, plan, {0},
       [](KernelPlan &other, int64_t) { other.linear.prefetch.clear(); });
}

//===----------------------------------------------------------------------===//
// Of a few rows, which stream weights
//===----------------------------------------------------------------------===//

using FieldOfPlan = void (*)(Plans &, const KernelModule &, const KernelPlan &);

void panels(Plans &plans, const KernelModule &kernel, const KernelPlan &plan) {
  int64_t most = mostGroup(kernel);
  vary(plans, plan, {1, 2, 4}, [&](KernelPlan &other, int64_t value) {
    other.linear.panels = std::min(value, most);
    other.group = std::max(other.linear.panels, plan.group);
  });
}

void prefetch(Plans &plans, const KernelModule &, const KernelPlan &plan) {
  varyPrefetch(plans, plan);
}

void unrollGroups(Plans &plans, const KernelModule &kernel,
                  const KernelPlan &plan) {
  if (kernel.isBlocks)
    vary(plans, plan, {1, 2, 4, 8}, [&](KernelPlan &other, int64_t value) {
      if (kernel.groups % value == 0)
        other.linear.unrollGroups = value;
    });
}

void streamVectors(Plans &plans, const KernelModule &kernel,
                   const KernelPlan &plan) {
  if (kernel.isBlocks)
    vary(plans, plan, {1, 2}, [](KernelPlan &other, int64_t value) {
      other.linear.streamVectors = value;
    });
}

void streamColumns(Plans &plans, const KernelModule &, const KernelPlan &plan) {
  vary(plans, plan, {0, 16}, [](KernelPlan &other, int64_t value) {
    other.linear.streamColumns = value;
  });
}

void splitRows(Plans &plans, const KernelModule &kernel,
               const KernelPlan &plan) {
  if (kernel.splitsSums)
    vary(plans, plan, {0, 1, 2, 4}, [](KernelPlan &other, int64_t value) {
      other.linear.splitRows = value;
    });
}

void registerSums(Plans &plans, const KernelModule &kernel,
                  const KernelPlan &plan) {
  if (kernel.addsInChains)
    vary(plans, plan, {4, 6, 8, 12}, [](KernelPlan &other, int64_t value) {
      other.linear.registerSums = value;
    });
}

void chains(Plans &plans, const KernelModule &kernel, const KernelPlan &plan) {
  if (kernel.addsInChains)
    vary(plans, plan, {4, 6, 8, 10, 12, 14},
         [](KernelPlan &other, int64_t value) { other.linear.chains = value; });
}

//===----------------------------------------------------------------------===//
// Of many rows
//===----------------------------------------------------------------------===//

void rows(Plans &plans, const KernelModule &, const KernelPlan &plan) {
  vary(plans, plan, {-2, -1, 1, 2}, [&](KernelPlan &other, int64_t value) {
    other.rows = std::clamp<int64_t>(plan.rows + value, 1, 12);
  });
}

void group(Plans &plans, const KernelModule &kernel, const KernelPlan &plan) {
  varyGroup(plans, kernel, plan);
}

void depthBlock(Plans &plans, const KernelModule &, const KernelPlan &plan) {
  vary(plans, plan, {0, 128, 256, 512, 1024},
       [](KernelPlan &other, int64_t value) {
         other.linear.depthBlock = value;
       });
}

void depthTiles(Plans &plans, const KernelModule &, const KernelPlan &plan) {
  if (plan.linear.depthBlock > 0)
    vary(plans, plan, {2, 4, 8, 16}, [](KernelPlan &other, int64_t value) {
      other.linear.depthTiles = value;
    });
}

void nextPanels(Plans &plans, const KernelModule &, const KernelPlan &plan) {
  vary(plans, plan, {0, 1}, [](KernelPlan &other, int64_t value) {
    other.linear.nextPanels = value;
  });
}

void nextSteps(Plans &plans, const KernelModule &kernel,
               const KernelPlan &plan) {
  if (!kernel.isBlocks && plan.linear.nextPanels)
    vary(plans, plan, {2, 4, 8}, [](KernelPlan &other, int64_t value) {
      other.linear.nextSteps = value;
    });
}

void unpackFrom(Plans &plans, const KernelModule &kernel,
                const KernelPlan &plan) {
  if (kernel.isBlocks)
    vary(plans, plan, {0, 1, 8, 16, 40}, [](KernelPlan &other, int64_t value) {
      other.linear.unpackFrom = value;
    });
}

void streamRows(Plans &plans, const KernelModule &, const KernelPlan &plan) {
  vary(plans, plan, {1, 2, 4, 8}, [&](KernelPlan &other, int64_t value) {
    other.linear.streamRows = value;
  });
}

//===----------------------------------------------------------------------===//
// Of attention
//===----------------------------------------------------------------------===//

template <int64_t AttentionPlan::*Field, int64_t... Tried>
void attentionField(Plans &plans, const KernelModule &,
                    const KernelPlan &plan) {
  vary(plans, plan, {Tried...}, [](KernelPlan &other, int64_t value) {
    (*other.attention).*Field = value;
  });
}

constexpr FieldOfPlan kFewRows[] = {prefetch,     panels,        group,
                                    unrollGroups, streamVectors, splitRows,
                                    registerSums, chains,        streamColumns};
constexpr FieldOfPlan kManyRows[] = {
    rows,      group,      depthBlock,  depthTiles,   nextPanels,
    nextSteps, unpackFrom, splitRows,   unrollGroups, streamRows,
    prefetch,  chains,     registerSums};
constexpr FieldOfPlan kOneQuery[] = {
    attentionField<&AttentionPlan::prefetch, 0, 1, 2>,
    attentionField<&AttentionPlan::heads, 1, 2, 4, 8>,
    attentionField<&AttentionPlan::scoreSums, 4, 6, 8, 12, 16>,
    attentionField<&AttentionPlan::outputSums, 6, 8, 10, 12, 16, 24>};
constexpr FieldOfPlan kManyQueries[] = {
    attentionField<&AttentionPlan::keys, 2, 4, 5, 6, 8, 10>,
    attentionField<&AttentionPlan::components, 2, 4, 5, 6, 8, 10>,
    attentionField<&AttentionPlan::heads, 1, 2, 4, 8>};

llvm::ArrayRef<FieldOfPlan> fieldsOf(const KernelModule &kernel) {
  if (kernel.isAttention)
    return kernel.isOneRow ? llvm::ArrayRef<FieldOfPlan>(kOneQuery)
                           : llvm::ArrayRef<FieldOfPlan>(kManyQueries);
  return kernel.chosen->linear.panels > 0
             ? llvm::ArrayRef<FieldOfPlan>(kFewRows)
             : llvm::ArrayRef<FieldOfPlan>(kManyRows);
}

} // namespace

unsigned tune::countFields(const KernelModule &kernel) {
  return fieldsOf(kernel).size();
}

std::vector<KernelPlan> tune::alternatives(const KernelModule &kernel,
                                           const KernelPlan &plan,
                                           unsigned field) {
  Plans plans;
  fieldsOf(kernel)[field](plans, kernel, plan);
  // Values that are clamped are equal.
  Plans distinct;
  for (KernelPlan &candidate : plans)
    if (!llvm::is_contained(distinct, candidate))
      distinct.push_back(std::move(candidate));
  return distinct;
}

std::string tune::describeChange(const KernelPlan &from, const KernelPlan &to) {
  std::string text;
  for (auto [before, after] : llvm::zip(from.fields(), to.fields())) {
    if (before.second == after.second)
      continue;
    text += text.empty() ? "" : ", ";
    text += before.first.str() + " " + before.second + " to " + after.second;
  }
  return text.empty() ? "as chosen" : text;
}
