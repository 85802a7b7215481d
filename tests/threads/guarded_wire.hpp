// SPDX-License-Identifier: MIT
// An end of a wire whose two ends are polled by different threads.
#pragma once
#include <strata/nic/wire_pair.hpp>

#include <mutex>

namespace strata::test {

struct guarded_wire : nic::wire_pair {
  using wire_pair::wire_pair;
  static inline std::mutex cable{};
  std::size_t receive(buffer::pool& chunks, std::span<packet> batch) {
    const std::lock_guard held(cable);
    return wire_pair::receive(chunks, batch);
  }
  std::size_t transmit(std::span<packet> batch) {
    const std::lock_guard held(cable);
    return wire_pair::transmit(batch);
  }
  std::size_t reclaim(std::span<packet> batch) {
    const std::lock_guard held(cable);
    return wire_pair::reclaim(batch);
  }
  void close() {
    const std::lock_guard held(cable);
    wire_pair::close();
  }
};

}  // namespace strata::test
