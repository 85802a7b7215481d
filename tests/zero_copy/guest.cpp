// SPDX-License-Identifier: MIT
// The first process of the guest that scripts/test-zero-copy boots: loads the NIC's modules, then is client and server of one TCP connection, over two
// NICs on one cable, each with a stack and a region of its own, and both without a copy by the kernel. Says `guest equal=yes ...` and switches off.
#include <strata/nic/linux/af_xdp.hpp>
#include <strata/posix.hpp>
#include <strata/strata.hpp>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <net/if.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <unistd.h>

namespace {

namespace st = strata;
using namespace strata::literals;
using strata::u32;
using strata::u64;
using strata::u8;

struct config : st::presets::server {
  using nic = strata::nic::af_xdp;
};
using net = st::stack<config>;

void load(const char* module) {
  const int file = ::open(module, O_RDONLY);
  if (file < 0 || ::syscall(SYS_finit_module, file, "", 0) != 0) std::printf("guest module=%s error=%s\n", module, std::strerror(errno));
  (void)::close(file);
}
bool set_up(const char* interface) {
  const int s = ::socket(AF_INET, SOCK_DGRAM, 0);
  ifreq r{};
  std::strncpy(r.ifr_name, interface, sizeof r.ifr_name - 1);
  r.ifr_flags = IFF_UP;
  const bool is_up = ::ioctl(s, SIOCSIFFLAGS, &r) == 0;
  (void)::close(s);
  return is_up;
}
/// The number behind strata_mib= on the kernel's command line, which init has in its environment.
u64 wanted_bytes() {
  const char* const mib = std::getenv("strata_mib");
  return (mib != nullptr ? std::strtoull(mib, nullptr, 10) : 4) << 20;
}

/// One way of the connection: what is to be sent is the n-th byte of a seeded sequence, and so is what is to come.
class bytes_of_a_seed {
 public:
  explicit bytes_of_a_seed(u64 seed) : words_{seed} {}
  u8 next() {
    if (left_ == 0) word_ = words_.next(), left_ = 8;
    const u8 byte = static_cast<u8>(word_);
    word_ >>= 8;
    --left_;
    return byte;
  }

 private:
  st::entropy::seeded words_;
  u64 word_ = 0;
  u32 left_ = 0;
};

/// What either side does: sends `total` bytes of its own seed, reads as many of the other's, and closes.
class side {
 public:
  side(u64 own_seed, u64 other_seed, u64 total) : own_(own_seed), other_(other_seed), total_(total) {}

  void write(const net::stream& s) {
    while (sent_ < total_) {
      if (filled_ == at_) {
        for (std::byte& b : block_) b = std::byte{own_.next()};
        at_ = 0;
        filled_ = static_cast<u32>(total_ - sent_ < sizeof block_ ? total_ - sent_ : sizeof block_);
      }
      const std::size_t n = s.send({block_ + at_, filled_ - at_}).value_or(0);
      if (n == 0) return;
      at_ += static_cast<u32>(n);
      sent_ += n;
    }
    if (!is_closed_) is_closed_ = true, (void)s.shutdown_send();
  }
  void read(const net::stream& s) {
    for (const auto part : s.peek())
      for (const std::byte b : part) is_equal_ = is_equal_ && static_cast<u8>(b) == other_.next();
    received_ += s.peek().size();
    (void)s.consume(s.peek().size());
  }
  [[nodiscard]] bool is_equal() const { return is_equal_ && received_ == total_ && sent_ == total_; }
  bool is_over = false;

 private:
  bytes_of_a_seed own_, other_;
  u64 total_, sent_ = 0, received_ = 0;
  std::byte block_[4096]{};
  u32 at_ = 0, filled_ = 0;
  bool is_equal_ = true, is_closed_ = false;
};

/// What the NICs turned out to be, the worse of the two.
bool is_driver_mode = true, is_zero_copy = true;

/// A stack on `interface`; false, and said why, if it is not there without a copy.
bool start(net& n, const char* interface, st::subnet<st::ipv4_address> address) {
  const st::region memory = st::posix::huge_pages(std::size_t{config::limits.chunks} * config::limits.chunk_size);
  auto nic = st::nic::af_xdp::open({.interface = interface, .memory = memory, .zero_copy = st::nic::xdp_zero_copy::require});
  if (!nic) {
    (void)st::posix::explain(nic.error(), interface);
    return false;
  }
  std::printf("nic interface=%s mode=%s copy=%s\n", interface, nic->mode() == st::nic::xdp_mode::driver ? "driver" : "generic", nic->is_zero_copy() ? "no" : "yes");
  is_driver_mode = is_driver_mode && nic->mode() == st::nic::xdp_mode::driver;
  is_zero_copy = is_zero_copy && nic->is_zero_copy();
  return n.start({.nic = std::move(*nic), .memory = memory, .entropy = st::posix::random(), .address = address, .now = st::posix::now<config::tick>()}) == st::bad_option::none;
}

net client, server;

int run() {
  const u64 total = wanted_bytes();
  if (!set_up("eth0") || !set_up("eth1")) return std::puts("guest error=no_interfaces"), 1;
  if (!start(client, "eth0", "10.9.0.1/24"_net) || !start(server, "eth1", "10.9.0.2/24"_net)) return std::puts("guest error=no_nic"), 1;
  if (!server.listen({.port = 7})) return 1;
  side c(1, 2, total), s(2, 1, total);
  const auto handler = [](side& who) {
    return st::on{[&](net::accepted e) { who.write(e.stream); }, [&](net::connected e) { who.write(e.stream); }, [&](net::readable e) { who.read(e.stream); },
                  [&](net::writable e) { who.write(e.stream); }, [&](net::closed) { who.is_over = true; }, st::ignore_rest{}};
  };
  auto on_client = handler(c), on_server = handler(s);
  client.advance(st::posix::now<config::tick>());
  if (!client.connect({.remote = {"10.9.0.2"_ip, 7}})) return 1;
  const auto started = st::posix::now<config::tick>();
  while (!c.is_over || !s.is_over) {
    const auto now = st::posix::now<config::tick>();
    (void)client.poll(now, st::budget{64}, on_client);
    (void)server.poll(now, st::budget{64}, on_server);
    if (now.since(started).in_ms() > 80'000) break;
  }
  for (u32 i = 0; i < 1000 && client.chunks_in_use() + server.chunks_in_use() != 0; ++i) {
    (void)client.poll(st::posix::now<config::tick>(), st::budget{64}, on_client);
    (void)server.poll(st::posix::now<config::tick>(), st::budget{64}, on_server);
  }
  const bool is_equal = c.is_equal() && s.is_equal();
  client.shut_down(), server.shut_down();
  std::printf("guest equal=%s mode=%s copy=%s bytes=%llu chunks_in_use=%u\n", is_equal ? "yes" : "no", is_driver_mode ? "driver" : "generic",
              is_zero_copy ? "no" : "yes", static_cast<unsigned long long>(2 * total), client.chunks_in_use() + server.chunks_in_use());
  return is_equal ? 0 : 1;
}

}  // namespace

int main() {
  if (::getpid() != 1) return std::puts("this mounts, loads modules and switches off: it is the first process of a guest, see scripts/test-zero-copy"), 2;
  (void)::mount("dev", "/dev", "devtmpfs", 0, nullptr);
  (void)::mount("sys", "/sys", "sysfs", 0, nullptr);
  const int console = ::open("/dev/console", O_RDWR);
  for (int fd = 0; fd < 3; ++fd) (void)::dup2(console, fd);
  for (const char* module : {"/failover.ko", "/net_failover.ko", "/virtio_net.ko"}) load(module);
  (void)run();
  (void)std::fflush(stdout);
  (void)::reboot(RB_POWER_OFF);
}
