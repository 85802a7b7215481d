// SPDX-License-Identifier: MIT
// A table of routes from which none can be taken back.
// expect: this Config's routing is no table of routes
#include <strata/strata.hpp>

struct stubborn {
  template <class Address, strata::u32 N> struct of : strata::ip::linear::of<Address, N> {
#ifndef FIXED
    bool remove(const strata::subnet<Address>&, const Address&, strata::u8) = delete;
#endif
  };
};
struct config : strata::presets::testing { using routing = stubborn; };
strata::ip::v4<config> layer;
