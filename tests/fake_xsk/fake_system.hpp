// SPDX-License-Identifier: MIT
// The policy by which a driver enters the fake kernel.
#pragma once
#include <fake_xsk/fake_xsk.hpp>

namespace strata::test {

struct fake_system {
  fake_kernel* k = nullptr;

  [[nodiscard]] long socket(int family, int, int) const;
  long close(int fd) const;

  [[nodiscard]] long setsockopt(int fd, int level, int name, const void* value, u32 length) const;
  [[nodiscard]] long getsockopt(int fd, int, int name, void* value, u32& length) const;
  [[nodiscard]] long mmap(std::size_t size, int, int fd, u64 offset, void*& to) const;
  long munmap(void* at, std::size_t) const;
  [[nodiscard]] long bind(int fd, const void* address, u32) const;
  [[nodiscard]] long sendto(int fd, const void*, std::size_t size, int, const void* = nullptr, u32 = 0) const;
  [[nodiscard]] long recvfrom(int fd, void* to, std::size_t, int, void* = nullptr, u32* = nullptr) const;
  [[nodiscard]] long ioctl(int, unsigned long, void* argument) const;
  [[nodiscard]] long epoll_create() const;
  [[nodiscard]] long epoll_add(int, int) const;
  [[nodiscard]] long bpf(int command, void* attributes, u32) const;
  [[nodiscard]] long poll(pollfd*, u32, int) const;
  void sleep_ns(u64 ns) const;

 private:
  [[nodiscard]] long make(const std::string& kind) const;
  [[nodiscard]] long refused(const std::string& what) const;
  [[nodiscard]] long answer_netlink(std::byte* to) const;
};

}  // namespace strata::test
