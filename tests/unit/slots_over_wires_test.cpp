// SPDX-License-Identifier: MIT
// Slots of chunks under wires of all kinds, and small ones that become one when they are sent again.
#include "arrives.hpp"

namespace {
using namespace strata;
using namespace strata::literals;
using test::in_slots, test::in_slots_and_trains, test::few_places;

TEST_CASE("messages of all sizes in slots arrive over a wire that copies") { test::messages_arrive<in_slots<nic::wire_pair>>(); }
TEST_CASE("messages of all sizes in slots arrive over a wire that lends") { test::messages_arrive<in_slots<nic::wire_pair::lending>>(); }
TEST_CASE("messages of all sizes in slots arrive through a ring of three places") { test::messages_arrive<in_slots<few_places>>(); }
TEST_CASE("small segments in slots that are lost become one as far as the first one's slot goes") {
  auto t = test::two_stacks<in_slots<nic::wire_pair>>::make();
  REQUIRE(t->b.listen({.port = 7}));
  std::vector<std::byte> got;
  const auto s = *t->a.connect({.remote = {"10.0.0.2"_ip, 7}});
  const auto read = on{[&](stack<in_slots<nic::wire_pair>>::readable e) {
                         for (const auto part : e.stream.peek()) got.insert(got.end(), part.begin(), part.end());
                         (void)e.stream.consume(e.stream.peek().size());
                       },
                       ignore_rest{}};
  t->pass(50, ignore_rest{}, read);
  t->b.shut_down();  // deaf: what follows is lost
  std::vector<std::byte> sent;
  for (u8 i = 0; i < 4; ++i) {
    const std::vector<std::byte> message(30, std::byte{i});
    CHECK(s.send(message).value_or(0) == 30);
    sent.insert(sent.end(), message.begin(), message.end());
  }
  t->ms += 1000;
  (void)t->a.poll(t->now(), budget{64}, ignore_rest{});
  // A slot of 144 bytes holds 72 of payload behind its headers: the second segment's 30 join the first one's, the third's do not.
  CHECK(t->a.transport<0>().counters().collapsed == 1);
  CHECK(s.info()->retransmitted == 1);
  CHECK(s.abort());
  t->pass(100, ignore_rest{}, ignore_rest{});
  CHECK(t->a.chunks_in_use() == 0);
}

}  // namespace
