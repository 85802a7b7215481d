// SPDX-License-Identifier: MIT
// A loop.
// expect: this_jump_goes_backwards
#include <strata/nic/linux/ebpf.hpp>
using namespace strata::nic::ebpf;

#ifdef FIXED
constexpr statement source[] = {jump_eq(r1, 0, "end"), mov(r0, 1), label("end"), exit_with_r0()};
#else
constexpr statement source[] = {label("end"), mov(r0, 1), jump_eq(r1, 0, "end"), exit_with_r0()};
#endif
static_assert(assemble<source>().size() != 0);
