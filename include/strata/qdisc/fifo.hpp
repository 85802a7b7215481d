// SPDX-License-Identifier: MIT
// First in, first out, up to a number of packets; what comes beyond is refused and counted. Linux: pfifo.
#pragma once
#include <strata/qdisc/discipline.hpp>

namespace strata::inline STRATA_ABI::qdisc {

template <u32 Limit> struct fifo_of {
  static_assert(Limit > 0, "a queue of no packet is qdisc::direct");

  template <class C> class of {
   public:
    static constexpr bool is_direct = false;
    static constexpr u32 limit = Limit;  ///< packets

    /// The packet at the tail, or false when `limit` are waiting: it stays the caller's.
    [[nodiscard]] bool enqueue(packet& p) {
      if (waiting_.size() >= limit) {
        ++drops_;
        return false;
      }
      waiting_.push(std::move(p));
      return true;
    }
    /// The packet at the head, still owner::qdisc; an empty handle if none waits.
    [[nodiscard]] packet dequeue(buffer::pool& chunks) { return waiting_.pop(chunks); }
    void clear(buffer::pool& chunks) { waiting_.clear(chunks); }

    [[nodiscard]] u32 size() const { return waiting_.size(); }  ///< packets
    [[nodiscard]] u32 drops() const { return drops_; }

   private:
    buffer::list<&buffer::descriptor::below, buffer::owner::qdisc> waiting_{};
    u32 drops_ = 0;
  };
};

/// As long as the queue of a Linux interface (txqueuelen).
using fifo = fifo_of<1000>;

}  // namespace strata::inline STRATA_ABI::qdisc
