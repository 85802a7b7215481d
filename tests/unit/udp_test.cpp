// SPDX-License-Identifier: MIT
// UDP over a network that records, in both families: ports, datagrams byte by byte, bounds, errors both ways.
#include <strata/core/entropy.hpp>
#include <strata/udp/archetype.hpp>
#include <strata/udp/layer.hpp>

#include <catch2/catch_template_test_macros.hpp>

#include "layer_below.hpp"

// The archetypes: compiled with the names of the contract and no others.
template class strata::udp::layer<strata::udp::archetype>;
template class strata::udp::layer<strata::udp::archetype_of<strata::only_v6, strata::header_image::built>>;

namespace {

using namespace strata;
using namespace strata::literals;
using namespace strata::layer_test;
using wire_test::equal;
using wire_test::hex;

template <class C> void every_template(udp::layer<C>& l, udp::network_archetype<C>& n, packet p) {
  (void)l.bind(n, 1), (void)l.connect(n, {}, {}), (void)l.send_to(n, {}, {}, {}), (void)l.send(n, {}, {}), (void)l.reserve(n, {}, 1), (void)l.commit(n, {}, {}, 1, {});
  (void)l.receive(n, {}, {}), (void)l.peek(n, {}), (void)l.consume(n, {}), (void)l.close(n, {});
  (void)l.on_datagram(n, {}, p, {}), (void)l.on_error(n, {}, {}), (void)l.pending(n, {}), l.finish(n, {}, {}), l.advance(n, {});
}
[[maybe_unused]] void every_layer(udp::layer<udp::archetype>& a, udp::network_archetype<udp::archetype>& n) { every_template(a, n, {}); }

template <class Family> struct config {
  using tick = nanoseconds64;
  using family = Family;
  using header_image = strata::header_image::cached;
  static constexpr strata::limits limits{.datagram_sockets = 4, .datagrams = 3, .receive_reserve = 2};
};
using four = config<only_v4>;
using six = config<only_v6>;

template <class C> struct addresses;
template <> struct addresses<four> {
  static constexpr ipv4_address us = "10.0.0.1"_ip, us_too = "10.0.0.7"_ip, peer = "10.0.0.11"_ip, other = "10.0.0.12"_ip;
};
template <> struct addresses<six> {
  static constexpr ipv6_address us = "fd00::1"_ip, us_too = "fd00::7"_ip, peer = "fd00::b"_ip, other = "fd00::c"_ip;
};

template <class C> struct wire_below {
  using address = typename C::family::address;
  using path = udp::path_of_config<C>;
  struct datagram {
    bytes what;
    address from, to;
  };
  pool_of<24> pool{};
  entropy::seeded random_words{9};
  std::vector<datagram> out{};
  std::vector<trace::record> seen{};
  std::vector<icmp_error_kind> refused{};
  std::size_t refused_at = 0;  // bytes left in the packet: it is at its transport header
  sent answer = sent::sent;
  bool has_route = true;
  int routed = 0;

  packet take() { return pool.chunks.take(pool.headroom, 2); }
  u32 headroom() { return pool.headroom; }
  bool route(path& way) {
    ++routed;
    if (!has_route) return false;
    if (way.local.is_unspecified()) way.local = addresses<C>::us;
    way.mtu = 1500;
    return true;
  }
  sent send(path& way, packet p, u8 protocol) {
    CHECK(protocol == 17);
    out.push_back({copy_of(p), way.local, way.remote});
    return answer;
  }
  u32 network_header_size(const path&) { return address::bits == 32 ? 20 : 40; }
  void refuse(const datagram_info<address>&, packet& p, icmp_error_kind kind) { refused.push_back(kind), refused_at = p.size(); }
  u64 random() { return random_words.next(); }
  buffer::pool& chunks() { return pool.chunks; }
  void observe(const trace::record& r) { seen.push_back(r); }
  std::vector<datagram> taken() { return std::exchange(out, {}); }
};

/// The sum over pseudo-header and datagram, by the test's own hand (RFC 768, RFC 8200 §8.1).
u32 sum_of(ipv4_address from, ipv4_address to, std::span<const std::byte> b) {
  bytes pseudo(12);
  store_be<u32>(&pseudo[0], from.value), store_be<u32>(&pseudo[4], to.value), pseudo[9] = std::byte{17}, store_be<u16>(&pseudo[10], static_cast<u16>(b.size()));
  return plain_sum(joined(pseudo, b));
}
u32 sum_of(const ipv6_address& from, const ipv6_address& to, std::span<const std::byte> b) {
  bytes pseudo(40);
  store_be<u64>(&pseudo[0], from.high), store_be<u64>(&pseudo[8], from.low), store_be<u64>(&pseudo[16], to.high), store_be<u64>(&pseudo[24], to.low);
  store_be<u32>(&pseudo[32], static_cast<u32>(b.size())), pseudo[39] = std::byte{17};
  return plain_sum(joined(pseudo, b));
}

template <class C> struct host {
  using a = addresses<C>;
  using address = typename C::family::address;
  using endpoint = strata::endpoint<address>;
  wire_below<C> below{};
  udp::layer<C> udp{};

  host() { udp.open(1, 2); }
  ~host() { udp.clear(below.pool.chunks); }

  static bytes datagram(endpoint from, endpoint to, std::span<const std::byte> data) {
    bytes d(8);
    store_be<u16>(&d[0], from.port), store_be<u16>(&d[2], to.port), store_be<u16>(&d[4], static_cast<u16>(8 + data.size()));
    d = joined(d, data);
    const u16 sum = static_cast<u16>(~sum_of(from.address, to.address, d));
    store_be<u16>(&d[6], sum != 0 ? sum : u16{0xffff});
    return d;
  }
  std::optional<strata::udp::socket_event> in(endpoint from, endpoint to, std::span<const std::byte> datagram_bytes, bool is_broadcast = false) {
    packet p = below.pool.incoming(datagram_bytes);
    return udp.on_datagram(below, {to.address, from.address, 17, 0, 0, is_broadcast}, p, {});
  }
  std::optional<strata::udp::socket_event> hear(endpoint from, endpoint to, const char* data) { return in(from, to, datagram(from, to, text(data))); }
  connection_id bound(u16 port, const address& at = {}) {
    const auto id = udp.bind(below, port, at);
    REQUIRE(id);
    return *id;
  }
};

TEMPLATE_TEST_CASE("a datagram leaves with ports, length and a right checksum", "", four, six) {
  host<TestType> h;
  using a = addresses<TestType>;
  const auto id = h.bound(7000);
  const auto n = h.udp.send_to(h.below, id, text("hello"), {a::peer, 53});
  REQUIRE(n);
  CHECK(*n == 5);
  const auto out = h.below.taken();
  REQUIRE(out.size() == 1);
  CHECK(out[0].from == a::us);
  CHECK(out[0].to == a::peer);
  CHECK(equal(std::span(out[0].what).first(6), hex("1b 58 00 35 00 0d")));
  CHECK(equal(std::span(out[0].what).subspan(8), text("hello")));
  CHECK(sum_of(a::us, a::peer, out[0].what) == 0xffff);
  CHECK(h.udp.counted().out_datagrams == 1);
}

TEMPLATE_TEST_CASE("every length has its checksum, and a sum of zero is sent as ffff", "", four, six) {  // RFC 768
  host<TestType> h;
  using a = addresses<TestType>;
  const auto id = h.bound(7000);
  bytes data(1452);
  entropy::seeded r{21};
  INFO("seed 21");
  for (std::byte& x : data) x = static_cast<std::byte>(r.next());
  for (std::size_t n = 0; n <= data.size(); n += n < 70 ? 1 : 119) {
    REQUIRE(h.udp.send_to(h.below, id, std::span(data).first(n), {a::peer, 53}));
    REQUIRE(sum_of(a::us, a::peer, h.below.taken()[0].what) == 0xffff);
  }
  bytes two(2);  // chosen so that the checksum comes out as zero
  REQUIRE(h.udp.send_to(h.below, id, two, {a::peer, 53}));
  store_be<u16>(&two[0], load_be<u16>(&h.below.taken()[0].what[6]));
  REQUIRE(h.udp.send_to(h.below, id, two, {a::peer, 53}));
  CHECK(load_be<u16>(&h.below.taken()[0].what[6]) == 0xffff);
}

TEMPLATE_TEST_CASE("an observer sees who a datagram is looked up for and to whom it goes", "", four, six) {
  host<TestType> h;
  using a = addresses<TestType>;
  (void)h.bound(7000), (void)h.bound(53);
  (void)h.hear({a::peer, 9}, {a::us, 53}, "hello");
  REQUIRE(h.below.seen.size() == 2);
  const auto &looked = h.below.seen[0], &told = h.below.seen[1];
  CHECK((looked.what == trace::step::lookup && looked.bytes == 13 && looked.chunk != 0 && looked.connection == 0));
  CHECK((told.what == trace::step::deliver && told.bytes == 5 && told.chunk == looked.chunk && told.connection == 2));
}

TEMPLATE_TEST_CASE("a datagram written in place is the same on the wire as one that was copied", "", four, six) {
  host<TestType> h;
  using a = addresses<TestType>;
  const auto id = h.bound(7000);
  REQUIRE(h.udp.send_to(h.below, id, text("price 101"), {a::peer, 53}));
  auto place = h.udp.reserve(h.below, id, 100);
  REQUIRE(place);
  CHECK(place->room().size() == 100);
  const auto what = text("price 101");
  copy_bytes(place->room().data(), what.data(), what.size());
  REQUIRE(h.udp.commit(h.below, id, std::move(*place), what.size(), {a::peer, 53}));
  const auto out = h.below.taken();
  REQUIRE(out.size() == 2);
  CHECK(out[0].what == out[1].what);

  auto dropped = h.udp.reserve(h.below, id, 10);
  REQUIRE(dropped);
  CHECK(h.below.pool.chunks.in_use() == 1);
  *dropped = udp::reservation{};
  CHECK(h.below.pool.chunks.in_use() == 0);
  auto late = h.udp.reserve(h.below, id, 10);
  CHECK(h.udp.commit(h.below, id, std::move(*late), 11, {a::peer, 53}).error() == udp::send_error::too_big);
  CHECK(h.udp.commit(h.below, id, std::move(*late), 1, {a::peer, 53}).error() == udp::send_error::stale);  // used up
  CHECK(h.udp.reserve(h.below, id, 5000).error() == udp::send_error::too_big);
  CHECK(h.below.pool.chunks.in_use() == 0);
}

TEMPLATE_TEST_CASE("the way to the last destination is kept", "", four, six) {
  host<TestType> h;
  using a = addresses<TestType>;
  const auto id = h.bound(7000);
  for (int i = 0; i < 5; ++i) REQUIRE(h.udp.send_to(h.below, id, text("x"), {a::peer, static_cast<u16>(100 + i)}));
  CHECK(h.below.routed == 1);
  REQUIRE(h.udp.send_to(h.below, id, text("x"), {a::other, 100}));
  CHECK(h.below.routed == 2);
}

TEMPLATE_TEST_CASE("a send that cannot be says why, and leaves no chunk behind", "", four, six) {
  host<TestType> h;
  using a = addresses<TestType>;
  using e = udp::send_error;
  const auto id = h.bound(7000);
  const auto try_to = [&](std::span<const std::byte> b, typename host<TestType>::endpoint to) { return h.udp.send_to(h.below, id, b, to).error(); };
  CHECK(try_to(text("x"), {{}, 53}) == e::bad_address);
  CHECK(try_to(text("x"), {a::peer, 0}) == e::bad_address);
  CHECK(h.udp.send(h.below, id, text("x")).error() == e::not_connected);
  const std::size_t most = 1500 - 8 - (a::us.bits == 32 ? 20 : 40);
  CHECK(try_to(bytes(most + 1), {a::peer, 53}) == e::too_big);
  CHECK(h.udp.send_to(h.below, id, bytes(most), {a::peer, 53}));
  h.below.answer = sent::full;
  CHECK(try_to(text("x"), {a::peer, 53}) == e::would_block);
  h.below.answer = sent::dropped;
  CHECK(try_to(text("x"), {a::peer, 53}) == e::dropped);
  h.below.answer = sent::unreachable;
  CHECK(try_to(text("x"), {a::peer, 53}) == e::no_route);
  h.below.answer = sent::queued;
  CHECK(h.udp.send_to(h.below, id, text("x"), {a::peer, 53}));
  h.below.has_route = false;
  CHECK(try_to(text("x"), {a::other, 53}) == e::no_route);
  h.below.has_route = true;
  {
    std::vector<packet> all;
    while (packet p = h.below.take()) all.push_back(std::move(p));
    CHECK(try_to(text("x"), {a::other, 53}) == e::would_block);
    CHECK(h.udp.reserve(h.below, id, 1).error() == e::would_block);
    CHECK(h.udp.counted().sndbuf_errors == 2);
  }
  CHECK(h.below.pool.chunks.in_use() == 0);
}

TEMPLATE_TEST_CASE("a datagram raises an event and is received with its sender", "", four, six) {
  host<TestType> h;
  using a = addresses<TestType>;
  const auto id = h.bound(7);
  const auto event = h.hear({a::peer, 999}, {a::us, 7}, "hello");
  REQUIRE(event);
  CHECK(event->id == id);
  CHECK_FALSE(event->is_error);
  REQUIRE(h.hear({a::other, 998}, {a::us, 7}, "second"));
  CHECK(h.udp.unread(id) == 2);

  const auto view = h.udp.peek(h.below, id);
  REQUIRE(view);
  CHECK(equal(view->bytes, text("hello")));
  CHECK(view->from.address == a::peer);
  CHECK(view->from.port == 999);
  REQUIRE(h.udp.consume(h.below, id));
  std::byte room[3];
  const auto got = h.udp.receive(h.below, id, room);
  REQUIRE(got);
  CHECK(got->bytes == 3);
  CHECK(got->truncated);
  CHECK(got->from.address == a::other);
  CHECK(equal(room, text("sec")));
  CHECK(h.udp.receive(h.below, id, room).error() == udp::receive_error::would_block);
  CHECK(h.udp.consume(h.below, id).error() == udp::receive_error::would_block);
  REQUIRE(h.hear({a::peer, 999}, {a::us, 7}, ""));  // an empty datagram is one too
  CHECK(h.udp.receive(h.below, id, room)->bytes == 0);
  CHECK(h.udp.counted().in_datagrams == 3);
}

TEMPLATE_TEST_CASE("a full queue drops what comes next, and the ring of senders goes on behind it", "", four, six) {
  host<TestType> h;
  using a = addresses<TestType>;
  const auto id = h.bound(7);
  u16 next = 1, expected = 1;
  for (int round = 0; round < 5; ++round) {
    while (h.udp.unread(id) < 3) REQUIRE(h.hear({a::peer, next++}, {a::us, 7}, "x"));
    CHECK_FALSE(h.hear({a::peer, 60000}, {a::us, 7}, "x"));
    for (int i = 0; i < 2; ++i) {
      REQUIRE(h.udp.peek(h.below, id)->from.port == expected++);
      REQUIRE(h.udp.consume(h.below, id));
    }
  }
  CHECK(h.udp.counted().rcvbuf_errors == 5);
  CHECK(h.below.pool.chunks.in_use() == 1);
}

TEMPLATE_TEST_CASE("the last chunks are the NIC's: a slow reader does not get them", "", four, six) {
  host<TestType> h;
  using a = addresses<TestType>;
  (void)h.bound(7);
  std::vector<packet> all;
  while (h.below.pool.chunks.available() > 2) all.push_back(h.below.pool.chunks.take(0));
  CHECK_FALSE(h.hear({a::peer, 1}, {a::us, 7}, "x"));
  CHECK(h.udp.counted().mem_errors == 1);
  CHECK(h.below.pool.chunks.available() == 2);
}

TEMPLATE_TEST_CASE("a datagram that is not whole is dropped and counted; link padding is cut off", "", four, six) {
  host<TestType> h;
  using a = addresses<TestType>;
  using endpoint = typename host<TestType>::endpoint;
  const endpoint from{a::peer, 999}, to{a::us, 7};
  const auto id = h.bound(7);
  const bytes good = h.datagram(from, to, text("hello"));
  CHECK_FALSE(h.in(from, to, std::span(good).first(7)));
  CHECK_FALSE(h.in(from, to, std::span(good).first(12)));
  bytes bad = good;
  store_be<u16>(&bad[4], 7);
  CHECK_FALSE(h.in(from, to, bad));
  CHECK(h.udp.counted().in_errors == 3);
  for (std::size_t i = 0; i < good.size(); ++i) {
    if (i == 4 || i == 5) continue;
    bad = good;
    bad[i] ^= std::byte{0x10};
    CHECK_FALSE(h.in(from, to, bad));
  }
  CHECK(h.udp.counted().in_csum_errors == good.size() - 2);
  CHECK(h.below.refused.empty());
  REQUIRE(h.in(from, to, joined(good, bytes(9))));
  CHECK(equal(h.udp.peek(h.below, id)->bytes, text("hello")));
}

TEST_CASE("a datagram without checksum is taken over IPv4 and dropped over IPv6") {  // RFC 768, RFC 8200 §8.1
  host<four> h4;
  host<six> h6;
  (void)h4.bound(7), (void)h6.bound(7);
  bytes d = host<four>::datagram({addresses<four>::peer, 9}, {addresses<four>::us, 7}, text("x"));
  store_be<u16>(&d[6], 0);
  CHECK(h4.in({addresses<four>::peer, 9}, {addresses<four>::us, 7}, d));
  CHECK_FALSE(h6.in({addresses<six>::peer, 9}, {addresses<six>::us, 7}, d));
  CHECK(h6.udp.counted().in_csum_errors == 1);
}

TEMPLATE_TEST_CASE("a port that nobody has is refused to a host and passed over in a broadcast", "", four, six) {  // RFC 1122 §4.1.3.1
  host<TestType> h;
  using a = addresses<TestType>;
  using endpoint = typename host<TestType>::endpoint;
  const endpoint from{a::peer, 9}, to{a::us, 7};
  CHECK_FALSE(h.hear(from, to, "hello"));
  REQUIRE(h.below.refused.size() == 1);
  CHECK(h.below.refused[0] == icmp_error_kind::port_unreachable);
  CHECK(h.below.refused_at == 13);
  CHECK_FALSE(h.in(from, to, h.datagram(from, to, text("hello")), true));
  CHECK(h.below.refused.size() == 1);
  CHECK(h.udp.counted().no_ports == 2);
}

TEMPLATE_TEST_CASE("ports belong to one socket each, per address", "", four, six) {
  host<TestType> h;
  using a = addresses<TestType>;
  using e = udp::bind_error;
  const auto one = h.bound(7, a::us);
  CHECK(h.udp.bind(h.below, 7, a::us).error() == e::in_use);
  CHECK(h.udp.bind(h.below, 7).error() == e::in_use);
  const auto two = h.bound(7, a::us_too);
  CHECK(h.hear({a::peer, 9}, {a::us, 7}, "x")->id == one);
  CHECK(h.hear({a::peer, 9}, {a::us_too, 7}, "x")->id == two);
  REQUIRE(h.udp.close(h.below, one));
  CHECK_FALSE(h.hear({a::peer, 9}, {a::us, 7}, "x"));
  (void)h.bound(7, a::us);
  (void)h.bound(8), (void)h.bound(9);
  CHECK(h.udp.bind(h.below, 10).error() == e::no_slot);
}

TEST_CASE("nobody binds to a group") {
  host<four> h;
  CHECK(h.udp.bind(h.below, 7, "224.0.0.1"_ip).error() == udp::bind_error::bad_address);
  CHECK(h.udp.bind(h.below, 7, "255.255.255.255"_ip).error() == udp::bind_error::bad_address);
}

TEMPLATE_TEST_CASE("a chosen port lies in the range of the limits, is free, and cannot be guessed from the last", "", four, six) {  // RFC 6056 §3.3.1
  host<TestType> h;
  std::vector<u16> ports;
  for (int i = 0; i < 200; ++i) {
    const auto id = h.bound(0);
    ports.push_back(h.udp.local(id).port);
    CHECK((ports.back() >= 32768 && ports.back() <= 60999));
    REQUIRE(h.udp.close(h.below, id));
  }
  int neighbours = 0;
  for (std::size_t i = 1; i < ports.size(); ++i) neighbours += ports[i] == ports[i - 1] + 1 ? 1 : 0;
  CHECK(neighbours < 3);
  // The word that is drawn leads to a taken port: the next one is found.
  host<TestType> taken;
  entropy::seeded same = taken.below.random_words;
  const u16 start = static_cast<u16>(32768 + ((same.next() & 0xffff) * 28232 >> 16));
  (void)taken.bound(start);
  CHECK(taken.udp.local(taken.bound(0)).port == (start == 60999 ? 32768 : start + 1));
}

TEMPLATE_TEST_CASE("a connected socket hears its peer only, and sends to it", "", four, six) {
  host<TestType> h;
  using a = addresses<TestType>;
  const auto id = h.bound(7);
  CHECK(h.udp.connect(h.below, id, {a::peer, 0}).error() == udp::connect_error::bad_address);
  CHECK(h.udp.connect(h.below, id, {{}, 9}).error() == udp::connect_error::bad_address);
  REQUIRE(h.udp.connect(h.below, id, {a::peer, 9}));
  CHECK(h.udp.remote(id).port == 9);
  CHECK(h.hear({a::peer, 9}, {a::us, 7}, "x"));
  CHECK_FALSE(h.hear({a::peer, 10}, {a::us, 7}, "x"));
  CHECK_FALSE(h.hear({a::other, 9}, {a::us, 7}, "x"));
  REQUIRE(h.udp.send(h.below, id, text("to you")));
  CHECK(h.below.out[0].to == a::peer);
  h.below.has_route = false;
  CHECK(h.udp.connect(h.below, id, {a::other, 9}).error() == udp::connect_error::no_route);
  CHECK(h.udp.remote(id).address == a::peer);
}

TEMPLATE_TEST_CASE("an error becomes an event of the connected socket that it is about, and of no other", "", four, six) {  // RFC 1122 §4.1.3.3
  host<TestType> h;
  using a = addresses<TestType>;
  const auto id = h.bound(7), open = h.bound(8);
  (void)open;
  REQUIRE(h.udp.connect(h.below, id, {a::peer, 9}));
  network_error<typename TestType::family::address> e;
  e.local = a::us, e.remote = a::peer, e.protocol = 17, e.kind = icmp_error_kind::port_unreachable;
  const auto quote = [&](u16 from, u16 to) { store_be<u16>(e.quoted, from), store_be<u16>(e.quoted + 2, to); };
  quote(7, 9);
  const auto event = h.udp.on_error(h.below, e, {});
  REQUIRE(event);
  CHECK(event->id == id);
  CHECK(event->is_error);
  CHECK(event->error == icmp_error_kind::port_unreachable);
  quote(7, 10);
  CHECK_FALSE(h.udp.on_error(h.below, e, {}));
  quote(8, 9);
  CHECK_FALSE(h.udp.on_error(h.below, e, {}));
  quote(7, 9);
  e.remote = a::other;
  CHECK_FALSE(h.udp.on_error(h.below, e, {}));

  e.remote = a::peer, e.kind = icmp_error_kind::packet_too_big, e.mtu = 1000;
  REQUIRE(h.udp.on_error(h.below, e, {}));
  CHECK(h.udp.send(h.below, id, bytes(980)).error() == udp::send_error::too_big);
  CHECK(h.udp.send(h.below, id, bytes(900)));
}

TEMPLATE_TEST_CASE("a closed socket is stale for every call, and its slot's next life is another", "", four, six) {
  host<TestType> h;
  using a = addresses<TestType>;
  CHECK_FALSE(h.udp.is_live({}));
  const auto id = h.bound(7);
  REQUIRE(h.hear({a::peer, 9}, {a::us, 7}, "x"));
  auto place = h.udp.reserve(h.below, id, 4);
  REQUIRE(place);
  REQUIRE(h.udp.close(h.below, id));
  CHECK(h.below.pool.chunks.in_use() == 1);  // the reservation's; what was unread is gone
  const auto again = h.bound(7);
  CHECK(again.index == id.index);
  CHECK(again != id);
  CHECK_FALSE(h.udp.is_live(id));
  CHECK(h.udp.is_live(again));
  CHECK(h.udp.commit(h.below, id, std::move(*place), 1, {a::peer, 9}).error() == udp::send_error::stale);
  CHECK(h.udp.send_to(h.below, id, {}, {a::peer, 9}).error() == udp::send_error::stale);
  CHECK(h.udp.send(h.below, id, {}).error() == udp::send_error::stale);
  CHECK(h.udp.reserve(h.below, id, 1).error() == udp::send_error::stale);
  CHECK(h.udp.connect(h.below, id, {a::peer, 9}).error() == udp::connect_error::stale);
  CHECK(h.udp.receive(h.below, id, {}).error() == udp::receive_error::stale);
  CHECK(h.udp.peek(h.below, id).error() == udp::receive_error::stale);
  CHECK(h.udp.consume(h.below, id).error() == udp::receive_error::stale);
  CHECK(h.udp.close(h.below, id).error() == udp::call_error::stale);
  CHECK(h.udp.close(h.below, {77, 1}).error() == udp::call_error::stale);
  CHECK(h.udp.local(id).port == 0);
}

TEST_CASE("UDP starts as zeros: it may lie in .bss") {
  static constinit udp::layer<four> layer;
  CHECK_FALSE(layer.is_live({0, 0}));
  static_assert(std::is_trivially_destructible_v<udp::layer<four>>);
}

}  // namespace
