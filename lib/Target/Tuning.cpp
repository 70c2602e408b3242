//===- Tuning.cpp - the table of tuning entries ---------------------------===//

#include "tenon/Target/Tuning.h"
#include "llvm/ADT/STLExtras.h"

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

TuningAttr tenon::getTuning(mlir::MLIRContext *context, StringRef cpu) {
  auto hasCpu = [&](const TuningEntry &entry) {
    SmallVector<StringRef> names;
    StringRef(entry.cpus).split(names, ' ', -1, /*KeepEmpty=*/false);
    return is_contained(names, cpu);
  };
  const std::vector<TuningEntry> &table = getTuningTable();
  auto entry = find_if(table, hasCpu);
  if (entry == table.end())
    entry = table.begin();
  Tuning tuning;
  for (const TuningEntry *source : {&table.front(), &*entry})
    for (const TuningEntry::Number &number : source->numbers)
      tuning.*number.member = number.value;
  return tuning.toAttr(context, entry->name);
}
