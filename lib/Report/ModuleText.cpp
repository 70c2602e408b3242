//===- ModuleText.cpp - a module as text that knows its places ------------===//

#include "tenon/Report/ModuleText.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/AsmState.h"
#include "mlir/IR/Matchers.h"
#include "mlir/Interfaces/FunctionInterfaces.h"
#include "tenon/Dialect/Tenon/IR/TenonDialect.h"
#include "llvm/Support/raw_ostream.h"

using namespace mlir;
using namespace tenon;

/// Whether operations of a name compute or move something, so that a reader
/// asks where they come from.
static bool isWorking(Operation *op) {
  return !isa<ModuleOp, FunctionOpInterface, SymbolOpInterface>(op) &&
         !op->hasTrait<OpTrait::IsTerminator>() &&
         !op->hasTrait<OpTrait::ConstantLike>();
}

namespace {

/// Hashes a module by what it says, not by where its operations are in memory:
/// values and blocks count by the order in which they are met.
class StructureHash {
public:
  /// An operation, whose place has a number, and what is inside of it but for
  /// other operations.
  void add(Operation *op, unsigned place) {
    combine(llvm::hash_combine(op->getName().getAsOpaquePointer(),
                               op->getRawDictionaryAttrs().getAsOpaquePointer(),
                               op->hashProperties(), place,
                               numberOf(op->getBlock())));
    for (Value operand : op->getOperands())
      combine(numberOf(operand.getAsOpaquePointer()));
    for (Value result : op->getResults()) {
      combine(numberOf(result.getAsOpaquePointer()));
      combine(result.getType().getAsOpaquePointer());
    }
    for (Block *successor : op->getSuccessors())
      combine(numberOf(successor));
    for (Region &region : op->getRegions())
      for (Block &block : region) {
        combine(numberOf(&block));
        for (BlockArgument argument : block.getArguments())
          combine(llvm::hash_combine(numberOf(argument.getAsOpaquePointer()),
                                     argument.getType().getAsOpaquePointer()));
      }
  }

  uint64_t value() const { return hash; }

private:
  template <typename T> void combine(T part) {
    hash = llvm::hash_combine(hash, part);
  }
  unsigned numberOf(const void *thing) {
    return numbers.try_emplace(thing, numbers.size()).first->second;
  }

  llvm::DenseMap<const void *, unsigned> numbers;
  uint64_t hash = 0;
};

} // namespace

ModuleText tenon::summarize(ModuleOp module, PlaceTable &table) {
  ModuleText result;
  StructureHash hash;
  // Modules have thousands of operations and some dozens of names.
  struct Name {
    bool isWorking;
    uint64_t count = 0;
  };
  llvm::DenseMap<OperationName, Name> names;
  module->walk<WalkOrder::PreOrder>([&](Operation *op) {
    unsigned lines = table.number(op->getLoc());
    hash.add(op, lines);
    auto [name, isNew] = names.try_emplace(op->getName());
    if (isNew)
      name->second.isWorking = isWorking(op);
    ++name->second.count;
    if (name->second.isWorking) {
      ++result.numWorking;
      result.numPlaced += lines != 0;
    }
  });
  result.structure = hash.value();
  for (auto &[name, found] : names)
    if (name.getStringRef() != ModuleOp::getOperationName())
      result.operations[name.getStringRef().str()] = found.count;
  return result;
}

void tenon::printWithPlaces(ModuleOp module, PlaceTable &table,
                            ModuleText &result) {
  OpPrintingFlags flags;
  flags.elideLargeElementsAttrs();
  // Looking for aliases takes as long as printing, and our attributes have
  // none.
  flags.useLocalScope();
  // The pass manager has verified the module, which takes as long, too.
  flags.assumeVerified();
  AsmState::LocationMap printed;
  {
    AsmState state(module, flags, &printed);
    llvm::raw_string_ostream stream(result.text);
    module->print(stream, state);
    stream << "\n";
  }
  result.places.resize(llvm::count(result.text, '\n'));
  module.walk([&](Operation *op) {
    auto at = printed.find(op);
    if (at == printed.end())
      return;
    // Lines of text count from 1.
    unsigned line = at->second.first;
    if (line == 0 || line > result.places.size())
      return;
    unsigned &place = result.places[line - 1];
    place = table.unite(table.number(op->getLoc()), place);
  });
}

namespace {

/// Makes the graph of one function.
class GraphMaker {
public:
  GraphMaker(FunctionGraph &graph, PlaceTable &table)
      : graph(graph), table(table) {}

  void add(Region &region, int parent) {
    for (Block &block : region)
      for (Operation &op : block)
        add(&op, parent);
  }

  unsigned addArgument(BlockArgument argument, StringRef label, int parent) {
    unsigned node = addNode("argument", argument.getLoc(), parent);
    graph.nodes[node].label = label.str();
    graph.nodes[node].type = print(argument.getType());
    nodes[argument] = node;
    return node;
  }

private:
  static std::string print(Type type) {
    std::string text;
    llvm::raw_string_ostream(text) << type;
    return text;
  }

  unsigned addNode(StringRef name, Location loc, int parent) {
    GraphNode &node = graph.nodes.emplace_back();
    node.name = name.str();
    node.lines = table.lists()[table.number(loc)];
    node.parent = parent;
    return graph.nodes.size() - 1;
  }

  void readFrom(unsigned node, Value value) {
    auto it = nodes.find(value);
    if (it == nodes.end())
      return;
    std::vector<unsigned> &from = graph.nodes[node].from;
    if (it->second != node && !llvm::is_contained(from, it->second))
      from.push_back(it->second);
  }

  void add(Operation *op, int parent) {
    // Constants are in the text; in a drawing they are noise.
    if (matchPattern(op, m_Constant()))
      return;
    if (op->hasTrait<OpTrait::IsTerminator>()) {
      // What a loop's round ends with is what its next one and its readers see.
      Operation *outer = op->getParentOp();
      if (isa<func::FuncOp>(outer)) {
        unsigned node = addNode("return", op->getLoc(), parent);
        for (Value operand : op->getOperands())
          readFrom(node, operand);
        return;
      }
      for (auto [result, operand] :
           llvm::zip(outer->getResults(), op->getOperands()))
        if (auto it = nodes.find(operand); it != nodes.end())
          nodes[result] = it->second;
      return;
    }
    unsigned node = addNode(op->getName().getStringRef(), op->getLoc(), parent);
    if (auto ref = dyn_cast<WeightRefOp>(op))
      graph.nodes[node].label = "@" + ref.getWeight().str();
    if (op->getNumResults())
      graph.nodes[node].type = print(op->getResult(0).getType());
    // Which layer's weight it is goes without saying.
    if (!isa<WeightRefOp>(op))
      for (Value operand : op->getOperands())
        readFrom(node, operand);
    for (Value result : op->getResults())
      nodes[result] = node;
    for (Region &region : op->getRegions()) {
      for (BlockArgument argument : region.getArguments())
        nodes[argument] = node;
      add(region, node);
    }
  }

  FunctionGraph &graph;
  PlaceTable &table;
  DenseMap<Value, unsigned> nodes;
};

} // namespace

std::vector<FunctionGraph> tenon::getGraphs(ModuleOp module, PlaceTable &table,
                                            size_t limit) {
  std::vector<FunctionGraph> graphs;
  for (auto func : module.getOps<func::FuncOp>()) {
    if (func.isExternal() ||
        llvm::none_of(func.getArgumentTypes(), llvm::IsaPred<TensorType>))
      continue;
    size_t size = 0;
    func.walk([&](Operation *) { ++size; });
    if (size > limit)
      continue;
    FunctionGraph graph;
    graph.function = func.getSymName().str();
    GraphMaker maker(graph, table);
    for (auto [i, argument] : llvm::enumerate(func.getArguments()))
      maker.addArgument(argument, "%arg" + std::to_string(i), -1);
    maker.add(func.getBody(), -1);
    graphs.push_back(std::move(graph));
  }
  return graphs;
}
