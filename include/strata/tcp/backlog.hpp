// SPDX-License-Identifier: MIT
// A thread that copies many bytes holds the connection's owner word and not the stack's lock: others go on with all other connections. Linux: lock_sock,
// release_sock, sk_add_backlog. Only where C::exclusion is shared. Included by layer.hpp.
//
//   under the lock: places, the word --> without it: the bytes --> under the lock: queue them, the word is free, then the backlog, then what was deferred
//
// The word is taken and given back under the lock, and nobody waits for it under the lock. What meets it meanwhile:
//   segments        wait in the backlog, in order, at most `backlog_segments`; beyond it, or when chunks are short, they are dropped and counted
//   timers          stay armed and are looked at again at release. Linux: tcp_release_cb
//   the turn        no event is told, no ACK decided, nothing sent: the connection leaves the list of the turn and joins it again at release
//   ICMP errors     are dropped and counted, as by Linux: their cause tells them again
//   calls           of a thread without the lock wait for the word before they come here; one that holds the lock (a handler, a lock() scope) cannot: send and
//                   receive say would_block, and an event follows; close, shutdown and abort are done at release
// So nothing ends the connection meanwhile: its generation at end_send() and end_receive() is that of their begin.
#pragma once
#include <strata/tcp/layer.hpp>

namespace strata::inline STRATA_ABI::tcp {

template <config C> bool layer<C>::is_anything_owned() const requires is_shared<C> {
  for (u32 i = 0; i < fresh_; ++i)
    if (tcbs_[i].word.is_held) return true;
  return false;
}

template <config C> template <class B>
expected<std::size_t, send_error> layer<C>::begin_send(B&& below, connection_id id, std::span<const std::byte> bytes, apart& places, send_flags flags,
                                                       time_point now) requires is_shared<C> {
  connection* const c = find(id);
  if (const send_error e = may_write(below, c); e != send_error::none) return e;
  // What waits at the tail is filled first, as by send(): the segments are the same.
  buffer::pool& chunks = below.chunks();
  const std::size_t wanted = bytes.size();
  if (const std::size_t room = unsent_room(*c); room < wanted) bytes = bytes.first(room);
  std::size_t n = 0;
  if constexpr (has_slots) {
    u32 room = 0;
    if (outgrows_slot(chunks, *c, bytes.size())) (void)move_to_chunk(below, *c, *chunks.named(c->send_tail), room);
  }
  if (tail_takes(chunks, *c, 1)) {
    const buffer::descriptor& tail = *chunks.named(c->send_tail);
    const u32 room = size_of(chunks, tail) - (static_cast<u32>(tail.body) + tail.body_length), rest = u32{c->mss} - tail.body_length;
    const u32 first = smaller_of(room, rest);
    n = append(below, *c, bytes.first(smaller_of(bytes.size(), first)));
  }
  places.make_sums(!buffer::leaves_checksum(below, c->way.link));
  const u32 most = smaller_of(chunk_limit(below), c->mss);
  for (std::size_t left = bytes.size() - n; left != 0 && !places.is_full() && c->send_count + places.count() * charge_of_a_chunk + charge_of_a_chunk <= send_quota;) {
    packet p = may_take_chunk(*c) ? below.take() : packet{};
    if (!p) {
      ++counters_.no_chunk;
      if constexpr (C::writes.fair) stand_in_line(*c);
      break;
    }
    p.restart(body_offset(below));
    const u32 take = static_cast<u32>(smaller_of<std::size_t>(left, most));
    buffer::descriptor& d = *p.detach();  // the application's bit stays, until end_send()
    places.add(d.chunk + d.offset, take, chunks.name(d));
    left -= take;
  }
  if (places.count() != 0) {
    c->word.is_held = true;
    return n;
  }
  c->wants_write = n < wanted;
  if (n == 0) return send_error::would_block;
  end_write(below.chunks(), *c, n == wanted, flags);
  push(below, *c, flags, now);
  return n;
}

template <config C> template <class B>
void layer<C>::end_send(B&& below, connection_id id, apart& places, bool comes_short, send_flags flags, time_point now) requires is_shared<C> {
  connection* const c = find(id);
  STRATA_EXPECTS(c != nullptr && is_held(*c));
  for (const apart::place& p : places.places()) {
    buffer::descriptor& d = *below.chunks().named(p.name);
    enqueue_written(below.chunks(), *c, packet::adopt(d, buffer::owner::application), p.bytes, p.sum, !places.makes_sums());
    below.observe({.what = trace::step::append, .bytes = p.bytes, .seq = d.seq, .chunk = p.name, .connection = index_of(*c) + 1});
  }
  if (comes_short) c->wants_write = true;
  end_write(below.chunks(), *c, !comes_short, flags);
  push(below, *c, flags, now);
  release_word(below, *c, now);
}

template <config C> template <class B>
expected<std::size_t, receive_error> layer<C>::begin_receive(B&& below, connection_id id, std::span<std::byte> to, apart& places, time_point now)
  requires is_shared<C>
{
  connection* const c = find(id);
  if (c == nullptr || is_held(*c) || c->unread < C::exclusion::copied_apart) return receive(below, id, to, now);
  std::size_t room = to.size();
  for (const buffer::descriptor* d = below.chunks().named(c->receive_head); d != nullptr && room != 0 && !places.is_full(); d = below.chunks().named(d->queue)) {
    const u32 left = static_cast<u32>(d->body_length) - d->done, take = static_cast<u32>(smaller_of<std::size_t>(room, left));
    places.add(d->chunk + d->body + d->done, take, below.chunks().name(*d));
    room -= take;
  }
  c->word.is_held = true;
  return std::size_t{0};
}

template <config C> template <class B> void layer<C>::end_receive(B&& below, connection_id id, apart& places, time_point now) requires is_shared<C> {
  connection* const c = find(id);
  STRATA_EXPECTS(c != nullptr && is_held(*c));
  drop_received(below, *c, places.bytes());
  release_word(below, *c, now);
}

/// Remembers what a timer or a call wants of a connection that is held.
template <config C> bool layer<C>::defer(connection& c, u8 what) requires is_shared<C> {
  ++backlog_counters_.deferred;
  c.word.deferred = static_cast<u8>(c.word.deferred | what);
  return true;
}

/// A segment whose checksum is good, for a connection that is held. Linux: tcp_add_backlog.
template <config C> template <class B> STRATA_OFF_PATH void layer<C>::put_in_backlog(B&& below, connection& c, packet& p) requires is_shared<C> {
  if (c.word.count >= C::exclusion::backlog_segments || below.chunks().available() < limits_.receive_reserve) {
    ++backlog_counters_.dropped;
    return;
  }
  ++backlog_counters_.queued;
  ++c.word.count;
  below.observe({.what = trace::step::backlog, .bytes = static_cast<u32>(p.size()), .connection = index_of(c) + 1});
  buffer::pool& chunks = below.chunks();
  buffer::descriptor& d = *p.detach();
  d.queue = 0;
  if (buffer::descriptor* last = chunks.named(c.word.tail)) last->queue = chunks.name(d);
  else c.word.head = chunks.name(d);
  c.word.tail = chunks.name(d);
}

/// The word is free. What waited is as if it came now, in its order; the connection's turn tells what came of it.
template <config C> template <class B> void layer<C>::release_word(B&& below, connection& c, time_point now) requires is_shared<C> {
  const connection_id id = id_of(c);
  const u8 deferred = std::exchange(c.word.deferred, u8{0});
  c.word.is_held = false;
  process_backlog(below, c, now);
  if ((deferred & owner_word::timer) != 0) on_timer(below, c, now);
  if ((deferred & owner_word::readable) != 0 && c.unread != 0 && c.state != state::closed) raise(c, stream_events::readable);
  if ((deferred & owner_word::shutdown_send) != 0) (void)shutdown_send(below, id, now);
  if constexpr (C::shutdown_receive) {
    if ((deferred & owner_word::shutdown_receive) != 0) (void)shutdown_receive(below, id, now);
  }
  if ((deferred & owner_word::abort) != 0) (void)abort(below, id, now);
  else if ((deferred & owner_word::close) != 0) (void)close(below, id, now);
  add_to_turn(c);
}

template <config C> template <class B> void layer<C>::process_backlog(B&& below, connection& c, time_point now) requires is_shared<C> {
  buffer::pool& chunks = below.chunks();
  const pair who = pair_of(c);
  c.word.tail = c.word.count = 0;
  for (u32 at = std::exchange(c.word.head, 0); at != 0;) {
    buffer::descriptor& d = *chunks.named(at);
    at = d.queue;
    packet p = packet::adopt(d, buffer::owner::holder);
    wire::tcp header;
    (void)wire::tcp::read(p.bytes(), header);  // it was read before
    const auto info = info_type{.local = who.local, .remote = who.remote, .protocol = protocol, .link = d.link};
    recent_ = index_of(c) + 1;
    if (!is_between(c, info, header)) find_recent(who.local, who.local_port, who.remote, who.remote_port);  // one before it was a reset
    const u32 size = static_cast<u32>(buffer::received_bytes<B>(p));
    const auto process = [&] {
      if constexpr (buffer::may_be_trains<B>)
        if (buffer::is_joined(p.d())) return on_train(below, info, header, p, size, now);
      if (C::header_prediction && recent_ != 0 && is_expected(tcbs_[recent_ - 1], header, p.bytes(), size)) on_expected(below, tcbs_[recent_ - 1], p, header, size, now);
      else on_other(below, info, header, p, now);
    };
    process();
    buffer::drop_train(p);
  }
}

}  // namespace strata::inline STRATA_ABI::tcp
