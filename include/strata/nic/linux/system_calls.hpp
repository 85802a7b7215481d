// SPDX-License-Identifier: MIT
// How the drivers of this folder enter the kernel, as a policy: tests put another one in its place, which refuses where a real kernel would, or plays one.
// (The folder is `linux`; the namespace is not, since GNU compilers define a macro of that name unless they are asked for strict ISO C++.)
#pragma once
#ifndef __linux__
#error "strata/nic/linux/ is for the Linux kernel"
#endif
#include <strata/core/types.hpp>

#include <cerrno>
#include <fcntl.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

namespace strata::inline STRATA_ABI::nic::kernel {

/// Each call by the name of its system call. Results: what the kernel answered, or -errno; nothing is in `errno` afterwards that anybody may rely on.
/// Calls that a signal interrupted are made again where that is harmless; never a close(2).
struct system_calls {
  [[nodiscard]] long open(const char* path, int flags) const { return answer(::open(path, flags | O_CLOEXEC)); }
  long close(int fd) const { return answer(::close(fd)); }
  [[nodiscard]] long read(int fd, void* to, std::size_t size) const {
    return again([&] { return ::read(fd, to, size); });
  }
  [[nodiscard]] long write(int fd, const void* from, std::size_t size) const {
    return again([&] { return ::write(fd, from, size); });
  }

  [[nodiscard]] long socket(int family, int type, int protocol) const { return answer(::socket(family, type | SOCK_CLOEXEC, protocol)); }
  [[nodiscard]] long bind(int fd, const void* address, u32 length) const { return answer(::bind(fd, static_cast<const sockaddr*>(address), length)); }
  [[nodiscard]] long setsockopt(int fd, int level, int name, const void* value, u32 length) const { return answer(::setsockopt(fd, level, name, value, length)); }
  /// `length`: of `value` before, of the answer after.
  [[nodiscard]] long getsockopt(int fd, int level, int name, void* value, u32& length) const {
    socklen_t n = length;
    const long r = answer(::getsockopt(fd, level, name, value, &n));
    length = n;
    return r;
  }
  [[nodiscard]] long sendto(int fd, const void* from, std::size_t size, int flags, const void* address = nullptr, u32 length = 0) const {
    return again([&] { return ::sendto(fd, from, size, flags, static_cast<const sockaddr*>(address), length); });
  }
  [[nodiscard]] long recvfrom(int fd, void* to, std::size_t size, int flags, void* address = nullptr, u32* length = nullptr) const {
    socklen_t n = length != nullptr ? *length : 0;
    const long r = again([&] { return ::recvfrom(fd, to, size, flags, static_cast<sockaddr*>(address), length != nullptr ? &n : nullptr); });
    if (length != nullptr) *length = n;
    return r;
  }
  [[nodiscard]] long ioctl(int fd, unsigned long request, void* argument) const { return answer(::ioctl(fd, request, argument)); }
  [[nodiscard]] long poll(pollfd* fds, u32 count, int milliseconds) const { return answer(::poll(fds, count, milliseconds)); }

  [[nodiscard]] long epoll_create() const { return answer(::epoll_create1(EPOLL_CLOEXEC)); }
  /// `fd` makes `set` readable when it is.
  [[nodiscard]] long epoll_add(int set, int fd) const {
    epoll_event e{};
    e.events = EPOLLIN;
    return answer(::epoll_ctl(set, EPOLL_CTL_ADD, fd, &e));
  }

  /// The mapping in `to`, which is null on an error. `flags` as of mmap(2).
  [[nodiscard]] long mmap(std::size_t size, int flags, int fd, u64 offset, void*& to) const {
    void* const p = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, flags, fd, static_cast<off_t>(offset));
    to = p == MAP_FAILED ? nullptr : p;
    return p == MAP_FAILED ? -errno : 0;
  }
  long munmap(void* at, std::size_t size) const { return answer(::munmap(at, size)); }

  [[nodiscard]] long bpf(int command, void* attributes, u32 size) const { return answer(::syscall(SYS_bpf, command, attributes, size)); }
  /// Waits; only open() and close() of a driver do.
  void sleep_ns(u64 ns) const {
    timespec t{static_cast<time_t>(ns / 1'000'000'000), static_cast<long>(ns % 1'000'000'000)};
    while (::nanosleep(&t, &t) != 0 && errno == EINTR) {}
  }

 private:
  static long answer(long r) { return r < 0 ? -static_cast<long>(errno) : r; }
  static long again(auto&& call) {
    long r;
    do r = call();
    while (r < 0 && errno == EINTR);
    return answer(r);
  }
};

}  // namespace strata::inline STRATA_ABI::nic::kernel
