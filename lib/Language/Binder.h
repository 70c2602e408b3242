//===- Binder.h - a description and the configuration of a model -*- C++
//-*-===//
#ifndef TENON_LIB_LANGUAGE_BINDER_H
#define TENON_LIB_LANGUAGE_BINDER_H

#include "BodyBinder.h"
#include "EntryBinder.h"

#include <nlohmann/json.hpp>

#include <map>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <vector>

namespace tenon::lang {

/// Gives every item of a description its value for one model, in order. Of
/// hyperparameters: BindParams.cpp; all else: Bind.cpp.
class Binder {
public:
  Binder(BoundModel &bound, const Configuration &config,
         Diagnostics &diagnostics)
      : bound(bound), model(bound.model()), config(config),
        diagnostics(diagnostics), bodies(bound, diagnostics),
        entries(bound, diagnostics) {}

  bool bind();

private:
  bool bindCallees();
  bool bindWithHelpers(const DefDecl &def, std::set<const DefDecl *> &done);
  bool bindItem(const Item &item);
  bool bindParam(const ParamDecl &param);
  std::optional<Value> bindRope(const ParamDecl &param,
                                const std::vector<std::string> &paths,
                                bool &found);
  void reportParam(const ParamDecl &param, const std::string &path,
                   const std::string &problem);
  std::optional<Value> convert(const ParamDecl &param,
                               const nlohmann::json &value,
                               const std::string &path);
  std::optional<Scalar> convertScalar(const ParamDecl &param,
                                      const nlohmann::json &value,
                                      std::string &problem);
  std::optional<List> convertList(const ParamDecl &param,
                                  const nlohmann::json &value,
                                  std::string &problem);
  /// What the hyperparameter is if it is that expression.
  std::optional<Value> valueOf(const ParamDecl &param, const Expr *expr);
  bool bindConstant(const ConstantDecl &constant);
  bool bindRequire(const Item &item);
  bool bindWeight(const WeightDecl &weight, int64_t repetition);
  bool bindLayer(const LayerDecl &layer);
  std::optional<int64_t> bindCount(const LayerDecl &layer);
  bool bindLayerItems(const LayerDecl &layer, int64_t repetition);
  bool bindHoles(const LayerDecl &layer);
  bool bindLayerBody(const LayerDecl &layer);
  std::optional<Value> evaluate(const Expr *expr);
  std::optional<int64_t> positive(const Expr *expr, const char *what);

  BoundModel &bound;
  const Model &model;
  const Configuration &config;
  Diagnostics &diagnostics;
  BodyBinder bodies;
  /// The stacks of weights, by what their tensors have in common.
  std::map<std::tuple<const WeightSource *, std::vector<int64_t>, int64_t>,
           size_t>
      stacks;
  EntryBinder entries;
};

} // namespace tenon::lang

#endif // TENON_LIB_LANGUAGE_BINDER_H
