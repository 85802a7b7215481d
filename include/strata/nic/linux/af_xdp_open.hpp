// SPDX-License-Identifier: MIT
// How AF_XDP is opened: what is asked for is compared with the interface and the kernel, and each step that fails says what to do. Included by af_xdp.hpp.
#pragma once
#ifndef __linux__
#error "strata/nic/linux/ is for the Linux kernel"
#endif
#include <strata/nic/linux/af_xdp.hpp>

namespace strata::inline STRATA_ABI::nic {

template <class System> open_error af_xdp_over<System>::start(const options& o, System system, bool tests_itself) {
  if (open_error e = s_.layout.open(o.memory, o.chunk_size); e.errno_value != 0) return e;
  if (!o.rings.are_good() || o.rings.receive > most_entries || o.rings.transmit > most_entries || o.rings.fill > most_entries || o.rings.completion > most_entries)
    return {"a ring's size is no power of two up to 4096", "options.rings", "give one", EINVAL};
  if (o.fill > o.rings.fill) return {"more chunks would wait than the fill ring holds", "options.fill", "give less, or a larger fill ring", EINVAL};
  if (o.queues == 0 || o.queues > most_queues) return {"a stack has one to eight queues", "options.queues", "give as many", EINVAL};

  const auto facts = kernel::facts_of(system, o.interface);
  if (!facts) return facts.error();
  if (o.queue >= facts->receive_queues || o.queues > facts->receive_queues - o.queue)
    return {"the interface has no such receive queue", "options.queue", "ethtool -l NAME shows how many there are; they count from 0", EINVAL};
  if (o.mtu > facts->mtu) return {"the interface's MTU is smaller than the one that is asked for", "options.mtu", "ip link set NAME mtu BYTES", EINVAL};
  s_.mtu = o.mtu != 0 ? o.mtu : facts->mtu;
  s_.mac = o.mac.is_zero() ? facts->mac : o.mac;
  if (s_.mtu > s_.layout.most())
    return {"a frame of this MTU does not fit in a chunk", "options.mtu",
            "give options.mtu, set the interface's by ip link set NAME mtu 1500, or give larger chunks: a multiple of 2048, 270 bytes more than the MTU", EMSGSIZE};
  const bool needs_pieces = s_.mtu > s_.layout.most_whole();

  s_.has_pieces = s_.layout.has_pieces();
  s_.requests_checksum = o.requests_checksum;
  s_.wants_timestamps = o.wants_timestamps;
  s_.has_metadata = o.requests_checksum || o.wants_timestamps;
  if (s_.has_metadata && s_.has_pieces)
    return {"frames in pieces have no room for metadata", "options.requests_checksum", "give chunks of 2048 to 4096 bytes, or neither requests_checksum nor wants_timestamps", EINVAL};
  s_.wanted_level = o.fill;
  if (o.checksum == receive_checksum::trust) s_.marks = buffer::descriptor::checksum_verified;
  if (o.checksum == receive_checksum::accept_partial) s_.marks = buffer::descriptor::checksum_partial;

  if (open_error e = open_sockets(o, system, facts->index, needs_pieces); e.errno_value != 0) return e;
  if (o.queues > 1)
    if (open_error e = watch_all(o, system); e.errno_value != 0) return e;
  look_for_doubts(o, *facts);
  if (o.overhears && overheard_.open(system, facts->index).errno_value != 0)
    warn("there is no packet socket for gratuitous ARP and router advertisements: neighbours that move are found by asking only");
  s_.tag = static_cast<u32>(queues_[0].sock.descriptor()) + 1;  // of one process's drivers only this one has it
  s_.queues = o.queues;
  s_.wakes = s_.is_zero_copy || s_.is_busy_polling;
  if (tests_itself && o.queue == 0 && facts->is_up) self_test_ = send_to_itself(system, facts->index);
  return {};
}

/// Sockets first, since a program that is attached and has none passes everything on; they are bound while it is, since drivers want it for zero-copy.
template <class System> open_error af_xdp_over<System>::open_sockets(const options& o, System system, int interface_index, bool needs_pieces) {
  const kernel::xdp::memory_registration memory{static_cast<u64>(reinterpret_cast<std::uintptr_t>(s_.layout.base())), s_.layout.size(), s_.layout.kernel_chunk(), 0,
                                                (s_.layout.is_unaligned() ? kernel::xdp::unaligned_chunks : 0u) | (s_.has_metadata ? kernel::xdp::has_metadata : 0u),
                                                s_.has_metadata ? u32{transmit_headroom} : 0u};
  for (u32 i = 0; i < o.queues; ++i)
    if (open_error e = queues_[i].sock.open(system, i == 0 ? &memory : nullptr, o.rings); e.errno_value != 0) return e;

  const xdp_mode mode = o.mode == xdp_mode::automatic && o.zero_copy == xdp_zero_copy::require ? xdp_mode::driver : o.mode;
  if (open_error e = steering_.open(system, {.interface_index = interface_index, .mode = mode, .queue = o.queue, .queues = o.queue + o.queues, .has_frags = needs_pieces}); e.errno_value != 0) return e;
  if (open_error e = bind_first(o, interface_index, needs_pieces); e.errno_value != 0) return e;
  s_.is_zero_copy = queues_[0].sock.is_zero_copy();
  for (u32 i = 1; i < o.queues; ++i) {
    const long r = queues_[i].sock.bind(interface_index, o.queue + i, kernel::xdp::shared_memory, queues_[0].sock.descriptor());
    if (r == -EBUSY) return {"another AF_XDP socket holds one of the queues", "bind AF_XDP", "end its process, or give other queues", EBUSY};
    if (r < 0) return {"a further queue cannot be bound", "bind XDP_SHARED_UMEM", "take Linux 5.10 or later, or one queue", static_cast<int>(-r)};
  }
  for (u32 i = 0; i < o.queues; ++i)
    if (open_error e = steering_.add_socket(o.queue + i, queues_[i].sock.descriptor()); e.errno_value != 0) return e;
  if (!o.mac.is_zero() && !steering_.claim(o.mac)) warn("the interface does not take frames for the MAC of options.mac: set it to promiscuous mode");

  if (o.busy_poll_us == 0) return {};
  for (u32 i = 0; i < o.queues; ++i) {
    long r = queues_[i].sock.set(SO_PREFER_BUSY_POLL, 1);
    if (r >= 0) r = queues_[i].sock.set(SO_BUSY_POLL, static_cast<int>(o.busy_poll_us));
    if (r >= 0) r = queues_[i].sock.set(SO_BUSY_POLL_BUDGET, static_cast<int>(o.busy_poll_budget));
    if (r == -EPERM) return {"not allowed to set up busy polling", "setsockopt SO_BUSY_POLL", "run as root, or give the program CAP_NET_ADMIN", EPERM, true};
    if (r < 0) return {"this kernel has no busy polling of AF_XDP", "setsockopt SO_PREFER_BUSY_POLL", "take Linux 5.11 with CONFIG_NET_RX_BUSY_POLL, or options.busy_poll_us = 0", static_cast<int>(-r), true};
  }
  s_.is_busy_polling = true;
  return {};
}

/// A loop sleeps on one descriptor.
template <class System> open_error af_xdp_over<System>::watch_all(const options& o, System system) {
  long r = system.epoll_create();
  if (r >= 0) {
    all_queues_ = {system, static_cast<int>(r)};
    for (u32 i = 0; i < o.queues && r >= 0; ++i) r = system.epoll_add(all_queues_.get(), queues_[i].sock.descriptor());
  }
  if (r < 0) return {"the queues cannot be waited for together", "epoll_create1", "allow the program more open files: ulimit -n", static_cast<int>(-r)};
  return {};
}

/// Zero-copy first, then copies. A kernel that is left the choice would not say what it chose.
template <class System> open_error af_xdp_over<System>::bind_first(const options& o, int interface_index, bool needs_pieces) {
  const u16 always = static_cast<u16>(kernel::xdp::use_need_wakeup | (needs_pieces ? kernel::xdp::use_fragments : 0));
  const auto bind = [&](u16 way) { return queues_[0].sock.bind(interface_index, o.queue, static_cast<u16>(always | way)); };
  long r = -EOPNOTSUPP;
  if (o.zero_copy != xdp_zero_copy::off && steering_.mode() != xdp_mode::generic) r = bind(kernel::xdp::zero_copy);
  if (r < 0 && r != -EBUSY && o.zero_copy == xdp_zero_copy::require)
    return {"the interface has no zero-copy for AF_XDP here", "bind XDP_ZEROCOPY",
            "take one whose driver has it (ethtool -i NAME; i40e, ice, igc, ixgbe, mlx5, virtio_net from Linux 6.11 on) in driver mode, or zero_copy automatic", static_cast<int>(-r), true};
  if (r < 0 && r != -EBUSY) r = bind(kernel::xdp::copy);
  if (r >= 0) return {};
  const int why = static_cast<int>(-r);
  if (r == -EBUSY) return {"another AF_XDP socket holds the queue", "bind AF_XDP", "end its process, or give another queue", why};
  if (r == -EPERM) return {"not allowed to bind an AF_XDP socket", "bind AF_XDP", "run as root, or give the program CAP_NET_RAW", why, true};
  if (r == -ENODEV) return {"the interface is not there", "bind AF_XDP", "ip link shows those that are", why};
  if (r == -ENETDOWN) return {"the interface is down", "bind AF_XDP", "ip link set NAME up", why};
  if (needs_pieces && (r == -EINVAL || r == -EOPNOTSUPP))
    return {"the MTU is larger than one of the kernel's chunks, and this kernel or the interface's driver takes no frames in pieces", "bind XDP_USE_SG",
            "take Linux 6.6 or later, or set the interface's MTU to 1500: ip link set NAME mtu 1500", why, true};
  return {"the AF_XDP socket cannot be bound", "bind AF_XDP", "see dmesg", why};
}

template <class System> void af_xdp_over<System>::look_for_doubts(const options& o, const kernel::interface_facts& facts) {
  if (facts.receive_queues > o.queues + o.queues_elsewhere)
    warn("the interface has more receive queues than this stack has sockets: what comes by the others goes to the kernel. ethtool -L NAME combined N, or steer flows: ethtool -N");
  if (facts.vlan_offload) warn("the interface takes VLAN tags off: tagged frames look untagged. ethtool -K NAME rxvlan off");
  if (facts.lro) warn("the interface merges frames (LRO): what is longer than a chunk is lost. ethtool -K NAME lro off");
  if (steering_.mode() == xdp_mode::generic)
    warn("generic mode: frames that a sender on this machine merged (TSO, GSO) are longer than a chunk and lost. ethtool -K PEER tso off gso off");
  if (!facts.is_up) warn("the interface is down: ip link set NAME up");
  else if (!facts.has_carrier) warn("the interface has no carrier: nothing is at the other end");
}

}  // namespace strata::inline STRATA_ABI::nic
