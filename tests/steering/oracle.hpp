// SPDX-License-Identifier: MIT
// The same decision as the steering program's, said once more: written from its description, with the codecs, and without an eye on the assembler.
#pragma once
#include <strata/wire/arp.hpp>
#include <strata/wire/ethernet.hpp>

#include "interpreter.hpp"

namespace steering_test {

inline steering::verdict by_description(std::span<const std::byte> frame, const maps& m) {
  using enum steering::verdict;
  const auto at = [&](std::size_t i) { return std::to_integer<u32>(frame[i]); };
  const auto part = [&](std::size_t from, std::size_t size) { return std::vector<std::byte>(&frame[from], &frame[from] + size); };
  if (frame.size() < 14) return malformed;
  const std::span<const std::byte> payload = frame.subspan(14);
  switch (at(12) << 8 | at(13)) {
    case 0x0806:
      if (!wire::arp::parse(payload)) return malformed;
      return m.own4.contains(part(14 + 24, 4)) ? arp : passed;
    case 0x0800: {
      if (payload.size() < 20) return malformed;
      const u32 version = at(14) / 16, header = at(14) % 16 * 4, total = at(16) << 8 | at(17);
      if (version != 4 || header < 20 || header > payload.size() || total < header) return malformed;
      if (!m.own4.contains(part(14 + 16, 4))) {
        const bool is_for_a_router = m.own4.contains(std::vector<std::byte>(4)) && at(0) % 2 == 0 && at(14 + 16) < 224;
        return is_for_a_router && !m.kernel4.contains(part(14 + 16, 4)) ? transit : passed;
      }
      return at(14 + 16) >= 224 && at(14 + 16) < 240 ? group : ip;
    }
    case 0x86dd: {
      if (payload.size() < 40 || at(14) / 16 != 6) return malformed;
      const std::vector<std::byte> to = part(14 + 24, 16);
      if (at(14 + 24) != 0xff) return m.own6.contains(to) ? ip : passed;
      if (at(14 + 6) == 58) {
        if (payload.size() == 40) return malformed;
        const u32 type = at(14 + 40);
        if (type == 134 || type == 136) return passed;
        if (type == 135) {
          if ((at(14 + 4) << 8 | at(14 + 5)) < 24 || payload.size() < 40 + 24) return malformed;
          const std::vector<std::byte> target = part(14 + 40 + 8, 16);
          std::vector<std::byte> solicited(16);  // RFC 4291 §2.7.1
          solicited[0] = std::byte{0xff}, solicited[1] = std::byte{2}, solicited[11] = std::byte{1}, solicited[12] = std::byte{0xff};
          for (std::size_t i = 13; i < 16; ++i) solicited[i] = target[i];
          return to == solicited && m.own6.contains(target) ? neighbour : passed;
        }
      }
      return m.own6.contains(to) ? group : passed;
    }
    default: return passed;
  }
}

}  // namespace steering_test
