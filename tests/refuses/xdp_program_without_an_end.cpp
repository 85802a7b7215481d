// SPDX-License-Identifier: MIT
// It would run into what lies behind it.
// expect: this_program_runs_past_its_end
#include <strata/nic/linux/ebpf.hpp>
using namespace strata::nic::ebpf;

#ifdef FIXED
constexpr statement source[] = {jump_eq(r1, 0, "end"), mov(r0, 1), label("end"), exit_with_r0()};
#else
constexpr statement source[] = {jump_eq(r1, 0, "end"), exit_with_r0(), label("end"), mov(r0, 1)};
#endif
static_assert(assemble<source>().size() != 0);
