// SPDX-License-Identifier: MIT
// Losses by script: which data segments of one direction are dropped, by number. The same losses meet any sender, whatever it sends again and when, since
// only new data are counted: two senders that are given the same list lose the same bytes.
#pragma once
#include <strata/core/serial.hpp>
#include <strata/wire/ethernet.hpp>
#include <strata/wire/ipv4.hpp>
#include <strata/wire/tcp.hpp>

#include <vector>

namespace example {

/// Counts the segments of the first connection that sends data, from 1. A number that the list has twice is dropped twice: the segment, and the first
/// retransmission of it.
class scripted_losses {
 public:
  explicit scripted_losses(const std::vector<strata::u32>& numbers) {
    for (const strata::u32 n : numbers) left_.push_back({n, strata::serial32{}, false});
  }

  /// Whether this frame is to be dropped. Looks at TCP over IPv4 only.
  [[nodiscard]] bool drops(std::span<const std::byte> frame) {
    namespace wire = strata::wire;
    if (left_.empty()) return false;
    const auto link = wire::ethernet::parse(frame);
    if (!link || link->type != wire::ethertype::ipv4) return false;
    const auto bytes = frame.subspan(wire::ethernet::header_size);
    const auto ip = wire::ipv4::parse(bytes);
    if (!ip || ip->protocol != wire::tcp::protocol) return false;
    const auto payload = ip->payload(bytes);
    const auto segment = wire::tcp::parse(payload);
    if (!segment || payload.size() == segment->header_length) return false;
    const strata::u32 ports = strata::u32{segment->source} << 16 | segment->destination;
    const strata::serial32 seq{segment->seq};
    const strata::serial32 end = seq + static_cast<strata::u32>(payload.size() - segment->header_length);
    if (ports_ == 0) {
      ports_ = ports;
      highest_ = seq;
    }
    if (ports != ports_) return false;
    if (highest_ < end) {
      highest_ = end;
      ++number_;
      for (entry& e : left_)
        if (e.number == number_) e.seq = seq, e.was_seen = true;
    }
    for (std::size_t i = 0; i < left_.size(); ++i)
      if (left_[i].was_seen && left_[i].seq == seq) {
        left_.erase(left_.begin() + static_cast<std::ptrdiff_t>(i));
        return true;
      }
    return false;
  }
  /// How many of the list have not come.
  [[nodiscard]] std::size_t left() const { return left_.size(); }

 private:
  struct entry {
    strata::u32 number;
    strata::serial32 seq;
    bool was_seen;
  };
  std::vector<entry> left_;
  strata::u32 ports_ = 0;
  strata::u32 number_ = 0;
  strata::serial32 highest_{};
};

}  // namespace example
