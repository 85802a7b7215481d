// SPDX-License-Identifier: MIT
// The sweep, and how a failure reads.
#include "player.hpp"

#include <catch2/catch_test_macros.hpp>

namespace strata::script {

std::string describe(u8 flags, u32 seq, u32 length, u32 ack, u32 window, const seen& s) {
  std::string t;
  const char* const letters = "FSRP.UEW";
  for (u32 i : {1u, 0u, 2u, 3u, 5u, 6u, 7u, 4u}) if ((flags >> i & 1) != 0) t += letters[i];
  char line[200];
  std::snprintf(line, sizeof line, " %u:%u(%u)", seq, seq + length, length);
  t += line;
  if ((flags & flag::ack) != 0) t += " ack " + std::to_string(ack);
  t += " win " + std::to_string(window);
  if (s.has_mss || s.has_shift || s.sack_ok) {
    t += " <";
    if (s.has_mss) t += "mss " + std::to_string(s.mss) + ",";
    if (s.has_shift) t += "ws " + std::to_string(s.shift) + ",";
    if (s.sack_ok) t += "sackOK,";
    t.back() = '>';
  }
  if (s.has_ts) std::snprintf(line, sizeof line, " ts %u %u", s.ts_value, s.ts_echo), t += line;
  return t;
}
std::string describe(const wanted& w) {
  std::string t;
  const char* const letters = "FSRP.UEW";
  for (u32 i : {1u, 0u, 2u, 3u, 5u, 6u, 7u, 4u}) if ((w.flags >> i & 1) != 0) t += letters[i];
  char line[200];
  if (w.has_seq) std::snprintf(line, sizeof line, " %u:%u(%u)", w.seq, w.seq + w.length, w.length), t += line;
  if (w.has_ack) t += " ack " + std::to_string(w.ack);
  if (w.has_window) t += " win " + std::to_string(w.window);
  if (w.has_mss) t += " mss " + std::to_string(w.mss);
  if (w.has_shift) t += " ws " + std::to_string(w.shift);
  if (w.has_ts) std::snprintf(line, sizeof line, " ts %u %u", w.ts_value, w.ts_echo), t += line;
  return t;
}
std::string describe_event(u8 bits) {
  static const char* const names[] = {"accepted", "connected", "readable", "writable", "peer_closed", "timer", "error", "closed"};
  std::string t;
  for (u32 i = 0; i < 8; ++i) if ((bits >> i & 1) != 0) t += std::string(t.empty() ? "" : " ") + names[i];
  return t;
}

void play(std::span<const step> steps, with timestamps, policy which, here h) {
  const char* name = h.file_name();
  for (const char* p = name; *p != 0; ++p) if (*p == '/') name = p + 1;
  bool with_ts = timestamps != with::no_timestamps, without = timestamps != with::timestamps;
  bool fits_32_bits = true;  // microseconds in 32 bits go round in 71 minutes
  for (const step& s : steps) {
    if (s.s.has_ts) without = false;
    if (s.what == verb::at && s.number > 4'200'000) fits_32_bits = false;
  }
  static constexpr variation variations[] = {
      {.name = "numbers in the middle", .start = 1'000'000'000'000, .peer_iss = 0x4000'0000, .peer_clock = 0x1000'0000},
      {.name = "sequence numbers wrap", .peer_iss = 0xffff'fd00, .peer_clock = 1, .sequence_wraps = true},
      {.name = "timestamps wrap", .peer_iss = 0x7fff'ff00, .peer_clock = 0xffff'ffb0, .clock_of_timestamps_wraps = true},
      {.name = "the clock wraps", .clock_wraps = true, .peer_iss = 0, .peer_clock = 0x7fff'ffc0},
      {.name = "the clock starts", .start = 0, .peer_iss = 0xffff'ffff, .peer_clock = 0},
  };
  const script_file script{steps, name};
  for (variation v : variations) {
    for (int on = 0; on < 2; ++on) {
      v.timestamps = on == 1;
      if ((on == 1 && !with_ts) || (on == 0 && (!without || v.clock_of_timestamps_wraps))) continue;
      std::string text;
      if (which == policy::immediate) text = play_immediate(script, v);
      if (which == policy::adaptive) text = play_adaptive(script, v);
      if (which == policy::paced) text = play_paced(script, v);
      if (which == policy::paced_trains) text = play_paced_trains(script, v);
      if (which == policy::deferring) text = play_deferring(script, v);
      if (which == policy::minshall) text = play_minshall(script, v);
      if (which == policy::corking) text = play_corking(script, v);
      if (which == policy::writing) text = play_writing(script, v);
      if (which == policy::standard || which == policy::only_v4) text = play_over_v4(script, v);
      if (text.empty() && (which == policy::standard || which == policy::only_v6)) text = play_over_v6(script, v);
      if (text.empty() && which == policy::standard && fits_32_bits && !v.sequence_wraps && !v.clock_of_timestamps_wraps) text = play_in_32_bits(script, v);
      if (text.empty() && (which == policy::standard || which == policy::only_v4)) text = play_in_trains_over_v4(script, v);
      if (text.empty() && (which == policy::standard || which == policy::only_v6)) text = play_in_trains_over_v6(script, v);
      CAPTURE(text);
      CHECK(text.empty());
      if (!text.empty()) return;
    }
  }
}

}  // namespace strata::script
