// SPDX-License-Identifier: MIT
// What the player knows of both sides: absolute numbers against those of the script, what was written and said, what strata may send now. No template:
// nothing here knows the layer.
#pragma once
#include "segment.hpp"
#include "steps.hpp"

#include <set>

namespace strata::script {

/// Where the numbers of a run start.
struct variation {
  const char* name = "";
  bool timestamps = false;
  u64 start = 0;         // the clock when the script begins, ns
  bool clock_wraps = false;  // instead of `start`: just below the tick's wrap
  u32 peer_iss = 0;
  u32 peer_clock = 0;    // the peer's timestamps when the script begins
  bool sequence_wraps = false, clock_of_timestamps_wraps = false;  // instead of `start`: found out by a look at a first SYN
};
struct script_file { std::span<const step> steps; const char* name; };

std::string describe(const wanted& w);
std::string describe(u8 flags, u32 seq, u32 length, u32 ack, u32 window, const seen& s);
std::string describe_event(u8 bits);

class ledger {
 public:
  static constexpr u16 our_port = 7, first_peer_port = 1000;

 protected:
  ledger(const variation& v, std::vector<std::byte> addresses, std::vector<std::byte> second_addresses);

  static constexpr u8 peers = 8;
  struct remote {
    u32 iss = 0, local_iss = 0, old_iss = 0;  // absolute
    bool knows_local = false;
    u32 next = 0, ack = 0, window = 65535, right_edge = 0, most_sent = 0;   // the peer's side, relative
    u32 local_next = 0, local_ack = 0, local_edge = 0;   // strata's side, relative
    bool has_local_ack = false, has_local_edge = false;
    u8 shift = 0, local_shift = 0;     // as the SYNs said
    bool said_shift = false, local_said_shift = false, said_ts = false, local_said_ts = false;
    u32 ts_seen = 0;                   // the last timestamp from strata, absolute
    std::set<u32> ts_sent{0};
    std::vector<std::byte> written;
    u64 read = 0;
    connection_id id{};
    bool has_id = false, is_over = false, closed_unclaimed = false;
    u32 connected = 0;
    u8 events = 0, aborts_at = 0;
    close_reason why = close_reason::none;
  };
  struct emitted { u64 at; seen s; u8 address; };

  /// Scripts count in IPv4 without options: MSS 1460 is MTU 1500 there, and the player adds what this variation needs.
  u32 extra() const { return v_.timestamps ? 12 : 0; }
  u64 nanoseconds() const { return since_start_; }
  u32 script_ms() const { return static_cast<u32>(nanoseconds() / 1'000'000); }
  bool has_ts(const remote& r) const { return r.said_ts && r.local_said_ts; }
  u8 shift(const remote& r) const { return r.said_shift && r.local_said_shift ? r.shift : 0; }
  u8 local_shift(const remote& r) const { return r.said_shift && r.local_said_shift ? r.local_shift : 0; }

  // ---- reports ----
  bool fault(std::string text);
  bool fault(const char* text, u64 wanted_value, u64 got);
  std::string report() const;
  void note(const char* what, const std::string& text);
  std::string peer_name(const remote& r) const { return &r == &peer_[0] ? std::string() : "[" + std::to_string(&r - peer_) + "]"; }
  std::string text_of(const seen& s);

  std::span<const std::byte> addresses_of(u8 address) const { return address == 2 ? second_addresses_ : addresses_; }

  // ---- what strata sends ----
  remote* of(const seen& s);
  u32 window_of(const seen& s) { return (s.flags & flag::syn) != 0 ? s.window : static_cast<u32>(s.window) << local_shift(*of(s)); }
  /// A segment that strata sends now: what holds for each one.
  bool check(const seen& s);
  /// The oldest that no step named yet is what the step says.
  bool match(const step& want);
  bool silent();

  // ---- what the peer sends ----
  /// The bytes of the step's segment; none if the script is wrong.
  std::vector<std::byte> compose_next(const step& want);

  // ---- what was written and read ----
  /// What the next write of `n` bytes writes; on record before the call, since segments are checked as they leave.
  std::vector<std::byte> next_bytes(const remote& r, u32 n);
  bool reads_as_sent(remote& r, std::span<const std::byte> b);

  variation v_;
  std::vector<std::byte> addresses_, second_addresses_;  // the pseudo-headers of our two addresses
  u64 since_start_ = 0;      // ns
  const char* name_ = "";
  bool is_v4_ = true;
  unsigned line_ = 0, fault_line_ = 0;
  double fault_ms_ = 0;
  std::string fault_, log_;
  std::vector<emitted> sent_;
  remote peer_[peers];
  u32 clock_ = 0;            // strata's timestamp when the script began
  bool knows_clock_ = false, is_old_life_ = false, corrupt_ = false;
  u32 cut_to_ = 0, header_words_ = 0, reserved_ = 0;
};

}  // namespace strata::script
