//===- Mxfp4.cpp - matrices in MXFP4 that Transformers writes -------------===//
//
// A matrix NAME of [..., rows, columns] is two tensors of bytes: NAME_blocks,
// [..., rows, columns / 32, 16], two elements of E2M1 in each byte, the first
// in the low half; and NAME_scales, [..., rows, columns / 32], the exponent of
// 2 of each block plus 127. (transformers/integrations/mxfp4.py; OCP
// Microscaling Formats 1.0.) GGML's blocks have the same numbers in another
// order.
//
//===----------------------------------------------------------------------===//

#include "TensorOrder.h"
#include "tenon/Checkpoint/Safetensors.h"

#include "tenon/Support/CheckedMath.h"
#include "tenon/Support/Strings.h"

using namespace tenon;

namespace {

constexpr std::string_view kBlocks = "_blocks", kScales = "_scales";
constexpr uint64_t kHalves = 16; ///< bytes of a block's elements
constexpr uint64_t kBlock = 1 + kHalves;

/// Another checkpoint with some of its tensors joined.
class JoinedCheckpoint : public Checkpoint {
public:
  JoinedCheckpoint(std::unique_ptr<Checkpoint> parts,
                   std::vector<TensorInfo> tensors)
      : parts(std::move(parts)) {
    infos = std::move(tensors);
  }

  const TensorInfo *find(std::string_view name) const override {
    const TensorInfo *found = Checkpoint::find(name);
    return found || name.find('*') == name.npos ? found : parts->find(name);
  }

private:
  std::unique_ptr<Checkpoint> parts; ///< owns the files
};

/// The element `i` of 32 that have two in each byte, in turn.
std::byte element(const std::byte *halves, uint64_t i) {
  std::byte both = halves[i / 2];
  return i % 2 ? both >> 4 : both & std::byte{15};
}

} // namespace

// Blocks as GGML has them: the scale, then bytes of element j and j + 16.
static std::vector<std::byte> join(const TensorInfo &blocks,
                                   const TensorInfo &scales, uint64_t begin,
                                   uint64_t count) {
  std::vector<std::byte> out(count);
  uint64_t first = begin / kBlock, number = count / kBlock;
  const std::byte *from =
      blocks.file->bytes().data() + blocks.offset + first * kHalves;
  const std::byte *exponents =
      scales.file->bytes().data() + scales.offset + first;
  for (uint64_t b = 0; b < number; ++b) {
    const std::byte *halves = from + b * kHalves;
    std::byte *to = out.data() + b * kBlock;
    to[0] = exponents[b];
    for (uint64_t j = 0; j < kHalves; ++j)
      to[1 + j] = element(halves, j) | element(halves, j + kHalves) << 4;
  }
  blocks.file->release(blocks.offset + first * kHalves, number * kHalves);
  return out;
}

Expected<std::unique_ptr<Checkpoint>>
tenon::joinMxfp4(std::unique_ptr<Checkpoint> parts) {
  std::vector<TensorInfo> tensors;
  for (const TensorInfo &info : parts->tensors()) {
    std::string_view name = info.name;
    if (name.ends_with(kScales) &&
        parts->find(
            strCat(name.substr(0, name.size() - kScales.size()), kBlocks)))
      continue; // joined with its blocks
    if (!name.ends_with(kBlocks)) {
      tensors.push_back(info);
      continue;
    }
    auto fail = [&](std::string_view problem) {
      return errorInFile(info.file->path(), strCat("tensor ", quoteName(name),
                                                   ", in MXFP4, ", problem));
    };
    std::string stem(name.substr(0, name.size() - kBlocks.size()));
    const TensorInfo *scales = parts->find(strCat(stem, kScales));
    if (!scales)
      return fail(
          strCat("has no ", quoteName(strCat(stem, kScales)), " beside it"));
    std::vector<int64_t> shape = info.shape;
    if (info.dtype != DType::U8 || shape.size() < 3 ||
        shape.back() != static_cast<int64_t>(kHalves))
      return fail(strCat("is ", ::tenon::name(info.dtype), " ",
                         shapeText(shape),
                         "; expected u8 [..., rows, columns / 32, 16]"));
    shape.pop_back();
    if (scales->dtype != DType::U8 || scales->shape != shape)
      return fail(strCat("has scales of ", ::tenon::name(scales->dtype), " ",
                         shapeText(scales->shape), "; expected u8 ",
                         shapeText(shape)));
    std::optional<uint64_t> columns = checkedMul(
        static_cast<uint64_t>(shape.back()), blockElements(DType::MXFP4));
    std::optional<uint64_t> size = checkedMul(scales->size, kBlock);
    if (!columns || *columns > INT64_MAX || !size || *size == 0)
      return fail("has no sizes that a matrix can have");
    shape.back() = static_cast<int64_t>(*columns);
    TensorInfo whole = info;
    whole.name = std::move(stem);
    whole.dtype = DType::MXFP4;
    whole.shape = std::move(shape);
    whole.size = *size;
    whole.join = [blocks = info, of = *scales](uint64_t begin, uint64_t count) {
      return join(blocks, of, begin, count);
    };
    tensors.push_back(std::move(whole));
  }
  if (const TensorInfo *again = sortByName(tensors))
    return errorInFile(again->file->path(),
                       strCat("tensor ", quoteName(again->name),
                              " is there both in MXFP4 and as it is"));
  return std::unique_ptr<Checkpoint>(
      std::make_unique<JoinedCheckpoint>(std::move(parts), std::move(tensors)));
}
