// SPDX-License-Identifier: MIT
// Every way in which a checksum of TCP comes about, over a link that corrupts: each frame that leaves is right, by sums that are made here from its bytes
// alone; no wrong byte is delivered; and what was corrupted is counted. A unit for each few kinds of stack.
#pragma once
#include <two_ends.hpp>

#include <strata/buffer/train.hpp>

#include <catch2/catch_test_macros.hpp>

#include <memory>
#include <vector>

namespace checksum_modes {
using namespace strata;
using namespace strata::literals;
using octets = std::span<const std::byte>;

/// RFC 1071, the plain way.
inline u32 words(octets b) {
  u32 sum = 0;
  for (std::size_t i = 0; i < b.size(); ++i) sum += std::to_integer<u32>(b[i]) << (i % 2 == 0 ? 8 : 0), sum = (sum & 0xffff) + (sum >> 16);
  return sum;
}
inline u32 plus(u32 a, u32 b) { return ((a + b) & 0xffff) + ((a + b) >> 16); }
inline u32 at16(octets b, std::size_t i) { return std::to_integer<u32>(b[i]) << 8 | std::to_integer<u32>(b[i + 1]); }
/// Of the TCP segment in an Ethernet frame, header with checksum and all: ffff if it is right (RFC 9293 §3.1).
inline u32 sum_of_tcp(octets f) { return plus(words(f.subspan(26, 8)), plus(6 + static_cast<u32>(f.size()) - 34, words(f.subspan(34)))); }
inline bool is_tcp(octets f) { return f.size() > 54 && at16(f, 12) == 0x0800 && f[23] == std::byte{6}; }

struct verdict {
  u64 frames = 0, wrong = 0, of_trains = 0, left = 0;
  bool is_off = false;  // the NIC was told to do none of it: ethtool -K NAME tx off
};

/// A NIC with memory of its own, which makes checksums and cuts trains, as `Does` says, with arithmetic of its own, and looks at each frame before it leaves.
template <nic::capabilities Does> class hardware {
 public:
  static constexpr nic::capabilities may = Does;
  static constexpr std::size_t ring_bytes = nic::simulated::ring_bytes;
  hardware(nic::simulated link, verdict& v) : link_(link), verdict_(&v), own_(std::make_unique<memory>()) { own_->chunks.open(region(own_->bytes), own_->table, 2048); }

  std::size_t receive(buffer::pool& chunks, std::span<packet> batch) { return link_.receive(chunks, batch); }
  std::size_t transmit(std::span<packet> batch) {
    for (packet& p : batch) {
      buffer::descriptor& head = p.d();
      std::vector<std::byte> all(p.bytes().begin(), p.bytes().end());
      for (const buffer::descriptor* d = head.home->named(head.train); d != nullptr; d = head.home->named(d->train)) all.insert(all.end(), d->chunk + d->offset, d->chunk + d->offset + d->length);
      const bool is_left = (head.flags & buffer::descriptor::checksum_partial) != 0;
      verdict_->left += is_left;
      verdict_->wrong += is_left && ((head.flags & buffer::descriptor::checksum_of_udp) != 0) != (all[23] == std::byte{17});
      if (buffer::is_train(head)) cut(all, buffer::sent_header_size(head), buffer::sent_segment_size(head));
      else leave(all, is_left);
      buffer::drop_train(p);
    }
    return batch.size();
  }
  std::size_t reclaim(std::span<packet>) { return 0; }
  nic::kick flush() { return link_.flush(); }
  [[nodiscard]] u16 mtu() const { return link_.mtu(); }
  [[nodiscard]] mac_address address() const { return link_.address(); }
  [[nodiscard]] nic::capabilities has() const { return verdict_->is_off ? nic::capabilities{} : Does; }
  void close() { link_.close(); }

 private:
  struct memory {
    alignas(64) std::byte bytes[256 * 2048];
    buffer::descriptor table[256]{};
    buffer::pool chunks{};
  };
  void cut(const std::vector<std::byte>& all, u32 header, u32 size) {
    u32 seq = at16(all, 38) << 16 | at16(all, 40);
    for (std::size_t at = header; at < all.size(); at += size) {
      const std::size_t n = all.size() - at < size ? all.size() - at : size;
      std::vector<std::byte> f(all.begin(), all.begin() + header);
      f.insert(f.end(), all.begin() + static_cast<std::ptrdiff_t>(at), all.begin() + static_cast<std::ptrdiff_t>(at + n));
      store_be<u16>(f.data() + 16, static_cast<u16>(f.size() - 14));
      store_be<u16>(f.data() + 24, 0);
      store_be<u16>(f.data() + 24, static_cast<u16>(~words(octets(f).subspan(14, 20))));
      store_be<u32>(f.data() + 38, seq);
      if (at + n < all.size()) f[47] &= ~std::byte{9};
      store_be<u16>(f.data() + 50, static_cast<u16>(plus(words(octets(f).subspan(26, 8)), 6 + static_cast<u32>(f.size()) - 34)));  // as it is left by the stack
      if (at == header && plus(at16(all, 50), 0) != plus(words(octets(all).subspan(26, 8)), plus(6, static_cast<u32>(all.size()) - 34))) ++verdict_->wrong;
      if (at == header && (at16(all, 16) != all.size() - 14 || words(octets(all).subspan(14, 20)) != 0xffff)) ++verdict_->wrong;
      leave(f, true);
      ++verdict_->of_trains;
      seq += static_cast<u32>(n);
    }
  }
  void leave(std::vector<std::byte>& f, bool is_left) {
    if (is_left && is_tcp(f)) {
      const u32 sum = words(octets(f).subspan(34));  // the field holds the pseudo-header's: all that is missing is the segment
      store_be<u16>(f.data() + 50, static_cast<u16>(~sum));
    }
    if (is_tcp(f)) verdict_->wrong += words(octets(f).subspan(14, 20)) != 0xffff || sum_of_tcp(f) != 0xffff || at16(f, 16) != f.size() - 14;
    ++verdict_->frames;
    packet done[16];
    while (link_.reclaim(done) == 16)
      for (packet& d : done) d.reset();
    for (packet& d : done) d.reset();
    packet p = own_->chunks.take(0);
    if (!p) return;  // lost
    copy_bytes(p.room().data(), f.data(), f.size());
    p.extend(f.size());
    p.become(buffer::owner::nic);
    (void)link_.transmit({&p, 1});
  }

  nic::simulated link_;
  verdict* verdict_;
  std::unique_ptr<memory> own_;
};

template <nic::capabilities Does, u32 Train> struct config : presets::testing {
  using nic = hardware<Does>;
  static constexpr u32 gso_max_size = Train;
};

/// Each side writes in pieces of up to `piece` bytes, reads up to `reads` at once, and closes when it has all. `switches`: meanwhile what the NIC does is
/// switched off and on, with data in the queues that was made for the other.
template <class C> void survives_corruption(bool has_trains, bool leaves, bool switches = false) {
  using net = stack<C>;
  u64 errors = 0, splits = 0, trains = 0;
  verdict seen;
  for (u64 seed = 1; seed <= 6; ++seed) {
    INFO("seed " << seed);
    constexpr std::size_t length = 150'000;
    const u32 piece = seed % 3 == 0 ? 333 : seed % 3 == 1 ? 1461 : 20'001;
    const std::size_t reads = seed % 2 == 0 ? 777 : 20'000;
    auto link = std::make_unique<nic::simulated_link>(seed);
    for (u32 side = 0; side < 2; ++side) link->faults(side).delay_ns = 2'000'000, link->faults(side).corruption = 20'000, link->faults(side).corrupt_from = 14;
    constexpr std::size_t bytes = std::size_t{C::limits.chunks} * C::limits.chunk_size;
    std::vector<std::byte> memory[2] = {std::vector<std::byte>(bytes), std::vector<std::byte>(bytes)};
    const subnet<ipv4_address> addresses[2] = {"10.0.0.1/24"_net, "10.0.0.2/24"_net};
    std::unique_ptr<net> nets[2];
    for (u32 side = 0; side < 2; ++side)
      nets[side] = std::make_unique<net>(typename net::options{.nic = {nic::simulated{*link, side}, seen}, .memory = region(memory[side]), .entropy = {seed + side}, .address = addresses[side],
                                                                 .mtu = static_cast<u16>(side == 0 ? 1500 : 1201)});
    REQUIRE(nets[1]->listen({.port = 7}));
    const auto opener = nets[0]->connect({.remote = {"10.0.0.2"_ip, 7}});
    REQUIRE(opener);
    std::vector<std::byte> text(7001);  // in chunks that the peer's MSS will cut
    for (std::size_t i = 0; i < text.size(); ++i) text[i] = test::octet(0, i);
    const test::talk said = test::talk_over(*link, nets, {.length = length, .reads = reads, .reads_all = false, .sent = opener->send(text).value_or(0)}, [&, writes = 0u](u32) mutable {
      seen.is_off = switches && ++writes % 5 < 2;
      return std::size_t{piece};
    });
    CHECK(said.is_as_sent);
    CHECK(said.received[0] == length);
    CHECK(said.received[1] == length);
    for (const auto& n : nets) {
      const auto& c = n->transport().counters();
      errors += c.in_checksum_errors, splits += c.splits, trains += c.out_trains;
    }
  }
  CHECK(seen.frames > 1000);
  CHECK(seen.wrong == 0);
  CHECK(errors > 5);
  CHECK(splits > 0);
  CHECK((trains > 50) == has_trains);
  CHECK((seen.left > 0) == leaves);
  CHECK((seen.of_trains > 0) == (has_trains && C::nic::may.segments));
}

}  // namespace checksum_modes
