// SPDX-License-Identifier: MIT
// A source may have so many connections at a time; each end of one is seen, and forgotten ones end by themselves.
#include <strata/ip/connection_limit.hpp>
#include <strata/strata.hpp>

#include <catch2/catch_test_macros.hpp>

#include <memory>

#include <two_stacks.hpp>

namespace {

using namespace strata;
using namespace strata::literals;
using limit = ip::connection_limit<"drop tcp to any port 80"_rule, 2, 4>;
using hook = limit::of<presets::testing>;
static_assert(ip::hook<hook, ipv4_address, time_point<nanoseconds64>>);

struct gate {
  hook h{};
  time_point<nanoseconds64> now{1'000'000};
  packet none{};
  bool passes(u8 flags, u32 from, u16 port, u16 to_port = 80) {
    return h.on({.protocol = 6, .has_ports = true, .tcp_flags = flags, .source = {from}, .destination = {9}, .source_port = port, .destination_port = to_port}, none, now) == ip::verdict::accept;
  }
  bool comes_back(u8 flags, u32 to, u16 port) {
    return h.on({.protocol = 6, .has_ports = true, .tcp_flags = flags, .source = {9}, .destination = {to}, .source_port = 80, .destination_port = port}, none, now) == ip::verdict::accept;
  }
};
constexpr u8 fin = 0x11, syn = 2, rst = 4, syn_ack = 0x12, ack = 0x10;

TEST_CASE("a source has its share of connections, and nobody another's") {
  gate g;
  CHECK((g.passes(syn, 1, 1000) && g.passes(syn, 1, 1001)));
  CHECK_FALSE(g.passes(syn, 1, 1002));
  CHECK(g.passes(syn, 1, 1000));            // sent again
  CHECK(g.passes(syn, 1, 1002, 443));       // of another kind
  CHECK((g.passes(ack, 1, 1002) && g.passes(syn_ack, 1, 1002)));
  CHECK(g.passes(syn, 2, 1000));
  CHECK(g.passes(syn, 3, 1000));
  CHECK_FALSE(g.passes(syn, 4, 1000));      // all four
  CHECK((g.h.counted().opened == 4 && g.h.counted().over_limit == 1 && g.h.counted().table_full == 1 && g.h.connections() == 4));
}

TEST_CASE("a connection ends with a FIN of each end, with one RST, or after two hours") {
  gate g;
  CHECK((g.passes(syn, 1, 1000) && g.passes(syn, 1, 1001)));
  CHECK(g.passes(fin, 1, 1000));
  CHECK(g.passes(fin, 1, 1000));
  CHECK_FALSE(g.passes(syn, 1, 1002));      // the other end goes on
  CHECK(g.comes_back(fin, 1, 1000));
  CHECK(g.passes(syn, 1, 1002));
  CHECK_FALSE(g.passes(syn, 1, 1003));
  CHECK(g.comes_back(rst, 1, 1001));
  CHECK(g.passes(syn, 1, 1003));
  CHECK(g.comes_back(rst, 1, 9999));        // of none
  CHECK_FALSE(g.passes(syn, 1, 1004));
  g.now = g.now + hook::lifetime();
  CHECK(g.passes(syn, 1, 1004));
  CHECK(g.h.connections() == 1);
}

struct limited : presets::testing { using hooks = ip::hooks<ip::connection_limit<"drop tcp to any port 80"_rule, 2>>; };
TEST_CASE("a server behind a limit accepts two connections of a client, and a third when one has ended") {
  auto t = test::two_stacks<limited>::make();
  using net = stack<limited>;
  REQUIRE(t->b.listen({.port = 80}));
  u32 connected = 0;
  const auto h = on{[&](net::connected) { ++connected; }, ignore_rest{}};
  const auto close = on{[](net::peer_closed e) { (void)e.stream.close(); }, ignore_rest{}};
  const auto first = t->a.connect({.remote = {"10.0.0.2"_ip, 80}});
  REQUIRE((first && t->a.connect({.remote = {"10.0.0.2"_ip, 80}}) && t->a.connect({.remote = {"10.0.0.2"_ip, 80}})));
  t->turns(8, h, close);
  CHECK(connected == 2);
  CHECK(t->b.hook<0>().connections() == 2);
  (void)first->close();
  t->turns(8, h, close);
  CHECK(t->b.hook<0>().connections() == 1);
  t->pass(3000, h, close, 100);  // the SYN is sent again
  CHECK(connected == 3);
}

}  // namespace
