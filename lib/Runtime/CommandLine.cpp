//===- CommandLine.cpp - finds the command and reads its options ----------===//
//
//   PROGRAM [COMMAND] [OPTIONS] [TEXT…]
//
// Entries of the description are commands: what they make of a text follows
// from the type of the entry's result. Without a command's name the arguments
// belong to the one of the entry that the model's class runs: generate for
// decoders.
//
//===----------------------------------------------------------------------===//
#include "tenon/Runtime/CommandLine.h"

#include "Commands/Command.h"
#include "Commands/EntryCommand.h"

#include "tenon/Runtime/Interrupt.h"
#include "tenon/Runtime/KeptAdapters.h"
#include "tenon/Runtime/TextOutput.h"
#include "tenon/Support/ProcessGuard.h"
#include "tenon/Support/Strings.h"

#include <algorithm>

#include <CLI/CLI.hpp>

using namespace tenon;
using namespace tenon::runtime;

namespace {

using Commands = std::vector<std::unique_ptr<Command>>;

Command *findCommand(const Commands &commands, std::string_view name) {
  for (auto &command : commands)
    if (name == command->description.name)
      return command.get();
  return nullptr;
}

bool takesTokens(const EntryInfo &entry) {
  return !entry.inputs.empty() && entry.inputs[0].element == "token";
}

bool fits(const Command &command, const Metadata &metadata) {
  if (command.description.model == Command::For::Source)
    return metadata.hasSource() &&
           takesTokens(*metadata.entry("encode")); // texts are translated
  return command.description.model == Command::For::Any ||
         metadata.entry("prefill");
}

/// The command that an entry is asked for by; null: `run` alone.
std::unique_ptr<Command> makeCommand(const EntryInfo &entry) {
  bool isOfText = entry.outputRows == EntryInfo::Rows::Fixed;
  if (takesArraysOnly(entry) && entry.element == "labels" && isOfText)
    return makeClassifyCommand(entry);
  if (!takesTokens(entry))
    return nullptr;
  if (entry.element == "labels")
    return isOfText ? makeClassifyCommand(entry) : makeTagCommand(entry);
  if (entry.element == "span")
    return makeAnswerCommand(entry);
  if (entry.element == "token")
    return entry.incremental ? nullptr : makeFillMaskCommand(entry);
  return isOfText && entry.fixedRows == 1 ? makeEmbedCommand(entry) : nullptr;
}

Commands allCommands(const Metadata &metadata) {
  Commands commands;
  if (metadata.entry("gradient")) {
    commands.push_back(makeTrainCommand());
    commands.push_back(makeEvalCommand());
    commands.push_back(makeSequencesCommand());
    commands.push_back(makeGenerateCommand());
    commands.push_back(makeChatCommand());
    commands.push_back(makeScoreCommand());
    commands.push_back(makeLogitsCommand());
    commands.push_back(makeTokenizeCommand());
    commands.push_back(makeInfoCommand());
    commands.push_back(makeBenchCommand());
    return commands;
  }
  commands.push_back(makeGenerateCommand());
  commands.push_back(makeTranslateCommand());
  commands.push_back(makeSummarizeCommand());
  commands.push_back(makeChatCommand());
  commands.push_back(makeScoreCommand());
  bool hasTokens = std::ranges::any_of(metadata.entries, takesTokens);
  if (hasTokens)
    commands.push_back(makeLogitsCommand());
  for (const EntryInfo &entry : metadata.entries) {
    if (metadata.entryOf(entry.of) != &entry)
      continue;
    if (auto command = makeCommand(entry))
      commands.push_back(std::move(command));
    if (entry.element == "labels" &&
        entry.outputRows == EntryInfo::Rows::Fixed && takesTokens(entry) &&
        !findCommand(commands, "rerank"))
      commands.push_back(makeRerankCommand(entry));
  }
  // Hidden states that no entry makes a vector of.
  const EntryInfo *forward = metadata.entryOf("forward");
  if (forward && takesTokens(*forward) && forward->element.empty() &&
      !findCommand(commands, "embed"))
    commands.push_back(makeEmbedCommand(*forward));
  commands.push_back(makeRunCommand());
  if (hasTokens)
    commands.push_back(makeTokenizeCommand());
  commands.push_back(makeInfoCommand());
  if (hasTokens)
    commands.push_back(makeBenchCommand());
  return commands;
}

void declareGlobalOptions(CLI::App &app, GlobalOptions &options,
                          const Metadata &metadata) {
  app.add_option("--threads", options.threads,
                 "Threads to compute with (default: one per physical core)")
      ->check(CLI::Range(1u, 1000u).description(""))
      ->type_name("N")
      ->group("Everywhere");
  app.add_flag("--profile", options.profile,
               "Show the time of every operation on standard error")
      ->group("Everywhere");
  app.add_option("--trace", options.trace,
                 "Write when every operation ran, for Perfetto or "
                 "chrome://tracing")
      ->type_name("FILE")
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
  if (metadata.entry("gradient"))
    app.add_option("--from", options.from,
                   "Take the weights of the training in this directory, not "
                   "those that were compiled in")
        ->type_name("DIR")
        ->group("Everywhere");
  if (!adapterNames(metadata).empty())
    app.add_option("--adapter", options.from,
                   "Add the adapter of this name, which the program keeps, to "
                   "the weights (see info)")
        ->type_name("NAME")
        ->group("Everywhere");
  app.add_option("--kernels", options.kernels,
                 "Use the kernels compiled for this CPU, not the best ones "
                 "(see info)")
      ->type_name("CPU")
      ->group("Everywhere");
}

/// Names that are commands of some models: in others they are no texts.
constexpr std::string_view kEntryCommands[] = {"answer",    "classify", "embed",
                                               "fill-mask", "rerank",   "tag"};

/// The command that a plain text is for; null: there is none.
Command *defaultCommand(const Metadata &metadata, const Commands &commands) {
  const EntryInfo *entry = metadata.entryOf(metadata.model.entry);
  if (entry && entry->name == "prefill")
    return findCommand(commands, "generate");
  std::string name = commandName(metadata.model.entry);
  Command *command = findCommand(commands, name);
  // A text without a mask has nothing to guess.
  if (!command || name == "fill-mask")
    if (Command *embed = findCommand(commands, "embed"))
      command = embed;
  return command;
}

/// What the class's entry is computed from besides tokens: of a decoder's
/// source, what "encode" reads.
const EntryInfo *arrayEntry(const Metadata &metadata) {
  const EntryInfo *entry = metadata.entryOf(metadata.model.entry);
  if (entry && entry->name == "prefill" && metadata.hasSource())
    entry = metadata.entry("encode");
  return entry && takesArraysOnly(*entry) ? entry : nullptr;
}

/// How arrays are given, and what is left to whoever makes them.
std::string describeArrays(const EntryInfo &entry) {
  std::string text = "\nIts input is no text:\n";
  for (const InputInfo &input : entry.inputs)
    text += strCat("  --input ", input.name, "=FILE.npy   ", input.element,
                   "s, float32 ", shapeOf(input), "\n");
  return text + "as the checkpoint's own processor prepares them: files of "
                "images and sound are not\nread, nor resized, normalized or "
                "transformed.\n";
}

std::string overview(const std::string &program, const Commands &commands,
                     const Metadata &metadata) {
  Command *fallback = defaultCommand(metadata, commands);
  std::string text =
      strCat(metadata.model.name, ", a ", metadata.model.family,
             metadata.model.isDecoder ? " decoder" : " encoder",
             " compiled by Tenon ", metadata.tenonVersion,
             "\n\nUsage: ", program, " [COMMAND] [OPTIONS] [--] [TEXT]\n");
  const EntryInfo *ofArrays = arrayEntry(metadata);
  if (fallback && !ofArrays)
    text +=
        strCat("       ", program, " \"some text\"   is short for   ", program,
               " ", fallback->description.name, " \"some text\"\n");
  text += "\nCommands:\n";
  for (auto &command : commands)
    if (fits(*command, metadata))
      text += format("  %-10s %s\n", command->description.name.c_str(),
                     command->description.summary.c_str());
  if (ofArrays)
    text += describeArrays(*ofArrays);
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
        argument == "--trace" || argument == "--weights-memory" ||
        argument == "--from" || argument == "--adapter")
      i += 2;
    else if (argument == "--profile" || argument == "--verify" ||
             argument.starts_with("--weights-memory=") ||
             argument.starts_with("--threads=") ||
             argument.starts_with("--trace=") ||
             argument.starts_with("--from=") ||
             argument.starts_with("--adapter=") ||
             argument.starts_with("--kernels="))
      i += 1;
    else
      break;
  }
  return std::min(i, arguments.size());
}

Expected<Command *> defaultCommand(const Commands &commands, Program &program,
                                   std::span<const std::string> arguments,
                                   std::string_view first) {
  bool isCommand =
      std::ranges::find(kEntryCommands, first) != std::end(kEntryCommands);
  Command *command = defaultCommand(program.metadata(), commands);
  if (program.metadata().entry("gradient") && !command)
    return withNote(plainError(strCat("this program trains a model; it has no "
                                      "command ",
                                      quoteName(std::string(first))),
                               ExitCode::BadUsage),
                    "`--help` lists its commands");
  if (isCommand || !command)
    return withNote(
        plainError(isCommand
                       ? strCat("this model has no entry for '", first, "'")
                       : std::string("this model takes no text"),
                   ExitCode::BadUsage),
        isCommand ? "`info` lists its entries"
                  : "`run` computes what it does take");
  if (arrayEntry(program.metadata()) && !first.starts_with('-'))
    return withNote(plainError(strCat("this model takes no text, and it has no "
                                      "command ",
                                      quoteName(std::string(first))),
                               ExitCode::BadUsage),
                    "`--help` lists its commands and its inputs");
  Command *fillMask = findCommand(commands, "fill-mask");
  if (!fillMask || command->description.name == "generate")
    return command;
  auto tokenizer = program.tokenizer();
  if (!tokenizer)
    return tokenizer.takeError();
  if (auto mask = (*tokenizer)->maskToken())
    for (const std::string &argument : arguments)
      if (argument.find((*tokenizer)->piece(*mask)) != std::string::npos)
        return fillMask;
  return command;
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
  const std::string &texts = command.description.arguments;
  app.name(texts.empty() ? usage : strCat(usage, " ", texts));
  // Texts are taken from the extras: as CLI11 positionals, those that begin
  // with '[' and end with ']' would be split at commas.
  app.allow_extras();
  command.declareOptions(app);
  declareGlobalOptions(app, program.options, program.metadata());

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
  if (!program.texts.empty() && texts.empty())
    return usageError(strCat("unexpected argument '", program.texts[0], "'"));
  return {};
}

Status runCommand(Program &program, const std::string &programName,
                  std::vector<std::string> arguments) {
  const Metadata &metadata = program.metadata();
  Commands commands = allCommands(metadata);
  size_t at = skipGlobalOptions(arguments);
  std::string_view first =
      at < arguments.size() ? std::string_view(arguments[at]) : "";
  if (first == "--help" || first == "-h" || first == "help")
    return writeOutput(printable(overview(programName, commands, metadata)));
  if (first == "--version") {
    std::string cpus;
    for (const VariantInfo &variant : metadata.variants)
      cpus += (cpus.empty() ? "" : ", ") + variant.cpu;
    return writeOutput(
        printable(strCat(metadata.model.name, ", compiled by Tenon ",
                         metadata.tenonVersion, " for ", cpus, "\n")));
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
    auto chosen = defaultCommand(commands, program, arguments, first);
    if (!chosen)
      return chosen.takeError();
    command = *chosen;
  }
  if (!fits(*command, metadata))
    return withNote(
        plainError(strCat("'", command->description.name,
                          "' is for decoders; this model is an encoder"),
                   ExitCode::BadUsage),
        strCat("`", programName, " --help` lists what it can do"));
  bool onlyHelp = false;
  Status parsed = parseOptions(program, *command, programName,
                               std::move(arguments), onlyHelp);
  if (!parsed || onlyHelp)
    return parsed;
  if (program.options.verify)
    if (Status status = program.payload.verifyAll(); !status)
      return status;
  if (Status status = command->run(program); !status)
    return status;
  return program.writeTrace();
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
  guardMemory();
  prepareProcess();
  // What third-party code throws unforeseen ends in the guard, too.
  Status status = runAll(arguments, variants);
  if (status)
    return 0;
  if (!status.error().message.empty())
    printNote(status.error().message + "\n");
  return static_cast<int>(status.error().code);
}
