// SPDX-License-Identifier: MIT
// Which queue of a driver that has several. Linux: netdev_core_pick_tx, skb_tx_hash.
#pragma once
#include <strata/qdisc/flow.hpp>

namespace strata::inline STRATA_ABI::qdisc {

/// The driver has one, or chooses itself.
struct first_queue {
  template <class C> struct of { static constexpr bool selects = false; };
};
/// All frames of a flow by the same one, so that they keep their order; flows are spread by a keyed hash of addresses and ports.
struct by_flow {
  template <class C> class of {
   public:
    static constexpr bool selects = true;
    void seed(const siphash_key& key) { key_ = key; }
    /// Below `queues`. Precondition: descriptor::network is set.
    [[nodiscard]] u32 queue_of(const packet& p, u32 queues) const { return scaled(flow_hash(key_, p), queues); }

   private:
    siphash_key key_{};
  };
};

}  // namespace strata::inline STRATA_ABI::qdisc
