//===- Case.cpp - what a benchmark measures -------------------------------===//

#include "tenon/Bench/Case.h"
#include "tenon/Dialect/Tenon/IR/ProductBits.h"
#include "tenon/Support/Strings.h"
#include "tenon/Support/Superblock.h"

#include <array>
#include <charconv>
#include <fstream>
#include <sstream>

using namespace tenon;
using namespace tenon::bench;

namespace {

struct Parameter {
  std::string_view name;
  int64_t value, least, most;
};

struct OperationInfo {
  std::string_view name;
  Operation operation;
  /// In the order of Case::name.
  std::vector<Parameter> parameters;
  /// What --type is the precision of.
  enum { Nothing, Weights, Cache } typed;
};

constexpr int64_t kMost = 1 << 20;

const std::array<OperationInfo, 5> &operations() {
  static const Parameter threads{"threads", 1, 1, 1024};
  static const std::array<OperationInfo, 5> all = {{
      {"linear",
       Operation::Linear,
       {{"m", 1, 1, 65536},
        {"n", 2048, 1, kMost},
        {"k", 2048, 1, kMost},
        threads},
       OperationInfo::Weights},
      {"attention",
       Operation::Attention,
       {{"seq", 512, 1, kMost},
        {"queries", 0, 0, kMost},
        {"head-dim", 64, 1, 4096},
        {"heads", 1, 1, 4096},
        {"kv-heads", 1, 1, 4096},
        {"causal", 1, 0, 1},
        threads},
       OperationInfo::Cache},
      {"ffn",
       Operation::Ffn,
       {{"m", 1, 1, 65536},
        {"dim", 2048, 1, kMost},
        {"hidden", 8192, 1, kMost},
        threads},
       OperationInfo::Weights},
      {"norm",
       Operation::Norm,
       {{"m", 512, 1, 65536}, {"dim", 2048, 1, kMost}, threads},
       OperationInfo::Nothing},
      {"limits", Operation::Limits, {threads}, OperationInfo::Nothing},
  }};
  return all;
}

const OperationInfo &infoOf(Operation operation) {
  return operations()[static_cast<size_t>(operation)];
}

Error usage(std::string message) {
  return plainError(message, ExitCode::BadUsage);
}

} // namespace

std::string Case::name() const {
  const OperationInfo &info = infoOf(operation);
  std::string text(info.name);
  for (const Parameter &parameter : info.parameters) {
    bool isTyped = info.typed == OperationInfo::Weights ||
                   (info.typed == OperationInfo::Cache && get("causal"));
    if (isTyped && parameter.name == "threads")
      text += "/type:" + type;
    text += strCat("/", parameter.name, ":", get(parameter.name));
  }
  return text;
}

Expected<Case> bench::parseCase(std::span<const std::string> words) {
  if (words.empty())
    return usage("no operation: linear, attention, ffn, norm or limits");
  const OperationInfo *info = nullptr;
  for (const OperationInfo &candidate : operations())
    if (candidate.name == words[0])
      info = &candidate;
  if (!info)
    return usage(strCat("unknown operation ", quoteName(words[0]),
                        "; there are linear, attention, ffn, norm and limits"));
  Case result;
  result.operation = info->operation;
  for (const Parameter &parameter : info->parameters)
    result.numbers[std::string(parameter.name)] = parameter.value;

  for (size_t i = 1; i < words.size(); i += 2) {
    std::string_view word = words[i];
    const Parameter *found = nullptr;
    for (const Parameter &parameter : info->parameters)
      if (word.starts_with("--") && parameter.name == word.substr(2))
        found = &parameter;
    bool isType = info->typed != OperationInfo::Nothing && word == "--type";
    if (!found && !isType)
      return usage(strCat(info->name, " has no parameter ", quoteName(word)));
    if (i + 1 == words.size())
      return usage(strCat(word, " needs a value"));
    const std::string &value = words[i + 1];
    if (isType && info->typed == OperationInfo::Cache) {
      if (value != "f32" && value != "f16" && value != "int8")
        return usage(strCat("unknown type ", quoteName(value),
                            "; keys and values are f32, f16 or int8"));
      result.type = value;
      continue;
    }
    if (isType) {
      std::optional<DType> type = parseDType(value);
      if (!type || !(*type == DType::F32 || *type == DType::F16 ||
                     *type == DType::BF16 || isBlock(*type)))
        return usage(strCat("unknown type ", quoteName(value),
                            "; there are f32, f16, bf16 and block formats such "
                            "as q8_0 and q4_k"));
      result.type = tenon::name(*type);
      continue;
    }
    int64_t number = 0;
    auto [end, error] =
        std::from_chars(value.data(), value.data() + value.size(), number);
    if (error != std::errc() || end != value.data() + value.size() ||
        number < found->least || number > found->most)
      return usage(strCat(word, " takes a number from ", found->least, " to ",
                          found->most, ", not ", quoteName(value)));
    result.numbers[std::string(found->name)] = number;
  }
  if (result.operation == Operation::Attention) {
    int64_t &queries = result.numbers["queries"];
    if (queries == 0)
      queries = result.get("seq");
    if (queries > result.get("seq"))
      return usage("--queries cannot be more than --seq");
    if (!result.get("causal") && queries != result.get("seq"))
      return usage("attention without --causal 1 takes all queries");
    if (!result.get("causal") && result.type != "f32")
      return usage("attention without --causal 1 has no cache: its keys and "
                   "values are f32");
    if (result.get("heads") % result.get("kv-heads"))
      return usage("--heads must be a multiple of --kv-heads");
  }
  return result;
}

Expected<std::vector<Case>> bench::readSuite(const std::string &path) {
  std::ifstream file(path);
  if (!file)
    return errorInFile(path, "cannot be read");
  std::vector<Case> cases;
  std::string line;
  for (uint64_t number = 1; std::getline(file, line); ++number) {
    std::istringstream stream(line.substr(0, line.find('#')));
    std::vector<std::string> words;
    for (std::string word; stream >> word;)
      words.push_back(word);
    if (words.empty())
      continue;
    Expected<Case> parsed = parseCase(words);
    if (!parsed) {
      std::string message = parsed.error().message;
      if (message.starts_with("error: "))
        message.erase(0, 7);
      return errorAt(path, number, 1, message, ExitCode::BadUsage);
    }
    cases.push_back(*parsed);
  }
  return cases;
}

//===----------------------------------------------------------------------===//
// Work, shapes and text of each operation
//===----------------------------------------------------------------------===//

/// Bytes of a weight as it lies in memory.
static double bytesOf(const std::string &type) {
  DType dtype = *parseDType(type);
  if (!isBlock(dtype))
    return byteWidth(dtype);
  Superblock superblock = getSuperblock(dtype);
  return double(superblock.bytes()) /
         (Superblock::kLanes * superblock.columns());
}

/// How a module's text spells the type.
static std::string elementOf(const std::string &type) {
  return isBlock(*parseDType(type)) ? "!tenon.block<" + type + ">" : type;
}

/// The products of weights in blocks.
static Products productsOf(const Superblock &format) {
  switch (bitsOfProducts(format)) {
  case 4:
    return Products::Int4;
  case 5:
    return Products::Int5;
  case 6:
    return Products::Int6;
  default:
    return Products::Int8;
  }
}

Work bench::workOf(const Case &c, bool hasBf16Products) {
  Work work;
  std::optional<DType> type = parseDType(c.type); // none: int8 keys and values
  Products products = type && isBlock(*type) ? productsOf(getSuperblock(*type))
                      : c.type == "bf16" && hasBf16Products ? Products::BF16
                                                            : Products::F32;
  switch (c.operation) {
  case Operation::Linear: {
    double weights = double(c.get("n")) * c.get("k");
    work = {2 * weights * c.get("m"), products, weights * bytesOf(c.type)};
    break;
  }
  case Operation::Attention: {
    double seq = c.get("seq"), queries = c.get("queries");
    double pairs = queries * seq;
    if (c.get("causal"))
      pairs = queries * (seq - queries) + queries * (queries + 1) / 2;
    work.operations = 4 * pairs * c.get("heads") * c.get("head-dim");
    work.products = Products::F32;
    // Of keys and of values of a head; 8 bits have a scale for each token.
    double bytes = c.type == "int8"  ? c.get("head-dim") + sizeof(float)
                   : c.type == "f16" ? 2.0 * c.get("head-dim")
                                     : 4.0 * c.get("head-dim");
    work.bytes = 2 * seq * c.get("kv-heads") * bytes;
    break;
  }
  case Operation::Ffn: {
    double weights = 3.0 * c.get("dim") * c.get("hidden");
    work = {2 * weights * c.get("m"), products, weights * bytesOf(c.type)};
    break;
  }
  case Operation::Norm: {
    double elements = double(c.get("m")) * c.get("dim");
    work = {4 * elements, Products::F32, 4 * elements};
    break;
  }
  case Operation::Limits:
    break;
  }
  return work;
}

CallShape bench::callShape(const Case &c) {
  switch (c.operation) {
  case Operation::Linear:
    return {c.get("m"), 0, {c.get("m") * c.get("k")}, c.get("m") * c.get("n")};
  case Operation::Attention: {
    int64_t queries = c.get("queries"),
            width = c.get("heads") * c.get("head-dim");
    CallShape shape{
        queries, c.get("seq") - queries, {queries * width}, queries * width};
    if (!c.get("causal"))
      shape.inputs.resize(3, queries * c.get("kv-heads") * c.get("head-dim"));
    return shape;
  }
  case Operation::Ffn:
  case Operation::Norm: {
    int64_t elements = c.get("m") * c.get("dim");
    return {c.get("m"), 0, {elements}, elements};
  }
  case Operation::Limits:
    break;
  }
  return {1, 0, {}, 0};
}

namespace {

/// Declares a weight [n, k] and names its type.
std::string weight(std::string_view name, int64_t n, int64_t k,
                   std::string_view type) {
  std::string tensor = strCat("tensor<", n, "x", k, "x", type, ">");
  return strCat("  tenon.weight @", name, " : ", tensor,
                " from [#tenon.source<\"", name, "\", ", tensor, ">]\n");
}

std::string reference(std::string_view name, int64_t n, int64_t k,
                      std::string_view type) {
  return strCat("    %", name, " = tenon.weight_ref @", name, " : tensor<", n,
                "x", k, "x", type, ">\n");
}

std::string linearText(const Case &c, const std::string &rows,
                       bool hasBf16Products) {
  int64_t n = c.get("n"), k = c.get("k");
  std::string element = elementOf(c.type);
  // The producer of the input converts it where a kernel takes bf16.
  std::string input = hasBf16Products && c.type == "bf16" ? "bf16" : "f32";
  std::string x = strCat("tensor<", rows, "x", k, "x", input, ">");
  std::string y = strCat("tensor<", rows, "x", n, "xf32>");
  return strCat(weight("w", n, k, element), "  func.func @run(%x: ", x, ") -> ",
                y, " {\n", reference("w", n, k, element),
                "    %y = tenon.linear %x, %w : (", x, ", tensor<", n, "x", k,
                "x", element, ">) -> ", y, "\n    return %y : ", y, "\n  }\n");
}

std::string ffnText(const Case &c, const std::string &rows) {
  int64_t dim = c.get("dim"), hidden = c.get("hidden");
  std::string element = elementOf(c.type);
  std::string x = strCat("tensor<", rows, "x", dim, "xf32>");
  std::string up = strCat("tensor<", hidden, "x", dim, "x", element, ">");
  std::string down = strCat("tensor<", dim, "x", hidden, "x", element, ">");
  return strCat(
      weight("g", hidden, dim, element), weight("u", hidden, dim, element),
      weight("d", dim, hidden, element), "  func.func @run(%x: ", x, ") -> ", x,
      " {\n", reference("g", hidden, dim, element),
      reference("u", hidden, dim, element),
      reference("d", dim, hidden, element),
      "    %y = tenon.ffn %x, %u, %d gate(%g) residual(%x) {activation = "
      "#tenon.activation_kind<silu>}\n      : (",
      x, ", ", up, ", ", down, ", ", up, ", ", x, ") -> ", x,
      "\n    return %y : ", x, "\n  }\n");
}

std::string normText(const Case &c, const std::string &rows) {
  int64_t dim = c.get("dim");
  std::string x = strCat("tensor<", rows, "x", dim, "xf32>");
  std::string w = strCat("tensor<", dim, "xf32>");
  return strCat("  tenon.weight @w : ", w, " from [#tenon.source<\"w\", ", w,
                ">]\n  func.func @run(%x: ", x, ") -> ", x,
                " {\n    %w = tenon.weight_ref @w : ", w,
                "\n    %y = tenon.rms_norm %x, %w {eps = 1.0e-5 : f32} : (", x,
                ", ", w, ") -> ", x, "\n    return %y : ", x, "\n  }\n");
}

std::string splitHeads(std::string_view name, const std::string &rows,
                       int64_t heads, int64_t dim) {
  return strCat("    %", name, "h = tenon.split_heads %", name,
                " {heads = ", heads, " : i64} : tensor<", rows, "x",
                heads * dim, "xf32> -> tensor<", heads, "x", rows, "x", dim,
                "xf32>\n");
}

std::string attentionText(const Case &c, const std::string &rows) {
  int64_t heads = c.get("heads"), groups = c.get("kv-heads"),
          dim = c.get("head-dim");
  std::string x = strCat("tensor<", rows, "x", heads * dim, "xf32>");
  std::string kv = strCat("tensor<", rows, "x", groups * dim, "xf32>");
  std::string q = strCat("tensor<", heads, "x", rows, "x", dim, "xf32>");
  std::string k = strCat("tensor<", groups, "x", rows, "x", dim, "xf32>");
  std::string end = strCat("    %y = tenon.merge_heads %o : ", q, " -> ", x,
                           "\n    return %y : ", x, "\n  }\n");
  std::string scale = "scale = 0.125 : f32";
  if (!c.get("causal"))
    return strCat("  func.func @run(%q: ", x, ", %k: ", kv, ", %v: ", kv,
                  ") -> ", x, " {\n", splitHeads("q", rows, heads, dim),
                  splitHeads("k", rows, groups, dim),
                  splitHeads("v", rows, groups, dim),
                  "    %o = tenon.attention %qh, %kh, %vh {", scale, "} : (", q,
                  ", ", k, ", ", k, ") -> ", q, "\n", end);
  int64_t capacity = (c.get("seq") + 127) / 128 * 128;
  std::string cache =
      strCat("!tenon.kv_cache<layers = 1, heads = ", groups,
             ", capacity = ", capacity, ", head_dim = ", dim,
             ", element = ", c.type == "int8" ? "i8" : c.type, ">");
  return strCat("  func.func @run(%q: ", x,
                ", %position: index, %cache: ", cache, ") -> ", x,
                " {\n    %c0 = arith.constant 0 : index\n",
                splitHeads("q", rows, heads, dim),
                "    %o = tenon.cached_attention %qh, %cache[%c0] at %position "
                "{causal, ",
                scale, "} : (", q, ", ", cache, ") -> ", q, "\n", end);
}

} // namespace

std::string bench::moduleText(const Case &c, bool hasBf16Products) {
  CallShape shape = callShape(c);
  // As many rows as a decode of several sequences has are known to kernels;
  // those of a prompt are not.
  constexpr int64_t kMostSequences = 8;
  bool isProduct =
      c.operation == Operation::Linear || c.operation == Operation::Ffn;
  bool isStatic =
      shape.tokens == 1 || (isProduct && shape.tokens <= kMostSequences);
  std::string rows = isStatic ? std::to_string(shape.tokens) : "?";
  std::string body;
  switch (c.operation) {
  case Operation::Linear:
    body = linearText(c, rows, hasBf16Products);
    break;
  case Operation::Attention:
    body = attentionText(c, rows);
    break;
  case Operation::Ffn:
    body = ffnText(c, rows);
    break;
  case Operation::Norm:
    body = normText(c, rows);
    break;
  case Operation::Limits:
    break;
  }
  return strCat("module attributes {tenon.kind = \"decoder\", tenon.context = ",
                shape.position + shape.tokens,
                " : i64, tenon.max_chunk = ", shape.tokens, " : i64} {\n", body,
                "}\n");
}
