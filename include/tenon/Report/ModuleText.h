//===- ModuleText.h - a module as text that knows its places ----*- C++ -*-===//
#ifndef TENON_REPORT_MODULETEXT_H
#define TENON_REPORT_MODULETEXT_H

#include "mlir/IR/BuiltinOps.h"
#include "tenon/Report/Places.h"

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace tenon {

/// A module as it stood at one moment: its text, and for each of its lines the
/// lines of a description that the operations printed there come from.
struct ModuleText {
  std::string text; ///< empty where no texts are asked for
  /// One for each line of `text`: lines of the description, as a number of the
  /// table; 0 for braces, attributes of the module and the like.
  std::vector<unsigned> places;
  /// Operations by name, in alphabetical order.
  std::map<std::string, uint64_t> operations;
  /// Operations that do work, and how many of them lead to the description.
  /// Functions, modules, constants and ends of blocks stand for no work.
  uint64_t numWorking = 0, numPlaced = 0;
  /// The same for modules that say the same, wherever they are in memory.
  uint64_t structure = 0;
};

/// An operation of a function as a node of a drawing.
struct GraphNode {
  std::string name;            ///< "tenon.linear"
  std::string label;           ///< of a weight or an argument: its name
  std::string type;            ///< of the result
  std::vector<unsigned> from;  ///< nodes whose results it reads
  std::vector<unsigned> lines; ///< of the description
  int parent = -1;             ///< the loop that it is in
};

/// The operations of one function in the order of its text.
struct FunctionGraph {
  std::string function;
  std::vector<GraphNode> nodes;
};

/// All of a module but its text. `table` numbers the description's lines.
ModuleText summarize(mlir::ModuleOp module, PlaceTable &table);

/// Prints a verified module: fills the text and its places.
void printWithPlaces(mlir::ModuleOp module, PlaceTable &table,
                     ModuleText &result);

/// The graphs of a module's functions on tensors. Functions with more than
/// `limit` operations are left out: nobody reads such a picture.
std::vector<FunctionGraph> getGraphs(mlir::ModuleOp module, PlaceTable &table,
                                     size_t limit);

} // namespace tenon

#endif // TENON_REPORT_MODULETEXT_H
