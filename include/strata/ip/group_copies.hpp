// SPDX-License-Identifier: MIT
// What we send to a group is heard by our own sockets that want it, and what we send to all by all of them: a copy waits for the next turn and comes up as if the link had brought it.
// RFC 1112 §6.1, RFC 919 §6.  Linux: ip_mc_output, dev_loopback_xmit.
#pragma once
#include <strata/buffer/pool.hpp>
#include <strata/core/limits.hpp>

namespace strata::inline STRATA_ABI::ip {

template <class C> class group_copies {
 public:
  /// A copy of `p`, which leaves behind a link header of so many bytes. Nothing if there is no chunk for it, or as many wait as a socket keeps.
  [[nodiscard]] packet made(buffer::pool& chunks, const packet& p, u32 link_header) const {
    packet copy = waiting_.size() < C::limits.datagrams ? buffer::copied(chunks, p.bytes().subspan(link_header), C::limits.receive_reserve) : packet{};
    if (copy) copy->link = p->link, copy->flags = p->flags & buffer::descriptor::checksum_partial;
    return copy;
  }
  void keep(packet&& p) { waiting_.push(std::move(p)); }
  [[nodiscard]] bool is_empty() const { return waiting_.empty(); }

  /// A turn takes what waits when it begins: a handler that answers to itself is no turn without an end. Whether there is some.
  bool begin_turn() {
    left_ = waiting_.size();
    return left_ != 0;
  }
  [[nodiscard]] bool has_more() const { return left_ != 0; }
  /// The next one of this turn.
  [[nodiscard]] packet next(buffer::pool& chunks) {
    if (left_ == 0) return {};
    --left_;
    return waiting_.pop(chunks);
  }
  void clear(buffer::pool& chunks) {
    waiting_.clear(chunks);
    left_ = 0;
  }

 private:
  buffer::list<&buffer::descriptor::queue, buffer::owner::holder> waiting_{};
  u32 left_ = 0;
};

}  // namespace strata::inline STRATA_ABI::ip
