// SPDX-License-Identifier: MIT
// autocork_over<> delays what the policy below it lets go; this one lets nothing go or stay.
// expect: coalescing_policy
// expect: c.may_send(b, b)
#include <strata/tcp/coalescing.hpp>
#include <strata/tcp/config.hpp>

struct silent {
  static constexpr bool has_no_delay = false;
#ifdef FIXED
  [[nodiscard]] constexpr bool may_send(bool, bool) const { return true; }
#endif
};
static_assert(strata::tcp::coalescing_policy<strata::tcp::autocork_over<silent>>);
