// SPDX-License-Identifier: MIT
// A wrapper around any driver that writes each frame, received or transmitted, where a capture file goes: draft-ietf-opsawg-pcap, with nanoseconds
// (magic a1b23c4d), in big-endian order on every machine. Wireshark and tshark read it. A frame that the driver does not take is not written. A train is one
// frame, as long as it is: what a capture on a kernel's interface shows of one that segments.
//
//   struct traced : strata::presets::server { using nic = strata::nic::pcap<strata::nic::tap, strata::posix::pcap_file>; };
#pragma once
#include <strata/buffer/train.hpp>
#include <strata/core/bytes.hpp>
#include <strata/nic/driver.hpp>

namespace strata::inline STRATA_ABI::nic {

/// Where a capture goes; it deals with its own errors. posix::pcap_file is one.
template <class T> concept pcap_sink = requires(T s, std::span<const std::byte> bytes) { s.write(bytes); };

/// LINKTYPE_ of the file header: what a frame begins with.
enum class pcap_link : u32 { ethernet = 1, raw_ip = 101 };

template <driver Driver, pcap_sink Sink, pcap_link Link = pcap_link::ethernet> class pcap {
 public:
  struct options {
    u64 start_ns = 0;     ///< added to each time: the moment zero of at(), in nanoseconds since 1970
    u32 snap = 0xffff;    ///< bytes kept of each frame, at most
  };

  static constexpr std::size_t ring_bytes = Driver::ring_bytes;
  static constexpr capabilities may = Driver::may;
  static constexpr std::size_t transmit_headroom = [] {
    if constexpr (writes_in_front<Driver>) return std::size_t{Driver::transmit_headroom};
    else return std::size_t{0};
  }();

  /// Writes the file header.
  pcap(Driver inner, Sink sink, options o = {}) : inner_(std::move(inner)), sink_(std::move(sink)), options_(o) {
    std::byte header[24] = {};
    store_be<u32>(header, 0xa1b23c4d);
    store_be<u16>(header + 4, 2);  // version 2.4
    store_be<u16>(header + 6, 4);
    store_be<u32>(header + 16, options_.snap);
    store_be<u32>(header + 20, static_cast<u32>(Link));
    sink_.write(header);
  }

  std::size_t receive(buffer::pool& chunks, std::span<packet> batch) {
    const std::size_t n = inner_.receive(chunks, batch);
    for (const packet& p : batch.first(n)) {
      if (is_long(p)) record(pieces_of<buffer::most_train_parts>(p));
      else record(pieces_of<1>(p));
    }
    return n;
  }
  std::size_t transmit(std::span<packet> batch) {
    std::size_t n = 0;
    while (n < batch.size() && (is_long(batch[n]) ? transmit_one<buffer::most_train_parts>(batch.subspan(n, 1)) : transmit_one<1>(batch.subspan(n, 1)))) ++n;
    return n;
  }
  std::size_t reclaim(std::span<packet> batch) { return inner_.reclaim(batch); }
  kick flush() { return inner_.flush(); }
  [[nodiscard]] u16 mtu() const { return inner_.mtu(); }
  [[nodiscard]] mac_address address() const { return inner_.address(); }
  [[nodiscard]] capabilities has() const { return inner_.has(); }
  [[nodiscard]] int descriptor() const requires can_be_waited_for<Driver> { return inner_.descriptor(); }
  void close() requires can_be_closed<Driver> { inner_.close(); }
  bool claim(std::span<const u8> address) requires claims_addresses<Driver> { return inner_.claim(address); }
  bool disclaim(std::span<const u8> address) requires requires(Driver d) { d.disclaim(address); } { return inner_.disclaim(address); }
  [[nodiscard]] bool holds(region memory, u32 chunk_size) const requires is_bound_to_memory<Driver> { return inner_.holds(memory, chunk_size); }
  [[nodiscard]] u32 chunks_kept() const requires keeps_chunks<Driver> { return inner_.chunks_kept(); }
  [[nodiscard]] bool owns_port(u16 port) const requires owns_ports<Driver> { return inner_.owns_port(port); }

  /// The time of the frames to come.
  void at(u64 ns) {
    now_ = ns;
    if constexpr (wants_the_time<Driver>) inner_.at(ns);
  }

  [[nodiscard]] Driver& inner() { return inner_; }
  [[nodiscard]] Sink& sink() { return sink_; }

 private:
  /// A frame in the places where it lies.
  template <u32 N> struct pieces {
    std::span<const std::byte> at[N];
    u32 count = 0;
    std::size_t bytes = 0;
  };
  static constexpr bool is_long(const packet& p) {
    if constexpr (may.segments || may.trains) return buffer::is_train(p.d());
    else return (void)p, false;
  }
  template <u32 N, class F> static void each_piece(const packet& p, F&& f) {
    if constexpr (N != 1) buffer::each_part(p.d(), f);
    else f(p.d());
  }
  template <u32 N> static pieces<N> pieces_of(const packet& p) {
    pieces<N> all;
    each_piece<N>(p, [&](const buffer::descriptor& d) {
      all.at[all.count++] = {d.chunk + d.offset, d.length};
      all.bytes += d.length;
    });
    return all;
  }
  template <u32 N> bool transmit_one(std::span<packet> one) {
    const pieces<N> frame = pieces_of<N>(one[0]);
    // A driver that copies drops the handle, and with it perhaps the chunk: the bytes are kept until they are written.
    packet kept[N];
    u32 n = 0;
    each_piece<N>(one[0], [&](buffer::descriptor& d) {
      if ((d.owners & packet::bit(buffer::owner::application)) != 0) return;
      packet piece = packet::adopt(d, one[0].as());
      kept[n++] = piece.share(buffer::owner::application);
      (void)piece.detach();
    });
    if (inner_.transmit(one) == 0) return false;
    record(frame);
    return true;
  }
  template <u32 N> void record(const pieces<N>& frame) {
    const u64 ns = options_.start_ns + now_;
    std::size_t left = frame.bytes < options_.snap ? frame.bytes : options_.snap;
    std::byte header[16];
    store_be<u32>(header, static_cast<u32>(ns / 1'000'000'000));
    store_be<u32>(header + 4, static_cast<u32>(ns % 1'000'000'000));
    store_be<u32>(header + 8, static_cast<u32>(left));
    store_be<u32>(header + 12, static_cast<u32>(frame.bytes));
    sink_.write(header);
    for (u32 i = 0; i < frame.count; ++i) {
      const std::size_t n = frame.at[i].size() < left ? frame.at[i].size() : left;
      sink_.write(frame.at[i].first(n));
      left -= n;
    }
  }

  Driver inner_;
  Sink sink_;
  options options_{};
  u64 now_ = 0;
};

}  // namespace strata::inline STRATA_ABI::nic
