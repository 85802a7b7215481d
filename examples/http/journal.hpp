// SPDX-License-Identifier: MIT
// The server's records on standard output. A reader who is slow, or has stopped reading, holds up neither a connection nor the end: lines wait here, up
// to a bound.
#pragma once
#include <cerrno>
#include <poll.h>
#include <string>
#include <string_view>
#include <unistd.h>

namespace example::http {

class journal {
 public:
  static constexpr std::size_t most = 1 << 20;  ///< bytes that wait

  /// Whole lines. Whoever prints to standard output otherwise has flushed it.
  void add(std::string_view lines) {
    if (waiting_.size() - at_ + lines.size() > most) {
      ++lost_;
      return;
    }
    waiting_ += lines;
    (void)flush(0);
  }
  /// Writes what is taken; false if something waits still after `ms` without any being taken.
  bool flush(int ms) {
    while (at_ < waiting_.size()) {
      pollfd out{STDOUT_FILENO, POLLOUT, 0};
      if (::poll(&out, 1, ms) <= 0) return false;
      const ssize_t n = ::write(STDOUT_FILENO, waiting_.data() + at_, waiting_.size() - at_ < whole ? waiting_.size() - at_ : whole);
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) break;  // nobody will ever read it: what follows on standard output fails, too, and is an error
      at_ += static_cast<std::size_t>(n);
    }
    waiting_.clear();
    at_ = 0;
    return true;
  }
  [[nodiscard]] bool is_waiting() const { return at_ < waiting_.size(); }
  [[nodiscard]] unsigned long long lost() const { return lost_; }

 private:
  static constexpr std::size_t whole = 4096;  // a pipe that poll(2) calls writable takes so much without waiting

  std::string waiting_{};
  std::size_t at_ = 0;
  unsigned long long lost_ = 0;
};

}  // namespace example::http
