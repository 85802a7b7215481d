// SPDX-License-Identifier: MIT
// Hooks: which packets pass each point, what a verdict does, the filter's text and its comparisons, rules at run time, the rate limit.
#include <strata/strata.hpp>

#include <catch2/catch_test_macros.hpp>

#include <two_stacks.hpp>

namespace {

using namespace strata;
using namespace strata::test;
using ip::passing;
using ip::point;
using ip::verdict;

// ---- text ----
constexpr ip::rule ssh = "accept tcp from 10.0.0.0/8 to any port 22"_rule;
static_assert(ssh.then == verdict::accept && ssh.protocol == 6 && ssh.source_prefix == 104 && ssh.destination_prefix == 0);
static_assert(ssh.destination_first == 22 && ssh.destination_last == 22 && !ssh.wants_source_port());
static_assert("drop"_rule == ip::rule{});
static_assert("drop from any to 192.0.2.1 port 1-1023"_rule.destination_last == 1023);
static_assert("accept tcp syn in 0 out 1"_rule.is_syn && "accept tcp syn in 0 out 1"_rule.out == 1);
static_assert("drop 47 from fd00::/8"_rule.protocol == 47 && "drop 47 from fd00::/8"_rule.source_prefix == 8);

TEST_CASE("what is no rule is refused: each word has its place") {
  for (const char* text : {"", "pass tcp", "drop tcp from", "drop tcp from 10.0.0.0/33", "drop icmp from any port 7", "drop tcp to any port 70000", "drop tcp to any port 9-8", "drop tcp to any port",
                           "drop udp syn", "drop to any from any", "drop 256", "drop 0", "drop tcp in", "drop tcp in 8", "drop tcp out x", "drop tcp tcp", "drop tcp to any port -", "drop x"}) {
    CAPTURE(text);
    CHECK_FALSE(ip::parse_rule(text, __builtin_strlen(text)));
  }
}

passing<ipv4_address> packet_of(u8 protocol, ipv4_address from, u16 from_port, ipv4_address to, u16 to_port, u8 flags = 0) {
  return {.protocol = protocol, .in = 0, .out = 1, .has_ports = true, .tcp_flags = flags, .source = from, .destination = to, .source_port = from_port, .destination_port = to_port};
}

TEST_CASE("a rule matches what it names and nothing else") {
  const auto p = packet_of(6, "10.1.2.3"_ip, 40000, "192.0.2.1"_ip, 22, 2);
  const auto is_matched = [](const char* text, const passing<ipv4_address>& packet) {
    const auto r = ip::parse_rule(text, __builtin_strlen(text));
    REQUIRE(r);
    return ip::matches(*r, packet);
  };
  for (const char* text : {"drop", "drop tcp", "drop 6", "drop from 10.0.0.0/8", "drop from 10.1.2.3", "drop to 192.0.2.0/24", "drop to any port 22", "drop to any port 20-22", "drop to any port 22-30",
                           "drop from any port 40000", "drop tcp syn", "drop in 0", "drop out 1", "drop tcp from 10.0.0.0/8 port 1-65535 to 192.0.2.1 port 22 syn in 0 out 1"}) {
    CAPTURE(text);
    CHECK(is_matched(text, p));
  }
  for (const char* text : {"drop udp", "drop from 11.0.0.0/8", "drop from 10.1.2.4", "drop to 192.0.3.0/24", "drop to any port 21", "drop to any port 23-65535", "drop to any port 1-21", "drop from any port 22", "drop in 1",
                           "drop out 0", "drop from ::/1", "drop from fd00::1"}) {
    CAPTURE(text);
    CHECK_FALSE(is_matched(text, p));
  }
  CHECK_FALSE(is_matched("drop tcp syn", packet_of(6, p.source, 1, p.destination, 2, 0x12)));  // SYN, ACK
  CHECK_FALSE(is_matched("drop tcp syn", packet_of(6, p.source, 1, p.destination, 2, 0x10)));
  auto later = p;
  later.has_ports = false;  // a fragment behind the first
  CHECK(is_matched("drop tcp to 192.0.2.1", later));
  CHECK_FALSE(is_matched("drop to any port 22", later));
  CHECK_FALSE(is_matched("drop from any port 40000", later));
}

// ---- in a stack ----
struct seen_at {
  std::vector<point> points{};
  std::vector<passing<ipv4_address>> packets{};
  point stop_at{};
  verdict then = verdict::accept;
  packet stolen{};
};
constexpr endpoint<ipv4_address> to_a{"10.0.0.1"_ip, 8}, to_b{"10.0.0.2"_ip, 9};
seen_at* watched = nullptr;
/// Writes down what it is asked about, and says no at one point.
struct watcher {
  template <class C> struct of {
    static constexpr u8 points = point::prerouting | point::input | point::forward | point::output | point::postrouting;
    bool is_on = false;
    verdict on(const passing<ipv4_address>& what, packet& p, time_point<typename C::tick>) {
      if (!is_on) return verdict::accept;
      watched->points.push_back(what.at);
      watched->packets.push_back(what);
      if (what.at != watched->stop_at) return verdict::accept;
      if (watched->then == verdict::steal) watched->stolen = std::move(p);
      return watched->then;
    }
  };
};
struct watched_config : presets::testing { using hooks = ip::hooks<watcher>; };
struct watched_without_image : watched_config { using header_image = strata::header_image::built; };

template <class C> void pass_all_points() {
  auto t = two_stacks<C>::make();
  seen_at seen;
  watched = &seen;
  auto at_b = t->b.bind({.port = 9});
  auto at_a = t->a.bind({.port = 8});
  REQUIRE((at_a && at_b));
  REQUIRE(at_a->send_to(bytes_of("first"), to_b));
  t->turns(3, ignore_rest{}, ignore_rest{});
  (void)at_b->consume();
  t->a.template hook<0>().is_on = true;

  REQUIRE(at_a->send_to(bytes_of("second"), to_b));
  REQUIRE(seen.points == std::vector{point::output, point::postrouting});
  CHECK((seen.packets[0].source == ipv4_address("10.0.0.1"_ip) && seen.packets[0].destination == ipv4_address("10.0.0.2"_ip)));
  CHECK((seen.packets[0].source_port == 8 && seen.packets[0].destination_port == 9 && seen.packets[0].protocol == 17));
  CHECK((seen.packets[0].in == ip::no_link && seen.packets[0].out == 0 && seen.packets[0].bytes == 8 + 6));
  t->turns(3, ignore_rest{}, ignore_rest{});
  CHECK(at_b->peek());
  (void)at_b->consume();

  seen.points.clear(), seen.packets.clear();
  REQUIRE(at_b->send_to(bytes_of("back"), to_a));
  t->turns(2, ignore_rest{}, ignore_rest{});
  REQUIRE(seen.points == std::vector{point::prerouting, point::input});
  CHECK((seen.packets[1].in == 0 && seen.packets[1].out == ip::no_link && seen.packets[1].destination_port == 8));
  REQUIRE(at_a->peek());
  (void)at_a->consume();

  for (const point p : {point::prerouting, point::input}) {
    for (const verdict v : {verdict::drop, verdict::steal}) {
      CAPTURE(static_cast<u32>(p), static_cast<u32>(v));
      const auto before = t->a.network().hooks_counted();
      seen.stop_at = p, seen.then = v;
      REQUIRE(at_b->send_to(bytes_of("never read"), to_a));
      t->turns(2, ignore_rest{}, ignore_rest{});
      CHECK_FALSE(at_a->peek());
      CHECK(t->a.network().hooks_counted().dropped == before.dropped + (v == verdict::drop ? 1 : 0));
      CHECK(t->a.network().hooks_counted().stolen == before.stolen + (v == verdict::steal ? 1 : 0));
      CHECK(static_cast<bool>(seen.stolen) == (v == verdict::steal));
      seen.stolen.reset();
    }
  }
  for (const point p : {point::output, point::postrouting}) {
    for (const verdict v : {verdict::drop, verdict::steal}) {
      CAPTURE(static_cast<u32>(p), static_cast<u32>(v));
      const auto before = t->a.network().hooks_counted();
      seen.stop_at = p, seen.then = v;
      (void)at_a->send_to(bytes_of("never sent"), to_b);
      t->turns(2, ignore_rest{}, ignore_rest{});
      CHECK_FALSE(at_b->peek());
      CHECK(t->a.network().hooks_counted().dropped == before.dropped + (v == verdict::drop ? 1 : 0));
      CHECK(t->a.network().hooks_counted().stolen == before.stolen + (v == verdict::steal ? 1 : 0));
      if (v == verdict::steal) {
        REQUIRE(seen.stolen);
        CHECK(text_of(seen.stolen.bytes().subspan(8)) == "never sent");  // its UDP header is there, its IP header is not
      }
      seen.stolen.reset();
    }
  }
  seen.stop_at = {};
  REQUIRE(at_a->send_to(bytes_of("at last"), to_b));
  t->turns(2, ignore_rest{}, ignore_rest{});
  CHECK(at_b->peek());
  (void)at_b->consume();
  CHECK(t->a.chunks_in_use() == 0);
  CHECK(t->b.chunks_in_use() == 0);
}
TEST_CASE("a packet passes output and postrouting on its way down, prerouting and input on its way up, and a verdict ends it there") { pass_all_points<watched_config>(); }
TEST_CASE("a packet whose headers are built each time passes the same points") { pass_all_points<watched_without_image>(); }

struct guarded : presets::testing {
  using hooks = ip::hooks<ip::filter<"accept tcp from 10.0.0.0/24 to any port 22"_rule, "drop tcp to any port 1-1023"_rule>, ip::rule_table<2>, ip::rate_limit<"drop udp"_rule, 10, 3>>;
};
TEST_CASE("a filter of constants lets pass what it accepts and what it does not know") {
  auto t = two_stacks<guarded>::make();
  REQUIRE((t->b.listen({.port = 22}) && t->b.listen({.port = 80}) && t->b.listen({.port = 8080})));
  u32 connected = 0, closed = 0;
  const auto h = on{[&](typename stack<guarded>::connected) { ++connected; }, [&](typename stack<guarded>::closed) { ++closed; }, ignore_rest{}};
  for (const u16 port : {u16{22}, u16{80}, u16{8080}}) REQUIRE(t->a.connect({.remote = {"10.0.0.2"_ip, port}}));
  t->turns(6, h, ignore_rest{});
  CHECK(connected == 2);
  const auto& filter = t->b.hook<0>().counted();
  CHECK(filter.matched[0] == 2);  // SYN and ACK
  CHECK(filter.matched[1] == 1);
  CHECK(filter.passed == 2);
  CHECK(t->b.network().hooks_counted().dropped == 1);
  t->b.shut_down(), t->a.shut_down();
}

TEST_CASE("rules that are told at run time are asked in their order, and there is an end to them") {
  auto t = two_stacks<guarded>::make();
  auto& table = t->b.hook<1>();
  REQUIRE((table.add("accept icmp"_rule) && table.add("drop udp to any port 9"_rule)));
  CHECK_FALSE(table.add("drop"_rule));
  CHECK(table.size() == 2);
  auto at_b = t->b.bind({.port = 9});
  auto at_a = t->a.bind({.port = 8});
  REQUIRE(at_a->send_to(bytes_of("x"), to_b));
  t->turns(3, ignore_rest{}, ignore_rest{});
  CHECK_FALSE(at_b->peek());
  CHECK(table.counted().matched[1] == 1);
  table.clear();
  REQUIRE(at_a->send_to(bytes_of("y"), to_b));
  t->turns(3, ignore_rest{}, ignore_rest{});
  CHECK(at_b->peek());
  (void)at_b->consume();
}

TEST_CASE("a rate limit lets a burst pass and then so many a second") {
  auto t = two_stacks<guarded>::make();
  auto at_b = t->b.bind({.port = 9});
  auto at_a = t->a.bind({.port = 8});
  u32 got = 0;
  const auto count = [&] {
    t->turns(3, ignore_rest{}, ignore_rest{});
    for (; at_b->peek(); ++got) (void)at_b->consume();
  };
  for (u32 i = 0; i < 6; ++i) {
    REQUIRE(at_a->send_to(bytes_of("x"), to_b));
    count();
  }
  CHECK(got == 3);
  CHECK((t->b.hook<2>().passed() == 3 && t->b.hook<2>().dropped() == 3));
  for (u32 i = 0; i < 20; ++i) {  // one each 50 ms for a second
    t->pass(50, 50);
    REQUIRE(at_a->send_to(bytes_of("x"), to_b));
    count();
  }
  CHECK(got == 3 + 10);
}

}  // namespace
