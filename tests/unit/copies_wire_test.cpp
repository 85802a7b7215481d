// SPDX-License-Identifier: MIT
// Copies of payload over a wire that copies, beside the table in docs/architecture.md.
#include "copies.hpp"

namespace {

using namespace strata;
using namespace strata::test::copies;

struct copied : lent { using nic = strata::nic::wire_pair; };

TEST_CASE("a copying wire copies each byte once, and small segments are copied together, as docs/architecture.md says") {
  table found;
  counting_world<copied> w;
  const std::size_t all = w.payload.size();
  CHECK(w.s.send(w.payload).value_or(0) == all);
  w.poll_a();
  found["wire_pair::copying"] = w.copies(all, [&] { w.poll_b(); });
  CHECK(w.at_b.peek().size() == all);
  w.settle();
  for (int i = 0; i < 16; ++i) CHECK(w.s.send(w.bytes(100)));
  w.poll_a();
  // The first stays in its chunk. A borrowed chunk is not written to: over wire_pair::lending none would be copied.
  found["TCP receive of segments under 256 bytes"] = w.copies(15 * 100, [&] { w.poll_b(); }) - 16.0 / 15;
  CHECK(w.t->b.transport<0>().counters().copied_small == 15);
  compare(found);
}

}  // namespace
