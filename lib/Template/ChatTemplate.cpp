//===- ChatTemplate.cpp - how a model wants to be spoken to ---------------===//

#include "tenon/Template/ChatTemplate.h"

#include "tenon/Support/ByteReader.h"

using namespace tenon;
using namespace tenon::templates;

std::string ChatTemplate::serialize() const {
  ByteWriter writer;
  writer.writeString(program.serialize());
  writer.write(static_cast<uint32_t>(tokens.size()));
  for (const auto &[name, text] : tokens) {
    writer.writeString(name);
    writer.writeString(text);
  }
  return writer.take();
}

Expected<ChatTemplate>
ChatTemplate::deserialize(std::span<const std::byte> bytes) {
  ByteReader reader(bytes);
  std::string_view body = reader.readString();
  Expected<Program> program =
      Program::deserialize(std::as_bytes(std::span(body)));
  if (!program)
    return program.takeError();
  ChatTemplate chat;
  chat.program = *std::move(program);
  uint32_t count = reader.read<uint32_t>();
  for (uint32_t i = 0; i < count && reader.ok(); ++i) {
    std::string name(reader.readString());
    chat.tokens.emplace_back(std::move(name), reader.readString());
  }
  if (!reader.ok() || !reader.atEnd())
    return errorInFile("chat template", "the section 'chat' is damaged",
                       ExitCode::CorruptPayload);
  return chat;
}

Expected<Text> ChatTemplate::prompt(const Value &messages,
                                    const Dict &variables,
                                    const RenderOptions &options) const {
  Dict all;
  all.set("messages", messages);
  all.set("add_generation_prompt", true);
  all.set("tools", Value());
  all.set("documents", Value());
  for (const auto &[name, text] : tokens)
    all.set(Value(name), Value(text));
  for (const auto &[name, value] : variables.entries)
    all.set(name, value);
  return render(program, all, options);
}
