// SPDX-License-Identifier: MIT
// Tables of routes: the trie against the walk over a short array, row by row, over both families; what is full, what is taken back.
#include <strata/ip/routes.hpp>
#include <strata/ip/trie.hpp>

#include <catch2/catch_template_test_macros.hpp>
#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>

#include <memory>
#include <random>
#include <vector>

namespace {

using namespace strata;
using namespace strata::literals;

constexpr u32 rows = 600;
template <class Address> using walk = ip::linear::of<Address, rows>;
template <class Address> using trie = ip::trie<700>::of<Address, rows>;
static_assert(ip::routing_table<walk<ipv4_address>, ipv4_address> && ip::routing_table<trie<ipv4_address>, ipv4_address>);
static_assert(ip::routing_table<walk<ipv6_address>, ipv6_address> && ip::routing_table<trie<ipv6_address>, ipv6_address>);

bool same(const ip::route<ipv4_address>* a, const ip::route<ipv4_address>* b) {
  if (a == nullptr || b == nullptr) return a == b;
  return a->to == b->to && a->gateway == b->gateway && a->local == b->local && a->link == b->link && a->is_connected == b->is_connected;
}
bool same(const ip::route<ipv6_address>* a, const ip::route<ipv6_address>* b) {
  if (a == nullptr || b == nullptr) return a == b;
  return a->to == b->to && a->gateway == b->gateway && a->local == b->local && a->link == b->link && a->is_connected == b->is_connected;
}

// Addresses whose prefixes nest and collide: few values for each octet.
struct draw {
  std::mt19937 random;
  u32 operator()(u32 n) { return static_cast<u32>(random() % n); }
  u32 octet() {
    constexpr u8 some[] = {0, 1, 2, 3, 127, 128, 129, 254, 255};
    return (*this)(4) == 0 ? (*this)(256) : some[(*this)(sizeof some)];
  }
  ipv4_address v4() { return {(*this)(4) << 24 | octet() << 16 | octet() << 8 | octet()}; }
  template <class Address> Address address() {
    if constexpr (Address::bits == 32) return v4();
    else if ((*this)(2) == 0) return v4().v6();
    else return {u64{0x2001'0db8} << 32 | u64{(*this)(2)} << 24 | octet() << 8 | octet(), u64{octet()} << 56 | octet()};
  }
  template <class Address> subnet<Address> prefix() {
    const Address a = address<Address>();
    return {a, static_cast<u8>(a.is_v4() ? (*this)(33) : 3 + (*this)(126))};  // a table holds routes of one family: nothing that holds both
  }
};

template <class Address> subnet<Address> lan(u32 link) {
  if constexpr (Address::bits == 32) return {{10u << 24 | link << 16 | 1}, 16};
  else return {{u64{0xfd00} << 48 | link, 1}, 64};
}
template <class Address> Address neighbour(u32 link, u32 n) {
  Address a = lan<Address>(link).address;
  if constexpr (Address::bits == 32) a.value += 1 + n;
  else a.low += 1 + n;
  return a;
}

TEMPLATE_TEST_CASE("the trie answers what a walk over all routes answers, whatever is added, taken back and withdrawn", "", ipv4_address, ipv6_address) {
  const u32 seed = GENERATE(1u, 2u, 3u, 4u);
  CAPTURE(seed);
  draw any{std::mt19937(seed)};
  const auto t = std::make_unique<trie<TestType>>();
  const auto w = std::make_unique<walk<TestType>>();
  const auto ask_both = [&](const TestType& a) {
    CAPTURE(a.v6().high, a.v6().low);
    if (!same(t->best(a), w->best(a))) FAIL("the tables disagree");
  };
  for (u8 link = 0; link < 4; ++link) {
    REQUIRE(t->configure(link, lan<TestType>(link)));
    REQUIRE(w->configure(link, lan<TestType>(link)));
  }
  struct row {
    subnet<TestType> to;
    TestType gateway;
    u8 link;
  };
  std::vector<row> all;
  for (u32 turn = 0; turn < 3000; ++turn) {
    switch (any(8)) {
      default: {
        const u8 link = static_cast<u8>(any(4));
        subnet<TestType> to = any.template prefix<TestType>();
        if (!all.empty() && any(8) == 0) to = all[any(static_cast<u32>(all.size()))].to;  // an equal prefix
        const row r{to, neighbour<TestType>(link, any(3)), link};
        const auto a = t->add(r.to, r.gateway, r.link);
        const auto b = w->add(r.to, r.gateway, r.link);
        REQUIRE(a.has_value() == b.has_value());
        if (a) all.push_back(r);
        break;
      }
      case 0: case 1: case 2:
        if (!all.empty()) {
          const u32 which = any(static_cast<u32>(all.size()));
          const row r = all[which];
          REQUIRE(t->remove(r.to, r.gateway, r.link));
          REQUIRE(w->remove(r.to, r.gateway, r.link));
          all.erase(all.begin() + which);
        }
        break;
      case 3:
        if (any(200) == 0) {
          const u8 link = static_cast<u8>(any(4));
          const TestType ours = lan<TestType>(link).address;
          if (any(2) == 0) t->withdraw(link), w->withdraw(link);
          else REQUIRE((t->withdraw(ours, link) && w->withdraw(ours, link) && !t->withdraw(ours, link) && !w->withdraw(ours, link)));
          std::erase_if(all, [&](const row& r) { return r.link == link; });
          REQUIRE(t->configure(link, lan<TestType>(link)));
          REQUIRE(w->configure(link, lan<TestType>(link)));
        }
        break;
    }
    REQUIRE(t->size() == w->size());
    for (u32 n = 0; n < 4; ++n) ask_both(any.template address<TestType>());
    if (!all.empty()) ask_both(all[any(static_cast<u32>(all.size()))].to.address);
    ask_both(neighbour<TestType>(any(4), any(9)));
  }
  for (const row& r : all) REQUIRE(t->remove(r.to, r.gateway, r.link));
  for (u8 link = 0; link < 4; ++link) t->withdraw(link);
  CHECK(t->size() == 0);
  CHECK(t->nodes() == 0);  // each is free again
}

TEST_CASE("an address that is taken back takes its network and the routes through that with it, and leaves the other addresses of its link") {
  const auto t = std::make_unique<trie<ipv4_address>>();
  const auto w = std::make_unique<walk<ipv4_address>>();
  const auto look = [](auto& table) {
    constexpr ipv4_address one{0x0a000001}, two{0x0a010001};
    REQUIRE(table.configure(0, {one, 24}));
    REQUIRE(table.configure(0, {two, 24}));
    REQUIRE(table.add({{0xc0000000}, 8}, {0x0a000009}, 0));
    REQUIRE(table.add({{0xc1000000}, 8}, {0x0a010009}, 0));
    CHECK(table.source_for({0x0a010007}, 0) == two);
    CHECK_FALSE(table.withdraw(one, 1));
    CHECK(table.withdraw(one, 0));
    CHECK_FALSE(table.is_ours(one));
    CHECK(table.best({0x0a000007}) == nullptr);
    CHECK(table.best({0xc0000007}) == nullptr);
    CHECK(table.source_for({0x0a000007}, 0).is_unspecified());
    CHECK(table.is_ours(two));
    REQUIRE(table.best({0xc1000007}));
    CHECK(table.best({0xc1000007})->local == two);
    CHECK(table.size() == 2);
  };
  look(*t), look(*w);
}

TEST_CASE("a trie without a row or without nodes for it says full and is what it was") {
  const auto t = std::make_unique<ip::trie<4>::of<ipv4_address, 3>>();
  REQUIRE(t->configure(0, "10.0.0.1/8"_net));
  CHECK(t->nodes() == 0);  // eight bits end in the root
  CHECK(t->add("192.0.2.1/32"_net, "10.0.0.2"_ip, 0));
  CHECK(t->nodes() == 3);
  CHECK(t->add("192.1.3.0/24"_net, "10.0.0.2"_ip, 0).error() == ip::route_error::full);  // a node for what is behind 192.1
  CHECK(t->nodes() == 3);
  CHECK(t->size() == 2);
  CHECK(t->add("192.0.2.0/25"_net, "10.0.0.3"_ip, 0));
  CHECK(t->add("0.0.0.0/0"_net, "10.0.0.2"_ip, 0).error() == ip::route_error::full);
  CHECK(t->best("192.0.2.1"_ip)->gateway == ipv4_address("10.0.0.2"_ip));
  CHECK(t->best("192.0.2.9"_ip)->gateway == ipv4_address("10.0.0.3"_ip));
  CHECK(t->best("192.0.2.200"_ip) == nullptr);
  CHECK_FALSE(t->remove("192.0.2.1/32"_net, "10.0.0.3"_ip, 0));
  CHECK_FALSE(t->remove("192.0.9.1/32"_net, "10.0.0.2"_ip, 0));
  CHECK(t->remove("192.0.2.1/32"_net, "10.0.0.2"_ip, 0));
  CHECK(t->best("192.0.2.1"_ip)->gateway == ipv4_address("10.0.0.3"_ip));
}

TEST_CASE("an address that is given again changes its prefix in the trie, or nothing changes") {
  const auto t = std::make_unique<ip::trie<3>::of<ipv4_address, 3>>();
  REQUIRE(t->configure(0, "10.0.0.1/8"_net));
  REQUIRE(t->configure(0, "10.0.0.1/16"_net));
  CHECK(t->size() == 1);
  CHECK(t->best("10.1.0.1"_ip) == nullptr);
  CHECK(t->best("10.0.1.1"_ip) != nullptr);
  CHECK(t->configure(0, "10.0.0.1/32"_net).error() == ip::route_error::full);
  CHECK(t->best("10.0.1.1"_ip) != nullptr);
  CHECK(t->is_subnet_broadcast("10.0.255.255"_ip));
  CHECK(t->configure(0, {ipv4_address("10.0.0.1"_ip), 33}).error() == ip::route_error::bad_prefix);
  CHECK(t->configure(1, "10.0.0.1/32"_net).error() == ip::route_error::full);
  CHECK(t->address_on(1).is_unspecified());
  CHECK(t->add("0.0.0.0/0"_net, "10.1.0.1"_ip, 0).error() == ip::route_error::bad_gateway);
}

TEST_CASE("a network of four addresses has a broadcast address, one of two has none") {  // RFC 3021
  const auto both = [](auto&& t) {
    REQUIRE(t.configure(0, "10.0.0.1/30"_net));
    REQUIRE(t.configure(1, "10.0.1.0/31"_net));
    CHECK(t.is_subnet_broadcast("10.0.0.3"_ip));
    CHECK_FALSE(t.is_subnet_broadcast("10.0.0.2"_ip));
    CHECK_FALSE(t.is_subnet_broadcast("10.0.1.1"_ip));
  };
  both(ip::linear::of<ipv4_address, 4>{});
  both(ip::trie<8>::of<ipv4_address, 4>{});
}

TEST_CASE("of two equal routes the older is used, in both tables, and the younger when that is taken back") {
  const auto both = [](auto&& t) {
    REQUIRE(t.configure(0, "10.0.0.1/24"_net));
    REQUIRE(t.add("0.0.0.0/0"_net, "10.0.0.2"_ip, 0));
    REQUIRE(t.add("0.0.0.0/0"_net, "10.0.0.3"_ip, 0));
    CHECK(t.best("192.0.2.1"_ip)->gateway == ipv4_address("10.0.0.2"_ip));
    CHECK(t.remove("0.0.0.0/0"_net, "10.0.0.2"_ip, 0));
    CHECK(t.best("192.0.2.1"_ip)->gateway == ipv4_address("10.0.0.3"_ip));
    CHECK(t.remove("0.0.0.0/0"_net, "10.0.0.3"_ip, 0));
    CHECK(t.best("192.0.2.1"_ip) == nullptr);
    CHECK_FALSE(t.remove("0.0.0.0/0"_net, "10.0.0.3"_ip, 0));
  };
  both(*std::make_unique<trie<ipv4_address>>());
  both(walk<ipv4_address>{});
}

}  // namespace
