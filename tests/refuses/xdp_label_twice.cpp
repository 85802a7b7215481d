// SPDX-License-Identifier: MIT
// Which of the two?
// expect: this_label_is_defined_twice
#include <strata/nic/linux/ebpf.hpp>
using namespace strata::nic::ebpf;

#ifdef FIXED
constexpr statement source[] = {jump_eq(r1, 0, "end"), mov(r0, 1), label("end"), exit_with_r0()};
#else
constexpr statement source[] = {jump_eq(r1, 0, "end"), label("end"), mov(r0, 1), label("end"), exit_with_r0()};
#endif
static_assert(assemble<source>().size() != 0);
