// SPDX-License-Identifier: MIT
// Frames that both the kernel and strata need. XDP redirects a frame or passes it; steering.hpp passes gratuitous ARP for other addresses than ours,
// and router advertisements to a group. A packet socket with a filter for just these two brings strata a copy. RFC 5227 §2.3, RFC 4861 §4.2.
//
// The kernel puts them in a small ring of shared memory (packet(7), TPACKET_V2), so to find that there is none costs one load and no system call: a
// driver looks in each receive(). A loop that sleeps on the AF_XDP socket finds them when it wakes for something else, which is soon enough for such
// news.
#pragma once
#ifndef __linux__
#error "strata/nic/linux/ is for the Linux kernel"
#endif
#include <strata/nic/driver.hpp>
#include <strata/nic/linux/owned_descriptor.hpp>

#include <bit>
#include <linux/filter.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>

namespace strata::inline STRATA_ABI::nic::kernel {

namespace detail {

// Classic BPF: k is an offset in the frame, or a value; jumps count instructions. A load behind the frame's end drops it.
// As assembler is written:
// clang-format off
inline constexpr sock_filter overheard_filter[] = {
    {BPF_LD | BPF_B | BPF_ABS, 0, 0, static_cast<u32>(SKF_AD_OFF + SKF_AD_VLAN_TAG_PRESENT)},
    {BPF_JMP | BPF_JEQ | BPF_K, 0, 19, 0},
    {BPF_LD | BPF_H | BPF_ABS, 0, 0, 12},
    {BPF_JMP | BPF_JEQ | BPF_K, 8, 0, 0x0806},
    {BPF_JMP | BPF_JEQ | BPF_K, 0, 16, 0x86dd},
    {BPF_LD | BPF_B | BPF_ABS, 0, 0, 14 + 6},        // next header
    {BPF_JMP | BPF_JEQ | BPF_K, 0, 14, 58},
    {BPF_LD | BPF_B | BPF_ABS, 0, 0, 14 + 24},       // destination: a group. An advertisement to our own address is redirected
    {BPF_JMP | BPF_JEQ | BPF_K, 0, 12, 0xff},
    {BPF_LD | BPF_B | BPF_ABS, 0, 0, 14 + 40},       // type: router or neighbour advertisement
    {BPF_JMP | BPF_JEQ | BPF_K, 9, 0, 134},
    {BPF_JMP | BPF_JEQ | BPF_K, 8, 9, 136},
    {BPF_LD | BPF_W | BPF_ABS, 0, 0, 14},            // ARP: Ethernet, IPv4
    {BPF_JMP | BPF_JEQ | BPF_K, 0, 7, 0x0001'0800},
    {BPF_LD | BPF_H | BPF_ABS, 0, 0, 14 + 4},
    {BPF_JMP | BPF_JEQ | BPF_K, 0, 5, 0x0604},
    {BPF_LD | BPF_W | BPF_ABS, 0, 0, 14 + 14},       // the sender's address is the target's
    {BPF_MISC | BPF_TAX, 0, 0, 0},
    {BPF_LD | BPF_W | BPF_ABS, 0, 0, 14 + 24},
    {BPF_JMP | BPF_JEQ | BPF_X, 0, 1, 0},
    {BPF_RET | BPF_K, 0, 0, 0xffff},
    {BPF_RET | BPF_K, 0, 0, 0},
};
// clang-format on

}  // namespace detail

template <class System = system_calls> class overheard {
 public:
  static constexpr u32 frame_room = 2048;                         ///< bytes, with the kernel's header; a longer frame is not read
  static constexpr u32 frames = 32;                               ///< that wait at most; the kernel drops what comes on top
  static constexpr std::size_t ring_bytes = frame_room * frames;  ///< a page, however large the machine's pages are

  constexpr overheard() = default;
  overheard(overheard&& other) noexcept
      : system_(other.system_), socket_(std::move(other.socket_)), ring_(std::exchange(other.ring_, nullptr)), next_(other.next_) {}
  overheard& operator=(overheard&& other) noexcept {
    if (this != &other) {
      close();
      system_ = other.system_;
      socket_ = std::move(other.socket_);
      ring_ = std::exchange(other.ring_, nullptr);
      next_ = other.next_;
    }
    return *this;
  }
  ~overheard() { close(); }

  /// errno_value == 0: it listens. Otherwise nothing is left behind.
  [[nodiscard]] open_error open(System system, int interface_index) {
    close();
    system_ = system;
    const open_error e = listen(interface_index);
    if (e.errno_value != 0) close();
    return e;
  }

  /// Whether a frame waits: one load.
  [[nodiscard]] bool has_more() const {
    return ring_ != nullptr && (__atomic_load_n(&reinterpret_cast<const tpacket2_hdr*>(ring_ + std::size_t{next_} * frame_room)->tp_status, __ATOMIC_RELAXED) & TP_STATUS_USER) != 0;
  }
  /// Calls f(frame) for each frame that waits, at most `most` of them; says how many. The bytes are good until f returns.
  template <class F>
  u32 read(F&& f, u32 most = frames) {
    u32 n = 0;
    for (; ring_ != nullptr && n < most; ++n) {
      std::byte* const at = ring_ + std::size_t{next_} * frame_room;
      tpacket2_hdr* const header = reinterpret_cast<tpacket2_hdr*>(at);
      if ((__atomic_load_n(&header->tp_status, __ATOMIC_ACQUIRE) & TP_STATUS_USER) == 0) break;
      const bool is_whole = header->tp_snaplen == header->tp_len && std::size_t{header->tp_mac} + header->tp_snaplen <= frame_room;
      if (is_whole) f(std::span<const std::byte>{at + header->tp_mac, header->tp_snaplen});
      __atomic_store_n(&header->tp_status, TP_STATUS_KERNEL, __ATOMIC_RELEASE);
      next_ = (next_ + 1) % frames;
    }
    return n;
  }

  void close() {
    if (ring_ != nullptr) (void)system_.munmap(std::exchange(ring_, nullptr), ring_bytes);
    socket_.close();
    next_ = 0;
  }

 private:
  [[nodiscard]] open_error listen(int interface_index) {
    const long fd = system_.socket(AF_PACKET, SOCK_RAW, 0);  // no frame comes until it is bound
    if (fd < 0) {
      const bool is_refused = fd == -EPERM || fd == -EACCES;
      return {"no packet socket to overhear gratuitous ARP and advertisements", "socket AF_PACKET",
              is_refused ? "run as root, or give the program CAP_NET_RAW" : "take a kernel with CONFIG_PACKET", static_cast<int>(-fd), true};
    }
    socket_ = {system_, static_cast<int>(fd)};

    const sock_fprog filter{static_cast<unsigned short>(std::size(detail::overheard_filter)), const_cast<sock_filter*>(detail::overheard_filter)};
    long r = set(SOL_SOCKET, SO_ATTACH_FILTER, filter);
    if (r < 0) return {"the packet socket takes no filter", "setsockopt SO_ATTACH_FILTER", "see socket(7) for this errno", static_cast<int>(-r)};
    (void)set(SOL_PACKET, PACKET_IGNORE_OUTGOING,
              int{1});  // what the kernel announces of itself. Linux 4.20; without, it is learned and does no harm
    r = set(SOL_PACKET, PACKET_VERSION, int{TPACKET_V2});
    if (r >= 0) r = set(SOL_PACKET, PACKET_RX_RING, tpacket_req{static_cast<u32>(ring_bytes), 1, frame_room, frames});
    if (r < 0) return {"the packet socket gets no ring", "setsockopt PACKET_RX_RING", "free some memory", static_cast<int>(-r)};
    void* at = nullptr;
    r = system_.mmap(ring_bytes, MAP_SHARED, socket_.get(), 0, at);
    if (r < 0) return {"the packet socket's ring cannot be mapped", "mmap", "free some memory", static_cast<int>(-r)};
    ring_ = static_cast<std::byte*>(at);

    packet_mreq all_nodes{};  // ff02::1, where the kernel may have no IPv6 on the interface
    all_nodes.mr_ifindex = interface_index;
    all_nodes.mr_type = PACKET_MR_MULTICAST;
    all_nodes.mr_alen = 6;
    all_nodes.mr_address[0] = all_nodes.mr_address[1] = 0x33;
    all_nodes.mr_address[5] = 1;
    (void)set(SOL_PACKET, PACKET_ADD_MEMBERSHIP, all_nodes);

    sockaddr_ll everything{};
    everything.sll_family = AF_PACKET;
    everything.sll_protocol = static_cast<u16>(ETH_P_ALL << 8);
    everything.sll_ifindex = interface_index;
    if constexpr (std::endian::native == std::endian::big) everything.sll_protocol = ETH_P_ALL;
    r = system_.bind(socket_.get(), &everything, sizeof everything);
    if (r < 0) return {"the packet socket cannot be bound to the interface", "bind AF_PACKET", "ip link shows those that are", static_cast<int>(-r)};
    return {};
  }
  template <class T>
  long set(int level, int name, const T& value) {
    return system_.setsockopt(socket_.get(), level, name, &value, sizeof value);
  }

  [[no_unique_address]] System system_{};
  owned_descriptor<System> socket_{};
  std::byte* ring_ = nullptr;
  u32 next_ = 0;
};

}  // namespace strata::inline STRATA_ABI::nic::kernel
