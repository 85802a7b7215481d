// SPDX-License-Identifier: MIT
// The language of the scripts for UDP: who sends how much to whom.
//
//   in("1000>7 (100)")     from the peer's port 1000 to our port 7, 100 bytes
//   out("7>1000 (100)")    from strata
//
// Sockets are numbered; a step without .of(n) means socket 0.
#pragma once
#include <strata/core/path.hpp>
#include <strata/udp/types.hpp>

#include <source_location>

namespace strata::script::datagrams {

enum class verb : u8 {
  bind, connect, send, send_to, reserve, commit, in, out, refused, read, room, close, told, silent, error, icmp, ring_full, chunks, unroutable, mtu, corrupt, without_sum, length,
  broadcast, padding, counter, unread, refuse_send
};
using counter_type = u32 udp::counters::*;

struct step {
  verb what{};
  u8 socket = 0, code = 0;
  bool flagged = false, has_fails = false;
  u32 number = 0;
  u16 from = 0, to = 0;
  counter_type counted = nullptr;
  unsigned line = 0;
  [[nodiscard]] consteval step of(u8 n) const { step c = *this; c.socket = n; return c; }
  template <class E> [[nodiscard]] consteval step fails(E e) const { step c = *this; c.has_fails = true; c.code = static_cast<u8>(e); return c; }
};

namespace fault {
void a_number_belongs_here();
void a_datagram_is_from_greater_to_and_bytes_in_parentheses();
}  // namespace fault

namespace detail {
consteval u32 number(const char*& p) {
  if (*p < '0' || *p > '9') fault::a_number_belongs_here();
  u32 n = 0;
  while (*p >= '0' && *p <= '9') n = n * 10 + static_cast<u32>(*p++ - '0');
  return n;
}
consteval void is(const char*& p, const char* text) {
  for (; *text != 0; ++text) if (*p++ != *text) fault::a_datagram_is_from_greater_to_and_bytes_in_parentheses();
}
consteval step parse(step s, const char* p) {
  s.from = static_cast<u16>(number(p));
  is(p, ">");
  s.to = static_cast<u16>(number(p));
  is(p, " (");
  s.number = number(p);
  is(p, ")");
  if (*p != 0) fault::a_datagram_is_from_greater_to_and_bytes_in_parentheses();
  return s;
}
}  // namespace detail

using here = std::source_location;
consteval step make(verb v, u32 n, here h) { step s{}; s.what = v; s.number = n; s.line = h.line(); return s; }

enum address_kind : bool { any = false, ours = true };
/// Zero: a port that strata chooses; out() and in() call it 0.
consteval step bind(u16 port, address_kind at = any, here h = here::current()) { step s = make(verb::bind, port, h); s.flagged = at; return s; }
consteval step connect(u16 to, here h = here::current()) { return make(verb::connect, to, h); }
consteval step send(u32 n, here h = here::current()) { return make(verb::send, n, h); }
consteval step send_to(u32 n, u16 to, here h = here::current()) { step s = make(verb::send_to, n, h); s.to = to; return s; }
consteval step reserve(u32 n, here h = here::current()) { return make(verb::reserve, n, h); }
consteval step commit(u32 n, u16 to, here h = here::current()) { step s = make(verb::commit, n, h); s.to = to; return s; }
consteval step close(here h = here::current()) { return make(verb::close, 0, h); }
consteval step in(const char* text, here h = here::current()) { return detail::parse(make(verb::in, 0, h), text); }
consteval step out(const char* text, here h = here::current()) { return detail::parse(make(verb::out, 0, h), text); }
/// strata refuses the last datagram: ICMP port unreachable.
consteval step refused(here h = here::current()) { return make(verb::refused, 0, h); }
/// The oldest datagram has n bytes and came from that port.
consteval step read(u32 n, u16 from, here h = here::current()) { step s = make(verb::read, n, h); s.from = from; return s; }
/// The next read has room for only so many bytes.
consteval step room(u32 n, here h = here::current()) { return make(verb::room, n, h); }
/// The event of a datagram was told once since the last look; or none was.
consteval step told(here h = here::current()) { return make(verb::told, 1, h); }
consteval step untold(here h = here::current()) { return make(verb::told, 0, h); }
consteval step error(icmp_error_kind kind, here h = here::current()) { return make(verb::error, static_cast<u32>(kind), h); }
consteval step icmp(icmp_error_kind kind, u16 from, u16 to, u32 mtu = 0, here h = here::current()) {
  step s = make(verb::icmp, mtu, h); s.code = static_cast<u8>(kind), s.from = from, s.to = to; return s;
}
consteval step ring_full(u32 n, here h = here::current()) { return make(verb::ring_full, n, h); }
consteval step chunks(u32 n, here h = here::current()) { return make(verb::chunks, n, h); }
inline constexpr u32 all = 1000;
consteval step unroutable(bool on, here h = here::current()) { step s = make(verb::unroutable, 0, h); s.flagged = on; return s; }
/// The path's MTU for an IPv4 header: 1500 until then.
consteval step path_mtu(u32 bytes, here h = here::current()) { return make(verb::mtu, bytes, h); }
/// Of the next datagram that comes: its checksum is wrong; it has none; its length field says so; it is a broadcast; link padding follows it.
consteval step corrupt(here h = here::current()) { return make(verb::corrupt, 0, h); }
consteval step without_checksum(here h = here::current()) { return make(verb::without_sum, 0, h); }
consteval step length_field(u32 n, here h = here::current()) { return make(verb::length, n, h); }
consteval step broadcast(here h = here::current()) { return make(verb::broadcast, 0, h); }
consteval step padding(u32 n, here h = here::current()) { return make(verb::padding, n, h); }
consteval step counted(counter_type c, u32 value, here h = here::current()) { step s = make(verb::counter, value, h); s.counted = c; return s; }
consteval step unread(u32 n, here h = here::current()) { return make(verb::unread, n, h); }

enum class over : u8 { both, v4, v6 };
void play(std::span<const step> script, over families = over::both, here h = here::current());

}  // namespace strata::script::datagrams
