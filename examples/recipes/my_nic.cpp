// SPDX-License-Identifier: MIT
// A NIC of one's own: every frame is one message on a Unix socket. Two stacks hold the two ends, and 64 KiB go there and back in real time.
#include <strata/posix.hpp>
#include <strata/strata.hpp>

#include <cerrno>
#include <cstdio>
#include <sys/socket.h>
#include <unistd.h>

namespace my {

/// One end of a pair of connected datagram sockets. Owns its descriptor.
class socket_nic {
 public:
  static constexpr std::size_t ring_bytes = 0;             // no ring of ours beside the stack's region
  static constexpr strata::nic::capabilities may{};        // nothing is taken off the stack's hands
  static constexpr strata::u32 receive_headroom = 2;       // behind an Ethernet header of 14 bytes the IP header is aligned to four

  socket_nic(int fd, strata::mac_address mac) : fd_(fd), mac_(mac) {}
  socket_nic(socket_nic&& other) noexcept : fd_(std::exchange(other.fd_, -1)), mac_(other.mac_) {}
  socket_nic& operator=(socket_nic&&) = delete;
  ~socket_nic() { close(); }

  /// Fills chunks of `chunks` with what has arrived: at most batch.size() frames, and it never waits.
  std::size_t receive(strata::buffer::pool& chunks, std::span<strata::packet> batch) {
    std::size_t n = 0;
    while (n < batch.size()) {
      strata::packet p = chunks.take_receive(receive_headroom);
      if (!p) break;                                       // no chunk: the frame stays in the socket
      const auto room = p.room();
      const ssize_t length = ::recv(fd_, room.data(), room.size(), MSG_DONTWAIT | MSG_TRUNC);
      if (length < 0) break;
      if (static_cast<std::size_t>(length) > room.size()) continue;  // longer than a chunk: its end is lost, so all of it is
      p.extend(static_cast<std::size_t>(length));
      batch[n++] = std::move(p);
    }
    return n;
  }

  /// The kernel copies, so each handle is dropped at once. What the socket has no room for stays the stack's.
  std::size_t transmit(std::span<strata::packet> batch) {
    std::size_t n = 0;
    for (; n < batch.size(); ++n) {
      const auto frame = batch[n].bytes();
      if (::send(fd_, frame.data(), frame.size(), MSG_DONTWAIT | MSG_NOSIGNAL) < 0) {
        if (errno == EAGAIN || errno == ENOBUFS) break;
        is_down_ = true;                                   // the other end is gone, and the frame with it
      }
      batch[n].reset();
    }
    return n;
  }
  std::size_t reclaim(std::span<strata::packet>) { return 0; }  // nothing is ever in flight
  strata::nic::kick flush() { return std::exchange(is_down_, false) ? strata::nic::kick::link_down : strata::nic::kick::done; }

  strata::u16 mtu() const { return 1500; }
  strata::mac_address address() const { return mac_; }
  strata::nic::capabilities has() const { return {}; }
  int descriptor() const { return fd_; }                   // optional: posix::run sleeps on it
  void close() {                                           // optional: the stack calls it before its chunks go
    if (fd_ >= 0) (void)::close(std::exchange(fd_, -1));
  }

 private:
  int fd_;
  strata::mac_address mac_;
  bool is_down_ = false;
};
static_assert(strata::nic::driver<socket_nic> && strata::nic::can_be_waited_for<socket_nic> && strata::nic::can_be_closed<socket_nic>);

struct config : strata::presets::low_latency {
  using nic = my::socket_nic;  // the line
};

}  // namespace my

using namespace strata::literals;
using net = strata::stack<my::config>;
constexpr std::size_t total = 64 << 10;
static std::byte memory[2][2 << 20], original[total], came_back[total];

int main() {
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, ends) != 0) return 1;
  const auto now = strata::posix::now();  // so that connect() below is not hours before the first poll
  static net alice{{.nic = {ends[0], {{2, 0, 0, 0, 0, 1}}}, .memory = memory[0], .entropy = strata::posix::random(), .address = "10.0.0.1/24"_net, .now = now}};
  static net bob{{.nic = {ends[1], {{2, 0, 0, 0, 0, 2}}}, .memory = memory[1], .entropy = strata::posix::random(), .address = "10.0.0.2/24"_net, .now = now}};
  for (std::size_t i = 0; i < total; ++i) original[i] = static_cast<std::byte>(i * 7 + i / 251);

  std::size_t written = 0, came = 0;
  const auto write = [&](net::stream s) { written += s.send(std::span(original).subspan(written)).value_or(0); };
  const auto echo = [](net::stream s) { (void)s.consume(s.send(s.peek()).value_or(0)); };
  const strata::on asks{[&](net::connected e) { write(e.stream); }, [&](net::writable e) { write(e.stream); },
                        [&](net::readable e) { came += e.stream.receive(std::span(came_back).subspan(came)).value_or(0); }, strata::ignore_rest{}};
  const strata::on answers{[&](net::readable e) { echo(e.stream); }, [&](net::writable e) { echo(e.stream); }, strata::ignore_rest{}};

  if (!bob.listen({.port = 7}) || !alice.connect({.remote = {"10.0.0.2"_ip, 7}})) return 1;
  for (const strata::u64 start = strata::posix::monotonic_ns(); came < total && strata::posix::monotonic_ns() - start < 5'000'000'000;) {
    (void)alice.poll(strata::posix::now(), {}, asks);
    (void)bob.poll(strata::posix::now(), {}, answers);
  }
  const bool is_equal = came == total && __builtin_memcmp(original, came_back, total) == 0;
  std::printf("my_nic delivered=%zu of=%zu equal=%s\n", came, total, is_equal ? "yes" : "no");
  return is_equal ? 0 : 1;
}
