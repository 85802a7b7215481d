// SPDX-License-Identifier: MIT
// An event is a value: an overload that wants a reference to change is passed over, and ignore_rest would hide it.
// expect: an overload of the handler takes no event of this stack by value or const&: it would never be called
#include <strata/strata.hpp>

struct mine : strata::presets::server {};
using net = strata::stack<mine>;

#ifdef FIXED
using argument = net::readable;
#else
using argument = net::readable&;
#endif
void turn(net& n) {
  n.poll({1}, strata::budget{8}, strata::on{[](argument) {}, strata::ignore_rest{}});
}
