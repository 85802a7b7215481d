// SPDX-License-Identifier: MIT
// TCP options: end and no-operation (RFC 9293 §3.2), maximum segment size (RFC 9293 §3.7.1), window scale and timestamps (RFC 7323 §2, §3),
// selective acknowledgment (RFC 2018 §2, §3).
//
//   end 0 | nop 1 | MSS 2 4 mm mm | scale 3 3 s | SACK permitted 4 2 | SACK 5 n (left right)... | timestamps 8 10 value echo
//
// Nothing that a peer writes here is an error: an option that we do not know is passed over (RFC 9293 §3.1, MUST-6), one of the wrong length is
// passed over by the length that it states, and a length that leads nowhere (0, 1 or past the end) ends the list (MUST-7).
#pragma once
#include <strata/core/bytes.hpp>

#include <type_traits>

namespace strata::inline STRATA_ABI::wire {

/// Sequence numbers [left, right) that the receiver holds (RFC 2018 §3).
struct sack_block {
  u32 left = 0;
  u32 right = 0;
  friend constexpr bool operator==(const sack_block&, const sack_block&) = default;
};

/// The options of one segment, with room for so many blocks of SACK. None: a reader that does not speak of it passes over them.
template <u8 SackBlocks> struct tcp_options_of {
  struct none {
    friend constexpr bool operator==(none, none) = default;
  };
  static constexpr std::size_t max_size = 40;           ///< bytes: what the data offset leaves
  static constexpr std::size_t timestamps_size = 12;    ///< bytes of the usual layout NOP NOP timestamps
  static constexpr u8 max_window_scale = 14;            ///< RFC 7323 §2.3
  static constexpr u8 max_sack_blocks = SackBlocks;
  enum kind : u8 { end = 0, nop = 1, mss_kind = 2, window_scale_kind = 3, sack_permitted_kind = 4, sack_kind = 5, timestamps_kind = 8 };

  std::optional<u16> mss{};  ///< as it stands; zero and other nonsense is for the reader to bound
  bool has_window_scale = false;
  bool has_timestamps = false;
  bool sack_permitted = false;
  u8 window_scale = 0;       ///< 0..14; a larger one on the wire is taken as 14 (RFC 7323 §2.3)
  u8 sack_count = 0;         ///< 0..4
  u32 ts_value = 0;
  u32 ts_echo = 0;
  [[no_unique_address]] std::conditional_t<SackBlocks != 0, sack_block[SackBlocks == 0 ? 1 : SackBlocks], none> sack_blocks{};

  friend constexpr bool operator==(const tcp_options_of&, const tcp_options_of&) = default;

  /// Whether `bytes` is NOP NOP timestamps and nothing else, the layout that RFC 7323 appendix A recommends and nearly every segment has.
  [[nodiscard]] static constexpr bool is_only_timestamps(std::span<const std::byte> bytes) {
    return bytes.size() == timestamps_size && load_be<u32>(bytes.data()) == timestamps_head;
  }

  struct timestamps {
    u32 value = 0;
    u32 echo = 0;
  };
  /// The timestamps of the usual layout, without a look at anything else: the fast path. Nothing if `bytes` is laid out in another way.
  [[nodiscard]] static constexpr std::optional<timestamps> only_timestamps(std::span<const std::byte> bytes) {
    if (!is_only_timestamps(bytes)) return {};
    return timestamps{load_be<u32>(bytes.data() + 4), load_be<u32>(bytes.data() + 8)};
  }

  /// The options in `bytes`, which is what stands between the 20 bytes of the header and the data. Reads each byte at most once.
  /// An option that comes twice counts as it stood last.
  [[nodiscard]] static constexpr tcp_options_of parse(std::span<const std::byte> bytes) {
    tcp_options_of o;
    if (is_only_timestamps(bytes)) {
      o.take_timestamps(bytes.data() + 4);
      return o;
    }
    const std::byte* p = bytes.data();
    std::size_t left = bytes.size();
    while (left != 0) {
      const u8 what = load_be<u8>(p);
      if (what == end) break;
      if (what == nop) {
        ++p, --left;
        continue;
      }
      if (left < 2) break;
      const std::size_t length = load_be<u8>(p + 1);
      if (length < 2 || length > left) break;
      o.take(what, p, length);
      p += length, left -= length;
    }
    return o;
  }

  /// Bytes that emit() writes: a multiple of 4, at most 60; more than max_size does not fit a segment.
  [[nodiscard]] constexpr std::size_t size() const {
    return (mss ? 4u : 0u) + (has_window_scale ? 4u : 0u) + (has_timestamps ? 12u : sack_permitted ? 4u : 0u) + (sack_count != 0 ? 4u + 8u * sack_count : 0u);
  }
  /// How many SACK blocks fit beside the other options in `room` bytes (a multiple of 4, at most 40).
  [[nodiscard]] constexpr u8 sack_room(std::size_t room = max_size) const {
    tcp_options_of others = *this;
    others.sack_count = 0;
    const std::size_t used = others.size() + 4;
    const std::size_t n = room > used ? (room - used) / 8 : 0;
    return static_cast<u8>(smaller_of(n, max_sack_blocks));
  }

  /// Writes size() bytes, each option on a 32-bit boundary with NOPs before it: MSS, SACK permitted and timestamps, scale, SACK, as most stacks
  /// order them. Precondition: size() <= max_size.
  constexpr std::byte* emit(std::byte* at) const {
    STRATA_EXPECTS(size() <= max_size && sack_count <= max_sack_blocks && window_scale <= max_window_scale);
    if (mss) {
      store_be<u32>(at, u32{mss_kind} << 24 | 4u << 16 | *mss);
      at += 4;
    }
    if (has_timestamps) {
      at = emit_timestamps(at, ts_value, ts_echo, sack_permitted);
    } else if (sack_permitted) {
      store_be<u32>(at, two_nops | u32{sack_permitted_kind} << 8 | 2u);
      at += 4;
    }
    if (has_window_scale) {
      store_be<u32>(at, u32{nop} << 24 | u32{window_scale_kind} << 16 | 3u << 8 | window_scale);
      at += 4;
    }
    if constexpr (SackBlocks != 0) {
      if (sack_count == 0) return at;
      store_be<u32>(at, two_nops | u32{sack_kind} << 8 | (2u + 8u * sack_count));
      at += 4;
      for (u8 i = 0; i < sack_count; ++i, at += 8) {
        store_be<u32>(at, sack_blocks[i].left);
        store_be<u32>(at + 4, sack_blocks[i].right);
      }
    }
    return at;
  }

  /// Writes the 12 bytes of timestamps; SACK permitted, which is 2 bytes, stands in for the NOPs of a SYN. Returns what follows.
  static constexpr std::byte* emit_timestamps(std::byte* at, u32 value, u32 echo, bool with_sack_permitted = false) {
    constexpr u32 head_of_syn = u32{sack_permitted_kind} << 24 | 2u << 16 | u32{timestamps_kind} << 8 | 10u;
    store_be<u32>(at, with_sack_permitted ? head_of_syn : timestamps_head);
    store_be<u32>(at + 4, value);
    store_be<u32>(at + 8, echo);
    return at + timestamps_size;
  }

 private:
  static constexpr u32 two_nops = u32{nop} << 24 | u32{nop} << 16;
  static constexpr u32 timestamps_head = two_nops | u32{timestamps_kind} << 8 | 10u;

  constexpr void take_timestamps(const std::byte* p) {
    has_timestamps = true;
    ts_value = load_be<u32>(p);
    ts_echo = load_be<u32>(p + 4);
  }
  constexpr void take(u8 what, const std::byte* p, std::size_t length) {
    switch (what) {
      case mss_kind:
        if (length == 4) mss = load_be<u16>(p + 2);
        break;
      case window_scale_kind:
        if (length == 3) {
          const u8 shift = load_be<u8>(p + 2);
          has_window_scale = true;
          window_scale = smaller_of(shift, max_window_scale);
        }
        break;
      case sack_permitted_kind:
        if (length == 2) sack_permitted = true;
        break;
      case sack_kind:
        if constexpr (SackBlocks != 0) {
          if (length >= 10 && length <= 2 + 8 * max_sack_blocks && length % 8 == 2) {
            sack_count = static_cast<u8>((length - 2) / 8);
            for (u8 i = 0; i < sack_count; ++i) sack_blocks[i] = {load_be<u32>(p + 2 + 8 * i), load_be<u32>(p + 6 + 8 * i)};
          }
        }
        break;
      case timestamps_kind:
        if (length == 10) take_timestamps(p + 2);
        break;
      default: break;
    }
  }
};
using tcp_options = tcp_options_of<4>;  ///< four blocks are what 40 bytes hold (RFC 2018 §3)
static_assert(sizeof(tcp_options) <= 56);

}  // namespace strata::inline STRATA_ABI::wire
