//===- FuseQkv.cpp - linears of one input become one ----------------------===//
//
// tenon-fuse-qkv: see FusionPasses.td. A model may have several entry points
// that read the same weights (an encoder's forward and pooled, say): a weight
// is private to a group if every use of it is in a group of the same weights.
//
//===----------------------------------------------------------------------===//

#include "Weights.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "tenon/Dialect/Tenon/IR/Remarks.h"
#include "tenon/Dialect/Tenon/Transforms/FusionPasses.h"
#include "llvm/ADT/MapVector.h"

namespace tenon {
#define GEN_PASS_DEF_TENONFUSEQKV
#include "tenon/Dialect/Tenon/Transforms/FusionPasses.h.inc"
} // namespace tenon

using namespace mlir;
using namespace tenon;

namespace {

constexpr StringLiteral kPass = "tenon-fuse-qkv";

/// A linear whose weight (and bias, if any) are references to weights.
struct Member {
  LinearOp linear;
  WeightRefOp weightRef, biasRef;
  WeightOp weight, bias;
};
using Group = SmallVector<Member, 4>;

/// Linears that compute with one layer's weights of one kind can be one.
bool goTogether(Member a, Member b) {
  if (a.weightRef.getLayer() != b.weightRef.getLayer() ||
      bool(a.bias) != bool(b.bias) || !canConcatenate({a.weight, b.weight}))
    return false;
  return !a.bias || (a.biasRef.getLayer() == b.biasRef.getLayer() &&
                     canConcatenate({a.bias, b.bias}));
}

struct FuseQkvPass : tenon::impl::TenonFuseQkvBase<FuseQkvPass> {
  void runOnOperation() override {
    Weights weights(getOperation());
    SmallVector<Group> groups = findGroups(weights);
    dropShared(groups);
    bool changed = false;
    for (Group &group : groups)
      if (group.size() > 1) {
        fuse(group, weights);
        changed = true;
      }
    if (changed)
      weights.eraseUnused();
  }

private:
  static void miss(LinearOp linear, std::string reason) {
    remarkMissed(linear, kPass, "fused")
        << says("this linear stays beside others of the same input: " + reason);
  }

  /// Groups of linears in one block that read one input.
  SmallVector<Group> findGroups(Weights &weights) {
    llvm::MapVector<std::pair<Block *, Value>, SmallVector<LinearOp>> readers;
    getOperation().walk([&](LinearOp op) {
      if (op.getResult())
        readers[{op->getBlock(), op.getInput()}].push_back(op);
    });
    SmallVector<Group> result;
    for (auto &[key, linears] : readers) {
      if (linears.size() < 2)
        continue;
      SmallVector<Group, 2> groups;
      for (LinearOp linear : linears) {
        if (linear.getActivation() != ActivationKind::Identity ||
            linear.getResidual() || linear.getGated()) {
          ++numDeclinedEpilogue;
          miss(linear, "it has an epilogue of its own");
          continue;
        }
        Member member{linear, {}, {}, {}, {}};
        member.weight =
            weights.getWeightOf(linear.getWeight(), &member.weightRef);
        member.bias = weights.getWeightOf(linear.getBias(), &member.biasRef);
        if (!member.weight || bool(member.bias) != bool(linear.getBias())) {
          ++numDeclinedWeight;
          miss(linear, "its weight or bias is computed");
          continue;
        }
        auto it = llvm::find_if(
            groups, [&](Group &group) { return goTogether(group[0], member); });
        if (it != groups.end())
          it->push_back(member);
        else
          groups.push_back({member});
      }
      for (Group &group : groups) {
        if (group.size() > 1)
          result.push_back(std::move(group));
        else {
          ++numDeclinedWeight;
          miss(group[0].linear, "their weights differ in type, in being there "
                                "for each layer, or in having a bias");
        }
      }
    }
    return result;
  }

  static SmallVector<WeightOp> weightsOf(Member member) {
    SmallVector<WeightOp> result = {member.weight};
    if (member.bias)
      result.push_back(member.bias);
    return result;
  }

  /// Drops the members whose weight is also used outside groups of the same
  /// weights.
  void dropShared(SmallVector<Group> &groups) {
    llvm::StringMap<unsigned> uses;
    getOperation().walk([&](WeightRefOp ref) {
      uses[ref.getWeight()] += llvm::range_size(ref.getResult().getUses());
    });
    auto keyOf = [&](const Group &group) {
      SmallVector<Attribute> names;
      for (const Member &member : group)
        for (WeightOp weight : weightsOf(member))
          names.push_back(weight.getSymNameAttr());
      return ArrayAttr::get(&getContext(), names);
    };
    llvm::DenseMap<Attribute, unsigned> occurrences;
    for (Group &group : groups)
      ++occurrences[keyOf(group)];
    for (Group &group : groups) {
      unsigned expected = occurrences[keyOf(group)];
      llvm::erase_if(group, [&](const Member &member) {
        bool shared = llvm::any_of(weightsOf(member), [&](WeightOp weight) {
          return uses[weight.getSymName()] != expected;
        });
        if (shared) {
          ++numDeclinedShared;
          WeightOp weight = member.weight;
          miss(member.linear, "its weight @" + weight.getSymName().str() +
                                  " is used elsewhere too, and would be "
                                  "stored twice");
        }
        return shared;
      });
    }
  }

  void fuse(Group &group, Weights &weights) {
    SmallVector<WeightOp> parts, biases;
    SmallVector<Location> locs;
    for (Member &member : group) {
      parts.push_back(member.weight);
      if (member.bias)
        biases.push_back(member.bias);
      locs.push_back(member.linear.getLoc());
    }
    WeightOp weight = weights.getConcatenated(parts);
    WeightOp bias =
        biases.empty() ? WeightOp() : weights.getConcatenated(biases);

    Member &first = group[0];
    OpBuilder builder(first.linear);
    Location loc = FusedLoc::get(&getContext(), locs);
    Value weightRef =
        createRef(builder, loc, weight, first.weightRef.getLayer()).getResult();
    Value biasRef =
        bias ? createRef(builder, loc, bias, first.biasRef.getLayer())
                   .getResult()
             : Value();
    auto type = cast<RankedTensorType>(first.linear.getResult().getType());
    auto fused = LinearOp::create(
        builder, loc,
        type.clone({type.getDimSize(0), weight.getLayerType().getDimSize(0)}),
        first.linear.getInput(), weightRef, biasRef, /*residual=*/Value(),
        /*out=*/Value(), ActivationKind::Identity, /*gated=*/false,
        /*tile=*/TileAttr(), /*plan=*/PlanAttr());
    int64_t offset = 0;
    for (Member &member : group) {
      remarkFused(member.linear, kPass, "fused") << says(
          "this linear is one with " +
          (group.size() == 2
               ? std::string("the other")
               : "the " + std::to_string(group.size() - 1) + " others") +
          " of the same input, on @" + weight.getSymName().str());
      auto slice = SliceOp::create(builder, member.linear.getLoc(),
                                   member.linear.getResult().getType(),
                                   fused.getResult(), offset);
      offset += member.weight.getLayerType().getDimSize(0);
      member.linear.getResult().replaceAllUsesWith(slice.getResult());
    }
    // Only now: the builder stands at the first of them.
    for (Member &member : group)
      member.linear.erase();
    for (Member &member : group)
      for (WeightRefOp ref : {member.weightRef, member.biasRef})
        if (ref && ref->use_empty())
          ref.erase();
    ++numGroups;
    numFused += group.size();
  }
};

} // namespace
