// SPDX-License-Identifier: MIT
// What an observer is told of the network layers' own ways: an ARP message, a raw packet that leaves in fragments, fragments that come, a control message, and the
// copy of it for a raw socket.
#include "raw_world.hpp"

namespace {

using namespace strata;
using namespace strata::test;
using trace::step;

struct recorder {
  static constexpr bool is_active = true;
  std::vector<trace::record> seen{};
  void on(const trace::record& r) { seen.push_back(r); }

  [[nodiscard]] std::vector<trace::record> of(step s) const {
    std::vector<trace::record> all;
    for (const trace::record& r : seen)
      if (r.what == s) all.push_back(r);
    return all;
  }
};
struct watched : with_raws {
  static constexpr bool long_datagrams = true;
  using observer = recorder;
};

TEST_CASE("an observer sees ARP, raw packets, fragments and what becomes of them, and control messages") {
  auto t = two_stacks<watched>::make();
  const auto me = *t->a.open_raw({.protocol = 1}), pings = *t->b.open_raw({.protocol = 1});
  CHECK(me.send_to(echo(8, 1), at_b));
  t->turns(4, ignore_rest{}, ignore_rest{});
  auto& at_a_end = t->a.observer();
  auto& at_b_end = t->b.observer();
  REQUIRE(at_a_end.of(step::arp).size() == 1);  // the answer
  CHECK((at_a_end.of(step::arp)[0].bytes == 28 && at_a_end.of(step::arp)[0].chunk != 0));
  CHECK(at_b_end.of(step::arp).size() == 1);
  REQUIRE(at_a_end.of(step::raw_send).size() == 1);
  CHECK((at_a_end.of(step::raw_send)[0].bytes == 12 && at_a_end.of(step::raw_send)[0].connection == me.id().index + 1));
  CHECK(at_b_end.of(step::reassemble).empty());

  at_a_end.seen.clear(), at_b_end.seen.clear();
  const auto asked = echo(8, 2, 3000);
  CHECK(me.send_to(asked, at_b));
  t->turns(4, ignore_rest{}, ignore_rest{});
  CHECK(at_a_end.of(step::raw_send).at(0).bytes == asked.size());
  CHECK(at_a_end.of(step::fragment).size() == 3);
  const auto parts = at_b_end.of(step::reassemble);
  REQUIRE(parts.size() == 3);
  CHECK((parts[0].bytes == 1480 && parts[1].bytes == 1480 && parts[2].bytes == asked.size() - 2960));
  CHECK((parts[0].chunk != 0 && parts[0].chunk != parts[1].chunk));
  REQUIRE(at_b_end.of(step::overhear).size() == 1);
  CHECK((at_b_end.of(step::overhear)[0].connection == pings.id().index + 1 && at_b_end.of(step::overhear)[0].chunk != 0));
  REQUIRE(at_b_end.of(step::control).size() == 1);
  CHECK(at_b_end.of(step::control)[0].chunk == parts[0].chunk);
  CHECK(at_a_end.of(step::control).size() == 1);  // the echo
  while (me.consume() || pings.consume()) {}
}

}  // namespace
