// SPDX-License-Identifier: MIT
// The language of the two stack targets. An input is a setting (one byte) and steps: a byte that names the step, and its arguments. stack_input knows
// the plain steps, stack_structured all. make_corpus.cpp writes it with `script`.
#pragma once
#include "world.hpp"

namespace strata::fuzz {

/// The low five bits of a step's first byte, modulo how many the target knows. The highest bit of a step that delivers: no turn follows.
enum class step : std::uint8_t {
  // plain
  pass,       ///< u8 e: 2^(e mod 36) microseconds
  turn,       ///< u8 frames
  deadline,   ///< u8 n: to the next deadline, 1 + n mod 16 times
  call,       ///< u8 what, u8 who, u16 n
  nic,        ///< u8 bits: world::misbehave
  raw,        ///< u16 length, bytes: a frame as it is
  mended,     ///< the same, with lengths and checksums put right
  // structured
  syn,        ///< u8 flow, u8 offer, u16 mss, u16 window: a SYN; a SYN-ACK if the stack opened that flow
  segment,    ///< u8 flow, u8 flags, u16 length, u8 changes, and what they need
  bulk,       ///< u8 flow, u8 n, u16 length: 1 + n mod 16 full segments in order
  open,       ///< u8 flow, u8 offer: a whole handshake
  arp,        ///< u8 peer, u8 kind
  icmp,       ///< u8 type, u8 code, u16 rest, u8 quote
  datagram,   ///< u8 flow, u8 port, u16 length, u8 changes
  damage,     ///< u8 what, u8 value: of the next frame that is built
  habits,     ///< u8 bits: what the peers do by themselves
  again,      ///< u8 n: the frame before the n-th last, once more
  late,       ///< the next frame is held back, and comes after the one behind it
  count
};
inline constexpr unsigned plain_steps = static_cast<unsigned>(step::syn);
inline constexpr unsigned all_steps = static_cast<unsigned>(step::count);
inline constexpr std::uint8_t no_turn = 0x80;
/// More steps than this are not taken: a run has an end that does not depend on luck.
inline constexpr unsigned most_steps = 400;

/// What a SYN offers, as bits.
enum offer : std::uint8_t {
  offers_mss = 1,
  offers_scale = 2,
  offers_times = 4,
  offers_sack = 8,
  offers_data = 16,
  offers_fin = 32,
  offers_much_scale = 64,
  offers_the_same = 128
};
/// How a segment differs from the next one that the flow would bring, as bits; each but the last three is followed by its argument.
enum change : std::uint8_t {
  moves_seq = 1,      ///< i16
  moves_ack = 2,      ///< i16
  says_window = 4,    ///< u16
  moves_times = 8,    ///< i16, or 7fff: none at all
  has_options = 16,   ///< u8 length, bytes
  is_urgent = 32,     ///< and uses the reserved bits
  is_not_sent = 64,   ///< the flow goes on as if it were: a loss
  is_corrupt = 128    ///< the checksum is wrong
};
enum arp_kind : std::uint8_t {
  request,
  reply,
  probe,
  announcement,
  conflict,
  zero_mac,
  group_sender,
  short_one,
  other_hardware,
  broadcast_reply,
  other_target,
  stranger
};
enum damage_kind : std::uint8_t {
  nothing,
  version,
  header_length,
  total_length,
  fragment,
  ttl,
  protocol,
  header_checksum,
  source,
  destination,
  options,
  cut,
  link_destination,
  ether_type,
  padding
};
enum habit : std::uint8_t { answers_arp = 1, acknowledges = 2, answers_syn = 4 };

/// Takes a plain step. `on_turn` is called after each turn, and after what may have sent frames.
struct player {
  world& w;
  /// Where the same steps are written in plain form, if anywhere.
  octets* record = nullptr;

  void pass(std::uint8_t e);
  void turn(std::uint8_t frames);
  bool deadline();
  void tell(std::uint8_t what, std::uint8_t who, std::uint16_t n);
  void misbehave(std::uint8_t bits);
  void deliver(octets frame);
  void take(step s, reader& in);

 private:
  void note(step s, std::initializer_list<unsigned> arguments);
};

/// The recorder of stack_structured: what the run was in plain steps.
void structured(bytes input, octets* record);

}  // namespace strata::fuzz
