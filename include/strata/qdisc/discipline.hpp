// SPDX-License-Identifier: MIT
// Who leaves first. A discipline is a plain name with a member template that the stack binds to the finished Config: it may need tick and limits.
#pragma once
#include <strata/buffer/pool.hpp>
#include <strata/core/time.hpp>

#include <concepts>

namespace strata::inline STRATA_ABI::qdisc {

/// enqueue: whether it took the packet (it is moved from then); if not, it stays the caller's.
template <class T> concept takes_packets = requires(T q, packet& p) {
  { q.enqueue(p) } -> std::same_as<bool>;
};
/// dequeue: the next packet that may leave, or an empty handle.
template <class T> concept gives_packets = requires(T q, buffer::pool& chunks) {
  { q.dequeue(chunks) } -> std::same_as<packet>;
};
/// is_direct: packets go straight to the driver and no code exists for a queue. clear: drops all that waits.
template <class T> concept says_whether_it_queues = requires(T q, buffer::pool& chunks) {
  { T::is_direct } -> std::convertible_to<bool>;
  { q.clear(chunks) } -> std::same_as<void>;
};
template <class T> concept discipline = takes_packets<T> && gives_packets<T> && says_whether_it_queues<T>;

}  // namespace strata::inline STRATA_ABI::qdisc
