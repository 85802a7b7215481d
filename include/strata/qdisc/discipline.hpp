// SPDX-License-Identifier: MIT
// Who leaves first. A discipline is a plain name with a member template that the stack binds to the finished Config: it may need tick and limits.
//
//   direct                 no queue                               tbf<Inner>          at a rate, in bursts
//   fifo                   in the order in which they came        prio<Band...>       the first band that has one; bands are disciplines
//   drr, fq                flows in turn, by bytes                fq_codel            flows in turn, and none is kept waiting for long
//
// What waits obeys the law of the frame (buffer/packet.hpp): a discipline reads headers, and writes them only to a packet that has left its queue.
#pragma once
#include <strata/buffer/pool.hpp>
#include <strata/core/siphash.hpp>
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

/// Instead of the first two: enqueue and dequeue with the time, for who measures how long a packet waits or makes it wait.
template <class T, class Time> concept takes_packets_in_time = requires(T q, packet& p, Time now) {
  { q.enqueue(p, now) } -> std::same_as<bool>;
};
template <class T, class Time> concept gives_packets_in_time = requires(T q, buffer::pool& chunks, Time now) {
  { q.dequeue(chunks, now) } -> std::same_as<packet>;
};
/// next_deadline: when dequeue, which just gave nothing, will give something though nothing is put in; nothing if it will not.
template <class T, class Time> concept says_when_to_ask = requires(const T q) {
  { q.next_deadline() } -> std::same_as<std::optional<Time>>;
};
template <class T, class Time = time_point<nanoseconds64>>
concept timed = takes_packets_in_time<T, Time> && gives_packets_in_time<T, Time> && says_when_to_ask<T, Time> && says_whether_it_queues<T>;
template <class T> concept discipline = takes_packets<T> && gives_packets<T> && says_whether_it_queues<T>;
/// In one form or the other, where the time is a `Time`.
template <class T, class Time> concept discipline_in = timed<T, Time> || discipline<T>;

/// Optional: reads_headers says that enqueue looks at descriptor::network, which the interface sets before.
template <class T> inline constexpr bool reads_headers = [] {
  if constexpr (requires { T::reads_headers; }) return bool{T::reads_headers};
  else return false;
}();
/// Optional: seed(key) gives it the key of its hashes. Who does not know it cannot make flows collide on purpose.
template <class T> concept wants_a_key = requires(T q, const siphash_key& key) {
  { q.seed(key) } -> std::same_as<void>;
};

/// The time, where nobody asks for it: passing it on costs nothing.
struct no_time {
  constexpr no_time() = default;
  constexpr no_time(const auto&) {}
};

// A discipline as another one or the interface calls it, whichever form it has.
template <class Time> [[nodiscard]] STRATA_ALWAYS_INLINE inline bool put(auto& q, packet& p, Time now) {
  if constexpr (requires { q.enqueue(p, now); }) return q.enqueue(p, now);
  else return q.enqueue(p);
}
template <class Time> [[nodiscard]] STRATA_ALWAYS_INLINE inline packet get(auto& q, buffer::pool& chunks, Time now) {
  if constexpr (requires { q.dequeue(chunks, now); }) return q.dequeue(chunks, now);
  else return q.dequeue(chunks);
}
template <class Time> [[nodiscard]] constexpr std::optional<Time> deadline_of(const auto& q) {
  if constexpr (requires { q.next_deadline(); }) return q.next_deadline();
  else return {};
}

}  // namespace strata::inline STRATA_ABI::qdisc
