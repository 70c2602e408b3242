//===- CommandLine.cpp - finds the command and reads its options ----------===//
//
//   PROGRAM [COMMAND] [OPTIONS] [TEXT…]
//
// Without a command's name the arguments belong to the default one: generate
// for decoders; for encoders fill-mask if the text holds the mask, else embed.
//
//===----------------------------------------------------------------------===//
#include "tenon/Runtime/CommandLine.h"

#include "Commands/Command.h"

#include "tenon/Runtime/Interrupt.h"
#include "tenon/Runtime/TextOutput.h"
#include "tenon/Support/Strings.h"

#include <algorithm>

#include <CLI/CLI.hpp>

using namespace tenon;
using namespace tenon::runtime;

namespace {

using Commands = std::vector<std::unique_ptr<Command>>;

Commands allCommands() {
  Commands commands;
  commands.push_back(makeGenerateCommand());
  commands.push_back(makeScoreCommand());
  commands.push_back(makeLogitsCommand());
  commands.push_back(makeEmbedCommand());
  commands.push_back(makeFillMaskCommand());
  commands.push_back(makeRunCommand());
  commands.push_back(makeTokenizeCommand());
  commands.push_back(makeInfoCommand());
  commands.push_back(makeBenchCommand());
  return commands;
}

bool fits(const Command &command, const Metadata &metadata) {
  Command::For model = command.description.model;
  return model == Command::For::Any ||
         (model == Command::For::Decoder) == metadata.model.isDecoder;
}

Command *findCommand(const Commands &commands, std::string_view name) {
  for (auto &command : commands)
    if (name == command->description.name)
      return command.get();
  return nullptr;
}

void declareGlobalOptions(CLI::App &app, GlobalOptions &options) {
  app.add_option("--threads", options.threads,
                 "Threads to compute with (default: one per physical core)")
      ->check(CLI::Range(1u, 1000u).description(""))
      ->type_name("N")
      ->group("Everywhere");
  app.add_flag("--profile", options.profile,
               "Show the time of every operation on standard error")
      ->group("Everywhere");
  app.add_flag("--verify", options.verify,
               "Compare the checksums of all weights first")
      ->group("Everywhere");
  app.add_option("--weights-memory", options.weightsMemory,
                 "map: weights are pages of this file, shared and there at "
                 "once; huge: a copy in huge pages, read faster (default: by "
                 "size, see info)")
      ->check(CLI::IsMember({"map", "huge"}))
      ->type_name("map|huge")
      ->group("Everywhere");
  app.add_option("--kernels", options.kernels,
                 "Use the kernels compiled for this CPU, not the best ones "
                 "(see info)")
      ->type_name("CPU")
      ->group("Everywhere");
}

std::string overview(const std::string &program, const Commands &commands,
                     const Metadata &metadata) {
  const char *fallback = metadata.model.isDecoder ? "generate" : "embed";
  std::string text = strCat(
      metadata.model.name, ", a ", metadata.model.family,
      metadata.model.isDecoder ? " decoder" : " encoder", " compiled by Tenon ",
      metadata.tenonVersion, "\n\nUsage: ", program,
      " [COMMAND] [OPTIONS] [--] [TEXT]\n       ", program,
      " \"some text\"   is short for   ", program, " ", fallback,
      " \"some text\"\n\nCommands:\n");
  for (auto &command : commands)
    if (fits(*command, metadata))
      text += format("  %-10s %s\n", command->description.name,
                     command->description.summary);
  return text + strCat("\n`", program,
                       " COMMAND --help` lists the options of a command.\n");
}

/// The index of the first argument that is neither a global option nor its
/// value: where a command's name would stand.
size_t skipGlobalOptions(const std::vector<std::string> &arguments) {
  size_t i = 0;
  while (i < arguments.size()) {
    const std::string &argument = arguments[i];
    if (argument == "--threads" || argument == "--kernels" ||
        argument == "--weights-memory")
      i += 2;
    else if (argument == "--profile" || argument == "--verify" ||
             argument.starts_with("--weights-memory=") ||
             argument.starts_with("--threads=") ||
             argument.starts_with("--kernels="))
      i += 1;
    else
      break;
  }
  return std::min(i, arguments.size());
}

Expected<Command *> defaultCommand(const Commands &commands, Program &program,
                                   std::span<const std::string> arguments) {
  if (program.metadata().model.isDecoder)
    return findCommand(commands, "generate");
  if (program.metadata().entry("masked_lm")) {
    auto tokenizer = program.tokenizer();
    if (!tokenizer)
      return tokenizer.takeError();
    if (auto mask = (*tokenizer)->maskToken())
      for (const std::string &argument : arguments)
        if (argument.find((*tokenizer)->piece(*mask)) != std::string::npos)
          return findCommand(commands, "fill-mask");
  }
  return findCommand(commands, "embed");
}

// Stands before a text that begins with a dash, so that CLI11 takes it as one.
constexpr char kTextMark = '\x01';

bool isOptionOf(const CLI::App &app, const std::string &argument) {
  return app.get_option_no_throw(argument.substr(0, argument.find('='))) !=
         nullptr;
}

/// Whether an argument with a dash in front cannot be an option: "- item",
/// "-5", "-n 3 dogs".
bool mustBeText(const CLI::App &app, const std::string &argument) {
  if (argument.size() < 2 || argument[0] != '-' || isOptionOf(app, argument))
    return false;
  std::string_view name =
      std::string_view(argument).substr(0, argument.find('='));
  return name.find_first_of(" \t\n") != name.npos || name[1] == '.' ||
         (name[1] >= '0' && name[1] <= '9');
}

/// Joins an option and a value that begins with a dash, and marks texts that
/// do.
std::vector<std::string> markTexts(const CLI::App &app,
                                   const std::vector<std::string> &arguments) {
  std::vector<std::string> out;
  for (size_t i = 0; i < arguments.size(); ++i) {
    const std::string &argument = arguments[i];
    if (argument == "--") {
      out.insert(out.end(), arguments.begin() + i, arguments.end());
      break;
    }
    const CLI::Option *option = app.get_option_no_throw(argument);
    bool takesValue = option && option->get_items_expected_min() > 0;
    if (takesValue && i + 1 < arguments.size() &&
        arguments[i + 1].starts_with('-') && arguments[i + 1].size() > 1 &&
        !isOptionOf(app, arguments[i + 1]) && !option->get_lnames().empty()) {
      out.push_back(
          strCat("--", option->get_lnames()[0], "=", arguments[i + 1]));
      ++i;
    } else if (mustBeText(app, argument)) {
      out.push_back(kTextMark + argument);
    } else {
      out.push_back(argument);
    }
  }
  return out;
}

/// Reads the options of `command` from `arguments`; the rest becomes texts.
Status parseOptions(Program &program, Command &command,
                    const std::string &programName,
                    std::vector<std::string> arguments, bool &onlyHelp) {
  CLI::App app(command.description.summary);
  std::string usage = strCat(programName, " ", command.description.name);
  app.name(*command.description.arguments
               ? strCat(usage, " ", command.description.arguments)
               : usage);
  // Texts are taken from the extras: as CLI11 positionals, those that begin
  // with '[' and end with ']' would be split at commas.
  app.allow_extras();
  command.declareOptions(app);
  declareGlobalOptions(app, program.options);

  arguments = markTexts(app, arguments);
  auto dashes = std::find(arguments.begin(), arguments.end(), "--");
  std::vector<std::string> verbatim(
      dashes == arguments.end() ? dashes : dashes + 1, arguments.end());
  arguments.erase(dashes, arguments.end());
  std::reverse(arguments.begin(), arguments.end()); // as CLI11 wants it
  auto usageError = [&](const std::string &what) {
    return withNote(plainError(what, ExitCode::BadUsage),
                    strCat("`", usage, " --help` lists the options"));
  };
  try {
    app.parse(std::move(arguments));
  } catch (const CLI::CallForHelp &) {
    onlyHelp = true;
    return writeOutput(app.help());
  } catch (const CLI::Error &error) {
    return usageError(error.what());
  }
  for (std::string text : app.remaining()) {
    if (text.size() > 1 && text[0] == '-')
      return withNote(usageError(strCat("unknown option '", text, "'")),
                      "a text that begins with a dash goes behind '--'");
    if (text.starts_with(kTextMark))
      text.erase(0, 1);
    program.texts.push_back(std::move(text));
  }
  program.texts.insert(program.texts.end(), verbatim.begin(), verbatim.end());
  if (!program.texts.empty() && !*command.description.arguments)
    return usageError(strCat("unexpected argument '", program.texts[0], "'"));
  return {};
}

Status runCommand(Program &program, const std::string &programName,
                  std::vector<std::string> arguments) {
  const Metadata &metadata = program.metadata();
  Commands commands = allCommands();
  size_t at = skipGlobalOptions(arguments);
  std::string_view first =
      at < arguments.size() ? std::string_view(arguments[at]) : "";
  if (first == "--help" || first == "-h" || first == "help")
    return writeOutput(overview(programName, commands, metadata));
  if (first == "--version") {
    std::string cpus;
    for (const VariantInfo &variant : metadata.variants)
      cpus += (cpus.empty() ? "" : ", ") + variant.cpu;
    return writeOutput(strCat(metadata.model.name, ", compiled by Tenon ",
                              metadata.tenonVersion, " for ", cpus, "\n"));
  }
  if (at == arguments.size()) {
    std::string text = overview(programName, commands, metadata);
    text.pop_back();
    return Error{text, ExitCode::BadUsage};
  }

  Command *command = findCommand(commands, first);
  if (command) {
    arguments.erase(arguments.begin() + at);
  } else {
    auto chosen = defaultCommand(commands, program, arguments);
    if (!chosen)
      return chosen.takeError();
    command = *chosen;
  }
  if (!fits(*command, metadata)) {
    const char *kind = metadata.model.isDecoder ? "a decoder" : "an encoder";
    const char *other = metadata.model.isDecoder ? "encoders" : "decoders";
    return withNote(
        plainError(strCat("'", command->description.name, "' is for ", other,
                          "; this model is ", kind),
                   ExitCode::BadUsage),
        strCat("`", programName, " --help` lists what it can do"));
  }
  bool onlyHelp = false;
  Status parsed = parseOptions(program, *command, programName,
                               std::move(arguments), onlyHelp);
  if (!parsed || onlyHelp)
    return parsed;
  if (program.options.verify)
    if (Status status = program.payload.verifyAll(); !status)
      return status;
  return command->run(program);
}

Status runAll(std::span<char *> arguments,
              std::span<const TenonVariant> variants) {
  auto payload = Payload::openSelf();
  if (!payload)
    return payload.takeError();
  if (Status status = payload->verify("tokenizer"); !status)
    return status;
  Program program(std::move(*payload), variants);
  std::string name = arguments.empty() ? "model" : arguments[0];
  std::vector<std::string> rest;
  for (size_t i = 1; i < arguments.size(); ++i)
    rest.emplace_back(arguments[i]);
  return runCommand(program, name.substr(name.find_last_of('/') + 1),
                    std::move(rest));
}

} // namespace

int tenon::runtime::runProgram(std::span<char *> arguments,
                               std::span<const TenonVariant> variants) {
  prepareProcess();
  Status status;
  try {
    status = runAll(arguments, variants);
  } catch (const std::bad_alloc &) {
    status = plainError("not enough memory", ExitCode::OutOfResource);
  } catch (const std::exception &exception) {
    // Third-party code threw what we didn't foresee.
    status = plainError(exception.what());
  }
  if (status)
    return 0;
  if (!status.error().message.empty())
    printNote(status.error().message + "\n");
  return static_cast<int>(status.error().code);
}
