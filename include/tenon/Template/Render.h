//===- Render.h - runs a chat template --------------------------*- C++ -*-===//

#ifndef TENON_TEMPLATE_RENDER_H
#define TENON_TEMPLATE_RENDER_H

#include "tenon/Template/Program.h"
#include "tenon/Template/Value.h"

#include <ctime>
#include <functional>

namespace tenon::templates {

struct RenderOptions {
  /// Nodes evaluated, and bytes copied / 64, before a template is given up.
  uint64_t maxSteps = 10'000'000;
  /// Bytes written before a template is given up.
  uint64_t maxOutput = uint64_t(16) << 20;
  /// For strftime_now, in local time.
  std::time_t now = std::time(nullptr);
};

/// Runs a template on variables: messages, add_generation_prompt, tools,
/// bos_token, … Beside Jinja's there are tojson, raise_exception and
/// strftime_now as in Transformers. Errors, "NAME:LINE:COLUMN: error: …": what
/// the template raises, operations on values that have none, too many steps,
/// too much output.
Expected<Text> render(const Program &program, const Dict &variables,
                      const RenderOptions &options = {});

} // namespace tenon::templates

#endif // TENON_TEMPLATE_RENDER_H
