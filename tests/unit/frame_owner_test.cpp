// SPDX-License-Identifier: MIT
// Whose a frame is where several cores share an address, and the rings by which it goes there.
#include <strata/nic/crossing.hpp>
#include <strata/nic/spread.hpp>
#include <strata/nic/wire_pair.hpp>
#include <strata/wire/ipv4.hpp>

#include "nic_test_pool.hpp"

#include <catch2/catch_test_macros.hpp>

#include <memory>
#include <vector>

namespace {
using namespace strata;
using namespace strata::literals;
using nic_test::pool_of;
using owner = nic::frame_owner;
using kind = owner::kind;

struct frame_of {
  u16 type = 0x0800;
  u8 protocol = 6;
  u32 source = 0x0a000001, destination = 0x0a000002;
  u16 from = 1234, to = 80;
  u16 id = 1, fragment_offset = 0;
  bool more_fragments = false, to_group = false;
  u32 tags = 0;
  u8 first_byte = 0;  // of what ICMP carries in the place of ports

  std::vector<std::byte> bytes() const {
    std::vector<std::byte> f(12);
    f[0] = to_group ? std::byte{1} : std::byte{2};
    const auto put = [&f](u16 v) { f.push_back(static_cast<std::byte>(v >> 8)), f.push_back(static_cast<std::byte>(v)); };
    for (u32 i = 0; i < tags; ++i) put(i + 1 < tags ? 0x88a8 : 0x8100), put(5);
    put(type);
    const std::size_t at = f.size();
    f.resize(at + 28);
    wire::ipv4{.total_length = 28, .id = id, .fragment_offset = fragment_offset, .more_fragments = more_fragments, .protocol = protocol, .source = {source}, .destination = {destination}}
        .emit(f.data() + at);
    store_be<u16>(f.data() + at + 20, protocol == 1 ? static_cast<u16>(first_byte << 8) : from);
    store_be<u16>(f.data() + at + 22, to);
    return f;
  }
};
owner of_four() { return owner{{.cores = 4, .key = {1, 2}}}; }
owner::decision whose(owner& o, const frame_of& f) { return o.of(f.bytes(), nic::frame_start::ethernet); }

TEST_CASE("Flows are spread over all cores, each frame of a flow to the same one, tagged or not") {
  owner one = of_four(), other = of_four();
  u32 flows[4] = {};
  for (u16 port = 1; port <= 4000; ++port) {
    const auto d = whose(one, {.from = port});
    REQUIRE(d.whose == kind::one);
    REQUIRE(d.core < 4);
    ++flows[d.core];
    CHECK(whose(other, {.from = port, .tags = 1u + port % 2}).core == d.core);
  }
  for (const u32 n : flows) CHECK((n > 880 && n < 1120));
  owner with_another_key{{.cores = 4, .key = {3, 2}}};
  u32 same = 0;
  for (u16 port = 1; port <= 1000; ++port) same += whose(one, {.from = port}).core == whose(with_another_key, {.from = port}).core;
  CHECK(same < 400);  // who does not know the key cannot choose a core
}

TEST_CASE("A port that a core chose by itself brings the answers to that core, whoever sends them") {
  owner o = of_four();
  for (u32 port = 32768; port <= 60999; port += 7) {
    for (u32 core = 0; core < 4; ++core) CHECK(o.owns_port(static_cast<u16>(port), core) == (port % 4 == core));
    for (const u8 protocol : {u8{6}, u8{17}}) {
      const auto d = whose(o, {.protocol = protocol, .source = 0x0a000000 + port, .to = static_cast<u16>(port)});
      CHECK((d.whose == kind::one && d.core == port % 4));
    }
  }
  CHECK(!o.owns_port(32767, 3));
  CHECK(!o.owns_port(61000, 0));
}

TEST_CASE("All fragments of a datagram go where the first one goes; one whose first is not known is nobody's") {
  owner o = of_four();
  for (u16 id = 0; id < 500; ++id) {
    const auto first = whose(o, {.protocol = 17, .from = id, .to = static_cast<u16>(40000 + id % 5), .id = id, .more_fragments = true});
    REQUIRE(first.whose == kind::one);
    CHECK(first.core == (40000u + id % 5) % 4);
    const auto middle = whose(o, {.protocol = 17, .from = 9, .to = 9, .id = id, .fragment_offset = 8, .more_fragments = true});
    const auto last = whose(o, {.protocol = 17, .from = 8, .to = 8, .id = id, .fragment_offset = 16});
    CHECK((middle.whose == kind::one && middle.core == first.core && last.whose == kind::one && last.core == first.core));
    CHECK(whose(o, {.protocol = 17, .id = static_cast<u16>(id + 1), .fragment_offset = 8}).whose == kind::nobody);
    CHECK(whose(o, {.protocol = 17, .source = 0x0a000009, .id = id, .fragment_offset = 8}).whose == kind::nobody);
  }
}

TEST_CASE("What every core must know goes to all, one answer is enough for what asks") {
  owner o = of_four();
  for (const u8 type : {u8{3}, u8{4}, u8{5}, u8{11}, u8{12}}) CHECK(whose(o, {.protocol = 1, .first_byte = type}).whose == kind::all);
  CHECK(whose(o, {.protocol = 1, .first_byte = 8}).whose == kind::one);
  CHECK(whose(o, {.protocol = 17, .to_group = true}).whose == kind::all);
  CHECK(whose(o, {.protocol = 2, .destination = 0xe0000001}).whose == kind::all);
  CHECK(whose(o, {.protocol = 47}).whose == kind::one);

  std::vector<std::byte> arp(14 + 28);
  store_be<u16>(arp.data() + 12, 0x0806);
  const auto told = [&](u16 operation, u32 sender, u32 target) {
    store_be<u16>(arp.data() + 20, operation);
    store_be<u32>(arp.data() + 28, sender);
    store_be<u32>(arp.data() + 38, target);
    return o.of(arp, nic::frame_start::ethernet).whose;
  };
  CHECK(told(1, 0x0a000001, 0x0a000002) == kind::any);
  CHECK(told(2, 0x0a000001, 0x0a000002) == kind::all);
  CHECK(told(1, 0x0a000001, 0x0a000001) == kind::all);
}

TEST_CASE("IPv6: flows by addresses and ports, errors and advertisements to all, a solicitation to one") {
  owner o = of_four();
  std::vector<std::byte> f(14 + 40 + 8);
  f[0] = std::byte{2};
  store_be<u16>(f.data() + 12, 0x86dd);
  f[14] = std::byte{0x60};
  const auto whose_v6 = [&](u8 protocol, u8 address, u16 from, u16 to) {
    f[20] = static_cast<std::byte>(protocol);
    f[14 + 23] = static_cast<std::byte>(address);
    store_be<u16>(f.data() + 54, from), store_be<u16>(f.data() + 56, to);
    return o.of(f, nic::frame_start::ethernet);
  };
  u32 by_port = 0, by_address = 0;
  for (u16 i = 0; i < 400; ++i) by_port += whose_v6(6, 1, i, 80).core == 2, by_address += whose_v6(6, static_cast<u8>(i), 1, 80).core == 2;
  CHECK((by_port > 60 && by_port < 140));
  CHECK((by_address > 60 && by_address < 140));
  CHECK(whose_v6(17, 1, 53, 40002).core == 40002 % 4);
  CHECK(whose_v6(58, 1, 0x0200, 0).whose == kind::all);   // packet too big
  CHECK(whose_v6(58, 1, 0x8800, 0).whose == kind::all);   // neighbour advertisement
  CHECK(whose_v6(58, 1, 0x8700, 0).whose == kind::any);   // neighbour solicitation
  CHECK(whose_v6(58, 1, 0x8000, 0).whose == kind::one);   // echo request
}

TEST_CASE("A frame is never read beyond its end, and what is cut stays with who got it") {
  owner o = of_four();
  for (const u32 tags : {0u, 1u, 2u}) {
    const auto whole = frame_of{.tags = tags}.bytes();
    for (std::size_t n = 0; n < whole.size(); ++n) {
      const std::vector<std::byte> cut(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(n));  // the sanitizer sees a byte too far
      const auto d = o.of(cut, nic::frame_start::ethernet);
      CHECK((d.whose == kind::any) == (n < 14 + 4 * tags + 20));
    }
    const std::span<const std::byte> ip = std::span(whole).subspan(14 + 4 * tags);
    CHECK(o.of(ip, nic::frame_start::ip).core == o.of(whole, nic::frame_start::ethernet).core);
  }
  CHECK(o.of({}, nic::frame_start::ip).whose == kind::any);
}

using ring = nic::crossing<2, 4, 2048>;

TEST_CASE("Frames cross in order by copy, a full ring takes no more, and nothing is left in either pool") {
  const auto between = std::make_unique<ring>(nic::owner_options{.cores = 2});
  const auto a = std::make_unique<pool_of<8>>(), b = std::make_unique<pool_of<8>>();
  u8 in = 0, out = 0;
  for (u32 round = 0; round < 50; ++round) {
    for (u32 n = 0; n < 4; ++n) {
      packet p = a->frame(in, 60 + in % 100u);
      REQUIRE(between->give(0, 1, p.d()) == ring::result::done);
      p.become(buffer::owner::application);
      nic_test::scribble({p->chunk, 2048});  // a copy does not mind
      ++in;
    }
    packet p = a->frame(0, 60);
    CHECK(between->give(0, 1, p.d()) == ring::result::full);
    CHECK(between->give(1, 0, p.d()) == ring::result::done);  // the other way is another ring
    CHECK(between->take(1, 0, b->chunks));
    CHECK(between->has_frames(1));
    CHECK(!between->has_frames(0));
    for (u32 n = 0; n < 4; ++n, ++out) REQUIRE(nic_test::frame_is(between->take(0, 1, b->chunks), out, 60 + out % 100u));
    CHECK(!between->take(0, 1, b->chunks));
    CHECK(!between->has_frames(1));
  }
  CHECK(a->chunks.in_use() == 0);
  CHECK(b->chunks.in_use() == 0);
}

TEST_CASE("Where the reader has no chunk, frames stay in the ring; what is longer than a place does not cross") {
  const auto between = std::make_unique<ring>(nic::owner_options{.cores = 2});
  const auto a = std::make_unique<pool_of<8>>();
  const auto b = std::make_unique<pool_of<1>>();
  for (u8 i = 0; i < 2; ++i) CHECK(between->give(0, 1, a->frame(i, 100).d()) == ring::result::done);
  {
    const packet first = between->take(0, 1, b->chunks);
    CHECK(nic_test::frame_is(first, 0, 100));
    CHECK(!between->take(0, 1, b->chunks));
    CHECK(between->has_frames(1));
  }
  CHECK(nic_test::frame_is(between->take(0, 1, b->chunks), 1, 100));
  CHECK(between->give(0, 1, a->frame(1, 2047, 0).d()) == ring::result::too_long);
  CHECK(between->give(0, 1, a->frame(1, 2046, 0).d()) == ring::result::done);
  CHECK(nic_test::frame_is(between->take(0, 1, b->chunks), 1, 2046));
}

TEST_CASE("A train crosses whole, with what is known of its checksum, or not at all") {
  const auto between = std::make_unique<ring>(nic::owner_options{.cores = 2});
  const auto a = std::make_unique<pool_of<8>>(), b = std::make_unique<pool_of<8>>();
  const auto train = [&](u32 parts) {
    packet head = a->chunks.take_receive(2);
    nic_test::fill(head.room().first(100), 0), head.extend(100);
    head->flags = buffer::descriptor::checksum_partial, head->segment_size = 46;
    buffer::descriptor* last = &head.d();
    for (u32 i = 1; i < parts; ++i) {
      packet part = a->chunks.take_receive(0);
      nic_test::fill(part.room(), static_cast<u8>(i)), part.extend(2048);
      buffer::descriptor* const d = &part.d();
      buffer::couple(*last, std::move(part));
      last = d;
    }
    return head;
  };
  packet sent = train(3);
  CHECK(between->give(0, 1, sent.d()) == ring::result::done);
  CHECK(between->give(0, 1, sent.d()) == ring::result::full);  // one place is left
  buffer::drop_train(sent);
  packet came = between->take(0, 1, b->chunks);
  REQUIRE(came);
  CHECK(nic_test::frame_is(came, 0, 100));
  CHECK(came->flags == buffer::descriptor::checksum_partial);
  CHECK(came->segment_size == 46);
  CHECK(buffer::train_parts(came.d()) == 3);
  u8 mark = 0;
  buffer::each_part(came.d(), [&](buffer::descriptor& d) {
    for (u32 i = 0; i < d.length; ++i) REQUIRE(d.chunk[d.offset + i] == nic_test::pattern(mark, i));
    ++mark;
  });
  buffer::drop_train(came);
  sent = train(5);
  CHECK(between->give(0, 1, sent.d()) == ring::result::too_long);
  buffer::drop_train(sent);
  CHECK(a->chunks.in_use() == 0);
  CHECK(b->chunks.in_use() == 0);
}

TEST_CASE("A core is rung for only while it sleeps") {
  struct counting {
    u32 rung = 0;
    void wake() { ++rung; }
  };
  const auto between = std::make_unique<nic::crossing<2, 4, 2048, counting>>(nic::owner_options{.cores = 2});
  between->ring(1);
  CHECK(between->bell_of(1).rung == 0);
  between->will_sleep(1);
  between->ring(1);
  between->ring(0);
  CHECK(between->bell_of(1).rung == 1);
  CHECK(between->bell_of(0).rung == 0);
  between->is_awake(1);
  between->ring(1);
  CHECK(between->bell_of(1).rung == 1);
}

}  // namespace
