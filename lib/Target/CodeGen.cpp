//===- CodeGen.cpp - from the llvm dialect to machine code ----------------===//

#include "tenon/Target/CodeGen.h"
#include "Architecture.h"
#include "mlir/Target/LLVMIR/Export.h"
#include "tenon/Conversion/LoweringPasses.h"
#include "llvm/Analysis/LoopInfo.h"
#include "llvm/IR/DebugInfo.h"
#include "llvm/IR/LegacyPassManager.h"
#include "llvm/Passes/PassBuilder.h"
#include "llvm/Target/TargetOptions.h"

using namespace llvm;
using namespace tenon;

/// What generated kernels gain from. They arrive vectorized, tiled and free of
/// memory that could be a register, so most of LLVM's passes find nothing to do
/// in them, at two thirds of the time of its default pipeline. Left are:
/// arguments that are only read marked as such (loads from them may then pass
/// fences), loops with their test at the end and one counter, addresses
/// computed outside of them, short loops unrolled (which shows repeated loads,
/// hence the second early-cse), and long ones by a factor where the target
/// gains from it.
static constexpr StringLiteral kernelPipeline =
    "globaldce,"
    "function(early-cse<memssa>,simplifycfg,instcombine<no-verify-fixpoint>),"
    "cgscc(function-attrs),"
    "function(loop-mssa(loop-rotate,licm),loop(indvars,loop-unroll-full),"
    "early-cse<memssa>,dse,tenon-unroll-sums,loop-unroll,"
    "instcombine<no-verify-fixpoint>,loop-mssa(licm),simplifycfg)";

namespace {

/// Of the loops of some kernels (kUnrollSumsAttrName), those are unrolled by a
/// factor that carry one vector from a trip to the next, as a sum or a maximum,
/// or those of a whole register tile. What carries none waits for memory, and
/// two to five sums are a tile's last rows. What learns has so many of both
/// that their copies took a third of LLVM's time.
struct UnrollSums : PassInfoMixin<UnrollSums> {
  static constexpr unsigned kTile = 6;

  static bool gains(const Loop &loop) {
    unsigned sums = count_if(loop.getHeader()->phis(), [](const PHINode &phi) {
      return phi.getType()->isVectorTy();
    });
    return sums == 1 || sums >= kTile;
  }

  PreservedAnalyses run(Function &function, FunctionAnalysisManager &analyses) {
    if (!function.hasFnAttribute(kUnrollSumsAttrName))
      return PreservedAnalyses::all();
    for (Loop *loop :
         analyses.getResult<LoopAnalysis>(function).getLoopsInPreorder())
      if (!gains(*loop))
        loop->setLoopAlreadyUnrolled();
    return PreservedAnalyses::all(); // loops' metadata alone
  }
};

} // namespace

static CodeGenOptLevel getCodeGenLevel(unsigned level) {
  switch (level) {
  case 0:
    return CodeGenOptLevel::None;
  case 1:
    return CodeGenOptLevel::Less;
  case 2:
    return CodeGenOptLevel::Default;
  default:
    return CodeGenOptLevel::Aggressive;
  }
}

tenon::Expected<CodeGenerator>
CodeGenerator::create(TargetAttr target, const CodeGenOptions &options) {
  const Architecture *arch = Architecture::find(Triple(target.getTriple()));
  const Target *backend = arch ? arch->backend() : nullptr;
  if (!backend)
    return plainError("this LLVM cannot generate code for " +
                      target.getTriple().str());
  std::shared_ptr<const Target> listingTarget;
  if (options.keepListing) {
    listingTarget = makeListingTarget(*backend);
    backend = listingTarget.get();
  }
  llvm::TargetOptions machineOptions;
  machineOptions.FunctionSections = true;
  std::unique_ptr<TargetMachine> machine(backend->createTargetMachine(
      arch->triple(), target.getCpu(), target.getFeatures(), machineOptions,
      Reloc::PIC_, std::nullopt, getCodeGenLevel(options.optLevel)));
  if (!machine)
    return plainError("LLVM refuses to make a target machine for this CPU");
  return CodeGenerator(target, options, std::move(listingTarget),
                       std::move(machine));
}

std::unique_ptr<Module> CodeGenerator::translate(mlir::ModuleOp source,
                                                 LLVMContext &context) {
  std::unique_ptr<Module> module =
      mlir::translateModuleToLLVMIR(source, context, "tenon");
  if (!module)
    return nullptr;
  module->setTargetTriple(machine->getTargetTriple());
  module->setDataLayout(machine->createDataLayout());
  if (!options.debugLines && !options.keepListing)
    StripDebugInfo(*module);

  std::string width = std::to_string(target.getVectorBits());
  for (Function &function : *module) {
    if (function.isDeclaration())
      continue;
    function.addFnAttr("target-cpu", target.getCpu());
    if (!target.getFeatures().empty())
      function.addFnAttr("target-features", target.getFeatures());
    // LLVM otherwise splits 512-bit operations on CPUs that once clocked down
    // for them.
    function.addFnAttr("prefer-vector-width", width);
    function.addFnAttr(Attribute::NoUnwind);
    // No function calls itself or waits for I/O; lets loads move over calls.
    function.addFnAttr("no-trapping-math", "true");
    function.addFnAttr("frame-pointer", "none");
  }
  return module;
}

void CodeGenerator::optimize(Module &module) {
  PipelineTuningOptions tuning;
  // Kernels arrive vectorized and interleaved; their order of additions is
  // part of their meaning.
  tuning.LoopVectorization = false;
  tuning.SLPVectorization = false;
  tuning.LoopInterleaving = false;
  PassBuilder builder(machine.get(), tuning);
  builder.registerPipelineParsingCallback(
      [](StringRef name, FunctionPassManager &passes,
         ArrayRef<PassBuilder::PipelineElement>) {
        if (name != "tenon-unroll-sums")
          return false;
        passes.addPass(UnrollSums());
        return true;
      });
  LoopAnalysisManager loops;
  FunctionAnalysisManager functions;
  CGSCCAnalysisManager components;
  ModuleAnalysisManager modules;
  builder.registerModuleAnalyses(modules);
  builder.registerCGSCCAnalyses(components);
  builder.registerFunctionAnalyses(functions);
  builder.registerLoopAnalyses(loops);
  builder.crossRegisterProxies(loops, functions, components, modules);

  ModulePassManager passes;
  switch (options.optLevel) {
  case 0:
    passes = builder.buildO0DefaultPipeline(OptimizationLevel::O0);
    break;
  case 1:
  case 2:
    cantFail(builder.parsePassPipeline(passes, kernelPipeline),
             "the pipeline of kernels");
    break;
  default:
    passes = builder.buildPerModuleDefaultPipeline(OptimizationLevel::O3);
  }
  passes.run(module, modules);
}

tenon::Expected<SmallVector<char, 0>>
CodeGenerator::emit(std::unique_ptr<Module> module, CodeGenFile kind) {
  SmallVector<char, 0> bytes;
  raw_svector_ostream stream(bytes);
  legacy::PassManager passes;
  if (machine->addPassesToEmitFile(passes, stream, nullptr,
                                   kind == CodeGenFile::Assembly
                                       ? CodeGenFileType::AssemblyFile
                                       : CodeGenFileType::ObjectFile))
    return plainError("LLVM cannot emit this kind of file for the target");
  passes.run(*module);
  return bytes;
}
