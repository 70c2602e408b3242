//===- Dim.cpp - symbolic dimensions --------------------------------------===//

#include "tenon/Language/Dim.h"

#include <algorithm>
#include <numeric>

using namespace tenon::lang;

//===----------------------------------------------------------------------===//
// Rationals
//===----------------------------------------------------------------------===//

static std::optional<Rational> makeRational(__int128 num, __int128 den) {
  if (den == 0)
    return std::nullopt;
  __int128 a = num < 0 ? -num : num, b = den < 0 ? -den : den;
  while (b != 0) {
    __int128 r = a % b;
    a = b;
    b = r;
  }
  if (a == 0)
    a = 1;
  if (den < 0)
    a = -a;
  num /= a;
  den /= a;
  if (num > INT64_MAX || num < -INT64_MAX || den > INT64_MAX)
    return std::nullopt;
  return Rational{static_cast<int64_t>(num), static_cast<int64_t>(den)};
}

// Products of two int64 fit in 128 bits, and the sum of two such products too.
static std::optional<Rational> addRational(Rational a, Rational b) {
  return makeRational(__int128(a.num) * b.den + __int128(b.num) * a.den,
                      __int128(a.den) * b.den);
}
static std::optional<Rational> mulRational(Rational a, Rational b) {
  return makeRational(__int128(a.num) * b.num, __int128(a.den) * b.den);
}
static std::optional<Rational> divRational(Rational a, Rational b) {
  return makeRational(__int128(a.num) * b.den, __int128(a.den) * b.num);
}

//===----------------------------------------------------------------------===//
// Monomials
//===----------------------------------------------------------------------===//

static constexpr int kMaxExponent = 64;

// a * b^sign; nullopt when an exponent is out of range.
static std::optional<Dim::Monomial> combine(const Dim::Monomial &a,
                                            const Dim::Monomial &b, int sign) {
  Dim::Monomial result;
  auto i = a.begin(), j = b.begin();
  while (i != a.end() || j != b.end()) {
    if (j == b.end() || (i != a.end() && i->first->order < j->first->order)) {
      result.push_back(*i++);
    } else if (i == a.end() || j->first->order < i->first->order) {
      result.push_back({j->first, sign * j->second});
      ++j;
    } else {
      int exponent = i->second + sign * j->second;
      if (exponent != 0)
        result.push_back({i->first, exponent});
      ++i, ++j;
    }
  }
  for (auto &[symbol, exponent] : result)
    if (exponent > kMaxExponent || exponent < -kMaxExponent)
      return std::nullopt;
  return result;
}

static bool monomialLess(const Dim::Monomial &a, const Dim::Monomial &b) {
  return std::lexicographical_compare(
      a.begin(), a.end(), b.begin(), b.end(), [](auto &x, auto &y) {
        return std::make_pair(x.first->order, -x.second) <
               std::make_pair(y.first->order, -y.second);
      });
}

//===----------------------------------------------------------------------===//
// Dim
//===----------------------------------------------------------------------===//

Dim::Dim(int64_t value) {
  if (value != 0)
    terms.push_back({{}, {value, 1}});
}

Dim Dim::symbol(const Symbol *symbol) {
  Dim dim;
  dim.terms.push_back({{{symbol, 1}}, {1, 1}});
  return dim;
}

// Sorts, merges equal monomials, drops zeros.
std::optional<Dim> Dim::fromTerms(std::vector<Term> terms) {
  std::sort(terms.begin(), terms.end(), [](auto &a, auto &b) {
    return monomialLess(a.monomial, b.monomial);
  });
  Dim result;
  for (Term &term : terms) {
    if (!result.terms.empty() &&
        result.terms.back().monomial == term.monomial) {
      auto sum = addRational(result.terms.back().coefficient, term.coefficient);
      if (!sum)
        return std::nullopt;
      result.terms.back().coefficient = *sum;
    } else {
      result.terms.push_back(std::move(term));
    }
  }
  std::erase_if(result.terms,
                [](const Term &term) { return term.coefficient.num == 0; });
  if (result.terms.size() > kMaxTerms)
    return std::nullopt;
  return result;
}

std::optional<Dim> Dim::add(const Dim &a, const Dim &b) {
  std::vector<Term> terms = a.terms;
  terms.insert(terms.end(), b.terms.begin(), b.terms.end());
  return fromTerms(std::move(terms));
}

std::optional<Dim> Dim::sub(const Dim &a, const Dim &b) {
  std::vector<Term> terms = a.terms;
  for (Term term : b.terms) {
    term.coefficient.num = -term.coefficient.num;
    terms.push_back(std::move(term));
  }
  return fromTerms(std::move(terms));
}

std::optional<Dim> Dim::mul(const Dim &a, const Dim &b) {
  std::vector<Term> terms;
  for (const Term &x : a.terms)
    for (const Term &y : b.terms) {
      auto monomial = combine(x.monomial, y.monomial, 1);
      auto coefficient = mulRational(x.coefficient, y.coefficient);
      if (!monomial || !coefficient)
        return std::nullopt;
      terms.push_back({std::move(*monomial), *coefficient});
    }
  return fromTerms(std::move(terms));
}

std::optional<Dim> Dim::div(const Dim &a, const Dim &b) {
  if (b.isZero())
    return std::nullopt;
  if (a.isZero())
    return Dim();
  const Term &divisor = b.terms.front();
  if (b.terms.size() == 1) {
    std::vector<Term> terms;
    for (const Term &term : a.terms) {
      auto monomial = combine(term.monomial, divisor.monomial, -1);
      auto coefficient = divRational(term.coefficient, divisor.coefficient);
      if (!monomial || !coefficient)
        return std::nullopt;
      terms.push_back({std::move(*monomial), *coefficient});
    }
    return fromTerms(std::move(terms));
  }
  // Several terms: only when `a` is a monomial times `b`.
  Dim first, lead;
  first.terms = {a.terms.front()};
  lead.terms = {divisor};
  std::optional<Dim> quotient = div(first, lead);
  if (!quotient)
    return std::nullopt;
  std::optional<Dim> product = mul(*quotient, b);
  if (!product || *product != a)
    return std::nullopt;
  return quotient;
}

std::optional<int64_t> Dim::constant() const {
  if (isZero())
    return 0;
  const Term &term = terms.front();
  if (terms.size() > 1 || !term.monomial.empty() || term.coefficient.den != 1)
    return std::nullopt;
  return term.coefficient.num;
}

std::optional<int64_t> Dim::constantTerm() const {
  for (const Term &term : terms)
    if (term.monomial.empty())
      return term.coefficient.den == 1 ? std::optional(term.coefficient.num)
                                       : std::nullopt;
  return 0;
}

bool Dim::dependsOn(const Symbol *symbol) const {
  for (const Term &term : terms)
    for (auto &[factor, exponent] : term.monomial)
      if (factor == symbol)
        return true;
  return false;
}

bool Dim::varies() const {
  for (const Term &term : terms)
    for (auto &[factor, exponent] : term.monomial)
      if (factor->varies)
        return true;
  return false;
}

bool Dim::isSymbol(const Symbol *symbol) const {
  return *this == Dim::symbol(symbol);
}

const Symbol *Dim::asSymbol() const {
  if (terms.size() != 1 || terms[0].monomial.size() != 1)
    return nullptr;
  const Symbol *symbol = terms[0].monomial[0].first;
  return isSymbol(symbol) ? symbol : nullptr;
}

std::vector<const Symbol *> Dim::symbols() const {
  std::vector<const Symbol *> result;
  for (const Term &term : terms)
    for (auto &[factor, exponent] : term.monomial)
      result.push_back(factor);
  std::sort(result.begin(), result.end(), [](const Symbol *a, const Symbol *b) {
    return a->order < b->order;
  });
  result.erase(std::unique(result.begin(), result.end()), result.end());
  return result;
}

bool Dim::dependsOnLength() const {
  for (const Symbol *symbol : symbols())
    if (symbol->isLength)
      return true;
  return false;
}

std::optional<Dim>
Dim::substitute(const std::function<const Dim *(const Symbol *)> &value) const {
  std::optional<Dim> sum = Dim();
  for (const Term &term : terms) {
    Dim product;
    product.terms.push_back({{}, term.coefficient});
    for (auto &[symbol, exponent] : term.monomial) {
      const Dim *found = value(symbol);
      Dim factor = found ? *found : Dim::symbol(symbol);
      for (int i = 0; i < std::abs(exponent); ++i) {
        std::optional<Dim> next =
            exponent > 0 ? mul(product, factor) : div(product, factor);
        if (!next)
          return std::nullopt;
        product = std::move(*next);
      }
    }
    sum = add(*sum, product);
    if (!sum)
      return std::nullopt;
  }
  return sum;
}

std::optional<int64_t> Dim::evaluate(
    const std::function<std::optional<int64_t>(const Symbol *)> &value) const {
  Rational sum{0, 1};
  for (const Term &term : terms) {
    Rational product = term.coefficient;
    for (auto &[symbol, exponent] : term.monomial) {
      std::optional<int64_t> number = value(symbol);
      if (!number || *number == INT64_MIN)
        return std::nullopt;
      for (int i = 0; i < std::abs(exponent); ++i) {
        auto next = exponent > 0 ? mulRational(product, {*number, 1})
                                 : divRational(product, {*number, 1});
        if (!next)
          return std::nullopt;
        product = *next;
      }
    }
    auto next = addRational(sum, product);
    if (!next)
      return std::nullopt;
    sum = *next;
  }
  if (sum.den != 1)
    return std::nullopt;
  return sum.num;
}

std::string Dim::str() const {
  if (isZero())
    return "0";
  std::string out;
  for (const Term &term : terms) {
    int64_t num = term.coefficient.num;
    if (!out.empty())
      out += num < 0 ? " - " : " + ";
    else if (num < 0)
      out += "-";
    std::string product;
    if (num != 1 && num != -1)
      product = std::to_string(num < 0 ? -num : num);
    std::string divisors;
    for (auto &[symbol, exponent] : term.monomial)
      for (int i = 0; i < std::abs(exponent); ++i) {
        if (exponent < 0)
          divisors += " / " + symbol->name;
        else
          product += (product.empty() ? "" : " * ") + symbol->name;
      }
    if (product.empty())
      product = "1";
    if (term.coefficient.den != 1)
      divisors += " / " + std::to_string(term.coefficient.den);
    out += product + divisors;
  }
  return out;
}

template <class T, class F>
static std::string joinShape(const std::vector<T> &shape, F text) {
  std::string out = "[";
  for (size_t i = 0; i < shape.size(); ++i)
    out += (i ? ", " : "") + text(shape[i]);
  return out + "]";
}

std::string tenon::lang::formatShape(const std::vector<Dim> &shape) {
  return joinShape(shape, [](const Dim &dim) { return dim.str(); });
}

std::string tenon::lang::formatShape(const std::vector<int64_t> &shape) {
  return joinShape(shape, [](int64_t dim) { return std::to_string(dim); });
}
