// SPDX-License-Identifier: MIT
// The IPv4 addresses that the kernel has, on all interfaces of the network namespace: SIOCGIFCONF of netdevice(7).
#pragma once
#ifndef __linux__
#error "strata/nic/linux/ is for the Linux kernel"
#endif
#include <strata/nic/linux/interface_request.hpp>
#include <strata/nic/linux/owned_descriptor.hpp>

#include <sys/socket.h>

#include <span>

namespace strata::inline STRATA_ABI::nic::kernel {

class kernel_addresses {
 public:
  static constexpr u32 most = 256;
  struct address {
    u8 bytes[4];  ///< network order
  };

  /// How many there are, or -errno: -E2BIG where there are more than `most`.
  template <class System> [[nodiscard]] long read(System system) {
    const long fd = system.socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0) return fd;
    const owned_descriptor<System> socket{system, static_cast<int>(fd)};
    interface_request answers[most + 1];
    struct {  // struct ifconf of <linux/if.h>
      int bytes;
      void* to;
    } question{sizeof answers, answers};
    if (const long r = system.ioctl(socket.get(), SIOCGIFCONF, &question); r < 0) return r;
    const u32 n = static_cast<u32>(question.bytes) / static_cast<u32>(sizeof answers[0]);
    if (n > most) return -E2BIG;
    for (u32 i = 0; i < n; ++i) __builtin_memcpy(found_[i].bytes, &answers[i].value.as_large_as_the_kernels[4], 4);  // struct sockaddr_in
    return count_ = n;
  }
  [[nodiscard]] const address* begin() const { return found_; }
  [[nodiscard]] const address* end() const { return found_ + count_; }

 private:
  address found_[most];
  u32 count_ = 0;
};

}  // namespace strata::inline STRATA_ABI::nic::kernel
