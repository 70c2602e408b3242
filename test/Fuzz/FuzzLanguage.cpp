//===- FuzzLanguage.cpp - a stranger's .tenon file -----------------------===//
//
// The input is a description. It is parsed and checked, with the parts that
// are built in; one that parses has a canonical form, which parses too and is
// its own canonical form.
//
//===----------------------------------------------------------------------===//

#include "tenon/Language/Bind.h"
#include "tenon/Language/Commands.h"
#include "tenon/Language/Format.h"
#include "tenon/Language/Parser.h"
#include "tenon/Models/Models.h"

#include <nlohmann/json.hpp>

#include <cstdlib>

using namespace tenon::lang;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  std::string text(reinterpret_cast<const char *>(data), size);
  Diagnostics diagnostics;
  auto model = parseModel(SourceFile("a.tenon", text), diagnostics);
  (void)diagnostics.str();
  if (!model)
    return 0;
  std::string canonical = formatModel(*model);
  Diagnostics none;
  auto again = parseModel(SourceFile("b.tenon", canonical), none);
  if (!again || formatModel(*again) != canonical)
    std::abort();
  Diagnostics checking;
  auto checked =
      loadModelText("a.tenon", text, checking, tenon::listParts());
  if (!checked)
    return 0;
  // Without a configuration: what has no default is reported.
  nlohmann::json empty = nlohmann::json::object();
  if (auto bound = bindModel(*checked, {empty, "config.json"}, checking))
    (void)resolveWeights(*bound, nullptr, checking);
  (void)checking.str();
  return 0;
}
