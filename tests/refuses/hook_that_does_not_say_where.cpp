// SPDX-License-Identifier: MIT
// A hook that does not say at which points it wants to be asked.
// expect: is no strata::ip::hook
// expect: static constexpr u8 points
#include <strata/strata.hpp>

struct blind {
  template <class C> struct of {
#ifdef FIXED
    static constexpr strata::u8 points = strata::ip::point::input | strata::ip::point::forward;
#endif
    strata::ip::verdict on(const strata::ip::passing<strata::ipv4_address>&, strata::packet&, strata::time_point<typename C::tick>) { return strata::ip::verdict::accept; }
  };
};
struct config : strata::presets::testing { using hooks = strata::ip::hooks<blind>; };
strata::ip::v4<config> layer;
