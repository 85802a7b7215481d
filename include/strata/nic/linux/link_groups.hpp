// SPDX-License-Identifier: MIT
// Which frames the interface itself lets in. A NIC filters by destination: its own address, broadcasts, and the groups that it was told of. The
// kernel tells it of its own groups only, so ours would end in the hardware: the solicited-node group of each IPv6 address, the groups that an
// application joins, a MAC that is not the interface's. A packet socket that receives nothing holds them, and they go with it. Linux: dev_mc_add,
// dev_uc_add.
#pragma once
#ifndef __linux__
#error "strata/nic/linux/ is for the Linux kernel"
#endif
#include <strata/core/address.hpp>
#include <strata/nic/driver.hpp>
#include <strata/nic/linux/owned_descriptor.hpp>

#include <linux/if_packet.h>

namespace strata::inline STRATA_ABI::nic::kernel {

/// The group of the link that frames for this IP address come by, if there is one. 4 or 16 bytes; IPv4 has none for addresses of one host, whose ARP
/// is broadcast. RFC 1112 §6.4, RFC 2464 §7, RFC 4291 §2.7.1.
[[nodiscard]] constexpr std::optional<mac_address> link_group_of(std::span<const u8> address) {
  if (address.size() == 4) {
    if (address[0] >> 4 != 0xe) return {};
    return mac_address{{0x01, 0x00, 0x5e, static_cast<u8>(address[1] & 0x7f), address[2], address[3]}};
  }
  if (address.size() != 16) return {};
  const bool is_group = address[0] == 0xff;
  return mac_address{{0x33, 0x33, is_group ? address[12] : u8{0xff}, address[13], address[14], address[15]}};
}

template <class System = system_calls> class link_groups {
 public:
  [[nodiscard]] open_error open(System system, int interface_index) {
    close();
    const long fd = system.socket(AF_PACKET, SOCK_RAW, 0);  // protocol 0: no frame comes
    if (fd < 0) {
      const bool is_refused = fd == -EPERM || fd == -EACCES;
      return {"no packet socket to tell the interface of our groups", "socket AF_PACKET",
              is_refused ? "run as root, or give the program CAP_NET_RAW" : "take a kernel with CONFIG_PACKET", static_cast<int>(-fd), true};
    }
    system_ = system;
    socket_ = {system, static_cast<int>(fd)};
    interface_index_ = interface_index;
    return {};
  }
  /// Frames to this group, or, for a MAC of one station, to that station come in besides. As often as it was joined it is to be left.
  bool join(const mac_address& mac) { return change(PACKET_ADD_MEMBERSHIP, mac); }
  bool leave(const mac_address& mac) { return change(PACKET_DROP_MEMBERSHIP, mac); }
  void close() { socket_.close(); }

 private:
  bool change(int what, const mac_address& mac) {
    if (!socket_) return false;
    packet_mreq request{};
    request.mr_ifindex = interface_index_;
    request.mr_type = mac.is_group() ? PACKET_MR_MULTICAST : PACKET_MR_UNICAST;
    request.mr_alen = sizeof mac.bytes;
    for (std::size_t i = 0; i < sizeof mac.bytes; ++i) request.mr_address[i] = mac.bytes[i];
    return system_.setsockopt(socket_.get(), SOL_PACKET, what, &request, sizeof request) == 0;
  }

  [[no_unique_address]] System system_{};
  owned_descriptor<System> socket_{};
  int interface_index_ = 0;
};

}  // namespace strata::inline STRATA_ABI::nic::kernel
