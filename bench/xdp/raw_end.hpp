// SPDX-License-Identifier: MIT
// One end that moves frames by AF_XDP alone: the driver's own socket and rings, and nothing above them. It looks at no byte that it receives but the last
// one, and sends frames that were written beforehand, unless it is told to carry an application's bytes; a frame's chunk is on the fill ring again at once.
#pragma once
#include "network.hpp"

#include <strata/nic/linux/af_xdp.hpp>
#include <strata/posix/memory.hpp>

namespace bench {
namespace xdp = strata::nic::kernel::xdp;

/// Every frame goes to the socket of its queue: the shortest program that there is.
namespace detail {
using namespace strata::nic::ebpf;
inline constexpr statement everything[] = {
    load32(r2, r1, 16), load_map(r1, 0), mov(r3, strata::nic::steering::xdp_pass), call(51), exit_with_r0(),
};
}  // namespace detail

/// Which program brings the frames in.
enum class steering : strata::u8 { everything, own_address };

/// Ethernet and IPv4 with a protocol number for experiments (RFC 3692), in a whole chunk: any part of it may be sent.
inline void write_frame(std::byte* at, strata::mac_address own_mac, strata::mac_address peer_mac, std::span<const strata::u8, 4> own, std::span<const strata::u8, 4> peer) {
  const auto put = [&](std::size_t offset, std::initializer_list<int> bytes) {
    for (const int b : bytes) at[offset++] = static_cast<std::byte>(b);
  };
  std::memset(at, 7, 2048);
  std::memcpy(at, &peer_mac, 6);
  std::memcpy(at + 6, &own_mac, 6);
  put(12, {0x08, 0x00, 0x45, 0, 1500 >> 8, 1500 & 0xff, 0, 0, 0x40, 0, 64, 253, 0, 0});
  std::memcpy(at + 26, own.data(), 4);
  std::memcpy(at + 30, peer.data(), 4);
}

class raw_end {
  using system_calls = strata::nic::kernel::system_calls;
  using descriptor = strata::nic::kernel::owned_descriptor<system_calls>;
  static constexpr u32 chunk_size = 2048, sending = 512;  // chunks to send

 public:
  static constexpr u32 batch = 32;  ///< frames a receive(), as limits.batch of a Config

  raw_end(const std::string& interface, strata::nic::xdp_mode mode, steering how, std::span<const strata::u8, 4> own, std::span<const strata::u8, 4> peer,
          strata::mac_address peer_mac, u32 fill)
      : memory_(strata::posix::mapping::of(std::size_t{chunk_size} * (sending + fill))) {
    const auto facts = strata::nic::kernel::facts_of(system_, interface.c_str());
    if (!facts) give_up(facts.error());
    for (u32 i = 0; i < sending; ++i) {
      write_frame(chunk(i), facts->mac, peer_mac, own, peer);
      free_.push_back(u64{i} * chunk_size);
    }
    const xdp::memory_registration registration{static_cast<u64>(reinterpret_cast<std::uintptr_t>(chunk(0))), memory_.memory().size(), chunk_size, 0, 0, 0};
    check(socket_.open(system_, &registration, {}));
    if (how == steering::everything) attach_everything(facts->index, mode);
    else check(own_address_.open(system_, {.interface_index = facts->index, .mode = mode}));
    if (socket_.bind(facts->index, 0, xdp::use_need_wakeup | xdp::copy) < 0) give_up("the raw socket is not bound", "bind AF_XDP", "see dmesg", errno);
    if (how == steering::own_address) {
      check(own_address_.add_socket(0, socket_.descriptor()));
      if (!own_address_.claim(own)) give_up("the raw end gets no address", "claim", "see dmesg", 0);
    } else {
      const u32 queue = 0, fd = static_cast<u32>(socket_.descriptor());
      if (strata::nic::kernel::bpf::update_element(system_, sockets_.get(), &queue, &fd) != 0) give_up("the raw socket is not in the map", "bpf", "see dmesg", 0);
    }
    for (u32 i = 0; i < fill; ++i) socket_.fill.next() = u64{sending + i} * chunk_size;
    socket_.fill.publish();
  }

  static constexpr u32 headers = 14 + 20 + 20;  ///< what a frame of TCP has in front of its bytes

  /// How many frames came, at most a batch. What they carry behind their headers is copied to `to`, if that is a place.
  u32 receive(std::byte* to = nullptr) {
    auto& ring = socket_.receive;
    u32 n = 0;
    while (n < batch && ring.has_more()) {
      const xdp::descriptor d = ring.take();
      last_ = chunk(0)[d.address + d.length - 1];
      if (to != nullptr && d.length > headers) std::memcpy(to, chunk(0) + d.address + headers, d.length - headers);
      (void)socket_.fill.has_room(1);
      socket_.fill.next() = d.address & ~u64{chunk_size - 1};
      ++n;
    }
    if (n == 0) return 0;
    ring.release();
    socket_.fill.publish();
    return n;
  }
  /// A frame of `length` bytes, link header included, which leaves with the next flush(); behind its headers it carries what is at `from`, if that is a
  /// place. False: all chunks are on their way.
  bool send(u32 length, const std::byte* from = nullptr) {
    if (free_.empty() || !socket_.transmit.has_room(1)) {
      reclaim();
      if (free_.empty() || !socket_.transmit.has_room(1)) return false;
    }
    if (from != nullptr) std::memcpy(chunk(0) + free_.back() + headers, from, length - headers);
    socket_.transmit.next() = {free_.back(), length, 0};
    free_.pop_back();
    ++in_flight_;
    return true;
  }
  /// One store, one call for 32 frames, if the kernel wants to be called.
  void flush() {
    auto& ring = socket_.transmit;
    ring.publish();
    if (ring.wants_wakeup())
      while (socket_.kick() == -EAGAIN && ring.waiting() != 0) {}
    if (in_flight_ != 0) reclaim();
  }
  [[nodiscard]] std::byte last() const { return last_; }
  [[nodiscard]] strata::buffer::page_kind pages() const { return memory_.memory().pages(); }

 private:
  static void check(const strata::nic::open_error& e) {
    if (e.errno_value != 0) give_up(e);
  }
  [[nodiscard]] std::byte* chunk(u32 i) const { return memory_.memory().data() + std::size_t{i} * chunk_size; }
  void reclaim() {
    auto& ring = socket_.completion;
    while (ring.has_more()) {
      free_.push_back(ring.take());
      --in_flight_;
    }
    ring.release();
  }
  void attach_everything(int interface, strata::nic::xdp_mode mode) {
    namespace bpf = strata::nic::kernel::bpf;
    sockets_ = {system_, static_cast<int>(bpf::create_map(system_, {BPF_MAP_TYPE_XSKMAP, 4, 4, 1, "bench_sockets"}))};
    auto code = strata::nic::ebpf::assemble<detail::everything>();
    const int maps[] = {sockets_.get()};
    strata::nic::ebpf::relocate(code, maps);
    program_ = {system_, static_cast<int>(bpf::load_xdp_program(system_, code, "bench_all", 0))};
    const long link = bpf::create_xdp_link(system_, program_.get(), interface, mode == strata::nic::xdp_mode::driver ? XDP_FLAGS_DRV_MODE : XDP_FLAGS_SKB_MODE);
    if (link < 0) give_up("the raw end's program is not attached", "bpf", "run as root", static_cast<int>(-link), link == -EPERM || link == -EOPNOTSUPP);
    link_ = {system_, static_cast<int>(link)};
  }
  system_calls system_{};
  strata::posix::mapping memory_;
  std::vector<u64> free_;  // chunks to send from, last in first out
  u32 in_flight_ = 0;
  std::byte last_{};
  descriptor sockets_{}, program_{};
  strata::nic::kernel::xdp_steering<> own_address_{};
  strata::nic::kernel::xsk_socket<> socket_{};
  descriptor link_{};
};

}  // namespace bench
