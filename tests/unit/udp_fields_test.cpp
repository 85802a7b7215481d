// SPDX-License-Identifier: MIT
// What the IP header of a received datagram said: DSCP, ECN, time to live. Frames are written by hand.
#include <two_stacks.hpp>

#include <catch2/catch_test_macros.hpp>

#include "layer_below.hpp"

namespace {

using namespace strata;
using namespace strata::test;
using layer_test::plain_sum;

struct cut : presets::testing { static constexpr bool long_datagrams = true; };

template <class C> struct host {
  nic::wire cable{};
  std::vector<std::byte> memory = std::vector<std::byte>(std::size_t{C::limits.chunks} * 2048);
  stack<C> a{};
  bare_peer peer{cable};
  typename stack<C>::datagram_socket s{};

  host() {
    (void)a.start({.nic = {cable, 0}, .memory = std::span(memory), .entropy = {1}, .mac = "02:00:00:00:00:01"_mac, .address = "10.0.0.1/24"_net});
    s = *a.bind({.port = 7});
  }
  ~host() {
    (void)s.close();
    CHECK(a.chunks_in_use() == 0);
  }
  /// Eight bytes of UDP header and `more`; as fragment `from` of datagram 9, where `rest` says whether more come.
  void in(u8 tos, u8 ttl, u32 bytes, u32 from = 0, bool rest = false) {
    std::vector<std::byte> f(34 + bytes);
    const auto put = [&](std::size_t at, u32 v, u32 n) { for (u32 i = 0; i < n; ++i) f[at + i] = static_cast<std::byte>(v >> 8 * (n - 1 - i)); };
    put(0, 0x0200, 2), put(2, 1, 4), put(6, 0x0200, 2), put(8, 9, 4), put(12, 0x0800, 2);
    put(14, 0x4500u | tos, 2), put(16, 20 + bytes, 2), put(18, 9, 2), put(20, from / 8 | (rest ? 0x2000u : 0), 2), put(22, ttl, 1), put(23, 17, 1);
    put(26, 0x0a000009, 4), put(30, 0x0a000001, 4), put(24, ~plain_sum(std::span(f).subspan(14, 20)) & 0xffff, 2);
    if (from == 0) put(34, 9, 2), put(36, 7, 2), put(38, rest ? 24 : bytes, 2);
    peer.send(f);
    (void)a.poll({1'000'000}, budget{64}, ignore_rest{});
  }
};

TEST_CASE("what a datagram's IP header said can be asked as long as it is the oldest") {  // RFC 1122 §4.1.4
  auto h = std::make_unique<host<presets::testing>>();
  CHECK(h->s.fields().error() == udp::receive_error::would_block);
  h->in(46 << 2 | 1, 7, 20), h->in(0, 255, 8), h->in(3, 1, 20);
  std::byte to[64];
  CHECK(*h->s.fields() == udp::ip_fields{46, 1, 7});
  CHECK(*h->s.fields() == udp::ip_fields{46, 1, 7});
  CHECK(h->s.receive(to));
  CHECK(*h->s.fields() == udp::ip_fields{0, 0, 255});
  CHECK(h->s.consume());
  CHECK(*h->s.fields() == udp::ip_fields{0, 3, 1});
  const auto old = h->s;
  CHECK(h->s.close());
  CHECK(old.fields().error() == udp::receive_error::stale);
  CHECK(typename stack<presets::testing>::datagram_socket{}.fields().error() == udp::receive_error::stale);
}

template <class C> void of_fragments() {
  auto h = std::make_unique<host<C>>();
  h->in(10 << 2 | 2, 9, 16, 0, true), h->in(10 << 2 | 3, 8, 8, 16);
  CHECK(*h->s.fields() == udp::ip_fields{10, 3, 9});
  CHECK(h->s.consume());
  h->in(2, 9, 8, 16), h->in(2, 9, 16, 0, true);
  CHECK(*h->s.fields() == udp::ip_fields{0, 2, 9});
}
TEST_CASE("congestion that one fragment met is told of the datagram") {  // RFC 3168 §5.3
  of_fragments<presets::testing>();  // copied to be one piece
  of_fragments<cut>();               // as they came
}

struct six : presets::testing {
  using link = strata::link::raw_ip;
  using neighbour = strata::neighbour::fixed;
  using family = strata::only_v6;
  template <class C> using network = layers<strata::ip::v6<C>>;
};
TEST_CASE("an IPv6 header has them in other places") {  // RFC 8200 §3
  nic::wire cable{};
  std::vector<std::byte> memory(std::size_t{six::limits.chunks} * 2048);
  auto a = std::make_unique<stack<six>>();
  bare_peer peer{cable};
  REQUIRE(a->start({.nic = {cable, 0}, .memory = std::span(memory), .entropy = {1}, .address = "fd00::1/64"_net}) == bad_option::none);
  auto s = a->bind({.port = 7});
  std::vector<std::byte> p(48);
  p[0] = std::byte{0x6b}, p[1] = std::byte{0xaf}, p[2] = p[3] = std::byte{0xff};  // traffic class ba: DSCP 46, ECT(0)
  p[5] = std::byte{8}, p[6] = std::byte{17}, p[7] = std::byte{33};
  p[8] = p[24] = std::byte{0xfd}, p[23] = std::byte{9}, p[39] = std::byte{1}, p[41] = std::byte{9}, p[43] = std::byte{7}, p[45] = std::byte{8};
  std::vector<std::byte> pseudo(p.begin() + 8, p.begin() + 40);
  pseudo.resize(40), pseudo[35] = std::byte{8}, pseudo[39] = std::byte{17};
  const u32 sum = ~plain_sum(std::span(p).subspan(40), plain_sum(pseudo)) & 0xffff;
  p[46] = static_cast<std::byte>(sum >> 8), p[47] = static_cast<std::byte>(sum);
  peer.send(p);
  (void)a->poll({1'000'000}, budget{64}, ignore_rest{});
  REQUIRE(s->fields());
  CHECK(*s->fields() == udp::ip_fields{46, 2, 33});
  CHECK(s->consume());
}

}  // namespace
