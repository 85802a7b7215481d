// SPDX-License-Identifier: MIT
#include <swap/move.hpp>

EXAMPLE_SWAP(tcp_only, template <class C> using transports = strata::layers<typename C::template tcp<C>>;)
