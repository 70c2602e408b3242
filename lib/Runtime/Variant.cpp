//===- Variant.cpp - which of the compiled kernels this CPU can run -------===//
#include "tenon/Runtime/Variant.h"

#include "tenon/Support/Strings.h"

using namespace tenon;
using namespace tenon::runtime;

static std::string join(const std::vector<std::string> &words) {
  std::string text;
  for (const std::string &word : words)
    text += (text.empty() ? "" : ", ") + word;
  return text;
}

std::vector<std::string> CpuFeatures::missing(std::string_view list) const {
  std::vector<std::string> absent;
  while (!list.empty()) {
    size_t comma = std::min(list.find(','), list.size());
    std::string_view name = list.substr(0, comma);
    list.remove_prefix(std::min(comma + 1, list.size()));
    // LLVM writes an enabled feature as "+name".
    while (!name.empty() && (name[0] == ' ' || name[0] == '+'))
      name.remove_prefix(1);
    while (!name.empty() && name.back() == ' ')
      name.remove_suffix(1);
    if (!name.empty() && !has(name))
      absent.emplace_back(name);
  }
  return absent;
}

Expected<const TenonVariant *>
tenon::runtime::chooseVariant(std::span<const TenonVariant> variants,
                              const CpuFeatures &cpu, std::string_view only) {
  std::string reasons;
  for (const TenonVariant &variant : variants) {
    if (!only.empty() && only != variant.cpu)
      continue;
    std::vector<std::string> absent = cpu.missing(variant.features);
    if (absent.empty())
      return &variant;
    reasons += strCat("\nnote: the kernels for ", variant.cpu, " need ",
                      join(absent), ", which this CPU lacks");
  }
  if (reasons.empty() && !only.empty()) {
    std::vector<std::string> known;
    for (const TenonVariant &variant : variants)
      known.push_back(variant.cpu);
    return plainError(strCat("no kernels for '", only,
                             "' in this executable; it has: ", join(known)),
                      ExitCode::BadUsage);
  }
  return plainError(strCat("this CPU can't run this executable", reasons,
                           "\nnote: compile the model with ", kOlderCpus,
                           " for older CPUs"),
                    ExitCode::UnsupportedCPU);
}
