// SPDX-License-Identifier: MIT
// Whether an address is ours alone (RFC 5227), in virtual time; and announcements without that, and answers for others.
#include <catch2/catch_test_macros.hpp>

#include "arp_lan.hpp"

namespace {

using namespace strata;
using namespace strata::arp_test;

using neighbour::arp_of;
using neighbour::arp_options;
using neighbour::claim;

using guarded = arp_of<arp_options{.conflict_detection = 2}>;
using keeping = arp_of<arp_options{.conflict_detection = 1, .keeps_addresses = true}>;
constexpr subnet<ipv4_address> wanted{{0x0a000063}, 24};
constexpr ipv4_address it = wanted.address, router{0x0a0000fe};

wire::arp message_of(const board::frame& f) { return wire::arp::parse(f.what).value_or(wire::arp{}); }
constexpr wire::arp probe_for_it{1, our_mac, {}, {}, it}, announcement_of_it{1, our_mac, it, {}, it};

template <class Arp = guarded, class Tick = nanoseconds64> struct claiming : lan<Tick, 4, Arp> {
  bool begin(const subnet<ipv4_address>& ours = wanted) { return this->cache.claim_address(this->below(), ours, router, this->now); }
  claim is() { return this->cache.claim_of(it); }
  /// Until the address is ours and announced twice.
  void hold_it() {
    REQUIRE(begin());
    this->pass(12'000);
    REQUIRE(is() == claim::held);
    this->taken();
  }
  /// Milliseconds until a message leaves, looked at each millisecond; that message.
  wire::arp next_message(u32& ms) {
    for (ms = 0; this->out.empty() && ms < 100'000; ++ms) this->pass(1);
    const auto all = this->taken();
    REQUIRE(all.size() == 1);
    CHECK(all[0].to == mac_address::broadcast());
    return message_of(all[0]);
  }
};

TEST_CASE("an address is probed three times, is ours two seconds later, and is announced twice") {  // RFC 5227 §2.1.1, §2.3
  u32 shortest = 2'001, longest = 0, first_before = 1'001, first_after = 0;
  for (u64 seed = 1; seed <= 40; ++seed) {
    INFO("seed " << seed);
    claiming<guarded, milliseconds32> net;
    net.random_words.state = seed;
    REQUIRE(net.begin());
    CHECK(net.is() == claim::waiting);
    u32 ms = 0;
    CHECK(net.next_message(ms) == probe_for_it);
    CHECK(ms <= 1'001);
    first_before = ms < first_before ? ms : first_before, first_after = ms > first_after ? ms : first_after;
    for (int i = 0; i < 2; ++i) {
      CHECK(net.next_message(ms) == probe_for_it);
      CHECK((ms >= 1'000 && ms <= 2'000));
      shortest = ms < shortest ? ms : shortest, longest = ms > longest ? ms : longest;
    }
    CHECK(net.is() == claim::probing);
    CHECK_FALSE(net.adopted);
    CHECK(net.next_message(ms) == announcement_of_it);
    CHECK(ms == 2'000);
    CHECK(net.is() == claim::announcing);
    REQUIRE(net.adopted);
    CHECK((net.adopted->address == it && net.adopted->prefix == 24 && net.gateway == router));
    CHECK(net.next_message(ms) == announcement_of_it);
    CHECK(ms == 2'000);
    CHECK(net.is() == claim::held);
    CHECK_FALSE(net.cache.next_deadline());
    CHECK(net.conflicts == 0);
    CHECK(net.cache.counted().probes_sent == 3);
    CHECK(net.cache.counted().announcements == 2);
  }
  CHECK((first_before < 200 && first_after > 800 && shortest < 1'200 && longest > 1'800));  // at random
}

TEST_CASE("an address that is only probed for is not answered for") {
  claiming net;
  REQUIRE(net.begin());
  net.pass(3'000);
  net.taken();
  net.in(1, mac_b, b, {}, it);
  CHECK(net.taken().empty());
  CHECK(net.is() == claim::probing);  // who asks for it does not have it
  net.pass(12'000);
  net.taken();
  net.in(1, mac_b, b, {}, it);
  net.in(1, mac_c, {}, {}, it);  // and whoever probes for it later hears that it is taken (§1.1)
  const auto out = net.taken();
  REQUIRE(out.size() == 2);
  CHECK(message_of(out[1]) == wire::arp{2, our_mac, it, mac_c, {}});
  CHECK(net.is() == claim::held);
}

TEST_CASE("whoever has an address, or wants it at the same time, ends the probing") {  // RFC 5227 §2.1.1
  const auto from = [](int how, claiming<>& net) {
    if (how == 0) net.in(2, mac_b, it, our_mac, {});   // an answer
    if (how == 1) net.in(1, mac_b, it, {}, c);         // he asks for somebody else
    if (how == 2) net.in(1, mac_b, it, {}, it);        // he announces it
    if (how == 3) net.in(1, mac_b, {}, {}, it);        // he probes for it, too
  };
  for (int how = 0; how < 4; ++how)
    for (const u32 when : {0u, 500u, 4'500u}) {
      INFO("kind " << how << " after " << when << " ms");
      claiming net;
      REQUIRE(net.begin());
      net.pass(when);
      REQUIRE((net.is() == claim::waiting || net.is() == claim::probing));
      net.taken();
      from(how, net);
      CHECK(net.is() == claim::refused);
      CHECK(net.conflicts == 1);
      CHECK(net.cache.counted().conflicts == 1);
      net.pass(20'000);
      CHECK(net.taken().empty());
      CHECK_FALSE(net.adopted);
      from(how, net);
      CHECK(net.conflicts == 1);
      CHECK(net.begin());  // and one may try again
      net.pass(20'000);
      CHECK(net.is() == claim::held);
    }
  claiming net;
  REQUIRE(net.begin());
  net.in(1, our_mac, {}, {}, it);  // our own probe, come back
  net.in(2, mac_b, {}, our_mac, it);
  CHECK(net.is() == claim::waiting);
}

TEST_CASE("an address is defended once in ten seconds, and given up when the other goes on") {  // RFC 5227 §2.4 (b)
  claiming net;
  net.hold_it();
  net.in(1, mac_b, it, {}, c);
  auto out = net.taken();
  REQUIRE(out.size() == 1);
  CHECK(message_of(out[0]) == announcement_of_it);
  CHECK(net.is() == claim::defending);
  net.pass(10'000);
  CHECK(net.is() == claim::held);
  net.in(1, mac_b, it, {}, c);  // long after: once more
  CHECK(net.taken().size() == 1);
  net.pass(9'999);
  CHECK(net.conflicts == 0);
  net.in(2, mac_b, it, our_mac, us);
  CHECK(net.taken().empty());
  CHECK(net.is() == claim::lost);
  CHECK_FALSE(net.adopted);
  CHECK(net.conflicts == 1);
  CHECK(net.cache.counted().conflicts == 3);
  net.pass(60'000);
  CHECK(net.taken().empty());
  CHECK_FALSE(net.cache.next_deadline());
}

TEST_CASE("an address that is to be kept is defended once in ten seconds, however often somebody else uses it") {  // RFC 5227 §2.4 (c)
  claiming<keeping> net;
  net.hold_it();
  for (u32 i = 0; i < 3'000; ++i) {
    net.in(1, mac_b, it, {}, c);
    net.pass(10);
  }
  CHECK(net.taken().size() == 3);
  CHECK(net.adopted);
  CHECK(net.conflicts == 0);
  CHECK(net.cache.counted().conflicts == 3'000);
}

TEST_CASE("a conflict between the two announcements is answered by the second") {
  claiming net;
  REQUIRE(net.begin());
  u32 ms = 0;
  for (int i = 0; i < 4; ++i) (void)net.next_message(ms);
  REQUIRE(net.is() == claim::announcing);
  net.in(1, mac_b, it, {}, c);
  CHECK(net.taken().size() == 1);
  CHECK(net.is() == claim::defending);
  net.pass(30'000);
  CHECK(net.taken().empty());
  CHECK(net.is() == claim::held);
}

TEST_CASE("after ten conflicts a minute passes before the next address is tried") {  // RFC 5227 §2.1.1: MAX_CONFLICTS
  claiming net;
  for (int i = 0; i < 10; ++i) {
    REQUIRE(net.begin());
    net.pass(1'100);
    CHECK(net.taken().size() == 1);
    net.in(2, mac_b, it, our_mac, us);
    REQUIRE(net.is() == claim::refused);
  }
  REQUIRE(net.begin());
  net.pass(59'999);
  CHECK(net.taken().empty());
  net.pass(2);
  CHECK(net.taken().size() == 1);
  net.pass(10'000);
  CHECK(net.is() == claim::held);
  REQUIRE(net.begin({{0x0a000064}, 24}));  // that went well: no more waiting
  net.taken();
  net.pass(1'001);
  CHECK(net.taken().size() == 1);
}

TEST_CASE("addresses beyond the number of the Config are refused until one is given up, and one that the network has no room for is a conflict") {
  claiming net;
  CHECK(net.begin());
  CHECK(net.begin());  // the same: once more from the start
  CHECK(net.begin({{0x0a000064}, 24}));
  CHECK_FALSE(net.begin({{0x0a000065}, 24}));
  CHECK(net.cache.forget_claim({0x0a000064}));
  CHECK_FALSE(net.cache.forget_claim({0x0a000064}));
  CHECK(net.begin({{0x0a000065}, 24}));
  net.has_room = false;
  net.pass(12'000);
  CHECK(net.is() == claim::refused);
  CHECK(net.conflicts == 2);
  net.cache.clear(net.pool.chunks);
  CHECK(net.is() == claim::none);
}

TEST_CASE("what an address announces is a request for itself, to everybody") {  // Linux: arp_notify
  lan<nanoseconds64, 4, arp_of<arp_options{.announces = true}>> net;
  net.cache.announce(net.below(), us);
  const auto out = net.taken();
  REQUIRE(out.size() == 1);
  CHECK(out[0].to == mac_address::broadcast());
  CHECK(message_of(out[0]) == wire::arp{1, our_mac, us, {}, us});
  CHECK(net.cache.counted().announcements == 1);
}

TEST_CASE("a router answers for who is behind it, and for nobody else") {  // RFC 1027
  lan<nanoseconds64, 4, arp_of<arp_options{.proxies = true}>> net;
  constexpr ipv4_address behind{0xac100005};
  net.in(1, mac_b, b, {}, behind);
  auto out = net.taken();
  REQUIRE(out.size() == 1);
  CHECK(out[0].to == mac_b);
  CHECK(message_of(out[0]) == wire::arp{2, our_mac, behind, mac_b, b});
  CHECK(net.cache.state_of(b) == state::stale);  // he will send through us
  CHECK(net.cache.counted().proxied == 1);
  CHECK(net.cache.counted().requests_received == 0);
  net.in(1, mac_b, b, {}, c);            // on this link
  net.in(1, mac_b, {}, {}, behind);      // a probe: the address may be had here
  net.in(1, mac_c, behind, {}, behind);  // an announcement: he would take it for a conflict
  net.in(2, mac_b, b, our_mac, behind);  // no request
  net.in(1, mac_b, b, {}, {0xac1000ff + 0x100});
  CHECK(net.taken().empty());
  CHECK(net.cache.counted().proxied == 1);
}

}  // namespace
