//===- Linker.cpp - from object to ELF executable -------------------------===//

#include "tenon/Driver/Linker.h"
#include "LinkConfig.h"
#include "tenon/Support/Strings.h"
#include "tenon/Target/TargetDescription.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/Program.h"
#include "llvm/Support/Signals.h"
#include "llvm/Support/raw_ostream.h"

#include <cerrno>
#include <fcntl.h>
#include <unistd.h>

using namespace llvm;
using namespace tenon;

//===----------------------------------------------------------------------===//
// TemporaryFile
//===----------------------------------------------------------------------===//

tenon::Expected<TemporaryFile>
TemporaryFile::create(const std::string &suffix) {
  SmallString<128> path;
  if (std::error_code error =
          sys::fs::createTemporaryFile("tenon", suffix, path))
    return plainError(strCat("cannot make a temporary file: ", error.message()),
                      ExitCode::OutOfResource);
  sys::RemoveFileOnSignal(path);
  return TemporaryFile(path.str().str());
}

TemporaryFile::TemporaryFile(TemporaryFile &&other) noexcept
    : name(std::exchange(other.name, {})) {}

TemporaryFile &TemporaryFile::operator=(TemporaryFile &&other) noexcept {
  std::swap(name, other.name);
  return *this;
}

TemporaryFile::~TemporaryFile() {
  if (name.empty())
    return;
  sys::fs::remove(name);
  sys::DontRemoveFileOnSignal(name);
}

Status TemporaryFile::write(ArrayRef<char> bytes) {
  std::error_code error;
  raw_fd_ostream stream(name, error);
  if (!error) {
    stream.write(bytes.data(), bytes.size());
    stream.close();
    error = stream.error();
    stream.clear_error();
  }
  if (error)
    return errorInFile(name, strCat("cannot write: ", error.message()),
                       ExitCode::OutOfResource);
  return Status::success();
}

//===----------------------------------------------------------------------===//
// Linking
//===----------------------------------------------------------------------===//

/// The runtime's libraries, before those that they use.
static constexpr StringLiteral kArchives[] = {
    "libTenonRuntimeMain.a", "libTenonRuntime.a", "libTenonTemplate.a",
    "libTenonTokenizer.a", "libTenonSupport.a"};

/// Of another architecture there is one archive with all of them.
static constexpr StringLiteral kCrossArchives[] = {"libTenonRuntime.a"};
/// The directory of its archives, and clang's name of it.
static constexpr StringLiteral kAArch64 = "aarch64-linux-gnu";

/// Where the runtime's libraries are.
static std::string findLibraryDirectory() {
  static int anchor;
  SmallString<256> path(sys::fs::getMainExecutable("tenonc", &anchor));
  sys::path::remove_filename(path);
  sys::path::append(path, "..", "lib");
  sys::path::remove_dots(path, /*remove_dot_dot=*/true);
  SmallString<256> archive(path);
  sys::path::append(archive, kArchives[0]);
  if (sys::fs::exists(archive))
    return path.str().str();
  return TENON_LINK_LIBRARY_DIR;
}

static std::string findProgram(StringRef configured, StringRef name) {
  if (sys::fs::can_execute(configured))
    return configured.str();
  if (ErrorOr<std::string> found = sys::findProgramByName(name))
    return *found;
  return {};
}

static std::string sysrootOf(const LinkOptions &options) {
  return options.sysroot.empty() ? TENON_AARCH64_SYSROOT : options.sysroot;
}

Status tenon::checkLinkable(const LinkOptions &options) {
  if (isHostTriple(options.triple))
    return Status::success();
  if (!StringRef(options.triple).starts_with("aarch64"))
    return plainError(strCat("executables for ", options.triple,
                             " are not linked on this machine: --emit=obj "
                             "makes the object"),
                      ExitCode::BadUsage);
  std::string archive =
      findLibraryDirectory() + "/" + kAArch64.str() + "/libTenonRuntime.a";
  if (!sys::fs::exists(archive))
    return withNote(plainError(strCat(
                        "the runtime is not built for AArch64: no ", archive)),
                    "tools/setup-aarch64.sh fetches the libraries that it "
                    "takes; after cmake "
                    "'ninja runtime-aarch64-linux-gnu' builds it");
  std::string sysroot = sysrootOf(options);
  if (!sys::fs::exists(sysroot + "/usr/include/" + kAArch64.str()))
    return withNote(
        plainError(strCat("no C library for AArch64 in ", quoteName(sysroot))),
        "tools/setup-aarch64.sh FOLDER fetches it, and "
        "--sysroot=FOLDER says where it is");
  return Status::success();
}

/// Why nothing of `size` bytes can be written over `path`; 0: it can.
static int cannotWrite(const std::string &path, uint64_t size) {
  int file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
  if (file < 0)
    return errno;
  int error = posix_fallocate(file, 0, static_cast<off_t>(size));
  ::close(file);
  return error;
}

/// Of what a linker that failed has printed, the lines of errors, without the
/// report of its own crash; all of it where there are none.
static std::string errorLines(StringRef text) {
  std::string errors;
  SmallVector<StringRef> lines;
  text.split(lines, '\n', -1, false);
  for (StringRef line : lines)
    if (line.contains("error:"))
      errors += (errors.empty() ? "" : "\n") + line.trim().str();
  return errors.empty() ? text.trim().str() : errors;
}

tenon::Expected<TemporaryFile>
tenon::linkExecutable(ArrayRef<char> object, const LinkOptions &options) {
  tenon::Expected<TemporaryFile> input = TemporaryFile::create("o");
  tenon::Expected<TemporaryFile> output = TemporaryFile::create("elf");
  tenon::Expected<TemporaryFile> messages = TemporaryFile::create("txt");
  for (auto *file : {&input, &output, &messages})
    if (!*file)
      return file->takeError();
  if (Status status = input->write(object); !status)
    return status.takeError();

  // clang knows where this system keeps its C library; lld does the work.
  std::string compiler = findProgram(TENON_LINK_COMPILER, "clang++-22");
  if (compiler.empty())
    return plainError("cannot link: neither " TENON_LINK_COMPILER
                      " nor clang++-22 is there; install clang-22 and lld-22");
  bool isCross = !isHostTriple(options.triple);
  std::string directory = findLibraryDirectory();
  if (isCross)
    directory += "/" + kAArch64.str();
  SmallVector<std::string> arguments = {compiler,       "-o",
                                        output->path(), input->path(),
                                        "-pthread",     "-Wl,--gc-sections"};
  if (StringRef(TENON_LINK_LLD).empty())
    arguments.push_back("-fuse-ld=lld");
  else
    arguments.push_back("-fuse-ld=" TENON_LINK_LLD);
  if (!options.debug)
    arguments.push_back("-Wl,--strip-all");
  if (isCross) {
    arguments.push_back("--target=" + kAArch64.str());
    arguments.push_back("--sysroot=" + sysrootOf(options));
  }
  for (StringRef archive : isCross ? ArrayRef(kCrossArchives) : kArchives)
    arguments.push_back((directory + "/" + archive).str());
  SmallVector<StringRef> libraries;
  StringRef(isCross ? "-l:libxxhash.a;-l:libpcre2-8.a" : TENON_LINK_LIBRARIES)
      .split(libraries, ';', -1, false);
  for (StringRef library : libraries)
    arguments.push_back(library.str());

  if (options.verbose)
    errs() << join(arguments, " ") << "\n";
  SmallVector<StringRef> references(arguments.begin(), arguments.end());
  std::optional<StringRef> redirects[] = {
      StringRef(""), StringRef(messages->path()), StringRef(messages->path())};
  std::string failure;
  int status = sys::ExecuteAndWait(compiler, references, std::nullopt,
                                   redirects, 0, 0, &failure);
  if (status == 0)
    return output;
  if (ErrorOr<std::unique_ptr<MemoryBuffer>> text =
          MemoryBuffer::getFile(messages->path()))
    failure += errorLines((*text)->getBuffer());
  // A full disk and a limit of file sizes show in many ways: ask for what an
  // executable of this object takes.
  constexpr uint64_t runtimeSize = 16 << 20;
  int cause = cannotWrite(output->path(), object.size() + runtimeSize);
  if (cause == ENOSPC || cause == EFBIG || cause == EDQUOT)
    return withNote(
        systemError(output->path(), "write the linked executable", cause),
        "TMPDIR names another directory for temporary files");
  return withNote(
      plainError(strCat("linking failed: ", failure),
                 // The linker could not be started.
                 status == -1 ? ExitCode::OutOfResource : ExitCode::BadInput),
      strCat("the runtime's libraries were looked for in ", directory));
}
