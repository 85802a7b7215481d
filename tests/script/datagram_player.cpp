// SPDX-License-Identifier: MIT
// Plays the scripts of UDP: the layer below udp::layer<>, and the peer. Of each datagram that strata sends the checksum, the length and the content are
// checked, and that it fits the MTU; every chunk is back at the end.
#include "configs.hpp"
#include "datagram_steps.hpp"
#include "segment.hpp"

#include <strata/udp/layer.hpp>

#include <catch2/catch_test_macros.hpp>

#include <cstdio>
#include <memory>

namespace strata::script::datagrams {
namespace {

struct datagram { u16 from, to; std::vector<std::byte> data; };

template <class C> class player {
 public:
  using layer = udp::layer<C>;
  using address = typename C::family::address;
  using path = udp::path_of_config<C>;
  static constexpr bool is_v4 = address::bits == 32;
  static constexpr u32 ip_header = is_v4 ? 20 : 40;

  player() : memory_(std::size_t{C::limits.chunks} * C::limits.chunk_size) {
    chunks_.open(region({memory_.data(), memory_.size()}), table_, C::limits.chunk_size, hashes_);
    udp_->open(random(), random());
  }

  std::string play(std::span<const step> script) {
    for (const step& s : script) {
      line_ = s.line;
      if (!run(s)) return fault_;
    }
    if (!silent()) return fault_;
    hold_.clear();
    place_ = {};
    udp_->clear(chunks_);
    if (chunks_.in_use() != 0) (void)fault("chunks are lost", 0, chunks_.in_use());
    return fault_;
  }

  // ---- udp::network ----
  packet take() { return chunks_.take(64, C::limits.receive_reserve); }
  u32 headroom() { return 64; }
  bool route(path& way) {
    if (unroutable_) return false;
    way.local = near();
    way.mtu = static_cast<u16>(mtu_ + ip_header - 20);
    return true;
  }
  sent send(path& way, packet&& given, u8 protocol) {
    const packet p = std::move(given);
    if (ring_full_ != 0) {
      --ring_full_;
      return sent::full;
    }
    const auto b = p.bytes();
    const auto at = [&b](std::size_t i) { return static_cast<u32>(b[i]) << 8 | static_cast<u32>(b[i + 1]); };
    if (protocol != 17 || way.remote != far() || b.size() < 8) return (void)fault("no datagram"), sent::sent;
    if (at(4) != b.size()) (void)fault("the length field", b.size(), at(4));
    if (at(6) == 0) (void)fault("no checksum");  // RFC 1122 §4.1.3.4
    if (sum_of(b) != 0xffff) (void)fault("the checksum is wrong");
    if (b.size() + ip_header > mtu_ + ip_header - 20) (void)fault("a datagram does not fit the MTU");
    sent_.push_back({static_cast<u16>(at(0)), static_cast<u16>(at(2)), {b.begin() + 8, b.end()}});
    return sent::sent;
  }
  u32 network_header_size(const path&) { return ip_header; }
  void refuse(const datagram_info<address>&, packet&, icmp_error_kind kind) { refused_ += kind == icmp_error_kind::port_unreachable ? 1 : 100; }
  u64 random() { return entropy_ += 0x9e3779b97f4a7c15, entropy_ ^ entropy_ >> 29; }
  buffer::pool& chunks() { return chunks_; }
  void observe(const trace::record&) {}

 private:
  static address near() { if constexpr (is_v4) return {0x0a000001}; else return {0xfd00'0000'0000'0000, 1}; }
  static address far() { if constexpr (is_v4) return {0x0a000002}; else return {0xfd00'0000'0000'0000, 2}; }
  /// RFC 768: with the pseudo-header; written for the tests, byte by byte.
  static u32 sum_of(std::span<const std::byte> b) {
    u32 sum = 17 + static_cast<u32>(b.size());
    const auto add = [&sum](u32 word) { sum += word, sum = (sum & 0xffff) + (sum >> 16); };
    for (const address& a : {near(), far()}) {
      if constexpr (is_v4) add(a.value >> 16), add(a.value & 0xffff);
      else for (u32 i = 0; i < 4; ++i) add(static_cast<u32>(a.high >> (16 * i) & 0xffff)), add(static_cast<u32>(a.low >> (16 * i) & 0xffff));
    }
    for (std::size_t i = 0; i < b.size(); ++i) add(static_cast<u32>(b[i]) << (i % 2 == 0 ? 8 : 0));
    return sum;
  }
  static std::vector<std::byte> bytes(u32 n, unsigned side) {
    std::vector<std::byte> b(n);
    for (u32 i = 0; i < n; ++i) b[i] = content(i, side);
    return b;
  }

  bool fault(const std::string& text) {
    char head[80];
    std::snprintf(head, sizeof head, "line %u, IPv%d: ", line_, is_v4 ? 4 : 6);
    if (fault_.empty()) fault_ = head + text;
    return false;
  }
  bool fault(const char* text, u64 want, u64 got) { return want == got || fault(std::string(text) + ": wanted " + std::to_string(want) + ", got " + std::to_string(got)); }
  bool silent() {
    if (!fault_.empty()) return false;
    if (!sent_.empty()) return fault("sent, but no out() names it: " + std::to_string(sent_[0].from) + ">" + std::to_string(sent_[0].to) + " (" + std::to_string(sent_[0].data.size()) + ")");
    return fault("refusals that no refused() names", 0, refused_);
  }
  template <class R> bool answered(const step& s, const R& r) {
    if (!s.has_fails) return r || fault("a call failed with error " + std::to_string(static_cast<u32>(r.error())));
    if (r) return fault("a call succeeded, and should not");
    return fault("the error of a call", s.code, static_cast<u32>(r.error()));
  }
  u16 real(u16 port) const { return port == 0 ? chosen_ : port; }

  bool run(const step& s) {
    const connection_id id = ids_[s.socket];
    const endpoint<address> to{far(), s.to};
    if (s.what == verb::out) {
      if (!fault_.empty()) return false;
      if (sent_.empty()) return fault("nothing was sent");
      const datagram d = sent_.front();
      sent_.erase(sent_.begin());
      return fault("the source port", real(s.from), d.from) && fault("the destination port", s.to, d.to) && fault("bytes", s.number, d.data.size()) &&
             (d.data == bytes(s.number, 0) || fault("other bytes than were written"));
    }
    if (s.what == verb::refused) return refused_ == 1 ? (refused_ = 0, true) : fault("refusals", 1, refused_);
    if (!silent()) return false;
    switch (s.what) {
      case verb::bind: {
        const auto r = udp_->bind(*this, static_cast<u16>(s.number), s.flagged ? near() : address{});
        if (r) ids_[s.socket] = *r;
        if (r && s.number == 0) chosen_ = udp_->local(*r).port;
        return answered(s, r);
      }
      case verb::connect: return answered(s, udp_->connect(*this, id, {far(), static_cast<u16>(s.number)}));
      case verb::send: return answered(s, udp_->send(*this, id, bytes(s.number, 0)));
      case verb::send_to: return answered(s, udp_->send_to(*this, id, bytes(s.number, 0), to));
      case verb::reserve: {
        auto r = udp_->reserve(*this, id, s.number);
        if (!answered(s, r) || !r) return fault_.empty();
        place_ = std::move(*r);
        return fault("the room of a reservation", s.number, place_.room().size());
      }
      case verb::commit: {
        const auto b = bytes(s.number, 0);
        if (place_.room().size() >= b.size()) copy_bytes(place_.room().data(), b.data(), b.size());
        return answered(s, udp_->commit(*this, id, std::move(place_), s.number, to));
      }
      case verb::close: return answered(s, udp_->close(*this, id));
      case verb::in: return arrive(s);
      case verb::read: {
        std::vector<std::byte> b(room_);
        const auto r = udp_->receive(*this, id, b);
        const u32 room = std::exchange(room_, 2048);
        if (!answered(s, r) || !r) return fault_.empty();
        b.resize(r->bytes);
        return fault("bytes", s.number, r->bytes) && fault("from", s.from, r->from.port) && (r->from.address == far() || fault("from another address")) &&
               fault("truncated", room <= s.number, r->truncated) && (b == bytes(s.number, 1) || fault("other bytes than came"));
      }
      case verb::room: room_ = s.number; return true;
      case verb::told: return fault("events", s.number, std::exchange(told_[s.socket], 0));
      case verb::error: return fault("errors told, as 1 + the kind", s.number + 1, std::exchange(error_[s.socket], 0));
      case verb::icmp: {
        network_error<address> e{};
        e.local = near(), e.remote = far(), e.protocol = 17, e.kind = static_cast<icmp_error_kind>(s.code);
        e.mtu = static_cast<u16>(s.number == 0 ? 0 : s.number + ip_header - 20);
        store_be<u16>(e.quoted, real(s.from)), store_be<u16>(e.quoted + 2, s.to);
        if (const auto event = udp_->on_error(*this, e, {})) tell(*event);
        return true;
      }
      case verb::ring_full: ring_full_ = s.number; return true;
      case verb::chunks:
        hold_.clear();
        while (chunks_.available() > s.number + C::limits.receive_reserve) hold_.push_back(chunks_.take(0));
        return true;
      case verb::unroutable: unroutable_ = s.flagged; return true;
      case verb::mtu: mtu_ = s.number; return true;
      case verb::corrupt: corrupt_ = true; return true;
      case verb::without_sum: without_sum_ = true; return true;
      case verb::length: length_ = s.number; return true;
      case verb::broadcast: broadcast_ = true; return true;
      case verb::padding: padding_ = s.number; return true;
      case verb::counter: return fault("a counter", s.number, udp_->counted().*s.counted);
      case verb::unread: return fault("unread", s.number, udp_->unread(id));
      default: return fault("a step that the player does not know");
    }
  }
  bool arrive(const step& s) {
    std::vector<std::byte> b(8);
    const auto payload = bytes(s.number, 1);
    b.insert(b.end(), payload.begin(), payload.end());
    store_be<u16>(b.data(), s.from), store_be<u16>(b.data() + 2, real(s.to)), store_be<u16>(b.data() + 4, static_cast<u16>(b.size()));
    const u32 sum = ~sum_of(b) & 0xffff;
    store_be<u16>(b.data() + 6, static_cast<u16>(sum == 0 ? 0xffff : sum));
    if (corrupt_) b[6] ^= std::byte{1};
    if (without_sum_) b[6] = b[7] = std::byte{0};
    if (length_ != 0) store_be<u16>(b.data() + 4, static_cast<u16>(length_));
    b.resize(b.size() + padding_);
    packet p = chunks_.take_receive(64);
    if (!p) return fault("the player has no chunk to receive into");
    copy_bytes(p.room().data(), b.data(), b.size());
    p.extend(b.size());
    datagram_info<address> info{};
    info.local = near(), info.remote = far(), info.protocol = 17, info.is_broadcast = broadcast_;
    corrupt_ = without_sum_ = broadcast_ = false, length_ = padding_ = 0;
    if (const auto event = udp_->on_datagram(*this, info, p, {})) tell(*event);
    return fault_.empty();
  }
  void tell(const udp::socket_event& e) {
    for (u32 i = 0; i < 8; ++i)
      if (udp_->is_live(e.id) && ids_[i] == e.id) e.is_error ? void(error_[i] = static_cast<u32>(e.error) + 1) : void(++told_[i]);
  }

  unsigned line_ = 0;
  std::string fault_;
  std::vector<datagram> sent_;
  u32 refused_ = 0, ring_full_ = 0, mtu_ = 1500, room_ = 2048, length_ = 0, padding_ = 0;
  u16 chosen_ = 0;
  bool unroutable_ = false, corrupt_ = false, without_sum_ = false, broadcast_ = false;
  connection_id ids_[8]{};
  u32 told_[8]{}, error_[8]{};
  u64 entropy_ = 42;
  std::vector<std::byte> memory_;
  buffer::descriptor table_[C::limits.chunks]{};
  u32 hashes_[C::limits.chunks]{};
  buffer::pool chunks_{};
  std::vector<packet> hold_;
  udp::reservation place_;
  std::unique_ptr<layer> udp_ = std::make_unique<layer>();
};

}  // namespace

void play(std::span<const step> script, over families, here h) {
  std::string text;
  if (families != over::v6) text = std::make_unique<player<over_v4>>()->play(script);
  if (text.empty() && families != over::v4) text = std::make_unique<player<over_v6>>()->play(script);
  INFO(h.file_name() << ": " << text);
  CHECK(text.empty());
}

}  // namespace strata::script::datagrams
