//===- SentencePieceModel.cpp - reading tokenizer.model ------------------===//

#include "SentencePieceModel.h"

#include "tenon/Support/Strings.h"

#include <cstring>

using namespace tenon;

namespace {

/// The fields of one message.
class Message {
public:
  Message(std::string_view bytes, size_t base) : bytes(bytes), base(base) {}

  struct Field {
    uint64_t number = 0;
    unsigned wire = 0;
    uint64_t value = 0;    ///< of a number
    std::string_view text; ///< of anything with a length
    size_t offset = 0;     ///< of the text in the file
  };

  /// False at the end, or when the message is broken.
  bool next(Field &field) {
    if (at >= bytes.size() || broken)
      return false;
    uint64_t key = varint();
    field = {};
    field.number = key >> 3;
    field.wire = key & 7;
    switch (field.wire) {
    case 0:
      field.value = varint();
      break;
    case 1:
      fixed(field, 8);
      break;
    case 2: {
      uint64_t size = varint();
      if (broken || size > bytes.size() - at) {
        broken = true;
        break;
      }
      field.offset = base + at;
      field.text = bytes.substr(at, size);
      at += size;
      break;
    }
    case 5:
      fixed(field, 4);
      break;
    default:
      broken = true;
    }
    return !broken;
  }
  bool isBroken() const { return broken; }
  size_t offset() const { return base + at; }

private:
  uint64_t varint() {
    uint64_t value = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
      if (at >= bytes.size())
        break;
      uint8_t byte = static_cast<uint8_t>(bytes[at++]);
      value |= uint64_t(byte & 0x7f) << shift;
      if (byte < 0x80)
        return value;
    }
    broken = true;
    return 0;
  }
  void fixed(Field &field, size_t size) {
    if (bytes.size() - at < size) {
      broken = true;
      return;
    }
    std::memcpy(&field.value, bytes.data() + at, size);
    at += size;
  }

  std::string_view bytes;
  size_t base, at = 0;
  bool broken = false;
};

class Reader {
public:
  Reader(std::string_view bytes, std::string_view filename)
      : bytes(bytes), filename(filename) {}
  Expected<GgufVocabulary> run();

private:
  Status readPiece(std::string_view text, size_t offset);
  Status readTrainer(std::string_view text, size_t offset);
  Status readNormalizer(std::string_view text, size_t offset);
  Error broken(size_t offset) const {
    return errorAtOffset(filename, offset,
                         "this is no SentencePiece model: a field is broken");
  }

  std::string_view bytes, filename;
  GgufVocabulary vocabulary;
  uint64_t modelType = 1;
  size_t trainerOffset = 0; ///< of the message that says it
  std::optional<int64_t> unknown, bos, eos;
};

} // namespace

Status Reader::readPiece(std::string_view text, size_t offset) {
  Message message(text, offset);
  std::string_view piece;
  float score = 0;
  int64_t type = 1; // NORMAL; the numbers are GGUF's
  for (Message::Field field; message.next(field);) {
    if (field.number == 1 && field.wire == 2) {
      piece = field.text;
    } else if (field.number == 2 && field.wire == 5) {
      uint32_t bits = static_cast<uint32_t>(field.value);
      std::memcpy(&score, &bits, 4);
    } else if (field.number == 3 && field.wire == 0) {
      type = static_cast<int64_t>(field.value);
    }
  }
  if (message.isBroken() || type < 1 || type > 6)
    return broken(message.offset());
  vocabulary.tokens.push_back(piece);
  vocabulary.scores.push_back(score);
  vocabulary.types.push_back(type);
  return Status::success();
}

Status Reader::readTrainer(std::string_view text, size_t offset) {
  Message message(text, offset);
  // -1, "there is none", has ten bytes.
  auto id = [](uint64_t value) -> std::optional<int64_t> {
    int64_t number = static_cast<int64_t>(value);
    return number < 0 ? std::nullopt : std::optional(number);
  };
  unknown = 0, bos = 1, eos = 2;
  trainerOffset = offset;
  for (Message::Field field; message.next(field);) {
    if (field.wire != 0)
      continue;
    switch (field.number) {
    case 3:
      modelType = field.value;
      break;
    case 24:
      vocabulary.blankAtEnd = field.value != 0;
      break;
    case 40:
      unknown = id(field.value);
      break;
    case 41:
      bos = id(field.value);
      break;
    case 42:
      eos = id(field.value);
      break;
    }
  }
  return message.isBroken() ? Status(broken(message.offset()))
                            : Status::success();
}

Status Reader::readNormalizer(std::string_view text, size_t offset) {
  Message message(text, offset);
  for (Message::Field field; message.next(field);) {
    if (field.number == 2 && field.wire == 2)
      vocabulary.charsMap = field.text;
    if (field.wire != 0)
      continue;
    if (field.number == 3)
      vocabulary.addSpacePrefix = field.value != 0;
    if (field.number == 4)
      vocabulary.removeExtraBlanks = field.value != 0;
    if (field.number == 5)
      vocabulary.escapeBlanks = field.value != 0;
  }
  return message.isBroken() ? Status(broken(message.offset()))
                            : Status::success();
}

Expected<GgufVocabulary> Reader::run() {
  vocabulary.removeExtraBlanks = true;
  vocabulary.addSpacePrefix = true;
  vocabulary.blankOnce = true;
  vocabulary.addBos = vocabulary.addEos = false;
  Message message(bytes, 0);
  for (Message::Field field; message.next(field);) {
    if (field.wire != 2)
      continue;
    Status status = Status::success();
    if (field.number == 1)
      status = readPiece(field.text, field.offset);
    else if (field.number == 2)
      status = readTrainer(field.text, field.offset);
    else if (field.number == 3)
      status = readNormalizer(field.text, field.offset);
    if (!status)
      return status.takeError();
  }
  if (message.isBroken())
    return broken(message.offset());
  if (vocabulary.tokens.empty())
    return errorAtOffset(filename, bytes.size(),
                         "this SentencePiece model has no pieces");
  if (modelType != 1 && modelType != 2)
    return errorAtOffset(filename, trainerOffset,
                         strCat("the SentencePiece model is of type ",
                                modelType,
                                "; expected 1 (unigram) or 2 (byte pairs)"));
  vocabulary.model = modelType == 1 ? kGgufUnigram : kGgufScored;
  auto inRange = [&](std::optional<int64_t> id) {
    return id && *id < static_cast<int64_t>(vocabulary.tokens.size())
               ? id
               : std::nullopt;
  };
  vocabulary.unknown = inRange(unknown);
  vocabulary.bos = inRange(bos);
  vocabulary.eos = inRange(eos);
  return std::move(vocabulary);
}

Expected<GgufVocabulary>
tenon::readSentencePieceModel(std::string_view bytes,
                              std::string_view filename) {
  return Reader(bytes, filename).run();
}
