// SPDX-License-Identifier: MIT
// A wrapper around any driver that writes each frame, received or transmitted, where a capture file goes: draft-ietf-opsawg-pcap, with nanoseconds
// (magic a1b23c4d), in big-endian order on every machine. Wireshark and tshark read it. A frame that the driver does not take is not written.
//
//   struct traced : strata::presets::server { using nic = strata::nic::pcap<strata::nic::tap, strata::posix::pcap_file>; };
#pragma once
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
    for (const packet& p : batch.first(n)) record(p.bytes());
    return n;
  }
  std::size_t transmit(std::span<packet> batch) {
    std::size_t n = 0;
    for (; n < batch.size(); ++n) {
      const std::span<const std::byte> frame = batch[n].bytes();
      // A driver that copies drops the handle, and with it perhaps the chunk: the bytes are kept until they are written.
      packet kept;
      if ((batch[n]->owners & packet::bit(buffer::owner::application)) == 0) kept = batch[n].share(buffer::owner::application);
      if (inner_.transmit(batch.subspan(n, 1)) == 0) break;
      record(frame);
    }
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
  [[nodiscard]] bool holds(region memory, u32 chunk_size) const requires is_bound_to_memory<Driver> { return inner_.holds(memory, chunk_size); }
  [[nodiscard]] u32 chunks_kept() const requires keeps_chunks<Driver> { return inner_.chunks_kept(); }

  /// The time of the frames to come.
  void at(u64 ns) {
    now_ = ns;
    if constexpr (wants_the_time<Driver>) inner_.at(ns);
  }

  [[nodiscard]] Driver& inner() { return inner_; }
  [[nodiscard]] Sink& sink() { return sink_; }

 private:
  void record(std::span<const std::byte> frame) {
    const u64 ns = options_.start_ns + now_;
    const std::span<const std::byte> kept = frame.first(frame.size() < options_.snap ? frame.size() : options_.snap);
    std::byte header[16];
    store_be<u32>(header, static_cast<u32>(ns / 1'000'000'000));
    store_be<u32>(header + 4, static_cast<u32>(ns % 1'000'000'000));
    store_be<u32>(header + 8, static_cast<u32>(kept.size()));
    store_be<u32>(header + 12, static_cast<u32>(frame.size()));
    sink_.write(header);
    sink_.write(kept);
  }

  Driver inner_;
  Sink sink_;
  options options_{};
  u64 now_ = 0;
};

}  // namespace strata::inline STRATA_ABI::nic
