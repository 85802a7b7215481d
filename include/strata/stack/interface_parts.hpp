// SPDX-License-Identifier: MIT
// What an interface counts, and which of its parts a Config may leave out.
#pragma once
#include <strata/core/types.hpp>
#include <strata/qdisc/byte_limit.hpp>
#include <strata/qdisc/selection.hpp>

namespace strata::inline STRATA_ABI {

/// Linux: ethtool -S, tc -s qdisc.
struct interface_counters {
  tally received = 0, transmitted = 0;  ///< frames
  tally ring_full = 0;                  ///< the driver took a frame only after reclaim, or not at all
  tally queue_dropped = 0;              ///< the qdisc did not take it
  tally kicks_again = 0;                ///< the doorbell said EAGAIN, EBUSY or ENOBUFS
  tally link_downs = 0;
};

/// Of trains (buffer/train.hpp), where a Config has them.
struct train_counters {
  tally segmented = 0;  ///< became frames here
  tally whole = 0;      ///< went to the driver as they were
};

namespace detail {
/// What Parts may leave out.
template <class Parts> constexpr auto byte_limit_of_parts() {
  if constexpr (requires { typename Parts::byte_limit; }) return std::type_identity<typename Parts::byte_limit>{};
  else return std::type_identity<qdisc::no_byte_limit>{};
}
template <class Parts> constexpr auto selection_of_parts() {
  if constexpr (requires { typename Parts::queue_selection; }) return std::type_identity<typename Parts::queue_selection>{};
  else return std::type_identity<qdisc::first_queue>{};
}
void give_key(auto& to, auto&& random) {
  const u64 key[] = {random(), random()};  // in this order under every compiler
  to.seed({key[0], key[1]});
}
}  // namespace detail

}  // namespace strata::inline STRATA_ABI
