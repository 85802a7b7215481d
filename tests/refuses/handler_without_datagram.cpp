// SPDX-License-Identifier: MIT
// An event that is not of streams is missed by name as well.
// expect: the handler has no overload for datagram; add one, or ignore_rest{}
#include <strata/strata.hpp>

struct mine : strata::presets::server {};
using net = strata::stack<mine>;

void turn(net& n) {
  n.poll({1}, strata::budget{8}, strata::on{[](net::accepted) {}, [](net::connected) {}, [](net::readable) {}, [](net::writable) {}, [](net::peer_closed) {},
#ifdef FIXED
                                            [](net::datagram) {},
#endif
                                            [](net::closed) {}, [](net::timer) {}, [](net::error) {}});
}
