// SPDX-License-Identifier: MIT
// The kernel is the other side. Everything happens in a network namespace of its own, so no interface of the machine is seen or touched.
#include <strata/nic/linux/tap.hpp>

#include <catch2/catch_test_macros.hpp>

#include <arpa/inet.h>
#include <cstdio>
#include <cstring>
#include <net/if.h>
#include <poll.h>
#include <sched.h>

#include "nic_test_pool.hpp"

namespace {
using namespace strata;
using nic_test::pool_of;

/// A fresh network namespace for the life of the object; is_there is false where that is not allowed.
struct own_namespace {
  int before = ::open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
  bool is_there = before >= 0 && ::unshare(CLONE_NEWNET) == 0;
  own_namespace() = default;
  own_namespace(const own_namespace&) = delete;
  ~own_namespace() {
    if (is_there) (void)::setns(before, CLONE_NEWNET);
    if (before >= 0) (void)::close(before);
  }
};

/// What `ip` does for the kernel's side of an interface.
struct kernel_side {
  ifreq r{};
  int s = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  explicit kernel_side(const char* name) { std::snprintf(r.ifr_name, sizeof r.ifr_name, "%s", name); }
  kernel_side(const kernel_side&) = delete;
  ~kernel_side() { (void)::close(s); }
  void address(const char* a) {
    auto& in = reinterpret_cast<sockaddr_in&>(r.ifr_addr);
    in = {};
    in.sin_family = AF_INET;
    REQUIRE(::inet_pton(AF_INET, a, &in.sin_addr) == 1);
    REQUIRE(::ioctl(s, SIOCSIFADDR, &r) == 0);
  }
  void netmask(const char* a) {
    auto& in = reinterpret_cast<sockaddr_in&>(r.ifr_netmask);
    in = {};
    in.sin_family = AF_INET;
    REQUIRE(::inet_pton(AF_INET, a, &in.sin_addr) == 1);
    REQUIRE(::ioctl(s, SIOCSIFNETMASK, &r) == 0);
  }
  void is_up(bool up) {
    REQUIRE(::ioctl(s, SIOCGIFFLAGS, &r) == 0);
    r.ifr_flags = static_cast<short>(up ? r.ifr_flags | IFF_UP : r.ifr_flags & ~IFF_UP);
    REQUIRE(::ioctl(s, SIOCSIFFLAGS, &r) == 0);
  }
  bool is_up() {
    REQUIRE(::ioctl(s, SIOCGIFFLAGS, &r) == 0);
    return (r.ifr_flags & IFF_UP) != 0;
  }
  void mtu(int bytes) {
    r.ifr_mtu = bytes;
    REQUIRE(::ioctl(s, SIOCSIFMTU, &r) == 0);
  }
  mac_address mac() {
    REQUIRE(::ioctl(s, SIOCGIFHWADDR, &r) == 0);
    mac_address m;
    std::memcpy(m.bytes, r.ifr_hwaddr.sa_data, 6);
    return m;
  }
};

packet frame_of(buffer::pool& chunks, std::span<const u8> bytes) {
  packet p = chunks.take(64);
  REQUIRE(p);
  std::memcpy(p.room().data(), bytes.data(), bytes.size());
  p.extend(bytes.size());
  p.become(buffer::owner::nic);
  return p;
}

/// Receives until `wanted(bytes)`, a second at most; other frames (the kernel's multicast reports) are dropped.
template <class Nic, class F> packet receive_until(Nic& nic, buffer::pool& chunks, F wanted) {
  for (int i = 0; i < 100; ++i) {
    packet got[8];
    const std::size_t n = nic.receive(chunks, got);
    for (packet& p : std::span(got).first(n))
      if (wanted(reinterpret_cast<const u8*>(p.bytes().data()), p.size())) return std::move(p);
    if (n == 0) {
      pollfd wait{nic.descriptor(), POLLIN, 0};
      (void)::poll(&wait, 1, 10);
    }
  }
  return {};
}

#define NEEDS_A_NAMESPACE_AND_TUN                                                                      \
  const own_namespace apart;                                                                           \
  if (!apart.is_there) SKIP("a network namespace of our own needs CAP_SYS_ADMIN");                     \
  if (const int tun_fd = ::open("/dev/net/tun", O_RDWR | O_CLOEXEC); tun_fd < 0) SKIP("/dev/net/tun cannot be opened: " << std::strerror(errno)); \
  else (void)::close(tun_fd)
}  // namespace

TEST_CASE("the kernel answers an ARP request that came through a tap") {
  NEEDS_A_NAMESPACE_AND_TUN;
  auto opened = nic::tap::open({.interface = "strata0"});
  REQUIRE(opened);
  nic::tap tap = std::move(*opened);
  CHECK(tap.mtu() == 1500);
  CHECK((tap.address().bytes[0] & 3) == 2);
  kernel_side kernel{"strata0"};
  CHECK_FALSE(kernel.is_up());  // open() leaves the kernel's side as it is
  CHECK(kernel.mac() != tap.address());
  kernel.address("10.77.0.1");
  kernel.netmask("255.255.255.0");
  kernel.is_up(true);

  static pool_of<16> pool;
  u8 arp[42] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0, 0, 0, 0x08, 0x06, 0, 1, 8, 0, 6, 4, 0, 1, 0, 0, 0, 0, 0, 0, 10, 77, 0, 2, 0, 0, 0, 0, 0, 0, 10, 77, 0, 1};
  std::memcpy(arp + 6, tap.address().bytes, 6);
  std::memcpy(arp + 22, tap.address().bytes, 6);
  packet p = frame_of(pool.chunks, arp);
  REQUIRE(tap.transmit({&p, 1}) == 1);
  CHECK_FALSE(p);
  CHECK(tap.flush() == nic::kick::done);
  CHECK(pool.chunks.in_use() == 0);

  packet reply = receive_until(tap, pool.chunks, [](const u8* f, std::size_t n) { return n >= 42 && f[12] == 8 && f[13] == 6 && f[21] == 2; });
  REQUIRE(reply);
  CHECK((reply->offset + 14) % 4 == 0);
  CHECK(std::memcmp(reply.bytes().data(), tap.address().bytes, 6) == 0);
  reply.reset();
  CHECK(tap.count().transmit_frames == 1);
  CHECK(tap.count().receive_frames >= 1);
  CHECK(pool.chunks.in_use() == 0);

  // The same from a slot of a chunk.
  static nic_test::pool_of_slots small;
  packet again = small.frame(std::as_bytes(std::span(arp)));
  REQUIRE(tap.transmit({&again, 1}) == 1);
  CHECK(tap.flush() == nic::kick::done);
  CHECK((small.slots.in_use() == 0 && small.slots.trim() == 1 && small.chunks.in_use() == 0));
  CHECK(receive_until(tap, pool.chunks, [](const u8* f, std::size_t n) { return n >= 42 && f[12] == 8 && f[13] == 6 && f[21] == 2; }));
}

TEST_CASE("the kernel answers an echo request that came through a tun, with no link header on either") {
  NEEDS_A_NAMESPACE_AND_TUN;
  auto opened = nic::tun::open({.interface = "strata1"});
  REQUIRE(opened);
  CHECK(opened->address().is_zero());
  kernel_side kernel{"strata1"};
  kernel.address("10.77.1.1");
  kernel.netmask("255.255.255.0");
  kernel.is_up(true);
  static pool_of<16> pool;
  u8 echo[32] = {0x45, 0, 0, 32, 0, 0, 0x40, 0, 64, 1, 0, 0, 10, 77, 1, 2, 10, 77, 1, 1, 8, 0, 0, 0, 0x12, 0x34, 0, 1, 's', 't', 'r', 'a'};
  const auto sum = [](u8* bytes, std::size_t n, u8* at) {
    u32 s = 0;
    for (std::size_t i = 0; i < n; i += 2) s += static_cast<u32>(bytes[i] << 8 | bytes[i + 1]);
    s = (s & 0xffff) + (s >> 16);
    s = ~((s & 0xffff) + (s >> 16));
    at[0] = static_cast<u8>(s >> 8);
    at[1] = static_cast<u8>(s);
  };
  sum(echo, 20, echo + 10);
  sum(echo + 20, 12, echo + 22);
  packet p = frame_of(pool.chunks, echo);
  REQUIRE(opened->transmit({&p, 1}) == 1);
  packet reply = receive_until(*opened, pool.chunks, [](const u8* f, std::size_t n) { return n == 32 && f[0] == 0x45 && f[9] == 1 && f[20] == 0; });
  REQUIRE(reply);
  CHECK(std::memcmp(reply.bytes().data() + 24, echo + 24, 8) == 0);
  reply.reset();
  CHECK(pool.chunks.in_use() == 0);
}

TEST_CASE("a tap whose interface is down drops, counts and says so once") {
  NEEDS_A_NAMESPACE_AND_TUN;
  auto tap = nic::tap::open({.interface = "strata2"});
  REQUIRE(tap);
  static pool_of<16> pool;
  packet p = pool.frame(1, 60);
  REQUIRE(tap->transmit({&p, 1}) == 1);
  CHECK(pool.chunks.in_use() == 0);
  CHECK(tap->count().dropped == 1);
  CHECK(tap->count().link_down == 1);
  CHECK(tap->flush() == nic::kick::link_down);
  CHECK(tap->flush() == nic::kick::done);
  packet got[1];
  CHECK(tap->receive(pool.chunks, got) == 0);
  CHECK(pool.chunks.in_use() == 0);
  kernel_side kernel{"strata2"};
  kernel.is_up(true);
  p = pool.frame(1, 60);
  REQUIRE(tap->transmit({&p, 1}) == 1);
  CHECK(tap->flush() == nic::kick::done);
  CHECK(tap->count().transmit_frames == 1);
}

TEST_CASE("a tap leaves frames in the kernel while no chunk is free, and drops what no chunk can hold") {
  NEEDS_A_NAMESPACE_AND_TUN;
  auto tap = nic::tap::open({.interface = "strata3"});
  REQUIRE(tap);
  kernel_side kernel{"strata3"};
  kernel.address("10.77.3.1");
  kernel.netmask("255.255.255.0");
  kernel.is_up(true);
  // Broadcasts need no neighbour.
  const int s = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  const int on = 1;
  REQUIRE(::setsockopt(s, SOL_SOCKET, SO_BROADCAST, &on, sizeof on) == 0);
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(9);
  REQUIRE(::inet_pton(AF_INET, "10.77.3.255", &to.sin_addr) == 1);
  const auto datagram = [&](std::size_t n) {
    static const char text[1400] = {};
    REQUIRE(::sendto(s, text, n, 0, reinterpret_cast<const sockaddr*>(&to), sizeof to) == static_cast<ssize_t>(n));
  };
  const auto is_ours = [](std::size_t size) {
    return [size](const u8* f, std::size_t n) { return n == size + 42 && f[12] == 8 && f[13] == 0 && f[23] == 17; };
  };
  static pool_of<4, 512> pool;
  packet hoard[4], got[4];
  for (packet& p : hoard) p = pool.chunks.take(0);
  datagram(100);
  CHECK(tap->receive(pool.chunks, got) == 0);
  nic_test::drop(hoard);
  packet p = receive_until(*tap, pool.chunks, is_ours(100));
  CHECK(p);
  p.reset();
  datagram(1400);
  datagram(200);
  p = receive_until(*tap, pool.chunks, is_ours(200));
  CHECK(p);
  p.reset();
  CHECK(tap->count().oversized == 1);
  CHECK(pool.chunks.in_use() == 0);
  (void)::close(s);
}

TEST_CASE("open says which step failed and what to do") {
  NEEDS_A_NAMESPACE_AND_TUN;
  CHECK(nic::tap::open({.interface = "a_name_of_16_byte"}).error().errno_value == ENAMETOOLONG);
  CHECK(nic::tap::open({}).error().errno_value == EINVAL);
  auto first = nic::tap::open({.interface = "strata4", .mtu = 1280, .mac = {{2, 9, 9, 9, 9, 9}}});
  REQUIRE(first);
  CHECK(first->mtu() == 1280);
  CHECK(first->address() == mac_address{{2, 9, 9, 9, 9, 9}});
  auto second = nic::tap::open({.interface = "strata4"});
  REQUIRE_FALSE(second);
  CHECK(second.error().errno_value == EBUSY);
  CHECK_FALSE(second.error().is_impossible_here);
  CHECK(std::strcmp(second.error().step, "ioctl TUNSETIFF") == 0);
  auto other_kind = nic::tun::open({.interface = "lo"});
  REQUIRE_FALSE(other_kind);
  CHECK(other_kind.error().errno_value == EINVAL);
  first->close();
  CHECK(nic::tap::open({.interface = "strata4"}).has_value());
}

TEST_CASE("a tap attaches to an interface that exists, takes its MTU and leaves it there") {
  NEEDS_A_NAMESPACE_AND_TUN;
  {
    auto maker = nic::tap::open({.interface = "strata5"});
    REQUIRE(maker);
    REQUIRE(::ioctl(maker->descriptor(), TUNSETPERSIST, 1) == 0);
  }
  kernel_side kernel{"strata5"};
  kernel.mtu(1400);
  {
    auto tap = nic::tap::open({.interface = "strata5"});
    REQUIRE(tap);
    CHECK(tap->mtu() == 1400);
  }
  CHECK(::if_nametoindex("strata5") != 0);
}

TEST_CASE("a tap's address comes from the seed and the name") {
  NEEDS_A_NAMESPACE_AND_TUN;
  const auto address = [](const char* name, u64 seed) {
    auto tap = nic::tap::open({.interface = name, .seed = seed});
    REQUIRE(tap);
    return tap->address();
  };
  const mac_address a = address("strata6", 1);
  CHECK(a == address("strata6", 1));
  CHECK(a != address("strata6", 2));
  CHECK(a != address("strata7", 1));
  CHECK((a.bytes[0] & 3) == 2);
}
