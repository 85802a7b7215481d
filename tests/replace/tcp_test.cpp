// SPDX-License-Identifier: MIT
// A whole layer is replaced by one line.
#include "foreign_tcp.hpp"

#include <two_stacks.hpp>

#include <catch2/catch_test_macros.hpp>

#include <string>

namespace my_tcp {
struct config : strata::presets::testing {
  template <class C> using tcp = my::tcp<C>;  // the line
};
}  // namespace my_tcp
template class strata::stack<my_tcp::config>;  // socket calls that the layer lacks are left out, not refused
namespace {

using namespace strata;
using namespace strata::test;
using net = stack<my_tcp::config>;

template <class S> concept can_reserve = requires(typename S::config c, stack<typename S::config>& n) { n.reserve({}, 1); };
static_assert(!can_reserve<net> && can_reserve<stack<presets::testing>>);

TEST_CASE("a foreign tcp connects, echoes and closes") {
  auto t = two_stacks<my_tcp::config>::make();
  REQUIRE(t->b.listen({.port = 7}));
  const auto s = t->a.connect({.remote = {"10.0.0.2"_ip, 7}});
  REQUIRE(s);
  std::string got;
  u32 accepted = 0, closed = 0;
  t->turns(12,
           on{[](net::connected e) { CHECK(e.stream.send(bytes_of("over and out")).value_or(0) == 12); },
              [&](net::readable e) {
                got = text_of(e.stream.peek());
                CHECK(e.stream.consume(got.size()));
                CHECK(e.stream.close());
              },
              [&](net::closed) { ++closed; }, ignore_rest{}},
           on{[&](net::accepted) { ++accepted; },
              [](net::readable e) { (void)e.stream.consume(e.stream.send(e.stream.peek()).value_or(0)); }, [&](net::closed) { ++closed; }, ignore_rest{}});
  CHECK(accepted == 1);
  CHECK(got == "over and out");
  CHECK(closed == 2);
  CHECK(s->send(bytes_of("x")).error() == tcp::send_error::stale);
  CHECK(t->a.chunks_in_use() == 0);
  CHECK(t->b.chunks_in_use() == 0);
}

}  // namespace
