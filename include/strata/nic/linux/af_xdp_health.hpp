// SPDX-License-Identifier: MIT
// "Bound, but nothing arrives": a frame that is sent through the program at open, and what to look at later. Included by af_xdp.hpp.
#pragma once
#ifndef __linux__
#error "strata/nic/linux/ is for the Linux kernel"
#endif
#include <strata/nic/linux/af_xdp.hpp>

namespace strata::inline STRATA_ABI::nic {

/// The kernel runs the attached program over a frame that we make up and carries out what it says (BPF_F_TEST_XDP_LIVE_FRAMES, Linux 5.18). So no peer is
/// needed: the frame takes the way of all others from the program on, through the map of sockets, the socket, the fill ring and the region. What lies
/// before the program (the cable, the choice of a queue) is not looked at. For the kernel such a frame comes by queue 0, whatever one says.
template <class System> xdp_self_test af_xdp_over<System>::send_to_itself(System system, int interface_index) {
  // 240.0.0.0 is nobody's (RFC 1112 §4): a frame to it comes from here only.
  static constexpr u8 nobody[] = {240, 0, 0, 0};
  static constexpr u32 live_frames = 2, too_many = 0xffff;
  std::byte frame[64] = {};
  copy_bytes(frame, reinterpret_cast<const std::byte*>(s_.mac.bytes), 6);
  store_be<u16>(frame + 12, 0x0800);
  store_be<u32>(frame + 14, 0x4500'0032);
  store_be<u16>(frame + 22, 0x4011);  // hop limit 64, UDP
  copy_bytes(frame + 30, reinterpret_cast<const std::byte*>(nobody), 4);

  xdp_md context{};
  context.data_end = sizeof frame;
  context.ingress_ifindex = static_cast<u32>(interface_index);
  const auto run = [&](u32 batch) {
    kernel::bpf::detail::attributes a;
    a.value.test.prog_fd = static_cast<u32>(steering_.program());
    a.value.test.data_in = kernel::bpf::detail::address_of(frame);
    a.value.test.data_size_in = sizeof frame;
    a.value.test.ctx_in = kernel::bpf::detail::address_of(&context);
    a.value.test.ctx_size_in = sizeof context;
    a.value.test.repeat = 1;
    a.value.test.flags = live_frames;
    a.value.test.batch_size = batch;
    return kernel::bpf::detail::enter(system, BPF_PROG_TEST_RUN, a.value);
  };
  // A chunk that is on the fill ring stays there; so first the kernel is asked whether it would do it at all.
  if (s_.is_zero_copy || run(too_many) != -E2BIG || !steering_.claim(nobody)) return xdp_self_test::not_possible;
  auto& sock = queues_[0].sock;
  sock.fill.next() = 0;
  sock.fill.publish();
  bool is_back = false;
  if (run(1) >= 0 && sock.receive.has_more()) {
    const kernel::xdp::descriptor came = sock.receive.take();
    const std::byte* const at = s_.layout.base() + kernel::chunk_layout::plain(came.address);
    is_back = came.length == sizeof frame && __builtin_memcmp(at, frame, sizeof frame) == 0;
    sock.receive.release();
  }
  (void)steering_.disclaim(nobody);
  return is_back ? xdp_self_test::passed : xdp_self_test::failed;
}

/// Looks at what the program and the kernel counted, in the order of a frame's way.
template <class System> const char* af_xdp_over<System>::diagnosis() const {
  if (s_.queues == 0) return "the driver is not open";
  const counters c = count();
  if (c.receive_frames != 0) return "frames arrive";
  const auto v = verdicts();
  const u64 redirected = v.redirected_arp + v.redirected_ip + v.redirected_neighbour + v.redirected_group + v.redirected_transit;
  if (v.no_socket != 0) return "frames for strata come by receive queues that have no socket: give options.queues as ethtool -l NAME says, or steer flows: ethtool -X, ethtool -N";
  if (redirected == 0 && v.passed + v.malformed != 0) return "frames arrive, and none is for an address of the stack: is its address the one that peers send to?";
  if (redirected == 0) return "no frame reached the program: is the interface up, the cable in, a peer there? ip -s link show NAME";
  if (c.kernel.fill_ring_empty != 0 || c.no_chunk != 0) return "no chunk waits for frames: is the stack polled? give the region more chunks";
  if (c.kernel.receive_ring_full != 0) return "the receive ring is full: is the stack polled?";
  if (c.kernel.receive_dropped != 0)
    return "frames are longer than a chunk: a sender on this machine merges them (ethtool -K PEER tso off gso off), or the peer's MTU is larger";
  return "the program redirects frames and the socket gets none: see dmesg";
}

}  // namespace strata::inline STRATA_ABI::nic
