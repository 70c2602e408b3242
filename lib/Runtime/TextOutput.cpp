//===- TextOutput.cpp - standard output, streamed as whole UTF-8 ----------===//
#include "tenon/Runtime/TextOutput.h"

#include "tenon/Runtime/Interrupt.h"

#include <algorithm>
#include <cerrno>
#include <tuple>
#include <utility>

#include <unistd.h>

using namespace tenon;
using namespace tenon::runtime;

Status tenon::runtime::writeOutput(std::string_view text) {
  const Error quiet{std::string(), ExitCode::Success};
  if (standardOutputClosed())
    return quiet;
  while (!text.empty()) {
    ssize_t done = write(STDOUT_FILENO, text.data(), text.size());
    if (done >= 0) {
      text.remove_prefix(done);
    } else if (errno == EPIPE || errno == EBADF) {
      return quiet;
    } else if (errno != EINTR) {
      return systemError("standard output", "write", errno);
    } else if (interrupted()) {
      return interruption();
    }
  }
  return {};
}

StopMatcher::StopMatcher(std::vector<std::string> strings)
    : stops(std::move(strings)) {
  std::erase(stops, "");
}

std::string StopMatcher::push(std::string_view piece) {
  if (found)
    return {};
  pending += piece;
  // The stop that is complete first, the longest of those: which pieces the
  // text comes in changes nothing.
  size_t first = std::string::npos, end = std::string::npos;
  for (const std::string &stop : stops)
    if (size_t at = pending.find(stop); at != std::string::npos)
      std::tie(end, first) =
          std::min(std::pair(end, first), std::pair(at + stop.size(), at));
  if (first != std::string::npos) {
    found = true;
    std::string shown = pending.substr(0, first);
    pending.clear();
    return shown;
  }
  // Keep the longest end that begins a stop string.
  size_t keep = 0;
  for (const std::string &stop : stops)
    for (size_t n = std::min(stop.size() - 1, pending.size()); n > keep; --n)
      if (pending.ends_with(std::string_view(stop).substr(0, n)))
        keep = n;
  std::string shown = pending.substr(0, pending.size() - keep);
  pending.erase(0, shown.size());
  return shown;
}

std::string StopMatcher::flush() { return std::exchange(pending, {}); }

Status TextStream::push(std::string_view bytes) {
  std::string shown = matcher.push(utf8.push(bytes));
  return write(shown, matcher.held());
}

Status TextStream::write(std::string_view shown, std::string_view held) {
  if (output && !output->isShown(number))
    return output->write(number, shown);
  // Until the write is done the timer must not write what comes after it.
  setHeldText({});
  Status status = output ? output->write(number, shown) : writeOutput(shown);
  if (status)
    setHeldText(held);
  return status;
}

Status TextStream::finish(bool cut) {
  std::string rest = utf8.flush();
  std::string shown = cut ? std::string() : matcher.push(rest);
  shown += matcher.flush();
  return write(shown, {});
}

Status TextStream::close() { return output ? output->close(number) : Status(); }

size_t OrderedOutput::open() {
  texts.emplace_back();
  return first + texts.size() - 1;
}

Status OrderedOutput::write(size_t text, std::string_view part) {
  if (isShown(text))
    return writeOutput(part);
  texts[text - first].waiting += part;
  return {};
}

Status OrderedOutput::close(size_t text) {
  texts[text - first].ended = true;
  // The next ones, up to one that still grows.
  while (!texts.empty() && texts.front().ended) {
    texts.pop_front();
    ++first;
    if (texts.empty())
      break;
    if (Status status = writeOutput(texts.front().waiting); !status)
      return status;
    texts.front().waiting.clear();
  }
  return {};
}
