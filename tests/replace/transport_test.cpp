// SPDX-License-Identifier: MIT
// A third transport beside TCP and UDP is added by one line; its events reach the handler as they are.
#include <two_stacks.hpp>

#include <catch2/catch_test_macros.hpp>

namespace my_transport {
using namespace strata;

/// Numbered messages of four bytes over protocol 253 (RFC 3692).
template <class C> struct rudp {
  using address = typename C::family::address;
  using time = time_point<typename C::tick>;
  struct event {
    address from{};
    u32 number = 0;
  };
  static constexpr u8 protocol = 253;
  static constexpr std::size_t header_size = 8;
  u32 errors = 0;
  ip::path_of<C> way{};

  sent send(auto&& below, const address& to, u32 number) {
    packet p = below.take();
    if (!p) return sent::full;
    store_be<u32>(p.room().data(), number);
    store_be<u32>(p.room().data() + 4, ~number);
    p.extend(header_size);
    way.remote = to;
    return below.send(way, std::move(p), protocol);
  }
  std::optional<event> on_datagram(auto&&, const datagram_info<address>& info, packet& p, time) {
    if (p.size() != header_size || load_be<u32>(p.bytes().data()) != ~load_be<u32>(p.bytes().data() + 4)) return {};
    return event{info.remote, load_be<u32>(p.bytes().data())};
  }
  std::optional<event> on_error(auto&&, const network_error<address>&, time) { ++errors; return {}; }
  std::optional<event> pending(auto&&, time) { return {}; }
  void finish(auto&&, const event&, time) {}
  void advance(auto&&, time) {}
  [[nodiscard]] std::optional<time> next_deadline() const { return {}; }
};

struct without_streams : presets::testing {
  template <class C> using transports = layers<typename C::template udp<C>>;
};
}  // namespace my_transport
template class strata::stack<my_transport::without_streams>;

namespace {

using namespace strata;
using namespace strata::test;

struct mine : presets::testing {
  template <class C> using transports = layers<typename C::template tcp<C>, typename C::template udp<C>, my_transport::rudp<C>>;  // the line
};
using net = stack<mine>;
static_assert(net::is_event<my_transport::rudp<mine>::event>);

TEST_CASE("a third transport sends, and its events reach the handler as they are") {
  auto t = two_stacks<mine>::make();
  (void)t->a.on_layer<my_transport::rudp>([](auto& rudp, auto below) { return rudp.send(below, "10.0.0.2"_ip, 42); });
  u32 number = 0;
  t->turns(4, ignore_rest{}, on{[&](my_transport::rudp<mine>::event e) {
    number = e.number;
    CHECK(e.from == ipv4_address{0x0a000001});
  }, ignore_rest{}});
  CHECK(number == 42);
  t->turn();
  CHECK(t->a.chunks_in_use() == 0);
}

TEST_CASE("errors find a third transport by its protocol") {
  auto t = two_stacks<mine>::make();
  (void)t->a.on_layer<my_transport::rudp>([](auto& rudp, auto below) { return rudp.send(below, "10.0.0.99"_ip, 1); });
  t->pass(5000, 100);
  CHECK(t->a.transport<2>().errors == 1);
  CHECK(t->a.chunks_in_use() == 0);
}

template <class N> concept can_listen = requires(N n) { n.listen({.port = 7}); };

TEST_CASE("a stack without streams has no calls for them") {
  static_assert(!can_listen<stack<my_transport::without_streams>> && can_listen<net>);
  static_assert(!stack<my_transport::without_streams>::is_event<int>);
  auto t = two_stacks<my_transport::without_streams>::make();
  CHECK(t->a.bind({.port = 7}));
  CHECK(t->a.poll(t->now(), budget{1}, on{[](stack<my_transport::without_streams>::datagram) {}, [](stack<my_transport::without_streams>::error) {}}));
}

}  // namespace
