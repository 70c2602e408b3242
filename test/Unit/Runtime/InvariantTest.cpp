//===- InvariantTest.cpp - I2: no LLVM below the compiler -----------------===//
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include <gtest/gtest.h>

namespace {

TEST(Invariants, RuntimeAndParsersIncludeNoCompilerHeader) {
  const char *source = std::getenv("TENON_SOURCE_DIR");
  if (!source)
    GTEST_SKIP() << "TENON_SOURCE_DIR is not set; ctest sets it";
  int files = 0;
  for (std::string tree : {"/lib/", "/include/tenon/"})
    for (std::string dir : {"Support", "Tokenizer", "Checkpoint", "Runtime"})
      for (auto &entry :
           std::filesystem::recursive_directory_iterator(source + tree + dir)) {
        std::string name = entry.path().extension();
        if (name != ".cpp" && name != ".h")
          continue;
        ++files;
        std::ifstream file(entry.path());
        for (std::string line; std::getline(file, line);)
          for (const char *header : {"llvm/", "llvm-c/", "mlir/", "clang/"})
            for (const char *open : {"#include <", "#include \""})
              EXPECT_FALSE(line.starts_with(std::string(open) + header))
                  << entry.path() << ": " << line;
      }
  EXPECT_GT(files, 40) << "looked in the wrong place";
}

} // namespace
