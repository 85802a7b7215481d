// SPDX-License-Identifier: MIT
// One AF_XDP socket: the region registered with the kernel, four rings mapped, bound to one receive queue of an interface.
//
//   fill ring        chunks to receive into     ours -> kernel        receive ring     frames          kernel -> ours
//   transmit ring    frames to send             ours -> kernel        completion ring  sent frames     kernel -> ours
//
// Every queue has a socket with four rings of its own; the first registers the memory, the others share it (XDP_SHARED_UMEM).
#pragma once
#ifndef __linux__
#error "strata/nic/linux/ is for the Linux kernel"
#endif
#include <strata/nic/linux/chunk_layout.hpp>
#include <strata/nic/linux/system_calls.hpp>
#include <strata/nic/linux/xsk_rings.hpp>

namespace strata::inline STRATA_ABI::nic::kernel {

/// Entries of each ring, powers of two.
struct ring_sizes {
  u32 receive = 2048;
  u32 transmit = 2048;
  u32 fill = 4096;
  u32 completion = 2048;

  [[nodiscard]] constexpr bool are_good() const {
    for (const u32 n : {receive, transmit, fill, completion})
      if (n == 0 || (n & (n - 1)) != 0) return false;
    return true;
  }
};

template <class System = system_calls> class xsk_socket {
 public:
  /// A socket that was left behind keeps its queue for a while: 16 ms are usual, 100 were seen. How long bind() tries again, milliseconds.
  static constexpr u32 busy_ms = 128;

  constexpr xsk_socket() = default;
  xsk_socket(xsk_socket&& other) noexcept
      : receive(other.receive), transmit(other.transmit), fill(other.fill), completion(other.completion), system_(other.system_), fd_(std::exchange(other.fd_, -1)) {
    for (u32 i = 0; i < 4; ++i) maps_[i] = std::exchange(other.maps_[i], {});
  }
  xsk_socket& operator=(xsk_socket&& other) noexcept {
    if (this != &other) {
      close();
      std::destroy_at(this);
      std::construct_at(this, std::move(other));
    }
    return *this;
  }
  ~xsk_socket() { close(); }

  /// The socket and its rings; `memory` is registered unless it is null, since the first socket has done it. errno_value == 0: done.
  [[nodiscard]] open_error open(System system, const xdp::memory_registration* memory, const ring_sizes& sizes) {
    system_ = system;
    const long fd = system_.socket(xdp::family, SOCK_RAW, 0);
    if (fd < 0) return socket_failure(fd);
    fd_ = static_cast<int>(fd);
    if (memory != nullptr) {
      const long r = system_.setsockopt(fd_, xdp::level, xdp::memory, memory, sizeof *memory);
      if (r < 0) return memory_failure(r, *memory);
    }
    return map_rings(sizes);
  }

  /// `flags` of bind_flag. Says what the kernel says, after trying again while the queue is held by a socket that is going.
  [[nodiscard]] long bind(int interface_index, u32 queue, u16 flags, int shared_with = -1) {
    const xdp::socket_address a{static_cast<u16>(xdp::family), flags, static_cast<u32>(interface_index), queue, shared_with < 0 ? 0 : static_cast<u32>(shared_with)};
    long r = system_.bind(fd_, &a, sizeof a);
    u32 waited = 0;
    for (u32 wait = 1; r == -EBUSY && waited < busy_ms; waited += wait, wait = wait < 16 ? wait * 2 : wait) {
      system_.sleep_ns(u64{wait} * 1'000'000);
      r = system_.bind(fd_, &a, sizeof a);
    }
    return r;
  }

  [[nodiscard]] bool is_zero_copy() const {
    u32 flags = 0, length = sizeof flags;
    return system_.getsockopt(fd_, xdp::level, xdp::options, &flags, length) >= 0 && (flags & xdp::is_zero_copy) != 0;
  }
  /// A system call. Older kernels know only the first three.
  [[nodiscard]] xdp::statistics_answer statistics() const {
    xdp::statistics_answer s;
    u32 length = sizeof s;
    if (fd_ >= 0) (void)system_.getsockopt(fd_, xdp::level, xdp::statistics, &s, length);
    return s;
  }
  [[nodiscard]] long set(int name, int value) { return system_.setsockopt(fd_, SOL_SOCKET, name, &value, sizeof value); }

  /// The doorbells: what is in the transmit ring leaves; the interface's driver looks at its fill ring. 0, or -errno.
  [[nodiscard]] long kick() const { return system_.sendto(fd_, nullptr, 0, MSG_DONTWAIT); }
  long wake() const { return system_.recvfrom(fd_, nullptr, 0, MSG_DONTWAIT); }

  [[nodiscard]] int descriptor() const { return fd_; }
  [[nodiscard]] bool is_open() const { return fd_ >= 0; }

  /// Unmaps, then closes: the kernel lets go of the queue when nobody maps the rings any more.
  void close() {
    for (map& m : maps_)
      if (m.at != nullptr) (void)system_.munmap(std::exchange(m.at, nullptr), m.size);
    if (fd_ >= 0) (void)system_.close(std::exchange(fd_, -1));
  }

  consumer_ring<xdp::descriptor> receive{};
  producer_ring<xdp::descriptor> transmit{};
  producer_ring<u64> fill{};
  consumer_ring<u64> completion{};

 private:
  struct map {
    void* at = nullptr;
    std::size_t size = 0;
  };

  [[nodiscard]] open_error map_rings(const ring_sizes& sizes) {
    const struct {
      int option;
      u32 size;
    } wanted[] = {{xdp::fill_ring, sizes.fill}, {xdp::completion_ring, sizes.completion}, {xdp::receive_ring, sizes.receive}, {xdp::transmit_ring, sizes.transmit}};
    for (const auto& w : wanted) {
      const long r = system_.setsockopt(fd_, xdp::level, w.option, &w.size, sizeof w.size);
      if (r < 0)
        return {"the socket gets no ring of this size", "setsockopt SOL_XDP rings", r == -EINVAL ? "give powers of two in options.rings" : "give smaller ones in options.rings, or free some memory",
                static_cast<int>(-r)};
    }
    xdp::ring_offsets at{};
    u32 length = sizeof at;
    const long r = system_.getsockopt(fd_, xdp::level, xdp::mmap_offsets, &at, length);
    if (r < 0 || length != sizeof at)  // before Linux 5.4 rings have no flags
      return {"this kernel's AF_XDP knows no need_wakeup", "getsockopt XDP_MMAP_OFFSETS", "take Linux 5.9 or later, or nic::af_packet", r < 0 ? static_cast<int>(-r) : EINVAL, true};
    ring_memory m;
    if (const long e = map_ring(0, at.fill, xdp::fill_ring_at, sizes.fill, sizeof(u64), m); e < 0) return map_failure(e);
    fill = producer_ring<u64>(m);
    if (const long e = map_ring(1, at.completion, xdp::completion_ring_at, sizes.completion, sizeof(u64), m); e < 0) return map_failure(e);
    completion = consumer_ring<u64>(m);
    if (const long e = map_ring(2, at.receive, xdp::receive_ring_at, sizes.receive, sizeof(xdp::descriptor), m); e < 0) return map_failure(e);
    receive = consumer_ring<xdp::descriptor>(m);
    if (const long e = map_ring(3, at.transmit, xdp::transmit_ring_at, sizes.transmit, sizeof(xdp::descriptor), m); e < 0) return map_failure(e);
    transmit = producer_ring<xdp::descriptor>(m);
    return {};
  }
  [[nodiscard]] long map_ring(u32 index, const xdp::ring_offset& at, u64 offset, u32 size, std::size_t entry, ring_memory& m) {
    map& here = maps_[index];
    here.size = at.entries + size * entry;
    const long r = system_.mmap(here.size, MAP_SHARED | MAP_POPULATE, fd_, offset, here.at);
    if (r < 0) return r;
    std::byte* const base = static_cast<std::byte*>(here.at);
    const auto word = [&](u64 o) { return reinterpret_cast<u32*>(base + o); };
    m = {word(at.producer), word(at.consumer), word(at.flags), base + at.entries, size};
    return 0;
  }

  static open_error socket_failure(long r) {
    static constexpr const char* step = "socket AF_XDP";
    const int why = static_cast<int>(-r);
    if (r == -EPERM || r == -EACCES) return {"not allowed to open an AF_XDP socket", step, "run as root, or give the program CAP_NET_RAW", why, true};
    if (r == -EAFNOSUPPORT || r == -ESOCKTNOSUPPORT || r == -EPROTONOSUPPORT)
      return {"this kernel has no AF_XDP", step, "take one with CONFIG_XDP_SOCKETS, or nic::af_packet", why, true};
    return {"an AF_XDP socket cannot be opened", step, "see socket(2) for this errno", why};
  }
  static open_error memory_failure(long r, const xdp::memory_registration& m) {
    static constexpr const char* step = "setsockopt XDP_UMEM_REG";
    const int why = static_cast<int>(-r);
    if (r == -ENOBUFS || r == -EPERM) return {"the region is larger than this user may lock in memory", step, "raise the limit: ulimit -l; or give the program CAP_IPC_LOCK", why, true};
    if (r == -ENOMEM) return {"the kernel has no memory to pin the region", step, "give a smaller one", why};
    if (r == -EFAULT) return {"the region is not all mapped memory that can be written", step, "take posix::huge_pages()", why};
    if (r == -EINVAL && (m.flags & (xdp::has_metadata | xdp::software_checksum)) != 0)
      return {"this kernel's AF_XDP has no transmit metadata", step, "take Linux 6.8, or options without checksum requests and timestamps", why, true};
    if (r == -EINVAL) return {"the kernel refuses the region", step, "align it to a page, and give chunks of 2048 or 4096 bytes", why};
    return {"the region cannot be registered", step, "see dmesg", why};
  }
  static open_error map_failure(long r) { return {"a ring cannot be mapped", "mmap", "free some memory", static_cast<int>(-r)}; }

  [[no_unique_address]] System system_{};
  int fd_ = -1;
  map maps_[4]{};
};

}  // namespace strata::inline STRATA_ABI::nic::kernel
