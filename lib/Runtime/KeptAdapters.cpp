//===- KeptAdapters.cpp - adapters that a program chooses from ------------===//
#include "tenon/Runtime/KeptAdapters.h"

#include "tenon/Support/Strings.h"

#include <cstring>
#include <span>

using namespace tenon;
using namespace tenon::runtime;

std::vector<std::string>
tenon::runtime::adapterNames(const Metadata &metadata) {
  std::vector<std::string> names;
  for (const SectionInfo &section : metadata.sections)
    if (section.name.starts_with(kAdapterSection))
      names.push_back(section.name.substr(kAdapterSection.size()));
  return names;
}

Expected<Region> tenon::runtime::weightsWithAdapter(const Payload &payload,
                                                    const std::string &name) {
  const Metadata &metadata = payload.metadata();
  std::string known;
  for (const std::string &other : adapterNames(metadata))
    known += (known.empty() ? "" : ", ") + other;
  std::string section = adapterSection(name);
  const SectionInfo *info = metadata.section(section);
  if (!info)
    return withNote(plainError(strCat("--adapter ", name,
                                      ": this program has no such adapter"),
                               ExitCode::BadUsage),
                    "it has " + known);
  // What is chosen is read whole anyway.
  if (Status status = payload.verify(section); !status)
    return status.takeError();
  auto adapter = payload.map(section);
  if (!adapter)
    return adapter.takeError();
  auto weights = payload.load("weights");
  if (!weights)
    return weights.takeError();
  const SectionInfo *all = metadata.section("weights");
  uint64_t room = all ? all->size : 0;
  std::span<const std::byte> rest(adapter->data(), info->size);
  while (!rest.empty()) {
    uint64_t place[2] = {UINT64_MAX, 0}; // where, and how many bytes
    if (rest.size() >= sizeof place) {
      std::memcpy(place, rest.data(), sizeof place);
      rest = rest.subspan(sizeof place);
    }
    auto [begin, size] = place;
    if (begin > room || size > room - begin || size > rest.size())
      return plainError(strCat("section '", section,
                               "': a place leaves the section 'weights'"),
                        ExitCode::CorruptPayload);
    std::memcpy(weights->data() + begin, rest.data(), size);
    rest = rest.subspan(size);
  }
  return std::move(*weights);
}
