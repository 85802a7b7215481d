// SPDX-License-Identifier: MIT
// A policy that says that it may refuse, and cannot be asked.
// expect: this Config's permission is no strata::permission::policy: it needs `bool allows(const request&)`
// expect: p.allows(r)
#include <strata/strata.hpp>

struct silent {
  static constexpr bool is_open = false;
#ifdef FIXED
  bool allows(const strata::permission::request<strata::ipv4_address>& r) { return r.remote.port != 25; }
#endif
};
struct mine : strata::presets::server { using permission = silent; };
using net = strata::stack<mine>;

bool at_once(net::stream s) { return s.send({}).has_value(); }
