// SPDX-License-Identifier: MIT
// How a packet socket is opened: each step, and what to do where it fails. Part of af_packet.hpp.
#pragma once
#ifndef __linux__
#error "strata/nic/linux/ is for the Linux kernel"
#endif
#include <strata/nic/linux/af_packet.hpp>

namespace strata::inline STRATA_ABI::nic {

/// Attaches, or says why not; what was made until then is closed with the object.
template <class System> open_error af_packet_over<System>::attach(const options& o) {
  checksum_ = o.checksum;
  kernel::interface_request r;
  if (!r.set_name(o.interface)) return {"the interface's name is empty or longer than 15 bytes", "options.interface", "give the name as `ip link` shows it", *o.interface == 0 ? EINVAL : ENAMETOOLONG};
  // Protocol zero: nothing is received before bind().
  const long fd = system_().socket(AF_PACKET, SOCK_RAW | SOCK_NONBLOCK, 0);
  if (fd < 0) {
    const bool is_refused = fd == -EPERM || fd == -EACCES;
    return {"no packet socket", "socket AF_PACKET", is_refused ? "run as root, or give the program CAP_NET_RAW" : "a kernel with CONFIG_PACKET is needed", static_cast<int>(-fd),
            is_refused || fd == -EAFNOSUPPORT};
  }
  socket_.fd = static_cast<int>(fd);

  long e = system_().ioctl(socket_.fd, SIOCGIFINDEX, &r);
  if (e < 0) return {"there is no such interface", "ioctl SIOCGIFINDEX", "see `ip link`; it must be in this network namespace", static_cast<int>(-e)};
  const int index = r.value.index;
  e = system_().ioctl(socket_.fd, SIOCGIFHWADDR, &r);
  if (e < 0 || (r.value.hardware.family != r.ethernet && r.value.hardware.family != r.loopback))
    return {"the interface carries no Ethernet frames", "ioctl SIOCGIFHWADDR", "give an Ethernet interface; for a TUN interface use strata::nic::tun", e < 0 ? static_cast<int>(-e) : EINVAL};
  mac_address own;
  for (std::size_t i = 0; i < sizeof own.bytes; ++i) own.bytes[i] = r.value.hardware.bytes[i];
  mac_ = o.mac.is_zero() ? kernel::derived_address(o.seed, r.name) : o.mac;
  e = system_().ioctl(socket_.fd, SIOCGIFMTU, &r);
  if (e < 0) return {"the interface does not tell its MTU", "ioctl SIOCGIFMTU", "is it still there?", static_cast<int>(-e)};
  const u32 interface_mtu = static_cast<u32>(r.value.mtu < 0xffff ? r.value.mtu : 0xffff);
  mtu_ = o.mtu == 0 ? static_cast<u16>(interface_mtu) : o.mtu;
  if (mtu_ > interface_mtu) return {"the interface carries no packets of that MTU", "options.mtu", "give a smaller MTU, or raise the interface's: ip link set NAME mtu N", EMSGSIZE};
  if (mtu_ + ETH_HLEN + receive_headroom > o.chunk_size)
    return {"a frame of the interface's MTU does not fit in a chunk", "options.chunk_size", "give a smaller MTU, or larger chunks (limits.chunk_size of the Config)", EMSGSIZE};

  if (const open_error bad = make_rings(o, interface_mtu); bad.errno_value != 0) return bad;
  return listen(index, mac_ == own);
}

template <class System> open_error af_packet_over<System>::make_rings(const options& o, u32 interface_mtu) {
  const auto set = [this](int name, const auto& value) { return system_().setsockopt(socket_.fd, SOL_PACKET, name, &value, sizeof value); };
  const int version = TPACKET_V3, yes = 1;
  long e = set(PACKET_VERSION, version);
  if (e < 0) return {"no rings of version 3", "setsockopt PACKET_VERSION", "a kernel from 4.11 on is needed", static_cast<int>(-e), true};
  // A frame that the kernel does not like is skipped, where it would otherwise stay at the head of the ring for ever.
  e = set(PACKET_LOSS, yes);
  if (e < 0) return {"the kernel would not skip bad frames", "setsockopt PACKET_LOSS", "a kernel from 4.11 on is needed", static_cast<int>(-e), true};
  (void)set(PACKET_IGNORE_OUTGOING, yes);  // from Linux 4.20 on; before that they are left out here

  largest_ = interface_mtu + ETH_HLEN + tag;
  u32 slot = 2048;
  while (slot < largest_ + kernel::packet_transmit_ring::header) slot *= 2;
  u32 block_size = block;
  while (block_size < 4 * slot) block_size *= 2;
  const u32 slots_in_a_block = block_size / slot;
  const auto blocks = [](u32 wanted, u32 of) { return wanted > of ? (wanted + of - 1) / of : 1u; };
  const u32 receive_blocks = blocks(o.receive_bytes, block_size), transmit_blocks = blocks(o.transmit_frames, slots_in_a_block);
  constexpr const char* smaller = "free memory, or ask for smaller rings (options.receive_bytes, options.transmit_frames)";
  tpacket_req3 ring{};
  ring.tp_block_size = block_size;
  ring.tp_block_nr = receive_blocks;
  ring.tp_frame_size = slot;  // of no meaning for what is received, but it must divide the block
  ring.tp_frame_nr = receive_blocks * slots_in_a_block;
  ring.tp_retire_blk_tov = o.block_timeout_ms == 0 ? 1 : o.block_timeout_ms;
  e = set(PACKET_RX_RING, ring);
  if (e < 0) return {"no receive ring", "setsockopt PACKET_RX_RING", smaller, static_cast<int>(-e)};
  ring.tp_block_nr = transmit_blocks;
  ring.tp_frame_nr = transmit_blocks * slots_in_a_block;
  ring.tp_retire_blk_tov = 0;
  e = set(PACKET_TX_RING, ring);
  if (e < 0) return {"no transmit ring", "setsockopt PACKET_TX_RING", e == -EINVAL ? "a kernel from 4.11 on is needed" : smaller, static_cast<int>(-e)};
  const std::size_t receive_size = std::size_t{receive_blocks} * block_size;
  socket_.size = receive_size + std::size_t{transmit_blocks} * block_size;
  e = system_().mmap(socket_.size, MAP_SHARED | MAP_POPULATE, socket_.fd, 0, socket_.rings);
  if (e < 0) return {"the rings cannot be mapped", "mmap", smaller, static_cast<int>(-e)};
  std::byte* const memory = static_cast<std::byte*>(socket_.rings);
  receive_ = {memory, block_size, receive_blocks};
  transmit_ = {memory + receive_size, slot, transmit_blocks * slots_in_a_block};

  // What is on its way counts against the socket's buffer: the ring is to be the limit. More than net.core.wmem_max is for CAP_NET_ADMIN.
  const int room = static_cast<int>(2 * transmit_blocks * block_size);
  if (system_().setsockopt(socket_.fd, SOL_SOCKET, SO_SNDBUFFORCE, &room, sizeof room) < 0) (void)system_().setsockopt(socket_.fd, SOL_SOCKET, SO_SNDBUF, &room, sizeof room);
  return {};
}

/// Frames for our MAC and for groups, and no others: the kernel's own traffic on the interface is not copied to us.
template <class System> open_error af_packet_over<System>::listen(int index, bool is_own_address) {
  const auto from_mac = [this](std::size_t at, std::size_t n) {
    u32 value = 0;
    for (std::size_t i = 0; i < n; ++i) value = value << 8 | mac_.bytes[at + i];
    return value;
  };
  sock_filter program[] = {
      {BPF_LD | BPF_B | BPF_ABS, 0, 0, 0},                    // the first byte of the destination
      {BPF_JMP | BPF_JSET | BPF_K, 4, 0, 1},                  // a group: take it
      {BPF_LD | BPF_W | BPF_ABS, 0, 0, 0},
      {BPF_JMP | BPF_JEQ | BPF_K, 0, 3, from_mac(0, 4)},
      {BPF_LD | BPF_H | BPF_ABS, 0, 0, 4},
      {BPF_JMP | BPF_JEQ | BPF_K, 0, 1, from_mac(4, 2)},
      {BPF_RET | BPF_K, 0, 0, 0xffffffff},
      {BPF_RET | BPF_K, 0, 0, 0},
  };
  const sock_fprog filter{sizeof program / sizeof *program, program};
  long e = system_().setsockopt(socket_.fd, SOL_SOCKET, SO_ATTACH_FILTER, &filter, sizeof filter);
  if (e < 0) return {"the kernel does not take the filter", "setsockopt SO_ATTACH_FILTER", "raise net.core.optmem_max", static_cast<int>(-e)};
  packet_mreq wanted{};
  wanted.mr_ifindex = index;
  wanted.mr_type = static_cast<u16>(is_own_address ? PACKET_MR_ALLMULTI : PACKET_MR_PROMISC);
  e = system_().setsockopt(socket_.fd, SOL_PACKET, PACKET_ADD_MEMBERSHIP, &wanted, sizeof wanted);
  if (e < 0) return {"the interface does not hand over the frames for strata's MAC", "setsockopt PACKET_ADD_MEMBERSHIP", "give strata the interface's own MAC (options.mac)", static_cast<int>(-e)};
  sockaddr_ll where{};
  where.sll_family = AF_PACKET;
  where.sll_protocol = __builtin_bswap16(ETH_P_ALL);
  where.sll_ifindex = index;
  e = system_().bind(socket_.fd, &where, sizeof where);
  if (e < 0) return {"the interface cannot be listened to", "bind", "is it still there?", static_cast<int>(-e)};
  (void)forget_error();  // an interface that is down lets itself be bound to, and says so by an error
  return {};
}

}  // namespace strata::inline STRATA_ABI::nic
