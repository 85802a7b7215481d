// SPDX-License-Identifier: MIT
// layers<T...>: one of each, in order, empty ones free. Our own tuple: <tuple> costs compile time, and what it lacks is a run-time index.
#pragma once
#include <strata/core/types.hpp>

namespace strata::inline STRATA_ABI {

namespace detail {
template <std::size_t I, class T> struct slot {  // the index makes two slots of one empty type different types
  [[no_unique_address]] T value{};
};
template <class Indices, class... T> struct slots;
template <std::size_t I, class T> constexpr T& get(slot<I, T>& s) { return anchored(s.value); }
template <std::size_t I, class T> constexpr const T& get(const slot<I, T>& s) { return s.value; }
template <class T, std::size_t I> constexpr T& of_type(slot<I, T>& s) { return s.value; }
struct built_from {};
template <std::size_t... I, class... T> struct slots<std::index_sequence<I...>, T...> : slot<I, T>... {
  constexpr slots() = default;
  constexpr slots(T... v) requires(sizeof...(T) > 0) : slot<I, T>{std::move(v)}... {}
};
}  // namespace detail

template <class... T> struct layers {
  static constexpr std::size_t count = sizeof...(T);
  [[no_unique_address]] detail::slots<std::index_sequence_for<T...>, T...> all{};

  constexpr layers() = default;
  constexpr layers(T... v) requires(sizeof...(T) > 0) : all(std::move(v)...) {}

  template <std::size_t I> [[nodiscard]] constexpr auto& get() { return detail::get<I>(all); }
  template <std::size_t I> [[nodiscard]] constexpr const auto& get() const { return detail::get<I>(all); }
  template <class L> [[nodiscard]] constexpr L& of() { return detail::of_type<L>(all); }

  /// f(index, layer) for each in order until one says true; whether one did. The index is an integral_constant.
  template <class F> STRATA_ALWAYS_INLINE constexpr bool any(F&& f) {
    return [&]<std::size_t... I>(std::index_sequence<I...>) STRATA_INLINE_LAMBDA {
      return (f(std::integral_constant<std::size_t, I>{}, detail::get<I>(all)) || ...);
    }(std::index_sequence_for<T...>{});
  }
  template <class F> STRATA_ALWAYS_INLINE constexpr bool any(F&& f) const {
    return [&]<std::size_t... I>(std::index_sequence<I...>) STRATA_INLINE_LAMBDA {
      return (f(std::integral_constant<std::size_t, I>{}, detail::get<I>(all)) || ...);
    }(std::index_sequence_for<T...>{});
  }
  /// f(index, layer) for each.
  template <class F> STRATA_ALWAYS_INLINE constexpr void each(F&& f) {
    (void)any([&](auto i, auto& layer) STRATA_INLINE_LAMBDA { f(i, layer); return false; });
  }
  template <class F> STRATA_ALWAYS_INLINE constexpr void each(F&& f) const {
    (void)any([&](auto i, const auto& layer) STRATA_INLINE_LAMBDA { f(i, layer); return false; });
  }
  /// f(layer) for the one at a run-time index below count; with one layer there is no test.
  template <class F> STRATA_ALWAYS_INLINE constexpr void at(std::size_t index, F&& f) {
    if constexpr (count == 1) f(detail::get<0>(all));
    else (void)any([&](auto i, auto& layer) STRATA_INLINE_LAMBDA { return i == index ? (f(layer), true) : false; });
  }
};

template <class... T> [[nodiscard]] constexpr bool all_different(T... v) {
  const u32 seen[] = {static_cast<u32>(v)..., 0};
  for (std::size_t i = 0; i < sizeof...(T); ++i)
    for (std::size_t j = 0; j < i; ++j)
      if (seen[i] == seen[j]) return false;
  return true;
}
template <class... T> [[nodiscard]] constexpr std::size_t max_of(T... v) {
  std::size_t most = 0;
  ((most = static_cast<std::size_t>(v) > most ? static_cast<std::size_t>(v) : most), ...);
  return most;
}

}  // namespace strata::inline STRATA_ABI
