//===- Import.cpp - from a bound description to the dialect ---------------===//

#include "Importer.h"
#include "tenon/Dialect/Tenon/IR/EntryAttrs.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/Verifier.h"

#include <algorithm>

using namespace tenon;
using namespace mlir;

// The context of a description that doesn't say what it can take.
static constexpr int64_t kDefaultContext = 2048;

OwningOpRef<ModuleOp> tenon::importModel(MLIRContext &context,
                                         const lang::BoundModel &model,
                                         const Checkpoint *checkpoint,
                                         const ImportOptions &options,
                                         lang::Diagnostics &diagnostics) {
  return Importer(context, model, checkpoint, options, diagnostics).import();
}

Importer::Importer(MLIRContext &context, const lang::BoundModel &bound,
                   const Checkpoint *checkpoint, const ImportOptions &options,
                   lang::Diagnostics &diagnostics)
    : bound(bound), model(bound.model()), checkpoint(checkpoint),
      options(options), diagnostics(diagnostics), builder(&context) {}

OwningOpRef<ModuleOp> Importer::import() {
  context = options.context > 0 ? options.context
                                : bound.maxContext().value_or(kDefaultContext);
  int64_t maxChunk = std::clamp<int64_t>(options.maxChunk, 1, context);

  module = ModuleOp::create(location(model.nameRange),
                            StringRef(model.name.data(), model.name.size()));
  (*module)->setAttr(kKindAttrName,
                     builder.getStringAttr(lang::kindName(bound.kind())));
  (*module)->setAttr(kContextAttrName, builder.getI64IntegerAttr(context));
  (*module)->setAttr(kMaxChunkAttrName, builder.getI64IntegerAttr(maxChunk));

  builder.setInsertionPointToEnd(module->getBody());
  if (!declareWeights())
    return {};
  for (const lang::DefDecl *def : bound.entries())
    if (!importEntry(*def))
      return {};
  finishWeights();
  if (failed(verify(*module))) {
    diagnostics.error(model.source, model.nameRange,
                      "internal error: the imported module is invalid");
    return {};
  }
  return std::move(module);
}

Location Importer::location(lang::SourceRange range, std::string_view name) {
  lang::LineColumn at = model.source.lineColumn(range.begin);
  Location place = FileLineColLoc::get(builder.getContext(),
                                       model.source.fileAt(range.begin).name,
                                       at.line, at.column);
  if (name.empty())
    return place;
  return NameLoc::get(
      builder.getStringAttr(StringRef(name.data(), name.size())), place);
}

// T is dynamic; ids, positions and masks are i32, all else is computed in f32.
RankedTensorType Importer::tensorType(const lang::Type &type) {
  SmallVector<int64_t> shape;
  for (const lang::Dim &dim : type.shape)
    shape.push_back(bound.extent(dim).value_or(ShapedType::kDynamic));
  Type element = type.isFloatTensor() ? Type(builder.getF32Type())
                                      : Type(builder.getI32Type());
  return RankedTensorType::get(shape, element);
}

//===----------------------------------------------------------------------===//
// Functions
//===----------------------------------------------------------------------===//

bool Importer::importEntry(const lang::DefDecl &def) {
  OpBuilder::InsertionGuard guard(builder);
  SmallVector<Type> inputs;
  for (const lang::InputDecl *input : def.inputs)
    inputs.push_back(tensorType(input->type));
  auto function = func::FuncOp::create(
      builder, location(def.nameRange), std::string(def.name),
      builder.getFunctionType(inputs, {tensorType(def.type)}));
  function->setAttr("tenon.entry", builder.getUnitAttr());
  Block *body = function.addEntryBlock();
  for (auto [i, input] : llvm::enumerate(def.inputs)) {
    body->getArgument(i).setLoc(location(input->nameRange, input->name));
    function.setArgAttr(i, kInputNameAttrName,
                        builder.getStringAttr(std::string(input->name)));
    function.setArgAttr(
        i, kElementAttrName,
        builder.getStringAttr(lang::elementName(input->syntax.element)));
  }
  if (!markSources(def, function))
    return false;
  builder.setInsertionPointToStart(body);
  references.clear();
  Value result = importBody(def, body->getArguments());
  if (!result)
    return false;
  func::ReturnOp::create(builder, location(def.result->range), result);
  return true;
}

/// The length of a dimension; null for a number.
static const lang::Symbol *lengthOf(const lang::Dim &dim) {
  const lang::Symbol *symbol = dim.asSymbol();
  return symbol && symbol->isLength ? symbol : nullptr;
}

// Inputs of another length than the result's are the source of a decoder, and
// so are arrays without a length. A function has one dynamic size otherwise:
// whatever is dynamic is as long.
bool Importer::markSources(const lang::DefDecl &def, func::FuncOp function) {
  const lang::Symbol *own = lengthOf(def.type.shape.front());
  const lang::Symbol *source = nullptr;
  const lang::InputDecl *fixed = nullptr;
  bool hasSources = bound.kind() == lang::ModelKind::Decoder &&
                    def.name == std::string_view("forward");
  for (auto [i, input] : llvm::enumerate(def.inputs)) {
    const lang::Symbol *length = lengthOf(input->type.shape.front());
    if (!own)
      own = length;
    if (hasSources && !length) {
      fixed = input;
      function.setArgAttr(i, kSourceAttrName, builder.getUnitAttr());
    }
    if (!length || length == own)
      continue;
    std::string name(def.name);
    if (!hasSources || (source && source != length)) {
      diagnostics
          .error(model.source, input->nameRange,
                 "'" + name + "' has inputs of the lengths " + own->name +
                     (source ? ", " + source->name : std::string()) + " and " +
                     length->name)
          .note(hasSources ? "beside its tokens a decoder attends to one source"
                           : "of two lengths is only the 'forward' of a "
                             "decoder: its tokens, and what they attend to");
      return false;
    }
    source = length;
    function.setArgAttr(i, kSourceAttrName, builder.getUnitAttr());
  }
  if (source && fixed) {
    diagnostics
        .error(model.source, fixed->nameRange,
               "'forward' has this source, which is always as long, beside "
               "one of the length " +
                   source->name)
        .note("beside its tokens a decoder attends to one source");
    return false;
  }
  return true;
}

// A def expanded in place. There is no recursion, so that its names have one
// value at a time.
Value Importer::importBody(const lang::DefDecl &def, ValueRange inputs) {
  for (auto [input, value] : llvm::zip_equal(def.inputs, inputs))
    values[input] = value;
  bound.enterDef(def);
  for (const lang::LetStmt &let : def.lets) {
    const lang::Type &type = let.value->type;
    if (type.kind == lang::Type::Kind::Tuple) {
      auto *call = lang::exprAs<lang::CallExpr>(let.value);
      Values parts = importSplit(call, let.names.front()->name);
      if (parts.empty())
        return {};
      for (auto [name, part] : llvm::zip_equal(let.names, parts))
        values[name] = part;
    } else if (type.isTensor()) {
      Value value = importExpr(let.value, let.names.front()->name);
      if (!value)
        return {};
      values[let.names.front()] = value;
    }
    // Scalars have their values already.
  }
  return importExpr(def.result);
}
