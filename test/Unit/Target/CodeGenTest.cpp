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
    Expected<TargetAttr> target = describeTarget(&context, {cpu, ""});
    EXPECT_TRUE(bool(target));
    Expected<CodeGenerator> generator = CodeGenerator::create(*target);
    EXPECT_TRUE(bool(generator));
    auto module = mlir::parseSourceString<mlir::ModuleOp>(kSource, &context);
    llvm::LLVMContext llvmContext;
    std::unique_ptr<llvm::Module> lowered =
        generator->translate(*module, llvmContext);
    EXPECT_TRUE(lowered != nullptr);
    generator->optimize(*lowered);
    Expected<llvm::SmallVector<char, 0>> bytes =
        generator->emit(std::move(lowered), kind);
    EXPECT_TRUE(bool(bytes));
    return std::move(*bytes);
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
  llvm::SmallVector<char, 0> bytes = compile("x86-64-v3", CodeGenFile::Object);
  auto object = llvm::object::ObjectFile::createObjectFile(
      llvm::MemoryBufferRef(llvm::StringRef(bytes.data(), bytes.size()), "o"));
  ASSERT_TRUE(bool(object));
  std::set<std::string> defined;
  for (const llvm::object::SymbolRef &symbol : (*object)->symbols()) {
    auto name = symbol.getName();
    auto flags = symbol.getFlags();
    ASSERT_TRUE(name && flags);
    if (*flags & llvm::object::SymbolRef::SF_Global)
      defined.insert(name->str());
  }
  EXPECT_EQ(defined,
            (std::set<std::string>{"tenon_entry_decode", "tenon_entry_prefill",
                                   "tenon_num_variants", "tenon_variants"}));
}

TEST_F(CodeGen, TableNamesEntriesAndFeatures) {
  std::string text = assembly("x86-64-v3");
  EXPECT_NE(text.find("\"decode\""), std::string::npos);
  EXPECT_NE(text.find("\"prefill\""), std::string::npos);
  EXPECT_NE(text.find("\"x86-64-v3\""), std::string::npos);
  EXPECT_NE(text.find("fma,f16c"), std::string::npos);
}

} // namespace
