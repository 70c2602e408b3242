//===- TokenizerModel.h - everything a tokenizer is made of ------*- C++
//-*-===//
//
// The data of a tokenizer, free of any file format: readers (tokenizer.json,
// the compact binary form in executables) fill it, the algorithms work on it.
//
// Text runs through
//   added tokens cut out -> normalizer -> pre-tokenizer -> algorithm ->
//   prefix and suffix,
// as in Hugging Face's tokenizers library, whose results are the reference.
//
//===----------------------------------------------------------------------===//

#ifndef TENON_TOKENIZER_TOKENIZERMODEL_H
#define TENON_TOKENIZER_TOKENIZERMODEL_H

#include "tenon/Support/Error.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tenon {

/// Strings one after the other in one allocation.
class StringTable {
public:
  size_t size() const { return ends.size() - 1; }
  std::string_view operator[](size_t i) const {
    return std::string_view(bytes).substr(ends[i], ends[i + 1] - ends[i]);
  }
  /// All strings together may have up to 2^32 - 1 bytes.
  void append(std::string_view text) {
    bytes += text;
    ends.push_back(static_cast<uint32_t>(bytes.size()));
  }

  std::string bytes;
  std::vector<uint32_t> ends{0}; ///< string i is [ends[i], ends[i + 1])
};

/// What a token of the vocabulary is.
enum class TokenKind : uint8_t {
  Normal,
  Unused,  ///< a hole in the numbering: has no text
  Byte,    ///< "<0xNN>", one byte of a character without a token
  Added,   ///< added to the vocabulary: found in text before anything else
  Special, ///< an added token that is no text: <s>, [CLS]
};

/// The byte that "<0x0A>" stands for; nullopt when it isn't spelled so.
std::optional<uint8_t> byteOfToken(std::string_view piece);

/// left + right -> result; the smallest rank goes first.
struct MergeRule {
  uint32_t left, right, result, rank;
};

struct AddedToken {
  std::string content;
  int32_t id = 0;
  bool special = false;
  bool singleWord = false; ///< not where it touches a letter, digit or '_'
  bool lstrip = false;     ///< takes white space on its left along
  bool rstrip = false;     ///< … on its right
  bool normalized = false; ///< looked for after normalization
};

struct NormalizerStep {
  enum class Kind : uint8_t {
    Prepend,      ///< `content` before a text that isn't empty
    Append,       ///< `content` after it
    Replace,      ///< the string `pattern` by `content`
    ReplaceRegex, ///< matches of the regular expression `pattern`
    Lowercase,
    StripAccents,      ///< BERT's: drops nonspacing marks (Mn)
    StripLeft,         ///< white space at the start
    StripRight,        ///< … at the end
    NFC,               ///< Unicode normalization forms
    NFD,               //
    NFKC,              //
    NFKD,              //
    CleanText,         ///< BERT's: drops controls, white space becomes ' '
    SpaceChineseChars, ///< BERT's: blanks around CJK ideographs
    StripMarks,        ///< drops marks of all kinds (M)
    PrependFirst,      ///< `content` before the text that nothing precedes
    Nmt,               ///< SentencePiece's: drops controls, blanks become ' '
    CharsMap,          ///< by SentencePiece's compiled rules in `pattern`, as
                       ///< it applies them: the longest rule at each place
    GraphemeCharsMap,  ///< … as Hugging Face does: whole graphemes first
    SpellBytes,        ///< each byte becomes its letter of GPT-2's alphabet
  };
  Kind kind;
  std::string pattern, content;
};

struct PreTokenizerStep {
  enum class Kind : uint8_t {
    Split,       ///< cut by the regular expression `pattern`
    Metaspace,   ///< ' ' becomes `content`; see `prepend`; `cut` before each
    ByteLevel,   ///< from here on patterns see GPT-2's byte alphabet
    PrefixSpace, ///< ' ' before a piece that doesn't start with one
    Scripts,     ///< cut where the script changes
    FixedLength, ///< pieces of `length` code points
  };
  /// What becomes of the matches of a Split.
  enum class Behavior : uint8_t {
    Isolated, ///< pieces of their own
    Removed,
    MergedWithPrevious,
    MergedWithNext,
    Contiguous, ///< adjacent matches together are one piece
  };
  /// When a Metaspace puts `content` before a piece that lacks it.
  enum class Prepend : uint8_t { Always, First, Never };

  Kind kind;
  std::string pattern, content;
  Behavior behavior = Behavior::Isolated;
  bool invert = false; ///< Split: matches and gaps change roles
  Prepend prepend = Prepend::Always;
  bool cut = true;
  uint32_t length = 0; ///< of FixedLength
};

struct DecoderStep {
  enum class Kind : uint8_t {
    Replace,      ///< the string `pattern` by `content` in each token
    ByteFallback, ///< <0xNN> becomes the byte
    Fuse,         ///< Strip after it counts for the whole text
    Strip,        ///< up to `start`/`stop` times `content` at the ends
    ByteLevel,    ///< the tokens' bytes as they are
    WordPiece,    ///< joins words by ' ', drops `pattern` (##); `cleanup`
    Metaspace,    ///< `pattern` becomes ' ', dropped in the first token if
                  ///< `dropFirst`
    ReplaceRegex, ///< matches of the regular expression `pattern`
    EndOfWord,    ///< `pattern` becomes ' ', and nothing in the last token
    Ctc,          ///< tokens in a row that are the same count once, `pattern`
                  ///< (the pad token) goes, `content` becomes ' '; `cleanup`
  };
  Kind kind;
  std::string pattern, content;
  uint32_t start = 0, stop = 0;
  bool cleanup = false;
  bool dropFirst = false;
};

struct TokenizerModel {
  enum class Algorithm : uint8_t {
    BytePairs, ///< byte-pair encoding by ranked merges
    WordPiece, ///< greedy longest match inside of a word
    Unigram,   ///< the likeliest cut by the pieces' scores
    WordLevel, ///< each piece is a token or unknown
  };
  Algorithm algorithm = Algorithm::BytePairs;

  /// The text of each token, by id. With `byteLevel` these are the bytes that
  /// the token stands for, not their spelling in GPT-2's alphabet.
  StringTable pieces;
  std::vector<TokenKind> kinds; ///< as many as pieces
  int32_t unknown = -1;         ///< for text without a token; -1: none

  // Byte pairs.
  std::vector<MergeRule> merges;
  bool byteLevel = false;    ///< symbols are bytes, else code points
  bool byteFallback = false; ///< code points without a token become Byte tokens
  bool fuseUnknown = false;  ///< unknown code points in a row are one token
  bool ignoreMerges = false; ///< a piece that is a token needs no merging

  std::string endSuffix; ///< "</w>" of a piece's last symbol

  // Unigram.
  std::vector<double> scores; ///< log-probability of each piece; -inf: none

  // WordPiece; byte pairs too: of symbols that aren't the first of a piece.
  std::string continuingPrefix; ///< "##"
  uint32_t maxCharsPerWord = 100;

  std::vector<AddedToken> added;
  std::vector<NormalizerStep> normalizer;
  std::vector<PreTokenizerStep> preTokenizer;
  std::vector<DecoderStep> decoder;
  std::vector<int32_t> prefix, suffix; ///< <s> …, [CLS] … [SEP]
  /// Between two texts that belong together; none: they can't be joined.
  std::vector<int32_t> middle;
  bool secondSegment = false; ///< the second text and what follows are of 1

  /// Checks that every id and length is in range, whatever filled the model.
  /// `place` begins the message ("tokenizer.json").
  Status verify(std::string_view place) const;
};

} // namespace tenon

#endif // TENON_TOKENIZER_TOKENIZERMODEL_H
