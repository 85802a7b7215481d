// SPDX-License-Identifier: MIT
// Trains where something runs out: the NIC's ring in the middle of one, the chunks that a connection may hold.
#include "trains_exchange.hpp"

#include "arrives.hpp"

namespace {
using namespace strata;
using namespace strata::literals;
using test::arrives, test::few_places;

struct in_trains : presets::testing {
  static constexpr u32 gso_max_size = 65000;
};
struct over_few_places : in_trains { using nic = few_places; };
struct queued_over_few_places : over_few_places { using qdisc = strata::qdisc::fifo_of<64>; };

TEMPLATE_TEST_CASE("a ring that fills up in the middle of a train gets the rest in order, once it has places", "", over_few_places, queued_over_few_places) {
  auto t = test::two_stacks<TestType>::make();
  CHECK(arrives(*t, 300'000, 20'000, 60'000));
  const auto& sender = t->a.at_interface();
  CHECK(sender.trains_counted().segmented > 5);
  CHECK(sender.counters().ring_full > sender.trains_counted().segmented);
  CHECK(sender.counters().queue_dropped == 0);
  CHECK(t->a.template transport<0>().counters().retransmitted == 0);
  CHECK(t->a.chunks_in_use() + t->b.chunks_in_use() == 0);
}
TEST_CASE("a stack that goes while half a train waits for the ring leaves no chunk behind") {
  auto t = test::two_stacks<over_few_places>::make();
  REQUIRE(t->b.listen({.port = 7}));
  const auto s = *t->a.connect({.remote = {"10.0.0.2"_ip, 7}});
  t->pass(50);
  const std::vector<std::byte> much(14'600);
  CHECK(s.send(much).value_or(0) == much.size());
  CHECK(t->a.at_interface().has_waiting());
  t->a.shut_down();
  CHECK(t->a.chunks().in_use() == 0);
}

/// A NIC that vouches for trains with a reset in them, which no sound one joins.
struct resetting : test::joining<nic::wire_pair> {
  inline static bool resets = false;
  resetting() = default;
  resetting(nic::wire& cable, u32 side) : joining(nic::wire_pair{cable, side}) {}
  std::size_t receive(buffer::pool& chunks, std::span<packet> batch) {
    const std::size_t n = joining::receive(chunks, batch);
    for (packet& p : batch.first(n)) {
      if (!resets || !buffer::is_joined(p.d())) continue;
      p->chunk[p->offset + 14 + 20 + 13] |= std::byte{wire::tcp::flag::rst};
      p->flags = static_cast<u8>((p->flags & ~buffer::descriptor::checksum_partial) | buffer::descriptor::checksum_verified);
    }
    return n;
  }
};
TEST_CASE("a train with a reset in it is dropped whole, whatever else it says") {
  auto t = test::two_stacks<trains::over_v4<resetting>>::make();
  using net = stack<trains::over_v4<resetting>>;
  net::stream server{};
  std::size_t received = 0;
  u32 closed = 0;
  const auto pass = [&](u32 ms) {
    t->pass(ms, ignore_rest{}, on{[&](net::accepted e) { server = e.stream; }, [&](net::closed) { ++closed; },
                                  [&](net::readable e) {
                                    std::byte to[4096];
                                    while (const auto n = e.stream.receive(to)) received += *n;
                                  },
                                  ignore_rest{}});
  };
  REQUIRE(t->b.listen({.port = 7}));
  const auto s = *t->a.connect({.remote = {"10.0.0.2"_ip, 7}});
  pass(50);
  const std::vector<std::byte> bytes(8760);
  resetting::resets = true;
  REQUIRE(s.send(bytes).value_or(0) == bytes.size());
  pass(50);
  CHECK((received == 0 && closed == 0 && server.is_live()));
  CHECK(t->b.transport<0>().counters().in_errors == 1);
  CHECK(t->b.transport<0>().counters().established_resets == 0);
  resetting::resets = false;
  pass(3000);
  CHECK((received == bytes.size() && closed == 0));
}

/// Of six chunks, while the pieces of a train may be shorter than its segments.
template <class Nic> struct six_chunks : trains::over_v4<Nic> {
  static constexpr strata::limits limits = [] {
    strata::limits l = presets::testing::limits;
    l.receive_chunks = 6;
    return l;
  }();
};
TEST_CASE("of a train beyond the chunks that a connection may hold the front is taken, and the rest comes again") {
  u64 trains = 0;
  for (u64 seed = 1; seed <= 6; ++seed) {
    INFO("seed " << seed);
    const trains::outcome o = trains::exchange<six_chunks<trains::joined>>(seed, 120'000, seed % 2 == 0);
    CHECK((o.received[0] == 120'000 && o.received[1] == 120'000 && o.is_as_sent && o.closed == 2 && o.chunks_left == 0 && o.in_errors == 0));
    trains += o.trains;
  }
  CHECK(trains > 20);
}

}  // namespace
