// SPDX-License-Identifier: MIT
// What the tests of disciplines share: frames of flows, a Config with a tick and limits, and a link that takes one frame after the other at its rate.
#pragma once
#include <strata/core/limits.hpp>
#include <strata/qdisc/discipline.hpp>
#include <strata/qdisc/flow.hpp>
#include <strata/wire/ipv4.hpp>
#include <strata/wire/ipv6.hpp>

#include "layer_below.hpp"

namespace strata::qdisc_test {

using namespace strata::layer_test;
using wire_test::hex;

template <class Tick> struct config_of {
  using tick = Tick;
  static constexpr strata::limits limits{.chunks = 512};
};
using config = config_of<nanoseconds64>;
using moment = time_point<nanoseconds64>;
inline constexpr u64 us = 1'000, ms = 1'000'000, second = 1'000'000'000;

/// A frame of `length` bytes: Ethernet, IPv4, UDP from a port that names the flow; its last byte is a number.
struct wanted {
  u16 flow = 0;
  u8 tos = 0;
  u8 mark = 0;
  u32 length = 1000;
  u8 protocol = 17;
  u16 fragment = 0x4000;  ///< the field with flags and offset
};
template <u32 N> packet frame(pool_of<N>& pool, const wanted& w) {
  packet p = pool.chunks.take(64);
  if (!p) return p;
  std::byte* const at = p.room().data();
  p.extend(w.length);
  for (u32 i = 0; i < w.length; ++i) at[i] = std::byte{};
  at[12] = std::byte{0x08};
  std::byte* const ip = at + 14;
  ip[0] = std::byte{0x45};
  ip[1] = std::byte{w.tos};
  store_be<u16>(ip + 2, static_cast<u16>(w.length - 14));
  store_be<u16>(ip + 6, w.fragment);
  ip[8] = std::byte{64};
  ip[9] = std::byte{w.protocol};
  store_be<u32>(ip + 12, 0x0a000001);
  store_be<u32>(ip + 16, 0x0a000002);
  store_be<u16>(ip + 10, static_cast<u16>(~plain_sum({ip, 20})));
  store_be<u16>(ip + 20, w.flow);
  store_be<u16>(ip + 22, 7);
  at[w.length - 1] = std::byte{w.mark};
  p->network = static_cast<u16>(p->offset + 14);
  return p;
}
inline u16 flow_of(const packet& p) { return load_be<u16>(p.bytes().data() + 34); }
inline u8 mark_of(const packet& p) { return static_cast<u8>(p.bytes().back()); }

/// Puts one in; whether it was taken.
template <u32 N> bool put(pool_of<N>& pool, auto& q, const wanted& w, u64 now = 0) {
  packet p = frame(pool, w);
  REQUIRE(p);
  const bool is_taken = qdisc::put(q, p, moment{now});
  CHECK(is_taken == !p);
  return is_taken;
}
template <u32 N> packet take(pool_of<N>& pool, auto& q, u64 now = 0) { return qdisc::get(q, pool.chunks, moment{now}); }

/// A link of `rate` bytes a second: from `now` on to `end` it takes a frame whenever it is free; `ready(now)` puts in what there is before, `left(packet, now)`
/// sees each. When the queue says that it waits, the link asks again at that time.
template <u32 N> void serve(pool_of<N>& pool, auto& q, u64 rate, u64& now, u64 end, auto&& ready, auto&& left) {
  while (now < end) {
    ready(now);
    packet p = take(pool, q, now);
    if (!p) {
      const auto due = qdisc::deadline_of<moment>(q);
      const u64 next = now + 100 * us;
      now = due && due->count < next ? due->count : next;
      continue;
    }
    left(p, now);
    now += p.size() * second / rate;
  }
}

}  // namespace strata::qdisc_test
