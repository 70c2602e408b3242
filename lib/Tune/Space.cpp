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
void group(Plans &plans, const KernelModule &kernel, const KernelPlan &plan) {
  int64_t most = mostGroup(kernel);
  vary(plans, plan, {1, 2, 4, 8}, [&](KernelPlan &other, int64_t value) {
    other.group = std::min(value, most);
    other.linear.panels = std::min(plan.linear.panels, other.group);
  });
}

void prefetch(Plans &plans, const KernelModule &, const KernelPlan &plan) {
  for (int64_t cache : {1, 2})
    vary(plans, plan, {512, 1024, 2048, 4096, 8192},
         [&](KernelPlan &other, int64_t distance) {
           other.linear.prefetch = {{1, distance, cache}};
         });
  vary(plans, plan, {0},
       [](KernelPlan &other, int64_t) { other.linear.prefetch.clear(); });
}

using FieldOfPlan = void (*)(Plans &, const KernelModule &, const KernelPlan &);

//===----------------------------------------------------------------------===//
// Numbers that kernels have a use for or not
//===----------------------------------------------------------------------===//

bool always(const KernelModule &, const KernelPlan &) { return true; }
bool ofBlocks(const KernelModule &kernel, const KernelPlan &) {
  return kernel.isBlocks;
}
bool splitsSums(const KernelModule &kernel, const KernelPlan &) {
  return kernel.splitsSums;
}
bool addsInChains(const KernelModule &kernel, const KernelPlan &) {
  return kernel.addsInChains;
}
bool hasDepthBlock(const KernelModule &, const KernelPlan &plan) {
  return plan.linear.depthBlock > 0;
}
bool asksForNext(const KernelModule &kernel, const KernelPlan &plan) {
  return !kernel.isBlocks && plan.linear.nextPanels;
}

template <auto HasUse, int64_t LinearPlan::*Field, int64_t... Tried>
void linearField(Plans &plans, const KernelModule &kernel,
                 const KernelPlan &plan) {
  if (HasUse(kernel, plan))
    vary(plans, plan, {Tried...},
         [](KernelPlan &other, int64_t value) { other.linear.*Field = value; });
}

constexpr FieldOfPlan
    splitRows = linearField<splitsSums, &LinearPlan::splitRows, 0, 1, 2, 4>,
    registerSums =
        linearField<addsInChains, &LinearPlan::registerSums, 4, 6, 8, 12>,
    chains =
        linearField<addsInChains, &LinearPlan::chains, 4, 6, 8, 10, 12, 14>,
    streamVectors = linearField<ofBlocks, &LinearPlan::streamVectors, 1, 2>,
    streamColumns = linearField<always, &LinearPlan::streamColumns, 0, 16>,
    depthBlock =
        linearField<always, &LinearPlan::depthBlock, 0, 128, 256, 512, 1024>,
    depthTiles =
        linearField<hasDepthBlock, &LinearPlan::depthTiles, 2, 4, 8, 16>,
    nextSteps = linearField<asksForNext, &LinearPlan::nextSteps, 2, 4, 8>,
    unpackFrom =
        linearField<ofBlocks, &LinearPlan::unpackFrom, 0, 1, 8, 16, 40>,
    streamRows = linearField<always, &LinearPlan::streamRows, 1, 2, 4, 8>;

//===----------------------------------------------------------------------===//
// Of a few rows, which stream weights
//===----------------------------------------------------------------------===//

void panels(Plans &plans, const KernelModule &kernel, const KernelPlan &plan) {
  int64_t most = mostGroup(kernel);
  vary(plans, plan, {1, 2, 4}, [&](KernelPlan &other, int64_t value) {
    other.linear.panels = std::min(value, most);
    other.group = std::max(other.linear.panels, plan.group);
  });
}

void unrollGroups(Plans &plans, const KernelModule &kernel,
                  const KernelPlan &plan) {
  if (kernel.isBlocks)
    vary(plans, plan, {1, 2, 4, 8}, [&](KernelPlan &other, int64_t value) {
      if (kernel.groups % value == 0)
        other.linear.unrollGroups = value;
    });
}

//===----------------------------------------------------------------------===//
// Of many rows
//===----------------------------------------------------------------------===//

void rows(Plans &plans, const KernelModule &, const KernelPlan &plan) {
  vary(plans, plan, {-2, -1, 1, 2}, [&](KernelPlan &other, int64_t value) {
    other.rows = std::clamp<int64_t>(plan.rows + value, 1, 12);
  });
}

void nextPanels(Plans &plans, const KernelModule &, const KernelPlan &plan) {
  vary(plans, plan, {0, 1}, [](KernelPlan &other, int64_t value) {
    other.linear.nextPanels = value;
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
