//===- PackingTest.cpp - packed weights against the definition ------------===//
//
// The layout is checked element by element against the formula in
// TenonAttrs.td, in the most direct code that expresses it.
//
//===----------------------------------------------------------------------===//

#include "tenon/Driver/Packing.h"
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <numeric>

using namespace tenon;

namespace {

struct Matrix {
  int64_t rows, columns;
  std::vector<float> values;
  float at(int64_t r, int64_t c) const { return values[r * columns + c]; }
};

/// Small integers, exact in every element type; all different from 0.
Matrix makeMatrix(int64_t rows, int64_t columns, int64_t seed = 0) {
  Matrix matrix{rows, columns, std::vector<float>(rows * columns)};
  for (int64_t i = 0; i < rows * columns; ++i)
    matrix.values[i] = static_cast<float>((i * 37 + seed) % 251 + 1);
  return matrix;
}

std::vector<std::byte> store(const std::vector<float> &values, DType type) {
  std::vector<std::byte> bytes(values.size() * byteWidth(type));
  for (size_t i = 0; i < values.size(); ++i) {
    uint16_t narrow = type == DType::F16 ? floatToHalf(values[i])
                                         : floatToBfloat16(values[i]);
    if (type == DType::F32)
      std::memcpy(bytes.data() + 4 * i, &values[i], 4);
    else
      std::memcpy(bytes.data() + 2 * i, &narrow, 2);
  }
  return bytes;
}

std::vector<float> load(const std::vector<std::byte> &bytes, DType type) {
  std::vector<float> values(bytes.size() / byteWidth(type));
  for (size_t i = 0; i < values.size(); ++i) {
    uint16_t narrow;
    if (type == DType::F32) {
      std::memcpy(&values[i], bytes.data() + 4 * i, 4);
      continue;
    }
    std::memcpy(&narrow, bytes.data() + 2 * i, 2);
    values[i] =
        type == DType::F16 ? halfToFloat(narrow) : bfloat16ToFloat(narrow);
  }
  return values;
}

RowSource fileSource(const Matrix &matrix, DType type,
                     const std::vector<std::byte> &bytes) {
  RowSource source;
  source.dtype = type;
  source.rows = matrix.rows;
  source.columns = matrix.columns;
  source.data = bytes.data();
  return source;
}

std::vector<std::byte> pack(const PackRequest &request,
                            std::optional<NonFiniteElement> *bad = nullptr) {
  std::vector<std::byte> bytes;
  Status status = packWeight(
      request,
      [&](std::span<const std::byte> piece) {
        bytes.insert(bytes.end(), piece.begin(), piece.end());
        return Status::success();
      },
      bad);
  EXPECT_TRUE(bool(status));
  return bytes;
}

/// The definition: [panels][columns / k][n][k], zero padded.
std::vector<float> packNaively(const Matrix &m, PanelLayout panel) {
  int64_t part = panel.n / panel.interleave, half = m.rows / panel.interleave;
  int64_t panels = (half + part - 1) / part;
  int64_t blocks = (m.columns + panel.k - 1) / panel.k;
  std::vector<float> packed;
  for (int64_t p = 0; p < panels; ++p)
    for (int64_t b = 0; b < blocks; ++b)
      for (int64_t r = 0; r < panel.n; ++r)
        for (int64_t j = 0; j < panel.k; ++j) {
          int64_t inHalf = p * part + r % part;
          int64_t row = r / part * half + inHalf, column = b * panel.k + j;
          bool inside = inHalf < half && column < m.columns;
          packed.push_back(inside ? m.at(row, column) : 0.0f);
        }
  return packed;
}

struct Case {
  int64_t rows, columns;
  PanelLayout panel;
};

class PackPanels
    : public testing::TestWithParam<std::tuple<Case, DType, DType>> {};

TEST_P(PackPanels, MatchesTheDefinition) {
  auto [shape, from, to] = GetParam();
  Matrix matrix = makeMatrix(shape.rows, shape.columns);
  std::vector<std::byte> bytes = store(matrix.values, from);
  PackRequest request;
  request.sources = {fileSource(matrix, from, bytes)};
  request.columns = shape.columns;
  request.dtype = to;
  request.panel = shape.panel;
  std::vector<float> expected = packNaively(matrix, shape.panel);
  EXPECT_EQ(shape.panel.elements(shape.rows, shape.columns), expected.size());
  EXPECT_EQ(load(pack(request), to), expected);
}

INSTANTIATE_TEST_SUITE_P(
    Layouts, PackPanels,
    testing::Combine(
        testing::Values(Case{64, 64, {32, 1, 1}}, Case{64, 64, {32, 2, 1}},
                        Case{70, 33, {32, 2, 1}}, Case{5, 7, {16, 1, 1}},
                        Case{172 * 2, 64, {32, 1, 2}}, Case{44, 19, {32, 2, 2}},
                        Case{33, 12, {8, 4, 1}}, Case{24, 10, {6, 1, 1}}),
        testing::Values(DType::F32, DType::F16, DType::BF16),
        testing::Values(DType::F32, DType::F16, DType::BF16)));

TEST(Packing, ManyPanelsCrossThePieces) {
  // More than one piece of 1 MiB.
  Matrix matrix = makeMatrix(700, 1000);
  std::vector<std::byte> bytes = store(matrix.values, DType::F32);
  PackRequest request;
  request.sources = {fileSource(matrix, DType::F32, bytes)};
  request.columns = 1000;
  request.panel = PanelLayout{32, 1, 1};
  int64_t released = 0;
  request.released = [&](size_t, int64_t begin, int64_t end) {
    EXPECT_EQ(begin, released);
    released = end;
  };
  EXPECT_EQ(load(pack(request), DType::F32),
            packNaively(matrix, *request.panel));
  EXPECT_EQ(released, 700);
}

TEST(Packing, SourcesAreConcatenated) {
  Matrix q = makeMatrix(24, 20, 1), k = makeMatrix(10, 20, 2),
         v = makeMatrix(10, 20, 3);
  Matrix all{44, 20, {}};
  PackRequest request;
  request.columns = 20;
  request.panel = PanelLayout{16, 1, 1};
  std::vector<std::vector<std::byte>> bytes;
  for (const Matrix *part : {&q, &k, &v})
    bytes.push_back(store(part->values, DType::F32));
  size_t i = 0;
  for (const Matrix *part : {&q, &k, &v}) {
    all.values.insert(all.values.end(), part->values.begin(),
                      part->values.end());
    request.sources.push_back(fileSource(*part, DType::F32, bytes[i++]));
  }
  EXPECT_EQ(load(pack(request), DType::F32), packNaively(all, *request.panel));
}

TEST(Packing, TransposedSources) {
  Matrix matrix = makeMatrix(50, 37), file{37, 50, {}};
  for (int64_t c = 0; c < 37; ++c)
    for (int64_t r = 0; r < 50; ++r)
      file.values.push_back(matrix.at(r, c));
  for (DType type : {DType::F32, DType::BF16}) {
    std::vector<std::byte> bytes = store(file.values, type);
    RowSource source = fileSource(matrix, type, bytes);
    source.transposed = true;
    PackRequest request;
    request.sources = {source};
    request.columns = 37;
    request.dtype = type;
    EXPECT_EQ(load(pack(request), type), matrix.values);
    request.panel = PanelLayout{32, 2, 1};
    EXPECT_EQ(load(pack(request), type), packNaively(matrix, *request.panel));
  }
}

// Of 3 heads of 8 rows the rows 2 .. 6, as they are and each head's turned
// around; also of random weights, whose numbers are those of the whole.
TEST(Packing, PartsOfHeads) {
  constexpr int64_t kHeads = 3, kRows = 8, kFirst = 2, kCount = 5;
  Matrix file = makeMatrix(kHeads * kRows, 37);
  std::vector<float> random(kHeads * kRows * 37);
  fillNormal(11, 0, random.data(), random.size());
  for (bool isRandom : {false, true}) {
    if (isRandom)
      file.values = random;
    Matrix plain{kHeads * kCount, 37, {}}, turned{kHeads * 37, kCount, {}};
    for (int64_t h = 0; h < kHeads; ++h)
      for (int64_t r = 0; r < kCount; ++r)
        for (int64_t c = 0; c < 37; ++c)
          plain.values.push_back(file.at(h * kRows + kFirst + r, c));
    for (int64_t h = 0; h < kHeads; ++h)
      for (int64_t c = 0; c < 37; ++c)
        for (int64_t r = 0; r < kCount; ++r)
          turned.values.push_back(file.at(h * kRows + kFirst + r, c));
    std::vector<std::byte> bytes = store(file.values, DType::F32);
    for (const Matrix *part : {&plain, &turned}) {
      RowSource source = fileSource(*part, DType::F32, bytes);
      if (isRandom) {
        source.fill = RowSource::Fill::Normal;
        source.data = nullptr;
        source.seed = 11;
      }
      source.transposed = part == &turned;
      source.heads = kHeads;
      source.headRows = kRows;
      source.firstRow = kFirst;
      source.partRows = kCount;
      source.fileColumns = 37;
      PackRequest request;
      request.sources = {source};
      request.columns = part->columns;
      request.dtype = DType::F32;
      EXPECT_EQ(load(pack(request), DType::F32), part->values);
      request.panel = PanelLayout{32, 1, 1};
      EXPECT_EQ(load(pack(request), DType::F32),
                packNaively(*part, *request.panel));
    }
  }
}

TEST(Packing, VectorsStayAsTheyAre) {
  Matrix norm = makeMatrix(1, 64);
  std::vector<std::byte> bytes = store(norm.values, DType::F16);
  PackRequest request;
  request.sources = {fileSource(norm, DType::F16, bytes)};
  request.columns = 64;
  EXPECT_EQ(load(pack(request), DType::F32), norm.values);
}

TEST(Packing, FindsBadNumbers) {
  for (DType type : {DType::F32, DType::F16, DType::BF16}) {
    Matrix matrix = makeMatrix(40, 30);
    matrix.values[17 * 30 + 5] = std::numeric_limits<float>::quiet_NaN();
    matrix.values[39 * 30 + 1] = std::numeric_limits<float>::infinity();
    std::vector<std::byte> bytes = store(matrix.values, type);
    PackRequest request;
    request.sources = {fileSource(matrix, type, bytes)};
    request.columns = 30;
    request.dtype = DType::F32;
    request.panel = PanelLayout{32, 1, 1};
    std::optional<NonFiniteElement> bad;
    pack(request, &bad);
    ASSERT_TRUE(bad.has_value());
    EXPECT_EQ(bad->row, 17);
    EXPECT_EQ(bad->column, 5);
    EXPECT_TRUE(std::isnan(bad->value));
  }
  // Finite in f32, too large for f16.
  Matrix large = makeMatrix(2, 8);
  large.values[3] = 1e6f;
  std::vector<std::byte> bytes = store(large.values, DType::F32);
  PackRequest request;
  request.sources = {fileSource(large, DType::F32, bytes)};
  request.columns = 8;
  request.dtype = DType::F16;
  std::optional<NonFiniteElement> bad;
  pack(request, &bad);
  ASSERT_TRUE(bad.has_value());
  EXPECT_EQ(bad->column, 3);
}

TEST(Packing, ConversionsAgreeWithTheReference) {
  // Every half, and floats of every exponent with awkward tails.
  std::vector<uint16_t> halves(65536);
  std::iota(halves.begin(), halves.end(), uint16_t(0));
  std::vector<float> wide(65536);
  convertElements(DType::F16, reinterpret_cast<std::byte *>(halves.data()),
                  DType::F32, reinterpret_cast<std::byte *>(wide.data()),
                  65536);
  for (size_t i = 0; i < 65536; ++i)
    ASSERT_EQ(std::bit_cast<uint32_t>(wide[i]),
              std::bit_cast<uint32_t>(halfToFloat(halves[i])))
        << i;
  std::vector<float> floats;
  for (uint32_t exponent = 0; exponent < 512; ++exponent)
    for (uint32_t tail : {0u, 1u, 0xfffu, 0x1000u, 0x1001u, 0x3000u, 0x7fffu,
                          0x8000u, 0x8001u, 0x18000u, 0x7fffffu})
      floats.push_back(std::bit_cast<float>(exponent << 23 | tail));
  std::vector<uint16_t> narrow(floats.size());
  for (DType type : {DType::F16, DType::BF16}) {
    convertElements(DType::F32, reinterpret_cast<std::byte *>(floats.data()),
                    type, reinterpret_cast<std::byte *>(narrow.data()),
                    floats.size());
    for (size_t i = 0; i < floats.size(); ++i)
      ASSERT_EQ(narrow[i], type == DType::F16 ? floatToHalf(floats[i])
                                              : floatToBfloat16(floats[i]))
          << std::bit_cast<uint32_t>(floats[i]);
  }
}

TEST(Packing, RandomNumbersAreReproducibleAndPlausible) {
  std::vector<float> a(100000), b(1000);
  fillNormal(7, 0, a.data(), a.size());
  fillNormal(7, 5000, b.data(), b.size());
  EXPECT_TRUE(std::equal(b.begin(), b.end(), a.begin() + 5000));
  double sum = 0, squares = 0;
  for (float x : a)
    sum += x, squares += double(x) * x;
  EXPECT_NEAR(sum / a.size(), 0, 3e-4);
  EXPECT_NEAR(std::sqrt(squares / a.size()), 0.02, 5e-4);
  fillNormal(8, 5000, b.data(), b.size());
  EXPECT_FALSE(std::equal(b.begin(), b.end(), a.begin() + 5000));
}

TEST(Packing, RopeTable) {
  std::vector<std::byte> bytes;
  const double frequencies[] = {1.0, 0.01};
  Status status = writeRopeTable(
      frequencies, 0.5, 300, [&](std::span<const std::byte> piece) {
        bytes.insert(bytes.end(), piece.begin(), piece.end());
        return Status::success();
      });
  ASSERT_TRUE(bool(status));
  std::vector<float> table = load(bytes, DType::F32);
  ASSERT_EQ(table.size(), 300u * 4);
  for (int p : {0, 1, 299}) {
    EXPECT_EQ(table[p * 4 + 0], float(std::cos(p * 1.0) * 0.5));
    EXPECT_EQ(table[p * 4 + 1], float(std::cos(p * 0.01) * 0.5));
    EXPECT_EQ(table[p * 4 + 2], float(std::sin(p * 1.0) * 0.5));
    EXPECT_EQ(table[p * 4 + 3], float(std::sin(p * 0.01) * 0.5));
  }
}

TEST(Packing, SinusoidTable) {
  const double frequencies[] = {1.0, 0.01};
  for (bool interleaved : {false, true}) {
    std::vector<std::byte> bytes;
    Status status = writeSinusoidTable(
        frequencies, interleaved, 300, [&](std::span<const std::byte> piece) {
          bytes.insert(bytes.end(), piece.begin(), piece.end());
          return Status::success();
        });
    ASSERT_TRUE(bool(status));
    std::vector<float> table = load(bytes, DType::F32);
    ASSERT_EQ(table.size(), 300u * 4);
    for (int p : {0, 1, 299}) {
      EXPECT_EQ(table[p * 4 + 0], float(std::sin(p * 1.0)));
      EXPECT_EQ(table[p * 4 + (interleaved ? 2 : 1)],
                float(std::sin(p * 0.01)));
      EXPECT_EQ(table[p * 4 + (interleaved ? 1 : 2)], float(std::cos(p * 1.0)));
      EXPECT_EQ(table[p * 4 + 3], float(std::cos(p * 0.01)));
    }
  }
}

TEST(Packing, SinkErrorsEndTheWork) {
  Matrix matrix = makeMatrix(4, 4);
  std::vector<std::byte> bytes = store(matrix.values, DType::F32);
  PackRequest request;
  request.sources = {fileSource(matrix, DType::F32, bytes)};
  request.columns = 4;
  Status status = packWeight(request, [](std::span<const std::byte>) -> Status {
    return plainError("disk full", ExitCode::OutOfResource);
  });
  ASSERT_FALSE(bool(status));
  EXPECT_EQ(status.error().code, ExitCode::OutOfResource);
}

} // namespace
