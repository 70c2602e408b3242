//===- TextOutput.h - standard output as whole UTF-8 ------------*- C++ -*-===//
#ifndef TENON_RUNTIME_TEXTOUTPUT_H
#define TENON_RUNTIME_TEXTOUTPUT_H

#include "tenon/Support/Error.h"
#include "tenon/Support/Utf8.h"

#include <deque>
#include <string>
#include <string_view>
#include <vector>

namespace tenon::runtime {

/// Writes all of it to standard output. When the reader has gone, the error has
/// an empty message and the code Success: the program ends quietly.
Status writeOutput(std::string_view text);

/// Finds stop strings in a text that arrives in pieces. Text that may yet turn
/// out to be the beginning of a stop string is held back. The string that is
/// complete first counts, the longest of those that end there, whatever the
/// pieces.
class StopMatcher {
public:
  explicit StopMatcher(std::vector<std::string> stops);

  /// Adds a piece and returns what can be shown now. Once a stop string is
  /// complete, stopped() is true and it and all after it are swallowed.
  std::string push(std::string_view piece);
  /// What is held back; call at the end of the text.
  std::string flush();

  bool stopped() const { return found; }
  std::string_view held() const { return pending; }

private:
  std::vector<std::string> stops;
  std::string pending;
  bool found = false;
};

/// The texts of several generations at once, one after the other on standard
/// output: the first that has not ended is shown as it grows, those behind it
/// wait.
class OrderedOutput {
public:
  /// A text that follows all others so far; returns its number.
  size_t open();
  Status write(size_t text, std::string_view part);
  /// Ends a text; what waits behind it is shown.
  Status close(size_t text);
  /// Whether a text is shown as it grows.
  bool isShown(size_t text) const { return text == first; }

private:
  struct Text {
    std::string waiting;
    bool ended = false;
  };
  size_t first = 0;       ///< the text that is shown
  std::deque<Text> texts; ///< from the first on
};

/// The text of a generation on its way to standard output: bytes of tokens in,
/// whole code points out, stop strings cut off.
class TextStream {
public:
  explicit TextStream(std::vector<std::string> stops)
      : matcher(std::move(stops)) {}
  /// One of several texts.
  TextStream(std::vector<std::string> stops, OrderedOutput &output)
      : matcher(std::move(stops)), output(&output), number(output.open()) {}

  Status push(std::string_view bytes);
  /// Writes what is held back. An incomplete last code point becomes U+FFFD, or
  /// is left out if `cut`, as an interrupted token isn't wrong.
  Status finish(bool cut = false);
  /// Writes text as it is, before or after that of tokens.
  Status writeWhole(std::string_view text) { return write(text, {}); }
  /// Ends one of several texts; nothing may follow.
  Status close();
  bool stopped() const { return matcher.stopped(); }

private:
  /// Writes text; `held` may follow it if the program is interrupted.
  Status write(std::string_view shown, std::string_view held);

  Utf8Stream utf8;
  StopMatcher matcher;
  OrderedOutput *output = nullptr;
  size_t number = 0;
};

} // namespace tenon::runtime

#endif // TENON_RUNTIME_TEXTOUTPUT_H
