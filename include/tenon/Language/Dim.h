//===- Dim.h - symbolic dimensions ------------------------------*- C++ -*-===//
//
// A dimension before the hyperparameters are known: a sum of monomials with
// rational coefficients over symbols, e.g. 3 * n_embd or n_embd / n_head + 1.
// Division is exact, so n_embd / n_head * n_head equals n_embd; that the
// numbers of a concrete model divide is checked when they are bound.
//
// The form is canonical: two Dims are equal as functions (where all divisions
// are defined) if and only if they compare equal, with one exception: division
// by a sum of several terms makes an opaque symbol.
//
//===----------------------------------------------------------------------===//

#ifndef TENON_LANGUAGE_DIM_H
#define TENON_LANGUAGE_DIM_H

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace tenon::lang {

struct Expr;

/// An unknown in a Dim. `order` decides the order of printing (declaration
/// order); symbols of one model have distinct orders.
struct Symbol {
  std::string name;
  unsigned order = 0;
  /// What the symbol stands for when it isn't a hyperparameter or a length.
  const Expr *definition = nullptr;
  /// T, S, …: known only when the model runs.
  bool isLength = false;
  /// Depends on a layer's index: one value for each repetition.
  bool varies = false;
};

/// num / den in lowest terms, den > 0.
struct Rational {
  int64_t num = 0;
  int64_t den = 1;
  bool operator==(const Rational &) const = default;
};

class Dim {
public:
  /// Symbols with their exponents (never 0), ordered by Symbol::order.
  using Monomial = std::vector<std::pair<const Symbol *, int>>;
  struct Term {
    Monomial monomial;
    Rational coefficient; // never 0
    bool operator==(const Term &) const = default;
  };

  /// More terms than this are refused; no model has more than three.
  static constexpr size_t kMaxTerms = 64;

  Dim() = default; ///< zero
  Dim(int64_t value);
  static Dim symbol(const Symbol *symbol);

  /// nullopt: a coefficient or an exponent overflows, or too many terms.
  static std::optional<Dim> add(const Dim &a, const Dim &b);
  static std::optional<Dim> sub(const Dim &a, const Dim &b);
  static std::optional<Dim> mul(const Dim &a, const Dim &b);
  /// Also nullopt when `b` is zero or has several terms and `a` is no multiple.
  static std::optional<Dim> div(const Dim &a, const Dim &b);

  bool isZero() const { return terms.empty(); }
  /// The value of a Dim without symbols, if it is a whole number.
  std::optional<int64_t> constant() const;
  /// The number that is added to terms with symbols, if it is a whole one.
  std::optional<int64_t> constantTerm() const;
  bool dependsOn(const Symbol *symbol) const;
  bool isSymbol(const Symbol *symbol) const;
  /// The symbol that this is, alone; null for any other formula.
  const Symbol *asSymbol() const;
  /// The symbols that it depends on, each once, by order.
  std::vector<const Symbol *> symbols() const;
  bool dependsOnLength() const;
  /// With the dimensions that `value` has for symbols in their places; nullopt
  /// as for the operations.
  std::optional<Dim>
  substitute(const std::function<const Dim *(const Symbol *)> &value) const;
  /// Depends on a layer's index.
  bool varies() const;

  /// The exact value; nullopt when it overflows or isn't a whole number, or
  /// when `value` has none for a symbol.
  std::optional<int64_t> evaluate(
      const std::function<std::optional<int64_t>(const Symbol *)> &value) const;

  /// As in the language: "3 * n_embd", "n_embd / n_head".
  std::string str() const;

  bool operator==(const Dim &) const = default;

private:
  static std::optional<Dim> fromTerms(std::vector<Term> terms);
  std::vector<Term> terms; // ordered by monomial
};

/// "[T, num_attention_heads * head_dim]"
std::string formatShape(const std::vector<Dim> &shape);
/// "[512, 64]"
std::string formatShape(const std::vector<int64_t> &shape);

} // namespace tenon::lang

#endif // TENON_LANGUAGE_DIM_H
