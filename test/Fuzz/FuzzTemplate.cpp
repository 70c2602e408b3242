//===- FuzzTemplate.cpp - a stranger's chat template ---------------------===//
//
// The input is a template. It is compiled, stored and read again, and renders
// the same conversation both times, within its budget.
//
//===----------------------------------------------------------------------===//

#include "tenon/Template/ChatTemplate.h"

#include <cstdlib>

using namespace tenon;
using namespace tenon::templates;

static Value conversation() {
  auto message = [](const char *role, const char *text) {
    Dict dict;
    dict.entries.emplace_back(Value("role"), Value(role));
    dict.entries.emplace_back(Value("content"),
                              Value(Text(text, /*fromUser=*/true)));
    return Value(std::move(dict));
  };
  return Value(List{message("system", "Be brief."),
                    message("user", "na\xc3\xafve \xf0\x9f\x99\x82"),
                    message("assistant", "yes"), message("user", "")});
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  std::string_view text(reinterpret_cast<const char *>(data), size);
  auto program = compileTemplate(text, "template");
  if (!program)
    return 0;
  ChatTemplate chat;
  chat.program = *std::move(program);
  chat.tokens.emplace_back("bos_token", "<s>");
  std::string bytes = chat.serialize();
  auto copy = ChatTemplate::deserialize(std::as_bytes(std::span(bytes)));
  if (!copy)
    std::abort();
  RenderOptions options;
  // Few, for more inputs in a second: loops that end at them are most of what
  // they cost.
  options.maxSteps = 2'000;
  options.maxOutput = 1 << 16;
  options.now = 0;
  auto first = chat.prompt(conversation(), {}, options);
  auto again = copy->prompt(conversation(), {}, options);
  if (bool(first) != bool(again))
    std::abort();
  if (first &&
      (first->bytes() != again->bytes() || first->size() > options.maxOutput))
    std::abort();
  return 0;
}
