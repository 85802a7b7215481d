// SPDX-License-Identifier: MIT
#include "ledger.hpp"

#include <cstdio>

namespace strata::script {
namespace {

u32 hex_digit(char c) { return c >= '0' && c <= '9' ? static_cast<u32>(c - '0') : c >= 'a' && c <= 'f' ? static_cast<u32>(c - 'a') + 10 : 99; }
std::vector<std::byte> from_hex(const char* p) {
  std::vector<std::byte> b;
  for (; hex_digit(p[0]) < 16; p += 2) b.push_back(static_cast<std::byte>(hex_digit(p[0]) << 4 | hex_digit(p[1])));
  return b;
}

}  // namespace

ledger::ledger(const variation& v, std::vector<std::byte> addresses, std::vector<std::byte> second_addresses)
    : v_(v), addresses_(std::move(addresses)), second_addresses_(std::move(second_addresses)), is_v4_(addresses_.size() == 8) {
  for (u8 i = 0; i < peers; ++i) peer_[i].iss = v.peer_iss + i * 0x01234567u;
}

bool ledger::fault(std::string text) {
  if (fault_.empty()) fault_ = std::move(text), fault_line_ = line_, fault_ms_ = static_cast<double>(nanoseconds()) / 1e6;
  return false;
}
bool ledger::fault(const char* text, u64 wanted_value, u64 got) {
  char line[160];
  std::snprintf(line, sizeof line, "%s: wanted %llu, got %llu", text, static_cast<unsigned long long>(wanted_value), static_cast<unsigned long long>(got));
  return fault(std::string(line));
}
std::string ledger::report() const {
  char head[400];
  std::snprintf(head, sizeof head, "%s:%u at %g ms, IPv%d, timestamps %s, %s: ", name_, fault_line_, fault_ms_, is_v4_ ? 4 : 6, v_.timestamps ? "on" : "off", v_.name);
  return head + fault_ + "\n" + log_;
}
void ledger::note(const char* what, const std::string& text) {
  char head[64];
  std::snprintf(head, sizeof head, "  %9.3f %s ", static_cast<double>(nanoseconds()) / 1e6, what);
  log_ += head + text + "\n";
}

auto ledger::of(const seen& s) -> remote* {
  if (s.source != our_port || s.destination < first_peer_port || s.destination >= first_peer_port + peers) return nullptr;
  return &peer_[s.destination - first_peer_port];
}
std::string ledger::text_of(const seen& s) {
  const remote& r = *of(s);
  return describe(s.flags, s.seq - r.local_iss, static_cast<u32>(s.data.size()), (s.flags & flag::ack) != 0 ? s.ack - r.iss : 0, window_of(s), s);
}

bool ledger::check(const seen& s) {
  remote* const known = of(s);
  if (known == nullptr) return fault("wrong ports");
  remote& r = *known;
  const bool syn = (s.flags & flag::syn) != 0, rst = (s.flags & flag::rst) != 0, ack = (s.flags & flag::ack) != 0;
  if (syn && (!r.knows_local || s.seq != r.local_iss)) {
    r.old_iss = std::exchange(r.local_iss, s.seq);
    r.knows_local = true;
    r.local_next = 1;
    r.written.clear(), r.has_local_ack = r.has_local_edge = false;
    if (!r.has_id || r.is_over) r.read = 0;
  }
  if (syn) r.local_said_shift = s.has_shift, r.local_shift = s.shift, r.local_said_ts = s.has_ts;
  note(peer_name(r).c_str(), "< " + text_of(s));
  if (s.has_ts) {
    if (!knows_clock_) clock_ = s.ts_value - script_ms(), knows_clock_ = true;
    if (s.ts_value - clock_ != script_ms()) return fault("a timestamp does not tell the time", script_ms(), s.ts_value - clock_);
    if (!r.ts_sent.contains(s.ts_echo)) return fault("a timestamp is echoed that was never sent");
    r.ts_seen = s.ts_value;
  }
  if (!syn && (s.has_mss || s.has_shift || s.sack_ok)) return fault("an option of SYN segments in another one");  // RFC 9293 §3.7.1, RFC 7323 §2.2
  if (rst) return true;
  if (!syn && s.has_ts != has_ts(r) && !is_old_life_) return fault(s.has_ts ? "timestamps that were not agreed on" : "no timestamps, though both SYNs had them");
  const u32 seq = s.seq - r.local_iss, length = static_cast<u32>(s.data.size());
  const u32 end = seq + length + (syn ? 1 : 0) + ((s.flags & flag::fin) != 0 ? 1 : 0);
  if (static_cast<i32>(seq - r.local_next) > 0) return fault("sequence numbers are skipped", r.local_next, seq);
  if (length != 0) {
    if (static_cast<i32>(seq + length - r.right_edge) > 0) return fault("data beyond the window that the peer offered", r.right_edge, seq + length);
    for (u32 i = 0; i < length; ++i)
      if (seq - 1 + i >= r.written.size() || s.data[i] != r.written[seq - 1 + i]) return fault("a byte that was not written there", r.written.size(), seq + i);
  }
  if (static_cast<i32>(end - r.local_next) > 0) r.local_next = end;
  if (!ack) return syn || fault("a segment without ACK");
  const u32 acked = s.ack - r.iss;
  if (static_cast<i32>(acked - r.most_sent) > 0) return is_old_life_ || fault("an ACK of what was never sent", r.most_sent, acked);
  if (r.has_local_ack && static_cast<i32>(acked - r.local_ack) < 0) return fault("the ACK goes back", r.local_ack, acked);
  r.local_ack = acked, r.has_local_ack = true;
  const u32 edge = acked + window_of(s);
  if (r.has_local_edge && !syn && static_cast<i32>(edge - r.local_edge) < 0) return fault("the right edge of our window moves left", r.local_edge, edge);
  r.local_edge = edge, r.has_local_edge = true;
  return true;
}
bool ledger::match(const step& want) {
  if (!fault_.empty()) return false;
  if (sent_.empty()) return fault("nothing was sent; wanted " + describe(want.s));
  const emitted e = sent_.front();
  sent_.erase(sent_.begin());
  const seen& s = e.s;
  const remote& r = *of(s);
  const wanted& w = want.s;
  const u32 seq = s.seq - r.local_iss, length = static_cast<u32>(s.data.size()), ack = (s.flags & flag::ack) != 0 ? s.ack - r.iss : 0;
  const char* wrong = nullptr;
  if (&r != &peer_[want.peer]) wrong = "the peer";
  else if (e.address != (want.address == 0 ? 1 : want.address)) wrong = "our address";
  else if (w.has_flags ? s.flags != w.flags : (s.flags & ~flag::psh) != flag::ack) wrong = "the flags";
  else if (w.has_seq ? seq != w.seq : (s.flags & flag::rst) == 0 && seq != r.local_next) wrong = "the sequence number";
  else if (length != w.length) wrong = "the length";
  else if (w.has_ack && ack != w.ack) wrong = "the ACK";
  else if (w.has_window && window_of(s) != w.window) wrong = "the window";
  else if (w.has_options && (s.has_mss != w.has_mss || (w.has_mss && s.mss != w.mss + extra()))) wrong = "the MSS";
  else if (w.has_options && (s.flags & flag::syn) != 0 && (s.has_shift != w.has_shift || (w.has_shift && s.shift != w.shift))) wrong = "the window scale";
  else if (w.has_options && s.sack_ok != w.sack_ok) wrong = "SACK permitted";
  else if (w.no_ts && s.has_ts) wrong = "timestamps";
  else if (w.has_ts && (!s.has_ts || s.ts_value - clock_ != w.ts_value || (s.ts_echo - v_.peer_clock != w.ts_echo && !(w.ts_echo == 0 && s.ts_echo == 0)))) wrong = "timestamps";
  if (wrong == nullptr) return true;
  return fault(std::string(wrong) + " differs; wanted " + describe(w) + ", got " + peer_name(r) + text_of(s));
}
bool ledger::silent() {
  if (!fault_.empty()) return false;
  if (sent_.empty()) return true;
  const emitted& e = sent_.front();
  fault_ms_ = static_cast<double>(e.at) / 1e6;
  fault_ = "sent, but no out() names it: " + text_of(e.s), fault_line_ = line_;
  return false;
}

std::vector<std::byte> ledger::compose_next(const step& want) {
  remote& r = peer_[want.peer];
  const wanted& w = want.s;
  seen s;
  s.source = static_cast<u16>(first_peer_port + want.peer);
  s.destination = our_port;
  s.flags = w.has_flags ? w.flags : flag::ack;
  const bool syn = (s.flags & flag::syn) != 0, rst = (s.flags & flag::rst) != 0;
  const u32 seq = w.has_seq ? w.seq : r.next;
  s.seq = r.iss + seq;
  if (w.has_ack) r.ack = w.ack;
  if ((s.flags & flag::ack) != 0) s.ack = r.local_iss + r.ack;
  const u32 end = seq + w.length + (syn ? 1 : 0) + ((s.flags & flag::fin) != 0 ? 1 : 0);
  if (static_cast<i32>(end - r.next) > 0 && !rst) r.next = end;
  if (static_cast<i32>(end - r.most_sent) > 0) r.most_sent = end;
  if (syn) {
    s.has_mss = !w.has_options || w.has_mss;
    s.mss = static_cast<u16>((w.has_mss ? w.mss : 1460) + (w.has_mss && w.mss < 100 ? 0 : extra()));
    s.has_shift = !w.has_options || w.has_shift;
    s.shift = w.shift;
    s.sack_ok = w.sack_ok;
    r.said_shift = s.has_shift, r.shift = s.shift > 14 ? 14 : s.shift;
  }
  s.has_ts = w.has_ts || (!w.no_ts && !rst && w.hex == nullptr && (syn ? v_.timestamps : has_ts(r)));
  if (syn) r.said_ts = s.has_ts;
  if (s.has_ts) {
    s.ts_value = v_.peer_clock + (w.has_ts ? w.ts_value : script_ms());
    s.ts_echo = w.has_ts ? (r.local_said_ts ? clock_ + w.ts_echo : 0) : (s.flags & flag::ack) != 0 ? r.ts_seen : 0;
    r.ts_sent.insert(s.ts_value);
  }
  if (w.has_window) r.window = w.window;
  const u32 field = syn ? r.window : r.window >> shift(r);
  if (field > 65535 || (!syn && field << shift(r) != r.window)) return fault("the script's window does not fit its scale"), std::vector<std::byte>{};
  s.window = static_cast<u16>(field);
  s.urgent = w.urgent;
  if ((s.flags & flag::ack) != 0 && static_cast<i32>(r.ack + r.window - r.right_edge) > 0) r.right_edge = r.ack + r.window;
  for (u32 i = 0; i < w.length; ++i) s.data.push_back(content(u64{seq} - 1 + (syn ? 1 : 0) + i, 1));
  std::vector<std::byte> options = usual_options(s);
  if (w.hex != nullptr) options = from_hex(w.hex);
  std::vector<std::byte> bytes = compose(s, options, addresses_of(want.address));
  if (header_words_ != 0 || reserved_ != 0) {
    bytes[12] = static_cast<std::byte>((header_words_ != 0 ? header_words_ << 4 : static_cast<u32>(bytes[12])) | reserved_);
    header_words_ = reserved_ = 0;
    seal(bytes, addresses_of(want.address));
  }
  if (corrupt_) bytes[16] ^= std::byte{1}, corrupt_ = false;
  if (cut_to_ != 0) bytes.resize(cut_to_), cut_to_ = 0;
  note(peer_name(r).c_str(), "> " + describe(s.flags, seq, w.length, (s.flags & flag::ack) != 0 ? r.ack : 0, r.window, s));
  return bytes;
}

bool ledger::reads_as_sent(remote& r, std::span<const std::byte> b) {
  for (const std::byte x : b)
    if (x != content(r.read++, 1)) return fault("a byte was delivered that the peer did not send there");
  return true;
}
std::vector<std::byte> ledger::next_bytes(const remote& r, u32 n) {
  std::vector<std::byte> b(n);
  for (u32 i = 0; i < n; ++i) b[i] = content(r.written.size() + i, 0);
  return b;
}

}  // namespace strata::script
