// SPDX-License-Identifier: MIT
// What the stack asks of a transport whose event is stream_events, one small concept a socket call. `Below` is the stack's façade.
// stream_transport is the least; a call that a foreign transport lacks does not exist on its streams, and nothing else changes.
#pragma once
#include <strata/core/path.hpp>
#include <strata/core/time.hpp>
#include <strata/tcp/types.hpp>
#include <strata/udp/types.hpp>

#include <concepts>

namespace strata::inline STRATA_ABI::demand {

/// Every transport: what the stack does with it. `on_datagram` gets the packet pulled to the transport header and keeps it or leaves it.
template <class T, class Below, class Address, class Time>
concept transport = requires(T t, const T ct, Below below, const datagram_info<Address>& info, const network_error<Address>& error, packet& p, Time now, const typename T::event& e) {
  { t.on_datagram(below, info, p, now) } -> std::same_as<std::optional<typename T::event>>;
  { t.on_error(below, error, now) } -> std::same_as<std::optional<typename T::event>>;
  { t.pending(below, now) } -> std::same_as<std::optional<typename T::event>>;
  { t.finish(below, e, now) } -> std::same_as<void>;
  { t.advance(below, now) } -> std::same_as<void>;
  { ct.next_deadline() } -> std::same_as<std::optional<Time>>;
};

/// Optional: `takes_trains` says that on_datagram() knows what a train is (buffer/train.hpp). Others never see one.
template <class T> concept takes_trains = std::remove_cvref_t<T>::takes_trains;

template <class T, class Below, class Address, class Identity> concept listens = requires(T t, Below below, const tcp::listen_options<Address, Identity>& o) {
  { t.listen(below, o) } -> std::same_as<expected<connection_id, tcp::listen_error>>;
};
template <class T, class Below, class Address, class Time, class Identity>
concept connects = requires(T t, Below below, const tcp::connect_options<Address, Identity>& o, Time now) {
  { t.connect(below, o, now) } -> std::same_as<expected<connection_id, tcp::connect_error>>;
};
template <class T, class Below, class Time> concept sends = requires(T t, Below below, connection_id id, std::span<const std::byte> bytes, Time now) {
  { t.send(below, id, bytes, tcp::send_flags{}, now) } -> std::same_as<expected<std::size_t, tcp::send_error>>;
};
template <class T, class Below> concept peeks = requires(T t, Below below, connection_id id) { t.peek(below, id).size(); };
template <class T, class Below, class Time> concept consumes = requires(T t, Below below, connection_id id, std::size_t n, Time now) {
  { t.consume(below, id, n, now) } -> std::same_as<expected<std::size_t, tcp::receive_error>>;
};
template <class T, class Below, class Time> concept closes = requires(T t, Below below, connection_id id, Time now) {
  { t.close(below, id, now) } -> std::same_as<expected<void, tcp::call_error>>;
};
template <class T> concept knows_its_connections = requires(const T t, connection_id id) {
  { t.is_live(id) } -> std::same_as<bool>;
};
template <class T, class Below, class Address, class Time, class Identity = permission::no_identity>
concept stream_transport = listens<T, Below, Address, Identity> && connects<T, Below, Address, Time, Identity> && sends<T, Below, Time> && peeks<T, Below> &&
                           consumes<T, Below, Time> && closes<T, Below, Time> && knows_its_connections<T>;

// Further calls.
template <class T, class Below, class Time, class View> concept sends_views = requires(T t, Below below, connection_id id, const View& v, Time now) {
  { t.send(below, id, v, tcp::send_flags{}, now) } -> std::same_as<expected<std::size_t, tcp::send_error>>;
};
template <class T, class Below, class Time> concept reserves = requires(T t, Below below, connection_id id, u32 n, tcp::reservation&& r, Time now) {
  { t.reserve(below, id, n, now) } -> std::same_as<expected<tcp::reservation, tcp::send_error>>;
  { t.commit(below, id, std::move(r), n, tcp::send_flags{}, now) } -> std::same_as<expected<std::size_t, tcp::send_error>>;
};
template <class T, class Below, class Time> concept receives = requires(T t, Below below, connection_id id, std::span<std::byte> to, Time now) {
  { t.receive(below, id, to, now) } -> std::same_as<expected<std::size_t, tcp::receive_error>>;
};
template <class T> concept has_owner_words = requires(const T t, connection_id id) {
  { t.is_owned(id) } -> std::same_as<bool>;
  { t.is_anything_owned() } -> std::same_as<bool>;
};
template <class T, class Below, class Time> concept gives_chunks_away = requires(T t, Below below, connection_id id, Time now) {
  { t.take(below, id, now) } -> std::same_as<expected<tcp::owned_view, tcp::receive_error>>;
};
template <class T, class Below, class Time> concept half_closes = requires(T t, Below below, connection_id id, Time now) {
  { t.shutdown_send(below, id, now) } -> std::same_as<expected<void, tcp::call_error>>;
};
template <class T, class Below, class Time> concept stops_reading = requires(T t, Below below, connection_id id, Time now) {
  { t.shutdown_receive(below, id, now) } -> std::same_as<expected<void, tcp::call_error>>;
};
template <class T, class Below, class Time> concept aborts = requires(T t, Below below, connection_id id, Time now) {
  { t.abort(below, id, now) } -> std::same_as<expected<void, tcp::call_error>>;
};
template <class T, class Below> concept stops_listening = requires(T t, Below below, connection_id id) {
  { t.close_listener(below, id) } -> std::same_as<expected<void, tcp::call_error>>;
};
template <class T, class Below, class Option, class Time> concept takes_option = requires(T t, Below below, connection_id id, Option o, Time now) {
  { t.set(below, id, o, now) } -> std::same_as<expected<void, tcp::call_error>>;
};
template <class T, class Below, class Option> concept takes_socket_option = requires(T t, Below below, connection_id id, Option o) {
  { t.set(below, id, o) } -> std::same_as<expected<void, udp::call_error>>;
};
template <class T, class Option> concept tells_option = requires(const T t, connection_id id) {
  { t.template get<Option>(id) } -> std::same_as<std::optional<Option>>;
};
template <class T, class Duration, class Time> concept has_timers = requires(T t, connection_id id, Duration after, Time now) {
  { t.set_timer(id, after, now) } -> std::same_as<expected<void, tcp::call_error>>;
  { t.cancel_timer(id) } -> std::same_as<expected<void, tcp::call_error>>;
};
template <class T, class Time> concept tells_about_connections = requires(const T t, connection_id id, Time now) {
  { t.info(id, now) } -> std::same_as<std::optional<tcp::connection_info>>;
};
template <class T, class Data> concept holds_data = requires(T t, connection_id id) {
  { t.data(id) } -> std::same_as<Data*>;
};
/// Only where the permission policy has an identity.
template <class T, class Identity> concept keeps_identities = requires(const T t, connection_id id) {
  { t.identity(id) } -> std::same_as<Identity>;
};
template <class T, class Address> concept knows_its_ends = requires(const T t, connection_id id) {
  { t.local(id) } -> std::same_as<endpoint<Address>>;
  { t.remote(id) } -> std::same_as<endpoint<Address>>;
};

}  // namespace strata::inline STRATA_ABI::demand
