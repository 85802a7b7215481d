// SPDX-License-Identifier: MIT
// Ports of connections that ask for none: RFC 6056 §3.3.4 with all ports of a pair taken, with those that others have, and out of TIME-WAIT.
// The peers are a driver without memory: every answer follows from the segment that it answers.
#include <strata/link/raw_ip.hpp>
#include <strata/neighbour/fixed.hpp>
#include <strata/strata.hpp>

#include "../written_segment.hpp"

#include <catch2/catch_test_macros.hpp>

#include <memory>
#include <set>
#include <vector>

namespace {

using namespace strata;
using namespace strata::literals;

/// Opens with whom calls it, and closes with whom closes.
class answering {
 public:
  static constexpr std::size_t ring_bytes = 0;
  static constexpr nic::capabilities may{};
  struct segment {
    u32 from = 0, seq = 0, ack = 0, ts_echo = 0;
    u16 port = 0, to = 0;
    u8 flags = 0;
  };
  struct state {
    std::vector<segment> waiting{};
    bool has_timestamps = true;
    u32 last_syn = 0;  ///< its sequence number
  };
  state* it = nullptr;

  std::size_t receive(buffer::pool& chunks, std::span<packet> batch) {
    std::size_t n = 0;
    for (; n < batch.size() && !it->waiting.empty(); ++n) {
      batch[n] = chunks.take_receive(64);
      if (!batch[n]) break;
      write(batch[n], it->waiting.back());
      it->waiting.pop_back();
    }
    return n;
  }
  std::size_t transmit(std::span<packet> batch) {
    for (packet& p : batch) {
      answer(p.bytes());
      p.reset();
    }
    return batch.size();
  }
  std::size_t reclaim(std::span<packet>) { return 0; }
  nic::kick flush() { return nic::kick::done; }
  [[nodiscard]] u16 mtu() const { return 1500; }
  [[nodiscard]] mac_address address() const { return {}; }
  [[nodiscard]] nic::capabilities has() const { return {}; }

 private:
  using flag = wire::tcp::flag;
  void answer(std::span<const std::byte> bytes) {
    wire::ipv4 ip;
    wire::tcp h;
    if (!wire::ipv4::read(bytes, ip) || !wire::tcp::read(bytes.subspan(20), h) || (h.flags & flag::rst) != 0) return;
    segment s{.from = ip.destination.value, .seq = (h.flags & flag::ack) != 0 ? h.ack : 1000, .ack = h.seq + 1, .port = h.destination, .to = h.source};
    for (u32 at = 40; at + 10 <= 20u + h.header_length;) {  // the peer's clock goes into our echo
      const u32 kind = static_cast<u32>(bytes[at]);
      if (kind == 8) s.ts_echo = load_be<u32>(&bytes[at + 2]);
      at += kind <= 1 ? 1 : static_cast<u32>(bytes[at + 1]);
    }
    if ((h.flags & flag::syn) != 0) s.flags = flag::syn | flag::ack, it->last_syn = h.seq;
    else if ((h.flags & flag::fin) != 0) s.flags = flag::fin | flag::ack;
    else return;
    it->waiting.push_back(s);
  }
  void write(packet& p, const segment& s) const {
    const u32 times[] = {0x0101'080a, 7, s.ts_echo};
    test::write_segment(p, {.from = s.from, .seq = s.seq, .ack = s.ack, .port = s.port, .to = s.to, .flags = s.flags, .options = std::span(times).first(it->has_timestamps ? 3 : 0)});
  }
};

template <u16 First, u16 Last> struct config : presets::server {
  using nic = answering;
  using link = strata::link::raw_ip;
  using neighbour = strata::neighbour::fixed;
  using entropy = strata::entropy::seeded;
  static constexpr bool allows_weak_entropy = true;
  static constexpr u32 ports = Last - First + 1;
  static constexpr strata::limits limits{
      .chunks = 256, .connections = ports + 64, .syn_slots = 4, .time_wait = ports + 64, .first_local_port = First, .last_local_port = Last, .explicit_ports = 2};
};
constexpr ipv4_address peer = "10.0.0.2"_ip, other = "10.0.0.3"_ip;

template <class C> struct host {
  using net = stack<C>;
  std::vector<std::byte> memory = std::vector<std::byte>(std::size_t{256} * 2048);
  answering::state peers{};
  net tcp_ip{};
  u32 ms = 1000, connected = 0, closed = 0;

  host() {
    (void)tcp_ip.start({.nic = {&peers}, .memory = std::span(memory), .entropy = {1}, .address = "10.0.0.1/16"_net});
    poll();
  }
  void poll() {
    do (void)tcp_ip.poll(typename net::time_point{} + net::duration::from_ms(ms), budget{256},
                         on{[&](typename net::connected) { ++connected; }, [&](typename net::closed) { ++closed; },
                            [](typename net::peer_closed e) { (void)e.stream.close(); }, ignore_rest{}});
    while (!peers.waiting.empty() || !tcp_ip.idle());
  }
  auto connect(const ipv4_address& to = peer, u16 from = 0) {
    auto s = tcp_ip.connect({.remote = {to, 80}, .local = {{}, from}});
    poll();
    return s;
  }
  void wait(u32 length) { ms += length, poll(); }
  [[nodiscard]] const auto& tcp() const { return tcp_ip.template transport<0>(); }
};

TEST_CASE("all 28,232 ports of the range lead to one peer at once, and the next connect says that there is none") {  // RFC 6056 §3.3.4
  using C = config<32768, 60999>;
  const auto h = std::make_unique<host<C>>();
  std::vector<bool> taken(65536);
  std::vector<typename host<C>::net::stream> streams;
  u32 twice = 0, outside = 0, neighbours = 0, last = 0;
  for (u32 n = 0; n < C::ports; ++n) {
    const auto s = h->connect();
    REQUIRE(s);
    const u16 port = s->local().port;
    twice += taken[port] ? 1u : 0u;
    outside += port < 32768 || port > 60999 ? 1u : 0u;
    if (n < 1000) neighbours += port == last + 1 ? 1u : 0u;
    last = port;
    taken[port] = true;
    streams.push_back(*s);
  }
  CHECK(h->connected == 28232);
  CHECK((twice == 0 && outside == 0));
  CHECK(neighbours < 250);  // one step in eight is one
  CHECK(h->connect().error() == tcp::connect_error::no_port);
  CHECK(h->connect().error() == tcp::connect_error::no_port);
  CHECK(h->connect(peer, 1024));      // one that the range does not hold
  CHECK(h->connect(other));           // another pair has its own

  // One that becomes free is found, wherever it is.
  for (const u32 which : {0u, 28231u, 14000u}) {
    const u16 port = streams[which].local().port;
    REQUIRE(streams[which].abort());
    h->poll();
    const auto s = h->connect();
    REQUIRE(s);
    CHECK(s->local().port == port);
    CHECK(h->connect().error() == tcp::connect_error::no_port);
  }
  h->tcp_ip.shut_down();  // with what was known of ports that are taken
  (void)h->tcp_ip.start({.nic = {&h->peers}, .memory = std::span(h->memory), .entropy = {1}, .address = "10.0.0.1/16"_net});
  CHECK(h->connect());
}

using few = config<40000, 40007>;
struct tiny : config<40000, 40003> {
  static constexpr strata::limits limits{.chunks = 256, .connections = 9, .syn_slots = 2, .time_wait = 2, .first_local_port = 40000, .last_local_port = 40003};
};

TEST_CASE("ports of listeners, and local ports that connect was told, are not chosen") {
  host<few> h;
  REQUIRE(h.tcp_ip.listen({.port = 40003}));
  const auto first = h.connect(other, 40005), again = h.connect("10.0.0.4"_ip, 40005);  // one port, twice
  REQUIRE((first && again));
  REQUIRE(h.connect(other, 40006));
  REQUIRE(h.connect(other, 40000));  // more than are remembered: only this pair is kept free
  CHECK(h.connect(other, 40006).error() == tcp::connect_error::in_use);
  std::set<u16> chosen;
  for (u32 n = 0; n < 5; ++n) chosen.insert(h.connect()->local().port);
  CHECK(chosen == std::set<u16>{40000, 40001, 40002, 40004, 40007});
  CHECK(h.connect().error() == tcp::connect_error::no_port);
  REQUIRE(first->abort());
  h.poll();
  CHECK(h.connect().error() == tcp::connect_error::no_port);  // the other still has it
  REQUIRE(again->abort());
  h.poll();
  CHECK(h.connect()->local().port == 40005);
  CHECK(h.connect().error() == tcp::connect_error::no_port);
  h.tcp_ip.shut_down();
  (void)h.tcp_ip.start({.nic = {&h.peers}, .memory = std::span(h.memory), .entropy = {1}, .address = "10.0.0.1/16"_net});
  for (u32 n = 0; n < 8; ++n) CHECK(h.connect());  // nothing is remembered of what was before
}

// In a table so small that it has no secret, the hash is made of the ports alone: those of another peer seem taken, and are not.
TEST_CASE("a port whose hash another peer's connection has is found by a second look") {
  host<tiny> h;
  for (const ipv4_address& to : {peer, other}) {
    for (u32 n = 0; n < 4; ++n) CHECK(h.connect(to));
    CHECK(h.connect(to).error() == tcp::connect_error::no_port);
  }
}

TEST_CASE("a port in TIME-WAIT is taken again after a second if timestamps tell the lives apart, above the numbers of the old one") {  // RFC 6191 §2
  host<few> h;
  std::set<u16> ports;
  std::vector<stack<few>::stream> streams;
  for (u32 n = 0; n < 8; ++n) streams.push_back(*h.connect());
  for (const auto& s : streams) ports.insert(s.local().port), (void)s.close();
  h.poll();
  REQUIRE(h.tcp().time_waits() == 8);
  const u32 sent_before = h.peers.last_syn;
  CHECK(h.connect().error() == tcp::connect_error::no_port);
  CHECK(h.connect(peer, 40001).error() == tcp::connect_error::in_use);
  h.wait(999);
  CHECK(h.connect().error() == tcp::connect_error::no_port);
  h.wait(1);
  const auto s = h.connect(peer, streams[7].local().port);
  REQUIRE(s);
  CHECK(serial32{h.peers.last_syn} >= serial32{sent_before} + 65537);
  CHECK((h.tcp().time_waits() == 7 && h.tcp().counters().time_wait_reused == 1));
  for (u32 n = 0; n < 7; ++n) ports.erase(h.connect()->local().port);
  CHECK((ports.size() == 1 && *ports.begin() == s->local().port));
  CHECK((h.tcp().time_waits() == 0 && h.tcp().counters().time_wait_reused == 8));
  CHECK(h.connect().error() == tcp::connect_error::no_port);
}

TEST_CASE("without timestamps a port waits for the whole 2 MSL") {
  host<few> h;
  h.peers.has_timestamps = false;
  std::vector<stack<few>::stream> streams;
  for (u32 n = 0; n < 8; ++n) streams.push_back(*h.connect());
  for (const auto& s : streams) (void)s.close();
  h.poll();
  REQUIRE(h.tcp().time_waits() == 8);
  h.wait(59'999);
  CHECK(h.connect().error() == tcp::connect_error::no_port);
  h.wait(1);
  CHECK(h.connect());
  CHECK(h.tcp().counters().time_wait_reused == 0);
}

TEST_CASE("datagram sockets take every port of the range, and then say that there is none") {  // RFC 6056 §3.3.1
  host<few> h;
  std::vector<stack<few>::datagram_socket> sockets;
  std::set<u16> ports;
  for (u32 n = 0; n < 8; ++n) sockets.push_back(*h.tcp_ip.bind({}));
  for (const auto& s : sockets) ports.insert(s.local().port);
  CHECK((ports.size() == 8 && *ports.begin() == 40000 && *ports.rbegin() == 40007));
  CHECK(h.tcp_ip.bind({}).error() == udp::bind_error::no_port);
  const u16 port = sockets[3].local().port;
  REQUIRE(sockets[3].close());
  CHECK(h.tcp_ip.bind({})->local().port == port);
}

}  // namespace
