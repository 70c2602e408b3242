//===- Pipeline.cpp - the passes to memory and threads, in order ----------===//

#include "mlir/Pass/PassManager.h"
#include "mlir/Pass/PassRegistry.h"
#include "mlir/Transforms/Passes.h"
#include "tenon/Dialect/Tenon/Transforms/MemoryPasses.h"
#include "tenon/Dialect/Tenon/Transforms/TurnPasses.h"

using namespace mlir;

using namespace tenon;

static void build(OpPassManager &manager, bool isObserved) {
  manager.addPass(createTenonDeferTables());
  manager.addPass(createTenonInsertTurns());
  manager.addPass(createTenonSelectTiles());
  manager.addPass(createTenonBufferize());
  manager.addPass(createTenonPlanArena());
  if (isObserved)
    manager.addPass(createTenonInsertCalibration());
  manager.addPass(createTenonApplyTiles());
  manager.addPass(createTenonFuseDispatches());
  manager.addPass(createCSEPass());
}

void tenon::buildTilePipeline(OpPassManager &manager) {
  build(manager, /*isObserved=*/false);
}

void tenon::buildObservedTilePipeline(OpPassManager &manager) {
  build(manager, /*isObserved=*/true);
}

void tenon::registerTilePipeline() {
  PassPipelineRegistration<>(
      "tenon-tile-pipeline",
      "From packed tensors to dispatches of tiles: tenon-defer-tables, "
      "tenon-insert-turns, tenon-select-tiles, tenon-bufferize, "
      "tenon-plan-arena, tenon-apply-tiles, tenon-fuse-dispatches",
      buildTilePipeline);
}
