// SPDX-License-Identifier: MIT
// What an application means to do, drawn from the seed and, where a scenario says so, of one kind.
#pragma once
#include "talker.hpp"

namespace strata::sim {

inline plan draw_plan(dice& d, manner m, bool opens, bool may_be_rude) {
  plan p;
  p.total = 65536 + d.below(65536);
  p.write_least = 1;
  p.write_most = d.one_of<u32>({64, 500, 1460, 6000, 60000});
  if (p.write_most == 64) p.total = 65536;
  p.reserve_percent = d.one_of<u32>({0, 0, 30, 100});
  p.more_percent = d.one_of<u32>({0, 0, 30});
  p.now_percent = d.one_of<u32>({0, 10, 100});
  if (d.percent(25)) p.writes_at_once = p.write_most == 64 ? static_cast<u32>(d.between(50, 200)) : static_cast<u32>(d.between(1, 20)), p.pause = d.between(0, 50 * ms);
  p.reading = d.one_of<reads>({reads::all, reads::part, reads::copy, reads::take, reads::slowly});
  p.read_pause = d.between(10 * us, 100 * ms);
  p.read_bytes = static_cast<u32>(d.between(500, 20000));
  p.end = opens ? ends::by_half : d.one_of<ends>({ends::by_half, ends::after_the_peer});
  if (may_be_rude && d.percent(30)) p.end = ends::at_once;
  if (may_be_rude && d.percent(30)) p.end = ends::by_abort, p.abort_at = d.between(0, p.total);
  p.no_delay = d.percent(30);
  switch (m) {
    case manner::any: break;
    case manner::one_way:
      if (opens) p.total = 0, p.end = d.one_of<ends>({ends::by_half, ends::after_the_peer});
      else p.end = ends::by_half;
      break;
    case manner::half_close:  // the opener is soon done and listens on
      p.end = opens ? ends::by_half : ends::after_the_peer;
      if (opens) p.total = d.between(1, 2000);
      break;
    case manner::slow_reader: p.reading = reads::slowly, p.read_bytes = static_cast<u32>(d.between(200, 3000)), p.read_pause = d.between(20 * ms, 300 * ms); break;
    case manner::tiny_writes: p.total = d.between(1000, 6000), p.write_most = static_cast<u32>(d.between(1, 16)), p.writes_at_once = d.one_of<u32>({0, 1, 5}), p.pause = d.between(0, 20 * ms); break;
    case manner::aborts:
      if (opens || d.percent(30)) p.end = ends::by_abort, p.abort_at = d.between(0, p.total);
      break;
    case manner::closes_unread:
      if (opens) p.end = ends::unread, p.reading = reads::never, p.total = d.between(1, 5000);
      break;
    case manner::reconnects: p.total = d.between(1, 20'000), p.reading = d.one_of<reads>({reads::all, reads::copy}); break;
  }
  if (p.end == ends::by_abort && p.abort_at > p.total) p.abort_at = d.between(0, p.total);  // else it might never come
  return p;
}

}  // namespace strata::sim
