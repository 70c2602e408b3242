//===- KeptAdapters.cpp - adapters that an executable chooses from --------===//

#include "KeptAdapters.h"
#include "PassDiagnostics.h"
#include "mlir/Pass/PassManager.h"
#include "tenon/Dialect/Tenon/IR/Adapters.h"
#include "tenon/Dialect/Tenon/Transforms/TrainingPasses.h"
#include "tenon/Runtime/KeptAdapters.h"
#include "tenon/Support/Strings.h"
#include "llvm/Support/raw_ostream.h"

using namespace tenon;

Expected<KeptAdapters> KeptAdapters::open(const AskedAdapters &asked) {
  KeptAdapters kept;
  for (const AskedAdapters::Named &one : asked.kept) {
    Expected<AdapterDirectory> directory =
        AdapterDirectory::open(one.directory);
    if (!directory)
      return directory.takeError();
    directory->keep();
    kept.adapters.push_back({one.name, std::move(*directory)});
  }
  return std::move(kept);
}

Status KeptAdapters::insert(mlir::ModuleOp module) {
  TenonInsertAdaptersOptions options;
  options.kept = true;
  options.rank = 0;
  for (const Named &adapter : adapters)
    options.rank = std::max<int64_t>(options.rank, adapter.directory.rank());
  for (auto op : module.getOps<WeightOp>()) {
    PlannedWeight weight = describeWeight(op);
    auto source = mlir::dyn_cast<SourceAttr>(weight.sources[0]);
    if (!source)
      continue;
    // A GGUF file has other names than adapters.
    if (auto name = op->getAttrOfType<mlir::StringAttr>(kModuleAttrName))
      source = SourceAttr::get(module.getContext(), name, source.getType(),
                               source.getTransposed());
    bool changes = false;
    for (int64_t layer = 0; layer < weight.layers && !changes; ++layer)
      changes = llvm::any_of(adapters, [&](const Named &adapter) {
        return adapter.directory.changes(getTensorName(weight, source, layer));
      });
    if (changes)
      options.targets.push_back(weight.name);
  }
  if (options.targets.empty()) {
    // An error with the name of a module that there is none of.
    for (const Named &adapter : adapters)
      if (Status status = adapter.directory.checkAllUsed(); !status)
        return status;
  }
  mlir::PassManager manager(module.getContext());
  manager.addPass(createTenonInsertAdapters(std::move(options)));
  PassDiagnostics diagnostics(module.getContext(), llvm::errs());
  return failed(manager.run(module))
             ? Status(plainError("the model has no place for the adapters"))
             : Status();
}

Status KeptAdapters::write(std::span<const PlannedWeight> plan,
                           WeightsOptions options,
                           runtime::PayloadWriter &writer) {
  auto sink = [&](std::span<const std::byte> bytes) {
    return writer.write(bytes);
  };
  for (Named &adapter : adapters) {
    if (Status status =
            writer.beginSection(runtime::adapterSection(adapter.name));
        !status)
      return status;
    options.adapter = &adapter.directory;
    for (const PlannedWeight &weight : plan) {
      if (weight.initial.empty())
        continue;
      for (int64_t layer = 0; layer < weight.layers; ++layer) {
        const uint64_t place[] = {weight.offset + layer * weight.stride,
                                  weight.layerBytes};
        if (Status status = sink(std::as_bytes(std::span(place))); !status)
          return status;
        if (Status status = writeWeightLayer(weight, layer, options, sink);
            !status)
          return status;
      }
    }
    if (Status status = adapter.directory.checkAllUsed(); !status)
      return status;
  }
  return Status::success();
}
