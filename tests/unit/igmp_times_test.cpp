// SPDX-License-Identifier: MIT
// When hosts speak: which of two answers is given, how long the times of each version are, and what is left of one when another begins.
#include "igmp_world.hpp"

#include <algorithm>

namespace {

using namespace strata;
using namespace strata::igmp_test;
using multicast::filter_mode;
constexpr ipv4_address group = "239.1.2.3"_ip, s1 = "10.0.0.5"_ip;

auto made() { return std::make_unique<host<>>(); }

/// How late the answer comes at most, of so many that a random time puts off. Each time `ask` is heard there is one.
template <class H> u64 latest(H& h, u32 times, u64 longest, auto&& ask) {
  u64 last = 0;
  for (u32 i = 0; i < times; ++i) {
    ask();
    const auto all = h.within(longest + 50, 50);
    REQUIRE(all.size() == 1);
    last = std::max(last, all[0].ms);
  }
  return last;
}

TEST_CASE("a query of version 1 is answered within ten seconds, and not at once") {  // RFC 2236 §4
  auto h = made();
  REQUIRE(h->a.join({.group = group}));
  (void)h->within(2000);
  const u64 last = latest(*h, 20, 10'000, [&] { h->old(0x11, 0, {}, {.has_alert = false}); });
  CHECK(last > 7'000);
  CHECK(latest(*h, 10, 10'000, [&] { h->old(0x11, 1, {}); }) > 4'000);  // nor does what version 2 allows count while version 1 is heard
}

TEST_CASE("of two answers about a group the earlier is given, whichever query came first") {  // RFC 2236 §3, RFC 3376 §5.2
  auto h = made();
  REQUIRE(h->a.join({.group = group}));
  (void)h->within(2000);
  CHECK(latest(*h, 10, 1'000, [&] { h->query(group, {}, 100), h->query(group, {}, 10); }) > 400);
  CHECK(latest(*h, 10, 1'000, [&] { h->query(group, {}, 10), h->query(group, {}, 100); }) > 400);
  h->old(0x11, 10, {});
  (void)h->within(1'100);
  CHECK(latest(*h, 10, 1'000, [&] { h->old(0x11, 100, group, {.to = group}), h->old(0x11, 10, group, {.to = group}); }) > 400);
  CHECK(latest(*h, 10, 1'000, [&] { h->old(0x11, 10, group, {.to = group}), h->old(0x11, 100, group, {.to = group}); }) > 400);
}

TEST_CASE("version 2 says a second time within ten seconds that a group was joined, version 3 within one") {  // RFC 2236 §8.10, RFC 3376 §8.11
  auto h = made();
  const auto join = [&] {
    (void)h->a.leave({.group = group});
    (void)h->within(11'000, 50);
    REQUIRE(h->a.join({.group = group}));
    CHECK(h->said().size() == 1);
  };
  const u64 third = latest(*h, 10, 10'000, join);
  CHECK((third > 400 && third <= 1'050));
  u64 second = 0;
  for (u32 i = 0; i < 10; ++i) {
    h->old(0x11, 1, {});  // it is heard all the time
    second = std::max(second, latest(*h, 1, 10'000, join));
  }
  CHECK(second > 4'000);
}

TEST_CASE("a change of mode says all that was still to be said of sources, however often that was") {  // RFC 3376 §5.1
  auto h = made();
  h->query({}, {}, 1, 5);
  REQUIRE(h->a.join({.group = group, .source = s1}));  // five times
  h->query({}, {}, 1, 2);
  (void)h->said();
  REQUIRE(h->a.listen_to({.group = group, .mode = filter_mode::exclude}));
  u32 changes = 0;
  const auto all = h->within(10'000);
  for (const auto& one : all) {
    CHECK(one.line.find("allow") == std::string::npos);
    changes += one.line.find("to_ex") != std::string::npos;
  }
  CHECK(changes == 2);  // as a whole, twice
}

TEST_CASE("a stack that is started again speaks version 3, whatever it heard before") {
  auto h = made();
  REQUIRE(h->a.join({.group = group}));
  h->old(0x11, 1, {});
  CHECK(h->a.network().igmp_version_on(0) == 2);
  h->a.shut_down();
  REQUIRE(h->a.start({.nic = {h->cable, 0}, .memory = std::span(h->memory), .entropy = {8}, .address = "10.0.0.1/24"_net}) == bad_option::none);
  CHECK(h->a.network().igmp_version_on(0) == 3);
  (void)h->within(1000);
  REQUIRE(h->a.join({.group = group}));
  CHECK(h->said() == std::vector<std::string>{"to 224.0.0.22: to_ex 239.1.2.3 {}"});
}

}  // namespace
