//===- ChatTemplate.h - how a model wants to be spoken to -------*- C++ -*-===//

#ifndef TENON_TEMPLATE_CHATTEMPLATE_H
#define TENON_TEMPLATE_CHATTEMPLATE_H

#include "tenon/Template/Render.h"

#include <utility>

namespace tenon::templates {

/// The section "chat" of an executable: a model's template, and the texts that
/// Transformers gives to templates as bos_token, eos_token and the like.
struct ChatTemplate {
  Program program;
  std::vector<std::pair<std::string, std::string>> tokens;

  std::string serialize() const;
  static Expected<ChatTemplate> deserialize(std::span<const std::byte> bytes);

  /// What `messages`, a list of dicts with "role" and "content", look like to
  /// the model, with what comes before its answer. `variables` are set beside
  /// the template's own, and before them: tools, enable_thinking, ….
  Expected<Text> prompt(const Value &messages, const Dict &variables = {},
                        const RenderOptions &options = {}) const;
};

} // namespace tenon::templates

#endif // TENON_TEMPLATE_CHATTEMPLATE_H
