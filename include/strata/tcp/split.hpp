// SPDX-License-Identifier: MIT
// Chunks of the send queue that must be cut or copied before they may leave. Included by layer.hpp.
#pragma once
#include <strata/tcp/layer.hpp>

namespace strata::inline STRATA_ABI::tcp {

/// Cuts a chunk after the first `first` bytes that are not acknowledged; the shorter part is copied to a new chunk, PSH and the end of a record stay with the second part.
/// Returns the first part, or null if there is no chunk or somebody below still holds it. Linux: tso_fragment.
template <config C> template <class B> buffer::descriptor* layer<C>::split(B&& below, connection& c, buffer::descriptor& d, u32 first) {
  STRATA_EXPECTS(first != 0 && first + d.done < d.body_length);
  if (d.owners != packet::bit(buffer::owner::send_queue)) return nullptr;
  packet p = below.chunks().name(d) == c.send_head ? take_of_reserve(below) : below.take();
  if (!p) {
    ++counters_.no_chunk;
    return nullptr;
  }
  ++counters_.splits;
  ++(first == c.mss ? counters_.splits_for_mss : counters_.splits_for_window);
  buffer::pool& chunks = below.chunks();
  p.restart(body_offset(below));
  p.become(buffer::owner::send_queue);
  buffer::descriptor& fresh = *p.detach();
  fresh.body = fresh.offset;
  const u32 name = chunks.name(d), from = static_cast<u32>(d.done) + first, rest = d.body_length - from;
  const bool second_moves = rest <= first;
  if (second_moves) {
    copy_bytes(fresh.chunk + fresh.body, d.chunk + d.body + from, rest);
    fresh.seq = d.seq + from;
    fresh.body_length = static_cast<u16>(rest);
    fresh.marks = static_cast<u16>(d.marks & ends_of_a_write);
    fresh.queue = d.queue;
    d.queue = chunks.name(fresh);
    d.body_length = static_cast<u16>(from);
    d.marks = static_cast<u16>(d.marks & ~ends_of_a_write);
    if (c.send_tail == name) c.send_tail = d.queue;
  } else {
    copy_bytes(fresh.chunk + fresh.body, d.chunk + d.body + d.done, first);
    fresh.seq = d.seq + d.done;
    fresh.body_length = static_cast<u16>(first);
    fresh.queue = name;
    d.seq += from;
    d.body = static_cast<u16>(d.body + from);
    d.body_length = static_cast<u16>(rest);
    d.done = 0;
    const u32 fresh_name = chunks.name(fresh);
    if (c.send_head == name) {
      c.send_head = fresh_name;
    } else {
      buffer::descriptor* before = chunks.named(c.send_head);
      while (before->queue != name) before = chunks.named(before->queue);
      before->queue = fresh_name;
    }
    if (c.send_next == name) c.send_next = fresh_name;
  }
  for (buffer::descriptor* part : {&d, &fresh}) {
    part->sum = ones_sum({part->chunk + part->body, part->body_length});
    part->marks = static_cast<u16>(part->marks | mark_sum_known);
  }
  occupy(c, fresh);
  if constexpr (corks_itself<typename C::coalescing>) c.last_down.name = 0;
  buffer::descriptor& front = second_moves ? d : fresh;
  below.observe({.what = trace::step::split, .bytes = first, .seq = front.seq, .chunk = chunks.name(front), .connection = index_of(c) + 1});
  return &front;
}

/// The same bytes in another chunk: for a retransmission of what the NIC has not let go after a whole RTO.
template <config C> template <class B> STRATA_OFF_PATH sent layer<C>::transmit_copy(B&& below, connection& c, buffer::descriptor& d, time_point now) {
  packet p = below.take();
  if (!p) {
    ++counters_.no_chunk;
    return sent::dropped;
  }
  const u32 length = static_cast<u32>(d.body_length) - d.done;
  p.restart(body_offset(below));
  const u32 sum = copy_and_sum(p.room().data(), d.chunk + d.body + d.done, length);
  p.extend(length);
  u8 flags = wire::tcp::flag::ack;
  if ((d.marks & mark_push) != 0) flags |= wire::tcp::flag::psh;
  if (d.queue == 0 && c.fin_sent) flags |= wire::tcp::flag::fin;
  ++counters_.retransmit_copies;
  emit_header(below, c, p, serial32{d.seq} + d.done, flags, sum, now);
  const sent what = send_seldom(below, c.way, p);
  if (what != sent::full) ++counters_.out_segments;
  return what;
}

}  // namespace strata::inline STRATA_ABI::tcp
