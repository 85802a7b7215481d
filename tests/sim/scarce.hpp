// SPDX-License-Identifier: MIT
// A Config whose every limit is near, whose clock wraps every 71 minutes, and whose table of connections refuses what a test says.
#pragma once
#include "host.hpp"

namespace strata::sim {

/// Of the inserts into the tables of connections of all stacks of this Config, counted from one: those in [from, to) are refused.
struct refusals {
  u32 asked = 0, from = 0, to = 0;
  bool next() { ++asked; return asked >= from && asked < to; }
};
refusals& refused_inserts();

std::unique_ptr<host> make_scarce(const beginning&);

}  // namespace strata::sim
