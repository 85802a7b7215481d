// SPDX-License-Identifier: MIT
// A packet socket with rings both ways (packet(7), TPACKET_V3): for machines where AF_XDP cannot be had. Any Ethernet interface will do. One copy out of the
// receive ring and one into the transmit ring a frame, one send(2) a batch, no system call to receive.
//
//   auto nic = strata::nic::af_packet::open({.interface = "eth0"});
//
// The kernel goes on receiving what comes to the interface, beside us. By default strata has a MAC of its own there, so that what is for strata is for
// another host in the kernel's eyes. If it is given the interface's MAC instead, the kernel would answer every segment for our ports with a RST within
// microseconds: keep our address off the interface, and if the kernel forwards (net.ipv4.ip_forward=1) or has that address elsewhere, drop behind us:
//
//   nft add table netdev strata
//   nft add chain netdev strata in '{ type filter hook ingress device eth0 priority 0; }'
//   nft add rule  netdev strata in ip daddr 10.9.0.2 drop
//
// Latency: the kernel hands frames over a block at a time, when the block is full or its timer ran out, so a frame that comes alone waits for
// `block_timeout_ms`: one millisecond at least, and before Linux 6.18 one tick of the kernel (4 ms at CONFIG_HZ=250). Measured on 6.18 over a veth pair, an echo
// of 64 bytes by UDP: 0.98 ms a round trip (median; 0.04 ms over a TAP, 0.03 ms over AF_XDP). Bulk fills blocks and does not wait.
//
// Checksums: a kernel behind a veth, or a virtual machine on the same host, leaves those of TCP and UDP to a NIC that its frames never meet. The socket says
// so of each frame. Switch it off over there (ethtool -K PEER tx off), or accept these frames (options.checksum); otherwise they are counted as `unfinished`.
//
// Frames must fit in a chunk. Segmentation offload of the sender's side or of this interface makes super-frames of up to 64 KiB that never were on a wire:
// they are dropped, and counted as `oversized`. On a real NIC: ethtool -K eth0 gro off lro off; with a kernel behind a veth: ethtool -K PEER tso off gso off.
#pragma once
#ifndef __linux__
#error "strata/nic/linux/ is for the Linux kernel"
#endif
#include <strata/core/bytes.hpp>
#include <strata/core/expected.hpp>
#include <strata/nic/driver.hpp>
#include <strata/nic/linux/interface_request.hpp>
#include <strata/nic/linux/packet_rings.hpp>

#include <cstring>
#include <linux/filter.h>
#include <linux/if_ether.h>

namespace strata::inline STRATA_ABI::nic {

template <class System = kernel::system_calls> class af_packet_over {
 public:
  struct options {
    const char* interface = "";       ///< its name, 1..15 bytes
    u16 mtu = 0;                      ///< bytes of IP packet; zero: the interface's at the time of open
    mac_address mac{};                ///< strata's own; zero: locally administered, from `seed` and the name. Unicast frames for others are not received
    u64 seed = 0;
    u32 chunk_size = 2048;            ///< bytes of the stack's chunks: what a frame must fit in
    u32 receive_bytes = 4 << 20;      ///< of the receive ring
    u32 transmit_frames = 512;        ///< slots of the transmit ring
    u32 block_timeout_ms = 1;         ///< how long a frame may wait for others
    receive_checksum checksum = receive_checksum::verify;
  };
  struct counters {
    u64 receive_frames = 0;
    u64 receive_bytes = 0;
    u64 transmit_frames = 0;
    u64 transmit_bytes = 0;
    u64 dropped = 0;     ///< transmit: the interface was down, or the kernel went on refusing the frame
    u64 oversized = 0;   ///< receive: longer than a chunk
    u64 unfinished = 0;  ///< receive: the checksum was left to a NIC that the frame never met, and options.checksum is `verify`
    u64 overflowed = 0;  ///< receive: the ring was full; by the kernel's count
    u64 full = 0;        ///< how often the kernel had no room for what was to be sent
    u64 link_down = 0;   ///< how often the kernel said that the interface is down or gone
  };

  static constexpr std::size_t ring_bytes = (4 << 20) + 512 * 2048;
  static constexpr capabilities may{.verified_checksum = true, .partial_checksum = true};
  /// Where a received frame starts in its chunk, bytes: behind an Ethernet header of 14 the IP header is aligned to four.
  static constexpr u32 receive_headroom = 2;

  [[nodiscard]] static expected<af_packet_over, open_error> open(const options& o, System system = {}) {
    af_packet_over nic{system};
    const open_error e = nic.attach(o);
    if (e.errno_value != 0) return e;
    return nic;
  }

  /// A frame that fits in no chunk, or has no checksum, costs its turn as any other: a flood of them does not keep us here.
  std::size_t receive(buffer::pool& chunks, std::span<packet> batch) {
    std::size_t n = 0;
    const tpacket3_hdr* f;
    while (n < batch.size() && (f = receive_.front()) != nullptr) {
      if (is_wanted(*f, chunks.chunk_size())) {
        packet p = chunks.take_receive(receive_headroom);
        if (!p) return n;
        copy(*f, p);
        batch[n++] = std::move(p);
      } else {
        batch = batch.first(batch.size() - 1);
      }
      receive_.pop();
    }
    if (n == 0 && now_ - last_look_ >= 100'000'000) {
      last_look_ = now_;
      (void)forget_error();
    }
    return n;
  }

  /// Copies, so each handle is dropped at once.
  std::size_t transmit(std::span<packet> batch) {
    std::size_t n = 0;
    for (; n < batch.size(); ++n) {
      const std::span<const std::byte> frame = batch[n].bytes();
      if (frame.size() > largest_) {  // the kernel would throw it away in silence
        ++counters_.dropped;
      } else {
        std::byte* const at = transmit_.place();
        if (at == nullptr) {
          ++counters_.full;
          break;
        }
        std::memcpy(at, frame.data(), frame.size());
        transmit_.post(static_cast<u32>(frame.size()));
        ++counters_.transmit_frames;
        counters_.transmit_bytes += frame.size();
      }
      batch[n].reset();
    }
    return n;
  }
  std::size_t reclaim(std::span<packet>) { return 0; }

  /// One send(2) for all that was posted. What an interface that is down did not take is lost, as on a cable that was pulled.
  kick flush() {
    long r = system_().sendto(socket_.fd, nullptr, 0, MSG_DONTWAIT);
    if (r == -ENETDOWN) {
      // Perhaps only the memory of it, and the interface has come back.
      (void)forget_error();
      r = system_().sendto(socket_.fd, nullptr, 0, MSG_DONTWAIT);
    }
    if (r >= 0 && !transmit_.has_unsent()) {
      refusals_ = 0;
      return kick::done;
    }
    switch (r) {
      case -ENETDOWN:
      case -ENXIO:  // it was deleted
      case -ENODEV:
        ++counters_.link_down;
        give_up();
        return kick::link_down;
      case -ENOBUFS:  // dropped below the socket, where the kernel keeps it for us: by a full queue, which passes, or by a rule, which may not
        if (++refusals_ == most_refusals) break;
        [[fallthrough]];
      case -EAGAIN:
      case -EBUSY:
      case -ENOMEM:
        ++counters_.full;
        return kick::again;
      default:
        if (r >= 0) {  // some: the socket's buffer is full
          ++counters_.full;
          refusals_ = 0;
          return kick::again;
        }
    }
    give_up();
    return kick::done;
  }

  [[nodiscard]] u16 mtu() const { return mtu_; }
  [[nodiscard]] mac_address address() const { return mac_; }
  [[nodiscard]] capabilities has() const {
    return {.verified_checksum = checksum_ == receive_checksum::trust, .partial_checksum = checksum_ == receive_checksum::accept_partial};
  }
  /// For poll(2): readable when a block waits.
  [[nodiscard]] int descriptor() const { return socket_.fd; }
  /// With what the kernel has counted until now: asks it.
  [[nodiscard]] const counters& count() {
    tpacket_stats_v3 seen{};
    u32 length = sizeof seen;
    if (socket_.fd >= 0 && system_().getsockopt(socket_.fd, SOL_PACKET, PACKET_STATISTICS, &seen, length) >= 0) counters_.overflowed += seen.tp_drops;  // since the last time
    return counters_;
  }
  void at(u64 now) { now_ = now; }
  void close() {
    socket_.close();
    receive_ = {};
    transmit_ = {};
  }

 private:
  static constexpr u32 most_refusals = 8;
  static constexpr u32 tag = 4;         // bytes of a VLAN tag
  static constexpr u32 block = 1 << 14;

  /// The descriptor and the mapping.
  struct socket {
    System system;
    int fd = -1;
    void* rings = nullptr;
    std::size_t size = 0;

    explicit socket(System s) : system(s) {}
    socket(socket&& other) noexcept : system(other.system), fd(std::exchange(other.fd, -1)), rings(std::exchange(other.rings, nullptr)), size(other.size) {}
    socket& operator=(socket&& other) noexcept {
      std::swap(system, other.system);
      std::swap(fd, other.fd);
      std::swap(rings, other.rings);
      std::swap(size, other.size);
      return *this;
    }
    ~socket() { close(); }
    void close() {
      if (rings != nullptr) (void)system.munmap(std::exchange(rings, nullptr), size);
      if (fd >= 0) (void)system.close(std::exchange(fd, -1));
    }
  };

  explicit af_packet_over(System system) : socket_(system) {}
  [[nodiscard]] System& system_() { return socket_.system; }

  [[nodiscard]] bool is_wanted(const tpacket3_hdr& f, u32 chunk_size) {
    if (kernel::packet_receive_ring::kind(f) == PACKET_OUTGOING) return false;  // before Linux 4.20 it could not be told to leave these out
    const u32 length = f.tp_snaplen + ((f.tp_status & TP_STATUS_VLAN_VALID) != 0 ? tag : 0);
    if (f.tp_len != f.tp_snaplen || f.tp_snaplen < ETH_HLEN || length > chunk_size - receive_headroom) {
      ++counters_.oversized;
      return false;
    }
    if ((f.tp_status & TP_STATUS_CSUMNOTREADY) != 0 && checksum_ == receive_checksum::verify) {
      ++counters_.unfinished;
      return false;
    }
    return true;
  }
  void copy(const tpacket3_hdr& f, packet& p) {
    const std::span<const std::byte> frame = kernel::packet_receive_ring::bytes(f);
    std::byte* to = p.room().data();
    std::size_t copied = 0, length = frame.size();
    if ((f.tp_status & TP_STATUS_VLAN_VALID) != 0) {  // the kernel took the tag out: it goes back
      copied = 2 * ETH_ALEN;
      std::memcpy(to, frame.data(), copied);
      store_be<u16>(to + copied, (f.tp_status & TP_STATUS_VLAN_TPID_VALID) != 0 ? f.hv1.tp_vlan_tpid : u16{ETH_P_8021Q});
      store_be<u16>(to + copied + 2, static_cast<u16>(f.hv1.tp_vlan_tci));
      to += tag;
      length += tag;
    }
    std::memcpy(to + copied, frame.data() + copied, frame.size() - copied);
    p.extend(length);
    if (checksum_ == receive_checksum::accept_partial && (f.tp_status & TP_STATUS_CSUMNOTREADY) != 0) p->flags |= buffer::descriptor::checksum_partial;
    if (checksum_ == receive_checksum::trust && (f.tp_status & (TP_STATUS_CSUMNOTREADY | TP_STATUS_CSUM_VALID)) != 0) p->flags |= buffer::descriptor::checksum_verified;
    ++counters_.receive_frames;
    counters_.receive_bytes += length;
  }

  /// An interface that went down leaves an error behind, which poll(2) reports until it was read, and a send(2) once.
  int forget_error() {
    int error = 0;
    u32 length = sizeof error;
    (void)system_().getsockopt(socket_.fd, SOL_SOCKET, SO_ERROR, &error, length);
    return error;
  }
  void give_up() {
    refusals_ = 0;
    u64 bytes = 0;
    const u32 n = transmit_.take_back(bytes);
    counters_.dropped += n;
    counters_.transmit_frames -= n;
    counters_.transmit_bytes -= bytes;
  }

  open_error attach(const options& o);
  open_error make_rings(const options& o, u32 interface_mtu);
  open_error listen(int index, bool is_own_address);

  socket socket_;
  kernel::packet_receive_ring receive_{};
  kernel::packet_transmit_ring transmit_{};
  u32 largest_ = 0;   // bytes of a frame that the interface takes
  u32 refusals_ = 0;  // ENOBUFS in a row
  u64 now_ = 0, last_look_ = 0;
  u16 mtu_ = 0;
  receive_checksum checksum_ = receive_checksum::verify;
  mac_address mac_{};
  counters counters_{};
};

using af_packet = af_packet_over<>;

}  // namespace strata::inline STRATA_ABI::nic

#include <strata/nic/linux/af_packet_open.hpp>

namespace strata::inline STRATA_ABI::nic {
static_assert(driver<af_packet> && can_be_waited_for<af_packet> && can_be_closed<af_packet> && wants_the_time<af_packet>);
}  // namespace strata::inline STRATA_ABI::nic
