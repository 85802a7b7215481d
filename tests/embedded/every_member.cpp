// SPDX-License-Identifier: MIT
// Every member of a stack of the embedded preset, compiled for a microcontroller: also those that the firmware does not call.
#include <strata/strata.hpp>

struct plain : strata::presets::embedded {};
struct timed : strata::presets::embedded { static constexpr bool timestamps = true; };
struct fine : strata::presets::embedded { using tick = strata::microseconds32; };
template class strata::stack<plain>;
template class strata::stack<timed>;
template class strata::stack<fine>;
