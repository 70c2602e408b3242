//===- Serialize.cpp - tokenizers in compiled executables ----------------===//
//
// Little-endian; strings and arrays have a 32-bit length before them:
//
//   "TNTK" u32 version
//   u8 algorithm, byteLevel, byteFallback, fuseUnknown, ignoreMerges
//   i32 unknown, u32 maxCharsPerWord, string continuingPrefix, endSuffix
//   f64[] scores
//   string texts, u32[] ends, u8[] kinds, MergeRule[]
//   i32[] prefix, i32[] suffix, i32[] middle, u8 secondSegment
//   u32 n, then n added tokens; the same for the three kinds of steps
//
// The large parts are single blocks, so that reading them is copying them.
//
//===----------------------------------------------------------------------===//

#include "tenon/Tokenizer/Tokenizer.h"

#include "tenon/Support/ByteReader.h"
#include "tenon/Support/Strings.h"

using namespace tenon;

static constexpr std::string_view magic = "TNTK";
static constexpr uint32_t version = 2;

// One function per record names its fields in order, for both directions.

template <class Archive> static void fields(Archive &a, AddedToken &token) {
  a(token.content), a(token.id), a(token.special), a(token.singleWord);
  a(token.lstrip), a(token.rstrip), a(token.normalized);
}

template <class Archive> static void fields(Archive &a, NormalizerStep &step) {
  a(step.kind), a(step.pattern), a(step.content);
}

template <class Archive>
static void fields(Archive &a, PreTokenizerStep &step) {
  a(step.kind), a(step.pattern), a(step.content), a(step.behavior);
  a(step.invert), a(step.prepend), a(step.cut), a(step.length);
}

template <class Archive> static void fields(Archive &a, DecoderStep &step) {
  a(step.kind), a(step.pattern), a(step.content), a(step.start), a(step.stop);
  a(step.cleanup), a(step.dropFirst);
}

template <class Archive> static void fields(Archive &a, TokenizerModel &model) {
  a(model.algorithm), a(model.byteLevel), a(model.byteFallback);
  a(model.fuseUnknown), a(model.ignoreMerges);
  a(model.unknown), a(model.maxCharsPerWord), a(model.continuingPrefix);
  a(model.endSuffix), a(model.scores);
  a(model.pieces.bytes), a(model.pieces.ends), a(model.kinds), a(model.merges);
  a(model.prefix), a(model.suffix);
  a(model.middle), a(model.secondSegment);
  a.records(model.added), a.records(model.normalizer);
  a.records(model.preTokenizer), a.records(model.decoder);
}

namespace {

class Writer {
public:
  void operator()(const std::string &text) { out.writeString(text); }
  void operator()(bool flag) { out.write(static_cast<uint8_t>(flag)); }
  template <class T>
  requires std::is_integral_v<T>
  void operator()(T number) { out.write(number); }
  template <class T>
  requires std::is_enum_v<T>
  void operator()(T value) {
    out.write(static_cast<std::underlying_type_t<T>>(value));
  }
  template <class T> void operator()(const std::vector<T> &values) {
    out.writeArray(values);
  }
  template <class T> void records(std::vector<T> &values) {
    out.write(static_cast<uint32_t>(values.size()));
    for (T &value : values)
      fields(*this, value);
  }

  ByteWriter out;
};

class Reader {
public:
  explicit Reader(ByteReader &in) : in(in) {}

  void operator()(std::string &text) { text = in.readString(); }
  void operator()(bool &flag) {
    uint8_t byte = in.read<uint8_t>();
    flag = byte != 0;
    if (byte > 1)
      valid = false;
  }
  template <class T>
  requires std::is_integral_v<T>
  void operator()(T &number) { number = in.read<T>(); }
  // verify() checks that the value is one of the enumeration.
  template <class T>
  requires std::is_enum_v<T>
  void operator()(T &value) {
    value = static_cast<T>(in.read<std::underlying_type_t<T>>());
  }
  template <class T> void operator()(std::vector<T> &values) {
    values = in.readArray<T>();
  }
  template <class T> void records(std::vector<T> &values) {
    // Grows with what is read: the count alone reserves nothing.
    for (uint32_t count = in.read<uint32_t>(); count > 0 && in.ok(); --count)
      fields(*this, values.emplace_back());
  }

  ByteReader &in;
  bool valid = true;
};

} // namespace

std::string Tokenizer::serialize() const {
  Writer writer;
  for (char c : magic)
    writer.out.write(c);
  writer.out.write(version);
  // Writing only reads the fields.
  fields(writer, const_cast<TokenizerModel &>(model));
  return writer.out.take();
}

Expected<std::unique_ptr<Tokenizer>>
Tokenizer::deserialize(std::span<const std::byte> bytes,
                       std::string_view place) {
  ByteReader in(bytes);
  auto corrupt = [&](std::string_view message) {
    return errorAtOffset(place, in.offset(), message, ExitCode::CorruptPayload);
  };
  std::span<const std::byte> start = in.take(magic.size());
  if (!in.ok() || std::memcmp(start.data(), magic.data(), magic.size()) != 0)
    return corrupt("expected a serialized tokenizer");
  if (uint32_t found = in.read<uint32_t>(); !in.ok() || found != version)
    return corrupt(strCat("a serialized tokenizer of version ", found,
                          ", expected version ", version));

  TokenizerModel model;
  Reader reader(in);
  fields(reader, model);
  if (!in.ok())
    return corrupt("the serialized tokenizer is cut short");
  if (!reader.valid || model.algorithm > TokenizerModel::Algorithm::WordLevel)
    return corrupt("the serialized tokenizer is damaged");
  if (!in.atEnd())
    return corrupt(strCat(in.remaining(), " bytes after the tokenizer"));
  Expected<std::unique_ptr<Tokenizer>> tokenizer =
      fromModel(std::move(model), place);
  if (!tokenizer) {
    Error error = tokenizer.takeError();
    if (error.code != ExitCode::OutOfResource)
      error.code = ExitCode::CorruptPayload;
    return error;
  }
  return tokenizer;
}
