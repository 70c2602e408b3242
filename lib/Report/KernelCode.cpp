//===- KernelCode.cpp - machine code that knows its places ----------------===//

#include "tenon/Report/KernelCode.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/LLVMIR/Transforms/Passes.h"
#include "mlir/Pass/PassManager.h"
#include "tenon/Report/Places.h"

#include <map>

using namespace mlir;
using namespace tenon;

/// Line tables need a scope for each function.
static void addScopes(ModuleOp module) {
  PassManager manager(module.getContext());
  manager.addPass(LLVM::createDIScopeForLLVMFuncOpPass());
  // It only adds to locations.
  (void)manager.run(module);
}

/// Replaces the locations of operations and block arguments.
template <typename Function>
static void mapLocations(ModuleOp module, Function map) {
  module.walk([&](Operation *op) {
    op->setLoc(map(op->getLoc()));
    for (Region &region : op->getRegions())
      for (Block &block : region)
        for (BlockArgument argument : block.getArguments())
          argument.setLoc(map(argument.getLoc()));
  });
}

void tenon::numberPlaces(ModuleOp module, StringRef source,
                         std::vector<std::vector<unsigned>> &table) {
  std::map<std::vector<unsigned>, unsigned> numbers;
  if (table.empty())
    table.emplace_back();
  for (auto [i, lines] : llvm::enumerate(table))
    numbers[lines] = i;
  MLIRContext *context = module.getContext();
  DenseMap<Attribute, Location> known;
  mapLocations(module, [&](Location location) -> Location {
    if (auto it = known.find(location); it != known.end())
      return it->second;
    std::vector<unsigned> lines;
    for (const Place &place : getPlaces(location))
      if (place.file == source)
        lines.push_back(place.line);
    llvm::sort(lines);
    lines.erase(llvm::unique(lines), lines.end());
    auto [it, isNew] = numbers.try_emplace(lines, table.size());
    if (isNew)
      table.push_back(lines);
    // Line 0 is the assembler's word for none.
    Location numbered =
        FileLineColLoc::get(context, "places", it->second, /*column=*/1);
    known.try_emplace(location, numbered);
    return numbered;
  });
  addScopes(module);
}

void tenon::keepFirstPlaces(ModuleOp module) {
  mapLocations(module, [](Location location) -> Location {
    if (auto place = location->findInstanceOf<FileLineColLoc>())
      return place;
    return location;
  });
  addScopes(module);
}
