// SPDX-License-Identifier: MIT
#include <swap/move.hpp>
namespace example::swap {
/// A congestion control of somebody else: the path is a cable, nothing else is on it, and the receiver's window is limit enough.
struct unlimited_window {
  [[nodiscard]] static constexpr strata::u32 cwnd() { return 1u << 30; }
  [[nodiscard]] static constexpr strata::u32 ssthresh() { return 1u << 30; }
  static constexpr void start(strata::u32) {}
  static constexpr void on_ack(strata::u32, strata::u32, strata::u32) {}
  static constexpr void on_recovery(strata::u32, strata::u32) {}
  static constexpr void on_duplicate(strata::u32) {}
  static constexpr void on_partial(strata::u32, strata::u32) {}
  static constexpr void on_recovered(strata::u32, strata::u32) {}
  static constexpr void on_timeout(strata::u32, strata::u32) {}
  static constexpr void on_idle(strata::u32) {}
};
}  // namespace example::swap


EXAMPLE_SWAP(unlimited, using congestion_control = unlimited_window;)
