// SPDX-License-Identifier: MIT
// How often each byte of payload is copied on every path, beside the table in docs/architecture.md; and no header copies by anything but copy_bytes().
#include "copies.hpp"

#include <filesystem>

namespace {

using namespace strata;
using namespace strata::test;
using namespace strata::test::copies;

void count_streams(table& found) {
  using C = lent;
  // Of an end that takes a frame and loses it: it lives longer than the wire, which remembers what was lent.
  std::vector<std::byte> memory(std::size_t{16} * 2048);
  buffer::descriptor descriptors[16]{};
  buffer::pool chunks{};
  chunks.open(region(memory), descriptors, 2048);
  counting_world<C> w;
  const std::size_t all = w.payload.size();
  found["TCP send of a span"] = w.copies(all, [&] { CHECK(w.s.send(w.payload).value_or(0) == all); w.poll_a(); });
  found["wire_pair::lending"] = w.copies(all, [&] { w.poll_b(); });
  REQUIRE(w.at_b.peek().size() == all);
  found["TCP send of what peek shows"] = w.copies(all, [&] { CHECK(w.at_b.send(w.at_b.peek()).value_or(0) == all); w.poll_b(); });
  found["TCP peek, consume"] = w.copies(all, [&] { CHECK(w.at_b.peek().size() == all); CHECK(w.at_b.consume(all).value_or(0) == all); });
  w.poll_a();
  REQUIRE(w.s.peek().size() == all);
  found["TCP receive"] = w.copies(all / 2, [&] { CHECK(w.s.receive(std::span(w.room).first(all / 2)).value_or(0) == all / 2); });
  found["TCP take"] = w.copies(all / 2, [&] {
    for (std::size_t n = 0; n < all / 2;) {
      const auto view = w.s.take();
      REQUIRE(view);
      n += view->bytes().size();
    }
  });
  w.settle();
  found["TCP reserve, commit"] = w.copies(1400, [&] {
    auto place = w.s.reserve(1400);
    REQUIRE(place);
    for (std::byte& b : place->room()) b = mark;
    CHECK(w.s.commit(std::move(*place), 1400).value_or(0) == 1400);
    w.poll_a();
  });
  w.settle();
  found["TCP commit behind a tail that waits"] = w.copies(400, [&] {
    (void)w.s.send({}, {.more = true});
    for (int i = 0; i < 2; ++i) {
      auto place = w.s.reserve(400);
      REQUIRE(place);
      for (std::byte& b : place->room()) b = mark;
      CHECK(w.s.commit(std::move(*place), 400, {.more = true}).value_or(0) == 400);
    }
  });
  CHECK(w.s.send({}));
  w.settle();

  // A frame that is lost, and one that the NIC keeps.
  CHECK(w.s.send(w.bytes(1000)));
  {
    C::nic drain{w.t->cable, 1};
    packet lost[4];
    CHECK(drain.receive(chunks, lost) == 1);
  }
  w.poll_a();
  found["TCP retransmission"] = w.copies(1000, [&] {
    w.t->ms += 1000, w.poll_a();
    CHECK(w.s.info()->retransmitted == 1);
  });
  w.t->ms += 10'000, w.poll_a();  // still there: put off
  found["TCP retransmission of what the NIC still has"] = w.copies(1000, [&] {
    for (int i = 0; i < 4 && w.t->a.transport<0>().counters().retransmit_copies == 0; ++i) w.t->ms += 20'000, w.poll_a();
    CHECK(w.t->a.transport<0>().counters().retransmit_copies == 1);
  });
}

void count_datagrams(table& found) {
  counting_world<lent> w;
  const stack<lent>::endpoint to{"10.0.0.2"_ip, 9};
  found["UDP send_to"] = w.copies(1000, [&] { CHECK(w.u.send_to(w.bytes(1000), to)); w.poll_a(), w.poll_b(); });
  found["UDP peek, consume"] = w.copies(1000, [&] { CHECK(w.v.peek()->bytes.size() == 1000); CHECK(w.v.consume()); });
  found["UDP reserve, commit_to"] = w.copies(1000, [&] {
    auto place = w.u.reserve(1000);
    REQUIRE(place);
    for (std::byte& b : place->room()) b = mark;
    CHECK(w.u.commit_to(std::move(*place), 1000, to));
    w.poll_a(), w.poll_b();
  });
  found["UDP receive"] = w.copies(1000, [&] { CHECK(w.v.receive(w.room)->bytes == 1000); });
}

// What was written before the handshake, cut twice where the peer's SYN says: 1,400 bytes at 560.
void count_splits(table& found) {
  counting_world<lent> w;
  w.t->a.shut_down(), w.t->b.shut_down();
  w.t->cable = {};
  w.t->start_a();
  CHECK(w.t->b.start({.nic = {w.t->cable, 1}, .memory = w.t->memory_b, .entropy = {3}, .address = "10.0.0.2/24"_net, .mtu = 612}) == bad_option::none);
  w.t->b.advance(w.t->now());
  REQUIRE(w.t->b.listen({.port = 8}));
  const auto s = w.t->a.connect({.remote = {"10.0.0.2"_ip, 8}});
  CHECK(s->send(w.bytes(1400)).value_or(0) == 1400);
  found["TCP split"] = w.copies(1400, [&] { w.t->turns(4, ignore_rest{}, ignore_rest{}); });
  CHECK(w.t->a.transport<0>().counters().splits == 2);
}

TEST_CASE("each byte is copied as often as docs/architecture.md says, on every path") {
  table found;
  count_streams(found), count_datagrams(found), count_splits(found);
  compare(found);
  for (const char* const elsewhere : {"wire_pair::copying", "TCP receive of segments under 256 bytes",                                          // copies_wire_test.cpp
                                      "TCP train made into frames by the link", "wire_pair::copying_trains", "wire_pair::lending_trains",        // copies_trains_test.cpp
                                      "TCP train, peek, consume", "UDP send_to with a segment size", "UDP datagrams as one view",
                                      "UDP datagrams as one view, receive", "TCP send of several spans", "TCP send without the lock", "TCP receive without the lock"})
    found[elsewhere];
  CHECK(documented().size() == found.size());
}

// What is not a copy of payload: words at any alignment, a header, a MAC; and the vectors that are summed while they are copied, of which on_copy
// was told, as copy_message() tells it in a build that counts. Drivers of the kernel's rings copy frames, as their pages say.
TEST_CASE("no header copies bytes by anything but copy_bytes") {
  const std::map<std::string, u32> others{{"core/bytes.hpp", 5}, {"core/checksum_wide.hpp", 2}, {"wire/ethernet.hpp", 2}};
  std::map<std::string, u32> seen;
  const std::filesystem::path root = STRATA_TESTS_DIR "/../include/strata";
  u32 headers = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(root)) {
    const std::string name = entry.path().lexically_relative(root).string();
    if (entry.path().extension() != ".hpp" || name.starts_with("posix") || name.starts_with("nic/linux/")) continue;
    ++headers;
    u32 seen_one = 0;
    std::ifstream file(entry.path());
    for (std::string line; std::getline(file, line);)
      for (const char* const call : {"memcpy(", "memmove(", "std::copy"}) seen_one += line.find(call) != std::string::npos ? 1u : 0u;
    if (seen_one != 0) seen[name] = seen_one;
  }
  CHECK(headers > 80);
  CHECK(seen == others);
}

}  // namespace
