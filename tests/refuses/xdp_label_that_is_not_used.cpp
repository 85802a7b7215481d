// SPDX-License-Identifier: MIT
// Nothing jumps there: often a jump that was forgotten.
// expect: this_label_is_not_used
#include <strata/nic/linux/ebpf.hpp>
using namespace strata::nic::ebpf;

#ifdef FIXED
constexpr statement source[] = {jump_eq(r1, 0, "end"), mov(r0, 1), label("end"), exit_with_r0()};
#else
constexpr statement source[] = {mov(r0, 1), label("end"), exit_with_r0()};
#endif
static_assert(assemble<source>().size() != 0);
