// SPDX-License-Identifier: MIT
// What drivers ask the kernel about an interface by ioctl(2) (netdevice(7)), and the address of strata beside the interface's own.
#pragma once
#ifndef __linux__
#error "strata/nic/linux/ is for the Linux kernel"
#endif
#include <strata/core/address.hpp>
#include <strata/core/entropy.hpp>
#include <strata/nic/linux/system_calls.hpp>

#include <linux/sockios.h>

namespace strata::inline STRATA_ABI::nic::kernel {

/// struct ifreq of <linux/if.h>, which does not go together with <net/if.h>: only what is used of it.
struct interface_request {
  static constexpr std::size_t longest_name = 15;
  static constexpr u16 ethernet = 1, loopback = 772;  ///< hardware.family

  char name[longest_name + 1] = {};
  union {
    short flags;
    int index;
    int mtu;
    struct {
      u16 family;  // ARPHRD_ of <linux/if_arp.h>, which brings <linux/if.h> along
      u8 bytes[14];
    } hardware;
    std::byte as_large_as_the_kernels[sizeof(void*) == 8 ? 24 : 16];
  } value{};

  /// False: the name is empty or too long.
  [[nodiscard]] bool set_name(const char* from) {
    for (std::size_t i = 0; i < sizeof name; ++i) {
      name[i] = from[i];
      if (from[i] == 0) return i != 0;
    }
    name[longest_name] = 0;
    return false;
  }
};
static_assert(sizeof(interface_request) == (sizeof(void*) == 8 ? 40 : 32) && sizeof(interface_request::name) == 16);

/// Locally administered, of one station (IEEE 802 §8.2): the same for the same seed and name.
[[nodiscard]] inline mac_address derived_address(u64 seed, const char (&name)[16]) {
  for (const char c : name) seed = (seed ^ static_cast<u8>(c)) * 0x100000001b3;
  u64 word = entropy::seeded{seed}.next();
  mac_address mac;
  for (u8& b : mac.bytes) {
    b = static_cast<u8>(word);
    word >>= 8;
  }
  mac.bytes[0] = static_cast<u8>((mac.bytes[0] & 0xfc) | 0x02);
  return mac;
}

}  // namespace strata::inline STRATA_ABI::nic::kernel
