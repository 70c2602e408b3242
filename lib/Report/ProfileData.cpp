//===- ProfileData.cpp - where a program's time went ----------------------===//

#include "tenon/Report/ProfileData.h"
#include "tenon/Support/MappedFile.h"
#include "tenon/Support/Strings.h"
#include "llvm/Support/JSON.h"

using namespace llvm;
using namespace tenon;

namespace {

std::string text(const json::Object &object, StringRef key) {
  return object.getString(key).value_or("").str();
}

double number(const json::Object &object, StringRef key) {
  return object.getNumber(key).value_or(0);
}

ProfileData::Operation parseOperation(const json::Object &from) {
  ProfileData::Operation operation;
  operation.name = text(from, "name");
  operation.kind = text(from, "kind");
  operation.entry = text(from, "entry");
  std::string location = text(from, "location"); // file:line:column
  StringRef place = StringRef(location).rsplit(':').first;
  place.rsplit(':').second.getAsInteger(10, operation.line);
  operation.calls = from.getInteger("calls").value_or(0);
  operation.nanoseconds = number(from, "nanoseconds");
  operation.operations = number(from, "operations");
  operation.bytes = number(from, "bytes");
  operation.limit = text(from, "limit");
  operation.ofLimit = number(from, "of_limit");
  return operation;
}

} // namespace

tenon::Expected<ProfileData> tenon::readProfile(const std::string &path,
                                                const std::string &model) {
  tenon::Expected<MappedFile> file = MappedFile::open(path);
  if (!file)
    return file.takeError();
  auto wrong = [&](const std::string &what) {
    return withNote(
        tenon::Error{strCat(path, ": error: ", what), ExitCode::BadInput},
        "`PROGRAM bench --profile --json` prints a profile");
  };
  llvm::Expected<json::Value> parsed =
      json::parse(StringRef(file->text().data(), file->text().size()));
  if (!parsed)
    return wrong(strCat("this is no JSON: ", toString(parsed.takeError())));
  const json::Object *root = parsed->getAsObject();
  if (!root)
    return wrong("this is no JSON object");
  ProfileData data;
  data.model = text(*root, "model");
  data.kernels = text(*root, "kernels");
  data.threads = root->getInteger("threads").value_or(0);
  if (data.model != model)
    return wrong(strCat("this profile is of a model called ",
                        quoteName(data.model), ", not ", quoteName(model)));
  for (const char *name : {"prompt", "generation"}) {
    const json::Object *from = root->getObject(name);
    const json::Object *profile = from ? from->getObject("profile") : nullptr;
    const json::Array *operations =
        profile ? profile->getArray("operations") : nullptr;
    if (!operations)
      continue;
    ProfileData::Phase &phase = data.phases.emplace_back();
    phase.name = name;
    phase.tokensPerSecond = number(*from, "tokens_per_second");
    phase.seconds = number(*profile, "seconds");
    phase.betweenOperations =
        number(*profile, "between_operations_nanoseconds");
    phase.outside = number(*profile, "outside_nanoseconds");
    for (const json::Value &operation : *operations)
      if (const json::Object *object = operation.getAsObject())
        phase.operations.push_back(parseOperation(*object));
    if (const json::Object *limits = profile->getObject("limits"))
      for (const auto &[key, value] : *limits)
        if (std::optional<double> rate = value.getAsNumber())
          phase.limits.emplace_back(key.str(), *rate);
    llvm::sort(phase.limits);
  }
  if (data.phases.empty())
    return wrong("no profile in it");
  return data;
}
