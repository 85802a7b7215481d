// SPDX-License-Identifier: MIT
// Serial numbers on the circle: RFC 1982 §3, RFC 9293 §3.4.
#include <strata/core/entropy.hpp>
#include <strata/core/serial.hpp>

#include <catch2/catch_test_macros.hpp>

namespace {

using strata::serial32, strata::u32, strata::in_range;

static_assert(serial32{1} < serial32{2} && serial32{2} > serial32{1} && !(serial32{1} < serial32{1}));
static_assert(serial32{0xffffffff} < serial32{0} && serial32{0} > serial32{0xffffffff});
static_assert(serial32{0xfffffff0} <= serial32{0xfffffff0} && serial32{0x10} >= serial32{0xfffffff0});
static_assert(serial32{0} < serial32{0x7fffffff} && serial32{0x7fffffff} < serial32{0xfffffffe});
static_assert(serial32{0x10} - serial32{0xfffffff0} == 0x20);
static_assert(serial32{0xffffffff} + 1 == serial32{0} && serial32{0} - 1 == serial32{0xffffffff});
static_assert((serial32{5} += 3) == serial32{8} && ++serial32{0xffffffff} == serial32{0});
static_assert(later_of(serial32{0xffffffff}, serial32{3}) == serial32{3} && earlier_of(serial32{0xffffffff}, serial32{3}) == serial32{0xffffffff});
static_assert(later_of(serial32{7}, serial32{7}) == serial32{7});

static_assert(in_range(serial32{5}, serial32{5}, 1) && !in_range(serial32{6}, serial32{5}, 1) && !in_range(serial32{4}, serial32{5}, 1));
static_assert(!in_range(serial32{5}, serial32{5}, 0));
static_assert(in_range(serial32{1}, serial32{0xfffffffe}, 4) && !in_range(serial32{2}, serial32{0xfffffffe}, 4));

TEST_CASE("order and difference do not depend on where on the circle two numbers lie") {
  strata::entropy::seeded random{0x5e71a1};
  for (u32 round = 0; round < 10000; ++round) {
    const serial32 from{static_cast<u32>(random.next())};
    const u32 step = 1 + static_cast<u32>(random.below(0x7fffffff));  // less than half of the circle
    const serial32 to = from + step;
    INFO("seed 0x5e71a1, round " << round << ", from " << from.value << ", step " << step);
    REQUIRE(from < to);
    REQUIRE_FALSE(to < from);
    REQUIRE(to >= from);
    REQUIRE(to - from == step);
    REQUIRE(to - step == from);
    REQUIRE(later_of(from, to) == to);
    REQUIRE(earlier_of(to, from) == from);
    REQUIRE(in_range(from, from, step));
    REQUIRE_FALSE(in_range(to, from, step));
    REQUIRE(in_range(to - 1, from, step));
  }
}

}  // namespace
