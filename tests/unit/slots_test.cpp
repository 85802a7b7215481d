// SPDX-License-Identifier: MIT
// Chunks that are cut in slots: buffer/slots.hpp, tcp/charge.hpp.
#include "acknowledger.hpp"

#include "../two_stacks.hpp"

#include <catch2/catch_test_macros.hpp>

#include <algorithm>

using namespace strata;
using namespace strata::literals;

namespace {

struct pools {
  static constexpr u32 chunks = 8, slots = 32;
  std::vector<std::byte> memory = std::vector<std::byte>(chunks * 2048);
  buffer::descriptor table[chunks + slots]{};
  u32 hashes[chunks + slots]{};
  buffer::pool whole{};
  buffer::slot_pool small{};
  pools() {
    whole.open(region({memory.data(), memory.size()}), std::span(table).first(chunks), 2048, hashes);
    small.open(whole, table, chunks, slots, 256, hashes);
  }
};

struct with_slots : presets::testing {
  static constexpr strata::tcp::write_path writes{.low_water = true, .fair = true, .records = true};
  static constexpr strata::limits limits{.chunks = 1024, .connections = 32, .listeners = 4, .backlog = 8, .syn_slots = 16, .time_wait = 32, .slots = 2048, .send_chunks = 128, .datagram_sockets = 8};
};
struct in_flight : with_slots {
  using nic = test::acknowledger;
  using link = strata::link::raw_ip;
  using neighbour = strata::neighbour::fixed;
  using coalescing = strata::tcp::none;
  using congestion_control = strata::tcp::unlimited;
};
struct whole_chunks : in_flight {
  static constexpr strata::limits limits{.chunks = 2048, .connections = 32, .send_chunks = 1024};
};

}  // namespace

TEST_CASE("a chunk is cut in slots when one is taken, and given back when all are free") {
  pools p;
  std::vector<packet> taken;
  for (u32 i = 0; i < 9; ++i) {
    taken.push_back(p.small.take(64, 0));
    REQUIRE(taken.back());
    CHECK(taken.back().room().size() == 256 - 64);
    CHECK(taken.back()->home == &p.small);
    CHECK(p.whole.named(p.small.name(taken.back().d())) == &taken.back().d());  // a name is one of both pools
  }
  CHECK(p.whole.in_use() == 2);
  CHECK((p.small.in_use() == 9 && p.small.available() == 7 && p.small.capacity() == 16));
  CHECK(p.small.chunks_filled() == 2);
  CHECK(taken[1]->chunk == taken[0]->chunk + 256);
  CHECK(p.small.name(taken[0].d()) == pools::chunks + 1);  // behind those of the chunks
  CHECK(p.small.trim() == 0);
  const buffer::descriptor& cut = *p.whole.named(static_cast<u32>((taken[3]->chunk - p.memory.data()) / 2048) + 1);
  CHECK((cut.flags & buffer::descriptor::cut) != 0);
  for (u32 i = 0; i < 8; ++i) CHECK(&buffer::slot_at(cut, i * 256 + 17) == &taken[i].d());
  taken.erase(taken.begin(), taken.begin() + 7);  // one of the first chunk is left
  CHECK(p.small.trim() == 0);
  taken.erase(taken.begin());
  CHECK(p.small.chunks_cut() == 2);
  CHECK(p.small.trim() == 1);
  CHECK((p.small.capacity() == 8 && p.small.chunks_cut() == 1));
  CHECK(p.whole.in_use() == 1);
  CHECK((cut.flags & buffer::descriptor::cut) == 0);
  for (u32 i = 0; i < 7; ++i) taken.push_back(p.small.take(0, 0));  // what is left of the second chunk
  CHECK(p.whole.in_use() == 1);
  taken.push_back(p.small.take(0, 0));  // the descriptors of the first chunk live again, over another one
  REQUIRE(taken.back());
  CHECK(p.whole.in_use() == 2);
  taken.clear();
  CHECK(p.small.trim() == 2);
  CHECK(p.whole.in_use() == 0);
  CHECK(p.small.in_use() == 0);
}
TEST_CASE("what is free of a chunk that stays is taken again, each slot once, and nothing of one that was given back") {
  pools p;
  std::vector<packet> of_first, of_second;
  for (u32 i = 0; i < 16; ++i) (i < 8 ? of_first : of_second).push_back(p.small.take(0, 0));
  const std::byte* const given_back = of_first[0]->chunk;
  while (!of_first.empty()) {  // in turns, so that the list of free ones goes to and fro
    of_first.pop_back();
    if (of_second.size() > 1) of_second.pop_back();
  }
  CHECK(p.small.trim() == 1);
  std::vector<const std::byte*> places{of_second[0]->chunk};
  while (p.small.available() != 0) {
    of_second.push_back(p.small.take(0, 0));
    REQUIRE(of_second.back());
    places.push_back(of_second.back()->chunk);
  }
  CHECK(places.size() == 8);
  std::sort(places.begin(), places.end());
  CHECK(std::unique(places.begin(), places.end()) == places.end());
  for (const std::byte* const at : places) CHECK((at < given_back || at >= given_back + 2048));
}
TEST_CASE("a chunk is given back once") {
  pools p;
  std::vector<packet> taken;
  for (u32 i = 0; i < 24; ++i) taken.push_back(p.small.take(0, 0));
  for (const u32 left : {16u, 8u}) {
    taken.resize(left);
    CHECK(p.small.trim() == 1);
    CHECK((p.small.capacity() == left && p.whole.in_use() == left / 8));
  }
}
TEST_CASE("slots end with their descriptors, and leave the chunks that are kept for receiving") {
  pools p;
  std::vector<packet> taken;
  for (u32 i = 0; i < 32; ++i) {
    taken.push_back(p.small.take(0, 0));
    REQUIRE(taken.back());
  }
  CHECK_FALSE(p.small.take(0, 0));
  CHECK(p.whole.in_use() == 4);
  taken.clear();
  CHECK(p.small.trim() == 4);
  taken.push_back(p.small.take(0, 7));
  CHECK(taken.back());
  for (u32 i = 0; i < 7; ++i) {
    taken.push_back(p.small.take(0, 7));
    CHECK(taken.back());
  }
  CHECK_FALSE(p.small.take(0, 7));
}

// Each has its own headers in front of it: 56 bytes of headroom and 64 of payload make 128 over bare IP, so 129,024 bytes for a thousand. Over Ethernet it is 144 each: 147,456.
TEST_CASE("a thousand messages of 64 bytes in flight take 126 KiB, not 2 MB") {
  const auto send_all = [](auto& s) {
    REQUIRE(s.all.size() == 1);
    s.way.keeps = true;
    const std::vector<std::byte> word(64, std::byte{'w'});
    for (u32 i = 0; i < 1000; ++i) REQUIRE(s.all[0].send(word).value_or(0) == 64);
    CHECK(s.way.data_segments == 1000);
    CHECK(s.all[0].info()->unacked == 64'000);
  };
  test::acknowledged<in_flight> cut(1);
  send_all(cut);
  CHECK(cut.tcp_ip->chunks_in_use() == 63);
  CHECK(cut.all[0].info()->send_chunks == 125);
  cut.tick(20, ignore_rest{});
  CHECK(cut.all[0].info()->unacked == 0);
  CHECK(cut.tcp_ip->chunks_in_use() == 63);  // acknowledged, and still in the NIC: the law of the frame
  cut.way.keeps = false;
  cut.tick(1, ignore_rest{});
  CHECK(cut.tcp_ip->chunks_in_use() == 0);
  CHECK(cut.all[0].info()->send_chunks == 0);
  cut.tcp_ip->shut_down();
  CHECK(cut.tcp_ip->chunks().in_use() == 0);

  test::acknowledged<whole_chunks> whole(1);
  send_all(whole);
  CHECK(whole.tcp_ip->chunks_in_use() == 1000);
}
TEST_CASE("over Ethernet with timestamps a chunk holds fourteen messages of 64 bytes, eight of more and four of 257") {
  struct ethernet : with_slots {
    using coalescing = strata::tcp::none;
    using congestion_control = strata::tcp::unlimited;
  };
  for (const auto& [bytes, each] : {std::pair{64u, 14u}, {72u, 14u}, {73u, 8u}, {184u, 8u}, {185u, 4u}, {440u, 4u}, {441u, 1u}}) {
    auto t = test::two_stacks<ethernet>::make();
    REQUIRE(t->b.listen({.port = 7}));
    auto s = *t->a.connect({.remote = {"10.0.0.2"_ip, 7}});
    t->pass(50, ignore_rest{}, ignore_rest{});
    const std::vector<std::byte> message(bytes);
    for (u32 i = 0; i < 28; ++i) REQUIRE(s.send(message).value_or(0) == bytes);
    CAPTURE(bytes);
    CHECK(t->a.chunks_in_use() == (28 + each - 1) / each);
    t->pass(5000, ignore_rest{}, ignore_rest{});
    CHECK(t->a.chunks_in_use() == 0);
  }
}
TEST_CASE("the quota counts bytes of slots, and one who has cut all chunks gives them back when chunks are wanted") {
  test::acknowledged<in_flight> s(2);
  REQUIRE(s.all.size() == 2);
  const std::vector<std::byte> word(64), much(128 * 1460);
  u32 taken = 0;
  while (s.all[0].send(word)) ++taken;
  CHECK(taken == 128 * 8 - 7);  // a write wants room for a whole chunk in the quota
  s.tick(20, ignore_rest{});
  CHECK(s.tcp_ip->chunks_in_use() == 0);
  std::vector<packet> held;
  while (packet p = s.tcp_ip->chunks().take(0, in_flight::limits.receive_reserve)) held.push_back(std::move(p));
  CHECK(s.all[1].send(much).value_or(0) >= 63 * 1460);  // the chunks that had been cut
  held.clear();
}
TEST_CASE("bytes that moved from a slot to a chunk are a tail like any other") {
  test::acknowledged<in_flight> s(1);
  REQUIRE(s.all.size() == 1);
  const std::vector<std::byte> some(100), more(400);
  CHECK(s.all[0].send(some, {.more = true}).value_or(0) == 100);
  CHECK(s.tcp_ip->transport().counters().slot_moves == 0);
  for (const u32 queued : {500u, 900u, 1300u}) {
    CHECK(s.all[0].send(more, {.more = true}).value_or(0) == 400);
    CHECK(s.all[0].info()->unsent == queued);
    CHECK(s.all[0].info()->send_chunks == 1);
  }
  CHECK(s.tcp_ip->transport().counters().slot_moves == 1);
}
TEST_CASE("a slot is filled to its last byte before what is in it moves") {
  test::acknowledged<in_flight> s(1);
  REQUIRE(s.all.size() == 1);
  const std::vector<std::byte> byte(1);
  u32 n = 0;
  while (n < 300 && s.tcp_ip->transport().counters().slot_moves == 0) {
    REQUIRE(s.all[0].send(byte, {.more = true}).value_or(0) == 1);
    CHECK(s.all[0].info()->unsent == ++n);
    CHECK(s.all[0].info()->send_chunks == 1);
  }
  CHECK(n > 50);
  CHECK(n < 256);
}
TEST_CASE("bytes in a slot that more are appended to move to a chunk, and the segments are the same") {
  auto t = test::two_stacks<with_slots>::make();
  REQUIRE(t->b.listen({.port = 7}));
  std::vector<std::byte> got, sent;
  auto s = *t->a.connect({.remote = {"10.0.0.2"_ip, 7}});
  const auto read = on{[&](typename test::two_stacks<with_slots>::net::readable e) {
                         for (const auto part : e.stream.peek()) got.insert(got.end(), part.begin(), part.end());
                         (void)e.stream.consume(e.stream.peek().size());
                       },
                       ignore_rest{}};
  t->pass(50, ignore_rest{}, read);
  u32 state = 1;
  for (u32 i = 0; i < 400; ++i) {
    state = state * 1664525 + 1013904223;
    const u32 n = 1 + (state >> 16) % ((state >> 8) % 3 == 0 ? 3000 : 300);
    std::vector<std::byte> b(n);
    for (auto& x : b) x = static_cast<std::byte>(state = state * 1664525 + 1013904223, state >> 24);
    tcp::send_flags flags{.more = state >> 31 != 0, .end_of_record = (state >> 20 & 3) == 0};
    std::size_t taken = 0;
    if ((state >> 12 & 3) == 0 && n <= 400) {
      if (auto place = s.reserve(n)) copy_bytes(place->room().data(), b.data(), n), taken = s.commit(std::move(*place), n - n / 3, flags).value_or(0);
    } else {
      taken = s.send(b, flags).value_or(0);
    }
    sent.insert(sent.end(), b.begin(), b.begin() + static_cast<std::ptrdiff_t>(taken));
    if ((state >> 5 & 3) != 0) t->pass(1, ignore_rest{}, read, 1);
  }
  t->pass(5000, ignore_rest{}, read);
  CHECK(got.size() == sent.size());
  CHECK(got == sent);
  CHECK(t->a.template transport<0>().counters().slot_moves > 10);
  CHECK(t->a.chunks_in_use() == 0);
  CHECK(t->b.chunks_in_use() == 0);
}
