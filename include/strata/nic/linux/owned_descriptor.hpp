// SPDX-License-Identifier: MIT
// A descriptor of the kernel that is closed with its owner.
#pragma once
#ifndef __linux__
#error "strata/nic/linux/ is for the Linux kernel"
#endif
#include <strata/nic/linux/system_calls.hpp>

namespace strata::inline STRATA_ABI::nic::kernel {

template <class System = system_calls> class owned_descriptor {
 public:
  constexpr owned_descriptor() = default;
  owned_descriptor(System system, int fd) : system_(system), fd_(fd) {}
  owned_descriptor(owned_descriptor&& other) noexcept : system_(other.system_), fd_(std::exchange(other.fd_, -1)) {}
  owned_descriptor& operator=(owned_descriptor&& other) noexcept {
    if (this != &other) {
      close();
      system_ = other.system_;
      fd_ = std::exchange(other.fd_, -1);
    }
    return *this;
  }
  ~owned_descriptor() { close(); }
  void close() {
    if (fd_ >= 0) (void)system_.close(std::exchange(fd_, -1));
  }
  [[nodiscard]] int get() const { return fd_; }
  [[nodiscard]] explicit operator bool() const { return fd_ >= 0; }

 private:
  [[no_unique_address]] System system_{};
  int fd_ = -1;
};

}  // namespace strata::inline STRATA_ABI::nic::kernel
