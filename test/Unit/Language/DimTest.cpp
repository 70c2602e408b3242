//===- DimTest.cpp - symbolic dimensions ----------------------------------===//

#include "tenon/Language/Dim.h"

#include <gtest/gtest.h>

using namespace tenon::lang;

namespace {

class DimTest : public testing::Test {
protected:
  Symbol nSymbol{"n", 1, nullptr}, hSymbol{"h", 2, nullptr};
  Dim n = Dim::symbol(&nSymbol), h = Dim::symbol(&hSymbol);

  std::optional<int64_t> evaluate(const Dim &dim, int64_t nValue,
                                  int64_t hValue) {
    return dim.evaluate([&](const Symbol *symbol) -> std::optional<int64_t> {
      return symbol == &nSymbol ? nValue : hValue;
    });
  }
};

TEST_F(DimTest, DivisionIsExact) {
  Dim headDim = *Dim::div(n, h);
  EXPECT_EQ(*Dim::mul(headDim, h), n);
  EXPECT_EQ(*Dim::mul(h, headDim), n);
  EXPECT_NE(headDim, n);
  EXPECT_EQ(headDim.str(), "n / h");
}

TEST_F(DimTest, SumsAreCanonical) {
  Dim triple = *Dim::mul(3, n);
  EXPECT_EQ(*Dim::add(*Dim::add(n, n), n), triple);
  EXPECT_EQ(*Dim::sub(triple, *Dim::mul(2, n)), n);
  EXPECT_TRUE(Dim::sub(n, n)->isZero());
  EXPECT_EQ(*Dim::add(n, h), *Dim::add(h, n));
  EXPECT_EQ(triple.str(), "3 * n");
  EXPECT_EQ(Dim::sub(n, *Dim::mul(2, h))->str(), "n - 2 * h");
  EXPECT_EQ(Dim().str(), "0");
  EXPECT_EQ(Dim(7).str(), "7");
}

TEST_F(DimTest, RationalCoefficientsReduce) {
  Dim third = *Dim::div(n, 3);
  EXPECT_EQ(*Dim::mul(*Dim::mul(2, third), *Dim::div(3, 2)), n);
  EXPECT_EQ(third.str(), "n / 3");
}

TEST_F(DimTest, DivisionBySums) {
  Dim sum = *Dim::add(n, h);
  EXPECT_EQ(*Dim::div(*Dim::mul(sum, n), sum), n);
  EXPECT_FALSE(Dim::div(n, sum));
  EXPECT_FALSE(Dim::div(n, Dim()));
}

TEST_F(DimTest, Evaluates) {
  EXPECT_EQ(evaluate(*Dim::div(n, h), 64, 8), 8);
  EXPECT_EQ(evaluate(*Dim::div(n, h), 65, 8), std::nullopt);
  EXPECT_EQ(evaluate(*Dim::div(n, h), 64, 0), std::nullopt);
  EXPECT_EQ(evaluate(*Dim::mul(n, h), int64_t(1) << 62, 4), std::nullopt);
  EXPECT_EQ(evaluate(*Dim::sub(n, h), 3, 5), -2);
  // Halves that add up to a whole number.
  Dim halves = *Dim::add(*Dim::div(n, 2), *Dim::div(h, 2));
  EXPECT_EQ(evaluate(halves, 3, 5), 4);
}

TEST_F(DimTest, OverflowIsNoResult) {
  EXPECT_FALSE(Dim::mul(INT64_MAX, 2));
  EXPECT_FALSE(Dim::add(INT64_MAX, 1));
  Dim power = n;
  std::optional<Dim> next = power;
  for (int i = 0; i < 10 && next; ++i)
    next = Dim::mul(*next, *next);
  EXPECT_FALSE(next) << "exponents are bounded";
}

TEST_F(DimTest, NumberOfTermsIsBounded) {
  std::vector<Symbol> symbols;
  for (unsigned i = 0; i < 100; ++i)
    symbols.push_back({"s" + std::to_string(i), i + 10, nullptr});
  std::optional<Dim> sum = Dim(0);
  for (const Symbol &symbol : symbols)
    if (sum)
      sum = Dim::add(*sum, Dim::symbol(&symbol));
  EXPECT_FALSE(sum);
}

TEST_F(DimTest, ShapesAreSpelled) {
  EXPECT_EQ(formatShape(std::vector<Dim>{n, *Dim::mul(2, h)}), "[n, 2 * h]");
  EXPECT_EQ(formatShape(std::vector<int64_t>{512, 64}), "[512, 64]");
}

} // namespace
