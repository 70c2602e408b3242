//===- OperationWork.cpp - what operations compute and read ---------------===//

#include "OperationWork.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "tenon/Dialect/Tenon/IR/ProductBits.h"
#include "tenon/Dialect/Tenon/IR/TenonLearning.h"
#include "tenon/Dialect/Tenon/IR/TenonMixture.h"
#include "tenon/Dialect/Tenon/IR/TenonTraining.h"
#include "tenon/Dialect/Tenon/Transforms/MemoryPasses.h"

using namespace mlir;
using namespace tenon;
using runtime::OperationInfo;
using runtime::WorkInfo;

/// Between the labels of operations that one dispatch runs one after another.
static constexpr llvm::StringLiteral kBetweenLabels = " + ";

/// How often the loops around an operation run it in a call of its entry.
static int64_t countTrips(Operation *op) {
  int64_t trips = 1;
  for (auto loop = op->getParentOfType<scf::ForOp>(); loop;
       loop = loop->getParentOfType<scf::ForOp>())
    if (std::optional<APInt> count = loop.getStaticTripCount())
      trips *= count->getSExtValue();
  return trips;
}

/// The dimension of tokens: of heads it is the one before the last, as of rows.
static int64_t getNumRows(Value value) {
  auto type = cast<RankedTensorType>(value.getType());
  return type.getDimSize(type.getRank() > 2 ? type.getRank() - 2 : 0);
}

/// Which rows a value has, by where it comes from.
static void findRows(Value value, WorkInfo &work) {
  while (true) {
    int64_t rows = getNumRows(value);
    if (auto argument = dyn_cast<BlockArgument>(value)) {
      Operation *parent = argument.getOwner()->getParentOp();
      if (auto mixture = dyn_cast<MixtureOp>(parent)) {
        work.rows = WorkInfo::Rows::Routed;
        work.count =
            static_cast<int64_t>(mixture.getTop()) * countTrips(parent);
        return;
      }
      auto loop = dyn_cast<scf::ForOp>(parent);
      if (!loop) {
        work.rows = ShapedType::isDynamic(rows) ? WorkInfo::Rows::Tokens
                                                : WorkInfo::Rows::Fixed;
        work.count = ShapedType::isDynamic(rows) ? 1 : rows;
        return;
      }
      value = loop.getTiedLoopInit(argument)->get();
      continue;
    }
    Operation *op = value.getDefiningOp();
    if (isa<LastRowsOp>(op)) {
      work.rows = WorkInfo::Rows::Outputs;
      return;
    }
    Value next;
    if (auto loop = dyn_cast<scf::ForOp>(op))
      next = loop.getInits()[cast<OpResult>(value).getResultNumber()];
    else
      for (Value operand : op->getOperands())
        if (auto type = dyn_cast<RankedTensorType>(operand.getType()))
          if (!operand.getDefiningOp<WeightRefOp>() &&
              getNumRows(operand) == rows) {
            next = operand;
            break;
          }
    if (!next) {
      work.rows = ShapedType::isDynamic(rows) ? WorkInfo::Rows::Tokens
                                              : WorkInfo::Rows::Fixed;
      work.count = ShapedType::isDynamic(rows) ? 1 : rows;
      return;
    }
    value = next;
  }
}

/// The machine's products that a linear is made of.
static std::string findProducts(Type weight, Type input) {
  if (auto block = dyn_cast<BlockType>(weight))
    return "int" + std::to_string(bitsOfProducts(block.getSuperblock()));
  return weight.isBF16() && input.isBF16() ? "bf16" : "fma";
}

static WorkInfo workOf(LinearOp op) {
  WorkInfo work;
  auto weight = cast<RankedTensorType>(op.getWeight().getType());
  auto input = cast<RankedTensorType>(op.getInput().getType());
  findRows(op.getInput(), work);
  work.weightBytes = getStorageBytes(weight);
  work.rowOperations = 2 * weight.getNumElements();
  work.products = findProducts(weight.getElementType(), input.getElementType());
  return work;
}

/// Of queries `[H, T, D]`, values of `valueDim` components, `kvHeads` of both.
static WorkInfo workOfHeads(RankedTensorType query, int64_t kvHeads,
                            int64_t valueDim, double elementBytes) {
  WorkInfo work;
  int64_t dims = query.getDimSize(2) + valueDim;
  work.pairOperations = 2 * query.getDimSize(0) * dims;
  work.keyBytes = static_cast<uint64_t>(kvHeads * dims * elementBytes);
  work.products = "fma";
  return work;
}

template <typename Op> static void addMasks(Op op, WorkInfo &work) {
  work.causal = op.getCausal();
  if (auto window = op.getWindow())
    work.window = *window;
  else if (auto band = op.getBand())
    work.window = 2 * *band + 1;
}

static WorkInfo workOf(AttentionOp op) {
  auto value = cast<RankedTensorType>(op.getValue().getType());
  auto query = cast<RankedTensorType>(op.getQuery().getType());
  WorkInfo work = workOfHeads(query, value.getDimSize(0), value.getDimSize(2),
                              /*elementBytes=*/4);
  work.keys = WorkInfo::Keys::Own;
  addMasks(op, work);
  return work;
}

static WorkInfo workOf(CachedAttentionOp op) {
  KVCacheType cache = op.getCache().getType();
  auto query = cast<RankedTensorType>(op.getQuery().getType());
  int64_t valueDim =
      cache.getValueSize() ? cache.getValueSize() : cache.getHeadDim();
  double bytes = cache.getElement().getIntOrFloatBitWidth() / 8.0;
  WorkInfo work = workOfHeads(query, cache.getHeads(), valueDim, bytes);
  if (cache.getElement().isInteger(8)) // Scales of a key and of a value.
    work.keyBytes += cache.getHeads() * 2 * sizeof(float);
  work.keys = op.getCausal() ? WorkInfo::Keys::Context : WorkInfo::Keys::Source;
  addMasks(op, work);
  return work;
}

/// A product of rows and a weight, or of rows that make its gradient.
static WorkInfo workOfProduct(Value rows, ShapedType weight) {
  WorkInfo work;
  findRows(rows, work);
  work.weightBytes = weight.getNumElements() * sizeof(float);
  work.rowOperations = 2 * weight.getNumElements();
  work.products = "fma";
  return work;
}

static WorkInfo workOf(WeightProductOp op) {
  return workOfProduct(op.getInput(),
                       cast<ShapedType>(op.getWeight().getType()));
}

static WorkInfo workOf(WeightGradientOp op) {
  WorkInfo work =
      workOfProduct(op.getInput(), cast<ShapedType>(op.getInto().getType()));
  work.weightBytes *= 2; // read and written
  return work;
}

/// What the formula has: that scores are computed twice is no work done.
static WorkInfo workOf(AttentionGradientOp op) {
  auto query = cast<RankedTensorType>(op.getQuery().getType());
  auto value = cast<RankedTensorType>(op.getValue().getType());
  WorkInfo work;
  int64_t dims = 3 * query.getDimSize(2) + 2 * value.getDimSize(2);
  work.pairOperations = 2 * query.getDimSize(0) * dims;
  work.products = "fma";
  work.keys = WorkInfo::Keys::Own;
  addMasks(op, work);
  return work;
}

/// Its products are dispatches of their own, for each block of rows.
static SmallVector<WorkInfo> workOf(HeadLossOp op) {
  auto weight = cast<ShapedType>(op.getWeight().getType());
  WorkInfo product = workOfProduct(op.getInput(), weight);
  if (product.rows == WorkInfo::Rows::Tokens)
    product.rows = WorkInfo::Rows::Routed; // all blocks together
  SmallVector<WorkInfo> all = {product};
  if (op.getResults().size() > 1)
    all.push_back(product);
  if (op.getInto()) {
    all.push_back(product);
    all.back().weightBytes *= 2;
  }
  return all;
}

OperationWork::OperationWork(ModuleOp packed) {
  for (auto func : packed.getOps<func::FuncOp>())
    func.walk([&](Operation *op) {
      auto add = [&](WorkInfo work) {
        found[func.getName()][makeLabel(op)].push_back(std::move(work));
      };
      if (auto linear = dyn_cast<LinearOp>(op))
        add(workOf(linear));
      else if (auto attention = dyn_cast<AttentionOp>(op))
        add(workOf(attention));
      else if (auto attention = dyn_cast<CachedAttentionOp>(op))
        add(workOf(attention));
      else if (auto product = dyn_cast<WeightProductOp>(op))
        add(workOf(product));
      else if (auto gradient = dyn_cast<WeightGradientOp>(op))
        add(workOf(gradient));
      else if (auto gradient = dyn_cast<AttentionGradientOp>(op))
        add(workOf(gradient));
      else if (auto head = dyn_cast<HeadLossOp>(op))
        for (const WorkInfo &work : workOf(head))
          add(work);
    });
}

void OperationWork::addTo(std::vector<OperationInfo> &operations) const {
  auto eachLabel = [](OperationInfo &operation,
                      llvm::function_ref<void(StringRef)> visit) {
    SmallVector<StringRef> labels;
    StringRef(operation.name).split(labels, kBetweenLabels);
    llvm::for_each(labels, visit);
  };
  llvm::StringMap<llvm::StringMap<size_t>> counts;
  for (OperationInfo &operation : operations)
    eachLabel(operation,
              [&](StringRef label) { ++counts[operation.entry][label]; });
  llvm::StringMap<llvm::StringMap<size_t>> next;
  for (OperationInfo &operation : operations) {
    auto inEntry = found.find(operation.entry);
    if (inEntry == found.end())
      continue;
    eachLabel(operation, [&](StringRef label) {
      auto it = inEntry->second.find(label);
      if (it == inEntry->second.end())
        return;
      const std::vector<WorkInfo> &all = it->second;
      if (counts[operation.entry][label] == all.size())
        operation.work.push_back(all[next[operation.entry][label]++]);
      else if (llvm::all_equal(all))
        operation.work.push_back(all.front());
    });
  }
}
