// SPDX-License-Identifier: MIT
// A link layer that writes headers and cannot take them off.
// expect: parses_a_header
// expect: l.parse(p, ours)
#include <strata/link/framing.hpp>

struct one_way {
  struct options {};
  static constexpr std::size_t header_size = 14;
  static constexpr bool has_addresses = true;
  void emit(std::byte*, const strata::mac_address&, const strata::mac_address&, strata::link::kind) const {}
#ifdef FIXED
  std::optional<strata::link::received> parse(strata::packet&, const strata::mac_address&) { return {}; }
#endif
};
static_assert(strata::link::framing<one_way>);
