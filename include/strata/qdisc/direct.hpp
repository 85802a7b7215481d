// SPDX-License-Identifier: MIT
// No queue: a packet goes straight to the driver, and no code exists between. What a full ring does not take stays with its sender.
// Linux: noqueue_qdisc, and the bypass of an empty queue in __dev_xmit_skb.
#pragma once
#include <strata/qdisc/discipline.hpp>

namespace strata::inline STRATA_ABI::qdisc {

struct direct {
  template <class C> struct of {
    static constexpr bool is_direct = true;
    constexpr bool enqueue(packet&) { return false; }
    packet dequeue(buffer::pool&) { return {}; }
    constexpr void clear(buffer::pool&) {}
  };
};

}  // namespace strata::inline STRATA_ABI::qdisc
