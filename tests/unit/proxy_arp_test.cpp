// SPDX-License-Identifier: MIT
// A router that answers ARP for others (RFC 1027).
#include "lan_host.hpp"

namespace {

using namespace strata;
using namespace strata::test;

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
