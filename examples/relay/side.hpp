// SPDX-License-Identifier: MIT
// One end of a relay: the program's side of a TAP, or the kernel's side of an interface that another program has the other side of.
#pragma once
#include <cli/options.hpp>
#include <relay/packet_socket.hpp>
#include <strata/nic/linux/tap.hpp>

#include <string>

namespace example {

class side {
 public:
  [[nodiscard]] static strata::expected<side, strata::nic::open_error> open(const std::string& name, side_kind wanted) {
    side s;
    if (wanted != side_kind::packet) {
      auto device = strata::nic::tap::open({.interface = name.c_str()});
      if (device) {
        s.tap_ = std::move(*device);
        s.is_tap_ = true;
        return s;
      }
      // EBUSY: another program is attached, strata most likely. EINVAL: there is such an interface, and it is no TAP.
      const int why = device.error().errno_value;
      if (wanted == side_kind::tap || (why != EBUSY && why != EINVAL)) return device.error();
    }
    auto socket = packet_socket::open(name.c_str());
    if (!socket) return socket.error();
    s.socket_ = std::move(*socket);
    return s;
  }

  std::size_t receive(strata::buffer::pool& chunks, std::span<strata::packet> batch) { return is_tap_ ? tap_.receive(chunks, batch) : socket_.receive(chunks, batch); }
  std::size_t transmit(std::span<strata::packet> batch) {
    if (!is_tap_) return socket_.transmit(batch);
    const std::size_t n = tap_.transmit(batch);
    (void)tap_.flush();
    return n;
  }
  [[nodiscard]] int descriptor() const { return is_tap_ ? tap_.descriptor() : socket_.descriptor(); }
  [[nodiscard]] bool is_tap() const { return is_tap_; }
  /// Frames that the interface refused: it is down, or gone.
  [[nodiscard]] strata::u64 refused() const { return is_tap_ ? tap_.count().dropped : socket_.count().dropped; }
  [[nodiscard]] strata::u64 oversized() const { return is_tap_ ? tap_.count().oversized : socket_.count().oversized; }
  [[nodiscard]] strata::u64 overflowed() { return is_tap_ ? 0 : socket_.overflowed(); }

 private:
  strata::nic::tap tap_{};
  packet_socket socket_{};
  bool is_tap_ = false;
};

}  // namespace example
