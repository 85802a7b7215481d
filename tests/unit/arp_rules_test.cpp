// SPDX-License-Identifier: MIT
// What ARP may be asked to do beyond the life of an entry: several addresses on a link, whose word counts, neighbours that the application knows, and a LAN that
// lies.
#include <catch2/catch_test_macros.hpp>

#include "arp_lan.hpp"

namespace {

using namespace strata;
using namespace strata::arp_test;
using wire_test::equal;
using wire_test::hex;

using neighbour::neighbour_error;

wire::arp message_of(const board::frame& f) { return wire::arp::parse(f.what).value_or(wire::arp{}); }

TEST_CASE("each of our addresses on a link is answered for, and a neighbour is asked in the name of the one in its network") {  // RFC 826
  lan<nanoseconds64> net;
  constexpr ipv4_address there{0xc0a80009};
  net.in(1, mac_b, there, {}, us_too);
  auto out = net.taken();
  REQUIRE(out.size() == 1);
  CHECK(message_of(out[0]) == wire::arp{2, our_mac, us_too, mac_b, there});
  CHECK(net.cache.state_of(there) == state::stale);
  net.in(1, mac_c, us_too, {}, us_too);  // somebody else has it
  CHECK(net.cache.counted().conflicts == 1);
  CHECK(net.taken().empty());
  (void)net.resolve({0xc0a80008});
  (void)net.resolve(b);
  out = net.taken();
  REQUIRE(out.size() == 2);
  CHECK(message_of(out[0]).sender == us_too);
  CHECK(message_of(out[1]).sender == us);
}

TEST_CASE("a neighbour that moved to another card without a word is found by the broadcast behind the probes") {  // RFC 1122 §2.3.2.1
  lan<nanoseconds64> net;
  (void)net.resolve(b);
  net.reply_from(mac_b, b);
  net.pass(46'000);
  (void)net.resolve(b);
  net.pass(8'000);
  net.reply_from(mac_c, b);
  CHECK(net.cache.state_of(b) == state::reachable);
  CHECK(net.resolve(b)->mac == mac_c);
  CHECK(net.cache.counted().res_failed == 0);
  CHECK(net.changes == 2);  // it became stale, and another
}

TEST_CASE("a neighbour for whom the table has no place among those with his hash is counted, and takes nobody's place") {
  lan<nanoseconds64, 64> net;
  auto words = net.random_words;  // the key is drawn with the first entry
  const u64 k0 = words.next(), k1 = words.next();
  std::vector<ipv4_address> alike{}, others{};
  for (u32 n = 1; alike.size() < 33 || others.size() < 32; ++n) {
    const ipv4_address a{0xc0a80100 + n};
    const u32 home = static_cast<u32>(table_hash({k0, k1}, a.value, 0)) & 127;
    if (home == 5) alike.push_back(a);
    else if (home > 64 && others.size() < 32) others.push_back(a);
  }
  for (std::size_t i = 0; i < 32; ++i) (void)net.resolve(alike[i]);
  CHECK(net.cache.counted().requests_sent == 32);
  CHECK(net.cache.counted().table_fulls == 0);
  CHECK_FALSE(net.resolve(alike[32]));
  CHECK(net.cache.state_of(alike[32]) == state::none);
  CHECK((net.cache.counted().table_fulls == 1 && net.cache.counted().requests_sent == 32));
  for (const ipv4_address a : others) (void)net.resolve(a);
  CHECK(net.cache.counted().requests_sent == 64);
  CHECK((net.cache.counted().table_fulls == 1 && net.cache.counted().forced_gc_runs == 0));
}

TEST_CASE("without broadcast probes a neighbour fails behind the third to its address") {
  lan<milliseconds32, 4, neighbour::arp_of<neighbour::least_arp>> net;
  (void)net.resolve(b);
  net.reply_from(mac_b, b);
  net.pass(46'000);
  (void)net.resolve(b);
  net.taken();
  net.pass(7'999);
  for (const auto& f : net.taken()) CHECK(f.to == mac_b);
  CHECK(net.cache.state_of(b) == state::probe);
  net.pass(1);
  CHECK(net.cache.state_of(b) == state::failed);
  CHECK(net.taken().empty());
}

TEST_CASE("of two answers that come close together the first counts, and an announcement always") {  // Linux: locktime
  lan<nanoseconds64> net;
  (void)net.resolve(b);
  net.reply_from(mac_b, b);
  net.reply_from(mac_c, b);  // a proxy, or a liar: it was slower
  CHECK(net.resolve(b)->mac == mac_b);
  CHECK(net.cache.state_of(b) == state::reachable);
  CHECK(net.cache.counted().locked == 1);
  CHECK(net.changes == 0);
  net.in(1, mac_c, b, {}, b);  // b says itself that it moved
  CHECK(net.resolve(b)->mac == mac_c);
  net.pass(999);
  net.reply_from(mac_b, b);
  CHECK(net.resolve(b)->mac == mac_c);
  CHECK(net.cache.counted().locked == 2);
  net.pass(1);
  net.reply_from(mac_b, b);
  CHECK(net.cache.counted().locked == 2);
  CHECK(net.resolve(b)->mac == mac_b);
  CHECK(net.cache.state_of(b) == state::delay);  // but who was not asked is not believed to be reachable
}

TEST_CASE("a static neighbour holds against messages, time and a full table, and leaves when it is removed") {
  lan<nanoseconds64> net;
  CHECK(net.hold(b, hex("45 01")) == sent::queued);
  net.taken();
  CHECK(net.cache.add(net.below(), b, mac_c) == neighbour_error::none);
  auto out = net.taken();
  REQUIRE(out.size() == 1);  // what waited
  CHECK(out[0].to == mac_c);
  CHECK(equal(out[0].what, hex("45 01")));
  CHECK(net.cache.state_of(b) == state::permanent);
  CHECK(net.changes == 1);
  net.reply_from(mac_b, b);
  net.in(1, mac_b, b, {}, b);
  const auto found = net.resolve(b);
  REQUIRE(found);
  CHECK(found->mac == mac_c);
  net.cache.confirm(found->name, net.now);
  net.pass(100'000);
  CHECK(net.cache.state_of(b) == state::permanent);
  CHECK_FALSE(net.cache.next_deadline());
  CHECK(net.taken().empty());
  for (u32 i = 0; i < 8; ++i) CHECK(net.hold({0x0a000100 + i}, hex("45")) == sent::queued);
  CHECK(net.cache.state_of(b) == state::permanent);

  net.changes = 0;
  CHECK(net.cache.remove(net.below(), b));
  CHECK(net.changes == 1);  // no header image sends there any more
  CHECK_FALSE(net.cache.remove(net.below(), b));
  CHECK(net.cache.state_of(b) == state::none);
  CHECK_FALSE(net.resolve(b));
}

TEST_CASE("a static neighbour that cannot be one is refused by value") {
  lan<nanoseconds64> net;
  for (const ipv4_address a : {us, us_too, ipv4_address{}, ipv4_address{0xe0000001}, ipv4_address{0xffffffff}, ipv4_address{0x7f000001}})
    CHECK(net.cache.add(net.below(), a, mac_b) == neighbour_error::bad_address);
  CHECK(net.cache.add(net.below(), b, {}) == neighbour_error::bad_address);
  CHECK(net.cache.add(net.below(), b, mac_address::broadcast()) == neighbour_error::bad_address);
  for (u32 i = 0; i < 4; ++i) CHECK(net.cache.add(net.below(), {0x0a000100 + i}, mac_b) == neighbour_error::none);
  CHECK(net.cache.add(net.below(), b, mac_b) == neighbour_error::full);
  CHECK(net.hold(b, hex("45")) == sent::dropped);
  CHECK(net.cache.counted().table_fulls == 2);
  CHECK(net.cache.add(net.below(), {0x0a000100}, mac_c) == neighbour_error::none);  // one that is there changes
  CHECK(net.resolve({0x0a000100})->mac == mac_c);
  CHECK(net.cache.remove(net.below(), {0x0a000101}));
  CHECK(net.hold(b, hex("45")) == sent::queued);
}

TEST_CASE("of those who are about to be asked the one that was not used for longest goes") {
  lan<nanoseconds64> net;
  const auto host = [](u32 n) { return ipv4_address{0x0a000100 + n}; };
  for (u32 i = 0; i < 4; ++i) net.in(1, mac_b, host(i), {}, us);
  for (const u32 i : {0u, 1u, 2u, 3u, 0u}) CHECK(net.resolve(host(i)));
  CHECK(net.hold(b, hex("45")) == sent::queued);
  CHECK(net.cache.state_of(host(0)) == state::delay);
  CHECK(net.cache.state_of(host(1)) == state::none);
  CHECK(net.cache.add(net.below(), c, mac_c) == neighbour_error::none);  // the application gets in, too: who waits for an answer goes first
  CHECK(net.cache.state_of(b) == state::none);
  for (const u32 i : {0u, 2u, 3u}) CHECK(net.cache.state_of(host(i)) == state::delay);
}

TEST_CASE("removing a neighbour drops what waits for it, and its place is used again") {
  lan<nanoseconds64> net;
  CHECK(net.hold(b, hex("45")) == sent::queued);
  CHECK(net.cache.remove(net.below(), b));
  CHECK(net.pool.chunks.in_use() == 0);
  CHECK(net.cache.counted().unres_discards == 1);
  CHECK(net.lost.empty());
  net.pass(10'000);
  CHECK(net.taken().size() == 1);  // the request of before; nobody asks on
  for (u32 i = 0; i < 4; ++i) CHECK(net.hold({0x0a000100 + i}, hex("45")) == sent::queued);
  CHECK(net.cache.counted().forced_gc_runs == 0);
}

// One host that we speak with, and then all of 10.1.0.0/16 at once: by requests, by answers that nobody asked for, by announcements, and by packets that want
// an answer.
TEST_CASE("65,536 neighbours that do not exist neither drive out one that is in use, nor make the table grow") {
  lan<nanoseconds64, 64> net;
  (void)net.resolve(b);
  net.reply_from(mac_b, b);
  const auto known = net.resolve(b);
  REQUIRE(known);
  net.pass(100);
  for (u32 i = 0; i < 0x10000; ++i) {
    const ipv4_address fake{0x0a010000 + i};
    const mac_address mac{{2, 1, 0, 0, static_cast<u8>(i >> 8), static_cast<u8>(i)}};
    net.in(1, mac, fake, {}, us);
    net.reply_from(mac, {fake.value ^ 0x8000});
    net.in(1, mac, fake, {}, fake);
    if (i % 4 == 0) (void)net.hold({fake.value ^ 0x5555}, hex("45"));  // our answer to its ping
    if (i % 1000 == 0) {
      net.pass(100);
      net.cache.confirm(known->name, net.now);  // what we send to b arrives
    }
    if (net.cache.state_of(b) != state::reachable) break;
    net.out.clear();
  }
  CHECK(net.cache.state_of(b) == state::reachable);
  CHECK(net.resolve(b)->mac == mac_b);
  CHECK(net.changes == 0);  // no header image was ever built again
  CHECK(net.lost.empty());
  CHECK(net.pool.chunks.in_use() < 64 * 3);
  CHECK(net.hold(c, hex("46")) == sent::queued);  // and somebody new is still found
  net.out.clear();
  net.reply_from(mac_c, c);
  CHECK(net.taken().size() == 1);
}

TEST_CASE("answers from all the world for one neighbour: the first is taken, and one a second may change it") {
  lan<nanoseconds64> net;
  (void)net.resolve(b);
  net.reply_from(mac_b, b);
  for (u32 i = 0; i < 1000; ++i) {
    net.reply_from({{2, 9, 0, 0, static_cast<u8>(i >> 8), static_cast<u8>(i)}}, b);
    if (i == 499) net.pass(1'000);
  }
  CHECK(net.cache.counted().locked == 999);
  CHECK(net.changes == 1);
  CHECK(net.cache.state_of(b) == state::stale);  // who was not asked is asked before long
}

TEST_CASE("who does not answer delays nobody else") {
  lan<nanoseconds64> net;
  for (u32 i = 0; i < 5; ++i) CHECK(net.hold(b, hex("45 0b")) == sent::queued);  // dead, with a full queue
  CHECK(net.hold(c, hex("45 0c")) == sent::queued);
  net.taken();
  net.reply_from(mac_c, c);
  auto out = net.taken();
  REQUIRE(out.size() == 1);
  CHECK(out[0].to == mac_c);
  CHECK(net.hold(c, hex("45 0d")) == sent::sent);
  net.pass(3'000);
  CHECK(net.cache.state_of(b) == state::failed);
  CHECK(net.lost.size() == 3);
  CHECK(net.resolve(c));
}

}  // namespace
