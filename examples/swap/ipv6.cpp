// SPDX-License-Identifier: MIT
#include <swap/move.hpp>

EXAMPLE_SWAP(ipv6, using family = strata::only_v6; using link = strata::link::raw_ip; using neighbour = strata::neighbour::fixed;
             template <class C> using network = strata::layers<strata::ip::v6<C>>;)
