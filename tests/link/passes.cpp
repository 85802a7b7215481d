// SPDX-License-Identifier: MIT
// One of two units that hand a strata type to each other. With -DOTHER it is the other one.
#include <strata/buffer/pool.hpp>

int chunks_of(const strata::buffer::pool* pool);

#ifdef OTHER
int chunks_of(const strata::buffer::pool* pool) { return pool == nullptr ? 0 : 1; }
#else
int main() { return chunks_of(nullptr); }
#endif
