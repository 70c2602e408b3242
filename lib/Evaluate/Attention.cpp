//===- Attention.cpp - rotary positions, attention, caches ----------------===//

#include "Rules.h"
#include "tenon/Dialect/Tenon/IR/TenonLearning.h"

#include <cmath>
#include <numeric>

using namespace mlir;
using namespace tenon;

namespace {

LogicalResult evaluateRope(Evaluator &e, RopeOp op) {
  const NumberArray &x = e.array(op.getInput()),
                    &table = e.array(op.getTable());
  int64_t pairs = table.columns() / 2, tokens = x.shape[x.rank() - 2];
  std::vector<int64_t> positions = positionsOf(e, op.getPosition(), tokens);
  NumberArray y = x;
  for (int64_t r = 0; r < x.rows(); ++r) {
    int64_t position = positions[r % tokens];
    if (position < 0 || position >= table.rows())
      return op.emitError("position ")
             << position << " of a table of " << table.rows();
    const double *cosines = table.row(position), *sines = cosines + pairs;
    for (int64_t j = 0; j < pairs; ++j) {
      int64_t first = op.getInterleaved() ? 2 * j : j;
      int64_t second = op.getInterleaved() ? 2 * j + 1 : j + pairs;
      double a = x.row(r)[first], b = x.row(r)[second];
      y.row(r)[first] = a * cosines[j] - b * sines[j];
      y.row(r)[second] = b * cosines[j] + a * sines[j];
    }
  }
  return e.set(op.getResult(), std::move(y));
}

/// What stands between queries and keys, of both forms of attention.
struct Scores {
  double scale, cap = 0, biasScale = 1;
  const NumberArray *bias, *sink, *valid = nullptr;
  bool biasByKey, causal;
  std::optional<int64_t> window, band;

  template <typename Op>
  Scores(const Evaluator &e, Op op)
      : scale(op.getScale().convertToDouble()),
        bias(e.arrayIfAny(op.getBias())), sink(e.arrayIfAny(op.getSink())),
        biasByKey(op.getBiasByKey()), causal(op.getCausal()),
        window(op.getWindow()), band(op.getBand()) {
    if (op.getCap())
      cap = op.getCap()->convertToDouble();
    if (op.getBiasScale())
      biasScale = op.getBiasScale()->convertToDouble();
  }

  bool isHidden(int64_t t, int64_t s) const {
    return (causal && s > t) || (window && s <= t - *window) ||
           (band && std::abs(s - t) > *band) ||
           (valid && valid->values[s] == 0);
  }

  /// The score of head h for a query at t, whose product with the key at s is
  /// given; nothing if the bias has no place for it.
  std::optional<double> of(int64_t h, int64_t t, int64_t s,
                           double product) const {
    double score = scale * product;
    if (cap != 0)
      score = cap * std::tanh(score / cap);
    if (!bias)
      return score;
    int64_t place = biasByKey ? s : bias->columns() / 2 + s - t;
    if (place < 0 || place >= bias->columns())
      return std::nullopt;
    return score + biasScale * bias->row(h)[place];
  }
};

/// One query of one head. `key` and `value` give a key's components by its
/// place, of `valueDim` each for values.
template <typename Key, typename Values>
LogicalResult attend(Operation *op, const Scores &scores, int64_t h, int64_t t,
                     const double *query, int64_t dim, int64_t keys, Key key,
                     Values value, MutableArrayRef<double> out) {
  std::vector<double> weights(keys, -INFINITY);
  double most = scores.sink ? scores.sink->values[h] : -INFINITY;
  for (int64_t s = 0; s < keys; ++s) {
    if (scores.isHidden(t, s))
      continue;
    const double *components = key(s);
    if (!components)
      return op->emitError("reads the key at ") << s << ", which is not there";
    double product = 0;
    for (int64_t d = 0; d < dim; ++d)
      product += query[d] * components[d];
    std::optional<double> score = scores.of(h, t, s, product);
    if (!score)
      return op->emitError("the bias does not reach from ") << t << " to " << s;
    weights[s] = *score;
    most = std::max(most, *score);
  }
  std::fill(out.begin(), out.end(), 0.0);
  if (most == -INFINITY)
    return success();
  double sum = scores.sink ? std::exp(scores.sink->values[h] - most) : 0;
  for (double &weight : weights)
    sum += weight = std::exp(weight - most);
  for (int64_t s = 0; s < keys; ++s) {
    if (weights[s] == 0)
      continue;
    const double *components = value(s);
    for (size_t d = 0; d < out.size(); ++d)
      out[d] += weights[s] / sum * components[d];
  }
  return success();
}

LogicalResult evaluateAttention(Evaluator &e, AttentionOp op) {
  const NumberArray &q = e.array(op.getQuery()), &k = e.array(op.getKey());
  const NumberArray &v = e.array(op.getValue());
  Scores scores(e, op);
  scores.valid = e.arrayIfAny(op.getValid());
  int64_t heads = q.shape[0], tokens = q.shape[1], keys = k.shape[1];
  NumberArray o({heads, tokens, v.columns()});
  for (int64_t h = 0; h < heads; ++h) {
    int64_t group = h / (heads / k.shape[0]);
    for (int64_t t = 0; t < tokens; ++t)
      if (failed(attend(
              op, scores, h, t, q.row(h * tokens + t), q.columns(), keys,
              [&](int64_t s) { return k.row(group * keys + s); },
              [&](int64_t s) { return v.row(group * keys + s); },
              {o.row(h * tokens + t), static_cast<size_t>(v.columns())})))
        return failure();
  }
  return e.set(op.getResult(), std::move(o));
}

LogicalResult evaluateAttentionGradient(Evaluator &e, AttentionGradientOp op) {
  const NumberArray &q = e.array(op.getQuery()), &k = e.array(op.getKey());
  const NumberArray &v = e.array(op.getValue()), &o = e.array(op.getOutput());
  const NumberArray &d = e.array(op.getGradient());
  double scale = op.getScale().convertToDouble();
  double cap = op.getCap() ? op.getCap()->convertToDouble() : 0;
  int64_t tokens = q.shape[1], keys = k.shape[1];
  NumberArray dq(q.shape), dk(k.shape), dv(v.shape);
  auto dot = [](const double *x, const double *y, int64_t count) {
    return std::inner_product(x, x + count, y, 0.0);
  };
  for (int64_t h = 0; h < q.shape[0]; ++h) {
    int64_t group = h / (q.shape[0] / k.shape[0]) * keys;
    for (int64_t t = 0; t < tokens; ++t) {
      int64_t row = h * tokens + t;
      auto isHidden = [&](int64_t s) {
        return (op.getCausal() && s > t) ||
               (op.getWindow() && s <= t - int64_t(*op.getWindow())) ||
               (op.getBand() && std::abs(s - t) > int64_t(*op.getBand()));
      };
      std::vector<double> weights(keys, 0.0), rises(keys, scale);
      double most = -INFINITY, sum = 0;
      for (int64_t s = 0; s < keys; ++s) {
        double score = scale * dot(q.row(row), k.row(group + s), q.columns());
        if (cap > 0) {
          double part = std::tanh(score / cap);
          rises[s] *= 1 - part * part;
          score = cap * part;
        }
        weights[s] = isHidden(s) ? -INFINITY : score;
        most = std::max(most, weights[s]);
      }
      if (most == -INFINITY)
        continue;
      for (double &weight : weights)
        sum += weight = std::exp(weight - most);
      double mean = dot(d.row(row), o.row(row), o.columns());
      for (int64_t s = 0; s < keys; ++s) {
        double p = weights[s] / sum;
        const double *value = v.row(group + s), *key = k.row(group + s);
        double slope =
            p * (dot(d.row(row), value, v.columns()) - mean) * rises[s];
        for (int64_t i = 0; i < v.columns(); ++i)
          dv.row(group + s)[i] += p * d.row(row)[i];
        for (int64_t i = 0; i < k.columns(); ++i) {
          dq.row(row)[i] += slope * key[i];
          dk.row(group + s)[i] += slope * q.row(row)[i];
        }
      }
    }
  }
  if (failed(e.set(op.getResult(0), std::move(dq))) ||
      failed(e.set(op.getResult(1), std::move(dk))))
    return failure();
  return e.set(op.getResult(2), std::move(dv));
}

/// Whether tokens have positions of their own, one for each sequence.
bool isBatch(Value position) {
  return isa<RankedTensorType>(position.getType());
}

LogicalResult evaluateCacheAppend(Evaluator &e, CacheAppendOp op) {
  const NumberArray &k = e.array(op.getKey()), &v = e.array(op.getValue());
  CacheState &cache = *e.get(op.getCache()).cache;
  int64_t layer = e.index(op.getLayer()), heads = k.shape[0];
  int64_t tokens = k.shape[1];
  bool batch = isBatch(op.getPosition());
  std::vector<int64_t> positions = positionsOf(e, op.getPosition(), tokens);
  if (layer < 0 || layer >= cache.type.getLayers())
    return op.emitError("writes layer ")
           << layer << " of a cache of " << cache.type.getLayers();
  for (int64_t t = 0; t < tokens; ++t) {
    int64_t capacity = cache.type.getCapacity();
    if (positions[t] < 0 || (!cache.type.getRing() && positions[t] >= capacity))
      return op.emitError("writes position ")
             << positions[t] << " of a cache of " << capacity;
    auto &own = cache.tokens[{layer, batch ? t : 0}];
    if (static_cast<int64_t>(own.size()) <= positions[t])
      own.resize(positions[t] + 1);
    // In a ring it takes the place of an older one.
    if (cache.type.getRing() && positions[t] >= capacity)
      own[positions[t] - capacity] = {};
    CacheState::Token &token = own[positions[t]];
    auto round = [&](const NumberArray &from, std::vector<double> &to) {
      size_t dim = from.columns();
      to.resize(heads * dim);
      for (int64_t h = 0; h < heads; ++h) {
        std::copy_n(from.row(h * tokens + t), dim, to.data() + h * dim);
        if (e.rounds)
          roundToCache(cache.type.getElement(), {to.data() + h * dim, dim});
      }
    };
    round(k, token.key);
    round(v, token.value);
  }
  return success();
}

LogicalResult evaluateCachedAttention(Evaluator &e, CachedAttentionOp op) {
  const NumberArray &q = e.array(op.getQuery());
  CacheState &cache = *e.get(op.getCache()).cache;
  Scores scores(e, op);
  int64_t layer = e.index(op.getLayer());
  int64_t heads = q.shape[0], tokens = q.shape[1];
  int64_t groups = cache.type.getHeads(), keyDim = cache.type.getHeadDim();
  int64_t valueDim = cache.type.getValueDim();
  bool batch = isBatch(op.getPosition());
  std::vector<int64_t> positions = positionsOf(e, op.getPosition(), tokens);
  NumberArray o({heads, tokens, valueDim});
  for (int64_t t = 0; t < tokens; ++t) {
    const auto &own = cache.tokens[{layer, batch ? t : 0}];
    // Without `causal` the position is the number of keys, for every query.
    int64_t keys = op.getCausal() ? positions[t] + 1 : positions[batch ? t : 0];
    for (int64_t h = 0; h < heads; ++h) {
      int64_t group = h / (heads / groups);
      auto part = [&](std::vector<double> CacheState::Token::*member,
                      int64_t dim) {
        return [=, &own](int64_t s) -> const double * {
          if (s >= static_cast<int64_t>(own.size()) || (own[s].*member).empty())
            return nullptr;
          return (own[s].*member).data() + group * dim;
        };
      };
      if (failed(
              attend(op, scores, h, positions[t], q.row(h * tokens + t), keyDim,
                     keys, part(&CacheState::Token::key, keyDim),
                     part(&CacheState::Token::value, valueDim),
                     {o.row(h * tokens + t), static_cast<size_t>(valueDim)})))
        return failure();
    }
  }
  return e.set(op.getResult(), std::move(o));
}

} // namespace

void tenon::addAttentionRules(EvaluationRules &rules) {
  rules.add(evaluateRope);
  rules.add(evaluateAttention);
  rules.add(evaluateAttentionGradient);
  rules.add(evaluateCacheAppend);
  rules.add(evaluateCachedAttention);
}
