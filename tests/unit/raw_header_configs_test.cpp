// SPDX-License-Identifier: MIT
// Packets whose IPv4 header the application wrote, in other Configs: under a permission policy, a firewall, rules, beside groups, in both families.
#include <strata/ip/filter.hpp>

#include "raw_header.hpp"

namespace {

using namespace strata;
using namespace strata::raw_header_test;

/// Refuses what it is told, and remembers.
struct gate {
  static constexpr bool is_open = false;
  bool is_shut = false;
  permission::request<ipv4_address> last{};
  bool allows(const permission::request<ipv4_address>& r) { return last = r, !is_shut; }
};
struct guarded : with_raws { using permission = gate; };
TEST_CASE("who may not send may not send with a header of his own either") {
  auto h = made<guarded>();
  const auto s = h->opened();
  h->a.permission().is_shut = true;
  CHECK(s.send_to(written{}.bytes(), near_by).error() == raw::send_error::not_permitted);
  CHECK((h->a.permission().last.what == permission::call::send_to && h->a.permission().last.remote.address == near_by && h->a.permission().last.protocol == 253));
  CHECK(h->left().empty());
}

constexpr u8 ways_out = static_cast<u8>(ip::point::output) | static_cast<u8>(ip::point::postrouting);
struct walled : with_raws { using hooks = ip::hooks<ip::filter_at<ways_out, "drop udp to any port 9"_rule, "drop from 192.0.2.0/24"_rule>>; };
TEST_CASE("the firewall reads the header that leaves, and the ports behind it") {
  auto h = made<walled>();
  const auto s = h->opened(17);
  const auto send = [&](written w, u8 port) {
    const char udp[] = {0x12, 0x34, 0, static_cast<char>(port), 0, 8, 0, 0};
    w.protocol = 17, w.text = "";
    octets b = w.bytes();
    for (const char c : udp) b.push_back(static_cast<std::byte>(c));
    return s.send_to(b, near_by);
  };
  CHECK(send({}, 9).error() == raw::send_error::dropped);
  CHECK(send({}, 8));
  CHECK(send({.version_and_length = 0x46, .options = octets(4)}, 9).error() == raw::send_error::dropped);
  CHECK(send({.version_and_length = 0x46, .options = octets(4)}, 8));
  CHECK(send({.fragment = 3}, 9));  // a later fragment has no ports
  CHECK(send({.from = "192.0.2.7"_ip}, 8).error() == raw::send_error::dropped);
  CHECK(h->left().size() == 3);
}

struct in_groups : with_raws {
  static constexpr strata::limits limits = [] {
    auto l = presets::testing::limits;
    l.groups = 2;
    return l;
  }();
};
TEST_CASE("a time to live of zero does not leave the host, and is heard in it") {  // RFC 1112 §6.1
  auto h = made<in_groups>();
  const auto s = h->opened(), hears = *h->a.open_raw({.protocol = 253});
  REQUIRE(h->a.join({.group = group, .source = at_a}));
  (void)h->left();
  const auto is_heard = [&] {
    const octets text = next_of(hears);
    (void)next_of(s);
    return text_of(text) == "payload";
  };
  REQUIRE(s.send_to(written{.to = group, .ttl = 0}.bytes(), group));
  CHECK(h->left().empty());
  CHECK(is_heard());
  REQUIRE(s.send_to(written{.to = group, .ttl = 5}.bytes(), group));
  CHECK(h->left().size() == 1);
  CHECK(is_heard());
  REQUIRE(s.send_to(written{.to = group, .from = "10.0.0.5"_ip}.bytes(), group));  // of another source than is wanted
  CHECK(h->left().size() == 1);
  CHECK_FALSE(is_heard());
  REQUIRE(s.set(raw::option::multicast_loop{multicast::loop::off}));
  CHECK(*s.send_to(written{.to = group, .ttl = 0}.bytes(), group) == 27);
  REQUIRE(s.send_to(written{.to = group, .ttl = 5}.bytes(), group));
  CHECK(h->left().size() == 1);
  CHECK_FALSE(is_heard());
  REQUIRE(s.send_to(written{.ttl = 0}.bytes(), near_by));  // to somebody alone it is sent, as Linux does
  CHECK(h->left().size() == 1);
  CHECK(h->left().empty());
  CHECK(h->a.chunks_in_use() == 0);
  h->a.shut_down();

  auto without = made();
  const auto r = without->opened();
  CHECK(*r.send_to(written{.to = group, .ttl = 0}.bytes(), group) == 27);
  CHECK(without->left().empty());
  REQUIRE(r.send_to(written{.to = group, .ttl = 1}.bytes(), group));
  CHECK(without->left().size() == 1);
}

struct of_both : with_raws {
  using link = strata::link::raw_ip;
  using neighbour = strata::neighbour::fixed;
  using family = strata::dual;
  using header_image = strata::header_image::built;
  template <class C> using network = layers<strata::ip::v4<C>, strata::ip::v6<C>>;
};
struct only_six : of_both {
  using family = strata::only_v6;
  template <class C> using network = layers<strata::ip::v6<C>>;
};
template <class C> concept writes_headers = requires(typename stack<C>::raw_socket s, raw::option::header_included o) { s.set(o); s.template get<raw::option::header_included>(); };
static_assert(writes_headers<with_raws> && writes_headers<of_both> && !writes_headers<only_six>);
TEST_CASE("where both families are only IPv4's header is the application's") {
  using net = stack<of_both>;
  nic::wire cable{};
  octets memory(std::size_t{of_both::limits.chunks} * 2048);
  auto a = std::make_unique<net>();
  bare_peer peer(cable);
  REQUIRE(a->start({.nic = {cable, 0}, .memory = std::span(memory), .entropy = {1}, .address = {"10.0.0.1"_ip, 24}}) == bad_option::none);
  REQUIRE(a->add_address(0, "fd00::1/64"_net));
  const auto s = *a->open_raw({.protocol = 253});
  REQUIRE(s.set(raw::option::header_included{true}));
  CHECK(s.send_to(written{}.bytes(), "fd00::2"_ip).error() == raw::send_error::bad_header);
  REQUIRE(s.send_to(written{}.bytes(), near_by.v6()));
  REQUIRE(s.send_to(written{.from = "10.0.0.7"_ip}.bytes(), near_by.v6()));
  (void)a->poll({1'000'000}, budget{64}, ignore_rest{});
  const auto out = peer.receive();
  REQUIRE(out.size() == 2);
  CHECK((wire::ipv4::parse(out[0])->source == at_a && wire::ipv4::parse(out[1])->source == "10.0.0.7"_ip));
}

struct by_rules : with_raws { using routing = ip::ruled<2>; };
TEST_CASE("rules look at the DSCP of the written header") {
  host<by_rules> h;
  const ipv4_address far = "192.0.2.1"_ip;
  REQUIRE(h.a.add_rule({.dscp = 46, .gateway = near_by}));
  const auto s = h.opened();
  CHECK(s.send_to(written{.to = far, .tos = 46 << 2}.bytes(), far));
  CHECK(s.send_to(written{.to = far, .tos = 0}.bytes(), far).error() == raw::send_error::no_route);
  const auto left = h.left();
  REQUIRE(left.size() == 1);
  CHECK(left[0][1] == std::byte{46 << 2});
}

}  // namespace
