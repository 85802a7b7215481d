// SPDX-License-Identifier: MIT
// What tcp/ reads of a Config, what it asks of the layer below, and archetypes of both that have nothing else.
#pragma once
#include <strata/buffer/pool.hpp>
#include <strata/core/events.hpp>
#include <strata/core/exclusion.hpp>
#include <strata/core/limits.hpp>
#include <strata/core/observer.hpp>
#include <strata/core/path.hpp>
#include <strata/core/permission.hpp>
#include <strata/core/time.hpp>
#include <strata/tcp/write_path.hpp>

#include <strata/tcp/pacing.hpp>

#include <concepts>

namespace strata::inline STRATA_ABI::tcp {

/// A congestion controller is a value: it holds its own state and is told what happened; the sender asks for cwnd. Bytes throughout; mss is the
/// sender's maximum segment size. RFC 5681, RFC 6582.
template <class T> concept states_its_window = requires(const T cc) {
  { cc.cwnd() } -> std::same_as<u32>;
};
/// start(mss): after the handshake, with the initial window of RFC 6928.
template <class T> concept starts_with_a_window = requires(T cc, u32 mss) {
  { cc.start(mss) } -> std::same_as<void>;
};
/// on_ack(acked, in_flight, mss): new data was acknowledged outside recovery; in_flight is what was outstanding before it.
template <class T> concept opens_its_window = requires(T cc, u32 n) {
  { cc.on_ack(n, n, n) } -> std::same_as<void>;
};
/// on_recovery(flight, mss): three duplicate ACKs.  on_duplicate(mss): one more.  on_partial(acked, mss): part of the hole was filled.
/// on_recovered(flight, mss): all of it.
template <class T> concept recovers = requires(T cc, u32 n) {
  { cc.on_recovery(n, n) } -> std::same_as<void>;
  { cc.on_duplicate(n) } -> std::same_as<void>;
  { cc.on_partial(n, n) } -> std::same_as<void>;
  { cc.on_recovered(n, n) } -> std::same_as<void>;
};
/// on_timeout(flight, mss): the retransmission timer fired.  on_idle(mss): nothing was sent for an RTO (RFC 5681 §4.1).
template <class T> concept backs_off = requires(T cc, u32 n) {
  { cc.on_timeout(n, n) } -> std::same_as<void>;
  { cc.on_idle(n) } -> std::same_as<void>;
};
template <class T> concept congestion_controller =
    states_its_window<T> && starts_with_a_window<T> && opens_its_window<T> && recovers<T> && backs_off<T> && requires(const T cc) {
      { cc.ssthresh() } -> std::same_as<u32>;
    };

/// Who says whether small segments wait for completions says it in a constant of type bool: one of another type would be passed over.
template <class T> concept says_plainly_whether_it_waits = !requires { T::waits_for_completion; } || requires {
  { T::waits_for_completion } -> std::same_as<const bool&>;
};
/// may_send(small, unacked, small_unacked): whether a segment shorter than the MSS may leave now; all full ones may.
template <class T> concept coalescing_policy = says_plainly_whether_it_waits<T> && requires(const T c, bool b) {
  { c.may_send(b, b) } -> std::same_as<bool>;
};
/// waits_for_completion: whether a small segment also waits while the one before it is still below.
template <class T> concept corks_itself = coalescing_policy<T> && requires {
  { T::waits_for_completion } -> std::same_as<const bool&>;
  requires T::waits_for_completion;
};
/// full_segments: how many full segments may go unacknowledged before an ACK leaves at once; delay_ms: how long a lone one waits.
template <class T> concept ack_policy = requires {
  { T::full_segments } -> std::convertible_to<u32>;
  { T::delay_ms } -> std::convertible_to<u32>;
};
/// quick_acks: how many ACKs leave at once when data begins to come; most_delay_ms: the delay adapts to the peer's rhythm up to it.
template <class T> concept adaptive_ack_policy = ack_policy<T> && requires {
  { T::quick_acks } -> std::convertible_to<u32>;
  { T::most_delay_ms } -> std::convertible_to<u32>;
};

/// The way to a peer as this Config keeps it in each connection.
template <class C> using path_of_config = strata::path<typename C::family::address, C::header_image::template bytes<typename C::family::address>, C::limits.groups != 0>;

/// Whether several threads call (C::exclusion, which a Config need not have for TCP's sake): then a connection has an owner word and a backlog (backlog.hpp).
template <class C> concept is_shared = requires { requires exclusion::shared<typename C::exclusion>; };

template <class C> concept config =
    congestion_controller<typename C::congestion_control> && coalescing_policy<typename C::coalescing> && ack_policy<typename C::acks> &&
    pacing_policy<typename C::pacing> && requires {
      typename C::tick;
      typename C::family::address;
      typename C::connection_data;
      { C::header_image::template bytes<typename C::family::address> } -> std::convertible_to<u32>;
      { C::limits } -> std::convertible_to<limits>;
      { C::writes } -> std::convertible_to<write_path>;       // what the write path has beyond the plain one
      { C::timestamps } -> std::convertible_to<bool>;         // RFC 7323 §3: offered and answered, or never
      { C::keep_alive } -> std::convertible_to<bool>;         // RFC 9293 §3.8.4: option::keep_alive exists
      { C::urgent } -> std::convertible_to<bool>;             // urgent data is told (RFC 9293 §3.8.5); it is received in line in any case
      { C::linger } -> std::convertible_to<bool>;             // option::linger exists
      { C::shutdown_receive } -> std::convertible_to<bool>;   // the call exists
      { C::header_prediction } -> std::convertible_to<bool>;  // a short way for the usual segment; the frames are the same
      { C::small_queue } -> std::convertible_to<u32>;         // bytes of one connection that may wait below it, in the qdisc and the NIC; zero: any number
      { C::gso_max_size } -> std::convertible_to<u32>;        // payload bytes that leave behind one header, as a train; zero: each segment by itself
      { C::tso_deferral } -> std::convertible_to<bool>;       // a short train waits for the next ACK, which lets it become longer
      { C::gro } -> std::convertible_to<bool>;                // segments of a batch that follow each other are looked at once
    };

/// Where a Config has trains (buffer/train.hpp), the layer below takes them.
template <class B, class Path> concept takes_trains = requires(B below, const Path& known) {
  { below.train_limit(known) } -> std::same_as<u32>;  // payload bytes that one train along it may have; zero: none for now. What send() does not answer with `sent` stays the caller's, each part
};

/// The internet layer that TCP stands on: the calls of RFC 1122 §3.4 that it needs.
template <class B, class Address, class Path> concept network =
    requires(B below, Path& way, const Path& known, packet p, u8 protocol, const datagram_info<Address>& info, icmp_error_kind kind) {
      { below.take() } -> std::same_as<packet>;                             // a transmit chunk, frame empty at the headroom; or nothing
      { below.headroom() } -> std::same_as<u32>;                            // link + network header, bytes
      { below.route(way) } -> std::same_as<bool>;                           // GET_SRCADDR, GET_MAXSIZES: fills local (if unset) and mtu
      { below.is_group(known.remote) } -> std::same_as<bool>;               // multicast, or broadcast of a network of ours
      { below.send(way, std::move(p), protocol) } -> std::same_as<sent>;    // SEND; `full` gives the frame up but not the send queue's bytes
      { below.confirm(known) } -> std::same_as<void>;                       // ADVISE_DELIVPROB
      { below.network_header_size(known) } -> std::same_as<u32>;            // bytes, for the MSS
      { below.random() } -> std::same_as<u64>;
      { below.chunks() } -> std::same_as<buffer::pool&>;
      { below.observe(trace::record{}) } -> std::same_as<void>;             // nothing with the null observer
    };

/// A layer below whose stack asks a permission policy also has permits_accept(local, remote, identity): what a peer opened is refused before anybody hears of it.
template <class B> concept asks_permission = requires { requires std::remove_cvref_t<B>::asks_permission; };

}  // namespace strata::inline STRATA_ABI::tcp
