// SPDX-License-Identifier: MIT
// Received trains: several segments of one connection behind one header, in a chain of chunks (buffer/train.hpp). The next data, for which there is room, is
// taken in one go; any other train is taken apart, and each part is a segment as any other. Counts, the window's step and the ACKs owed use segments.
// Included by layer.hpp; nothing of it is compiled where no driver hands up trains.
#pragma once
#include <strata/tcp/layer.hpp>

namespace strata::inline STRATA_ABI::tcp {

/// A train whose checksum is good. `recent_` is its connection, or zero.
template <config C> template <class B>
STRATA_OUT_OF_LINE void layer<C>::on_train(B&& below, const info_type& info, const wire::tcp& header, packet& p, u32 size, time_point now) {
  counters_.in_segments += buffer::train_segments(p.d(), header.header_length) - 1;
  if (header.has(wire::tcp::flag::syn | wire::tcp::flag::rst)) {  // neither ever goes in company
    ++counters_.in_errors;
    return;
  }
  if constexpr (C::header_prediction) {
    if (recent_ != 0 && is_expected(tcbs_[recent_ - 1], header, p.bytes(), size)) {
      connection& c = element(tcbs_, recent_ - 1);
      if (c.receive_count + buffer::train_parts(p.d()) <= limits_.receive_chunks && below.chunks().available() >= limits_.receive_reserve) {
        on_expected_ack(below, c, p, header, size - header.header_length, now);
        receive_train(below, c, p, header.header_length, now);
        add_to_turn(c);
        return;
      }
    }
  }
  take_apart(below, info, header, p, now);
}

/// All of a train whose data begins at rcv_nxt. Linux: tcp_queue_rcv.
template <config C> template <class B>
void layer<C>::receive_train(B&& below, connection& c, packet& p, u32 header_length, time_point now) {
  buffer::pool& chunks = below.chunks();
  const u32 size = p->segment_size, before = c.unread;
  u32 skip = header_length;
  buffer::each_part(*p.detach(), [&](buffer::descriptor& d) {
    d.train = 0;
    packet part = packet::adopt(d, buffer::owner::holder);
    const u32 body = d.offset + skip, n = d.length - skip;
    skip = 0;
    if (n != 0 && !(n < copybreak && append_by_copy(chunks, c, d.chunk + body, n))) enqueue_received(chunks, c, part, body, n);
    c.unread += n;
  });
  const u32 n = c.unread - before;
  below.observe({.what = trace::step::deliver, .bytes = n, .seq = c.rcv_nxt.value, .connection = index_of(c) + 1});
  c.rcv_nxt += n;
  c.bytes_received += n;
  c.ack_pending = true;
  for (u32 left = n; left != 0;) {  // what is learned of each segment
    const u32 one = size != 0 ? smaller_of(size, left) : left;
    if (size != 0) observe_size(c, one);
    if constexpr (adaptive_ack_policy<typename C::acks>) follow_rhythm(c, now);
    left -= one;
    c.snd_wl1 = c.rcv_nxt - (left + one);
  }
  raise(c, stream_events::readable);
}

/// Each part is a segment with the header of the train and its own sequence number; FIN and PSH go with the last. Nobody waits for a train whose first
/// part leaves no connection behind: one answer is enough. Linux: tcp_gso_segment.
template <config C> template <class B>
STRATA_OFF_PATH void layer<C>::take_apart(B&& below, const info_type& info, const wire::tcp& header, packet& p, time_point now) {
  constexpr u8 of_the_last = wire::tcp::flag::fin | wire::tcp::flag::psh;
  std::byte options[wire::tcp::max_header_size - wire::tcp::header_size];
  const u32 option_bytes = header.header_length - static_cast<u32>(wire::tcp::header_size);
  copy_bytes(options, p.bytes().data() + wire::tcp::header_size, option_bytes);
  buffer::pool& chunks = below.chunks();
  u32 gone = 0, skip = header.header_length;  // payload bytes in front of this part, header bytes in it
  for (u32 rest = std::exchange(p->train, 0);;) {
    segment s;
    s.seq = serial32{header.seq} + gone;
    s.ack = {header.ack};
    s.flags = rest == 0 ? header.flags : static_cast<u8>(header.flags & ~of_the_last);
    s.window = header.window;
    s.length = p->length - skip;
    s.body = p->offset + skip;
    if (header.urgent >= gone) s.urgent = static_cast<u16>(header.urgent - gone);
    else s.flags = static_cast<u8>(s.flags & ~wire::tcp::flag::urg);
    gone += s.length;
    on_parsed(below, info, header, {options, option_bytes}, p, s, now);
    buffer::descriptor* const next = chunks.named(rest);
    if (next == nullptr) return;
    if (!is_recent(info, header)) find_recent(info.local, header.destination, info.remote, header.source);
    p = packet::adopt(*next, buffer::owner::holder);
    if (recent_ == 0) return;  // the parts go where the head's parts go
    rest = std::exchange(p->train, 0);
    skip = 0;
  }
}

}  // namespace strata::inline STRATA_ABI::tcp
