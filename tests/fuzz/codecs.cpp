// SPDX-License-Identifier: MIT
// One target per codec. Each is held against a reading of the RFC that shares no line with it, and against itself: what was parsed is emitted as it
// stood, and what was emitted is parsed as it was.
#include "fuzz.hpp"

#include <sim/octets.hpp>
#include <strata/core/address.hpp>
#include <strata/wire/arp.hpp>
#include <strata/wire/ethernet.hpp>
#include <strata/wire/icmpv4.hpp>
#include <strata/wire/ipv4.hpp>
#include <strata/wire/ipv6.hpp>
#include <strata/wire/tcp.hpp>
#include <strata/wire/tcp_options.hpp>
#include <strata/wire/udp.hpp>
#include <strata/wire/vlan.hpp>

#include <arpa/inet.h>

#include <algorithm>
#include <vector>

namespace strata::fuzz {

namespace {

using checker::adds_up;
using checker::at16;
using checker::at32;
using checker::at8;
using checker::sum_of_words;

bool same(bytes a, bytes b) { return std::equal(a.begin(), a.end(), b.begin(), b.end()); }
bool lies_in(bytes part, bytes whole) {
  return part.empty() || (part.data() >= whole.data() && part.data() + part.size() <= whole.data() + whole.size());
}

}  // namespace

void ethernet(bytes input) {
  const auto h = wire::ethernet::parse(input);
  require(h.has_value() == (input.size() >= 14), "ethernet: 14 bytes are a header");
  if (!h) return;
  require(h->type == at16(input, 12), "ethernet: type");
  std::byte out[wire::ethernet::header_size];
  h->emit(out);
  require(same(out, input.first(sizeof out)), "ethernet: emitted as it stood");
  require(wire::ethernet::parse(out) == h, "ethernet: parsed as it was");
  const bytes behind = input.subspan(sizeof out);
  const auto tag = wire::vlan::parse(behind);
  require(tag.has_value() == (behind.size() >= 4), "vlan: 4 bytes are a tag");
  if (!tag) return;
  require(tag->id == at16(behind, 0) % 4096 && tag->priority == at16(behind, 0) / 8192 && tag->type == at16(behind, 2), "vlan: fields");
  std::byte again[wire::vlan::header_size];
  tag->emit(again);
  require(same(again, behind.first(sizeof again)), "vlan: emitted as it stood");
}

void arp(bytes input) {
  const auto h = wire::arp::parse(input);
  const bool is_ours = input.size() >= 28 && at16(input, 0) == 1 && at16(input, 2) == 0x0800 && at8(input, 4) == 6 && at8(input, 5) == 4;
  require(h.has_value() == is_ours, "arp: Ethernet and IPv4, and nothing else");
  if (!h) return;
  std::byte out[wire::arp::header_size];
  h->emit(out);
  require(same(out, input.first(sizeof out)), "arp: emitted as it stood");
  require(wire::arp::parse(out) == h, "arp: parsed as it was");
  require(h->is_probe() == (at32(input, 14) == 0), "arp: a probe has no sender");
}

void ipv4(bytes input) {
  const auto h = wire::ipv4::parse(input);
  const auto fault = wire::ipv4::why_not(input);
  const bool has_header = input.size() >= 20 && at8(input, 0) >> 4 == 4 && (at8(input, 0) & 15) >= 5;
  const std::size_t header = has_header ? (at8(input, 0) & 15) * 4u : 0, total = has_header ? at16(input, 2) : 0;
  const bool is_whole = has_header && header <= total && total <= input.size();
  require(h.has_value() == (is_whole && adds_up(input.first(header))), "ipv4: the checks of RFC 1122");
  require(h.has_value() == (fault == wire::ipv4_fault::none), "ipv4: a refusal has a reason");
  if (!h && has_header && header <= total && header <= input.size())
    require(fault == (is_whole ? wire::ipv4_fault::checksum : wire::ipv4_fault::truncated), "ipv4: the right reason");
  const auto quoted = wire::ipv4::parse_quoted(input);
  require(quoted.has_value() == (has_header && header <= input.size()), "ipv4: what an error may quote");
  if (quoted) {
    std::byte out[wire::ipv4::header_size];
    quoted->emit(out);
    std::vector<std::byte> padded(out, out + sizeof out);
    padded.resize(quoted->header_length);
    require(wire::ipv4::parse_quoted(padded) == quoted, "ipv4: parsed as it was");
    require(adds_up(padded) && quoted->checksum() == at16(out, 10), "ipv4: the checksum that emit() writes");
  }
  if (!h) return;
  require(*h == *quoted, "ipv4: both readings agree");
  const bytes payload = h->payload(input);
  require(payload.size() == h->payload_length() && lies_in(payload, input), "ipv4: the payload lies in the packet");
  require(h->fragment_offset % 8 == 0 && h->is_fragment() == ((at16(input, 6) & 0x3fff) != 0), "ipv4: fragments");
  if (header != 20) return;
  std::byte out[wire::ipv4::header_size];
  h->emit(out);
  const bool has_other_zero = at16(input, 10) == 0xffff;  // two ways to write zero, and emit() knows one
  const bool has_reserved_bit = (at8(input, 6) & 0x80) != 0;
  if (!has_other_zero && !has_reserved_bit) require(same(out, input.first(20)), "ipv4: emitted as it stood");
}

void ipv6(bytes input) {
  const auto h = wire::ipv6::parse(input);
  const bool is_whole = input.size() >= 40 && at8(input, 0) >> 4 == 6 && at16(input, 4) <= input.size() - 40;
  require(h.has_value() == is_whole, "ipv6: a whole header and its payload");
  if (!h) return;
  std::byte out[wire::ipv6::header_size];
  h->emit(out);
  require(same(out, input.first(sizeof out)), "ipv6: emitted as it stood");
  require(lies_in(h->payload(input), input) && h->payload(input).size() == at16(input, 4), "ipv6: the payload lies in the packet");
  require(h->traffic_class == (at16(input, 0) >> 4 & 0xff) && h->dscp() * 4 + h->ecn() == h->traffic_class, "ipv6: traffic class");
}

void icmpv4(bytes input) {
  const auto m = wire::icmpv4::parse(input);
  require(m.has_value() == (input.size() >= 8), "icmpv4: eight bytes are a message");
  const auto quoted = wire::icmpv4::quoted(input);
  if (!m) return require(!quoted, "icmpv4: nothing quotes nothing");
  std::byte out[wire::icmpv4::header_size];
  m->emit(out);
  require(same(out, input.first(sizeof out)), "icmpv4: emitted as it stood");
  require(fold(m->word_sum()) == sum_of_words(input.first(8)), "icmpv4: word_sum()");
  if (m->kind()) require(m->is_error(), "icmpv4: only errors mean something to a transport");
  require(!(m->is_error() && (m->is_echo_request() || m->is_echo_reply())), "icmpv4: an echo is no error");
  if (!quoted) return;
  require(quoted->transport.size() >= 8 && lies_in(quoted->transport, input), "icmpv4: what is quoted lies in the message");
  require(quoted->header.fragment_offset == 0, "icmpv4: a quoted fragment has no transport header");
}

void udp(bytes input) {
  const auto h = wire::udp::parse(input);
  require(h.has_value() == (input.size() >= 8 && at16(input, 4) >= 8 && at16(input, 4) <= input.size()), "udp: RFC 768");
  if (!h) return;
  std::byte out[wire::udp::header_size];
  h->emit(out);
  require(same(out, input.first(sizeof out)), "udp: emitted as it stood");
  require(lies_in(h->payload(input), input) && h->payload(input).size() == h->length - 8u, "udp: the payload lies in the datagram");
  const bytes whole = input.first(h->length);
  const unsigned pseudo = 0x1234 + 17 + h->length;
  const bool holds = adds_up(whole, pseudo);
  require(h->checksum_is_valid(input, pseudo, true) == (h->checksum == 0 || holds), "udp: over IPv4 zero says none");
  require(h->checksum_is_valid(input, pseudo, false) == (h->checksum != 0 && holds), "udp: over IPv6 there must be one");
  // A datagram with the checksum that checksum_for() gives is valid, and the field is never zero.
  std::vector<std::byte> fixed(whole.begin(), whole.end());
  fixed[6] = fixed[7] = std::byte{0};
  const u16 made = wire::udp::checksum_for(sum_of_words(fixed, pseudo));
  store_be(fixed.data() + 6, made);
  require(made != 0 && wire::udp::parse(fixed)->checksum_is_valid(fixed, pseudo, false), "udp: checksum_for()");
}

void tcp(bytes input) {
  const auto h = wire::tcp::parse(input);
  const std::size_t header = input.size() >= 20 ? (at8(input, 12) >> 4) * 4u : 0;
  require(h.has_value() == (header >= 20 && header <= input.size()), "tcp: the data offset lies in the segment");
  if (!h) return;
  require(h->header_length == header, "tcp: header length");
  std::byte out[wire::tcp::header_size];
  h->emit(out);
  std::vector<std::byte> wanted(input.begin(), input.begin() + 20);
  wanted[12] &= std::byte{0xf0};  // reserved bits are ignored, and not sent
  require(same(out, wanted), "tcp: emitted as it stood");
  require(fold(h->word_sum()) == sum_of_words(wanted), "tcp: word_sum()");
  tcp_options(input.subspan(20, header - 20));
}

namespace {

// RFC 9293 §3.1 read the plain way, an option at a time.
wire::tcp_options read_options(bytes o) {
  wire::tcp_options found;
  for (std::size_t i = 0; i < o.size();) {
    const unsigned kind = at8(o, i);
    if (kind == 0) break;
    if (kind == 1) {
      ++i;
      continue;
    }
    if (i + 1 == o.size()) break;
    const unsigned length = at8(o, i + 1);
    if (length < 2 || length > o.size() - i) break;
    if (kind == 2 && length == 4) found.mss = static_cast<u16>(at16(o, i + 2));
    if (kind == 3 && length == 3) found.has_window_scale = true, found.window_scale = static_cast<u8>(std::min(at8(o, i + 2), 14u));
    if (kind == 4 && length == 2) found.sack_permitted = true;
    if (kind == 5 && (length == 10 || length == 18 || length == 26 || length == 34)) {
      found.sack_count = static_cast<u8>(length / 8);
      for (unsigned n = 0; n < found.sack_count; ++n) found.sack_blocks[n] = {at32(o, i + 2 + 8 * n), at32(o, i + 6 + 8 * n)};
    }
    if (kind == 8 && length == 10) found.has_timestamps = true, found.ts_value = at32(o, i + 2), found.ts_echo = at32(o, i + 6);
    i += length;
  }
  return found;
}
bool means_the_same(wire::tcp_options a, wire::tcp_options b) {
  for (wire::tcp_options* o : {&a, &b})
    for (u8 i = o->sack_count; i < wire::tcp_options::max_sack_blocks; ++i) o->sack_blocks[i] = {};  // what an earlier, longer list left behind
  return a == b;
}

}  // namespace

void tcp_options(bytes input) {
  const auto o = wire::tcp_options::parse(input);
  require(means_the_same(o, read_options(input)), "tcp_options: the plain reading finds the same");
  const auto fast = wire::tcp_options::only_timestamps(input);
  require(fast.has_value() == wire::tcp_options::is_only_timestamps(input), "tcp_options: the usual layout");
  if (fast) {
    const bool has_others = o.mss || o.has_window_scale || o.sack_permitted || o.sack_count != 0;
    require(o.has_timestamps && o.ts_value == fast->value && o.ts_echo == fast->echo && !has_others, "tcp_options: the fast path");
  }
  const u8 room = o.sack_room();
  wire::tcp_options fuller = o;
  fuller.sack_count = room;
  require(room <= 4 && (room == 0 || fuller.size() <= 40), "tcp_options: what sack_room() promises fits");
  if (o.size() > wire::tcp_options::max_size) return;
  std::byte out[wire::tcp_options::max_size];
  require(o.emit(out) == out + o.size() && o.size() % 4 == 0, "tcp_options: size()");
  require(means_the_same(wire::tcp_options::parse({out, o.size()}), o), "tcp_options: parsed as it was");
}

namespace {

// "::ffff:10.0.0.1" by hand: two ways to write each address, and both must be read back.
std::string in_full(const ipv6_address& a) {
  char text[48];
  const auto word = [&](unsigned i) { return static_cast<unsigned>((i < 4 ? a.high >> (48 - 16 * i) : a.low >> (48 - 16 * (i - 4))) & 0xffff); };
  std::snprintf(text, sizeof text, "%x:%x:%x:%x:%x:%x:%x:%x", word(0), word(1), word(2), word(3), word(4), word(5), word(6), word(7));
  return text;
}

}  // namespace

void address_text(bytes input) {
  const std::string text(reinterpret_cast<const char*>(input.data()), input.size());
  const auto a = parse_address(text.data(), text.size());
  // inet_pton is the other reader, for text that C strings can hold.
  if (text.find('\0') == std::string::npos) {
    std::byte six[16], four[4];
    const bool is_six = inet_pton(AF_INET6, text.c_str(), six) == 1, is_four = inet_pton(AF_INET, text.c_str(), four) == 1;
    require(a.has_value() == (is_six || is_four), "address_text: what inet_pton reads, and nothing else");
    if (is_six) require(a->high == load_be<u64>(six) && a->low == load_be<u64>(six + 8), "address_text: the same IPv6 address");
    if (is_four) require(a->is_v4() && a->v4().value == load_be<u32>(four), "address_text: the same IPv4 address");
  }
  if (a) {
    const std::string full = in_full(*a);
    require(parse_address(full.data(), full.size()) == a, "address_text: written in full it is the same");
  }
  const auto s = parse_subnet(text.data(), text.size());
  if (a) require(s && s->address == *a && s->prefix == (a->is_v4() ? 32 : 128), "address_text: an address is a subnet of one");
  if (s) require(s->prefix <= (s->address.is_v4() ? 32 : 128), "address_text: the prefix fits");
  if (s && !a) require(text.find('/') != std::string::npos, "address_text: a subnet has a slash");
  if (const auto m = parse_mac(text.data(), text.size())) {
    char full[18];
    std::snprintf(full, sizeof full, "%02X:%02x:%02x:%02x:%02x:%02x", m->bytes[0], m->bytes[1], m->bytes[2], m->bytes[3], m->bytes[4], m->bytes[5]);
    require(parse_mac(full, 17) == m, "address_text: written in full it is the same MAC");
  }
}

}  // namespace strata::fuzz
