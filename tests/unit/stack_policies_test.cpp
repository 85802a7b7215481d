// SPDX-License-Identifier: MIT
// Policies of the Config as the whole stack sees them: permission and observer.
#include <two_stacks.hpp>

#include <catch2/catch_test_macros.hpp>

namespace {

using namespace strata;
using namespace strata::test;

// ---- permission ----
struct bouncer {
  static constexpr bool is_open = false;
  u32 forbidden = 0;  ///< bits of permission::call
  u32 asked = 0;
  u16 last_remote_port = 0;
  bool allows(const permission::request<ipv4_address>& r) {
    ++asked;
    last_remote_port = r.remote.port;
    return (forbidden >> static_cast<u32>(r.what) & 1) == 0;
  }
};
struct guarded : presets::testing { using permission = bouncer; };

TEST_CASE("a permission policy is asked by every socket call, and a refusal sends and changes nothing") {
  using net = stack<guarded>;
  auto t = two_stacks<guarded>::make();
  REQUIRE(t->b.listen({.port = 7}));
  const auto s = t->a.connect({.remote = {"10.0.0.2"_ip, 7}});
  REQUIRE(s);
  t->turns(4, ignore_rest{}, ignore_rest{});
  auto u = t->a.bind({.port = 9});
  REQUIRE(u);
  const auto forbid = [&](permission::call c) { t->a.permission().forbidden = 1u << static_cast<u32>(c); };
  const u64 frames = t->cable.of(0).transmitted;
  std::byte room[8];

  forbid(permission::call::listen);
  CHECK(t->a.listen({.port = 8}).error() == tcp::listen_error::not_permitted);
  forbid(permission::call::connect);
  CHECK(t->a.connect({.remote = {"10.0.0.2"_ip, 7}}).error() == tcp::connect_error::not_permitted);
  CHECK(t->a.permission().last_remote_port == 7);
  CHECK(u->connect(net::endpoint{"10.0.0.2"_ip, 9}).error() == udp::connect_error::not_permitted);
  forbid(permission::call::send);
  CHECK(s->send(bytes_of("x")).error() == tcp::send_error::not_permitted);
  CHECK(t->a.permission().last_remote_port == 7);
  CHECK(s->reserve(1).error() == tcp::send_error::not_permitted);
  forbid(permission::call::receive);
  CHECK(s->consume(1).error() == tcp::receive_error::not_permitted);
  CHECK(s->receive(room).error() == tcp::receive_error::not_permitted);
  CHECK(s->take().error() == tcp::receive_error::not_permitted);
  CHECK(u->receive(room).error() == udp::receive_error::not_permitted);
  forbid(permission::call::close);
  CHECK(s->close().error() == tcp::call_error::not_permitted);
  CHECK(u->close().error() == udp::call_error::not_permitted);
  forbid(permission::call::shutdown);
  CHECK(s->shutdown_send().error() == tcp::call_error::not_permitted);
  forbid(permission::call::abort);
  CHECK(s->abort().error() == tcp::call_error::not_permitted);
  forbid(permission::call::set_option);
  CHECK(s->set(option::no_delay{true}).error() == tcp::call_error::not_permitted);
  forbid(permission::call::bind);
  CHECK(t->a.bind({.port = 10}).error() == udp::bind_error::not_permitted);
  forbid(permission::call::send_to);
  CHECK(u->send_to(bytes_of("x"), net::endpoint{"10.0.0.2"_ip, 9}).error() == udp::send_error::not_permitted);
  CHECK(u->reserve(1).error() == udp::send_error::not_permitted);

  CHECK(t->a.counters().not_permitted == 17);
  CHECK(t->cable.of(0).transmitted == frames);
  t->a.permission().forbidden = 0;
  CHECK(s->is_live());
  CHECK(s->get<option::no_delay>()->value == false);
  CHECK(s->send(bytes_of("x")));
}

// ---- observer ----
struct notebook {
  static constexpr bool is_active = true;
  trace::record seen[256]{};
  u32 count = 0;
  void on(const trace::record& r) {
    if (count < 256) seen[count++] = r;
  }
  [[nodiscard]] bool has_in_order(std::initializer_list<trace::step> wanted) const {
    u32 at = 0;
    for (const trace::step s : wanted) {
      while (at < count && seen[at].what != s) ++at;
      if (at++ >= count) return false;
    }
    return true;
  }
};
struct watched : presets::testing { using observer = notebook; };

TEST_CASE("an observer sees a write on its way down, and the frame on its way up") {
  using step = trace::step;
  auto t = two_stacks<watched>::make();
  REQUIRE(t->b.listen({.port = 7}));
  const auto s = t->a.connect({.remote = {"10.0.0.2"_ip, 7}});
  t->turns(4, ignore_rest{}, ignore_rest{});
  t->a.observer().count = t->b.observer().count = 0;
  REQUIRE(s->send(bytes_of("hello")));
  (void)t->a.poll(t->now(), budget{64}, ignore_rest{});
  CHECK(t->a.observer().has_in_order({step::permission, step::lock, step::quota, step::take_chunk, step::push, step::write_loop, step::clone, step::tcp_header, step::ip_output,
                                      step::enqueue, step::transmit, step::doorbell}));
  (void)t->b.poll(t->now(), budget{64}, ignore_rest{});
  CHECK(t->b.observer().has_in_order({step::receive, step::link_parse, step::dispatch, step::lookup, step::deliver, step::event}));
  (void)t->a.poll(t->now(), budget{64}, ignore_rest{});
  CHECK(t->a.observer().has_in_order({step::doorbell, step::complete}));
}
static_assert(std::is_empty_v<trace::nobody> && sizeof(stack<presets::testing>) < sizeof(stack<watched>));

}  // namespace
