//===- KernelRun.cpp - a kernel with one plan, in this process ------------===//

#include "KernelRun.h"
#include "mlir/Parser/Parser.h"
#include "tenon/Support/Strings.h"

#include <algorithm>
#include <cstring>
#include <ctime>

using namespace tenon;
using namespace tenon::tune;
using runtime::Region;

namespace {

Status allocate(Region &region, int64_t bytes, std::string_view what) {
  Expected<Region> allocated = Region::allocate(std::max<int64_t>(bytes, 64),
                                                Region::Kind::Scratch, what);
  if (!allocated)
    return allocated.takeError();
  region = std::move(*allocated);
  return Status::success();
}

/// Bytes of so many elements; no type has more than four.
int64_t bytesOf(int64_t elements) { return 4 * elements; }

Status fillMemory(const KernelModule &kernel, const bench::Program &program,
                  KernelMemory &memory) {
  if (Status s = allocate(memory.weights, program.weightsBytes, "weights"); !s)
    return s;
  if (Status s = allocate(memory.cache, program.cacheBytes, "cache"); !s)
    return s;
  bench::fillRandom(memory.weights, kernel.weightType);
  bench::fillRandom(memory.cache, kernel.weightType);
  int64_t mostRows = *std::max_element(kernel.rows.begin(), kernel.rows.end());
  for (const KernelModule::Input &input : kernel.inputs) {
    Region &region = memory.inputs.emplace_back();
    int64_t elements = std::max(input.elements, input.elementsOfRow * mostRows);
    if (Status s = allocate(region, bytesOf(elements), "inputs"); !s)
      return s;
    if (input.type == "i32") // Valid tokens.
      std::fill_n(reinterpret_cast<int32_t *>(region.data()), elements, 1);
    else
      bench::fillRandom(region, input.type);
  }
  return Status::success();
}

double cpuSeconds() {
  timespec time;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return time.tv_sec + time.tv_nsec * 1e-9;
}

} // namespace

Expected<std::unique_ptr<KernelRun>>
KernelRun::create(const KernelModule &kernel, const KernelPlan &plan,
                  mlir::MLIRContext &context, KernelMemory &memory) {
  auto module = mlir::parseSourceString<mlir::ModuleOp>(kernel.text, &context);
  if (!module)
    return plainError(strCat("internal error: the kernel ", kernel.key,
                             " does not parse alone"));
  module->walk([&](mlir::Operation *op) {
    if (getKernelKey(op) == kernel.key)
      plan.put(op);
  });
  auto run = std::make_unique<KernelRun>();
  run->kernel = &kernel;
  run->memory = &memory;
  auto program =
      bench::Program::compile(*module, Stage::Packed, getTarget(*module));
  if (!program)
    return program.takeError();
  run->program = std::move(*program);
  if (memory.weights.size() == 0)
    if (Status s = fillMemory(kernel, *run->program, memory); !s)
      return s.takeError();
  if (Status s = allocate(run->arena, run->program->arenaBytes, "arena"); !s)
    return s.takeError();
  int64_t mostRows = *std::max_element(kernel.rows.begin(), kernel.rows.end());
  if (Status s =
          allocate(run->output, bytesOf(mostRows * kernel.outputElementsOfRow),
                   "output");
      !s)
    return s.takeError();
  for (Region &input : memory.inputs)
    run->buffers.push_back(input.data());
  run->buffers.push_back(run->output.data());
  Expected<TenonEntryFn> entry = run->program->find("run");
  if (!entry)
    return entry.takeError();
  run->entry = *entry;
  return run;
}

void KernelRun::call(int64_t rows) {
  auto bytes = [](Region &region) {
    return reinterpret_cast<uint8_t *>(region.data());
  };
  // Linears have no position, their first index counts the copies.
  int64_t position = kernel->isAttention ? kernel->position(rows) : copy;
  TenonFrame frame = {bytes(memory->weights),
                      bytes(arena),
                      bytes(memory->cache),
                      buffers.data(),
                      rows,
                      position,
                      rows,
                      copy};
  entry(&frame);
  copy = copy + 1 == kernel->copies ? 0 : copy + 1;
}

std::span<const std::byte> KernelRun::compute(int64_t rows) {
  copy = 0;
  std::memset(output.data(), 0, output.size());
  call(rows);
  return output.span();
}

double KernelRun::time(int64_t rows, int64_t calls) {
  double start = cpuSeconds();
  for (int64_t i = 0; i < calls; ++i)
    call(rows);
  return (cpuSeconds() - start) / calls;
}
