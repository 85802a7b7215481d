// SPDX-License-Identifier: MIT
// A queueing discipline that lets nobody leave.
// expect: gives_packets
// expect: q.dequeue(chunks)
#include <strata/qdisc/discipline.hpp>

struct hoard {
  static constexpr bool is_direct = false;
  bool enqueue(strata::packet&) { return false; }
#ifdef FIXED
  strata::packet dequeue(strata::buffer::pool&) { return {}; }
#endif
  void clear(strata::buffer::pool&) {}
};
static_assert(strata::qdisc::discipline<hoard>);
