// SPDX-License-Identifier: MIT
// What the stack computes from the pack of transports, and one event on its way from a transport to the handler.
#pragma once
#include <strata/core/events.hpp>
#include <strata/core/layers.hpp>
#include <strata/socket/handler.hpp>

#include <concepts>
#include <new>
#include <optional>

namespace strata::inline STRATA_ABI {

/// What makes a layer a transport for the stack; its member templates are checked where they are called, against the façade.
template <class T> concept states_its_protocol = requires { { T::protocol } -> std::convertible_to<u8>; };
template <class T> concept states_its_event = requires { typename T::event; } && std::is_trivially_copyable_v<typename T::event>;
template <class T> concept states_its_transport_header = requires { { T::header_size } -> std::convertible_to<std::size_t>; };
/// Optional: raw sockets, which see what is for others. on_overheard() gets what overhears() says yes to.
template <class T> concept overhears_others = requires(const T t, u8 protocol) { { t.overhears(protocol) } -> std::same_as<bool>; };

namespace detail {

inline constexpr std::size_t no_index = static_cast<std::size_t>(-1);

template <std::size_t N> constexpr std::size_t first_true(const bool (&is)[N]) {
  for (std::size_t i = 0; i + 1 < N; ++i)
    if (is[i]) return i;
  return no_index;
}

template <class Transports> struct wiring_of;
template <class... T> struct wiring_of<layers<T...>> {
  static constexpr std::size_t count = sizeof...(T);
  static_assert((states_its_protocol<T> && ...), "a transport of this Config has no `static constexpr u8 protocol`");
  static_assert((states_its_event<T> && ...), "a transport of this Config has no `event`, or one that is not trivially copyable");
  static_assert((states_its_transport_header<T> && ...), "a transport of this Config has no `static constexpr std::size_t header_size`");
  static constexpr bool protocols_differ = all_different(T::protocol...);
  static constexpr std::size_t header = max_of(T::header_size...);
  static constexpr std::size_t event_bytes = max_of(sizeof(std::optional<typename T::event>)..., std::size_t{1});
  // Streams come from the first transport that says stream_events, datagram sockets from the first that has them.
  static constexpr std::size_t streams = first_true({std::same_as<typename T::event, stream_events>..., false});
  static constexpr std::size_t datagrams = first_true({requires { typename T::event::is_datagram_event; }..., false});
  static constexpr std::size_t raws = first_true({overhears_others<T>..., false});
  static constexpr bool has_streams = streams != no_index, has_datagrams = datagrams != no_index, has_raws = raws != no_index;
  template <class E> static constexpr bool has_event = (std::same_as<typename T::event, E> || ...);
};

template <class T, class... E> inline constexpr bool is_one_of = (std::same_as<T, E> || ...);

struct none {};  // the layer that is not there
template <class Transports, std::size_t I> struct transport_at { using type = none; };
template <class... T, std::size_t I> requires(I < sizeof...(T)) struct transport_at<layers<T...>, I> {
  using type = std::remove_cvref_t<decltype(std::declval<layers<T...>&>().template get<I>())>;
};
template <class Networks> struct longest_header;
template <class... N> struct longest_header<layers<N...>> { static constexpr std::size_t value = max_of(N::header_size...); };

template <class C> inline constexpr bool allows_weak_entropy = false;
template <class C> requires requires { C::allows_weak_entropy; } inline constexpr bool allows_weak_entropy<C> = C::allows_weak_entropy;

/// An event by the *index* of its transport, never by type: two transports may share one.
template <std::size_t Bytes> struct raised_event {
  static constexpr u8 none = 0xff;
  static constexpr u8 from_stack = 0xfe;
  static constexpr u8 conflict = 0x80;  // with from_stack, a bit of `link`: not that it went down
  u8 transport = none;
  u8 link = 0;
  alignas(8) std::byte value[Bytes];  // a std::optional of the transport's event

  /// ask() for the event of the transport of this index, which is built where it stays: a copy, read in other pieces than it was written in, would wait for
  /// its stores. Whether there was one.
  template <class Ask> STRATA_ALWAYS_INLINE bool take(std::size_t index, Ask&& ask) {
    using found = decltype(ask());
    static_assert(alignof(found) <= 8, "the event of a transport of this Config is aligned to more than 8 bytes");
    if (!*::new (static_cast<void*>(value)) found(ask())) return false;
    transport = static_cast<u8>(index);
    return true;
  }
  template <class E> [[nodiscard]] const E& as() const { return **std::launder(reinterpret_cast<const std::optional<E>*>(value)); }
};

}  // namespace detail

}  // namespace strata::inline STRATA_ABI
