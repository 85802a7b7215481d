// SPDX-License-Identifier: MIT
// Where a program tells who asks how it is: a unix stream socket, one line a second to each reader. It never blocks: a reader that does not keep up
// misses lines, holds at most one here, and is let go after ten. The file is gone when the program is; what a dead one left behind is replaced.
#pragma once
#include <cstdint>
#include <string>
#include <sys/stat.h>
#include <sys/un.h>

namespace example {

class stats_socket {
 public:
  static constexpr std::uint32_t most_readers = 8, most_missed = 10;
  static constexpr std::uint64_t period_ns = 1'000'000'000;
  static constexpr std::uint64_t look_ns = 50'000'000;  ///< how often it looks for new readers

  stats_socket() = default;
  stats_socket(const stats_socket&) = delete;
  stats_socket& operator=(const stats_socket&) = delete;
  ~stats_socket();

  struct failure {
    const char* what;
    const char* step;
    int errno_value;
    const char* remedy;
  };
  /// errno_value == 0: it listens.
  [[nodiscard]] failure open(const std::string& path);

  /// Looks for readers, sends what is left over. True if somebody wants a line: then publish() one.
  [[nodiscard]] bool is_wanted(std::uint64_t now_ns) { return fd_ >= 0 && now_ns >= next_look_ && look(now_ns); }
  void publish(const std::string& line);

 private:
  struct reader {
    int fd = -1;
    bool wants = false;
    std::uint32_t missed = 0;
    std::string rest{};
  };
  bool look(std::uint64_t now_ns);
  static void send(reader& r);
  static void close(reader& r);

  int fd_ = -1;
  std::string path_{};
  struct stat file_{};
  std::uint64_t next_look_ = 0, next_line_ = 0;
  reader readers_[most_readers]{};
};

}  // namespace example
