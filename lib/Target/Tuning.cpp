//===- Tuning.cpp - the table of tuning entries ---------------------------===//

#include "tenon/Target/Tuning.h"
#include "mlir/IR/Diagnostics.h"
#include "tenon/Support/Strings.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"

using namespace llvm;
using namespace tenon;

static std::vector<TuningEntry> makeTable() {
  std::vector<TuningEntry> table;
#define ENTRY(NAME, CPUS) table.push_back({NAME, CPUS, {}});
#define NUMBER(FIELD, VALUE, SOURCE)                                           \
  table.back().numbers.push_back({#FIELD, &Tuning::FIELD, VALUE, SOURCE});
#include "Tuning.def"
#undef ENTRY
#undef NUMBER
  return table;
}

const std::vector<TuningEntry> &tenon::getTuningTable() {
  static const std::vector<TuningEntry> table = makeTable();
  return table;
}

TuningAttr tenon::getTuning(mlir::MLIRContext *context, StringRef cpu,
                            StringRef otherwise) {
  auto hasCpu = [&](const TuningEntry &entry) {
    SmallVector<StringRef> names;
    StringRef(entry.cpus).split(names, ' ', -1, /*KeepEmpty=*/false);
    return is_contained(names, cpu);
  };
  const std::vector<TuningEntry> &table = getTuningTable();
  auto entry = find_if(table, hasCpu);
  if (entry == table.end())
    entry = find_if(table, [&](const TuningEntry &candidate) {
      return StringRef(candidate.name) == otherwise;
    });
  assert(entry != table.end() && "no such entry");
  Tuning tuning;
  for (const TuningEntry *source : {&table.front(), &*entry})
    for (const TuningEntry::Number &number : source->numbers)
      tuning.*number.member = number.value;
  return tuning.toAttr(context, entry->name);
}

/// prefetchDistance as prefetch_distance.
static std::string spell(std::string_view field) {
  std::string name;
  for (char c : field) {
    if (isUpper(c))
      name += '_';
    name += toLower(c);
  }
  return name;
}

tenon::Expected<TargetAttr> tenon::overrideTuning(TargetAttr target,
                                                  StringRef numbers) {
  if (numbers.empty())
    return target;
  Tuning tuning = Tuning::of(target);
  const TuningEntry &generic = getTuningTable().front();
  SmallVector<StringRef> words;
  numbers.split(words, ',');
  for (StringRef word : words) {
    auto [name, value] = word.split('=');
    std::string known;
    int64_t Tuning::*member = nullptr;
    for (const TuningEntry::Number &number : generic.numbers) {
      std::string spelled = spell(number.field);
      if (spelled == name)
        member = number.member;
      known += (known.empty() ? "" : ", ") + spelled;
    }
    if (!member)
      return withNote(
          plainError(strCat("a tuning has no number ", quoteName(name.str())),
                     ExitCode::BadUsage),
          strCat("its numbers are ", known));
    if (value.getAsInteger(10, tuning.*member))
      return plainError(strCat(name.str(), " takes an integer, found ",
                               quoteName(value.str())),
                        ExitCode::BadUsage);
  }
  // The attribute's own verifier knows the ranges.
  mlir::MLIRContext *context = target.getContext();
  std::string message;
  mlir::ScopedDiagnosticHandler keep(context, [&](mlir::Diagnostic &found) {
    message = found.str();
    return mlir::success();
  });
  TuningAttr attr = tuning.toChecked(
      [&] { return mlir::emitError(mlir::UnknownLoc::get(context)); }, context,
      target.getTuning() ? target.getTuning().getName() : "generic");
  if (!attr)
    return plainError(message, ExitCode::BadUsage);
  return mlir::cast<TargetAttr>(
      target.replace([&](TuningAttr) -> mlir::Attribute { return attr; }));
}
