// SPDX-License-Identifier: MIT
// Fragments to us: in any order, twice, overlapping, too many, too late, from a source that wants all places; copied to be one piece, or left where they came.
#include <strata/strata.hpp>

#include <catch2/catch_test_macros.hpp>
#include <catch2/catch_template_test_macros.hpp>

#include <algorithm>
#include <array>

#include "ip_below.hpp"
#include <two_stacks.hpp>

using reassembling = strata::ip::archetype_of<strata::only_v4, strata::header_image::cached, 8>;
template class strata::ip::v4<reassembling>;

namespace {

using namespace strata;
using namespace strata::literals;
using namespace strata::layer_test;

struct copying : two_links<ipv4_address> {};
struct by_trains : two_links<ipv4_address> { static constexpr bool hands_up_trains = true; };

struct piece {
  u32 offset, size;
  bool more;
  u16 id = 1;
  u32 from = 0x0a00000b;
  u8 ecn = 0;
};
bytes payload_of(u32 size) {
  bytes b(size);
  for (u32 i = 0; i < size; ++i) b[i] = static_cast<std::byte>(i * 7 + i / 256);
  return b;
}

template <class Below> struct host {
  using layer = ip::v4<reassembling>;
  Below below{};
  layer ip{};
  time_point<milliseconds32> now{0xffffff00u};
  bytes whole = payload_of(1400);

  host() { REQUIRE(ip.configure(0, "10.0.0.1/24"_net)); }
  ~host() { ip.clear(below.pool.chunks); }
  /// Hands a fragment up; the datagram, if it was the last that was missing.
  std::optional<bytes> in(const piece& f, u8* ecn = nullptr) {
    bytes b(20 + f.size);
    b[0] = std::byte{0x45}, b[1] = static_cast<std::byte>(0xb8 | f.ecn);
    store_be<u16>(&b[2], static_cast<u16>(b.size())), store_be<u16>(&b[4], f.id);
    store_be<u16>(&b[6], static_cast<u16>(f.offset / 8 | (f.more ? 0x2000u : 0u)));
    b[8] = std::byte{64}, b[9] = std::byte{17};
    store_be<u32>(&b[12], f.from), store_be<u32>(&b[16], 0x0a000001);
    store_be<u16>(&b[10], static_cast<u16>(~plain_sum(b)));
    const bytes all = payload_of(70'000);
    std::copy_n(all.begin() + f.offset, f.size, b.begin() + 20);
    packet p = below.pool.chunks.take_receive(64);
    REQUIRE(p);
    p.extend((std::copy(b.begin(), b.end(), p.room().begin()), b.size()));
    auto found = ip.on_packet(below, p, {0, false}, now);
    REQUIRE(found.is == ip::finding<ipv4_address>::what::fragment);
    found = ip.on_fragment(below, p, found, now);
    if (found.is != ip::finding<ipv4_address>::what::datagram) {
      if constexpr (buffer::may_be_trains<Below>)
        if (p) buffer::drop_parts(p);
      return {};
    }
    if (ecn != nullptr) *ecn = found.info.ecn;
    CHECK(found.info.protocol == 17);
    CHECK(static_cast<u8>(p->chunk[p->network]) == 0x45);
    CHECK(static_cast<u8>(p->chunk[p->network + 1]) == (0xb8 | found.info.ecn));
    CHECK(p->transport == p->offset);
    bytes got;
    buffer::each_part(p.d(), [&](buffer::descriptor& d) { got.insert(got.end(), d.chunk + d.offset, d.chunk + d.offset + d.length); });
    buffer::drop_train(p);
    return got;
  }
  [[nodiscard]] u32 held() const { return below.pool.chunks.in_use(); }
  [[nodiscard]] const ip::reassembly_counters& count() const { return ip.reassembly_counted(); }
};

TEMPLATE_TEST_CASE("fragments become their datagram in whatever order they come", "", copying, by_trains) {
  std::array<piece, 4> parts{piece{0, 400, true}, piece{400, 16, true}, piece{416, 584, true}, piece{1000, 400, false}};
  std::array order{0, 1, 2, 3};
  do {
    host<TestType> h;
    CAPTURE(order);
    for (u32 i = 0; i < 3; ++i) CHECK_FALSE(h.in(parts[static_cast<std::size_t>(order[i])]));
    CHECK(h.held() == 3);
    const auto got = h.in(parts[static_cast<std::size_t>(order[3])]);
    REQUIRE(got);
    CHECK(*got == h.whole);
    CHECK(h.held() == 0);
    CHECK((h.count().reasm_reqds == 4 && h.count().reasm_oks == 1 && h.ip.counted().in_delivers == 1));
    CHECK(h.count().reasm_copied == (buffer::may_be_trains<TestType> ? 0 : 1));
  } while (std::next_permutation(order.begin(), order.end()));
}

TEMPLATE_TEST_CASE("an exact copy of a fragment is passed over", "", copying, by_trains) {
  host<TestType> h;
  CHECK_FALSE(h.in({0, 800, true}));
  CHECK_FALSE(h.in({0, 800, true}));
  CHECK(h.held() == 1);
  CHECK(h.ip.counted().reasm_fails == 1);
  CHECK(h.in({800, 600, false}) == h.whole);
}

TEMPLATE_TEST_CASE("fragments that overlap end their datagram, and what comes of it later is dropped (RFC 5722)", "", copying, by_trains) {
  const piece overlapping[][2] = {{{0, 800, true}, {792, 608, false}}, {{0, 800, true}, {0, 808, true}},    {{0, 800, true}, {8, 16, true}},
                                  {{800, 600, false}, {0, 808, true}}, {{800, 8, true}, {792, 600, true}},  {{800, 600, false}, {800, 608, true}},
                                  {{800, 600, false}, {800, 608, false}}, {{800, 608, true}, {800, 600, false}}, {{800, 600, false}, {1400, 8, true}}};
  for (const auto& [first, second] : overlapping) {
    CAPTURE(first.offset, first.size, second.offset, second.size);
    host<TestType> h;
    CHECK_FALSE(h.in(first));
    CHECK_FALSE(h.in(second));
    CHECK(h.held() == 0);
    CHECK(h.count().reasm_overlaps == 1);
    CHECK(h.ip.counted().reasm_fails == 2);
    CHECK_FALSE(h.in({0, 800, true}));
    CHECK_FALSE(h.in({800, 600, false}));
    CHECK(h.held() == 0);
    CHECK_FALSE(h.in({0, 800, true, 2}));  // another one is not its affair
    CHECK(h.in({800, 600, false, 2}) == h.whole);
    h.now = h.now + duration<milliseconds32>::from_ms(30'000);
    const u32 fails = h.ip.counted().reasm_fails;
    h.ip.advance(h.below, h.now);  // its place is free again; what was dropped was counted
    CHECK(h.ip.counted().reasm_fails == fails);
    CHECK_FALSE(h.ip.next_deadline());
  }
}

TEST_CASE("a fragment that cannot be one is dropped: not a multiple of eight, empty, beyond 65,535 bytes") {
  host<copying> h;
  CHECK_FALSE(h.in({0, 801, true}));
  CHECK_FALSE(h.in({0, 0, true}));
  CHECK_FALSE(h.in({8, 0, false}));
  CHECK_FALSE(h.in({65'528, 8, false}));
  CHECK(h.ip.counted().reasm_fails == 4);
  CHECK(h.held() == 0);
  CHECK_FALSE(h.ip.next_deadline());
}

TEMPLATE_TEST_CASE("what is not whole within thirty seconds is dropped, and its sender told if the first fragment came (RFC 792)", "", copying, by_trains) {
  host<TestType> h;
  CHECK_FALSE(h.in({0, 800, true, 1}));
  h.now = h.now + duration<milliseconds32>::from_ms(1000);
  CHECK_FALSE(h.in({800, 600, false, 2}));
  REQUIRE(h.ip.next_deadline());
  CHECK(h.ip.next_deadline()->since(h.now).in_ms() == 29'000);
  h.now = h.now + duration<milliseconds32>::from_ms(28'999);
  CHECK_FALSE(h.ip.is_due(h.now));
  h.now = h.now + duration<milliseconds32>::from_ms(1);
  CHECK(h.ip.is_due(h.now));
  h.ip.advance(h.below, h.now);
  CHECK(h.count().reasm_timeout == 1);
  CHECK(h.held() == 1);
  const auto told = h.below.taken();
  REQUIRE(told.size() == 1);
  const auto icmp = std::span(told[0].what).subspan(14 + 20);
  CHECK((icmp[0] == std::byte{11} && icmp[1] == std::byte{1}));
  CHECK(plain_sum(icmp) == 0xffff);
  CHECK(load_be<u16>(&icmp[8 + 4]) == 1);  // it quotes the first fragment
  REQUIRE(h.ip.next_deadline());
  CHECK(h.ip.next_deadline()->since(h.now).in_ms() == 1000);
  h.now = h.now + duration<milliseconds32>::from_ms(1000);
  h.ip.advance(h.below, h.now);
  CHECK(h.below.taken().empty());
  CHECK(h.held() == 0);
  CHECK(h.ip.counted().reasm_fails == 2);
  CHECK_FALSE(h.ip.next_deadline());
  CHECK_FALSE(h.in({800, 600, false, 1}));  // too late for the first: a new one
  CHECK(h.held() == 1);
}

TEST_CASE("a source has a quarter of the places, and all of them are for the newest") {
  host<copying> h;  // eight places
  for (u16 id = 1; id <= 5; ++id, h.now = h.now + duration<milliseconds32>::from_ms(1)) CHECK_FALSE(h.in({0, 800, true, id}));
  CHECK(h.held() == 2);
  CHECK(h.count().reasm_evicted == 3);
  CHECK(h.in({800, 600, false, 5}) == h.whole);
  CHECK(h.in({800, 600, false, 4}) == h.whole);
  for (u32 host_part = 1; host_part <= 9; ++host_part, h.now = h.now + duration<milliseconds32>::from_ms(1)) CHECK_FALSE(h.in({0, 800, true, 1, 0x0a000064 + host_part}));
  CHECK(h.held() == 8);
  CHECK(h.count().reasm_evicted == 4);
  CHECK(h.in({800, 600, false, 1, 0x0a000064 + 9}) == h.whole);
  CHECK_FALSE(h.in({800, 600, false, 1, 0x0a000064 + 1}));  // its first fragment had to go
}

TEST_CASE("receiving goes on when the pool is nearly empty: fragments are dropped") {
  host<copying> h;
  std::vector<packet> rest;
  while (h.below.pool.chunks.available() > 1) rest.push_back(h.below.pool.chunks.take_receive(0));
  CHECK_FALSE(h.in({0, 800, true}));
  CHECK(h.ip.counted().reasm_fails == 1);
  rest.clear();
  CHECK(h.held() == 0);
}

TEST_CASE("a datagram is congested if one of its fragments is (RFC 3168 5.3)") {
  host<copying> h;
  u8 ecn = 0;
  CHECK_FALSE(h.in({.offset = 0, .size = 800, .more = true, .ecn = 3}));
  CHECK(h.in({.offset = 800, .size = 600, .more = false, .ecn = 2}, &ecn));
  CHECK(ecn == 3);
  CHECK_FALSE(h.in({.offset = 0, .size = 800, .more = true, .ecn = 2}));
  CHECK(h.in({.offset = 800, .size = 600, .more = false, .ecn = 2}, &ecn));
  CHECK(ecn == 2);
  CHECK_FALSE(h.in({.offset = 0, .size = 800, .more = true, .ecn = 1}));
  CHECK(h.in({.offset = 800, .size = 600, .more = false, .ecn = 3}, &ecn));
  CHECK(ecn == 3);
  CHECK_FALSE(h.in({.offset = 0, .size = 800, .more = true, .ecn = 1}));
  CHECK(h.in({.offset = 800, .size = 600, .more = false, .ecn = 1}, &ecn));
  CHECK(ecn == 1);
  CHECK_FALSE(h.in({.offset = 0, .size = 800, .more = true}));
  CHECK(h.in({.offset = 800, .size = 600, .more = false}, &ecn));
  CHECK(ecn == 0);
}
TEMPLATE_TEST_CASE("a datagram of which some fragments know of congestion and some do not is dropped (RFC 3168 5.3)", "", copying, by_trains) {
  for (const u8 other : {u8{1}, u8{2}, u8{3}})
    for (const bool is_first : {false, true}) {
      CAPTURE(other, is_first);
      host<TestType> h;
      CHECK_FALSE(h.in({.offset = 0, .size = 800, .more = true, .ecn = is_first ? other : u8{0}}));
      CHECK_FALSE(h.in({.offset = 800, .size = 600, .more = false, .ecn = is_first ? u8{0} : other}));
      CHECK(h.held() == 0);
      CHECK(h.ip.counted().reasm_fails == 2);
      CHECK_FALSE(h.ip.next_deadline());
      CHECK_FALSE(h.in({.offset = 0, .size = 800, .more = true, .ecn = 2}));  // the next one of that name is another
      CHECK(h.in({.offset = 800, .size = 600, .more = false, .ecn = 2}) == h.whole);
    }
}

TEST_CASE("without trains a datagram that no chunk holds is dropped; with them 64 KB come up as they are") {
  host<copying> h;
  CHECK_FALSE(h.in({0, 1400, true}));
  CHECK_FALSE(h.in({1400, 1400, false}));
  CHECK(h.ip.counted().reasm_fails == 2);
  CHECK(h.held() == 0);
}

// ---- whole stacks ----
struct with_long : presets::testing { static constexpr bool long_datagrams = true; };
struct plain : presets::testing {};

/// A datagram of `size` bytes from 10.0.0.2, port 5, to our port 9, in fragments of `step`.
template <class C> void receive_datagram(u32 size, u32 step, bool is_received) {
  using net = stack<C>;
  nic::wire cable{};
  std::vector<std::byte> memory(1024 * 2048);
  auto n = std::make_unique<net>();
  (void)n->start({.nic = {cable, 0}, .memory = std::span(memory), .entropy = {1}, .mac = "02:00:00:00:00:01"_mac, .address = "10.0.0.1/24"_net});
  test::bare_peer peer(cable);
  u32 ms = 1;
  const auto poll = [&](auto&& handler) { (void)n->poll({u64{ms++} * 1'000'000}, budget{64}, handler); };
  poll(ignore_rest{});
  auto s = n->bind({.port = 9});
  REQUIRE(s);
  bytes udp = joined(bytes(8), payload_of(size));
  store_be<u16>(&udp[0], 5), store_be<u16>(&udp[2], 9), store_be<u16>(&udp[4], static_cast<u16>(udp.size()));
  bytes pseudo(12);
  store_be<u32>(&pseudo[0], 0x0a000002), store_be<u32>(&pseudo[4], 0x0a000001), store_be<u16>(&pseudo[8], 17), store_be<u16>(&pseudo[10], static_cast<u16>(udp.size()));
  store_be<u16>(&udp[6], static_cast<u16>(~plain_sum(udp, plain_sum(pseudo))));
  u32 datagrams = 0;
  for (u32 at = 0; at < udp.size(); at += step) {
    const u32 take = std::min<u32>(step, static_cast<u32>(udp.size()) - at);
    bytes f(14 + 20 + take);
    const u8 head[] = {2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 0, 0x45, 0};
    __builtin_memcpy(f.data(), head, sizeof head);
    store_be<u16>(&f[16], static_cast<u16>(20 + take)), store_be<u16>(&f[18], 77), store_be<u16>(&f[20], static_cast<u16>(at / 8 | (at + take < udp.size() ? 0x2000u : 0u)));
    f[22] = std::byte{64}, f[23] = std::byte{17};
    store_be<u32>(&f[26], 0x0a000002), store_be<u32>(&f[30], 0x0a000001);
    store_be<u16>(&f[24], static_cast<u16>(~plain_sum(std::span(f).subspan(14, 20))));
    std::copy_n(udp.begin() + at, take, f.begin() + 34);
    peer.send(f);
    poll(on{[&](typename net::datagram) { ++datagrams; }, ignore_rest{}});
  }
  CHECK(datagrams == (is_received ? 1 : 0));
  if (is_received) {
    const auto view = s->peek();
    REQUIRE(view);
    bytes got;
    if constexpr (requires { view->spans; }) {
      if (view->segment_size != 0)
        for (const auto span : view->spans) got.insert(got.end(), span.begin(), span.end());
      else got = copy_of(view->bytes);
    } else {
      got = copy_of(view->bytes);
    }
    CHECK(got == payload_of(size));
    bytes room(size);
    const auto r = s->receive(room);
    REQUIRE(r);
    CHECK((r->bytes == size && !r->truncated && r->from.port == 5));
    CHECK(room == payload_of(size));
  }
  (void)s->close();
  n->shut_down();
  CHECK(n->chunks_in_use() == 0);
}
TEST_CASE("UDP receives what came in fragments") {
  receive_datagram<plain>(1700, 1000, true);
  receive_datagram<plain>(5000, 1480, false);
  receive_datagram<with_long>(1700, 1000, true);
  receive_datagram<with_long>(5000, 1480, true);
  receive_datagram<with_long>(65'507, 1480, true);
}

TEST_CASE("UDP sends what is longer than the MTU in fragments, up to 65,507 bytes, between two stacks") {
  auto t = test::two_stacks<with_long>::make();
  auto a = t->a.bind({.port = 8});
  auto b = t->b.bind({.port = 9});
  const stack<with_long>::endpoint to{"10.0.0.2"_ip, 9};
  for (const u32 size : {1473u, 2952u, 2953u, 9000u, 65'507u}) {
    CAPTURE(size);
    const bytes sent = payload_of(size);
    const auto went = a->send_to(sent, to);
    REQUIRE(went);
    CHECK(*went == size);
    t->turns(6, ignore_rest{}, ignore_rest{});
    bytes got(70'000);
    const auto r = b->receive(got);
    REQUIRE(r);
    CHECK(r->bytes == size);
    got.resize(size);
    CHECK(got == sent);
    CHECK(t->a.chunks_in_use() == 0);
    CHECK(t->b.chunks_in_use() == 0);
  }
  CHECK(a->send_to(payload_of(65'508), to).error() == udp::send_error::too_big);
  std::vector<packet> rest;
  while (t->a.chunks().available() > with_long::limits.receive_reserve + 4) rest.push_back(t->a.chunks().take_receive(0));
  CHECK(a->send_to(payload_of(9000), to).error() == udp::send_error::would_block);
  CHECK(t->a.chunks_in_use() == rest.size());
  rest.clear();
}

/// `size` bytes of data, in fragments of `step`.
template <class C> void answers_long_echo(u32 size, u32 step) {
  nic::wire cable{};
  std::vector<std::byte> memory(1024 * 2048);
  auto n = std::make_unique<stack<C>>();
  (void)n->start({.nic = {cable, 0}, .memory = std::span(memory), .entropy = {1}, .mac = "02:00:00:00:00:01"_mac, .address = "10.0.0.1/24"_net});
  test::bare_peer peer(cable);
  u32 ms = 1;
  const auto poll = [&] { (void)n->poll({u64{ms++} * 1'000'000}, budget{64}, ignore_rest{}); };
  poll();
  bytes arp(42);
  const u8 reply[] = {2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 6, 0, 1, 8, 0, 6, 4, 0, 1, 2, 0, 0, 0, 0, 2, 10, 0, 0, 2, 0, 0, 0, 0, 0, 0, 10, 0, 0, 1};
  __builtin_memcpy(arp.data(), reply, sizeof reply);
  peer.send(arp);
  poll();
  (void)peer.receive();
  bytes icmp = joined(bytes(8), payload_of(size));
  icmp[0] = std::byte{8};
  store_be<u16>(&icmp[2], static_cast<u16>(~plain_sum(icmp)));
  for (u32 at = 0; at < icmp.size(); at += step) {
    const u32 take = std::min<u32>(step, static_cast<u32>(icmp.size()) - at);
    bytes f(34 + take);
    const u8 head[] = {2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 0, 0x45, 0};
    __builtin_memcpy(f.data(), head, sizeof head);
    store_be<u16>(&f[16], static_cast<u16>(20 + take)), store_be<u16>(&f[18], 77), store_be<u16>(&f[20], static_cast<u16>(at / 8 | (at + take < icmp.size() ? 0x2000u : 0u)));
    f[22] = std::byte{64}, f[23] = std::byte{1};
    store_be<u32>(&f[26], 0x0a000002), store_be<u32>(&f[30], 0x0a000001);
    store_be<u16>(&f[24], static_cast<u16>(~plain_sum(std::span(f).subspan(14, 20))));
    std::copy_n(icmp.begin() + at, take, f.begin() + 34);
    peer.send(f);
    poll();
  }
  bytes back;
  for (const auto& f : peer.receive()) {
    const auto h = wire::ipv4::parse(std::span(f).subspan(14));
    REQUIRE(h);
    CHECK((h->total_length <= 1500 && !h->dont_fragment && h->fragment_offset == back.size()));
    back.insert(back.end(), f.begin() + 34, f.end());
  }
  REQUIRE(back.size() == icmp.size());
  CHECK(back[0] == std::byte{0});
  CHECK(plain_sum(back) == 0xffff);
  CHECK(std::equal(back.begin() + 8, back.end(), icmp.begin() + 8));
  poll();
  CHECK(n->chunks_in_use() == 0);
}
TEST_CASE("an echo longer than the MTU is answered in fragments") {
  answers_long_echo<plain>(1700, 1480);
  answers_long_echo<with_long>(6000, 1000);  // it lies in several chunks, which end elsewhere
}

}  // namespace
