// SPDX-License-Identifier: MIT
// Reading and mending packets, without strata's codecs.
#include "world.hpp"

#include <sim/octets.hpp>

#include <algorithm>

namespace strata::fuzz {

using checker::at16;
using checker::at32;
using checker::at8;
using checker::sum_of_words;

namespace {

// RFC 9293 §3.1, RFC 8200 §8.1.
unsigned pseudo_sum(bytes source, bytes destination, unsigned protocol, std::size_t length) {
  return sum_of_words(source, sum_of_words(destination, sum_of_words({}, protocol + static_cast<unsigned>(length))));
}
struct parts {
  bytes source{}, destination{};
  unsigned protocol = 0;
  std::size_t header = 0, total = 0;
};
parts take_apart(bytes p) {
  parts found;
  if (p.size() >= 20 && at8(p, 0) >> 4 == 4) {
    found = {p.subspan(12, 4), p.subspan(16, 4), at8(p, 9), (at8(p, 0) & 15) * 4u, at16(p, 2)};
  } else if (p.size() >= 40 && at8(p, 0) >> 4 == 6) {
    found = {p.subspan(8, 16), p.subspan(24, 16), at8(p, 6), 40, 40u + at16(p, 4)};
  }
  if (found.header < 20 || found.header > p.size() || found.total > p.size() || found.total < found.header) found.header = 0;
  return found;
}
void put16(octets& f, std::size_t at, unsigned value) {
  f[at] = static_cast<std::byte>(value >> 8);
  f[at + 1] = static_cast<std::byte>(value);
}

}  // namespace

seen_segment read_segment(bytes p, bool is_sent) {
  seen_segment s;
  const parts ip = take_apart(p);
  if (ip.header == 0 || ip.protocol != 6) return s;
  const bytes t = p.subspan(ip.header, ip.total - ip.header);
  if (t.size() < 20) return s;
  const std::size_t header = (at8(t, 12) >> 4) * 4u;
  if (header < 20 || header > t.size()) return s;
  s.is_tcp = true;
  s.is_sound =
      (at8(p, 0) >> 4 == 6 || checker::adds_up(p.first(ip.header))) && checker::adds_up(t, pseudo_sum(ip.source, ip.destination, 6, t.size()));
  s.local = is_sent ? ip.source : ip.destination;
  s.remote = is_sent ? ip.destination : ip.source;
  s.local_port = at16(t, is_sent ? 0 : 2);
  s.remote_port = at16(t, is_sent ? 2 : 0);
  s.ends.assign(reinterpret_cast<const char*>(s.local.data()), s.local.size());
  s.ends.append(reinterpret_cast<const char*>(s.remote.data()), s.remote.size());
  for (const unsigned port : {s.local_port, s.remote_port}) s.ends += {static_cast<char>(port >> 8), static_cast<char>(port)};
  s.seq = at32(t, 4);
  s.ack = at32(t, 8);
  s.flags = at8(t, 13);
  s.window = at16(t, 14);
  s.data = t.subspan(header);
  const bytes options = t.subspan(20, header - 20);
  for (std::size_t i = 0; i + 1 < options.size() && at8(options, i) != 0;) {
    if (at8(options, i) == 1) {
      ++i;
      continue;
    }
    const std::size_t length = at8(options, i + 1);
    if (length < 2 || i + length > options.size()) break;
    if (at8(options, i) == 8 && length == 10) s.has_times = true, s.ts_value = at32(options, i + 2);
    i += length;
  }
  return s;
}

void mend(octets& frame, std::size_t link_header) {
  if (frame.size() < link_header + 20) return;
  const std::size_t length = frame.size() - link_header;
  const unsigned version = static_cast<unsigned>(frame[link_header]) >> 4;
  if (version == 4) put16(frame, link_header + 2, static_cast<unsigned>(std::min<std::size_t>(length, 0xffff)));
  else if (version == 6 && length >= 40) put16(frame, link_header + 4, static_cast<unsigned>(length - 40));
  const bytes p = bytes(frame).subspan(link_header);
  const parts ip = take_apart(p);
  if (ip.header == 0) return;
  if (version == 4) {
    put16(frame, link_header + 10, 0);
    put16(frame, link_header + 10, ~sum_of_words(p.first(ip.header)) & 0xffff);
  }
  const std::size_t at = ip.protocol == 6 ? 16 : ip.protocol == 17 ? 6 : ip.protocol == 1 ? 2 : 0;
  const bytes t = p.subspan(ip.header);
  if (at == 0 || t.size() < at + 2) return;
  if (ip.protocol == 17) put16(frame, link_header + ip.header + 4, static_cast<unsigned>(t.size()));
  put16(frame, link_header + ip.header + at, 0);
  const unsigned sum = sum_of_words(t, ip.protocol == 1 ? 0 : pseudo_sum(ip.source, ip.destination, ip.protocol, t.size()));
  put16(frame, link_header + ip.header + at, ~sum & 0xffff);
}

void world::deliver(octets frame) {
  if (frame.size() > link_header) {
    const seen_segment s = read_segment(bytes(frame).subspan(link_header), false);
    if (s.is_tcp && (s.flags & 2) != 0) {
      auto& starts = peer_starts[s.ends];
      starts.push_back(s.seq + 1);
      if (starts.size() > 16) starts.erase(starts.begin());
    }
  }
  if (far.coming.size() < 64) far.coming.push_back(std::move(frame));
}

}  // namespace strata::fuzz
