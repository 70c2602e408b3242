//===- Chat.cpp - a conversation, turn by turn ----------------------------===//
//
// The model's chat template says what the conversation looks like to it. After
// each turn the whole of it is written anew; the tokens that are as before stay
// in the model's cache. What a user writes never becomes a special token,
// whatever it spells.
//
//===----------------------------------------------------------------------===//
#include "Command.h"
#include "Continuation.h"
#include "SamplingFlags.h"

#include "tenon/Runtime/Interrupt.h"
#include "tenon/Support/Strings.h"
#include "tenon/Template/ChatTemplate.h"

#include <algorithm>
#include <iostream>

#include <CLI/CLI.hpp>
#include <unistd.h>

using namespace tenon;
using namespace tenon::runtime;
using tenon::templates::ChatTemplate;
using tenon::templates::Dict;
using tenon::templates::List;
using tenon::templates::Text;
using tenon::templates::Value;

namespace {

class Chat : public Command {
public:
  Chat()
      : Command({"chat", "[MESSAGE]",
                 "Talk with the model; without a message, turn by turn",
                 For::Decoder}) {}

  void declareOptions(CLI::App &app) override;
  Status run(Program &program) override;

private:
  Status prepare(Program &program);
  Status readMessages();
  Status setVariables();
  Status converse(Program &program, Model &model);
  Status answer(Program &program, Model &model);
  Expected<std::vector<int32_t>> encodePrompt() const;
  void say(const char *role, std::string content);

  std::optional<std::string> system, messagesFile;
  std::vector<std::string> variableFlags;
  SamplingFlags sampling;
  ContinuationOptions options;
  bool showPrompt = false;

  ChatTemplate chat;
  const Tokenizer *tokenizer = nullptr;
  List messages;
  Dict variables;
  std::vector<int32_t> context; ///< the tokens that the model's cache holds
};

} // namespace

void Chat::declareOptions(CLI::App &app) {
  auto add = [&](const char *name, auto &to, const char *type,
                 const char *help) {
    return app.add_option(name, to, help)->type_name(type);
  };
  add("--system", system, "TEXT", "What the model is told before all else");
  add("--messages", messagesFile, "FILE",
      "Answer the conversation of a JSON file (-: stdin): a list of messages, "
      "or an object with \"messages\" and other variables of the template");
  add("--set", variableFlags, "NAME=JSON",
      "Set a variable of the template, such as enable_thinking=false (may be "
      "repeated)")
      ->allow_extra_args(false);
  add("-n,--max-tokens", options.count, "N",
      "Tokens of an answer at most (default -1: until it ends or the context "
      "is full)");
  sampling.declare(app);
  app.add_flag("--show-prompt", showPrompt,
               "Print what the model would read, and stop");
}

void Chat::say(const char *role, std::string content) {
  Dict message;
  message.set("role", role);
  message.set("content", Value(Text(std::move(content), /*fromUser=*/true)));
  messages.push_back(Value(std::move(message)));
}

Status Chat::readMessages() {
  if (!messagesFile)
    return {};
  auto text = readInput(*messagesFile);
  if (!text)
    return text.takeError();
  std::string name = *messagesFile == "-" ? "<stdin>" : *messagesFile;
  auto value = templates::valueFromJson(*text, name);
  if (!value)
    return value.takeError();
  Value list = *value;
  if (const Dict *object = value->dict()) {
    for (const auto &[key, member] : object->entries)
      if (!templates::equals(key, Value("messages")))
        variables.set(key, member);
    const Value *found = object->find(std::string_view("messages"));
    list = found ? *found : Value();
  }
  if (!list.list())
    return errorInFile(name, "expected a list of messages, or an object with "
                             "\"messages\"");
  messages.insert(messages.end(), list.list()->begin(), list.list()->end());
  return {};
}

Status Chat::setVariables() {
  for (const std::string &flag : variableFlags) {
    size_t sign = flag.find('=');
    if (sign == std::string::npos || sign == 0)
      return plainError(
          strCat("--set expects NAME=JSON, not ", quoteName(flag)),
          ExitCode::BadUsage);
    auto value = templates::valueFromJson(flag.substr(sign + 1), "--set");
    if (!value)
      return value.takeError();
    variables.set(Value(flag.substr(0, sign)), *value);
  }
  return {};
}

Status Chat::prepare(Program &program) {
  auto section = program.payload.map("chat");
  if (!section)
    return section.takeError();
  if (section->size() == 0)
    return withNote(
        plainError("this model has no chat template", ExitCode::BadUsage),
        "it comes from tokenizer_config.json, chat_template.jinja "
        "or GGUF's tokenizer.chat_template; `generate` continues "
        "texts");
  auto loaded = ChatTemplate::deserialize(section->span());
  if (!loaded)
    return loaded.takeError();
  chat = *std::move(loaded);
  if (system)
    say("system", *system);
  if (Status status = readMessages(); !status)
    return status;
  if (Status status = setVariables(); !status)
    return status;
  if (!program.texts.empty())
    say("user", program.joinedTexts());
  return {};
}

Expected<std::vector<int32_t>> Chat::encodePrompt() const {
  auto prompt = chat.prompt(Value(messages), variables);
  if (!prompt)
    return prompt.takeError();
  return tokenizer->encodeMarked(prompt->bytes(), prompt->userMarks());
}

/// The model's answer to the conversation so far; it becomes a part of it.
Status Chat::answer(Program &program, Model &model) {
  auto tokens = encodePrompt();
  if (!tokens)
    return tokens.takeError();
  if (tokens->empty())
    return plainError("the chat template writes nothing");
  // The last token is always run: its logits choose the next.
  size_t known = std::mismatch(context.begin(), context.end(), tokens->begin(),
                               tokens->end() - 1)
                     .first -
                 context.begin();
  model.rewind(static_cast<int64_t>(known));
  known = static_cast<size_t>(model.position());
  if (Status status = model.prefill(std::span(*tokens).subspan(known), 0,
                                    Model::Want::Last);
      !status)
    return status;

  OrderedOutput output;
  Continuation text(program.metadata(), tokenizer, options,
                    Prompt{{}, std::move(*tokens)}, output);
  while (true) {
    if (interrupted()) {
      Status finished = text.finish(/*cut=*/true);
      return finished ? Status(interruption()) : finished;
    }
    auto goesOn = text.choose(model.logits(), model.position());
    if (!goesOn)
      return goesOn.takeError();
    if (!*goesOn)
      break;
    if (Status status = model.decode(text.tokens().back()); !status)
      return status;
  }
  if (Status status = text.finish(); !status)
    return status;
  if (text.isContextFull())
    printNote(strCat("note: the context of ", program.metadata().model.context,
                     " tokens is full\n"));
  context.assign(text.tokens().begin(),
                 text.tokens().begin() + model.position());
  auto said =
      tokenizer->decode(std::span(text.tokens()).subspan(text.promptTokens()));
  if (!said)
    return said.takeError();
  say("assistant", *std::move(said));
  return {};
}

Status Chat::converse(Program &program, Model &model) {
  bool isTerminal = isatty(STDIN_FILENO);
  std::string line;
  while (true) {
    if (isTerminal)
      printNote("> ");
    if (!std::getline(std::cin, line))
      break;
    if (line.empty())
      continue;
    say("user", line);
    if (Status status = answer(program, model); !status)
      return status;
  }
  if (isTerminal)
    printNote("\n");
  return {};
}

Status Chat::run(Program &program) {
  if (Status status = prepare(program); !status)
    return status;
  bool isSingle = messagesFile || !program.texts.empty();
  if (showPrompt) {
    auto prompt = chat.prompt(Value(messages), variables);
    if (!prompt)
      return prompt.takeError();
    return writeOutput(prompt->bytes());
  }
  auto sampler = sampling.options(program.metadata().generation);
  if (!sampler)
    return sampler.takeError();
  options.sampler = *sampler;
  options.echo = false;
  auto loadedTokenizer = program.tokenizer();
  if (!loadedTokenizer)
    return loadedTokenizer.takeError();
  tokenizer = *loadedTokenizer;
  auto model = program.model();
  if (!model)
    return model.takeError();
  Executor::Session session(program.executor());
  return isSingle ? answer(program, **model) : converse(program, **model);
}

std::unique_ptr<Command> tenon::runtime::makeChatCommand() {
  return std::make_unique<Chat>();
}
