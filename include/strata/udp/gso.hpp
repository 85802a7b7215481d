// SPDX-License-Identifier: MIT
// Many datagrams of one size by one call: they leave as a train, behind one header, once the way is known. Linux: UDP_SEGMENT. Included by
// layer.hpp.
#pragma once
#include <strata/buffer/train.hpp>
#include <strata/udp/layer.hpp>

namespace strata::inline STRATA_ABI::udp {

template <config C>
auto layer<C>::send_to(network<address, path> auto&& below, connection_id id, std::span<const std::byte> bytes, const endpoint& to, segment_size size) -> expected<std::size_t, send_error>
  requires(C::gso_max_size != 0)
{
  socket* s = find(id);
  if (s == nullptr) return send_error::stale;
  if (size.bytes == 0) return send_error::bad_options;
  if (bytes.size() <= size.bytes) return send_to(below, id, bytes, to);
  if (bytes.size() > C::gso_max_size) return send_error::too_big;
  if (const send_error e = ready(below, *s, size.bytes, to); e != send_error::none) return e;
  // The first datagrams find the way.
  std::size_t before = 0;
  while (bytes.size() - before <= size.bytes || below.train_limit(std::as_const(s->way)) < bytes.size() - before) {
    const std::size_t left = bytes.size() - before;
    const auto went = send_to(below, id, bytes.subspan(before, left < size.bytes ? left : size.bytes), to);
    if (!went && before == 0) return went.error();
    if (!went) return before;
    before += *went;
    if (before == bytes.size()) return before;
  }
  packet head;
  buffer::descriptor* last = nullptr;
  u32 parts = 0;
  for (std::size_t n = before; n < bytes.size(); n += size.bytes, ++parts) {
    packet p = chunk(below);
    const std::size_t left = bytes.size() - n, take = left < size.bytes ? left : size.bytes;
    if (!p || p.room().size() < take) {
      buffer::drop_train(head);
      if (before != 0) return before;
      return p ? send_error::too_big : send_error::would_block;
    }
    if (buffer::leaves_checksum(below, s->way.link)) copy_bytes(p.room().data(), bytes.data() + n, take), p->sum = 0;
    else p->sum = copy_and_sum(p.room().data(), bytes.data() + n, take);
    p.extend(take);
    p->body = static_cast<u16>(p->offset + header_size);
    p->body_length = static_cast<u16>(take);
    buffer::descriptor* const d = &p.d();
    if (!head) {
      head = std::move(p);
    } else {
      p.pull(header_size);  // it stands in front of the head alone
      buffer::couple(*last, std::move(p));
    }
    last = d;
  }
  // The parts outlive a refusal: then they are dropped here.
  packet kept = head.share(buffer::owner::send_queue);
  const u32 sum = head->sum;
  const auto went = post(below, *s, std::move(head), to, sum);
  if (!went) {
    packet first = packet::adopt(kept.d(), buffer::owner::application);
    buffer::drop_parts(first);
    (void)first.detach();
    if (before != 0) return before;
    return went.error();
  }
  count_.out_datagrams += parts - 1;
  return bytes.size();
}

}  // namespace strata::inline STRATA_ABI::udp
