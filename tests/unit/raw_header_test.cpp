// SPDX-License-Identifier: MIT
// Packets whose IPv4 header the application wrote (Linux: IP_HDRINCL): what is filled in, what is left alone, what is refused.
#include "raw_header.hpp"

namespace {

using namespace strata;
using namespace strata::raw_header_test;

TEST_CASE("length, checksum, and a sender and an identification that are zero are filled in, and nothing else") {  // Linux: raw(7)
  auto h = made();
  const auto s = h->opened();
  const octets sent = written{}.bytes();
  CHECK(*s.send_to(sent, near_by) == sent.size());
  auto out = h->left();
  REQUIRE(out.size() == 1);
  const auto p = wire::ipv4::parse(out[0]);  // its checksum is good
  REQUIRE(p);
  CHECK((p->total_length == sent.size() && p->source == at_a && p->id != 0));
  octets same = out[0];
  store_be<u16>(same.data() + 2, 0), store_be<u16>(same.data() + 4, 0), store_be<u16>(same.data() + 10, 0), store_be<u32>(same.data() + 12, 0);
  CHECK(same == sent);

  const written full{.from = "192.0.2.7"_ip, .version_and_length = 0x47, .id = 0x1234, .fragment = 0x2003, .total = 9, .sum = 0x5555, .options = {std::byte{1}, std::byte{1}, std::byte{1}, std::byte{0x94}, std::byte{4}, {}, {}, {}}};
  REQUIRE(s.send_to(full.bytes(), near_by));
  out = h->left();
  REQUIRE(out.size() == 1);
  const auto q = wire::ipv4::parse(out[0]);
  REQUIRE(q);
  CHECK((q->header_length == 28 && q->total_length == 35 && q->source == full.from && q->id == 0x1234 && q->more_fragments && q->fragment_offset == 24 && !q->dont_fragment));
  CHECK((q->ttl == 7 && q->type_of_service == 0x28));
  same = out[0];
  store_be<u16>(same.data() + 2, full.total), store_be<u16>(same.data() + 10, full.sum);
  CHECK(same == full.bytes());

  for (u32 i = 0; i < 300; ++i) {  // never zero, and never the same for long
    REQUIRE(s.send_to(sent, near_by));
    out = h->left();
    REQUIRE(out.size() == 1);
    CHECK(wire::ipv4::parse(out[0])->id != 0);
  }
  CHECK(h->a.transport<2>().counted().out_packets == 302);
}

TEST_CASE("what is no header, or one of another packet than was asked for, is refused") {
  auto h = made();
  const auto s = h->opened();
  const auto refused = [&](const octets& b, ipv4_address to = near_by) {
    const auto said = s.send_to(b, to);
    return !said && said.error() == raw::send_error::bad_header;
  };
  const octets good = written{}.bytes();
  CHECK(refused({}));
  CHECK(refused({good.begin(), good.begin() + 19}));
  CHECK_FALSE(refused({good.begin(), good.begin() + 20}));
  CHECK(refused(written{.version_and_length = 0x44}.bytes()));
  CHECK(refused(written{.version_and_length = 0x4f}.bytes()));  // 60 bytes, and there are 27
  CHECK(refused(written{.version_and_length = 0x65}.bytes()));
  CHECK(refused(written{.protocol = 17}.bytes()));
  CHECK(refused(good, "10.0.0.8"_ip));
  CHECK(s.send_to(good, ipv4_address{}).error() == raw::send_error::bad_address);
  CHECK(s.send_to(written{.to = "192.0.2.1"_ip}.bytes(), "192.0.2.1"_ip).error() == raw::send_error::no_route);
  std::vector<packet> taken;
  while (packet p = h->a.chunks().take(0)) taken.push_back(std::move(p));
  CHECK(s.send_to(good, near_by).error() == raw::send_error::would_block);
  CHECK(h->a.transport<2>().counted().sndbuf_errors == 1);
  taken.clear();
  CHECK(h->left().size() == 1);
  CHECK(h->left().empty());
  CHECK(h->a.chunks_in_use() == 0);
}

struct with_long : with_raws { static constexpr bool long_datagrams = true; };
TEST_CASE("what the link does not carry is refused, and never cut") {
  auto h = made<with_long>(1000);
  const auto s = h->opened();
  octets b = written{}.bytes();
  b.resize(1001);
  CHECK(s.send_to(b, near_by).error() == raw::send_error::too_big);
  b.resize(1000);
  CHECK(s.send_to(b, near_by));
  CHECK(h->left().size() == 1);
  REQUIRE(s.set(raw::option::header_included{false}));
  b.resize(981);
  CHECK(s.send_to(b, near_by));
  CHECK(h->left().size() == 2);
}

struct small_chunks : with_raws {
  static constexpr strata::limits limits = [] {
    strata::limits l = with_raws::limits;
    l.chunk_size = 1024;
    return l;
  }();
};
TEST_CASE("what no chunk holds is refused; one that is filled to its end leaves") {
  auto h = made<small_chunks>(1010);
  const auto s = h->opened();
  octets b = written{}.bytes();
  constexpr std::size_t room = 1024 - 14 - 20;  // behind the room for headers, of which the link's alone is needed
  b.resize(room + 1);
  CHECK(s.send_to(b, near_by).error() == raw::send_error::too_big);
  b.resize(room);
  CHECK(s.send_to(b, near_by));
  CHECK(h->left().size() == 1);
  REQUIRE(s.set(raw::option::header_included{false}));
  CHECK(s.send_to(b, near_by));
  CHECK(h->left().size() == 1);
}
TEST_CASE("a path that carries less than the link is for the application to find") {  // as traceroute --mtu does
  auto h = made();
  const auto s = h->opened();
  h->a.on_layer<raw::layer>([](auto&, auto below) { below.learn_path_mtu(near_by, 600); });
  octets b = written{}.bytes();
  b.resize(1500);
  CHECK(s.send_to(b, near_by));
  CHECK(h->left().size() == 1);
}

TEST_CASE("the option is the socket's own, and ends with it") {
  auto h = made();
  const auto s = *h->a.open_raw({.protocol = 253});
  CHECK_FALSE(s.get<raw::option::header_included>()->value);
  REQUIRE(s.set(raw::option::header_included{true}));
  CHECK(s.get<raw::option::header_included>()->value);
  REQUIRE(s.connect(near_by));
  REQUIRE(s.send(written{}.bytes()));
  const auto plain = *h->a.open_raw({.protocol = 253});
  REQUIRE(plain.send_to(bytes_of("plain"), near_by));
  REQUIRE(s.set(raw::option::header_included{false}));
  REQUIRE(s.send(bytes_of("plain")));  // the prepared header of the way is none of the application's
  const auto out = h->left();
  REQUIRE(out.size() == 3);
  CHECK((out[0].size() == 27 && out[0][8] == std::byte{7}));
  for (const auto& p : {out[1], out[2]}) CHECK((p.size() == 25 && p[8] == std::byte{64}));
  REQUIRE(s.set(raw::option::header_included{true}));
  REQUIRE(s.close());
  CHECK(s.set(raw::option::header_included{true}).error() == raw::call_error::stale);
  CHECK(s.get<raw::option::header_included>().error() == raw::call_error::stale);
  CHECK_FALSE(h->a.open_raw({.protocol = 253})->get<raw::option::header_included>()->value);
}

TEST_CASE("a packet with its header waits for its neighbour, and its sender hears if there is none") {
  using net = stack<with_raws>;
  auto t = two_stacks<with_raws>::make();
  const auto s = *t->a.open_raw({.protocol = 253}), there = *t->b.open_raw({.protocol = 253});
  REQUIRE(s.set(raw::option::header_included{true}));
  REQUIRE(s.send_to(written{.to = at_b}.bytes(), at_b));
  t->turns(4, ignore_rest{}, ignore_rest{});
  const auto view = there.peek();
  REQUIRE(view);
  CHECK((text_of(view->bytes) == "payload" && view->from == at_a && view->header[8] == std::byte{7}));
  CHECK(there.consume());
  constexpr ipv4_address nobody = "10.0.0.99"_ip;
  REQUIRE(s.connect(nobody));
  REQUIRE(s.send(written{.to = nobody, .text = "eight or more"}.bytes()));
  raw_ears<net> ears;
  t->pass(5000, ears.handler(), ignore_rest{}, 100);
  CHECK((ears.errors == 1 && ears.reason == icmp_error_kind::host_unreachable));
  CHECK(t->a.chunks_in_use() == 0);
}

}  // namespace
