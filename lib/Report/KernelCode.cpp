//===- KernelCode.cpp - machine code that knows its places ----------------===//

#include "tenon/Report/KernelCode.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/LLVMIR/Transforms/Passes.h"
#include "mlir/Pass/PassManager.h"
#include "tenon/Report/Places.h"

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

void tenon::numberPlaces(ModuleOp module, PlaceTable &table) {
  MLIRContext *context = module.getContext();
  mapLocations(module, [&](Location location) -> Location {
    // Line 0 is the assembler's word for none.
    return FileLineColLoc::get(context, "places", table.number(location),
                               /*column=*/1);
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
