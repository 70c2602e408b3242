//===- GgufNames.cpp - GGUF's names for Hugging Face's --------------------===//

#include "tenon/Checkpoint/Gguf.h"

#include "tenon/Support/Strings.h"

#include <span>

using namespace tenon;

namespace {

/// What a tensor is for: its name in Hugging Face's checkpoints and in GGUF.
struct Role {
  std::string_view name, gguf;
};

#include "GgufNames.def"

} // namespace

static std::string_view findRole(std::span<const Role> roles,
                                 std::string_view stem) {
  for (const Role &role : roles)
    if (role.name == stem)
      return role.gguf;
  return {};
}

std::string tenon::ggufTensorName(std::string_view name) {
  // The layer's index in braces, or an expression with it.
  size_t open = name.find('{'), close = name.find('}');
  bool inLayer = open < close && close != std::string_view::npos;
  std::string block;
  std::string_view rest = name;
  if (inLayer) {
    block = strCat("blk.", name.substr(open, close + 1 - open));
    rest = name.substr(close + 1);
  }
  if (inLayer && rest.empty())
    return block;
  size_t dot = rest.rfind('.');
  if (dot == std::string_view::npos)
    return std::string(name);
  std::string_view kind = rest.substr(dot);
  if (kind == ".gamma")
    kind = ".weight";
  else if (kind == ".beta")
    kind = ".bias";
  std::string_view stem = rest.substr(0, dot);
  if (inLayer) {
    if (!stem.starts_with("."))
      return "";
    std::string_view role = findRole(kLayerRoles, stem.substr(1));
    if (role.empty())
      return name.starts_with(block) ? std::string(name) : "";
    return strCat(block, ".", role, kind);
  }
  for (std::string_view prefix : kModelPrefixes)
    if (stem.starts_with(prefix)) {
      stem.remove_prefix(prefix.size());
      break;
    }
  std::string_view role = findRole(kModelRoles, stem);
  return role.empty() ? std::string(name) : strCat(role, kind);
}
