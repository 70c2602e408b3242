//===- CodeGenTest.cpp - the llvm dialect to assembly and objects ---------===//

#include "tenon/Target/CodeGen.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Parser/Parser.h"
#include "mlir/Target/LLVMIR/Dialect/Builtin/BuiltinToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/LLVMIR/LLVMToLLVMIRTranslation.h"
#include "tenon/Target/TargetDescription.h"
#include "llvm/IR/LLVMContext.h"
#include "llvm/Object/ObjectFile.h"
#include <gtest/gtest.h>

#include <cstring>

using namespace tenon;

namespace {

constexpr const char *kSource = R"mlir(
  llvm.func @tenon_entry_decode(%frame: !llvm.ptr) {
    %x = llvm.load %frame : !llvm.ptr -> vector<16xf32>
    %y = llvm.intr.fma(%x, %x, %x) : (vector<16xf32>, vector<16xf32>, vector<16xf32>) -> vector<16xf32>
    llvm.store %y, %frame : vector<16xf32>, !llvm.ptr
    llvm.return
  }
  llvm.func internal @unused(%frame: !llvm.ptr) { llvm.return }
  llvm.func @tenon_entry_prefill(%frame: !llvm.ptr) { llvm.return }
)mlir";

class CodeGen : public testing::Test {
protected:
  void SetUp() override {
    mlir::DialectRegistry registry;
    registry.insert<mlir::LLVM::LLVMDialect, TenonDialect>();
    mlir::registerBuiltinDialectTranslation(registry);
    mlir::registerLLVMDialectTranslation(registry);
    context.appendDialectRegistry(registry);
    context.loadAllAvailableDialects();
  }

  llvm::SmallVector<char, 0> compile(std::string cpu, CodeGenFile kind) {
    Expected<std::vector<TargetAttr>> targets =
        describeTargets(&context, {cpu, ""});
    EXPECT_TRUE(bool(targets));
    VariantLinker linker;
    auto module = mlir::parseSourceString<mlir::ModuleOp>(kSource, &context);
    for (TargetAttr target : *targets)
      EXPECT_TRUE(
          bool(linker.add(*module, target, /*isOnly=*/targets->size() == 1)));
    Expected<llvm::SmallVector<char, 0>> bytes = linker.emit(kind);
    EXPECT_TRUE(bool(bytes));
    return std::move(*bytes);
  }

  /// The names of an object's symbols, global or local.
  std::set<std::string> symbols(std::string cpu, bool isGlobal) {
    llvm::SmallVector<char, 0> bytes = compile(cpu, CodeGenFile::Object);
    auto object =
        llvm::object::ObjectFile::createObjectFile(llvm::MemoryBufferRef(
            llvm::StringRef(bytes.data(), bytes.size()), "o"));
    EXPECT_TRUE(bool(object));
    std::set<std::string> names;
    for (const llvm::object::SymbolRef &symbol : (*object)->symbols()) {
      auto name = symbol.getName();
      auto flags = symbol.getFlags();
      EXPECT_TRUE(name && flags);
      if (bool(*flags & llvm::object::SymbolRef::SF_Global) == isGlobal)
        names.insert(name->str());
    }
    return names;
  }

  std::string assembly(std::string cpu) {
    llvm::SmallVector<char, 0> bytes = compile(cpu, CodeGenFile::Assembly);
    return std::string(bytes.begin(), bytes.end());
  }

  mlir::MLIRContext context;
};

TEST_F(CodeGen, UsesTheTargetsWidth) {
  EXPECT_NE(assembly("skylake-avx512").find("%zmm"), std::string::npos);
  std::string haswell = assembly("haswell");
  EXPECT_EQ(haswell.find("%zmm"), std::string::npos);
  EXPECT_NE(haswell.find("vfmadd"), std::string::npos);
}

TEST_F(CodeGen, ObjectDefinesTheTable) {
  EXPECT_EQ(symbols("x86-64-v3", /*isGlobal=*/true),
            (std::set<std::string>{"tenon_entry_decode", "tenon_entry_prefill",
                                   "tenon_num_variants", "tenon_variants"}));
}

TEST_F(CodeGen, VariantsHaveNamesOfTheirOwn) {
  std::string cpus = "x86-64-v3,skylake-avx512";
  EXPECT_EQ(symbols(cpus, /*isGlobal=*/true),
            (std::set<std::string>{"tenon_num_variants", "tenon_variants"}));
  std::set<std::string> own = symbols(cpus, /*isGlobal=*/false);
  for (const char *name : {"decode.x86-64-v3", "prefill.x86-64-v3",
                           "decode.skylake-avx512", "prefill.skylake-avx512"})
    EXPECT_TRUE(own.contains(std::string("tenon_entry_") + name)) << name;
  // Each is compiled for its own CPU.
  std::string text = assembly(cpus);
  size_t wide = text.find("\"tenon_entry_decode.skylake-avx512\":"),
         narrow = text.find("\"tenon_entry_decode.x86-64-v3\":");
  ASSERT_LT(wide, narrow);
  EXPECT_LT(text.find("%zmm", wide), narrow);
  EXPECT_EQ(text.find("%zmm", narrow), std::string::npos);
}

TEST_F(CodeGen, TableNamesEntriesAndFeatures) {
  std::string text = assembly("x86-64-v3");
  EXPECT_NE(text.find("\"decode\""), std::string::npos);
  EXPECT_NE(text.find("\"prefill\""), std::string::npos);
  EXPECT_NE(text.find("\"x86-64-v3\""), std::string::npos);
  EXPECT_NE(text.find("fma,f16c"), std::string::npos);
}

/// A copy and a sum, with these attributes.
std::string makeLoops(llvm::StringRef suffix, llvm::StringRef attributes) {
  std::string source = R"mlir(
  llvm.func @copy$SUFFIX(%x: !llvm.ptr {llvm.noalias}, %y: !llvm.ptr {llvm.noalias}, %n: i64) $ATTRIBUTES {
    %zero = llvm.mlir.constant(0 : i64) : i64
    %one = llvm.mlir.constant(1 : i64) : i64
    llvm.br ^head(%zero : i64)
  ^head(%i: i64):
    %more = llvm.icmp "slt" %i, %n : i64
    llvm.cond_br %more, ^body, ^end
  ^body:
    %from = llvm.getelementptr %x[%i] : (!llvm.ptr, i64) -> !llvm.ptr, vector<8xf32>
    %to = llvm.getelementptr %y[%i] : (!llvm.ptr, i64) -> !llvm.ptr, vector<8xf32>
    %v = llvm.load %from : !llvm.ptr -> vector<8xf32>
    llvm.store %v, %to : vector<8xf32>, !llvm.ptr
    %next = llvm.add %i, %one : i64
    llvm.br ^head(%next : i64)
  ^end:
    llvm.return
  }
  llvm.func @sum$SUFFIX(%x: !llvm.ptr {llvm.noalias}, %y: !llvm.ptr {llvm.noalias}, %n: i64) $ATTRIBUTES {
    %zero = llvm.mlir.constant(0 : i64) : i64
    %one = llvm.mlir.constant(1 : i64) : i64
    %none = llvm.mlir.constant(dense<0.0> : vector<8xf32>) : vector<8xf32>
    llvm.br ^head(%zero, %none : i64, vector<8xf32>)
  ^head(%i: i64, %sum: vector<8xf32>):
    %more = llvm.icmp "slt" %i, %n : i64
    llvm.cond_br %more, ^body, ^end
  ^body:
    %from = llvm.getelementptr %x[%i] : (!llvm.ptr, i64) -> !llvm.ptr, vector<8xf32>
    %v = llvm.load %from : !llvm.ptr -> vector<8xf32>
    %added = llvm.fadd %sum, %v : vector<8xf32>
    %next = llvm.add %i, %one : i64
    llvm.br ^head(%next, %added : i64, vector<8xf32>)
  ^end:
    llvm.store %sum, %y : vector<8xf32>, !llvm.ptr
    llvm.return
  }
)mlir";
  for (auto [name, text] : {std::pair("$SUFFIX", suffix),
                            std::pair("$ATTRIBUTES", attributes)})
    for (size_t at; (at = source.find(name)) != std::string::npos;)
      source.replace(at, strlen(name), text.str());
  return source;
}

TEST_F(CodeGen, UnrollsWhatCarriesVectorsAloneWhereMarked) {
  auto module = mlir::parseSourceString<mlir::ModuleOp>(
      makeLoops("", "") +
          makeLoops("_marked",
                    "attributes {passthrough = [\"tenon-unroll-sums\"]}"),
      &context);
  ASSERT_TRUE(module);
  Expected<std::vector<TargetAttr>> targets =
      describeTargets(&context, {"znver3", ""});
  ASSERT_TRUE(bool(targets));
  Expected<CodeGenerator> generator = CodeGenerator::create(targets->front());
  ASSERT_TRUE(bool(generator));
  llvm::LLVMContext llvmContext;
  std::unique_ptr<llvm::Module> code =
      generator->translate(*module, llvmContext);
  ASSERT_TRUE(code);
  generator->optimize(*code);
  auto sizeOf = [&](llvm::StringRef name) {
    return code->getFunction(name)->getInstructionCount();
  };
  EXPECT_LT(2 * sizeOf("copy_marked"), sizeOf("copy"));
  EXPECT_EQ(sizeOf("sum_marked"), sizeOf("sum"));
}

} // namespace
