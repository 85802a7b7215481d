// SPDX-License-Identifier: MIT
// Copies of payload where several segments or datagrams go behind one header: beside the table in docs/architecture.md.
#include "copies.hpp"

namespace {

using namespace strata;
using namespace strata::test;
using namespace strata::test::copies;

struct in_frames : lent { static constexpr u32 gso_max_size = 65000; };
struct lent_whole : in_frames { using nic = strata::nic::wire_pair::lending_trains; };
struct joined : in_frames { static constexpr bool gro = true; };
struct copied_whole : in_frames { using nic = strata::nic::wire_pair::copying_trains; };

/// A window of segments, all of them seen by the reader.
template <class C> double passes(counting_world<C>& w) {
  const std::size_t all = w.payload.size();
  CHECK(w.s.send(w.payload).value_or(0) == all);
  w.poll_a();
  const double found = w.copies(all, [&] { w.poll_b(); });
  CHECK(w.at_b.peek().size() == all);
  return found;
}
/// Six datagrams by one call.
template <class C> double send_six(counting_world<C>& w) {
  const double found = w.copies(6000, [&] { CHECK(w.u.send_to(w.bytes(6000), typename stack<C>::endpoint{"10.0.0.2"_ip, 9}, udp::segment_size{1000}).value_or(0) == 6000); w.poll_a(); });
  w.poll_b();
  return found;
}

TEST_CASE("trains cost no copy that segments do not, as docs/architecture.md says") {
  table found;
  {
    counting_world<in_frames> w;
    found["TCP train made into frames by the link"] = passes(w);
    CHECK(w.t->a.at_interface().trains_counted().segmented > 0);
    w.settle();
  }
  {
    counting_world<copied_whole> w;
    found["wire_pair::copying_trains"] = passes(w);
    w.settle();
  }
  counting_world<lent_whole> w;
  found["wire_pair::lending_trains"] = passes(w);
  CHECK(w.t->a.at_interface().trains_counted().whole > 0);
  found["TCP train, peek, consume"] = w.copies(w.payload.size(), [&] { CHECK(w.at_b.consume(w.payload.size()).value_or(0) == w.payload.size()); });
  w.settle();
  CHECK(w.t->a.chunks_in_use() + w.t->b.chunks_in_use() == 0);
  compare(found);
}
TEST_CASE("datagrams of one call are copied once on their way down, and joined ones only where they are read into other memory") {
  table found;
  counting_world<joined> w;
  CHECK(w.v.set(udp::option::gro{true}));
  found["UDP send_to with a segment size"] = send_six(w);
  found["UDP datagrams as one view"] = w.copies(6000, [&] {
    CHECK((w.v.peek()->segment_size == 1000 && w.v.peek()->spans.size() == 6000));
    CHECK(w.v.consume());
  });
  (void)send_six(w);
  found["UDP datagrams as one view, receive"] = w.copies(6000, [&] { CHECK(w.v.receive(w.room)->bytes == 6000); });
  w.poll_a(), w.poll_b();
  compare(found);
}

}  // namespace
