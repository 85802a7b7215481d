// SPDX-License-Identifier: MIT
// The kernel's TCP at both ends, or at the far one.
#pragma once
#include "raw_pair.hpp"

#include <arpa/inet.h>
#include <netinet/tcp.h>

namespace bench {

inline void check(bool is_good, const char* step) {
  if (!is_good) give_up("the kernel's connection does not open", step, "see dmesg", errno);
}
inline sockaddr_in endpoint(const char* address) {
  sockaddr_in at{};
  at.sin_family = AF_INET;
  at.sin_port = htons(7);
  (void)::inet_pton(AF_INET, address, &at.sin_addr);
  return at;
}

/// The kernel waits for connections there.
class kernel_listener {
 public:
  /// `address` is the kernel's there already.
  kernel_listener(const network& n, const char* address) {
    const sockaddr_in at = endpoint(address);
    const network::visit there(n);
    fd_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    check(fd_ >= 0 && ::bind(fd_, reinterpret_cast<const sockaddr*>(&at), sizeof at) == 0 && ::listen(fd_, 8) == 0, "listen");
  }
  kernel_listener(const kernel_listener&) = delete;
  kernel_listener& operator=(const kernel_listener&) = delete;
  ~kernel_listener() { (void)::close(fd_); }
  /// Waits.
  [[nodiscard]] int accept() const {
    const int fd = ::accept4(fd_, nullptr, nullptr, SOCK_CLOEXEC);
    check(fd >= 0, "accept4");
    return fd;
  }

 private:
  int fd_ = -1;
};

/// A connection of the kernel's between the two namespaces, no Nagle, Reno, read without blocking.
class kernel_pair {
 public:
  kernel_pair(const network& n, const char* address) {
    const kernel_listener waiting(n, address);
    const sockaddr_in at = endpoint(address);
    near_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    check(::connect(near_, reinterpret_cast<const sockaddr*>(&at), sizeof at) == 0, "connect");
    far_ = waiting.accept();
    const int yes = 1;
    static constexpr char reno[] = "reno";  // what the machine is set to may pace (BBR), and takes the other contenders' turns for a slow path
    for (const int fd : {near_, far_}) {
      (void)::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
      (void)::setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, reno, sizeof reno - 1);
    }
  }
  kernel_pair(const kernel_pair&) = delete;
  kernel_pair& operator=(const kernel_pair&) = delete;
  ~kernel_pair() {
    (void)::close(near_);
    (void)::close(far_);
  }

  static constexpr bool wants_time = false;
  void start(u64) { (void)!::send(near_, bytes_, message, MSG_DONTWAIT); }
  bool far(u64) { return answer(far_, true); }
  bool near(u64, bool goes_on) { return answer(near_, goes_on); }
  [[nodiscard]] static setting how() { return {}; }

  [[nodiscard]] int near_end() const { return near_; }
  [[nodiscard]] int far_end() const { return far_; }

 private:
  bool answer(int fd, bool goes_on) {
    if (::recv(fd, bytes_, message, MSG_DONTWAIT) != static_cast<ssize_t>(message)) return false;
    if (goes_on) (void)!::send(fd, bytes_, message, MSG_DONTWAIT);
    return true;
  }

  int near_ = -1, far_ = -1;
  std::byte bytes_[message]{};
};

}  // namespace bench
