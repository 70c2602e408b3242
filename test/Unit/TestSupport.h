//===- TestSupport.h - what unit tests share --------------------*- C++ -*-===//

#ifndef TENON_TEST_UNIT_TESTSUPPORT_H
#define TENON_TEST_UNIT_TESTSUPPORT_H

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <string_view>
#include <unistd.h>

namespace tenon::test {

/// A directory that is removed with everything in it.
class TemporaryDirectory {
public:
  TemporaryDirectory() {
    std::string pattern =
        (std::filesystem::temp_directory_path() / "tenon-XXXXXX").string();
    root = mkdtemp(pattern.data());
  }
  TemporaryDirectory(const TemporaryDirectory &) = delete;
  ~TemporaryDirectory() {
    std::error_code ignored;
    std::filesystem::remove_all(root, ignored);
  }

  std::string path(std::string_view name = "") const {
    return name.empty() ? root : root + "/" + std::string(name);
  }
  /// Writes a file and returns its path.
  std::string write(std::string_view name, std::string_view content) const {
    std::string file = path(name);
    std::filesystem::create_directories(
        std::filesystem::path(file).parent_path());
    std::ofstream(file, std::ios::binary) << content;
    return file;
  }

private:
  std::string root;
};

inline std::string readFile(const std::string &path) {
  std::ifstream in(path, std::ios::binary);
  std::stringstream content;
  content << in.rdbuf();
  return content.str();
}

/// The data beside the repository: $TENON_SHARED, else ../shared. Empty when
/// it isn't there.
inline std::string sharedDirectory() {
  std::string path;
  if (const char *given = std::getenv("TENON_SHARED"))
    path = given;
  else if (const char *source = std::getenv("TENON_SOURCE_DIR"))
    path = std::string(source) + "/../shared";
  return !path.empty() && std::filesystem::is_directory(path + "/models")
             ? path
             : std::string();
}

} // namespace tenon::test

/// Skips a test that needs the data beside the repository.
#define TENON_NEEDS_SHARED_DATA()                                              \
  do {                                                                         \
    if (::tenon::test::sharedDirectory().empty())                              \
      GTEST_SKIP() << "the shared data directory is absent (TENON_SHARED)";    \
  } while (false)

#endif // TENON_TEST_UNIT_TESTSUPPORT_H
