// SPDX-License-Identifier: MIT
// Groups and a driver that sees only part of what arrives: it is asked for each group as long as somebody is in it.
#include "igmp_world.hpp"

#include <algorithm>

namespace {

using namespace strata;
using namespace strata::igmp_test;

/// A wire that keeps the addresses it was asked for, at most four.
class choosy : public nic::wire_pair {
 public:
  using nic::wire_pair::wire_pair;
  static inline std::vector<std::string> asked{};
  static std::string text_of(std::span<const u8> a) {
    std::string s;
    for (const u8 b : a) s += (s.empty() ? "" : ".") + std::to_string(b);
    return s;
  }
  bool claim(std::span<const u8> a) {
    const std::string text = text_of(a);
    if (std::find(asked.begin(), asked.end(), text) != asked.end()) return true;
    if (asked.size() == 4) return false;
    asked.push_back(text);
    return true;
  }
  bool disclaim(std::span<const u8> a) { return std::erase(asked, text_of(a)) != 0; }
};
struct member_of_choosy : member { using nic = choosy; };

TEST_CASE("a driver brings in the groups that somebody is in, and what all systems are asked") {
  choosy::asked.clear();
  auto h = std::make_unique<host<member_of_choosy>>();
  using lines = std::vector<std::string>;
  CHECK(choosy::asked == lines{"10.0.0.1"});
  auto s = h->a.bind({.port = 5000}), t = h->a.bind({.port = 6000});
  REQUIRE(s->join({.group = "239.1.2.3"_ip}));
  REQUIRE(t->join({.group = "239.1.2.3"_ip}));
  CHECK(choosy::asked == lines{"10.0.0.1", "224.0.0.1", "239.1.2.3"});
  REQUIRE(s->leave({.group = "239.1.2.3"_ip}));
  CHECK(choosy::asked == lines{"10.0.0.1", "224.0.0.1", "239.1.2.3"});
  CHECK(t->join({.group = "239.1.2.4"_ip, .source = "239.1.2.3"_ip}).error() == multicast::call_error::bad_source);
  CHECK(choosy::asked == lines{"10.0.0.1", "224.0.0.1", "239.1.2.3"});
  REQUIRE(t->join({.group = "239.1.2.4"_ip}));
  CHECK(t->join({.group = "239.1.2.5"_ip}).error() == multicast::call_error::full);  // the driver has no room
  CHECK(t->close());
  CHECK(choosy::asked == lines{"10.0.0.1", "224.0.0.1"});
  CHECK(h->a.join({.group = "224.0.0.1"_ip}));
  CHECK(h->a.leave({.group = "224.0.0.1"_ip}));
  CHECK(choosy::asked == lines{"10.0.0.1", "224.0.0.1"});
}

struct late : member { using tick = milliseconds32; };

// Groups may be joined before the first poll, when no time was told yet: what is to be said later is said, however far the clock has gone.
TEST_CASE("what was joined before the clock began is said again when it does") {
  nic::wire cable{};
  std::vector<std::byte> memory(std::size_t{late::limits.chunks} * 2048);
  auto a = std::make_unique<stack<late>>();
  bare_peer peer{cable};
  REQUIRE(a->start({.nic = {cable, 0}, .memory = std::span(memory), .entropy = {7}, .address = "10.0.0.1/24"_net}) == bad_option::none);
  REQUIRE(a->join({.group = "239.1.2.3"_ip}));
  const time_point<milliseconds32> now{0xb000'0000};  // more than half the circle away
  u32 reports = 0;
  for (u32 ms = 0; ms < 2000; ms += 10) {
    (void)a->poll({now.count + ms}, budget{64}, ignore_rest{});
    for (const auto& f : peer.receive()) reports += f.size() > 23 && f[23] == std::byte{2};
  }
  CHECK(reports == 2);
}

}  // namespace
