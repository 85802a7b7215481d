// SPDX-License-Identifier: MIT
// What a stack sends to a group is heard by its own sockets: by which of them, when, and what is lost where there is no room.
#include <array>

#include "igmp_world.hpp"
#include "raw_world.hpp"

namespace {

using namespace strata;
using namespace strata::igmp_test;
using multicast::filter_mode;
using multicast::loop;
using lines = std::vector<std::string>;
constexpr ipv4_address us = "10.0.0.1"_ip, group = "239.1.2.3"_ip, other = "239.1.2.4"_ip, all_systems = "224.0.0.1"_ip;
using endpoint_4 = endpoint<ipv4_address>;

struct looped : member { using nic = strata::nic::wire_pair; };
/// A host, a socket at port 5000 and one that sends.
template <class C = looped> struct talker : host<C> {
  typename stack<C>::datagram_socket hears = *this->a.bind({.port = 5000}), speaks = *this->a.bind({.port = 7});
  auto send(const char* text, ipv4_address to = group) { return speaks.send_to(bytes_of(text), endpoint_4{to, 5000}); }
  /// What was heard in one turn.
  lines heard_now() {
    this->turn();
    return std::exchange(this->heard, {});
  }
  /// UDP that left since the last time, in frames.
  u32 left() {
    this->turn();
    u32 n = 0;
    for (const auto& f : this->peer.receive()) n += f.size() > 23 && f[23] == std::byte{17};
    return n;
  }
};
template <class C = looped> auto made() { return std::make_unique<talker<C>>(); }

TEST_CASE("what is sent to a group is heard by our own socket that joined it, in the next turn and not before") {  // RFC 1112 §6.1
  auto h = made();
  REQUIRE(h->hears.join({.group = group}));
  (void)h->left();
  REQUIRE(h->send("hello"));
  CHECK(h->heard.empty());
  CHECK(h->hears.peek().error() == udp::receive_error::would_block);
  CHECK_FALSE(h->a.idle());
  CHECK(h->a.next_deadline() == h->a.now());
  CHECK(h->heard_now() == lines{"10.0.0.1 hello"});
  CHECK(h->a.idle());
  CHECK(h->left() == 1);
  REQUIRE(h->hears.send_to(bytes_of("to myself"), endpoint_4{group, 5000}));  // the sender is no other
  CHECK(h->heard_now() == lines{"10.0.0.1 to myself"});
  CHECK(h->left() == 1);
  for (const char* text : {"one", "two", "three"}) REQUIRE(h->send(text));
  CHECK(h->heard_now() == lines{"10.0.0.1 one", "10.0.0.1 two", "10.0.0.1 three"});
  CHECK(h->left() == 3);
  CHECK(h->a.network().igmp_counted().in_not_joined == 0);
}

TEST_CASE("a copy comes as what the link brings: to the group, with the header that left") {
  auto h = made();
  REQUIRE(h->hears.join({.group = group}));
  REQUIRE(h->speaks.set(udp::option::hop_limit{9}));
  REQUIRE(h->speaks.set(udp::option::dscp{46}));
  REQUIRE(h->send("x"));
  (void)h->a.poll({h->now_ms * 1'000'000}, budget{64}, ignore_rest{});
  CHECK(*h->hears.fields() == udp::ip_fields{46, 0, 9});
  std::byte room[8];
  CHECK(h->hears.receive(room)->from == endpoint_4{us, 7});
}

TEST_CASE("nobody hears what nobody joined, and no copy is made of it") {
  auto h = made();
  REQUIRE(h->hears.join({.group = other}));
  REQUIRE(h->send("not here"));
  CHECK(h->a.idle());
  CHECK(h->heard_now().empty());
  CHECK(h->left() == 1);
  CHECK(h->count().in_not_joined == 0);
  REQUIRE(h->send("all", all_systems));  // RFC 1112 §4: of that one each host is a member
  CHECK(h->heard_now() == lines{"10.0.0.1 all"});
  REQUIRE(h->hears.join({.group = group}));
  REQUIRE(h->send("too late"));
  REQUIRE(h->hears.leave({.group = group}));
  CHECK(h->heard_now().empty());
  CHECK(h->count().in_not_joined == 1);
  REQUIRE(h->speaks.send_to(bytes_of("everybody"), endpoint_4{"255.255.255.255"_ip, 5000}));
  CHECK(h->heard_now().empty());  // broadcasts have no copies
}

TEST_CASE("filters of sources hold for what we send, too") {  // RFC 3376 §3
  auto h = made();
  auto also = *h->a.bind({.port = 5001});
  const ipv4_address ours[] = {us};
  const auto both = [&] {
    REQUIRE(h->send("a"));
    REQUIRE(h->speaks.send_to(bytes_of("b"), endpoint_4{group, 5001}));
    return h->heard_now();
  };
  REQUIRE(h->hears.join({.group = group, .source = "10.0.0.5"_ip}));
  CHECK(both().empty());
  CHECK(h->count().in_filtered == 0);
  REQUIRE(also.join({.group = group, .source = us}));
  CHECK(both() == lines{"10.0.0.1 b"});  // the host wants it, one of its sockets does not
  CHECK(h->count().in_filtered == 1);
  REQUIRE(h->hears.listen_to({.group = group, .mode = filter_mode::exclude, .sources = ours}));
  CHECK(both() == lines{"10.0.0.1 b"});
  REQUIRE(h->hears.listen_to({.group = group, .mode = filter_mode::exclude}));
  CHECK(both() == lines{"10.0.0.1 a", "10.0.0.1 b"});
}

TEST_CASE("a socket says whether its groups hear it here, only here, or only elsewhere") {
  auto h = made();
  REQUIRE(h->hears.join({.group = group}));
  (void)h->left();
  CHECK(h->speaks.get<udp::option::multicast_loop>()->value == loop::on);
  REQUIRE(h->speaks.set(udp::option::multicast_loop{loop::off}));
  CHECK(h->speaks.get<udp::option::multicast_loop>()->value == loop::off);
  REQUIRE(h->send("away"));
  REQUIRE(h->send("elsewhere", other));
  REQUIRE(h->send("away"));  // the option outlives the way
  CHECK(h->heard_now().empty());
  CHECK(h->left() == 3);
  CHECK(h->hears.get<udp::option::multicast_loop>()->value == loop::on);  // each socket has its own
  REQUIRE(h->speaks.set(udp::option::multicast_loop{loop::only}));
  REQUIRE(h->send("here"));
  REQUIRE(h->send("nowhere", other));
  CHECK(h->heard_now() == lines{"10.0.0.1 here"});
  CHECK(h->left() == 0);
  CHECK(h->a.chunks_in_use() == 0);
  REQUIRE(h->speaks.set(udp::option::multicast_loop{loop::on}));
  REQUIRE(h->send("both"));
  CHECK(h->heard_now() == lines{"10.0.0.1 both"});
  CHECK(h->left() == 1);
  const auto old = h->speaks;
  REQUIRE(old.set(udp::option::multicast_loop{loop::off}));
  REQUIRE(old.close());
  CHECK(old.set(udp::option::multicast_loop{}).error() == udp::call_error::stale);
  CHECK(old.get<udp::option::multicast_loop>().error() == udp::call_error::stale);
  h->speaks = *h->a.bind({.port = 7});
  CHECK(h->speaks.get<udp::option::multicast_loop>()->value == loop::on);
}
struct no_groups : presets::testing {};
struct no_options : member { static constexpr bool datagram_options = false; };
template <class C> concept takes_loop = requires(typename stack<C>::datagram_socket s, udp::option::multicast_loop o) { s.set(o); s.template get<udp::option::multicast_loop>(); };
static_assert(takes_loop<looped> && !takes_loop<no_groups> && !takes_loop<no_options>);
static_assert(sizeof(stack<no_groups>::path) <= 68);

TEST_CASE("a copy that finds no room is counted, and the datagram leaves") {
  auto h = made();
  REQUIRE(h->hears.join({.group = group}));
  (void)h->left();
  for (u32 i = 0; i < looped::limits.datagrams + 3; ++i) REQUIRE(h->send("x"));  // more than any socket would keep
  CHECK(h->count().loop_drops == 3);
  CHECK(h->heard_now().size() == looped::limits.datagrams);
  CHECK(h->left() == looped::limits.datagrams + 3);
  std::vector<packet> all;
  while (h->a.chunks().available() > looped::limits.receive_reserve + 1) all.push_back(h->a.chunks().take(64));
  REQUIRE(h->send("the last chunk"));  // to send: with a copy the receive path would have none to spare
  all.push_back(h->a.chunks().take(64));
  CHECK(h->count().loop_drops == 3);
  REQUIRE(h->heard_now().size() == 1);
  all.clear();
  while (h->a.chunks().available() > looped::limits.receive_reserve) all.push_back(h->a.chunks().take(64));
  all.pop_back();
  std::vector<packet> mine;
  auto place = h->speaks.reserve(3);
  REQUIRE(place);
  copy_bytes(place->room().data(), bytes_of("abc").data(), 3);
  for (packet p; h->a.chunks().available() >= looped::limits.receive_reserve; mine.push_back(std::move(p))) p = h->a.chunks().take(64);
  REQUIRE(h->speaks.commit_to(std::move(*place), 3, endpoint_4{group, 5000}));
  CHECK(h->count().loop_drops == 4);
  all.clear(), mine.clear();
  CHECK(h->heard_now().empty());
  CHECK(h->left() == 2);
}

TEST_CASE("what the NIC did not take is not heard either: the application sends it again") {
  auto h = made();
  REQUIRE(h->hears.join({.group = group}));
  REQUIRE(h->speaks.set(udp::option::multicast_loop{loop::off}));
  while (h->send("fills the ring")) {}
  REQUIRE(h->speaks.set(udp::option::multicast_loop{}));
  CHECK(h->send("again").error() == udp::send_error::would_block);
  CHECK(h->a.idle());
  CHECK(h->heard_now().empty());
  (void)h->peer.receive();
  REQUIRE(h->send("again"));
  CHECK(h->heard_now() == lines{"10.0.0.1 again"});
}

TEST_CASE("who answers himself is heard once in each turn") {
  auto h = made();
  REQUIRE(h->hears.join({.group = group}));
  REQUIRE(h->send("0"));
  u32 events = 0;
  for (u32 turns = 1; turns < 5; ++turns) {
    (void)h->a.poll({h->now_ms * 1'000'000}, budget{64}, on{[&](stack<looped>::datagram d) {
                      ++events;
                      REQUIRE(d.socket.consume());
                      REQUIRE(d.socket.send_to(bytes_of("again"), endpoint_4{group, 5000}));
                    }, ignore_rest{}});
    CHECK(events == turns);
    CHECK_FALSE(h->a.idle());
  }
}

TEST_CASE("copies that wait go with their stack") {
  auto h = made();
  REQUIRE(h->hears.join({.group = group}));
  REQUIRE(h->send("x"));
  h->a.shut_down();
  CHECK(h->a.chunks_in_use() == 0);
  REQUIRE(h->a.start({.nic = {h->cable, 0}, .memory = std::span(h->memory), .entropy = {7}, .address = "10.0.0.1/24"_net}) == bad_option::none);
  CHECK(h->a.idle());
  CHECK(h->heard_now().empty());
}

struct on_two : presets::testing {
  static constexpr strata::limits limits = member::limits;
  template <class C> using interfaces = strata::interfaces<strata::interface<C>, strata::interface<C>>;
};
TEST_CASE("a group is heard on the link that it was joined on") {
  using net = stack<on_two>;
  nic::wire cables[2]{};
  std::vector<std::byte> memory(std::size_t{on_two::limits.chunks} * 2048);
  auto a = std::make_unique<net>();
  REQUIRE(a->start({.memory = std::span(memory), .entropy = {7}, .interfaces = {{.nic = {cables[0], 0}, .address = "10.0.0.1/24"_net}, {.nic = {cables[1], 0}, .address = "10.0.1.1/24"_net}}}) == bad_option::none);
  auto hears = *a->bind({.port = 5000}), first = *a->bind({.port = 7}), second = *a->bind({.port = 8, .address = "10.0.1.1"_ip});
  REQUIRE(hears.join({.group = group, .link = 1}));
  lines heard;
  const auto turn = [&] {
    (void)a->poll({1'000'000}, budget{64}, on{[&](net::datagram d) {
                    std::byte to[64];
                    while (const auto got = d.socket.receive(to)) heard.push_back(dotted(got->from.address.value) + " " + std::string(text_of(std::span(to).first(got->bytes))));
                  }, ignore_rest{}});
  };
  REQUIRE(first.send_to(bytes_of("by the first"), endpoint_4{group, 5000}));
  REQUIRE(second.send_to(bytes_of("by the second"), endpoint_4{group, 5000}));
  turn();
  CHECK(heard == lines{"10.0.1.1 by the second"});
}

struct long_ones : looped { static constexpr bool long_datagrams = true; };
TEST_CASE("a datagram in fragments is heard whole") {
  auto h = made<long_ones>();
  REQUIRE(h->hears.join({.group = group}));
  (void)h->left();
  std::vector<std::byte> text(5000), room(6000);
  for (std::size_t i = 0; i < text.size(); ++i) text[i] = static_cast<std::byte>(i * i >> 3 ^ i);
  for (const loop how : {loop::on, loop::only, loop::off}) {
    REQUIRE(h->speaks.set(udp::option::multicast_loop{how}));
    CHECK(*h->speaks.send_to(text, endpoint_4{group, 5000}) == 5000);
    (void)h->a.poll({h->now_ms * 1'000'000}, budget{64}, ignore_rest{});
    const auto got = h->hears.receive(room);
    REQUIRE(got.has_value() == (how != loop::off));
    if (got) CHECK((got->bytes == 5000 && std::equal(text.begin(), text.end(), room.begin())));
    CHECK(h->left() == (how == loop::only ? 0 : 4));
  }
}

struct in_trains : looped {
  using nic = strata::nic::wire_pair::copying_trains;  // it cuts them and fills in checksums
  static constexpr u32 gso_max_size = 20'000;
};
TEST_CASE("datagrams of one call are heard one by one") {
  auto h = made<in_trains>();
  REQUIRE(h->hears.join({.group = group}));
  for (const char* text : {"aabbc", "ddeef"}) REQUIRE(h->speaks.send_to(bytes_of(text), endpoint_4{group, 5000}, udp::segment_size{2}));
  CHECK(h->heard_now() == lines{"10.0.0.1 aa", "10.0.0.1 bb", "10.0.0.1 c", "10.0.0.1 dd", "10.0.0.1 ee", "10.0.0.1 f"});
  CHECK(h->a.transport<1>().counted().in_csum_errors == 0);
}

/// Fills in checksums and cannot tell of a received one.
struct filling : nic::wire_pair {
  using nic::wire_pair::wire_pair;
  static constexpr nic::capabilities may{.fills_in_checksum = true};
  [[nodiscard]] nic::capabilities has() const { return may; }
};
struct filled_in : looped { using nic = filling; };
TEST_CASE("a copy whose checksum was left to the NIC is believed, and no other is") {
  auto h = made<filled_in>();
  REQUIRE(h->hears.join({.group = group}));
  REQUIRE(h->send("hello"));
  CHECK(h->heard_now() == lines{"10.0.0.1 hello"});
  auto frames = h->peer.receive();
  REQUIRE_FALSE(frames.empty());
  auto& f = frames.back();
  REQUIRE((f[23] == std::byte{17} && plain_sum(std::span(f).subspan(26)) + 17 + f.size() - 34 != 0xffff));  // as it is left
  store_be<u32>(f.data() + 26, 0x0a000002);
  store_be<u16>(f.data() + 24, 0);
  store_be<u16>(f.data() + 24, static_cast<u16>(~plain_sum(std::span(f).subspan(14, 20))));
  store_be<u16>(f.data() + 40, fold(load_be<u16>(f.data() + 40) + u32{1}));
  h->peer.send(f);
  CHECK(h->heard_now().empty());
  CHECK(h->a.transport<1>().counted().in_csum_errors == 1);
}

struct listening : looped {
  template <class C> using transports = layers<typename C::template tcp<C>, typename C::template udp<C>, raw::layer<C>>;
};
TEST_CASE("raw sockets hear what is sent to a group here, and send to it") {
  auto h = made<listening>();
  const auto of_udp = *h->a.open_raw({.protocol = 17}), own = *h->a.open_raw({.protocol = 253});
  REQUIRE(h->a.join({.group = group}));
  REQUIRE(h->send("x"));
  REQUIRE(own.send_to(bytes_of("y"), group));
  CHECK(h->heard_now() == lines{"10.0.0.1 x"});
  const auto seen = of_udp.peek();
  REQUIRE(seen);
  CHECK((seen->from == us && seen->to == group && seen->header.size() == 20 && text_of(seen->bytes.subspan(8)) == "x"));
  CHECK(text_of(next_of(own)) == "y");
  CHECK(own.get<raw::option::multicast_loop>()->value == loop::on);
  REQUIRE(own.set(raw::option::multicast_loop{loop::off}));
  REQUIRE(own.send_to(bytes_of("z"), other));
  REQUIRE(own.send_to(bytes_of("z"), group));
  CHECK(own.get<raw::option::multicast_loop>()->value == loop::off);
  (void)h->heard_now();
  CHECK(next_of(own).empty());
  REQUIRE(of_udp.close());
}
TEST_CASE("a copy of a message is no other host's: a ping is not answered, a report silences nobody") {
  auto h = made<listening>();
  const auto pings = *h->a.open_raw({.protocol = 1}), speaks = *h->a.open_raw({.protocol = 2});
  h->igmp({0x16, 0, 0, 0, 239, 1, 2, 3}, {.from = "10.0.0.5"_ip, .to = group});
  h->old(0x11, 100, {});  // a querier of version 2
  REQUIRE(h->hears.join({.group = group}));
  (void)h->within(20'000);
  h->old(0x11, 100, {});
  REQUIRE(pings.send_to(echo(8, 1), group));
  std::array<std::byte, 8> report{std::byte{0x16}};
  store_be<u32>(report.data() + 4, group.value);
  store_be<u16>(report.data() + 2, checksum(report));
  REQUIRE(speaks.send_to(report, group));
  (void)h->left();
  CHECK(next_of(pings) == echo(8, 1));
  CHECK(next_of(speaks).size() == 8);
  CHECK(h->a.network().icmp_counted().out_echo_reps == 0);
  CHECK(h->a.network().icmp_counted().in_ignored == 1);
  const auto answer = h->within(11'000);
  REQUIRE(answer.size() == 1);
  CHECK(answer[0].line == "to 239.1.2.3: v2 report 239.1.2.3");
  h->a.shut_down();
}

constexpr u8 ways = static_cast<u8>(ip::point::output) | static_cast<u8>(ip::point::input);
struct hooked : looped { using hooks = ip::hooks<ip::filter_at<ways, "drop udp from any port 8 out 0"_rule, "drop udp to any port 5001 in 0"_rule>>; };
TEST_CASE("hooks see a packet as it leaves and its copy as it comes") {
  auto h = made<hooked>();
  REQUIRE(h->a.bind({.port = 5001}));
  auto mute = *h->a.bind({.port = 8});
  REQUIRE(h->hears.join({.group = group}));
  (void)h->left();
  CHECK(mute.send_to(bytes_of("never"), endpoint_4{group, 5000}).error() == udp::send_error::dropped);
  REQUIRE(mute.set(udp::option::multicast_loop{loop::only}));
  CHECK(mute.send_to(bytes_of("nor here"), endpoint_4{group, 5000}).error() == udp::send_error::dropped);
  REQUIRE(h->speaks.send_to(bytes_of("elsewhere"), endpoint_4{group, 5001}));
  REQUIRE(h->send("both"));
  CHECK(h->heard_now() == lines{"10.0.0.1 both"});
  CHECK(h->left() == 2);
}

}  // namespace
