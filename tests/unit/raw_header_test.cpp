// SPDX-License-Identifier: MIT
// Packets whose IPv4 header the application wrote (Linux: IP_HDRINCL): what is filled in, what is left alone, what is refused.
#include <strata/ip/filter.hpp>

#include "raw_world.hpp"

namespace {

using namespace strata;
using namespace strata::test;
using octets = std::vector<std::byte>;

constexpr ipv4_address near_by = "10.0.0.9"_ip, group = "239.1.2.3"_ip;

/// A header of 20 bytes and options, and `text` behind it; what the stack fills in is zero.
struct written {
  u8 protocol = 253;
  ipv4_address to = near_by, from{};
  u8 ttl = 7, tos = 0x28, version_and_length = 0x45;
  u16 id = 0, fragment = 0, total = 0, sum = 0;
  octets options{};
  const char* text = "payload";

  [[nodiscard]] octets bytes() const {
    octets b(20);
    b[0] = std::byte{version_and_length}, b[1] = std::byte{tos}, b[8] = std::byte{ttl}, b[9] = std::byte{protocol};
    store_be<u16>(b.data() + 2, total), store_be<u16>(b.data() + 4, id), store_be<u16>(b.data() + 6, fragment), store_be<u16>(b.data() + 10, sum);
    store_be<u32>(b.data() + 12, from.value), store_be<u32>(b.data() + 16, to.value);
    b.insert(b.end(), options.begin(), options.end());
    const auto t = bytes_of(text);
    b.insert(b.end(), t.begin(), t.end());
    return b;
  }
};

/// One stack, 10.0.0.1, and a peer that sees what leaves.
template <class C = with_raws> struct host {
  nic::wire cable{};
  octets memory = octets(std::size_t{C::limits.chunks} * 2048);
  stack<C> a{};
  bare_peer peer{cable};

  explicit host(u16 mtu = 0) {
    REQUIRE(a.start({.nic = {cable, 0}, .memory = std::span(memory), .entropy = {1}, .address = "10.0.0.1/24"_net, .mtu = mtu}) == bad_option::none);
    REQUIRE(a.add_neighbour(0, near_by, "02:00:00:00:00:09"_mac));
  }
  auto opened(u8 protocol = 253) {
    const auto s = *a.open_raw({.protocol = protocol});
    REQUIRE(s.set(raw::option::header_included{true}));
    return s;
  }
  /// IPv4 packets that left since the last time.
  std::vector<octets> left() {
    (void)a.poll({1'000'000}, budget{64}, ignore_rest{});
    std::vector<octets> all;
    for (const auto& f : peer.receive())
      if (f[12] == std::byte{8} && f[13] == std::byte{0}) all.emplace_back(f.begin() + 14, f.end());
    return all;
  }
};
template <class C = with_raws> auto made(u16 mtu = 0) { return std::make_unique<host<C>>(mtu); }

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
  auto h = made<small_chunks>(1000);
  const auto s = h->opened();
  octets b = written{}.bytes();
  constexpr std::size_t room = 1024 - 14 - 20;  // behind the room for headers, of which the link's alone is needed
  b.resize(room + 1);
  CHECK(s.send_to(b, near_by).error() == raw::send_error::too_big);
  b.resize(room);
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

/// Refuses what it is told, and remembers.
struct gate {
  static constexpr bool is_open = false;
  bool is_shut = false;
  permission::request<ipv4_address> last{};
  bool allows(const permission::request<ipv4_address>& r) { return last = r, !is_shut; }
};
struct guarded : with_raws { using permission = gate; };
TEST_CASE("who may not send may not send with a header of his own either") {
  auto h = made<guarded>();
  const auto s = h->opened();
  h->a.permission().is_shut = true;
  CHECK(s.send_to(written{}.bytes(), near_by).error() == raw::send_error::not_permitted);
  CHECK((h->a.permission().last.what == permission::call::send_to && h->a.permission().last.remote.address == near_by && h->a.permission().last.protocol == 253));
  CHECK(h->left().empty());
}

constexpr u8 ways_out = static_cast<u8>(ip::point::output) | static_cast<u8>(ip::point::postrouting);
struct walled : with_raws { using hooks = ip::hooks<ip::filter_at<ways_out, "drop udp to any port 9"_rule, "drop from 192.0.2.0/24"_rule>>; };
TEST_CASE("the firewall reads the header that leaves, and the ports behind it") {
  auto h = made<walled>();
  const auto s = h->opened(17);
  const auto send = [&](written w, u8 port) {
    const char udp[] = {0x12, 0x34, 0, static_cast<char>(port), 0, 8, 0, 0};
    w.protocol = 17, w.text = "";
    octets b = w.bytes();
    for (const char c : udp) b.push_back(static_cast<std::byte>(c));
    return s.send_to(b, near_by);
  };
  CHECK(send({}, 9).error() == raw::send_error::dropped);
  CHECK(send({}, 8));
  CHECK(send({.version_and_length = 0x46, .options = octets(4)}, 9).error() == raw::send_error::dropped);
  CHECK(send({.version_and_length = 0x46, .options = octets(4)}, 8));
  CHECK(send({.fragment = 3}, 9));  // a later fragment has no ports
  CHECK(send({.from = "192.0.2.7"_ip}, 8).error() == raw::send_error::dropped);
  CHECK(h->left().size() == 3);
}

struct in_groups : with_raws {
  static constexpr strata::limits limits = [] {
    auto l = presets::testing::limits;
    l.groups = 2;
    return l;
  }();
};
TEST_CASE("a time to live of zero does not leave the host, and is heard in it") {  // RFC 1112 §6.1
  auto h = made<in_groups>();
  const auto s = h->opened(), hears = *h->a.open_raw({.protocol = 253});
  REQUIRE(h->a.join({.group = group, .source = at_a}));
  (void)h->left();
  const auto is_heard = [&] {
    const octets text = next_of(hears);
    (void)next_of(s);
    return text_of(text) == "payload";
  };
  REQUIRE(s.send_to(written{.to = group, .ttl = 0}.bytes(), group));
  CHECK(h->left().empty());
  CHECK(is_heard());
  REQUIRE(s.send_to(written{.to = group, .ttl = 5}.bytes(), group));
  CHECK(h->left().size() == 1);
  CHECK(is_heard());
  REQUIRE(s.send_to(written{.to = group, .from = "10.0.0.5"_ip}.bytes(), group));  // of another source than is wanted
  CHECK(h->left().size() == 1);
  CHECK_FALSE(is_heard());
  REQUIRE(s.set(raw::option::multicast_loop{multicast::loop::off}));
  CHECK(*s.send_to(written{.to = group, .ttl = 0}.bytes(), group) == 27);
  REQUIRE(s.send_to(written{.to = group, .ttl = 5}.bytes(), group));
  CHECK(h->left().size() == 1);
  CHECK_FALSE(is_heard());
  REQUIRE(s.send_to(written{.ttl = 0}.bytes(), near_by));  // to somebody alone it is sent, as Linux does
  CHECK(h->left().size() == 1);
  CHECK(h->left().empty());
  CHECK(h->a.chunks_in_use() == 0);
  h->a.shut_down();

  auto without = made();
  const auto r = without->opened();
  CHECK(*r.send_to(written{.to = group, .ttl = 0}.bytes(), group) == 27);
  CHECK(without->left().empty());
  REQUIRE(r.send_to(written{.to = group, .ttl = 1}.bytes(), group));
  CHECK(without->left().size() == 1);
}

struct of_both : with_raws {
  using link = strata::link::raw_ip;
  using neighbour = strata::neighbour::fixed;
  using family = strata::dual;
  using header_image = strata::header_image::built;
  template <class C> using network = layers<strata::ip::v4<C>, strata::ip::v6<C>>;
};
struct only_six : of_both {
  using family = strata::only_v6;
  template <class C> using network = layers<strata::ip::v6<C>>;
};
template <class C> concept writes_headers = requires(typename stack<C>::raw_socket s, raw::option::header_included o) { s.set(o); s.template get<raw::option::header_included>(); };
static_assert(writes_headers<with_raws> && writes_headers<of_both> && !writes_headers<only_six>);
TEST_CASE("where both families are only IPv4's header is the application's") {
  using net = stack<of_both>;
  nic::wire cable{};
  octets memory(std::size_t{of_both::limits.chunks} * 2048);
  auto a = std::make_unique<net>();
  bare_peer peer(cable);
  REQUIRE(a->start({.nic = {cable, 0}, .memory = std::span(memory), .entropy = {1}, .address = {"10.0.0.1"_ip, 24}}) == bad_option::none);
  REQUIRE(a->add_address(0, "fd00::1/64"_net));
  const auto s = *a->open_raw({.protocol = 253});
  REQUIRE(s.set(raw::option::header_included{true}));
  CHECK(s.send_to(written{}.bytes(), "fd00::2"_ip).error() == raw::send_error::bad_header);
  REQUIRE(s.send_to(written{}.bytes(), near_by.v6()));
  REQUIRE(s.send_to(written{.from = "10.0.0.7"_ip}.bytes(), near_by.v6()));
  (void)a->poll({1'000'000}, budget{64}, ignore_rest{});
  const auto out = peer.receive();
  REQUIRE(out.size() == 2);
  CHECK((wire::ipv4::parse(out[0])->source == at_a && wire::ipv4::parse(out[1])->source == "10.0.0.7"_ip));
}

struct by_rules : with_raws { using routing = ip::ruled<2>; };
TEST_CASE("rules look at the DSCP of the written header") {
  host<by_rules> h;
  const ipv4_address far = "192.0.2.1"_ip;
  REQUIRE(h.a.add_rule({.dscp = 46, .gateway = near_by}));
  const auto s = h.opened();
  CHECK(s.send_to(written{.to = far, .tos = 46 << 2}.bytes(), far));
  CHECK(s.send_to(written{.to = far, .tos = 0}.bytes(), far).error() == raw::send_error::no_route);
  const auto left = h.left();
  REQUIRE(left.size() == 1);
  CHECK(left[0][1] == std::byte{46 << 2});
}

}  // namespace
