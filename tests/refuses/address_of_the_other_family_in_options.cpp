// SPDX-License-Identifier: MIT
// The literal knows the Config's family.
// expect: this_address_is_not_of_the_family_of_this_config
#include <strata/strata.hpp>
using namespace strata::literals;

struct mine : strata::presets::server {};
using net = strata::stack<mine>;

void address_of(net::options& o) {
#ifdef FIXED
  o.address = "10.9.0.2/24"_net;
#else
  o.address = "fd00::2/64"_net;
#endif
}
