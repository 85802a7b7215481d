// SPDX-License-Identifier: MIT
// Who has raw sockets is told of their events; a handler that forgets them is told so.
// expect: the handler has no overload for raw_packet; add one, or ignore_rest{}
#include <strata/strata.hpp>

struct mine : strata::presets::server {
  template <class C> using transports = strata::layers<typename C::template udp<C>, strata::raw::layer<C>>;
};
using net = strata::stack<mine>;

void turn(net& n) {
  n.poll({1}, strata::budget{8}, strata::on{[](net::datagram) {}, [](net::raw_error) {},
#ifdef FIXED
                                            [](net::raw_packet) {},
#endif
                                            [](net::error) {}});
}
