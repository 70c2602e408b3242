//===- KernelCode.cpp - machine code that knows its places ----------------===//

#include "tenon/Report/KernelCode.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/LLVMIR/Transforms/Passes.h"
#include "mlir/Pass/PassManager.h"
#include "tenon/Report/Places.h"
#include "llvm/ADT/StringSet.h"

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

std::vector<KernelCode> tenon::parseAssembly(StringRef assembly) {
  std::vector<KernelCode> kernels;
  llvm::StringSet<> functions;
  KernelCode *kernel = nullptr;
  unsigned place = 0;
  SmallVector<StringRef, 0> lines;
  assembly.split(lines, '\n');
  for (StringRef line : lines) {
    // Comments say which spill or which block; readers of kernels want them,
    // but not the padding before.
    StringRef code = line.split("#").first.rtrim();
    StringRef word = code.trim();
    if (word.empty())
      continue;
    if (word.consume_front(".type")) {
      auto [name, kind] = word.trim().split(',');
      if (kind.trim() == "@function")
        functions.insert(name);
      continue;
    }
    if (word.consume_front(".loc")) {
      SmallVector<StringRef, 6> fields;
      word.trim().split(fields, ' ');
      if (fields.size() < 2 || fields[1].getAsInteger(10, place))
        place = 0;
      continue;
    }
    if (word.starts_with(".") && !word.ends_with(":"))
      continue;
    if (word.ends_with(":")) {
      StringRef label = word.drop_back();
      if (functions.contains(label)) {
        kernel = &kernels.emplace_back();
        kernel->symbol = label.str();
        place = 0;
        continue;
      }
      if (label.starts_with(".Lfunc_end")) {
        kernel = nullptr;
        continue;
      }
      // Labels that only debug information refers to.
      if (label.starts_with(".Ltmp") || label.starts_with(".Lfunc_begin"))
        continue;
      if (kernel) {
        kernel->lines.push_back(word.str());
        kernel->places.push_back(0);
      }
      continue;
    }
    if (!kernel)
      continue;
    std::string text = "  ";
    auto [mnemonic, operands] = word.split('\t');
    text += mnemonic;
    if (!operands.empty())
      text += " " + operands.trim().str();
    kernel->lines.push_back(std::move(text));
    kernel->places.push_back(place);
  }
  return kernels;
}
