//===- Families.cpp - which description a model is compiled by ------------===//

#include "Families.h"
#include "Messages.h"

#include "tenon/Checkpoint/Gguf.h"
#include "tenon/Checkpoint/NotHeld.h"
#include "tenon/Language/Bind.h"
#include "tenon/Support/Strings.h"

#include <algorithm>

using namespace tenon;

static std::string listed(const std::vector<std::string> &names) {
  std::string text;
  for (const std::string &name : names)
    text += (text.empty() ? "" : ", ") + name;
  return text;
}

Status tenon::unlessLenient(Error error, bool lenient) {
  if (!lenient)
    return error;
  constexpr std::string_view kind = "error: ";
  if (size_t at = error.message.find(kind); at != std::string::npos)
    error.message.replace(at, kind.size(), "warning: ");
  printMessage(error.message);
  return Status::success();
}

/// "DIR/config.json:3:5: error: …", at a key.
static Error errorAtKey(const ModelDirectory &directory, const char *key,
                        const std::string &what) {
  return errorInFile(
      lang::placeOf(
          {directory.config, directory.configPath, directory.configText}, key),
      what);
}

static Error unknownFamily(const ModelDirectory &directory) {
  std::vector<std::string> names = directory.classNames();
  const char *key = names.empty() ? "model_type" : "architectures";
  if (std::string type = directory.modelType(); !type.empty())
    names.push_back(type);
  if (names.empty())
    return errorInFile(directory.configPath,
                       "no 'architectures' and no 'model_type'");
  for (const std::string &name : names)
    if (auto what = whatIsNotHeld(name))
      return errorAtKey(directory, key,
                        strCat(quoteName(names.front()),
                               " is not supported: it is made of ", *what,
                               ", which no description can express"));
  return errorAtKey(directory, key,
                    strCat(directory.classNames().empty()
                               ? "unknown model_type "
                               : "unknown architecture ",
                           quoteName(names.front())));
}

Expected<const BuiltinModel *>
tenon::findFamily(const ModelDirectory &directory, bool lenient) {
  std::vector<std::string> classes = directory.classNames();
  for (const std::string &name : classes)
    if (const BuiltinModel *model = findByArchitecture(name))
      return model;
  if (const BuiltinModel *model = findByModelType(directory.modelType())) {
    if (classes.empty())
      return model;
    Error error = withNote(
        errorAtKey(directory, "architectures",
                   strCat("family ", model->name, " has no ",
                          quoteName(classes.front()))),
        strCat("it has ", listed(architecturesOf(*model)),
               "; --lenient compiles what it finds of them in the file"));
    if (Status status = unlessLenient(std::move(error), lenient); !status)
      return status.takeError();
    return model;
  }
  Error error =
      withNote(unknownFamily(directory),
               strCat("known architectures: ", listed(knownArchitectures())));
  return withNote(std::move(error),
                  "another family can be described in a .tenon file and "
                  "compiled with --checkpoint MODEL");
}

Status tenon::checkClass(const lang::Model &description,
                         const ModelDirectory &directory, bool lenient) {
  std::vector<std::string> classes = directory.classNames();
  const std::vector<std::string> &known = description.architectures;
  bool isNamed =
      std::any_of(classes.begin(), classes.end(), [&](const std::string &name) {
        return std::find(known.begin(), known.end(), name) != known.end();
      });
  auto differs = [&](const char *key, const std::string &value,
                     const std::string &covered) {
    return unlessLenient(
        withNote(
            errorAtKey(directory, key,
                       strCat("'", key, "' is ", quoteName(value), ", which '",
                              description.name, "' doesn't describe")),
            strCat("it describes ", covered,
                   "; --lenient compiles all the same")),
        lenient);
  };
  if (!classes.empty() && !known.empty() && !isNamed)
    return differs("architectures", classes.front(), listed(known));
  // GGUF's names for architectures are mapped to classes.
  std::string type = directory.modelType();
  bool says =
      !description.modelTypes.empty() || (classes.empty() && !known.empty());
  if (directory.gguf || type.empty() || !says ||
      description.coversModelType(type))
    return Status::success();
  return differs("model_type", type,
                 description.modelTypes.empty()
                     ? std::string(description.name)
                     : listed(description.modelTypes));
}

Status tenon::checkGgufKeys(const ModelDirectory &directory, bool lenient) {
  if (!directory.gguf)
    return Status::success();
  // configFromGguf has found the name.
  const GgufValue *name = directory.gguf->value("general.architecture");
  std::optional<Error> error =
      directory.gguf->findUnread(strCat(name->asString().value_or(""), "."));
  if (!error)
    return Status::success();
  return unlessLenient(
      withNote(std::move(*error), "--lenient compiles all the same"), lenient);
}
