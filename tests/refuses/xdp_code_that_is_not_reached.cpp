// SPDX-License-Identifier: MIT
// Behind an exit, without a label.
// expect: this_statement_is_not_reached
#include <strata/nic/linux/ebpf.hpp>
using namespace strata::nic::ebpf;

#ifdef FIXED
constexpr statement source[] = {jump_eq(r1, 0, "end"), mov(r0, 1), label("end"), exit_with_r0()};
#else
constexpr statement source[] = {mov(r0, 1), exit_with_r0(), mov(r0, 2), exit_with_r0()};
#endif
static_assert(assemble<source>().size() != 0);
