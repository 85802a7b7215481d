// SPDX-License-Identifier: MIT
// What a driver wants to know of an interface before it takes it: one question by rtnetlink(7) and two by ethtool's ioctl.
#pragma once
#ifndef __linux__
#error "strata/nic/linux/ is for the Linux kernel"
#endif
#include <strata/core/address.hpp>
#include <strata/core/expected.hpp>
#include <strata/nic/driver.hpp>
#include <strata/nic/linux/owned_descriptor.hpp>

#include <linux/ethtool.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <linux/sockios.h>

namespace strata::inline STRATA_ABI::nic::kernel {

struct interface_facts {
  int index = 0;
  mac_address mac{};          ///< zero if the link has none of six bytes
  u16 mtu = 0;                ///< bytes of IP packet; 65535 if it is larger
  bool is_up = false;         ///< ip link set up
  bool has_carrier = false;   ///< the cable, or the other end of a veth pair
  u32 receive_queues = 1;     ///< in use; 1 if the driver does not tell
  bool vlan_offload = false;  ///< takes VLAN tags off before XDP sees the frame, which then looks untagged
  bool lro = false;           ///< merges frames of a flow into ones larger than the MTU
  u32 foreign_program = 0;    ///< number of an XDP program that is attached, 0: none
  u8 attached = 0;            ///< how it is: XDP_ATTACHED_DRV, ...
};

namespace detail {

// struct ifreq of <linux/if.h>, which does not go together with <net/if.h>.
struct ethtool_request {
  char name[16];
  union {
    void* data;
    std::byte as_large_as_the_kernels[sizeof(void*) == 8 ? 24 : 16];
  } value;
};

struct link_question {
  nlmsghdr header;
  ifinfomsg link;
  rtattr name_header;
  char name[16];
};
static_assert(sizeof(link_question) == NLMSG_LENGTH(sizeof(ifinfomsg)) + RTA_LENGTH(16));

/// Calls f(type, payload) for each attribute in `bytes`, of which none is believed to be as long as it says.
template <class F>
void for_each_attribute(std::span<const std::byte> bytes, F&& f) {
  while (bytes.size() >= sizeof(rtattr)) {
    rtattr a;
    __builtin_memcpy(&a, bytes.data(), sizeof a);
    if (a.rta_len < sizeof a || a.rta_len > bytes.size()) return;
    f(a.rta_type & NLA_TYPE_MASK, bytes.subspan(sizeof a, a.rta_len - sizeof a));
    const std::size_t length = RTA_ALIGN(a.rta_len);
    bytes = bytes.subspan(length < bytes.size() ? length : bytes.size());
  }
}
inline u32 number_in(std::span<const std::byte> payload) {
  u32 v = 0;
  __builtin_memcpy(&v, payload.data(), payload.size() < sizeof v ? payload.size() : sizeof v);
  return v;
}

inline void read_link(std::span<const std::byte> attributes, interface_facts& facts) {
  for_each_attribute(attributes, [&](int type, std::span<const std::byte> payload) {
    if (type == IFLA_ADDRESS && payload.size() == sizeof facts.mac.bytes) __builtin_memcpy(facts.mac.bytes, payload.data(), sizeof facts.mac.bytes);
    if (type == IFLA_MTU) facts.mtu = static_cast<u16>(number_in(payload) < 0xffff ? number_in(payload) : 0xffff);
    if (type != IFLA_XDP) return;
    for_each_attribute(payload, [&](int kind, std::span<const std::byte> id) {
      const bool is_program = kind == IFLA_XDP_PROG_ID || kind == IFLA_XDP_DRV_PROG_ID || kind == IFLA_XDP_SKB_PROG_ID || kind == IFLA_XDP_HW_PROG_ID;
      if (is_program && facts.foreign_program == 0) facts.foreign_program = number_in(id);
      if (kind == IFLA_XDP_ATTACHED) facts.attached = static_cast<u8>(number_in(id));
    });
  });
}

/// Asks, and reads the answer into `facts`, as far as rtnetlink has it: 0, or -errno.
template <class System> [[nodiscard]] long ask_link(const System& system, int socket, const link_question& question, interface_facts& facts) {
  alignas(nlmsghdr) std::byte answer[16384];
  long r = system.sendto(socket, &question, question.header.nlmsg_len, 0);
  if (r >= 0) r = system.recvfrom(socket, answer, sizeof answer, 0);
  if (r < 0) return r;
  nlmsghdr header{};
  if (r >= static_cast<long>(sizeof header)) __builtin_memcpy(&header, answer, sizeof header);
  if (header.nlmsg_len < NLMSG_LENGTH(sizeof(int)) || header.nlmsg_len > static_cast<u64>(r)) return -EPROTO;
  if (header.nlmsg_type == NLMSG_ERROR) {
    int why = 0;
    __builtin_memcpy(&why, answer + NLMSG_HDRLEN, sizeof why);
    return why < 0 ? why : -EPROTO;
  }
  ifinfomsg link;
  constexpr std::size_t before = NLMSG_LENGTH(sizeof link);
  if (header.nlmsg_type != RTM_NEWLINK || header.nlmsg_len < before) return -EPROTO;
  __builtin_memcpy(&link, answer + NLMSG_HDRLEN, sizeof link);
  facts.index = link.ifi_index;
  facts.is_up = (link.ifi_flags & 0x1) != 0;            // IFF_UP
  facts.has_carrier = (link.ifi_flags & 0x10000) != 0;  // IFF_LOWER_UP
  read_link({answer + before, header.nlmsg_len - before}, facts);
  return 0;
}

}  // namespace detail

/// The XDP program on the interface of that number, and how it is attached; in `facts`, of which only what rtnetlink tells is filled in.
template <class System> [[nodiscard]] long attached_program_of(const System& system, int interface_index, interface_facts& facts) {
  const long fd = system.socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE);
  if (fd < 0) return fd;
  const owned_descriptor<System> socket{system, static_cast<int>(fd)};
  detail::link_question question{};
  question.header.nlmsg_len = NLMSG_LENGTH(sizeof question.link);
  question.header.nlmsg_type = RTM_GETLINK;
  question.header.nlmsg_flags = NLM_F_REQUEST;
  question.link.ifi_index = interface_index;
  return detail::ask_link(system, socket.get(), question, facts);
}

/// The facts of the interface of that name, in the network namespace of the caller.
template <class System = system_calls> [[nodiscard]] expected<interface_facts, open_error> facts_of(System system, const char* name) {
  std::size_t length = 0;
  while (length < 16 && name[length] != 0) ++length;
  if (length == 0 || length == 16)
    return open_error{"the interface's name is empty or longer than 15 bytes", "options.interface", "give a shorter name",
                      length == 0 ? EINVAL : ENAMETOOLONG};

  const long fd = system.socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE);
  if (fd < 0)
    return open_error{"no socket to ask for the interface", "socket AF_NETLINK", "let the program open sockets of the family AF_NETLINK",
                      static_cast<int>(-fd), true};
  const owned_descriptor<System> socket{system, static_cast<int>(fd)};

  detail::link_question question{};
  question.header.nlmsg_len = static_cast<u32>(NLMSG_LENGTH(sizeof question.link) + RTA_LENGTH(length + 1));
  question.header.nlmsg_type = RTM_GETLINK;
  question.header.nlmsg_flags = NLM_F_REQUEST;
  question.name_header.rta_type = IFLA_IFNAME;
  question.name_header.rta_len = static_cast<unsigned short>(RTA_LENGTH(length + 1));
  for (std::size_t i = 0; i < length; ++i) question.name[i] = name[i];

  interface_facts facts;
  const long r = detail::ask_link(system, socket.get(), question, facts);
  if (r == -ENODEV) return open_error{"there is no interface of that name", "netlink RTM_GETLINK", "ip link shows those that are", ENODEV};
  if (r < 0)
    return open_error{"the kernel does not tell of the interface", "netlink RTM_GETLINK", "see rtnetlink(7) for this errno", static_cast<int>(-r)};

  detail::ethtool_request request{};
  for (std::size_t i = 0; i < length; ++i) request.name[i] = name[i];
  ethtool_channels channels{};
  channels.cmd = ETHTOOL_GCHANNELS;
  request.value.data = &channels;
  if (system.ioctl(socket.get(), SIOCETHTOOL, &request) >= 0 && channels.rx_count + channels.combined_count != 0)
    facts.receive_queues = channels.rx_count + channels.combined_count;
  ethtool_value flags{};
  flags.cmd = ETHTOOL_GFLAGS;
  request.value.data = &flags;
  if (system.ioctl(socket.get(), SIOCETHTOOL, &request) >= 0) {
    facts.vlan_offload = (flags.data & ETH_FLAG_RXVLAN) != 0;
    facts.lro = (flags.data & ETH_FLAG_LRO) != 0;
  }
  return facts;
}

}  // namespace strata::inline STRATA_ABI::nic::kernel
