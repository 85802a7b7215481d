// SPDX-License-Identifier: MIT
// Time: units of each tick, and points that stay in order when the clock wraps.
#include <strata/core/entropy.hpp>
#include <strata/core/time.hpp>

#include <catch2/catch_test_macros.hpp>

#include <type_traits>

namespace {

using namespace strata;
using ns64 = duration<nanoseconds64>;
using us32 = duration<microseconds32>;
using ms32 = duration<milliseconds32>;

static_assert(ns64::seconds(1).count == 1'000'000'000 && ns64::ms(200).count == 200'000'000 && ns64::us(3).count == 3000 && ns64::ns(7).count == 7);
static_assert(us32::ms(200).count == 200'000 && us32::seconds(60).count == 60'000'000 && ms32::seconds(7200).count == 7'200'000);
static_assert(us32::ns(1).count == 1 && us32::ns(1001).count == 2 && ms32::us(1).count == 1 && ms32::ns(1'000'000).count == 1);  // never rounded to nothing
static_assert(ms32::ns(0).count == 0);
static_assert(ns64::ms(1500).in_ms() == 1500 && us32::us(1999).in_ms() == 1 && ms32::ms(9).in_ms() == 9);
static_assert(ns64::ns(1'999).in_us() == 1 && ns64::us(1500).in_us() == 1500 && us32::us(7).in_us() == 7 && ms32::ms(9).in_us() == 9000);

// Beyond the horizon: a constant does not compile (see tests/refuses), a number of run time becomes the horizon.
static_assert(us32::from_ms(2'147'483).count == 2'147'483'000u && us32::from_ms(2'147'484) == us32::max());
static_assert(ms32::from_ms(0xffffffff) == ms32::max() && ms32::max().count == 0x7fffffff && ns64::from_ms(0xffffffff).count == u64{0xffffffff} * 1'000'000);

static_assert(ns64::ms(1) + ns64::ms(2) == ns64::ms(3) && ns64::ms(3) - ns64::ms(2) == ns64::ms(1) && ns64::ms(3) * 4 == ns64::ms(12) && ns64::ms(12) / 5 == ns64::us(2400));
static_assert(ns64::ms(1) < ns64::ms(2) && us32::max() > us32::seconds(2000));

using point = time_point<milliseconds32>;
static_assert(std::is_trivially_copyable_v<point> && sizeof(point) == 4 && sizeof(time_point<nanoseconds64>) == 8);
static_assert(point{5}.is_before({6}) && !point{5}.is_before({5}) && !point{6}.is_before({5}));
static_assert(point{0xfffffff0}.is_before({0x10}) && !point{0x10}.is_before({0xfffffff0}));
static_assert(point{0x10}.reached({0xfffffff0}) && point{7}.reached({7}) && !point{6}.reached({7}));
static_assert(point{0x10}.since({0xfffffff0}).count == 0x20 && point{5}.since({6}).count == 0);
static_assert(point{0xffffffff} + ms32::ms(2) == point{1} && point{1} - ms32::ms(2) == point{0xffffffff});
static_assert(earlier_of(point{0xffffffff}, point{1}) == point{0xffffffff} && earlier_of(point{1}, point{0xffffffff}) == point{0xffffffff});

TEST_CASE("a deadline is reached at its moment, wherever the clock stands") {
  entropy::seeded random{0x71e};
  for (u32 round = 0; round < 10000; ++round) {
    const point now{static_cast<u32>(random.next())};
    const ms32 wait = ms32::from_ms(static_cast<u32>(random.below(0x7fffffff)));
    const point deadline = now + wait;
    INFO("seed 0x71e, round " << round << ", now " << now.count << ", wait " << wait.count);
    REQUIRE(deadline.reached(deadline));
    REQUIRE(deadline.since(now) == wait);
    REQUIRE(now.reached(deadline) == (wait.count == 0));
    REQUIRE((deadline + ms32::ms(1)).reached(deadline));
    REQUIRE_FALSE((deadline - ms32::ms(1)).reached(deadline));
    REQUIRE(earlier_of(now, deadline) == now);
  }
}

TEST_CASE("milliseconds of run time survive each tick that can hold them") {
  for (u32 ms : {0u, 1u, 999u, 1000u, 60'000u, 2'000'000u}) {
    CHECK(ns64::from_ms(ms).in_ms() == ms);
    CHECK(us32::from_ms(ms).in_ms() == ms);
    CHECK(ms32::from_ms(ms).in_ms() == ms);
  }
}

}  // namespace
