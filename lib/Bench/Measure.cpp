//===- Measure.cpp - timing of cases beside the machine's limits ----------===//

#include "tenon/Bench/Measure.h"
#include "mlir/Parser/Parser.h"
#include "tenon/Bench/Program.h"
#include "tenon/Driver/Registration.h"
#include "tenon/Runtime/Executor.h"
#include "tenon/Runtime/Memory.h"
#include "tenon/Runtime/Topology.h"
#include "tenon/Support/DType.h"
#include "tenon/Support/Strings.h"

#include <algorithm>
#include <chrono>
#include <cstring>
#include <ctime>
#include <functional>

using namespace tenon;
using namespace tenon::bench;
using runtime::Region;

namespace {

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

double wallSeconds() {
  return std::chrono::duration<double>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

double cpuSeconds() {
  timespec time;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return time.tv_sec + time.tv_nsec * 1e-9;
}

/// A function that is sampled: called often enough to be timed.
class Sampled {
public:
  Sampled(std::function<void()> call, const Settings &settings)
      : call(std::move(call)), cpuClock(settings.cpuClock) {
    this->call();
    double once = timeOf(1).first;
    calls = std::clamp<int64_t>(
        int64_t(settings.sampleSeconds / std::max(once, 1e-8)), 1, 1 << 20);
  }

  /// Appends the seconds of a call, and returns those of the settings' clock.
  double sample() {
    auto [wall, cpu] = timeOf(calls);
    walls.push_back(wall);
    cpus.push_back(cpu);
    return times().back();
  }

  const std::vector<double> &times() const { return cpuClock ? cpus : walls; }
  double best() const {
    return *std::min_element(times().begin(), times().end());
  }

  std::function<void()> call;
  bool cpuClock;
  int64_t calls = 1;
  std::vector<double> walls, cpus;

private:
  std::pair<double, double> timeOf(int64_t count) {
    double wall = wallSeconds(), cpu = cpuSeconds();
    for (int64_t i = 0; i < count; ++i)
      call();
    return {(wallSeconds() - wall) / count, (cpuSeconds() - cpu) / count};
  }
};

/// A compiled entry point with its memory.
class Callable {
public:
  std::unique_ptr<Program> program;
  Region weights, arena, cache;
  std::vector<Region> buffers;
  std::vector<void *> pointers;
  TenonFrame frame = {};
  TenonEntryFn entry = nullptr;

  /// `weightType`: of the weights, or of cached keys and values.
  Status prepare(const CallShape &shape, const std::string &weightType,
                 const std::string &inputType) {
    auto allocate = [](int64_t bytes,
                       std::string_view what) -> Expected<Region> {
      return Region::allocate(std::max<int64_t>(bytes, 64),
                              Region::Kind::Scratch, what);
    };
    auto set = [&](Region &region, int64_t bytes,
                   std::string_view what) -> Status {
      Expected<Region> allocated = allocate(bytes, what);
      if (!allocated)
        return allocated.takeError();
      region = std::move(*allocated);
      return {};
    };
    if (Status s = set(weights, program->weightsBytes, "weights"); !s)
      return s;
    if (Status s = set(arena, program->arenaBytes, "arena"); !s)
      return s;
    if (Status s = set(cache, program->cacheBytes, "cache"); !s)
      return s;
    const std::string type = weightType == "int8" ? "q8_0" : weightType;
    fillRandom(weights, type);
    fillRandom(cache, type);
    std::vector<int64_t> sizes = shape.inputs;
    sizes.push_back(shape.output);
    for (int64_t size : sizes) {
      buffers.emplace_back();
      if (Status s = set(buffers.back(), size * 4, "buffers"); !s)
        return s;
      fillRandom(buffers.back(), inputType);
      pointers.push_back(buffers.back().data());
    }
    auto bytes = [](Region &region) {
      return reinterpret_cast<uint8_t *>(region.data());
    };
    frame = {bytes(weights), bytes(arena),   bytes(cache), pointers.data(),
             shape.tokens,   shape.position, shape.tokens};
    Expected<TenonEntryFn> found = program->find("run");
    if (!found)
      return found.takeError();
    entry = *found;
    return {};
  }

  void call() { entry(&frame); }
};

/// The compiler's state for the cases of one process.
class Session {
public:
  static Expected<std::unique_ptr<Session>>
  create(const TargetOptions &options) {
    auto session = std::make_unique<Session>();
    mlir::DialectRegistry registry;
    registerAllDialects(registry);
    session->context = std::make_unique<mlir::MLIRContext>(
        registry, mlir::MLIRContext::Threading::DISABLED);
    session->context->loadDialect<TenonDialect>();
    Expected<TargetAttr> target =
        describeTarget(session->context.get(), options);
    if (!target)
      return target.takeError();
    session->target = *target;
    return session;
  }

  bool hasBf16Products() const { return target.hasBf16Dot(); }

  Expected<mlir::OwningOpRef<mlir::ModuleOp>> parse(const Case &c) {
    std::string text = moduleText(c, hasBf16Products());
    auto module = mlir::parseSourceString<mlir::ModuleOp>(text, context.get());
    if (!module)
      return plainError("the case's module does not parse");
    (*module)->setAttr(kTargetAttrName, target);
    // What a linear of a model's layer reads, though here its result is all
    // there is.
    (*module)->setAttr(kActivationsAttrName,
                       mlir::StringAttr::get(context.get(), "int8"));
    return module;
  }

  std::unique_ptr<mlir::MLIRContext> context;
  TargetAttr target;
};

/// The kernels that measure the machine, as samples beside a case.
class LimitSamples {
public:
  static Expected<std::unique_ptr<LimitSamples>>
  create(Session &session, int64_t threads, int64_t readBytes,
         const Settings &settings) {
    auto limits = std::make_unique<LimitSamples>();
    auto module = buildLimits(*session.context, session.target, threads);
    auto program = Program::compile(*module, Stage::Tiled, session.target);
    if (!program)
      return program.takeError();
    limits->program = std::move(*program);
    int64_t tasks = std::clamp<int64_t>(
        (readBytes + kReadTaskBytes - 1) / kReadTaskBytes, 1, kMostTasks);
    for (auto [region, bytes] :
         {std::pair{&limits->weights, tasks * kReadTaskBytes},
          {&limits->output, kMostTasks * 64}}) {
      auto allocated = Region::allocate(bytes, Region::Kind::Scratch, "limits");
      if (!allocated)
        return allocated.takeError();
      *region = std::move(*allocated);
    }
    fillRandom(limits->weights, "f32");
    limits->outputPointer = limits->output.data();
    // About 0.1 ms of arithmetic a call.
    constexpr int64_t steps = 50000;
    auto add = [&](const char *name, int64_t count, double amount) -> Status {
      Expected<TenonEntryFn> entry = limits->program->find(name);
      if (!entry)
        return entry.takeError();
      TenonFrame frame = {
          reinterpret_cast<const uint8_t *>(limits->weights.data()),
          nullptr,
          nullptr,
          &limits->outputPointer,
          count,
          0,
          0};
      limits->samples.push_back(
          {name, amount,
           Sampled([fn = *entry, frame] { fn(&frame); }, settings)});
      return {};
    };
    for (auto [name, products] : kProducts)
      if (isMeasured(session.target, products))
        if (Status s = add(name, steps,
                           operationsPerStep(session.target, products) * steps *
                               threads);
            !s)
          return s.takeError();
    if (Status s = add("clock", steps, double(kClockCycles) * steps); !s)
      return s.takeError();
    if (Status s = add("read", tasks, double(tasks) * kReadTaskBytes); !s)
      return s.takeError();
    return limits;
  }

  /// The rates of this moment.
  Limits sample() {
    for (Sample &sample : samples)
      sample.sampled.sample();
    return rates([](const Sampled &s) { return s.times().back(); });
  }

  Limits rates(const std::function<double(const Sampled &)> &time) const {
    Limits rates;
    for (const Sample &sample : samples)
      for (const Limits::Field &field : Limits::fields())
        if (std::string_view(field.name) == sample.name)
          rates.*field.rate = sample.amount / time(sample.sampled);
    return rates;
  }

private:
  static constexpr std::pair<const char *, Products> kProducts[] = {
      {"fma", Products::F32},   {"bf16", Products::BF16},
      {"int8", Products::Int8}, {"int6", Products::Int6},
      {"int5", Products::Int5}, {"int4", Products::Int4}};
  /// An entry point, and what one call of it does.
  struct Sample {
    const char *name;
    double amount;
    Sampled sampled;
  };

  std::unique_ptr<Program> program;
  Region weights, output;
  void *outputPointer = nullptr;
  std::vector<Sample> samples;
};

/// The rate of products, and its name. Weights of fewer bits are bytes where no
/// limit of their own is measured.
std::pair<double, const char *> rateOf(Products products,
                                       const Limits &limits) {
  switch (products) {
  case Products::F32:
    return {limits.fma, "fma"};
  case Products::BF16:
    return {limits.bf16, "bf16"};
  case Products::Int6:
    if (limits.int6 > 0)
      return {limits.int6, "int6"};
    break;
  case Products::Int5:
    if (limits.int5 > 0)
      return {limits.int5, "int5"};
    break;
  case Products::Int4:
    if (limits.int4 > 0)
      return {limits.int4, "int4"};
    break;
  case Products::Int8:
    break;
  }
  return {limits.int8, "int8"};
}

double leastTime(const Work &work, const Limits &limits, std::string &which) {
  auto [rate, name] = rateOf(work.products, limits);
  double compute = work.operations / rate;
  double read = work.bytes / limits.read;
  which = read > compute ? "read" : name;
  return std::max(compute, read);
}

} // namespace

std::span<const Limits::Field> Limits::fields() {
  static constexpr Field all[] = {
      {"fma", &Limits::fma},   {"bf16", &Limits::bf16},
      {"int8", &Limits::int8}, {"int6", &Limits::int6},
      {"int5", &Limits::int5}, {"int4", &Limits::int4},
      {"read", &Limits::read}, {"clock", &Limits::clock}};
  return all;
}

Expected<std::string> bench::emitText(const Case &c, const Settings &settings,
                                      std::string_view stageName) {
  std::optional<Stage> stage =
      parseStage(llvm::StringRef(stageName.data(), stageName.size()));
  if (!stage || *stage < Stage::Packed || *stage > Stage::Assembly)
    return plainError(strCat("--emit takes packed, tiled, micro, kernels, llvm "
                             "or asm, not ",
                             quoteName(stageName)),
                      ExitCode::BadUsage);
  auto session = Session::create(settings.target);
  if (!session)
    return session.takeError();
  if (c.operation == Operation::Limits) {
    auto module =
        buildLimits(*(*session)->context, (*session)->target, c.get("threads"));
    return textAtStage(*module, Stage::Tiled, std::max(*stage, Stage::Tiled),
                       (*session)->target);
  }
  auto module = (*session)->parse(c);
  if (!module)
    return module.takeError();
  return textAtStage(**module, Stage::Cached, *stage, (*session)->target);
}

Expected<Result> bench::measure(const Case &c, const Settings &settings) {
  auto session = Session::create(settings.target);
  if (!session)
    return session.takeError();
  int64_t threads = c.get("threads");
  runtime::Executor executor(threads, runtime::Topology::current());
  runtime::Executor::install(&executor);
  runtime::Executor::Session workers(executor);
  struct Uninstall {
    ~Uninstall() { runtime::Executor::install(nullptr); }
  } uninstall;

  Work work = workOf(c, (*session)->hasBf16Products());
  bool isLimits = c.operation == Operation::Limits;
  int64_t readBytes = isLimits ? int64_t(1) << 28 : int64_t(work.bytes);
  auto limits = LimitSamples::create(**session, threads, readBytes, settings);
  if (!limits)
    return limits.takeError();

  Result result;
  result.benchmark = c;
  result.repetitions = settings.repetitions;
  auto callMedian = [](const Sampled &s) { return median(s.times()); };
  auto callBest = [](const Sampled &s) { return s.best(); };
  if (isLimits) {
    for (int64_t i = 0; i < settings.repetitions; ++i)
      (*limits)->sample();
    result.limits = (*limits)->rates(callMedian);
    result.iterations = 1;
    return result;
  }

  auto module = (*session)->parse(c);
  if (!module)
    return module.takeError();
  auto program = Program::compile(**module, Stage::Cached, (*session)->target);
  if (!program)
    return program.takeError();
  Callable callable;
  callable.program = std::move(*program);
  std::string inputType =
      c.operation == Operation::Linear && work.products == Products::BF16
          ? "bf16"
          : "f32";
  if (Status status = callable.prepare(callShape(c), c.type, inputType);
      !status)
    return status.takeError();

  Sampled sampled([&] { callable.call(); }, settings);
  std::vector<double> ratios;
  for (int64_t i = 0; i < settings.repetitions; ++i) {
    double time = sampled.sample();
    ratios.push_back(leastTime(work, (*limits)->sample(), result.limit) / time);
  }
  result.iterations = sampled.calls;
  result.realTime = median(sampled.walls);
  result.cpuTime = median(sampled.cpus);
  result.bestTime = sampled.best();
  result.time = median(sampled.times());
  result.samples = sampled.times();
  result.operationsPerSecond = work.operations / result.time;
  result.bytesPerSecond = work.bytes / result.time;
  result.ofLimit = median(ratios);
  result.bestOfLimit =
      leastTime(work, (*limits)->rates(callBest), result.limit) /
      result.bestTime;
  result.limits = (*limits)->rates(callMedian);
  return result;
}
