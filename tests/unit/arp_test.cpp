// SPDX-License-Identifier: MIT
// ARP and the life of a neighbour, in virtual time, with an interface that records what it is given.
#include <strata/core/entropy.hpp>
#include <strata/neighbour/archetype.hpp>
#include <strata/neighbour/arp.hpp>
#include <strata/neighbour/fixed.hpp>

#include <catch2/catch_template_test_macros.hpp>

#include "arp_lan.hpp"

// The archetypes: compiled with the names of the contract and no others.
template class strata::neighbour::arp_cache<strata::neighbour::archetype, strata::neighbour::arp_options{}>;
template class strata::neighbour::arp_cache<strata::neighbour::archetype, strata::neighbour::least_arp>;
template class strata::neighbour::fixed::of<strata::neighbour::archetype>;

namespace {

using namespace strata;
using namespace strata::literals;
using namespace strata::layer_test;
using namespace strata::arp_test;
using neighbour::state;
using wire_test::equal;
using wire_test::hex;

template <class T> concept cache_over_archetypes = neighbour::cache<T, ipv4_address, time_point<milliseconds32>, neighbour::interface_archetype&>;
static_assert(cache_over_archetypes<neighbour::arp::of<neighbour::archetype>> && cache_over_archetypes<neighbour::fixed::of<neighbour::archetype>>);
[[maybe_unused]] void every_template(neighbour::arp::of<neighbour::archetype>& a, neighbour::fixed::of<neighbour::archetype>& f, neighbour::interface_archetype& b, packet p) {
  (void)a.resolve(b, {}, {}), (void)a.hold(b, {}, std::move(p), {}), a.on_arp(b, p, {}), a.advance(b, {});
  (void)f.resolve(b, {}, {}), (void)f.hold(b, {}, std::move(p), {}), f.on_arp(b, p, {}), f.advance(b, {});
}

// RFC 826, "Packet Generation".
constexpr auto request_for_b = hex("00 01 08 00 06 04 00 01 02 00 00 00 00 01 0a 00 00 01 00 00 00 00 00 00 0a 00 00 0b");

// MUST-20.
TEMPLATE_TEST_CASE("an entry lives through all states of RFC 4861 §7.3", "", nanoseconds64, milliseconds32) {
  lan<TestType> net;
  REQUIRE_FALSE(net.resolve(b));  // incomplete: the first request leaves at once
  CHECK(net.cache.state_of(b) == state::incomplete);
  auto out = net.taken();
  REQUIRE(out.size() == 1);
  CHECK(out[0].is_arp);
  CHECK(out[0].to == mac_address::broadcast());
  CHECK(equal(out[0].what, request_for_b));

  net.pass(500);
  net.reply_from(mac_b, b);
  CHECK(net.cache.state_of(b) == state::reachable);
  auto found = net.resolve(b);
  REQUIRE(found);
  CHECK(found->mac == mac_b);
  CHECK(found->name != 0);
  CHECK(net.changes == 0);  // no image held anything before

  net.pass(14'999);  // ReachableTime is at least half of 30 s
  CHECK(net.cache.state_of(b) == state::reachable);
  net.pass(30'002);  // and at most one and a half of it
  CHECK(net.cache.state_of(b) == state::stale);
  CHECK(net.changes == 1);  // images are built again, through resolve()
  net.pass(120'000);
  CHECK(net.cache.state_of(b) == state::stale);
  CHECK(net.taken().empty());  // nobody uses it, so nobody asks

  REQUIRE(net.resolve(b));
  CHECK(net.cache.state_of(b) == state::delay);
  net.pass(4'999);
  CHECK(net.taken().empty());
  net.pass(1);
  CHECK(net.cache.state_of(b) == state::probe);
  CHECK(net.resolve(b));  // still good to use
  net.pass(2'999);
  out = net.taken();
  REQUIRE(out.size() == 3);  // one a second, to the known address
  for (const auto& f : out) CHECK(f.to == mac_b);
  net.pass(1);
  REQUIRE((out = net.taken()).size() == 1);  // then everybody: it may have another card now
  CHECK(out[0].to == mac_address::broadcast());
  CHECK(net.resolve(b));
  net.pass(999);
  CHECK(net.taken().empty());
  CHECK(net.changes == 1);
  net.pass(1);
  CHECK(net.cache.state_of(b) == state::failed);
  CHECK(net.changes == 2);
  CHECK(net.cache.counted().res_failed == 1);
  CHECK_FALSE(net.resolve(b));
  CHECK(net.hold(b, hex("45")) == sent::unreachable);
  CHECK(net.taken().empty());  // held down
  net.pass(1'000);
  CHECK(net.cache.state_of(b) == state::none);
  CHECK_FALSE(net.cache.next_deadline());
  CHECK_FALSE(net.resolve(b));  // and asked for again
  CHECK(net.taken().size() == 1);
}

TEST_CASE("a reply to a probe makes the neighbour reachable again") {
  lan<nanoseconds64> net;
  (void)net.resolve(b);
  net.reply_from(mac_b, b);
  net.pass(46'000);
  (void)net.resolve(b);
  net.pass(5'500);
  REQUIRE(net.cache.state_of(b) == state::probe);
  net.reply_from(mac_b, b);
  CHECK(net.cache.state_of(b) == state::reachable);
  CHECK(net.changes == 1);
}

TEST_CASE("a transport that hears from the neighbour keeps it reachable without a message") {  // RFC 4861 §7.3.1
  lan<nanoseconds64> net;
  (void)net.resolve(b);
  net.reply_from(mac_b, b);
  const u16 name = net.resolve(b)->name;
  net.taken();
  for (int i = 0; i < 60; ++i) {
    net.pass(10'000);
    net.cache.confirm(name, net.now);
  }
  CHECK(net.cache.state_of(b) == state::reachable);
  CHECK(net.changes == 0);
  net.pass(46'000);
  (void)net.resolve(b);
  REQUIRE(net.cache.state_of(b) == state::delay);
  net.cache.confirm(name, net.now);
  CHECK(net.cache.state_of(b) == state::reachable);
  CHECK(net.taken().empty());
  net.cache.confirm(0, net.now);
  net.cache.confirm(999, net.now);  // a name that never was
}

TEST_CASE("who asked us first and is heard of by a transport is reachable as long as who answered") {  // RFC 4861 §7.3.1
  lan<nanoseconds64> net;
  net.in(1, mac_b, b, {}, us);
  const auto found = net.resolve(b);
  REQUIRE(found);
  net.cache.confirm(found->name, net.now);
  net.pass(14'999);
  CHECK(net.cache.state_of(b) == state::reachable);
  net.pass(30'002);
  CHECK(net.cache.state_of(b) == state::stale);
}

TEST_CASE("a neighbour that never answers is asked three times, a second apart, and those who wait are told") {
  lan<nanoseconds64> net;
  CHECK(net.hold(b, hex("45 01")) == sent::queued);
  CHECK(net.hold(b, hex("45 02")) == sent::queued);
  CHECK(net.taken().size() == 1);
  net.pass(999);
  CHECK(net.taken().empty());
  for (int i = 0; i < 50; ++i) (void)net.resolve(b);  // RFC 1122 §2.3.2.1: however often it is used
  CHECK(net.taken().empty());
  net.pass(1);
  CHECK(net.taken().size() == 1);
  net.pass(1'000);
  CHECK(net.taken().size() == 1);
  CHECK(net.lost.empty());
  net.pass(1'000);
  CHECK(net.taken().empty());
  CHECK(net.cache.state_of(b) == state::failed);
  REQUIRE(net.lost.size() == 2);
  CHECK(equal(net.lost[0], hex("45 01")));
  CHECK(equal(net.lost[1], hex("45 02")));
  CHECK(net.cache.counted().requests_sent == 3);
  CHECK(net.changes == 0);  // no image held it
}

TEST_CASE("packets that wait leave at once and in order when the answer comes") {
  lan<nanoseconds64> net;
  for (int i = 0; i < 3; ++i) {
    const std::byte one[] = {static_cast<std::byte>(i)};
    CHECK(net.hold(b, one) == sent::queued);
  }
  net.taken();
  net.reply_from(mac_b, b);
  const auto out = net.taken();
  REQUIRE(out.size() == 3);
  for (u8 i = 0; i < 3; ++i) {
    CHECK_FALSE(out[i].is_arp);
    CHECK(out[i].to == mac_b);
    CHECK(out[i].what[0] == static_cast<std::byte>(i));
  }
  CHECK(net.hold(b, hex("07")) == sent::sent);  // known now: it does not wait
  CHECK(net.taken().size() == 1);
}

TEST_CASE("the queue of a neighbour drops its oldest packet when it is full, and counts it") {
  lan<nanoseconds64> net;
  for (int i = 0; i < 5; ++i) {
    const std::byte one[] = {static_cast<std::byte>(i)};
    CHECK(net.hold(b, one) == sent::queued);
  }
  CHECK(net.cache.counted().unres_discards == 2);
  CHECK(net.pool.chunks.in_use() == 3);
  net.taken();
  net.reply_from(mac_b, b);
  const auto out = net.taken();
  REQUIRE(out.size() == 3);
  CHECK(out[0].what[0] == std::byte{2});
}

TEST_CASE("a packet of a send queue waits as a second owner of the same bytes") {
  lan<nanoseconds64> net;
  packet queued = net.pool.outgoing(hex("45 00"));
  queued.become(buffer::owner::send_queue);
  CHECK(net.cache.hold(net.below(), b, queued.share(buffer::owner::application), net.now) == sent::queued);
  CHECK_FALSE(queued.writable());
  net.reply_from(mac_b, b);
  CHECK(queued.writable());
}

TEST_CASE("a request for our address is answered, and its sender becomes stale") {  // RFC 826, RFC 4861 §7.2.3
  lan<nanoseconds64> net;
  net.in(1, mac_b, b, {}, us);
  const auto out = net.taken();
  REQUIRE(out.size() == 1);
  CHECK(out[0].to == mac_b);
  CHECK(equal(out[0].what, hex("00 01 08 00 06 04 00 02 02 00 00 00 00 01 0a 00 00 01 02 00 00 00 00 0b 0a 00 00 0b")));
  CHECK(net.cache.state_of(b) == state::stale);
  CHECK(net.cache.counted().requests_received == 1);
  CHECK(net.cache.counted().replies_sent == 1);
  REQUIRE(net.resolve(b));
  CHECK(net.cache.state_of(b) == state::delay);
}

TEST_CASE("a request for our address from whom we wait for lets the waiting packets go") {
  lan<nanoseconds64> net;
  CHECK(net.hold(b, hex("45")) == sent::queued);
  net.taken();
  net.in(1, mac_b, b, {}, us);
  const auto out = net.taken();
  REQUIRE(out.size() == 2);
  CHECK_FALSE(out[0].is_arp);
  CHECK(net.cache.state_of(b) == state::delay);  // not confirmed: it heard us, we do not know
}

TEST_CASE("a probe for our address is answered and teaches nothing") {  // RFC 5227 §1.1
  lan<nanoseconds64> net;
  net.in(1, mac_b, {}, {}, us);
  CHECK(net.taken().size() == 1);
  CHECK(net.cache.state_of({}) == state::none);
  CHECK(net.cache.counted().conflicts == 0);
}

TEST_CASE("what strangers say to each other is passed over, unless it is about a neighbour that we have") {
  lan<nanoseconds64> net;
  net.in(1, mac_b, b, {}, c);
  net.in(1, mac_b, b, {}, b);  // gratuitous
  net.reply_from(mac_b, b);    // unasked
  CHECK(net.cache.state_of(b) == state::none);
  CHECK(net.taken().empty());

  (void)net.resolve(b);
  net.reply_from(mac_b, b);
  CHECK(net.changes == 0);
  net.in(1, mac_b, b, {}, b);  // nothing new
  CHECK(net.cache.state_of(b) == state::reachable);
  CHECK(net.changes == 0);
  net.in(1, mac_c, b, {}, b);  // it moved to another card
  CHECK(net.cache.state_of(b) == state::stale);
  CHECK(net.changes == 1);
  CHECK(net.resolve(b)->mac == mac_c);
}

TEST_CASE("an ARP message that is not sound, or not from a single host, changes nothing and is counted") {
  lan<nanoseconds64> net;
  (void)net.resolve(b);
  net.reply_from(mac_b, b);
  net.taken();
  net.in(request_for_b.first(27));
  net.in(request_for_b.with(1, 6));     // IEEE 802 hardware
  net.in(request_for_b.with(2, 0x86));  // another protocol
  net.in(request_for_b.with(4, 8));
  net.in(request_for_b.with(5, 16));
  CHECK(net.cache.counted().malformed == 5);
  net.in(1, mac_address::broadcast(), b, {}, us);
  net.in(2, "01:00:5e:00:00:01"_mac, b, our_mac, us);
  net.in(2, {}, b, our_mac, us);
  net.in(1, mac_c, {0xe0000001}, {}, us);
  net.in(1, mac_c, {0xffffffff}, {}, us);
  net.in(1, mac_c, {0x7f000001}, {}, us);
  CHECK(net.cache.counted().refused == 6);
  net.in(1, mac_c, us, {}, us);
  CHECK(net.cache.counted().conflicts == 1);
  net.in(1, our_mac, us, {}, c);  // our own, come back
  CHECK(net.cache.counted().conflicts == 1);
  CHECK(net.taken().empty());
  CHECK(net.resolve(b)->mac == mac_b);
}

TEST_CASE("a full table gives the longest unused stale entry to a newcomer, and none that is in use to a stranger") {
  lan<nanoseconds64> net;  // four entries
  const auto host = [](u32 n) { return ipv4_address{0x0a000100 + n}; };
  for (u32 i = 0; i < 4; ++i) net.in(1, mac_b, host(i), {}, us);
  (void)net.resolve(host(0));  // in use: delay
  net.in(1, mac_b, host(4), {}, us);
  CHECK(net.cache.state_of(host(0)) == state::delay);
  CHECK(net.cache.state_of(host(1)) == state::none);
  CHECK(net.cache.state_of(host(4)) == state::stale);
  CHECK(net.cache.counted().forced_gc_runs == 1);
  for (const u32 i : {2u, 3u, 4u}) (void)net.resolve(host(i));
  net.in(1, mac_b, host(5), {}, us);  // answered, but not remembered
  CHECK(net.cache.state_of(host(5)) == state::none);
  CHECK(net.cache.counted().table_fulls == 1);
  CHECK(net.cache.counted().replies_sent == 6);
  CHECK(net.changes == 0);

  CHECK(net.hold(host(6), hex("45")) == sent::queued);  // we may: the longest unused goes, and images that hold it with it
  CHECK(net.cache.state_of(host(0)) == state::none);
  CHECK(net.changes == 1);
  CHECK(net.hold(host(7), hex("46")) == sent::queued);  // then who did not answer yet goes before those who are there
  CHECK(net.cache.state_of(host(6)) == state::none);
  for (const u32 i : {2u, 3u, 4u}) CHECK(net.cache.state_of(host(i)) == state::delay);
  CHECK(net.changes == 1);
  CHECK(net.lost.empty());  // nobody said that it is not there
  CHECK(net.cache.counted().unres_discards == 1);
}

TEST_CASE("in a table of neighbours that are all reachable we find a place, and a stranger finds none") {
  lan<nanoseconds64> net;  // four entries
  const auto host = [](u32 n) { return ipv4_address{0x0a000100 + n}; };
  for (u32 i = 0; i < 4; ++i) {
    (void)net.resolve(host(i));
    net.pass(10);
    net.reply_from(mac_b, host(i));
    CHECK(net.cache.state_of(host(i)) == state::reachable);
  }
  net.in(1, mac_b, host(4), {}, us);
  CHECK(net.cache.state_of(host(4)) == state::none);
  CHECK(net.cache.counted().table_fulls == 1);
  CHECK_FALSE(net.resolve(host(5)));
  CHECK(net.cache.state_of(host(5)) == state::incomplete);
  CHECK(net.cache.counted().forced_gc_runs == 1);
  CHECK(net.changes == 1);  // an image may hold the one that went
}

TEST_CASE("a flood of strangers fills the table to its limit and leaves the work bounded") {
  lan<nanoseconds64, 64> net;
  entropy::seeded r{11};
  INFO("seed 11");
  for (int i = 0; i < 5000; ++i) {
    net.in(1, mac_b, {0x0a010000 + static_cast<u32>(r.below(4000))}, {}, us);
    net.taken();
    if (i % 100 == 0) net.pass(100);
  }
  CHECK(net.cache.counted().requests_received == 5000);
  CHECK(net.cache.counted().table_fulls == 0);
  (void)net.resolve(b);  // and we still get in
  net.reply_from(mac_b, b);
  CHECK(net.resolve(b));
}

TEST_CASE("without a chunk the request is counted as not sent and tried again a second later") {
  lan<nanoseconds64> net;
  std::vector<packet> all;
  while (packet p = net.pool.chunks.take(0)) all.push_back(std::move(p));
  CHECK_FALSE(net.resolve(b));
  CHECK(net.cache.counted().no_chunk == 1);
  all.clear();
  net.pass(1'000);
  CHECK(net.taken().size() == 1);
}

TEST_CASE("waiting packets that find the ring full are counted as discarded") {
  lan<nanoseconds64> net;
  CHECK(net.hold(b, hex("45")) == sent::queued);
  net.answer = sent::full;
  net.reply_from(mac_b, b);
  CHECK(net.cache.counted().unres_discards == 1);
}

TEST_CASE("clear forgets everybody, drops what waits and can start again") {
  lan<nanoseconds64> net;
  (void)net.hold(b, hex("45"));
  (void)net.hold(c, hex("45"));
  net.cache.clear(net.pool.chunks);
  CHECK(net.pool.chunks.in_use() == 0);
  CHECK(net.cache.state_of(b) == state::none);
  CHECK_FALSE(net.cache.next_deadline());
  CHECK_FALSE(net.resolve(b));
  net.reply_from(mac_b, b);
  CHECK(net.resolve(b));
}

TEST_CASE("the places of those who failed, and of those who were forgotten, are used again, each as if for the first time") {
  lan<nanoseconds64> net;  // four entries
  const auto host = [](u32 n) { return ipv4_address{0x0a000100 + n}; };
  for (u32 round = 0; round < 3; ++round) {
    for (u32 i = 0; i < 4; ++i) CHECK_FALSE(net.resolve(host(10 * round + i)));
    for (int asked = 0; asked < 3; ++asked) {
      CHECK(net.taken().size() == 4);
      CHECK_FALSE(net.cache.is_due(net.now));
      net.pass(1'000);
    }
    for (u32 i = 0; i < 4; ++i) CHECK(net.cache.state_of(host(10 * round + i)) == state::failed);
    CHECK(net.taken().empty());
    net.pass(1'000);
    for (u32 i = 0; i < 4; ++i) CHECK(net.cache.state_of(host(10 * round + i)) == state::none);
  }
  net.cache.clear(net.pool.chunks);
  for (u32 i = 0; i < 4; ++i) {
    (void)net.resolve(host(i));
    net.reply_from({2, 0, 0, 0, 1, static_cast<u8>(i)}, host(i));
  }
  for (u32 i = 0; i < 4; ++i) {
    const auto found = net.resolve(host(i));
    REQUIRE(found);
    CHECK(found->mac == mac_address{2, 0, 0, 0, 1, static_cast<u8>(i)});
  }
  CHECK(net.cache.counted().forced_gc_runs == 0);
  CHECK(net.cache.counted().table_fulls == 0);
}

TEST_CASE("as many fragments may wait as the queue has places") {
  lan<nanoseconds64> net;
  CHECK(net.cache.may_wait(b, 3));
  CHECK_FALSE(net.cache.may_wait(b, 4));
  (void)net.hold(b, hex("45"));
  CHECK(net.cache.may_wait(b, 2));
  CHECK_FALSE(net.cache.may_wait(b, 3));
  CHECK(net.cache.counted().unres_refused == 2);
}

TEST_CASE("ReachableTime is drawn anew, between half and one and a half of 30 s") {  // RFC 4861 §6.3.2
  u32 shortest = 60'000, longest = 0;
  for (u32 seed = 0; seed < 40; ++seed) {
    lan<milliseconds32> net;
    net.random_words.state = seed;
    (void)net.resolve(b);
    net.reply_from(mac_b, b);
    const auto d = net.cache.next_deadline();
    REQUIRE(d);
    u32 ms = 0;
    while (net.cache.state_of(b) == state::reachable && ms <= 46'000) net.pass(250), ms += 250;
    shortest = ms < shortest ? ms : shortest;
    longest = ms > longest ? ms : longest;
  }
  CHECK(shortest >= 15'000);
  CHECK(shortest < 20'000);
  CHECK(longest > 40'000);
  CHECK(longest <= 45'250);
}

TEST_CASE("a neighbour cache starts as zeros: it may lie in .bss") {
  static constinit neighbour::arp::of<config<nanoseconds64>> cache;
  CHECK(cache.state_of(b) == state::none);
  static_assert(std::is_trivially_destructible_v<neighbour::arp::of<config<nanoseconds64>>>);
}

TEST_CASE("a fixed neighbour is everybody, broadcast until it is set, and nothing waits") {
  board net;
  neighbour::fixed::of<config<nanoseconds64>> cache;
  CHECK(cache.resolve(net, b, {})->mac == mac_address::broadcast());
  cache.set(mac_c);
  CHECK(cache.resolve(net, b, {})->mac == mac_c);
  CHECK(cache.resolve(net, b, {})->name == 0);
  CHECK(cache.hold(net, b, net.pool.outgoing(hex("45")), {}) == sent::sent);
  REQUIRE(net.out.size() == 1);
  CHECK(net.out[0].to == mac_c);
  CHECK_FALSE(cache.next_deadline());
}

}  // namespace
