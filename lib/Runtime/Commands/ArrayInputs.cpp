//===- ArrayInputs.cpp - inputs that are arrays of numbers ----------------===//
#include "ArrayInputs.h"

#include "tenon/Support/Strings.h"

#include <algorithm>

#include <CLI/CLI.hpp>

using namespace tenon;
using namespace tenon::runtime;

bool tenon::runtime::takesArraysOnly(const EntryInfo &entry) {
  return !entry.inputs.empty() &&
         std::ranges::all_of(entry.inputs, [](const InputInfo &input) {
           return input.isArray();
         });
}

std::string tenon::runtime::shapeOf(const InputInfo &input) {
  std::string text;
  for (int64_t extent : input.shape)
    text += (text.empty() ? "" : ", ") + (extent == InputInfo::kTokens
                                              ? std::string("T")
                                              : std::to_string(extent));
  return "[" + text + "]";
}

void ArrayInputs::declareOptions(CLI::App &app, const char *names) {
  app.add_option(names, arguments,
                 "An input that is no text, as the model takes it (see info "
                 "--json), float32, from a .npy file (may be repeated)")
      ->allow_extra_args(false)
      ->type_name("NAME=FILE");
}

Expected<NamedArrays> ArrayInputs::read() const {
  NamedArrays arrays;
  for (const std::string &argument : arguments) {
    size_t equals = argument.find('=');
    if (equals == 0 || equals == argument.npos)
      return plainError(
          strCat("--input is NAME=FILE, not ", quoteName(argument)),
          ExitCode::BadUsage);
    std::string name = argument.substr(0, equals);
    auto array = readNpy(argument.substr(equals + 1));
    if (!array)
      return array.takeError();
    if (!arrays.emplace(name, std::move(*array)).second)
      return plainError(
          strCat("the input ", quoteName(name), " is given twice"),
          ExitCode::BadUsage);
  }
  return arrays;
}
