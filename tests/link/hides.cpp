// SPDX-License-Identifier: MIT
// The same, but a user's own struct hides the strata type: no name that the linker sees carries it.
#include <strata/buffer/pool.hpp>

struct application {
  strata::buffer::pool* pool = nullptr;
};
int chunks_of(const application& a);

#ifdef OTHER
int chunks_of(const application& a) { return a.pool == nullptr ? 0 : 1; }
#else
int main() { return chunks_of({}); }
#endif
