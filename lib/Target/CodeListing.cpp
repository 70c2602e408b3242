//===- CodeListing.cpp - an object and its text from one generation -------===//
//
// Assembly as LLVM prints it is a second code generation, and instructions of
// a disassembler lead to no source without line tables, which change what is
// generated around them. Hence instructions are printed as they are encoded:
// the code emitter of the object is wrapped, and the printer of machine code
// says which instruction it is at, and with that its location. LLVM makes both
// by functions of a Target, of which a copy has ours.
//
//===----------------------------------------------------------------------===//

#include "tenon/Target/CodeListing.h"
#include "Architecture.h"
#include "tenon/Target/CodeGen.h"
#include "llvm/CodeGen/AsmPrinter.h"
#include "llvm/CodeGen/AsmPrinterHandler.h"
#include "llvm/CodeGen/MachineBasicBlock.h"
#include "llvm/CodeGen/MachineFunction.h"
#include "llvm/IR/DebugInfoMetadata.h"
#include "llvm/IR/LegacyPassManager.h"
#include "llvm/MC/MCAsmInfo.h"
#include "llvm/MC/MCCodeEmitter.h"
#include "llvm/MC/MCContext.h"
#include "llvm/MC/MCInstPrinter.h"
#include "llvm/MC/MCStreamer.h"
#include "llvm/MC/MCSymbol.h"
#include "llvm/MC/TargetRegistry.h"
#include "llvm/Support/SaveAndRestore.h"

using namespace llvm;
using namespace tenon;

namespace {

/// Where in a function the printer of machine code is, and what it emitted.
class Lister {
public:
  Lister(std::vector<ListedFunction> &functions,
         std::unique_ptr<MCInstPrinter> instructions)
      : functions(functions), instructions(std::move(instructions)) {}

  void begin(const MachineFunction &function, const AsmPrinter &printer) {
    ListedFunction &listed = functions.emplace_back();
    listed.symbol = function.getName().str();
    current = &listed;
    next = function.begin();
    end = function.end();
    last = nullptr;
    labels = &printer;
    // The code before the first instruction of the source is the function's.
    const DISubprogram *program = function.getFunction().getSubprogram();
    place = program ? program->getScopeLine() : 0;
  }

  void finish() {
    beginBlocks(nullptr);
    current = nullptr;
  }

  void at(const MachineInstr &instruction) {
    const MachineBasicBlock *block = instruction.getParent();
    bool isFirst = block != last;
    if (isFirst)
      beginBlocks(block);
    if (instruction.isMetaInstruction() ||
        instruction.getFlag(MachineInstr::FrameSetup))
      return;
    // As line tables have it: what has no location goes on with the last one,
    // but not from block to block.
    if (const DebugLoc &location = instruction.getDebugLoc())
      place = location.getLine();
    else if (isFirst && block != &block->getParent()->front())
      place = 0;
  }

  void emit(const MCInst &instruction, const MCSubtargetInfo &subtarget) {
    // Layout encodes again what has to become longer.
    if (!current)
      return;
    text.clear();
    raw_svector_ostream stream(text);
    instructions->printInst(&instruction, /*Address=*/0, /*Annot=*/"",
                            subtarget, stream);
    auto [mnemonic, operands] = StringRef(text).trim().split('\t');
    std::string line = "  ";
    line += mnemonic;
    if (!operands.empty()) {
      line += ' ';
      line += operands.trim();
    }
    current->lines.push_back(std::move(line));
    current->places.push_back(place);
  }

private:
  /// Labels of the blocks up to one, some of which may be empty; null: all.
  void beginBlocks(const MachineBasicBlock *upTo) {
    while (next != end && (last == nullptr || last != upTo)) {
      const MachineBasicBlock &block = *next++;
      last = &block;
      if (block.pred_empty() ||
          labels->isBlockOnlyReachableByFallthrough(&block))
        continue;
      current->lines.push_back(block.getSymbol()->getName().str() + ":");
      current->places.push_back(0);
    }
  }

  std::vector<ListedFunction> &functions;
  std::unique_ptr<MCInstPrinter> instructions;
  const AsmPrinter *labels = nullptr;
  ListedFunction *current = nullptr;
  const MachineBasicBlock *last = nullptr; ///< the block at hand
  MachineFunction::const_iterator next, end;
  unsigned place = 0;
  SmallString<80> text;
};

/// Tells a lister what is printed next.
class ListingHandler : public AsmPrinterHandler {
public:
  ListingHandler(Lister &lister, const AsmPrinter &printer)
      : lister(lister), printer(printer) {}

  void beginFunction(const MachineFunction *function) override {
    lister.begin(*function, printer);
  }
  void beginInstruction(const MachineInstr *instruction) override {
    lister.at(*instruction);
  }
  void endFunction(const MachineFunction *) override { lister.finish(); }
  void endModule() override {}

private:
  Lister &lister;
  const AsmPrinter &printer;
};

/// Shows a lister what is encoded.
class ListingEmitter : public MCCodeEmitter {
public:
  ListingEmitter(Lister &lister, std::unique_ptr<MCCodeEmitter> emitter)
      : lister(lister), emitter(std::move(emitter)) {}

  void reset() override { emitter->reset(); }
  void encodeInstruction(const MCInst &instruction,
                         SmallVectorImpl<char> &bytes,
                         SmallVectorImpl<MCFixup> &fixups,
                         const MCSubtargetInfo &subtarget) const override {
    lister.emit(instruction, subtarget);
    emitter->encodeInstruction(instruction, bytes, fixups, subtarget);
  }

private:
  Lister &lister;
  std::unique_ptr<MCCodeEmitter> emitter;
};

/// What the constructors of a listing target find, which are plain functions.
struct CurrentListing {
  const Target &original;
  Lister &lister;
  /// The printer of machine code has an emitter of its own, which counts bytes.
  bool isSettingUp = true;
};
thread_local CurrentListing *currentListing = nullptr;

MCCodeEmitter *makeEmitter(const MCInstrInfo &instructions,
                           MCContext &context) {
  std::unique_ptr<MCCodeEmitter> emitter(
      currentListing->original.createMCCodeEmitter(instructions, context));
  if (!currentListing->isSettingUp)
    return emitter.release();
  // Labels of blocks get their names; an object holds none of them.
  context.setUseNamesOnTempLabels(true);
  return new ListingEmitter(currentListing->lister, std::move(emitter));
}

AsmPrinter *makePrinter(TargetMachine &machine,
                        std::unique_ptr<MCStreamer> &&streamer) {
  AsmPrinter *printer = currentListing->original.createAsmPrinter(
      machine, std::move(streamer));
  printer->addAsmPrinterHandler(
      std::make_unique<ListingHandler>(currentListing->lister, *printer));
  return printer;
}

} // namespace

std::shared_ptr<const Target>
tenon::makeListingTarget(const Target &original) {
  auto target = std::make_shared<Target>(original);
  TargetRegistry::RegisterMCCodeEmitter(*target, makeEmitter);
  TargetRegistry::RegisterAsmPrinter(*target, makePrinter);
  return target;
}

tenon::Expected<SmallVector<char, 0>>
CodeGenerator::emitListed(std::unique_ptr<Module> module,
                          std::vector<ListedFunction> &functions) {
  assert(listingTarget && "a generator without listings");
  // Locations stay on instructions; without a unit there are no line tables
  // and no frame descriptions, and the object is the one of `emit`.
  if (NamedMDNode *units = module->getNamedMetadata("llvm.dbg.cu"))
    units->eraseFromParent();

  const Target &original =
      *Architecture::find(machine->getTargetTriple())->backend();
  const MCAsmInfo &info = *machine->getMCAsmInfo();
  Lister lister(functions,
                std::unique_ptr<MCInstPrinter>(original.createMCInstPrinter(
                    machine->getTargetTriple(), info.getAssemblerDialect(),
                    info, *machine->getMCInstrInfo(),
                    *machine->getMCRegisterInfo())));
  CurrentListing current{original, lister};
  SaveAndRestore scope(currentListing, &current);
  SmallVector<char, 0> bytes;
  raw_svector_ostream stream(bytes);
  legacy::PassManager passes;
  if (machine->addPassesToEmitFile(passes, stream, nullptr,
                                   CodeGenFileType::ObjectFile))
    return plainError("LLVM cannot emit this kind of file for the target");
  current.isSettingUp = false;
  passes.run(*module);
  return bytes;
}
