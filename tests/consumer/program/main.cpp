// SPDX-License-Identifier: MIT
// A user's program: its own flags, exceptions and run-time types included, must not be touched by strata's target.
#include <strata/core/address.hpp>
#include <strata/nic/wire_pair.hpp>

#include <cstdio>
#include <stdexcept>
#include <typeinfo>

#if defined(WANTS_LINK_CHECK) && !defined(HAS_NO_LTO)
#if WANTS_LINK_CHECK
#ifndef STRATA_LINK_CHECK
#error "strata::strata sets STRATA_LINK_CHECK"
#endif
#elif defined(STRATA_LINK_CHECK)
#error "not under link-time optimisation"
#endif
#endif

using namespace strata::literals;

int main() try {
  constexpr strata::subnet<strata::ipv4_address> ours = "10.9.0.2/24"_net;
  if (!ours.contains("10.9.0.77"_ip) || ours.contains("10.9.1.77"_ip)) throw std::runtime_error("the subnet is wrong");
  std::printf("%s\n", typeid(ours).name());
  return 0;
} catch (const std::exception& e) {
  std::fprintf(stderr, "consumer: error: %s\n", e.what());
  return 1;
}
