//===- Program.cpp - a program as bytes -----------------------------------===//

#include "tenon/Template/Program.h"

#include "tenon/Support/ByteReader.h"

using namespace tenon;
using namespace tenon::templates;

static constexpr uint32_t kVersion = 1;

std::string Program::serialize() const {
  ByteWriter writer;
  writer.write(kVersion);
  writer.writeString(name);
  writer.write(static_cast<uint32_t>(nodes.size()));
  for (const Node &node : nodes) {
    writer.write(static_cast<uint8_t>(node.op));
    writer.write(static_cast<uint8_t>(node.flag));
    writer.write(node.line);
    writer.write(node.column);
    writer.writeString(node.text);
    writer.write(node.integer);
    writer.write(node.number);
    writer.writeArray(node.operands);
    writer.write(static_cast<uint32_t>(node.names.size()));
    for (const std::string &text : node.names)
      writer.writeString(text);
  }
  return writer.take();
}

namespace {

/// How many operands an operation has, and which of them may be missing.
struct Shape {
  size_t least, most;
  uint32_t optional = 0; ///< bit i: operand i may be kNoNode
};

constexpr size_t kAny = SIZE_MAX;

Shape shapeOf(Op op) {
  switch (op) {
  case Op::Sequence:
  case Op::List:
  case Op::Tuple:
  case Op::Dict:
  case Op::Concatenate:
    return {0, kAny};
  case Op::Write:
  case Op::Attribute:
  case Op::Not:
  case Op::Negate:
  case Op::Plus:
    return {1, 1};
  case Op::If:
  case Op::Conditional:
    return {3, 3, 1u << 2};
  case Op::For:
    return {5, 5, 1u << 2 | 1u << 4};
  case Op::Set:
  case Op::Filtered:
  case Op::CallBlock:
  case Op::Item:
  case Op::Or:
  case Op::And:
  case Op::Add:
  case Op::Subtract:
  case Op::Multiply:
  case Op::Divide:
  case Op::FloorDivide:
  case Op::Modulo:
  case Op::Power:
    return {2, 2};
  case Op::SetBlock:
    return {3, 3};
  case Op::Slice:
    return {4, 4, 0b1110};
  case Op::Macro:
  case Op::With:
  case Op::Call:
  case Op::Filter:
  case Op::Test:
    return {1, kAny};
  case Op::Compare:
    return {2, kAny};
  default:
    return {0, 0};
  }
}

/// What the interpreter relies on beyond the number of operands.
bool isConsistent(const Node &node) {
  size_t operands = node.operands.size(), names = node.names.size();
  switch (node.op) {
  case Op::Dict:
    return operands % 2 == 0;
  case Op::With:
    return operands % 2 == 1;
  case Op::Macro:
    return operands - 1 <= names;
  case Op::Call:
  case Op::Filter:
  case Op::Test:
    return names <= operands - 1;
  case Op::Compare:
    return names == operands - 1;
  case Op::NamespaceField:
    return names == 1;
  default:
    return true;
  }
}

bool isTarget(const std::vector<Node> &nodes, uint32_t id) {
  const Node &node = nodes[id];
  if (node.op == Op::Name || node.op == Op::NamespaceField)
    return true;
  if (node.op != Op::Tuple)
    return false;
  for (uint32_t operand : node.operands)
    if (nodes[operand].op != Op::Name &&
        nodes[operand].op != Op::NamespaceField)
      return false;
  return true;
}

bool isRight(const std::vector<Node> &nodes, size_t index) {
  const Node &node = nodes[index];
  Shape shape = shapeOf(node.op);
  size_t count = node.operands.size();
  if (count < shape.least || count > shape.most || !isConsistent(node))
    return false;
  for (size_t i = 0; i < count; ++i) {
    uint32_t id = node.operands[i];
    bool mayMiss = i < 32 && (shape.optional >> i & 1);
    if (id == kNoNode ? !mayMiss : id >= index)
      return false;
  }
  switch (node.op) {
  case Op::For:
  case Op::Set:
  case Op::SetBlock:
    return isTarget(nodes, node.operands[0]);
  case Op::With:
    for (size_t i = 0; i + 1 < count; i += 2)
      if (!isTarget(nodes, node.operands[i]))
        return false;
    return true;
  case Op::CallBlock:
    return nodes[node.operands[0]].op == Op::Call &&
           nodes[node.operands[1]].op == Op::Macro;
  default:
    return true;
  }
}

} // namespace

Expected<Program> Program::deserialize(std::span<const std::byte> bytes) {
  auto corrupt = [] {
    return errorInFile("chat template", "the program is damaged",
                       ExitCode::CorruptPayload);
  };
  ByteReader reader(bytes);
  if (reader.read<uint32_t>() != kVersion)
    return corrupt();
  Program program;
  program.name = reader.readString();
  uint32_t count = reader.read<uint32_t>();
  for (uint32_t i = 0; i < count && reader.ok(); ++i) {
    Node node;
    uint8_t op = reader.read<uint8_t>();
    if (op > static_cast<uint8_t>(kLastOp))
      return corrupt();
    node.op = static_cast<Op>(op);
    node.flag = reader.read<uint8_t>() != 0;
    node.line = reader.read<uint32_t>();
    node.column = reader.read<uint32_t>();
    node.text = reader.readString();
    node.integer = reader.read<int64_t>();
    node.number = reader.read<double>();
    node.operands = reader.readArray<uint32_t>();
    uint32_t names = reader.read<uint32_t>();
    for (uint32_t j = 0; j < names && reader.ok(); ++j)
      node.names.emplace_back(reader.readString());
    if (!reader.ok())
      return corrupt();
    program.nodes.push_back(std::move(node));
    if (!isRight(program.nodes, i))
      return corrupt();
  }
  if (!reader.ok() || !reader.atEnd() || program.nodes.empty())
    return corrupt();
  return program;
}
