// SPDX-License-Identifier: MIT
// A foreign transport that is never told that time passes.
// expect: see strata::demand::transport
// expect: advance
#include <strata/strata.hpp>

template <class C> struct timeless {
  using time_point = strata::time_point<typename C::tick>;
  struct event {};
  static constexpr strata::u8 protocol = 253;
  static constexpr strata::u32 header_size = 4;
  std::optional<event> on_datagram(auto&&, const auto&, strata::packet&, time_point) { return {}; }
  std::optional<event> on_error(auto&&, const auto&, time_point) { return {}; }
  std::optional<event> pending(auto&&, time_point) { return {}; }
  void finish(auto&&, const event&, time_point) {}
#ifdef FIXED
  void advance(auto&&, time_point) {}
#endif
  std::optional<time_point> next_deadline() const { return {}; }
};
struct mine : strata::presets::server {
  template <class C> using transports = strata::layers<typename C::template tcp<C>, typename C::template udp<C>, timeless<C>>;
};
void begin(strata::stack<mine>& n, strata::stack<mine>::options o) { n.start(std::move(o)); }
