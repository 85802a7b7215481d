// SPDX-License-Identifier: MIT
// The kernel's TUN/TAP device (Documentation/networking/tuntap.rst): `tap` carries Ethernet frames, `tun` bare IP packets. What strata transmits, the
// kernel receives on the interface, and the other way round. One system call and one copy by the kernel a frame, no ring. With options.vnet each frame has a
// header of its own (virtio_header.hpp): checksums are left to whoever needs them, and up to 64 KB of one connection go and come as one frame.
//
// open() attaches to an interface of that name, or makes one, which then lives as long as the driver. It never sets addresses, link state or sysctls of
// the kernel's side: that is for `ip addr add` and `ip link set up`.
#pragma once
#ifndef __linux__
#error "strata/nic/linux/tap.hpp is the Linux kernel's TUN/TAP device"
#endif
#include <strata/core/expected.hpp>
#include <strata/nic/driver.hpp>
#include <strata/nic/linux/interface_request.hpp>
#include <strata/nic/linux/virtio_header.hpp>

#include <cerrno>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <linux/sockios.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

namespace strata::inline STRATA_ABI::nic {

/// What tap and tun have in common: a descriptor of /dev/net/tun that is attached to an interface, without packet information (IFF_NO_PI).
class tun_device {
 public:
  struct options {
    const char* interface = "";  ///< its name, 1..15 bytes
    u16 mtu = 0;                 ///< bytes of IP packet; zero: the interface's at the time of open
    mac_address mac{};           ///< strata's own; zero: locally administered, from `seed` and the name. Never the interface's. Not for tun
    u64 seed = 0;
    bool is_one_of_many = false; ///< several of these are attached to one interface, each of them a queue of it. Linux: IFF_MULTI_QUEUE
    bool vnet = false;           ///< trains and checksums that are left out, both ways. Linux: IFF_VNET_HDR, TUNSETOFFLOAD
  };
  struct counters {
    u64 receive_frames = 0;
    u64 receive_bytes = 0;
    u64 transmit_frames = 0;
    u64 transmit_bytes = 0;
    u64 dropped = 0;    ///< transmit: the kernel refused the frame (interface down, or an error that waiting does not cure)
    u64 oversized = 0;  ///< receive: longer than a chunk
    u64 full = 0;       ///< transmit stopped by EAGAIN, ENOBUFS or ENOMEM
    u64 link_down = 0;  ///< how often the kernel said that the interface is down or gone
  };

  static constexpr std::size_t ring_bytes = 0;
  static constexpr capabilities may{.fills_in_checksum = true, .verified_checksum = true, .partial_checksum = true, .segments = true, .segments_datagrams = true, .trains = true};

  constexpr tun_device() = default;
  tun_device(tun_device&& other) noexcept
      : fd_(std::exchange(other.fd_, -1)), mtu_(other.mtu_), mac_(other.mac_), is_down_(other.is_down_), vnet_(other.vnet_), knows_datagrams_(other.knows_datagrams_), counters_(other.counters_),
        chain_(std::move(other.chain_)) {
    copy_name(other.name_);
  }
  tun_device& operator=(tun_device&& other) noexcept {
    if (this != &other) {
      close();
      fd_ = std::exchange(other.fd_, -1);
      mtu_ = other.mtu_;
      mac_ = other.mac_;
      is_down_ = other.is_down_;
      vnet_ = other.vnet_;
      knows_datagrams_ = other.knows_datagrams_;
      counters_ = other.counters_;
      chain_ = std::move(other.chain_);
      copy_name(other.name_);
    }
    return *this;
  }
  ~tun_device() { close(); }

  std::size_t reclaim(std::span<packet>) { return 0; }
  /// link_down once after the kernel has refused a frame for that.
  kick flush() { return std::exchange(is_down_, false) ? kick::link_down : kick::done; }

  [[nodiscard]] u16 mtu() const { return mtu_; }
  [[nodiscard]] mac_address address() const { return mac_; }
  [[nodiscard]] capabilities has() const {
    capabilities all = vnet_ ? may : capabilities{};
    all.segments_datagrams = vnet_ && knows_datagrams_;
    return all;
  }
  /// For poll(2): readable when a frame waits.
  [[nodiscard]] int descriptor() const { return fd_; }
  [[nodiscard]] const char* name() const { return name_; }
  [[nodiscard]] const counters& count() const { return counters_; }
  [[nodiscard]] u32 chunks_kept() const { return chain_.count(); }

  /// Detaches; an interface that open() made goes.
  void close() {
    chain_.clear();
    if (fd_ >= 0) (void)::close(std::exchange(fd_, -1));
  }

 protected:
  /// The kernel copies each frame, so its handle is dropped at once. A frame that the kernel refuses for good counts as taken and dropped, as on a cable
  /// that was pulled; one that it has no room for stays the caller's.
  std::size_t write_frames(std::span<packet> batch, u32 network) {
    std::size_t n = 0;
    for (; n < batch.size(); ++n) {
      const ssize_t r = write_frame(batch[n].d(), network);
      if (r >= 0) {
        ++counters_.transmit_frames;
        counters_.transmit_bytes += static_cast<u64>(r);
      } else if (errno == EAGAIN || errno == ENOBUFS || errno == ENOMEM) {
        ++counters_.full;
        break;
      } else {
        ++counters_.dropped;
        notice_link(errno);
      }
      buffer::drop_train(batch[n]);
    }
    return n;
  }
  std::size_t read_frames(buffer::pool& chunks, std::span<packet> batch, u32 headroom) {
    return vnet_ ? read_chains(chunks, batch, headroom) : read_single(chunks, batch, headroom);
  }

  /// Becomes another driver of the same queue: what one of them receives, the others do not.
  open_error share(const tun_device& with) {
    fd_ = ::fcntl(with.fd_, F_DUPFD_CLOEXEC, 0);
    if (fd_ < 0) return {"the interface's descriptor cannot be doubled", "fcntl F_DUPFD_CLOEXEC", "allow the program more open files: ulimit -n", errno};
    mtu_ = with.mtu_;
    mac_ = with.mac_;
    vnet_ = with.vnet_;
    knows_datagrams_ = with.knows_datagrams_;
    copy_name(with.name_);
    return {};
  }
  /// Attaches, or says why not.
  open_error attach(const options& o, short kind) {
    std::size_t length = 0;
    while (length < sizeof name_ && o.interface[length] != 0) ++length;
    if (length == 0 || length == sizeof name_)
      return {"the interface's name is empty or longer than 15 bytes", "options.interface", "give a shorter name", length == 0 ? EINVAL : ENAMETOOLONG};
    copy_name(o.interface);

    fd_ = ::open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
    if (fd_ < 0) {
      const bool is_refused = errno == EACCES || errno == EPERM;
      return {"/dev/net/tun cannot be opened", "open /dev/net/tun",
              is_refused ? "run as root, or let this user read and write /dev/net/tun" : "load the module: modprobe tun", errno, true};
    }
    kernel::interface_request r;
    (void)r.set_name(o.interface);
    r.value.flags = static_cast<short>(kind | IFF_NO_PI | (o.vnet ? IFF_VNET_HDR : 0) | (o.is_one_of_many ? IFF_MULTI_QUEUE : 0));
    if (::ioctl(fd_, TUNSETIFF, &r) < 0) {
      switch (errno) {
        case EPERM:
          return {"not allowed to attach to the interface", "ioctl TUNSETIFF",
                  "give the program CAP_NET_ADMIN, or make a persistent interface for this user: ip tuntap add dev NAME mode tap user USER", errno, true};
        case EBUSY: return {"another process is attached to the interface", "ioctl TUNSETIFF", "end that process, or give another name", errno};
        case EINVAL:
          return {o.is_one_of_many ? "the interface exists and is of another kind, or has one queue" : "the interface exists and is of another kind, or has several queues", "ioctl TUNSETIFF",
                  o.is_one_of_many ? "give another name, or make it with ip tuntap add dev NAME mode tap multi_queue" : "give another name", errno};
        default: return {"the interface cannot be attached to", "ioctl TUNSETIFF", "see tuntap.rst of the kernel's documentation", errno};
      }
    }
    if (o.vnet) {
      const int size = sizeof(kernel::virtio_header);
      if (::ioctl(fd_, TUNSETVNETHDRSZ, &size) < 0) return {"the kernel takes no virtio header of 10 bytes", "ioctl TUNSETVNETHDRSZ", "open without options.vnet", errno, true};
      constexpr unsigned long offload = TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6, of_datagrams = 0x20 | 0x40;  // TUN_F_USO4, TUN_F_USO6: Linux 6.2
      knows_datagrams_ = ::ioctl(fd_, TUNSETOFFLOAD, offload | of_datagrams) == 0;
      if (!knows_datagrams_ && ::ioctl(fd_, TUNSETOFFLOAD, offload) < 0)
        return {"the kernel hands up no super-frames", "ioctl TUNSETOFFLOAD", "open without options.vnet", errno, true};
      vnet_ = true;
    }
    mtu_ = o.mtu;
    if (mtu_ == 0) {
      const int s = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
      if (s < 0) return {"no socket to ask for the interface's MTU", "socket AF_INET", "give the MTU in the options", errno};
      const int answer = ::ioctl(s, SIOCGIFMTU, &r);
      const int why = errno;
      (void)::close(s);
      if (answer < 0) return {"the interface does not tell its MTU", "ioctl SIOCGIFMTU", "give the MTU in the options", why};
      mtu_ = static_cast<u16>(r.value.mtu < 0xffff ? r.value.mtu : 0xffff);
    }
    if (kind == IFF_TAP) mac_ = o.mac.is_zero() ? kernel::derived_address(o.seed, name_) : o.mac;
    return {};
  }

 private:
  /// Frame bytes, or what write(2) says.
  ssize_t write_frame(const buffer::descriptor& head, u32 network) const {
    iovec places[1 + buffer::most_train_parts];
    kernel::virtio_header h;
    int used = 0;
    if (vnet_) {
      h = kernel::virtio_header::of(head, network);
      places[used++] = {&h, sizeof h};
    }
    const buffer::pool& home = *head.home;
    for (const buffer::descriptor* d = &head; d != nullptr && used <= static_cast<int>(buffer::most_train_parts); d = home.named(d->train))
      places[used++] = {d->chunk + d->offset, d->length};
    ssize_t r;
    do r = ::writev(fd_, places, used);
    while (r < 0 && errno == EINTR);
    return r < 0 || !vnet_ ? r : r - static_cast<ssize_t>(sizeof h);
  }
  /// Straight into chunks, a frame longer than one as a train.
  std::size_t read_chains(buffer::pool& chunks, std::span<packet> batch, u32 headroom) {
    iovec places[1 + kernel::read_chain::most];
    std::size_t n = 0;
    while (n < batch.size()) {
      kernel::virtio_header h;
      places[0] = {&h, sizeof h};
      const u32 count = chain_.fill(chunks, headroom, places + 1);
      if (count == 0) break;
      ssize_t r;
      do r = ::readv(fd_, places, static_cast<int>(count + 1));
      while (r < 0 && errno == EINTR);
      if (r < 0) {
        if (errno != EAGAIN) notice_link(errno);
        break;
      }
      const std::size_t bytes = static_cast<std::size_t>(r) < sizeof h ? 0 : static_cast<std::size_t>(r) - sizeof h;
      ++counters_.receive_frames;
      counters_.receive_bytes += bytes;
      if (bytes == 0 || bytes == std::size_t{count} * chunks.chunk_size() - headroom) {  // filled to the last byte: it may have been cut
        ++counters_.oversized;
        batch = batch.first(batch.size() - 1);
        continue;
      }
      packet p = chain_.take(static_cast<u32>(bytes), headroom);
      h.mark(p.d());
      batch[n++] = std::move(p);
    }
    return n;
  }
  /// Straight into a chunk. A frame that fills the chunk to its last byte may have been cut by the kernel, which does not say so: it is dropped.
  std::size_t read_single(buffer::pool& chunks, std::span<packet> batch, u32 headroom) {
    std::size_t n = 0;
    while (n < batch.size()) {
      packet p = chunks.take_receive(headroom);
      if (!p) break;
      const std::span<std::byte> room = p.room();
      ssize_t r;
      do r = ::read(fd_, room.data(), room.size());
      while (r < 0 && errno == EINTR);
      if (r < 0) {
        if (errno != EAGAIN) notice_link(errno);
        break;
      }
      ++counters_.receive_frames;
      counters_.receive_bytes += static_cast<u64>(r);
      if (static_cast<std::size_t>(r) == room.size()) {
        ++counters_.oversized;
        batch = batch.first(batch.size() - 1);  // it has cost a turn: a flood of giants does not keep us here
        continue;
      }
      p.extend(static_cast<std::size_t>(r));
      batch[n++] = std::move(p);
    }
    return n;
  }

  void copy_name(const char* from) {
    for (std::size_t i = 0; i < sizeof name_ - 1; ++i) {
      name_[i] = *from;
      if (*from != 0) ++from;
    }
  }
  // EIO: the interface is down. EBADFD: it was deleted under us. ENODEV: likewise, older kernels.
  void notice_link(int why) {
    if (why != EIO && why != EBADFD && why != ENODEV) return;
    is_down_ = true;
    ++counters_.link_down;
  }

  int fd_ = -1;
  u16 mtu_ = 0;
  mac_address mac_{};
  bool is_down_ = false;
  bool vnet_ = false, knows_datagrams_ = false;
  char name_[16] = {};
  counters counters_{};
  kernel::read_chain chain_{};
};

/// Ethernet frames to and from the kernel. For link::ethernet.
class tap : public tun_device {
 public:
  /// Where a received frame starts in its chunk, bytes: behind an Ethernet header of 14 the IP header is aligned to four.
  static constexpr u32 receive_headroom = 2;

  [[nodiscard]] static expected<tap, open_error> open(const options& o) {
    tap t;
    const open_error e = t.attach(o, IFF_TAP);
    if (e.errno_value != 0) return e;
    return t;
  }
  /// For another core, where the interface has one queue (without options.is_one_of_many): any of these may receive a frame, so it wants nic::spread around it.
  [[nodiscard]] expected<tap, open_error> beside() const {
    tap t;
    const open_error e = t.share(*this);
    if (e.errno_value != 0) return e;
    return t;
  }
  std::size_t receive(buffer::pool& chunks, std::span<packet> batch) { return read_frames(chunks, batch, receive_headroom); }
  std::size_t transmit(std::span<packet> batch) { return write_frames(batch, 14); }
};

/// IP packets without a link header to and from the kernel, of both versions. For link::raw_ip.
class tun : public tun_device {
 public:
  static constexpr u32 receive_headroom = 0;

  [[nodiscard]] static expected<tun, open_error> open(const options& o) {
    tun t;
    const open_error e = t.attach(o, IFF_TUN);
    if (e.errno_value != 0) return e;
    return t;
  }
  std::size_t receive(buffer::pool& chunks, std::span<packet> batch) { return read_frames(chunks, batch, receive_headroom); }
  std::size_t transmit(std::span<packet> batch) { return write_frames(batch, 0); }
};

static_assert(driver<tap> && driver<tun> && can_be_waited_for<tap> && can_be_waited_for<tun>);

}  // namespace strata::inline STRATA_ABI::nic
