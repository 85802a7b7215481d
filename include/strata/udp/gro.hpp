// SPDX-License-Identifier: MIT
// Datagrams of one peer and size that wait behind one header: a train that a driver handed up (buffer/train.hpp; the peer's UDP_SEGMENT), or, where `gro` of the
// Config is true, datagrams of one batch that were joined here. Nothing of it is compiled where neither can be. Included by layer.hpp.
//
//   a socket with option::gro   gets all of them as one view, in the chunks that they came in, and is told how long each is (Linux: UDP_GRO)
//   any other                   gets one after the other, where it lies; one that begins in one chunk and ends in the next is gathered in a chunk of its own when
//                               it is peeked at, and copied straight to the application by receive()
//
// Of the head of a train that waits: `body_length` is how many bytes of it are unread, `below` and `body` say in which part, and where in it, the next datagram begins,
// `seq` names the chunk that it was gathered in.
#pragma once
#include <strata/buffer/train.hpp>
#include <strata/udp/layer.hpp>

namespace strata::inline STRATA_ABI::udp {

[[nodiscard]] inline u32 next_size(const buffer::descriptor& head) { return head.segment_size < head.body_length ? head.segment_size : head.body_length; }
/// f(bytes) for each piece of the next `n` bytes. Moves the place of the next datagram behind them if `moves`.
template <class F> void each_piece(buffer::descriptor& head, u32 n, bool moves, F&& f) {
  buffer::descriptor* part = head.home->named(head.below);
  u32 at = head.body;
  while (n != 0) {
    const u32 rest = part->length - at, take = n < rest ? n : rest;
    if (take == 0) {
      part = head.home->named(part->train);
      at = 0;
      continue;
    }
    f(std::span<const std::byte>{part->chunk + part->offset + at, take});
    at += take, n -= take;
  }
  if (!moves) return;
  head.below = head.home->name(*part);
  head.body = static_cast<u16>(at);
}
/// Copies of the next `n` bytes what fits. How many.
inline std::size_t copy_next(buffer::descriptor& head, u32 n, std::span<std::byte> to) {
  std::size_t done = 0;
  each_piece(head, n < to.size() ? n : static_cast<u32>(to.size()), false, [&](std::span<const std::byte> piece) {
    copy_bytes(to.data() + done, piece.data(), piece.size());
    done += piece.size();
  });
  return done;
}
inline void drop_gathered(buffer::descriptor& head) {
  if (buffer::descriptor* const d = head.home->named(std::exchange(head.seq, 0u)); d != nullptr) packet::adopt(*d, buffer::owner::holder).reset();
}

/// A train for a socket, `p` at its payload: it waits as it is. Linux: udp_queue_rcv_skb, udp_rcv_segment.
template <config C> std::optional<socket_event> layer<C>::keep_train(network<address, path> auto&& below, packet& p, u32 index, const endpoint& there) {
  socket& s = anchored(sockets_[index]);
  buffer::descriptor& head = p.d();
  u32 bytes = buffer::train_bytes(head);
  if (head.segment_size == 0) head.segment_size = static_cast<u16>(bytes);  // one datagram, longer than a chunk
  const u32 size = head.segment_size;
  u32 count = bytes == 0 ? 1 : (bytes + size - 1) / size;
  if (!s.wants_trains) {
    const u32 room = queue_limit - s.unread.size() - s.behind;
    if (size > below.chunks().chunk_size() && count != 1) return ++count_.mem_errors, std::nullopt;  // no view could hold one
    if (count > room) count_.rcvbuf_errors += count - room, count = room, bytes = room * size;
  }
  const bool is_long = count == 1 && size > below.chunks().chunk_size();  // put together of fragments: it is read in the pieces that came
  head.done = s.wants_trains || is_long ? joined_is::whole : joined_is::apart;
  head.body_length = static_cast<u16>(bytes);
  head.below = head.home->name(head);
  head.body = 0;
  head.seq = 0;
  note(below, trace::step::deliver, p, index + 1);
  s.from[(s.first + s.unread.size()) % queue_limit] = there;
  s.unread.push(std::move(p));
  s.behind = static_cast<u16>(s.behind + count - 1);
  count_.in_datagrams += count;
  return tell(below, index, s.wants_trains ? 1 : count);
}

/// A datagram joins the last unread one, which nobody has been told of yet. Linux: udp_gro_receive.
template <config C> bool layer<C>::join(network<address, path> auto&& below, packet& p, socket& s, const endpoint& there) requires(joins) {
  if (s.untold.count == 0 || p.size() == 0 || s.from[(s.first + s.unread.size() - 1) % queue_limit] != there) return false;
  buffer::pool& chunks = below.chunks();
  buffer::descriptor& head = *s.unread.back(chunks);
  if (head.done == joined_is::whole || (head.segment_size != 0 && head.done != joined_is::growing)) return false;
  const bool is_first = head.done != joined_is::growing;
  const u32 size = is_first ? head.length : head.segment_size, bytes = is_first ? head.length : head.body_length;
  buffer::descriptor& last = is_first ? head : *chunks.named(head.seq);
  if (p.size() > size || last.length != size || bytes + p.size() > 0xffff) return false;
  if constexpr (sizeof(void*) < 8)  // the link of a train and the lender share their place
    if (((head.flags | last.flags | p->flags) & buffer::descriptor::borrowed) != 0) return false;
  head.done = joined_is::growing;
  head.segment_size = static_cast<u16>(size);
  head.body_length = static_cast<u16>(bytes + p.size());
  head.seq = chunks.name(p.d());  // the last part
  buffer::couple(last, std::move(p));
  ++s.behind;
  ++count_.in_datagrams;
  return true;
}

/// The event of `n` entries that came for a socket: now, or where datagrams are joined at the end of the batch.
template <config C> std::optional<socket_event> layer<C>::tell(network<address, path> auto&&, u32 index, u32 n) {
  const socket& s = anchored(sockets_[index]);
  if constexpr (joins) {
    if (s.wants_trains) {
      sockets_[index].untold.count = static_cast<u16>(s.untold.count + n);
      untold_.count += n;
      return {};
    }
  }
  return socket_event{.id = {index, s.generation}, .more = static_cast<u16>(n - 1)};
}
template <config C> std::optional<socket_event> layer<C>::next_untold() requires(joins) {
  for (u32 i = 0; untold_.count != 0 && i < socket_limit; ++i) {
    socket& s = anchored(sockets_[i]);
    const u16 n = std::exchange(s.untold.count, u16{0});
    if (n == 0) continue;
    untold_.count -= n;
    return socket_event{.id = {i, s.generation}, .more = static_cast<u16>(n - 1)};
  }
  return {};
}

template <config C> auto layer<C>::peek_joined(network<address, path> auto&& below, socket& s, buffer::descriptor& head)
    -> expected<view_of<decltype(below)>, receive_error> {
  using view = view_of<decltype(below)>;
  const endpoint& from = s.from[s.first];
  if (head.done != joined_is::apart) return view{{{head.chunk + head.offset, head.length}, from}, head.segment_size, buffer::train_spans(head)};
  const u32 n = next_size(head);
  if (head.seq == 0) {
    std::span<const std::byte> whole;
    each_piece(head, n, false, [&](std::span<const std::byte> piece) { if (whole.empty()) whole = piece; });
    if (whole.size() == n) return view{{whole, from}, 0, {}};
    packet own = below.chunks().take_receive(0);
    if (!own) return ++count_.mem_errors, receive_error::would_block;
    own.extend(copy_next(head, n, own.room()));
    head.seq = below.chunks().name(own.d());
    (void)own.detach();
    ++count_.in_gathered;
  }
  const buffer::descriptor& own = *below.chunks().named(head.seq);
  return view{{{own.chunk + own.offset, own.length}, from}, 0, {}};
}
template <config C> auto layer<C>::receive_joined(network<address, path> auto&& below, socket& s, buffer::descriptor& head, std::span<std::byte> to)
    -> expected<received_of<decltype(below)>, receive_error> {
  const bool is_whole = head.done != joined_is::apart;
  if (is_whole) head.below = head.home->name(head), head.body = 0;
  const u32 n = is_whole ? head.body_length : next_size(head);
  const std::size_t copied = copy_next(head, n, to);
  const endpoint from = s.from[s.first];
  const u16 size = is_whole ? head.segment_size : u16{0};
  consume_joined(below.chunks(), s, head);
  return received_of<decltype(below)>{{copied, from, copied < n}, size};
}
/// Done with the oldest datagram, or with all that were one view.
template <config C> void layer<C>::consume_joined(buffer::pool& chunks, socket& s, buffer::descriptor& head) {
  if (head.done == joined_is::apart) {
    drop_gathered(head);
    const u32 n = next_size(head);
    if (n < head.body_length) {
      each_piece(head, n, true, [](std::span<const std::byte>) {});
      head.body_length = static_cast<u16>(head.body_length - n);
      --s.behind;
      return;
    }
  } else if (head.body_length != 0) {
    s.behind = static_cast<u16>(s.behind - (head.body_length - 1u) / head.segment_size);
  }
  packet done = s.unread.pop(chunks);
  buffer::drop_train(done);
  s.first = (s.first + 1) % queue_limit;
}
template <config C> void layer<C>::drop_unread(buffer::pool& chunks, socket& s) {
  while (buffer::descriptor* const head = s.unread.front(chunks)) {
    if (head->segment_size != 0 && head->done == joined_is::apart) drop_gathered(*head);
    packet p = s.unread.pop(chunks);
    if (p->segment_size != 0) buffer::drop_train(p);
  }
  s.behind = 0;
  if constexpr (joins) untold_.count -= std::exchange(s.untold.count, u16{0});
}

template <config C> expected<void, call_error> layer<C>::set(network<address, path> auto&& below, connection_id id, option::gro o) requires(may_be_joined<decltype(below)>) {
  socket* s = find(id);
  if (s == nullptr) return call_error::stale;
  s->wants_trains = o.value;
  return {};
}
template <config C> template <class O> std::optional<O> layer<C>::get(connection_id id) const requires std::same_as<O, option::gro> {
  if (!is_live(id)) return {};
  return O{sockets_[id.index].wants_trains};
}

}  // namespace strata::inline STRATA_ABI::udp
