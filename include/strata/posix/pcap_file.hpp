// SPDX-License-Identifier: MIT
// Where nic::pcap writes on a hosted system: a file by stdio, with its buffer.
#pragma once
#include <strata/core/types.hpp>

#include <cstdio>

namespace strata::inline STRATA_ABI::posix {

/// A sink for nic::pcap. Move-only; flushed and closed in the destructor. "-" is standard output.
class pcap_file {
 public:
  constexpr pcap_file() = default;
  /// Truncates. is_open() says whether it worked, errno why not.
  explicit pcap_file(const char* path) : is_stdout_(path[0] == '-' && path[1] == 0) { file_ = is_stdout_ ? stdout : std::fopen(path, "wbe"); }
  pcap_file(pcap_file&& other) noexcept : file_(std::exchange(other.file_, nullptr)), is_stdout_(other.is_stdout_), has_failed_(other.has_failed_) {}
  pcap_file& operator=(pcap_file&& other) noexcept {
    if (this != &other) {
      close();
      file_ = std::exchange(other.file_, nullptr);
      is_stdout_ = other.is_stdout_;
      has_failed_ = other.has_failed_;
    }
    return *this;
  }
  ~pcap_file() { close(); }

  [[nodiscard]] bool is_open() const { return file_ != nullptr; }
  /// Something could not be written: the disk is full, or the reader of a pipe has gone.
  [[nodiscard]] bool has_failed() const { return has_failed_; }
  void write(std::span<const std::byte> bytes) {
    if (file_ != nullptr && std::fwrite(bytes.data(), 1, bytes.size(), file_) != bytes.size()) has_failed_ = true;
  }
  /// So that a reader, or a crash, finds what was written so far.
  void flush() {
    if (file_ != nullptr && std::fflush(file_) != 0) has_failed_ = true;
  }

 private:
  void close() {
    if (file_ == nullptr) return;
    if (is_stdout_) (void)std::fflush(file_);
    else (void)std::fclose(file_);
    file_ = nullptr;
  }

  std::FILE* file_ = nullptr;
  bool is_stdout_ = false;
  bool has_failed_ = false;
};

}  // namespace strata::inline STRATA_ABI::posix
