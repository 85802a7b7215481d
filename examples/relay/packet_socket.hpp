// SPDX-License-Identifier: MIT
// The kernel's side of an interface, by a packet socket (packet(7)): what arrives on the interface is received here too, and what is transmitted here leaves
// by it. On a TAP whose other side is another program that means: what the program sends comes here, and what is sent here reaches the program.
#pragma once
#include <strata/core/expected.hpp>
#include <strata/nic/driver.hpp>

#include <arpa/inet.h>
#include <cerrno>
#include <cstring>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

namespace example {

/// With the calls of a driver, as far as a relay uses them.
class packet_socket {
 public:
  struct counters {
    strata::u64 dropped = 0;    ///< transmit: the interface refused the frame
    strata::u64 oversized = 0;  ///< receive: longer than a chunk
  };

  packet_socket() = default;
  packet_socket(packet_socket&& other) noexcept : fd_(std::exchange(other.fd_, -1)), counters_(other.counters_) {}
  packet_socket& operator=(packet_socket&& other) noexcept {
    std::swap(fd_, other.fd_);
    std::swap(counters_, other.counters_);
    return *this;
  }
  ~packet_socket() {
    if (fd_ >= 0) (void)::close(fd_);
  }

  [[nodiscard]] static strata::expected<packet_socket, strata::nic::open_error> open(const char* interface) {
    packet_socket s;
    s.fd_ = ::socket(AF_PACKET, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);  // protocol zero: nothing is received before bind()
    if (s.fd_ < 0) {
      const bool is_refused = errno == EPERM || errno == EACCES;
      return strata::nic::open_error{"no packet socket", "socket AF_PACKET", is_refused ? "run as root, or give the program CAP_NET_RAW" : "a kernel with CONFIG_PACKET is needed", errno, true};
    }
    const int index = static_cast<int>(::if_nametoindex(interface));
    if (index == 0) return strata::nic::open_error{"there is no such interface", "if_nametoindex", "make it first: ip tuntap add dev NAME mode tap", errno};
    // A burst of a whole window of small frames must find room; the forced size needs CAP_NET_ADMIN, the other one always works.
    const int room = 32 << 20, yes = 1;
    if (::setsockopt(s.fd_, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof room) < 0) (void)::setsockopt(s.fd_, SOL_SOCKET, SO_RCVBUF, &room, sizeof room);
    (void)::setsockopt(s.fd_, SOL_PACKET, PACKET_IGNORE_OUTGOING, &yes, sizeof yes);
    packet_mreq all{};
    all.mr_ifindex = index;
    all.mr_type = PACKET_MR_PROMISC;
    if (::setsockopt(s.fd_, SOL_PACKET, PACKET_ADD_MEMBERSHIP, &all, sizeof all) < 0)
      return strata::nic::open_error{"the interface does not hand over the frames for others", "setsockopt PACKET_ADD_MEMBERSHIP", "is it an Ethernet interface?", errno};
    sockaddr_ll where{};
    where.sll_family = AF_PACKET;
    where.sll_protocol = htons(ETH_P_ALL);
    where.sll_ifindex = index;
    if (::bind(s.fd_, reinterpret_cast<const sockaddr*>(&where), sizeof where) < 0)
      return strata::nic::open_error{"the interface cannot be listened to", "bind", "is it still there?", errno};
    return s;
  }

  std::size_t receive(strata::buffer::pool& chunks, std::span<strata::packet> batch) {
    std::size_t n = 0;
    while (n < batch.size()) {
      strata::packet p = chunks.take_receive(2);
      if (!p) break;
      const std::span<std::byte> room = p.room();
      sockaddr_ll from{};
      socklen_t length = sizeof from;
      const ssize_t r = ::recvfrom(fd_, room.data(), room.size(), MSG_TRUNC, reinterpret_cast<sockaddr*>(&from), &length);
      if (r < 0) {
        if (errno == EINTR) continue;
        break;  // nothing there; or ENETDOWN, once, after which the socket waits for the interface to come back
      }
      if (from.sll_pkttype == PACKET_OUTGOING) continue;  // sent by this side's kernel, a loop if it came back
      if (static_cast<std::size_t>(r) > room.size()) {
        ++counters_.oversized;
        continue;
      }
      p.extend(static_cast<std::size_t>(r));
      batch[n++] = std::move(p);
    }
    return n;
  }
  std::size_t transmit(std::span<strata::packet> batch) {
    std::size_t n = 0;
    for (; n < batch.size(); ++n) {
      const std::span<const std::byte> frame = batch[n].bytes();
      ssize_t r;
      do r = ::send(fd_, frame.data(), frame.size(), 0);
      while (r < 0 && errno == EINTR);
      if (r < 0 && (errno == EAGAIN || errno == ENOBUFS || errno == ENOMEM)) break;
      if (r < 0) ++counters_.dropped;
      batch[n].reset();
    }
    return n;
  }

  [[nodiscard]] int descriptor() const { return fd_; }
  [[nodiscard]] const counters& count() const { return counters_; }
  /// Frames that came faster than they were read, since the last time this was asked.
  [[nodiscard]] strata::u64 overflowed() {
    tpacket_stats seen{};
    socklen_t length = sizeof seen;
    return ::getsockopt(fd_, SOL_PACKET, PACKET_STATISTICS, &seen, &length) == 0 ? seen.tp_drops : 0;
  }

 private:
  int fd_ = -1;
  counters counters_{};
};

}  // namespace example
