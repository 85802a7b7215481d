// SPDX-License-Identifier: MIT
// Nobody hears that a stream ended.
// expect: the handler has no overload for closed; add one, or ignore_rest{}
#include <strata/strata.hpp>

struct mine : strata::presets::server {
  template <class C> using transports = strata::layers<typename C::template tcp<C>>;
};
using net = strata::stack<mine>;

void turn(net& n) {
  n.poll({1}, strata::budget{8}, strata::on{[](net::accepted) {}, [](net::connected) {}, [](net::readable) {}, [](net::writable) {}, [](net::peer_closed) {},
#ifdef FIXED
                                            [](net::closed) {},
#endif
                                            [](net::timer) {}, [](net::error) {}});
}
