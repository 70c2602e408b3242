//===- BuiltinShapes.cpp - shape rules of the builtins --------------------===//
//
// A rule is called with arguments of the right kinds (tensor, integer, …) in
// their slots. What symbols can't decide becomes a Model::Constraint.
//
//===----------------------------------------------------------------------===//

#include "BuiltinShapes.h"

#include <algorithm>

using namespace tenon::lang;

//===----------------------------------------------------------------------===//
// Helpers
//===----------------------------------------------------------------------===//

static std::string ordinal(int dim) {
  switch (dim) {
  case -1:
    return "the last dimension";
  case -2:
    return "the last but one dimension";
  case 0:
    return "the first dimension";
  case 1:
    return "the second dimension";
  default:
    return "dimension " + std::to_string(dim + 1);
  }
}

const Expr *CallShape::arg(unsigned i) const {
  return i < call.slots.size() ? call.slots[i] : nullptr;
}

const BuiltinParam &CallShape::param(unsigned i) const {
  return call.builtin
      ->params[std::min<size_t>(i, call.builtin->params.size() - 1)];
}

void tenon::lang::noteShape(Diagnostic &diagnostic, const Model &model,
                            const Expr *expr, std::string_view role) {
  std::string type = expr->type.str();
  if (auto *name = exprAs<NameExpr>(expr); name && name->decl) {
    bool local = name->decl->kind == Decl::Kind::Local;
    diagnostic.note(model.source, name->decl->nameRange,
                    "'" + std::string(name->name) + "' is " +
                        (local ? "bound" : "declared") + " here: " + type);
    return;
  }
  diagnostic.note(model.source, expr->range,
                  (role.empty() ? std::string("this") : std::string(role)) +
                      " is " + type);
}

Type CallShape::fail(std::string message,
                     std::initializer_list<unsigned> args) {
  Diagnostic &diagnostic = diagnostics.error(model.source, call.range,
                                             std::string(call.builtin->name) +
                                                 ": " + std::move(message));
  for (unsigned i : args)
    noteShape(diagnostic, model, arg(i), param(i).name);
  return Type();
}

static bool checkRank(CallShape &call, unsigned i, size_t rank, bool orMore) {
  size_t actual = call.shape(i).size();
  if (actual == rank || (orMore && actual > rank))
    return true;
  call.fail(
      std::string(call.param(i).name) + " must have " + std::to_string(rank) +
          (rank == 1 ? " dimension" : " dimensions") +
          (orMore ? " at least" : "") + ", found " + call.arg(i)->type.str(),
      {i});
  return false;
}

bool CallShape::rank(unsigned i, size_t rank) {
  return checkRank(*this, i, rank, false);
}
bool CallShape::rankAtLeast(unsigned i, size_t rank) {
  return checkRank(*this, i, rank, true);
}

static const Dim &dimAt(const std::vector<Dim> &shape, int dim) {
  return dim < 0 ? shape[shape.size() + dim] : shape[dim];
}

bool CallShape::equal(unsigned i, int dimI, unsigned j, int dimJ) {
  const Dim &a = dimAt(shape(i), dimI), &b = dimAt(shape(j), dimJ);
  if (a == b)
    return true;
  fail(ordinal(dimI) + " of " + param(i).name + " is " + a.str() + ", but " +
           ordinal(dimJ) + " of " + param(j).name + " is " + b.str() + " (" +
           arg(i)->type.str() + " and " + arg(j)->type.str() + ")",
       {i, j});
  return false;
}

// `a` divides `b`, now or when bound.
static bool requireDivides(CallShape &call, const Dim &a, const Dim &b,
                           std::string message) {
  auto x = a.constant(), y = b.constant();
  if (a == b || (x && *x == 1))
    return true;
  if (x && y && *x != 0 && *y % *x != 0) {
    call.fail(std::move(message), {});
    return false;
  }
  call.model.constraints.push_back(
      {Model::Constraint::Kind::Divides, a, b, &call.call,
       std::string(call.call.builtin->name) + ": " + message});
  return true;
}

//===----------------------------------------------------------------------===//
// Rules
//===----------------------------------------------------------------------===//

Type shape::same(CallShape &call) { return Type::tensor(call.shape(0)); }

Type shape::squareScores(CallShape &call) {
  if (!call.rank(0, 3))
    return Type();
  const std::vector<Dim> &x = call.shape(0);
  if (x[1] != x[2])
    return call.fail(
        "the scores must be square, found " + call.arg(0)->type.str(), {0});
  return Type::tensor(x);
}

Type shape::concat(CallShape &call) {
  if (!call.rankAtLeast(0, 1) || !call.rank(1, call.shape(0).size()))
    return Type();
  std::vector<Dim> result = call.shape(0);
  for (size_t i = 0; i + 1 < result.size(); ++i) {
    const Dim &other = call.shape(1)[i], one(1);
    if (result[i] == one)
      result[i] = other;
    else if (other != one && !call.equal(0, i, 1, i))
      return Type();
  }
  std::optional<Dim> width = Dim::add(result.back(), call.shape(1).back());
  if (!width)
    return call.fail("the width overflows", {0, 1});
  result.back() = *width;
  return Type::tensor(std::move(result));
}

Type shape::concatRows(CallShape &call) {
  if (!call.rank(0, 2) || !call.rank(1, 2) || !call.equal(0, 1, 1, 1))
    return Type();
  const Dim &a = call.shape(0)[0], &b = call.shape(1)[0];
  if (a.dependsOnLength() || b.dependsOnLength())
    return call.fail("how many rows there are must be known when the model is "
                     "compiled, found " +
                         call.arg(0)->type.str() + " and " +
                         call.arg(1)->type.str(),
                     {0, 1});
  std::optional<Dim> rows = Dim::add(a, b);
  if (!rows)
    return call.fail("the number of rows overflows", {0, 1});
  return Type::tensor({*rows, call.shape(0)[1]});
}

Type shape::flatten(CallShape &call) {
  auto *name = exprAs<NameExpr>(call.arg(0));
  if (!name || !declAs<WeightDecl>(name->decl))
    return call.fail("only a weight is read in another shape", {0});
  if (!call.rankAtLeast(0, 2))
    return Type();
  std::optional<Dim> columns = Dim(1);
  for (size_t i = 1; columns && i < call.shape(0).size(); ++i)
    columns = Dim::mul(*columns, call.shape(0)[i]);
  if (!columns)
    return call.fail("the width overflows", {0});
  return Type::tensor({call.shape(0)[0], *columns});
}

Type shape::clamp(CallShape &call) {
  if (!call.arg(1) && !call.arg(2))
    return call.fail("needs a bound: low or high", {});
  return Type::tensor(call.shape(0));
}

Type shape::embedding(CallShape &call) {
  if (call.arg(0)->type.element == Element::Bool)
    return call.fail("ids must be tokens, token types or positions, found " +
                         call.arg(0)->type.str(),
                     {0});
  if (!call.rank(0, 1) || !call.rank(1, 2))
    return Type();
  return Type::tensor({call.shape(0)[0], call.shape(1)[1]});
}

Type shape::ending(CallShape &call) {
  if (call.arg(0)->type.element != Element::Token)
    return call.fail("ids must be tokens, found " + call.arg(0)->type.str(),
                     {0});
  if (!call.rank(0, 1))
    return Type();
  return Type::tensor(call.shape(0), Element::Token);
}

Type shape::heads(CallShape &call) {
  if (!call.rank(0, 2))
    return Type();
  const std::vector<Dim> &x = call.shape(0);
  const Dim &n = call.arg(1)->type.value;
  std::optional<Dim> size = Dim::div(x[1], n);
  std::string message = "the last dimension, " + x[1].str() +
                        ", must be a multiple of " + n.str();
  if (!size)
    return call.fail(std::move(message), {0});
  if (!requireDivides(call, n, x[1], message))
    return Type();
  return Type::tensor({n, x[0], *size});
}

Type shape::linear(CallShape &call) {
  if (!call.rank(0, 2) || !call.rank(1, 2) || !call.equal(0, -1, 1, -1))
    return Type();
  if (call.arg(2) && (!call.rank(2, 1) || !call.equal(2, -1, 1, 0)))
    return Type();
  std::vector<Dim> result = call.shape(0);
  result.back() = call.shape(1)[0];
  return Type::tensor(std::move(result));
}

Type shape::matmul(CallShape &call) {
  size_t rank = call.shape(0).size();
  if (rank != 2 && rank != 3)
    return call.fail(
        "a must have 2 or 3 dimensions, found " + call.arg(0)->type.str(), {0});
  if (!call.rank(1, rank) || !call.equal(0, -1, 1, -2))
    return Type();
  std::vector<Dim> result = call.shape(0);
  result.back() = call.shape(1).back();
  // Grouped heads: each of b's serves several of a's.
  if (rank == 3 &&
      !requireDivides(call, call.shape(1)[0], call.shape(0)[0],
                      "the heads of a, " + call.shape(0)[0].str() +
                          ", must be a multiple of the heads of b, " +
                          call.shape(1)[0].str()))
    return Type();
  return Type::tensor(std::move(result));
}

Type shape::mergeHeads(CallShape &call) {
  if (!call.rank(0, 3))
    return Type();
  const std::vector<Dim> &x = call.shape(0);
  std::optional<Dim> width = Dim::mul(x[0], x[2]);
  if (!width)
    return call.fail("the width overflows", {0});
  return Type::tensor({x[1], *width});
}

Type shape::norm(CallShape &call) {
  if (!call.rankAtLeast(0, 1))
    return Type();
  if (call.arg(1) && (!call.rank(1, 1) || !call.equal(0, -1, 1, 0)))
    return Type();
  if (call.call.builtin->id == BuiltinId::LayerNorm && call.arg(2) &&
      (!call.rank(2, 1) || !call.equal(0, -1, 2, 0)))
    return Type();
  return Type::tensor(call.shape(0));
}

Type shape::paddingMask(CallShape &call) {
  if (call.arg(1)->type.element != Element::Bool)
    return call.fail("valid must be an input of bool, found " +
                         call.arg(1)->type.str(),
                     {1});
  if (!call.rank(0, 3) || !call.rank(1, 1) || !call.equal(0, -1, 1, 0))
    return Type();
  return Type::tensor(call.shape(0));
}

Type shape::positions(CallShape &call) {
  if (!call.rank(0, 1))
    return Type();
  return Type::tensor(call.shape(0), Element::Position);
}

Type shape::relativeBias(CallShape &call) {
  Type scores = squareScores(call);
  if (scores.isInvalid() || !call.rank(1, 2) || !call.equal(1, -1, 0, 0))
    return Type();
  const Expr *table = call.arg(1);
  auto *name = exprAs<NameExpr>(table);
  if (table->kind != Expr::Kind::Conditional &&
      !(name && declAs<WeightDecl>(name->decl)))
    return call.fail("the table must be a weight: the biases of all distances "
                     "are computed from it when the model is compiled",
                     {1});
  return scores;
}

Type shape::relativeGather(CallShape &call) {
  if (!call.rank(0, 3))
    return Type();
  std::vector<Dim> result = call.shape(0);
  if (!requireDivides(call, 2, result[2],
                      "the columns are of distances to both sides, and " +
                          result[2].str() + " is not even"))
    return Type();
  result[2] = result[1];
  return Type::tensor(std::move(result));
}

std::optional<unsigned> tenon::lang::reducedDimension(const CallExpr &call) {
  const std::vector<Dim> &x = call.slots[0]->type.shape;
  if (!call.slots[1])
    return static_cast<unsigned>(x.size() - 1);
  std::optional<unsigned> found;
  for (size_t i = 0; i < x.size(); ++i)
    if (x[i] == call.slots[1]->type.value) {
      if (found)
        return std::nullopt;
      found = static_cast<unsigned>(i);
    }
  return found;
}

Type shape::reduce(CallShape &call) {
  if (!call.rankAtLeast(0, 1))
    return Type();
  std::vector<Dim> x = call.shape(0);
  std::optional<unsigned> dim = reducedDimension(call.call);
  if (!dim) {
    const Dim &over = call.arg(1)->type.value;
    bool isThere = std::find(x.begin(), x.end(), over) != x.end();
    return call.fail(
        (isThere ? "two dimensions of x are " : "no dimension of x is ") +
            over.str() + ", found " + call.arg(0)->type.str(),
        {0});
  }
  x[*dim] = Dim(1);
  return Type::tensor(std::move(x));
}

Type shape::rope(CallShape &call) {
  if (!call.rank(0, 3))
    return Type();
  const Dim &width = call.shape(0).back();
  const Type &rotation = call.arg(1)->type;
  Dim rotated = rotation.kind == Type::Kind::Rotary ? rotation.value : width;
  if (rotated != width)
    call.model.constraints.push_back(
        {Model::Constraint::Kind::AtLeast, width, rotated, &call.call,
         "rope: x has " + width.str() + " components, but " + rotated.str() +
             " are to be rotated"});
  if (!requireDivides(call, 2, rotated,
                      "components are rotated in pairs, and " + rotated.str() +
                          " is not even"))
    return Type();
  return Type::tensor(call.shape(0));
}

Type shape::rotary(CallShape &call) {
  Type type = Type::scalar(Type::Kind::Rotary);
  type.value = call.arg(0)->type.value;
  if (!call.arg(3))
    return type;
  if (!call.rank(3, 1))
    return Type();
  // One for each pair of components.
  std::optional<Dim> pairs = Dim::mul(call.shape(3)[0], Dim(2));
  if (!pairs || *pairs != type.value)
    return call.fail("the divisors are one for each two of the " +
                         type.value.str() + " components",
                     {3});
  return type;
}

Type shape::row(CallShape &call) {
  if (!call.rank(0, 2))
    return Type();
  return Type::tensor({Dim(1), call.shape(0)[1]});
}

Type shape::softmax(CallShape &call) {
  if (call.arg(1) &&
      (!call.rank(0, 3) || !call.rank(1, 1) || !call.equal(1, 0, 0, 0)))
    return Type();
  return Type::tensor(call.shape(0));
}

Type shape::split(CallShape &call) {
  if (!call.rankAtLeast(0, 1))
    return Type();
  std::optional<Dim> sum = Dim(0);
  Type tuple = Type::scalar(Type::Kind::Tuple);
  for (unsigned i = 1; i < call.call.slots.size(); ++i) {
    std::vector<Dim> part = call.shape(0);
    part.back() = call.arg(i)->type.value;
    if (sum)
      sum = Dim::add(*sum, part.back());
    tuple.members.push_back(Type::tensor(std::move(part)));
  }
  if (!sum || *sum != call.shape(0).back())
    return call.fail(
        "the sizes add up to " + (sum ? sum->str() : std::string("too much")) +
            ", but the last dimension of x is " + call.shape(0).back().str(),
        {0});
  return tuple;
}

Type shape::scalarOrSame(CallShape &call) {
  const Type &type = call.arg(0)->type;
  return type.isTensor() ? type : Type::scalar(Type::Kind::Float);
}

Type shape::sinusoidal(CallShape &call) {
  const Dim &dim = call.arg(1)->type.value;
  if (!requireDivides(call, 2, dim,
                      "sines and cosines come in pairs, and " + dim.str() +
                          " is not even"))
    return Type();
  return Type::tensor({call.arg(0)->type.value, dim});
}

Type shape::topK(CallShape &call) {
  if (!call.rank(0, 2))
    return Type();
  if (call.arg(2) &&
      (!call.rank(2, 2) || !call.equal(2, 0, 0, 0) || !call.equal(2, 1, 0, 1)))
    return Type();
  return Type::tensor(call.shape(0));
}

// The checker gives it a symbol for its value.
Type shape::integer(CallShape &) { return Type::integer(Dim()); }

Type shape::transpose(CallShape &call) {
  if (!call.rankAtLeast(0, 2))
    return Type();
  std::vector<Dim> result = call.shape(0);
  std::swap(result[result.size() - 1], result[result.size() - 2]);
  return Type::tensor(std::move(result));
}

/// How many windows of a size stand in `extent` numbers with as many zeros
/// around as `padding` says; none after an error.
static std::optional<Dim> countWindows(CallShape &call, const Dim &extent,
                                       const Dim &size, const Dim &stride,
                                       const Dim &padding) {
  // What the last one leaves over: extent + 2 padding - size, of which the
  // constant part need not be a multiple of the stride.
  std::optional<Dim> twice = Dim::mul(padding, Dim(2));
  std::optional<Dim> room = twice ? Dim::add(extent, *twice) : twice;
  if (room && !extent.dependsOnLength())
    call.model.constraints.push_back(
        {Model::Constraint::Kind::AtLeast, *room, size, &call.call,
         "unfold: a window of " + size.str() +
             " is larger than what it is in, " + room->str()});
  room = room ? Dim::sub(*room, size) : room;
  std::optional<Dim> rest = room, cut = Dim(0);
  if (auto by = stride.constant(); by && *by > 0 && room)
    if (std::optional<int64_t> constant = room->constantTerm()) {
      int64_t over = (*constant % *by + *by) % *by;
      cut = Dim(over);
      rest = Dim::sub(*room, *cut);
    }
  if (rest && !requireDivides(call, stride, *rest,
                              "windows every " + stride.str() +
                                  " do not end where x does: " + rest->str() +
                                  " is no multiple"))
    return std::nullopt;
  std::optional<Dim> before = rest ? Dim::div(*rest, stride) : rest;
  std::optional<Dim> count = before ? Dim::add(*before, Dim(1)) : before;
  if (!count) {
    call.fail("the number of windows is too long a formula", {0});
  } else if (extent.dependsOnLength() && *count != extent) {
    call.fail("of " + extent.str() + " places there would be " + count->str() +
                  " windows; of a length there must be as many, with stride 1 "
                  "and padding = (size - 1) / 2",
              {0});
    return std::nullopt;
  }
  return count;
}

Type shape::unfold(CallShape &call) {
  const std::vector<Dim> &x = call.shape(0);
  if (x.size() != 2 && x.size() != 3)
    return call.fail("x is a signal, [C, S], or an image, [C, V, H], found " +
                         call.arg(0)->type.str(),
                     {0});
  if (x[0].dependsOnLength())
    return call.fail("the first dimension counts channels; transpose makes it "
                     "of rows",
                     {0});
  auto number = [&](unsigned i, int64_t otherwise) {
    return call.arg(i) ? call.arg(i)->type.value : Dim(otherwise);
  };
  Dim size = number(1, 1), stride = number(2, 1), padding = number(3, 0);
  std::optional<Dim> rows = Dim(1), columns = x[0];
  for (size_t i = 1; i < x.size(); ++i) {
    std::optional<Dim> windows =
        countWindows(call, x[i], size, stride, padding);
    if (!windows)
      return Type();
    rows = rows ? Dim::mul(*rows, *windows) : rows;
    columns = columns ? Dim::mul(*columns, size) : columns;
  }
  if (!rows || !columns)
    return call.fail("the number of windows overflows", {0});
  return Type::tensor({*rows, *columns});
}
