// SPDX-License-Identifier: MIT
// Received trains of UDP: datagrams of one flow and size behind one header (buffer/train.hpp; Linux: UDP_SEGMENT). Where they are cut in chunks has nothing to do
// with where they begin, so each is copied to a chunk of its own. Nothing of it is compiled where no driver hands up trains.
#pragma once
#include <strata/buffer/train.hpp>

namespace strata::inline STRATA_ABI::udp {

/// f(packet&&) for each datagram of the train `head`, whose header is pulled. False: the chunks ran down to `keep`, or a datagram is longer than one, and the rest is lost.
template <class F> bool each_datagram(buffer::pool& chunks, const buffer::descriptor& head, u32 keep, F&& f) {
  u32 left = buffer::train_bytes(head), at = 0;  // of the train; in `from`
  const u32 size = head.segment_size != 0 ? head.segment_size : left;
  if (size > chunks.chunk_size()) return false;
  for (const buffer::descriptor* from = &head; left != 0;) {
    packet one = chunks.available() > keep ? chunks.take_receive(0) : packet{};
    if (!one) return false;
    for (u32 wanted = size < left ? size : left; wanted != 0;) {
      if (at == from->length) {
        from = chunks.named(from->train);
        at = 0;
        continue;
      }
      const u32 rest = from->length - at, n = wanted < rest ? wanted : rest;
      copy_bytes(one.room().data(), from->chunk + from->offset + at, n);
      one.extend(n);
      at += n, wanted -= n, left -= n;
    }
    one->link = head.link;
    f(std::move(one));
  }
  return true;
}

}  // namespace strata::inline STRATA_ABI::udp
