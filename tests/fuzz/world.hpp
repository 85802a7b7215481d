// SPDX-License-Identifier: MIT
// A stack, an application that does what it is told, and everything that must hold after each turn. No template: the two Configs stand in world.cpp.
//
// Oracles: every frame that leaves is sound and carries the bytes that the application wrote; what the application reads is what the peer's sequence
// numbers say; events come as the contract says; info() stays within its bounds; a turn does a bounded amount of work; and when the application has
// let go of everything, all timers end and no chunk is in use.
#pragma once
#include "cable.hpp"
#include "fuzz.hpp"

#include <memory>

namespace strata::fuzz {

/// Which of the two stacks, and how it starts and ends: the first byte of an input.
struct setting {
  bool is_raw = false;      ///< IPv6 over a raw link, headers built, 32-bit milliseconds, fifo; else IPv4 over Ethernet, images, nanoseconds, direct
  bool is_late = false;     ///< time starts just before the tick wraps (raw only)
  bool is_abrupt = false;   ///< ends by shut_down() at once
  [[nodiscard]] static setting from(std::uint8_t b) { return {(b & 1) != 0, (b & 2) != 0, (b & 4) != 0}; }
};

/// What the application can be told to do; `who` chooses among what there is, `n` is the call's number. In the order of their numbers in an input.
enum class call : std::uint8_t {
  listen,
  close_listener,
  connect,
  send,
  send_more,
  receive,
  consume,
  take,
  drop_views,
  close,
  abort,
  shutdown_send,
  commit,
  no_delay,
  user_timeout,
  timer,
  cancel_timer,
  bind,
  bind_any,
  connect_socket,
  send_to,
  send_datagram,
  receive_datagram,
  consume_datagram,
  commit_datagram,
  close_socket,
  mode,
  echo,
  time_back,
  restart,
  again_in_handler,
  shutdown_receive,
  keep_alive,
  cork,
  ip_fields,
  group,
  raw,
  count
};

/// What the application does by itself, as bits of call::mode.
enum mode : std::uint16_t {
  reads = 1,
  echoes = 2,
  closes_after_peer = 4,
  aborts_on_data = 8,
  greets = 16,
  half_closes = 32,
  takes = 64,
  reconnects = 128,
  reads_datagrams = 256,
  polls_inside = 512
};

/// From the start there are listeners at ports 1000 and 1001, a datagram socket at 3000, one at 3001 that is connected to port 53 of peer 1, and a
/// connection that is being opened to port 7 of peer 0.
class world {
 public:
  virtual ~world() = default;
  virtual void pass(std::uint64_t microseconds) = 0;
  /// One turn of at most `frames` frames.
  virtual void poll(unsigned frames) = 0;
  /// To the next deadline, if there is one, and a turn; false if there is none.
  virtual bool poll_at_deadline() = 0;
  virtual void tell(call what, unsigned who, unsigned n) = 0;
  /// Checks what the end must bring. Nothing may be called afterwards.
  virtual void finish() = 0;

  void deliver(octets frame);
  /// What was sent since the last time.
  std::vector<octets> take_sent() {
    checked = 0;
    return std::exchange(far.sent, {});
  }
  void misbehave(std::uint8_t bits) {
    far.is_full = (bits & 1) != 0;
    far.withholds = (bits & 2) != 0;
    far.kick = (bits & 12) == 4 ? nic::kick::again : (bits & 12) == 8 ? nic::kick::link_down : nic::kick::done;
  }

  cable far{};
  /// Payload follows pattern_at() of the sequence number: what is read is held against it. A target that sends other bytes says so.
  bool has_pattern = false;
  std::size_t link_header = 0;
  /// A key of both ends of a segment, its SYN's numbers: what the peer said that it starts with.
  std::map<std::string, std::vector<std::uint32_t>> peer_starts{};

  [[nodiscard]] static std::unique_ptr<world> make(setting s);

 protected:
  std::size_t checked = 0;  // frames of far.sent that were looked at
};

/// The byte that a peer sends with this sequence number.
[[nodiscard]] inline std::byte pattern_at(std::uint32_t seq) { return static_cast<std::byte>((seq * 2654435761u) >> 24); }

/// A segment in a frame's IP packet, as far as it is one; bytes are views of the packet.
struct seen_segment {
  bool is_tcp = false;
  bool is_sound = false;  ///< both checksums hold
  std::string ends{};     ///< our address and port, the peer's: a key
  bytes local{}, remote{};  ///< addresses
  unsigned local_port = 0, remote_port = 0, flags = 0, window = 0;
  std::uint32_t seq = 0, ack = 0;
  bool has_times = false;
  std::uint32_t ts_value = 0;
  bytes data{};
  [[nodiscard]] std::uint32_t span() const { return static_cast<std::uint32_t>(data.size()) + (flags & 1) + (flags >> 1 & 1); }
};
/// `is_sent`: by the stack, so that the source is local.
[[nodiscard]] seen_segment read_segment(bytes packet, bool is_sent);

/// Sums and lengths put right, as far as the frame has the headers that need them.
void mend(octets& frame, std::size_t link_header);

}  // namespace strata::fuzz
