// SPDX-License-Identifier: MIT
// Copies of payload of several spans in one send, and where threads share a stack: beside the table in docs/architecture.md.
#include "copies.hpp"

namespace {

using namespace strata;
using namespace strata::test;
using namespace strata::test::copies;

struct shared : lent { using exclusion = strata::exclusion::locked; };

TEST_CASE("several spans by one send, and threads that share a stack, cost no further copy") {
  table found;
  {
    counting_world<lent> w;
    std::vector<std::span<const std::byte>> parts;
    for (std::size_t n = 0; n < w.payload.size(); n += 700) parts.push_back(std::span(w.payload).subspan(n, 700));
    found["TCP send of several spans"] = w.copies(w.payload.size(), [&] { CHECK(w.s.send(parts).value_or(0) == w.payload.size()); w.poll_a(), w.poll_b(); });
    w.settle();
  }
  counting_world<shared> w;
  const std::size_t all = w.payload.size();
  found["TCP send without the lock"] = w.copies(all, [&] { CHECK(w.s.send(w.payload).value_or(0) == all); w.poll_a(), w.poll_b(); });
  found["TCP receive without the lock"] = w.copies(all, [&] { CHECK(w.at_b.receive(w.room).value_or(0) == all); });
  w.settle();
  compare(found);
}

}  // namespace
