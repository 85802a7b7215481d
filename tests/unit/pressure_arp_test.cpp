// SPDX-License-Identifier: MIT
// A pool whose chunks are all held by data, but those kept for receiving: who asks for us is answered all the same, and whom our data waits for is asked. Else both
// sides would wait for chunks that only the other one's ARP message sets free.
#include "../two_stacks.hpp"

#include <catch2/catch_test_macros.hpp>

namespace {
using namespace strata;
using namespace strata::literals;

/// With the pool of a microcontroller.
struct small : presets::testing {
  static constexpr strata::limits limits = [] {
    strata::limits l = presets::embedded::limits;
    l.neighbour_queue = 2;
    return l;
  }();
};
using net = stack<small>;

struct world {
  std::unique_ptr<test::two_stacks<small>> t = test::two_stacks<small>::make();
  std::vector<packet> held;

  void hold_all_but_the_reserve() {
    while (t->a.chunks().available() > small::limits.receive_reserve) held.push_back(t->a.chunks().take(0));
  }
  /// Nobody is at the other end: what `a` sends is lost.
  void pass_alone(u32 length) {
    std::vector<std::byte> memory(std::size_t{16} * 2048);
    buffer::descriptor table[16]{};
    buffer::pool chunks{};
    chunks.open(region(memory), table, 2048);
    small::nic end(t->cable, 1);
    for (const u32 last = t->ms + length; t->ms < last; hold_all_but_the_reserve()) {
      t->ms += 10;
      (void)t->a.poll(t->now(), budget{64}, ignore_rest{});
      packet lost[16];
      (void)end.receive(chunks, lost);
    }
  }
  [[nodiscard]] const neighbour::arp_counters& counted() const { return t->a.at_interface().neighbour.counted(); }
};

TEST_CASE("who asks for us is answered although data holds every chunk but those kept for receiving") {
  world w;
  const auto to = w.t->a.bind({.port = 9});
  const auto from = w.t->b.bind({.port = 9});
  w.hold_all_but_the_reserve();
  REQUIRE(from->send_to(test::bytes_of("x"), net::endpoint{"10.0.0.1"_ip, 9}));
  w.t->turns(4, ignore_rest{}, ignore_rest{});
  CHECK(w.counted().replies_sent == 1);
  CHECK(w.counted().no_chunk == 0);
  w.held.clear();
  w.t->turns(2, ignore_rest{}, ignore_rest{});
}

TEST_CASE("a neighbour that was lost is asked again although the data that waits for it, and others, hold every chunk but those kept for receiving") {
  world w;
  REQUIRE(w.t->b.listen({.port = 7}));
  const auto s = w.t->a.connect({.remote = {"10.0.0.2"_ip, 7}});
  REQUIRE(s);
  net::stream peer{};
  w.t->turns(6, ignore_rest{}, on{[&](net::accepted e) { peer = e.stream; }, ignore_rest{}});
  REQUIRE(s->send(test::bytes_of("data")).value_or(0) == 4);
  w.hold_all_but_the_reserve();
  w.pass_alone(90'000);
  CHECK(w.counted().res_failed != 0);
  while (peer.peek().size() == 0 && w.t->ms < 300'000) {
    w.t->pass(10);
    w.hold_all_but_the_reserve();
  }
  CHECK(w.counted().no_chunk == 0);
  CHECK(peer.peek().size() == 4);
  w.held.clear();
  w.t->pass(5'000);
}

}  // namespace
