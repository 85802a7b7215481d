// SPDX-License-Identifier: MIT
// A NIC that joins what it receives: consecutive data segments of one connection become a train (buffer/train.hpp), as the kernel hands them up by a TAP, and
// the chain is cut anew at places that have nothing to do with the segments. Written from RFC 791, 8200 and 9293, not from what reads it.
#pragma once
#include <strata/buffer/train.hpp>
#include <strata/nic/driver.hpp>
#include <strata/wire/ipv4.hpp>
#include <strata/wire/ipv6.hpp>
#include <strata/wire/tcp.hpp>

#include <array>

namespace strata::test {

/// What is told of the checksum of a train: it is made anew, vouched for, or left to a NIC that it never met.
enum class joined_checksum : u8 { full, verified, partial };

template <class Inner> class joining {
 public:
  static constexpr std::size_t ring_bytes = Inner::ring_bytes;
  static constexpr nic::capabilities may{.verified_checksum = true, .partial_checksum = true, .trains = true};

  constexpr joining() = default;
  template <class... A> requires std::constructible_from<Inner, A...> joining(A&&... of_inner) : inner_(std::forward<A>(of_inner)...) {}
  /// Where trains are counted, and how their chains are cut.
  joining& counted(u64& trains, u32 seed) { return trains_ = &trains, state_ = seed * 2654435761u | 1, *this; }

  std::size_t receive(buffer::pool& chunks, std::span<packet> batch) {
    const std::size_t came = inner_.receive(chunks, batch);
    std::size_t n = 0;
    for (std::size_t i = 0; i < came;) {
      packet head = std::move(batch[i++]);
      const info first = look(head);
      u32 segments = 1, bytes = first.payload;
      while (i < came && first.is_data && (first.flags & ends) == 0 && segments < 40) {
        const info next = look(batch[i]);
        if (!follows(first, next, bytes) || bytes + next.payload + first.headers > 0xffff) break;
        if (!add(head, batch[i], next)) break;
        batch[i++].reset();
        bytes += next.payload;
        ++segments;
        last_flags_ = next.flags;
        if ((next.flags & ends) != 0 || next.payload < first.payload) break;
      }
      if (segments > 1) finish(head, first, bytes);
      batch[n++] = std::move(head);
    }
    return n;
  }
  std::size_t transmit(std::span<packet> batch) { return inner_.transmit(batch); }
  std::size_t reclaim(std::span<packet> batch) { return inner_.reclaim(batch); }
  nic::kick flush() { return inner_.flush(); }
  [[nodiscard]] u16 mtu() const { return inner_.mtu(); }
  [[nodiscard]] mac_address address() const { return inner_.address(); }
  [[nodiscard]] nic::capabilities has() const { return may; }
  void close() { inner_.close(); }
  void at(u64 ns) requires nic::wants_the_time<Inner> { inner_.at(ns); }

 private:
  static constexpr u8 ends = wire::tcp::flag::psh | wire::tcp::flag::fin;
  static constexpr u32 ethernet = 14;
  struct info {
    bool is_data = false, is_v4 = false;
    u8 flags = 0;
    u32 headers = 0, payload = 0;  // bytes
    wire::tcp tcp{};
    const std::byte* at = nullptr;
  };

  static info look(const packet& p) {
    info f;
    const auto bytes = p.bytes();
    if (bytes.size() < ethernet + 20) return f;
    const u16 type = load_be<u16>(bytes.data() + 12);
    const auto network = bytes.subspan(ethernet);
    std::size_t header = 0, total = 0;
    if (type == 0x0800) {
      const auto h = wire::ipv4::parse(network);
      if (!h || h->protocol != wire::tcp::protocol || h->header_length != 20 || h->is_fragment()) return f;
      header = 20, total = h->total_length, f.is_v4 = true;
    } else if (type == 0x86dd) {
      const auto h = wire::ipv6::parse(network);
      if (!h || h->next_header != wire::tcp::protocol) return f;
      header = 40, total = header + h->payload_length;
    } else {
      return f;
    }
    const auto segment = network.subspan(header, total - header);
    const auto t = wire::tcp::parse(segment);
    if (!t || !checksum_is_valid(segment, pseudo(network, header, static_cast<u32>(segment.size())))) return f;
    f.tcp = *t;
    f.flags = t->flags;
    f.headers = static_cast<u32>(ethernet + header + t->header_length);
    f.payload = static_cast<u32>(segment.size()) - t->header_length;
    f.at = bytes.data();
    f.is_data = f.payload != 0 && (t->flags & ~(ends | wire::tcp::flag::ack)) == 0;
    return f;
  }
  static u32 pseudo(std::span<const std::byte> network, std::size_t header, u32 length) {
    const std::size_t addresses = header == 20 ? 12 : 8;
    return ones_sum(network.subspan(addresses, header - addresses)) + wire::tcp::protocol + length;
  }
  /// The next bytes with the same header: addresses, ports, ACK, window, options.
  static bool follows(const info& a, const info& b, u32 bytes) {
    if (!b.is_data || b.is_v4 != a.is_v4 || b.headers != a.headers || b.payload > a.payload || b.tcp.seq != a.tcp.seq + bytes || b.tcp.ack != a.tcp.ack ||
        b.tcp.window != a.tcp.window || b.tcp.source != a.tcp.source || b.tcp.destination != a.tcp.destination)
      return false;
    const u32 addresses = ethernet + (a.is_v4 ? 12 : 8), options = a.headers - a.tcp.header_length + 20u;
    return __builtin_memcmp(a.at + addresses, b.at + addresses, a.is_v4 ? 8 : 32) == 0 && __builtin_memcmp(a.at + options, b.at + options, a.headers - options) == 0;
  }
  /// Puts the payload of `from` behind the chain, in pieces of sizes that vary.
  bool add(packet& head, packet& from, const info& f) {
    buffer::descriptor* last = &head.d();
    while (last->train != 0) last = head->home->named(last->train);
    for (u32 done = 0; done < f.payload;) {
      state_ = state_ * 1664525 + 1013904223;
      const u32 left = f.payload - done, cut = 1 + (state_ >> 16) % 1700, n = cut < left ? cut : left;
      if (head->home->available() < 8) return done != 0 && give_up(head, f, done);
      packet part = head->home->take_receive(state_ >> 28);
      copy_bytes(part.room().data(), from.bytes().data() + f.headers + done, n);
      part.extend(n);
      buffer::descriptor* const d = &part.d();
      buffer::couple(*last, std::move(part));
      last = d;
      done += n;
    }
    return true;
  }
  /// No chunk in the middle of a segment: what was added of it goes again.
  static bool give_up(packet& head, const info&, u32 added) {
    u32 keep = buffer::train_bytes(head.d()) - added;
    buffer::descriptor* d = &head.d();
    for (keep -= d->length; keep != 0; keep -= d->length) d = head->home->named(d->train);
    packet rest = packet::adopt(*head->home->named(std::exchange(d->train, 0)), buffer::owner::holder);
    buffer::drop_train(rest);
    return false;
  }
  void finish(packet& head, const info& first, u32 bytes) {
    std::byte* const ip = head->chunk + head->offset + ethernet;
    const u32 header = first.is_v4 ? 20 : 40, total = first.headers - ethernet + bytes;
    if (first.is_v4) {
      auto h = *wire::ipv4::parse_quoted(head.bytes().subspan(ethernet));
      h.total_length = static_cast<u16>(total);
      h.emit(ip);
    } else {
      store_be<u16>(ip + 4, static_cast<u16>(total - header));
    }
    std::byte* const tcp = ip + header;
    tcp[13] |= static_cast<std::byte>(last_flags_ & ends);
    store_be<u16>(tcp + wire::tcp::checksum_offset, 0);
    const u32 sum = pseudo({ip, header}, header, total - header);
    state_ = state_ * 1664525 + 1013904223;
    switch (static_cast<joined_checksum>((state_ >> 16) % 3)) {
      case joined_checksum::full: {
        packet& p = head;
        p.pull(ethernet + header);
        store_be<u16>(tcp + wire::tcp::checksum_offset, static_cast<u16>(~fold(buffer::train_sum(p.d()) + sum)));
        (void)p.push(ethernet + header);
        break;
      }
      case joined_checksum::verified: head->flags |= buffer::descriptor::checksum_verified; break;
      case joined_checksum::partial:
        store_be<u16>(tcp + wire::tcp::checksum_offset, fold(sum));
        head->flags |= buffer::descriptor::checksum_partial;
        break;
    }
    head->segment_size = static_cast<u16>(first.payload);
    if (trains_ != nullptr) ++*trains_;
  }

  Inner inner_{};
  u32 state_ = 1;
  u8 last_flags_ = 0;
  u64* trains_ = nullptr;
};

}  // namespace strata::test
