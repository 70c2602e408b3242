//===- Main.cpp - the program tenon-bench ---------------------------------===//

#include "tenon/Bench/Compare.h"
#include "tenon/Bench/Measure.h"
#include "tenon/Bench/Plot.h"
#include "tenon/Runtime/MachineLimits.h"
#include "tenon/Support/Strings.h"

#include <charconv>
#include <cstdio>

using namespace tenon;
using namespace tenon::bench;

static constexpr const char *kHelp =
    R"(tenon-bench: measures generated kernels beside the machine's limits

  tenon-bench OPERATION [PARAMETERS] [OPTIONS]
  tenon-bench --suite FILE [OPTIONS]
  tenon-bench compare BEFORE.json AFTER.json [--tolerance PERCENT]
  tenon-bench plot FOLDER [--output PAGE.html] [--tolerance PERCENT]

Operations and their parameters, with defaults:
  linear     --m 1 --n 2048 --k 2048 --type f32|f16|bf16|q8_0|q4_0|q4_k|...
  attention  --seq 512 --queries SEQ --head-dim 64 --heads 1 --kv-heads 1 --causal 1
             --type f32|f16|int8 (of cached keys and values)
  ffn        --m 1 --dim 2048 --hidden 8192 --type f32|f16|bf16|q8_0|...   (gated, SiLU)
  norm       --m 512 --dim 2048
  limits     multiply-adds, products of bf16 and of bytes (int8, and int6, int5, int4
             where weights of fewer bits are multiplied faster), reading memory, clock
and for all of them --threads 1.

Options:
  --suite FILE        cases from a file, one a line as above
  --repetitions N     alternations of a case with the limits (11)
  --clock cpu|wall    what rates are of; cpu if others use the machine (wall)
  --mcpu CPU          native, x86-64-v2/v3/v4, or one of LLVM's names
  --mattr +a,-b       CPU features to add or take away
  --tuning NAME=N,... numbers over those of the CPU's tuning entry
  --target TRIPLE     with --emit: for x86_64-linux-gnu or aarch64-linux-gnu
  --json              in Google Benchmark's format
  --emit STAGE        print packed, tiled, micro, kernels, llvm or asm

limits keeps what it measured for this machine's own CPU in $XDG_CACHE_HOME/tenon (or
~/.cache/tenon), where profiles of compiled programs find it.

compare reads what tenon-bench and `PROGRAM bench` print with --json: the ratio of the times
of each case, with a 95 % interval. It exits with 1 if a case is slower for sure: its
interval begins more than --tolerance (2) percent above 1.

plot reads all *.json of a folder, such files, and draws a line for each case over the runs
in the order of their dates, with 95 % intervals, on a page that needs no network. The data
alone are printed without --output, or written where it ends with .json.
)";

namespace {

struct Arguments {
  Settings settings;
  std::vector<std::string> caseWords;
  std::string suite, emit, output;
  double tolerance = 2; ///< of compare and plot, in percent
  bool json = false, help = false;
};

Error usage(std::string message) {
  return {plainError(message).message +
              "\nnote: tenon-bench --help lists operations and options",
          ExitCode::BadUsage};
}

Expected<Arguments> parseArguments(int argc, char **argv) {
  Arguments arguments;
  for (int i = 1; i < argc; ++i) {
    std::string word = argv[i];
    if (word == "--help" || word == "-h") {
      arguments.help = true;
      continue;
    }
    if (word == "--json") {
      arguments.json = true;
      continue;
    }
    // --option=value as well as --option value.
    std::string value;
    bool hasValue = i + 1 < argc;
    size_t equals = word.find('=');
    if (word.starts_with("--") && equals != std::string::npos) {
      value = word.substr(equals + 1);
      word.resize(equals);
      hasValue = true;
    } else if (word.starts_with("--") && hasValue) {
      value = argv[++i];
    }
    if (word.starts_with("--") && !hasValue)
      return usage(strCat(word, " needs a value"));
    if (word == "--suite") {
      arguments.suite = value;
    } else if (word == "--tolerance") {
      auto [end, error] = std::from_chars(
          value.data(), value.data() + value.size(), arguments.tolerance);
      if (error != std::errc() || end != value.data() + value.size() ||
          !(arguments.tolerance >= 0 && arguments.tolerance <= 1000))
        return usage("--tolerance takes a number of percent from 0 to 1000");
    } else if (word == "--output") {
      arguments.output = value;
    } else if (word == "--emit") {
      arguments.emit = value;
    } else if (word == "--clock") {
      if (value != "cpu" && value != "wall")
        return usage("--clock takes cpu or wall");
      arguments.settings.cpuClock = value == "cpu";
    } else if (word == "--mcpu") {
      arguments.settings.target.cpu = value;
    } else if (word == "--target") {
      arguments.settings.target.triple = value;
    } else if (word == "--mattr") {
      arguments.settings.target.attributes = value;
    } else if (word == "--tuning") {
      arguments.settings.target.tuning = value;
    } else if (word == "--repetitions") {
      int64_t &number = arguments.settings.repetitions;
      auto [end, error] =
          std::from_chars(value.data(), value.data() + value.size(), number);
      if (error != std::errc() || end != value.data() + value.size() ||
          number < 1 || number > 100000)
        return usage("--repetitions takes a number from 1 to 100000");
    } else {
      arguments.caseWords.push_back(word);
      if (word.starts_with("--"))
        arguments.caseWords.push_back(value);
    }
  }
  if (arguments.emit.empty() && !isHostTriple(arguments.settings.target.triple))
    return usage("kernels for another architecture are not measured here: "
                 "--target is for --emit");
  return arguments;
}

/// The exit code of `compare BEFORE AFTER`.
Expected<int> compare(const Arguments &arguments) {
  if (arguments.caseWords.size() != 3)
    return usage("compare takes two files");
  auto isSlower = compareRuns(arguments.caseWords[1], arguments.caseWords[2],
                              arguments.tolerance / 100);
  if (!isSlower)
    return isSlower.takeError();
  return *isSlower ? 1 : 0;
}

/// `plot FOLDER`.
Expected<int> plot(const Arguments &arguments) {
  if (arguments.caseWords.size() != 2)
    return usage("plot takes a folder");
  Status status = plotRuns(arguments.caseWords[1], arguments.output,
                           arguments.tolerance / 100);
  if (!status)
    return status.takeError();
  return 0;
}

/// Keeps limits for profiles, if they are those of this machine: not of a CPU
/// with fewer instructions, nor of a share of its time.
void keepLimits(const Result &result, const Settings &settings) {
  bool isNative =
      settings.target.cpu.empty() || settings.target.cpu == "native";
  if (result.benchmark.operation != Operation::Limits || !isNative ||
      !settings.target.attributes.empty() || settings.cpuClock)
    return;
  runtime::MachineLimits limits;
  for (auto [name, rate] : Limits::fields())
    if (result.limits.*rate > 0)
      limits[name] = result.limits.*rate;
  Status status = runtime::writeMachineLimits(
      static_cast<unsigned>(result.benchmark.get("threads")), limits);
  if (!status)
    std::fprintf(stderr, "note: these limits are not kept for profiles: %s\n",
                 printable(status.error().message).c_str());
}

Expected<int> run(int argc, char **argv) {
  Expected<Arguments> arguments = parseArguments(argc, argv);
  if (!arguments)
    return arguments.takeError();
  if (arguments->help || argc == 1) {
    std::fputs(kHelp, stdout);
    return 0;
  }
  if (!arguments->caseWords.empty() && arguments->caseWords[0] == "compare")
    return compare(*arguments);
  if (!arguments->caseWords.empty() && arguments->caseWords[0] == "plot")
    return plot(*arguments);
  if (!arguments->output.empty())
    return usage("--output is for plot");
  std::vector<Case> cases;
  if (!arguments->suite.empty()) {
    if (!arguments->caseWords.empty())
      return usage("give --suite or one operation");
    Expected<std::vector<Case>> suite = readSuite(arguments->suite);
    if (!suite)
      return suite.takeError();
    cases = std::move(*suite);
  } else {
    Expected<Case> parsed = parseCase(arguments->caseWords);
    if (!parsed)
      return usage(parsed.error().message.substr(7));
    cases.push_back(std::move(*parsed));
  }

  std::vector<Result> results;
  if (!arguments->json && arguments->emit.empty())
    std::printf("%s\n", formatHeader().c_str());
  for (const Case &c : cases) {
    if (!arguments->emit.empty()) {
      Expected<std::string> text =
          emitText(c, arguments->settings, arguments->emit);
      if (!text)
        return text.takeError();
      std::fputs(text->c_str(), stdout);
      continue;
    }
    Expected<Result> result = measure(c, arguments->settings);
    if (!result)
      return result.takeError();
    keepLimits(*result, arguments->settings);
    if (!arguments->json) {
      std::printf("%s\n", formatResult(*result).c_str());
      std::fflush(stdout);
    }
    results.push_back(std::move(*result));
  }
  if (arguments->json && arguments->emit.empty())
    std::printf("%s\n", formatJson(results, argv[0]).c_str());
  return 0;
}

} // namespace

int bench::main(int argc, char **argv) {
  Expected<int> code = run(argc, argv);
  if (code)
    return *code;
  std::fprintf(stderr, "%s\n", printable(code.error().message).c_str());
  return static_cast<int>(code.error().code);
}
