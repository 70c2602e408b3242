//===- ChatTemplates.h - a checkpoint's chat template -----------*- C++ -*-===//
#ifndef TENON_LIB_DRIVER_CHATTEMPLATES_H
#define TENON_LIB_DRIVER_CHATTEMPLATES_H

#include "tenon/Checkpoint/ModelDirectory.h"
#include "tenon/Template/ChatTemplate.h"

#include <optional>

namespace tenon {

/// The chat template of a model: chat_template.jinja, `chat_template` of
/// tokenizer_config.json (of several the one called "default"), or GGUF's
/// tokenizer.chat_template; nullopt where there is none. Errors, with line and
/// column: a template that can't be compiled.
Expected<std::optional<templates::ChatTemplate>>
readChatTemplate(const ModelDirectory &directory);

} // namespace tenon

#endif // TENON_LIB_DRIVER_CHATTEMPLATES_H
