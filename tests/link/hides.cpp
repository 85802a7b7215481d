// SPDX-License-Identifier: MIT
// The same, but a user's own struct hides the stack: no name that the linker sees carries it.
#include <strata/strata.hpp>

struct config : strata::presets::server {};
struct application {
  strata::stack<config>* net = nullptr;
};
std::size_t chunks_of(const application& a);

#ifdef OTHER
std::size_t chunks_of(const application& a) { return a.net == nullptr ? 0 : a.net->chunks_in_use(); }
#else
int main() { return static_cast<int>(chunks_of({})); }
#endif
