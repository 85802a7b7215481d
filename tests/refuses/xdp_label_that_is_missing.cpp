// SPDX-License-Identifier: MIT
// A jump to nowhere.
// expect: this_label_is_not_defined
#include <strata/nic/linux/ebpf.hpp>
using namespace strata::nic::ebpf;

#ifdef FIXED
constexpr statement source[] = {jump_eq(r1, 0, "end"), mov(r0, 1), label("end"), exit_with_r0()};
#else
constexpr statement source[] = {jump_eq(r1, 0, "out"), mov(r0, 1), exit_with_r0()};
#endif
static_assert(assemble<source>().size() != 0);
