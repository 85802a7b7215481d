// SPDX-License-Identifier: MIT
// The kinds of weather: what a scenario's name does to the link between two hosts. Everything else is drawn from the seed.
#pragma once
#include "host.hpp"

#include <strata/core/entropy.hpp>

namespace strata::sim {

constexpr u64 us = 1'000, ms = 1'000'000, second = 1'000'000'000;

/// The dice of a run.
struct dice : entropy::seeded {
  /// least <= x <= most.
  u64 between(u64 least, u64 most) { return least + below(most - least + 1); }
  bool percent(u32 p) { return below(100) < p; }
  template <class T> T one_of(std::initializer_list<T> all) { return all.begin()[below(all.size())]; }
};

/// What the applications are like; `any`: the seed says it.
enum class manner : u8 { any, one_way, half_close, slow_reader, tiny_writes, aborts, closes_unread, reconnects };

struct weather {
  nic::impairment faults[2]{};
  u64 extra = 0;              ///< of the time limit, nanoseconds
  u64 per_byte = 0;           ///< of the time limit, nanoseconds for each byte that is to be moved
  u64 down_from = 0, down_for = 0;
  u64 deaf_for = 0;           ///< at the beginning every frame is lost
  u32 forged_percent = 0;     ///< of wake-ups: somebody else puts a segment on the wire
  sim::manner manner = manner::any;
  u16 mtu = 0;                ///< of the link; zero: drawn
  u16 carries = 0;            ///< from `carries_from` on, for `carries_for`, a link further on has this MTU
  u64 carries_from = 0, carries_for = ~u64{0};
  bool tells_mtu = false;     ///< and its router says so (RFC 1191)
  bool may_time_out = false;  ///< a connection may end because nothing came through
  bool is_short_of_chunks = false;
  bool corrupts = false;
  bool is_routed = false;     ///< a router lies between the hosts, and a link of this kind on each side of it
  u16 far_mtu = 0;            ///< of side 1's link, if it is another one
};

struct scenario {
  const char* name;
  void (*set)(weather&, dice&);
};

namespace detail {
inline void both(weather& w, auto&& f) { f(w.faults[0]), f(w.faults[1]); }
inline void rtt(weather& w, dice& d, u64 least, u64 most) {
  both(w, [&](nic::impairment& f) { f.delay_ns = d.between(least, most) / 2; });
  w.per_byte += (w.faults[0].delay_ns + w.faults[1].delay_ns) / 50;
}
/// A usual link, now and then with a little loss, for what applications do.
inline void mild(weather& w, dice& d, manner m) {
  rtt(w, d, 10 * us, 60 * ms);
  const u32 loss = d.one_of<u32>({0, 0, 20'000});
  both(w, [&](nic::impairment& f) { f.loss = loss; });
  w.manner = m, w.per_byte += 2 * ms, w.extra = 300 * second, w.may_time_out = loss != 0;
}
constexpr u32 percent = nic::impairment::always / 100;
}  // namespace detail

// clang-format off
inline constexpr scenario scenarios[] = {
    {"clean", [](weather& w, dice& d) { detail::rtt(w, d, 10 * us, 20 * ms); }},
    {"fast", [](weather& w, dice& d) {
       detail::rtt(w, d, 10 * us, 50 * us);
       detail::both(w, [&](nic::impairment& f) { f.rate = d.one_of<u64>({10'000'000'000, 100'000'000'000}); });
     }},
    {"slow", [](weather& w, dice& d) {
       detail::rtt(w, d, 1 * ms, 100 * ms);
       detail::both(w, [](nic::impairment& f) { f.rate = 1'000'000; });
       w.per_byte += 100 * us;
     }},
    {"satellite", [](weather& w, dice& d) { detail::rtt(w, d, 550 * ms, 600 * ms); }},
    {"jitter", [](weather& w, dice& d) {
       detail::rtt(w, d, 1 * ms, 30 * ms);
       detail::both(w, [&](nic::impairment& f) { f.jitter_ns = d.between(1 * ms, 40 * ms); });
       w.per_byte += 2 * ms;
     }},
    {"loss", [](weather& w, dice& d) {
       detail::rtt(w, d, 10 * us, 60 * ms);
       detail::both(w, [&](nic::impairment& f) { f.loss = static_cast<u32>(d.between(1'000, 50'000)); });
       w.per_byte += 2 * ms, w.extra = 300 * second, w.may_time_out = true;
     }},
    {"heavy_loss", [](weather& w, dice& d) {
       detail::rtt(w, d, 10 * us, 20 * ms);
       detail::both(w, [&](nic::impairment& f) { f.loss = static_cast<u32>(d.between(100'000, 400'000)); });
       w.per_byte += 500 * ms, w.extra = 3600 * second, w.may_time_out = true;
     }},
    {"ack_loss", [](weather& w, dice& d) {
       detail::rtt(w, d, 10 * us, 20 * ms);
       w.faults[d.below(2)].loss = 300'000;
       w.per_byte += 50 * ms, w.extra = 3600 * second, w.may_time_out = true;
     }},
    {"pure_ack_loss", [](weather& w, dice& d) {  // 66: without data, with timestamps
       detail::rtt(w, d, 10 * us, 60 * ms);
       detail::both(w, [&](nic::impairment& f) { f.loss = static_cast<u32>(d.between(50'000, 300'000)), f.loss_up_to = 66; });
       w.per_byte += 300 * ms, w.extra = 3600 * second, w.may_time_out = true;
     }},
    {"burst", [](weather& w, dice& d) {
       detail::rtt(w, d, 10 * us, 60 * ms);
       detail::both(w, [&](nic::impairment& f) { f.burst_begin = static_cast<u32>(d.between(2'000, 20'000)), f.burst_end = static_cast<u32>(d.between(100'000, 500'000)); });
       w.per_byte += 5 * ms, w.extra = 1800 * second, w.may_time_out = true;
     }},
    {"reorder", [](weather& w, dice& d) {
       detail::rtt(w, d, 100 * us, 60 * ms);
       detail::both(w, [&](nic::impairment& f) { f.reordering = static_cast<u32>(d.between(10'000, 250'000)), f.reorder_ns = f.delay_ns * d.between(1, 4); });
       w.per_byte += 2 * ms;
     }},
    {"reorder_far", [](weather& w, dice& d) {  // up to a hundred full frames overtake
       detail::rtt(w, d, 100 * us, 60 * ms);
       detail::both(w, [&](nic::impairment& f) {
         f.rate = d.one_of<u64>({10'000'000, 100'000'000, 1'000'000'000});
         f.reordering = static_cast<u32>(d.between(5'000, 100'000)), f.reorder_ns = d.between(1, 100) * 1514 * 8 * second / f.rate;
       });
       w.per_byte += 2 * ms;
     }},
    {"duplicate", [](weather& w, dice& d) {
       detail::rtt(w, d, 10 * us, 60 * ms);
       detail::both(w, [&](nic::impairment& f) { f.duplication = static_cast<u32>(d.between(10'000, 500'000)); });
       w.per_byte += 1 * ms;
     }},
    {"corrupt", [](weather& w, dice& d) {
       detail::rtt(w, d, 10 * us, 40 * ms);
       detail::both(w, [&](nic::impairment& f) { f.corruption = static_cast<u32>(d.between(2'000, 50'000)), f.corrupt_from = 14; });
       w.per_byte += 5 * ms, w.extra = 900 * second, w.may_time_out = true, w.corrupts = true;
     }},
    {"small_queue", [](weather& w, dice& d) {
       detail::rtt(w, d, 1 * ms, 40 * ms);
       detail::both(w, [&](nic::impairment& f) { f.rate = d.between(1'000'000, 20'000'000), f.queue_bytes = static_cast<u32>(d.between(4'000, 30'000)); });
       w.per_byte += 5 * ms, w.extra = 300 * second, w.may_time_out = true;
     }},
    {"asymmetric", [](weather& w, dice& d) {
       detail::rtt(w, d, 5 * ms, 60 * ms);
       w.faults[0].rate = 20'000'000, w.faults[1].rate = 200'000;
       w.faults[1].queue_bytes = 60'000;
       w.per_byte += 5 * ms, w.extra = 900 * second, w.may_time_out = true;
     }},
    {"long_and_fat", [](weather& w, dice& d) {
       detail::rtt(w, d, 100 * ms, 600 * ms);
       detail::both(w, [&](nic::impairment& f) { f.rate = d.one_of<u64>({100'000'000, 1'000'000'000}), f.loss = d.one_of<u32>({0, 1'000, 10'000}); });
       w.extra = 600 * second, w.may_time_out = true;
     }},
    {"mtu_told", [](weather& w, dice& d) {
       detail::rtt(w, d, 10 * us, 60 * ms);
       w.mtu = 1500, w.carries = static_cast<u16>(d.between(576, 1400)), w.carries_from = d.between(0, 200 * ms), w.tells_mtu = true;
       w.per_byte += 2 * ms;
     }},
    {"mtu_untold", [](weather& w, dice& d) {  // nobody says so; it passes before a SYN-ACK is given up, whose ACK rides on lost data
       detail::rtt(w, d, 10 * us, 60 * ms);
       w.mtu = 1500, w.carries = static_cast<u16>(d.between(576, 1400)), w.carries_from = d.between(0, 200 * ms), w.carries_for = d.between(5, 20) * second;
       w.per_byte += 2 * ms, w.extra = 300 * second;
     }},
    {"late", [](weather& w, dice& d) {
       detail::rtt(w, d, 10 * us, 10 * ms);
       detail::both(w, [&](nic::impairment& f) { f.late = 500'000, f.late_ns = d.between(1 * ms, 700 * ms); });
       w.per_byte += 20 * ms;
     }},
    {"partial", [](weather& w, dice& d) {
       detail::rtt(w, d, 10 * us, 10 * ms);
       detail::both(w, [&](nic::impairment& f) { f.partial = static_cast<u32>(d.between(300'000, 900'000)); });
       w.per_byte += 1 * ms;
     }},
    {"missing", [](weather& w, dice& d) {
       detail::rtt(w, d, 10 * us, 10 * ms);
       detail::both(w, [&](nic::impairment& f) { f.missing = static_cast<u32>(d.between(10'000, 60'000)), f.give_up_ns = d.between(1, 20) * second, f.loss = d.one_of<u32>({0, 10'000}); });
       w.per_byte += 20 * ms, w.extra = 900 * second;
     }},
    {"ring_full", [](weather& w, dice& d) {
       detail::rtt(w, d, 10 * us, 10 * ms);
       detail::both(w, [&](nic::impairment& f) {
         f.ring = static_cast<u32>(d.between(1, 8)), f.full = static_cast<u32>(d.between(0, 200'000)), f.full_ns = d.between(100 * us, 20 * ms), f.kick_again = d.one_of<u32>({0, 200'000});
       });
       w.per_byte += 2 * ms, w.extra = 60 * second;
     }},
    {"link_down", [](weather& w, dice& d) {
       detail::rtt(w, d, 10 * us, 40 * ms);
       w.down_from = d.between(0, 400 * ms), w.down_for = 90 * second;
       w.per_byte += 1 * ms, w.extra = 600 * second, w.may_time_out = true;
     }},
    {"arp_loss", [](weather& w, dice& d) {
       detail::rtt(w, d, 10 * us, 10 * ms);
       w.deaf_for = d.between(0, 6 * second);
       w.extra = 120 * second, w.may_time_out = true;
     }},
    {"few_chunks", [](weather& w, dice& d) {
       detail::rtt(w, d, 10 * us, 10 * ms);
       w.is_short_of_chunks = true;
       w.per_byte += 10 * ms, w.extra = 300 * second;
     }},
    {"forged", [](weather& w, dice& d) {
       detail::rtt(w, d, 10 * us, 40 * ms);
       w.forged_percent = 20;
       w.per_byte += 1 * ms;
     }},
    {"routed", [](weather& w, dice& d) {
       detail::rtt(w, d, 10 * us, 30 * ms);
       detail::both(w, [&](nic::impairment& f) { f.loss = d.one_of<u32>({0, 0, 10'000}), f.duplication = d.one_of<u32>({0, 20'000}), f.reordering = d.one_of<u32>({0, 50'000}), f.reorder_ns = f.delay_ns; });
       w.is_routed = true, w.per_byte += 4 * ms, w.extra = 600 * second, w.may_time_out = true;
     }},
    {"routed_narrow", [](weather& w, dice& d) {  // the router says so, or cuts what may be cut
       detail::rtt(w, d, 10 * us, 30 * ms);
       detail::both(w, [&](nic::impairment& f) { f.loss = d.one_of<u32>({0, 0, 10'000}); });
       w.is_routed = true, w.mtu = 1500, w.far_mtu = static_cast<u16>(d.between(576, 1499)), w.per_byte += 4 * ms, w.extra = 600 * second, w.may_time_out = true;
     }},
    {"routed_queues", [](weather& w, dice& d) {  // what the router's rings do not take waits in its queues
       detail::rtt(w, d, 10 * us, 30 * ms);
       detail::both(w, [&](nic::impairment& f) { f.ring = static_cast<u32>(d.between(2, 12)), f.rate = d.between(2'000'000, 200'000'000), f.late = d.one_of<u32>({0, 100'000}), f.late_ns = 5 * ms; });
       w.is_routed = true, w.per_byte += 10 * ms, w.extra = 900 * second, w.may_time_out = true;
     }},
    {"one_way", [](weather& w, dice& d) { detail::mild(w, d, manner::one_way); }},
    {"half_close", [](weather& w, dice& d) { detail::mild(w, d, manner::half_close); }},
    {"slow_reader", [](weather& w, dice& d) { detail::mild(w, d, manner::slow_reader); }},
    {"tiny_writes", [](weather& w, dice& d) { detail::mild(w, d, manner::tiny_writes); }},
    {"abort", [](weather& w, dice& d) { detail::mild(w, d, manner::aborts); }},
    {"close_unread", [](weather& w, dice& d) { detail::mild(w, d, manner::closes_unread); }},
    {"reconnect", [](weather& w, dice& d) { detail::mild(w, d, manner::reconnects); }},
    {"everything", [](weather& w, dice& d) {
       detail::rtt(w, d, 10 * us, 40 * ms);
       detail::both(w, [&](nic::impairment& f) {
         f.loss = 20'000, f.duplication = 30'000, f.reordering = 50'000, f.reorder_ns = d.between(1 * us, 40 * ms), f.corruption = 10'000, f.corrupt_from = 14, f.jitter_ns = 1 * ms;
         f.rate = d.between(2'000'000, 200'000'000), f.queue_bytes = 60'000, f.late = 100'000, f.late_ns = 30 * ms, f.partial = 100'000, f.kick_again = 50'000;
         f.missing = 5'000, f.give_up_ns = 3 * second, f.ring = static_cast<u32>(d.between(4, 60)), f.full = 10'000, f.full_ns = 2 * ms, f.burst_begin = 1'000, f.burst_end = 200'000;
       });
       w.per_byte += 50 * ms, w.extra = 3600 * second, w.may_time_out = true, w.corrupts = true;
     }},
};
// clang-format on

}  // namespace strata::sim
