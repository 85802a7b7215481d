// SPDX-License-Identifier: MIT
// The NIC of the fuzzed stack: what it receives and sees sent are plain bytes, and its ring, its completions and its doorbell misbehave on demand.
#pragma once
#include <strata/nic/driver.hpp>

#include <deque>
#include <vector>

namespace strata::fuzz {

using octets = std::vector<std::byte>;

/// The far side; it outlives the stack.
struct cable {
  static constexpr std::size_t ring_size = 16;

  std::deque<octets> coming{};    ///< frames that wait to be received
  std::vector<octets> sent{};     ///< frames that were transmitted and not looked at yet
  std::vector<packet> ring{};     ///< transmitted, not completed
  bool is_full = false;           ///< transmit takes nothing
  bool withholds = false;         ///< completions do not come
  nic::kick kick = nic::kick::done;
  u16 mtu = 0;
  mac_address mac{};
};

class cable_end {
 public:
  static constexpr std::size_t ring_bytes = cable::ring_size * sizeof(packet);
  static constexpr nic::capabilities may{};
  static constexpr u32 receive_headroom = 2;

  cable_end() = default;
  explicit cable_end(cable& far) : far_(&far) {}

  std::size_t receive(buffer::pool& chunks, std::span<packet> batch) {
    std::size_t n = 0;
    while (n < batch.size() && !far_->coming.empty()) {
      const octets& frame = far_->coming.front();
      if (frame.size() + receive_headroom <= chunks.chunk_size()) {
        packet p = chunks.take_receive(receive_headroom);
        if (!p) break;
        __builtin_memset(p->chunk, 0xdb, chunks.chunk_size());
        copy_bytes(p->chunk + p->offset, frame.data(), frame.size());
        p->length = static_cast<u16>(frame.size());
        batch[n++] = std::move(p);
      }
      far_->coming.pop_front();
    }
    return n;
  }
  std::size_t transmit(std::span<packet> batch) {
    std::size_t n = 0;
    for (; n < batch.size() && !far_->is_full && far_->ring.size() < cable::ring_size; ++n) {
      const auto bytes = batch[n].bytes();
      far_->sent.emplace_back(bytes.begin(), bytes.end());
      far_->ring.push_back(std::move(batch[n]));
    }
    return n;
  }
  std::size_t reclaim(std::span<packet> batch) {
    std::size_t n = 0;
    if (far_->withholds) return n;
    while (n < batch.size() && !far_->ring.empty()) {
      batch[n++] = std::move(far_->ring.front());
      far_->ring.erase(far_->ring.begin());
    }
    return n;
  }
  nic::kick flush() { return far_->kick; }
  [[nodiscard]] u16 mtu() const { return far_->mtu; }
  [[nodiscard]] mac_address address() const { return far_->mac; }
  [[nodiscard]] nic::capabilities has() const { return {}; }
  void close() {
    while (!far_->ring.empty()) far_->ring.pop_back();
  }

 private:
  cable* far_ = nullptr;
};
static_assert(nic::driver<cable_end> && nic::can_be_closed<cable_end>);

}  // namespace strata::fuzz
