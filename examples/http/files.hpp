// SPDX-License-Identifier: MIT
// Files below a folder and nowhere else: whatever a path says, and wherever a symbolic link points, nothing outside is opened.
#pragma once
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <utility>

namespace example::http {

/// A descriptor that closes itself.
class handle {
 public:
  handle() = default;
  explicit handle(int fd) : fd_(fd) {}
  handle(handle&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  handle& operator=(handle&& other) noexcept {
    if (this != &other) {
      close();
      fd_ = std::exchange(other.fd_, -1);
    }
    return *this;
  }
  ~handle() { close(); }
  void close();
  [[nodiscard]] int fd() const { return fd_; }
  [[nodiscard]] explicit operator bool() const { return fd_ >= 0; }

 private:
  int fd_ = -1;
};

class folder {
 public:
  /// False, with errno, if it is none.
  [[nodiscard]] bool open(const char* path);
  [[nodiscard]] bool is_open() const { return static_cast<bool>(at_); }
  [[nodiscard]] int fd() const { return at_.fd(); }
  /// A regular file below, for reading, and its size. Zero, or the HTTP status that says why not.
  [[nodiscard]] int open_file(const std::string& path, handle& file, std::uint64_t& size) const;

 private:
  handle at_;
};

/// A file that appears under its name when it is whole, by one rename. Dropped before, it leaves nothing.
class new_file {
 public:
  new_file() = default;
  new_file(new_file&& other) noexcept { *this = std::move(other); }
  new_file& operator=(new_file&& other) noexcept;
  ~new_file() { drop(); }

  [[nodiscard]] bool open(const folder& in, const std::string& name);
  [[nodiscard]] bool write(std::span<const std::byte> bytes);
  [[nodiscard]] bool keep();
  void drop();

 private:
  const folder* in_ = nullptr;
  handle file_;
  std::string name_, hidden_;
};

}  // namespace example::http
