// SPDX-License-Identifier: MIT
// One of two units that hand a stack to each other. With -DOTHER it is the other one.
#include <strata/strata.hpp>

struct config : strata::presets::server {};
using net = strata::stack<config>;

std::size_t chunks_of(net& n);

#ifdef OTHER
std::size_t chunks_of(net& n) { return n.chunks_in_use(); }
#else
constinit net somewhere;
int main() { return static_cast<int>(chunks_of(somewhere)); }
#endif
