// SPDX-License-Identifier: MIT
// A whole stack of the other family, on a link without addresses.
#include <echo_over.hpp>

#include <catch2/catch_test_macros.hpp>

namespace {

using namespace strata;
using namespace strata::test;

struct six : presets::testing {
  using family = strata::only_v6;
  using nic = strata::nic::wire_pair::lending;
  using link = strata::link::raw_ip;
  using neighbour = strata::neighbour::fixed;
  template <class C> using network = layers<strata::ip::v6<C>>;
};
struct six_stacks {
  nic::wire cable{};
  alignas(64) std::byte memory[2][256 * 2048]{};
  stack<six> a{}, b{};
  u64 ms = 1;
  six_stacks() {
    (void)a.start({.nic = {cable, 0}, .memory = memory[0], .entropy = {1}, .address = "fd00::1/64"_net});
    (void)b.start({.nic = {cable, 1}, .memory = memory[1], .entropy = {2}, .address = "fd00::2/64"_net});
  }
  void turn(auto&& ha, auto&& hb) {
    (void)a.poll({ms * 1'000'000}, budget{64}, ha);
    (void)b.poll({ms * 1'000'000}, budget{64}, hb);
  }
};
TEST_CASE("TCP and UDP over IPv6 and a link without addresses") {
  auto t = std::make_unique<six_stacks>();
  CHECK(echo_over<six>(*t, {"fd00::2"_ip, 7}, "over six") == "over six");
  auto here = t->a.bind({.port = 1000});
  auto there = t->b.bind({.port = 7});
  CHECK(here->send_to(bytes_of("datagram"), stack<six>::endpoint{"fd00::2"_ip, 7}));
  std::string got;
  t->turn(ignore_rest{}, on{[&](stack<six>::datagram e) {
    const auto d = e.socket.peek();
    REQUIRE(d);
    got = text_of(d->bytes);
    CHECK(d->from == stack<six>::endpoint{"fd00::1"_ip, 1000});
    CHECK(e.socket.consume());
  }, ignore_rest{}});
  CHECK(got == "datagram");
  (void)there;
}

}  // namespace
