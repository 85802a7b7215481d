// SPDX-License-Identifier: MIT
// A stack's own addresses on the link: probed before they are used and defended (RFC 5227), announced, taken back; and a router that answers for others.
// The first peer sees bare frames.
#include <two_stacks.hpp>

#include <catch2/catch_test_macros.hpp>

#include <optional>

namespace {

using namespace strata;
using namespace strata::test;

using neighbour::arp_of;
using neighbour::arp_options;
using neighbour::claim;
using end_at = endpoint<ipv4_address>;

struct careful : presets::testing { using neighbour = arp_of<arp_options{.conflict_detection = 2}>; };
struct careful_ms : careful { using tick = milliseconds32; };
struct loud : presets::testing { using neighbour = arp_of<arp_options{.announces = true}>; };

constexpr mac_address our_mac{{2, 0, 0, 0, 0, 1}}, mac_b{{2, 0, 0, 0, 0, 9}};
constexpr ipv4_address us{0x0a000001}, us_too{0xc0a80501}, b{0x0a000009}, router{0x0a0000fe}, far{0xc6336401};

/// One stack, 10.0.0.1 by the router 10.0.0.254, and a peer.
template <class C> struct host {
  using net = stack<C>;
  nic::wire cable{};
  std::vector<std::byte> memory = std::vector<std::byte>(std::size_t{C::limits.chunks} * 2048);
  net a{};
  bare_peer peer{cable};
  u64 ms = 5'000'000'000;  // no clock begins at zero
  std::vector<wire::arp> arp{};
  u32 conflicts = 0, others = 0;

  host() {
    (void)a.start({.nic = {cable, 0}, .memory = std::span(memory), .entropy = {1}, .mac = our_mac, .address = "10.0.0.1/24"_net, .gateway = "10.0.0.254"_ip});
  }
  void pass(u32 length) {
    struct ends {
      host& h;
      void operator()(const typename net::error& e) { e.kind == event::error_kind::address_conflict && e.link == 0 ? ++h.conflicts : ++h.others; }
      void operator()(const typename net::closed&) {}
      void operator()(const typename net::accepted&) {}
      void operator()(const typename net::connected&) {}
      void operator()(const typename net::readable&) {}
      void operator()(const typename net::writable&) {}
      void operator()(const typename net::peer_closed&) {}
      void operator()(const typename net::timer&) {}
      void operator()(const typename net::datagram&) {}
    };
    for (u32 i = 0; i <= length; i += 5) {
      (void)a.poll({static_cast<typename C::tick::rep>((ms + i) * (C::tick::per_second / 1'000))}, budget{64}, ends{*this});
      for (auto& f : peer.receive())
        if (const auto m = wire::arp::parse(std::span(f).subspan(14)); m && load_be<u16>(f.data() + 12) == 0x0806) arp.push_back(*m);
    }
    ms += length;
  }
  std::vector<wire::arp> taken() { return std::exchange(arp, {}); }
  void say(const wire::arp& m) {
    std::vector<std::byte> f(14 + wire::arp::header_size, std::byte{0xff});
    __builtin_memcpy(f.data() + 6, m.sender_mac.bytes, 6), store_be<u16>(f.data() + 12, 0x0806);
    m.emit(f.data() + 14);
    peer.send(f);
    pass(0);
  }
};
using careful_host = host<careful>;

TEST_CASE("a stack that detects conflicts uses its first address when three probes found nobody, and its gateway with it") {
  auto h = std::make_unique<careful_host>();
  CHECK(h->a.claim_of(0, us) == claim::waiting);
  h->pass(0);
  CHECK(h->arp.empty());
  auto s = h->a.bind({.port = 7});
  REQUIRE(s);
  CHECK_FALSE(s->send_to(bytes_of("too early"), end_at{b, 9}));
  h->say({wire::arp::request, mac_b, b, {}, us});
  CHECK(h->arp.empty());
  h->pass(12'000);
  const auto all = h->taken();
  REQUIRE(all.size() == 5);
  for (int i = 0; i < 3; ++i) CHECK(all[static_cast<std::size_t>(i)] == wire::arp{wire::arp::request, our_mac, {}, {}, us});
  for (int i = 3; i < 5; ++i) CHECK(all[static_cast<std::size_t>(i)] == wire::arp{wire::arp::request, our_mac, us, {}, us});
  CHECK(h->a.claim_of(0, us) == claim::held);
  CHECK(s->send_to(bytes_of("now"), end_at{far, 9}));  // by the gateway
  h->pass(0);
  CHECK(h->taken() == std::vector{wire::arp{wire::arp::request, our_mac, us, {}, router}});
  CHECK((h->conflicts == 0 && h->others == 0));
}

TEST_CASE("what a stack does with its address begins with the first time that it is told, however far that is from zero") {
  auto h = std::make_unique<host<careful_ms>>();
  h->ms = 3'000'000'000;  // beyond the horizon of the time that start() was given
  h->pass(12'000);
  CHECK(h->a.claim_of(0, us) == claim::held);
  CHECK(h->taken().size() == 5);
}

TEST_CASE("an address that somebody has is told as an error, and is never used") {
  auto h = std::make_unique<careful_host>();
  h->pass(2'000);
  h->say({wire::arp::reply, mac_b, us, our_mac, {}});
  CHECK(h->conflicts == 1);
  CHECK(h->a.claim_of(0, us) == claim::refused);
  h->taken();
  h->pass(20'000);
  h->say({wire::arp::request, mac_b, b, {}, us});
  CHECK(h->taken().empty());
  CHECK(h->conflicts == 1);
  CHECK(h->a.add_address(0, "10.0.0.77/24"_net));  // another one
  h->pass(12'000);
  CHECK(h->a.claim_of(0, {0x0a00004d}) == claim::held);
  CHECK(h->taken().size() == 5);
}

TEST_CASE("an address that somebody takes is defended, and lost when he does not stop") {
  auto h = std::make_unique<careful_host>();
  h->pass(12'000);
  h->taken();
  auto s = h->a.bind({.port = 7});
  REQUIRE(s);
  h->say({wire::arp::request, mac_b, us, {}, b});
  CHECK(h->taken() == std::vector{wire::arp{wire::arp::request, our_mac, us, {}, us}});
  CHECK(h->conflicts == 0);
  CHECK(s->send_to(bytes_of("still"), end_at{b, 9}));
  const u32 before = h->a.generation();
  h->say({wire::arp::request, mac_b, us, {}, b});
  CHECK(h->conflicts == 1);
  CHECK(h->a.claim_of(0, us) == claim::lost);
  CHECK(h->a.generation() != before);  // no header image has it any more
  CHECK_FALSE(s->send_to(bytes_of("gone"), end_at{b, 9}));
  CHECK_FALSE(s->send_to(bytes_of("gone"), end_at{far, 9}));  // nor the way by the gateway
  h->taken();
  h->say({wire::arp::request, mac_b, b, {}, us});
  CHECK(h->taken().empty());
  CHECK(h->others == 0);
}

TEST_CASE("addresses to find out about have places, and give them back when they are removed") {
  auto h = std::make_unique<careful_host>();
  CHECK(h->a.add_address(0, "10.0.0.2/24"_net));
  const auto third = h->a.add_address(0, "10.0.0.3/24"_net);
  REQUIRE_FALSE(third);
  CHECK(third.error() == ip::route_error::full);
  const auto bad = h->a.add_address(0, "224.0.0.1/24"_net);
  REQUIRE_FALSE(bad);
  CHECK(bad.error() == ip::route_error::bad_prefix);
  CHECK(h->a.remove_address(0, {0x0a000002}));
  CHECK_FALSE(h->a.remove_address(0, {0x0a000002}));
  CHECK_FALSE(h->a.remove_address(1, us));
  CHECK(h->a.add_address(0, "10.0.0.3/24"_net));
  h->pass(12'000);
  CHECK(h->a.claim_of(0, {0x0a000003}) == claim::held);
  CHECK(h->a.claim_of(0, {0x0a000002}) == claim::none);
  CHECK(h->a.claim_of(1, us) == claim::none);
  CHECK(h->a.add_address(0, "10.0.0.3/16"_net));  // ours already: another prefix
  CHECK(h->a.claim_of(0, {0x0a000003}) == claim::held);
  h->a.shut_down();
  CHECK(h->a.claim_of(0, us) == claim::none);
}

TEST_CASE("addresses are announced once when a stack starts and when one is added, and a removed one is not answered for") {  // Linux: arp_notify
  auto h = std::make_unique<host<loud>>();
  h->pass(0);
  CHECK(h->taken() == std::vector{wire::arp{wire::arp::request, our_mac, us, {}, us}});
  CHECK(h->a.add_address(0, "192.168.5.1/24"_net));
  h->pass(5'000);
  CHECK(h->taken() == std::vector{wire::arp{wire::arp::request, our_mac, us_too, {}, us_too}});
  h->say({wire::arp::request, mac_b, {0xc0a80509}, {}, us_too});
  CHECK(h->taken().size() == 1);
  CHECK(h->a.remove_address(0, us_too));
  CHECK_FALSE(h->a.remove_address(0, us_too));
  h->say({wire::arp::request, mac_b, {0xc0a80509}, {}, us_too});
  CHECK(h->taken().empty());
  h->say({wire::arp::request, mac_b, b, {}, us});
  CHECK(h->taken().size() == 1);
}

// ---- a router between two networks ----
struct lan : presets::testing { using neighbour = arp_of<arp_options{.proxies = true}>; };
struct wan : presets::testing {};
struct proxy : presets::testing {
  static constexpr bool forwards = true;
  template <class C> using interfaces = strata::interfaces<strata::interface<lan>, strata::interface<wan>>;
};

TEST_CASE("a router with proxy ARP on one link answers there for who is on the other, and not the other way") {  // RFC 1027
  nic::wire left{}, right{};
  std::vector<std::byte> memory(std::size_t{proxy::limits.chunks} * 2048);
  auto r = std::make_unique<stack<proxy>>();
  (void)r->start({.memory = std::span(memory), .entropy = {1}, .interfaces = {{.nic = {left, 0}, .mac = our_mac, .address = "10.0.0.1/24"_net},
                                                                              {.nic = {right, 0}, .mac = our_mac, .address = "172.16.0.1/24"_net}}});
  bare_peer l(left), w(right);
  const auto ask = [&](bare_peer& from, ipv4_address who, ipv4_address whom) {
    std::vector<std::byte> f(14 + wire::arp::header_size, std::byte{0xff});
    __builtin_memcpy(f.data() + 6, mac_b.bytes, 6), store_be<u16>(f.data() + 12, 0x0806);
    wire::arp{wire::arp::request, mac_b, who, {}, whom}.emit(f.data() + 14);
    from.send(f);
    (void)r->poll({1'000'000}, budget{64}, ignore_rest{});
    const auto all = from.receive();
    return all.size() == 1 ? wire::arp::parse(std::span(all[0]).subspan(14)) : std::nullopt;
  };
  constexpr ipv4_address behind{0xac100005};
  CHECK(ask(l, b, behind) == wire::arp{wire::arp::reply, our_mac, behind, mac_b, b});
  CHECK_FALSE(ask(l, b, {0x0a000063}));  // on that link itself
  CHECK_FALSE(ask(l, b, far));           // nowhere
  CHECK_FALSE(ask(l, b, {0xac1000ff}));  // everybody there
  CHECK_FALSE(ask(w, behind, b));
  CHECK(ask(w, behind, us) == wire::arp{wire::arp::reply, our_mac, us, mac_b, behind});  // ours, as Linux has it
}

}  // namespace
