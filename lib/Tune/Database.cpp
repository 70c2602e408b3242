//===- Database.cpp - plans that were measured, in a file -----------------===//

#include "tenon/Tune/Database.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/Diagnostics.h"
#include "tenon/Support/AtomicFile.h"
#include "tenon/Support/MappedFile.h"
#include "tenon/Support/Strings.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/Support/Format.h"

#include <cstdlib>
#include <filesystem>

using namespace tenon;
using namespace tenon::tune;
using llvm::StringRef;

static constexpr StringRef kVersionLine = "tenon-tuning 1";
/// A database of every kernel that there is would be smaller.
static constexpr uint64_t kMostBytes = uint64_t(1) << 26;

std::string tune::cpuOf(TargetAttr target) {
  std::string cpu = target.getCpu().str();
  if (!target.getFeatures().empty())
    cpu += "," + target.getFeatures().str();
  return cpu;
}

std::string Database::defaultPath() {
  const char *cache = std::getenv("XDG_CACHE_HOME");
  if (cache && *cache == '/')
    return strCat(cache, "/tenon/tuning.txt");
  const char *home = std::getenv("HOME");
  return home && *home ? strCat(home, "/.cache/tenon/tuning.txt") : "";
}

//===----------------------------------------------------------------------===//
// Reading
//===----------------------------------------------------------------------===//

namespace {

/// An entry while it is read.
class Line {
public:
  Line(const std::string &path, uint64_t number, StringRef text)
      : path(path), number(number), text(text) {}

  std::string cpu, kernel;
  Entry entry;

  Status parse(mlir::MLIRContext &context);

private:
  /// `at`: what the error is about, a part of the line.
  Error error(StringRef at, std::string_view message) const {
    return withNote(
        errorAt(path, number, at.data() - text.data() + 1, message),
        "a line of a tuning database is cpu=... kernel=..., the fields of the "
        "kernel's plan, chosen_us=... tuned_us=...; remove it, or the file, "
        "and measure again with --tune");
  }
  Status parseField(StringRef word);
  Status checkRanges(mlir::MLIRContext &context);

  const std::string &path;
  uint64_t number;
  StringRef text;
  llvm::StringSet<> seen;
};

} // namespace

Status Line::parse(mlir::MLIRContext &context) {
  llvm::SmallVector<StringRef> words;
  text.split(words, ' ', -1, /*KeepEmpty=*/false);
  for (StringRef word : words)
    if (Status status = parseField(word); !status)
      return status;
  for (auto [field, value] : entry.plan.fields())
    if (!seen.contains(field))
      return error(text,
                   strCat("the entry has no field ", quoteName(field.str())));
  for (StringRef field : {"cpu", "kernel", "chosen_us", "tuned_us"})
    if (!seen.contains(field))
      return error(text,
                   strCat("the entry has no field ", quoteName(field.str())));
  return checkRanges(context);
}

Status Line::parseField(StringRef word) {
  auto [name, value] = word.split('=');
  if (value.empty())
    return error(word,
                 strCat("expected FIELD=VALUE, found ", quoteName(word.str())));
  if (!seen.insert(name).second)
    return error(
        word, strCat("the field ", quoteName(name.str()), " is there twice"));
  if (name == "cpu") {
    cpu = value.str();
    return Status::success();
  }
  if (name == "kernel") {
    kernel = value.str();
    if (value.starts_with("attention/"))
      entry.plan.attention.emplace();
    else if (!value.starts_with("linear/"))
      return error(value, "a kernel is linear/... or attention/...");
    return Status::success();
  }
  if (kernel.empty())
    return error(word, strCat("the fields cpu and kernel come first, found ",
                              quoteName(name.str())));
  if (name == "chosen_us" || name == "tuned_us") {
    double &time = name == "chosen_us" ? entry.chosen : entry.tuned;
    if (value.getAsDouble(time) || !(time >= 0 && time < 1e12))
      return error(value, strCat(name.str(),
                                 " is a number of microseconds, "
                                 "found ",
                                 quoteName(value.str())));
    return Status::success();
  }
  if (entry.plan.set(name, value))
    return Status::success();
  std::string known;
  for (auto [field, number] : entry.plan.fields())
    known += (known.empty() ? "" : ", ") + field.str();
  return error(word, strCat(quoteName(word.str()),
                            " is no field of this kernel's plan: ", known));
}

/// The attributes' own verifiers know the ranges.
Status Line::checkRanges(mlir::MLIRContext &context) {
  std::string message;
  mlir::ScopedDiagnosticHandler keep(&context, [&](mlir::Diagnostic &found) {
    message = found.str();
    return mlir::success();
  });
  if (entry.plan.toAttr(&context, [&] {
        return mlir::emitError(mlir::UnknownLoc::get(&context));
      }))
    return Status::success();
  return error(text, message);
}

Expected<Database> Database::read(const std::string &path,
                                  mlir::MLIRContext &context) {
  Database database;
  std::error_code ignored;
  if (!std::filesystem::exists(path, ignored))
    return database;
  Expected<MappedFile> file = MappedFile::open(path);
  if (!file)
    return file.takeError();
  if (file->bytes().size() > kMostBytes)
    return errorInFile(path, "is too large for a tuning database");
  std::string copy(reinterpret_cast<const char *>(file->bytes().data()),
                   file->bytes().size());
  StringRef rest = copy;
  for (uint64_t number = 1; !rest.empty(); ++number) {
    auto [text, after] = rest.split('\n');
    rest = after;
    if (number == 1) {
      if (text == kVersionLine)
        continue;
      if (!text.starts_with("tenon-tuning "))
        return withNote(
            errorAt(path, 1, 1,
                    strCat("is no tuning database: its first line is ",
                           quoteName(text.str()), ", ",
                           quoteName(kVersionLine.str()), " is expected")),
            "--tuning-database names a file that --tune writes");
      database.other = true;
      return database;
    }
    if (text.trim().empty() || text.starts_with("#"))
      continue;
    Line line(path, number, text);
    if (Status status = line.parse(context); !status)
      return status.takeError();
    if (!database.entries
             .try_emplace({line.cpu, line.kernel}, std::move(line.entry))
             .second)
      return errorAt(path, number, 1,
                     strCat("the kernel ", quoteName(line.kernel), " of ",
                            quoteName(line.cpu), " is there twice"));
  }
  return database;
}

//===----------------------------------------------------------------------===//
// Using and writing
//===----------------------------------------------------------------------===//

const Entry *Database::find(const std::string &cpu,
                            const std::string &kernel) const {
  auto found = entries.find({cpu, kernel});
  return found == entries.end() ? nullptr : &found->second;
}

int64_t Database::apply(mlir::ModuleOp module) const {
  TargetAttr target = getTarget(module);
  if (!target || entries.empty())
    return 0;
  mlir::NamedAttrList tuned;
  std::string cpu = cpuOf(target);
  module.walk([&](mlir::Operation *op) {
    std::string key = getKernelKey(op);
    if (key.empty() || tuned.get(key))
      return;
    if (const Entry *entry = find(cpu, key))
      tuned.set(key, entry->plan.toAttr(module.getContext(), [&] {
        return op->emitError(); // Ranges were checked.
      }));
  });
  if (!tuned.empty())
    module->setAttr(kTunedAttrName, tuned.getDictionary(module.getContext()));
  return tuned.getAttrs().size();
}

std::string Database::format() const {
  std::string text = kVersionLine.str() + "\n";
  llvm::raw_string_ostream stream(text);
  for (const auto &[key, entry] : entries) {
    stream << "cpu=" << key.first << " kernel=" << key.second;
    for (auto [name, value] : entry.plan.fields())
      stream << " " << name << "=" << value;
    stream << llvm::format(" chosen_us=%.3f tuned_us=%.3f\n", entry.chosen,
                           entry.tuned);
  }
  return text;
}

Status Database::write(const std::string &path) const {
  std::error_code error;
  std::filesystem::path directory = std::filesystem::path(path).parent_path();
  if (!directory.empty())
    std::filesystem::create_directories(directory, error);
  Expected<AtomicFile> file = AtomicFile::create(path);
  if (!file)
    return file.takeError();
  if (Status status = file->write(std::string_view(format())); !status)
    return status;
  return file->commit();
}
