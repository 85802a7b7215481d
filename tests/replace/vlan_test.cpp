// SPDX-License-Identifier: MIT
// A virtual LAN by one line: the same stacks, the same cable, and every frame carries a tag.
#include <echo_over.hpp>

#include <catch2/catch_test_macros.hpp>

namespace my_vlan {
struct config : strata::presets::testing {
  using link = strata::link::vlan<strata::link::ethernet>;  // the line
};
}  // namespace my_vlan

namespace {

using namespace strata;
using namespace strata::test;
using net = stack<my_vlan::config>;
static_assert(net::network_headroom == 18 + 20);

/// 10.0.0.1 and 10.0.0.2, each in a VLAN of its own choice.
struct two_in_vlans {
  nic::wire cable{};
  alignas(64) std::byte memory[2][256 * 2048]{};
  net a{}, b{};
  u64 ms = 1;
  two_in_vlans(u16 of_a, u16 of_b) {
    cable.poisons = true;
    (void)a.start({.nic = {cable, 0}, .link = {.id = of_a, .priority = 3}, .memory = memory[0], .entropy = {1}, .address = "10.0.0.1/24"_net});
    (void)b.start({.nic = {cable, 1}, .link = {.id = of_b}, .memory = memory[1], .entropy = {2}, .address = "10.0.0.2/24"_net});
  }
  void turn(auto&& ha, auto&& hb) {
    (void)a.poll({ms * 1'000'000}, budget{64}, ha);
    (void)b.poll({ms * 1'000'000}, budget{64}, hb);
  }
};

TEST_CASE("two stacks in one VLAN talk as they do without") {
  const auto t = std::make_unique<two_in_vlans>(u16{5}, u16{5});
  CHECK(echo_over<my_vlan::config>(*t, {"10.0.0.2"_ip, 7}, "in a VLAN of our own") == "in a VLAN of our own");
  CHECK(t->b.at_interface().link.counted().rx_other_id == 0);
}

TEST_CASE("every frame on the cable has the tag, and the MTU is what it was") {
  nic::wire cable{};
  alignas(64) static std::byte memory[256 * 2048]{};
  const auto a = std::make_unique<net>();
  (void)a->start({.nic = {cable, 0}, .link = {.id = 5, .priority = 3}, .memory = memory, .entropy = {1}, .address = "10.0.0.1/24"_net});
  CHECK(a->at_interface().mtu() == 1500);
  const auto u = a->bind({.port = 1000});
  bare_peer peer(cable);
  static constexpr std::byte full[1472]{};
  CHECK(u->send_to(full, net::endpoint{"10.0.0.2"_ip, 9}));
  (void)a->poll({1'000'000}, budget{64}, ignore_rest{});
  auto frames = peer.receive();
  REQUIRE(frames.size() == 1);  // who has 10.0.0.2?
  const auto is_tagged = [](const std::vector<std::byte>& f, u16 type) {
    return load_be<u16>(f.data() + 12) == 0x8100 && load_be<u16>(f.data() + 14) == (3 << 13 | 5) && load_be<u16>(f.data() + 16) == type;
  };
  CHECK(is_tagged(frames[0], 0x0806));
  // The answer, from 02:..:02, in the same VLAN.
  std::vector<std::byte> reply = frames[0];
  copy_bytes(reply.data(), frames[0].data() + 6, 6);
  reply[18 + 7] = std::byte{2};
  copy_bytes(reply.data() + 18 + 18, frames[0].data() + 18 + 8, 10);
  wire::store_mac(reply.data() + 18 + 8, "02:00:00:00:00:02"_mac);
  store_be<u32>(reply.data() + 18 + 14, 0x0a000002);
  peer.send(reply);
  (void)a->poll({2'000'000}, budget{64}, ignore_rest{});
  frames = peer.receive();
  REQUIRE(frames.size() == 1);
  CHECK(frames[0].size() == 18 + 1500);
  CHECK(is_tagged(frames[0], 0x0800));
}

TEST_CASE("stacks in different VLANs do not hear each other, and count what they drop") {
  const auto t = std::make_unique<two_in_vlans>(u16{5}, u16{6});
  const auto u = t->a.bind({.port = 1000});
  CHECK(u->send_to(bytes_of("hello"), net::endpoint{"10.0.0.2"_ip, 9}));
  for (; t->ms < 5'000; t->ms += 100) t->turn(ignore_rest{}, ignore_rest{});
  CHECK(t->b.at_interface().link.counted().rx_other_id > 0);
  CHECK(t->cable.of(1).transmitted == 0);
  CHECK(t->a.chunks_in_use() == 0);
}

TEST_CASE("an id or a priority that no tag can hold is a bad option") {
  nic::wire cable{};
  alignas(64) static std::byte memory[64 * 2048]{};
  const auto check = [&](link::vlan<link::ethernet>::options o) {
    return net::check({.nic = {cable, 0}, .link = o, .memory = memory, .entropy = {1}, .address = "10.0.0.1/24"_net});
  };
  CHECK(check({.id = 4094, .priority = 7}) == bad_option::none);
  CHECK(check({.id = 4095}) == bad_option::link);
  CHECK(check({.id = 1, .priority = 8}) == bad_option::link);
}

}  // namespace
