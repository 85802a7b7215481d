// SPDX-License-Identifier: MIT
// What a stack sends to a group is heard by its own sockets, in other Configs: two links, fragments, trains, checksums of the NIC, raw sockets, hooks.
#include "group_loop.hpp"
#include "raw_world.hpp"

namespace {

using namespace strata;
using namespace strata::group_loop_test;

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
  const ipv4_address all_three[] = {group, "255.255.255.255"_ip, "10.0.0.255"_ip};
  for (const ipv4_address to : all_three) {
    for (const char* text : {"aabbc", "ddeef"}) REQUIRE(h->speaks.send_to(bytes_of(text), endpoint_4{to, 5000}, udp::segment_size{2}));
    CHECK(h->heard_now() == lines{"10.0.0.1 aa", "10.0.0.1 bb", "10.0.0.1 c", "10.0.0.1 dd", "10.0.0.1 ee", "10.0.0.1 f"});
  }
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
