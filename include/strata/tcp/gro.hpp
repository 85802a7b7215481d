// SPDX-License-Identifier: MIT
// Generic receive offload: data segments of one connection that follow each other in a batch become a train, and are looked at once. After the checksum and before
// the state machine, so that what is joined is what came. Linux: tcp_gro_receive. Where `gro` of the Config is false none of this is there.
//
// Joined is the next segment of the same connection with the same ACK, window, options, TTL, TOS and ECN, and no flag but ACK. PSH, a shorter segment and the end
// of the batch end a train; FIN, URG, a hole, a change of any of these, and any other TCP segment end it before them. Counts use segments. Included by layer.hpp.
#pragma once
#include <strata/tcp/layer.hpp>

namespace strata::inline STRATA_ABI::tcp {

/// True: the segment is taken, and joins a train or begins one.
template <config C> template <class B>
STRATA_ALWAYS_INLINE inline bool layer<C>::join(B&& below, const info_type& info, const wire::tcp& header, packet& p, u32 size, time_point now) requires(C::gro) {
  const u32 length = size - header.header_length;
  if (gro_.head != nullptr) {
    if (continues_train(header, p, length)) {
      below.observe({.what = trace::step::join, .bytes = length, .seq = header.seq, .ack = header.ack, .chunk = below.chunks().name(p.d()), .connection = recent_});
      p.pull(header.header_length);
      buffer::descriptor* const last = &p.d();
      buffer::couple(*gro_.tail, std::move(p));
      gro_.tail = last;
      gro_.size += length;
      --counters_.in_segments;  // the train counts it
      if (++gro_.parts == buffer::most_train_parts || length < gro_.segment_size || header.has(wire::tcp::flag::psh)) end_of_batch(below, now);
      return true;
    }
    end_of_batch(below, now);
    if (!is_recent(info, header)) find_recent(info.local, header.destination, info.remote, header.source);
  }
  // Worth waiting for others: the next data of a connection that is open, of the size that is not copied.
  if (recent_ == 0 || buffer::is_joined(p.d()) || header.flags != wire::tcp::flag::ack || length < copybreak) return false;
  const connection& c = tcbs_[recent_ - 1];
  if (c.state != state::established || serial32{header.seq} != c.rcv_nxt) return false;
  gro_.info = info;
  gro_.header = header;
  gro_.connection = recent_;
  gro_.size = size;
  gro_.segment_size = length;
  gro_.parts = 1;
  gro_.head = gro_.tail = p.detach();
  return true;
}

template <config C>
STRATA_ALWAYS_INLINE inline bool layer<C>::continues_train(const wire::tcp& header, const packet& p, u32 length) const requires(C::gro) {
  const wire::tcp& first = gro_.header;
  if (recent_ != gro_.connection || header.seq != first.seq + (gro_.size - first.header_length) || header.ack != first.ack || header.window != first.window ||
      header.header_length != first.header_length || (header.flags & ~wire::tcp::flag::psh) != wire::tcp::flag::ack || length == 0 || length > gro_.segment_size ||
      buffer::is_joined(p.d()))
    return false;
  const buffer::descriptor &a = *gro_.head, &b = p.d();
  constexpr u32 fixed = static_cast<u32>(wire::tcp::header_size);
  return same_bytes(a.chunk + a.offset + fixed, b.chunk + b.offset + fixed, header.header_length - fixed) && same_treatment(a.chunk + a.network, b.chunk + b.network);
}

/// Whether two IP headers want the same of the network: version, traffic class with ECN, TTL and DF.
template <config C> inline bool layer<C>::same_treatment(const std::byte* a, const std::byte* b) {
  if (a[0] != b[0] || a[1] != b[1]) return false;
  return static_cast<u8>(a[0]) >> 4 == 4 ? a[6] == b[6] && a[8] == b[8] : a[7] == b[7];
}
template <config C> inline bool layer<C>::same_bytes(const std::byte* a, const std::byte* b, u32 n) {  // a multiple of four
  u32 difference = 0;
  for (u32 i = 0; i < n; i += 4) difference |= load_be<u32>(a + i) ^ load_be<u32>(b + i);
  return difference == 0;
}

/// What waits is looked at now. Linux: napi_gro_flush.
template <config C> template <class B> STRATA_OUT_OF_LINE void layer<C>::end_of_batch(B&& below, time_point now) requires(C::gro) {
  if (gro_.head == nullptr) return;
  packet p = packet::adopt(*std::exchange(gro_.head, nullptr), buffer::owner::holder);
  recent_ = gro_.connection;
  if (gro_.parts == 1) {
    on_found(below, recent(), gro_.info, gro_.header, p, gro_.size, now);
    return;
  }
  p->segment_size = static_cast<u16>(gro_.segment_size);
  on_train(below, gro_.info, gro_.header, p, gro_.size, now);
  buffer::drop_train(p);
}

}  // namespace strata::inline STRATA_ABI::tcp
